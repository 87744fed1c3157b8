// From the words of the command line to a checked request: parsed, merged with the configuration
// file, and validated once. All problems are found in one go.
#ifndef LITE2PG_TOOLS_CLI_COMMAND_LINE_H_
#define LITE2PG_TOOLS_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "tools/cli/settings.h"

namespace lite2pg {

struct Invocation {
  bool has_command = false;  // false: only --help or --version, or a problem
  CommandId command = CommandId::kCopy;
  Settings settings;
  std::vector<std::string> words;      // as they were given
  std::vector<std::string> arguments;
  TargetSpec target;  // of commands with a TARGET
  Side a, b;          // verify
  std::vector<Problem> problems;  // not empty: exit code 2, nothing was touched
};

// `words` are the arguments without the program's name.
Invocation ParseCommandLine(const std::vector<std::string>& words, const Environment& environment);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_COMMAND_LINE_H_
