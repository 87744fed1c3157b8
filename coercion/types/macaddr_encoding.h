// What macaddr and macaddr8 share: bytes as pairs of hexadecimal digits.
#ifndef LITE2PG_COERCION_TYPES_MACADDR_ENCODING_H_
#define LITE2PG_COERCION_TYPES_MACADDR_ENCODING_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "coercion/hex.h"

namespace lite2pg {

// Reads `count` bytes of two digits each: without separators, or with `separator` behind every
// `group_bytes` bytes but the last.
inline bool ParseMacGroups(absl::string_view text, size_t count, char separator,
                           size_t group_bytes, uint8_t* bytes) {
  const size_t separators = separator == '\0' ? 0 : (count - 1) / group_bytes;
  if (text.size() != 2 * count + separators) return false;
  const char* p = text.data();
  for (size_t i = 0; i < count; ++i, p += 2) {
    if (separator != '\0' && i != 0 && i % group_bytes == 0 && *p++ != separator) return false;
    const int byte = HexByte(p[0], p[1]);
    if (byte < 0) return false;
    bytes[i] = static_cast<uint8_t>(byte);
  }
  return true;
}

inline bool DecodeMac(absl::string_view field, size_t count, std::string* text) {
  if (field.size() != count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text->push_back(':');
    AppendHexByte(static_cast<uint8_t>(field[i]), text);
  }
  return true;
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_MACADDR_ENCODING_H_
