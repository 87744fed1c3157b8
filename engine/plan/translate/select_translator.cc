#include "engine/plan/translate/select_translator.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/expression_scan.h"

namespace lite2pg {
namespace {

// A literal position in ORDER BY or GROUP BY, or 0.
size_t PositionOf(const Expr& expr, size_t columns) {
  if (expr.kind != ExprKind::kInteger) return 0;
  const absl::StatusOr<TypedSql> number = ParseNumber(expr.text, false);
  if (!number.ok() || number->kind != ValueKind::kInteger) return 0;
  return number->integer >= 1 && number->integer <= static_cast<int64_t>(columns)
             ? static_cast<size_t>(number->integer)
             : 0;
}

// An integer behind signs or a COLLATE, which SQLite may take for a position: ORDER BY +2.
bool MayBePosition(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kUnary || inner->kind == ExprKind::kCollate) {
    inner = inner->args[0].get();
  }
  return inner != &expr && inner->kind == ExprKind::kInteger;
}

// SQL that PostgreSQL would take for a position in ORDER BY or GROUP BY: CAST(2 AS INTEGER) is
// printed as 2.
bool ReadsAsPosition(const std::string& sql) {
  return sql.find_first_not_of("()-0123456789") == std::string::npos;
}

absl::string_view CompoundText(CompoundKind kind) {
  switch (kind) {
    case CompoundKind::kUnion: return " UNION ";
    case CompoundKind::kUnionAll: return " UNION ALL ";
    case CompoundKind::kIntersect: return " INTERSECT ";
    default: return " EXCEPT ";
  }
}

}  // namespace

absl::StatusOr<TranslatedSelect> SelectTranslator::Translate(
    const Select& select, const std::vector<std::string>& names) {
  if (view_->depth >= kSelectDepthMax) return Refuse("SELECTs nested too deeply");
  ++view_->depth;
  absl::StatusOr<TranslatedSelect> result = TranslateBody(select, names);
  --view_->depth;
  if (result.ok() && result->sql.size() > kTranslatedBytesMax) {
    return Refuse("a SELECT that becomes too long");
  }
  return result;
}

absl::StatusOr<TranslatedSelect> SelectTranslator::TranslateBody(
    const Select& select, const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(const std::string with, With(select));
  ASSIGN_OR_RETURN(std::vector<Core> cores, Cores(select));
  RETURN_IF_ERROR(UnifyCores(&cores));
  if (!names.empty() && names.size() != cores[0].values.size()) {
    return Refuse("a column list of another length than the SELECT's");
  }
  TranslatedSelect result;
  result.columns.resize(cores[0].values.size());
  for (size_t i = 0; i < result.columns.size(); ++i) {
    result.columns[i].value = cores[0].values[i];
    result.columns[i].inner_name = cores[0].names[i];
  }
  RETURN_IF_ERROR(NameColumns(names.empty() ? cores[0].names : names,
                              view_->context.lower_names, &result.columns));
  // DISTINCT and compounds can be ordered by their output only, and not by an expression of it:
  // they become a table of their own.
  const bool by_output = cores.size() > 1 || cores[0].distinct;
  ASSIGN_OR_RETURN(const std::string order, OrderBy(select, result.columns, by_output));
  ASSIGN_OR_RETURN(const std::string limit, Limit(select, !order.empty(), &result.one_row));
  for (size_t i = 0; i < cores.size(); ++i) {
    const std::string text = SelectText(cores[i], result.columns);
    if (i == 0) {
      result.sql = text;
      continue;
    }
    // Compounds group to the left here; in PostgreSQL INTERSECT would bind tighter.
    if (i > 1) result.sql = absl::StrCat("(", result.sql, ")");
    absl::StrAppend(&result.sql, CompoundText(cores[i].compound), text);
    if (result.sql.size() > kTranslatedBytesMax) return Refuse("a SELECT that becomes too long");
  }
  if (by_output && !order.empty()) {
    result.sql = absl::StrCat("SELECT * FROM (", result.sql, ") AS \"q\"");
  }
  result.sql = absl::StrCat(with, result.sql, order, limit);
  const SelectCore& first = select.cores[0];
  const bool one_group = cores.size() == 1 && first.values.empty() && first.group_by.empty() &&
                         HasAggregate(first);
  result.one_row |= one_group || (cores.size() == 1 && first.from.empty());
  return result;
}

absl::StatusOr<std::string> SelectTranslator::With(const Select& select) {
  if (select.with.empty()) return std::string();
  // All names are known at once, so that none is taken for a table before its turn.
  for (const CommonTable& common : select.with) {
    common_.push_back({common.name, nullptr});
  }
  std::vector<std::string> parts;
  const size_t base = common_.size() - select.with.size();
  for (size_t i = 0; i < select.with.size(); ++i) {
    const CommonTable& common = select.with[i];
    SelectTranslator inner(view_, this);
    ASSIGN_OR_RETURN(const TranslatedSelect body, inner.Translate(*common.select, common.columns));
    const std::string name = GeneratedName("c");
    ASSIGN_OR_RETURN(common_[base + i].relation, Derive(name, body));
    parts.push_back(absl::StrCat(QuoteIdentifier(name), " AS (", body.sql, ")"));
  }
  return absl::StrCat("WITH ", absl::StrJoin(parts, ", "), " ");
}

absl::StatusOr<std::vector<SelectTranslator::Core>> SelectTranslator::Cores(const Select& select) {
  std::vector<Core> cores;
  for (const SelectCore& core : select.cores) {
    if (core.values.empty()) {
      ASSIGN_OR_RETURN(cores.emplace_back(), TranslateCore(core));
      cores.back().compound = core.compound;
      continue;
    }
    // VALUES inside a compound other than UNION ALL would need parentheses of its own.
    if (core.values.size() > 1 && select.cores.size() > 1) {
      return Refuse("VALUES of several rows within a compound SELECT");
    }
    for (const std::vector<ExprPtr>& row : core.values) {
      Core& made = cores.emplace_back();
      made.compound = cores.size() == 1                                  ? CompoundKind::kFirst
                      : core.compound == CompoundKind::kFirst ? CompoundKind::kUnionAll
                                                              : core.compound;
      ExpressionTranslator translator(this, &view_->state);
      for (const ExprPtr& expr : row) {
        ASSIGN_OR_RETURN(TypedSql value, translator.Translate(*expr));
        ASSIGN_OR_RETURN(made.values.emplace_back(), OutputValue(std::move(value)));
        made.names.push_back(absl::StrCat("column", made.values.size()));
      }
    }
  }
  return cores;
}

absl::StatusOr<SelectTranslator::Core> SelectTranslator::TranslateCore(const SelectCore& core) {
  Core out;
  core_ = &core;
  sources_.clear();
  group_keys_.clear();
  grouped_ = aggregates_allowed_ = aliases_allowed_ = false;
  ExpressionTranslator translator(this, &view_->state);
  if (!core.from.empty()) {
    ASSIGN_OR_RETURN(const std::string from, From(core.from));
    absl::StrAppend(&out.tail, " FROM ", from);
  }
  aliases_allowed_ = true;
  if (core.where != nullptr) {
    ASSIGN_OR_RETURN(const std::string where, translator.TranslateCondition(*core.where));
    absl::StrAppend(&out.tail, " WHERE ", where);
  }
  RETURN_IF_ERROR(GroupBy(core, &out.tail));
  aggregates_allowed_ = true;
  grouped_ = !core.group_by.empty() || HasAggregate(core);
  if (core.having != nullptr) {
    if (!grouped_) return Refuse("HAVING without GROUP BY or an aggregate");
    ASSIGN_OR_RETURN(const std::string having, translator.TranslateCondition(*core.having));
    absl::StrAppend(&out.tail, " HAVING ", having);
  }
  out.distinct = core.distinct;
  RETURN_IF_ERROR(ResultColumns(core, &out));
  return out;
}

absl::Status SelectTranslator::ResultColumns(const SelectCore& core, Core* out) {
  ExpressionTranslator translator(this, &view_->state);
  // A result column does not see the aliases of its neighbours.
  aliases_allowed_ = false;
  for (const ResultColumn& column : core.columns) {
    if (column.kind != ResultColumn::Kind::kExpr) {
      RETURN_IF_ERROR(ExpandStar(column.table, out));
    } else {
      ASSIGN_OR_RETURN(TypedSql value, translator.Translate(*column.expr));
      std::string name = column.sql;
      const Expr* named = column.expr.get();
      while (named->kind == ExprKind::kCollate) named = named->args[0].get();
      if (column.has_alias) {
        name = column.alias;
      } else if (named->kind == ExprKind::kColumn && value.column != nullptr) {
        name = value.column->source_name;
      } else if (named->kind == ExprKind::kColumn) {
        name = named->text;
      }
      ASSIGN_OR_RETURN(out->values.emplace_back(), OutputValue(std::move(value)));
      out->names.push_back(std::move(name));
    }
    if (out->values.size() > static_cast<size_t>(kTargetColumnsMax)) {
      return Refuse("more columns than PostgreSQL allows");
    }
  }
  if (out->distinct) {
    for (const TypedSql& value : out->values) {
      if (!HasFaithfulEquality(value)) {
        return Refuse("DISTINCT over values that do not compare as in SQLite");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status SelectTranslator::GroupBy(const SelectCore& core, std::string* tail) {
  if (core.group_by.empty()) return absl::OkStatus();
  ExpressionTranslator translator(this, &view_->state);
  std::vector<std::string> parts;
  std::vector<GroupKey> keys;
  for (const ExprPtr& term : core.group_by) {
    const Expr* expr = term.get();
    if (MayBePosition(*expr)) return Refuse("GROUP BY a constant");
    const size_t position = PositionOf(*expr, core.columns.size());
    if (position > 0) {
      for (const ResultColumn& column : core.columns) {
        if (column.kind != ResultColumn::Kind::kExpr) return Refuse("GROUP BY a position beside *");
      }
      expr = core.columns[position - 1].expr.get();
    }
    ASSIGN_OR_RETURN(const TypedSql value, translator.Translate(*expr));
    if (value.literal || ReadsAsPosition(value.sql)) return Refuse("GROUP BY a constant");
    if (!HasFaithfulEquality(value)) {
      return Refuse("GROUP BY over values that do not compare as in SQLite");
    }
    const std::string sql = WithoutNan(value).sql;
    keys.push_back({expr, sql});
    // The alias of a result column stands for its expression, unless FROM has a column so named.
    TypedSql unused;
    bool is_column = true;
    if (expr->kind == ExprKind::kColumn) {
      ASSIGN_OR_RETURN(is_column, FindHere(*expr, &unused));
    }
    const Expr* target = is_column ? nullptr : AliasTarget(*expr, core);
    if (target != nullptr) keys.push_back({target, sql});
    parts.push_back(sql);
  }
  group_keys_ = std::move(keys);
  absl::StrAppend(tail, " GROUP BY ", absl::StrJoin(parts, ", "));
  return absl::OkStatus();
}

// Makes a value fit to be an output column: plain numbers for conditions, types for NULLs, and the
// database's collation, so that no two columns disagree about theirs.
absl::StatusOr<TypedSql> SelectTranslator::OutputValue(TypedSql value) {
  const bool plain_column = value.column != nullptr && value.affinity.has_value();
  if (value.kind == ValueKind::kBoolean && !plain_column) {
    ASSIGN_OR_RETURN(value, AsInteger(value));
  }
  value = WithoutNan(std::move(value));
  // Found by its text: at worst a string is taken for a clause, and one too many is written.
  if (value.kind == ValueKind::kText && absl::StrContains(value.sql, "COLLATE \"C\"")) {
    absl::StrAppend(&value.sql, " COLLATE \"default\"");
  }
  value.explicit_collation = false;
  return value;
}

absl::Status SelectTranslator::UnifyCores(std::vector<Core>* cores) {
  for (const Core& core : *cores) {
    if (core.values.size() != (*cores)[0].values.size()) {
      return Refuse("compound SELECTs of different widths");
    }
  }
  bool compares = false;
  for (const Core& core : *cores) {
    compares |= core.compound != CompoundKind::kFirst && core.compound != CompoundKind::kUnionAll;
  }
  for (size_t i = 0; i < (*cores)[0].values.size(); ++i) {
    std::vector<TypedSql> values;
    for (const Core& core : *cores) {
      values.push_back(core.values[i]);
      if (compares && !HasFaithfulEquality(core.values[i])) {
        return Refuse("a compound SELECT over values that do not compare as in SQLite");
      }
    }
    TypedSql unified = values[0];
    if (values.size() > 1) {
      ASSIGN_OR_RETURN(unified, UnifyKinds(&values, &view_->state));
      // Affinity and collation survive only where all parts agree.
      bool agree = true;
      for (const Core& core : *cores) {
        agree &= core.values[i].affinity == (*cores)[0].values[i].affinity &&
                 core.values[i].collation == (*cores)[0].values[i].collation;
      }
      if (agree) {
        unified.affinity = (*cores)[0].values[i].affinity;
        unified.collation = (*cores)[0].values[i].collation;
      } else if (unified.kind == ValueKind::kText) {
        unified.affinity = Affinity::kBlob;
      }
    }
    for (size_t c = 0; c < cores->size(); ++c) {
      TypedSql& value = (*cores)[c].values[i];
      value.sql = values[c].kind == ValueKind::kNull
                      ? absl::StrCat("NULL::", SqlTypeOf(unified))
                      : values[c].sql;
    }
    const std::string sql = (*cores)[0].values[i].sql;
    (*cores)[0].values[i] = unified;
    (*cores)[0].values[i].sql = sql;
  }
  return absl::OkStatus();
}

std::string SelectTranslator::SelectText(const Core& core,
                                         const std::vector<OutputColumn>& columns) const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < core.values.size(); ++i) {
    parts.push_back(absl::StrCat(core.values[i].sql, " AS ", QuoteIdentifier(columns[i].alias)));
  }
  return absl::StrCat("SELECT ", core.distinct ? "DISTINCT " : "", absl::StrJoin(parts, ", "),
                      core.tail);
}

absl::StatusOr<TypedSql> SelectTranslator::OrderValue(const Expr& expr,
                                                      const std::vector<OutputColumn>& columns,
                                                      bool by_output) {
  if (MayBePosition(expr)) return Refuse("ORDER BY a constant");
  // A COLLATE around an alias is kept.
  if (expr.kind == ExprKind::kCollate) {
    ASSIGN_OR_RETURN(TypedSql value, OrderValue(*expr.args[0], columns, by_output));
    value.collation = expr.text;
    return value;
  }
  size_t position = PositionOf(expr, columns.size());
  if (position == 0 && expr.kind == ExprKind::kInteger) return Refuse("ORDER BY a constant");
  if (position == 0 && expr.kind == ExprKind::kColumn && expr.table.empty()) {
    for (size_t i = 0; i < columns.size() && position == 0; ++i) {
      // An output column beats a column of FROM.
      if (absl::EqualsIgnoreCase(columns[i].inner_name, expr.text)) position = i + 1;
    }
  }
  if (position > 0) {
    TypedSql value = columns[position - 1].value;
    value.sql = by_output ? absl::StrCat("\"q\".", QuoteIdentifier(columns[position - 1].alias))
                          : value.sql;
    return value;
  }
  if (by_output) return Refuse("ORDER BY anything but an output column of a compound or DISTINCT");
  ExpressionTranslator translator(this, &view_->state);
  aliases_allowed_ = true;
  return translator.Translate(expr);
}

absl::StatusOr<std::string> SelectTranslator::OrderBy(const Select& select,
                                                      const std::vector<OutputColumn>& columns,
                                                      bool by_output) {
  if (select.order_by.empty()) return std::string();
  std::vector<std::string> parts;
  for (const OrderingTerm& term : select.order_by) {
    ASSIGN_OR_RETURN(const TypedSql value, OrderValue(*term.expr, columns, by_output));
    ASSIGN_OR_RETURN(const std::string key, SortKey(value, &view_->state));
    // SQLite takes some constants for positions (+2), PostgreSQL others, and refuses the rest.
    if (value.literal || value.constant.has_value() || ReadsAsPosition(key)) {
      return Refuse("ORDER BY a constant");
    }
    // NULL is the smallest value in SQLite, the largest in PostgreSQL.
    const bool nulls_first = term.nulls == NullsOrder::kDefault
                                 ? !term.descending
                                 : term.nulls == NullsOrder::kFirst;
    parts.push_back(absl::StrCat(key, term.descending ? " DESC" : "",
                                 nulls_first ? " NULLS FIRST" : " NULLS LAST"));
  }
  if (parts.empty()) return std::string();
  return absl::StrCat(" ORDER BY ", absl::StrJoin(parts, ", "));
}

absl::StatusOr<std::string> SelectTranslator::Limit(const Select& select, bool ordered,
                                                    bool* one_row) {
  if (select.limit == nullptr) return std::string();
  if (!ordered) return Refuse("LIMIT without ORDER BY, which may give other rows");
  ExpressionTranslator translator(this, &view_->state);
  std::string out;
  const std::pair<const Expr*, absl::string_view> parts[] = {{select.limit.get(), " LIMIT "},
                                                             {select.offset.get(), " OFFSET "}};
  for (const auto& [expr, word] : parts) {
    if (expr == nullptr) continue;
    ASSIGN_OR_RETURN(const TypedSql value, translator.Translate(*expr));
    if (value.kind != ValueKind::kInteger || !value.literal) {
      return Refuse("LIMIT or OFFSET that is not a literal");
    }
    // A negative LIMIT is none, a negative OFFSET zero.
    if (value.integer >= 0) absl::StrAppend(&out, word, value.integer);
    *one_row |= expr == select.limit.get() && value.integer >= 0 && value.integer <= 1;
  }
  return out;
}

}  // namespace lite2pg
