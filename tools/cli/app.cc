#include "tools/cli/app.h"

#include <cerrno>
#include <exception>

#include "absl/strings/str_cat.h"
#include "engine/base/exception_status.h"
#include "engine/base/text.h"
#include "engine/report/accounting.h"
#include "engine/report/report_file.h"
#include "engine/report/resources.h"
#include "engine/report/utf8.h"
#include "nlohmann/json.hpp"
#include "tools/cli/config_writer.h"
#include "tools/cli/dispatch.h"
#include "tools/cli/help.h"
#include "tools/cli/progress.h"
#include "tools/cli/report_text.h"
#include "tools/cli/secrets.h"
#include "tools/cli/signals.h"

namespace lite2pg {
namespace {

constexpr char kPasswordWarning[] =
    "a password stood on the command line, where every user of this machine can read it; it is "
    "overwritten now. Put it into ~/.pgpass (mode 0600) as host:port:database:user:password "
    "instead, and leave it out of the command";

// One run of the program.
class App {
 public:
  App(const Console& console, const Engine& engine, Redactor redactor)
      : console_(console), engine_(engine), redactor_(std::move(redactor)) {}

  int Run(const std::vector<std::string>& words, bool wiped);

 private:
  void ResolveStyles();
  int ShowHelp();
  int RefuseProblems();
  int RunCommand();
  Report RunEngine();
  void OnEvent(Event* event);
  void WriteReports(Report* report);
  void ShowErrors(const Report& report);
  int ShowAnswer(const Report& report);
  bool IsSqlAnswer(const Report& report) const;
  void ShowSql(const Report& report);
  void Warn(absl::string_view text);
  bool json_lines() const { return output().progress == ProgressMode::kJson; }
  const OutputOptions& output() const { return invocation_.settings.output; }

  const Console& console_;
  const Engine& engine_;
  Redactor redactor_;
  Invocation invocation_;
  Style out_style_, err_style_;
};

int App::Run(const std::vector<std::string>& words, bool wiped) {
  invocation_ = ParseCommandLine(words, console_.environment);
  ResolveStyles();
  if (wiped) Warn(kPasswordWarning);
  if (invocation_.settings.version) {
    *console_.out << VersionText() << std::flush;
    return 0;
  }
  if (invocation_.settings.help) return ShowHelp();
  const bool missing = invocation_.has_command && !engine_.is_implemented(invocation_.command);
  if (missing) {
    const std::string name = CommandOf(invocation_.command).name;
    invocation_.problems = {{ErrorCode::kUsage, name + " is not part of this version yet"}};
  }
  return invocation_.problems.empty() ? RunCommand() : RefuseProblems();
}

void App::ResolveStyles() {
  const auto columns = [](const std::function<int()>& ask) { return ask ? ask() : 0; };
  const auto lines = columns;
  const bool no_color = output().no_color;
  out_style_ = ResolveStyle(console_.out_is_terminal, columns(console_.out_columns), no_color,
                            console_.environment);
  out_style_.height = out_style_.terminal ? lines(console_.out_lines) : 0;
  err_style_ = ResolveStyle(console_.err_is_terminal, columns(console_.err_columns), no_color,
                            console_.environment);
}

int App::ShowHelp() {
  *console_.out << (invocation_.has_command
                        ? CommandHelp(CommandOf(invocation_.command), out_style_)
                        : GeneralHelp(out_style_))
                << std::flush;
  return 0;
}

void App::Warn(absl::string_view text) {
  if (json_lines()) {
    nlohmann::ordered_json json{{"event", "warning"}, {"text", std::string(text)}};
    *console_.err << json.dump() + "\n" << std::flush;
    return;
  }
  const std::string block = Hanging("warning: ", text, err_style_);
  *console_.err << Paint(Color::kYellow, "warning", err_style_) + block.substr(7) << std::flush;
}

int App::RefuseProblems() {
  Report report;
  report.command = invocation_.has_command ? CommandOf(invocation_.command).name : "";
  report.exit_code = ExitCode::kUsage;
  for (Problem& problem : invocation_.problems) {
    problem.text = redactor_.Clean(problem.text);
    ErrorInfo error;
    error.code = problem.code;
    error.exit_code = ExitCode::kUsage;
    error.what = problem.text;
    error.effect = "nothing was touched";
    report.errors.push_back(error);
  }
  if (json_lines()) {
    ShowErrors(report);
  } else {
    *console_.err << ProblemsText(invocation_.problems, report.command, err_style_) << std::flush;
  }
  // A program that asked for JSON finds the reasons there as well.
  if (output().format == OutputFormat::kJson) *console_.out << ReportToJson(report) << std::flush;
  return static_cast<int>(ExitCode::kUsage);
}

// The connection string of serve is an answer, so it goes to standard output, and at once.
void App::OnEvent(Event* event) {
  redactor_.Clean(event);
  if (event->kind != Event::Kind::kReady) return;
  if (output().format == OutputFormat::kJson) {
    nlohmann::ordered_json json{{"event", "ready"}, {"connection", ValidUtf8(event->text)}};
    *console_.out << json.dump() + "\n" << std::flush;
  } else {
    *console_.out << Shown(event->text, out_style_) + "\n" << std::flush;
  }
}

Report App::RunEngine() {
  CancelToken cancel;
  const ResourceMeter meter;
  const auto size = [this] {
    const auto ask = [](const std::function<int()>& what) { return what ? what() : 0; };
    return TerminalSize{ask(console_.err_columns), ask(console_.err_lines)};
  };
  Progress progress(MakeRenderer(output(), *console_.err, err_style_, size),
                    [this](Event* event) { OnEvent(event); });
  Report report;
  {
    std::unique_ptr<SignalWatcher> watcher;
    if (engine_.watch_signals) {
      watcher = std::make_unique<SignalWatcher>(&cancel, [&progress] {
        Event event;
        event.kind = Event::Kind::kWarning;
        event.text = "stopping; once more ends at once";
        progress.sink().Emit(event);
      });
    }
    // The engine throws nothing; what comes from below it all the same must not end in a core
    // dump that says nothing to anybody.
    try {
      report = engine_.run(invocation_, progress.sink(), cancel);
    } catch (const std::exception&) {
      report = Report();
      report.errors.push_back(InfoOf(StatusOfException("running the command")));
      report.exit_code = report.errors[0].exit_code;
    }
  }
  progress.Finish();
  report.timeline = progress.sink().timeline.Read();
  if (report.command.empty()) report.command = CommandOf(invocation_.command).name;
  const Report::Resources used = meter.Read();
  if (report.resources.wall_seconds <= 0) report.resources.wall_seconds = used.wall_seconds;
  if (report.resources.client_cpu_seconds <= 0) {
    report.resources.client_cpu_seconds = used.client_cpu_seconds;
  }
  report.resources.peak_rss_bytes = std::max(report.resources.peak_rss_bytes, used.peak_rss_bytes);
  return report;
}

int App::RunCommand() {
  Report report = RunEngine();
  ResolveStyles();  // the terminal may have another width now
  const absl::Status accounting = CheckAccounting(report);
  if (!accounting.ok()) {
    report.outcome = "failed";
    report.exit_code = ExitCode::kDefect;
    report.errors.insert(report.errors.begin(), InfoOf(accounting));
  }
  redactor_.Clean(&report);
  WriteReports(&report);
  ShowErrors(report);
  return ShowAnswer(report);
}

void App::WriteReports(Report* report) {
  std::vector<ErrorInfo> errors;
  const std::string& config = output().write_config;
  if (!config.empty() && !report->tables.empty()) {
    const absl::Status status = WriteFileAtomically(config, ConfigFromPlan(*report));
    if (!status.ok()) errors.push_back(InfoOf(status));
  }
  for (const std::string& path : output().report_files) {
    const absl::Status status = WriteReportFile(path, *report);
    if (status.ok()) continue;
    ErrorInfo info = InfoOf(status);
    info.effect = "the report is missing; the run itself ended as shown";
    errors.push_back(info);
  }
  if (errors.empty()) return;
  const bool ended_well =
      report->exit_code == ExitCode::kDone || report->exit_code == ExitCode::kRejected;
  if (ended_well) report->exit_code = ExitCode::kOutOfResource;
  report->errors.insert(report->errors.end(), errors.begin(), errors.end());
}

void App::ShowErrors(const Report& report) {
  for (const ErrorInfo& error : report.errors) {
    if (json_lines()) {
      *console_.err << absl::StrCat("{\"event\":\"error\",", ErrorToJson(error).substr(1), "\n");
    } else {
      *console_.err << ErrorText(error, err_style_);
    }
  }
  *console_.err << std::flush;
}

bool App::IsSqlAnswer(const Report& report) const {
  const Settings& settings = invocation_.settings;
  return (settings.undo_sql || settings.empty_sql) && report.exit_code == ExitCode::kDone;
}

// Statements alone, so that they can be piped into psql; what cannot be taken back is no statement.
void App::ShowSql(const Report& report) {
  for (const Finding& finding : report.findings) {
    Warn(absl::StrCat(Shown(finding.object, err_style_), ": ", Shown(finding.message, err_style_)));
  }
  for (const std::string& sql : report.undo_sql) {
    // A terminal would act on control characters in a name; psql takes them as they are.
    *console_.out << (console_.out_is_terminal ? Shown(sql, out_style_) : sql) << "\n";
  }
}

int App::ShowAnswer(const Report& report) {
  const int code = static_cast<int>(report.exit_code);
  // serve has given its answer when it was ready.
  const bool told = invocation_.command == CommandId::kServe && code == 0;
  if (output().format == OutputFormat::kJson) {
    *console_.out << ReportToJson(report);
  } else if (IsSqlAnswer(report)) {
    ShowSql(report);
  } else if (invocation_.settings.undo_sql || invocation_.settings.empty_sql) {
    // Whoever pipes statements into psql is not to get other text.
    *console_.err << ReportText(report, output(), err_style_) << std::flush;
  } else if (!told) {
    *console_.out << ReportText(report, output(), out_style_);
  }
  errno = 0;
  *console_.out << std::flush;
  // A reader that closed its pipe, such as head, has what it wanted.
  if (console_.out->good() || code != 0 || errno == EPIPE) return code;
  *console_.err << "error: the answer could not be written to standard output; the run itself "
                   "ended well\n";
  return static_cast<int>(ExitCode::kOutOfResource);
}

}  // namespace

Engine RealEngine() { return Engine{IsImplemented, Dispatch, true}; }

int RunApp(const std::vector<std::string>& words, bool wiped, const Console& console,
           const Engine& engine) {
  return App(console, engine, Redactor(SecretsOfArguments(words))).Run(words, wiped);
}

}  // namespace lite2pg
