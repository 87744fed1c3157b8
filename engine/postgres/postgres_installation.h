// Where this machine keeps PostgreSQL's server programs.
#ifndef LITE2PG_ENGINE_POSTGRES_POSTGRES_INSTALLATION_H_
#define LITE2PG_ENGINE_POSTGRES_POSTGRES_INSTALLATION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/postgres/child_process.h"

namespace lite2pg {

// A directory that holds `postgres` and `initdb`. Plain value.
struct PostgresInstallation {
  std::string bin_dir;
  int major_version = 0;  // 15
};

// Every installation, newest first: the directories of Debian's and PGDG's packages below `roots`
// (the usual places when empty), or else what pg_config names, or else PATH. Programs are asked
// their version as `user`. Any thread.
std::vector<PostgresInstallation> FindPostgresInstallations(
    const OsUser& user, const std::vector<std::string>& roots, const CancelToken* cancel);

// The newest one, or the one of `major_version` when that is not 0: a cluster can only be run by
// the version that made it. kNoPostgresInstalled, exit 7, says which package is missing.
absl::StatusOr<PostgresInstallation> ChooseInstallation(
    const std::vector<PostgresInstallation>& installations, int major_version);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_POSTGRES_INSTALLATION_H_
