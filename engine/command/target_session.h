// Where a command's target is: a server that runs, or an embedded cluster that the command starts
// and stops.
#ifndef LITE2PG_ENGINE_COMMAND_TARGET_SESSION_H_
#define LITE2PG_ENGINE_COMMAND_TARGET_SESSION_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/command/request.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/embedded_cluster.h"
#include "engine/report/report.h"

namespace lite2pg {

// Move-only. The destructor stops a cluster that Open() started.
class TargetSession {
 public:
  // Starts the cluster where there is one to start. With `may_create` false (plan) a cluster that
  // does not exist yet is not made, and absent() is true.
  static absl::StatusOr<TargetSession> Open(const TargetSpec& spec, bool may_create,
                                            const CancelToken& cancel);

  bool absent() const { return absent_; }
  // For a new connection, with lite2pg's settings.
  PgConnectOptions connect_options() const;
  absl::StatusOr<PgConnection> Connect() const { return PgConnection::Connect(connect_options()); }
  // Fills report->target and the advice on how to connect.
  void Describe(const TargetFacts& facts, const std::string& schema, Report* report) const;
  absl::Status Close();

 private:
  std::string conninfo_;
  std::string dir_;
  std::optional<EmbeddedCluster> cluster_;
  bool absent_ = false;
};

// A server of another make, or with an extension that changes what it does, which no test has run
// against: kTargetDialect with exit code 8, unless the user wants to try it (--experimental).
absl::Status RefuseUnproven(const TargetFacts& facts, const CommonOptions& common);

// Opens a target that must exist already; an embedded cluster is started. Errors: exit code 7.
absl::StatusOr<TargetSession> OpenExistingTarget(const TargetSpec& spec, const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_TARGET_SESSION_H_
