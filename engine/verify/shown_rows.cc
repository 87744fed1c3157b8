#include "engine/verify/shown_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// What is kept of one row: a hundred of them take 25 MiB at most.
constexpr size_t kKeptRowBytes = size_t{256} << 10;
constexpr size_t kKeptValueBytesMin = 128;
constexpr size_t kKeptValueBytesMax = 4096;
// What a line of output shows of a value, and of a row or key.
constexpr size_t kShownValueBytes = 80;
constexpr size_t kShownBeforeBytes = 24;   // before the first difference
constexpr size_t kShownRowBytes = 200;
constexpr size_t kShownHexBytes = 8;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Part of `text` from about `from`, at character borders, with dots where something was left out.
std::string Window(const std::string& text, size_t from) {
  size_t begin = std::min(from, text.size());
  while (begin > 0 && begin < text.size() && IsContinuation(text[begin])) --begin;
  size_t end = std::min(text.size(), begin + kShownValueBytes);
  while (end < text.size() && end > begin && IsContinuation(text[end])) --end;
  return absl::StrCat(begin > 0 ? "..." : "",
                      EscapeForMessage(absl::string_view(text).substr(begin, end - begin),
                                       kShownValueBytes + 1),
                      end < text.size() ? "..." : "");
}

std::string HexAt(const std::string& text, size_t at) {
  const absl::string_view rest =
      absl::string_view(text).substr(std::min(at, text.size())).substr(0, kShownHexBytes);
  return absl::StrCat(" (byte ", at, ": ", rest.empty() ? "end" : absl::BytesToHexString(rest),
                      ")");
}

// "id=9" before "id=10": numbers by their value.
bool KeyLess(const std::string& a, const std::string& b) {
  if (a.size() == b.size()) return a < b;
  const size_t same = static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(std::min(a.size(), b.size())),
                    b.begin())
          .first -
      a.begin());
  const auto digits = [&](const std::string& s) {
    size_t n = 0;
    while (same + n < s.size() && s[same + n] >= '0' && s[same + n] <= '9') ++n;
    return n;
  };
  const size_t digits_a = digits(a), digits_b = digits(b);
  return digits_a != digits_b ? digits_a < digits_b : a < b;
}

}  // namespace

void ShortenPair(const std::string& a, const std::string& b, std::string* shown_a,
                 std::string* shown_b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t at = 0;
  while (at < shorter && a[at] == b[at]) ++at;
  const bool fits = std::max(a.size(), b.size()) <= kShownValueBytes;
  const size_t from = fits || at < kShownBeforeBytes ? 0 : at - kShownBeforeBytes;
  *shown_a = Window(a, from);
  *shown_b = Window(b, from);
  // What may look alike: other characters, or a difference beyond what was kept.
  const auto plain = [&](const std::string& s) {
    return at >= s.size() || (s[at] > 0x20 && s[at] < 0x7f);
  };
  if (a == b) {
    const std::string note = absl::StrCat(" (differs after the first ", a.size(), " bytes)");
    *shown_a += note;
    *shown_b += note;
  } else if (!plain(a) || !plain(b)) {
    *shown_a += HexAt(a, at);
    *shown_b += HexAt(b, at);
  }
}

void ShownRows::Add(DifferenceKind kind, bool from_a, const Hash128& key, const ComparedRow& row) {
  Kept kept;
  kept.kind = kind;
  const size_t columns = std::max<size_t>(table_.columns.size(), 1);
  const size_t bytes_max =
      std::clamp(kKeptRowBytes / columns, kKeptValueBytesMin, kKeptValueBytesMax);
  absl::string_view rest = row.fields, field;
  for (size_t i = 0; i < table_.columns.size() && NextField(&rest, &field); ++i) {
    kept.hashes.push_back(Hash128::Of(field));
    kept.values.push_back(row.presenter->Show(i, bytes_max));
  }
  (from_a ? of_a_ : of_b_)[key].push_back(std::move(kept));
}

std::string ShownRows::KeyText(const Kept& row) const {
  if (table_.key.empty()) return RowText(row);
  std::vector<std::string> parts;
  for (const size_t column : table_.key) {
    parts.push_back(absl::StrCat(EscapeForMessage(table_.columns[column]), "=",
                                 EscapeForMessage(row.values[column], kShownValueBytes)));
  }
  return absl::StrJoin(parts, ", ");
}

std::string ShownRows::RowText(const Kept& row) const {
  std::string text;
  for (size_t i = 0; i < row.values.size(); ++i) {
    const std::string part =
        absl::StrCat(i == 0 ? "" : ", ", EscapeForMessage(table_.columns[i]), "=",
                     EscapeForMessage(row.values[i], kShownValueBytes));
    if (!text.empty() && text.size() + part.size() > kShownRowBytes) {
      text += ", ...";
      break;
    }
    text += part;
  }
  return text;
}

void ShownRows::Compare(const Kept& a, const Kept& b, std::vector<DifferenceReport>* out) const {
  for (size_t i = 0; i < a.hashes.size() && i < b.hashes.size(); ++i) {
    if (a.hashes[i] == b.hashes[i]) continue;
    DifferenceReport difference;
    difference.kind = std::string(kDifferenceKindNames[size_t(DifferenceKind::kChanged)]);
    difference.key = KeyText(a);
    difference.column = table_.columns[i];
    ShortenPair(a.values[i], b.values[i], &difference.source, &difference.target);
    out->push_back(std::move(difference));
  }
}

std::vector<DifferenceReport> ShownRows::Finish() const {
  std::vector<DifferenceReport> shown;
  const auto alone = [&](const Kept& row, bool from_a) {
    DifferenceReport difference;
    difference.kind = std::string(kDifferenceKindNames[static_cast<size_t>(row.kind)]);
    difference.key = KeyText(row);
    (from_a ? difference.source : difference.target) = RowText(row);
    shown.push_back(std::move(difference));
  };
  const auto is_changed = [](const Kept& row) { return row.kind == DifferenceKind::kChanged; };
  for (const auto& [key, rows] : of_a_) {
    std::vector<const Kept*> partners;
    if (const auto found = of_b_.find(key); found != of_b_.end()) {
      for (const Kept& row : found->second) {
        if (is_changed(row)) partners.push_back(&row);
      }
    }
    size_t next = 0;
    for (const Kept& row : rows) {
      if (is_changed(row) && next < partners.size()) {
        Compare(row, *partners[next++], &shown);
      } else {
        alone(row, true);
      }
    }
  }
  for (const auto& [key, rows] : of_b_) {
    for (const Kept& row : rows) {
      if (!is_changed(row)) alone(row, false);
    }
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const DifferenceReport& a, const DifferenceReport& b) {
                     return KeyLess(a.key, b.key);
                   });
  return shown;
}

}  // namespace lite2pg
