#include "engine/base/text.h"

#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `s` and its code point; 0 if malformed.
int DecodeUtf8(absl::string_view s, uint32_t* code_point) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) {
    *code_point = lead;
    return 1;
  }
  int length = 0;
  uint32_t smallest = 0;
  if ((lead & 0xE0) == 0xC0) {
    length = 2, smallest = 0x80, *code_point = lead & 0x1F;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, smallest = 0x800, *code_point = lead & 0x0F;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4, smallest = 0x10000, *code_point = lead & 0x07;
  } else {
    return 0;
  }
  if (s.size() < static_cast<size_t>(length)) return 0;
  for (int i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    *code_point = (*code_point << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = *code_point >= 0xD800 && *code_point <= 0xDFFF;
  return *code_point < smallest || *code_point > 0x10FFFF || surrogate ? 0 : length;
}

// Characters that could move the cursor or reorder what a person reads (Unicode Bidi_Control,
// line separators, C0 and C1 controls).
bool IsHostile(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

std::string QuoteWith(char quote, absl::string_view text) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out.push_back(quote);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

}  // namespace

std::string EscapeForMessage(absl::string_view bytes, size_t bytes_max) {
  std::string out;
  size_t at = 0;
  while (at < bytes.size() && at < bytes_max) {
    uint32_t c = 0;
    const int length = DecodeUtf8(bytes.substr(at), &c);
    if (length == 0) {
      absl::StrAppend(&out, "\\x", absl::Hex(static_cast<uint8_t>(bytes[at]), absl::kZeroPad2));
      ++at;
      continue;
    }
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (IsHostile(c)) {
      absl::StrAppend(&out, "\\u{", absl::Hex(c), "}");
    } else {
      absl::StrAppend(&out, bytes.substr(at, length));
    }
    at += length;
  }
  if (at < bytes.size()) absl::StrAppend(&out, "... (", bytes.size(), " bytes)");
  return out;
}

std::string EscapeName(absl::string_view name) { return EscapeForMessage(name, 130); }

std::string QuoteIdentifier(absl::string_view name) { return QuoteWith('"', name); }

std::string QuoteQualified(absl::string_view schema, absl::string_view name) {
  return absl::StrCat(QuoteIdentifier(schema), ".", QuoteIdentifier(name));
}

std::string QuoteLiteral(absl::string_view text) {
  if (text.find('\\') == absl::string_view::npos) return QuoteWith('\'', text);
  std::string doubled;
  for (const char c : text) {
    if (c == '\\') doubled.push_back('\\');
    doubled.push_back(c);
  }
  return absl::StrCat("E", QuoteWith('\'', doubled));
}

std::string QuoteSqliteIdentifier(absl::string_view name) { return QuoteWith('"', name); }

void ReserveForRest(size_t begin, size_t done, size_t total, size_t after_bytes,
                    std::string* text) {
  // Fewer tell too little of the others, and are short.
  constexpr size_t kToldMin = 64;
  if (done < kToldMin || done >= total) return;
  const size_t each = (text->size() - begin) / done + 1;
  if (text->capacity() - text->size() > 4 * each + after_bytes) return;
  // reserve() of a string that has some memory doubles it at least.
  std::string larger;
  larger.reserve(text->size() + (total - done) * (each + each / 32) + 8 * each + after_bytes);
  larger = *text;
  *text = std::move(larger);
}

std::string FormatCount(uint64_t n) {
  std::string digits = absl::StrCat(n);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, 1, ',');
  return digits;
}

std::string FormatBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1024 && unit < 6) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string FormatSeconds(double seconds) {
  char text[48];
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (seconds < 10) {
    std::snprintf(text, sizeof(text), "%.2f s", seconds);
  } else if (whole < 60) {
    std::snprintf(text, sizeof(text), "%.1f s", seconds);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof(text), "%dm %02ds", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(text, sizeof(text), "%lldh %02dm", static_cast<long long>(whole / 3600),
                  static_cast<int>(whole % 3600 / 60));
  }
  return text;
}

}  // namespace lite2pg
