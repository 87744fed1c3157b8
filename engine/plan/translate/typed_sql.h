// A piece of PostgreSQL SQL together with what is known of its value on both sides; private to
// engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_TYPED_SQL_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_TYPED_SQL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/plan/translate/translate.h"

namespace lite2pg {

// What the value is to PostgreSQL. The source's value is of the matching storage class; where that
// cannot be proven the kind is kOpaque.
enum class ValueKind : uint8_t {
  kNull,     // the literal NULL
  kInteger,  // smallint, integer or bigint; INTEGER in the source
  kFloat,    // double precision; REAL or INTEGER in the source, see NumberClass
  kNumeric,  // numeric; REAL or INTEGER in the source
  kText,     // text or varchar; TEXT
  kBoolean,  // boolean; INTEGER 0 or 1
  kBlob,     // bytea; BLOB
  kOpaque,   // anything: only passed on, counted and asked for NULL
};

// Which storage classes a kFloat or kNumeric can have in the source: integers divide otherwise.
enum class NumberClass : uint8_t { kReal, kEither };

struct TypedSql {
  std::string sql;  // safe as an operand of any operator
  ValueKind kind = ValueKind::kNull;
  NumberClass number_class = NumberClass::kEither;

  // What SQLite's comparison rules look at. nullopt: not a column and not a cast.
  std::optional<Affinity> affinity;
  std::string collation;            // "": none
  bool explicit_collation = false;  // a COLLATE operator at the top
  bool inner_collation = false;     // one anywhere: SQLite lets it decide far above itself

  // kInteger: bounds of the value and the width PostgreSQL computes with.
  double low = 0, high = 0;
  int bits = 64;

  // Literals, so that they can be printed as what the other side needs.
  bool literal = false;
  int64_t integer = 0;   // kInteger
  double real = 0;       // kFloat
  std::string text;      // kText
  bool truth_word = false;  // written TRUE or FALSE; kInteger

  bool maybe_nan = false;      // SQLite has NULL where PostgreSQL computes NaN
  bool maybe_infinite = true;  // kFloat
  bool is_volatile = false;    // must not be written twice
  std::string hex_sql;         // kBlob, never NULL: its lower-case hexadecimal digits, or ""
  std::string integer_sql;     // kText that always reads as this integer, or ""

  // kBoolean that is known: TRUE or FALSE, except for NULL when `or_null`.
  std::optional<bool> constant;
  bool constant_or_null = false;

  // A plain column (`sql` is nothing but its name), or a value with its type and meaning.
  const TranslationColumn* column = nullptr;
};

// Collects what the parts of one translation have in common.
class TranslationState {
 public:
  explicit TranslationState(bool utf16) : utf16_(utf16) {}
  void Note(Exactness exactness) {
    if (exactness > exactness_) exactness_ = exactness;
  }
  Exactness exactness() const { return exactness_; }
  // Whether order comparisons of text have no counterpart.
  bool utf16() const { return utf16_; }

 private:
  bool utf16_;
  Exactness exactness_ = Exactness::kExact;
};

// The refusal of a construct; `reason` completes "not carried: ...".
absl::Status Refuse(absl::string_view reason);

// ---- Making values. ---------------------------------------------------------------------------
TypedSql NullValue();
TypedSql IntegerLiteral(int64_t value);
TypedSql RealLiteral(double value);
// Refuses text that is not UTF-8.
absl::StatusOr<TypedSql> TextLiteral(absl::string_view text);
TypedSql BooleanValue(std::string sql);
TypedSql ConstantBoolean(bool value);
TypedSql TextValue(std::string sql);
TypedSql IntegerValue(std::string sql, double low, double high, int bits);
TypedSql BigintValue(std::string sql);  // any 64-bit integer
TypedSql FloatValue(std::string sql, NumberClass number_class);
// A reference to `column` whose SQL is `sql`.
TypedSql ColumnValue(const TranslationColumn& column, std::string sql);

// A numeric literal as SQLite reads it: integers beyond 64 bits are reals, 0x1f is 31.
absl::StatusOr<TypedSql> ParseNumber(absl::string_view text, bool negative);
// What numeric affinity makes of text: a number literal if all of it reads as one.
std::optional<TypedSql> NumberInText(absl::string_view text);

// ---- Reading values as something. -------------------------------------------------------------
absl::StatusOr<std::string> AsCondition(const TypedSql& value);
// A boolean or integer as an integer.
absl::StatusOr<TypedSql> AsInteger(const TypedSql& value);
// Numbers as double precision.
absl::StatusOr<TypedSql> AsFloat(const TypedSql& value, TranslationState* state);
// Text, or the text of an integer, which both sides write alike; reals they do not.
absl::StatusOr<TypedSql> AsText(const TypedSql& value);
// NaN made NULL, as SQLite has it.
TypedSql WithoutNan(TypedSql value);
// A literal real as a decimal for comparison with integers and numerics.
std::string DecimalOf(double value);

bool IsNumber(const TypedSql& value);  // kInteger, kFloat or kNumeric
bool IsBinary(absl::string_view collation);
bool IsValidUtf8(absl::string_view text);
// SQLite's lower() and NOCASE: A to Z only.
std::string AsciiLower(absl::string_view text);

// The form of a date or time, if the value is a column's of which it is known.
TemporalText TemporalOf(const TypedSql& value);

// Whether equality of the target's values is equality of the source's, as GROUP BY, DISTINCT,
// UNION and joins need it.
bool HasFaithfulEquality(const TypedSql& value);

// Brings the results of CASE, coalesce() and the like to one kind; refuses mixtures.
absl::StatusOr<TypedSql> UnifyKinds(std::vector<TypedSql>* values, TranslationState* state);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_TYPED_SQL_H_
