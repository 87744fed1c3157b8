#include "engine/base/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
// What follows the name of the file in that of the temporary one, before six characters.
constexpr absl::string_view kInfix = ".lite2pg-";
constexpr size_t kRandomChars = 6;
// How often somebody who tidies up may take a new file for one that was left.
constexpr int kAttemptsMax = 100;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Removes what killed processes have left of the same file. Whoever is still at work holds a lock,
// which ends with the process.
void RemoveLeftOver(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  const std::string prefix = absl::StrCat(path.substr(path.rfind('/') + 1), kInfix);
  DIR* const listing = opendir(directory.c_str());
  if (listing == nullptr) return;
  while (const dirent* const entry = readdir(listing)) {
    const absl::string_view name(entry->d_name);
    if (name.size() != prefix.size() + kRandomChars || !absl::StartsWith(name, prefix)) continue;
    const std::string left = absl::StrCat(directory, "/", name);
    const int fd = open(left.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) continue;
    struct stat info{};
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
      unlink(left.c_str());
      unlink((left + "-journal").c_str());  // of a database that SQLite was writing
    }
    close(fd);
  }
  closedir(listing);
}

// A new file of mode 0600 under a lock; -1 and errno.
int CreateLocked(const std::string& path, std::string* temporary) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    *temporary = absl::StrCat(path, kInfix, std::string(kRandomChars, 'X'));
    const int fd = mkostemp(temporary->data(), O_CLOEXEC);
    if (fd < 0) return -1;
    struct stat info{};
    // Between the two somebody may have seen it without its lock. Where a file system has no locks,
    // nobody removes anything.
    const bool seen = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!seen && fstat(fd, &info) == 0 && info.st_nlink > 0) return fd;
    close(fd);
  }
  errno = EBUSY;
  return -1;
}

}  // namespace

AtomicFile::AtomicFile(std::string path, std::string temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      buffer_(std::move(other.buffer_)),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

absl::Status AtomicFile::Failed(int error) const {
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   absl::StrCat("cannot write ", EscapeName(path_), ": ", std::strerror(error)),
                   "make room, or name another place");
}

absl::StatusOr<AtomicFile> AtomicFile::Create(const std::string& path) {
  struct stat info{};
  // A rename would take the place of a device or a link.
  if (lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     absl::StrCat("cannot write ", EscapeName(path),
                                  ": it is there and not an ordinary file"),
                     "name a file in a directory that exists and that you may write to");
  }
  RemoveLeftOver(path);
  std::string temporary;
  const int fd = CreateLocked(path, &temporary);
  if (fd < 0) return AtomicFile(path, temporary, -1).Failed(errno);
  return AtomicFile(path, std::move(temporary), fd);
}

absl::Status AtomicFile::Write(absl::string_view bytes) {
  buffer_.append(bytes.data(), bytes.size());
  return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
}

absl::Status AtomicFile::Flush() {
  absl::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(errno);
    rest.remove_prefix(static_cast<size_t>(written));
  }
  if (buffer_.capacity() > 4 * kBufferBytes) {
    buffer_ = std::string();
  } else {
    buffer_.clear();
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::SyncBytes() {
  RETURN_IF_ERROR(Flush());
  return fsync(fd_) == 0 ? absl::OkStatus() : Failed(errno);
}

void AtomicFile::Published() {
  close(std::exchange(fd_, -1));
  // Without this the new name could be lost with the power, although the bytes are on disk.
  const int directory = open(DirectoryOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
}

absl::Status AtomicFile::Commit() {
  RETURN_IF_ERROR(SyncBytes());
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return Failed(errno);
  Published();
  return absl::OkStatus();
}

absl::Status AtomicFile::CommitNew() {
  RETURN_IF_ERROR(SyncBytes());
  int error = 0;
  if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    error = errno;
  }
  struct stat info{};
  if (error == EINVAL && lstat(path_.c_str(), &info) != 0) {
    // A file system that cannot do both at once.
    error = std::rename(temporary_.c_str(), path_.c_str()) == 0 ? 0 : errno;
  } else if (error == EINVAL) {
    error = EEXIST;
  }
  if (error == EEXIST) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     absl::StrCat(EscapeName(path_), " is there already"),
                     "name another file, or move this one away");
  }
  if (error != 0) return Failed(error);
  Published();
  return absl::OkStatus();
}

}  // namespace lite2pg
