#include "engine/plan/translate/resolver.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"

namespace lite2pg {

int FindColumn(const TranslationRelation& relation, absl::string_view name) {
  for (size_t i = 0; i < relation.columns.size(); ++i) {
    if (absl::EqualsIgnoreCase(relation.columns[i].source_name, name)) return static_cast<int>(i);
  }
  const bool row_id = absl::EqualsIgnoreCase(name, "rowid") ||
                      absl::EqualsIgnoreCase(name, "_rowid_") ||
                      absl::EqualsIgnoreCase(name, "oid");
  return row_id ? relation.rowid_alias : -1;
}

absl::StatusOr<TypedSql> NameWithoutColumn(const Expr& expr) {
  if (expr.table.empty()) {
    const bool is_true = absl::EqualsIgnoreCase(expr.text, "true");
    if (expr.quote == '\0' && (is_true || absl::EqualsIgnoreCase(expr.text, "false"))) {
      TypedSql value = IntegerLiteral(is_true ? 1 : 0);
      value.truth_word = true;
      return value;
    }
    // SQLite's old leniency: a name in double quotes that no column has is a string.
    if (expr.quote == '"') return TextLiteral(expr.text);
  }
  const std::string prefix = expr.table.empty() ? "" : absl::StrCat(EscapeName(expr.table), ".");
  return Refuse(absl::StrCat("the name ", prefix, EscapeName(expr.text),
                             ", which is no column that is copied"));
}

absl::StatusOr<TypedSql> TableHost::Column(const Expr& expr) {
  const bool this_table = expr.table.empty() ||
                          absl::EqualsIgnoreCase(expr.table, table_.source_name);
  const int index = this_table ? FindColumn(table_, expr.text) : -1;
  if (index < 0) return NameWithoutColumn(expr);
  const TranslationColumn& column = table_.columns[index];
  if (refuse_generated_ && column.generated) {
    return Refuse("a generated column that refers to another generated column");
  }
  return ColumnValue(column, QuoteIdentifier(column.target_name));
}

}  // namespace lite2pg
