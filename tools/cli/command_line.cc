#include "tools/cli/command_line.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/suggest.h"
#include "engine/base/text.h"
#include "tools/cli/config_file.h"
#include "tools/cli/option_table.h"
#include "tools/cli/target_argument.h"
#include "tools/cli/validation.h"

namespace lite2pg {
namespace {

// What CLI11 made of the words.
struct RawWords {
  std::map<const OptionRow*, std::vector<std::string>> values;
  std::vector<std::string> arguments;
  std::vector<std::string> unknown;  // options that the command does not have
};

// The row of a word that begins with a dash, whatever the command; nullptr when there is none.
const OptionRow* RowOfWord(absl::string_view word) {
  if (absl::StartsWith(word, "--")) {
    return FindOption(word.substr(2, word.find('=') == word.npos ? word.npos : word.find('=') - 2));
  }
  return word.size() == 2 && word[0] == '-' ? FindOptionByLetter(word[1]) : nullptr;
}

bool TakesNextWord(absl::string_view word) {
  const OptionRow* const row = RowOfWord(word);
  return row != nullptr && !row->is_flag() && word.find('=') == word.npos;
}

// Takes the command out of the words; options may stand before it. "" when there is none.
std::string TakeCommandWord(std::vector<std::string>* words) {
  for (size_t i = 0; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    if (word == "--") return "";
    if (!word.empty() && word[0] == '-') {
      if (TakesNextWord(word)) ++i;
      continue;
    }
    std::string command = word;
    words->erase(words->begin() + static_cast<std::ptrdiff_t>(i));
    return command;
  }
  return "";
}

void AddProblem(Invocation* invocation, std::string text) {
  invocation->problems.push_back({ErrorCode::kUsage, std::move(text)});
}

// Words that CLI11 would read otherwise than they are meant: "--name=" with nothing behind it (it
// would take the next word), and an option at the very end that lacks its value (it would throw
// and hide every other problem).
void PrepareWords(std::vector<std::string>* words, Invocation* invocation) {
  std::vector<std::string> prepared;
  bool options_ended = false;
  for (size_t i = 0; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    options_ended = options_ended || word == "--";
    const OptionRow* const row = options_ended ? nullptr : RowOfWord(word);
    if (row == nullptr || row->is_flag()) {
      prepared.push_back(word);
      continue;
    }
    if (word.back() == '=' && word.find('=') + 1 == word.size()) {
      prepared.push_back(word.substr(0, word.size() - 1));
      prepared.emplace_back();
    } else if (TakesNextWord(word)) {
      if (i + 1 == words->size()) {
        AddProblem(invocation, absl::StrCat("--", row->name, " needs a value: ", row->value));
        continue;
      }
      prepared.push_back(word);
      prepared.push_back((*words)[++i]);
    } else {
      prepared.push_back(word);
    }
  }
  *words = std::move(prepared);
}

// Foreign exceptions stop here.
RawWords ReadWords(std::vector<std::string> words, const CommandRow* command,
                   Invocation* invocation) {
  RawWords raw;
  // Behind "--" there are only arguments. They and all others are what CLI11 does not recognise;
  // its own positionals would take brackets off a file's name.
  const auto end = std::find(words.begin(), words.end(), "--");
  const std::vector<std::string> behind(end == words.end() ? end : end + 1, words.end());
  words.erase(end, words.end());
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::pair<const OptionRow*, CLI::Option*>> options;
  std::vector<std::unique_ptr<std::vector<std::string>>> storage;
  try {
    for (const OptionRow& row : AllOptions()) {
      const bool applies = command == nullptr ? row.commands == kAllCommands
                                              : row.applies_to(command->id);
      if (!applies) continue;
      std::string names = absl::StrCat("--", row.name);
      if (row.letter != 0) names = absl::StrCat("-", std::string(1, row.letter), ",", names);
      CLI::Option* option = nullptr;
      if (row.is_flag()) {
        option = app.add_flag(names);
      } else {
        storage.push_back(std::make_unique<std::vector<std::string>>());
        option = app.add_option(names, *storage.back())->expected(1)->allow_extra_args(false);
      }
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      options.emplace_back(&row, option);
    }
    app.parse(words);
  } catch (const CLI::Error& error) {
    AddProblem(invocation, EscapeForMessage(error.what(), 200));
  }
  for (const auto& [row, option] : options) {
    if (!option->results().empty()) raw.values[row] = option->results();
  }
  for (std::string& word : app.remaining()) {
    const bool is_option = word.size() > 1 && word[0] == '-';
    (is_option ? raw.unknown : raw.arguments).push_back(std::move(word));
  }
  raw.arguments.insert(raw.arguments.end(), behind.begin(), behind.end());
  return raw;
}

std::string CommandsWith(const OptionRow& row) {
  std::vector<std::string> names;
  for (const CommandRow& command : AllCommands()) {
    if (row.applies_to(command.id)) names.emplace_back(command.name);
  }
  return absl::StrJoin(names, ", ");
}

std::string UnknownOption(const std::string& word, const CommandRow* command) {
  const std::string name = word.substr(0, word.find('='));
  const OptionRow* const row = RowOfWord(word);
  if (row != nullptr && command == nullptr) {
    return absl::StrCat(EscapeForMessage(name), " needs a command: ", CommandsWith(*row));
  }
  if (row != nullptr) {
    return absl::StrCat(EscapeForMessage(name), " is not an option of ", command->name,
                        ", but of ", CommandsWith(*row));
  }
  std::vector<std::string> here, anywhere;
  for (const OptionRow& option : AllOptions()) {
    anywhere.push_back(absl::StrCat("--", option.name));
    if (command == nullptr || option.applies_to(command->id)) here.push_back(anywhere.back());
  }
  std::string hint = DidYouMean(name, here);
  if (hint.empty()) hint = DidYouMean(name, anywhere);
  return absl::StrCat("unknown option ", EscapeForMessage(name), hint);
}

std::string UnknownCommand(const std::string& name) {
  std::vector<std::string> names;
  for (const CommandRow& row : AllCommands()) names.emplace_back(row.name);
  if (name.empty()) return absl::StrCat("no command is given: ", absl::StrJoin(names, ", "));
  const std::string shown = EscapeForMessage(name);
  std::string hint = DidYouMean(name, names);
  struct stat info{};
  if (hint.empty() && stat(name.c_str(), &info) == 0) {
    hint = absl::StrCat("; a command stands before a file: lite2pg plan ", shown);
  }
  return absl::StrCat("unknown command \"", shown, "\"", hint);
}

// Flags last, because they override the file; a list from the file goes when a flag gives one.
void ApplyValues(const RawWords& raw, Invocation* invocation) {
  Settings* const settings = &invocation->settings;
  const auto config = raw.values.find(FindOption("config"));
  if (config != raw.values.end() && invocation->has_command) {
    ApplyConfigFile(config->second.front(), invocation->command, settings, &invocation->problems);
  }
  for (const auto& [row, values] : raw.values) {
    if (!row->repeatable && !row->is_flag() && values.size() > 1) {
      AddProblem(invocation, absl::StrCat("--", row->name, " is given ", values.size(), " times"));
      continue;
    }
    if (row->clear != nullptr) row->clear(settings);
    std::set<std::string> keys;
    for (const std::string& value : values) {
      const std::string key = value.substr(0, value.find('='));
      if (row->keyed && !keys.insert(absl::AsciiStrToLower(key)).second) {
        AddProblem(invocation, absl::StrCat("--", row->name, " is given twice for ",
                                            EscapeName(key)));
        continue;
      }
      const OptionRow* const swallowed = value[0] == '-' ? RowOfWord(value) : nullptr;
      if (swallowed != nullptr && !row->is_flag()) {
        AddProblem(invocation, absl::StrCat("--", row->name, " needs a value (", row->value,
                                            "), but --", swallowed->name, " follows"));
        continue;
      }
      absl::Status status = row->apply(value, settings);
      if (status.ok()) status = CheckSupported(*row, value);
      if (!status.ok()) {
        AddProblem(invocation, absl::StrCat("--", row->name, ": ", status.message()));
      }
    }
  }
}

void ResolveArguments(const CommandRow& command, const Environment& environment,
                      Invocation* invocation) {
  const std::vector<std::string>& given = invocation->arguments;
  const int count = static_cast<int>(given.size());
  if (count < command.arguments_min || count > command.arguments_max) {
    const std::string got = count == 0   ? "none is given"
                            : count == 1 ? "one is given"
                                         : absl::StrCat(count, " are given");
    // The shell has taken a pattern apart, or a conninfo string.
    const bool many_files = !invocation->settings.common.source_column.empty() && count > 2;
    const auto parts = std::count_if(given.begin(), given.end(), [](const std::string& word) {
      return absl::StrContains(word, '=') && !absl::StrContains(word, "://");
    });
    return AddProblem(
        invocation,
        absl::StrCat(command.name, " takes ", command.arguments, ", but ", got,
                     many_files ? "; quote the pattern"
                     : parts > 1 ? "; put quotes around a conninfo string, which is one argument"
                                 : ""));
  }
  const auto take = [&](absl::StatusOr<TargetSpec> target) {
    if (!target.ok()) return AddProblem(invocation, std::string(target.status().message()));
    invocation->target = *std::move(target);
  };
  switch (command.id) {
    case CommandId::kCopy:
    case CommandId::kPlan:
    case CommandId::kImport:
    case CommandId::kSync:
      take(count == 2 ? ParseTarget(given[1]) : DefaultTarget(given[0], environment));
      break;
    case CommandId::kRevert:
    case CommandId::kStatus:
    case CommandId::kClean:
      take(ParseTarget(given[0]));
      break;
    case CommandId::kVerify:
      for (int i = 0; i < count; ++i) {
        absl::StatusOr<Side> side = ParseSide(given[static_cast<size_t>(i)]);
        if (!side.ok()) {
          AddProblem(invocation, std::string(side.status().message()));
        } else {
          (i == 0 ? invocation->a : invocation->b) = *std::move(side);
        }
      }
      break;
    case CommandId::kExport:
    case CommandId::kServe:
      break;
  }
}

}  // namespace

Invocation ParseCommandLine(const std::vector<std::string>& given,
                            const Environment& environment) {
  Invocation invocation;
  invocation.words = given;
  std::vector<std::string> words = given;
  const std::string name = TakeCommandWord(&words);
  const CommandRow* const command = FindCommand(name);
  invocation.has_command = command != nullptr;
  if (command != nullptr) invocation.command = command->id;
  PrepareWords(&words, &invocation);
  RawWords raw = ReadWords(std::move(words), command, &invocation);
  invocation.arguments = raw.arguments;
  // Help wins over every mistake: it is what a user types when something did not work.
  invocation.settings.help = raw.values.count(FindOption("help")) > 0 || name == "help";
  invocation.settings.version = raw.values.count(FindOption("version")) > 0;
  if (name == "help" && !raw.arguments.empty()) {
    const CommandRow* const topic = FindCommand(raw.arguments.front());
    invocation.has_command = topic != nullptr;
    if (topic != nullptr) invocation.command = topic->id;
  }
  if (invocation.settings.help || invocation.settings.version) {
    invocation.problems.clear();
    return invocation;
  }
  if (command == nullptr) {
    AddProblem(&invocation, UnknownCommand(name));
    return invocation;
  }
  for (const std::string& word : raw.unknown) {
    AddProblem(&invocation, UnknownOption(word, command));
  }
  ApplyValues(raw, &invocation);
  // The word behind an unknown option may have been its value; counting it would mislead.
  if (raw.unknown.empty()) ResolveArguments(*command, environment, &invocation);
  Validate(&invocation);
  return invocation;
}

}  // namespace lite2pg
