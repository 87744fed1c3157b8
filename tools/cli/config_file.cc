#include "tools/cli/config_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/suggest.h"
#include "engine/base/text.h"
#include "tools/cli/option_table.h"

// Errors come back as values, not exceptions.
#define TOML_EXCEPTIONS 0
// In builds without NDEBUG the parser's own assertions would end the program on malformed text,
// which it goes on to report well.
#define TOML_ASSERT(expr) static_assert(true)
#include "toml++/toml.h"

namespace lite2pg {
namespace {

// A configuration is written by hand; anything longer is the wrong file.
constexpr size_t kFileBytesMax = size_t{8} << 20;

bool IsBeyondAscii(absl::string_view text, size_t at) {
  return at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80;
}

// Where `text` goes on after the string that begins at `at`: one of TOML's four kinds. After a
// backslash it stops at a byte beyond ASCII, over white space: the parser asks there for white
// space as it does outside of strings.
size_t AfterString(absl::string_view text, size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool multi_line = text.substr(at, 3) == three;
  const bool escapes = quote == '"';
  for (at += multi_line ? 3 : 1; at < text.size(); ++at) {
    if (escapes && text[at] == '\\') {
      const size_t next = std::min(text.find_first_not_of(" \t\r\n", at + 1), text.size());
      if (IsBeyondAscii(text, next)) return next;
      ++at;
    } else if (!multi_line && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    } else if (multi_line && text.substr(at, 3) == three) {
      at += 3;
      // The string may end in up to two quotes.
      for (int i = 0; i < 2 && at < text.size() && text[at] == quote; ++i) ++at;
      return at;
    }
  }
  return text.size();
}

// The line, from 1, of the first byte beyond ASCII that is in neither a string nor a comment, or
// follows a backslash; 0 for none. TOML has no use for one there, and toml++ 3.3 is not defined for
// most of them: is_non_ascii_horizontal_whitespace() has a point declared unreachable that they
// reach.
uint32_t LineBeyondAscii(absl::string_view text) {
  size_t at = absl::StartsWith(text, "\xEF\xBB\xBF") ? 3 : 0;  // a byte order mark
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = AfterString(text, at);
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (IsBeyondAscii(text, at)) {
      return 1 + static_cast<uint32_t>(absl::c_count(text.substr(0, at), '\n'));
    } else {
      ++at;
    }
  }
  return 0;
}

// One file being applied.
class ConfigReader {
 public:
  ConfigReader(const std::string& name, CommandId command, Settings* settings)
      : name_(name), command_(command), settings_(settings) {}

  void ReadRoot(const toml::table& root);
  void Report(const toml::source_region& where, absl::string_view text) {
    Report(where.begin.line, text);
  }
  void Report(uint32_t line, absl::string_view text) {
    problems_.emplace(line, absl::StrCat(EscapeName(name_), ":", line, ": ", text));
  }
  void MoveProblemsTo(std::vector<Problem>* problems) {
    for (auto& [line, text] : problems_) problems->push_back({ErrorCode::kConfig, text});
  }

 private:
  using Apply = std::function<absl::Status(absl::string_view)>;

  void ReadOption(const OptionRow& row, const toml::node& node);
  void ReadTables(const toml::node& node);
  void ReadTable(absl::string_view table, const toml::table& keys);
  void ReadColumns(const toml::node& node, const std::string& table);
  void ReadTypes(const toml::node& node);
  // `what` the keys are of: "a column", "a declared type".
  void ReadColumnKeys(absl::string_view what, const toml::table& keys, ColumnConfig* config);
  // Calls `apply` for the node's text, or for each element's when it is a list and may be one.
  void ApplyEach(absl::string_view key, const toml::node& node, bool list, const Apply& apply);

  const std::string& name_;
  CommandId command_;
  Settings* settings_;
  // By line: the parser's tables are sorted by key, which is not how people read a file.
  std::multimap<uint32_t, std::string> problems_;
};

std::string KeyText(const toml::key& key) { return std::string(key.str()); }

// A scalar as the command line would give it.
absl::StatusOr<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return absl::StrCat(number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  if (const auto* real = node.as_floating_point()) return absl::StrCat(real->get());
  return absl::InvalidArgumentError("expects text, a number, or true or false");
}

void ConfigReader::ApplyEach(absl::string_view key, const toml::node& node, bool list,
                             const Apply& apply) {
  const auto one = [&](const toml::node& item) {
    absl::StatusOr<std::string> text = ScalarText(item);
    const absl::Status status = text.ok() ? apply(*text) : text.status();
    if (!status.ok()) {
      Report(item.source(), absl::StrCat(EscapeName(key), ": ", status.message()));
    }
  };
  const toml::array* items = node.as_array();
  if (items == nullptr) return one(node);
  if (!list) return Report(node.source(), absl::StrCat(EscapeName(key), ": takes one value"));
  for (const toml::node& item : *items) one(item);
}

void ConfigReader::ReadOption(const OptionRow& row, const toml::node& node) {
  // Options of other commands are checked on settings that nobody will use.
  Settings unused;
  const bool applies = row.applies_to(command_);
  Settings* const into = applies ? settings_ : &unused;
  const bool is_list = row.repeatable || row.clear != nullptr;
  ApplyEach(row.name, node, is_list, [&](absl::string_view value) {
    RETURN_IF_ERROR(row.apply(value, into));
    return applies ? CheckSupported(row, value) : absl::OkStatus();
  });
}

void ConfigReader::ReadRoot(const toml::table& root) {
  std::vector<std::string> known = {"table", "type"};
  for (const OptionRow& row : AllOptions()) {
    if (row.in_file) known.emplace_back(row.name);
  }
  for (const auto& [key, node] : root) {
    const std::string name = KeyText(key);
    const OptionRow* row = FindOption(name);
    if (name == "table") {
      ReadTables(node);
    } else if (name == "type") {
      ReadTypes(node);
    } else if (row != nullptr && row->in_file) {
      ReadOption(*row, node);
    } else if (row != nullptr) {
      Report(key.source(), absl::StrCat(name, " can only be given on the command line"));
    } else {
      Report(key.source(), absl::StrCat("unknown key \"", EscapeName(name), "\"",
                                        DidYouMean(name, known)));
    }
  }
}

void ConfigReader::ReadTables(const toml::node& node) {
  const toml::table* tables = node.as_table();
  if (tables == nullptr) return Report(node.source(), "table: write it as [table.\"name\"]");
  for (const auto& [key, section] : *tables) {
    const toml::table* keys = section.as_table();
    if (keys == nullptr) {
      Report(key.source(), absl::StrCat("table: write [table.\"", EscapeName(KeyText(key)),
                                        "\"] and its keys below"));
      continue;
    }
    ReadTable(KeyText(key), *keys);
  }
}

void ConfigReader::ReadTable(absl::string_view table, const toml::table& keys) {
  TableFor(table, settings_);  // named, so that the plan can say when there is no such table
  std::vector<std::string> known = {"column"};
  for (const TableKeyRow& row : AllTableKeys()) known.emplace_back(row.name);
  for (const auto& [key, node] : keys) {
    const std::string name = KeyText(key);
    if (name == "column") {
      ReadColumns(node, std::string(table));
      continue;
    }
    const TableKeyRow* found = nullptr;
    for (const TableKeyRow& row : AllTableKeys()) {
      if (name == row.name) found = &row;
    }
    if (found == nullptr) {
      Report(key.source(), absl::StrCat("unknown key \"", EscapeName(name), "\" of a table",
                                        DidYouMean(name, known)));
      continue;
    }
    ApplyEach(name, node, false, [&](absl::string_view value) {
      return found->apply(value, TableFor(table, settings_));
    });
  }
}

void ConfigReader::ReadColumns(const toml::node& node, const std::string& table) {
  const toml::table* columns = node.as_table();
  const std::string form = absl::StrCat("[table.\"", EscapeName(table), "\".column.\"name\"]");
  if (columns == nullptr) return Report(node.source(), absl::StrCat("column: write it as ", form));
  for (const auto& [key, section] : *columns) {
    const toml::table* keys = section.as_table();
    if (keys == nullptr) {
      Report(key.source(), absl::StrCat("column: write it as ", form, " and its keys below"));
      continue;
    }
    ReadColumnKeys("a column", *keys, ColumnFor(KeyText(key), TableFor(table, settings_)));
  }
}

void ConfigReader::ReadTypes(const toml::node& node) {
  const toml::table* types = node.as_table();
  if (types == nullptr) return Report(node.source(), "type: write it as [type.\"DECLARED TYPE\"]");
  for (const auto& [key, section] : *types) {
    const toml::table* keys = section.as_table();
    if (keys == nullptr) {
      Report(key.source(), absl::StrCat("type: write [type.\"", EscapeName(KeyText(key)),
                                        "\"] and its keys below"));
      continue;
    }
    settings_->common.declared_types.emplace_back();
    settings_->common.declared_types.back().name = KeyText(key);
    ReadColumnKeys("a declared type", *keys, &settings_->common.declared_types.back());
  }
}

void ConfigReader::ReadColumnKeys(absl::string_view what, const toml::table& keys,
                                  ColumnConfig* config) {
  const bool of_type = what == "a declared type";
  std::vector<std::string> known;
  for (const ColumnKeyRow& row : AllColumnKeys()) {
    if (row.of_types || !of_type) known.emplace_back(row.name);
  }
  for (const auto& [key, node] : keys) {
    const std::string name = KeyText(key);
    const ColumnKeyRow* found = nullptr;
    for (const ColumnKeyRow& row : AllColumnKeys()) {
      if (name == row.name && (row.of_types || !of_type)) found = &row;
    }
    if (found == nullptr) {
      Report(key.source(), absl::StrCat("unknown key \"", EscapeName(name), "\" of ", what,
                                        DidYouMean(name, known)));
    } else if (found->supported == Supported::kNo) {
      Report(key.source(), absl::StrCat(name, " is not part of this version yet"));
    } else {
      ApplyEach(name, node, name == "round",
                [&](absl::string_view value) { return found->apply(value, config); });
    }
  }
}

}  // namespace

void ApplyConfigText(absl::string_view text, const std::string& name, CommandId command,
                     Settings* settings, std::vector<Problem>* problems) {
  ConfigReader reader(name, command, settings);
  if (const uint32_t line = LineBeyondAscii(text); line > 0) {
    reader.Report(line, "a letter beyond ASCII stands outside of quotes, or after a backslash; "
                        "names and values with such letters are written \"in quotes\"");
    reader.MoveProblemsTo(problems);
    return;
  }
  const toml::parse_result parsed = toml::parse(ToStd(text), name);
  if (!parsed) {
    const std::string_view why = parsed.error().description();
    reader.Report(parsed.error().source(), EscapeForMessage(ToAbsl(why), 200));
  } else {
    reader.ReadRoot(parsed.table());
  }
  reader.MoveProblemsTo(problems);
}

void ApplyConfigFile(const std::string& path, CommandId command, Settings* settings,
                     std::vector<Problem>* problems) {
  const auto report = [&](absl::string_view why) {
    problems->push_back(
        {ErrorCode::kConfig, absl::StrCat("cannot read ", EscapeName(path), ": ", why)});
  };
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return report(std::strerror(errno));
  std::string text(kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  const bool failed = std::ferror(file) != 0;
  const int error = errno;
  std::fclose(file);
  if (failed) return report(std::strerror(error));
  if (text.size() > kFileBytesMax) return report("too large for a configuration");
  ApplyConfigText(text, path, command, settings, problems);
}

}  // namespace lite2pg
