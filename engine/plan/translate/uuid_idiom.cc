#include "engine/plan/translate/uuid_idiom.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

bool IsCall(const Expr& expr, const char* name, size_t args) {
  return expr.kind == ExprKind::kFunction && absl::EqualsIgnoreCase(expr.text, name) &&
         expr.args.size() == args && !expr.call->windowed && expr.call->filter == nullptr;
}

bool IsInteger(const Expr& expr, const char* text) {
  return expr.kind == ExprKind::kInteger && expr.text == text;
}

// abs(random()) % 4
bool IsFourth(const Expr& expr) {
  return expr.kind == ExprKind::kBinary && expr.op == SqlOperator::kModulo &&
         IsInteger(*expr.args[1], "4") && IsCall(*expr.args[0], "abs", 1) &&
         IsCall(*expr.args[0]->args[0], "random", 0);
}

// substr('89ab', abs(random()) % 4 + 1, 1), the digit of the variant.
bool IsVariant(const Expr& expr) {
  if (!IsCall(expr, "substr", 3) || !IsInteger(*expr.args[2], "1")) return false;
  const Expr& digits = *expr.args[0];
  const Expr& place = *expr.args[1];
  if (digits.kind != ExprKind::kString || !absl::EqualsIgnoreCase(digits.text,
    "89ab")) return false;
  if (place.kind != ExprKind::kBinary || place.op != SqlOperator::kAdd) return false;
  return (IsFourth(*place.args[0]) && IsInteger(*place.args[1], "1")) ||
         (IsFourth(*place.args[1]) && IsInteger(*place.args[0], "1"));
}

// hex(randomblob(n)) as its n, or "".
std::string HexBytes(const Expr& expr) {
  if (!IsCall(expr, "hex", 1) || !IsCall(*expr.args[0], "randomblob", 1)) return "";
  const Expr& bytes = *expr.args[0]->args[0];
  return bytes.kind == ExprKind::kInteger ? bytes.text : "";
}

// Appends one word per part: literals as they stand, H4 for four random bytes, S2 for two of them
// without their first digit, V for the variant; "?" for anything else.
void Spell(const Expr& expr, bool lower, bool* all_lower, std::string* out) {
  if (expr.kind == ExprKind::kBinary && expr.op == SqlOperator::kConcat) {
    Spell(*expr.args[0], lower, all_lower, out);
    Spell(*expr.args[1], lower, all_lower, out);
    return;
  }
  if (IsCall(expr, "lower", 1)) return Spell(*expr.args[0], true, all_lower, out);
  if (expr.kind == ExprKind::kString) {
    absl::StrAppend(out, expr.text);
    return;
  }
  if (IsVariant(expr)) {
    *all_lower &= lower || expr.args[0]->text == "89ab";
    absl::StrAppend(out, "V");
    return;
  }
  std::string bytes = HexBytes(expr);
  if (!bytes.empty()) {
    *all_lower &= lower;
    absl::StrAppend(out, "H", bytes);
    return;
  }
  const bool three_digits =
      (IsCall(expr, "substr", 2) || (IsCall(expr, "substr", 3) && IsInteger(*expr.args[2], "3"))) &&
      IsInteger(*expr.args[1], "2");
  if (three_digits) {
    // lower() may stand inside as well.
    const Expr& inner = *expr.args[0];
    const bool inner_lower = IsCall(inner, "lower", 1);
    *all_lower &= lower || inner_lower;
    bytes = HexBytes(inner_lower ? *inner.args[0] : inner);
    if (!bytes.empty()) {
      absl::StrAppend(out, "S", bytes);
      return;
    }
  }
  absl::StrAppend(out, "?");
}

}  // namespace

UuidIdiom FindUuidIdiom(const Expr& expr) {
  std::string spelled;
  bool all_lower = true;
  Spell(expr, false, &all_lower, &spelled);
  if (spelled != "H4-H2-4S2-VS2-H6") return UuidIdiom::kNone;
  return all_lower ? UuidIdiom::kLowerCase : UuidIdiom::kMixedCase;
}

}  // namespace lite2pg
