#include "engine/verify/read_back.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/first_error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"
#include "engine/verify/row_hash.h"

namespace lite2pg {
namespace {

// Blocks of a table that one COPY reads: 64 MiB at PostgreSQL's default block size.
constexpr int64_t kBlocksPerPart = 8192;

// Tables that are read in one transaction, which keeps locks on all of them and their indexes: a
// server with its default settings has room for about 6,400 locks.
constexpr size_t kTablesPerSnapshot = 500;

// A contiguous run of blocks of one table; last < 0: to the end.
struct Part {
  size_t table = 0;
  int64_t first = 0;
  int64_t last = -1;
};

std::string QueryOf(const TablePlan& table, const Part& part) {
  std::string query =
      absl::StrCat("SELECT ", table.ReadColumns(""), " FROM ", table.LoadTarget());
  if (part.first > 0 || part.last >= 0) {
    absl::StrAppend(&query, " WHERE ctid >= '(", part.first, ",0)'::pg_catalog.tid");
    if (part.last >= 0)
      absl::StrAppend(&query, " AND ctid < '(", part.last, ",0)'::pg_catalog.tid");
  }
  return query;
}

class ReadBack {
 public:
  ReadBack(const Plan& plan, const ReadBackOptions& options, EventSink& events, CancelToken& cancel)
      : plan_(plan),
        options_(options),
        events_(events),
        cancel_(cancel),
        keys_(plan.tables.size()),
        tables_(plan.tables.size()) {}

  absl::StatusOr<std::vector<TableReadBack>> Run() {
    if (options_.within != nullptr) return RunWithin(*options_.within);
    RETURN_IF_ERROR(OpenConnections(1));
    RETURN_IF_ERROR(FindKeys(connections_[0]));
    for (size_t first = 0; first < plan_.tables.size() && !error_.stopped();
         first += kTablesPerSnapshot) {
      const size_t end = std::min(first + kTablesPerSnapshot, plan_.tables.size());
      RETURN_IF_ERROR(ReadTables(first, end));
    }
    RETURN_IF_ERROR(error_.status());
    return std::move(tables_);
  }

 private:
  absl::StatusOr<std::vector<TableReadBack>> RunWithin(PgConnection& connection) {
    RETURN_IF_ERROR(FindKeys(connection));
    RETURN_IF_ERROR(Cut(connection, 0, plan_.tables.size()));
    {
      const CancelToken::Registration on_cancel = cancel_.OnCancel([&] {
        error_.Set(cancel_.Check());
        connection.Cancel();
      });
      Work(0, connection);
    }
    RETURN_IF_ERROR(error_.status());
    return std::move(tables_);
  }

  // The tables from `first` to before `end`, in one snapshot.
  absl::Status ReadTables(size_t first, size_t end) {
    RETURN_IF_ERROR(OpenConnections(1));
    RETURN_IF_ERROR(connections_[0].BeginSnapshot(""));
    std::string snapshot;
    if (options_.dialect->exported_snapshots) {
      ASSIGN_OR_RETURN(const PgResult exported,
                       connections_[0].Query("SELECT pg_catalog.pg_export_snapshot()"));
      snapshot = std::string(exported.Text(0, 0));
    }
    RETURN_IF_ERROR(Cut(connections_[0], first, end));
    const size_t together = snapshot.empty() ? 1 : static_cast<size_t>(options_.streams);
    const size_t useful = std::min(together, parts_.size());
    RETURN_IF_ERROR(OpenConnections(useful));
    for (size_t i = 1; i < useful; ++i) RETURN_IF_ERROR(connections_[i].BeginSnapshot(snapshot));
    {
      const CancelToken::Registration on_cancel = cancel_.OnCancel([this] {
        error_.Set(cancel_.Check());
        for (PgConnection& connection : connections_) connection.Cancel();
      });
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < useful; ++i) {
        threads.emplace_back([this, i] { Work(static_cast<int>(i), connections_[i]); });
      }
      for (std::jthread& thread : threads) thread.join();
    }
    for (PgConnection& connection : connections_) connection.Rollback();
    return absl::OkStatus();
  }

  absl::Status OpenConnections(size_t count) {
    while (connections_.size() < count) {
      ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options_.connect));
      connections_.push_back(std::move(connection));
    }
    return absl::OkStatus();
  }

  // Asks for the sizes of the tables at once, and fills parts_ anew.
  absl::Status Cut(PgConnection& connection, size_t first, size_t end) {
    parts_.clear();
    next_ = 0;
    if (!options_.dialect->tuple_positions) {
      for (size_t i = first; i < end; ++i) parts_.push_back({i, 0, -1});
      return absl::OkStatus();
    }
    std::vector<std::string> names;
    for (size_t i = first; i < end; ++i) {
      names.push_back(QuoteLiteral(plan_.tables[i].LoadTarget()));
    }
    ASSIGN_OR_RETURN(
        const PgResult sizes,
        connection.Query(absl::StrCat("SELECT pg_catalog.pg_relation_size(t::pg_catalog.regclass) /"
                                      " pg_catalog.current_setting('block_size')::pg_catalog.int8"
                                      " FROM pg_catalog.unnest(ARRAY[",
                                      absl::StrJoin(names, ","),
                                      "]::pg_catalog.text[]) WITH ORDINALITY AS u(t, n)"
                                      " ORDER BY n")));
    for (size_t i = first; i < end; ++i) {
      const int64_t blocks = sizes.Int(static_cast<int>(i - first), 0);
      int64_t at = 0;
      for (; at + 2 * kBlocksPerPart <= blocks; at += kBlocksPerPart) {
        parts_.push_back({i, at, at + kBlocksPerPart});
      }
      parts_.push_back({i, at, -1});
    }
    return absl::OkStatus();
  }

  // From the catalog, where those who compare later will find it.
  absl::Status FindKeys(PgConnection& connection) {
    std::map<std::string, std::vector<std::string>> names;   // by schema
    for (const TablePlan& table : plan_.tables) {
      names[table.load_schema].push_back(table.load_name);
    }
    std::map<std::pair<std::string, std::string>, TargetTable> found;
    for (const auto& [schema, tables] : names) {
      ASSIGN_OR_RETURN(std::vector<TargetTable> targets,
                       ReadTargetTables(connection, schema, tables));
      for (TargetTable& target : targets) {
        found[{target.schema, target.name}] = std::move(target);
      }
    }
    for (size_t i = 0; i < plan_.tables.size(); ++i) {
      const TablePlan& table = plan_.tables[i];
      const auto target = found.find({table.load_schema, table.load_name});
      if (table.is_text_copy() || target == found.end()) continue;
      keys_[i] = UniqueKeyOf(table, target->second);
      PartitionRecord& partitions = tables_[i].partitions;
      for (const size_t column : keys_[i]) {
        partitions.key.push_back(table.columns[column].target_name);
      }
      partitions.digests.resize(PartitionCount(table.rows));
    }
    return absl::OkStatus();
  }

  void Work(int worker, PgConnection& connection) {
    while (!error_.stopped()) {
      const size_t index = next_.fetch_add(1);
      if (index >= parts_.size()) break;
      const absl::Status status = ReadPart(worker, connection, parts_[index]);
      if (!status.ok()) {
        ErrorInfo where;
        where.table = plan_.tables[parts_[index].table].source->name;
        error_.Set(WithContext(status, where));
      }
    }
    events_.timeline.End(worker);
  }

  absl::Status ReadPart(int worker, PgConnection& connection, const Part& part) {
    const TablePlan& table = plan_.tables[part.table];
    events_.timeline.Begin(worker, table.source->name, "", table.rows);
    TableReadBack& whole = tables_[part.table];
    std::vector<Digest> partitions(whole.partitions.digests.size());
    RowHasher hasher(keys_[part.table]);
    Digest digest;
    FieldBuffer scratch;
    uint64_t bytes = 0, rows_told = 0;
    const ExpectedRows* const expected =
        options_.witnesses == nullptr ? nullptr : &options_.witnesses->expected(part.table);
    std::vector<uint64_t> met(expected == nullptr ? 0 : expected->places());
    const auto on_tuple = [&](absl::string_view tuple) -> absl::Status {
      absl::string_view fields;
      if (!CanonicalFields(tuple, table.codecs, &scratch, &fields)) {
        return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                         "the server returned a row that is not in the form of its types");
      }
      const RowHash hash = hasher.Hash(fields);
      const Digest row = DigestOf(hash);
      digest.Add(row);
      if (!partitions.empty()) partitions[PartitionOf(hash, partitions.size())].Add(row);
      if (const int place = met.empty() ? -1 : expected->Find(row); place >= 0) {
        ++met[static_cast<size_t>(place)];
      }
      bytes += tuple.size();
      if (digest.rows - rows_told >= 4096) {
        events_.Moved(worker, digest.rows - rows_told, bytes);
        rows_told = digest.rows;
        bytes = 0;
        if (error_.stopped()) return error_.status();
      }
      return absl::OkStatus();
    };
    ASSIGN_OR_RETURN(const uint64_t rows, CopyOut(connection, QueryOf(table, part), on_tuple));
    (void)rows;
    events_.Moved(worker, digest.rows - rows_told, bytes);
    const std::lock_guard<std::mutex> lock(mutex_);
    whole.digest.Add(digest);
    for (size_t i = 0; i < partitions.size(); ++i) whole.partitions.digests[i].Add(partitions[i]);
    if (options_.witnesses != nullptr) options_.witnesses->Met(part.table, met);
    return absl::OkStatus();
  }

  const Plan& plan_;
  const ReadBackOptions& options_;
  EventSink& events_;
  CancelToken& cancel_;
  std::vector<PgConnection> connections_;
  std::vector<Part> parts_;  // of the tables under way
  std::atomic<size_t> next_{0};
  FirstError error_;
  std::mutex mutex_;
  std::vector<std::vector<size_t>> keys_;
  std::vector<TableReadBack> tables_;
};

}  // namespace

absl::StatusOr<std::vector<TableReadBack>> ReadBackTables(const Plan& plan,
                                                          const ReadBackOptions& options,
                                                          EventSink& events, CancelToken& cancel) {
  return ReadBack(plan, options, events, cancel).Run();
}

std::vector<size_t> UniqueKeyOf(const TablePlan& table, const TargetTable& target) {
  const auto position = [&](const std::string& name) {
    size_t i = 0;
    while (i < table.columns.size() && table.columns[i].target_name != name) ++i;
    return i;
  };
  const auto is_not_null = [&](const std::string& name) {
    return std::any_of(target.columns.begin(), target.columns.end(), [&](const TargetColumn& c) {
      return c.name == name && c.not_null;
    });
  };
  for (const bool primary : {true, false}) {
    for (const TargetIndex& index : target.indexes) {
      if (!index.unique || !index.valid || index.partial || index.primary != primary) continue;
      std::vector<size_t> key;
      for (const std::string& name : index.columns) {
        if (position(name) < table.columns.size() && is_not_null(name)) {
          key.push_back(position(name));
        }
      }
      if (!key.empty() && key.size() == index.columns.size()) return key;
    }
  }
  return {};
}

}  // namespace lite2pg
