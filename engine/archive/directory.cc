#include "engine/archive/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/archive/format.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/system_error.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr mode_t kFileMode = 0600, kDirectoryMode = 0700;
// Entries that a listing takes before it calls a directory hostile.
constexpr size_t kEntriesMax = 4'000'000;

absl::Status WriteFailed(absl::string_view name, int error) {
  return MakeError(
      ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
      absl::StrCat("cannot write ", EscapeName(name), " of the archive: ", std::strerror(error)),
      "make room, or name another directory");
}

// What the system says of something that an archive is to have.
absl::Status Unreadable(absl::string_view name, int error) {
  if (IsOutOfResource(error)) return OutOfResource(name, error);
  return AlteredError(name, std::strerror(error));
}

absl::Status CannotOpen(absl::string_view name, int error, absl::string_view hint) {
  if (IsOutOfResource(error)) return OutOfResource(name, error);
  return UnsafeError(name, std::strerror(error), hint);
}

// Nobody but its owner may be able to change what is read here: whoever runs this program, or the
// administrator.
absl::Status CheckOwner(const struct stat& info, absl::string_view name) {
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return UnsafeError(name, "it belongs to another user",
                       "make it your own (chown), if you trust where it comes from");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return UnsafeError(name, "others than its owner may write to it", "chmod -R go-w DIR");
  }
  return absl::OkStatus();
}

absl::Status CheckName(absl::string_view name) {
  if (IsArchiveName(name)) return absl::OkStatus();
  return AlteredError(name, "not a name that an archive has");
}

// Opens `name` below `directory` without following a link anywhere in it.
int OpenBeneath(int directory, const std::string& name, int flags) {
  struct open_how how {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  // Kernels before 5.6, and sandboxes that do not know the call: component by component.
  const size_t slash = name.find('/');
  if (slash == std::string::npos) {
    return openat(directory, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
  }
  const FileHandle folder(openat(directory, name.substr(0, slash).c_str(),
                                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return -1;
  return openat(folder.fd(), name.c_str() + slash + 1, flags | O_NOFOLLOW | O_CLOEXEC);
}

}  // namespace

FileHandle::FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
FileHandle::~FileHandle() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> ArchiveDirectory::Open(
    const std::string& path) {
  FileHandle handle(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle) {
    const int error = errno;
    if (IsOutOfResource(error)) return OutOfResource(path, error);
    return MakeError(
        ErrorCode::kSourceMissing, ExitCode::kSource,
        absl::StrCat("cannot open the archive ", EscapeName(path), ": ", std::strerror(error)),
        "name the directory that export wrote");
  }
  struct stat info {};
  if (fstat(handle.fd(), &info) != 0) return WriteFailed(path, errno);
  RETURN_IF_ERROR(CheckOwner(info, path));
  return std::shared_ptr<const ArchiveDirectory>(new ArchiveDirectory(path, std::move(handle)));
}

absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> ArchiveDirectory::OpenForReading(
    const std::string& path) {
  return Open(path);
}

bool ArchiveDirectory::Exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> ArchiveDirectory::OpenForWriting(
    const std::string& path) {
  if (mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    const int error = errno;
    return MakeError(
        ErrorCode::kUsage, ExitCode::kUsage,
        absl::StrCat("cannot make the directory ", EscapeName(path), ": ", std::strerror(error)),
        "name a new directory below one that you may write to");
  }
  return Open(path);
}

absl::Status ArchiveDirectory::ListInto(int fd, const std::string& prefix,
                                        std::vector<std::string>* names) const {
  const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return CannotOpen(prefix, errno, "");
  // fdopendir takes the descriptor, and the position in it, for itself.
  DIR* const stream = fdopendir(own);
  if (stream == nullptr) {
    const int error = errno;
    close(own);
    return CannotOpen(prefix, error, "");
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, closedir);
  while (const dirent* const entry = readdir(stream)) {
    const absl::string_view base(entry->d_name);
    if (base == "." || base == "..") continue;
    const std::string name = absl::StrCat(prefix, base);
    RETURN_IF_ERROR(CheckName(name));
    struct stat info {};
    if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return Unreadable(name, errno);
    }
    if (names->size() >= kEntriesMax) return AlteredError(name, "too many files");
    if (S_ISREG(info.st_mode)) {
      names->push_back(name);
      continue;
    }
    if (!S_ISDIR(info.st_mode) || !prefix.empty()) {
      return UnsafeError(name, "neither a regular file nor a directory of one table",
                         "an archive holds no links, devices or deeper directories");
    }
    RETURN_IF_ERROR(CheckOwner(info, name));
    const FileHandle folder(OpenBeneath(fd, name, O_RDONLY | O_DIRECTORY));
    if (!folder) return CannotOpen(name, errno, "");
    const size_t before = names->size();
    RETURN_IF_ERROR(ListInto(folder.fd(), absl::StrCat(name, "/"), names));
    // A directory that is empty is not something that an export leaves.
    if (names->size() == before) names->push_back(absl::StrCat(name, "/"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ArchiveDirectory::List() const {
  std::vector<std::string> names;
  RETURN_IF_ERROR(ListInto(handle_.fd(), "", &names));
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<int> ArchiveDirectory::OpenRaw(absl::string_view name, int flags) const {
  RETURN_IF_ERROR(CheckName(name));
  return OpenBeneath(handle_.fd(), std::string(name), flags);
}

absl::StatusOr<FileHandle> ArchiveDirectory::OpenFile(absl::string_view name) const {
  // Without O_NONBLOCK a pipe in a file's place would hold us for ever.
  ASSIGN_OR_RETURN(const int fd, OpenRaw(name, O_RDONLY | O_NONBLOCK));
  if (fd < 0) {
    const int error = errno;
    if (error == ENOENT) return AlteredError(name, "the file is missing");
    return CannotOpen(name, error, "an archive holds regular files only");
  }
  FileHandle file(fd);
  struct stat info {};
  if (fstat(fd, &info) != 0) return Unreadable(name, errno);
  if (!S_ISREG(info.st_mode)) return UnsafeError(name, "not a regular file", "");
  RETURN_IF_ERROR(CheckOwner(info, name));
  return file;
}

absl::StatusOr<MemberState> ArchiveDirectory::StateOf(const FileHandle& file,
                                                    absl::string_view name) const {
  struct stat info {};
  if (fstat(file.fd(), &info) != 0) return Unreadable(name, errno);
  MemberState state;
  state.device = info.st_dev;
  state.inode = info.st_ino;
  state.size_bytes = info.st_size;
  state.changed_ns = int64_t{info.st_ctim.tv_sec} * 1'000'000'000 + info.st_ctim.tv_nsec;
  return state;
}

absl::StatusOr<std::string> ArchiveDirectory::ReadAll(absl::string_view name,
                                                      int64_t bytes_max) const {
  ASSIGN_OR_RETURN(const FileHandle file, OpenFile(name));
  ASSIGN_OR_RETURN(const MemberState state, StateOf(file, name));
  if (state.size_bytes > bytes_max) return AlteredError(name, "larger than it can be");
  std::string content(static_cast<size_t>(state.size_bytes), '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = read(file.fd(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Unreadable(name, errno);
    if (n == 0) return AlteredError(name, "it became shorter while it was read");
    done += static_cast<size_t>(n);
  }
  return content;
}

// ---- Writing ----------------------------------------------------------------------------------

absl::Status WriteFully(const FileHandle& file, absl::string_view name, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file.fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return WriteFailed(name, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status ArchiveDirectory::MakeDirectory(absl::string_view name) const {
  RETURN_IF_ERROR(CheckName(name));
  if (mkdirat(handle_.fd(), std::string(name).c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return WriteFailed(name, errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileHandle> ArchiveDirectory::CreateFile(absl::string_view name) const {
  RETURN_IF_ERROR(Remove(name));
  const std::string path(name);
  const size_t slash = path.find('/');
  // The directory is opened by itself: RESOLVE_* and a new file do not go together everywhere.
  FileHandle folder(slash == std::string::npos
                        ? dup(handle_.fd())
                        : OpenBeneath(handle_.fd(), path.substr(0, slash), O_RDONLY | O_DIRECTORY));
  if (!folder) return WriteFailed(name, errno);
  const char* const base = slash == std::string::npos ? path.c_str() : path.c_str() + slash + 1;
  FileHandle file(
      openat(folder.fd(), base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file) return WriteFailed(name, errno);
  return file;
}

absl::StatusOr<FileHandle> ArchiveDirectory::OpenForAppending(absl::string_view name) const {
  ASSIGN_OR_RETURN(const int fd, OpenRaw(name, O_WRONLY | O_APPEND));
  if (fd < 0) return WriteFailed(name, errno);
  return FileHandle(fd);
}

absl::Status ArchiveDirectory::SyncDirectory(absl::string_view name) const {
  const FileHandle folder(
      name.empty() ? dup(handle_.fd())
                   : OpenBeneath(handle_.fd(), std::string(name), O_RDONLY | O_DIRECTORY));
  if (!folder || fsync(folder.fd()) != 0) return WriteFailed(name, errno);
  return absl::OkStatus();
}

absl::Status ArchiveDirectory::Publish(const FileHandle& file, absl::string_view temporary,
                                       absl::string_view name) const {
  RETURN_IF_ERROR(CheckName(name));
  if (fsync(file.fd()) != 0) return WriteFailed(name, errno);
  LITE2PG_FAILPOINT("export.file.synced");
  if (renameat(handle_.fd(), std::string(temporary).c_str(), handle_.fd(),
               std::string(name).c_str()) != 0) {
    return WriteFailed(name, errno);
  }
  LITE2PG_FAILPOINT("export.file.renamed");
  const size_t slash = name.find('/');
  return SyncDirectory(slash == absl::string_view::npos ? "" : name.substr(0, slash));
}

absl::Status ArchiveDirectory::WriteWhole(absl::string_view name, absl::string_view content) const {
  const std::string temporary = absl::StrCat(name, kUnfinishedSuffix);
  ASSIGN_OR_RETURN(const FileHandle file, CreateFile(temporary));
  RETURN_IF_ERROR(WriteFully(file, name, content));
  return Publish(file, temporary, name);
}

absl::Status ArchiveDirectory::Remove(absl::string_view name) const {
  RETURN_IF_ERROR(CheckName(name));
  if (unlinkat(handle_.fd(), std::string(name).c_str(), 0) != 0 && errno != ENOENT) {
    return WriteFailed(name, errno);
  }
  return absl::OkStatus();
}

absl::Status ArchiveDirectory::RemoveDirectory(absl::string_view name) const {
  RETURN_IF_ERROR(CheckName(name));
  if (unlinkat(handle_.fd(), std::string(name).c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return WriteFailed(name, errno);
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
