// The directory of an embedded cluster: where it may lie, who owns it, and how it is made.
#ifndef LITE2PG_ENGINE_POSTGRES_CLUSTER_DIRECTORY_H_
#define LITE2PG_ENGINE_POSTGRES_CLUSTER_DIRECTORY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/postgres/child_process.h"
#include "engine/postgres/postgres_installation.h"

namespace lite2pg {

// The name of the superuser and of the database that every cluster of ours has.
inline constexpr char kClusterUser[] = "lite2pg";
inline constexpr char kClusterDatabase[] = "lite2pg";
// In the cluster's directory: our settings, written last, and the server's output.
inline constexpr char kClusterConfigFile[] = "lite2pg.conf";
inline constexpr char kClusterLogFile[] = "server.log";

enum class ClusterState : uint8_t {
  kAbsent,  // nothing there, or an empty directory: a cluster can be made
  kOurs,    // a complete cluster that lite2pg made
};

// Plain value. `dir` is absolute and free of symbolic links.
struct ClusterPlace {
  std::string dir;
  std::string asked_dir;   // what `dir` would be if the server's user could reach it
  OsUser user;             // who owns the directory and runs the server
  ClusterState state = ClusterState::kAbsent;
  int major_version = 0;   // of an existing cluster

  bool relocated() const { return dir != asked_dir; }
};

// Decides where a cluster named `dir` lies, and changes nothing. For an ordinary user that is
// `dir` itself. Root's clusters belong to the owner of `dir`, or to `postgres` when it is absent or
// root's; where that user cannot reach `dir`, the place is `relocation_base` + `dir`, the same one
// every time.
//
// Errors: exit 2 when `dir` is a file, holds something else, or a cluster that lite2pg did not make
// (its settings and users are not ours to assume); exit 7 when root has no user to run it as.
absl::StatusOr<ClusterPlace> LocateCluster(const std::string& dir,
                                           const std::string& relocation_base);

// Makes the cluster that `place` says is absent: UTF8, byte order for text as in SQLite, data
// checksums, local connections only, settings fit for bulk loads that lose nothing. The settings
// file is written last, so a directory that has it is complete.
absl::Status CreateCluster(const ClusterPlace& place, const PostgresInstallation& installation,
                           const CancelToken* cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_CLUSTER_DIRECTORY_H_
