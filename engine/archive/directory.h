// The directory of an archive: opened once, and every file in it through that handle, so that no
// link, no name and no exchange of directories leads anywhere else.
#ifndef LITE2PG_ENGINE_ARCHIVE_DIRECTORY_H_
#define LITE2PG_ENGINE_ARCHIVE_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// An open file or directory; move-only, closes it.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What tells that a file was written to or exchanged since it was looked at.
struct MemberState {
  uint64_t device = 0, inode = 0;
  int64_t size_bytes = 0, changed_ns = 0;  // st_ctim, which no program can set
  friend bool operator==(const MemberState&, const MemberState&) = default;
};

// Names are those of IsArchiveName(). Any thread. Copies of a pointer to it keep it open.
class ArchiveDirectory {
 public:
  // Opens what is to be read. kSourceMissing (5) when there is no such directory; exit code 13 when
  // it belongs to somebody else or others may write to it.
  static absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> OpenForReading(
      const std::string& path);
  // Whether anything has that name.
  static bool Exists(const std::string& path);
  // Makes it (mode 0700) if it is not there.
  static absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> OpenForWriting(
      const std::string& path);

  const std::string& path() const { return path_; }

  // Every file below the directory, sorted. Anything that is not a regular file in the directory
  // or in one of its directories is an error with exit code 13.
  absl::StatusOr<std::vector<std::string>> List() const;

  // A regular file of ours that nobody else may write to, without following any link.
  absl::StatusOr<FileHandle> OpenFile(absl::string_view name) const;
  absl::StatusOr<MemberState> StateOf(const FileHandle& file, absl::string_view name) const;
  // The whole file; kArchiveAltered when it is longer than `bytes_max`.
  absl::StatusOr<std::string> ReadAll(absl::string_view name, int64_t bytes_max) const;

  // ---- For writing. Files get mode 0600, directories 0700. ----
  absl::Status MakeDirectory(absl::string_view name) const;
  // A new file; one of that name is taken away first.
  absl::StatusOr<FileHandle> CreateFile(absl::string_view name) const;
  absl::StatusOr<FileHandle> OpenForAppending(absl::string_view name) const;
  // Syncs and names a file, and syncs the directory that it is in.
  absl::Status Publish(const FileHandle& file, absl::string_view temporary,
                       absl::string_view name) const;
  absl::Status WriteWhole(absl::string_view name, absl::string_view content) const;
  absl::Status Remove(absl::string_view name) const;  // OK when it is not there
  absl::Status RemoveDirectory(absl::string_view name) const;
  absl::Status SyncDirectory(absl::string_view name) const;  // "" for the archive's own

 private:
  ArchiveDirectory(std::string path, FileHandle handle)
      : path_(std::move(path)), handle_(std::move(handle)) {}
  static absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> Open(const std::string& path);
  absl::StatusOr<int> OpenRaw(absl::string_view name, int flags) const;
  absl::Status ListInto(int fd, const std::string& prefix, std::vector<std::string>* names) const;

  std::string path_;
  FileHandle handle_;
};

// Writes all of `bytes`. kTargetOutOfResource (9) with the system's words otherwise.
absl::Status WriteFully(const FileHandle& file, absl::string_view name, absl::string_view bytes);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_DIRECTORY_H_
