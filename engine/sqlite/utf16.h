// UTF-16 as SQLite stores it, to UTF-8 and back, without losing lone surrogates.
//
// SQLite's own conversion turns a lone surrogate into U+FFFD, which no later check could tell from
// a character that was really there. Here it becomes the three bytes that UTF-8 would give its
// number (https://simonsapin.github.io/wtf-8/): malformed, so that the check for UTF-8 refuses it,
// and different for every surrogate, so that keys stay apart. Pure functions; any thread.
#ifndef LITE2PG_ENGINE_SQLITE_UTF16_H_
#define LITE2PG_ENGINE_SQLITE_UTF16_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// Room that Utf16ToWtf8 may need for `size_bytes` of UTF-16: three bytes for every unit of two,
// two for an odd byte at the end.
constexpr size_t Wtf8BytesMax(size_t size_bytes) { return size_bytes / 2 * 3 + 2; }

// Converts UTF-16 in the machine's byte order, at any alignment, and returns the bytes written.
// A single byte left at the end (only a damaged file has one) becomes 0xFF and that byte, which
// no UTF-8 holds. REQUIRES: Wtf8BytesMax(size_bytes) bytes at `out`.
size_t Utf16ToWtf8(const char* utf16, size_t size_bytes, char* out);

// The inverse, for binding keys. Bytes that are neither UTF-8 nor WTF-8 give U+FFFD.
std::u16string Wtf8ToUtf16(absl::string_view wtf8);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_UTF16_H_
