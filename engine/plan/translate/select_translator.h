// Prints one SELECT as PostgreSQL SQL; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_SELECT_TRANSLATOR_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_SELECT_TRANSLATOR_H_

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/plan/translate/expression_translator.h"
#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// SELECTs inside SELECTs; far more than people write, far less than a stack holds.
inline constexpr int kSelectDepthMax = 40;

// What all SELECTs of one view share.
struct ViewState {
  explicit ViewState(const TranslationContext& c) : context(c), state(c.source_utf16) {}

  const TranslationContext& context;
  TranslationState state;
  std::deque<TranslationRelation> derived;  // subqueries and common tables; stable addresses
  std::string missing_relation;
  int depth = 0;
  int generated_names = 0;
};

struct OutputColumn {
  std::string name;    // as SQLite names it, unique among the columns without regard to case
  std::string alias;   // in the target
  std::string inner_name;  // within the SELECT, whatever names a column list gives: for ORDER BY
  TypedSql value;
};

struct TranslatedSelect {
  std::string sql;
  std::vector<OutputColumn> columns;
  bool one_row = false;
};

// The type and meaning of an output column, as a column that others can refer to.
TranslationColumn DescribeOutput(const OutputColumn& column);
// The PostgreSQL type that a value has, for casting NULLs.
std::string SqlTypeOf(const TypedSql& value);
// Names for the columns of a SELECT: `wanted` made unique as SQLite does (x, x:1, x:2), and fit
// for the target. Refuses what is not UTF-8.
absl::Status NameColumns(const std::vector<std::string>& wanted, bool lower,
                         std::vector<OutputColumn>* columns);

// One SELECT with its scope. A nested one is made with its outer one, whose columns it may name.
class SelectTranslator : public ExpressionHost {
 public:
  SelectTranslator(ViewState* view, SelectTranslator* outer) : view_(view), outer_(outer) {}

  // `names`: a column list given from outside (CREATE VIEW v(a, b), WITH t(a, b)), or empty.
  absl::StatusOr<TranslatedSelect> Translate(const Select& select,
                                             const std::vector<std::string>& names);

  // ExpressionHost:
  absl::StatusOr<TypedSql> Column(const Expr& expr) override;
  bool BeginGroupKey(const Expr& expr) override;
  void EndGroupKey() override { --inside_group_key_; }
  absl::Status BeginAggregate() override;
  void EndAggregate() override { in_aggregate_ = false; }
  absl::StatusOr<SubquerySql> Subquery(const Select& select) override;

 private:
  // A table in FROM.
  struct Source {
    std::string name;   // that the source's SQL calls it by
    std::string alias;  // in the target
    const TranslationRelation* relation = nullptr;
    std::vector<bool> merged;  // columns that USING or NATURAL joined to one further left
  };
  struct CommonName {
    std::string name;
    const TranslationRelation* relation = nullptr;  // null while it is being translated
  };
  struct GroupKey {
    const Expr* expr;
    std::string sql;
  };
  // One SELECT or one row of VALUES between compound operators.
  struct Core {
    CompoundKind compound = CompoundKind::kFirst;
    bool distinct = false;
    std::vector<TypedSql> values;
    std::vector<std::string> names;
    std::string tail;   // FROM ... HAVING
  };

  // select_translator.cc
  absl::StatusOr<TranslatedSelect> TranslateBody(const Select& select,
                                                 const std::vector<std::string>& names);
  absl::StatusOr<std::string> With(const Select& select);
  absl::StatusOr<std::vector<Core>> Cores(const Select& select);
  absl::StatusOr<Core> TranslateCore(const SelectCore& core);
  absl::Status ResultColumns(const SelectCore& core, Core* out);
  absl::Status GroupBy(const SelectCore& core, std::string* tail);
  absl::Status UnifyCores(std::vector<Core>* cores);
  std::string SelectText(const Core& core, const std::vector<OutputColumn>& columns) const;
  absl::StatusOr<std::string> OrderBy(const Select& select,
                                      const std::vector<OutputColumn>& columns, bool by_output);
  absl::StatusOr<TypedSql> OrderValue(const Expr& expr, const std::vector<OutputColumn>& columns,
                                      bool by_output);
  absl::StatusOr<std::string> Limit(const Select& select, bool ordered, bool* one_row);
  absl::StatusOr<TypedSql> OutputValue(TypedSql value);

  // from_translator.cc
  absl::StatusOr<std::string> From(const std::vector<FromItem>& items);
  absl::StatusOr<std::string> FromOne(const FromItem& item);
  absl::StatusOr<std::string> Join(const FromItem& item, size_t first, size_t right);
  absl::StatusOr<std::string> MergeCondition(const FromItem& item, size_t first, size_t right);
  absl::StatusOr<const TranslationRelation*> FindRelation(const FromItem& item);
  absl::StatusOr<const TranslationRelation*> Derive(const std::string& name,
                                                    const TranslatedSelect& select);
  absl::Status AddSource(const std::string& name, const TranslationRelation* relation);
  std::string GeneratedName(absl::string_view prefix);
  // The columns that `*` (table "") or `table.*` stands for.
  absl::Status ExpandStar(const std::string& table, Core* out);
  absl::StatusOr<TypedSql> Reference(const Source& source, int column);
  // Looks only at this SELECT's own tables. False: not here.
  absl::StatusOr<bool> FindHere(const Expr& expr, TypedSql* value);

  ViewState* view_;
  SelectTranslator* outer_;
  std::vector<CommonName> common_;
  std::vector<Source> sources_;
  size_t visible_from_ = 0;   // tables before it are out of reach of an ON in parentheses
  const SelectCore* core_ = nullptr;
  std::vector<GroupKey> group_keys_;
  bool grouped_ = false;            // columns outside aggregates must be group keys
  bool aggregates_allowed_ = false;
  bool in_aggregate_ = false;
  bool aliases_allowed_ = false;
  bool sources_hidden_ = false;     // a SELECT in FROM does not see its neighbours
  int inside_group_key_ = 0;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_SELECT_TRANSLATOR_H_
