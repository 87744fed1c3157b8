// Hexadecimal digits, strictly.
#ifndef LITE2PG_COERCION_HEX_H_
#define LITE2PG_COERCION_HEX_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// 0 to 15, or -1 for anything that is no hexadecimal digit.
constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte of two digits, or -1.
constexpr int HexByte(char high, char low) {
  const int h = HexDigit(high);
  const int l = HexDigit(low);
  return h < 0 || l < 0 ? -1 : h << 4 | l;
}

inline void AppendHexByte(uint8_t byte, std::string* text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  text->push_back(kDigits[byte >> 4]);
  text->push_back(kDigits[byte & 15]);
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_HEX_H_
