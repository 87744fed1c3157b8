#include "engine/plan/translate/translate.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/assignment.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/expression_translator.h"
#include "engine/plan/translate/resolver.h"
#include "engine/plan/translate/time_functions.h"
#include "engine/plan/translate/uuid_idiom.h"

namespace lite2pg {
namespace {

// Our printer puts every operator in parentheses; a pair around all of it says nothing. In what it
// prints, quotes are doubled inside quotes, so a character-wise scan cannot lose its way (and the
// backslashes of E'' come in pairs).
std::string WithoutOuterParentheses(const std::string& sql) {
  if (sql.size() < 2 || sql.front() != '(') return sql;
  int depth = 0;
  char quote = '\0';
  for (size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0 && i + 1 < sql.size()) {
      return sql;
    }
  }
  return sql.substr(1, sql.size() - 2);
}

Translation Finish(const absl::StatusOr<std::string>& sql, const TranslationState& state) {
  Translation result;
  result.ok = sql.ok();
  if (sql.ok()) {
    result.sql = WithoutOuterParentheses(*sql);
    result.exactness = state.exactness();
  } else {
    result.reason = std::string(sql.status().message());
  }
  return result;
}

absl::StatusOr<std::string> DefaultSql(const Expr& expr, const PgType& target, Affinity affinity,
                                       const ReadingRules& rules, TranslationState* state,
                                       bool* literal) {
  ASSIGN_OR_RETURN(const std::optional<NowValue> now, ReadNow(expr));
  const bool temporal = target.oid == kOidDate || target.oid == kOidTime ||
                        target.oid == kOidTimestamp || target.oid == kOidTimestamptz;
  if (now.has_value() && temporal) return NowAsTarget(*now, target, rules);
  const UuidIdiom uuid = FindUuidIdiom(expr);
  if (uuid != UuidIdiom::kNone && target.oid == kOidUuid) return std::string("gen_random_uuid()");
  if (uuid == UuidIdiom::kLowerCase && target.oid == kOidText) {
    return std::string("gen_random_uuid()::text");
  }
  DefaultHost host;
  ExpressionTranslator translator(&host, state);
  translator.AllowVolatile();
  ASSIGN_OR_RETURN(const TypedSql value, translator.Translate(expr));
  if (value.literal) {
    *literal = true;
    return AssignLiteral(value, target, affinity, rules);
  }
  return AssignTo(value, target, affinity, state);
}

// An index term: the column itself where BINARY compares as PostgreSQL does, else the expression
// under which equal means equal.
absl::StatusOr<std::string> IndexTermSql(const Expr& expr, const TranslationRelation& table,
                                         TranslationState* state) {
  TableHost host(table);
  ExpressionTranslator translator(&host, state);
  ASSIGN_OR_RETURN(const TypedSql value, translator.Translate(expr));
  if (value.literal || value.constant.has_value()) return Refuse("an index on a constant");
  if (value.kind == ValueKind::kText && !IsBinary(value.collation)) {
    ASSIGN_OR_RETURN(const std::string key, Collated(value, value.collation, false, state));
    return absl::StrCat("(", key, ")");
  }
  // A collation changes nothing for values that are not text; of the others we do not know.
  if (value.kind == ValueKind::kOpaque && !IsBinary(value.collation)) {
    return Refuse(absl::StrCat("an index under ", EscapeName(value.collation),
                               " on a column that is not text in the target"));
  }
  if (value.column != nullptr && value.affinity.has_value()) {
    return QuoteIdentifier(value.column->target_name);
  }
  return absl::StrCat("(", WithoutOuterParentheses(WithoutNan(value).sql), ")");
}

}  // namespace

absl::string_view ExactnessPhrase(Exactness exactness) {
  switch (exactness) {
    case Exactness::kExact: return "the same for every input";
    case Exactness::kEqualOrError:
      return "the same, or an error where SQLite goes on beyond a type's range";
    case Exactness::kOrderOpen: return "the same but for an order that SQLite leaves open too";
    case Exactness::kRounding: return "the same but for rounding, of floating-point numbers and "
        "of integers beyond 2^53";
  }
  return "";
}

Translation TranslateDefault(const Expr& expr, const PgType& target, Affinity affinity,
                             const ReadingRules& rules) {
  TranslationState state(false);
  // A domain's default is one of what it is over; its own checks see it when it is used.
  const PgType& base = target.kind == TypeKind::kDomain && target.base ? *target.base : target;
  bool literal = false;
  Translation result =
      Finish(DefaultSql(expr, base, affinity, rules, &state, &literal), state);
  // After DEFAULT not every expression may stand bare.
  if (result.ok && !literal) result.sql = absl::StrCat("(", result.sql, ")");
  return result;
}

Translation TranslateCheck(const Expr& expr, const TranslationRelation& table,
                           const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  TableHost host(table);
  ExpressionTranslator translator(&host, &state);
  const absl::StatusOr<TypedSql> value = translator.Translate(expr);
  if (!value.ok()) return Finish(value.status(), state);
  Translation result = Finish(AsCondition(*value), state);
  // A CHECK is satisfied by NULL as well, in both.
  if (result.ok && value->constant.has_value() && *value->constant) {
    result.sql = "TRUE";
    result.always_true = true;
  }
  return result;
}

Translation TranslateIndexPredicate(const Expr& expr, const TranslationRelation& table,
                                    const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  TableHost host(table);
  ExpressionTranslator translator(&host, &state);
  return Finish(translator.TranslateCondition(expr), state);
}

Translation TranslateIndexExpression(const Expr& expr, const TranslationRelation& table,
                                     const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  const absl::StatusOr<std::string> sql = IndexTermSql(expr, table, &state);
  Translation result = Finish(sql, state);
  if (sql.ok()) result.sql = *sql;  // its parentheses are part of the list
  return result;
}

Translation TranslateGenerated(const Expr& expr, const PgType& target, Affinity affinity,
                               const TranslationRelation& table,
                               const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  TableHost host(table);
  host.RefuseGenerated();
  ExpressionTranslator translator(&host, &state);
  const absl::StatusOr<TypedSql> value = translator.Translate(expr);
  if (!value.ok()) return Finish(value.status(), state);
  if (value->literal) return Finish(AssignLiteral(*value, target, affinity, {}), state);
  return Finish(AssignTo(*value, target, affinity, &state), state);
}

}  // namespace lite2pg
