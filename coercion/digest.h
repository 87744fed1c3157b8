// Digests of rows, chunks and tables. docs/digest.md draws what is hashed.
#ifndef LITE2PG_COERCION_DIGEST_H_
#define LITE2PG_COERCION_DIGEST_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// Changes whenever the same rows would give another digest.
inline constexpr int kDigestVersion = 1;

// The multiset digest of rows: their number and the sum modulo 2^128 of their XXH3-128 hashes.
// Order does not matter, parts add up, and equal rows do not cancel (as they would under xor).
// Value type; adding is associative and commutative.
struct Digest {
  uint64_t rows = 0;
  uint64_t low = 0;
  uint64_t high = 0;

  // `row` is the row's canonical tuple: for every column an int32 length (-1 for NULL) and the
  // canonical bytes. For types without a canonical function that is the COPY tuple itself.
  void AddRow(absl::string_view row);
  void Add(const Digest& other);
  void Subtract(const Digest& other);

  // 32 hexadecimal digits of the sum, high half first; the row count is reported beside it.
  std::string ToHex() const;
  // Inverse of ToHex; rows stays 0. False unless `hex` is 32 hexadecimal digits.
  static bool FromHex(absl::string_view hex, Digest* out);

  friend bool operator==(const Digest&, const Digest&) = default;
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_DIGEST_H_
