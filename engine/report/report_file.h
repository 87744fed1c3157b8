// Files that hold a report or a certificate: whole or not there, readable by their owner alone.
#ifndef LITE2PG_ENGINE_REPORT_REPORT_FILE_H_
#define LITE2PG_ENGINE_REPORT_REPORT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/report/report.h"

namespace lite2pg {

// Writes `content` to a new file of mode 0600 beside `path`, syncs it, and renames it over `path`.
// A file that is already there is replaced; a device, directory or symbolic link is refused
// (kUsage), because a rename would take its place. Full disks and the like: exit code 9.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content);

// OK if WriteFileAtomically(path) can be expected to work: asked before a long run begins.
absl::Status CheckWritablePath(const std::string& path);

// ReportToJson for .json, ReportToHtml for .html; kUsage for any other ending.
absl::Status WriteReportFile(const std::string& path, const Report& report);
bool IsReportPath(absl::string_view path);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_REPORT_FILE_H_
