#include "engine/command/shared_data.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/chunk_range.h"
#include "engine/pipeline/column_counts_text.h"
#include "engine/pipeline/reject_budget.h"
#include "engine/pipeline/resumed_data.h"
#include "engine/postgres/shares.h"

namespace lite2pg {
namespace {

// Each round that is not the last one was left by at least one process.
constexpr int kRoundsMax = 1000;

// What no chunk has of tables that can be shared.
absl::StatusOr<std::vector<WorkRange>> RestOf(const Plan& plan, SourceSnapshot& snapshot,
                                              const std::vector<ChunkRecord>& chunks) {
  std::map<std::string, std::vector<KeyRange>> done;
  for (const ChunkRecord& chunk : chunks) {
    ASSIGN_OR_RETURN(KeyRange range, DecodeKeyRange(chunk.key_range));
    done[chunk.table].push_back(std::move(range));
  }
  std::vector<WorkRange> rest;
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& table = plan.tables[i];
    if (!IsShareable(table)) continue;
    std::vector<KeyRange> left(1);
    if (const auto found = done.find(table.source->name); found != done.end()) {
      ASSIGN_OR_RETURN(left, RemainingRanges(snapshot.reader(0), table.reading,
                                             std::move(found->second)));
    }
    for (KeyRange& range : left) {
      WorkRange work;
      work.table = static_cast<int>(i);
      work.range = std::move(range);
      work.weight_bytes = table.bytes / left.size();
      rest.push_back(std::move(work));
    }
  }
  return rest;
}

absl::Status AddChunksOfOthers(PgConnection& connection, const Plan& plan, const Ledger& ledger,
                               std::vector<LoadedTable>* loaded) {
  const RunShares shares(ledger);
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < plan.tables.size(); ++i) index[plan.tables[i].source->name] = i;
  const auto damaged = [](const std::string& table) {
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("the ledger's record of what others have loaded into ",
                                  EscapeName(table), " is damaged"),
                     "--restart drops what was loaded and starts over");
  };
  ASSIGN_OR_RETURN(const std::vector<ChunkRecord> chunks, shares.ReadChunksOfOthers(connection));
  for (const ChunkRecord& chunk : chunks) {
    const auto found = index.find(chunk.table);
    if (found == index.end()) return damaged(chunk.table);
    std::vector<ColumnCounts> counts(plan.tables[found->second].columns.size());
    if (!DecodeCounts(chunk.counts, &counts)) return damaged(chunk.table);
    LoadedTable& table = (*loaded)[found->second];
    table.digest.Add(chunk.digest);
    table.bytes += chunk.bytes;
    table.counts.resize(counts.size());
    for (size_t i = 0; i < counts.size(); ++i) table.counts[i].Add(counts[i]);
  }
  ASSIGN_OR_RETURN(const std::vector<RejectCount> rejects, shares.CountRejectsOfOthers(connection));
  for (const RejectCount& reject : rejects) {
    const auto found = index.find(reject.table);
    if (found == index.end()) return damaged(reject.table);
    (*loaded)[found->second].rows_rejected += reject.rows;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<LoadedTable>> LoadTogether(const Plan& plan, SourceSnapshot& snapshot,
                                                      const Ledger& ledger,
                                                      const CopyOptions& options, SharedWork* work,
                                                      EventSink& events, CancelToken& cancel) {
  CopyOptions round = options;
  round.shared = work;
  ResumedData rest;
  for (int i = 0; i < kRoundsMax; ++i) {
    ASSIGN_OR_RETURN(std::vector<LoadedTable> loaded,
                     CopyTables(plan, snapshot, ledger, round, events, cancel));
    if (!work->had_members) return loaded;
    LITE2PG_FAILPOINT("share.round.done");
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options.connect));
    RETURN_IF_ERROR(RunShares(ledger).Clear(connection));
    ASSIGN_OR_RETURN(const std::vector<ChunkRecord> chunks, ledger.ReadChunks(connection));
    ASSIGN_OR_RETURN(rest.ranges, RestOf(plan, snapshot, chunks));
    if (rest.ranges.empty()) {
      RETURN_IF_ERROR(AddChunksOfOthers(connection, plan, ledger, &loaded));
      // Each of them has looked at its own only.
      RejectBudget budget(options.policy, plan);
      for (size_t t = 0; t < loaded.size(); ++t) budget.Commit(t, loaded[t].rows_rejected);
      for (size_t t = 0; t < loaded.size(); ++t) {
        if (loaded[t].rows_rejected > 0) RETURN_IF_ERROR(budget.Check(t, 0, nullptr));
      }
      return loaded;
    }
    for (const ChunkRecord& chunk : chunks) {
      if (chunk.chunk < kMemberChunks) {
        rest.next_chunk = std::max(rest.next_chunk, chunk.chunk + 1);
      }
    }
    rest.loaded = std::move(loaded);
    round.resumed = &rest;
  }
  return MakeError(ErrorCode::kInterrupted, ExitCode::kInterrupted,
                   "processes that joined the run were lost again and again");
}

Finding JoinedFinding(const SharedWork& work) {
  Finding finding;
  finding.severity = Severity::kInfo;
  finding.code = ErrorCode::kJoined;
  finding.message = absl::StrCat("other processes took part in the load, on ",
                                 EscapeForMessage(absl::StrJoin(work.hosts, ", ")));
  return finding;
}

}  // namespace lite2pg
