#include "tools/cli/help.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "engine/plan/reading_names.h"

namespace lite2pg {
namespace {

// Wider lines of prose are hard to read.
constexpr int kProseWidthMax = 100;
constexpr size_t kNamesWidthMax = 26;

Style Prose(const Style& style) {
  Style prose = style;
  prose.width = std::min(prose.width, kProseWidthMax);
  return prose;
}

std::string Names(const OptionRow& row) {
  std::string out = row.letter != 0 ? absl::StrCat("-", std::string(1, row.letter), ", ") : "";
  absl::StrAppend(&out, "--", row.name);
  if (!row.is_flag()) absl::StrAppend(&out, " ", row.value);
  return out;
}

// The help sentence with what the table knows besides: default, repeatable, not built yet.
std::string Explanation(const OptionRow& row) {
  std::string out = row.help;
  std::vector<std::string> notes;
  if (row.repeatable) notes.push_back("repeatable");
  if (row.default_text[0] != '\0') notes.push_back(absl::StrCat("default: ", row.default_text));
  if (row.supported == Supported::kNo) {
    notes.push_back("not part of this version yet");
  } else if (row.only[0] != '\0') {
    const std::string values = absl::StrReplaceAll(row.only, {{"|", ", "}});
    notes.push_back(absl::StrCat("this version: ", values));
  }
  return notes.empty() ? out : absl::StrCat(out, " (", absl::StrJoin(notes, "; "), ")");
}

// "  --name VALUE      text ...", the text on its own line when the names are long.
std::string OptionHelp(const OptionRow& row, const Style& style) {
  const std::string names = absl::StrCat("  ", Names(row));
  const size_t column = std::min<size_t>(kNamesWidthMax, static_cast<size_t>(style.width) / 3);
  if (DisplayWidth(names) + 2 <= column) {
    return Hanging(PadRight(names, column), Explanation(row), style);
  }
  std::string out;
  for (const std::string& line : Wrap(Names(row), static_cast<size_t>(style.width) - 2)) {
    absl::StrAppend(&out, "  ", line, "\n");
  }
  return absl::StrCat(out, Hanging(std::string(column, ' '), Explanation(row), style));
}

std::string Paragraphs(absl::string_view text, const Style& style) {
  std::string out;
  for (const absl::string_view paragraph : absl::StrSplit(text, "\n\n")) {
    for (const std::string& line : Wrap(paragraph, static_cast<size_t>(style.width))) {
      absl::StrAppend(&out, line, "\n");
    }
    out += "\n";
  }
  return out;
}

std::string MarkdownCell(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"<", "&lt;"}, {"*", "\\*"}});
}

std::string OptionRows(const CommandRow* command) {
  std::string out = "| option | meaning |\n| --- | --- |\n";
  for (const OptionRow& row : AllOptions()) {
    if (command != nullptr && !row.applies_to(command->id)) continue;
    absl::StrAppend(&out, "| `", absl::StrReplaceAll(Names(row), {{"|", "\\|"}}), "` | ",
                    MarkdownCell(Explanation(row)), " |\n");
  }
  return out;
}

std::string CommandPage(const CommandRow& command) {
  return absl::StrCat("# lite2pg ", command.name, "\n\n```\nlite2pg ", command.name,
                      " [options] ", command.arguments, "\n```\n\n", command.summary, "\n\n",
                      command.description, "\n\n## Options\n\n", OptionRows(&command),
                      "\nExit codes: [errors.md](../errors.md). Report: "
                      "[report.md](../report.md).\n");
}

std::string OverviewPage() {
  std::string out =
      "# Command line\n\n```\nlite2pg COMMAND [options] ARGUMENTS\n```\n\n"
      "These pages are generated from the tables in tools/cli; see docs/contributing.md.\n\n"
      "| command | arguments | what it does |\n| --- | --- | --- |\n";
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, "| [", row.name, "](", row.name, ".md) | `", row.arguments, "` | ",
                    MarkdownCell(row.summary), " |\n");
  }
  absl::StrAppend(&out, "\nStandard output carries the answer, standard error everything else. A "
                        "password on the command line is overwritten in the process's arguments "
                        "at once and never printed.\n\n"
                        "The configuration file: [config.md](config.md).\n");
  return out;
}

template <size_t N>
std::string NameList(const absl::string_view (&names)[N]) {
  return absl::StrCat("`", absl::StrJoin(names, "`, `"), "`");
}

std::string ReadingsSection() {
  return absl::StrCat("## Readings\n\nOf `integer` and `real`: ", NameList(kNumberReadingNames),
                      ". Of `text`: ", NameList(kTextReadingNames), ". Of `blob`: ",
                      NameList(kBlobReadingNames), ".\n");
}

std::string ConfigPage() {
  std::string out =
      "# The configuration file\n\n`--config FILE.toml` reads the options of the command line "
      "without their dashes, and says more about single tables and columns. A flag overrides the "
      "file; a flag that can be repeated replaces the file's whole list, but `fill`, `where` and "
      "`empty-as-null` are merged table by table and column by column. Unknown keys are errors. "
      "Options of other commands are checked and then left alone, so one file can serve several "
      "commands.\n\nNames of tables and columns may be patterns (`*`, `?`), as with `--include`; "
      "what is said of a name itself goes first, and a name that the source has is never a "
      "pattern. Names that the source does not have are errors.\n\n"
      "```toml\nstreams = 4\nexclude = [\"tmp_*\"]\n\n[table.\"orders\"]\nrename = \"order\"\n\n"
      "[table.\"orders\".column.\"placed_at\"]\ntype = \"timestamptz\"\n"
      "integer = \"unix-millis\"\n\n[type.\"DATETIME\"]\nround = \"microseconds\"\n```\n\n"
      "`[type.\"...\"]` speaks of every column of that declared type, whatever its table; `*` and "
      "`?` work here too. It goes last: what is said of a table's column goes before it.\n\n"
      "## Keys of a table\n\n"
      "| key | value | meaning |\n| --- | --- | --- |\n";
  for (const TableKeyRow& row : AllTableKeys()) {
    absl::StrAppend(&out, "| `", row.name, "` | ", MarkdownCell(row.value), " | ",
                    MarkdownCell(row.help), " |\n");
  }
  out += "\n## Keys of a column\n\n| key | value | meaning |\n| --- | --- | --- |\n";
  for (const ColumnKeyRow& row : AllColumnKeys()) {
    const bool missing = row.supported == Supported::kNo;
    absl::StrAppend(&out, "| `", row.name, "` | ", MarkdownCell(row.value), " | ",
                    MarkdownCell(row.help), missing ? " (not part of this version yet)" : "",
                    row.of_types ? "" : " (not of declared types)", " |\n");
  }
  absl::StrAppend(&out, "\n", ReadingsSection());
  return out;
}

}  // namespace

std::string GeneralHelp(const Style& given) {
  const Style style = Prose(given);
  std::string out = absl::StrCat(
      Hanging("",
              "lite2pg " LITE2PG_VERSION ": copies SQLite databases into PostgreSQL, and proves it",
              style),
      "\n", Hanging("usage: ", "lite2pg COMMAND [options] ARGUMENTS", style), "\n");
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, Hanging(PadRight(absl::StrCat("  ", row.name), 10), row.summary, style));
  }
  absl::StrAppend(&out, "\n", Hanging("", "lite2pg COMMAND --help explains a command.", style));
  return out;
}

std::string CommandHelp(const CommandRow& command, const Style& given) {
  const Style style = Prose(given);
  const std::string usage =
      absl::StrCat("lite2pg ", command.name, " [options] ", command.arguments);
  std::string out = absl::StrCat(Hanging("usage: ", usage, style), "\n",
                                 Paragraphs(command.description, style), "options:\n");
  for (const OptionRow& row : AllOptions()) {
    if (row.applies_to(command.id)) absl::StrAppend(&out, OptionHelp(row, style));
  }
  return out;
}

std::map<std::string, std::string> CliDocumentation() {
  std::map<std::string, std::string> pages;
  pages["README.md"] = OverviewPage();
  pages["config.md"] = ConfigPage();
  for (const CommandRow& row : AllCommands()) {
    pages[absl::StrCat(row.name, ".md")] = CommandPage(row);
  }
  return pages;
}

}  // namespace lite2pg
