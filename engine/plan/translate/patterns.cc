#include "engine/plan/translate/patterns.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/plan/translate/typed_sql.h"

namespace lite2pg {
namespace {

void AppendLikeLiteral(char c, std::string* out) {
  if (c == '%' || c == '_' || c == '\\') out->push_back('\\');
  out->push_back(c);
}

// A character that stands for itself in an advanced regular expression, inside a set or outside:
// ASCII punctuation after a backslash always does (PostgreSQL: regc_lex.c, lexescape).
void AppendRegexLiteral(absl::string_view character, std::string* out) {
  const char c = character[0];
  if (absl::ascii_ispunct(c)) out->push_back('\\');
  absl::StrAppend(out, character);
}

// The bytes of the character at the front. REQUIRES: valid UTF-8, not empty.
absl::string_view FirstCharacter(absl::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return text.substr(0, size);
}

// Reads the set whose opening bracket has been taken, as patternCompare() of SQLite's func.c does:
// a first ^ inverts, a first ] is literal, a-b is a range, a - at either end is literal.
absl::Status AppendSet(absl::string_view* rest, std::string* out) {
  out->push_back('[');
  if (!rest->empty() && rest->front() == '^') {
    out->push_back('^');
    rest->remove_prefix(1);
  }
  bool first = true;
  std::string previous;  // may begin a range
  while (true) {
    if (rest->empty()) return Refuse("a GLOB pattern with an unclosed set");
    const std::string c(FirstCharacter(*rest));
    rest->remove_prefix(c.size());
    if (c == "]" && !first) break;
    const bool leading_bracket = c == "]";
    first = false;
    const bool range = c == "-" && !previous.empty() && !rest->empty() && rest->front() != ']';
    if (!range) {
      AppendRegexLiteral(c, out);
      // SQLite begins no range with a leading bracket.
      previous = leading_bracket ? "" : c;
      continue;
    }
    const std::string last(FirstCharacter(*rest));
    rest->remove_prefix(last.size());
    // UTF-8 orders as code points do. SQLite lets a reversed range match nothing.
    if (last < previous) return Refuse("a GLOB pattern with a reversed range");
    out->push_back('-');
    AppendRegexLiteral(last, out);
    // The end of a range begins no other.
    previous.clear();
  }
  out->push_back(']');
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LikePattern> TranslateLike(absl::string_view pattern,
                                          const std::optional<std::string>& escape) {
  if (escape.has_value() && (escape->size() != 1 || *escape == "%" || *escape == "_")) {
    return Refuse("an ESCAPE other than one ASCII character, or a wildcard");
  }
  LikePattern result;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    const bool escaped = escape.has_value() && c == (*escape)[0];
    if (escaped) {
      if (++i == pattern.size()) return Refuse("a LIKE pattern that ends in its escape character");
      c = pattern[i];
    }
    if (absl::ascii_isalpha(c)) {
      result.fold = true;
      c = absl::ascii_tolower(c);
    }
    if (!escaped && (c == '%' || c == '_')) {
      result.pattern.push_back(c);
    } else {
      AppendLikeLiteral(c, &result.pattern);
    }
  }
  return result;
}

absl::StatusOr<GlobPattern> TranslateGlob(absl::string_view pattern) {
  GlobPattern result;
  if (pattern.find('[') == absl::string_view::npos) {
    for (const char c : pattern) {
      if (c == '*') {
        result.pattern.push_back('%');
      } else if (c == '?') {
        result.pattern.push_back('_');
      } else {
        AppendLikeLiteral(c, &result.pattern);
      }
    }
    return result;
  }
  result.regular_expression = true;
  // The anchors come first, so no pattern can begin with *** or (?, which would set options.
  result.pattern = "^";
  absl::string_view rest = pattern;
  while (!rest.empty()) {
    const std::string c(FirstCharacter(rest));
    rest.remove_prefix(c.size());
    if (c == "*") {
      result.pattern += ".*";
    } else if (c == "?") {
      result.pattern += ".";
    } else if (c == "[") {
      RETURN_IF_ERROR(AppendSet(&rest, &result.pattern));
    } else {
      AppendRegexLiteral(c, &result.pattern);
    }
  }
  result.pattern += "$";
  return result;
}

}  // namespace lite2pg
