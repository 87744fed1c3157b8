#include "coercion/decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
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

// Splits d.ddde+xx into its digits, without the point, and the exponent of the first.
struct Scientific {
  bool negative = false;
  char digits[20];
  int digit_count = 0;
  int exponent = 0;
};

Scientific SplitScientific(absl::string_view text) {
  Scientific s;
  s.negative = TakeSign(&text);
  size_t i = 0;
  for (; i < text.size() && text[i] != 'e'; ++i) {
    if (text[i] != '.') s.digits[s.digit_count++] = text[i];
  }
  const bool minus = text[i + 1] == '-';
  for (size_t j = i + 2; j < text.size(); ++j) s.exponent = s.exponent * 10 + (text[j] - '0');
  if (minus) s.exponent = -s.exponent;
  return s;
}

struct Layout {
  int exponent_end;     // decimal exponents from -4 up to before this one are written plainly
  bool always_fraction;  // "5.0" rather than "5"
};

// Lays the digits out in `p`, plainly or with an exponent of at least two digits.
char* Lay(const Scientific& s, const Layout& layout, char* p) {
  if (s.negative) *p++ = '-';
  const bool plain = s.exponent >= -4 && s.exponent < layout.exponent_end;
  const int integer_digits = plain ? s.exponent + 1 : 1;
  if (integer_digits <= 0) {
    *p++ = '0';
    *p++ = '.';
    for (int i = integer_digits; i < 0; ++i) *p++ = '0';
    p = std::copy_n(s.digits, s.digit_count, p);
  } else {
    for (int i = 0; i < integer_digits; ++i) *p++ = i < s.digit_count ? s.digits[i] : '0';
    if (s.digit_count > integer_digits) {
      *p++ = '.';
      p = std::copy(s.digits + integer_digits, s.digits + s.digit_count, p);
    } else if (layout.always_fraction) {
      *p++ = '.';
      *p++ = '0';
    }
  }
  if (plain) return p;
  *p++ = 'e';
  *p++ = s.exponent < 0 ? '-' : '+';
  const int magnitude = std::abs(s.exponent);
  if (magnitude < 10) *p++ = '0';
  return std::to_chars(p, p + 4, magnitude).ptr;
}

absl::string_view Copy(absl::string_view text, NumberText& buffer) {
  std::memcpy(buffer, text.data(), text.size());
  return absl::string_view(buffer, text.size());
}

template <typename Float>
absl::string_view Scientifically(Float value, NumberText& buffer) {
  const auto end =
      std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::scientific);
  return absl::string_view(buffer, static_cast<size_t>(end.ptr - buffer));
}

template <typename Float>
absl::string_view LaidOut(Float value, const Layout& layout, NumberText& buffer) {
  NumberText scientific;
  char* end = Lay(SplitScientific(Scientifically(value, scientific)), layout, buffer);
  return absl::string_view(buffer, static_cast<size_t>(end - buffer));
}

template <typename Float>
absl::string_view PostgresText(Float value, int exponent_end, NumberText& buffer) {
  if (std::isnan(value)) return Copy("NaN", buffer);
  if (std::isinf(value)) return Copy(value < 0 ? "-Infinity" : "Infinity", buffer);
  return LaidOut(value, {exponent_end, false}, buffer);
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

absl::string_view RealText(double value, NumberText& buffer) {
  if (std::isnan(value)) return Copy("NaN", buffer);
  if (std::isinf(value)) return Copy(value < 0 ? "-Inf" : "Inf", buffer);
  // "%.15g" turns to exponents at 1e15.
  return LaidOut(value, {15, true}, buffer);
}

absl::string_view Float8Text(double value, NumberText& buffer) {
  // PostgreSQL: src/common/d2s.c and f2s.c, double_to_shortest_decimal_bufn.
  return PostgresText(value, 15, buffer);
}

absl::string_view Float4Text(float value, NumberText& buffer) {
  return PostgresText(value, 6, buffer);
}

}  // namespace lite2pg
