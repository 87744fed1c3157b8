#include "tools/cli/option_values.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

absl::Status Bad(absl::string_view value, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", EscapeForMessage(value), "\" ", why));
}

struct Unit {
  absl::string_view name;
  uint64_t bytes;
};
constexpr Unit kUnits[] = {
    {"", 1},           {"b", 1},
    {"k", 1000},       {"kb", 1000},
    {"kib", 1 << 10},  {"m", 1'000'000},
    {"mb", 1'000'000}, {"mib", 1 << 20},
    {"g", 1'000'000'000}, {"gb", 1'000'000'000},
    {"gib", 1 << 30},  {"t", 1'000'000'000'000},
    {"tb", 1'000'000'000'000}, {"tib", uint64_t{1} << 40}};

// Takes one name off the front of `text`: quoted, or up to the first character of `ends`.
absl::StatusOr<std::string> TakeName(absl::string_view ends, absl::string_view* text) {
  std::string name;
  if (!absl::ConsumePrefix(text, "\"")) {
    const size_t end = std::min(text->find_first_of(ends), text->size());
    name = std::string(text->substr(0, end));
    text->remove_prefix(end);
    return name;
  }
  while (!text->empty()) {
    const char c = text->front();
    text->remove_prefix(1);
    if (c != '"') {
      name.push_back(c);
    } else if (absl::ConsumePrefix(text, "\"")) {
      name.push_back('"');
    } else {
      return name;
    }
  }
  return absl::InvalidArgumentError("a double quote is not closed");
}

// Splits the part before VALUE. Without quotes a table's name may hold dots: the last one divides.
absl::StatusOr<ColumnPath> TakeColumnPath(absl::string_view whole, absl::string_view* text) {
  ColumnPath path;
  constexpr absl::string_view kForm =
      "is not TABLE.COLUMN (names with dots or signs go in double quotes)";
  if (!absl::StartsWith(*text, "\"")) {
    const size_t end = std::min(text->find_first_of("=\""), text->size());
    const size_t dot = text->substr(0, end).rfind('.');
    if (dot == absl::string_view::npos) return Bad(whole, kForm);
    path.table = std::string(text->substr(0, dot));
    text->remove_prefix(dot);
  } else {
    ASSIGN_OR_RETURN(path.table, TakeName(".=", text));
  }
  if (!absl::ConsumePrefix(text, ".")) return Bad(whole, kForm);
  ASSIGN_OR_RETURN(path.column, TakeName("=", text));
  if (path.table.empty() || path.column.empty()) return Bad(whole, kForm);
  return path;
}

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  constexpr absl::string_view kForm = "is not a size such as 256MiB, 1GB or a number of bytes";
  const size_t digits_end = std::min(text.find_first_not_of("0123456789"), text.size());
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text.substr(0, digits_end), &number)) return Bad(text, kForm);
  const absl::string_view unit = absl::StripLeadingAsciiWhitespace(text.substr(digits_end));
  for (const Unit& known : kUnits) {
    if (!absl::EqualsIgnoreCase(unit, known.name)) continue;
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(number, known.bytes, &bytes)) return Bad(text, "is too large");
    return bytes;
  }
  return Bad(text, kForm);
}

absl::StatusOr<int64_t> ParseWhole(absl::string_view text, int64_t least, int64_t most) {
  int64_t number = 0;
  const bool plain = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!plain || !absl::SimpleAtoi(text, &number) || number < least || number > most) {
    return Bad(text, absl::StrCat("is not a whole number from ", least, " to ", most));
  }
  return number;
}

absl::Status ParseMaxRejects(absl::string_view text, LoadPolicy* policy) {
  absl::string_view number = text;
  if (!absl::ConsumeSuffix(&number, "%")) {
    auto rows = ParseWhole(text, 0, INT64_MAX);
    if (!rows.ok()) return Bad(text, "is neither a number of rows nor a percentage such as 2.5%");
    policy->max_rejects_rows = static_cast<uint64_t>(*rows);
    policy->max_rejects_percent = -1;
    return absl::OkStatus();
  }
  double percent = 0;
  const bool plain = !number.empty() && number.find_first_not_of("0123456789.") == number.npos;
  if (!plain || !absl::SimpleAtod(number, &percent) || !(percent >= 0 && percent <= 100)) {
    return Bad(text, "is not a percentage from 0% to 100%");
  }
  // A percentage replaces the limit in rows; with both, the smaller would win unasked.
  policy->max_rejects_rows = UINT64_MAX;
  policy->max_rejects_percent = percent;
  return absl::OkStatus();
}

absl::StatusOr<ColumnPath> ParseColumnPath(absl::string_view text) {
  absl::string_view rest = text;
  ASSIGN_OR_RETURN(ColumnPath path, TakeColumnPath(text, &rest));
  if (!rest.empty()) return Bad(text, "is not TABLE.COLUMN");
  return path;
}

absl::StatusOr<Assignment> ParseColumnAssignment(absl::string_view text) {
  absl::string_view rest = text;
  Assignment assignment;
  ASSIGN_OR_RETURN(assignment.path, TakeColumnPath(text, &rest));
  if (!absl::ConsumePrefix(&rest, "=")) return Bad(text, "is not TABLE.COLUMN=VALUE");
  assignment.value = std::string(rest);
  return assignment;
}

absl::StatusOr<TableAssignment> ParseTableAssignment(absl::string_view text) {
  absl::string_view rest = text;
  TableAssignment assignment;
  ASSIGN_OR_RETURN(assignment.table, TakeName("=", &rest));
  if (assignment.table.empty() || !absl::ConsumePrefix(&rest, "=") ||
      absl::StripAsciiWhitespace(rest).empty()) {
    return Bad(text, "is not TABLE=CONDITION");
  }
  assignment.value = std::string(rest);
  return assignment;
}

absl::StatusOr<std::vector<std::string>> ParseNameList(absl::string_view text) {
  std::vector<std::string> names;
  absl::string_view rest = text;
  while (true) {
    ASSIGN_OR_RETURN(std::string name, TakeName(",", &rest));
    if (name.empty()) return Bad(text, "has an empty name; write TABLE,TABLE,...");
    names.push_back(std::move(name));
    if (rest.empty()) return names;
    if (!absl::ConsumePrefix(&rest, ",")) return Bad(text, "has something behind a closing quote");
  }
}

absl::StatusOr<FillValue> ParseFill(absl::string_view text) {
  FillValue fill;
  fill.is_expression = absl::ConsumePrefix(&text, "sql:");
  fill.text = std::string(text);
  if (fill.is_expression && absl::StripAsciiWhitespace(text).empty()) {
    return absl::InvalidArgumentError("sql: is not followed by an expression");
  }
  return fill;
}

absl::Status CheckGlob(absl::string_view glob) {
  if (glob.empty()) return absl::InvalidArgumentError("an empty pattern matches no table");
  bool in_brackets = false;
  for (const char c : glob) in_brackets = in_brackets ? c != ']' : c == '[';
  return in_brackets ? Bad(glob, "has a bracket that is not closed") : absl::OkStatus();
}

}  // namespace lite2pg
