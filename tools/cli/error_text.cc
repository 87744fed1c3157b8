// Errors for people: what failed, where, the value, why, and what to do about it.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/text.h"
#include "tools/cli/report_text.h"

namespace lite2pg {
namespace {

void Field(absl::string_view label, const std::string& text, const Style& style, std::string* out) {
  if (text.empty()) return;
  absl::StrAppend(out, Hanging(absl::StrCat("  ", PadRight(label, 6), " : "), text, style));
}

std::string Where(const ErrorInfo& error, const Style& style) {
  if (error.table.empty()) return ShownName(error.column, style);
  if (error.column.empty()) return ShownName(error.table, style);
  return absl::StrCat(ShownName(error.table, style), ".", ShownName(error.column, style));
}

// The server's words, with the SQLSTATE in front when they do not hold it already. libpq breaks
// and indents its lines for another width than ours.
std::string Server(const ErrorInfo& error) {
  const std::string words =
      absl::StrReplaceAll(error.server, {{"\n\t", " "}, {"\n", " "}, {"\t", " "}});
  if (error.sqlstate.empty() || absl::StrContains(words, error.sqlstate)) return words;
  return words.empty() ? absl::StrCat("SQLSTATE ", error.sqlstate)
                       : absl::StrCat(error.sqlstate, ": ", words);
}

}  // namespace

std::string ErrorText(const ErrorInfo& error, const Style& style) {
  // The headline is painted after it was laid out: colours must not count as width.
  const std::string label = absl::StrCat("error ", ErrorCodeName(error.code), ": ");
  std::string out = Hanging(label, Shown(error.what, style), style);
  out = absl::StrCat(Paint(Color::kRed, "error", style), out.substr(5));
  Field("where", Where(error, style), style, &out);
  Field("row", Shown(error.row_key, style), style, &out);
  Field("value", Shown(error.value, style), style, &out);
  Field(error.sqlite_code != 0 ? "SQLite" : "server", Shown(Server(error), style), style, &out);
  Field("effect", Shown(error.effect, style), style, &out);
  Field("hint", Shown(error.hint, style), style, &out);
  if (error.code == ErrorCode::kDefect) {
    Field("note", "this is a defect in lite2pg; please report it with these lines", style, &out);
  }
  return out;
}

std::string ProblemsText(const std::vector<Problem>& problems, const std::string& command,
                         const Style& style) {
  std::string out;
  if (problems.size() == 1) {
    ErrorInfo error;
    error.code = problems[0].code;
    error.what = problems[0].text;
    out = ErrorText(error, style);
  } else {
    ErrorInfo error;
    error.code = problems[0].code;
    error.what = absl::StrCat(problems.size(), " mistakes; nothing was touched");
    out = ErrorText(error, style);
    int number = 0;
    for (const Problem& problem : problems) {
      absl::StrAppend(&out, Hanging(absl::StrCat("  ", ++number, ". "),
                                    Shown(problem.text, style), style));
    }
  }
  Field("help", command.empty() ? "lite2pg --help" : absl::StrCat("lite2pg ", command, " --help"),
        style, &out);
  return out;
}

std::string ShellQuote(const std::string& word) {
  const absl::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(plain.data(), 0, plain.size()) == std::string::npos) {
    return word;
  }
  bool printable = true;
  for (const char c : word) {
    printable = printable && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  }
  std::string out;
  if (printable) {
    out = "'";
    for (const char c : word) absl::StrAppend(&out, c == '\'' ? "'\\''" : std::string(1, c));
    return out + "'";
  }
  // Control characters would act on the terminal, and ' alone would keep them.
  out = "$'";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      absl::StrAppend(&out, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else if (c == '\'' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else {
      out.push_back(c);
    }
  }
  return out + "'";
}

}  // namespace lite2pg
