#include "coercion/decimal.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace lite2pg {
namespace {

constexpr int64_t kExponentMax = (int64_t{1} << 30) - 2;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`.
absl::string_view TakeDigits(absl::string_view* text) {
  size_t n = 0;
  while (n < text->size() && IsDigit((*text)[n])) ++n;
  const absl::string_view digits = text->substr(0, n);
  text->remove_prefix(n);
  return digits;
}

bool TakeSign(absl::string_view* text) {
  if (text->empty() || (text->front() != '-' && text->front() != '+')) return false;
  const bool negative = text->front() == '-';
  text->remove_prefix(1);
  return negative;
}

// [eE] [+-] digits, or nothing, up to the end of the text.
bool TakeExponent(absl::string_view text, int64_t* exponent) {
  *exponent = 0;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  const bool negative = TakeSign(&text);
  const absl::string_view digits = TakeDigits(&text);
  if (digits.empty() || !text.empty()) return false;
  for (const char c : digits) {
    *exponent = *exponent * 10 + (c - '0');
    if (*exponent > kExponentMax) return false;
  }
  if (negative) *exponent = -*exponent;
  return true;
}

size_t LeadingZeros(absl::string_view digits) {
  const size_t n = digits.find_first_not_of('0');
  return n == absl::string_view::npos ? digits.size() : n;
}

void DropTrailingZeros(absl::string_view* digits) {
  const size_t last = digits->find_last_not_of('0');
  *digits = digits->substr(0, last == absl::string_view::npos ? 0 : last + 1);
}

template <typename Float>
absl::string_view Scientifically(Float value, NumberText& buffer) {
  const auto end =
      std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::scientific);
  return absl::string_view(buffer, static_cast<size_t>(end.ptr - buffer));
}

}  // namespace

bool ParseDecimal(absl::string_view text, Decimal* out) {
  Decimal d;
  d.negative = TakeSign(&text);
  absl::string_view integer = TakeDigits(&text);
  absl::string_view fraction;
  const bool integer_written = !integer.empty();
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = TakeDigits(&text);
  }
  if (!integer_written && fraction.empty()) return false;
  int64_t exponent;
  if (!TakeExponent(text, &exponent)) return false;
  d.scale = std::max<int64_t>(0, static_cast<int64_t>(fraction.size()) - exponent);

  const size_t zeros = LeadingZeros(integer);
  d.leading_zeros = zeros > 1 || (zeros == 1 && integer.size() > 1);
  integer.remove_prefix(zeros);
  d.point = static_cast<int64_t>(integer.size()) + exponent;
  if (integer.empty()) {
    const size_t fraction_zeros = LeadingZeros(fraction);
    fraction.remove_prefix(fraction_zeros);
    d.point -= static_cast<int64_t>(fraction_zeros);
  }
  DropTrailingZeros(&fraction);
  if (fraction.empty()) DropTrailingZeros(&integer);
  d.head = integer;
  d.tail = fraction;
  if (d.is_zero()) d.point = 0;
  *out = d;
  return true;
}

bool SameNumber(const Decimal& a, const Decimal& b) {
  if (a.is_zero() || b.is_zero()) return a.is_zero() && b.is_zero();
  if (a.negative != b.negative || a.point != b.point || a.digit_count() != b.digit_count()) {
    return false;
  }
  for (size_t i = 0; i < a.digit_count(); ++i) {
    if (a.digit(i) != b.digit(i)) return false;
  }
  return true;
}

absl::string_view ShortestScientific(double value, NumberText& buffer) {
  return Scientifically(value, buffer);
}

absl::string_view ShortestScientific(float value, NumberText& buffer) {
  return Scientifically(value, buffer);
}

absl::string_view IntegerText(int64_t value, NumberText& buffer) {
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value);
  return absl::string_view(buffer, static_cast<size_t>(end.ptr - buffer));
}

}  // namespace lite2pg
