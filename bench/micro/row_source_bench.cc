// Nanoseconds per row of the library's reader on a mixed table, beside bare sqlite3_step, which is
// the least that any reader through the library can take.
#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "engine/sqlite/row_source.h"

namespace lite2pg {
namespace {

constexpr int kRows = 200'000;

void Check(bool ok) {
  if (!ok) std::abort();
}

// Nine columns as an application has them: numbers, a price, names, a date, a flag, a blob.
std::string MakeDatabase(const std::string& encoding) {
  const std::string path = "row_source_bench_" + std::to_string(getpid()) + "_" + encoding + ".db";
  std::remove(path.c_str());
  sqlite3* db = nullptr;
  Check(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const std::string sql =
      "PRAGMA journal_mode=OFF; PRAGMA encoding='" + encoding +
      "'; CREATE TABLE t(id INTEGER PRIMARY KEY, customer INT, price REAL, name TEXT, email TEXT, "
      "created TEXT, paid INT, note TEXT, data BLOB);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(kRows) +
      ") INSERT INTO t SELECT i, i % 5000, i * 0.25, 'customer number ' || i, 'c' || i || "
      "'@example.org', '2024-05-06 07:08:' || printf('%02d', i % 60), i % 2, "
      "CASE WHEN i % 3 THEN printf('%0*d', i % 90, i) END, randomblob(16) FROM n";
  Check(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  return path;
}

class Source {
 public:
  explicit Source(const std::string& encoding) : path_(MakeDatabase(encoding)) {
    absl::StatusOr<SqliteConnection> opened = SqliteConnection::Open(path_, {});
    Check(opened.ok());
    connection_ = std::make_unique<SqliteConnection>(*std::move(opened));
    absl::StatusOr<SourceCatalog> catalog = ReadSourceCatalog(*connection_);
    Check(catalog.ok() && catalog->tables.size() == 1);
    catalog_ = *std::move(catalog);
    reading_ = MakeTableReading(catalog_.tables[0], {0, 1, 2, 3, 4, 5, 6, 7, 8});
  }
  ~Source() { std::remove(path_.c_str()); }

  SqliteConnection& connection() { return *connection_; }
  const TableReading& reading() const { return reading_; }

 private:
  std::string path_;
  std::unique_ptr<SqliteConnection> connection_;
  SourceCatalog catalog_;
  TableReading reading_;
};

void SetCounters(benchmark::State& state) {
  state.counters["ns_per_row"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kRows * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void ReadRowSource(benchmark::State& state, const std::string& encoding) {
  Source source(encoding);
  const std::unique_ptr<RowSource> rows = NewLibraryRowSource(source.connection());
  for (auto _ : state) {
    Check(rows->Open(source.reading(), {}).ok());
    size_t bytes = 0;
    while (true) {
      const absl::StatusOr<std::span<const SourceValue>> row = rows->Next();
      if (row->empty()) break;
      bytes += (*row)[3].size_bytes;
    }
    benchmark::DoNotOptimize(bytes);
  }
  SetCounters(state);
}

void StepOnly(benchmark::State& state) {
  Source source("UTF-8");
  for (auto _ : state) {
    SqliteStatement statement = *source.connection().Prepare("SELECT * FROM t NOT INDEXED");
    while (sqlite3_step(statement.raw()) == SQLITE_ROW) {
    }
  }
  SetCounters(state);
}

BENCHMARK(StepOnly)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ReadRowSource, utf8, "UTF-8")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ReadRowSource, utf16, "UTF-16le")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lite2pg
