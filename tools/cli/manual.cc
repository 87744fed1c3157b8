#include "tools/cli/manual.h"

#include <cctype>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "engine/base/error.h"
#include "tools/cli/option_table.h"

namespace lite2pg {
namespace {

// In troff a backslash escapes, a hyphen may become a dash, and a line that begins with a dot or
// an apostrophe is a request.
std::string Troff(absl::string_view text) {
  std::string out = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"\n", "\n"}});
  if (absl::StartsWith(out, ".") || absl::StartsWith(out, "'")) out = absl::StrCat("\\&", out);
  return absl::StrReplaceAll(out, {{"\n.", "\n\\&."}, {"\n'", "\n\\&'"}});
}

std::string OptionEntry(const OptionRow& row) {
  std::string out = ".TP\n";
  if (row.letter != 0) absl::StrAppend(&out, "\\fB\\-", std::string(1, row.letter), "\\fR, ");
  absl::StrAppend(&out, "\\fB\\-\\-", Troff(row.name), "\\fR");
  if (!row.is_flag()) absl::StrAppend(&out, " \\fI", Troff(row.value), "\\fR");
  absl::StrAppend(&out, "\n", Troff(row.help), ".");
  if (row.default_text[0] != '\0')
    absl::StrAppend(&out, " Default: ", Troff(row.default_text), ".");
  if (row.repeatable) absl::StrAppend(&out, " May be given more than once.");
  std::string commands;
  for (const CommandRow& command : AllCommands()) {
    if (row.applies_to(command.id))
      absl::StrAppend(&commands, commands.empty() ? "" : ", ", command.name);
  }
  if (row.commands != kAllCommands) absl::StrAppend(&out, " With: ", commands, ".");
  return absl::StrCat(out, "\n");
}

// The words of "a|b|c"; none when the placeholder names a kind of value ("FILE", "N|auto").
std::vector<std::string> Words(const OptionRow& row) {
  std::vector<std::string> words = absl::StrSplit(row.value, '|', absl::SkipEmpty());
  for (const std::string& word : words) {
    for (const char c : word) {
      if (!std::islower(static_cast<unsigned char>(c)) && c != '-') return {};
    }
  }
  return words;
}

std::string OptionsOf(const CommandRow& command) {
  std::string out;
  for (const OptionRow& row : AllOptions()) {
    if (!row.applies_to(command.id)) continue;
    absl::StrAppend(&out, out.empty() ? "" : " ", "--", row.name);
    if (row.letter != 0) absl::StrAppend(&out, " -", std::string(1, row.letter));
  }
  return out;
}

std::string CommandNames() {
  std::string out;
  for (const CommandRow& row : AllCommands())
    absl::StrAppend(&out, out.empty() ? "" : " ", row.name);
  return out;
}

// Inside '...' of a shell.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// zsh's _arguments reads brackets and colons.
std::string ZshText(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
}

std::string ZshOption(const OptionRow& row) {
  std::string spec = absl::StrCat(row.repeatable ? "*" : "", "--", row.name,
                                  row.is_flag() ? "" : "=", "[", ZshText(row.help), "]");
  if (!row.is_flag()) {
    absl::StrAppend(&spec, ":", ZshText(absl::StrReplaceAll(row.value, {{"|", " or "}})), ":");
    std::string words;
    for (const std::string& word : Words(row))
      absl::StrAppend(&words, words.empty() ? "" : " ", word);
    absl::StrAppend(&spec, words.empty() ? "_files" : absl::StrCat("(", words, ")"));
  }
  return Quoted(spec);
}

}  // namespace

std::string ManualPage() {
  std::string out = absl::StrCat(
      ".\\\" Made from the tables in tools/cli.\n.TH LITE2PG 1 \"\" \"lite2pg ", LITE2PG_VERSION,
      "\" \"User Commands\"\n.SH NAME\nlite2pg \\- copy SQLite databases into PostgreSQL, and "
      "prove "
      "it\n.SH SYNOPSIS\n");
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, ".B lite2pg ", row.name, "\n[\\fIoptions\\fR] \\fI", Troff(row.arguments),
                    "\\fR\n.br\n");
  }
  absl::StrAppend(&out, ".SH COMMANDS\n");
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, ".SS ", row.name, "\n", Troff(row.summary), ".\n.PP\n",
                    Troff(absl::StrReplaceAll(row.description, {{"\n\n", "\n.PP\n"}})), "\n");
  }
  // The paragraphs' own requests were escaped with the text.
  out = absl::StrReplaceAll(out, {{"\n\\&.PP\n", "\n.PP\n"}});
  absl::StrAppend(&out, ".SH OPTIONS\n");
  for (const OptionRow& row : AllOptions()) absl::StrAppend(&out, OptionEntry(row));
  absl::StrAppend(
      &out,
      ".SH EXIT STATUS\n0: done and verified. 2: usage. 3: verified, rows were set aside. 4: the "
      "sides differ. 5: source unreadable or changed. 6: source locked. 7: target not reached. 8: "
      "target refuses. 9: out of a resource. 10: interrupted. 11: cannot resume or start. 12: the "
      "plan blocks. 13: refused for safety. 14: a value without a faithful form. 1: a defect.\n"
      ".SH ENVIRONMENT\nThe variables of libpq (\\fBPGHOST\\fR and the like, \\fBPGPASSFILE\\fR), "
      "and \\fBNO_COLOR\\fR.\n.SH SEE ALSO\n\\fBsqlite3\\fR(1), \\fBpsql\\fR(1)\n");
  return out;
}

std::string BashCompletion() {
  std::string out = absl::StrCat(
      "# bash completion for lite2pg; made from the tables in tools/cli\n"
      "_lite2pg() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '",
      CommandNames(),
      " --help --version' -- \"$cur\"))\n"
      "    return\n  fi\n"
      "  case $prev in\n");
  for (const OptionRow& row : AllOptions()) {
    const std::vector<std::string> words = Words(row);
    if (words.empty()) continue;
    std::string list;
    for (const std::string& word : words) absl::StrAppend(&list, list.empty() ? "" : " ", word);
    absl::StrAppend(&out, "    --", row.name, ") COMPREPLY=($(compgen -W '", list,
                    "' -- \"$cur\")); return ;;\n");
  }
  absl::StrAppend(&out, "  esac\n  case ${COMP_WORDS[1]} in\n");
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, "    ", row.name, ") options='", OptionsOf(row), "' ;;\n");
  }
  absl::StrAppend(&out,
                  "  esac\n"
                  "  if [[ $cur == -* ]]; then\n"
                  "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                  "  else\n"
                  "    COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                  "  fi\n}\ncomplete -o filenames -F _lite2pg lite2pg\n");
  return out;
}

std::string ZshCompletion() {
  std::string out =
      "#compdef lite2pg\n# Made from the tables in tools/cli.\n_lite2pg() {\n"
      "  local -a commands\n  commands=(\n";
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, "    ", Quoted(absl::StrCat(row.name, ":", ZshText(row.summary))), "\n");
  }
  absl::StrAppend(&out,
                  "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n"
                  "  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
                  "  case $command in\n");
  for (const CommandRow& command : AllCommands()) {
    absl::StrAppend(&out, "    ", command.name, ") _arguments");
    for (const OptionRow& row : AllOptions()) {
      if (row.applies_to(command.id)) absl::StrAppend(&out, " \\\n      ", ZshOption(row));
    }
    absl::StrAppend(&out, " \\\n      '*:argument:_files' ;;\n");
  }
  absl::StrAppend(&out, "  esac\n}\n_lite2pg \"$@\"\n");
  return out;
}

std::string FishCompletion() {
  std::string out = "# Made from the tables in tools/cli.\n";
  const std::string names = CommandNames();
  for (const CommandRow& row : AllCommands()) {
    absl::StrAppend(&out, "complete -c lite2pg -n 'not __fish_seen_subcommand_from ", names,
                    "' -f -a ", row.name, " -d ", Quoted(row.summary), "\n");
  }
  for (const OptionRow& row : AllOptions()) {
    std::string commands;
    for (const CommandRow& command : AllCommands()) {
      if (row.applies_to(command.id)) absl::StrAppend(&commands, " ", command.name);
    }
    absl::StrAppend(&out, "complete -c lite2pg -n '__fish_seen_subcommand_from", commands, "' -l ",
                    row.name);
    if (row.letter != 0) absl::StrAppend(&out, " -s ", std::string(1, row.letter));
    std::string list;
    for (const std::string& word : Words(row))
      absl::StrAppend(&list, list.empty() ? "" : " ", word);
    if (!list.empty()) absl::StrAppend(&out, " -x -a ", Quoted(list));
    if (list.empty() && !row.is_flag()) absl::StrAppend(&out, " -r");
    absl::StrAppend(&out, " -d ", Quoted(row.help), "\n");
  }
  return out;
}

std::map<std::string, std::string> SharedFiles() {
  return {{"share/man/man1/lite2pg.1", ManualPage()},
          {"share/bash-completion/completions/lite2pg", BashCompletion()},
          {"share/zsh/vendor-completions/_lite2pg", ZshCompletion()},
          {"share/fish/vendor_completions.d/lite2pg.fish", FishCompletion()}};
}

}  // namespace lite2pg
