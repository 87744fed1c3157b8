#include "engine/command/verify_findings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/table_objects.h"

namespace lite2pg {
namespace {

class CatalogFindings {
 public:
  CatalogFindings(PgConnection& connection, const PairedTables& pairs,
                  std::vector<Finding>* findings)
      : connection_(connection), pairs_(pairs), findings_(*findings) {}

  absl::Status Run() {
    std::vector<uint32_t> oids;
    for (const TablePlan& table : pairs_.plan.tables) {
      if (table.target.kind == 'r' || table.target.kind == 'p') oids.push_back(table.target.oid);
    }
    ASSIGN_OR_RETURN(objects_, ReadTableObjects(connection_, oids));
    for (size_t i = 0; i < pairs_.plan.tables.size(); ++i) {
      const TablePlan& table = pairs_.plan.tables[i];
      CheckKeys(table);
      CheckForeignKeys(table);
      for (const ColumnPlan& column : table.columns) {
        CheckType(table, column);
        RETURN_IF_ERROR(CheckSequence(table, column));
      }
    }
    return absl::OkStatus();
  }

 private:
  void Note(Severity severity, ErrorCode code, std::string object, std::string message,
            std::string hint = "") {
    findings_.push_back({severity, code, std::move(object), std::move(message), std::move(hint)});
  }

  // Names in the target; empty when one of them has no partner there.
  static std::vector<std::string> TargetNames(const TablePlan& table,
                                              const std::vector<int>& source_columns) {
    std::vector<std::string> names;
    for (const int source : source_columns) {
      const auto found =
          std::find_if(table.columns.begin(), table.columns.end(),
                       [&](const ColumnPlan& column) { return column.source_column == source; });
      if (found == table.columns.end()) return {};
      names.push_back(found->target_name);
    }
    return names;
  }

  // An index over the same columns: unique ones may have them in any order.
  static bool HasIndex(const TablePlan& table, const std::vector<std::string>& columns,
                       bool unique) {
    const std::set<std::string> wanted(columns.begin(), columns.end());
    for (const TargetIndex& index : table.target.indexes) {
      if (!index.valid || index.partial) continue;
      if (unique) {
        if (!index.unique) continue;
        const std::set<std::string> columns_of(index.columns.begin(), index.columns.end());
        if (columns_of == wanted) return true;
      } else if (index.columns.size() >= columns.size() &&
                 std::equal(columns.begin(), columns.end(), index.columns.begin())) {
        return true;
      }
    }
    return false;
  }

  void CheckKeys(const TablePlan& table) {
    const SourceTable& source = *table.source;
    const auto missing = [&](absl::string_view what, const std::vector<std::string>& columns,
                             Severity severity) {
      Note(severity, ErrorCode::kObjectMissing, source.name,
           absl::StrCat("the target has no ", what, " on (", absl::StrJoin(columns, ", "), ")"),
           "create it, once the rows agree");
    };
    const std::vector<std::string> key = TargetNames(table, source.primary_key);
    if (!key.empty() && !HasIndex(table, key, /*unique=*/true)) {
      missing("primary key or unique index", key, Severity::kWarning);
    }
    for (const SourceIndex& index : source.indexes) {
      if (index.partial || index.origin == 'p') continue;
      std::vector<int> positions;
      for (const SourceIndexColumn& column : index.columns) positions.push_back(column.column);
      const std::vector<std::string> columns = TargetNames(table, positions);
      if (columns.empty() || HasIndex(table, columns, index.unique)) continue;
      missing(index.unique ? "unique index" : "index", columns,
              index.unique ? Severity::kWarning : Severity::kInfo);
    }
  }

  void CheckForeignKeys(const TablePlan& table) {
    for (const SourceForeignKey& key : table.source->foreign_keys) {
      std::vector<std::string> columns;
      for (const std::string& name : key.child_columns) {
        const auto found = std::find_if(
            table.columns.begin(), table.columns.end(),
            [&](const ColumnPlan& c) { return absl::EqualsIgnoreCase(c.source_name, name); });
        if (found != table.columns.end()) columns.push_back(found->target_name);
      }
      if (columns.size() != key.child_columns.size()) continue;
      const auto same = [&](const TableForeignKeyObject& object) {
        return object.child_oid == table.target.oid && object.child_columns == columns;
      };
      const auto found =
          std::find_if(objects_.foreign_keys.begin(), objects_.foreign_keys.end(), same);
      const std::string what = absl::StrCat("(", absl::StrJoin(columns, ", "), ") to ",
                                            EscapeName(key.parent_table));
      if (found == objects_.foreign_keys.end()) {
        Note(Severity::kWarning, ErrorCode::kObjectMissing, table.source->name,
             absl::StrCat("the target has no foreign key from ", what), "add the constraint");
      } else if (!found->validated) {
        Note(Severity::kWarning, ErrorCode::kObjectMissing, table.source->name,
             absl::StrCat("the foreign key from ", what, " is NOT VALID"),
             absl::StrCat("mend the rows, then ALTER TABLE ",
                          QuoteQualified(table.target.schema, table.target.name),
                          " VALIDATE CONSTRAINT ", QuoteIdentifier(found->name)));
      }
    }
  }

  // Types that hold less than SQLite's own of that kind do.
  void CheckType(const TablePlan& table, const ColumnPlan& column) {
    const SourceColumn& source =
        table.source->columns[static_cast<size_t>(column.source_column)];
    const std::string object = absl::StrCat(table.source->name, ".", column.source_name);
    const auto narrower = [&](Severity severity, absl::string_view wide) {
      Note(severity, ErrorCode::kTypeNarrower, object,
           absl::StrCat("the target's type is ", column.type.sql_name,
                        ", which holds less than SQLite's"),
           absl::StrCat("ALTER COLUMN ... TYPE ", wide, " if later values need it"));
    };
    switch (column.type.oid) {
      case kOidFloat4:
        return narrower(Severity::kWarning, "double precision");
      case kOidInt2:
      case kOidInt4:
        if (source.affinity == Affinity::kInteger) narrower(Severity::kInfo, "bigint");
        return;
      case kOidVarchar:
      case kOidBpchar:
        if (column.type.typmod >= 0 &&
            !absl::StrContains(source.declared_type,
                               absl::StrCat("(", column.type.typmod - LengthTypmod(0), ")"))) {
          narrower(Severity::kInfo, "text");
        }
        return;
      default:
        return;
    }
  }

  // SQLite gives an INTEGER PRIMARY KEY its numbers; on the target something else has to.
  void CheckNumbers(const TablePlan& table, const ColumnPlan& column, const std::string& object) {
    if (table.source->rowid_alias < 0 || column.source_column != table.source->rowid_alias) return;
    const auto found =
        std::find_if(table.target.columns.begin(), table.target.columns.end(),
                     [&](const TargetColumn& c) { return c.name == column.target_name; });
    if (found == table.target.columns.end() || found->has_default || found->identity != 0) return;
    Note(table.source->autoincrement ? Severity::kWarning : Severity::kInfo,
         ErrorCode::kSequenceBehind, object,
         "there is no sequence that gives the column its numbers, as SQLite does",
         "ALTER COLUMN ... ADD GENERATED BY DEFAULT AS IDENTITY, and set its sequence behind the "
         "greatest number");
  }

  absl::Status CheckSequence(const TablePlan& table, const ColumnPlan& column) {
    const std::string object = absl::StrCat(table.source->name, ".", column.source_name);
    if (column.sequence.empty()) {
      CheckNumbers(table, column, object);
      return absl::OkStatus();
    }
    const std::string from = QuoteQualified(table.target.schema, table.target.name);
    const absl::StatusOr<PgResult> state = connection_.Query(absl::StrCat(
        "SELECT s.last_value, s.is_called, t.most, q.seqincrement FROM ", column.sequence,
        " AS s, (SELECT pg_catalog.max(", QuoteIdentifier(column.target_name),
        ")::pg_catalog.int8 AS most FROM ", from,
        ") AS t, pg_catalog.pg_sequence AS q WHERE q.seqrelid = ", QuoteLiteral(column.sequence),
        "::pg_catalog.regclass"));
    if (!state.ok()) {
      if (!connection_.alive()) return state.status();
      Note(Severity::kInfo, ErrorCode::kNotLookedAt, object,
           absl::StrCat("the sequence ", column.sequence, " cannot be read: ",
                        InfoOf(state.status()).server));
      return absl::OkStatus();
    }
    if (state->rows() == 0 || state->IsNull(0, 2) || state->Int(0, 3) < 0) return absl::OkStatus();
    const int64_t last = state->Int(0, 0), most = state->Int(0, 2);
    const bool behind = state->Bool(0, 1) ? last < most : last <= most;
    if (!behind) return absl::OkStatus();
    Note(Severity::kWarning, ErrorCode::kSequenceBehind, object,
         absl::StrCat("the sequence stands at ", last, ", but a row has ", most,
                      " already: inserts will fail"),
         absl::StrCat("SELECT pg_catalog.setval(", QuoteLiteral(column.sequence), ", ", most,
                      ")"));
    return absl::OkStatus();
  }

  PgConnection& connection_;
  const PairedTables& pairs_;
  std::vector<Finding>& findings_;
  TableObjects objects_;
};

}  // namespace

absl::Status FindInCatalogs(const PairedTables& pairs, std::vector<Finding>* findings) {
  ASSIGN_OR_RETURN(PgConnection connection, pairs.target->Connect());
  return CatalogFindings(connection, pairs, findings).Run();
}

}  // namespace lite2pg
