#include "coercion/types/integer_encoding.h"

#include <charconv>
#include <cmath>

namespace lite2pg {

Outcome IntegerFromReal(double value, int64_t* out) {
  // 2^63 itself is a double; the largest double below it is an int64. NaN fails both comparisons.
  if (!(value >= -0x1p63 && value < 0x1p63)) return Outcome::kOutOfRange;
  const int64_t integer = static_cast<int64_t>(value);
  if (static_cast<double>(integer) != value) return Outcome::kLossy;
  if (integer == 0 && std::signbit(value)) return Outcome::kLossy;
  *out = integer;
  return Outcome::kOk;
}

Outcome IntegerFromText(absl::string_view text, int64_t* out) {
  const bool negative = !text.empty() && text.front() == '-';
  absl::string_view digits = text;
  if (negative || (!text.empty() && text.front() == '+')) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != absl::string_view::npos) {
    return Outcome::kMalformed;
  }
  if (digits.front() == '0' && (digits.size() > 1 || negative)) return Outcome::kLossy;
  // from_chars takes a minus but no plus.
  if (!negative) text = digits;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
  return parsed.ec == std::errc() ? Outcome::kOk : Outcome::kOutOfRange;
}

}  // namespace lite2pg
