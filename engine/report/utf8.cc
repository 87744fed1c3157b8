#include "engine/report/utf8.h"

#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

void AppendByte(uint8_t byte, std::string* out) {
  absl::StrAppend(out, "\\x", absl::Hex(byte, absl::kZeroPad2));
}

// C0 and C1 controls, Bidi_Control, zero-width characters and line separators.
bool IsHostile(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

}  // namespace

size_t DecodeCodePoint(absl::string_view bytes, uint32_t* code_point) {
  const uint8_t lead = static_cast<uint8_t>(bytes[0]);
  if (lead < 0x80) {
    *code_point = lead;
    return 1;
  }
  // By length: the smallest code point that needs it. A shorter form of the same code point would
  // let one name be written in two ways (RFC 3629).
  static constexpr uint32_t kSmallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  const size_t length = lead >= 0xF0 && lead < 0xF8   ? 4
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xC0 && lead < 0xE0 ? 2
                                                      : 0;
  if (length == 0 || bytes.size() < length) return 0;
  uint32_t value = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const uint8_t next = static_cast<uint8_t>(bytes[i]);
    if ((next & 0xC0) != 0x80) return 0;
    value = (value << 6) | (next & 0x3F);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return 0;
  *code_point = value;
  return length;
}

std::string ValidUtf8(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    uint32_t c = 0;
    const size_t length = DecodeCodePoint(bytes, &c);
    if (length == 0) {
      AppendByte(static_cast<uint8_t>(bytes[0]), &out);
      bytes.remove_prefix(1);
      continue;
    }
    out.append(bytes.data(), length);
    bytes.remove_prefix(length);
  }
  return out;
}

std::string SafeSentence(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    uint32_t c = 0;
    const size_t length = DecodeCodePoint(bytes, &c);
    if (length == 0) {
      AppendByte(static_cast<uint8_t>(bytes[0]), &out);
      bytes.remove_prefix(1);
      continue;
    }
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (IsHostile(c)) {
      absl::StrAppend(&out, "\\u{", absl::Hex(c), "}");
    } else {
      out.append(bytes.data(), length);
    }
    bytes.remove_prefix(length);
  }
  return out;
}

}  // namespace lite2pg
