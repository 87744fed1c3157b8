// Texts of floating-point numbers: SQLite's and PostgreSQL's.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>

#include "coercion/decimal.h"

namespace lite2pg {
namespace {

// Splits d.ddde+xx into its digits, without the point, and the exponent of the first.
struct Scientific {
  bool negative = false;
  char digits[20];
  int digit_count = 0;
  int exponent = 0;
};

Scientific SplitScientific(absl::string_view text) {
  Scientific s;
  s.negative = text.front() == '-';
  if (s.negative) text.remove_prefix(1);
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

template <typename Float>
absl::string_view LaidOut(Float value, const Layout& layout, NumberText& buffer) {
  NumberText scientific;
  char* end = Lay(SplitScientific(ShortestScientific(value, scientific)), layout, buffer);
  return absl::string_view(buffer, static_cast<size_t>(end - buffer));
}

// Whether `s` is exactly half way between `value` and a neighbour. Such a decimal reads back as
// `value` only where halves go to even mantissas, so PostgreSQL does not print it ("acceptBounds"
// in src/common/d2s.c): for 1e23 it prints 9.999999999999999e+22.
template <typename Float>
bool IsHalfWay(Float value, const Scientific& s) {
  // The half has an odd mantissa of 54 bits (25 for float). A decimal of at most 17 (9) digits that
  // equals it is a multiple of 10^-2, and 5^power divides that mantissa, so power is at most 23.
  const int power = s.exponent + 1 - s.digit_count;
  if (value == 0) return false;
  if (power < -2 || power > 27) return false;
  uint64_t digits = 0;
  for (int i = 0; i < s.digit_count; ++i) digits = digits * 10 + (s.digits[i] - '0');
  // 64 bits of mantissa hold the half, the digits and 10^27 = 5^27 x 2^27 exactly.
  static_assert(std::numeric_limits<long double>::digits >= 64);
  long double scale = 1;
  for (int i = std::abs(power); i > 0; --i) scale *= 10;
  const Float magnitude = std::fabs(value);
  for (const Float toward : {Float{0}, std::numeric_limits<Float>::infinity()}) {
    const Float neighbour = std::nextafter(magnitude, toward);
    const long double half = (static_cast<long double>(magnitude) + neighbour) / 2;
    const long double a = power < 0 ? half : static_cast<long double>(digits);
    const long double b = power < 0 ? static_cast<long double>(digits) : half;
    // a x scale == b without rounding.
    if (a * scale == b && std::fma(a, scale, -b) == 0) return true;
  }
  return false;
}

// The shortest decimal that is nearer to `value` than to any other number.
template <typename Float>
Scientific ShortestInside(Float value) {
  NumberText buffer;
  Scientific s = SplitScientific(ShortestScientific(value, buffer));
  if (!IsHalfWay(value, s)) return s;
  for (int digits = s.digit_count; digits <= std::numeric_limits<Float>::max_digits10; ++digits) {
    const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value,
                                   std::chars_format::scientific, digits - 1);
    Float back = 0;
    (void)std::from_chars(buffer, end.ptr, back);
    s = SplitScientific(absl::string_view(buffer, static_cast<size_t>(end.ptr - buffer)));
    if (back == value && !IsHalfWay(value, s)) break;
  }
  return s;
}

absl::string_view Copy(absl::string_view text, NumberText& buffer) {
  std::memcpy(buffer, text.data(), text.size());
  return absl::string_view(buffer, text.size());
}

template <typename Float>
absl::string_view PostgresText(Float value, int exponent_end, NumberText& buffer) {
  if (std::isnan(value)) return Copy("NaN", buffer);
  if (std::isinf(value)) return Copy(value < 0 ? "-Infinity" : "Infinity", buffer);
  char* end = Lay(ShortestInside(value), {exponent_end, false}, buffer);
  return absl::string_view(buffer, static_cast<size_t>(end - buffer));
}

}  // namespace

absl::string_view RealText(double value, NumberText& buffer) {
  if (std::isnan(value)) return Copy("NaN", buffer);
  if (std::isinf(value)) return Copy(value < 0 ? "-Inf" : "Inf", buffer);
  // "%.15g" turns to exponents at 1e15.
  return LaidOut(value, {15, true}, buffer);
}

// PostgreSQL: double_to_shortest_decimal_bufn in src/common/d2s.c, and its twin in f2s.c.
absl::string_view Float8Text(double value, NumberText& buffer) {
  return PostgresText(value, 15, buffer);
}

absl::string_view Float4Text(float value, NumberText& buffer) {
  return PostgresText(value, 6, buffer);
}

}  // namespace lite2pg
