// A PostgreSQL server of our own: the target `pgdata:DIR`.
//
// DIR is an ordinary data directory, made and run with the machine's own PostgreSQL programs under
// an ordinary user. Connections come through a Unix socket in a directory that only that user (and
// root) can enter; inside, everyone is trusted and is the superuser `lite2pg`, whose database has
// the same name. The socket's directory is derived from DIR, so the connection string stays the
// same from one start to the next.
#ifndef LITE2PG_ENGINE_POSTGRES_EMBEDDED_CLUSTER_H_
#define LITE2PG_ENGINE_POSTGRES_EMBEDDED_CLUSTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"

namespace lite2pg {

// Move-only; used by one thread at a time.
class EmbeddedCluster {
 public:
  struct Options {
    std::string dir;
    // Whether to make a cluster where there is none; otherwise that is an error with exit 2.
    bool create = true;
    // Where a cluster of root's goes whose DIR the server's user cannot reach.
    std::string relocation_base = "/var/lib/lite2pg";
    // Directories with PostgreSQL installations; empty: the usual ones.
    std::vector<std::string> installation_roots;
    // Ends waiting; nullptr: never. Must outlive the call only.
    const CancelToken* cancel = nullptr;
  };

  // Whether there is a cluster of ours for `options.dir`; changes nothing.
  static absl::StatusOr<bool> Exists(const Options& options);

  // Makes the cluster if it is missing, starts it unless it runs already, and waits until it takes
  // connections; recovery after a crash is waited for without limit. A server that was running is
  // used and left running.
  //
  // The calling thread must live until Stop(): when it ends, the server is shut down (so that a
  // killed run leaves no server behind).
  //
  // Errors: kNoPostgresInstalled and kClusterFailed exit 7 (with the server's last words), exit 2
  // when DIR is not fit, 9 when the disk is full, 10 when cancelled.
  static absl::StatusOr<EmbeddedCluster> Start(const Options& options);

  EmbeddedCluster(EmbeddedCluster&&) noexcept;
  EmbeddedCluster& operator=(EmbeddedCluster&&) noexcept;
  ~EmbeddedCluster();  // as Stop()

  // For libpq and psql; holds no password.
  const std::string& conninfo() const;
  // Absolute; what `lite2pg serve` takes.
  const std::string& data_dir() const;
  // True if data_dir() is not the directory that was asked for, because the server's user cannot
  // reach that.
  bool relocated() const;
  // The operating system user that the server runs as, and that may connect beside root.
  const std::string& os_user() const;
  bool created() const;          // by this Start
  bool was_running() const;      // before this Start

  // Stays until `cancel` is cancelled (OK) or the server ends by itself (exit 7).
  absl::Status RunUntil(const CancelToken& cancel);

  // Shuts down a server that Start() started, ending the sessions of others, and waits until all
  // is written. Does nothing for a server that was running before, and the second time.
  absl::Status Stop();

 private:
  struct Impl;
  explicit EmbeddedCluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_EMBEDDED_CLUSTER_H_
