// The checks of a copy that are no stage of their own: SQLite's quick_check, the scan's counts,
// leftovers of earlier runs.
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_report.h"
#include "engine/plan/existing_columns.h"
#include "engine/sqlite/stand_in_collations.h"

namespace lite2pg {
namespace {

// Messages of quick_check about what the data does to its own declarations. All others are about
// the structure of the file (sqlite3: src/pragma.c, PRAGMA integrity_check).
constexpr absl::string_view kDeclarationMessages[] = {"NULL value in ",
                                                      "CHECK constraint failed in ",
                                                      "non-unique entry in index ",
                                                      "NUMERIC value in ",
                                                      "TEXT value in ",
                                                      "non-INTEGER value in ",
                                                      "non-INT value in ",
                                                      "non-REAL value in ",
                                                      "non-TEXT value in ",
                                                      "non-BLOB value in "};

bool IsAboutDeclarations(absl::string_view message) {
  for (const absl::string_view known : kDeclarationMessages) {
    if (absl::StartsWith(message, known)) return true;
  }
  return false;
}

// Runs `pragma` to its end. `why` says why not all was looked at: a CHECK calls a function that
// only the application has, say.
absl::Status RunQuickCheck(SqliteConnection& reader, const std::string& pragma,
                           std::vector<Finding>* findings, std::string* why) {
  absl::StatusOr<SqliteStatement> statement = reader.Prepare(pragma);
  while (true) {
    const absl::StatusOr<bool> row =
        statement.ok() ? statement->Step() : absl::StatusOr<bool>(statement.status());
    if (!row.ok()) {
      const ErrorInfo info = InfoOf(row.status());
      const bool damaged =
          info.exit_code == ExitCode::kSource && info.code == ErrorCode::kSourceCorrupt;
      if (damaged || info.exit_code == ExitCode::kInterrupted) return row.status();
      *why = info.server.empty() ? info.what : info.server;
      return absl::OkStatus();
    }
    if (!*row) return absl::OkStatus();
    const std::string message = statement->Text(0);
    if (message == "ok") continue;
    if (IsAboutDeclarations(message)) {
      findings->push_back({Severity::kInfo, ErrorCode::kConstraintViolated, "",
                           absl::StrCat("quick_check: ", EscapeForMessage(message, 200)), ""});
      continue;
    }
    return MakeError(ErrorCode::kSourceCorrupt, ExitCode::kSource,
                     absl::StrCat("the file is damaged: ", EscapeForMessage(message, 300)),
                     "restore it from a backup, or recover what can be with sqlite3's .recover");
  }
}

}  // namespace

absl::Status CheckRowCounts(const Plan& plan, const std::vector<LoadedTable>& loaded) {
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& table = plan.tables[i];
    const uint64_t seen = loaded[i].digest.rows + loaded[i].rows_rejected;
    if (seen == table.rows) continue;
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     absl::StrCat("table ", EscapeName(table.source->name), ": the scan saw ",
                                  table.rows, " rows, the copy ", seen),
                     "look for a program that writes the file without SQLite's locks");
  }
  return absl::OkStatus();
}

absl::Status QuickCheck(SqliteConnection& reader, std::vector<Finding>* findings) {
  const BytewiseCollations collations(reader);
  std::string why;
  std::vector<Finding> found;
  RETURN_IF_ERROR(RunQuickCheck(reader, "PRAGMA main.quick_check(100)", &found, &why));
  if (why.empty()) {
    findings->insert(findings->end(), found.begin(), found.end());
    return absl::OkStatus();
  }
  // One table stops the check of all. The others can be looked at one by one.
  ASSIGN_OR_RETURN(SqliteStatement names,
                   reader.Prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND "
                                  "rootpage > 0"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, names.Step());
    if (!row) return absl::OkStatus();
    const std::string name = names.Text(0);
    why.clear();
    RETURN_IF_ERROR(RunQuickCheck(
        reader, absl::StrCat("PRAGMA main.quick_check(", QuoteSqliteIdentifier(name), ")"),
        findings, &why));
    if (why.empty()) continue;
    findings->push_back({Severity::kInfo, ErrorCode::kSourceUnreadable, EscapeName(name),
                         absl::StrCat("quick_check could not be completed: ", why),
                         "run it with the application that made the file"});
  }
}

absl::StatusOr<std::vector<Digest>> CountTables(PgConnection& connection, const Plan& plan) {
  std::vector<Digest> counts(plan.tables.size());
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    ASSIGN_OR_RETURN(const PgResult count,
                     connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ",
                                                   plan.tables[i].LoadTarget())));
    counts[i].rows = static_cast<uint64_t>(count.Int(0, 0));
  }
  return counts;
}

absl::StatusOr<std::vector<TableScan>> ScanAndSettle(std::vector<ScanTask>* tasks,
                                                     Selection* selection, SourceSnapshot& snapshot,
                                                     EventSink& events, const CancelToken& cancel) {
  ASSIGN_OR_RETURN(std::vector<ScannedTable> scanned, ScanTables(*tasks, snapshot, events, cancel));
  std::vector<TableScan> scans;
  std::vector<ScanTask> again;
  std::vector<size_t> again_index;
  for (size_t t = 0; t < scanned.size(); ++t) {
    RETURN_IF_ERROR(scanned[t].status);
    bool settled = false;
    for (size_t i = 0; i < selection->tables[t].candidates.size(); ++i) {
      CandidateList& candidates = selection->tables[t].candidates[i];
      const ColumnScan& column = scanned[t].scan.columns[i];
      if (candidates.size() != 1 || column.refused[0].count == 0 ||
          column.refused[0].outcome != Outcome::kAmbiguous) {
        continue;
      }
      ReadingRules rules = candidates[0].rules;
      if (rules.integer == NumberReading::kNone) rules.integer = ProvenIntegerReading(column);
      if (rules.real == NumberReading::kNone) rules.real = ProvenRealReading(column);
      if (rules.integer == NumberReading::kNone && rules.real == NumberReading::kNone) continue;
      ASSIGN_OR_RETURN(Candidate read, FixedCandidate(candidates[0].type, rules));
      candidates = CandidateList{std::move(read)};
      settled = true;
      selection->findings.push_back(
          {Severity::kWarning, ErrorCode::kReadingHint,
           absl::StrCat(
               selection->tables[t].source->name, ".",
               selection->tables[t]
                   .source->columns[static_cast<size_t>(selection->tables[t].reading.columns[i])]
                   .name),
           "the numbers in this column all fit one convention of dates only and are read by it",
           "name the convention in the configuration to confirm it"});
    }
    if (settled) {
      (*tasks)[t].candidates = selection->tables[t].candidates;
      again.push_back((*tasks)[t]);
      again_index.push_back(t);
    }
    scans.push_back(std::move(scanned[t].scan));
  }
  if (again.empty()) return scans;
  ASSIGN_OR_RETURN(std::vector<ScannedTable> second, ScanTables(again, snapshot, events, cancel));
  for (size_t i = 0; i < second.size(); ++i) {
    RETURN_IF_ERROR(second[i].status);
    scans[again_index[i]] = std::move(second[i].scan);
  }
  return scans;
}

}  // namespace lite2pg
