// What the process has used so far, as the report shows it.
#ifndef LITE2PG_ENGINE_REPORT_RESOURCES_H_
#define LITE2PG_ENGINE_REPORT_RESOURCES_H_

#include <chrono>
#include <cstdint>

#include "engine/report/report.h"

namespace lite2pg {

// CPU seconds of this process (user and system, all threads; children not included).
double ProcessCpuSeconds();
// Highest resident set so far: VmHWM of /proc/self/status, or getrusage where that is missing.
int64_t PeakRssBytes();

// Started with a command, asked at its end. Any thread.
class ResourceMeter {
 public:
  ResourceMeter();
  // streams_max is the caller's to fill.
  Report::Resources Read() const;

 private:
  std::chrono::steady_clock::time_point began_;
  double cpu_began_;
};

// Measures one stage: begun by the constructor, appended to `report` by End() or the destructor.
// Move-only by being neither; lives on the stack of the command. One thread.
class StageTimer {
 public:
  StageTimer(Stage stage, Report* report);
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  ~StageTimer() { End(); }
  void End();

 private:
  Stage stage_;
  Report* report_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_RESOURCES_H_
