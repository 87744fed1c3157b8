// lite2pg's own record on the target: runs, chunks, definitions set aside, rejects. What a resume,
// a verify and a status know comes from here. docs/ledger.md draws the tables.
#ifndef LITE2PG_ENGINE_POSTGRES_LEDGER_H_
#define LITE2PG_ENGINE_POSTGRES_LEDGER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/digest.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {

struct TargetFacts;

// Where the ledger lives: schema "lite2pg" (tables run, chunk, ...), or, where no schema may be
// created, the target schema with tables lite2pg_run, lite2pg_chunk, ...
struct LedgerLocation {
  std::string schema = "lite2pg";
  std::string prefix;                               // "" or "lite2pg_"
  std::string Table(absl::string_view name) const;  // quoted, qualified
  bool is_nowhere() const { return schema == "pg_temp"; }
};

// A place where no ledger is and none can be: reading finds nothing there.
inline LedgerLocation NoLedger() { return {"pg_temp", "lite2pg_"}; }

// Where a run of this role into `target_schema` keeps its ledger.
LedgerLocation LedgerLocationFor(const TargetFacts& facts, const std::string& target_schema);

inline constexpr int kLedgerVersion = 1;

struct RunRecord {
  std::string run_id;  // 32 hexadecimal digits
  std::string state;   // "active", "failed", "interrupted", "done"
  int64_t epoch = 1;   // the fence: chunks of an older epoch cannot commit
  std::string command, source_path, source_fingerprint, target_schema, staging_schema;
  std::string options_json, plan_json, report_json;
  std::string tool_version, stage, started_at, updated_at, outcome;
};

// One COPY transaction's worth of one table.
struct ChunkRecord {
  std::string table;      // source name
  int64_t chunk = 0;      // unique within the run
  std::string key_range;  // JSON: what of the source it was
  uint64_t rows = 0, bytes = 0;
  Digest digest;
  // Of a process that joined the run: its counts per column, in the caller's form; else "".
  std::string counts;
};

// Processes that join a run number their chunks from member * kMemberChunks on, the one that leads
// it (member 0) from 1.
inline constexpr int64_t kMemberChunks = int64_t{1} << 40;

// A definition taken off a table of the application for the time of the load.
struct SetAsideRecord {
  int64_t id = 0;
  std::string kind;        // "index", "foreign_key", "trigger", ...
  std::string object;      // quoted, qualified name
  std::string definition;  // the statement that brings it back
  bool restored = false;
};

// An object of post-data that is done with.
struct MadeRecord {
  size_t number = 0;
  std::string record;
};

// The stage of a run whose last transaction, which makes it visible, is committed: only the ledger
// does not call it done yet.
inline constexpr absl::string_view kStagePublished = "published";

// application_name of a run's connections, by which TakeOver and SettleChunk find the backends
// that a lost connection left behind. `member`: a process that joined it (shares.h).
std::string RunApplicationName(absl::string_view run_id, int64_t member = 0);

// Ends every other backend of this database with that application_name (and pid, unless 0) and
// waits until it is gone. Same role, so no privilege is needed.
absl::Status TerminateBackends(PgConnection& connection, const std::string& application_name,
                               int pid);

// Names and paths may hold bytes that no text column takes. These are kept as "\\x" and their
// hexadecimal form; all others as they are. DecodeLedgerText(EncodeLedgerText(x)) == x.
std::string EncodeLedgerText(std::string bytes);
std::string DecodeLedgerText(absl::string_view text);

// All calls go through the connection given; one thread at a time per connection. Where the
// ledger does not exist, reading finds nothing and writing fails.
class Ledger {
 public:
  // `member` > 0: for a process that joined the run.
  Ledger(LedgerLocation location, std::string run_id, int64_t epoch, int64_t member = 0);

  // Creates schema and tables if absent (idempotent, safe under concurrent creation).
  static absl::Status CreateTables(PgConnection& connection, const LedgerLocation& location);
  static absl::StatusOr<bool> Exists(PgConnection& connection, const LedgerLocation& location);
  // Whether it has the tables of engine/postgres/shares.h, which older versions did not create.
  static absl::StatusOr<bool> HasShares(PgConnection& connection, const LedgerLocation& location);
  // Session advisory lock for this target schema; false when another session holds it (and who).
  // Where the server has none (`dialect`), always true.
  static absl::StatusOr<bool> TryLock(PgConnection& connection, const std::string& target_schema,
                                      std::string* holder,
                                      const Dialect& dialect = kPostgresDialect);
  // Who holds that lock, for messages; "" when nobody does.
  static absl::StatusOr<std::string> LockHolder(PgConnection& connection,
                                                const std::string& target_schema);
  // Newest first.
  static absl::StatusOr<std::vector<RunRecord>> ReadRuns(PgConnection& connection,
                                                         const LedgerLocation& location);
  // Makes an interrupted run ours: ends the backends that it left behind, raises its epoch (so
  // that nothing of the former epoch can commit any more) and returns it. REQUIRES: TryLock.
  static absl::StatusOr<int64_t> TakeOver(PgConnection& connection, const LedgerLocation& location,
                                          const std::string& run_id);
  // Forgets one run, or drops tables and (when it is ours alone) schema.
  static absl::Status DeleteRun(PgConnection& connection, const LedgerLocation& location,
                                const std::string& run_id);
  static absl::Status Drop(PgConnection& connection, const LedgerLocation& location);

  // Resuming (ledger_resume.cc). All of these run in the caller's transaction if there is one.
  //
  // The run did not end well and can be resumed; its stage stays. A run that is published already
  // stays as it is.
  absl::Status MarkInterrupted(PgConnection& connection, absl::string_view outcome) const;
  // Forgets what was loaded into one source table, because its rows were taken away.
  absl::Status ForgetTable(PgConnection& connection, const std::string& table) const;
  // The same, but what was set aside of its rows stays to be looked at.
  absl::Status ForgetChunks(PgConnection& connection, const std::string& table) const;
  // The same for all of the application's tables that rows went to directly, and for the
  // definitions that were set aside for them. REQUIRES: both were taken back.
  absl::Status ForgetTakenBack(PgConnection& connection) const;
  // Objects of post-data that are made, or are known to be impossible. `number` is the object's in
  // the plan; `record` is the caller's.
  absl::Status InsertMade(PgConnection& connection, size_t number, absl::string_view record) const;
  absl::Status ForgetMade(PgConnection& connection, const std::vector<size_t>& numbers) const;
  absl::StatusOr<std::vector<MadeRecord>> ReadMade(PgConnection& connection) const;

  // The rows set aside are in a file as well: clean may drop them.
  absl::Status NoteExported(PgConnection& connection, absl::string_view file) const;

  absl::Status InsertRun(PgConnection& connection, const RunRecord& run) const;
  absl::Status SetState(PgConnection& connection, absl::string_view state, absl::string_view stage,
                        absl::string_view outcome) const;
  absl::Status SetReport(PgConnection& connection, std::string report_json) const;
  absl::Status SetPlan(PgConnection& connection, std::string plan_json) const;
  // State, outcome and report in one statement: a run is done together with its report.
  absl::Status FinishRun(PgConnection& connection, absl::string_view state,
                         absl::string_view outcome, std::string report_json) const;

  // BEGIN and the fence in one flight: fails with kFencedOff when the run's epoch is not ours, or
  // the member is not active any more.
  // The fence is held until the transaction ends; TakeOver waits for it, SetState does not.
  absl::Status BeginChunk(PgConnection& connection) const;
  // The ledger rows and COMMIT in one flight. When the connection is lost after COMMIT was sent,
  // the error is kCommitInDoubt: settle it with SettleChunk on a new connection. A chunk that the
  // ledger has already is kFencedOff, and nothing is committed.
  absl::Status CommitChunks(PgConnection& connection, const std::vector<ChunkRecord>& chunks) const;
  // Whether a COMMIT in doubt took place. Ends the backend that was to carry it out (`backend_pid`
  // of the lost connection) if it is still there, as its answer could otherwise change.
  absl::StatusOr<bool> SettleChunk(PgConnection& connection, int backend_pid,
                                   const std::string& table, int64_t chunk) const;
  absl::StatusOr<bool> HasChunk(PgConnection& connection, const std::string& table,
                                int64_t chunk) const;
  absl::StatusOr<std::vector<ChunkRecord>> ReadChunks(PgConnection& connection) const;

  // Definitions taken off for the load. Insert in the transaction that drops the object.
  absl::Status InsertSetAside(PgConnection& connection, const SetAsideRecord& record) const;
  absl::Status MarkRestored(PgConnection& connection, int64_t id) const;
  absl::StatusOr<std::vector<SetAsideRecord>> ReadSetAside(PgConnection& connection) const;

  const LedgerLocation& location() const { return location_; }
  const std::string& run_id() const { return run_id_; }
  int64_t epoch() const { return epoch_; }
  int64_t member() const { return member_; }

 private:
  // One UPDATE of our run, by id and epoch; kFencedOff when it finds none. Parameters begin at $3;
  // `document` is the last, and encoded here.
  absl::Status UpdateRun(PgConnection& connection, absl::string_view assignments,
                         std::vector<PgParam> params,
                         std::optional<std::string> document = std::nullopt) const;

  LedgerLocation location_;
  std::string run_id_;
  int64_t epoch_;
  int64_t member_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_LEDGER_H_
