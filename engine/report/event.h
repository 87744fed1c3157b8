// What happens while a command runs. The engine emits, tools/ renders; nothing here prints.
#ifndef LITE2PG_ENGINE_REPORT_EVENT_H_
#define LITE2PG_ENGINE_REPORT_EVENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "engine/base/error.h"
#include "engine/base/stage.h"
#include "engine/report/report.h"
#include "engine/report/timeline.h"

namespace lite2pg {

struct Event {
  enum class Kind : uint8_t {
    kStageBegin,
    kStageEnd,
    kTableBegin,   // first range of a table is taken
    kTableEnd,     // its last chunk is committed
    kObjectDone,   // an index, constraint or view is there (or refused: see findings)
    kFinding,
    kRetry,        // a connection was lost and is tried again
    kLog,          // -v
    kReady,        // serve: `text` is the connection string
    kWarning,      // something the user should know now, not a finding about the data
  };
  Kind kind = Kind::kLog;
  Stage stage = Stage::kInspect;
  std::string table;   // or object
  std::string text;
  Finding finding;     // kFinding
};

// Counters that a display reads at its own pace; any thread.
struct ProgressCounters {
  std::atomic<uint64_t> rows_done{0}, rows_total{0};      // of the stage under way
  std::atomic<uint64_t> bytes_done{0}, bytes_total{0};
  std::atomic<uint64_t> tables_done{0}, tables_total{0};
  std::atomic<uint64_t> objects_done{0}, objects_total{0};
  std::atomic<int> findings{0}, retries{0};
};

// Given to every command. Emit() and Moved(): any thread. on_event is called one event at a time.
struct EventSink {
  std::function<void(const Event&)> on_event;
  ProgressCounters counters;
  Timeline timeline;
  std::mutex emit_mutex;

  void Emit(const Event& event) {
    if (event.kind == Event::Kind::kStageBegin) timeline.BeginStage(event.stage);
    if (event.kind == Event::Kind::kStageEnd) timeline.EndStage(event.stage);
    const std::lock_guard<std::mutex> lock(emit_mutex);
    if (on_event) on_event(event);
  }
  // A worker of the stage has dealt with rows of what it is at.
  void Moved(int worker, uint64_t rows, uint64_t bytes) {
    counters.rows_done += rows;
    counters.bytes_done += bytes;
    timeline.Add(worker, rows, bytes);
  }
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_EVENT_H_
