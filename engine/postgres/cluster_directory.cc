#include "engine/postgres/cluster_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMiB = uint64_t{1} << 20;
// A fresh cluster takes 40 MiB, its first WAL segment 16, and CREATE DATABASE 8.
constexpr uint64_t kCreateBytesMin = 128 * kMiB;

absl::Status Refused(const std::string& dir, absl::string_view what, absl::string_view hint) {
  return MakeError(
      ErrorCode::kClusterFailed, ExitCode::kUsage,
      absl::StrCat("cannot keep a cluster in ", EscapeForMessage(dir, 200), ": ", what), hint);
}

constexpr absl::string_view kElsewhere =
    "name another directory as TARGET, pgdata:DIR, or a server that is there";

absl::Status Failed(const std::string& dir, absl::string_view what,
                    absl::string_view hint = kElsewhere) {
  return MakeError(
      ErrorCode::kClusterFailed, ExitCode::kTargetUnreachable,
      absl::StrCat("cannot make a cluster in ", EscapeForMessage(dir, 200), ": ", what), hint);
}

// The nearest directory above `path` that is there.
fs::path ExistingAncestor(const fs::path& path) {
  fs::path ancestor = path.parent_path();
  std::error_code error;
  while (ancestor.has_relative_path() && !fs::exists(ancestor, error)) {
    ancestor = ancestor.parent_path();
  }
  return ancestor;
}

// What is at `place.dir`, into state and version; or why it cannot be used.
absl::Status Examine(ClusterPlace& place) {
  const fs::path dir = place.dir;
  std::error_code error;
  const fs::file_status status = fs::status(dir, error);
  if (status.type() == fs::file_type::not_found) return absl::OkStatus();
  if (error) return Refused(place.dir, error.message(), "");
  if (!fs::is_directory(status)) {
    return Refused(place.dir, "it is not a directory", "name a directory that is absent or empty");
  }
  const bool empty = fs::is_empty(dir, error);
  if (error) {
    return Refused(place.dir, absl::StrCat("it cannot be read: ", error.message()),
                   "run lite2pg as the user who owns it");
  }
  if (empty) return absl::OkStatus();
  const bool complete = fs::is_regular_file(fs::symlink_status(dir / kClusterConfigFile, error));
  std::ifstream version_file(dir / "PG_VERSION");
  int version = 0;
  version_file >> version;
  if (complete && version > 0) {
    place.state = ClusterState::kOurs;
    place.major_version = version;
    return absl::OkStatus();
  }
  if (version > 0) {
    return Refused(place.dir, "it holds a cluster that lite2pg did not make, or not to the end",
                   "start that cluster and name its connection string as the target; or, if an "
                   "interrupted lite2pg left it, remove the directory");
  }
  return Refused(place.dir, "it is not empty and holds no cluster",
                 "name a directory that is absent or empty");
}

// Root may not run the server: the user who shall.
absl::StatusOr<OsUser> UserForRoot(const std::string& dir) {
  struct stat info;
  if (stat(dir.c_str(), &info) == 0 && info.st_uid != 0) {
    absl::StatusOr<OsUser> owner = OsUserById(info.st_uid);
    if (owner.ok()) return owner;
    return Failed(dir, absl::StrCat("it belongs to uid ", info.st_uid, ", which is no known user"));
  }
  absl::StatusOr<OsUser> postgres = OsUserByName("postgres");
  if (postgres.ok()) return postgres;
  return MakeError(ErrorCode::kNoPostgresInstalled, ExitCode::kTargetUnreachable,
                   "PostgreSQL does not run as root, and there is no user \"postgres\"",
                   "install PostgreSQL (Debian: apt-get install postgresql), or run lite2pg as an "
                   "ordinary user");
}

// mkdir -p. Those that are made for another user can be entered by all, whatever our umask.
absl::Status MakeParents(const fs::path& dir, bool for_other_user) {
  std::vector<fs::path> missing;
  const fs::path present = ExistingAncestor(dir);
  for (fs::path p = dir.parent_path(); p != present; p = p.parent_path()) missing.push_back(p);
  for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
    if (mkdir(it->c_str(), 0777) != 0 && errno != EEXIST) {
      return Failed(dir, absl::StrCat("cannot make ", EscapeForMessage(it->string(), 200), ": ",
                                      ErrnoText(errno)));
    }
    if (for_other_user) chmod(it->c_str(), 0755);
  }
  return absl::OkStatus();
}

// The empty directory itself, private to the user.
absl::Status MakeOwnDirectory(const ClusterPlace& place) {
  if (mkdir(place.dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failed(place.dir, ErrnoText(errno));
  }
  // By descriptor and without following links: between our look and now, someone else may have
  // put something there.
  const int fd = open(place.dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return Failed(place.dir, ErrnoText(errno));
  const bool done = (geteuid() != 0 || fchown(fd, place.user.uid, place.user.gid) == 0) &&
                    fchmod(fd, 0700) == 0;
  const int error = errno;
  close(fd);
  if (!done) return Failed(place.dir, ErrnoText(error), "run lite2pg as the user who owns it");
  return absl::OkStatus();
}

uint64_t FreeBytes(const std::string& dir) {
  struct statvfs info;
  if (statvfs(dir.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

uint64_t MemoryBytes() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_size = sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || page_size <= 0) return 1024 * kMiB;
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_size);
}

std::string Megabytes(uint64_t bytes, uint64_t least, uint64_t most) {
  return absl::StrCat(std::clamp(bytes / kMiB, least, most), "MB");
}

std::string Settings(const std::string& dir) {
  const uint64_t memory = MemoryBytes();
  return absl::StrCat(
      "# Settings of a cluster made by lite2pg; read after postgresql.conf. Yours to change.\n"
      "# Only processes of this machine connect, by a socket in a private directory that is given\n"
      "# when the server starts.\n"
      "listen_addresses = ''\n"
      "unix_socket_permissions = 0700\n"
      "max_connections = 100\n"
      "\n"
      "# Bulk loads: few checkpoints, large sorts for indexes. Nothing here trades safety for\n"
      "# speed: fsync, full_page_writes and synchronous_commit stay on.\n"
      "fsync = on\n"
      "full_page_writes = on\n"
      "synchronous_commit = on\n"
      "max_wal_size = ", Megabytes(FreeBytes(dir) / 8, 256, 4096), "\n"
      "checkpoint_timeout = 30min\n"
      "shared_buffers = ", Megabytes(memory / 8, 16, 256), "\n"
      "maintenance_work_mem = ", Megabytes(memory / 16, 16, 256), "\n"
      "autovacuum = on\n");
}

// Upper and lower case by Unicode where the system has C.UTF-8.
const char* CharacterType() {
  const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr));
  if (locale == static_cast<locale_t>(nullptr)) return "C";
  freelocale(locale);
  return "C.UTF-8";
}

}  // namespace

absl::StatusOr<ClusterPlace> LocateCluster(const std::string& dir,
                                           const std::string& relocation_base) {
  if (dir.empty() || dir.find_first_of("\n\r") != std::string::npos) {
    return Refused(dir, "no such name can be used", "name a directory without line breaks");
  }
  std::error_code error;
  // "x/" and "x" are the same directory.
  fs::path path = fs::weakly_canonical(fs::absolute(dir, error), error).lexically_normal();
  if (error) return Refused(dir, error.message(), "");
  if (!path.has_filename()) path = path.parent_path();

  ClusterPlace place;
  place.dir = place.asked_dir = path.string();
  if (geteuid() != 0) {
    place.user = CurrentOsUser();
    RETURN_IF_ERROR(Examine(place));
    return place;
  }
  ASSIGN_OR_RETURN(place.user, UserForRoot(place.dir));
  if (CanEnter(place.user, ExistingAncestor(path).string())) {
    RETURN_IF_ERROR(Examine(place));
    return place;
  }
  RETURN_IF_ERROR(Examine(place));
  if (place.state == ClusterState::kOurs) {
    return Failed(place.dir, absl::StrCat("user \"", place.user.name, "\" cannot reach it"),
                  "move it to a directory that this user can enter");
  }
  place.dir = (fs::path(relocation_base) / path.relative_path()).string();
  RETURN_IF_ERROR(Examine(place));
  return place;
}

absl::Status CreateCluster(const ClusterPlace& place, const PostgresInstallation& installation,
                           const CancelToken* cancel) {
  const bool for_other_user = place.user.uid != geteuid();
  RETURN_IF_ERROR(MakeParents(place.dir, for_other_user));
  if (!CanEnter(place.user, fs::path(place.dir).parent_path().string())) {
    return Failed(place.dir, absl::StrCat("user \"", place.user.name, "\" cannot reach it"));
  }
  RETURN_IF_ERROR(MakeOwnDirectory(place));
  const uint64_t free_bytes = FreeBytes(place.dir);
  if (free_bytes < kCreateBytesMin) {
    return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                     absl::StrCat("cannot make a cluster in ", EscapeForMessage(place.dir, 200),
                                  ": only ", FormatBytes(free_bytes), " are free there"),
                     absl::StrCat("free at least ", FormatBytes(kCreateBytesMin),
                                  " and room for the data"));
  }
  // Collation C is SQLite's BINARY: the same order on both sides, and the fastest indexes. The
  // socket's directory is the guard, so those who get in are trusted; TCP is never accepted.
  const std::string ctype = CharacterType();
  const std::vector<std::string> argv = {
      absl::StrCat(installation.bin_dir, "/initdb"), absl::StrCat("--pgdata=", place.dir),
      absl::StrCat("--username=", kClusterUser), "--encoding=UTF8", "--locale=C",
      absl::StrCat("--lc-ctype=", ctype), "--auth-local=trust", "--auth-host=reject",
      "--data-checksums"};
  absl::StatusOr<ChildResult> result = RunChild(argv, place.user, cancel);
  if (!result.ok()) {
    if (cancel != nullptr && cancel->cancelled()) return result.status();
    return Failed(place.dir, result.status().message());
  }
  if (result->exit_code != 0) {
    return Failed(place.dir, absl::StrCat("initdb ended with ", result->exit_code, ": ",
                                          LastLines(result->output, 4)));
  }
  const std::string base = absl::StrCat(place.dir, "/");
  absl::Status written =
      AppendAs(place.user, absl::StrCat(base, "postgresql.conf"),
               absl::StrCat("\n# What lite2pg chose.\ninclude_if_exists = '", kClusterConfigFile,
                            "'\n"));
  if (written.ok()) {
    written = AppendAs(place.user, absl::StrCat(base, kClusterConfigFile), Settings(place.dir));
  }
  if (!written.ok()) return Failed(place.dir, written.message());
  return absl::OkStatus();
}

}  // namespace lite2pg
