// CREATE TABLE, CREATE INDEX and CREATE VIEW.
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/sqlite/sql/parser_state.h"

namespace lite2pg {
namespace {

using K = SqlKeyword;
using T = SqlTokenKind;

// In a key or an index, SQLite reads a string where a column is expected as that column's name.
void StringsAreColumns(std::vector<OrderingTerm>* terms) {
  for (OrderingTerm& term : *terms) {
    Expr* expr = term.expr.get();
    while (expr != nullptr && expr->kind == ExprKind::kCollate) expr = expr->args[0].get();
    if (expr == nullptr || expr->kind != ExprKind::kString) continue;
    expr->kind = ExprKind::kColumn;
    expr->quote = '\'';
  }
}

}  // namespace

void SqlParser::SkipIfNotExists() {
  if (!At(K::kIf) || Ahead(1).keyword != K::kNot) return;
  Advance();
  Advance();
  Expect(K::kExists);
}

CreateTable SqlParser::ParseCreateTableStatement() {
  CreateTable table;
  Expect(K::kCreate);
  table.temporary = Take(K::kTemp) || Take(K::kTemporary);
  if (At(K::kVirtual)) Fail("a virtual table");
  Expect(K::kTable);
  SkipIfNotExists();
  ParseQualifiedName(&table.schema, &table.name);
  if (At(K::kAs)) Fail("CREATE TABLE AS SELECT is not read");
  Expect(T::kLeftParen, "(");
  std::string constraint;  // a CONSTRAINT name waiting for what it names
  ParseColumn(&table);
  while (ok() && !At(T::kRightParen)) {
    const bool comma = Take(T::kComma);
    // Table constraints need no commas between them, columns do.
    if (ParseTableConstraint(&table, &constraint)) continue;
    if (!comma || !constraint.empty()) Fail("expected , or )");
    ParseColumn(&table);
  }
  Expect(T::kRightParen, ")");
  ParseTableOptions(&table);
  return table;
}

void SqlParser::ParseColumn(CreateTable* table) {
  ColumnDefinition& column = table->columns.emplace_back();
  column.name = ParseName("a column name");
  column.type = ParseTypeName();
  std::string constraint;
  while (ok() && ParseColumnConstraint(table, &column, &constraint)) {
  }
}

bool SqlParser::ParseColumnConstraint(CreateTable* table, ColumnDefinition* column,
                                      std::string* name) {
  const std::string named = std::exchange(*name, "");
  if (Take(K::kConstraint)) {
    *name = ParseName("a constraint name");
  } else if (At(K::kDefault)) {
    ParseDefaultClause(column);
  } else if (At(K::kDeferrable) || (At(K::kNot) && Ahead(1).keyword == K::kDeferrable)) {
    // Speaks of the table's latest foreign key; without any it is accepted and says nothing.
    ForeignKeyDefinition unused;
    ParseDeferrable(table->foreign_keys.empty() ? &unused : &table->foreign_keys.back());
  } else if (Take(K::kNot)) {
    Expect(K::kNull);
    column->not_null = true;
    column->not_null_conflict = ParseConflict();
  } else if (Take(K::kNull)) {
    ParseConflict();
  } else if (Take(K::kPrimary)) {
    Expect(K::kKey);
    column->primary_key = true;
    if (!Take(K::kAsc)) column->primary_key_descending = Take(K::kDesc);
    ParseConflict();
    column->autoincrement = Take(K::kAutoincrement);
  } else if (Take(K::kUnique)) {
    column->unique = true;
    ParseConflict();
  } else if (At(K::kCheck)) {
    std::string check_name = named;
    ParseCheck(table, &check_name);
  } else if (At(K::kReferences)) {
    ForeignKeyDefinition& key = table->foreign_keys.emplace_back();
    key.name = named;
    key.columns.push_back(column->name);
    ParseReferences(&key);
  } else if (Take(K::kCollate)) {
    column->collation = ParseName("a collation");
  } else if (At(K::kGenerated) || At(K::kAs)) {
    ParseGenerated(column);
  } else {
    return false;
  }
  return true;
}

// DEFAULT takes a literal, a signed number, an expression in parentheses, or an identifier, which
// SQLite reads as the string of its letters.
void SqlParser::ParseDefaultClause(ColumnDefinition* column) {
  Advance();
  column->has_default = true;
  DefaultDefinition& value = column->default_value;
  value = DefaultDefinition();
  if (Take(T::kLeftParen)) {
    const size_t first = at_;
    value.expr = ParseExpr();
    value.sql = TextSince(first);
    Expect(T::kRightParen, ")");
    return;
  }
  const size_t first = at_;
  const size_t first_byte = Current().begin;
  if (At(T::kPlus) || At(T::kMinus)) {
    ExprPtr expr = NewExpr(ExprKind::kUnary);
    expr->op = At(T::kMinus) ? SqlOperator::kNegate : SqlOperator::kPlus;
    Advance();
    expr->args.push_back(ParseTerm());
    value.expr = Finish(std::move(expr), first_byte);
  } else if ((At(T::kWord) && RoleOf(Current().keyword) != KeywordRole::kReserved &&
              !At(K::kCurrentDate) && !At(K::kCurrentTime) && !At(K::kCurrentTimestamp)) ||
             At(T::kQuotedIdentifier)) {
    const std::string word = CurrentText();
    const bool truth = At(T::kWord) && (absl::EqualsIgnoreCase(word, "true") ||
                                        absl::EqualsIgnoreCase(word, "false"));
    ExprPtr expr = NewExpr(truth ? ExprKind::kColumn : ExprKind::kString);
    expr->text = word;
    Advance();
    value.expr = Finish(std::move(expr), first_byte);
  } else {
    value.expr = ParseTerm();
  }
  value.sql = TextSince(first);
}

ExprPtr SqlParser::ParseTerm() {
  const bool word = At(K::kNull) || At(K::kCurrentDate) || At(K::kCurrentTime) ||
                    At(K::kCurrentTimestamp);
  if (word || At(T::kInteger) || At(T::kReal) || At(T::kString) || At(T::kBlob)) {
    return ParseLiteral();
  }
  Fail("expected a literal");
  return nullptr;
}

void SqlParser::ParseGenerated(ColumnDefinition* column) {
  if (Take(K::kGenerated)) Expect(K::kAlways);
  Expect(K::kAs);
  Expect(T::kLeftParen, "( after AS");
  const size_t first = at_;
  column->generated = true;
  column->generated_expr = ParseExpr();
  column->generated_sql = TextSince(first);
  Expect(T::kRightParen, ")");
  column->generated_stored = Take(K::kStored);
  if (!column->generated_stored) Take(K::kVirtual);
}

bool SqlParser::ParseTableConstraint(CreateTable* table, std::string* name) {
  if (Take(K::kConstraint)) {
    *name = ParseName("a constraint name");
    return true;
  }
  const std::string named = *name;
  if (At(K::kPrimary) || At(K::kUnique)) {
    KeyDefinition& key = table->keys.emplace_back();
    key.name = named;
    key.primary = At(K::kPrimary);
    Advance();
    if (key.primary) Expect(K::kKey);
    Expect(T::kLeftParen, "(");
    ParseOrderingTerms(&key.terms);
    StringsAreColumns(&key.terms);
    if (Take(K::kAutoincrement) && ok() && table->keys.back().terms.size() == 1) {
      // PRIMARY KEY(id AUTOINCREMENT) says it of the column.
      for (ColumnDefinition& column : table->columns) {
        const Expr& term = *key.terms[0].expr;
        if (absl::EqualsIgnoreCase(column.name, term.text)) column.autoincrement = true;
      }
    }
    Expect(T::kRightParen, ")");
    key.conflict = ParseConflict();
  } else if (At(K::kCheck)) {
    std::string check_name = named;
    ParseCheck(table, &check_name);
  } else if (Take(K::kForeign)) {
    Expect(K::kKey);
    ForeignKeyDefinition& key = table->foreign_keys.emplace_back();
    key.name = named;
    ParseColumnNames(&key.columns);
    ParseReferences(&key);
    ParseDeferrable(&key);
  } else {
    return false;
  }
  name->clear();
  return true;
}

void SqlParser::ParseCheck(CreateTable* table, std::string* name) {
  Advance();
  Expect(T::kLeftParen, "( after CHECK");
  CheckDefinition& check = table->checks.emplace_back();
  check.name = std::move(*name);
  const size_t first = at_;
  check.expr = ParseExpr();
  check.sql = TextSince(first);
  Expect(T::kRightParen, ")");
  ParseConflict();
}

void SqlParser::ParseTableOptions(CreateTable* table) {
  bool more = !At(T::kEnd) && !At(T::kSemicolon);
  while (ok() && more) {
    if (Take(K::kWithout)) {
      Expect(K::kRowid);
      table->without_rowid = true;
    } else if (Take(K::kStrict)) {
      table->strict = true;
    } else {
      Fail("an unknown table option");
    }
    more = Take(T::kComma);
  }
}

void SqlParser::ParseReferences(ForeignKeyDefinition* key) {
  Expect(K::kReferences);
  key->parent_table = ParseName("a table after REFERENCES");
  if (At(T::kLeftParen)) ParseColumnNames(&key->parent_columns);
  while (ok()) {
    if (Take(K::kMatch)) {
      key->match = ParseName("a name after MATCH");
    } else if (Take(K::kOn, K::kDelete)) {
      key->on_delete = ParseReferenceAction();
    } else if (Take(K::kOn, K::kUpdate)) {
      key->on_update = ParseReferenceAction();
    } else if (Take(K::kOn, K::kInsert)) {
      ParseReferenceAction();  // in SQLite's grammar, without effect
    } else {
      return;
    }
  }
}

std::string SqlParser::ParseReferenceAction() {
  if (Take(K::kSet, K::kNull)) return "SET NULL";
  if (Take(K::kSet, K::kDefault)) return "SET DEFAULT";
  if (Take(K::kCascade)) return "CASCADE";
  if (Take(K::kRestrict)) return "RESTRICT";
  if (Take(K::kNo, K::kAction)) return "NO ACTION";
  Fail("expected a foreign key action");
  return "";
}

bool SqlParser::ParseDeferrable(ForeignKeyDefinition* key) {
  const bool negated = At(K::kNot) && Ahead(1).keyword == K::kDeferrable;
  if (negated) Advance();
  if (!Take(K::kDeferrable)) return false;
  key->deferrable = !negated;
  key->initially_deferred = false;
  if (Take(K::kInitially, K::kDeferred)) {
    key->initially_deferred = !negated;
  } else {
    Take(K::kInitially, K::kImmediate);
  }
  return true;
}

// eidlist of parse.y: the COLLATE and the order that old schemas put here mean nothing.
void SqlParser::ParseColumnNames(std::vector<std::string>* names) {
  Expect(T::kLeftParen, "(");
  do {
    names->push_back(ParseName("a column name"));
    if (Take(K::kCollate)) ParseName("a collation");
    if (!Take(K::kAsc)) Take(K::kDesc);
  } while (Take(T::kComma));
  Expect(T::kRightParen, ")");
}

ConflictRule SqlParser::ParseConflict() {
  if (!Take(K::kOn, K::kConflict)) return ConflictRule::kDefault;
  if (Take(K::kRollback)) return ConflictRule::kRollback;
  if (Take(K::kAbort)) return ConflictRule::kAbort;
  if (Take(K::kFail)) return ConflictRule::kFail;
  if (Take(K::kIgnore)) return ConflictRule::kIgnore;
  if (!Take(K::kReplace)) Fail("expected a conflict rule");
  return ConflictRule::kReplace;
}

CreateIndex SqlParser::ParseCreateIndexStatement() {
  CreateIndex index;
  Expect(K::kCreate);
  index.unique = Take(K::kUnique);
  Expect(K::kIndex);
  SkipIfNotExists();
  ParseQualifiedName(&index.schema, &index.name);
  Expect(K::kOn);
  index.table = ParseName("a table name");
  Expect(T::kLeftParen, "(");
  ParseOrderingTerms(&index.terms);
  StringsAreColumns(&index.terms);
  Expect(T::kRightParen, ")");
  if (Take(K::kWhere)) {
    const size_t first = at_;
    index.where = ParseExpr();
    index.where_sql = TextSince(first);
  }
  return index;
}

CreateView SqlParser::ParseCreateViewStatement() {
  CreateView view;
  Expect(K::kCreate);
  view.temporary = Take(K::kTemp) || Take(K::kTemporary);
  Expect(K::kView);
  SkipIfNotExists();
  ParseQualifiedName(&view.schema, &view.name);
  if (At(T::kLeftParen)) ParseColumnNames(&view.columns);
  Expect(K::kAs);
  const size_t first = at_;
  view.select = ParseSelect();
  view.select_sql = TextSince(first);
  return view;
}

}  // namespace lite2pg
