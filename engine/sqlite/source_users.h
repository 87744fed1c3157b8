// Who else has the source open, as /proc tells it.
#ifndef LITE2PG_ENGINE_SQLITE_SOURCE_USERS_H_
#define LITE2PG_ENGINE_SQLITE_SOURCE_USERS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace lite2pg {

struct SourceUser {
  pid_t pid = 0;
  std::string program;  // the kernel's short name of it
};

struct SourceUsers {
  std::vector<SourceUser> found;
  int not_seen = 0;  // processes of other users, whose open files only root may see
};

// Processes other than this one that have `path`, its -wal, -journal or -shm open. Known by device
// and inode, so links and mount points do not hide them. A program that opens the file for each
// statement is not seen between them; other machines never are.
SourceUsers FindSourceUsers(const std::string& path);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SOURCE_USERS_H_
