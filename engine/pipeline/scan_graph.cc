#include "engine/pipeline/scan_graph.h"

#include <tbb/flow_graph.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/exception_status.h"
#include "engine/base/first_error.h"
#include "engine/base/status_macros.h"
#include "engine/pipeline/range_cursor.h"

namespace lite2pg {
namespace {

// A task reads about this much before it lets another lane have the worker and looks whether
// somebody is hungry.
constexpr uint64_t kSliceBytes = uint64_t{2} << 20;

struct ScanLane {
  std::unique_ptr<RangeCursor> cursor;
  std::unique_ptr<TableScanner> scanner;  // of the range under way
  Activation activation;
};

class ScanRun {
 public:
  ScanRun(const std::vector<ScanTask>& tasks, SourceSnapshot& snapshot, EventSink& events,
          const CancelToken& cancel)
      : tasks_(tasks),
        events_(events),
        cancel_(cancel),
        pool_(Ranges(tasks), [this](int lane) { Activate(lane); }),
        results_(tasks.size()),
        scan_(graph_, tbb::flow::unlimited, [this](int lane) { RunLane(lane); }) {
    for (const ScanTask& task : tasks) readings_.push_back(&task.reading);
    // It is all work of the processors: more readers than they are would only share them. One more,
    // as now and then one waits for the disk. The snapshot's last reader is for quick_check.
    const int lanes = std::clamp(
        snapshot.size() - 1, 1,
        static_cast<int>(std::max(2u, std::thread::hardware_concurrency())) + 1);
    lanes_.resize(static_cast<size_t>(lanes));
    for (int i = 0; i < lanes; ++i) {
      auto lane = std::make_unique<ScanLane>();
      lane->cursor = std::make_unique<RangeCursor>(snapshot, pool_, readings_, i);
      lanes_[static_cast<size_t>(i)] = std::move(lane);
    }
    for (size_t i = 0; i < tasks.size(); ++i) {
      TableScanner empty(tasks[i].candidates);
      results_[i].scan = empty.result();
    }
  }

  // Where not all lanes could be begun, others are under way.
  ~ScanRun() {
    graph_.cancel();
    try {
      graph_.wait_for_all();
    } catch (const std::exception&) {
      // What ended Run() has been told already.
    }
  }

  absl::StatusOr<std::vector<ScannedTable>> Run() {
    for (int i = 0; i < static_cast<int>(lanes_.size()); ++i) Activate(i);
    graph_.wait_for_all();
    for (const std::unique_ptr<ScanLane>& lane : lanes_) {
      if (lane->activation.Idle()) continue;
      return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a lane of the scan has not ended");
    }
    RETURN_IF_ERROR(error_.status());
    RETURN_IF_ERROR(cancel_.Check());
    return std::move(results_);
  }

 private:
  static std::vector<WorkRange> Ranges(const std::vector<ScanTask>& tasks) {
    std::vector<WorkRange> ranges;
    for (size_t i = 0; i < tasks.size(); ++i) {
      WorkRange range;
      range.table = static_cast<int>(i);
      range.weight_bytes = tasks[i].weight_bytes;
      ranges.push_back(std::move(range));
    }
    return ranges;
  }

  void Activate(int lane) {
    if (lanes_[static_cast<size_t>(lane)]->activation.Enter()) scan_.try_put(lane);
  }

  void RunLane(int index) {
    ScanLane& lane = *lanes_[static_cast<size_t>(index)];
    bool more = false;
    if (!error_.stopped() && !cancel_.cancelled()) {
      absl::Status status;
      try {
        status = Slice(index, lane, &more);
      } catch (const std::exception&) {
        status = StatusOfException("scanning the source");
      }
      if (!status.ok()) {
        error_.Set(status);
        pool_.Close();
      }
    }
    if (!more) events_.timeline.End(index);
    if (lane.activation.Leave(more)) scan_.try_put(index);
  }

  // Reads about kSliceBytes. *more stays false when the lane is parked or done.
  absl::Status Slice(int index, ScanLane& lane, bool* more) {
    RangeCursor& cursor = *lane.cursor;
    if (!cursor.has_range()) {
      const absl::StatusOr<RangePool::Answer> answer = cursor.Take();
      if (!answer.ok()) return EndRange(lane, answer.status(), more);
      if (*answer != RangePool::Answer::kRange) return absl::OkStatus();
      lane.scanner = std::make_unique<TableScanner>(
          tasks_[static_cast<size_t>(cursor.work().table)].candidates);
    }
    const TableReading& reading = tasks_[static_cast<size_t>(cursor.work().table)].reading;
    events_.timeline.Begin(index, reading.table->name, "", 0);
    const uint64_t bytes_before = lane.scanner->result().encoded_bytes;
    const uint64_t rows_before = lane.scanner->result().rows;
    const auto bytes = [&] { return lane.scanner->result().encoded_bytes - bytes_before; };
    while (bytes() < kSliceBytes) {
      const absl::StatusOr<std::span<const SourceValue>> row = cursor.Next();
      if (!row.ok() || row->empty()) {
        Count(index, lane, rows_before, bytes());
        return EndRange(lane, row.status(), more);
      }
      lane.scanner->Add(*row, cursor.source());
    }
    Count(index, lane, rows_before, bytes());
    *more = true;
    return cursor.Yield(bytes());
  }

  void Count(int index, const ScanLane& lane, uint64_t rows_before, uint64_t bytes) {
    events_.Moved(index, lane.scanner->result().rows - rows_before, bytes);
  }

  absl::Status EndRange(ScanLane& lane, const absl::Status& status, bool* more) {
    const auto table = static_cast<size_t>(lane.cursor->work().table);
    ErrorInfo where;
    where.table = tasks_[table].reading.table->name;
    const absl::Status located = WithContext(status, where);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (lane.scanner != nullptr) results_[table].scan.Merge(lane.scanner->result());
      if (results_[table].status.ok()) results_[table].status = located;
    }
    lane.scanner.reset();
    lane.cursor->Finish();
    *more = true;
    const bool only_this_table =
        !status.ok() && InfoOf(status).code == ErrorCode::kSourceTableUnreadable;
    return only_this_table ? absl::OkStatus() : located;
  }

  const std::vector<ScanTask>& tasks_;
  EventSink& events_;
  const CancelToken& cancel_;
  std::vector<const TableReading*> readings_;
  RangePool pool_;
  std::vector<std::unique_ptr<ScanLane>> lanes_;
  std::mutex mutex_;
  std::vector<ScannedTable> results_;
  FirstError error_;
  tbb::flow::graph graph_;
  tbb::flow::function_node<int> scan_;
};

}  // namespace

absl::StatusOr<std::vector<ScannedTable>> ScanTables(const std::vector<ScanTask>& tasks,
                                                     SourceSnapshot& snapshot, EventSink& events,
                                                     const CancelToken& cancel) {
  return ScanRun(tasks, snapshot, events, cancel).Run();
}

}  // namespace lite2pg
