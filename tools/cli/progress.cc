#include "tools/cli/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"

namespace lite2pg {

ProgressSample SampleOf(const EventSink& sink) {
  const ProgressCounters& counters = sink.counters;
  const auto relaxed = std::memory_order_relaxed;  // a display may be a moment behind
  ProgressSample s;
  s.rows_done = counters.rows_done.load(relaxed);
  s.rows_total = counters.rows_total.load(relaxed);
  s.bytes_done = counters.bytes_done.load(relaxed);
  s.bytes_total = counters.bytes_total.load(relaxed);
  s.tables_done = counters.tables_done.load(relaxed);
  s.tables_total = counters.tables_total.load(relaxed);
  s.objects_done = counters.objects_done.load(relaxed);
  s.objects_total = counters.objects_total.load(relaxed);
  s.findings = counters.findings.load(relaxed);
  s.retries = counters.retries.load(relaxed);
  s.active = sink.timeline.Active();
  s.streams = static_cast<int>(s.active.size());
  return s;
}

void RateMeter::Restart(Clock::time_point now, const ProgressSample& sample) {
  *this = RateMeter();
  at_ = now;
  rows_ = sample.rows_done;
  bytes_ = sample.bytes_done;
}

void RateMeter::Add(Clock::time_point now, const ProgressSample& sample) {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  if (seconds < 0.2) return;  // too short to mean anything
  // Counters start again with a stage; a step back is no rate.
  const auto rate = [&](uint64_t done, uint64_t before) {
    return done < before ? 0.0 : static_cast<double>(done - before) / seconds;
  };
  const double rows = rate(sample.rows_done, rows_);
  const double bytes = rate(sample.bytes_done, bytes_);
  // Chunks arrive in bursts, so newer values weigh a third only after some seconds.
  const double weight = any_ ? std::min(1.0, seconds / 3.0) : 1.0;
  rows_per_second_ += (rows - rows_per_second_) * weight;
  bytes_per_second_ += (bytes - bytes_per_second_) * weight;
  any_ = true;
  at_ = now;
  rows_ = sample.rows_done;
  bytes_ = sample.bytes_done;
}

double FractionDone(const ProgressSample& s) {
  const auto part = [](uint64_t done, uint64_t total) {
    return std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  };
  if (s.bytes_total > 0) return part(s.bytes_done, s.bytes_total);
  if (s.objects_total > 0) return part(s.objects_done, s.objects_total);
  if (s.rows_total > 0) return part(s.rows_done, s.rows_total);
  if (s.tables_total > 0) return part(s.tables_done, s.tables_total);
  return -1;
}

ProgressSample ForStage(Stage stage, ProgressSample s) {
  const bool reads_rows = stage == Stage::kPlan || stage == Stage::kData || stage == Stage::kVerify;
  if (!reads_rows) {
    s.rows_done = s.rows_total = s.bytes_done = s.bytes_total = 0;
    s.tables_done = s.tables_total = 0;
    s.streams = 0;
  }
  if (stage != Stage::kPostData) s.objects_done = s.objects_total = 0;
  return s;
}

bool IsWorthALine(Stage stage, double seconds) { return stage != Stage::kReport || seconds >= 1; }

std::string AmountOf(const ProgressSample& s) {
  if (s.objects_done > 0) return Counted(s.objects_done, "object");
  std::string out = s.rows_done > 0 ? Counted(s.rows_done, "row") : "";
  if (s.bytes_done > 0) absl::StrAppend(&out, out.empty() ? "" : ", ", FormatBytes(s.bytes_done));
  return out;
}

std::unique_ptr<ProgressRenderer> MakeRenderer(const OutputOptions& output, std::ostream& out,
                                               const Style& style, AskTerminalSize size) {
  switch (output.progress) {
    case ProgressMode::kNever: return nullptr;
    case ProgressMode::kJson: return MakeJsonRenderer(out);
    case ProgressMode::kAlways:
      return MakeLiveRenderer(out, style, std::move(size), output.verbose);
    case ProgressMode::kAuto: break;
  }
  if (output.quiet) return nullptr;
  return style.terminal ? MakeLiveRenderer(out, style, std::move(size), output.verbose)
                        : MakePlainRenderer(out, style, output.verbose);
}

Progress::Progress(std::unique_ptr<ProgressRenderer> renderer,
                   std::function<void(Event*)> intercept)
    : renderer_(std::move(renderer)), intercept_(std::move(intercept)) {
  sink_.on_event = [this](const Event& given) {
    Event event = given;
    if (intercept_) intercept_(&event);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (renderer_ == nullptr || finished_) return;
    renderer_->OnEvent(event, SampleOf(sink_), Clock::now());
  };
  if (renderer_ != nullptr) thread_ = std::thread([this] { Tick(); });
}

void Progress::Tick() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!finished_) {
    wake_.wait_for(lock, renderer_->tick());
    if (!finished_) renderer_->OnTick(SampleOf(sink_), Clock::now());
  }
}

void Progress::Finish() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!finished_ && renderer_ != nullptr) renderer_->Finish();
    finished_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace lite2pg
