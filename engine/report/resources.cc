#include "engine/report/resources.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lite2pg {
namespace {

double SecondsSince(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

}  // namespace

double ProcessCpuSeconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

int64_t PeakRssBytes() {
  // ru_maxrss is inherited over exec on Linux, so a process started by a large one would report
  // its parent's size; VmHWM is this process's own.
  if (std::FILE* file = std::fopen("/proc/self/status", "re"); file != nullptr) {
    char line[256];
    int64_t kib = -1;
    while (kib < 0 && std::fgets(line, sizeof(line), file) != nullptr) {
      if (std::strncmp(line, "VmHWM:", 6) == 0) kib = std::strtoll(line + 6, nullptr, 10);
    }
    std::fclose(file);
    if (kib >= 0) return kib * 1024;
  }
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<int64_t>(usage.ru_maxrss) * 1024 : 0;
}

ResourceMeter::ResourceMeter()
    : began_(std::chrono::steady_clock::now()), cpu_began_(ProcessCpuSeconds()) {}

Report::Resources ResourceMeter::Read() const {
  Report::Resources resources;
  resources.wall_seconds = SecondsSince(began_);
  resources.client_cpu_seconds = ProcessCpuSeconds() - cpu_began_;
  resources.peak_rss_bytes = PeakRssBytes();
  return resources;
}

StageTimer::StageTimer(Stage stage, Report* report)
    : stage_(stage), report_(report), began_(std::chrono::steady_clock::now()) {}

void StageTimer::End() {
  if (report_ == nullptr) return;
  report_->stages.push_back(StageReport{stage_, SecondsSince(began_)});
  report_ = nullptr;
#ifdef __GLIBC__
  // What a stage needed for itself, and the next one does not.
  malloc_trim(0);
#endif
}

}  // namespace lite2pg
