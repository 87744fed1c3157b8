// A stage of a command: begun and ended for the display, measured for the report.
#ifndef LITE2PG_ENGINE_COMMAND_STAGE_SCOPE_H_
#define LITE2PG_ENGINE_COMMAND_STAGE_SCOPE_H_

#include "engine/base/stage.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/report/resources.h"

namespace lite2pg {

// Lives as long as its stage; `events` and `report` outlive it. One thread.
class StageScope {
 public:
  StageScope(Stage stage, EventSink& events, Report* report)
      : stage_(stage), events_(events), timer_(stage, report) {
    events_.counters.rows_done = events_.counters.rows_total = 0;
    events_.counters.bytes_done = events_.counters.bytes_total = 0;
    events_.counters.tables_done = events_.counters.tables_total = 0;
    Emit(Event::Kind::kStageBegin);
  }
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;
  ~StageScope() {
    timer_.End();
    Emit(Event::Kind::kStageEnd);
  }

 private:
  void Emit(Event::Kind kind) {
    Event event;
    event.kind = kind;
    event.stage = stage_;
    events_.Emit(event);
  }

  Stage stage_;
  EventSink& events_;
  StageTimer timer_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_STAGE_SCOPE_H_
