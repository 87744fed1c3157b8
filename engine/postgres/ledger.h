// lite2pg's own record on the target: runs, chunks, definitions set aside, rejects. What a resume,
// a verify and a status know comes from here. docs/ledger.md draws the tables.
#ifndef LITE2PG_ENGINE_POSTGRES_LEDGER_H_
#define LITE2PG_ENGINE_POSTGRES_LEDGER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/digest.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Where the ledger lives: schema "lite2pg" (tables run, chunk, ...), or, where no schema may be
// created, the target schema with tables lite2pg_run, lite2pg_chunk, ...
struct LedgerLocation {
  std::string schema = "lite2pg";
  std::string prefix;              // "" or "lite2pg_"
  std::string Table(absl::string_view name) const;  // quoted, qualified
};

enum class RunState : uint8_t { kActive, kFailed, kInterrupted, kDone };

struct RunRecord {
  std::string run_id;              // 32 hexadecimal digits
  std::string state;               // "active", "failed", "interrupted", "done"
  int64_t epoch = 1;               // the fence: chunks of an older epoch cannot commit
  std::string command, source_path, source_fingerprint, target_schema, staging_schema;
  std::string options_json, plan_json, report_json;
  std::string tool_version, stage, started_at, updated_at, outcome;
};

// One COPY transaction's worth of one table.
struct ChunkRecord {
  std::string table;               // source name
  int64_t chunk = 0;               // unique within the run
  std::string key_range;           // JSON: what of the source it was
  uint64_t rows = 0, bytes = 0;
  Digest digest;
};

// All calls go through the connection given; one thread at a time per connection.
class Ledger {
 public:
  Ledger(LedgerLocation location, std::string run_id, int64_t epoch);

  // Creates schema and tables if absent (idempotent, safe under concurrent creation).
  static absl::Status CreateTables(PgConnection& connection, const LedgerLocation& location);
  // Session advisory lock for this target schema; false when another session holds it (and who).
  static absl::StatusOr<bool> TryLock(PgConnection& connection, const std::string& target_schema,
                                      std::string* holder);
  static absl::StatusOr<std::vector<RunRecord>> ReadRuns(PgConnection& connection,
                                                         const LedgerLocation& location);

  absl::Status InsertRun(PgConnection& connection, const RunRecord& run) const;
  absl::Status SetState(PgConnection& connection, absl::string_view state, absl::string_view stage,
                        absl::string_view outcome) const;
  absl::Status SetReport(PgConnection& connection, absl::string_view report_json) const;

  // BEGIN and the fence in one flight: fails with kFencedOff when the run's epoch is not ours.
  absl::Status BeginChunk(PgConnection& connection) const;
  // The ledger rows and COMMIT in one flight. When the connection is lost after COMMIT was sent,
  // the error is kCommitInDoubt: look with HasChunk on a new connection.
  absl::Status CommitChunks(PgConnection& connection, const std::vector<ChunkRecord>& chunks) const;
  absl::StatusOr<bool> HasChunk(PgConnection& connection, const std::string& table,
                                int64_t chunk) const;
  absl::StatusOr<std::vector<ChunkRecord>> ReadChunks(PgConnection& connection) const;

  const LedgerLocation& location() const { return location_; }
  const std::string& run_id() const { return run_id_; }
  int64_t epoch() const { return epoch_; }

 private:
  LedgerLocation location_;
  std::string run_id_;
  int64_t epoch_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_LEDGER_H_
