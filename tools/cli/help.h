// Help on the terminal and the pages of docs/cli, from the tables of commands and options.
#ifndef LITE2PG_TOOLS_CLI_HELP_H_
#define LITE2PG_TOOLS_CLI_HELP_H_

#include <map>
#include <string>

#include "tools/cli/option_table.h"
#include "tools/cli/text_layout.h"

namespace lite2pg {

std::string GeneralHelp(const Style& style);
std::string CommandHelp(const CommandRow& command, const Style& style);

// File name -> content of everything in docs/cli. A test compares it with what is committed.
std::map<std::string, std::string> CliDocumentation();

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_HELP_H_
