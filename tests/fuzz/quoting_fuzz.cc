// Names and texts of a hostile schema: whatever they hold, what we print of them is one token that
// means just that, and a terminal shows them without obeying them.
#include <optional>
#include <string>
#include <vector>

#include "coercion/utf8.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/identifier.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sql_lexer.h"

namespace lite2pg {
namespace {

void CheckQuoted(const std::string& quoted, absl::string_view meant, absl::string_view what) {
  absl::string_view rest = quoted;
  std::string value;
  Require(TakeQuoted(&rest, &value) && rest.empty() && value == meant, what, quoted);
}

void CheckIdentifier(absl::string_view name) {
  const std::string target = TargetIdentifier(name);
  Require(!target.empty() && target.size() <= 63, "not a length of an identifier", target);
  Require(CheckText(target) == Outcome::kOk, "an identifier is not text", name);
  Require(TargetIdentifier(name) == target, "two results for one name", name);
  CheckQuoted(QuoteIdentifier(target), target, "a quoted identifier means something else");
}

void CheckMessage(absl::string_view bytes) {
  const std::string shown = EscapeForMessage(bytes, 1'000);
  Require(CheckText(shown) == Outcome::kOk, "a message is not text", bytes);
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto c = static_cast<unsigned char>(shown[i]);
    Require(c >= 0x20 && c != 0x7f, "a message holds a control character", bytes);
    const absl::string_view three = absl::string_view(shown).substr(i, 3);
    Require(!(c == 0xc2 && static_cast<unsigned char>(shown[i + 1]) < 0xa0), "C1", bytes);
    for (const absl::string_view bidi :
         {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
          "\u200e", "\u200f", "\u2028", "\u2029"}) {
      Require(three != bidi, "a message turns the direction of text", bytes);
    }
  }
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lite2pg;
  FuzzInput input(data, size);
  const absl::string_view bytes = input.Rest();
  CheckIdentifier(bytes);
  CheckMessage(bytes);
  CheckMessage(EscapeName(bytes));
  if (bytes.find('\0') != absl::string_view::npos) return 0;
  CheckQuoted(QuoteLiteral(bytes), bytes, "a literal means something else");
  if (!bytes.empty()) {
    CheckQuoted(QuoteIdentifier(bytes), bytes, "an identifier means something else");
    CheckQuoted(QuoteSqliteIdentifier(bytes), bytes, "an SQLite identifier means something else");
  }
  const std::vector<std::string> elements = {std::string(bytes), "", "NULL"};
  std::vector<std::optional<std::string>> parsed;
  Require(ParseArray(FormatArray(elements), &parsed) && parsed.size() == 3 && parsed[0] == bytes,
          "an array's element changed", bytes);
  parsed.clear();
  ParseArray(bytes, &parsed);
  return 0;
}
