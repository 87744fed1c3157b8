// The program's entry: what concerns the whole process, before anything else happens.
#include <cxxabi.h>
#include <malloc.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <typeinfo>
#include <vector>

#include "engine/base/error.h"
#include "tools/cli/app.h"
#include "tools/cli/secrets.h"
#include "tools/cli/signals.h"

namespace {

winsize SizeOf(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : winsize{};
}

constexpr int kExitOutOfMemory = static_cast<int>(lite2pg::ExitCode::kOutOfResource);
constexpr char kOutOfMemory[] = "error L2P3009: out of memory or threads\n";

// Whether an exception that ends the process says that the system has nothing left. Without memory
// it cannot even be thrown again, so that only its type is looked at.
bool IsOutOfResource() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type != nullptr) return *type == typeid(std::bad_alloc) || *type == typeid(std::system_error);
  // One on its way met a function that lets none through, and is not to be had any more. We throw
  // none, and what the libraries throw in such places (std::filesystem's steps) is bad_alloc.
  if (std::uncaught_exceptions() > 0) return true;
  // An exception for which there was no memory ends the process before it is one.
  void* const probe = std::malloc(1 << 16);
  const bool none = probe == nullptr;
  std::free(probe);
  return none;
}

// Exceptions on threads, or where none may leave. What has been committed is in the ledger.
[[noreturn]] void OnTerminate() {
  if (IsOutOfResource()) {
    (void)!write(STDERR_FILENO, kOutOfMemory, sizeof(kOutOfMemory) - 1);
    _exit(kExitOutOfMemory);
  }
  constexpr char kDefect[] = "error L2P9999: a defect in lite2pg: std::terminate\n";
  (void)!write(STDERR_FILENO, kDefect, sizeof(kDefect) - 1);
  std::abort();
}

// Memory of large values goes back to the system at once. By default glibc raises the size from
// which it does so with every such piece that is freed, up to 32 MiB, and keeps them in every
// thread's arena: the same import of rows of 17 MB took anything between 120 and 230 MB.
void ReturnLargeMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 4 << 20);  // more than a batch, which lives long
#endif
}

int Main(int argc, char** argv) {
  std::set_terminate(OnTerminate);
  lite2pg::ExitOnEarlySignals();
  ReturnLargeMemory();
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
  console.out_columns = [] { return SizeOf(STDOUT_FILENO).ws_col; };
  console.out_lines = [] { return SizeOf(STDOUT_FILENO).ws_row; };
  console.err_columns = [] { return SizeOf(STDERR_FILENO).ws_col; };
  console.err_lines = [] { return SizeOf(STDERR_FILENO).ws_row; };
  console.environment = [](const char* name) { return std::getenv(name); };
  return lite2pg::RunApp(words, wiped, console, lite2pg::RealEngine());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs(kOutOfMemory, stderr);
    return kExitOutOfMemory;
  } catch (const std::system_error& error) {
    // The only one that we meet so far out is std::thread's.
    if (error.code() == std::errc::resource_unavailable_try_again) {
      std::fputs(kOutOfMemory, stderr);
      return kExitOutOfMemory;
    }
    std::fprintf(stderr, "error L2P9999: a defect in lite2pg: %s\n", error.what());
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "error L2P9999: a defect in lite2pg: %s\n", exception.what());
  } catch (...) {
    std::fputs("error L2P9999: a defect in lite2pg: an unknown exception\n", stderr);
  }
  return 1;
}
