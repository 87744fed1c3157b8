#include "engine/sqlite/source_users.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

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

// Names of a directory's entries; what `open_error` says is errno. Not std::filesystem's iterator,
// which ends the process when memory runs out: its steps are noexcept inside, and allocate.
std::vector<std::string> NamesIn(const std::string& path, int* open_error) {
  const auto close = [](DIR* directory) { closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(opendir(path.c_str()), close);
  *open_error = directory == nullptr ? errno : 0;
  std::vector<std::string> names;
  if (directory == nullptr) return names;
  while (const dirent* const entry = readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

// Whether one of the process's open files is among `files`; false in `*seen` when it may not be
// looked at. Processes end while they are being looked at, which is no error.
bool HasOpen(const std::string& process, const std::set<FileId>& files, bool* seen) {
  int error = 0;
  const std::string open_files = process + "/fd/";
  for (const std::string& name : NamesIn(open_files, &error)) {
    struct stat info {};
    if (stat((open_files + name).c_str(), &info) != 0) continue;
    if (files.contains({info.st_dev, info.st_ino})) return true;
  }
  *seen = error != EACCES;
  return false;
}

std::string ProgramOf(const std::string& process) {
  std::ifstream file(process + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

SourceUsers FindSourceUsers(const std::string& path) {
  SourceUsers users;
  const std::set<FileId> files = FilesOf(path);
  int error = 0;
  for (const std::string& name : NamesIn("/proc", &error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid == getpid()) continue;
    const std::string process = "/proc/" + name;
    bool seen = true;
    if (HasOpen(process, files, &seen)) users.found.push_back({pid, ProgramOf(process)});
    users.not_seen += seen ? 0 : 1;
  }
  return users;
}

}  // namespace lite2pg
