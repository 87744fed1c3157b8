// copy --join: a process that loads a part of a run which another one leads (docs/distributed.md).
//
// It makes the plan as the leader did, from the same file, and must come to the same one; then it
// loads the ranges that it is given, into the same staged tables and by the same chunks. Everything
// else is the leader's: this process only waits for the end, and ends like the run.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_session.h"
#include "engine/command/resume.h"
#include "engine/command/run_options.h"
#include "engine/command/stage_scope.h"
#include "engine/command/stream_count.h"
#include "engine/pipeline/range_exchange.h"
#include "engine/pipeline/resumed_data.h"
#include "engine/postgres/shares.h"
#include "engine/sqlite/content_hash.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

// How long a run is waited for that is not there yet, has not come to its data, or has nobody who
// leads it.
constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kPause = std::chrono::milliseconds(200);
constexpr auto kEndPause = std::chrono::milliseconds(700);
// Shorter beginnings of a run's id say too little.
constexpr size_t kRunPrefixMin = 6;
// How often a run may be resumed while we stay with it.
constexpr int kRejoinMax = 100;

absl::Status Refused(const std::string& run, const std::string& what, absl::string_view hint = "") {
  return MakeError(ErrorCode::kJoinRefused, ExitCode::kCannotResume,
                   absl::StrCat("cannot join run ", run, ": ", what), hint);
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

bool Matches(const RunRecord& run, const CopyRequest& request) {
  if (run.command != "copy" || run.target_schema != request.common.target_schema) return false;
  if (request.join == "latest") return true;
  return request.join.size() >= kRunPrefixMin && absl::StartsWith(run.run_id, request.join);
}

bool IsLoading(const RunRecord& run) {
  return run.state == "active" && run.stage == StageName(Stage::kData);
}

bool MayComeToData(const RunRecord& run) {
  return run.state == "active" && run.stage == StageName(Stage::kPreData);
}

const RunRecord* FindRun(const std::vector<RunRecord>& runs, const std::string& run_id) {
  const auto run = std::find_if(runs.begin(), runs.end(), [&](const RunRecord& candidate) {
    return candidate.run_id == run_id;
  });
  return run == runs.end() ? nullptr : &*run;
}

// The newest run that is meant. An older one is never meant by a word that a newer one fits.
absl::StatusOr<const RunRecord*> Choose(const std::vector<RunRecord>& runs,
                                        const CopyRequest& request) {
  const RunRecord* chosen = nullptr;
  for (const RunRecord& run : runs) {
    if (!Matches(run, request)) continue;
    if (chosen == nullptr) {
      chosen = &run;
    } else if (request.join != "latest" && run.run_id != chosen->run_id) {
      return Refused(EscapeForMessage(request.join), "more than one run begins like that",
                     "lite2pg status shows their ids");
    }
  }
  return chosen;
}

}  // namespace

// The run that is meant may not be in the ledger yet, or not in its data stage.
absl::StatusOr<bool> CopySession::MustBeWaitedFor(const RunRecord* run, bool is_other) {
  if (run != nullptr && MayComeToData(*run)) return true;
  if (request_.join != "latest") return false;
  if (run == nullptr || is_other) return true;
  if (IsUnfinished(*run)) return false;
  // This one is over; is the next one being planned?
  ASSIGN_OR_RETURN(const std::string leader,
                   Ledger::LockHolder(*coordinator_, request_.common.target_schema));
  return !leader.empty();
}

// The run, when it is in its data stage. published_ when it is over and done.
absl::Status CopySession::FindJoined() {
  const auto deadline = Clock::now() + kPatience;
  const std::string shown = EscapeForMessage(request_.join);
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<RunRecord> runs,
                     Ledger::ReadRuns(*coordinator_, Location()));
    ASSIGN_OR_RETURN(const RunRecord* const run, Choose(runs, request_));
    const bool is_other = run != nullptr && run->source_fingerprint != report_.source.fingerprint;
    ASSIGN_OR_RETURN(const bool waits, MustBeWaitedFor(run, is_other));
    if (run != nullptr && !waits) {
      if (is_other) {
        return Refused(run->run_id, "its source is another file, or another state of this one",
                       "copy the file, with its -wal file if it has one, while nobody writes it");
      }
      if (const absl::Status same = CheckSameOptions(*run, request_); !same.ok()) {
        ErrorInfo info = InfoOf(same);
        info.code = ErrorCode::kJoinRefused;
        return MakeError(info);
      }
      run_id_ = run->run_id;
      report_.run_id = run_id_;
      resumed_ = *run;
      published_ = run->state == "done" || lite2pg::IsPublished(*run);
      if (published_) return ShowRun(*run);
      if (IsLoading(*run)) return absl::OkStatus();
      return Refused(run->run_id,
                     run->state == "active"
                         ? absl::StrCat("its rows are loaded (it is in stage ", run->stage, ")")
                         : absl::StrCat("it is ", run->state),
                     run->state == "active" ? "nothing is left to share"
                                            : "go on with it by --resume, then join");
    }
    RETURN_IF_ERROR(cancel_.Check());
    if (Clock::now() >= deadline || !waits) {
      return Refused(shown, "the target's ledger has no such run",
                     "lite2pg status shows the runs; --join latest waits for one");
    }
    std::this_thread::sleep_for(kPause);
  }
}

absl::StatusOr<std::string> CopySession::SourceContent() {
  // A reader that no stream uses.
  return HashSourceContent(snapshot_->reader(snapshot_->size() - kOtherReaders), cancel_);
}

absl::Status CopySession::PlanShare() {
  const absl::Status planned = MakePlan();
  // What the leader has loaded so far must not look like somebody else's rows.
  const bool direct = !planned.ok() && InfoOf(planned).code == ErrorCode::kTargetTableNotEmpty;
  if (!planned.ok() && !direct) return planned;
  if (direct || std::none_of(plan_.tables.begin(), plan_.tables.end(), IsShareable)) {
    return Refused(run_id_, "its rows go directly into the application's tables, or into tables "
                            "without a key, which one process loads");
  }
  return CheckSameLoad(*resumed_, plan_);
}

absl::Status CopySession::LoadShare() {
  const StageScope stage(Stage::kData, events_, &report_);
  absl::Status status;
  for (int i = 0; i < kRejoinMax; ++i) {
    status = LoadShareOnce();
    if (status.ok()) return status;
    const ErrorInfo info = InfoOf(status);
    const bool may_rejoin = info.code == ErrorCode::kFencedOff ||
                            info.code == ErrorCode::kTargetConnectionLost ||
                            info.code == ErrorCode::kCommitInDoubt;
    if (!may_rejoin || !cancel_.Check().ok()) return status;
    ASSIGN_OR_RETURN(const bool more, IsLoadedFurther());
    if (!more) return absl::OkStatus();  // how it ended is asked next
  }
  return status;
}

// Whether there is more to load in the run that we were fenced off from: because we were taken for
// dead, or because somebody resumes it, which is waited for. False when it has gone on to its other
// stages, or is over.
absl::StatusOr<bool> CopySession::IsLoadedFurther() {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    RETURN_IF_ERROR(cancel_.Check());
    if (!coordinator_->alive()) {
      absl::StatusOr<PgConnection> again = target_->Connect();
      if (again.ok()) coordinator_ = *std::move(again);
    }
    if (coordinator_->alive()) {
      ASSIGN_OR_RETURN(const std::vector<RunRecord> runs,
                       Ledger::ReadRuns(*coordinator_, Location()));
      const RunRecord* const run = FindRun(runs, run_id_);
      if (run == nullptr || run->state == "done" || run->state == "failed") return false;
      ASSIGN_OR_RETURN(const std::string leader,
                       Ledger::LockHolder(*coordinator_, request_.common.target_schema));
      if (!leader.empty() && run->state == "active") {
        resumed_ = *run;
        return IsLoading(*run);
      }
    }
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPause);
  }
}

absl::Status CopySession::LoadShareOnce() {
  ASSIGN_OR_RETURN(const std::string content, SourceContent());
  ASSIGN_OR_RETURN(const int64_t member,
                   RunShares::Register(*coordinator_, Location(), run_id_, resumed_->epoch,
                                       content, HostName()));
  ledger_.emplace(Location(), run_id_, resumed_->epoch, member);
  const RunShares shares(*ledger_);
  // By this name the leader knows that we are there.
  ASSIGN_OR_RETURN(PgConnection present, PgConnection::Connect(LoadOptions()));
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    ASSIGN_OR_RETURN(const RunView view, shares.Report(present, true));
    if (!view.same_epoch) {
      return MakeError(ErrorCode::kFencedOff, ExitCode::kCannotResume,
                       "the run has been taken over by a newer epoch");
    }
    if (!view.loading) return absl::OkStatus();  // it went on without us
    if (view.state == "active") break;
    if (view.state == "refused") {
      return Refused(run_id_, "its source has other content than this file",
                     "copy the file, with its -wal file if it has one, while nobody writes it");
    }
    RETURN_IF_ERROR(cancel_.Check());
    ASSIGN_OR_RETURN(const std::string leader,
                     Ledger::LockHolder(present, request_.common.target_schema));
    if (!leader.empty() || Clock::now() < deadline) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    return Refused(run_id_, "the process that led it is gone",
                   "go on with it there by --resume, and join again");
  }
  ResumedData nothing;
  nothing.loaded.resize(plan_.tables.size());
  nothing.next_chunk = member * kMemberChunks + 1;
  SharedWork work;
  work.leader_is_there = [this](PgConnection& connection) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const std::string holder,
                     Ledger::LockHolder(connection, request_.common.target_schema));
    return !holder.empty();
  };
  CopyOptions options;
  options.connect = LoadOptions();
  options.streams = Streams();
  options.policy = request_.policy;
  options.resumed = &nothing;
  options.shared = &work;
  report_.resources.streams_max = options.streams;
  LITE2PG_FAILPOINT("share.begin");
  absl::StatusOr<std::vector<LoadedTable>> loaded =
      CopyTables(plan_, *snapshot_, *ledger_, options, events_, cancel_);
  if (!loaded.ok()) {
    // What was taken and not loaded goes to others at once; otherwise they see us gone in a while.
    if (present.alive()) shares.Leave(present).IgnoreError();
    return loaded.status();
  }
  for (const LoadedTable& table : *loaded) rows_for_others_ += table.digest.rows;
  return CheckSource();
}

// The run's end is ours.
absl::Status CopySession::AwaitEnd() {
  auto leader_seen = Clock::now();
  while (true) {
    RETURN_IF_ERROR(cancel_.Check());
    if (!coordinator_->alive()) {
      ASSIGN_OR_RETURN(coordinator_, target_->Connect());
    }
    ASSIGN_OR_RETURN(const std::vector<RunRecord> runs,
                     Ledger::ReadRuns(*coordinator_, Location()));
    const RunRecord* const run = FindRun(runs, run_id_);
    if (run == nullptr) return Refused(run_id_, "it was removed from the ledger");
    if (run->state == "done") {
      RETURN_IF_ERROR(ShowRun(*run));
      published_ = true;
      Finding finding;
      finding.code = ErrorCode::kJoined;
      finding.message = absl::StrCat("this process loaded ", rows_for_others_, " rows of the run");
      report_.findings.push_back(std::move(finding));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string leader,
                     Ledger::LockHolder(*coordinator_, request_.common.target_schema));
    if (!leader.empty()) leader_seen = Clock::now();
    if (run->state != "active" || Clock::now() - leader_seen > kPatience) {
      return MakeError(ErrorCode::kInterrupted, ExitCode::kInterrupted,
                       absl::StrCat("run ", run_id_, ", which this process had joined, ended in "
                                    "stage ", run->stage, " (", run->state, ")"),
                       "see what its own process says; go on with it there by --resume");
    }
    std::this_thread::sleep_for(kEndPause);
  }
}

}  // namespace lite2pg
