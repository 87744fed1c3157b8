#include "tools/cli/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace lite2pg {
namespace {

constexpr int kExitAfterSecondSignal = 130;
constexpr int kExitInterrupted = 10;
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// What a handler may touch: a lock-free counter and a pipe.
std::atomic<int> signals_seen{0};
int pipe_ends[2] = {-1, -1};
static_assert(std::atomic<int>::is_always_lock_free);

void OnSignal(int number) {
  const int saved_errno = errno;
  if (signals_seen.fetch_add(1) > 0) {
    if (number == SIGHUP) return;  // a terminal that goes says so more than once
    _exit(kExitAfterSecondSignal);
  }
  const char byte = 's';
  const ssize_t ignored = write(pipe_ends[1], &byte, 1);
  (void)ignored;  // the pipe is empty, one byte always fits
  errno = saved_errno;
}

// Before anything was begun there is nothing to stop.
void OnEarlySignal(int) { _exit(kExitInterrupted); }

// After everything was done there is nothing to stop either: only the answer is still printed.
void OnLateSignal(int) {}

void SetHandler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int number : kSignals) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    // A shell ignores SIGINT for jobs in the background, nohup likewise: that wish stands.
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
}

}  // namespace

SignalWatcher::SignalWatcher(CancelToken* cancel, std::function<void()> on_signal) {
  signals_seen = 0;
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return;  // signals keep their default: the program ends
  thread_ = std::thread([cancel, on_signal = std::move(on_signal)] {
    char byte = 0;
    ssize_t got = 0;
    do {
      got = read(pipe_ends[0], &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got != 1 || byte != 's') return;
    if (on_signal) on_signal();
    cancel->Cancel();
  });
  SetHandler(OnSignal);
}

SignalWatcher::~SignalWatcher() {
  if (!thread_.joinable()) return;
  SetHandler(OnLateSignal);
  const char byte = 'q';
  const ssize_t ignored = write(pipe_ends[1], &byte, 1);
  (void)ignored;
  thread_.join();
  for (int& end : pipe_ends) {
    close(end);
    end = -1;
  }
}

void ExitOnEarlySignals() { SetHandler(OnEarlySignal); }

void IgnoreBrokenPipes() { signal(SIGPIPE, SIG_IGN); }

}  // namespace lite2pg
