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

absl::Status RunTableHooks(CopySession& run, ExecHooks& hooks) {
  for (const TablePlan& table : run.plan().tables) {
    HookFacts facts = run.Facts();
    facts["TABLE"] = table.source->name;
    facts["TARGET_TABLE"] = table.target_name;
    facts["ROWS"] = absl::StrCat(table.rows);
    RETURN_IF_ERROR(hooks.Run("table", facts));
  }
  return absl::OkStatus();
}

absl::Status RunStages(const CopyRequest& request, CopySession& run, ExecHooks& hooks) {
  RETURN_IF_ERROR(run.Inspect());
  RETURN_IF_ERROR(run.MakePlan());
  if (request.dry_run) return absl::OkStatus();
  RETURN_IF_ERROR(hooks.Run("pre-data", run.Facts()));
  RETURN_IF_ERROR(run.PreData());
  RETURN_IF_ERROR(run.Data());
  RETURN_IF_ERROR(RunTableHooks(run, hooks));
  RETURN_IF_ERROR(run.PostData());
  RETURN_IF_ERROR(run.Sequences());
  RETURN_IF_ERROR(run.Verify());
  RETURN_IF_ERROR(hooks.Run("verify", run.Facts()));
  RETURN_IF_ERROR(run.Publish());
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

}  // namespace

Report RunCopyFrom(const CopyRequest& request, ArchiveSource* archive, EventSink& events,
                   CancelToken& cancel) {
  std::unique_ptr<MendedRejects> mended;
  absl::Status status;
  if (!request.only_rejects.empty()) {
    absl::StatusOr<std::unique_ptr<MendedRejects>> opened = MendedRejects::Open(request);
    status = opened.status();
    if (opened.ok()) mended = *std::move(opened);
  }
  CopySession run(mended != nullptr ? mended->request() : request, mended.get(), events, cancel);
  if (archive != nullptr) run.ReadFrom(archive);
  ExecHooks hooks(request.hooks, events, cancel);
  if (status.ok()) status = RunStages(request, run, hooks);
  if (!status.ok()) {
    run.Abandon(status);
    RunFailureHooks(status, run, request, events);
  }
  return run.TakeReport(status);
}

Report RunCopy(const CopyRequest& request, EventSink& events, CancelToken& cancel) {
  return RunCopyFrom(request, /*archive=*/nullptr, events, cancel);
}

Report RunPlan(const PlanRequest& request, EventSink& events, CancelToken& cancel) {
  PlanRequest dry = request;
  dry.dry_run = true;
  return RunCopy(dry, events, cancel);
}

}  // namespace lite2pg
