#include "engine/postgres/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr size_t kOutputBytesMax = size_t{64} << 10;
constexpr size_t kLineBytesMax = 300;  // of a program's output, quoted in an error
constexpr int kPollMs = 50;  // how soon a cancelled token is noticed
// Descriptors closed one by one, as kernels before 5.9 want it.
constexpr int kDescriptorsMax = 1024;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { Reset(); }
  int get() const { return fd_; }
  void Reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

struct Pipe {
  FileDescriptor read_end, write_end;
  absl::Status Open() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
      return absl::InternalError(absl::StrCat("no pipe: ", ErrnoText(errno)));
    }
    read_end.Reset(fds[0]);
    write_end.Reset(fds[1]);
    return absl::OkStatus();
  }
};

absl::StatusOr<OsUser> FromEntry(int error, const passwd* entry) {
  if (entry == nullptr) {
    return absl::NotFoundError(error == 0 ? "no such user" : ErrnoText(error));
  }
  OsUser user;
  user.uid = entry->pw_uid;
  user.gid = entry->pw_gid;
  user.name = entry->pw_name;
  user.home = entry->pw_dir;
  int count = 64;
  user.groups.resize(static_cast<size_t>(count));
  // The second call knows the number; a user who gains groups in between keeps the first ones.
  if (getgrouplist(entry->pw_name, entry->pw_gid, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<size_t>(count));
    getgrouplist(entry->pw_name, entry->pw_gid, user.groups.data(), &count);
  }
  user.groups.resize(std::min(user.groups.size(), static_cast<size_t>(std::max(count, 0))));
  return user;
}

// What a child needs, made before fork(): afterwards another thread may hold the allocator's lock
// for ever, so the child only makes system calls.
class Launch {
 public:
  Launch(const std::vector<std::string>& argv, const OsUser& user)
      : user_(user), drops_(geteuid() == 0 && user.uid != 0) {
    strings_ = argv;
    for (std::string& s : strings_) argv_.push_back(s.data());
    argv_.push_back(nullptr);
    environment_ = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C",
                    absl::StrCat("HOME=", user.home), absl::StrCat("USER=", user.name),
                    absl::StrCat("LOGNAME=", user.name)};
    // initdb takes the cluster's time zone from here.
    const char* zone = getenv("TZ");
    if (zone != nullptr) environment_.push_back(absl::StrCat("TZ=", zone));
    for (std::string& s : environment_) envp_.push_back(s.data());
    envp_.push_back(nullptr);
  }

  // In the child. Returns errno, or 0.
  int DropPrivileges() const {
    if (!drops_) return 0;
    if (setgroups(user_.groups.size(), user_.groups.data()) != 0) return errno;
    if (setresgid(user_.gid, user_.gid, user_.gid) != 0) return errno;
    if (setresuid(user_.uid, user_.uid, user_.uid) != 0) return errno;
    return 0;
  }

  // In the child; comes back only with an errno, to be told to `error_fd`, which it may move.
  // `output_fd` becomes standard output and error.
  int Execute(int output_fd, int& error_fd) const {
    ResetSignals();
    umask(077);
    // Above the three standard descriptors, which may be closed in us and thus be these two.
    const int moved_output_fd = fcntl(output_fd, F_DUPFD_CLOEXEC, 3);
    const int moved_error_fd = fcntl(error_fd, F_DUPFD_CLOEXEC, 3);
    if (moved_output_fd < 0 || moved_error_fd < 0) return errno;
    error_fd = moved_error_fd;
    const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, 0) < 0) return errno;
    if (dup2(moved_output_fd, 1) < 0 || dup2(moved_output_fd, 2) < 0) return errno;
    // The caller's directory may be closed to the user we became; PostgreSQL looks at it.
    if (chdir("/") != 0) return errno;
    CloseOthers(error_fd);
    execve(argv_[0], argv_.data(), envp_.data());
    return errno;
  }

 private:
  static void ResetSignals() {
    for (const int number :
         {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT, SIGUSR1, SIGUSR2}) {
      signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  // SQLite's and libpq's descriptors close themselves; libraries that we do not know may not.
  static void CloseOthers(int keep_fd) {
    for (int fd = 3; fd < kDescriptorsMax; ++fd) {
      if (fd != keep_fd) close(fd);
    }
#ifdef __linux__
    close_range(kDescriptorsMax, ~0U, 0);
#endif
  }

  const OsUser& user_;
  bool drops_;
  std::vector<std::string> strings_, environment_;
  std::vector<char*> argv_, envp_;
};

// Tells the parent why the program could not be started.
[[noreturn]] void ReportAndExit(int error_fd, int error) {
  const ssize_t written = write(error_fd, &error, sizeof(error));
  _exit(written == sizeof(error) ? 127 : 126);
}

int ExitCodeOf(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return ExitCodeOf(status);
}

// The pipe closes without a word when the program was started.
absl::Status StartVerdict(pid_t pid, Pipe& errors, const std::string& program) {
  errors.write_end.Reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(errors.read_end.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  if (got != sizeof(error)) return absl::OkStatus();
  WaitFor(pid);
  return absl::InternalError(
      absl::StrCat("cannot start ", EscapeForMessage(program, 200), ": ", ErrnoText(error)));
}

void KeepTail(std::string& output, const char* data, size_t size) {
  output.append(data, size);
  if (output.size() > 2 * kOutputBytesMax) output.erase(0, output.size() - kOutputBytesMax);
}

}  // namespace

std::string LastLines(absl::string_view output, size_t count) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(output, '\n')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (!stripped.empty()) lines.push_back(EscapeForMessage(stripped, kLineBytesMax));
  }
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<int64_t>(count));
  return absl::StrJoin(lines, " | ");
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

absl::StatusOr<OsUser> OsUserByName(const std::string& name) {
  std::vector<char> buffer(16384);
  passwd entry;
  passwd* found = nullptr;
  const int error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return FromEntry(error, found);
}

absl::StatusOr<OsUser> OsUserById(uid_t uid) {
  std::vector<char> buffer(16384);
  passwd entry;
  passwd* found = nullptr;
  const int error = getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return FromEntry(error, found);
}

OsUser CurrentOsUser() {
  absl::StatusOr<OsUser> known = OsUserById(geteuid());
  if (known.ok()) return *std::move(known);
  OsUser user;
  user.uid = geteuid();
  user.gid = getegid();
  user.name = absl::StrCat(user.uid);
  user.home = "/";
  return user;
}

absl::StatusOr<pid_t> StartDaemon(const std::vector<std::string>& argv, const OsUser& user,
                                  const std::string& log_path) {
  const Launch launch(argv, user);
  Pipe errors;
  RETURN_IF_ERROR(errors.Open());
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("cannot fork: ", ErrnoText(errno)));
  if (pid == 0) {
    int error_fd = errors.write_end.get();
    setsid();
    const int drop_error = launch.DropPrivileges();
    if (drop_error != 0) ReportAndExit(error_fd, drop_error);
#ifdef __linux__
    // After the change of user, which clears it; SIGINT is PostgreSQL's fast shutdown.
    prctl(PR_SET_PDEATHSIG, SIGINT);
    if (getppid() != parent) _exit(127);
#else
    (void)parent;
#endif
    const int log_fd = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (log_fd < 0) ReportAndExit(error_fd, errno);
    const int error = launch.Execute(log_fd, error_fd);
    ReportAndExit(error_fd, error);
  }
  RETURN_IF_ERROR(StartVerdict(pid, errors, argv[0]));
  return pid;
}

absl::StatusOr<ChildResult> RunChild(const std::vector<std::string>& argv, const OsUser& user,
                                     const CancelToken* cancel) {
  const Launch launch(argv, user);
  Pipe errors, output;
  RETURN_IF_ERROR(errors.Open());
  RETURN_IF_ERROR(output.Open());
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("cannot fork: ", ErrnoText(errno)));
  if (pid == 0) {
    int error_fd = errors.write_end.get();
    setsid();
    const int drop_error = launch.DropPrivileges();
    if (drop_error != 0) ReportAndExit(error_fd, drop_error);
    const int error = launch.Execute(output.write_end.get(), error_fd);
    ReportAndExit(error_fd, error);
  }
  output.write_end.Reset();
  RETURN_IF_ERROR(StartVerdict(pid, errors, argv[0]));

  ChildResult result;
  std::array<char, 4096> buffer;
  std::optional<int> status;  // once it has ended
  size_t left = 0;            // what it had written by then
  bool terminated = false;
  for (;;) {
    if (cancel != nullptr && cancel->cancelled() && !terminated) {
      kill(pid, SIGTERM);
      terminated = true;
    }
    int ended = 0;
    if (!status.has_value() && waitpid(pid, &ended, WNOHANG) == pid) status = ended;
    pollfd waiting = {output.read_end.get(), POLLIN, 0};
    if (poll(&waiting, 1, status.has_value() ? 0 : kPollMs) <= 0) {
      // What it has started in the background keeps the pipe open, and is not waited for.
      if (status.has_value()) break;
      continue;
    }
    const ssize_t got = read(output.read_end.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    KeepTail(result.output, buffer.data(), static_cast<size_t>(got));
    if (!status.has_value()) continue;
    // No more than a pipe holds is the program's own.
    left += static_cast<size_t>(got);
    if (left > kOutputBytesMax) break;
  }
  result.exit_code = status.has_value() ? ExitCodeOf(*status) : WaitFor(pid);
  if (terminated) return cancel->Check();
  return result;
}

bool CanEnter(const OsUser& user, const std::string& dir) {
  const Launch launch({}, user);
  const pid_t pid = fork();
  if (pid < 0) return false;
  if (pid == 0) {
    if (launch.DropPrivileges() != 0) _exit(1);
    _exit(chdir(dir.c_str()) == 0 ? 0 : 1);
  }
  return WaitFor(pid) == 0;
}

absl::Status AppendAs(const OsUser& user, const std::string& path, absl::string_view content) {
  const Launch launch({}, user);
  Pipe errors;
  RETURN_IF_ERROR(errors.Open());
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("cannot fork: ", ErrnoText(errno)));
  if (pid == 0) {
    const int error_fd = errors.write_end.get();
    const int drop_error = launch.DropPrivileges();
    if (drop_error != 0) ReportAndExit(error_fd, drop_error);
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) ReportAndExit(error_fd, errno);
    size_t done = 0;
    while (done < content.size()) {
      const ssize_t written = write(fd, content.data() + done, content.size() - done);
      if (written < 0 && errno != EINTR) ReportAndExit(error_fd, errno);
      if (written > 0) done += static_cast<size_t>(written);
    }
    if (fsync(fd) != 0) ReportAndExit(error_fd, errno);
    _exit(0);
  }
  errors.write_end.Reset();
  int error = 0;
  const ssize_t got = read(errors.read_end.get(), &error, sizeof(error));
  if (WaitFor(pid) == 0) return absl::OkStatus();
  const std::string reason = got == sizeof(error) ? ErrnoText(error) : "the child failed";
  return absl::InternalError(
      absl::StrCat("cannot write ", EscapeForMessage(path, 200), ": ", reason));
}

}  // namespace lite2pg
