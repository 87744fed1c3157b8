// ReadTargetFacts: what the server is, what the role may do, and what there is room for.
#include <libpq-fe.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/conninfo.h"
#include "engine/postgres/dialects/dialect.h"
#include "engine/postgres/pooler.h"

namespace lite2pg {
namespace {

// Limits of -1 mean none. numbackends is visible to every role, unlike the details of other
// roles' sessions in pg_stat_activity. reserved_connections needs PostgreSQL 16.
constexpr absl::string_view kFactsSql =
    "SELECT pg_catalog.current_setting('server_version_num'), "
    "pg_catalog.current_setting('server_version'), "
    "pg_catalog.current_database(), current_user, "
    "pg_catalog.current_setting('server_encoding'), pg_catalog.pg_is_in_recovery(), "
    "pg_catalog.current_setting('transaction_read_only') = 'on', "
    "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
    "EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = $1), "
    "COALESCE((SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND "
    "pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM pg_catalog.pg_namespace n "
    "WHERE n.nspname = $1), false), "
    "r.rolsuper, "
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

// What every server with the protocol can be asked; the rest depends on what it is.
constexpr absl::string_view kDialectSql =
    "SELECT pg_catalog.version(), e.extname, n.nspname FROM (SELECT 1) AS one "
    "LEFT JOIN pg_catalog.pg_extension e ON true "
    "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace";

// For servers without room_statistics: what concerns room is left out.
constexpr absl::string_view kFewFactsSql =
    "SELECT pg_catalog.current_setting('server_version_num'), "
    "pg_catalog.current_setting('server_version'), pg_catalog.current_database(), current_user, "
    "pg_catalog.current_setting('server_encoding'), "
    "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
    "n.nspname IS NOT NULL, "
    "COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false) "
    "FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1";

// Connections that such a server is taken to have for us.
constexpr int kFewFactsConnections = 20;

absl::StatusOr<const Dialect*> AskDialect(PgConnection& connection, TargetFacts* facts) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Query(kDialectSql));
  std::vector<std::string> extensions;
  for (int i = 0; i < rows.rows(); ++i) extensions.emplace_back(rows.Text(i, 1));
  const Dialect& dialect = DetectDialect(rows.Text(0, 0), extensions);
  facts->dialect = std::string(dialect.name);
  for (int i = 0; i < rows.rows(); ++i) {
    if (!dialect.extension.empty() && rows.Text(i, 1) == dialect.extension) {
      facts->extension_schema = std::string(rows.Text(i, 2));
    }
  }
  return &dialect;
}

absl::Status AskFewFacts(PgConnection& connection, const std::string& target_schema,
                         TargetFacts* facts) {
  ASSIGN_OR_RETURN(const PgResult row, connection.Query(kFewFactsSql, {target_schema}));
  facts->version = static_cast<int>(row.Int(0, 0));
  facts->version_text = std::string(row.Text(0, 1));
  facts->database = std::string(row.Text(0, 2));
  facts->user = std::string(row.Text(0, 3));
  facts->encoding = std::string(row.Text(0, 4));
  facts->can_create_schema = row.Bool(0, 5);
  facts->schema_exists = row.Bool(0, 6);
  facts->can_create_in_schema = row.Bool(0, 7);
  facts->connections_free = kFewFactsConnections;
  return absl::OkStatus();
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
  TargetFacts facts;
  ASSIGN_OR_RETURN(const Dialect* const dialect, AskDialect(connection, &facts));
  facts.local = IsLocal(connection);
  facts.tls = PQsslInUse(connection.raw()) != 0;
  const std::string sslmode = SettingOf(connection.raw(), "sslmode");
  facts.certificate_verified = facts.tls && (sslmode == "verify-ca" || sslmode == "verify-full");
  if (!dialect->room_statistics) {
    RETURN_IF_ERROR(AskFewFacts(connection, target_schema, &facts));
    return facts;
  }
  ASSIGN_OR_RETURN(const PgResult row, connection.Query(kFactsSql, {target_schema}));
  if (row.rows() == 0) {
    return MakeError(ErrorCode::kTargetPrivilege, ExitCode::kTargetRefuses,
                     "the server's catalog does not show the role or database of this session");
  }
  facts.version = static_cast<int>(row.Int(0, 0));
  facts.version_text = std::string(row.Text(0, 1));
  facts.database = std::string(row.Text(0, 2));
  facts.user = std::string(row.Text(0, 3));
  facts.encoding = std::string(row.Text(0, 4));
  facts.in_recovery = row.Bool(0, 5);
  facts.read_only = row.Bool(0, 6);
  facts.can_create_schema = row.Bool(0, 7);
  facts.schema_exists = row.Bool(0, 8);
  facts.can_create_in_schema = row.Bool(0, 9);
  facts.is_superuser = row.Bool(0, 10);
  int64_t free = row.Int(0, 12);
  for (const int limit : {13, 14}) {
    if (!row.IsNull(0, limit)) free = std::min(free, row.Int(0, limit));
  }
  facts.connections_free = static_cast<int>(std::clamp<int64_t>(free, 0, 100'000));
  facts.max_locks = row.Int(0, 15);
  // A pooler answers with a process id of its own making; only then is it worth a second look.
  if (row.Int(0, 11) != connection.backend_pid()) {
    facts.transaction_pooler = IsBehindTransactionPooler(connection);
  }
  return facts;
}

}  // namespace lite2pg
