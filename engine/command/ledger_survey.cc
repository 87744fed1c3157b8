#include "engine/command/ledger_survey.h"

#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

using RunsById = std::map<std::string, SurveyedRun*>;

SurveyedRun* Find(const RunsById& runs, const PgResult& rows, int row) {
  const auto found = runs.find(std::string(rows.Text(row, 0)));
  return found == runs.end() ? nullptr : found->second;
}

absl::Status AddChunks(PgConnection& connection, const LedgerLocation& location,
                       const RunsById& runs) {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(absl::StrCat(
          "SELECT c.run_id, pg_catalog.count(DISTINCT c.table_hash), pg_catalog.count(*), "
          "pg_catalog.sum(c.rows)::bigint, pg_catalog.sum(c.bytes)::bigint, "
          "extract(epoch FROM pg_catalog.max(c.committed_at) - r.started_at)::float8 FROM ",
          location.Table("chunk"), " c JOIN ", location.Table("run"),
          " r ON r.run_id = c.run_id GROUP BY c.run_id, r.started_at")));
  for (int i = 0; i < rows.rows(); ++i) {
    SurveyedRun* const run = Find(runs, rows, i);
    if (run == nullptr) continue;
    run->tables = static_cast<uint64_t>(rows.Int(i, 1));
    run->chunks = static_cast<uint64_t>(rows.Int(i, 2));
    run->rows = static_cast<uint64_t>(rows.Int(i, 3));
    run->bytes = static_cast<uint64_t>(rows.Int(i, 4));
    if (!absl::SimpleAtod(rows.Text(i, 5), &run->seconds)) run->seconds = 0;
  }
  return absl::OkStatus();
}

absl::Status AddRest(PgConnection& connection, const LedgerLocation& location,
                     const RunsById& runs) {
  ASSIGN_OR_RETURN(const PgResult rejects,
                   connection.Query(absl::StrCat("SELECT run_id, pg_catalog.count(*) FROM ",
                                                 location.Table("reject"), " GROUP BY run_id")));
  for (int i = 0; i < rejects.rows(); ++i) {
    SurveyedRun* const run = Find(runs, rejects, i);
    if (run != nullptr) run->rejects = static_cast<uint64_t>(rejects.Int(i, 1));
  }
  // One object may have several steps; records of other kinds say who owns rows.
  ASSIGN_OR_RETURN(
      const PgResult set_aside,
      connection.Query(absl::StrCat(
          "SELECT run_id, pg_catalog.count(DISTINCT object) FILTER (WHERE NOT restored AND kind IN "
          "('index', 'attribute', 'foreign_key', 'validate')), "
          "pg_catalog.bool_or(kind = 'exported') FROM ",
          location.Table("set_aside"), " GROUP BY run_id")));
  for (int i = 0; i < set_aside.rows(); ++i) {
    SurveyedRun* const run = Find(runs, set_aside, i);
    if (run == nullptr) continue;
    run->set_aside = static_cast<uint64_t>(set_aside.Int(i, 1));
    run->rejects_exported = set_aside.Bool(i, 2);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<LedgerLocation>> FindLedger(PgConnection& connection,
                                                         const std::string& target_schema) {
  LedgerLocation location;
  ASSIGN_OR_RETURN(const bool own, Ledger::Exists(connection, location));
  if (own) return std::optional<LedgerLocation>(location);
  location.schema = target_schema;
  location.prefix = "lite2pg_";
  ASSIGN_OR_RETURN(const bool prefixed, Ledger::Exists(connection, location));
  if (prefixed) return std::optional<LedgerLocation>(location);
  return std::optional<LedgerLocation>();
}

absl::StatusOr<std::vector<SurveyedRun>> SurveyLedger(PgConnection& connection,
                                                      const LedgerLocation& location) {
  ASSIGN_OR_RETURN(std::vector<RunRecord> records, Ledger::ReadRuns(connection, location));
  std::vector<SurveyedRun> runs(records.size());
  RunsById by_id;
  std::map<std::string, std::string> holders;
  for (size_t i = 0; i < records.size(); ++i) {
    runs[i].run = std::move(records[i]);
    by_id[runs[i].run.run_id] = &runs[i];
    const std::string& schema = runs[i].run.target_schema;
    if (!holders.contains(schema)) {
      ASSIGN_OR_RETURN(holders[schema], Ledger::LockHolder(connection, schema));
    }
    runs[i].holder = holders[schema];
  }
  RETURN_IF_ERROR(AddChunks(connection, location, by_id));
  RETURN_IF_ERROR(AddRest(connection, location, by_id));
  return runs;
}

}  // namespace lite2pg
