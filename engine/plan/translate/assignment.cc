#include "engine/plan/translate/assignment.h"

#include <cmath>
#include <cstdio>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coercion/type_codec.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// What SQLite stores of a literal in a column of `affinity`. `text` holds the bytes of text and
// blobs that the result views.
absl::StatusOr<SourceValue> StoredValue(const TypedSql& literal, Affinity affinity,
                                        std::string* text) {
  TypedSql value = literal;
  const bool numeric_affinity = affinity == Affinity::kInteger || affinity == Affinity::kReal ||
                                affinity == Affinity::kNumeric;
  if (value.kind == ValueKind::kText && numeric_affinity) {
    std::optional<TypedSql> number = NumberInText(value.text);
    if (number.has_value()) value = *std::move(number);
  }
  const bool real = value.kind == ValueKind::kFloat;
  if (real && (affinity == Affinity::kInteger || affinity == Affinity::kNumeric)) {
    // A REAL that is integral becomes an INTEGER; 2^63 itself has no such form.
    const bool integral = std::trunc(value.real) == value.real && std::fabs(value.real) < 9.2e18;
    if (integral) value = IntegerLiteral(static_cast<int64_t>(value.real));
  } else if (value.kind == ValueKind::kInteger && affinity == Affinity::kReal) {
    value = RealLiteral(static_cast<double>(value.integer));
  } else if (value.kind == ValueKind::kInteger && affinity == Affinity::kText) {
    ASSIGN_OR_RETURN(value, TextLiteral(absl::StrCat(value.integer)));
  } else if (real && affinity == Affinity::kText) {
    // SQLite writes up to 15 digits and always a point; exponents and longer numbers are left.
    char digits[40];
    std::snprintf(digits, sizeof(digits), "%.15g", value.real);
    std::string written = digits;
    if (written.find_first_of("en") != std::string::npos || std::strtod(digits,
    nullptr) != value.real) {
      return Refuse("a real number as the default of a text column");
    }
    if (written.find('.') == std::string::npos) written += ".0";
    ASSIGN_OR_RETURN(value, TextLiteral(written));
  }
  *text = value.kind == ValueKind::kBlob ? absl::HexStringToBytes(value.text) : value.text;
  switch (value.kind) {
    case ValueKind::kInteger: return SourceValue::Integer(value.integer);
    case ValueKind::kFloat: return SourceValue::Real(value.real);
    case ValueKind::kText: return SourceValue::Text(*text);
    case ValueKind::kBlob: return SourceValue::Blob(*text);
    default: return SourceValue::Null();
  }
}

// Types whose literals need no cast to be what they are.
bool IsPlainNumber(const PgType& type) {
  return type.oid == kOidInt2 || type.oid == kOidInt4 || type.oid == kOidInt8 ||
         type.oid == kOidNumeric || type.oid == kOidFloat8;
}

}  // namespace

absl::StatusOr<std::string> AssignLiteral(const TypedSql& literal, const PgType& target,
                                          Affinity affinity, const ReadingRules& rules) {
  if (literal.kind == ValueKind::kNull) return std::string("NULL");
  std::string bytes;
  ASSIGN_OR_RETURN(const SourceValue value, StoredValue(literal, affinity, &bytes));
  // Not the column's NOT NULL: a default of NULL there is the author's business.
  ReadingRules reading = rules;
  reading.not_null = false;
  const absl::StatusOr<ColumnCodec> codec = BindColumn(target, reading);
  if (!codec.ok() || codec->decode == nullptr) {
    return Refuse(absl::StrCat("a literal of type ", target.sql_name, ", which cannot be checked"));
  }
  FieldBuffer field;
  field.Reserve(codec->fixed_bytes + codec->expand * value.size_bytes);
  const Outcome outcome =
      codec->encode[static_cast<size_t>(value.storage_class)](value, codec->params, &field);
  if (outcome != Outcome::kOk) {
    return Refuse(absl::StrCat("for type ", target.sql_name, " the default is ",
                               OutcomePhrase(outcome)));
  }
  std::string text;
  constexpr size_t kLengthWord = 4;
  if (field.size() < kLengthWord) return Refuse("a default that cannot be shown");
  // An empty string that the rules read as NULL has no bytes at all.
  const absl::string_view wire = field.view_from(kLengthWord);
  if (field.view().substr(0, kLengthWord) == "\xff\xff\xff\xff") return std::string("NULL");
  if (!codec->decode(wire, codec->params, &text)) return Refuse("a default that cannot be shown");
  if (target.oid == kOidBool) return std::string(text == "t" ? "true" : "false");
  if (IsPlainNumber(target) && text.find_first_not_of("0123456789.-") == std::string::npos) {
    return text;
  }
  if (target.oid == kOidText || target.oid == kOidVarchar) return QuoteLiteral(text);
  return absl::StrCat(QuoteLiteral(text), "::", target.sql_name);
}

absl::StatusOr<std::string> AssignTo(const TypedSql& value_in, const PgType& target,
                                     Affinity affinity, TranslationState* state) {
  const TypedSql value = WithoutNan(value_in);
  if (value.kind == ValueKind::kNull) return std::string("NULL");
  // The same type, given on unchanged: no affinity can alter what a column of it holds.
  const bool same_column = value.column != nullptr && value.column->type.oid == target.oid &&
                           value.column->type.typmod == target.typmod &&
                           value.column->affinity == affinity;
  if (same_column) return value.sql;
  const bool integer = value.kind == ValueKind::kInteger || value.kind == ValueKind::kBoolean;
  switch (target.kind == TypeKind::kBase ? target.oid : 0) {
    case kOidInt2:
    case kOidInt4:
    case kOidInt8:
      if (!value.integer_sql.empty() && affinity != Affinity::kText) return value.integer_sql;
      if (integer) {
        ASSIGN_OR_RETURN(const TypedSql number, AsInteger(value));
        if (target.oid != kOidInt8) state->Note(Exactness::kEqualOrError);
        return number.sql;
      }
      break;
    case kOidFloat8:
      if (integer || IsNumber(value)) {
        ASSIGN_OR_RETURN(const TypedSql number, AsFloat(value, state));
        return number.sql;
      }
      break;
    case kOidNumeric:
      // A typmod would round.
      if (target.typmod == -1 && integer) {
        ASSIGN_OR_RETURN(const TypedSql number, AsInteger(value));
        return number.sql;
      }
      if (target.typmod == -1 && value.kind == ValueKind::kNumeric) return value.sql;
      break;
    case kOidVarchar:
      // Longer text is an error there, and no limit at all in SQLite.
      if (target.typmod != -1) state->Note(Exactness::kEqualOrError);
      [[fallthrough]];
    case kOidText: {
      if (value.kind == ValueKind::kText && affinity != Affinity::kText &&
          affinity != Affinity::kBlob) {
        return Refuse("text that a numeric affinity may turn into a number");
      }
      if (value.kind != ValueKind::kText && !integer) break;
      ASSIGN_OR_RETURN(const TypedSql text, AsText(value));
      return text.sql;
    }
    case kOidUuid:
      if (value.kind != ValueKind::kText) break;
      state->Note(Exactness::kEqualOrError);
      return absl::StrCat("(", value.sql, ")::uuid");
    case kOidBool:
      if (value.kind == ValueKind::kBoolean) return value.sql;
      break;
    case kOidBytea:
      if (value.kind == ValueKind::kBlob) return value.sql;
      break;
    default: break;
  }
  return Refuse(absl::StrCat("an expression whose value has no proven form of type ",
                             target.sql_name));
}

}  // namespace lite2pg
