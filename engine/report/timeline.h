// What the workers of a run are busy with, for a display, and what they were busy with when, for
// the report's plots. Of bounded size however long the run and however many its tables are.
#ifndef LITE2PG_ENGINE_REPORT_TIMELINE_H_
#define LITE2PG_ENGINE_REPORT_TIMELINE_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/base/stage.h"

namespace lite2pg {

// All times are seconds since the run began.
struct TimelineReport {
  // A worker (a stream, a reader, a builder of indexes) at one thing, or at a sequence of small
  // ones that nobody could tell apart in a picture.
  struct Span {
    Stage stage = Stage::kInspect;
    int worker = 0;
    std::string table, what;     // of the first; `what` is "" where the table says all
    double begin = 0, end = 0;
    uint64_t rows = 0, bytes = 0;
    uint64_t parts = 1;          // how many things it stands for
  };
  // What all workers together have moved in a piece of time.
  struct Rate {
    double begin = 0, end = 0;
    uint64_t rows = 0, bytes = 0;
  };
  // How long workers were at a table, by stage; work side by side counts for each of them.
  struct Share {
    std::string table;
    std::array<double, kStageCount> seconds{};
    double total() const;
  };
  struct StageTime {
    Stage stage = Stage::kInspect;
    double begin = 0, end = 0;
  };
  std::vector<StageTime> stages;
  std::vector<Span> spans;       // by stage, worker and time
  std::vector<Rate> rates;       // of equal length, without the empty ones at the end
  std::vector<Share> shares;     // the largest first
};

// What a worker is at now.
struct Activity {
  int worker = 0;
  std::string table, what;
  uint64_t rows = 0, bytes = 0;  // of this worker, since it began
  uint64_t table_rows = 0;       // of all workers, in this stage
  uint64_t table_rows_total = 0;  // 0: not known
  double seconds = 0;            // since it began
};

// Any thread; a call costs a lock that is held briefly, so it is for batches and not for rows.
class Timeline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Timeline(Clock::time_point began = Clock::now()) : began_(began) {}

  void BeginStage(Stage stage, Clock::time_point now = Clock::now());
  void EndStage(Stage stage, Clock::time_point now = Clock::now());

  // Worker 0, 1, ... of the stage under way is at `what` of `table` from now on. Nothing happens
  // when it is already; what else it was at is over.
  void Begin(int worker, absl::string_view table, absl::string_view what, uint64_t rows_total,
             Clock::time_point now = Clock::now());
  // The same for a worker that is at nothing.
  void BeginIfIdle(int worker, absl::string_view table, absl::string_view what,
                   uint64_t rows_total, Clock::time_point now = Clock::now());
  // It has moved rows of what it is at.
  void Add(int worker, uint64_t rows, uint64_t bytes, Clock::time_point now = Clock::now());
  void End(int worker, Clock::time_point now = Clock::now());

  // By worker; with those that were at something a moment ago, so that a display does not flicker.
  std::vector<Activity> Active(Clock::time_point now = Clock::now()) const;
  TimelineReport Read(Clock::time_point now = Clock::now()) const;

 private:
  struct Worker {
    bool busy = false;
    bool any = false;            // `span` is under way, or over for a moment
    TimelineReport::Span span;
  };
  struct TableRows {
    uint64_t done = 0, total = 0;
  };
  double At(Clock::time_point time) const {
    return std::chrono::duration<double>(time - began_).count();
  }
  void BeginLocked(int worker, absl::string_view table, absl::string_view what,
                   uint64_t rows_total, double at);
  void EndLocked(Worker* worker, double at);
  void Flush(Worker* worker, double at);
  void AddRate(double at, uint64_t rows, uint64_t bytes);
  void Keep(TimelineReport::Span span);
  void Thin();

  const Clock::time_point began_;
  mutable std::mutex mutex_;
  Stage stage_ = Stage::kInspect;
  std::vector<TimelineReport::StageTime> stages_;
  std::map<int, Worker> workers_;                // of the stage under way
  std::map<std::string, TableRows> table_rows_;  // of the stage under way
  std::map<std::string, std::array<double, kStageCount>> shares_;
  std::vector<TimelineReport::Span> spans_;
  double resolution_ = 0.002;     // shorter spans are joined with their neighbours
  std::vector<TimelineReport::Rate> rates_;
  double rate_seconds_ = 0.05;    // the length of each
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_TIMELINE_H_
