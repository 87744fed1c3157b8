#include "engine/sqlite/sql/parser.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "engine/base/status_macros.h"
#include "engine/sqlite/sql/parser_state.h"

namespace lite2pg {
namespace {

// Runs one statement's parse and asks that nothing is left over.
template <typename T>
absl::StatusOr<T> ParseWhole(absl::string_view sql, T (SqlParser::*parse)()) {
  ASSIGN_OR_RETURN(std::vector<SqlToken> tokens, LexSql(sql));
  SqlParser parser(sql, std::move(tokens));
  T result = (parser.*parse)();
  parser.ExpectEnd();
  RETURN_IF_ERROR(parser.status());
  return result;
}

}  // namespace

absl::StatusOr<CreateTable> ParseCreateTable(absl::string_view sql) {
  return ParseWhole(sql, &SqlParser::ParseCreateTableStatement);
}

absl::StatusOr<CreateIndex> ParseCreateIndex(absl::string_view sql) {
  return ParseWhole(sql, &SqlParser::ParseCreateIndexStatement);
}

absl::StatusOr<CreateView> ParseCreateView(absl::string_view sql) {
  return ParseWhole(sql, &SqlParser::ParseCreateViewStatement);
}

absl::StatusOr<ExprPtr> ParseExpression(absl::string_view sql) {
  return ParseWhole(sql, &SqlParser::ParseExpr);
}

absl::StatusOr<ExprPtr> ParseDefault(absl::string_view sql) {
  ASSIGN_OR_RETURN(ExprPtr expr, ParseExpression(sql));
  const bool bare = expr->kind == ExprKind::kColumn && expr->table.empty();
  if (!bare) return expr;
  const bool truth = expr->quote == '\0' && (absl::EqualsIgnoreCase(expr->text, "true") ||
                                             absl::EqualsIgnoreCase(expr->text, "false"));
  if (!truth) {
    expr->kind = ExprKind::kString;
    expr->quote = '\0';
  }
  return expr;
}

absl::string_view SourceOf(absl::string_view sql, const Expr& expr) {
  return expr.begin <= sql.size() ? sql.substr(expr.begin, expr.size) : absl::string_view();
}

}  // namespace lite2pg
