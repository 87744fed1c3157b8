// SIGINT and SIGTERM become the wish to stop; a second one ends the program at once with 130.
#ifndef LITE2PG_TOOLS_CLI_SIGNALS_H_
#define LITE2PG_TOOLS_CLI_SIGNALS_H_

#include <functional>
#include <thread>

#include "engine/base/cancel.h"

namespace lite2pg {

// At most one may exist. Handlers, not blocked signals: a child must not inherit a mask that makes
// it deaf to its own SIGTERM, while exec resets handlers. Callbacks of the token run on a thread
// of this class, where they may lock and allocate.
class SignalWatcher {
 public:
  // `on_signal` runs before the token is cancelled, on the same thread; may be empty.
  SignalWatcher(CancelToken* cancel, std::function<void()> on_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  // Later signals are not heard: the command is done and only its answer is still to be printed.
  ~SignalWatcher();

 private:
  std::thread thread_;
};

// For the time before there is a watcher: SIGINT and SIGTERM end the program with exit code 10.
void ExitOnEarlySignals();

// A closed pipe gives an error from write() instead of ending the program in the middle of a run.
void IgnoreBrokenPipes();

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_SIGNALS_H_
