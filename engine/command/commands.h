// The entry points: one function per command.
//
// A Report always comes back: exit_code and outcome say how it went, errors why it failed (the
// first decided the exit code). Nothing is printed and nothing is thrown. Call each from one
// thread; `events` and `cancel` must outlive the call. After cancel.Cancel() the command leaves
// both sides as its contract says and returns with exit code 10.
#ifndef LITE2PG_ENGINE_COMMAND_COMMANDS_H_
#define LITE2PG_ENGINE_COMMAND_COMMANDS_H_

#include "engine/base/cancel.h"
#include "engine/command/request.h"
#include "engine/report/event.h"
#include "engine/report/report.h"

namespace lite2pg {

Report RunCopy(const CopyRequest& request, EventSink& events, CancelToken& cancel);
Report RunPlan(const PlanRequest& request, EventSink& events, CancelToken& cancel);
Report RunVerify(const VerifyRequest& request, EventSink& events, CancelToken& cancel);
Report RunSync(const SyncRequest& request, EventSink& events, CancelToken& cancel);
Report RunExport(const ExportRequest& request, EventSink& events, CancelToken& cancel);
Report RunImport(const ImportRequest& request, EventSink& events, CancelToken& cancel);
Report RunRevert(const RevertRequest& request, EventSink& events, CancelToken& cancel);
Report RunStatus(const StatusRequest& request, EventSink& events, CancelToken& cancel);
Report RunClean(const CleanRequest& request, EventSink& events, CancelToken& cancel);
// Emits one Event::kReady with the connection string, then stays until cancelled, which is how it
// ends well (exit 0).
Report RunServe(const ServeRequest& request, EventSink& events, CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_COMMANDS_H_
