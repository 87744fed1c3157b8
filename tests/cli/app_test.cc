#include "tools/cli/app.h"

#include <signal.h>

#include <sstream>

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_support.h"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

Report Verified() {
  Report report;
  report.command = "copy";
  report.outcome = "verified";
  report.exit_code = ExitCode::kDone;
  report.tables.emplace_back();
  TableReport& table = report.tables[0];
  table.source_name = table.target_name = "orders";
  table.rows_source = table.rows_copied = table.rows_target = 3;
  table.compared = table.equal = true;
  return report;
}

// A run that set rows aside and adds up.
Report WithRejects() {
  Report report = SampleReport();
  report.tables[1].equal = true;
  report.tables[1].differences.clear();
  return report;
}

// Runs the program with an engine that answers with `report`.
struct Ran {
  int code = -1;
  std::string out, err;
  int engine_calls = 0;
};

Ran RunWith(const std::vector<std::string>& words,
            const std::function<Report(const Invocation&, EventSink&, CancelToken&)>& run,
            std::map<std::string, std::string> variables = {}, bool wiped = false) {
  std::ostringstream out, err;
  Console console;
  console.out = &out;
  console.err = &err;
  console.environment = EnvironmentOf(std::move(variables));
  Ran ran;
  Engine engine;
  engine.is_implemented = [](CommandId id) { return id != CommandId::kRevert; };
  engine.run = [&](const Invocation& invocation, EventSink& events, CancelToken& cancel) {
    ++ran.engine_calls;
    return run(invocation, events, cancel);
  };
  ran.code = RunApp(words, wiped, console, engine);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

Ran RunAnswering(const std::vector<std::string>& words, const Report& report) {
  return RunWith(words, [&](const Invocation&, EventSink&, CancelToken&) { return report; });
}

const std::vector<std::string> kCopy = {"copy", "a.db", "dbname=x"};

std::vector<std::string> CopyWith(std::vector<std::string> more) {
  std::vector<std::string> words = kCopy;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(App, ReturnsTheReportsExitCode) {
  for (int code = 0; code <= 14; ++code) {
    Report report = code == 3 ? WithRejects() : Verified();
    report.exit_code = static_cast<ExitCode>(code);
    EXPECT_EQ(RunAnswering(kCopy, report).code, code);
  }
}

TEST(App, AnswersOnStandardOutputAndErrorsElsewhere) {
  Report report = SampleReport();
  report.exit_code = ExitCode::kBadValue;
  report.outcome = "failed";
  const Ran ran = RunAnswering(kCopy, report);
  EXPECT_THAT(ran.err, HasSubstr("error L2P2001"));
  EXPECT_THAT(ran.out, Not(HasSubstr("error L2P2001")));
  EXPECT_THAT(ran.out, HasSubstr("failed: a value has no faithful form"));
}

TEST(App, WritesNothingButJsonToStandardOutputWhenAsked) {
  const Ran ran = RunAnswering(CopyWith({"--format", "json"}), WithRejects());
  const Json json = Json::parse(ran.out);
  EXPECT_EQ(json["exit_code"], 3);
}

TEST(App, RefusesMistakesBeforeTheEngineIsAsked) {
  const std::vector<std::vector<std::string>> mistakes = {
      {}, {"nonsense"}, {"copy"}, CopyWith({"--nonsense"}), CopyWith({"--memory", "x"}),
      {"revert", "dbname=x", "f.db"}, CopyWith({"--existing-rows", "bogus"})};
  for (const auto& words : mistakes) {
    const Ran ran = RunAnswering(words, Verified());
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.engine_calls, 0);
    EXPECT_THAT(ran.err, HasSubstr("error L2P9001"));
    EXPECT_EQ(ran.out, "");
  }
}

TEST(App, NamesACommandThatIsNotBuiltYet) {
  const Ran ran = RunAnswering({"revert", "dbname=x", "f.db"}, Verified());
  EXPECT_THAT(ran.err, HasSubstr("revert is not part of this version yet"));
}

TEST(App, GivesReasonsInJsonToo) {
  const Ran ran = RunAnswering(CopyWith({"--format", "json", "--streams", "x"}), Verified());
  EXPECT_EQ(ran.code, 2);
  const Json json = Json::parse(ran.out);
  EXPECT_EQ(json["exit_code"], 2);
  EXPECT_THAT(json["errors"][0]["what"].get<std::string>(), HasSubstr("--streams"));
}

TEST(App, WritesErrorsAsJsonLinesWithJsonProgress) {
  const Ran ran = RunAnswering(CopyWith({"--progress", "json"}), WithRejects());
  const Json json = Json::parse(ran.err);
  EXPECT_EQ(json["event"], "error");
  EXPECT_EQ(json["code"], "L2P2001");
  EXPECT_EQ(json["row"], "id=2 (rowid 2)");
}

TEST(App, PrintsHelpAndVersionWithoutArguments) {
  EXPECT_THAT(RunAnswering({"--help"}, Verified()).out, HasSubstr("usage: lite2pg COMMAND"));
  EXPECT_THAT(RunAnswering({"copy", "--help"}, Verified()).out, HasSubstr("usage: lite2pg copy"));
  const Ran version = RunAnswering({"--version"}, Verified());
  EXPECT_EQ(version.code, 0);
  for (const char* name : {"lite2pg ", "libpq ", "SQLite ", "oneTBB ", "OpenSSL ", "xxHash ",
                           "Abseil ", "simdjson ", "nlohmann/json ", "CLI11 ", "toml++ "}) {
    EXPECT_THAT(version.out, HasSubstr(name));
  }
}

TEST(App, TurnsAnExceptionIntoADefect) {
  const Ran ran = RunWith(kCopy, [](const Invocation&, EventSink&, CancelToken&) -> Report {
    throw std::runtime_error("boom");
  });
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("boom"));
  EXPECT_THAT(ran.err, HasSubstr("a defect in lite2pg"));
}

TEST(App, NeverReturnsZeroForAReportThatDoesNotAddUp) {
  Report report = Verified();
  report.tables[0].rows_copied = 2;
  const Ran ran = RunAnswering(CopyWith({"--format", "json"}), report);
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(Json::parse(ran.out)["outcome"], "failed");
  EXPECT_THAT(ran.err, HasSubstr("3 rows were read and 2 are"));
}

TEST(App, KeepsAPasswordOutOfEveryOutput) {
  const std::string target = "postgresql://app:hunt%40er22@db/x";
  for (const char* format : {"text", "json"}) {
    for (const char* progress : {"auto", "json"}) {
      const Ran ran = RunWith(
          {"copy", "a.db", target, "--format", format, "--progress", progress, "-v"},
          [](const Invocation& invocation, EventSink& events, CancelToken&) {
            // The engine still gets it.
            EXPECT_THAT(invocation.target.conninfo, HasSubstr("hunt%40er22"));
            Event event;
            event.kind = Event::Kind::kLog;
            event.text = "trying hunt@er22";
            events.Emit(event);
            Report report = WithRejects();
            report.errors[0].server = "no hunt%40er22 or hunt@er22 here";
            report.findings[0].message = "hunt@er22";
            return report;
          },
          {}, true);
      EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("er22")));
      EXPECT_THAT(ran.err, HasSubstr(".pgpass"));
    }
  }
}

TEST(App, PrintsTheConnectionOfServeAtOnce) {
  std::string before_the_end;
  std::ostringstream out, err;
  Console console;
  console.out = &out;
  console.err = &err;
  console.environment = EnvironmentOf({});
  Engine engine;
  engine.is_implemented = [](CommandId) { return true; };
  engine.run = [&](const Invocation&, EventSink& events, CancelToken&) {
    Event event;
    event.kind = Event::Kind::kReady;
    event.text = "postgresql://postgres@/postgres?host=/run/x";
    events.Emit(event);
    before_the_end = out.str();
    Report report;
    report.command = "serve";
    report.exit_code = ExitCode::kDone;
    return report;
  };
  EXPECT_EQ(RunApp({"serve", "x.pgdata"}, false, console, engine), 0);
  EXPECT_EQ(before_the_end, "postgresql://postgres@/postgres?host=/run/x\n");
  EXPECT_EQ(out.str(), before_the_end);
}

class AppFiles : public TempDirTest {};

TEST_F(AppFiles, WritesAllReports) {
  const Ran ran = RunAnswering(
      CopyWith({"--report", Path("r.json"), "--report", Path("r.html"), "-q"}), Verified());
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(Json::parse(ReadFile(Path("r.json")))["outcome"], "verified");
  EXPECT_THAT(ReadFile(Path("r.html")), HasSubstr("verified"));
}

TEST_F(AppFiles, IsNotSilentAboutAReportThatCannotBeWritten) {
  const Ran ran = RunWith(CopyWith({"--report", Path("r.json")}),
                          [&](const Invocation&, EventSink&, CancelToken&) {
                            std::filesystem::create_directory(Path("r.json"));
                            return Verified();
                          });
  EXPECT_EQ(ran.code, 9);
  EXPECT_THAT(ran.err, HasSubstr("r.json"));
}

TEST_F(AppFiles, IsNotSilentAboutItWhenRowsWereSetAsideEither) {
  const Ran ran = RunWith(CopyWith({"--report", Path("r.json")}),
                          [&](const Invocation&, EventSink&, CancelToken&) {
                            std::filesystem::create_directory(Path("r.json"));
                            return WithRejects();
                          });
  EXPECT_EQ(ran.code, 9);
}

TEST(Signals, TheFirstCancels) {
  const Ran ran = RunWith(kCopy, [](const Invocation&, EventSink&, CancelToken& cancel) {
    raise(SIGINT);
    for (int i = 0; i < 1000 && !cancel.cancelled(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    Report report;
    report.exit_code = cancel.cancelled() ? ExitCode::kInterrupted : ExitCode::kDefect;
    report.outcome = "interrupted";
    return report;
  });
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.err, HasSubstr("once more ends at once"));
}

TEST(SignalsDeathTest, TheSecondEndsAtOnce) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(RunWith(kCopy,
                      [](const Invocation&, EventSink&, CancelToken&) {
                        raise(SIGTERM);
                        raise(SIGINT);
                        return Verified();
                      }),
              testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace lite2pg
