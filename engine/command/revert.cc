// revert: PostgreSQL back to a new SQLite file; the list of stages.
#include "absl/status/status.h"
#include "engine/base/status_macros.h"
#include "engine/command/commands.h"
#include "engine/command/revert_session.h"

namespace lite2pg {
namespace {

absl::Status RunStage(RevertSession& run, absl::Status (RevertSession::*method)(), Stage stage,
                      EventSink& events) {
  Event event;
  event.kind = Event::Kind::kStageBegin;
  event.stage = stage;
  events.counters.rows_done = events.counters.rows_total = 0;
  events.Emit(event);
  const absl::Status status = run.Timed(stage, method);
  event.kind = Event::Kind::kStageEnd;
  events.Emit(event);
  return status;
}

absl::Status RunStages(RevertSession& run, EventSink& events) {
  RETURN_IF_ERROR(RunStage(run, &RevertSession::Inspect, Stage::kInspect, events));
  RETURN_IF_ERROR(RunStage(run, &RevertSession::Plan, Stage::kPlan, events));
  RETURN_IF_ERROR(RunStage(run, &RevertSession::PreData, Stage::kPreData, events));
  RETURN_IF_ERROR(RunStage(run, &RevertSession::Data, Stage::kData, events));
  RETURN_IF_ERROR(RunStage(run, &RevertSession::PostData, Stage::kPostData, events));
  RETURN_IF_ERROR(RunStage(run, &RevertSession::Verify, Stage::kVerify, events));
  return RunStage(run, &RevertSession::Publish, Stage::kPublish, events);
}

}  // namespace

Report RunRevert(const RevertRequest& request, EventSink& events, CancelToken& cancel) {
  RevertSession run(request, events, cancel);
  const absl::Status status = RunStages(run, events);
  return run.TakeReport(status);
}

}  // namespace lite2pg
