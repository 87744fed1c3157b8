// copy, and plan: the list of stages.
#include "absl/status/status.h"
#include "engine/base/status_macros.h"
#include "engine/command/commands.h"
#include "engine/command/copy_session.h"

namespace lite2pg {
namespace {

absl::Status RunStages(const CopyRequest& request, CopySession& run) {
  RETURN_IF_ERROR(run.Inspect());
  RETURN_IF_ERROR(run.MakePlan());
  if (request.dry_run) return absl::OkStatus();
  RETURN_IF_ERROR(run.PreData());
  RETURN_IF_ERROR(run.Data());
  RETURN_IF_ERROR(run.PostData());
  RETURN_IF_ERROR(run.Sequences());
  RETURN_IF_ERROR(run.Verify());
  return run.Publish();
}

}  // namespace

Report RunCopy(const CopyRequest& request, EventSink& events, CancelToken& cancel) {
  CopySession run(request, events, cancel);
  const absl::Status status = RunStages(request, run);
  if (!status.ok()) run.Abandon(status);
  return run.TakeReport(status);
}

Report RunPlan(const PlanRequest& request, EventSink& events, CancelToken& cancel) {
  PlanRequest dry = request;
  dry.dry_run = true;
  return RunCopy(dry, events, cancel);
}

}  // namespace lite2pg
