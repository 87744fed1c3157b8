#include "engine/verify/read_back.h"

#include <algorithm>
#include <atomic>
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

namespace lite2pg {
namespace {

// Blocks of a table that one COPY reads: 64 MiB at PostgreSQL's default block size.
constexpr int64_t kBlocksPerPart = 8192;

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
        digests_(plan.tables.size()) {}

  absl::StatusOr<std::vector<Digest>> Run() {
    ASSIGN_OR_RETURN(PgConnection first, PgConnection::Connect(options_.connect));
    RETURN_IF_ERROR(first.BeginSnapshot(""));
    ASSIGN_OR_RETURN(const PgResult exported,
                     first.Query("SELECT pg_catalog.pg_export_snapshot()"));
    const std::string snapshot(exported.Text(0, 0));
    RETURN_IF_ERROR(Cut(first));

    std::vector<PgConnection> connections;
    connections.push_back(std::move(first));
    const int wanted = std::min<int>(options_.streams, static_cast<int>(parts_.size()));
    for (int i = 1; i < wanted; ++i) {
      ASSIGN_OR_RETURN(PgConnection another, PgConnection::Connect(options_.connect));
      RETURN_IF_ERROR(another.BeginSnapshot(snapshot));
      connections.push_back(std::move(another));
    }
    {
      const CancelToken::Registration on_cancel = cancel_.OnCancel([&] {
        error_.Set(cancel_.Check());
        for (PgConnection& connection : connections) connection.Cancel();
      });
      std::vector<std::thread> threads;
      for (size_t i = 0; i < connections.size(); ++i) {
        threads.emplace_back([this, worker = static_cast<int>(i), &connection = connections[i]] {
          Work(worker, connection);
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    for (PgConnection& connection : connections) connection.Rollback();
    RETURN_IF_ERROR(error_.status());
    return std::move(digests_);
  }

 private:
  // Asks for the sizes of all tables at once.
  absl::Status Cut(PgConnection& connection) {
    std::vector<std::string> names;
    for (const TablePlan& table : plan_.tables) names.push_back(QuoteLiteral(table.LoadTarget()));
    if (names.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        const PgResult sizes,
        connection.Query(absl::StrCat("SELECT pg_catalog.pg_relation_size(t::pg_catalog.regclass) /"
                                      " pg_catalog.current_setting('block_size')::pg_catalog.int8"
                                      " FROM pg_catalog.unnest(ARRAY[",
                                      absl::StrJoin(names, ","),
                                      "]::pg_catalog.text[]) WITH ORDINALITY AS u(t, n)"
                                      " ORDER BY n")));
    for (size_t i = 0; i < plan_.tables.size(); ++i) {
      const int64_t blocks = sizes.Int(static_cast<int>(i), 0);
      int64_t at = 0;
      for (; at + 2 * kBlocksPerPart <= blocks; at += kBlocksPerPart) {
        parts_.push_back({i, at, at + kBlocksPerPart});
      }
      parts_.push_back({i, at, -1});
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
    Digest digest;
    FieldBuffer scratch;
    uint64_t bytes = 0, rows_told = 0;
    const ExpectedRows* const expected =
        options_.witnesses == nullptr ? nullptr : &options_.witnesses->expected(part.table);
    std::vector<uint64_t> met(expected == nullptr ? 0 : expected->places());
    const auto on_tuple = [&](absl::string_view tuple) -> absl::Status {
      Digest row;
      if (!AddTupleToDigest(tuple, table.codecs, &scratch, &row)) {
        return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                         "the server returned a row that is not in the form of its types");
      }
      digest.Add(row);
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
    digests_[part.table].Add(digest);
    if (options_.witnesses != nullptr) options_.witnesses->Met(part.table, met);
    return absl::OkStatus();
  }

  const Plan& plan_;
  const ReadBackOptions& options_;
  EventSink& events_;
  CancelToken& cancel_;
  std::vector<Part> parts_;
  std::atomic<size_t> next_{0};
  FirstError error_;
  std::mutex mutex_;
  std::vector<Digest> digests_;
};

}  // namespace

absl::StatusOr<std::vector<Digest>> ReadBackTables(const Plan& plan, const ReadBackOptions& options,
                                                   EventSink& events, CancelToken& cancel) {
  return ReadBack(plan, options, events, cancel).Run();
}

}  // namespace lite2pg
