#include "engine/command/revert_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/paired_tables.h"
#include "engine/command/revert_defaults.h"

namespace lite2pg {
namespace {

std::string Lower(absl::string_view name) { return absl::AsciiStrToLower(name); }

// A numeric without the number of digits behind its point, which INTEGER and REAL do not have: 2.0
// and 2 are one value there. Wire form: docs/coercion.md; equal values have the same groups of
// digits.
bool NumericWithoutScale(absl::string_view field, const EncodeParams&, FieldBuffer* out) {
  constexpr size_t kScaleAt = 6, kHeaderBytes = 8;
  if (field.size() < kHeaderBytes) return false;
  out->Reserve(field.size());
  out->PutBytes(field.substr(0, kScaleAt));
  out->PutInt16(0);
  out->PutBytes(field.substr(kHeaderBytes));
  return true;
}

class Planner {
 public:
  Planner(const RevertRecords& records, const std::vector<TargetTable>& targets, Report* report)
      : records_(records), targets_(targets), report_(report) {}

  absl::StatusOr<RevertPlan> Run() {
    plan_.file = records_.file;
    plan_.file.declarations.clear();
    plan_.file.sequences.clear();
    for (const TargetTable& target : targets_) {
      if (target.kind != 'r' && target.kind != 'p') {
        NoteObject(target);
        continue;
      }
      RETURN_IF_ERROR(AddTable(target));
    }
    NoteMissingTables();
    NoteWhatNeverCame();
    KeepDeclarations();
    return std::move(plan_);
  }

 private:
  void Find(Severity severity, ErrorCode code, const std::string& object,
            const std::string& message) {
    report_->findings.push_back({severity, code, object, message, ""});
  }

  // Views that came from the source are declared by the source's own text.
  void NoteObject(const TargetTable& target) {
    for (const SourceDeclaration& known : records_.file.declarations) {
      if (known.kind == DeclarationKind::kView && absl::EqualsIgnoreCase(known.name, target.name)) {
        return;
      }
    }
    report_->objects.push_back({target.kind == 'f' ? "foreign table" : "view", target.name, "",
                                "not_carried", "", "its query is PostgreSQL's"});
  }

  const TableRecord* RecordOf(const TargetTable& target) const {
    for (const TableRecord& record : records_.tables) {
      if (record.target_name == target.name && DeclarationOf(record) != nullptr) return &record;
    }
    return nullptr;
  }

  const SourceDeclaration* DeclarationOf(const TableRecord& record) const {
    for (const SourceDeclaration& known : records_.file.declarations) {
      if (known.kind == DeclarationKind::kTable && known.name == record.source_name) return &known;
    }
    return nullptr;
  }

  absl::Status AddTable(const TargetTable& target) {
    const TableRecord* record = RecordOf(target);
    RevertTable table;
    table.schema = target.schema;
    table.target_name = target.name;
    table.name = record == nullptr ? target.name : record->source_name;
    if (!names_.insert(Lower(table.name)).second) {
      return MakeError(ErrorCode::kNameCollision, ExitCode::kPlanBlocks,
                       absl::StrCat("two tables would be called ", EscapeName(table.name),
                                    ", since SQLite does not look at case"),
                       "rename one of them");
    }
    if (!target.can_select) {
      return MakeError(ErrorCode::kTargetPrivilege, ExitCode::kTargetRefuses,
                       absl::StrCat("no privilege to read table ", EscapeName(target.name)),
                       "GRANT SELECT on it");
    }
    if (target.columns.empty()) {
      Find(Severity::kWarning, ErrorCode::kObjectNotCarried, target.name,
           "a table without columns has no form in SQLite");
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(record == nullptr ? Unknown(target, &table) : Known(target, *record, &table));
    plan_.tables.push_back(std::move(table));
    return absl::OkStatus();
  }

  absl::Status Unknown(const TargetTable& target, RevertTable* table) {
    const bool content = std::any_of(
        records_.tables.begin(), records_.tables.end(),
        [&](const TableRecord& record) { return record.target_name == target.name; });
    if (content) {
      Find(Severity::kWarning, ErrorCode::kObjectTranslated, target.name,
           "the content of a virtual table becomes an ordinary table, declared by defaults");
    } else if (records_.found) {
      Find(Severity::kInfo, ErrorCode::kObjectTranslated, target.name,
           "no run recorded this table; it is declared by defaults");
    }
    table->sql = DefaultTableSql(target, &report_->objects);
    for (SourceDeclaration& index : DefaultIndexes(target, &report_->objects)) {
      plan_.file.declarations.push_back(std::move(index));
    }
    for (const TargetColumn& column : target.columns) {
      RETURN_IF_ERROR(AddColumn(column, column.name, nullptr, table));
    }
    return absl::OkStatus();
  }

  absl::Status Known(const TargetTable& target, const TableRecord& record, RevertTable* table) {
    table->sql = DeclarationOf(record)->sql;
    std::set<int> used;
    for (const ColumnRecord& column : record.columns) {
      if (column.absent) continue;
      const auto found = std::find_if(
          target.columns.begin(), target.columns.end(),
          [&](const TargetColumn& candidate) { return candidate.name == column.target_name; });
      if (found == target.columns.end()) {
        Find(Severity::kWarning, ErrorCode::kTargetColumnMismatch,
             absl::StrCat(record.source_name, ".", column.source_name),
             "the column is no longer in PostgreSQL; it gets its default");
        continue;
      }
      used.insert(found->attnum);
      RETURN_IF_ERROR(AddColumn(*found, column.source_name, &column, table));
    }
    for (const TargetColumn& column : target.columns) {
      if (used.contains(column.attnum)) continue;
      RETURN_IF_ERROR(AddColumn(column, column.name, nullptr, table));
      RevertColumn& added = table->columns.back();
      added.added = true;
      added.declared_type = DefaultDeclaredType(column.type);
    }
    return absl::OkStatus();
  }

  absl::Status AddColumn(const TargetColumn& target, const std::string& name,
                         const ColumnRecord* record, RevertTable* table) {
    RevertColumn column;
    column.name = name;
    column.target_name = target.name;
    column.sequence = target.sequence;
    ReadingRules rules;
    column.form = DefaultRepresentation(target.type);
    if (record != nullptr) rules = record->rules;
    if (record != nullptr && record->type_name == target.type.type_name &&
        !record->representation.empty()) {
      const absl::StatusOr<Representation> form = RepresentationFromJson(record->representation);
      if (!form.ok()) {
        return MakeError(ErrorCode::kConfig, ExitCode::kCannotResume,
                         absl::StrCat("the ledger's word on column ", EscapeName(name), " is ",
                                      form.status().message()),
                         "it was written by a newer lite2pg, or changed by hand");
      }
      column.form = *form;
    } else if (record != nullptr && record->type_name != target.type.type_name) {
      Find(Severity::kWarning, ErrorCode::kTargetColumnMismatch,
           absl::StrCat(table->name, ".", name),
           absl::StrCat("the column was ", record->type_sql, " and is now ", target.type.sql_name,
                        "; it is written by defaults"));
      rules = ReadingRules();
    }
    rules.not_null = rules.empty_text_as_null = false;
    absl::StatusOr<ColumnCodec> codec = BindColumn(target.type, rules);
    column.as_text = !codec.ok();
    if (column.as_text) {
      rules = ReadingRules();
      codec = BindColumn(BuiltinType(kOidText), rules);
      column.form = Representation();
    }
    column.codec = *std::move(codec);
    // A time with a fraction that the integers of its column cannot show comes as a REAL.
    if (rules.real == NumberReading::kNone) rules.real = rules.integer;
    ASSIGN_OR_RETURN(column.check,
                     BindColumn(column.as_text ? BuiltinType(kOidText) : target.type, rules));
    if (column.codec.type->oid == kOidNumeric && column.form.storage != Storage::kText) {
      column.codec.canonical = column.check.canonical = NumericWithoutScale;
    }
    table->columns.push_back(std::move(column));
    return absl::OkStatus();
  }

  // The new file is not all that the source was.
  void NoteWhatNeverCame() {
    for (const TableRecord& record : records_.tables) {
      if (record.rows_rejected > 0) {
        Find(Severity::kWarning, ErrorCode::kTablePartial, record.source_name,
             absl::StrCat(record.rows_rejected, " row(s) that the copy set aside are not in the "
                                                "file; the ledger's table reject has them"));
      }
      if (!record.where.empty()) {
        Find(Severity::kWarning, ErrorCode::kTablePartial, record.source_name,
             absl::StrCat("only rows of the source with ", EscapeForMessage(record.where, 100),
                          " were copied; the others are not in the file"));
      }
    }
    std::set<std::string> noted;
    for (const std::string& name : records_.left_out) {
      if (IsWritten(name) || !noted.insert(name).second) continue;
      Find(Severity::kWarning, ErrorCode::kTableExcluded, name,
           "the table was left out of the copy; it is not in the file");
    }
  }

  void NoteMissingTables() {
    for (const TableRecord& record : records_.tables) {
      const bool there = std::any_of(
          targets_.begin(), targets_.end(),
          [&](const TargetTable& target) { return target.name == record.target_name; });
      if (there) continue;
      Find(Severity::kWarning, ErrorCode::kObjectNotCarried, record.source_name,
           absl::StrCat("its table ", EscapeName(record.target_name),
                        " is no longer in PostgreSQL"));
    }
  }

  bool IsWritten(absl::string_view table) const { return names_.contains(Lower(table)); }

  bool IsView(absl::string_view name) const {
    return std::any_of(records_.file.declarations.begin(), records_.file.declarations.end(),
                       [&](const SourceDeclaration& known) {
                         return known.kind == DeclarationKind::kView &&
                                absl::EqualsIgnoreCase(known.name, name);
                       });
  }

  void KeepDeclarations() {
    for (const SourceDeclaration& known : records_.file.declarations) {
      if (known.kind == DeclarationKind::kTable) continue;
      const bool alone = known.kind == DeclarationKind::kView ||
                         (known.kind == DeclarationKind::kTrigger && IsView(known.table));
      if (!alone && !IsWritten(known.table)) continue;
      plan_.file.declarations.push_back(known);
    }
    for (const SourceSequence& sequence : records_.file.sequences) {
      if (IsWritten(sequence.table)) plan_.file.sequences.push_back(sequence);
    }
    std::stable_sort(plan_.file.declarations.begin(), plan_.file.declarations.end(),
                     [](const SourceDeclaration& a, const SourceDeclaration& b) {
                       return a.kind < b.kind;
                     });
  }

  const RevertRecords& records_;
  const std::vector<TargetTable>& targets_;
  Report* report_;
  RevertPlan plan_;
  std::set<std::string> names_;
};

// Adds what a run knows and newer ones do not.
absl::Status MergeRun(PlanRecord plan, RevertRecords* records) {
  if (plan.source_schema.empty()) return absl::OkStatus();
  const absl::StatusOr<SourceSchema> schema = SourceSchemaFromJson(plan.source_schema);
  if (!schema.ok()) {
    return MakeError(ErrorCode::kConfig, ExitCode::kCannotResume,
                     absl::StrCat("what the ledger keeps of the source is ",
                                  schema.status().message()),
                     "it was written by a newer lite2pg, or changed by hand");
  }
  if (!records->found) {
    records->file = *schema;
    records->file.declarations.clear();
    records->file.sequences.clear();
  }
  records->found = true;
  std::set<std::string> known;
  for (const TableRecord& table : records->tables) known.insert(table.source_name);
  std::vector<TableRecord> fresh;
  for (TableRecord& table : plan.tables) {
    if (!known.contains(table.source_name)) fresh.push_back(std::move(table));
  }
  const auto is_fresh = [&](const std::string& table) {
    return std::any_of(fresh.begin(), fresh.end(),
                       [&](const TableRecord& record) { return record.source_name == table; });
  };
  for (const SourceDeclaration& declaration : schema->declarations) {
    const bool same_name = std::any_of(
        records->file.declarations.begin(), records->file.declarations.end(),
        [&](const SourceDeclaration& other) {
          return absl::EqualsIgnoreCase(other.name, declaration.name);
        });
    const bool wanted = declaration.kind == DeclarationKind::kView ||
                        is_fresh(declaration.table) ||
                        // Triggers of views.
                        (declaration.kind == DeclarationKind::kTrigger &&
                         !known.contains(declaration.table));
    if (wanted && !same_name) records->file.declarations.push_back(declaration);
  }
  for (const SourceSequence& sequence : schema->sequences) {
    if (is_fresh(sequence.table)) records->file.sequences.push_back(sequence);
  }
  std::move(fresh.begin(), fresh.end(), std::back_inserter(records->tables));
  for (const LeftOutTable& table : plan.left_out) {
    if (table.state == "excluded") records->left_out.push_back(table.source_name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RevertRecords> ReadRevertRecords(PgConnection& connection,
                                                const std::string& target_schema,
                                                std::vector<Finding>* findings) {
  RevertRecords records;
  ASSIGN_OR_RETURN(RecordedRuns recorded, ReadRecordedRuns(connection, target_schema, findings));
  RETURN_IF_ERROR(RefuseWhileUnfinished(recorded));
  for (RecordedRun& run : recorded.runs) {
    RETURN_IF_ERROR(MergeRun(std::move(run.record), &records));
  }
  return records;
}

absl::StatusOr<RevertPlan> MakeRevertPlan(const RevertRecords& records,
                                          const std::vector<TargetTable>& tables,
                                          Report* report) {
  return Planner(records, tables, report).Run();
}

}  // namespace lite2pg
