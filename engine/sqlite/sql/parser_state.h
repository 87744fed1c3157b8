// The recursive-descent parser behind parser.h; private to engine/sqlite/sql.
#ifndef LITE2PG_ENGINE_SQLITE_SQL_PARSER_STATE_H_
#define LITE2PG_ENGINE_SQLITE_SQL_PARSER_STATE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/sqlite/sql/ast.h"
#include "engine/sqlite/sql/lexer.h"

namespace lite2pg {

// One statement's parse, on one thread. The first error sticks: it is kept in status(), the cursor
// jumps to the end, and every later step finds nothing to take; so parsing functions return an
// empty value on error and their callers need not test after each step. `sql` must outlive it.
class SqlParser {
 public:
  SqlParser(absl::string_view sql, std::vector<SqlToken> tokens)
      : sql_(sql), tokens_(std::move(tokens)) {}

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

  // ddl_parser.cc
  CreateTable ParseCreateTableStatement();
  CreateIndex ParseCreateIndexStatement();
  CreateView ParseCreateViewStatement();
  // expression_parser.cc; null on error.
  ExprPtr ParseExpr();
  // select_parser.cc; null on error.
  SelectPtr ParseSelect();

  // Takes a last semicolon; anything left is an error.
  void ExpectEnd();

 private:
  // Binding strengths of SQLite's operators, from src/parse.y; higher binds tighter.
  enum Strength { kLowest, kOrLevel, kAndLevel, kNotLevel, kEqualLevel, kLessLevel, kBitLevel,
                  kAddLevel, kMultiplyLevel, kConcatLevel, kCollateLevel, kUnaryLevel };

  // ---- parser_state.cc: the cursor -----------------------------------------------------------
  const SqlToken& Current() const { return tokens_[at_]; }
  const SqlToken& Ahead(size_t n) const {
    return tokens_[at_ + n < tokens_.size() ? at_ + n : tokens_.size() - 1];
  }
  bool At(SqlTokenKind kind) const { return Current().kind == kind; }
  bool At(SqlKeyword keyword) const { return Current().keyword == keyword; }
  void Advance();
  bool Take(SqlTokenKind kind);
  bool Take(SqlKeyword keyword);
  // Both keywords, or neither.
  bool Take(SqlKeyword first, SqlKeyword second);
  void Expect(SqlTokenKind kind, absl::string_view what);
  void Expect(SqlKeyword keyword);
  void Fail(absl::string_view what);

  // Names: `nm` of parse.y takes strings and join keywords, `ids` (type words, bare aliases) no
  // join keywords.
  bool AtName() const;
  bool AtBareAlias() const;
  std::string ParseName(absl::string_view what);
  // [schema.]name
  void ParseQualifiedName(std::string* schema, std::string* name);
  std::string CurrentText() const { return TokenText(sql_, Current()); }
  // The statement's bytes from token `first` up to the last one taken.
  std::string TextSince(size_t first) const;

  // Counts one level of nesting while alive.
  class Level {
   public:
    explicit Level(SqlParser* parser);
    ~Level() { --parser_->depth_; }

   private:
    SqlParser* parser_;
  };

  // ---- expression_parser.cc ------------------------------------------------------------------
  ExprPtr ParseOperators(Strength weakest);
  ExprPtr ParsePrefix();
  ExprPtr ParsePrimary();
  ExprPtr ParseLiteral();
  ExprPtr ParseParenthesized();
  ExprPtr ParseNameOrCall();
  ExprPtr ParseCall();
  void ParseOver(FunctionCall* call);
  ExprPtr ParseCase();
  ExprPtr ParseCast();
  ExprPtr ParseExists();
  // What follows a complete operand; null when no operator of at least `weakest` follows.
  ExprPtr ParseSuffix(ExprPtr* left, Strength weakest);
  ExprPtr ParseWordSuffix(ExprPtr* left);
  ExprPtr ParseBinary(ExprPtr* left, SqlOperator op, Strength level);
  ExprPtr ParsePattern(ExprPtr* left, bool negated);
  ExprPtr ParseBetween(ExprPtr* left, bool negated);
  ExprPtr ParseIn(ExprPtr* left, bool negated);
  ExprPtr ParseIs(ExprPtr* left);
  void ParseExprList(std::vector<ExprPtr>* out);
  ExprPtr NewExpr(ExprKind kind) const;
  // Fixes extent and height of a complete node that began at token `first`; null if too high.
  ExprPtr Finish(ExprPtr expr, size_t first_byte);
  std::string ParseTypeName();

  // ---- select_parser.cc ----------------------------------------------------------------------
  SelectPtr ParseSelectBody();
  void ParseWith(Select* select);
  bool ParseCompound(CompoundKind* kind);
  void ParseCore(SelectCore* core);
  void ParseValues(SelectCore* core);
  void ParseResultColumn(SelectCore* core);
  void ParseWindows(SelectCore* core);
  void ParseFrom(std::vector<FromItem>* items);
  FromItem ParseFromItem();
  bool ParseJoinOperator(FromItem* next);
  void ParseJoinCondition(FromItem* item);
  void ParseOrderBy(std::vector<OrderingTerm>* terms);
  void ParseOrderingTerms(std::vector<OrderingTerm>* terms);
  bool AtSelect() const;

  // ---- ddl_parser.cc -------------------------------------------------------------------------
  void ParseColumn(CreateTable* table);
  bool ParseColumnConstraint(CreateTable* table, ColumnDefinition* column, std::string* name);
  void ParseDefaultClause(ColumnDefinition* column);
  ExprPtr ParseTerm();
  void ParseGenerated(ColumnDefinition* column);
  bool ParseTableConstraint(CreateTable* table, std::string* name);
  void ParseTableOptions(CreateTable* table);
  void ParseReferences(ForeignKeyDefinition* key);
  std::string ParseReferenceAction();
  bool ParseDeferrable(ForeignKeyDefinition* key);
  void ParseColumnNames(std::vector<std::string>* names);
  ConflictRule ParseConflict();
  void ParseCheck(CreateTable* table, std::string* name);
  void SkipIfNotExists();

  const absl::string_view sql_;
  const std::vector<SqlToken> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int tallest_ = 0;  // height of the highest expression since the enclosing SELECT began
  absl::Status status_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SQL_PARSER_STATE_H_
