#include "tools/cli/progress.h"

#include <sstream>

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/support/cli_support.h"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using std::chrono::milliseconds;
using std::chrono::seconds;

Event EventOf(Event::Kind kind, Stage stage, const std::string& table = "",
              const std::string& text = "") {
  Event event;
  event.kind = kind;
  event.stage = stage;
  event.table = table;
  event.text = text;
  return event;
}

ProgressSample Half(const std::string& table = "orders") {
  ProgressSample sample;
  sample.rows_done = 500'000;
  sample.rows_total = 1'000'000;
  sample.bytes_done = 50 << 20;
  sample.bytes_total = 100 << 20;
  sample.tables_done = 3;
  sample.tables_total = 12;
  sample.streams = 4;
  sample.findings = 2;
  sample.active.push_back({0, table, "", 200'000, 20 << 20, 300'000, 600'000, 10});
  sample.active.push_back({1, table, "", 100'000, 10 << 20, 300'000, 600'000, 10});
  sample.active.push_back({2, "users", "index users_name", 0, 0, 0, 0, 4});
  return sample;
}

// A data stage of ten seconds, half done.
template <typename Renderer>
void Play(Renderer& renderer, const std::string& table) {
  const Clock::time_point begin{};
  renderer.OnEvent(EventOf(Event::Kind::kStageBegin, Stage::kData), ProgressSample(), begin);
  renderer.OnEvent(EventOf(Event::Kind::kTableBegin, Stage::kData, table), ProgressSample(), begin);
  renderer.OnTick(Half(table), begin + seconds(10));
  ProgressSample later = Half(table);
  later.retries = 1;
  for (Activity& activity : later.active) activity.rows += 5'000;
  renderer.OnTick(later, begin + seconds(11));
  renderer.OnEvent(EventOf(Event::Kind::kRetry, Stage::kData, "", "lost\nconnection"), later,
                   begin + seconds(11));
  renderer.OnEvent(EventOf(Event::Kind::kStageEnd, Stage::kData), later, begin + seconds(20));
  renderer.Finish();
}

TEST(LiveProgress, ShowsShareRateAndTimeLeft) {
  std::ostringstream out;
  const auto renderer = MakeLiveRenderer(out, PlainStyle(120), nullptr, false);
  Play(*renderer, "orders");
  EXPECT_THAT(out.str(), HasSubstr(" 50%"));
  EXPECT_THAT(out.str(), HasSubstr("500,000 of 1,000,000 rows"));
  EXPECT_THAT(out.str(), HasSubstr("5.0 MiB/s"));
  EXPECT_THAT(out.str(), HasSubstr("10.0 s left"));
  EXPECT_THAT(out.str(), HasSubstr("50,000 rows/s"));
  EXPECT_THAT(out.str(), HasSubstr("3 of 12 tables  2 findings\n"));
  EXPECT_THAT(out.str(), HasSubstr("3 of 12 tables  2 findings  1 retry\n"));
  EXPECT_THAT(out.str(), HasSubstr("retry: lost\\nconnection"));
}

TEST(LiveProgress, HasALinePerWorker) {
  std::ostringstream out;
  const auto renderer = MakeLiveRenderer(out, PlainStyle(120), nullptr, false);
  Play(*renderer, "orders");
  EXPECT_THAT(out.str(), HasSubstr("  stream 1  orders    [#####.....]  50%"));
  EXPECT_THAT(out.str(), HasSubstr("  stream 2  orders    [#####.....]  50%    5,000 rows/s"));
  EXPECT_THAT(out.str(), HasSubstr("  stream 3  users     index users_name  4.00 s"));
}

TEST(LiveProgress, LeavesRoomOnALowTerminal) {
  for (const int lines : {1, 6, 7, 8, 9, 24}) {
    std::ostringstream out;
    const auto renderer =
        MakeLiveRenderer(out, PlainStyle(), [&] { return TerminalSize{80, lines}; }, false);
    const Clock::time_point begin{};
    renderer->OnEvent(EventOf(Event::Kind::kStageBegin, Stage::kData), ProgressSample(), begin);
    out.str("");
    renderer->OnTick(Half(), begin + seconds(1));
    const std::string frame = out.str();
    EXPECT_LT(std::count(frame.begin(), frame.end(), '\n'), std::max(2, lines)) << frame;
    if (lines == 7) {
      EXPECT_THAT(frame, HasSubstr("stream 1"));
    }
    if (lines == 8) {
      EXPECT_THAT(frame, HasSubstr("and 2 more"));
    }
    if (lines == 9) {
      EXPECT_THAT(frame, HasSubstr("stream 3"));
    }
  }
}

// A terminal breaks its lines anew when its width changes, and nobody knows into how many.
TEST(LiveProgress, BeginsAnewWhenTheWidthChanges) {
  std::ostringstream out;
  int width = 100;
  const auto renderer =
      MakeLiveRenderer(out, PlainStyle(100), [&] { return TerminalSize{width, 24}; }, false);
  const Clock::time_point begin{};
  renderer->OnEvent(EventOf(Event::Kind::kStageBegin, Stage::kPlan), ProgressSample(), begin);
  renderer->OnEvent(EventOf(Event::Kind::kStageEnd, Stage::kPlan), Half(), begin + seconds(1));
  renderer->OnEvent(EventOf(Event::Kind::kStageBegin, Stage::kData), ProgressSample(), begin);
  renderer->OnTick(Half(), begin + seconds(1));
  width = 30;
  out.str("");
  renderer->OnTick(Half(), begin + seconds(2));
  EXPECT_THAT(out.str(), ::testing::StartsWith("\x1b[H\x1b[Jplan "));
  EXPECT_THAT(out.str(), HasSubstr("\ndata "));
  out.str("");
  renderer->OnTick(Half(), begin + seconds(3));
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b[H")));
}

TEST(LiveProgress, IsNarrowerThanTheTerminal) {
  for (const int width : {20, 40, 80, 200}) {
    for (const bool utf8 : {false, true}) {
      std::ostringstream out;
      Style style = PlainStyle(width);
      style.utf8 = utf8;
      style.color = true;
      const auto renderer = MakeLiveRenderer(out, style, nullptr, true);
      Play(*renderer, kHostileName);
      // Frames begin with "\r", so each is a line of its own here.
      std::string frames = out.str();
      std::replace(frames.begin(), frames.end(), '\r', '\n');
      EXPECT_LE(WidestLine(frames), static_cast<size_t>(width));
      EXPECT_THAT(out.str(), Not(HasSubstr("\xff")));
    }
  }
}

TEST(LiveProgress, FollowsAChangeOfWidth) {
  std::ostringstream out;
  const auto renderer =
      MakeLiveRenderer(out, PlainStyle(200), [] { return TerminalSize{30, 0}; }, false);
  Play(*renderer, "orders");
  std::string frames = out.str();
  std::replace(frames.begin(), frames.end(), '\r', '\n');
  EXPECT_LE(WidestLine(frames), 30u);
}

TEST(LiveProgress, ErasesAsManyLinesAsItDrew) {
  std::ostringstream out;
  const auto renderer = MakeLiveRenderer(out, PlainStyle(), nullptr, false);
  const Clock::time_point begin{};
  renderer->OnEvent(EventOf(Event::Kind::kStageBegin, Stage::kData), ProgressSample(), begin);
  renderer->OnTick(Half(), begin + seconds(1));  // two lines now, and three workers'
  out.str("");
  renderer->OnTick(Half(), begin + seconds(2));
  EXPECT_EQ(out.str().substr(0, 8), "\r\x1b[4A\x1b[J");
  renderer->Finish();
  EXPECT_THAT(out.str(), HasSubstr("\r\x1b[4A\x1b[J"));
}

TEST(PlainProgress, SpeaksEveryFewSecondsAndAtTheEnd) {
  std::ostringstream out;
  const auto renderer = MakePlainRenderer(out, PlainStyle(), false);
  const Clock::time_point begin{};
  renderer->OnEvent(EventOf(Event::Kind::kStageBegin, Stage::kData), ProgressSample(), begin);
  for (int i = 1; i <= 40; ++i) renderer->OnTick(Half(), begin + milliseconds(250 * i));
  renderer->OnEvent(EventOf(Event::Kind::kStageEnd, Stage::kData), Half(), begin + seconds(10));
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_THAT(text, HasSubstr("data: 50%, 500,000 rows, 50.0 MiB"));
  EXPECT_THAT(text, HasSubstr("data: 500,000 rows, 50.0 MiB in 10.0 s"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(JsonProgress, IsOneObjectPerLine) {
  std::ostringstream out;
  const auto renderer = MakeJsonRenderer(out);
  Play(*renderer, kHostileName);
  Event finding = EventOf(Event::Kind::kFinding, Stage::kPlan);
  finding.finding = SampleReport().findings[1];
  renderer->OnEvent(finding, Half(), Clock::time_point());
  std::stringstream lines(out.str());
  std::vector<std::string> kinds;
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json json = nlohmann::json::parse(line);
    kinds.push_back(json["event"]);
    EXPECT_TRUE(json["stage"].is_string());
    if (kinds.back() != "progress") continue;
    EXPECT_EQ(json["workers"].size(), 3u);
    EXPECT_EQ(json["workers"][0]["table_rows_total"], 600'000);
  }
  EXPECT_EQ(kinds, (std::vector<std::string>{"stage_begin", "table_begin", "progress", "progress",
                                             "retry", "stage_end", "finding"}));
}

TEST(RateMeter, IsNotFooledByCountersThatStartAgain) {
  RateMeter meter;
  ProgressSample sample;
  sample.bytes_done = 1000;
  meter.Restart(Clock::time_point(), sample);
  sample.bytes_done = 10;
  meter.Add(Clock::time_point(seconds(1)), sample);
  EXPECT_EQ(meter.bytes_per_second(), 0);
}

TEST(FractionDone, StaysWithinItsBounds) {
  EXPECT_EQ(FractionDone(ProgressSample()), -1);
  ProgressSample over = Half();
  over.bytes_done = over.bytes_total * 3;  // estimates may be too low
  EXPECT_EQ(FractionDone(over), 1);
}

TEST(Progress, DropsEventsAfterItsEnd) {
  std::ostringstream out;
  Progress progress(MakePlainRenderer(out, PlainStyle(), true), nullptr);
  progress.sink().Emit(EventOf(Event::Kind::kLog, Stage::kData, "", "first"));
  progress.Finish();
  progress.sink().Emit(EventOf(Event::Kind::kLog, Stage::kData, "", "second"));
  EXPECT_EQ(out.str(), "log: first\n");
}

TEST(Progress, TakesEventsFromManyThreads) {
  std::ostringstream out;
  Progress progress(MakeJsonRenderer(out), nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        progress.sink().Emit(EventOf(Event::Kind::kLog, Stage::kData, "t", "x"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  progress.Finish();
  std::stringstream lines(out.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
  EXPECT_EQ(count, 800);
}

TEST(MakeRenderer, FollowsTheOptions) {
  std::ostringstream out;
  OutputOptions output;
  Style terminal = PlainStyle();
  terminal.terminal = true;
  EXPECT_EQ(MakeRenderer(output, out, terminal, nullptr)->tick(), milliseconds(100));
  EXPECT_EQ(MakeRenderer(output, out, PlainStyle(), nullptr)->tick(), milliseconds(500));
  output.quiet = true;
  EXPECT_EQ(MakeRenderer(output, out, terminal, nullptr), nullptr);
  output.progress = ProgressMode::kJson;
  EXPECT_EQ(MakeRenderer(output, out, terminal, nullptr)->tick(), milliseconds(250));
  output.progress = ProgressMode::kNever;
  EXPECT_EQ(MakeRenderer(output, out, terminal, nullptr), nullptr);
}

}  // namespace
}  // namespace lite2pg
