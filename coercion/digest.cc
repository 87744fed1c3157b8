#include "coercion/digest.h"

#include <xxhash.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace lite2pg {

void Digest::AddRow(absl::string_view row) {
  const XXH128_hash_t h = XXH3_128bits(row.data(), row.size());
  Digest one;
  one.rows = 1;
  one.low = h.low64;
  one.high = h.high64;
  Add(one);
}

void Digest::Add(const Digest& other) {
  rows += other.rows;
  low += other.low;
  high += other.high + (low < other.low ? 1 : 0);
}

void Digest::Subtract(const Digest& other) {
  rows -= other.rows;
  const uint64_t borrow = low < other.low ? 1 : 0;
  low -= other.low;
  high -= other.high + borrow;
}

std::string Digest::ToHex() const {
  return absl::StrCat(absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16));
}

bool Digest::FromHex(absl::string_view hex, Digest* out) {
  Digest d;
  if (hex.size() != 32) return false;
  for (const char c : hex) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  if (!absl::SimpleHexAtoi(hex.substr(0, 16), &d.high)) return false;
  if (!absl::SimpleHexAtoi(hex.substr(16), &d.low)) return false;
  *out = d;
  return true;
}

}  // namespace lite2pg
