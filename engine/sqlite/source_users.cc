#include "engine/sqlite/source_users.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

namespace fs = std::filesystem;
using FileId = std::pair<dev_t, ino_t>;

std::set<FileId> FilesOf(const std::string& path) {
  std::set<FileId> files;
  for (const char* suffix : {"", "-wal", "-journal", "-shm"}) {
    struct stat info {};
    if (stat(absl::StrCat(path, suffix).c_str(), &info) == 0) {
      files.emplace(info.st_dev, info.st_ino);
    }
  }
  return files;
}

// To the next entry; false when there is none, or it cannot be had. (The increment that takes an
// error_code ends the process when memory runs out: it is noexcept, and allocates.)
bool Advance(fs::directory_iterator* entries) {
  try {
    return ++*entries != fs::directory_iterator();
  } catch (const fs::filesystem_error&) {
    return false;
  }
}

// Whether one of the process's open files is among `files`; false in `*seen` when it may not be
// looked at. Processes end while they are being looked at, which is no error.
bool HasOpen(const fs::path& process, const std::set<FileId>& files, bool* seen) {
  std::error_code error;
  *seen = true;
  fs::directory_iterator entries(process / "fd", error);
  if (error) {
    *seen = error != std::errc::permission_denied;
    return false;
  }
  for (bool more = entries != fs::directory_iterator(); more; more = Advance(&entries)) {
    struct stat info {};
    if (stat(entries->path().c_str(), &info) != 0) continue;
    if (files.contains({info.st_dev, info.st_ino})) return true;
  }
  return false;
}

std::string ProgramOf(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

SourceUsers FindSourceUsers(const std::string& path) {
  SourceUsers users;
  const std::set<FileId> files = FilesOf(path);
  std::error_code error;
  fs::directory_iterator entry("/proc", error);
  for (bool more = !error && entry != fs::directory_iterator(); more; more = Advance(&entry)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry->path().filename().string(), &pid) || pid == getpid()) continue;
    bool seen = true;
    if (HasOpen(entry->path(), files, &seen))
      users.found.push_back({pid, ProgramOf(entry->path())});
    users.not_seen += seen ? 0 : 1;
  }
  return users;
}

}  // namespace lite2pg
