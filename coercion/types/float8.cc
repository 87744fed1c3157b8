#include "coercion/types/float8.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/match.h"
#include "coercion/decimal.h"

namespace lite2pg {
namespace {

absl::string_view PostgresText(double value, NumberText& buffer) {
  return Float8Text(value, buffer);
}
absl::string_view PostgresText(float value, NumberText& buffer) {
  return Float4Text(value, buffer);
}

template <typename Float>
Outcome FloatFromText(absl::string_view text, Float* out) {
  double special;
  if (ParseSpecialReal(text, &special)) {
    *out = static_cast<Float>(special);
    return Outcome::kOk;
  }
  Decimal written;
  if (!ParseDecimal(text, &written)) return Outcome::kMalformed;
  // from_chars takes a minus but no plus.
  if (text.front() == '+') text.remove_prefix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (parsed.ec == std::errc::result_out_of_range) return Outcome::kOutOfRange;
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return Outcome::kMalformed;
  }
  if (std::isinf(*out) || (*out == 0 && !written.is_zero())) return Outcome::kOutOfRange;
  if (written.leading_zeros) return Outcome::kLossy;
  NumberText buffer;
  if (SameNumber(written, ShortestDecimal(*out, buffer))) return Outcome::kOk;
  // In rare ties the server prints another decimal than the shortest; that is faithful as well.
  Decimal printed;
  (void)ParseDecimal(PostgresText(*out, buffer), &printed);  // finite, so it always parses
  return SameNumber(written, printed) ? Outcome::kOk : Outcome::kLossy;
}

}  // namespace

bool ParseSpecialReal(absl::string_view text, double* out) {
  if (absl::EqualsIgnoreCase(text, "nan")) {
    *out = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (!absl::EqualsIgnoreCase(text, "infinity") && !absl::EqualsIgnoreCase(text, "inf")) {
    return false;
  }
  *out = std::copysign(std::numeric_limits<double>::infinity(), negative ? -1.0 : 1.0);
  return true;
}

Outcome Float8FromText(absl::string_view text, double* out) { return FloatFromText(text, out); }
Outcome Float4FromText(absl::string_view text, float* out) { return FloatFromText(text, out); }

Outcome EncodeFloat8FromInteger(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const double real = static_cast<double>(value.integer);
  // Rounding may reach 2^63, which does not convert back.
  if (real == 0x1p63 || static_cast<int64_t>(real) != value.integer) return Outcome::kLossy;
  return PutFloat8Field(real, out);
}

Outcome EncodeFloat8FromText(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  double real;
  const Outcome outcome = Float8FromText(value.bytes(), &real);
  return outcome == Outcome::kOk ? PutFloat8Field(real, out) : outcome;
}

bool DecodeFloat8(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 8) return false;
  NumberText buffer;
  const absl::string_view shown = Float8Text(LoadDouble(field.data()), buffer);
  text->append(shown.data(), shown.size());
  return true;
}

}  // namespace lite2pg
