// ReadTargetFacts: what the server is, what the role may do, and what there is room for.
#include <libpq-fe.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/conninfo.h"
#include "engine/postgres/pooler.h"

namespace lite2pg {
namespace {

// Limits of -1 mean none. numbackends is visible to every role, unlike the details of other
// roles' sessions in pg_stat_activity. reserved_connections needs PostgreSQL 16.
constexpr absl::string_view kFactsSql =
    "SELECT pg_catalog.current_setting('server_version_num'), "
    "pg_catalog.current_setting('server_version'), pg_catalog.version(), "
    "pg_catalog.current_database(), current_user, "
    "pg_catalog.current_setting('server_encoding'), pg_catalog.pg_is_in_recovery(), "
    "pg_catalog.current_setting('transaction_read_only') = 'on', "
    "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
    "EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = $1), "
    "COALESCE((SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND "
    "pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM pg_catalog.pg_namespace n "
    "WHERE n.nspname = $1), false), "
    "r.rolsuper, "
    "COALESCE((SELECT pg_catalog.string_agg(e.extname, ',') FROM pg_catalog.pg_extension e), ''), "
    "pg_catalog.pg_backend_pid(), "
    "pg_catalog.current_setting('max_connections')::bigint "
    "- CASE WHEN r.rolsuper THEN 0 ELSE "
    "pg_catalog.current_setting('superuser_reserved_connections')::bigint + "
    "COALESCE(pg_catalog.current_setting('reserved_connections', true)::bigint, 0) END "
    "- COALESCE((SELECT pg_catalog.sum(s.numbackends) FROM pg_catalog.pg_stat_database s), 0), "
    "CASE WHEN d.datconnlimit < 0 OR r.rolsuper THEN NULL ELSE d.datconnlimit - "
    "COALESCE((SELECT s.numbackends FROM pg_catalog.pg_stat_database s WHERE s.datid = d.oid), 0) "
    "END, "
    "CASE WHEN r.rolconnlimit < 0 OR r.rolsuper THEN NULL ELSE r.rolconnlimit - "
    "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid) END, "
    "pg_catalog.current_setting('max_locks_per_transaction')::bigint * "
    "(pg_catalog.current_setting('max_connections')::bigint + "
    "pg_catalog.current_setting('max_prepared_transactions')::bigint) "
    "FROM pg_catalog.pg_roles r, pg_catalog.pg_database d "
    "WHERE r.rolname = current_user AND d.datname = pg_catalog.current_database()";

std::string DialectOf(absl::string_view version, absl::string_view extensions) {
  if (absl::StrContains(version, "CockroachDB")) return "cockroachdb";
  if (absl::StrContains(version, "-YB-")) return "yugabytedb";
  const std::string list = absl::StrCat(",", extensions, ",");
  if (absl::StrContains(list, ",citus,")) return "citus";
  if (absl::StrContains(list, ",timescaledb,")) return "timescaledb";
  return "postgresql";
}

// Whether nobody between us and the server could listen.
bool IsLocal(PgConnection& connection) {
  const std::string host = connection.host();
  if (host.empty() || host[0] == '/' || host[0] == '@') return true;
  const char* address = PQhostaddr(connection.raw());
  const absl::string_view text = address == nullptr ? "" : address;
  return absl::StartsWith(text, "127.") || text == "::1";
}

}  // namespace

absl::StatusOr<TargetFacts> ReadTargetFacts(PgConnection& connection,
                                            const std::string& target_schema) {
  ASSIGN_OR_RETURN(const PgResult row, connection.Query(kFactsSql, {target_schema}));
  TargetFacts facts;
  if (row.rows() == 0) {
    return MakeError(ErrorCode::kTargetPrivilege, ExitCode::kTargetRefuses,
                     "the server's catalog does not show the role or database of this session");
  }
  facts.version = static_cast<int>(row.Int(0, 0));
  facts.version_text = std::string(row.Text(0, 1));
  facts.dialect = DialectOf(row.Text(0, 2), row.Text(0, 12));
  facts.database = std::string(row.Text(0, 3));
  facts.user = std::string(row.Text(0, 4));
  facts.encoding = std::string(row.Text(0, 5));
  facts.in_recovery = row.Bool(0, 6);
  facts.read_only = row.Bool(0, 7);
  facts.can_create_schema = row.Bool(0, 8);
  facts.schema_exists = row.Bool(0, 9);
  facts.can_create_in_schema = row.Bool(0, 10);
  facts.is_superuser = row.Bool(0, 11);
  int64_t free = row.Int(0, 14);
  for (const int limit : {15, 16}) {
    if (!row.IsNull(0, limit)) free = std::min(free, row.Int(0, limit));
  }
  facts.connections_free = static_cast<int>(std::clamp<int64_t>(free, 0, 100'000));
  facts.max_locks = row.Int(0, 17);
  facts.local = IsLocal(connection);
  facts.tls = PQsslInUse(connection.raw()) != 0;
  const std::string sslmode = SettingOf(connection.raw(), "sslmode");
  facts.certificate_verified = facts.tls && (sslmode == "verify-ca" || sslmode == "verify-full");
  // A pooler answers with a process id of its own making; only then is it worth a second look.
  if (row.Int(0, 13) != connection.backend_pid()) {
    facts.transaction_pooler = IsBehindTransactionPooler(connection);
  }
  return facts;
}

}  // namespace lite2pg
