// import: an archive into a target. A copy whose source is an archive.
#include <utility>

#include "engine/base/status_macros.h"
#include "engine/command/archive_source.h"
#include "engine/command/commands.h"
#include "engine/command/copy_session.h"
#include "engine/plan/config_patterns.h"

namespace lite2pg {
namespace {

absl::StatusOr<CopyRequest> CopyRequestFor(const ImportRequest& request,
                                           const ArchiveSource& archive) {
  CopyRequest copy;
  // Patterns first: what the user says of many columns goes before what the archive says of one.
  ASSIGN_OR_RETURN(copy.common, ExpandPatterns(request.common, request.order, archive.catalog()));
  copy.common.check = CheckMode::kOff;  // there is no SQLite file to check
  copy.common.include.clear();
  copy.common.exclude.clear();
  archive.Configure(&copy.common);
  copy.source = request.dir;
  copy.target = request.target;
  copy.schema_mode = request.schema_mode;
  copy.existing_rows = request.existing_rows;
  copy.policy = request.policy;
  copy.hooks = request.hooks;
  copy.order = request.order;
  copy.resume = request.resume;
  copy.command_line = request.command_line;
  return copy;
}

Report Failed(const absl::Status& status) {
  Report report;
  report.command = "import";
  const ErrorInfo info = InfoOf(status);
  report.errors.push_back(info);
  report.exit_code = info.exit_code;
  return report;
}

}  // namespace

Report RunImport(const ImportRequest& request, EventSink& events, CancelToken& cancel) {
  absl::StatusOr<std::unique_ptr<ArchiveSource>> archive = ArchiveSource::Open(request.dir);
  if (!archive.ok()) return Failed(archive.status());
  const absl::StatusOr<CopyRequest> copy = CopyRequestFor(request, **archive);
  if (!copy.ok()) return Failed(copy.status());
  return RunCopyFrom(*copy, archive->get(), events, cancel);
}

}  // namespace lite2pg
