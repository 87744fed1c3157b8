// From a checked invocation to the engine's entry point.
#ifndef LITE2PG_TOOLS_CLI_DISPATCH_H_
#define LITE2PG_TOOLS_CLI_DISPATCH_H_

#include "engine/base/cancel.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "tools/cli/command_line.h"

namespace lite2pg {

// Whether this version has the command at all.
bool IsImplemented(CommandId command);

// REQUIRES: no problems, and IsImplemented(invocation.command).
Report Dispatch(const Invocation& invocation, EventSink& events, CancelToken& cancel);

// The requests, for tests and Dispatch.
CopyRequest MakeCopyRequest(const Invocation& invocation);
VerifyRequest MakeVerifyRequest(const Invocation& invocation);
SyncRequest MakeSyncRequest(const Invocation& invocation);
ExportRequest MakeExportRequest(const Invocation& invocation);
ImportRequest MakeImportRequest(const Invocation& invocation);
RevertRequest MakeRevertRequest(const Invocation& invocation);
StatusRequest MakeStatusRequest(const Invocation& invocation);
CleanRequest MakeCleanRequest(const Invocation& invocation);
ServeRequest MakeServeRequest(const Invocation& invocation);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_DISPATCH_H_
