// Decimal numbers of any length as views of their text, and the shortest text of a double: shared
// by numeric, the floats, the integers and JSON.
#ifndef LITE2PG_COERCION_DECIMAL_H_
#define LITE2PG_COERCION_DECIMAL_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace lite2pg {

// A finite decimal, normalised but not copied: the views point into the text it was parsed from
// and live as long as that. The value is 0.<head><tail> x 10^point; zero has no digits.
struct Decimal {
  bool negative = false;        // also for a written "-0"
  bool leading_zeros = false;   // written with zeros that say nothing: "007", "00.5"
  absl::string_view head;       // significant digits: the first is not '0' ...
  absl::string_view tail;       // ... and neither is the last of both taken together
  int64_t point = 0;            // 0 for zero
  int64_t scale = 0;            // digits behind the point as written, after the exponent; >= 0

  bool is_zero() const { return head.empty() && tail.empty(); }
  size_t digit_count() const { return head.size() + tail.size(); }
  // REQUIRES: i < digit_count().
  char digit(size_t i) const { return i < head.size() ? head[i] : tail[i - head.size()]; }
  // How many digits the value has behind the decimal point; <= 0 when it is integral.
  int64_t fraction_digits() const {
    return is_zero() ? 0 : static_cast<int64_t>(digit_count()) - point;
  }
};

// Reads [+-] digits [. digits] [e [+-] digits] with at least one digit before the exponent; nothing
// else may surround it. False otherwise, or if the exponent is beyond +-(2^30 - 2), where
// PostgreSQL's numeric_in stops as well (src/backend/utils/adt/numeric.c, set_var_from_str).
bool ParseDecimal(absl::string_view text, Decimal* out);

// Whether both are the same number: 1.50 and 15e-1 are, and so are 0 and -0.
bool SameNumber(const Decimal& a, const Decimal& b);

// Room for every text below.
inline constexpr size_t kNumberTextBytes = 40;
using NumberText = char[kNumberTextBytes];

// The shortest decimal that reads back as the same number, as d.ddde+xx. Views `buffer`.
// REQUIRES: `value` is finite.
absl::string_view ShortestScientific(double value, NumberText& buffer);
absl::string_view ShortestScientific(float value, NumberText& buffer);

// That decimal, parsed. The views point into `buffer`.
template <typename Float>
Decimal ShortestDecimal(Float value, NumberText& buffer) {
  Decimal decimal;
  (void)ParseDecimal(ShortestScientific(value, buffer), &decimal);  // our own form always parses
  return decimal;
}

// An integer as decimal digits. Views `buffer`.
absl::string_view IntegerText(int64_t value, NumberText& buffer);

// A REAL as SQLite renders it in text (printf "%!.15g"), but with as many digits as it takes to
// read back the same double: "5.0", "0.1", "1.0e+100", "-0.0", "Inf", "-Inf", "NaN".
absl::string_view RealText(double value, NumberText& buffer);

// Double and float as PostgreSQL 12 and later print them: "5", "1e+15", "Infinity".
absl::string_view Float8Text(double value, NumberText& buffer);
absl::string_view Float4Text(float value, NumberText& buffer);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_DECIMAL_H_
