// serve: an embedded cluster in the foreground.
#include "engine/base/status_macros.h"
#include "engine/command/commands.h"
#include "engine/postgres/embedded_cluster.h"

namespace lite2pg {
namespace {

absl::Status Serve(const ServeRequest& request, EventSink& events, CancelToken& cancel,
                   Report* report) {
  EmbeddedCluster::Options options;
  options.dir = request.dir;
  options.create = false;
  options.cancel = &cancel;
  ASSIGN_OR_RETURN(EmbeddedCluster cluster, EmbeddedCluster::Start(options));
  report->target.embedded_dir = cluster.data_dir();
  report->target.conninfo_shown = cluster.conninfo();
  Event ready;
  ready.kind = Event::Kind::kReady;
  ready.text = cluster.conninfo();
  events.Emit(ready);
  RETURN_IF_ERROR(cluster.RunUntil(cancel));
  return cluster.Stop();
}

}  // namespace

Report RunServe(const ServeRequest& request, EventSink& events, CancelToken& cancel) {
  Report report;
  report.command = "serve";
  const absl::Status status = Serve(request, events, cancel, &report);
  if (status.ok()) {
    report.outcome = "served";
    report.exit_code = ExitCode::kDone;
    return report;
  }
  const ErrorInfo info = InfoOf(status);
  report.errors.push_back(info);
  report.exit_code = info.exit_code;
  return report;
}

}  // namespace lite2pg
