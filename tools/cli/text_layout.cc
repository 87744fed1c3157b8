#include "tools/cli/text_layout.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/utf8.h"

namespace lite2pg {
namespace {

constexpr int kWidthMin = 20;
constexpr int kWidthElsewhere = 80;
// A name cut below this says nothing any more; other columns go first.
constexpr size_t kFlexibleMin = 12;
constexpr size_t kFlexibleLeast = 4;  // when no column is left to go
constexpr size_t kIndent = 2;
constexpr size_t kHangingMin = 8;  // columns that text needs beside its label
constexpr size_t kGap = 2;

struct Range {
  uint32_t first, last;
};
// Combining marks and variation selectors: no column of their own (Unicode general category Mn).
constexpr Range kZeroWidth[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                                {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0900, 0x0902},
                                {0x0941, 0x0948}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},
                                {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF},
                                {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF}};
// East Asian Wide and Fullwidth (Unicode EastAsianWidth.txt), emoji included.
constexpr Range kDoubleWidth[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x2705, 0x2705},
    {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},   {0x2795, 0x2797},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF}, {0x1B000, 0x1B2FF}, {0x1F004, 0x1F004},
    {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF},
    {0x20000, 0x3FFFD}};

template <size_t N>
bool IsIn(const Range (&ranges)[N], uint32_t c) {
  const Range* const at = std::lower_bound(
      ranges, ranges + N, c, [](const Range& range, uint32_t value) { return range.last < value; });
  return at != ranges + N && c >= at->first;
}

size_t WidthOf(uint32_t c) {
  if (c < 0x300) return 1;
  return IsIn(kZeroWidth, c) ? 0 : IsIn(kDoubleWidth, c) ? 2 : 1;
}

// Bytes at the start of `text` that fit into `width` columns.
size_t BytesThatFit(absl::string_view text, size_t width) {
  size_t at = 0, used = 0;
  while (at < text.size()) {
    uint32_t c = 0;
    const size_t length = std::max<size_t>(1, DecodeCodePoint(text.substr(at), &c));
    const size_t columns = WidthOf(c);
    if (used + columns > width) break;
    used += columns;
    at += length;
  }
  return at;
}

std::string Ascii(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    uint32_t c = 0;
    const size_t length = std::max<size_t>(1, DecodeCodePoint(text, &c));
    if (length == 1) {
      out.push_back(text[0]);
    } else {
      absl::StrAppend(&out, "\\u{", absl::Hex(c), "}");
    }
    text.remove_prefix(length);
  }
  return out;
}

// The locale that decides about characters, by the rule of setlocale(3).
bool LocaleIsUtf8(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = environment(name);
    if (value == nullptr || value[0] == '\0') continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return absl::StrContains(lower, "utf-8") || absl::StrContains(lower, "utf8");
  }
  return false;
}

}  // namespace

Style ResolveStyle(bool is_terminal, int columns, bool no_color, const Environment& environment) {
  const char* const term = environment("TERM");
  const bool dumb = term == nullptr || term[0] == '\0' || absl::string_view(term) == "dumb";
  const char* const no_color_wish = environment("NO_COLOR");
  Style style;
  style.width = is_terminal && columns > 0 ? std::max(columns, kWidthMin) : kWidthElsewhere;
  style.utf8 = LocaleIsUtf8(environment);
  style.terminal = is_terminal && !dumb;
  // https://no-color.org: any value but the empty one.
  const bool refused = no_color || (no_color_wish != nullptr && no_color_wish[0] != '\0');
  style.color = style.terminal && !refused;
  return style;
}

std::string Paint(Color color, absl::string_view text, const Style& style) {
  if (!style.color || color == Color::kNone || text.empty()) return std::string(text);
  const char* code = "";
  switch (color) {
    case Color::kNone: break;
    case Color::kBold: code = "1"; break;
    case Color::kDim: code = "2"; break;
    case Color::kRed: code = "31"; break;
    case Color::kGreen: code = "32"; break;
    case Color::kYellow: code = "33"; break;
    case Color::kCyan: code = "36"; break;
  }
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    uint32_t c = 0;
    const size_t length = std::max<size_t>(1, DecodeCodePoint(text, &c));
    width += WidthOf(c);
    text.remove_prefix(length);
  }
  return width;
}

std::string Shown(absl::string_view untrusted, const Style& style) {
  std::string safe = SafeSentence(untrusted);
  return style.utf8 ? safe : Ascii(safe);
}

std::string ShownName(absl::string_view untrusted, const Style& style) {
  std::string safe = EscapeName(untrusted);
  return style.utf8 ? safe : Ascii(safe);
}

std::string Cut(absl::string_view text, size_t width, const Style& style) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const absl::string_view ellipsis = style.utf8 ? "\xe2\x80\xa6" : "..";
  const size_t room = width - std::min(width, DisplayWidth(ellipsis));
  return absl::StrCat(text.substr(0, BytesThatFit(text, room)), ellipsis);
}

std::string PadRight(absl::string_view text, size_t width) {
  const size_t used = DisplayWidth(text);
  return absl::StrCat(text, std::string(width - std::min(width, used), ' '));
}

std::string PadLeft(absl::string_view text, size_t width) {
  const size_t used = DisplayWidth(text);
  return absl::StrCat(std::string(width - std::min(width, used), ' '), text);
}

std::vector<std::string> Wrap(absl::string_view text, size_t width) {
  width = std::max<size_t>(width, 8);
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    absl::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && DisplayWidth(line) + 1 + DisplayWidth(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line.push_back(' ');
    while (DisplayWidth(word) > width) {
      const size_t bytes = BytesThatFit(word, width);
      lines.emplace_back(word.substr(0, bytes));
      word.remove_prefix(bytes);
    }
    absl::StrAppend(&line, word);
  }
  if (!line.empty() || lines.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string Hanging(absl::string_view label, absl::string_view text, const Style& style) {
  const size_t width = static_cast<size_t>(style.width);
  size_t indent = DisplayWidth(label);
  std::string out(label);
  if (indent + kHangingMin > width) {
    // No room beside the label: the text goes below it.
    out.clear();
    for (const std::string& line : Wrap(label, width)) absl::StrAppend(&out, line, "\n");
    indent = kIndent * 2;
    out.append(indent, ' ');
  }
  bool first = true;
  for (const std::string& line : Wrap(text, width - indent)) {
    if (!first) out.append(indent, ' ');
    absl::StrAppend(&out, line, "\n");
    first = false;
  }
  return out;
}

std::string TextTable::Render(const Style& style) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  std::vector<bool> shown(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    shown[i] = widths[i] > 0;  // nothing to say in any row
    widths[i] = std::max(widths[i], DisplayWidth(columns_[i].title));
  }
  const auto total = [&] {
    size_t sum = kIndent;
    for (size_t i = 0; i < columns_.size(); ++i) sum += shown[i] ? widths[i] + kGap : 0;
    return sum - kGap;
  };
  const size_t room = static_cast<size_t>(style.width);
  const auto shrink = [&](size_t flexible_min) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!shown[i] || !columns_[i].flexible || total() <= room) continue;
      const size_t over = total() - room;
      const size_t least = std::min(widths[i], flexible_min);
      widths[i] = std::max(least, widths[i] - std::min(widths[i], over));
    }
  };
  const std::vector<size_t> natural = widths;
  for (shrink(kFlexibleMin); total() > room; shrink(kFlexibleMin)) {
    size_t victim = columns_.size();
    for (size_t i = 0; i < columns_.size(); ++i) {
      const bool worse = victim == columns_.size() || columns_[i].drop > columns_[victim].drop;
      if (shown[i] && columns_[i].drop > 0 && worse) victim = i;
    }
    if (victim == columns_.size()) break;
    shown[victim] = false;
    widths = natural;  // what was dropped may leave room for whole names
  }
  shrink(kFlexibleLeast);
  std::string out;
  const auto line = [&](const auto& text_of, const auto& color_of) {
    std::string one(kIndent, ' ');
    size_t pending = 0;  // no blanks at the end of a line
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!shown[i]) continue;
      const std::string text = Cut(text_of(i), widths[i], style);
      const size_t fill = widths[i] - std::min(widths[i], DisplayWidth(text));
      if (columns_[i].right) pending += fill;
      if (!text.empty()) {
        one.append(pending, ' ');
        one += Paint(color_of(i), text, style);
        pending = 0;
      }
      pending += (columns_[i].right ? (text.empty() ? widths[i] - fill : 0) : fill) + kGap;
    }
    out += one + "\n";
  };
  line([&](size_t i) { return columns_[i].title; }, [](size_t) { return Color::kDim; });
  for (const std::vector<Cell>& row : rows_) {
    line([&](size_t i) { return i < row.size() ? row[i].text : std::string(); },
         [&](size_t i) { return i < row.size() ? row[i].color : Color::kNone; });
  }
  return out;
}

}  // namespace lite2pg
