// The one table of commands and the one table of options. Parsing, --help, docs/cli, the
// configuration file and the refusal of what is not built yet all come from these rows.
#ifndef LITE2PG_TOOLS_CLI_OPTION_TABLE_H_
#define LITE2PG_TOOLS_CLI_OPTION_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/cli/settings.h"

namespace lite2pg {

// A set of commands, one bit each.
using CommandSet = uint16_t;
constexpr CommandSet Only(CommandId id) { return CommandSet(1u << static_cast<unsigned>(id)); }
inline constexpr CommandSet kAllCommands = (1u << kCommandCount) - 1;

struct CommandRow {
  CommandId id = CommandId::kCopy;
  const char* name = "";
  const char* arguments = "";    // "SOURCE [TARGET]"
  int arguments_min = 0, arguments_max = 0;
  const char* summary = "";      // one line of the list of commands
  const char* description = "";  // paragraphs, separated by an empty line
};

// Reads one value into the settings. The error is a phrase that completes "--name: ...". Flags
// without a value get "true", from the file also "false".
using ApplyFn = absl::Status (*)(absl::string_view value, Settings* settings);
using ClearFn = void (*)(Settings* settings);

// How much of an option the engine does today. kNo refuses every value but the default; `only`
// names the values that work.
enum class Supported : uint8_t { kYes, kNo };

struct OptionRow {
  const char* name = "";         // without dashes
  char letter = 0;               // -q
  const char* value = "";        // placeholder; "": a flag
  CommandSet commands = kAllCommands;
  const char* default_text = "";  // as a value would be written; "": none to show
  const char* help = "";
  bool repeatable = false;
  bool keyed = false;            // repeatable, but once for what stands before the first "="
  bool in_file = true;           // may stand in the configuration file
  ApplyFn apply = nullptr;
  ClearFn clear = nullptr;       // repeatable lists: what the file said, before the first flag
  Supported supported = Supported::kYes;
  const char* only = "";         // "a|b": the values that work today; "": all

  bool is_flag() const { return value[0] == '\0'; }
  bool applies_to(CommandId id) const { return (commands & Only(id)) != 0; }
};

absl::Span<const CommandRow> AllCommands();
absl::Span<const OptionRow> AllOptions();

// nullptr when there is none.
const CommandRow* FindCommand(absl::string_view name);
const CommandRow& CommandOf(CommandId id);
const OptionRow* FindOption(absl::string_view name);
const OptionRow* FindOptionByLetter(char letter);

// OK, or the phrase that refuses `value` because this version cannot do it.
absl::Status CheckSupported(const OptionRow& row, absl::string_view value);

// Keys of a [table."t"] or [table."t".column."c"] section of the configuration file.
struct TableKeyRow {
  const char* name = "";
  const char* value = "";
  const char* help = "";
  absl::Status (*apply)(absl::string_view value, TableConfig* table) = nullptr;
};
struct ColumnKeyRow {
  const char* name = "";
  const char* value = "";
  const char* help = "";
  absl::Status (*apply)(absl::string_view value, ColumnConfig* column) = nullptr;
  Supported supported = Supported::kYes;
  bool of_types = true;  // may be said of a declared type as well
};
absl::Span<const TableKeyRow> AllTableKeys();
absl::Span<const ColumnKeyRow> AllColumnKeys();

// The entry for a name, made when it is not there yet; ASCII case does not matter.
TableConfig* TableFor(absl::string_view table, Settings* settings);
ColumnConfig* ColumnFor(absl::string_view column, TableConfig* table);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_OPTION_TABLE_H_
