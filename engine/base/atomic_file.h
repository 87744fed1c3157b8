// A file that is either complete under its name or not there: written beside it and renamed.
#ifndef LITE2PG_ENGINE_BASE_ATOMIC_FILE_H_
#define LITE2PG_ENGINE_BASE_ATOMIC_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Move-only; one thread. The destructor removes what was not committed; what a process that was
// killed has left is removed by the next that makes the same file. Errors name the file:
// kUsage (2) where it may not be made, kTargetOutOfResource (9) for full disks and the like.
class AtomicFile {
 public:
  // Makes an empty file of mode 0600 in the directory of `path`.
  static absl::StatusOr<AtomicFile> Create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  // Appends; small pieces are gathered.
  absl::Status Write(absl::string_view bytes);
  // For a library that writes the file itself; the name that it has until Commit().
  const std::string& temporary_path() const { return temporary_; }
  // Syncs the bytes, gives the file its name, and syncs the directory.
  absl::Status Commit();
  // The same, but a file that has the name by then stays: kUsage.
  absl::Status CommitNew();

 private:
  AtomicFile(std::string path, std::string temporary, int fd);
  absl::Status Flush();
  absl::Status SyncBytes();
  void Published();
  absl::Status Failed(int error) const;

  std::string path_, temporary_, buffer_;
  int fd_ = -1;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_ATOMIC_FILE_H_
