#include "engine/command/target_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {
absl::StatusOr<TargetSession> TargetSession::Open(const TargetSpec& spec, bool may_create,
                                                  const CancelToken& cancel) {
  TargetSession session;
  if (!spec.embedded()) {
    session.conninfo_ = spec.conninfo;
    return session;
  }
  EmbeddedCluster::Options options;
  options.dir = spec.pgdata_dir;
  options.create = may_create;
  options.cancel = &cancel;
  session.dir_ = spec.pgdata_dir;
  if (!may_create) {
    ASSIGN_OR_RETURN(const bool exists, EmbeddedCluster::Exists(options));
    if (!exists) {
      session.absent_ = true;
      return session;
    }
  }
  ASSIGN_OR_RETURN(EmbeddedCluster cluster, EmbeddedCluster::Start(options));
  session.conninfo_ = cluster.conninfo();
  session.dir_ = cluster.data_dir();
  session.cluster_ = std::move(cluster);
  return session;
}

PgConnectOptions TargetSession::connect_options() const {
  PgConnectOptions options;
  options.conninfo = conninfo_;
  return options;
}

void TargetSession::Describe(const TargetFacts& facts, const std::string& schema,
                             Report* report) const {
  report->target.server_version = facts.version_text;
  report->target.dialect = facts.dialect.empty() ? "postgresql" : facts.dialect;
  report->target.database = facts.database;
  report->target.schema = schema;
  report->target.embedded_dir = dir_;
  if (dir_.empty()) {
    report->target.conninfo_shown = RedactConninfo(conninfo_);
    return;
  }
  if (cluster_.has_value() && cluster_->relocated()) {
    report->next_steps.push_back(absl::StrCat(
        "the cluster is in ", EscapeForMessage(dir_, 300), ", because the user ",
        cluster_->os_user(), ", who runs PostgreSQL, cannot reach the directory asked for"));
  }
}

absl::Status RefuseUnproven(const TargetFacts& facts, const CommonOptions& common) {
  const Dialect& dialect = DialectNamed(facts.dialect);
  if (dialect.proven || common.experimental) return absl::OkStatus();
  ErrorInfo info;
  info.code = ErrorCode::kTargetDialect;
  info.exit_code = ExitCode::kTargetRefuses;
  info.what = absl::StrCat("the target is ", std::string(dialect.title),
                           ", which this lite2pg has not been tested with");
  info.hint = "--experimental tries it all the same; docs/distributed.md says what is known";
  info.effect = "nothing was written to the target";
  return MakeError(info);
}

absl::Status TargetSession::Close() {
  if (!cluster_.has_value()) return absl::OkStatus();
  const absl::Status status = cluster_->Stop();
  cluster_.reset();
  return status;
}

absl::StatusOr<TargetSession> OpenExistingTarget(const TargetSpec& spec,
                                                 const CancelToken& cancel) {
  ASSIGN_OR_RETURN(TargetSession session, TargetSession::Open(spec, /*may_create=*/false, cancel));
  if (!session.absent()) return session;
  return MakeError(ErrorCode::kTargetUnreachable, ExitCode::kTargetUnreachable,
                   absl::StrCat("there is no cluster in ", EscapeForMessage(spec.pgdata_dir, 300)),
                   "name the target, or copy into it first");
}

}  // namespace lite2pg
