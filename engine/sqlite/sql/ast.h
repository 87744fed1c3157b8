// What SQLite's CREATE TABLE, CREATE INDEX and CREATE VIEW statements say, as plain structs.
//
// Names and literals are stored unquoted. Every expression knows which bytes of its statement it
// came from. Trees own their children, are move-only, and are bounded in height by the parser, so
// destroying or walking one cannot exhaust the stack. Immutable after parsing: any thread.
#ifndef LITE2PG_ENGINE_SQLITE_SQL_AST_H_
#define LITE2PG_ENGINE_SQLITE_SQL_AST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lite2pg {

struct Expr;
struct Select;
struct OrderingTerm;
using ExprPtr = std::unique_ptr<Expr>;
using SelectPtr = std::unique_ptr<Select>;

enum class ExprKind : uint8_t {
  kNull,
  kInteger,      // text: decimal digits or 0x...
  kReal,         // text: digits with a point or an exponent
  kString,       // text: the value; from '...'
  kBlob,         // text: hexadecimal digits
  kCurrentTime,  // text: CURRENT_TIMESTAMP, CURRENT_DATE or CURRENT_TIME in upper case
  kColumn,       // [[schema.]table.]text; see `quote`
  kUnary,        // op, args[0]
  kBinary,       // op, args[0], args[1]
  kCollate,      // args[0] COLLATE text
  kCast,         // CAST(args[0] AS text)
  kCase,         // has_base ? args[0]; then pairs WHEN, THEN; then has_else ? last
  kFunction,     // text(args), star for f(*); `call` holds the rest
  kPattern,      // args[0] [NOT] op args[1] [ESCAPE args[2]]; op: kLike, kGlob, kRegexp, kMatch
  kBetween,      // args[0] [NOT] BETWEEN args[1] AND args[2]
  kIn,           // args[0] [NOT] IN: args[1..], or `select`, or the table [schema.]text
  kIsNull,       // args[0] IS [NOT] NULL
  kExists,       // EXISTS (select)
  kSubquery,     // (select)
  kRow,          // (args[0], args[1], ...)
};

enum class SqlOperator : uint8_t {
  kNone,
  kOr, kAnd, kNot,
  kEqual, kNotEqual, kIs, kIsNot, kLess, kLessEqual, kGreater, kGreaterEqual,
  kBitAnd, kBitOr, kShiftLeft, kShiftRight,
  kAdd, kSubtract, kMultiply, kDivide, kModulo,
  kConcat, kArrow, kArrowText,
  kNegate, kPlus, kBitNot,
  kLike, kGlob, kRegexp, kMatch,
};

enum class InKind : uint8_t { kList, kSelect, kTable };

// The rarer parts of a function call.
struct FunctionCall {
  bool distinct = false;
  std::vector<OrderingTerm> order_by;  // group_concat(x ORDER BY y)
  ExprPtr filter;                      // FILTER (WHERE ...)
  bool windowed = false;               // OVER ...: a window function
  std::string window_name;             // OVER name, or the base of OVER (name ...)
  std::vector<ExprPtr> partition_by;
  std::vector<OrderingTerm> window_order;
  std::string frame;                   // the frame's own text
};

struct Expr {
  ExprKind kind = ExprKind::kNull;
  SqlOperator op = SqlOperator::kNone;
  InKind in_kind = InKind::kList;
  bool negated = false;   // NOT LIKE, NOT IN, NOT BETWEEN, NOT EXISTS is a kUnary
  bool has_base = false;
  bool has_else = false;
  bool star = false;
  // kColumn: '"', '`', '[', '\'' (a string where a name is expected) or 0. SQLite reads "x" as the
  // string 'x' where no column has that name; so must whoever resolves it.
  char quote = '\0';
  int height = 1;         // of the tree below, at most kSqlDepthMax
  size_t begin = 0;       // bytes of the statement
  size_t size = 0;
  std::string text;
  std::string table;
  std::string schema;
  std::vector<ExprPtr> args;
  SelectPtr select;
  std::unique_ptr<FunctionCall> call;  // never null for kFunction

  Expr();
  ~Expr();
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;
};

enum class NullsOrder : uint8_t { kDefault, kFirst, kLast };

// A term of ORDER BY or of an index. A COLLATE at its end is part of the expression.
struct OrderingTerm {
  ExprPtr expr;
  bool descending = false;
  NullsOrder nulls = NullsOrder::kDefault;
  std::string sql;  // the expression's own text
};

// ---- SELECT -----------------------------------------------------------------------------------

struct ResultColumn {
  enum class Kind : uint8_t { kExpr, kStar, kTableStar };
  Kind kind = Kind::kExpr;
  ExprPtr expr;
  std::string table;   // kTableStar
  std::string alias;
  bool has_alias = false;
  std::string sql;     // the expression's text, which names the column when there is no alias
};

enum class JoinKind : uint8_t { kComma, kInner, kCross, kLeft, kRight, kFull };

// One entry of FROM. The first one's join is meaningless.
struct FromItem {
  enum class Kind : uint8_t { kTable, kFunction, kSelect, kJoins };
  Kind kind = Kind::kTable;
  JoinKind join = JoinKind::kComma;
  bool natural = false;
  std::string schema, name;          // kTable, kFunction
  std::vector<ExprPtr> arguments;    // kFunction
  SelectPtr select;                  // kSelect
  std::vector<FromItem> joins;       // kJoins: a parenthesised list
  std::string alias;
  ExprPtr on;
  std::vector<std::string> using_columns;
};

struct CommonTable {
  std::string name;
  std::vector<std::string> columns;
  SelectPtr select;
};

enum class CompoundKind : uint8_t { kFirst, kUnion, kUnionAll, kIntersect, kExcept };

// One SELECT or VALUES between compound operators.
struct SelectCore {
  CompoundKind compound = CompoundKind::kFirst;  // how it joins what stands before it
  bool distinct = false;
  std::vector<ResultColumn> columns;
  std::vector<FromItem> from;
  ExprPtr where;
  std::vector<ExprPtr> group_by;
  ExprPtr having;
  std::vector<std::string> windows;              // names of WINDOW definitions
  std::vector<std::vector<ExprPtr>> values;      // VALUES rows; then all else is empty
};

struct Select {
  bool recursive = false;
  std::vector<CommonTable> with;
  std::vector<SelectCore> cores;                 // at least one
  std::vector<OrderingTerm> order_by;
  ExprPtr limit, offset;
};

// ---- Definitions ------------------------------------------------------------------------------

enum class ConflictRule : uint8_t { kDefault, kRollback, kAbort, kFail, kIgnore, kReplace };

struct CheckDefinition {
  std::string name;  // CONSTRAINT name, or ""
  ExprPtr expr;
  std::string sql;   // the expression's text, without the parentheses
};

struct ForeignKeyDefinition {
  std::string name;
  std::vector<std::string> columns;         // of a column's REFERENCES: that column
  std::string parent_table;
  std::vector<std::string> parent_columns;  // empty: the parent's primary key
  std::string on_delete = "NO ACTION", on_update = "NO ACTION";
  std::string match;                        // SQLite parses MATCH and ignores it
  bool deferrable = false, initially_deferred = false;
};

struct DefaultDefinition {
  ExprPtr expr;      // an identifier is already the string that SQLite takes it for
  std::string sql;
};

struct ColumnDefinition {
  std::string name;
  std::string type;  // as SQLite keeps it, "VARCHAR(10)"; "" for none
  std::string collation;                    // "" for none
  bool not_null = false;
  ConflictRule not_null_conflict = ConflictRule::kDefault;
  bool primary_key = false, primary_key_descending = false, autoincrement = false;
  bool unique = false;
  bool has_default = false;
  DefaultDefinition default_value;
  bool generated = false, generated_stored = false;
  ExprPtr generated_expr;
  std::string generated_sql;
};

// PRIMARY KEY or UNIQUE, of the table or of one column.
struct KeyDefinition {
  std::string name;
  bool primary = false;
  std::vector<OrderingTerm> terms;
  ConflictRule conflict = ConflictRule::kDefault;
};

struct CreateTable {
  std::string schema, name;
  std::vector<ColumnDefinition> columns;
  std::vector<KeyDefinition> keys;                // table constraints only
  std::vector<CheckDefinition> checks;            // of columns and of the table, as written
  std::vector<ForeignKeyDefinition> foreign_keys; // likewise
  bool without_rowid = false, strict = false, temporary = false;
};

struct CreateIndex {
  std::string schema, name, table;
  bool unique = false;
  std::vector<OrderingTerm> terms;
  ExprPtr where;
  std::string where_sql;
};

struct CreateView {
  std::string schema, name;
  std::vector<std::string> columns;
  SelectPtr select;
  std::string select_sql;
  bool temporary = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SQL_AST_H_
