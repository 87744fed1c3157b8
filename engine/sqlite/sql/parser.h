// Reads the CREATE statements of sqlite_schema, and lone expressions, into the structs of ast.h.
//
// The grammar is SQLite's (src/parse.y, https://www.sqlite.org/lang.html) with its leniences: names
// in any quotes or in single ones, keywords as names, table constraints without commas, and so on.
// All functions are pure and may run on any thread. Every error is kInvalidArgument and says at
// which byte; nesting is bounded by kSqlDepthMax, so hostile text ends in an error, not in a crash.
#ifndef LITE2PG_ENGINE_SQLITE_SQL_PARSER_H_
#define LITE2PG_ENGINE_SQLITE_SQL_PARSER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// SQLite's own limit on the height of expressions (SQLITE_MAX_EXPR_DEPTH).
inline constexpr int kSqlDepthMax = 1000;

// A trailing semicolon is allowed, anything after it is not. CREATE TABLE ... AS SELECT and CREATE
// VIRTUAL TABLE are errors: neither occurs for an ordinary table in a schema.
absl::StatusOr<CreateTable> ParseCreateTable(absl::string_view sql);
absl::StatusOr<CreateIndex> ParseCreateIndex(absl::string_view sql);
absl::StatusOr<CreateView> ParseCreateView(absl::string_view sql);

// A lone expression.
absl::StatusOr<ExprPtr> ParseExpression(absl::string_view sql);

// A default as PRAGMA table_xinfo gives it: an expression, where a bare or double-quoted
// identifier is the string of its letters unless it spells TRUE or FALSE.
absl::StatusOr<ExprPtr> ParseDefault(absl::string_view sql);

// The bytes of `sql`, the statement that `expr` was parsed from, that it covers.
absl::string_view SourceOf(absl::string_view sql, const Expr& expr);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SQL_PARSER_H_
