#include "engine/sqlite/private_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/system_error.h"
#include "engine/base/text.h"
#include "engine/sqlite/error.h"
#include "engine/sqlite/source_file.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

constexpr absl::string_view kPrefix = "lite2pg-source-";
constexpr absl::string_view kNames[] = {"source.db", "source.db-wal", "source.db-journal",
                                        "source.db-shm", "lock"};
// Files that make up a database. The -shm file is rebuilt from the WAL.
constexpr absl::string_view kSuffixes[] = {"", "-wal", "-journal"};
// A file that was written to a moment ago could be written to again within the same tick of the
// clock that its time of change is taken from.
constexpr auto kRestMin = std::chrono::milliseconds(100);
constexpr int kRawAttemptsMax = 20;

// https://man7.org/linux/man-pages/man2/statfs.2.html
struct FileSystemName {
  long type;
  absl::string_view name;
};
constexpr FileSystemName kNetworkFileSystems[] = {
    {0x6969, "NFS"},         {0x517B, "SMB"},          {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},    {0x01021997, "9P"},       {0x5346414F, "AFS"},
    {0x00C36400, "Ceph"},    {0x0BD00BD0, "Lustre"},   {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"},   {0x73757245, "Coda"},
};

absl::Status NoRoom(const std::string& path, int error) {
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   absl::StrCat("cannot make a private copy of the source in ", EscapeName(path),
                                ": ", std::strerror(error)),
                   "name a directory on a local disk with room for it in TMPDIR");
}

void RemoveDirectory(const std::string& directory) {
  for (const absl::string_view name : kNames) {
    unlink(absl::StrCat(directory, "/", name).c_str());
  }
  rmdir(directory.c_str());
}

// A directory under a lock that ends with the process.
class ScratchDirectory {
 public:
  static absl::StatusOr<ScratchDirectory> Make(const std::string& parent) {
    RemoveLeftOver(parent);
    std::string path = absl::StrCat(parent, "/", kPrefix, "XXXXXX");
    if (mkdtemp(path.data()) == nullptr) return NoRoom(parent, errno);
    ScratchDirectory made(path);
    made.lock_ = open(absl::StrCat(path, "/lock").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                      0600);
    if (made.lock_ < 0 || flock(made.lock_, LOCK_EX | LOCK_NB) != 0) return NoRoom(path, errno);
    return made;
  }
  ScratchDirectory(ScratchDirectory&& other) noexcept
      : path_(std::exchange(other.path_, "")), lock_(std::exchange(other.lock_, -1)) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory() {
    if (!path_.empty()) RemoveDirectory(path_);
    if (lock_ >= 0) close(lock_);
  }
  std::string database() const { return absl::StrCat(path_, "/", kNames[0]); }
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}

  static void RemoveLeftOver(const std::string& parent) {
    DIR* const listing = opendir(parent.c_str());
    if (listing == nullptr) return;
    while (const dirent* const entry = readdir(listing)) {
      if (!absl::StartsWith(entry->d_name, kPrefix)) continue;
      const std::string left = absl::StrCat(parent, "/", entry->d_name);
      struct stat info{};
      if (lstat(left.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) ||
          info.st_uid != geteuid()) {
        continue;
      }
      const int fd = open(absl::StrCat(left, "/lock").c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
      // One that is being made has no lock yet, and is left alone.
      if (fd < 0) continue;
      if (flock(fd, LOCK_EX | LOCK_NB) == 0) RemoveDirectory(left);
      close(fd);
    }
    closedir(listing);
  }

  std::string path_;
  int lock_ = -1;
};

absl::Status CheckRoom(const std::string& directory, int64_t bytes) {
  struct statvfs room{};
  if (statvfs(directory.c_str(), &room) != 0) return NoRoom(directory, errno);
  const auto free_bytes = static_cast<int64_t>(room.f_bavail) * static_cast<int64_t>(room.f_frsize);
  return free_bytes > bytes ? absl::OkStatus() : NoRoom(directory, ENOSPC);
}

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

absl::StatusOr<Database> OpenScratch(const std::string& path, int flags) {
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, nullptr);
  Database opened(db);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (rc != SQLITE_OK) return SqliteError(db, rc, "open the private copy");
  return opened;
}

// Whether it succeeds does not matter: whoever reads the copy finds what is wrong with it.
void Try(sqlite3* db, const char* sql) { sqlite3_exec(db, sql, nullptr, nullptr, nullptr); }

// Within the transaction that `from` holds already.
absl::Status CopyPages(SqliteConnection& from, const std::string& to) {
  ASSIGN_OR_RETURN(const Database copy, OpenScratch(to, SQLITE_OPEN_CREATE));
  Try(copy.get(), "PRAGMA synchronous = OFF");
  sqlite3_backup* const backup = sqlite3_backup_init(copy.get(), "main", from.raw(), "main");
  if (backup == nullptr) {
    return SqliteError(copy.get(), sqlite3_extended_errcode(copy.get()), "copy the source");
  }
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) return SqliteError(from.raw(), stepped, "copy the source");
  if (finished != SQLITE_OK) return SqliteError(copy.get(), finished, "copy the source");
  Try(copy.get(), "PRAGMA journal_mode = DELETE");
  return absl::OkStatus();
}

// Bytes of one file, which must not be open in this process: closing it would drop SQLite's locks.
absl::Status CopyBytes(const std::string& from, const std::string& to) {
  const int in = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0) {
    if (IsOutOfResource(errno)) return OutOfResource(from, errno);
    return MakeError(ErrorCode::kSourceUnreadable, ExitCode::kSource,
                     absl::StrCat(EscapeName(from), " cannot be read: ", std::strerror(errno)));
  }
  const int out = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ssize_t sent = out < 0 ? -1 : 1;
  while (sent > 0) sent = sendfile(out, in, nullptr, size_t{1} << 26);
  const int error = errno;
  close(in);
  if (out >= 0) close(out);
  return sent == 0 ? absl::OkStatus() : NoRoom(to, error);
}

using FileStates = std::array<FileState, 3>;

FileStates StatesOf(const std::string& path) {
  FileStates states;
  for (size_t i = 0; i < states.size(); ++i) states[i] = StateOf(absl::StrCat(path, kSuffixes[i]));
  return states;
}

bool Same(const FileStates& a, const FileStates& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].exists != b[i].exists || a[i].inode != b[i].inode || a[i].device != b[i].device ||
        a[i].size_bytes != b[i].size_bytes || a[i].modified_ns != b[i].modified_ns) {
      return false;
    }
  }
  return true;
}

// All files as they are, if they rest meanwhile; and the copy is recovered.
absl::Status CopyFiles(const std::string& path, const std::string& to) {
  for (int attempt = 0; attempt < kRawAttemptsMax; ++attempt) {
    const FileStates before = StatesOf(path);
    std::this_thread::sleep_for(kRestMin);
    for (size_t i = 0; i < before.size(); ++i) {
      const std::string copied = absl::StrCat(to, kSuffixes[i]);
      unlink(copied.c_str());
      if (!before[i].exists) continue;
      RETURN_IF_ERROR(CopyBytes(absl::StrCat(path, kSuffixes[i]), copied));
    }
    if (!Same(before, StatesOf(path))) continue;
    ASSIGN_OR_RETURN(const Database copy, OpenScratch(to, 0));
    // The first read rolls a journal back, or reads the WAL.
    Try(copy.get(), "SELECT 1 FROM sqlite_schema LIMIT 1");
    Try(copy.get(), "PRAGMA journal_mode = DELETE");
    return absl::OkStatus();
  }
  return MakeError(ErrorCode::kSourceSnapshot, ExitCode::kSourceBusy,
                   "the source was written to during every attempt to copy its files",
                   "stop its writer for a moment");
}

// SQLite could not open the database without changing something beside it.
bool NeedsRecovery(const absl::Status& status) {
  const int primary_code = SqliteCodeOf(status) & 0xFF;
  return primary_code == SQLITE_READONLY || primary_code == SQLITE_CANTOPEN;
}

class CopiedSnapshot final : public SourceSnapshot {
 public:
  explicit CopiedSnapshot(ScratchDirectory directory) : directory_(std::move(directory)) {}

  absl::Status Open(const std::string& source, int readers, const SqliteOpenOptions& options) {
    ASSIGN_OR_RETURN(const SourceLocation location, LocateSource(source));
    path_ = location.path;
    int64_t bytes = 0;
    for (const FileState& state : StatesOf(path_)) bytes += state.exists ? state.size_bytes : 0;
    RETURN_IF_ERROR(CheckRoom(directory_.path(), bytes));
    const auto begin = Clock::now();
    bool by_files = !NetworkFileSystemOf(path_).empty();
    if (!by_files) {
      const absl::Status copied = Backup(source, options);
      if (!copied.ok() && !NeedsRecovery(copied)) return copied;
      by_files = !copied.ok();
    }
    if (by_files) RETURN_IF_ERROR(CopyFiles(path_, directory_.database()));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    ASSIGN_OR_RETURN(inner_, SourceSnapshot::Open(directory_.database(), readers, options));
    if (fingerprint_.empty()) fingerprint_ = inner_->fingerprint();
    guarantee_ = absl::StrCat(
        "private copy, made within ", took.count(), " ms ",
        by_files ? "of files that rested meanwhile, and recovered there"
                 : absl::StrCat("by SQLite's backup interface from ", original_guarantee_));
    return absl::OkStatus();
  }

  int size() const override { return inner_->size(); }
  SqliteConnection& reader(int index) override { return inner_->reader(index); }
  std::unique_ptr<RowSource> NewRowSource(int index) override {
    return inner_->NewRowSource(index);
  }
  std::string guarantee() const override { return guarantee_; }
  std::string fingerprint() const override { return fingerprint_; }
  std::string path() const override { return path_; }
  bool blocks_writers() const override { return false; }
  int64_t wal_growth_bytes() const override { return 0; }
  absl::Status CheckUnchanged() const override { return inner_->CheckUnchanged(); }

 private:
  absl::Status Backup(const std::string& source, const SqliteOpenOptions& options) {
    ASSIGN_OR_RETURN(const std::unique_ptr<SourceSnapshot> original,
                     SourceSnapshot::Open(source, 1, options));
    fingerprint_ = original->fingerprint();
    original_guarantee_ = original->guarantee();
    RETURN_IF_ERROR(CopyPages(original->reader(0), directory_.database()));
    return original->CheckUnchanged();
  }

  // In the order of destruction, backwards: nobody reads the copy when it is removed.
  ScratchDirectory directory_;
  std::unique_ptr<SourceSnapshot> inner_;
  std::string path_, fingerprint_, guarantee_, original_guarantee_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SourceSnapshot>> OpenPrivateCopy(const std::string& source,
                                                                int readers,
                                                                const SqliteOpenOptions& options) {
  ASSIGN_OR_RETURN(ScratchDirectory directory, ScratchDirectory::Make(options.private_copy_dir));
  SqliteOpenOptions plain = options;
  plain.private_copy_dir.clear();
  auto snapshot = std::make_unique<CopiedSnapshot>(std::move(directory));
  RETURN_IF_ERROR(snapshot->Open(source, readers, plain));
  return std::unique_ptr<SourceSnapshot>(std::move(snapshot));
}

std::string NetworkFileSystemName(long type) {
  for (const FileSystemName& known : kNetworkFileSystems) {
    // Kernels differ in whether the number is signed.
    if (static_cast<uint32_t>(known.type) == static_cast<uint32_t>(type)) {
      return std::string(known.name);
    }
  }
  return "";
}

std::string NetworkFileSystemOf(const std::string& path) {
  struct statfs info{};
  return statfs(path.c_str(), &info) == 0 ? NetworkFileSystemName(info.f_type) : "";
}

}  // namespace lite2pg
