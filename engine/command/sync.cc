// sync: makes the target equal to the source again; the list of stages.
#include "absl/status/status.h"
#include "engine/base/status_macros.h"
#include "engine/command/commands.h"
#include "engine/command/sync_session.h"

namespace lite2pg {
namespace {

absl::Status RunStage(SyncSession& run, absl::Status (SyncSession::*method)(), Stage stage,
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

absl::Status RunStages(SyncSession& run, EventSink& events) {
  RETURN_IF_ERROR(RunStage(run, &SyncSession::Inspect, Stage::kInspect, events));
  RETURN_IF_ERROR(RunStage(run, &SyncSession::Plan, Stage::kPlan, events));
  RETURN_IF_ERROR(RunStage(run, &SyncSession::Data, Stage::kData, events));
  RETURN_IF_ERROR(RunStage(run, &SyncSession::Sequences, Stage::kSequences, events));
  RETURN_IF_ERROR(RunStage(run, &SyncSession::Verify, Stage::kVerify, events));
  return RunStage(run, &SyncSession::Publish, Stage::kPublish, events);
}

}  // namespace

Report RunSync(const SyncRequest& request, EventSink& events, CancelToken& cancel) {
  SyncSession run(request, events, cancel);
  const absl::Status status = RunStages(run, events);
  return run.TakeReport(status);
}

}  // namespace lite2pg
