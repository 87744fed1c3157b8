// --config FILE.toml: the same options as on the command line, and sections for single tables and
// columns:
//
//   streams = 4
//   include = ["shop_*"]
//   [table."orders"]
//   rename = "order"
//   [table."orders".column."placed_at"]
//   type = "timestamptz"
//   integer = "unix-millis"
#ifndef LITE2PG_TOOLS_CLI_CONFIG_FILE_H_
#define LITE2PG_TOOLS_CLI_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/cli/settings.h"

namespace lite2pg {

// Applies the file to `settings` and appends everything that is wrong with it, each with its line,
// to `problems`. Options of other commands than `command` are checked and then left alone, so
// that one file can serve several commands.
void ApplyConfigFile(const std::string& path, CommandId command, Settings* settings,
                     std::vector<Problem>* problems);

// The same for text that was read already; `name` stands in messages.
void ApplyConfigText(absl::string_view text, const std::string& name, CommandId command,
                     Settings* settings, std::vector<Problem>* problems);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_CONFIG_FILE_H_
