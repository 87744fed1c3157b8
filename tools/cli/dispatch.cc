#include "tools/cli/dispatch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/command/commands.h"
#include "tools/cli/report_text.h"
#include "tools/cli/secrets.h"

namespace lite2pg {
namespace {

using Runner = Report (*)(const Invocation& invocation, EventSink& events, CancelToken& cancel);

ResumeMode ResumeOf(const Settings& s) {
  return s.resume ? ResumeMode::kResume : s.restart ? ResumeMode::kRestart : ResumeMode::kFresh;
}

// The command to type again: without passwords, and without what only this attempt was about.
std::string CommandLineOf(const Invocation& invocation) {
  std::string out = "lite2pg";
  for (std::string word : invocation.words) {
    if (word == "--resume" || word == "--restart") continue;
    auto secrets = FindSecrets(word);
    std::sort(secrets.rbegin(), secrets.rend());
    for (const auto& [offset, length] : secrets) word.replace(offset, length, "***");
    absl::StrAppend(&out, " ", ShellQuote(word));
  }
  return out;
}

Report Copy(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunCopy(MakeCopyRequest(invocation), events, cancel);
}

Report Plan(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunPlan(MakeCopyRequest(invocation), events, cancel);
}

Report Status(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunStatus(MakeStatusRequest(invocation), events, cancel);
}

Report Clean(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunClean(MakeCleanRequest(invocation), events, cancel);
}

Report Verify(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunVerify(MakeVerifyRequest(invocation), events, cancel);
}

Report Export(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunExport(MakeExportRequest(invocation), events, cancel);
}

Report Import(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunImport(MakeImportRequest(invocation), events, cancel);
}

Report Sync(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunSync(MakeSyncRequest(invocation), events, cancel);
}

Report Revert(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunRevert(MakeRevertRequest(invocation), events, cancel);
}

Report Serve(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return RunServe(MakeServeRequest(invocation), events, cancel);
}

// The rows of what is built, in the order of CommandId. nullptr: not part of this version yet;
// the command is then refused by name.
constexpr Runner kRunners[kCommandCount] = {
    Copy,
    Plan,
    Verify,
    Sync,
    Export,
    Import,
    Revert,
    Status,
    Clean,
    Serve,
};

}  // namespace

bool IsImplemented(CommandId command) { return kRunners[static_cast<size_t>(command)] != nullptr; }

Report Dispatch(const Invocation& invocation, EventSink& events, CancelToken& cancel) {
  return kRunners[static_cast<size_t>(invocation.command)](invocation, events, cancel);
}

CopyRequest MakeCopyRequest(const Invocation& invocation) {
  const Settings& s = invocation.settings;
  CopyRequest request;
  request.common = s.common;
  request.source = invocation.arguments[0];
  request.target = invocation.target;
  request.schema_mode = s.schema_mode;
  request.existing_rows = s.existing_rows;
  request.policy = s.policy;
  request.hooks = s.hooks;
  request.order = s.order;
  request.resume = ResumeOf(s);
  request.expect = s.expect;
  request.require_idle = s.require_idle;
  request.dry_run = s.dry_run || invocation.command == CommandId::kPlan;
  request.publish = s.publish;
  request.probe = s.probe;
  request.deep = s.deep;
  request.write_certificate = s.write_certificate;
  request.only_rejects = s.only_rejects;
  request.join = s.join;
  request.command_line = CommandLineOf(invocation);
  request.coercion_log = s.coercion_log;
  return request;
}

VerifyRequest MakeVerifyRequest(const Invocation& invocation) {
  VerifyRequest request;
  request.common = invocation.settings.common;
  request.a = invocation.a;
  request.b = invocation.b;
  request.certificate = invocation.settings.certificate;
  request.write_certificate = invocation.settings.write_certificate;
  request.max_differences = invocation.settings.max_differences;
  request.sample_percent = invocation.settings.sample_percent;
  request.aggregates = invocation.settings.aggregates;
  return request;
}

ImportRequest MakeImportRequest(const Invocation& invocation) {
  const Settings& s = invocation.settings;
  ImportRequest request;
  request.common = s.common;
  request.dir = invocation.arguments[0];
  request.target = invocation.target;
  request.schema_mode = s.schema_mode;
  request.existing_rows = s.existing_rows;
  request.policy = s.policy;
  request.hooks = s.hooks;
  request.order = s.order;
  request.resume = ResumeOf(s);
  request.command_line = CommandLineOf(invocation);
  return request;
}

SyncRequest MakeSyncRequest(const Invocation& invocation) {
  SyncRequest request;
  request.common = invocation.settings.common;
  request.source = invocation.arguments[0];
  request.target = invocation.target;
  request.policy = invocation.settings.policy;
  request.force_source = invocation.settings.force_source;
  return request;
}

ExportRequest MakeExportRequest(const Invocation& invocation) {
  return ExportRequest{invocation.settings.common, invocation.arguments[0],
                       invocation.arguments[1], ResumeOf(invocation.settings),
                       invocation.settings.compress};
}

RevertRequest MakeRevertRequest(const Invocation& invocation) {
  return RevertRequest{invocation.settings.common, invocation.target, invocation.arguments[1]};
}

StatusRequest MakeStatusRequest(const Invocation& invocation) {
  const Settings& s = invocation.settings;
  return StatusRequest{s.common, invocation.target, s.undo_sql, s.empty_sql};
}

CleanRequest MakeCleanRequest(const Invocation& invocation) {
  return CleanRequest{invocation.settings.common, invocation.target, invocation.settings.force};
}

ServeRequest MakeServeRequest(const Invocation& invocation) {
  return ServeRequest{invocation.settings.common, invocation.arguments[0]};
}

}  // namespace lite2pg
