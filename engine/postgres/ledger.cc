#include "engine/postgres/ledger.h"

#include <libpq-fe.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coercion/utf8.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/error.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kHexMark = "\\x";
// How long pg_terminate_backend waits for a backend to be gone (milliseconds).
constexpr int kTerminateTimeoutMs = 10'000;
constexpr int kTerminateAttempts = 3;

// FNV-1a. Part of the ledger's format and of the lock's identity: must never change.
uint64_t StableHash(absl::string_view bytes) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return hash;
}

std::string HashText(absl::string_view bytes) {
  return absl::StrCat(static_cast<int64_t>(StableHash(bytes)));
}

std::string LockKey(absl::string_view target_schema) {
  return HashText(absl::StrCat("lite2pg run into schema ", target_schema));
}

absl::Status FencedOff(absl::string_view what, absl::string_view sqlstate = "") {
  ErrorInfo info;
  info.code = ErrorCode::kFencedOff;
  info.exit_code = ExitCode::kCannotResume;
  info.what = std::string(what);
  info.sqlstate = std::string(sqlstate);
  info.effect = "nothing of this transaction was committed";
  info.hint = "another lite2pg has taken this run over; let it finish, or see `lite2pg status`";
  return MakeError(info);
}

// INSERT of any number of chunks with a fixed number of parameters.
PgStatement InsertChunks(const LedgerLocation& location, const std::string& run_id, int64_t epoch,
                         const std::vector<ChunkRecord>& chunks) {
  std::vector<std::string> numbers, hashes, tables, ranges, rows, bytes, digests;
  for (const ChunkRecord& chunk : chunks) {
    numbers.push_back(absl::StrCat(chunk.chunk));
    hashes.push_back(HashText(chunk.table));
    tables.push_back(EncodeLedgerText(chunk.table));
    ranges.push_back(EncodeLedgerText(chunk.key_range));
    rows.push_back(absl::StrCat(chunk.rows));
    bytes.push_back(absl::StrCat(chunk.bytes));
    digests.push_back(chunk.digest.ToHex());
  }
  return {
      absl::StrCat("INSERT INTO ", location.Table("chunk"),
                   " (run_id, epoch, chunk, table_hash, table_name, key_range, rows, bytes,"
                   " digest) SELECT $1, $2::bigint, c.* FROM ROWS FROM ("
                   "pg_catalog.unnest($3::bigint[]), pg_catalog.unnest($4::bigint[]), "
                   "pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::text[]), "
                   "pg_catalog.unnest($7::bigint[]), pg_catalog.unnest($8::bigint[]), "
                   "pg_catalog.unnest($9::text[])) AS c"),
      {run_id, absl::StrCat(epoch), FormatArray(numbers), FormatArray(hashes), FormatArray(tables),
       FormatArray(ranges), FormatArray(rows), FormatArray(bytes), FormatArray(digests)}};
}

// The counts of chunks that have any.
PgStatement InsertCounts(const LedgerLocation& location, const std::string& run_id,
                         const std::vector<ChunkRecord>& chunks) {
  std::vector<std::string> numbers, counts;
  for (const ChunkRecord& chunk : chunks) {
    if (chunk.counts.empty()) continue;
    numbers.push_back(absl::StrCat(chunk.chunk));
    counts.push_back(chunk.counts);
  }
  return {absl::StrCat("INSERT INTO ", location.Table("chunk_counts"),
                       " (run_id, chunk, counts) SELECT $1, c.* FROM ROWS FROM ("
                       "pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::text[])) AS c"),
          {run_id, FormatArray(numbers), FormatArray(counts)}};
}

}  // namespace

// PostgreSQL 14 can wait itself.
absl::Status TerminateBackends(PgConnection& connection, const std::string& application_name,
                               int pid) {
  int64_t alive = 0;
  for (int attempt = 0; attempt < kTerminateAttempts; ++attempt) {
    ASSIGN_OR_RETURN(
        const PgResult ended,
        connection.Query("SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid, $3::bigint) "
                         "FROM pg_catalog.pg_stat_activity a "
                         "WHERE a.application_name = $1 AND a.pid <> pg_catalog.pg_backend_pid() "
                         "AND a.datname = pg_catalog.current_database() "
                         "AND ($2::int = 0 OR a.pid = $2::int)",
                         {application_name, absl::StrCat(pid), absl::StrCat(kTerminateTimeoutMs)}));
    // Also one that ended by itself in between counts as not terminated: so look again until
    // there is none.
    if (ended.rows() == 0) return absl::OkStatus();
    alive = ended.Int(0, 0);
  }
  return MakeError(ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted,
                   absl::StrCat("a backend that an earlier connection of this run left behind does "
                                "not end: pid ",
                                alive),
                   "have it terminated on the server, then run again with --resume");
}

LedgerLocation LedgerLocationFor(const TargetFacts& facts, const std::string& target_schema) {
  if (facts.can_create_schema) return {};
  if (facts.can_create_in_schema) return {target_schema, "lite2pg_"};
  return NoLedger();
}

std::string LedgerLocation::Table(absl::string_view name) const {
  return QuoteQualified(schema, absl::StrCat(prefix, name));
}

std::string RunApplicationName(absl::string_view run_id, int64_t member) {
  if (member == 0) return absl::StrCat("lite2pg ", run_id);
  return absl::StrCat("lite2pg ", run_id, " m", member);
}

std::string EncodeLedgerText(std::string bytes) {
  if (CheckText(bytes) == Outcome::kOk && !absl::StartsWith(bytes, kHexMark)) return bytes;
  return absl::StrCat(kHexMark, absl::BytesToHexString(bytes));
}

std::string DecodeLedgerText(absl::string_view text) {
  if (!absl::StartsWith(text, kHexMark)) return std::string(text);
  return absl::HexStringToBytes(text.substr(kHexMark.size()));
}

Ledger::Ledger(LedgerLocation location, std::string run_id, int64_t epoch, int64_t member)
    : location_(std::move(location)), run_id_(std::move(run_id)), epoch_(epoch), member_(member) {}

absl::StatusOr<bool> Ledger::TryLock(PgConnection& connection, const std::string& target_schema,
                                     std::string* holder, const Dialect& dialect) {
  if (!dialect.session_locks) return true;
  ASSIGN_OR_RETURN(const PgResult locked,
                   connection.Query("SELECT pg_catalog.pg_try_advisory_lock($1::bigint)",
                                    {LockKey(target_schema)}));
  if (locked.Bool(0, 0)) return true;
  if (holder == nullptr) return false;
  ASSIGN_OR_RETURN(*holder, LockHolder(connection, target_schema));
  if (holder->empty()) *holder = "a session that has just ended";
  return false;
}

absl::StatusOr<std::string> Ledger::LockHolder(PgConnection& connection,
                                               const std::string& target_schema) {
  // pg_locks shows the two halves of the key (PostgreSQL documentation, "pg_locks").
  ASSIGN_OR_RETURN(
      const PgResult found,
      connection.Query(
          "SELECT a.pid, a.application_name, a.usename, COALESCE(a.client_addr::text, 'local'), "
          "pg_catalog.date_trunc('second', a.backend_start)::text "
          "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
          "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
          "AND l.classid = (($1::bigint >> 32) & 4294967295)::oid "
          "AND l.objid = ($1::bigint & 4294967295)::oid "
          "AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d "
          "WHERE d.datname = pg_catalog.current_database())",
          {LockKey(target_schema)}));
  if (found.rows() == 0) return std::string();
  return absl::StrCat("pid ", found.Int(0, 0), ", application ",
                      EscapeForMessage(found.Text(0, 1)), ", user ",
                      EscapeForMessage(found.Text(0, 2)), ", from ", found.Text(0, 3), ", since ",
                      found.Text(0, 4));
}

absl::StatusOr<std::vector<RunRecord>> Ledger::ReadRuns(PgConnection& connection,
                                                        const LedgerLocation& location) {
  std::vector<RunRecord> runs;
  ASSIGN_OR_RETURN(const bool exists, Exists(connection, location));
  if (!exists) return runs;
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(absl::StrCat(
          "SELECT run_id, epoch, command, source_path, source_fingerprint, target_schema, "
          "staging_schema, options_json, plan_json, report_json, tool_version, state, stage, "
          "outcome, started_at::text, updated_at::text FROM ",
          location.Table("run"), " ORDER BY started_at DESC, run_id")));
  for (int i = 0; i < rows.rows(); ++i) {
    const auto text = [&](int column) { return DecodeLedgerText(rows.Text(i, column)); };
    RunRecord run;
    run.run_id = text(0);
    run.epoch = rows.Int(i, 1);
    std::string* const fields[] = {&run.command,       &run.source_path,    &run.source_fingerprint,
                                   &run.target_schema, &run.staging_schema, &run.options_json,
                                   &run.plan_json,     &run.report_json,    &run.tool_version,
                                   &run.state,         &run.stage,          &run.outcome,
                                   &run.started_at,    &run.updated_at};
    int column = 2;
    for (std::string* field : fields) *field = text(column++);
    runs.push_back(std::move(run));
  }
  return runs;
}

absl::StatusOr<int64_t> Ledger::TakeOver(PgConnection& connection, const LedgerLocation& location,
                                         const std::string& run_id) {
  // A backend in the middle of COPY waits for its client for ever and cannot be cancelled, and
  // its fence would hold up the UPDATE.
  RETURN_IF_ERROR(TerminateBackends(connection, RunApplicationName(run_id), 0));
  ASSIGN_OR_RETURN(const PgResult joined,
                   connection.Query("SELECT DISTINCT a.application_name FROM "
                                    "pg_catalog.pg_stat_activity a "
                                    "WHERE pg_catalog.starts_with(a.application_name, $1)",
                                    {absl::StrCat(RunApplicationName(run_id), " m")}));
  for (int i = 0; i < joined.rows(); ++i) {
    RETURN_IF_ERROR(TerminateBackends(connection, std::string(joined.Text(i, 0)), 0));
  }
  ASSIGN_OR_RETURN(const PgResult updated,
                   connection.Query(absl::StrCat("UPDATE ", location.Table("run"),
                                                 " SET epoch = epoch + 1, state = 'active', "
                                                 "updated_at = pg_catalog.now() WHERE run_id = $1 "
                                                 "RETURNING epoch"),
                                    {run_id}));
  if (updated.rows() == 1) return updated.Int(0, 0);
  return MakeError(ErrorCode::kNothingToResume, ExitCode::kCannotResume,
                   absl::StrCat("the target's ledger has no run ", EscapeForMessage(run_id)));
}

absl::Status Ledger::DeleteRun(PgConnection& connection, const LedgerLocation& location,
                               const std::string& run_id) {
  std::vector<PgStatement> statements;
  ASSIGN_OR_RETURN(const bool has_shares, HasShares(connection, location));
  for (const absl::string_view name :
       {"share", "member", "chunk_counts", "reject", "set_aside", "chunk", "run"}) {
    if (!has_shares && (name == "share" || name == "member" || name == "chunk_counts")) continue;
    statements.push_back(
        {absl::StrCat("DELETE FROM ", location.Table(name), " WHERE run_id = $1"), {run_id}});
  }
  return connection.QueryAll(statements).status();
}

absl::Status Ledger::InsertRun(PgConnection& connection, const RunRecord& run) const {
  return connection.Execute(
      absl::StrCat("INSERT INTO ", location_.Table("run"),
                   " (run_id, epoch, command, source_path, source_fingerprint, target_schema,"
                   " staging_schema, options_json, plan_json, report_json, tool_version, state,"
                   " stage, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
                   " $13, $14)"),
      {run.run_id, absl::StrCat(run.epoch), EncodeLedgerText(run.command),
       EncodeLedgerText(run.source_path), EncodeLedgerText(run.source_fingerprint),
       EncodeLedgerText(run.target_schema), EncodeLedgerText(run.staging_schema),
       EncodeLedgerText(run.options_json), EncodeLedgerText(run.plan_json),
       EncodeLedgerText(run.report_json), run.tool_version, run.state, run.stage, run.outcome});
}

absl::Status Ledger::UpdateRun(PgConnection& connection, absl::string_view assignments,
                               std::vector<PgParam> params,
                               std::optional<std::string> document) const {
  params.insert(params.begin(), {run_id_, absl::StrCat(epoch_)});
  // Of thousands of tables it is tens of megabytes.
  if (document.has_value()) params.emplace_back(EncodeLedgerText(*std::move(document)));
  ASSIGN_OR_RETURN(
      const PgResult updated,
      connection.Query(absl::StrCat("UPDATE ", location_.Table("run"), " SET ", assignments,
                                    ", updated_at = pg_catalog.now() WHERE run_id = "
                                    "$1 AND epoch = $2::bigint"),
                       params));
  if (updated.affected_rows() == 1) return absl::OkStatus();
  return FencedOff("the run's record is gone or belongs to a newer epoch");
}

absl::Status Ledger::SetState(PgConnection& connection, absl::string_view state,
                              absl::string_view stage, absl::string_view outcome) const {
  return UpdateRun(connection, "state = $3, stage = $4, outcome = $5",
                   {std::string(state), std::string(stage), std::string(outcome)});
}

absl::Status Ledger::SetReport(PgConnection& connection, std::string report_json) const {
  return UpdateRun(connection, "report_json = $3", {}, std::move(report_json));
}

absl::Status Ledger::SetPlan(PgConnection& connection, std::string plan_json) const {
  return UpdateRun(connection, "plan_json = $3", {}, std::move(plan_json));
}

absl::Status Ledger::FinishRun(PgConnection& connection, absl::string_view state,
                               absl::string_view outcome, std::string report_json) const {
  return UpdateRun(connection, "state = $3, outcome = $4, report_json = $5",
                   {std::string(state), std::string(outcome)}, std::move(report_json));
}

absl::Status Ledger::BeginChunk(PgConnection& connection) const {
  std::vector<PgStatement> statements = {
      {"BEGIN ISOLATION LEVEL READ COMMITTED", {}},
      {absl::StrCat("SELECT epoch FROM ", location_.Table("run"),
                    " WHERE run_id = $1 FOR KEY SHARE"),
       {run_id_}}};
  if (member_ > 0) {
    statements.push_back({absl::StrCat("SELECT FROM ", location_.Table("member"),
                                       " WHERE run_id = $1 AND member = $2::bigint"
                                       " AND state = 'active' FOR KEY SHARE"),
                          {run_id_, absl::StrCat(member_)}});
  }
  absl::StatusOr<std::vector<PgResult>> results = connection.QueryAll(statements);
  if (!results.ok()) {
    connection.Rollback();
    return results.status();
  }
  const PgResult& fence = (*results)[1];
  const bool same_epoch = fence.rows() == 1 && fence.Int(0, 0) == epoch_;
  if (same_epoch && (member_ == 0 || (*results)[2].rows() == 1)) return absl::OkStatus();
  connection.Rollback();
  if (same_epoch) return FencedOff("this process was taken for dead, and others do its work");
  return FencedOff(fence.rows() == 0 ? "the run's record is gone from the ledger"
                                     : "the run has been taken over by a newer epoch");
}

absl::Status Ledger::CommitChunks(PgConnection& connection,
                                  const std::vector<ChunkRecord>& chunks) const {
  if (chunks.empty()) return connection.Commit();
  PgBatchFailure failure;
  std::vector<PgStatement> statements = {InsertChunks(location_, run_id_, epoch_, chunks)};
  if (member_ > 0) statements.push_back(InsertCounts(location_, run_id_, chunks));
  statements.push_back({"COMMIT", {}});
  const absl::StatusOr<std::vector<PgResult>> results = connection.QueryAll(statements, &failure);
  if (!results.ok()) {
    // Only an answer from the server proves that COMMIT did not take place.
    if (failure.sent && !failure.answered) return CommitInDoubtError(results.status());
    connection.Rollback();
    const ErrorInfo info = InfoOf(results.status());
    if (failure.index == 0 && info.sqlstate == "23505") {
      return FencedOff("the ledger has this chunk already", info.sqlstate);
    }
    return results.status();
  }
  if (absl::string_view(PQcmdStatus(results->back().raw())) != "COMMIT") {
    return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                     "the server rolled the chunk back at COMMIT");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Ledger::SettleChunk(PgConnection& connection, int backend_pid,
                                         const std::string& table, int64_t chunk) const {
  if (backend_pid > 0) {
    RETURN_IF_ERROR(
        TerminateBackends(connection, RunApplicationName(run_id_, member_), backend_pid));
  }
  return HasChunk(connection, table, chunk);
}

absl::StatusOr<bool> Ledger::HasChunk(PgConnection& connection, const std::string& table,
                                      int64_t chunk) const {
  ASSIGN_OR_RETURN(
      const PgResult found,
      connection.Query(absl::StrCat("SELECT FROM ", location_.Table("chunk"),
                                    " WHERE run_id = $1 AND chunk = $2::bigint AND "
                                    "table_hash = $3::bigint AND table_name = $4"),
                       {run_id_, absl::StrCat(chunk), HashText(table), EncodeLedgerText(table)}));
  return found.rows() > 0;
}

absl::StatusOr<std::vector<ChunkRecord>> Ledger::ReadChunks(PgConnection& connection) const {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(
          absl::StrCat("SELECT table_name, chunk, key_range, rows, bytes, "
                       "digest FROM ",
                       location_.Table("chunk"), " WHERE run_id = $1 ORDER BY chunk, table_hash"),
          {run_id_}));
  std::vector<ChunkRecord> chunks;
  for (int i = 0; i < rows.rows(); ++i) {
    ChunkRecord chunk;
    chunk.table = DecodeLedgerText(rows.Text(i, 0));
    chunk.chunk = rows.Int(i, 1);
    chunk.key_range = DecodeLedgerText(rows.Text(i, 2));
    chunk.rows = static_cast<uint64_t>(rows.Int(i, 3));
    chunk.bytes = static_cast<uint64_t>(rows.Int(i, 4));
    if (!Digest::FromHex(rows.Text(i, 5), &chunk.digest)) {
      return MakeError(ErrorCode::kTargetStatement, ExitCode::kCannotResume,
                       absl::StrCat("the ledger's digest of chunk ", chunk.chunk, " is damaged"));
    }
    chunk.digest.rows = chunk.rows;
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

absl::Status Ledger::InsertSetAside(PgConnection& connection, const SetAsideRecord& record) const {
  return connection.Execute(
      absl::StrCat("INSERT INTO ", location_.Table("set_aside"),
                   " (run_id, kind, object, definition) VALUES ($1, $2, $3, $4)"),
      {run_id_, record.kind, EncodeLedgerText(record.object), EncodeLedgerText(record.definition)});
}

absl::Status Ledger::MarkRestored(PgConnection& connection, int64_t id) const {
  return connection.Execute(absl::StrCat("UPDATE ", location_.Table("set_aside"),
                                         " SET restored = true WHERE run_id = $1 AND id = $2"),
                            {run_id_, absl::StrCat(id)});
}

absl::StatusOr<std::vector<SetAsideRecord>> Ledger::ReadSetAside(PgConnection& connection) const {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(absl::StrCat("SELECT id, kind, object, definition, restored "
                                    "FROM ",
                                    location_.Table("set_aside"), " WHERE run_id = $1 ORDER BY id"),
                       {run_id_}));
  std::vector<SetAsideRecord> records;
  for (int i = 0; i < rows.rows(); ++i) {
    records.push_back({rows.Int(i, 0), std::string(rows.Text(i, 1)),
                       DecodeLedgerText(rows.Text(i, 2)), DecodeLedgerText(rows.Text(i, 3)),
                       rows.Bool(i, 4)});
  }
  return records;
}

}  // namespace lite2pg
