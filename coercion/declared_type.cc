#include "coercion/declared_type.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace lite2pg {
namespace {

// A row matches the whole name or its first words.
constexpr DeclaredTypeRow kRows[] = {
    {"TIMESTAMP WITH TIME ZONE", DeclaredFamily::kTimestamptz},
    {"TIMESTAMPTZ", DeclaredFamily::kTimestamptz},
    {"DATETIMEOFFSET", DeclaredFamily::kTimestamptz},
    {"TIMESTAMP", DeclaredFamily::kTimestamp},
    {"DATETIME", DeclaredFamily::kTimestamp},
    {"DATETIME2", DeclaredFamily::kTimestamp},
    {"SMALLDATETIME", DeclaredFamily::kTimestamp},
    {"DATE", DeclaredFamily::kDate},
    {"TIME", DeclaredFamily::kTime},
    {"BOOL", DeclaredFamily::kBoolean},
    {"BOOLEAN", DeclaredFamily::kBoolean},
    {"JSON", DeclaredFamily::kJson},
    {"JSONB", DeclaredFamily::kJson},
    {"UUID", DeclaredFamily::kUuid},
    {"GUID", DeclaredFamily::kUuid},
    {"UNIQUEIDENTIFIER", DeclaredFamily::kUuid},
    {"NUMERIC", DeclaredFamily::kNumeric},
    {"DECIMAL", DeclaredFamily::kNumeric},
    {"DEC", DeclaredFamily::kNumeric},
    {"NUMBER", DeclaredFamily::kNumeric},
    {"MONEY", DeclaredFamily::kNumeric},
    {"SMALLMONEY", DeclaredFamily::kNumeric},
    {"CURRENCY", DeclaredFamily::kNumeric},
    {"SERIAL", DeclaredFamily::kInteger},
    {"BIGSERIAL", DeclaredFamily::kInteger},
    {"ANY", DeclaredFamily::kNone},
};

// SQLite's rules 1 to 5, in their order.
DeclaredFamily ByAffinity(absl::string_view upper) {
  if (upper.empty()) return DeclaredFamily::kNone;
  if (absl::StrContains(upper, "INT")) return DeclaredFamily::kInteger;
  if (absl::StrContains(upper, "CHAR")) return DeclaredFamily::kVarchar;
  if (absl::StrContains(upper, "CLOB") || absl::StrContains(upper, "TEXT")) {
    return DeclaredFamily::kText;
  }
  if (absl::StrContains(upper, "BLOB")) return DeclaredFamily::kBlob;
  if (absl::StrContains(upper, "REAL") || absl::StrContains(upper, "FLOA") ||
      absl::StrContains(upper, "DOUB")) {
    return DeclaredFamily::kReal;
  }
  return DeclaredFamily::kUnknown;
}

DeclaredFamily FamilyOf(absl::string_view words) {
  for (const DeclaredTypeRow& row : kRows) {
    if (!absl::StartsWith(words, row.words)) continue;
    if (words.size() == row.words.size() || words[row.words.size()] == ' ') return row.family;
  }
  return ByAffinity(words);
}

}  // namespace

absl::Span<const DeclaredTypeRow> DeclaredTypeRows() { return kRows; }

DeclaredType ParseDeclaredType(absl::string_view declared) {
  const std::string upper = absl::AsciiStrToUpper(declared);
  const size_t open = upper.find('(');
  absl::string_view arguments;
  std::string name = upper.substr(0, open);
  if (open != std::string::npos) {
    const size_t close = upper.find(')', open);
    arguments = absl::string_view(upper).substr(
        open + 1, close == std::string::npos ? absl::string_view::npos : close - open - 1);
    if (close != std::string::npos) name.append(" ").append(upper, close + 1);
  }
  const std::string words =
      absl::StrJoin(absl::StrSplit(name, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty()), " ");

  DeclaredType out;
  out.family = FamilyOf(words);
  const std::vector<absl::string_view> parts = absl::StrSplit(arguments, ',');
  int first = -1, second = -1;
  const bool has_first = !arguments.empty() && absl::SimpleAtoi(parts[0], &first);
  const bool has_second = parts.size() == 2 && absl::SimpleAtoi(parts[1], &second);
  if (out.family == DeclaredFamily::kVarchar) {
    // PostgreSQL: MaxAttrSize, 10485760 characters (src/include/access/htup_details.h).
    const bool usable = has_first && parts.size() == 1 && first > 0 && first <= 10'485'760;
    if (usable) out.length = first;
    if (!usable) out.family = DeclaredFamily::kText;
  } else if (out.family == DeclaredFamily::kNumeric && has_first) {
    const int scale = has_second ? second : 0;
    // PostgreSQL: NUMERIC_MAX_PRECISION (src/include/utils/numeric.h).
    if ((parts.size() == 1 || has_second) && first >= 1 && first <= 1000 && scale >= 0 &&
        scale <= first) {
      out.precision = first;
      out.scale = scale;
    }
  }
  return out;
}

}  // namespace lite2pg
