// The checks of a copy that are no stage of their own: SQLite's quick_check, the scan's counts,
// leftovers of earlier runs.
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "coercion/datetime.h"
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

// Where SQLite passes over an entry of the schema that it does not understand, it does not know
// whose the pages are that are in use by it.
std::string WithoutUnusedPages(std::string message, const SqliteConnection& reader) {
  if (reader.schema_damage().empty()) return message;
  std::vector<absl::string_view> kept;
  for (const absl::string_view line : absl::StrSplit(message, '\n')) {
    const bool unused = absl::StartsWith(line, "Page ") && absl::EndsWith(line, " is never used");
    if (!unused && !absl::StartsWith(line, "*** in database ")) kept.push_back(line);
  }
  return absl::StrJoin(kept, "\n");
}

// Columns of one given type whose values have one reading that all of them support, which the first
// scan shows or at least suggests: their tables are scanned a second time by that reading. Where it
// was only suggested, and some value does not support it, all is as if it had not been tried.
class Settling {
 public:
  Settling(std::vector<ScanTask>* tasks, Selection* selection)
      : tasks_(*tasks), selection_(*selection) {}

  absl::StatusOr<std::vector<TableScan>> Run(SourceSnapshot& snapshot, EventSink& events,
                                             const CancelToken& cancel) {
    ASSIGN_OR_RETURN(std::vector<ScannedTable> scanned,
                     ScanTables(tasks_, snapshot, events, cancel));
    std::vector<TableScan> scans;
    std::vector<ScanTask> again;
    std::vector<size_t> again_index;
    for (size_t t = 0; t < scanned.size(); ++t) {
      RETURN_IF_ERROR(scanned[t].status);
      bool any = false;
      for (size_t i = 0; i < selection_.tables[t].candidates.size(); ++i) {
        ASSIGN_OR_RETURN(const bool settled, Settle(t, i, scanned[t].scan.columns[i]));
        any |= settled;
      }
      if (any) {
        tasks_[t].candidates = selection_.tables[t].candidates;
        again.push_back(tasks_[t]);
        again_index.push_back(t);
      }
      scans.push_back(std::move(scanned[t].scan));
    }
    if (again.empty()) return scans;
    ASSIGN_OR_RETURN(std::vector<ScannedTable> second, ScanTables(again, snapshot, events, cancel));
    for (size_t k = 0; k < second.size(); ++k) {
      RETURN_IF_ERROR(second[k].status);
      TableScan& first = scans[again_index[k]];
      std::swap(first, second[k].scan);
      for (const Attempt& attempt : attempts_) {
        if (attempt.table != again_index[k]) continue;
        if (first.columns[attempt.column].refused[0].count == 0) {
          Found(Severity::kInfo, attempt.table, attempt.column,
                "the times in this column all have the offset zero; their clock is stored, which "
                "is UTC's, as the column has no zone",
                "nothing; offset = \"zero\" in the configuration confirms it");
          continue;
        }
        std::swap(first.columns[attempt.column], second[k].scan.columns[attempt.column]);
        const CandidateList before{attempt.before};
        selection_.tables[attempt.table].candidates[attempt.column] = before;
        tasks_[attempt.table].candidates[attempt.column] = before;
      }
    }
    return scans;
  }

 private:
  struct Attempt {
    size_t table, column;
    Candidate before;
  };

  // Whether the column gets another reading.
  absl::StatusOr<bool> Settle(size_t table, size_t index, const ColumnScan& scan) {
    CandidateList& candidates = selection_.tables[table].candidates[index];
    if (candidates.size() != 1 || scan.refused[0].count == 0) return false;
    ReadingRules rules = candidates[0].rules;
    const CounterExample& refused = scan.refused[0];
    if (refused.outcome == Outcome::kLossy && candidates[0].codec.type->oid == kOidTimestamp &&
        rules.offset == OffsetReading::kRefuse &&
        ClassifyDateTime(refused.text).offset_is_zero) {
      rules.offset = OffsetReading::kZero;
      attempts_.push_back({table, index, candidates[0]});
      ASSIGN_OR_RETURN(Candidate read, FixedCandidate(candidates[0].type, rules));
      candidates = CandidateList{std::move(read)};
      return true;
    }
    // A length of time that happens to be the number of a date is none.
    const Oid oid = candidates[0].codec.type->oid;
    const bool is_instant = oid == kOidDate || oid == kOidTimestamp || oid == kOidTimestamptz;
    if (refused.outcome != Outcome::kAmbiguous || !is_instant) return false;
    if (rules.integer == NumberReading::kNone) rules.integer = ProvenIntegerReading(scan);
    if (rules.real == NumberReading::kNone) rules.real = ProvenRealReading(scan);
    if (rules.integer == NumberReading::kNone && rules.real == NumberReading::kNone) return false;
    ASSIGN_OR_RETURN(Candidate read, FixedCandidate(candidates[0].type, rules));
    candidates = CandidateList{std::move(read)};
    Found(Severity::kWarning, table, index,
          ProvenReadingNote(rules, scan),
          "name the convention in the configuration to confirm it");
    return true;
  }

  void Found(Severity severity, size_t table, size_t index, std::string message,
             std::string hint) {
    const SelectedTable& selected = selection_.tables[table];
    const auto column = static_cast<size_t>(selected.reading.columns[index]);
    selection_.findings.push_back({severity, ErrorCode::kReadingHint,
                                   absl::StrCat(selected.source->name, ".",
                                                selected.source->columns[column].name),
                                   std::move(message), std::move(hint)});
  }

  std::vector<ScanTask>& tasks_;
  Selection& selection_;
  std::vector<Attempt> attempts_;
};

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
    const std::string message = WithoutUnusedPages(statement->Text(0), reader);
    if (message.empty() || message == "ok") continue;
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
  // Pages that look unused could use up a hundred messages before one is about damage.
  const bool passes_over = !reader.schema_damage().empty();
  RETURN_IF_ERROR(RunQuickCheck(
      reader, passes_over ? "PRAGMA main.quick_check(1000000)" : "PRAGMA main.quick_check(100)",
      &found, &why));
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
  return Settling(tasks, selection).Run(snapshot, events, cancel);
}

}  // namespace lite2pg
