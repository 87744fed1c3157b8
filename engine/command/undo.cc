#include "engine/command/undo.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/plan_record.h"
#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

// A table whose rows go, by a statement of its own.
struct Removal {
  std::string name;       // quoted, qualified
  std::string condition;  // "": every row
};

class Undo {
 public:
  Undo(PgConnection& connection, const LedgerLocation& location, const RunRecord& run,
       UndoKind kind, Report* report)
      : connection_(connection), location_(location), run_(run), kind_(kind), report_(report) {}

  absl::Status Run() {
    Report then;
    if (!ReportFromJson(run_.report_json, &then)) return NotRecorded();
    absl::StatusOr<PlanRecord> record = ParsePlanRecord(run_.plan_json);
    if (!record.ok() || (record->tables.empty() && !then.tables.empty())) return NotRecorded();
    std::vector<Removal> removals;
    for (const TableRecord& table : record->tables) {
      const std::string name = QuoteQualified(table.target_schema, table.target_name);
      ASSIGN_OR_RETURN(const bool there, IsThere(name));
      if (!there) {
        CannotUndo(table, "it is not there any more");
      } else if (!table.created) {
        RETURN_IF_ERROR(AddExisting(table, name, &removals));
      } else {
        created_.push_back(name);
      }
    }
    std::vector<std::string> sql;
    if (kind_ == UndoKind::kDrop) {
      RETURN_IF_ERROR(DropCreated(then, &sql));
      RETURN_IF_ERROR(Remove(removals, &sql));
    } else {
      for (const std::string& name : created_) removals.push_back({name, ""});
      RETURN_IF_ERROR(Remove(removals, &sql));
    }
    if (sql.empty()) return absl::OkStatus();
    report_->undo_sql.push_back("BEGIN;");
    report_->undo_sql.insert(report_->undo_sql.end(), sql.begin(), sql.end());
    report_->undo_sql.push_back("COMMIT;");
    return absl::OkStatus();
  }

 private:
  absl::Status NotRecorded() const {
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("run ", run_.run_id,
                                  " left no record that this version can read"),
                     "use the version that made it");
  }

  void CannotUndo(const TableRecord& table, absl::string_view why) {
    report_->findings.push_back(
        {Severity::kWarning, ErrorCode::kTargetTableNotEmpty, table.target_name,
         absl::StrCat("no statement takes back what the run did to this table: ", why),
         "restore it from a backup, or remove the rows by hand"});
  }

  absl::StatusOr<bool> IsThere(const std::string& name) {
    ASSIGN_OR_RETURN(
        const PgResult found,
        connection_.Query("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {name}));
    return found.Bool(0, 0);
  }

  absl::StatusOr<uint64_t> Count(const std::string& name, const std::string& condition) {
    ASSIGN_OR_RETURN(const PgResult count,
                     connection_.Query(absl::StrCat(
                         "SELECT pg_catalog.count(*) FROM ", name,
                         condition.empty() ? "" : absl::StrCat(" WHERE ", condition))));
    return static_cast<uint64_t>(count.Int(0, 0));
  }

  // Tables of the application: rows that carry the transactions of the run's chunks are its own, as
  // long as there are exactly as many as it committed.
  absl::Status AddExisting(const TableRecord& table, const std::string& name,
                           std::vector<Removal>* removals) {
    if (table.rows_copied == 0) return absl::OkStatus();
    const std::string chunks =
        absl::StrCat("(SELECT c.xmin::pg_catalog.text FROM ", location_.Table("chunk"),
                     " c WHERE c.run_id = ", QuoteLiteral(run_.run_id), " AND c.table_name = ",
                     QuoteLiteral(EncodeLedgerText(table.source_name)), ")");
    const std::string condition = absl::StrCat("xmin::pg_catalog.text IN ", chunks);
    ASSIGN_OR_RETURN(const uint64_t ours, Count(name, condition));
    if (ours == table.rows_copied) {
      removals->push_back({name, condition});
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const uint64_t all, Count(name, ""));
    if (table.rows_preexisting == 0 && all == table.rows_copied) {
      removals->push_back({name, ""});
    } else if (table.rows_preexisting > 0) {
      CannotUndo(table, "it held rows before, and rows were merged with them");
    } else {
      CannotUndo(table, absl::StrCat("the run copied ", table.rows_copied, " row(s), it holds ",
                                     all, " now, and some were changed since"));
    }
    return absl::OkStatus();
  }

  // Views first. What others have built upon the tables since is not ours to drop: without CASCADE
  // the server says so. Foreign keys among the tables go with DROP TABLE of all in one statement.
  absl::Status DropCreated(const Report& then, std::vector<std::string>* sql) {
    std::vector<std::string> views;
    for (const ObjectReport& object : then.objects) {
      if (object.kind != "view" || object.state == "not_carried") continue;
      const std::string name = QuoteQualified(run_.target_schema, object.name);
      ASSIGN_OR_RETURN(const bool there, IsThere(name));
      if (there) views.push_back(name);
    }
    if (!views.empty()) sql->push_back(absl::StrCat("DROP VIEW ", absl::StrJoin(views, ", "), ";"));
    if (created_.empty()) return absl::OkStatus();
    sql->push_back(absl::StrCat("DROP TABLE ", absl::StrJoin(created_, ", "), ";"));
    return absl::OkStatus();
  }

  // Children first; tables that refer to one another in a circle go in one statement, at whose end
  // foreign keys are looked at.
  absl::Status Remove(std::vector<Removal> removals, std::vector<std::string>* sql) {
    std::vector<std::string> names;
    for (const Removal& removal : removals) names.push_back(removal.name);
    ASSIGN_OR_RETURN(
        const PgResult keys,
        connection_.Query("SELECT DISTINCT c.n, p.n FROM pg_catalog.pg_constraint k"
                          " JOIN pg_catalog.unnest($1::text[]) WITH ORDINALITY AS c(name, n)"
                          "   ON c.name::regclass = k.conrelid"
                          " JOIN pg_catalog.unnest($1::text[]) WITH ORDINALITY AS p(name, n)"
                          "   ON p.name::regclass = k.confrelid"
                          " WHERE k.contype = 'f' AND c.n <> p.n",
                          {FormatArray(names)}));
    std::map<size_t, std::set<size_t>> children;  // of a parent, that are still to go
    for (int i = 0; i < keys.rows(); ++i) {
      children[static_cast<size_t>(keys.Int(i, 1)) - 1].insert(
          static_cast<size_t>(keys.Int(i, 0)) - 1);
    }
    std::set<size_t> left;
    for (size_t i = 0; i < removals.size(); ++i) left.insert(i);
    while (!left.empty()) {
      const auto free = std::find_if(left.begin(), left.end(), [&](size_t i) {
        return children[i].empty();
      });
      if (free == left.end()) break;
      const size_t done = *free;
      sql->push_back(absl::StrCat(Delete(removals[done]), ";"));
      left.erase(done);
      for (auto& [parent, of_parent] : children) of_parent.erase(done);
    }
    if (left.empty()) return absl::OkStatus();
    std::string together;
    for (const size_t i : left) {
      absl::StrAppend(&together, together.empty() ? "WITH " : ", ", "d", i, " AS (",
                      Delete(removals[i]), ")");
    }
    sql->push_back(absl::StrCat(together, " SELECT;"));
    return absl::OkStatus();
  }

  static std::string Delete(const Removal& removal) {
    return absl::StrCat("DELETE FROM ", removal.name,
                        removal.condition.empty() ? "" : " WHERE ", removal.condition);
  }

  PgConnection& connection_;
  const LedgerLocation& location_;
  const RunRecord& run_;
  const UndoKind kind_;
  Report* const report_;
  std::vector<std::string> created_;
};

}  // namespace

absl::Status FillUndo(PgConnection& connection, const LedgerLocation& location,
                      const RunRecord& run, UndoKind kind, Report* report) {
  return Undo(connection, location, run, kind, report).Run();
}

}  // namespace lite2pg
