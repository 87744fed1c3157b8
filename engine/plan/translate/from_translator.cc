// FROM, joins, and the names that they bring into reach.
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/expression_scan.h"
#include "engine/plan/translate/resolver.h"
#include "engine/plan/translate/select_translator.h"

namespace lite2pg {

std::string SelectTranslator::GeneratedName(absl::string_view prefix) {
  return absl::StrCat(prefix, ++view_->generated_names);
}

absl::StatusOr<std::string> SelectTranslator::From(const std::vector<FromItem>& items) {
  const size_t first = sources_.size();
  const size_t outer_visible = std::exchange(visible_from_, first);
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    const FromItem& item = items[i];
    const size_t right = sources_.size();
    ASSIGN_OR_RETURN(const std::string one, FromOne(item));
    if (i == 0) {
      if (item.on != nullptr || !item.using_columns.empty()) {
        return Refuse("ON or USING after the first table");
      }
      out = one;
      continue;
    }
    ASSIGN_OR_RETURN(const std::string condition, Join(item, first, right));
    // Commas become joins: in PostgreSQL they bind weaker, in SQLite they are joins.
    const bool outer = item.join == JoinKind::kLeft || item.join == JoinKind::kRight;
    const absl::string_view word = item.join == JoinKind::kLeft    ? " LEFT JOIN "
                                   : item.join == JoinKind::kRight ? " RIGHT JOIN "
                                   : condition.empty()             ? " CROSS JOIN "
                                                                   : " JOIN ";
    absl::StrAppend(&out, word, one);
    if (!condition.empty() || outer) {
      absl::StrAppend(&out, " ON ", condition.empty() ? "TRUE" : condition);
    }
  }
  visible_from_ = outer_visible;
  return out;
}

absl::StatusOr<std::string> SelectTranslator::Join(const FromItem& item, size_t first,
                                                   size_t right) {
  if (item.join == JoinKind::kFull) return Refuse("a FULL JOIN");
  if (item.natural || !item.using_columns.empty()) {
    if (item.join == JoinKind::kRight) return Refuse("a RIGHT JOIN with USING or NATURAL");
    if (item.on != nullptr) return Refuse("a join with both ON and USING");
    return MergeCondition(item, first, right);
  }
  if (item.on == nullptr) return std::string();
  ExpressionTranslator translator(this, &view_->state);
  return translator.TranslateCondition(*item.on);
}

// USING and NATURAL as equalities; the right columns are then merged into the left ones.
absl::StatusOr<std::string> SelectTranslator::MergeCondition(const FromItem& item, size_t first,
                                                             size_t right) {
  std::vector<std::string> names = item.using_columns;
  if (item.natural) {
    for (size_t s = right; s < sources_.size(); ++s) {
      for (const TranslationColumn& column : sources_[s].relation->columns) {
        names.push_back(column.source_name);
      }
    }
  }
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    // The leftmost table on the left that has it, and the one on the right.
    const auto find = [&](size_t from, size_t to) -> std::pair<size_t, int> {
      for (size_t s = from; s < to; ++s) {
        const auto& columns = sources_[s].relation->columns;
        for (size_t c = 0; c < columns.size(); ++c) {
          if (!sources_[s].merged[c] && absl::EqualsIgnoreCase(columns[c].source_name, name)) {
            return {s, static_cast<int>(c)};
          }
        }
      }
      return {0, -1};
    };
    const auto [left_source, left_column] = find(first, right);
    const auto [right_source, right_column] = find(right, sources_.size());
    if (left_column < 0 || right_column < 0) {
      if (item.natural) continue;
      return Refuse(absl::StrCat("USING with the name ", EscapeName(name)));
    }
    ASSIGN_OR_RETURN(const TypedSql l, Reference(sources_[left_source], left_column));
    ASSIGN_OR_RETURN(const TypedSql r, Reference(sources_[right_source], right_column));
    ASSIGN_OR_RETURN(const TypedSql equal, Compare(l, SqlOperator::kEqual, r, &view_->state));
    parts.push_back(equal.sql);
    sources_[right_source].merged[right_column] = true;
  }
  return absl::StrJoin(parts, " AND ");
}

absl::StatusOr<std::string> SelectTranslator::FromOne(const FromItem& item) {
  switch (item.kind) {
    case FromItem::Kind::kFunction: return Refuse("a table-valued function");
    case FromItem::Kind::kJoins: {
      if (!item.alias.empty()) return Refuse("an alias for several tables");
      ASSIGN_OR_RETURN(const std::string inner, From(item.joins));
      return absl::StrCat("(", inner, ")");
    }
    case FromItem::Kind::kSelect: {
      sources_hidden_ = true;
      SelectTranslator inner(view_, this);
      const absl::StatusOr<TranslatedSelect> select = inner.Translate(*item.select, {});
      sources_hidden_ = false;
      RETURN_IF_ERROR(select.status());
      const std::string name = item.alias.empty() ? GeneratedName("s") : item.alias;
      ASSIGN_OR_RETURN(const TranslationRelation* relation, Derive(name, *select));
      RETURN_IF_ERROR(AddSource(name, relation));
      return absl::StrCat("(", select->sql, ") AS ", QuoteIdentifier(sources_.back().alias));
    }
    case FromItem::Kind::kTable: break;
  }
  ASSIGN_OR_RETURN(const TranslationRelation* relation, FindRelation(item));
  RETURN_IF_ERROR(AddSource(item.alias.empty() ? item.name : item.alias, relation));
  const std::string target = relation->target_schema.empty()
                                 ? QuoteIdentifier(relation->target_name)
                                 : QuoteQualified(relation->target_schema, relation->target_name);
  return absl::StrCat(target, " AS ", QuoteIdentifier(sources_.back().alias));
}

absl::Status SelectTranslator::AddSource(const std::string& name,
                                         const TranslationRelation* relation) {
  for (size_t s = 0; s < sources_.size(); ++s) {
    if (absl::EqualsIgnoreCase(sources_[s].name, name)) {
      return Refuse("two tables of one name in FROM");
    }
  }
  Source source;
  source.name = name;
  // Aliases are our own affair, so an unfit name is simply replaced.
  const bool fit = !name.empty() && name.size() <= kIdentifierBytesMax && IsValidUtf8(name);
  source.alias = fit ? name : GeneratedName("t");
  source.relation = relation;
  source.merged.resize(relation->columns.size(), false);
  sources_.push_back(std::move(source));
  return absl::OkStatus();
}

absl::StatusOr<const TranslationRelation*> SelectTranslator::FindRelation(const FromItem& item) {
  if (!item.schema.empty() && !absl::EqualsIgnoreCase(item.schema, "main")) {
    return Refuse(absl::StrCat("a table of another database, ", EscapeName(item.schema)));
  }
  if (item.schema.empty()) {
    for (const SelectTranslator* scope = this; scope != nullptr; scope = scope->outer_) {
      // The latest first: an inner WITH hides an outer one.
      for (auto it = scope->common_.rbegin(); it != scope->common_.rend(); ++it) {
        if (!absl::EqualsIgnoreCase(it->name, item.name)) continue;
        if (it->relation != nullptr) return it->relation;
        return Refuse("a common table that refers to itself or to a later one");
      }
    }
  }
  for (const TranslationRelation& relation : view_->context.relations) {
    if (absl::EqualsIgnoreCase(relation.source_name, item.name)) return &relation;
  }
  view_->missing_relation = item.name;
  return Refuse(absl::StrCat("the table or view ", EscapeName(item.name), ", which is not copied"));
}

absl::StatusOr<const TranslationRelation*> SelectTranslator::Derive(
    const std::string& name, const TranslatedSelect& select) {
  TranslationRelation& relation = view_->derived.emplace_back();
  relation.source_name = name;
  relation.target_name = name;
  for (const OutputColumn& column : select.columns) {
    relation.columns.push_back(DescribeOutput(column));
  }
  return &relation;
}

absl::StatusOr<TypedSql> SelectTranslator::Reference(const Source& source, int column) {
  const TranslationColumn& found = source.relation->columns[column];
  TypedSql value = ColumnValue(found, absl::StrCat(QuoteIdentifier(source.alias), ".",
                                                   QuoteIdentifier(found.target_name)));
  if (!grouped_ || in_aggregate_ || inside_group_key_ > 0) return value;
  for (const GroupKey& key : group_keys_) {
    if (key.sql == value.sql) return value;
  }
  return Refuse(absl::StrCat("the column ", EscapeName(found.source_name),
                             " neither in GROUP BY nor in an aggregate"));
}

absl::StatusOr<bool> SelectTranslator::FindHere(const Expr& expr, TypedSql* value) {
  if (sources_hidden_) return false;
  const Source* source = nullptr;
  int column = -1;
  for (size_t s = visible_from_; s < sources_.size(); ++s) {
    const Source& candidate = sources_[s];
    if (!expr.table.empty() && !absl::EqualsIgnoreCase(candidate.name, expr.table)) continue;
    const int index = FindColumn(*candidate.relation, expr.text);
    if (index < 0 || (expr.table.empty() && candidate.merged[index])) continue;
    if (source != nullptr) {
      return Refuse(absl::StrCat("the name ", EscapeName(expr.text), ", which two tables have"));
    }
    source = &candidate;
    column = index;
  }
  if (source == nullptr) return false;
  ASSIGN_OR_RETURN(*value, Reference(*source, column));
  return true;
}

absl::StatusOr<TypedSql> SelectTranslator::Column(const Expr& expr) {
  TypedSql value;
  ASSIGN_OR_RETURN(const bool here, FindHere(expr, &value));
  if (here) return value;
  if (aliases_allowed_ && core_ != nullptr) {
    const Expr* target = AliasTarget(expr, *core_);
    if (target != nullptr) {
      // An alias does not see other aliases, nor itself.
      aliases_allowed_ = false;
      ExpressionTranslator translator(this, &view_->state);
      absl::StatusOr<TypedSql> result = translator.Translate(*target);
      aliases_allowed_ = true;
      return result;
    }
  }
  if (outer_ == nullptr) return NameWithoutColumn(expr);
  // Whose rows such an aggregate would run over is decided differently.
  if (in_aggregate_) return Refuse("an aggregate over a column of an outer SELECT");
  return outer_->Column(expr);
}

bool SelectTranslator::BeginGroupKey(const Expr& expr) {
  if (!grouped_ || in_aggregate_) return false;
  for (const GroupKey& key : group_keys_) {
    if (!SameExpr(*key.expr, expr)) continue;
    ++inside_group_key_;
    return true;
  }
  return false;
}

absl::Status SelectTranslator::BeginAggregate() {
  if (!aggregates_allowed_ || in_aggregate_) return Refuse("an aggregate function here");
  in_aggregate_ = true;
  return absl::OkStatus();
}

absl::StatusOr<SubquerySql> SelectTranslator::Subquery(const Select& select) {
  SelectTranslator inner(view_, this);
  ASSIGN_OR_RETURN(TranslatedSelect translated, inner.Translate(select, {}));
  SubquerySql query;
  query.sql = std::move(translated.sql);
  query.one_row = translated.one_row;
  for (OutputColumn& column : translated.columns) query.columns.push_back(std::move(column.value));
  return query;
}

absl::Status SelectTranslator::ExpandStar(const std::string& table, Core* out) {
  bool found = false;
  for (const Source& source : sources_) {
    if (!table.empty() && !absl::EqualsIgnoreCase(source.name, table)) continue;
    found = true;
    for (size_t c = 0; c < source.relation->columns.size(); ++c) {
      if (table.empty() && source.merged[c]) continue;
      ASSIGN_OR_RETURN(TypedSql value, Reference(source, static_cast<int>(c)));
      ASSIGN_OR_RETURN(out->values.emplace_back(), OutputValue(std::move(value)));
      out->names.push_back(source.relation->columns[c].source_name);
    }
  }
  if (!found) return Refuse("* without a table");
  return absl::OkStatus();
}

}  // namespace lite2pg
