#include "engine/report/report_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status Refused(const std::string& path, absl::string_view why) {
  return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                   absl::StrCat("cannot write ", EscapeName(path), ": ", why),
                   "name a file in a directory that exists and that you may write to");
}

absl::Status Failed(const std::string& path, int error) {
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   absl::StrCat("cannot write ", EscapeName(path), ": ", std::strerror(error)),
                   "make room, or name another place");
}

absl::Status WriteAll(int fd, const std::string& path, absl::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(fd) == 0 ? absl::OkStatus() : Failed(path, errno);
}

}  // namespace

absl::Status CheckWritablePath(const std::string& path) {
  if (path.empty() || path.back() == '/') return Refused(path, "not the name of a file");
  struct stat info{};
  if (lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return Refused(path, "it is there and not an ordinary file");
  }
  const std::string directory = DirectoryOf(path);
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    return Refused(path, absl::StrCat(EscapeName(directory), ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  RETURN_IF_ERROR(CheckWritablePath(path));
  std::string temporary = path + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);  // creates with mode 0600
  if (fd < 0) return Failed(path, errno);
  absl::Status status = WriteAll(fd, path, content);
  if (close(fd) != 0 && status.ok()) status = Failed(path, errno);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = Failed(path, errno);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  // Without this the new name could be lost with the power, although the bytes are on disk.
  const int directory = open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
  return absl::OkStatus();
}

bool IsReportPath(absl::string_view path) {
  return absl::EndsWithIgnoreCase(path, ".json") || absl::EndsWithIgnoreCase(path, ".html");
}

absl::Status WriteReportFile(const std::string& path, const Report& report) {
  if (absl::EndsWithIgnoreCase(path, ".json")) {
    return WriteFileAtomically(path, ReportToJson(report));
  }
  if (absl::EndsWithIgnoreCase(path, ".html")) {
    return WriteFileAtomically(path, ReportToHtml(report));
  }
  return Refused(path, "a report's name ends in .json or .html");
}

}  // namespace lite2pg
