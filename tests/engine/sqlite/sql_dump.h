// Prints expression trees for the tests of engine/sqlite/sql.
#ifndef LITE2PG_TESTS_ENGINE_SQLITE_SQL_DUMP_H_
#define LITE2PG_TESTS_ENGINE_SQLITE_SQL_DUMP_H_

#include <string>

#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

inline const char* OperatorText(SqlOperator op) {
  static constexpr const char* kTexts[] = {
      "",  "OR", "AND", "NOT", "=", "<>", "IS", "IS NOT", "<", "<=", ">", ">=", "&", "|", "<<",
      ">>", "+", "-",  "*",   "/", "%",  "||", "->",     "->>", "-", "+", "~", "LIKE", "GLOB",
      "REGEXP", "MATCH"};
  return kTexts[static_cast<size_t>(op)];
}

inline std::string Dump(const Expr& e);

inline std::string DumpArgs(const Expr& e, size_t from) {
  std::string out;
  for (size_t i = from; i < e.args.size(); ++i) {
    out += (i > from ? ", " : "") + Dump(*e.args[i]);
  }
  return out;
}

inline std::string DumpCase(const Expr& e) {
  std::string out = "CASE";
  size_t at = 0;
  if (e.has_base) out += " " + Dump(*e.args[at++]);
  while (at + 1 < e.args.size()) {
    out += " WHEN " + Dump(*e.args[at]) + " THEN " + Dump(*e.args[at + 1]);
    at += 2;
  }
  if (e.has_else) out += " ELSE " + Dump(*e.args.back());
  return "(" + out + " END)";
}

// Fully parenthesised SQL of the tree, which SQLite can read again.
inline std::string Dump(const Expr& e) {
  const std::string no = e.negated ? "NOT " : "";
  const auto quoted = [](const std::string& s) { return s.empty() ? "" : "\"" + s + "\"."; };
  switch (e.kind) {
    case ExprKind::kNull: return "NULL";
    case ExprKind::kInteger:
    case ExprKind::kReal:
    case ExprKind::kCurrentTime: return e.text;
    case ExprKind::kString: return "'" + e.text + "'";
    case ExprKind::kBlob: return "x'" + e.text + "'";
    case ExprKind::kColumn: return quoted(e.schema) + quoted(e.table) + "\"" + e.text + "\"";
    case ExprKind::kUnary: return std::string("(") + OperatorText(e.op) + " " + DumpArgs(e,
    0) + ")";
    case ExprKind::kBinary:
      return "(" + Dump(*e.args[0]) + " " + OperatorText(e.op) + " " + Dump(*e.args[1]) + ")";
    case ExprKind::kCollate: return "(" + Dump(*e.args[0]) + " COLLATE " + e.text + ")";
    case ExprKind::kCast: return "CAST(" + Dump(*e.args[0]) + " AS " + e.text + ")";
    case ExprKind::kCase: return DumpCase(e);
    case ExprKind::kFunction:
      return e.text + "(" + (e.call->distinct ? "DISTINCT " : "") + (e.star ? "*" : "") +
             DumpArgs(e, 0) + ")" +
             (e.call->filter ? " FILTER (WHERE " + Dump(*e.call->filter) + ")" : "") +
             (e.call->windowed ? " OVER ()" : "");
    case ExprKind::kPattern:
      return "(" + Dump(*e.args[0]) + " " + no + OperatorText(e.op) + " " + Dump(*e.args[1]) +
             (e.args.size() > 2 ? " ESCAPE " + Dump(*e.args[2]) : "") + ")";
    case ExprKind::kBetween:
      return "(" + Dump(*e.args[0]) + " " + no + "BETWEEN " + Dump(*e.args[1]) + " AND " +
             Dump(*e.args[2]) + ")";
    case ExprKind::kIn:
      return "(" + Dump(*e.args[0]) + " " + no + "IN " +
             (e.in_kind == InKind::kTable    ? e.text
              : e.in_kind == InKind::kSelect ? "(SELECT)"
                                             : "(" + DumpArgs(e, 1) + ")") + ")";
    case ExprKind::kIsNull: return "(" + Dump(*e.args[0]) + " IS " + no + "NULL)";
    case ExprKind::kExists: return "EXISTS(SELECT)";
    case ExprKind::kSubquery: return "(SELECT)";
    case ExprKind::kRow: return "(" + DumpArgs(e, 0) + ")";
  }
  return "?";
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_SQLITE_SQL_DUMP_H_
