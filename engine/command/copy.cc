// copy, plan and import: the list of stages.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/command/commands.h"
#include "engine/command/coordinator.h"
#include "engine/command/copy_session.h"
#include "engine/command/exec_hooks.h"
#include "engine/command/mended_rejects.h"

namespace lite2pg {
namespace {

// How often a run is begun or resumed in one process.
constexpr size_t kAttemptsMax = 4;

// A process that joins: the leader does what is not here.
absl::Status RunJoined(CopySession& run) {
  RETURN_IF_ERROR(run.Inspect());
  if (run.IsPublished()) return absl::OkStatus();
  RETURN_IF_ERROR(run.PlanShare());
  RETURN_IF_ERROR(run.LoadShare());
  return run.AwaitEnd();
}

absl::Status RunStages(const CopyRequest& request, CopySession& run, ExecHooks& hooks) {
  if (!request.join.empty()) return RunJoined(run);
  RETURN_IF_ERROR(run.Inspect());
  if (run.IsPublished()) return run.Complete();
  if (request.dry_run) run.StartQuickCheck();
  RETURN_IF_ERROR(run.MakePlan());
  if (request.dry_run) return run.FinishQuickCheck();
  RETURN_IF_ERROR(hooks.Run("pre-data", run.Facts()));
  RETURN_IF_ERROR(run.PreData());
  RETURN_IF_ERROR(
      run.Data([&](size_t table) { return hooks.Run("table", run.FactsOfTable(table)); }));
  RETURN_IF_ERROR(run.PostData());
  RETURN_IF_ERROR(run.Sequences());
  RETURN_IF_ERROR(run.Verify());
  RETURN_IF_ERROR(hooks.Run("verify", run.Facts()));
  RETURN_IF_ERROR(run.Publish());
  RETURN_IF_ERROR(run.Complete());
  ErrorInfo published;
  published.effect = "the data is there and verified; only this command failed";
  return WithContext(hooks.Run("publish", run.Facts()), published);
}

// Also after an interruption, and whatever they say: the run has failed already.
void RunFailureHooks(const absl::Status& status, CopySession& run, const CopyRequest& request,
                     EventSink& events) {
  const ErrorInfo info = InfoOf(status);
  HookFacts facts = run.Facts();
  facts["ERROR"] = absl::StrCat(ErrorCodeName(info.code), ": ", info.what);
  facts["EXIT_CODE"] = absl::StrCat(static_cast<int>(info.exit_code));
  CancelToken not_cancelled;
  ExecHooks(request.hooks, events, not_cancelled).Run("failure", facts).IgnoreError();
}

// Before there is anything to run.
Report RefuseToBegin(const CopyRequest& request, const absl::Status& status, EventSink& events,
                     CancelToken& cancel) {
  CopySession run(request, {}, events, cancel);
  run.Abandon(status);
  RunFailureHooks(status, run, request, events);
  return run.TakeReport(status);
}

// What an attempt that lost its connection has left to say, once another has come to an end.
void AddEarlier(const Report& earlier, Report* report) {
  report->resources.wall_seconds += earlier.resources.wall_seconds;
  for (const StageReport& stage : earlier.stages) {
    const auto same = std::find_if(report->stages.begin(), report->stages.end(),
                                   [&](const StageReport& s) { return s.stage == stage.stage; });
    if (same != report->stages.end()) same->seconds += stage.seconds;
  }
  report->findings.push_back(
      {Severity::kInfo, ErrorCode::kTargetConnectionLost, "",
       absl::StrCat("the run went on by itself after this: ", earlier.errors[0].what),
       "nothing; the server's log may say why"});
}

// Whether to make another attempt, and how.
struct Again {
  bool wanted = false;
  ResumeMode how = ResumeMode::kFresh;
};

// Whether an attempt that was to go on by itself found nothing: the connection was lost
// before the run stood in the ledger, so that nothing had been done.
bool HadNotBegun(const absl::Status& status, const CopyRequest& asked, const CopyRequest& request) {
  return InfoOf(status).code == ErrorCode::kNothingToResume &&
         request.resume == ResumeMode::kResume && asked.resume != ResumeMode::kResume;
}

// One attempt at what was asked, by `request`. *again: where only a connection failed.
Report Attempt(const CopyRequest& asked, const CopyRequest& request, const CopyOrigin& origin,
               EventSink& events, CancelToken& cancel, bool is_last, Again* again) {
  CopySession run(request, origin, events, cancel);
  ExecHooks hooks(request.hooks, events, cancel);
  const absl::Status status = RunStages(request, run, hooks);
  if (!status.ok()) {
    run.Abandon(status);
    if (HadNotBegun(status, asked, request)) {
      *again = {true, asked.resume};
    } else if (!is_last && !request.dry_run) {
      const std::optional<ResumeMode> how = run.AgainAs(status);
      if (how.has_value() && AwaitServer(request.target, cancel).ok()) *again = {true, *how};
    }
    if (request.join.empty() && !again->wanted) {
      RunFailureHooks(status, run, request, events);
    }
  }
  return run.TakeReport(status);
}

// A run whose connection is lost outside the data stage, which has retries of its own, goes on as
// --resume would: the ledger knows how far it came.
Report RunSession(const CopyRequest& request, const CopyOrigin& origin, EventSink& events,
                  CancelToken& cancel) {
  CopyRequest next = request;
  std::vector<Report> earlier;
  while (true) {
    Again again;
    const bool is_last = earlier.size() + 1 >= kAttemptsMax;
    Report report = Attempt(request, next, origin, events, cancel, is_last, &again);
    if (!again.wanted) {
      for (const Report& attempt : earlier) AddEarlier(attempt, &report);
      return report;
    }
    next.resume = again.how;
    if (report.errors[0].code == ErrorCode::kNothingToResume) continue;
    Event event;
    event.kind = Event::Kind::kRetry;
    event.text = absl::StrCat(report.errors[0].what, "; the run goes on from what it has");
    ++events.counters.retries;
    events.Emit(event);
    earlier.push_back(std::move(report));
  }
}

}  // namespace

Report RunCopyFrom(const CopyRequest& request, ArchiveSource* archive, EventSink& events,
                   CancelToken& cancel) {
  return RunSession(request, {.archive = archive}, events, cancel);
}

Report RunCopy(const CopyRequest& request, EventSink& events, CancelToken& cancel) {
  if (request.only_rejects.empty()) {
    return RunSession(request, {}, events, cancel);
  }
  const absl::StatusOr<std::unique_ptr<MendedRejects>> mended = MendedRejects::Open(request);
  if (!mended.ok()) return RefuseToBegin(request, mended.status(), events, cancel);
  return RunSession((*mended)->request(), {.mended = mended->get()}, events, cancel);
}

Report RunPlan(const PlanRequest& request, EventSink& events, CancelToken& cancel) {
  PlanRequest dry = request;
  dry.dry_run = true;
  return RunCopy(dry, events, cancel);
}

}  // namespace lite2pg
