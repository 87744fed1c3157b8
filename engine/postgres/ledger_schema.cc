// The ledger's tables: creating, recognising and dropping them. docs/ledger.md draws them.
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kMarker = "lite2pg ledger version ";

// UNIQUE (run_id, epoch) makes the epoch part of a key: raising it takes the row lock that waits
// for the fences (FOR KEY SHARE) of open chunks, while an UPDATE of state or stage does not
// (PostgreSQL documentation, "Row-Level Locks").
constexpr absl::string_view kRunColumns =
    " (run_id text PRIMARY KEY, epoch bigint NOT NULL, command text NOT NULL,"
    " source_path text NOT NULL, source_fingerprint text NOT NULL, target_schema text NOT NULL,"
    " staging_schema text NOT NULL, options_json text NOT NULL, plan_json text NOT NULL,"
    " report_json text NOT NULL, tool_version text NOT NULL, state text NOT NULL,"
    " stage text NOT NULL, outcome text NOT NULL,"
    " started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),"
    " updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(), UNIQUE (run_id, epoch))";

// The hash stands for the name in the key, as names may be longer than an index entry.
constexpr absl::string_view kChunkColumns =
    " (run_id text, chunk bigint, table_hash bigint, table_name text NOT NULL,"
    " epoch bigint NOT NULL, key_range text NOT NULL, rows bigint NOT NULL, bytes bigint NOT NULL,"
    " digest text NOT NULL, committed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),"
    " PRIMARY KEY (run_id, chunk, table_hash))";

constexpr absl::string_view kSetAsideColumns =
    " (run_id text, id bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL,"
    " object text NOT NULL, definition text NOT NULL, restored boolean NOT NULL DEFAULT false,"
    " created_at timestamptz NOT NULL DEFAULT pg_catalog.now(), PRIMARY KEY (run_id, id))";

// `cells` are the source's values: text and blobs as they are, integers and reals as eight bytes,
// big-endian; `classes` has one letter per cell (n, i, r, t, b).
constexpr absl::string_view kRejectColumns =
    " (run_id text, id bigint GENERATED ALWAYS AS IDENTITY, chunk bigint NOT NULL,"
    " table_name text NOT NULL, row_key text NOT NULL, columns text[] NOT NULL,"
    " classes text NOT NULL, cells bytea[] NOT NULL, code text NOT NULL, sqlstate text NOT NULL,"
    " column_name text NOT NULL, reason text NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT pg_catalog.now(), PRIMARY KEY (run_id, id))";

// 0 when there is no ledger; an error when the tables are not one.
absl::StatusOr<int> ReadVersion(PgConnection& connection, const LedgerLocation& location) {
  ASSIGN_OR_RETURN(
      const PgResult found,
      connection.Query("SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM "
                       "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                       "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
                       {location.schema, absl::StrCat(location.prefix, "run")}));
  if (found.rows() == 0) return 0;
  const absl::string_view marker = found.Text(0, 0);
  int version = 0;
  if (!absl::StartsWith(marker, kMarker) ||
      !absl::SimpleAtoi(marker.substr(kMarker.size()), &version)) {
    return MakeError(ErrorCode::kTargetTableExists, ExitCode::kTargetRefuses,
                     absl::StrCat("the table ", EscapeName(location.Table("run")),
                                  " is in the way of lite2pg's bookkeeping and not made by it"),
                     "rename or drop it");
  }
  if (version > kLedgerVersion) {
    return MakeError(ErrorCode::kTargetVersion, ExitCode::kCannotResume,
                     absl::StrCat("the bookkeeping on the target has version ", version,
                                  ", this lite2pg knows ", kLedgerVersion),
                     "use the newer lite2pg, or `lite2pg clean TARGET` with it");
  }
  return version;
}

absl::Status CreateInTransaction(PgConnection& connection, const LedgerLocation& location) {
  // Two first runs at once would meet in pg_namespace; one waits here instead.
  RETURN_IF_ERROR(connection.Execute("SELECT pg_catalog.pg_advisory_xact_lock(7811897321640132)"));
  ASSIGN_OR_RETURN(const int version, ReadVersion(connection, location));
  if (version != 0) return absl::OkStatus();
  std::vector<std::string> statements;
  if (location.prefix.empty()) {
    // IF NOT EXISTS wants the privilege to create even when there is nothing to create.
    ASSIGN_OR_RETURN(const PgResult schema,
                     connection.Query("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1",
                                      {location.schema}));
    if (schema.rows() == 0) {
      statements.push_back(absl::StrCat("CREATE SCHEMA ", QuoteIdentifier(location.schema)));
    }
  }
  statements.push_back(absl::StrCat("CREATE TABLE ", location.Table("run"), kRunColumns));
  statements.push_back(absl::StrCat("CREATE TABLE ", location.Table("chunk"), kChunkColumns));
  statements.push_back(
      absl::StrCat("CREATE TABLE ", location.Table("set_aside"), kSetAsideColumns));
  statements.push_back(absl::StrCat("CREATE TABLE ", location.Table("reject"), kRejectColumns));
  statements.push_back(absl::StrCat("COMMENT ON TABLE ", location.Table("run"), " IS ",
                                    QuoteLiteral(absl::StrCat(kMarker, kLedgerVersion))));
  return connection.ExecuteAll(statements);
}

}  // namespace

absl::Status Ledger::CreateTables(PgConnection& connection, const LedgerLocation& location) {
  // The common case, and the one that a role without CREATE gets through with.
  ASSIGN_OR_RETURN(const int version, ReadVersion(connection, location));
  if (version != 0) return absl::OkStatus();
  RETURN_IF_ERROR(connection.Begin());
  absl::Status status = CreateInTransaction(connection, location);
  if (status.ok()) status = connection.Commit();
  if (!status.ok()) connection.Rollback();
  return status;
}

absl::StatusOr<bool> Ledger::Exists(PgConnection& connection, const LedgerLocation& location) {
  ASSIGN_OR_RETURN(const int version, ReadVersion(connection, location));
  return version != 0;
}

absl::Status Ledger::Drop(PgConnection& connection, const LedgerLocation& location) {
  ASSIGN_OR_RETURN(const bool exists, Exists(connection, location));
  if (!exists) return absl::OkStatus();
  std::vector<std::string> statements;
  for (const absl::string_view name : {"reject", "set_aside", "chunk", "run"}) {
    statements.push_back(absl::StrCat("DROP TABLE IF EXISTS ", location.Table(name)));
  }
  RETURN_IF_ERROR(connection.ExecuteAll(statements));
  if (!location.prefix.empty()) return absl::OkStatus();
  // RESTRICT: what somebody else put into the schema keeps it alive.
  const absl::Status dropped =
      connection.Execute(absl::StrCat("DROP SCHEMA ", QuoteIdentifier(location.schema)));
  return InfoOf(dropped).sqlstate == "2BP01" ? absl::OkStatus() : dropped;
}

}  // namespace lite2pg
