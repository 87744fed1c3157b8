// copy, plan and import: the list of stages.
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/command/commands.h"
#include "engine/command/copy_session.h"
#include "engine/command/exec_hooks.h"
#include "engine/command/mended_rejects.h"

namespace lite2pg {
namespace {

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

// `opened` is why the origin could not be had; the run then ends before it begins.
Report RunSession(const CopyRequest& request, const CopyOrigin& origin, absl::Status opened,
                  EventSink& events, CancelToken& cancel) {
  CopySession run(request, origin, events, cancel);
  absl::Status status = std::move(opened);
  ExecHooks hooks(request.hooks, events, cancel);
  if (status.ok()) status = RunStages(request, run, hooks);
  if (!status.ok()) {
    run.Abandon(status);
    if (request.join.empty()) RunFailureHooks(status, run, request, events);
  }
  return run.TakeReport(status);
}

}  // namespace

Report RunCopyFrom(const CopyRequest& request, ArchiveSource* archive, EventSink& events,
                   CancelToken& cancel) {
  return RunSession(request, {.archive = archive}, absl::OkStatus(), events, cancel);
}

Report RunCopy(const CopyRequest& request, EventSink& events, CancelToken& cancel) {
  if (request.only_rejects.empty()) {
    return RunSession(request, {}, absl::OkStatus(), events, cancel);
  }
  const absl::StatusOr<std::unique_ptr<MendedRejects>> mended = MendedRejects::Open(request);
  if (!mended.ok()) return RunSession(request, {}, mended.status(), events, cancel);
  return RunSession((*mended)->request(), {.mended = mended->get()}, absl::OkStatus(), events,
                    cancel);
}

Report RunPlan(const PlanRequest& request, EventSink& events, CancelToken& cancel) {
  PlanRequest dry = request;
  dry.dry_run = true;
  return RunCopy(dry, events, cancel);
}

}  // namespace lite2pg
