// The program between main() and the engine: parse, run, show.
#ifndef LITE2PG_TOOLS_CLI_APP_H_
#define LITE2PG_TOOLS_CLI_APP_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/base/cancel.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "tools/cli/command_line.h"

namespace lite2pg {

// Where the program writes, and what it knows about the terminal.
struct Console {
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool out_is_terminal = false, err_is_terminal = false;
  std::function<int()> out_columns, out_lines, err_columns, err_lines;  // 0: unknown
  Environment environment;
};

// What runs the commands; replaced by tests.
struct Engine {
  std::function<bool(CommandId)> is_implemented;
  std::function<Report(const Invocation&, EventSink&, CancelToken&)> run;
  bool watch_signals = true;
};
Engine RealEngine();

// `words`: the arguments without the program's name, passwords included. `wiped`: a password was
// found in argv. Returns the exit code.
int RunApp(const std::vector<std::string>& words, bool wiped, const Console& console,
           const Engine& engine);

// Versions of lite2pg and of the libraries that it runs with, a line each.
std::string VersionText();

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_APP_H_
