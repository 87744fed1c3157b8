// "Did you mean ...?"
#ifndef LITE2PG_ENGINE_BASE_SUGGEST_H_
#define LITE2PG_ENGINE_BASE_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lite2pg {

// Insertions, deletions, replacements and swaps of neighbours between the two, ASCII case aside.
int EditDistance(absl::string_view a, absl::string_view b);

// The candidate nearest to `word`, or "" when none is near enough to be what was meant.
std::string NearestOf(absl::string_view word, const std::vector<std::string>& candidates);

// "; did you mean X?", or "".
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_SUGGEST_H_
