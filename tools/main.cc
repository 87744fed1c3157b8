// The program's entry: what concerns the whole process, before anything else happens.
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "tools/cli/app.h"
#include "tools/cli/secrets.h"
#include "tools/cli/signals.h"

namespace {

int Columns(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int Main(int argc, char** argv) {
  lite2pg::ExitOnEarlySignals();
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const bool wiped = lite2pg::WipeArguments(argc, argv);
  umask(077);  // whatever this process or its children create is for its user alone
  lite2pg::LeaveNoCore();
  lite2pg::IgnoreBrokenPipes();
  lite2pg::Console console;
  console.out = &std::cout;
  console.err = &std::cerr;
  console.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  console.err_is_terminal = isatty(STDERR_FILENO) == 1;
  console.out_columns = [] { return Columns(STDOUT_FILENO); };
  console.err_columns = [] { return Columns(STDERR_FILENO); };
  console.environment = [](const char* name) { return std::getenv(name); };
  return lite2pg::RunApp(words, wiped, console, lite2pg::RealEngine());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "error L2P9999: a defect in lite2pg: %s\n", exception.what());
  } catch (...) {
    std::fputs("error L2P9999: a defect in lite2pg: an unknown exception\n", stderr);
  }
  return 1;
}
