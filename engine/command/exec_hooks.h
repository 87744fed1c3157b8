// The user's own commands at set points of a copy: --exec STAGE=COMMAND.
#ifndef LITE2PG_ENGINE_COMMAND_EXEC_HOOKS_H_
#define LITE2PG_ENGINE_COMMAND_EXEC_HOOKS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/base/cancel.h"
#include "engine/command/request.h"
#include "engine/report/event.h"

namespace lite2pg {

// What a command is told, as environment variables LITE2PG_<name>. Never a secret.
using HookFacts = std::map<std::string, std::string>;

// Runs commands by /bin/sh, in the directory where lite2pg runs, without its PG* variables, one
// after the other and in their order. What a command prints goes to the log (-v). One thread.
class ExecHooks {
 public:
  ExecHooks(const SqlHooks& hooks, EventSink& events, CancelToken& cancel);

  // Every command of `stage`. kHookFailed (exit 8) with the last lines it printed when one ends
  // with another code than 0 or runs longer than hooks.exec_timeout_seconds; a warning event
  // instead where the user allowed that.
  absl::Status Run(absl::string_view stage, const HookFacts& facts);

 private:
  absl::Status RunOne(const ExecHook& hook, const HookFacts& facts);

  const SqlHooks& hooks_;
  EventSink& events_;
  CancelToken& cancel_;
  std::string directory_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_EXEC_HOOKS_H_
