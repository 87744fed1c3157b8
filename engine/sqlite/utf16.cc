#include "engine/sqlite/utf16.h"

#include <cstdint>
#include <cstring>

namespace lite2pg {
namespace {

constexpr bool IsHighSurrogate(uint32_t unit) { return (unit & 0xFC00) == 0xD800; }
constexpr bool IsLowSurrogate(uint32_t unit) { return (unit & 0xFC00) == 0xDC00; }

uint32_t LoadUnit(const char* at) {
  uint16_t unit;
  std::memcpy(&unit, at, sizeof(unit));
  return unit;
}

// Decodes one sequence of 2 to 4 bytes, surrogates included; its length, or 0 if malformed.
size_t DecodeSequence(absl::string_view s, uint32_t* code_point) {
  const auto lead = static_cast<uint8_t>(s[0]);
  size_t length = 0;
  uint32_t smallest = 0;
  if (lead >= 0xC2 && lead < 0xE0) {
    length = 2, smallest = 0x80, *code_point = lead & 0x1F;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    length = 3, smallest = 0x800, *code_point = lead & 0x0F;
  } else if (lead >= 0xF0 && lead < 0xF5) {
    length = 4, smallest = 0x10000, *code_point = lead & 0x07;
  } else {
    return 0;
  }
  if (s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(s[i]);
    if ((byte & 0xC0) != 0x80) return 0;
    *code_point = (*code_point << 6) | (byte & 0x3F);
  }
  return *code_point < smallest || *code_point > 0x10FFFF ? 0 : length;
}

}  // namespace

size_t Utf16ToWtf8(const char* utf16, size_t size_bytes, char* out) {
  char* to = out;
  const auto put = [&to](uint32_t byte) { *to++ = static_cast<char>(byte); };
  const char* const end = utf16 + size_bytes / 2 * 2;
  const char* at = utf16;
  while (at != end) {
    uint32_t c = LoadUnit(at);
    at += 2;
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0 | (c >> 6));
      put(0x80 | (c & 0x3F));
    } else if (IsHighSurrogate(c) && at != end && IsLowSurrogate(LoadUnit(at))) {
      c = 0x10000 + ((c & 0x3FF) << 10) + (LoadUnit(at) & 0x3FF);
      at += 2;
      put(0xF0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3F));
      put(0x80 | ((c >> 6) & 0x3F));
      put(0x80 | (c & 0x3F));
    } else {
      put(0xE0 | (c >> 12));
      put(0x80 | ((c >> 6) & 0x3F));
      put(0x80 | (c & 0x3F));
    }
  }
  if (size_bytes % 2 != 0) {
    put(0xFF);
    *to++ = *end;
  }
  return static_cast<size_t>(to - out);
}

std::u16string Wtf8ToUtf16(absl::string_view wtf8) {
  std::u16string out;
  out.reserve(wtf8.size());
  for (size_t at = 0; at < wtf8.size();) {
    uint32_t c = static_cast<uint8_t>(wtf8[at]);
    size_t length = 1;
    if (c >= 0x80) {
      length = DecodeSequence(wtf8.substr(at), &c);
      if (length == 0) c = 0xFFFD, length = 1;
    }
    at += length;
    if (c >= 0x10000) {
      out.push_back(static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    } else {
      out.push_back(static_cast<char16_t>(c));
    }
  }
  return out;
}

}  // namespace lite2pg
