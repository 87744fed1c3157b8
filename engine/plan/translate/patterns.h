// LIKE and GLOB patterns of SQLite as patterns of PostgreSQL; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_PATTERNS_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_PATTERNS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

struct LikePattern {
  std::string pattern;   // for LIKE with its default escape character, the backslash
  bool fold = false;     // holds ASCII letters, now lower-case: fold the value the same way
};

// SQLite's LIKE ignores the case of A to Z and of nothing else. `escape`: the ESCAPE character.
// REQUIRES: `pattern` is valid UTF-8.
absl::StatusOr<LikePattern> TranslateLike(absl::string_view pattern,
                                          const std::optional<std::string>& escape);

struct GlobPattern {
  bool regular_expression = false;  // for ~ under COLLATE "C"; otherwise for LIKE
  std::string pattern;
};

// GLOB is case-sensitive: *, ? and [...] with ranges and ^. Refuses sets that SQLite matches in a
// way of its own (reversed ranges, unclosed sets).
absl::StatusOr<GlobPattern> TranslateGlob(absl::string_view pattern);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_PATTERNS_H_
