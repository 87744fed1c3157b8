#include "engine/plan/translate/expression_scan.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace lite2pg {
namespace {

bool IsAggregateCall(const Expr& expr) {
  const std::string name = absl::AsciiStrToLower(expr.text);
  if (name == "min" || name == "max") return expr.args.size() == 1;
  return name == "count" || name == "sum" || name == "avg" || name == "total" ||
         name == "group_concat" || name == "string_agg" || name == "json_group_array" ||
         name == "json_group_object";
}

bool CallsAggregate(const Expr* expr) {
  if (expr == nullptr) return false;
  if (expr->kind == ExprKind::kFunction && !expr->call->windowed && IsAggregateCall(*expr)) {
    return true;
  }
  for (const ExprPtr& arg : expr->args) {
    if (CallsAggregate(arg.get())) return true;
  }
  return false;
}

bool SameName(const std::string& a, const std::string& b) { return absl::EqualsIgnoreCase(a, b); }

}  // namespace

bool HasAggregate(const SelectCore& core) {
  for (const ResultColumn& column : core.columns) {
    if (CallsAggregate(column.expr.get())) return true;
  }
  return CallsAggregate(core.having.get());
}

bool SameExpr(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.op != b.op || a.negated != b.negated || a.star != b.star ||
      a.has_base != b.has_base || a.has_else != b.has_else || a.in_kind != b.in_kind ||
      a.args.size() != b.args.size() || a.select != nullptr || b.select != nullptr) {
    return false;
  }
  const bool name = a.kind == ExprKind::kColumn || a.kind == ExprKind::kFunction ||
                    a.kind == ExprKind::kCollate || a.kind == ExprKind::kCast;
  if (name ? !SameName(a.text, b.text) : a.text != b.text) return false;
  if (!SameName(a.table, b.table) || !SameName(a.schema, b.schema)) return false;
  if (a.call != nullptr) {
    // Aggregates and windows are no group keys.
    const bool plain = a.call->filter == nullptr && !a.call->distinct && !a.call->windowed &&
                       b.call->filter == nullptr && !b.call->distinct && !b.call->windowed &&
                       a.call->order_by.empty() && b.call->order_by.empty();
    if (!plain) return false;
  }
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!SameExpr(*a.args[i], *b.args[i])) return false;
  }
  return true;
}

const Expr* AliasTarget(const Expr& expr, const SelectCore& core) {
  if (expr.kind != ExprKind::kColumn || !expr.table.empty()) return nullptr;
  for (const ResultColumn& column : core.columns) {
    if (column.has_alias && SameName(column.alias, expr.text)) return column.expr.get();
  }
  return nullptr;
}

}  // namespace lite2pg
