// Programs that run beside us: PostgreSQL's own binaries, under the operating system user that may
// own a cluster. PostgreSQL refuses to run as root, so root's children drop to another user.
//
// No shell is ever involved: arguments go as a vector. Children see none of our open files, signal
// masks or PG* variables (PGPASSWORD would end up in the server's environment).
#ifndef LITE2PG_ENGINE_POSTGRES_CHILD_PROCESS_H_
#define LITE2PG_ENGINE_POSTGRES_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/cancel.h"

namespace lite2pg {

// A user of the operating system, as the user database knows it. Plain value.
struct OsUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name;
  std::string home;
};

// The effective user of this process. An unknown uid (containers) gets its number as its name.
OsUser CurrentOsUser();
// kNotFound when the user database has no such user.
absl::StatusOr<OsUser> OsUserByName(const std::string& name);
absl::StatusOr<OsUser> OsUserById(uid_t uid);

// A child that goes on until it is told to end: the server. Any thread may start one, but the
// child gets SIGINT when the thread that started it ends, even by SIGKILL of the whole process: a
// server must not outlive the run that started it. So start it from a thread that stays.
//
// The child leads its own session, so Ctrl-C at the terminal does not reach it. Its output is
// appended to `log_path`, opened by the child after it dropped its privileges: in a directory that
// another user owns, root must not follow that user's symbolic links.
absl::StatusOr<pid_t> StartDaemon(const std::vector<std::string>& argv, const OsUser& user,
                                  const std::string& log_path);

// How a child ended.
struct ChildResult {
  int exit_code = 0;   // 128 + the signal's number when a signal ended it
  std::string output;  // the last 64 KiB of what it wrote to standard output and error
};

// Runs a program to its end. A cancelled token ends the child by SIGTERM and comes back as
// kInterrupted; nullptr: not cancellable. An error also when the program cannot be started.
absl::StatusOr<ChildResult> RunChild(const std::vector<std::string>& argv, const OsUser& user,
                                     const CancelToken* cancel);

// Whether `user` may pass through `dir` to what is below it; asked of the kernel by a child that
// has dropped to that user, so that access lists and namespaces count too.
bool CanEnter(const OsUser& user, const std::string& dir);

// Appends `content` to `path` as `user`, creating it with mode 0600, and makes it durable. Does not
// follow a symbolic link at `path`. OS errors come as kInternal with the reason.
absl::Status AppendAs(const OsUser& user, const std::string& path, absl::string_view content);

// The last `count` lines of a program's output that are not blank, escaped, for an error message.
std::string LastLines(absl::string_view output, size_t count);

// "Permission denied" for EACCES, in a way that any thread may use.
std::string ErrnoText(int error);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_CHILD_PROCESS_H_
