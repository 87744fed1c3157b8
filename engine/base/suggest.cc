#include "engine/base/suggest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

// Longer words are not typing mistakes, and the table below grows with the square.
constexpr size_t kWordMax = 64;

}  // namespace

int EditDistance(absl::string_view a, absl::string_view b) {
  if (a.size() > kWordMax || b.size() > kWordMax) return static_cast<int>(kWordMax);
  // Row i holds the distances of a's first i characters to every prefix of b.
  std::vector<int> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const auto lower = [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); };
      const int replace = last[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string NearestOf(absl::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  int best_distance = static_cast<int>(kWordMax);
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    if (distance < best_distance) best_distance = distance, best = candidate;
  }
  // A third of the word may be wrong, but a short word needs at least one slip to be allowed.
  const int allowed = std::max(1, static_cast<int>(word.size()) / 3);
  if (best_distance <= allowed) return best;
  // A word that was cut short or written out: --stream, --report-file.
  for (const std::string& candidate : candidates) {
    const bool one_begins_other =
        absl::StartsWithIgnoreCase(candidate, word) || absl::StartsWithIgnoreCase(word, candidate);
    if (word.size() >= 3 && candidate.size() >= 3 && one_begins_other) return candidate;
  }
  return "";
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates) {
  const std::string nearest = NearestOf(word, candidates);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?");
}

}  // namespace lite2pg
