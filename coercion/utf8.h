// Whether bytes are text that PostgreSQL takes in a UTF8 database, and how long that text is.
#ifndef LITE2PG_COERCION_UTF8_H_
#define LITE2PG_COERCION_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "coercion/outcome.h"

namespace lite2pg {

// The general test behind CheckText, for text that is not plain ASCII without NUL.
Outcome CheckTextSlow(absl::string_view text);

// Nonzero in the top bit of some byte unless all eight bytes are in 0x01..0x7f: subtracting one
// borrows from a zero byte and from no other ASCII byte.
constexpr uint64_t NotPlainAscii(uint64_t word) {
  return (word | (word - 0x0101010101010101u)) & 0x8080808080808080u;
}

inline uint64_t LoadWord(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// kOk, kInvalidUtf8, kContainsNul (when both hold: kInvalidUtf8), or kTooLarge. Most text is short
// and ASCII, so that is decided inline, eight bytes at a time.
inline Outcome CheckText(absl::string_view text) {
  const char* p = text.data();
  const size_t size = text.size();
  if (size >= 8 && size <= 128) {
    uint64_t found = NotPlainAscii(LoadWord(p + size - 8));
    for (size_t i = 0; i + 8 <= size; i += 8) found |= NotPlainAscii(LoadWord(p + i));
    if (found == 0) [[likely]] return Outcome::kOk;
  } else if (size < 8) {
    bool plain = true;
    for (size_t i = 0; i < size; ++i) plain &= static_cast<signed char>(p[i]) > 0;
    if (plain) [[likely]] return Outcome::kOk;
  }
  return CheckTextSlow(text);
}

// Characters as varchar(n) counts them. REQUIRES: `text` is valid UTF-8 (otherwise the result is
// only the number of bytes that are not continuation bytes).
size_t CountCodePoints(absl::string_view text);

// Appends `code_point` as UTF-8 to `text`, which has a push_back. REQUIRES: <= 0x10ffff.
template <typename String>
void AppendUtf8(uint32_t code_point, String* text) {
  const auto put = [text](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
    return;
  }
  if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xe0 | code_point >> 12);
    } else {
      put(0xf0 | code_point >> 18);
      put(0x80 | (code_point >> 12 & 0x3f));
    }
    put(0x80 | (code_point >> 6 & 0x3f));
  }
  put(0x80 | (code_point & 0x3f));
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_UTF8_H_
