// Translates what an SQLite schema says in SQL into PostgreSQL's, or says why it does not.
//
// Source SQL is never passed on. It is parsed (engine/sqlite/sql), and an expression is printed
// anew from an allow-list of constructs whose meaning is provably the same for the types at hand;
// everything else is refused with a reason for the report. All names and literals go through
// Quote*(). The functions are pure: no server, no file, any thread.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_TRANSLATE_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_TRANSLATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coercion/pg_type.h"
#include "coercion/row_encoder.h"
#include "coercion/type_codec.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// The one form in which all text values of a date or time column are written. Then the order and
// the equality of the texts, which is what SQLite compares, is that of the target's values.
enum class TemporalText : uint8_t {
  kUnknown,       // mixed, not text, or not looked at: such columns are not compared
  kDate,          // YYYY-MM-DD
  kDateTime,      // YYYY-MM-DD HH:MM:SS
};

struct TranslationColumn {
  std::string source_name;
  std::string target_name;
  PgType type;                          // of the target's column
  Affinity affinity = Affinity::kBlob;  // of the source's
  std::string collation = "BINARY";
  // Storage classes met by the scan. Comparisons depend on what is stored, not on what was
  // declared; without counts only what the affinity guarantees is believed.
  bool counted = false;
  ClassCounts counts{};
  TemporalText temporal = TemporalText::kUnknown;
  bool generated = false;               // a generated column of the target
};

// A table or view of the source, with its counterpart.
struct TranslationRelation {
  std::string source_name;
  std::string target_schema, target_name;
  std::vector<TranslationColumn> columns;
  int rowid_alias = -1;                 // index of the INTEGER PRIMARY KEY column
};

struct TranslationContext {
  std::vector<TranslationRelation> relations;
  bool source_utf16 = false;    // BINARY then orders text by UTF-16 code units: not PostgreSQL's
  bool lower_names = false;     // --identifiers lower: names of a view's columns
};

// How far a translation can be told from the original; each includes the ones before it.
enum class Exactness : uint8_t {
  kExact,         // the same value for every input
  kEqualOrError,  // the same value, or an error where SQLite goes on (overflow to REAL or Inf)
  kOrderOpen,     // the same but for an order that SQLite leaves open too (group_concat)
  kRounding,      // as above but for the rounding of floating-point numbers, and of integers
                  // beyond 2^53 that are computed with them
};
absl::string_view ExactnessPhrase(Exactness exactness);

struct Translation {
  bool ok = false;
  std::string sql;     // when ok; an expression without outer parentheses where none are needed
  std::string reason;  // when not ok: why it is not carried, a phrase without a full stop
  Exactness exactness = Exactness::kExact;
  // The types already guarantee the CHECK (typeof(id) = 'integer' on a bigint column): `sql` is
  // "TRUE", and the constraint may be left out.
  bool always_true = false;
};

// For `... DEFAULT sql`. `affinity` is the source column's, which SQLite applies to a default as to
// any value; a literal is then read by the column's codec under `rules`, as copied values are.
Translation TranslateDefault(const Expr& expr, const PgType& target, Affinity affinity,
                             const ReadingRules& rules = {});

// For `CHECK (sql)`, `CREATE INDEX ... WHERE sql`; columns appear unqualified.
Translation TranslateCheck(const Expr& expr, const TranslationRelation& table,
                           const TranslationContext& context);
Translation TranslateIndexPredicate(const Expr& expr, const TranslationRelation& table,
                                    const TranslationContext& context);

// One term of an index, ready to stand in its list: a quoted column, or an expression in
// parentheses. Indexes on NOCASE and RTRIM columns become expressions that compare alike.
Translation TranslateIndexExpression(const Expr& expr, const TranslationRelation& table,
                                     const TranslationContext& context);

// For `GENERATED ALWAYS AS (sql) STORED` in a column of type `target`.
Translation TranslateGenerated(const Expr& expr, const PgType& target, Affinity affinity,
                               const TranslationRelation& table, const TranslationContext& context);

struct ViewTranslation : Translation {
  // `sql` is the SELECT for `CREATE VIEW name AS`; every column has its alias. These describe
  // them, so that the view can be a relation for others.
  std::vector<TranslationColumn> columns;
  // Set when the reason is a table or view that the context does not know (yet).
  std::string missing_relation;
};
ViewTranslation TranslateView(const CreateView& view, const TranslationContext& context);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_TRANSLATE_H_
