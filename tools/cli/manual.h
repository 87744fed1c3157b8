// The manual page and the shells' completions, from the tables of commands and options.
#ifndef LITE2PG_TOOLS_CLI_MANUAL_H_
#define LITE2PG_TOOLS_CLI_MANUAL_H_

#include <map>
#include <string>

namespace lite2pg {

// lite2pg.1, in man(7)'s macros.
std::string ManualPage();

// Completions of commands, options and the words that an option takes. Other arguments are files.
std::string BashCompletion();
std::string ZshCompletion();
std::string FishCompletion();

// Path below a prefix ("share/man/man1/lite2pg.1") -> content.
std::map<std::string, std::string> SharedFiles();

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_MANUAL_H_
