#include "engine/plan/translated_objects.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/text.h"
#include "engine/plan/post_objects.h"
#include "engine/plan/translate/translate.h"
#include "engine/postgres/ddl.h"
#include "engine/sqlite/sql/lexer.h"
#include "engine/sqlite/sql/parser.h"

namespace lite2pg {
namespace {

class TranslatedObjects {
 public:
  TranslatedObjects(const PlanInputs& inputs, NameTable* names, Plan* plan)
      : in_(inputs), names_(names), plan_(plan) {
    context_.source_utf16 = inputs.catalog->encoding != "UTF-8";
    context_.lower_names = inputs.options->identifiers == Identifiers::kLower;
    for (const TablePlan& table : plan->tables) context_.relations.push_back(RelationOf(table));
  }

  void Run() {
    for (size_t i = 0; i < plan_->tables.size(); ++i) {
      if (!plan_->tables[i].create) continue;
      AddDefaults(i);
      AddGenerated(i);
      AddFullText(i);
      AddChecks(i);
      NoteConflictRules(i);
      for (const SourceIndex& index : plan_->tables[i].source->indexes) AddIndex(i, index);
    }
    AddViews();
  }

 private:
  static TranslationRelation RelationOf(const TablePlan& table) {
    TranslationRelation relation;
    relation.source_name = table.source->name;
    relation.target_schema = table.load_schema;
    relation.target_name = table.load_name;
    for (const ColumnPlan& column : table.columns) {
      const SourceColumn& source = table.source->columns[static_cast<size_t>(column.source_column)];
      TranslationColumn out;
      out.source_name = column.source_name;
      out.target_name = column.target_name;
      out.type = column.type;
      out.affinity = source.affinity;
      out.collation = source.collation;
      out.counted = true;
      out.counts = column.scan.counts;
      // Only texts of one form order as the dates do; ten bytes each are YYYY-MM-DD.
      const uint64_t texts = column.scan.counts[static_cast<size_t>(StorageClass::kText)];
      if (column.type.oid == kOidDate && column.scan.value_bytes_max <= 10 &&
          column.scan.bytes == 10 * texts) {
        out.temporal = TemporalText::kDate;
      }
      if (table.source->rowid_alias == column.source_column) {
        relation.rowid_alias = static_cast<int>(relation.columns.size());
      }
      relation.columns.push_back(std::move(out));
    }
    return relation;
  }

  void NotCarried(absl::string_view kind, const std::string& name, const std::string& table,
                  const std::string& sql, const std::string& reason) {
    plan_->decided_objects.push_back({std::string(kind), name, table, "not_carried", sql, reason});
    plan_->findings.push_back(
        {Severity::kWarning, ErrorCode::kObjectNotCarried,
         table.empty() ? name : absl::StrCat(table, ".", name),
         absl::StrCat("the ", kind, " is not carried: ", EscapeForMessage(reason, 200)),
         "its SQL is in the report; write it by hand for PostgreSQL"});
  }

  // Translations that are not equal in every last case are reported as translated.
  static std::string StateOf(const Translation& t) {
    return t.exactness == Exactness::kExact ? "created" : "translated";
  }
  static std::string NoteOf(const Translation& t) {
    return t.exactness == Exactness::kExact ? std::string()
                                            : std::string(ExactnessPhrase(t.exactness));
  }

  void AddDefaults(size_t table_index) {
    TablePlan& table = plan_->tables[table_index];
    for (ColumnPlan& column : table.columns) {
      const SourceColumn& source = table.source->columns[static_cast<size_t>(column.source_column)];
      if (!source.has_default || column.identity) continue;
      const absl::StatusOr<ExprPtr> expr = ParseDefault(source.default_sql);
      Translation t;
      t.reason = "not understood";
      if (expr.ok()) t = TranslateDefault(**expr, column.type, source.affinity, column.rules);
      if (!t.ok) {
        NotCarried("default", column.source_name, table.source->name, source.default_sql, t.reason);
        continue;
      }
      column.default_sql = t.sql;
      plan_->decided_objects.push_back(
          {"default", column.source_name, table.target_name, StateOf(t), t.sql, NoteOf(t)});
    }
  }

  PostObject NewObject(PostKind kind, absl::string_view report_kind, std::string name,
                       size_t table_index, std::string source_sql) const {
    PostObject object;
    object.kind = kind;
    object.report_kind = std::string(report_kind);
    object.name = std::move(name);
    object.table = static_cast<int>(table_index);
    object.source_sql = std::move(source_sql);
    return object;
  }

  void AddChecks(size_t table_index) {
    const TablePlan& table = plan_->tables[table_index];
    NameTable check_names;
    for (const SourceCheck& check : table.source->checks) {
      const std::string shown = check.name.empty() ? "CHECK" : check.name;
      const absl::StatusOr<ExprPtr> expr = ParseExpression(check.sql);
      Translation t;
      t.reason = "not understood";
      if (expr.ok()) t = TranslateCheck(**expr, context_.relations[table_index], context_);
      if (!t.ok) {
        NotCarried("check", shown, table.source->name, check.sql, t.reason);
        continue;
      }
      if (t.always_true) {
        plan_->decided_objects.push_back({"check", shown, table.target_name, "translated",
                                          check.sql, "the column's type guarantees it"});
        continue;
      }
      CheckDdl ddl{table.load_schema, table.load_name, "", t.sql, false};
      ddl.name = check_names.Add(check.name.empty() ? table.target_name + "_check" : check.name);
      PostObject object = NewObject(PostKind::kCheck, "check", ddl.name, table_index, check.sql);
      object.attempts.push_back({{AddCheckSql(ddl)}, "", StateOf(t), NoteOf(t)});
      ddl.not_valid = true;
      object.attempts.push_back(
          {{AddCheckSql(ddl)}, "", "translated", "NOT VALID: it holds for new rows only"});
      object.sample_sql = absl::StrCat("SELECT t::pg_catalog.text FROM ", table.LoadTarget(),
                                       " t WHERE NOT (", t.sql, ") LIMIT 3");
      plan_->objects.push_back(std::move(object));
    }
  }

  // ON CONFLICT in a declaration says what a writer of SQLite need not say: that a row replaces
  // another, or is passed over. In PostgreSQL every statement has to.
  void NoteConflictRules(size_t table_index) {
    const SourceTable& table = *plan_->tables[table_index].source;
    const absl::StatusOr<std::vector<SqlToken>> tokens = LexSql(table.sql);
    if (!tokens.ok()) return;
    std::vector<std::string> rules;
    for (size_t i = 0; i + 2 < tokens->size(); ++i) {
      if ((*tokens)[i].keyword != SqlKeyword::kOn) continue;
      if ((*tokens)[i + 1].keyword != SqlKeyword::kConflict) continue;
      const SqlKeyword rule = (*tokens)[i + 2].keyword;
      if (rule == SqlKeyword::kAbort) continue;  // what PostgreSQL does
      std::string name(KeywordName(rule));
      if (std::find(rules.begin(), rules.end(), name) == rules.end()) {
        rules.push_back(std::move(name));
      }
    }
    if (rules.empty()) return;
    plan_->findings.push_back(
        {Severity::kWarning, ErrorCode::kObjectNotCarried, table.name,
         absl::StrCat("ON CONFLICT ", absl::StrJoin(rules, ", "),
                      " of its constraints is not carried: PostgreSQL refuses such rows"),
         "write INSERT ... ON CONFLICT in the application where it relies on that"});
  }

  // Indexes that post_objects.cc left: with a predicate, or with terms that are no columns.
  void AddIndex(size_t table_index, const SourceIndex& index) {
    const TablePlan& table = plan_->tables[table_index];
    bool special = index.partial;
    for (const SourceIndexColumn& term : index.columns) special |= term.column < 0;
    if (!special || index.origin != 'c') return;
    const absl::StatusOr<CreateIndex> parsed = ParseCreateIndex(index.sql);
    if (!parsed.ok()) {
      return NotCarried("index", index.name, table.source->name, index.sql, "not understood");
    }
    IndexDdl ddl;
    ddl.schema = table.load_schema;
    ddl.table = table.load_name;
    ddl.unique = index.unique;
    for (const OrderingTerm& term : parsed->terms) {
      const Translation t =
          TranslateIndexExpression(*term.expr, context_.relations[table_index], context_);
      if (!t.ok) return NotCarried("index", index.name, table.source->name, index.sql, t.reason);
      IndexTermDdl out;
      out.expression = t.sql;
      out.descending = term.descending;
      ddl.terms.push_back(std::move(out));
    }
    if (parsed->where != nullptr) {
      const Translation t =
          TranslateIndexPredicate(*parsed->where, context_.relations[table_index], context_);
      if (!t.ok) return NotCarried("index", index.name, table.source->name, index.sql, t.reason);
      ddl.predicate = t.sql;
    }
    ddl.name = names_->Add(SpelledName(in_, index.name));
    PostObject object = NewObject(PostKind::kIndex, index.unique ? "unique" : "index", ddl.name,
                                  table_index, index.sql);
    object.attempts.push_back({{CreateIndexSql(ddl)}, "", "translated", ""});
    if (index.unique) {
      ddl.unique = false;
      object.attempts.push_back(
          {{CreateIndexSql(ddl)}, "", "translated", "an index that is not unique in its place"});
    }
    plan_->objects.push_back(std::move(object));
  }

  // The expression of a generated column, translated; `sql` gets its text.
  Translation TranslateGeneratedColumn(const absl::StatusOr<CreateTable>& parsed,
                                       const SourceColumn& source, const ColumnPlan& column,
                                       size_t table_index, std::string* sql) const {
    Translation t;
    t.reason = "not understood";
    if (!parsed.ok()) return t;
    for (const ColumnDefinition& definition : parsed->columns) {
      if (!absl::EqualsIgnoreCase(definition.name, source.name)) continue;
      if (definition.generated_expr == nullptr) continue;
      *sql = definition.generated_sql;
      t = TranslateGenerated(*definition.generated_expr, column.type, source.affinity,
                             context_.relations[table_index], context_);
    }
    return t;
  }

  // Columns are loaded with SQLite's values; when the server's expression gives the same for every
  // row, the table is made anew with the column generated. PostgreSQL does not let one generated
  // column refer to another: those that could be generated are marked first, and what refers to one
  // of them stays an ordinary column.
  void AddGenerated(size_t table_index) {
    TablePlan& table = plan_->tables[table_index];
    TranslationRelation& relation = context_.relations[table_index];
    const absl::StatusOr<CreateTable> parsed = ParseCreateTable(table.source->sql);
    std::vector<size_t> possible;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const ColumnPlan& column = table.columns[i];
      const SourceColumn& source = table.source->columns[static_cast<size_t>(column.source_column)];
      if (source.generated == GeneratedKind::kNone) continue;
      std::string sql;
      const Translation t = TranslateGeneratedColumn(parsed, source, column, table_index, &sql);
      if (t.ok) {
        possible.push_back(i);
      } else {
        NotGenerated(table, column, sql, t.reason);
      }
    }
    for (const size_t i : possible) relation.columns[i].generated = true;
    std::vector<std::string> differs, shown;
    for (const size_t i : possible) {
      ColumnPlan& column = table.columns[i];
      const SourceColumn& source = table.source->columns[static_cast<size_t>(column.source_column)];
      std::string sql;
      const Translation t = TranslateGeneratedColumn(parsed, source, column, table_index, &sql);
      if (!t.ok) {
        relation.columns[i].generated = false;
        NotGenerated(table, column, sql, t.reason);
        continue;
      }
      column.generated_sql = t.sql;
      shown.push_back(column.target_name);
      differs.push_back(absl::StrCat(QuoteIdentifier(column.target_name), " IS DISTINCT FROM (",
                                     t.sql, ")::", column.type.sql_name));
    }
    if (differs.empty()) return;
    PostObject object = NewObject(PostKind::kGenerated, "generated", absl::StrJoin(shown, ", "),
                                  table_index, table.source->sql);
    PostAttempt attempt;
    attempt.check_sql = absl::StrCat("SELECT NOT EXISTS (SELECT 1 FROM ", table.LoadTarget(),
                                     " WHERE ", absl::StrJoin(differs, " OR "), ")");
    attempt.sql = RebuildStatements(table, table_index);
    attempt.state = "translated";
    attempt.note = "generated and stored";
    object.attempts.push_back(std::move(attempt));
    plan_->objects.push_back(std::move(object));
  }

  // The counterpart of a full-text index: a column that the server computes, and an index over it.
  void AddFullText(size_t table_index) {
    const TablePlan& table = plan_->tables[table_index];
    const bool full_text = absl::StartsWithIgnoreCase(table.source->owner, "fts") &&
                           table.source->kind == SourceTableKind::kVirtual;
    if (!full_text || in_.options->full_text != FullText::kTsvector) return;
    NameTable names;
    std::vector<std::string> texts;
    for (const ColumnPlan& column : table.columns) {
      (void)names.Add(column.target_name);
      if (column.type.oid != kOidText && column.type.oid != kOidVarchar) continue;
      texts.push_back(absl::StrCat("COALESCE(", QuoteIdentifier(column.target_name), ", '')"));
    }
    if (texts.empty()) return;
    const std::string column = QuoteIdentifier(names.Add("search"));
    PostObject object =
        NewObject(PostKind::kGenerated, "index",
                  names_->Add(absl::StrCat(table.target_name, "_search_idx")), table_index,
                  table.source->sql);
    PostAttempt attempt;
    attempt.sql = {
        absl::StrCat("ALTER TABLE ", table.LoadTarget(), " ADD COLUMN ", column,
                     " pg_catalog.tsvector GENERATED ALWAYS AS (pg_catalog.to_tsvector("
                     "'pg_catalog.simple'::pg_catalog.regconfig, ",
                     absl::StrJoin(texts, " || ' ' || "), ")) STORED"),
        absl::StrCat("CREATE INDEX ", QuoteIdentifier(object.name), " ON ", table.LoadTarget(),
                     " USING gin (", column, ")")};
    attempt.state = "translated";
    attempt.note = "words are told apart and folded by the server's configuration \"simple\"";
    object.attempts.push_back(std::move(attempt));
    plan_->objects.push_back(std::move(object));
  }

  void NotGenerated(const TablePlan& table, const ColumnPlan& column, const std::string& sql,
                    const std::string& reason) {
    NotCarried("generated", column.source_name, table.source->name, sql,
               reason + "; an ordinary column holds the values");
  }

  static std::vector<std::string> RebuildStatements(const TablePlan& table, size_t table_index) {
    TableDdl ddl;
    ddl.schema = table.load_schema;
    ddl.name = absl::StrCat("lite2pg_rebuild_", table_index);
    std::vector<std::string> plain;
    std::string rename_sequence;
    for (const ColumnPlan& column : table.columns) {
      ColumnDdl out;
      out.name = column.target_name;
      out.type_sql = column.type.sql_name;
      out.not_null = column.not_null;
      out.default_sql = column.default_sql;
      out.generated_sql = column.generated_sql;
      if (column.generated_sql.empty()) plain.push_back(column.target_name);
      if (column.identity) {
        out.identity = true;
        out.identity_sequence = QuoteQualified(ddl.schema, ddl.name + "_seq");
        rename_sequence = absl::StrCat(
            "ALTER SEQUENCE ", out.identity_sequence, " RENAME TO ",
            QuoteIdentifier(column.identity_sequence.empty()
                                ? IdentitySequenceName(table.target_name, column.target_name)
                                : column.identity_sequence));
      }
      ddl.columns.push_back(std::move(out));
    }
    const std::string columns = QuoteColumns(plain);
    const std::string made = QuoteQualified(ddl.schema, ddl.name);
    std::vector<std::string> statements = {
        CreateTableSql(ddl),
        absl::StrCat("INSERT INTO ", made, " (", columns, ") SELECT ", columns, " FROM ",
                     table.LoadTarget()),
        absl::StrCat("DROP TABLE ", table.LoadTarget()),
        absl::StrCat("ALTER TABLE ", made, " RENAME TO ", QuoteIdentifier(table.load_name))};
    if (!rename_sequence.empty()) statements.push_back(std::move(rename_sequence));
    return statements;
  }

  // A view may use a view that stands after it: what misses another is tried again once that is
  // there.
  void AddViews() {
    std::vector<const SourceView*> todo;
    for (const SourceView& view : in_.catalog->views) todo.push_back(&view);
    bool progress = !plan_->staging_schema.empty();
    std::vector<std::string> reasons(todo.size(), "its tables are not created by this run");
    while (progress && !todo.empty()) {
      progress = false;
      std::vector<const SourceView*> later;
      std::vector<std::string> later_reasons;
      for (const SourceView* view : todo) {
        std::string missing, reason;
        if (AddView(*view, &missing, &reason)) {
          progress = true;
        } else if (missing.empty()) {
          NotCarried("view", view->name, "", view->sql, reason);
        } else {
          later.push_back(view);
          later_reasons.push_back(reason);
        }
      }
      todo = std::move(later);
      reasons = std::move(later_reasons);
    }
    for (size_t i = 0; i < todo.size(); ++i) {
      NotCarried("view", todo[i]->name, "", todo[i]->sql, reasons[i]);
    }
  }

  // Queries know a view by its name.
  std::string NameView(const std::string& source_name) {
    const std::string wanted = SpelledName(in_, source_name);
    std::string given = names_->Add(wanted);
    if (given == wanted) return given;
    const bool shortened = wanted.size() > kIdentifierBytesMax;
    plan_->findings.push_back(
        {Severity::kWarning, shortened ? ErrorCode::kNameShortened : ErrorCode::kNameCollision,
         source_name,
         absl::StrCat("the view's name ", EscapeName(wanted), " becomes ", EscapeName(given),
                      shortened ? ": PostgreSQL's names have at most 63 bytes"
                                : ": PostgreSQL cannot have it, or another object has it"),
         "ALTER VIEW ... RENAME TO, if you prefer another"});
    return given;
  }

  bool AddView(const SourceView& view, std::string* missing, std::string* reason) {
    const absl::StatusOr<CreateView> parsed = ParseCreateView(view.sql);
    if (!parsed.ok()) {
      *reason = "not understood";
      return false;
    }
    const ViewTranslation t = TranslateView(*parsed, context_);
    if (!t.ok) {
      *missing = t.missing_relation;
      *reason = t.reason;
      return false;
    }
    TranslationRelation relation;
    relation.source_name = view.name;
    relation.target_schema = plan_->staging_schema;
    const std::string name = NameView(view.name);
    relation.target_name = name;
    if (!plan_->staging_prefix.empty()) {
      relation.target_name = absl::StrCat(plan_->staging_prefix, "v", plan_->objects.size());
    }
    relation.columns = t.columns;
    PostObject object;
    object.kind = PostKind::kView;
    object.report_kind = "view";
    object.name = name;
    object.load_name = relation.target_name;
    object.source_sql = view.sql;
    object.attempts.push_back(
        {{absl::StrCat("CREATE VIEW ", QuoteQualified(relation.target_schema, object.load_name),
                       " AS ",
                       t.sql)},
         "",
         "translated",
         NoteOf(t)});
    plan_->objects.push_back(std::move(object));
    context_.relations.push_back(std::move(relation));
    return true;
  }

  const PlanInputs& in_;
  NameTable* names_;
  Plan* plan_;
  TranslationContext context_;  // the first relations are plan_->tables, in their order
};

}  // namespace

absl::Status AddTranslatedObjects(const PlanInputs& inputs, NameTable* names, Plan* plan) {
  TranslatedObjects(inputs, names, plan).Run();
  return absl::OkStatus();
}

}  // namespace lite2pg
