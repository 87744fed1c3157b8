// What standard error shows while a command runs: a live display, plain lines, or JSON events.
#ifndef LITE2PG_TOOLS_CLI_PROGRESS_H_
#define LITE2PG_TOOLS_CLI_PROGRESS_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/report/event.h"
#include "tools/cli/settings.h"
#include "tools/cli/text_layout.h"

namespace lite2pg {

using Clock = std::chrono::steady_clock;

// A copy of the counters at one moment.
struct ProgressSample {
  uint64_t rows_done = 0, rows_total = 0, bytes_done = 0, bytes_total = 0;
  uint64_t tables_done = 0, tables_total = 0, objects_done = 0, objects_total = 0;
  int streams = 0, findings = 0, retries = 0;
  std::vector<Activity> active;  // what each worker is at
};
ProgressSample SampleOf(const EventSink& sink);

// Rates and the time left, from two samples a little apart. One thread.
class RateMeter {
 public:
  void Restart(Clock::time_point now, const ProgressSample& sample);
  void Add(Clock::time_point now, const ProgressSample& sample);
  double rows_per_second() const { return rows_per_second_; }
  double bytes_per_second() const { return bytes_per_second_; }

 private:
  Clock::time_point at_;
  uint64_t rows_ = 0, bytes_ = 0;
  double rows_per_second_ = 0, bytes_per_second_ = 0;
  bool any_ = false;
};

// Between 0 and 1, or -1 when nothing is known about the end. Bytes before objects before rows
// before tables: whatever has a total.
double FractionDone(const ProgressSample& sample);

// The sample without the counters that do not count in `stage`: they keep the numbers of an
// earlier one.
ProgressSample ForStage(Stage stage, ProgressSample sample);

// Whether a stage that has ended gets a line of its own: the report's is nobody's business unless
// it took long. The lines do not say that a stage went well; what did not says so itself.
bool IsWorthALine(Stage stage, double seconds);

// "250,000 rows, 15.2 MiB", "5 objects", or "".
std::string AmountOf(const ProgressSample& sample);

// One renderer; calls come from one thread at a time (Progress sees to it).
class ProgressRenderer {
 public:
  virtual ~ProgressRenderer() = default;
  virtual void OnEvent(const Event& event, const ProgressSample& sample, Clock::time_point now) = 0;
  // Called about every tick(); may do nothing.
  virtual void OnTick(const ProgressSample& sample, Clock::time_point now) = 0;
  virtual std::chrono::milliseconds tick() const = 0;
  // Leaves the stream at the start of a clean line.
  virtual void Finish() = 0;
};

// Of a terminal, which may change meanwhile; 0 where unknown.
struct TerminalSize {
  int columns = 0, lines = 0;
};
using AskTerminalSize = std::function<TerminalSize()>;

std::unique_ptr<ProgressRenderer> MakeLiveRenderer(std::ostream& out, const Style& style,
                                                   AskTerminalSize size, bool verbose);
std::unique_ptr<ProgressRenderer> MakePlainRenderer(std::ostream& out, const Style& style,
                                                    bool verbose);
std::unique_ptr<ProgressRenderer> MakeJsonRenderer(std::ostream& out);

// nullptr: nothing is shown.
std::unique_ptr<ProgressRenderer> MakeRenderer(const OutputOptions& output, std::ostream& out,
                                               const Style& style, AskTerminalSize size);

// Connects an EventSink with a renderer and a thread that ticks. Must outlive the command.
class Progress {
 public:
  // `intercept` sees every event first and may change it (passwords); may be empty.
  Progress(std::unique_ptr<ProgressRenderer> renderer, std::function<void(Event*)> intercept);
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  EventSink& sink() { return sink_; }
  // Ends the display; later events are dropped. Idempotent.
  void Finish();

 private:
  void Tick();

  std::unique_ptr<ProgressRenderer> renderer_;
  std::function<void(Event*)> intercept_;
  EventSink sink_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_PROGRESS_H_
