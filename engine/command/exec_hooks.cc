#include "engine/command/exec_hooks.h"

#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/child_process.h"

namespace lite2pg {
namespace {

// timeout(1)'s own exit code when the time was over.
constexpr int kTimedOut = 124;
// After SIGTERM, before SIGKILL.
constexpr absl::string_view kKillAfter = "--kill-after=5";
constexpr size_t kLinesShownMax = 5;

}  // namespace

ExecHooks::ExecHooks(const SqlHooks& hooks, EventSink& events, CancelToken& cancel)
    : hooks_(hooks), events_(events), cancel_(cancel) {
  std::error_code error;
  directory_ = std::filesystem::current_path(error).string();
  if (error) directory_ = "/";
}

absl::Status ExecHooks::Run(absl::string_view stage, const HookFacts& facts) {
  for (const ExecHook& hook : hooks_.commands) {
    if (hook.stage != stage) continue;
    const absl::Status status = RunOne(hook, facts);
    if (status.ok()) continue;
    if (!hook.may_fail) return status;
    Event event;
    event.kind = Event::Kind::kWarning;
    event.text = InfoOf(status).what;
    events_.Emit(event);
  }
  return absl::OkStatus();
}

absl::Status ExecHooks::RunOne(const ExecHook& hook, const HookFacts& facts) {
  std::vector<std::string> argv = {"/usr/bin/timeout",
                                   std::string(kKillAfter),
                                   absl::StrCat(hooks_.exec_timeout_seconds),
                                   "/usr/bin/env",
                                   "-C",
                                   directory_,
                                   absl::StrCat("LITE2PG_STAGE=", hook.stage)};
  for (const auto& [name, value] : facts)
    argv.push_back(absl::StrCat("LITE2PG_", name, "=", value));
  argv.insert(argv.end(), {"/bin/sh", "-c", hook.command});
  ErrorInfo info;
  info.code = ErrorCode::kHookFailed;
  info.exit_code = ExitCode::kTargetRefuses;
  info.hint = "run it by hand; a command that may fail is written with a dash: STAGE=-COMMAND";
  const absl::StatusOr<ChildResult> result = RunChild(argv, CurrentOsUser(), &cancel_);
  RETURN_IF_ERROR(cancel_.Check());
  const std::string shown = absl::StrCat("the command of --exec ", hook.stage, " (",
                                         EscapeForMessage(hook.command, 100), ") ");
  if (!result.ok()) {
    info.what = absl::StrCat(shown, "cannot be run: ", result.status().message());
    return MakeError(info);
  }
  Event event;
  event.text = absl::StrCat(shown, "ended with ", result->exit_code, ". ",
                            LastLines(result->output, kLinesShownMax));
  events_.Emit(event);
  if (result->exit_code == 0) return absl::OkStatus();
  info.what = result->exit_code == kTimedOut
                  ? absl::StrCat(shown, "ran longer than ", hooks_.exec_timeout_seconds, " s")
                  : absl::StrCat(shown, "ended with ", result->exit_code, ": ",
                                 LastLines(result->output, kLinesShownMax));
  return MakeError(info);
}

}  // namespace lite2pg
