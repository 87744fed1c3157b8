#include "engine/report/timeline.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace lite2pg {
namespace {

// More would not be told apart in a picture of some thousand points.
constexpr size_t kSpansMax = 1000;
constexpr size_t kRatesMax = 240;
constexpr size_t kSharesMax = 200;

// Between two spans of the same thing, no pause that anybody would want to see.
constexpr double kPauseMin = 0.05;
// A worker between two batches is not idle.
constexpr double kLingerSeconds = 0.5;

using Span = TimelineReport::Span;

bool SameLane(const Span& a, const Span& b) { return a.stage == b.stage && a.worker == b.worker; }
bool SameThing(const Span& a, const Span& b) { return a.table == b.table && a.what == b.what; }

// `next` follows `span` in the same lane.
void Join(const Span& next, Span* span) {
  if (!SameThing(next, *span) || next.parts > 1) span->parts += next.parts;
  span->end = std::max(span->end, next.end);
  span->rows += next.rows;
  span->bytes += next.bytes;
}

void Sort(std::vector<Span>* spans) {
  std::stable_sort(spans->begin(), spans->end(), [](const Span& a, const Span& b) {
    return std::tie(a.stage, a.worker, a.begin) < std::tie(b.stage, b.worker, b.begin);
  });
}

}  // namespace

double TimelineReport::Share::total() const {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

void Timeline::BeginStage(Stage stage, Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double at = At(now);
  for (auto& [number, worker] : workers_) Flush(&worker, at);
  workers_.clear();
  table_rows_.clear();
  stage_ = stage;
  stages_.push_back({stage, at, at});
}

void Timeline::EndStage(Stage stage, Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double at = At(now);
  for (auto& [number, worker] : workers_) Flush(&worker, at);
  workers_.clear();
  if (!stages_.empty() && stages_.back().stage == stage) stages_.back().end = at;
}

void Timeline::Begin(int worker, absl::string_view table, absl::string_view what,
                     uint64_t rows_total, Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  BeginLocked(worker, table, what, rows_total, At(now));
}

void Timeline::BeginIfIdle(int worker, absl::string_view table, absl::string_view what,
                           uint64_t rows_total, Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!workers_[worker].busy) BeginLocked(worker, table, what, rows_total, At(now));
}

void Timeline::BeginLocked(int worker, absl::string_view table, absl::string_view what,
                           uint64_t rows_total, double at) {
  Worker& state = workers_[worker];
  const bool same = state.any && state.span.table == table && state.span.what == what;
  if (same && (state.busy || at - state.span.end < kPauseMin)) {
    state.busy = true;
    return;
  }
  Flush(&state, at);
  state.busy = state.any = true;
  state.span = Span();
  state.span.stage = stage_;
  state.span.worker = worker;
  state.span.table = std::string(table);
  state.span.what = std::string(what);
  state.span.begin = state.span.end = at;
  TableRows& rows = table_rows_[state.span.table];
  rows.total = std::max(rows.total, rows_total);
}

void Timeline::Add(int worker, uint64_t rows, uint64_t bytes, Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double at = At(now);
  AddRate(at, rows, bytes);
  Worker& state = workers_[worker];
  if (!state.busy) return;
  state.span.rows += rows;
  state.span.bytes += bytes;
  state.span.end = at;
  table_rows_[state.span.table].done += rows;
}

void Timeline::End(int worker, Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  EndLocked(&workers_[worker], At(now));
}

void Timeline::EndLocked(Worker* worker, double at) {
  if (!worker->busy) return;
  worker->busy = false;
  worker->span.end = std::max(at, worker->span.begin);
}

// What it was at is over for good.
void Timeline::Flush(Worker* worker, double at) {
  EndLocked(worker, at);
  if (!worker->any) return;
  worker->any = false;
  shares_[worker->span.table][static_cast<size_t>(worker->span.stage)] +=
      worker->span.end - worker->span.begin;
  Keep(std::move(worker->span));
}

// The latest of its lane is looked for near the end only: lanes take turns.
void Timeline::Keep(Span span) {
  const size_t near = spans_.size() > 64 ? spans_.size() - 64 : 0;
  for (size_t i = spans_.size(); i > near; --i) {
    Span& last = spans_[i - 1];
    if (!SameLane(last, span)) continue;
    if (span.end - last.begin < resolution_) return Join(span, &last);
    break;
  }
  spans_.push_back(std::move(span));
  if (spans_.size() > kSpansMax) Thin();
}

// Joins the shortest with their neighbours until half of the room is free.
void Timeline::Thin() {
  Sort(&spans_);
  while (spans_.size() > kSpansMax / 2) {
    resolution_ *= 2;
    std::vector<Span> kept;
    for (Span& span : spans_) {
      const bool join = !kept.empty() && SameLane(kept.back(), span) &&
                        span.end - kept.back().begin < resolution_;
      if (join) {
        Join(span, &kept.back());
      } else {
        kept.push_back(std::move(span));
      }
    }
    spans_ = std::move(kept);
    if (resolution_ > 1e6) break;   // as many lanes as there is room for
  }
}

void Timeline::AddRate(double at, uint64_t rows, uint64_t bytes) {
  if (at < 0 || (rows == 0 && bytes == 0)) return;
  while (at >= rate_seconds_ * static_cast<double>(kRatesMax)) {
    std::vector<TimelineReport::Rate> halved;
    for (size_t i = 0; i < rates_.size(); ++i) {
      const double begin = rates_[i].begin;
      if (i % 2 == 0) halved.push_back({begin, begin + 2 * rate_seconds_, 0, 0});
      halved.back().rows += rates_[i].rows;
      halved.back().bytes += rates_[i].bytes;
    }
    rates_ = std::move(halved);
    rate_seconds_ *= 2;
  }
  const size_t index = static_cast<size_t>(at / rate_seconds_);
  while (rates_.size() <= index) {
    const double begin = rate_seconds_ * static_cast<double>(rates_.size());
    rates_.push_back({begin, begin + rate_seconds_, 0, 0});
  }
  rates_[index].rows += rows;
  rates_[index].bytes += bytes;
}

std::vector<Activity> Timeline::Active(Clock::time_point now) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double at = At(now);
  std::vector<Activity> active;
  for (const auto& [number, worker] : workers_) {
    const bool lingers = worker.any && at - worker.span.end < kLingerSeconds;
    if (!worker.busy && !lingers) continue;
    Activity activity{number, worker.span.table, worker.span.what, worker.span.rows,
                      worker.span.bytes, 0, 0, at - worker.span.begin};
    const auto rows = table_rows_.find(worker.span.table);
    if (rows != table_rows_.end()) {
      activity.table_rows = rows->second.done;
      activity.table_rows_total = rows->second.total;
    }
    active.push_back(std::move(activity));
  }
  return active;
}

TimelineReport Timeline::Read(Clock::time_point now) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  TimelineReport report;
  report.stages = stages_;
  report.spans = spans_;
  for (const auto& [number, worker] : workers_) {
    if (!worker.any) continue;
    report.spans.push_back(worker.span);
    if (worker.busy) report.spans.back().end = At(now);
  }
  Sort(&report.spans);
  report.rates = rates_;
  for (const auto& [table, seconds] : shares_) report.shares.push_back({table, seconds});
  std::stable_sort(report.shares.begin(), report.shares.end(),
                   [](const auto& a, const auto& b) { return a.total() > b.total(); });
  if (report.shares.size() > kSharesMax) report.shares.resize(kSharesMax);
  return report;
}

}  // namespace lite2pg
