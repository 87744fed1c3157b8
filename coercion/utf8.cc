#include "coercion/utf8.h"

#include "coercion/wire.h"
#include "simdjson.h"

namespace lite2pg {

// simdjson's test refuses what PostgreSQL's pg_utf8_islegal (src/common/wchar.c) refuses: overlong
// forms, surrogates, and anything beyond U+10FFFF.
Outcome CheckTextSlow(absl::string_view text) {
  if (text.size() > kWireFieldBytesMax) return Outcome::kTooLarge;
  if (!simdjson::validate_utf8(text.data(), text.size())) return Outcome::kInvalidUtf8;
  if (!text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr) {
    return Outcome::kContainsNul;
  }
  return Outcome::kOk;
}

size_t CountCodePoints(absl::string_view text) {
  size_t count = 0;
  // Every byte but a continuation byte (10xxxxxx, below -64 as a signed char) starts a character.
  for (const char c : text) count += static_cast<signed char>(c) >= -64;
  return count;
}

}  // namespace lite2pg
