#include "engine/postgres/embedded_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/child_process.h"
#include "engine/postgres/cluster_directory.h"
#include "engine/postgres/postgres_installation.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

// Neither a server's start nor its end can be waited for by a call with a timeout: waitpid() has
// none, and readiness shows only by trying.
constexpr std::chrono::milliseconds kPollInterval{20};
// Tries to start beside another process that starts or stops the same cluster: ten seconds.
constexpr int kStartAttemptsMax = 50;
constexpr std::chrono::milliseconds kRetryInterval{200};
// A shutdown writes every dirty page; after this long the server is ended at once, which loses
// nothing but makes the next start recover.
constexpr std::chrono::minutes kStopMax{10};
// sockaddr_un holds 107 bytes (103 elsewhere) with "/.s.PGSQL.5432" and the lock file's suffix.
constexpr size_t kSocketDirBytesMax = 80;
constexpr char kPort[] = "5432";
constexpr uintmax_t kLogBytesMax = uintmax_t{8} << 20;
constexpr size_t kLogTailBytes = 16384;

struct FinishConnection {
  void operator()(PGconn* conn) const { PQfinish(conn); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, FinishConnection>;
using Result = std::unique_ptr<PGresult, ClearResult>;

// What postmaster.pid says of a server; PostgreSQL: src/include/utils/pidfile.h.
struct RunningServer {
  pid_t pid = 0;
  std::string port;
  std::string socket_dir;
};

std::optional<RunningServer> ReadPidFile(const std::string& data_dir) {
  std::ifstream file(absl::StrCat(data_dir, "/postmaster.pid"));
  RunningServer server;
  std::string pid, line;
  if (!std::getline(file, pid)) return std::nullopt;
  std::getline(file, line);  // data directory
  std::getline(file, line);  // start time
  std::getline(file, server.port);
  std::getline(file, server.socket_dir);
  server.pid = static_cast<pid_t>(strtol(pid.c_str(), nullptr, 10));
  if (server.pid <= 1) return std::nullopt;
  return server;
}

bool Alive(pid_t pid) { return kill(pid, 0) == 0 || errno == EPERM; }

std::string QuoteConninfoValue(const std::string& value) {
  if (value.find_first_of(" '\\") == std::string::npos && !value.empty()) return value;
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return quoted;
}

// Everything that PG* variables could set to something else is said.
std::string Conninfo(const std::string& socket_dir, const std::string& port,
                     const std::string& database) {
  std::string conninfo =
      absl::StrCat("host=", QuoteConninfoValue(socket_dir), " port=", port, " user=", kClusterUser,
                   " dbname=", database);
  if (getenv("PGHOSTADDR") != nullptr || getenv("PGSERVICE") != nullptr) {
    absl::StrAppend(&conninfo, " hostaddr=''");
  }
  return conninfo;
}

// For looking whether a server is there: one that is stopped must not hold us up for ever.
std::string Probe(const std::string& socket_dir, const std::string& port) {
  return absl::StrCat(Conninfo(socket_dir, port, "postgres"), " connect_timeout=10");
}

Result Query(const Connection& conn, const std::string& sql) {
  return Result(PQexecParams(conn.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0));
}

// The same name for the same cluster, so that connection strings last. 64-bit FNV-1a.
std::string SocketDirName(const ClusterPlace& place) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : absl::StrCat(place.user.uid, ":", place.dir)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return absl::StrCat("lite2pg-", absl::Hex(hash, absl::kZeroPad16));
}

// A directory that belongs to `user` and that nobody else can enter. Others can write to /tmp, so
// nothing that is already there is trusted before it was looked at.
bool IsPrivateDirectory(const std::string& path, const OsUser& user) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == user.uid &&
         (info.st_mode & 077) == 0;
}

absl::StatusOr<std::string> MakeSocketDir(const ClusterPlace& place) {
  std::string parent = "/tmp";
  const char* runtime_dir = getenv("XDG_RUNTIME_DIR");
  if (place.user.uid == geteuid() && runtime_dir != nullptr &&
      IsPrivateDirectory(runtime_dir, place.user)) {
    parent = runtime_dir;
  }
  std::string path = absl::StrCat(parent, "/", SocketDirName(place));
  if (path.size() > kSocketDirBytesMax) path = absl::StrCat("/tmp/", SocketDirName(place));
  bool made = mkdir(path.c_str(), 0700) == 0;
  if (!made && IsPrivateDirectory(path, place.user)) return path;
  if (!made) {
    // Somebody else has that name: any other will do.
    path += "-XXXXXX";
    made = mkdtemp(path.data()) != nullptr;
  }
  if (made && (geteuid() == place.user.uid || lchown(path.c_str(), place.user.uid,
                                                     place.user.gid) == 0)) {
    return path;
  }
  return MakeError(ErrorCode::kClusterFailed, ExitCode::kTargetUnreachable,
                   absl::StrCat("cannot make a directory for the server's socket below ", parent,
                                ": ", ErrnoText(errno)));
}

// The end of the server's log, from `offset` on. Opened without following links: the directory
// belongs to the server's user, and we may be root.
std::string ReadLog(const std::string& path, uintmax_t offset) {
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  struct stat info;
  std::string text;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    const uintmax_t size = static_cast<uintmax_t>(info.st_size);
    if (size > offset + kLogTailBytes) offset = size - kLogTailBytes;
    text.resize(kLogTailBytes);
    const ssize_t got = pread(fd, text.data(), text.size(), static_cast<off_t>(offset));
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  }
  close(fd);
  return text;
}

}  // namespace

struct EmbeddedCluster::Impl {
  ClusterPlace place;
  std::string bin_dir;
  std::string socket_dir;    // of the server in use
  std::string port = kPort;
  pid_t server_pid = 0;
  pid_t child = 0;           // the server that we started and have not waited for
  uintmax_t log_offset = 0;  // where the output of this start begins
  std::string conninfo;
  bool created = false;
  bool was_running = false;

  ~Impl() { Stop().IgnoreError(); }  // a destructor has nobody to tell; the next start recovers

  std::string LogPath() const { return absl::StrCat(place.dir, "/", kClusterLogFile); }
  absl::Status Error(absl::string_view what) const;

  absl::Status StartOrAttach(const CancelToken* cancel);
  absl::StatusOr<bool> Attach(const CancelToken* cancel);  // false: no server runs here
  absl::Status Launch(const CancelToken* cancel);
  absl::Status AwaitReady(const CancelToken* cancel);
  bool ServesOurDirectory(const RunningServer& server) const;
  absl::Status EnsureDatabase() const;
  bool Reap();  // true once there is no child any more
  absl::Status Stop();
};

absl::Status EmbeddedCluster::Impl::Error(absl::string_view what) const {
  ErrorInfo info;
  info.code = ErrorCode::kClusterFailed;
  info.exit_code = ExitCode::kTargetUnreachable;
  info.what = absl::StrCat("the cluster in ", EscapeForMessage(place.dir, 200), " ", what);
  info.server = LastLines(ReadLog(LogPath(), log_offset), 5);
  info.hint = absl::StrCat("the server's log is ", EscapeForMessage(LogPath(), 200));
  return MakeError(info);
}

bool EmbeddedCluster::Impl::Reap() {
  if (child == 0) return true;
  const pid_t ended = waitpid(child, nullptr, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
  child = 0;
  return true;
}

bool EmbeddedCluster::Impl::ServesOurDirectory(const RunningServer& server) const {
  const Connection conn(PQconnectdb(Probe(server.socket_dir, server.port).c_str()));
  if (PQstatus(conn.get()) != CONNECTION_OK) return false;
  const Result result = Query(conn, "SELECT pg_catalog.current_setting('data_directory')");
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return false;
  std::error_code error;
  return std::filesystem::equivalent(PQgetvalue(result.get(), 0, 0), place.dir, error);
}

absl::StatusOr<bool> EmbeddedCluster::Impl::Attach(const CancelToken* cancel) {
  for (;;) {
    const std::optional<RunningServer> server = ReadPidFile(place.dir);
    if (!server.has_value() || !Alive(server->pid)) return false;
    if (cancel != nullptr) RETURN_IF_ERROR(cancel->Check());
    const PGPing ping = PQping(Probe(server->socket_dir, server->port).c_str());
    if (ping == PQPING_OK) {
      // The file may be a crash's: a process that got its number since, or a socket of another
      // cluster, is no server of this directory. Starting one settles it.
      if (!ServesOurDirectory(*server)) return false;
      socket_dir = server->socket_dir;
      port = server->port;
      server_pid = server->pid;
      was_running = true;
      return true;
    }
    // A server that starts or shuts down refuses for the moment; after the latter the file is gone.
    if (ping != PQPING_REJECT) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
}

absl::Status EmbeddedCluster::Impl::Launch(const CancelToken* cancel) {
  ASSIGN_OR_RETURN(socket_dir, MakeSocketDir(place));
  port = kPort;
  std::error_code error;
  log_offset = std::filesystem::file_size(LogPath(), error);
  if (error) log_offset = 0;
  if (log_offset > kLogBytesMax) {
    std::filesystem::rename(LogPath(), absl::StrCat(LogPath(), ".old"), error);
    if (!error) log_offset = 0;
  }
  const absl::StatusOr<pid_t> started = StartDaemon(
      {absl::StrCat(bin_dir, "/postgres"), "-D", place.dir, "-k", socket_dir, "-p", kPort},
      place.user, LogPath());
  if (!started.ok()) return Error(absl::StrCat("does not start: ", started.status().message()));
  child = server_pid = *started;
  return AwaitReady(cancel);
}

absl::Status EmbeddedCluster::Impl::AwaitReady(const CancelToken* cancel) {
  const std::string probe = Probe(socket_dir, port);
  for (;;) {
    if (Reap()) return Error("does not start");
    if (cancel != nullptr) RETURN_IF_ERROR(cancel->Check());
    // The file names our child once it owns the directory.
    const std::optional<RunningServer> server = ReadPidFile(place.dir);
    if (server.has_value() && server->pid == child && PQping(probe.c_str()) == PQPING_OK) {
      return absl::OkStatus();
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

absl::Status EmbeddedCluster::Impl::StartOrAttach(const CancelToken* cancel) {
  absl::Status launched;
  for (int attempt = 0; attempt < kStartAttemptsMax; ++attempt) {
    ASSIGN_OR_RETURN(const bool attached, Attach(cancel));
    if (attached) return absl::OkStatus();
    launched = Launch(cancel);
    if (launched.ok() || (cancel != nullptr && cancel->cancelled())) return launched;
    // Another process may have started the server, or be ending it, between our two steps.
    const std::optional<RunningServer> server = ReadPidFile(place.dir);
    if (!server.has_value() || !Alive(server->pid)) return launched;
    std::this_thread::sleep_for(kRetryInterval);
  }
  return launched;
}

absl::Status EmbeddedCluster::Impl::EnsureDatabase() const {
  if (PQstatus(Connection(PQconnectdb(conninfo.c_str())).get()) == CONNECTION_OK) {
    return absl::OkStatus();
  }
  const Connection conn(PQconnectdb(Probe(socket_dir, port).c_str()));
  if (PQstatus(conn.get()) != CONNECTION_OK) {
    return Error(absl::StrCat("refuses connections: ", EscapeForMessage(
                                                           PQerrorMessage(conn.get()), 300)));
  }
  const Result result =
      Query(conn, absl::StrCat("CREATE DATABASE ", kClusterDatabase, " TEMPLATE template0"));
  // Another process may have been faster: 42P04 is duplicate_database.
  const char* sqlstate = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK ||
      (sqlstate != nullptr && std::string(sqlstate) == "42P04")) {
    return absl::OkStatus();
  }
  return Error(absl::StrCat("has no database \"", kClusterDatabase, "\", and it cannot be made: ",
                            EscapeForMessage(PQresultErrorMessage(result.get()), 300)));
}

absl::Status EmbeddedCluster::Impl::Stop() {
  if (was_running || socket_dir.empty()) return absl::OkStatus();
  const Clock::time_point give_up = Clock::now() + kStopMax;
  bool in_time = true;
  // "Fast": rolls back others' transactions, writes everything, ends.
  if (child != 0) kill(child, SIGINT);
  while (!Reap()) {
    if (in_time && Clock::now() > give_up) {
      in_time = false;
      kill(child, SIGQUIT);
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  rmdir(socket_dir.c_str());  // stays if someone put something there
  socket_dir.clear();
  if (in_time) return absl::OkStatus();
  return Error("did not shut down in time and was ended; nothing is lost, its next start recovers");
}

EmbeddedCluster::EmbeddedCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedCluster::EmbeddedCluster(EmbeddedCluster&&) noexcept = default;
EmbeddedCluster& EmbeddedCluster::operator=(EmbeddedCluster&&) noexcept = default;
EmbeddedCluster::~EmbeddedCluster() = default;

absl::StatusOr<bool> EmbeddedCluster::Exists(const Options& options) {
  ASSIGN_OR_RETURN(const ClusterPlace place, LocateCluster(options.dir, options.relocation_base));
  return place.state == ClusterState::kOurs;
}

absl::StatusOr<EmbeddedCluster> EmbeddedCluster::Start(const Options& options) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->place, LocateCluster(options.dir, options.relocation_base));
  const ClusterPlace& place = impl->place;
  if (place.state == ClusterState::kAbsent && !options.create) {
    return MakeError(ErrorCode::kClusterFailed, ExitCode::kUsage,
                     absl::StrCat("there is no cluster in ", EscapeForMessage(place.dir, 200)),
                     "lite2pg copy makes one");
  }
  const std::vector<PostgresInstallation> installations =
      FindPostgresInstallations(place.user, options.installation_roots, options.cancel);
  if (options.cancel != nullptr) RETURN_IF_ERROR(options.cancel->Check());
  ASSIGN_OR_RETURN(const PostgresInstallation installation,
                   ChooseInstallation(installations, place.major_version));
  impl->bin_dir = installation.bin_dir;
  if (place.state == ClusterState::kAbsent) {
    RETURN_IF_ERROR(CreateCluster(place, installation, options.cancel));
    impl->created = true;
  }
  RETURN_IF_ERROR(impl->StartOrAttach(options.cancel));
  impl->conninfo = Conninfo(impl->socket_dir, impl->port, kClusterDatabase);
  RETURN_IF_ERROR(impl->EnsureDatabase());
  return EmbeddedCluster(std::move(impl));
}

const std::string& EmbeddedCluster::conninfo() const { return impl_->conninfo; }
const std::string& EmbeddedCluster::data_dir() const { return impl_->place.dir; }
bool EmbeddedCluster::relocated() const { return impl_->place.relocated(); }
const std::string& EmbeddedCluster::os_user() const { return impl_->place.user.name; }
bool EmbeddedCluster::created() const { return impl_->created; }
bool EmbeddedCluster::was_running() const { return impl_->was_running; }

absl::Status EmbeddedCluster::RunUntil(const CancelToken& cancel) {
  while (!cancel.cancelled()) {
    const bool ended = impl_->was_running ? !Alive(impl_->server_pid) : impl_->Reap();
    if (ended) return impl_->Error("has ended");
    std::this_thread::sleep_for(kPollInterval);
  }
  return absl::OkStatus();
}

absl::Status EmbeddedCluster::Stop() { return impl_->Stop(); }

}  // namespace lite2pg
