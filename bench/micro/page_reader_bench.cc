// CPU of reading, encoding and hashing a table on one core, through SQLite's library and from its
// pages, for four shapes of tables; and of the plan's scan. The file is in the page cache. What to
// compare is the two readers of one run: docs/page-reader.md has the ratios.
#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "coercion/row_encoder.h"
#include "engine/plan/table_scan.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {
namespace {

constexpr int kRows = 300'000;

void Check(bool ok) {
  if (!ok) std::abort();
}

struct Shape {
  const char* name;
  const char* columns;
  const char* values;  // of row i
  std::vector<ColumnCodec> (*codecs)();
};

ColumnCodec Codec(Oid oid, int32_t typmod = -1) {
  return *BindColumn(BuiltinType(oid, typmod), ReadingRules{});
}

const Shape kShapes[] = {
    {"mixed",
     "id INTEGER PRIMARY KEY, customer INT, price REAL, name TEXT, email TEXT, created TEXT, "
     "paid INT, note TEXT, data BLOB",
     "i, i % 5000, i * 0.25, 'customer number ' || i, 'c' || i || '@example.org', "
     "'2024-05-06 07:08:' || printf('%02d', i % 60), i % 2, "
     "CASE WHEN i % 3 THEN printf('%0*d', i % 90, i) END, randomblob(16)",
     [] {
       return std::vector<ColumnCodec>{
           Codec(kOidInt8), Codec(kOidInt8), Codec(kOidFloat8), Codec(kOidText), Codec(kOidText),
           Codec(kOidTimestamp), Codec(kOidInt8), Codec(kOidText), Codec(kOidBytea)};
     }},
    {"narrow", "id INTEGER PRIMARY KEY, a INT, b INT", "i, i % 1000, i * 7",
     [] {
       return std::vector<ColumnCodec>{Codec(kOidInt8), Codec(kOidInt8), Codec(kOidInt8)};
     }},
    {"wide_text", "id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT",
     "i, printf('%0700d', i), printf('%0400d', i), printf('%0300d', i)",
     [] {
       return std::vector<ColumnCodec>{Codec(kOidInt8), Codec(kOidText), Codec(kOidText),
                                       Codec(kOidText)};
     }},
    {"lineitem",
     "l_orderkey INT, l_partkey INT, l_suppkey INT, l_linenumber INT, l_quantity REAL, "
     "l_extendedprice REAL, l_discount REAL, l_tax REAL, l_returnflag TEXT, l_linestatus TEXT, "
     "l_shipdate TEXT, l_commitdate TEXT, l_receiptdate TEXT, l_shipinstruct TEXT, "
     "l_shipmode TEXT, l_comment TEXT",
     "i / 4, i * 7 % 200000, i % 10000, i % 7, i % 50, i * 13.37, (i % 11) / 100.0, "
     "(i % 9) / 100.0, 'N', 'O', '1996-03-13', '1996-02-12', '1996-03-22', 'DELIVER IN PERSON', "
     "'TRUCK', 'egular courts above the ' || i",
     [] {
       std::vector<ColumnCodec> codecs(4, Codec(kOidInt8));
       for (int i = 0; i < 4; ++i) codecs.push_back(Codec(kOidFloat8));
       for (int i = 0; i < 2; ++i) codecs.push_back(Codec(kOidText));
       for (int i = 0; i < 3; ++i) codecs.push_back(Codec(kOidDate));
       for (int i = 0; i < 3; ++i) codecs.push_back(Codec(kOidText));
       return codecs;
     }},
};

class Source {
 public:
  Source(const Shape& shape, ReaderChoice reader)
      : path_("page_reader_bench_" + std::to_string(getpid()) + "_" + shape.name + ".db") {
    sqlite3* db = nullptr;
    std::remove(path_.c_str());
    Check(sqlite3_open(path_.c_str(), &db) == SQLITE_OK);
    const std::string sql =
        std::string("PRAGMA journal_mode=OFF; CREATE TABLE t(") + shape.columns +
        "); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(kRows) + ") INSERT INTO t SELECT " + shape.values + " FROM n";
    Check(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    SqliteOpenOptions options;
    options.reader = reader;
    absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
        SourceSnapshot::Open(path_, 1, options);
    Check(snapshot.ok());
    snapshot_ = *std::move(snapshot);
    catalog_ = *ReadSourceCatalog(snapshot_->reader(0));
    std::vector<int> columns;
    for (size_t i = 0; i < table().columns.size(); ++i) columns.push_back(static_cast<int>(i));
    reading_ = MakeTableReading(table(), columns);
  }
  ~Source() { std::remove(path_.c_str()); }

  const SourceTable& table() const { return catalog_.tables[0]; }
  const TableReading& reading() const { return reading_; }
  SourceSnapshot& snapshot() { return *snapshot_; }
  int64_t bytes() const { return catalog_.bytes(); }

 private:
  const std::string path_;
  std::unique_ptr<SourceSnapshot> snapshot_;
  SourceCatalog catalog_;
  TableReading reading_;
};

// Calls `take` for each row of the table, once per iteration.
template <typename Take>
void ReadTable(benchmark::State& state, Source& source, const Take& take) {
  const std::unique_ptr<RowSource> rows = source.snapshot().NewRowSource(0);
  int64_t count = 0;
  for (auto _ : state) {
    Check(rows->Open(source.reading(), {}).ok());
    while (true) {
      const absl::StatusOr<std::span<const SourceValue>> row = rows->Next();
      Check(row.ok());
      if (row->empty()) break;
      take(*row, *rows);
      ++count;
    }
  }
  Check(count == state.iterations() * kRows);
  state.SetItemsProcessed(count);
  state.SetBytesProcessed(state.iterations() * source.bytes());
}

void Read(benchmark::State& state, const Shape& shape, ReaderChoice reader) {
  Source source(shape, reader);
  size_t bytes = 0;
  ReadTable(state, source, [&](std::span<const SourceValue> row, const RowSource&) {
    bytes += row.back().size_bytes;
  });
  benchmark::DoNotOptimize(bytes);
}

void ReadEncodeHash(benchmark::State& state, const Shape& shape, ReaderChoice reader) {
  Source source(shape, reader);
  const std::vector<ColumnCodec> codecs = shape.codecs();
  RowEncoder encoder(codecs);
  FieldBuffer out(size_t{2} << 20);
  ReadTable(state, source, [&](std::span<const SourceValue> row, const RowSource&) {
    if (out.size() > size_t{1} << 20) out.Clear();
    Check(encoder.Encode(row, &out).outcome == Outcome::kOk);
  });
}

void Scan(benchmark::State& state, const Shape& shape, ReaderChoice reader) {
  Source source(shape, reader);
  std::vector<CandidateList> candidates;
  for (const SourceColumn& column : source.table().columns) {
    candidates.push_back(CandidatesFor(column));
  }
  TableScanner scanner(candidates);
  ReadTable(state, source, [&](std::span<const SourceValue> row, const RowSource& rows) {
    scanner.Add(row, rows);
  });
}

void RegisterAll() {
  using Function = void (*)(benchmark::State&, const Shape&, ReaderChoice);
  const std::pair<const char*, Function> functions[] = {
      {"read", Read}, {"read_encode_hash", ReadEncodeHash}, {"scan", Scan}};
  const std::pair<const char*, ReaderChoice> readers[] = {{"library", ReaderChoice::kLibrary},
                                                          {"pages", ReaderChoice::kPages}};
  for (const auto& [what, function] : functions) {
    for (const Shape& shape : kShapes) {
      for (const auto& [reader_name, reader] : readers) {
        const std::string name = std::string(what) + "/" + shape.name + "/" + reader_name;
        benchmark::RegisterBenchmark(
            name.c_str(), [function = function, &shape, reader = reader](benchmark::State& state) {
              function(state, shape, reader);
            })->Unit(benchmark::kMillisecond);
      }
    }
  }
}

[[maybe_unused]] const bool kRegistered = [] {
  RegisterAll();
  return true;
}();

}  // namespace
}  // namespace lite2pg
