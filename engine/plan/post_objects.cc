#include "engine/plan/post_objects.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/planner.h"
#include "engine/plan/translated_objects.h"
#include "engine/postgres/ddl.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {
namespace {

// The collation under which lower() folds ASCII letters only, as NOCASE does.
constexpr absl::string_view kBytewise = "pg_catalog.\"C\"";

bool IsTextType(const PgType& type) {
  return type.oid == kOidText || type.oid == kOidVarchar || type.oid == kOidBpchar;
}

// What a text column is indexed by so that equal means what it does under `collation` of SQLite; ""
// where the column itself will do.
std::string FoldedTerm(const ColumnPlan& column, absl::string_view collation) {
  if (!IsTextType(column.type)) return "";
  const std::string name = QuoteIdentifier(column.target_name);
  if (absl::EqualsIgnoreCase(collation, "NOCASE")) {
    return absl::StrCat("pg_catalog.lower(", name, " COLLATE ", kBytewise, ")");
  }
  if (absl::EqualsIgnoreCase(collation, "RTRIM")) {
    return absl::StrCat("pg_catalog.rtrim(", name, ", ' ')");
  }
  return "";
}

class PostObjects {
 public:
  PostObjects(const PlanInputs& inputs, NameTable* names, Plan* plan)
      : in_(inputs), names_(names), plan_(plan) {}

  absl::Status Run() {
    for (size_t i = 0; i < plan_->tables.size(); ++i) {
      const TablePlan& table = plan_->tables[i];
      if (!table.create) continue;  // the application's tables keep what they have
      AddPrimaryKey(static_cast<int>(i));
      for (const SourceIndex& index : table.source->indexes) {
        AddIndex(static_cast<int>(i), index);
      }
    }
    for (size_t i = 0; i < plan_->tables.size(); ++i) {
      if (!plan_->tables[i].create) continue;
      for (const SourceForeignKey& key : plan_->tables[i].source->foreign_keys) {
        AddForeignKey(static_cast<int>(i), key);
      }
    }
    return AddTranslatedObjects(in_, names_, plan_);
  }

 private:
  TablePlan& Table(int index) { return plan_->tables[static_cast<size_t>(index)]; }

  void Note(Severity severity, ErrorCode code, std::string object, std::string message,
            std::string hint = "") {
    plan_->findings.push_back(
        {severity, code, std::move(object), std::move(message), std::move(hint)});
  }

  // The planned column for a column of the source table; nullptr when it is not loaded.
  const ColumnPlan* Find(const TablePlan& table, int source_column) const {
    for (const ColumnPlan& column : table.columns) {
      if (column.source_column == source_column) return &column;
    }
    return nullptr;
  }
  const ColumnPlan* FindByName(const TablePlan& table, absl::string_view name) const {
    for (const ColumnPlan& column : table.columns) {
      if (absl::EqualsIgnoreCase(column.source_name, name)) return &column;
    }
    return nullptr;
  }

  bool HasNulls(const ColumnPlan& column) const {
    return column.scan.counts[static_cast<size_t>(StorageClass::kNull)] > 0;
  }

  PostObject NewObject(PostKind kind, absl::string_view report_kind, std::string name, int table) {
    PostObject object;
    object.kind = kind;
    object.report_kind = std::string(report_kind);
    object.name = std::move(name);
    object.table = table;
    return object;
  }

  IndexDdl IndexOn(const TablePlan& table, const std::string& name,
                   const std::vector<std::string>& columns) {
    IndexDdl index;
    index.schema = table.load_schema;
    index.table = table.load_name;
    index.name = name;
    for (const std::string& column : columns) {
      IndexTermDdl term;
      term.column = column;
      index.terms.push_back(std::move(term));
    }
    return index;
  }

  // SQLite lets NULL, and through type freedom duplicates, into a declared primary key; what holds
  // is made: the key, else a unique constraint, else an index.
  void AddPrimaryKey(int table_index) {
    TablePlan& table = Table(table_index);
    if (table.source->primary_key.empty()) return;
    std::vector<std::string> columns;
    std::vector<std::string> null_columns;
    for (const int source_column : table.source->primary_key) {
      const ColumnPlan* column = Find(table, source_column);
      if (column == nullptr) return;
      columns.push_back(column->target_name);
      if (HasNulls(*column)) null_columns.push_back(column->source_name);
    }
    PostObject object = NewObject(PostKind::kPrimaryKey, "primary_key",
                                  names_->Add(table.target_name + "_pkey"), table_index);
    KeyDdl key{table.load_schema, table.load_name, object.name, true, columns};
    if (null_columns.empty()) {
      object.attempts.push_back({{AddKeySql(key)}, "", "created", ""});
    } else {
      Note(Severity::kWarning, ErrorCode::kConstraintViolated, table.source->name,
           absl::StrCat("the primary key holds NULL in ", absl::StrJoin(null_columns, ", "),
                        "; it becomes a UNIQUE constraint"),
           "mend the rows, then make it the primary key");
    }
    key.primary = false;
    object.attempts.push_back({{AddKeySql(key)}, "", "translated", "UNIQUE in its place"});
    object.attempts.push_back({{CreateIndexSql(IndexOn(table, object.name, columns))},
                               "",
                               "translated",
                               "an index that is not unique in its place"});
    object.sample_sql = DuplicatesSql(table, columns);
    plan_->objects.push_back(std::move(object));
    std::vector<std::string> collations;
    for (const int c : table.source->primary_key) {
      collations.push_back(KeyCollation(*table.source, c));
    }
    AddFoldedUnique(table_index, table.source->primary_key, collations,
                    table.target_name + "_pkey");
  }

  // A key may be declared under another collation than its column.
  static std::string KeyCollation(const SourceTable& table, int column) {
    for (const SourceIndex& index : table.indexes) {
      if (index.origin != 'p') continue;
      for (const SourceIndexColumn& term : index.columns) {
        if (term.column == column) return term.collation;
      }
    }
    return table.columns[static_cast<size_t>(column)].collation;
  }

  std::string DuplicatesSql(const TablePlan& table, const std::vector<std::string>& columns) {
    const std::string list = QuoteColumns(columns);
    return absl::StrCat("SELECT ROW(", list, ")::pg_catalog.text FROM ", table.LoadTarget(),
                        " GROUP BY ", list, " HAVING pg_catalog.count(*) > 1 LIMIT 3");
  }

  // UNIQUE under COLLATE NOCASE or RTRIM allows less than UNIQUE by bytes: an index over the folded
  // text keeps the rest. `collations` are the index's own, which need not be the columns'.
  void AddFoldedUnique(int table_index, const std::vector<int>& source_columns,
                       const std::vector<std::string>& collations, const std::string& name) {
    TablePlan& table = Table(table_index);
    IndexDdl index = IndexOn(table, "", {});
    index.unique = true;
    bool nocase = false, rtrim = false;
    for (size_t i = 0; i < source_columns.size(); ++i) {
      const ColumnPlan* column = Find(table, source_columns[i]);
      if (column == nullptr) return;
      IndexTermDdl term;
      term.expression = FoldedTerm(*column, collations[i]);
      if (term.expression.empty()) {
        term.column = column->target_name;
      } else {
        (absl::EqualsIgnoreCase(collations[i], "NOCASE") ? nocase : rtrim) = true;
      }
      index.terms.push_back(std::move(term));
    }
    if (!nocase && !rtrim) return;
    PostObject object =
        NewObject(PostKind::kIndex, "unique",
                  names_->Add(absl::StrCat(name, nocase ? "_nocase" : "_rtrim")), table_index);
    index.name = object.name;
    object.attempts.push_back({{CreateIndexSql(index)},
                               "",
                               "translated",
                               nocase ? "unique over the text in lower case"
                                      : "unique over the text without spaces at its end"});
    Note(Severity::kInfo, ErrorCode::kCollationDiffers, table.source->name,
         absl::StrCat(nocase ? "COLLATE NOCASE: upper and lower case stay one value through the "
                               "unique index "
                             : "COLLATE RTRIM: texts with and without spaces at their end stay one "
                               "value through the unique index ",
                      EscapeName(object.name), "; comparisons in queries need ",
                      nocase ? "lower()" : "rtrim()", " to do the same"));
    plan_->objects.push_back(std::move(object));
  }

  void AddIndex(int table_index, const SourceIndex& index) {
    if (index.origin == 'p') return;  // the primary key
    TablePlan& table = Table(table_index);
    std::vector<std::string> columns;
    std::vector<int> source_columns;
    IndexDdl ddl = IndexOn(table, "", {});
    std::vector<std::string> collations;
    bool plain = !index.partial, folded = false;
    for (const SourceIndexColumn& term : index.columns) {
      const ColumnPlan* column = term.column >= 0 ? Find(table, term.column) : nullptr;
      if (column == nullptr) {
        plain = false;
        continue;
      }
      IndexTermDdl out;
      out.column = column->target_name;
      out.descending = term.descending;
      out.not_null = column->not_null;
      // Uniqueness by bytes comes first, and an index of its own for the folded text.
      if (!index.unique) out.expression = FoldedTerm(*column, term.collation);
      if (!out.expression.empty()) {
        out.column.clear();
        folded = true;
      }
      collations.push_back(term.collation);
      ddl.terms.push_back(std::move(out));
      columns.push_back(column->target_name);
      source_columns.push_back(term.column);
    }
    if (!plain) return;  // expressions and predicates: translated_objects.cc
    const bool constraint = index.origin == 'u';
    const std::string wanted =
        constraint ? absl::StrCat(table.target_name, "_", absl::StrJoin(columns, "_"), "_key")
                   : SpelledName(in_, index.name);
    PostObject object =
        NewObject(constraint ? PostKind::kUnique : PostKind::kIndex,
                  index.unique ? "unique" : "index", names_->Add(wanted), table_index);
    object.source_sql = index.sql;
    ddl.name = object.name;
    ddl.unique = index.unique;
    if (constraint) {
      const KeyDdl key{table.load_schema, table.load_name, object.name, false, columns};
      object.attempts.push_back({{AddKeySql(key)}, "", "created", ""});
    } else {
      object.attempts.push_back({{CreateIndexSql(ddl)},
                                 "",
                                 folded ? "translated" : "created",
                                 folded ? "over the text as its collation compares it" : ""});
    }
    if (index.unique) {
      ddl.unique = false;
      object.attempts.push_back(
          {{CreateIndexSql(ddl)}, "", "translated", "an index that is not unique in its place"});
      object.sample_sql = DuplicatesSql(table, columns);
    }
    const std::string name = object.name;
    plan_->objects.push_back(std::move(object));
    if (index.unique) AddFoldedUnique(table_index, source_columns, collations, name);
  }

  void NotCarried(const TablePlan& table, const SourceForeignKey& key, const std::string& reason) {
    ObjectReport report;
    report.kind = "foreign_key";
    report.table = table.target_name;
    report.name = absl::StrJoin(key.child_columns, ", ");
    report.state = "not_carried";
    report.sql =
        absl::StrCat("FOREIGN KEY (", absl::StrJoin(key.child_columns, ", "), ") REFERENCES ",
                     key.parent_table, " (", absl::StrJoin(key.parent_columns, ", "), ")");
    report.reason = reason;
    Note(Severity::kWarning, ErrorCode::kObjectNotCarried,
         absl::StrCat(table.source->name, ".", report.name),
         absl::StrCat("the foreign key to ", EscapeName(key.parent_table),
                      " is not carried: ", reason),
         "add it by hand once its parent is there");
    plan_->decided_objects.push_back(std::move(report));
  }

  int FindTable(absl::string_view name) const {
    for (size_t i = 0; i < plan_->tables.size(); ++i) {
      if (absl::EqualsIgnoreCase(plan_->tables[i].source->name, name)) return static_cast<int>(i);
    }
    return -1;
  }

  void AddForeignKey(int table_index, const SourceForeignKey& key) {
    TablePlan& child = Table(table_index);
    const int parent_index = FindTable(key.parent_table);
    if (parent_index < 0) {
      return NotCarried(child, key, "the parent table does not exist or is not copied");
    }
    const TablePlan& parent = Table(parent_index);
    ForeignKeyDdl ddl;
    ddl.schema = child.load_schema;
    ddl.table = child.load_name;
    ddl.parent_schema = parent.load_schema;
    ddl.parent_table = parent.load_name;
    for (const std::string& name : key.child_columns) {
      const ColumnPlan* column = FindByName(child, name);
      if (column == nullptr) return NotCarried(child, key, "a child column does not exist");
      ddl.columns.push_back(column->target_name);
    }
    std::vector<std::string> parents = key.parent_columns;
    if (parents.empty()) {
      for (const int c : parent.source->primary_key) {
        parents.push_back(parent.source->columns[static_cast<size_t>(c)].name);
      }
    }
    if (parents.size() != ddl.columns.size()) {
      return NotCarried(child, key, "the parent's primary key has another number of columns");
    }
    for (const std::string& name : parents) {
      const ColumnPlan* column = FindByName(parent, name);
      if (column == nullptr) return NotCarried(child, key, "a parent column does not exist");
      ddl.parent_columns.push_back(column->target_name);
    }
    ddl.on_update = key.on_update;
    ddl.on_delete = key.on_delete;
    ddl.deferrable = key.deferrable && DialectNamed(in_.facts.dialect).deferrable_keys;
    ddl.initially_deferred = key.initially_deferred;
    PostObject object = NewObject(
        PostKind::kForeignKey, "foreign_key",
        ConstraintName(table_index, absl::StrCat(child.target_name, "_",
                                                 absl::StrJoin(ddl.columns, "_"), "_fkey")),
        table_index);
    object.parent_table = parent_index;
    object.child_columns = ddl.columns;
    object.parent_columns = ddl.parent_columns;
    ddl.name = object.name;
    object.attempts.push_back({{AddForeignKeySql(ddl)}, "", "created", ""});
    ddl.not_valid = true;
    object.attempts.push_back(
        {{AddForeignKeySql(ddl)}, "", "translated", "NOT VALID: it holds for new rows only"});
    object.sample_sql = OrphansSql(child, parent, ddl);
    plan_->objects.push_back(std::move(object));
  }

  // Names of constraints are unique within their table only.
  std::string ConstraintName(int table_index, const std::string& wanted) {
    const auto index = static_cast<size_t>(table_index);
    if (constraint_names_.size() <= index) constraint_names_.resize(plan_->tables.size());
    return constraint_names_[index].Add(wanted);
  }

  std::string OrphansSql(const TablePlan& child, const TablePlan& parent,
                         const ForeignKeyDdl& key) {
    std::vector<std::string> equal, present, shown;
    for (size_t i = 0; i < key.columns.size(); ++i) {
      const std::string c = absl::StrCat("c.", QuoteIdentifier(key.columns[i]));
      equal.push_back(absl::StrCat(c, " = p.", QuoteIdentifier(key.parent_columns[i])));
      present.push_back(absl::StrCat(c, " IS NOT NULL"));
      shown.push_back(c);
    }
    return absl::StrCat("SELECT ROW(", absl::StrJoin(shown, ", "),
                        ")::pg_catalog.text || ' (' || "
                        "pg_catalog.count(*)::pg_catalog.text || ' rows)' FROM ",
                        child.LoadTarget(), " c WHERE ", absl::StrJoin(present, " AND "),
                        " AND NOT EXISTS (SELECT 1 FROM ", parent.LoadTarget(), " p WHERE ",
                        absl::StrJoin(equal, " AND "), ") GROUP BY ", absl::StrJoin(shown, ", "),
                        " LIMIT 3");
  }

  const PlanInputs& in_;
  NameTable* names_;
  Plan* plan_;
  std::vector<NameTable> constraint_names_;
};

}  // namespace

std::string SpelledName(const PlanInputs& inputs, const std::string& name) {
  return inputs.options->identifiers == Identifiers::kLower ? absl::AsciiStrToLower(name) : name;
}

absl::Status AddPostObjects(const PlanInputs& inputs, NameTable* names, Plan* plan) {
  return PostObjects(inputs, names, plan).Run();
}

std::string CreateTableStatement(const TablePlan& table) {
  TableDdl ddl;
  ddl.schema = table.load_schema;
  ddl.name = table.load_name;
  for (const ColumnPlan& column : table.columns) {
    ColumnDdl out;
    out.name = column.target_name;
    out.type_sql = column.type.sql_name;
    out.not_null = column.not_null;
    out.identity = column.identity;
    if (!column.identity_sequence.empty()) {
      out.identity_sequence = QuoteQualified(ddl.schema, column.identity_sequence);
    }
    out.default_sql = column.default_sql;
    ddl.columns.push_back(std::move(out));
  }
  return CreateTableSql(ddl);
}

std::vector<std::string> PreDataStatements(const Plan& plan) {
  std::vector<std::string> statements;
  if (plan.staging_schema.empty()) return statements;
  if (plan.staging_prefix.empty() && plan.staging_schema != plan.target_schema) {
    statements.push_back(absl::StrCat("CREATE SCHEMA ", QuoteIdentifier(plan.staging_schema)));
  }
  for (const TablePlan& table : plan.tables) {
    if (!table.create) continue;
    statements.push_back(CreateTableStatement(table));
    if (!table.spread_sql.empty()) statements.push_back(table.spread_sql);
  }
  return statements;
}

}  // namespace lite2pg
