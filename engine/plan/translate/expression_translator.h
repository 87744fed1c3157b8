// Prints one expression tree as PostgreSQL SQL; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_EXPRESSION_TRANSLATOR_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_EXPRESSION_TRANSLATOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/plan/translate/typed_sql.h"
#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// Deeper trees are refused, so that recursion stays far from the end of any thread's stack. Chains
// of AND and OR, which are long in practice, do not count.
inline constexpr int kTranslateDepthMax = 250;
// Some translations write an operand twice; nested, they would double without end.
inline constexpr size_t kTranslatedBytesMax = size_t{1} << 20;

struct SubquerySql {
  std::string sql;  // without parentheses
  std::vector<TypedSql> columns;
  bool one_row = false;  // never more than one row
};

// What an expression may refer to. The defaults refuse.
class ExpressionHost {
 public:
  virtual ~ExpressionHost() = default;

  // A name. `expr` is kColumn. Must also decide about TRUE and FALSE and about "strings".
  virtual absl::StatusOr<TypedSql> Column(const Expr& expr) = 0;
  // True: GROUP BY makes this value available whole, so the columns inside may be named until
  // EndGroupKey().
  virtual bool BeginGroupKey(const Expr&) { return false; }
  virtual void EndGroupKey() {}
  // Around the arguments of an aggregate function.
  virtual absl::Status BeginAggregate();
  virtual void EndAggregate() {}
  virtual absl::StatusOr<SubquerySql> Subquery(const Select& select);
};

// One expression (or several that share a state). One thread; `host` and `state` outlive it.
class ExpressionTranslator {
 public:
  ExpressionTranslator(ExpressionHost* host, TranslationState* state)
      : host_(host), state_(state) {}

  // Lets defaults use the clock and random numbers.
  void AllowVolatile() { allow_volatile_ = true; }

  absl::StatusOr<TypedSql> Translate(const Expr& expr);
  absl::StatusOr<std::string> TranslateCondition(const Expr& expr);

 private:
  using Values = std::vector<TypedSql>;

  absl::StatusOr<TypedSql> TranslateNode(const Expr& expr);
  absl::StatusOr<TypedSql> Literal(const Expr& expr);
  absl::StatusOr<TypedSql> Unary(const Expr& expr);
  absl::StatusOr<TypedSql> Negation(const Expr& expr);
  absl::StatusOr<TypedSql> Binary(const Expr& expr);
  absl::StatusOr<TypedSql> Junction(const Expr& expr);
  absl::StatusOr<TypedSql> Comparison(const Expr& expr);
  absl::StatusOr<TypedSql> Arithmetic(SqlOperator op, const TypedSql& left, const TypedSql& right);
  absl::StatusOr<TypedSql> IntegerArithmetic(SqlOperator op, TypedSql left,
                                             const TypedSql& right);
  absl::StatusOr<TypedSql> FloatArithmetic(SqlOperator op, const TypedSql& left,
                                           const TypedSql& right);
  absl::StatusOr<TypedSql> Bitwise(SqlOperator op, const TypedSql& left, const TypedSql& right);
  absl::StatusOr<TypedSql> Concatenation(const TypedSql& left, const TypedSql& right);
  absl::StatusOr<TypedSql> Collate(const Expr& expr);
  absl::StatusOr<TypedSql> Cast(const Expr& expr);
  absl::StatusOr<TypedSql> Case(const Expr& expr);
  absl::StatusOr<TypedSql> Pattern(const Expr& expr);
  absl::StatusOr<TypedSql> Between(const Expr& expr);
  absl::StatusOr<TypedSql> In(const Expr& expr);
  absl::StatusOr<TypedSql> InSelect(const Expr& expr);
  absl::StatusOr<TypedSql> InList(const TypedSql& left, const Expr& expr);
  absl::StatusOr<TypedSql> IsNull(const Expr& expr);
  absl::StatusOr<TypedSql> TypeOfTest(const Expr& argument, const std::vector<const Expr*>& names,
                                      bool negated);

  // functions.cc
  absl::StatusOr<TypedSql> Function(const Expr& expr);
  absl::StatusOr<TypedSql> ScalarFunction(const std::string& name, Values args);
  absl::StatusOr<TypedSql> TextFunction(const std::string& name, const Values& args);
  absl::StatusOr<TypedSql> NumberFunction(const std::string& name, const Values& args);
  absl::StatusOr<TypedSql> ChoiceFunction(const std::string& name, Values args);
  absl::StatusOr<TypedSql> Substr(const Values& args);
  absl::StatusOr<TypedSql> Extreme(const std::string& name, Values args);
  absl::StatusOr<TypedSql> NullIf(const Values& args);
  absl::StatusOr<TypedSql> TypeOf(const TypedSql& value);
  absl::StatusOr<TypedSql> JsonFunction(const std::string& name, const Values& args);
  absl::StatusOr<TypedSql> RandomFunction(const std::string& name, const Values& args);

  // aggregates.cc
  static bool IsAggregate(const std::string& name, const Expr& expr);
  absl::StatusOr<TypedSql> Aggregate(const std::string& name, const Expr& expr);
  absl::StatusOr<TypedSql> AggregateOf(const std::string& name, const Expr& expr,
                                       absl::string_view filter);

  ExpressionHost* host_;
  TranslationState* state_;
  bool allow_volatile_ = false;
  int depth_ = 0;
  int collations_ = 0;  // COLLATE operators met
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_EXPRESSION_TRANSLATOR_H_
