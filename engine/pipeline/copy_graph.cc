#include "engine/pipeline/copy_graph.h"

#include <tbb/flow_graph.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/exception_status.h"
#include "engine/base/failpoint.h"
#include "engine/base/first_error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/pipeline/copy_lane.h"
#include "engine/pipeline/resumed_data.h"
#include "engine/pipeline/stream_controller.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;
using BatchPtr = std::shared_ptr<Batch>;
using FillNode = tbb::flow::multifunction_node<int, std::tuple<BatchPtr>>;
using SendNode = tbb::flow::async_node<BatchPtr, BatchPtr>;

// Rows larger than this go one lane at a time, one batch at a time.
constexpr uint64_t kHugeRowBytes = 8 * kBatchBytes;
// Small tables share a transaction up to this.
constexpr uint64_t kSharedTransactionBytes = uint64_t{8} << 20;

// How often the number of streams is thought over: long enough to carry dozens of batches.
constexpr auto kGovernInterval = std::chrono::milliseconds(200);

std::vector<WorkRange> RangesOf(const Plan& plan, const ResumedData* resumed) {
  if (resumed != nullptr) return resumed->ranges;
  std::vector<WorkRange> ranges;
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    WorkRange range;
    range.table = static_cast<int>(i);
    range.weight_bytes = plan.tables[i].bytes;
    range.huge = plan.tables[i].row_bytes_max > kHugeRowBytes;
    ranges.push_back(std::move(range));
  }
  return ranges;
}

class CopyRun {
 public:
  CopyRun(const Plan& plan, SourceSnapshot& snapshot, const Ledger& ledger,
          const CopyOptions& options, EventSink& events)
      : plan_(plan),
        snapshot_(snapshot),
        ledger_(ledger),
        options_(options),
        events_(events),
        pool_(RangesOf(plan, options.resumed), [this](int lane) { Activate(lane); }),
        budget_(options.policy, plan),
        batches_open_(static_cast<size_t>(std::max(options.streams, options.streams_max))),
        results_(plan.tables.size()),
        begun_(plan.tables.size()) {
    for (const TablePlan& table : plan.tables) readings_.push_back(&table.reading);
    if (options.resumed == nullptr) return;
    next_chunk_ = options.resumed->next_chunk;
    results_ = options.resumed->loaded;
    for (size_t i = 0; i < results_.size(); ++i) {
      budget_.Commit(i, results_[i].rows_rejected);
      const uint64_t rows = results_[i].digest.rows + results_[i].rows_rejected;
      if (rows == 0 || rows != plan.tables[i].rows) continue;
      ended_.insert(i);
      ++events_.counters.tables_done;
    }
  }

  absl::Status Connect() {
    CopyLane::Options lane_options;
    lane_options.chunk_bytes_max = LimitForTests(
        "chunk_bytes", options_.chunk_bytes > 0 ? options_.chunk_bytes : kChunkBytesMax);
    lane_options.chunk_rows_max = LimitForTests("chunk_rows", kChunkRowsMax);
    lane_options.batch_bytes = LimitForTests("batch_bytes", kBatchBytes);
    lane_options.transaction_bytes = LimitForTests("transaction_bytes", kSharedTransactionBytes);
    lane_options.reject_refused = options_.policy.on_bad_value == OnBadValue::kReject;
    for (int i = 0; i < std::max(options_.streams, options_.streams_max); ++i) {
      lanes_.push_back(std::make_unique<CopyLane>(i, plan_, snapshot_, pool_, readings_,
                                                  next_chunk_, budget_, lane_options));
    }
    pool_.LimitLanes(options_.streams);
    while (opened_ < options_.streams) RETURN_IF_ERROR(OpenNext());
    return absl::OkStatus();
  }

  // The flow: fill -> send -> recycle -> fill. A lane owns kBatchesPerStream batches and fills none
  // while all are under way; that is the limiter of every path.
  absl::StatusOr<std::vector<LoadedTable>> Run(CancelToken& cancel) {
    tbb::flow::graph graph;
    FillNode fill(graph, tbb::flow::unlimited,
                  [this](int lane, FillNode::output_ports_type& ports) { Fill(lane, ports); });
    SendNode send(graph, tbb::flow::unlimited,
                  [this](const BatchPtr& batch, SendNode::gateway_type& gateway) {
                    gateway_ = &gateway;
                    gateway.reserve_wait();
                    lanes_[static_cast<size_t>(batch->lane)]->stream->Push(batch);
                  });
    tbb::flow::function_node<BatchPtr> recycle(graph, tbb::flow::unlimited,
                                               [this](const BatchPtr& batch) { Recycle(batch); });
    tbb::flow::make_edge(tbb::flow::output_port<0>(fill), send);
    tbb::flow::make_edge(send, recycle);

    fill_ = &fill;
    {
      const CancelToken::Registration on_cancel =
          cancel.OnCancel([this, &cancel] { Fail(cancel.Check()); });
      for (int i = 0; i < options_.streams; ++i) Activate(i);
      std::thread governor;
      if (options_.streams_max > 1) governor = std::thread([this] { Govern(); });
      graph.wait_for_all();
      StopGoverning(&governor);
    }
    graph.wait_for_all();  // a late cancellation may have woken lanes once more
    lanes_.clear();        // joins the streams
    RETURN_IF_ERROR(error_.status());
    // Streams look at what others have committed, not at what is open there.
    for (size_t i = 0; i < results_.size(); ++i) {
      if (results_[i].rows_rejected > 0) RETURN_IF_ERROR(budget_.Check(i, 0, nullptr));
    }
    return std::move(results_);
  }

 private:
  CopyStreamThread::Callbacks CallbacksFor(CopyLane* lane) {
    CopyStreamThread::Callbacks callbacks;
    callbacks.batch_done = [this](BatchPtr batch) { BatchDone(std::move(batch)); };
    callbacks.committed = [this](const Chunk& chunk) { Committed(chunk); };
    callbacks.failed = [this](const absl::Status& status) { Fail(status); };
    callbacks.check_source = [this] { return snapshot_.CheckUnchanged(); };
    callbacks.connect = [this] { return PgConnection::Connect(options_.connect); };
    callbacks.reload = [this, lane](PgConnection& connection, const Chunk& chunk,
                                    bool check_deferred, uint64_t open_rejects) {
      return lane->Reload(connection, ledger_, chunk, check_deferred, open_rejects);
    };
    callbacks.give_up = [lane] { lane->GiveUp(); };
    callbacks.check_rejects = [this](size_t table, uint64_t open, const RejectRecord* last) {
      return budget_.Check(table, open, last);
    };
    callbacks.retrying = [this](const std::string& what) { Retrying(what); };
    return callbacks;
  }

  // Gives the next lane its stream; until then it must not be activated.
  absl::Status OpenNext() {
    CopyLane* const lane = lanes_[static_cast<size_t>(opened_)].get();
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options_.connect));
    auto stream =
        std::make_unique<CopyStreamThread>(std::move(connection), ledger_, CallbacksFor(lane));
    const std::lock_guard<std::mutex> lock(streams_mutex_);
    lane->stream = std::move(stream);
    ++opened_;
    // Fail() has passed already; the next to be sent must find it stopped.
    if (error_.stopped()) lane->stream->Stop();
    return absl::OkStatus();
  }

  // --streams auto: on a thread of its own, because connecting waits for the server.
  void Govern() {
    StreamController controller(options_.streams, options_.streams_max);
    uint64_t sent_before = 0;
    std::unique_lock<std::mutex> lock(govern_mutex_);
    while (!govern_wake_.wait_for(lock, kGovernInterval, [this] { return governed_; })) {
      const uint64_t sent = sent_bytes_.load();
      const int before = controller.streams();
      const int wanted = controller.Observe(sent - sent_before);
      sent_before = sent;
      if (wanted == before || error_.stopped()) continue;
      lock.unlock();
      while (opened_ < wanted) {
        if (OpenNext().ok()) continue;
        controller.LimitTo(opened_);  // the server has no more connections for us
        break;
      }
      pool_.LimitLanes(controller.streams());
      for (int i = 0; i < controller.streams(); ++i) Activate(i);
      lock.lock();
    }
  }

  void StopGoverning(std::thread* governor) {
    {
      const std::lock_guard<std::mutex> lock(govern_mutex_);
      governed_ = true;
    }
    govern_wake_.notify_all();
    if (governor->joinable()) governor->join();
  }

  void Activate(int lane) {
    if (lanes_[static_cast<size_t>(lane)]->activation.Enter()) fill_->try_put(lane);
  }

  void Fill(int index, FillNode::output_ports_type& ports) {
    CopyLane& lane = *lanes_[static_cast<size_t>(index)];
    bool more = false;
    if (!error_.stopped()) {
      absl::StatusOr<BatchPtr> batch = FillSafely(lane, &more);
      if (!batch.ok()) {
        more = false;
        Fail(batch.status());
      } else if (*batch != nullptr) {
        Begun(**batch);
        std::get<0>(ports).try_put(*batch);
      }
    }
    if (lane.activation.Leave(more)) fill_->try_put(index);
  }

  static absl::StatusOr<BatchPtr> FillSafely(CopyLane& lane, bool* more) {
    try {
      return lane.Fill(more);
    } catch (const std::exception&) {
      return StatusOfException("reading the source");
    }
  }

  // On a stream's thread.
  void BatchDone(BatchPtr batch) {
    sent_bytes_ += batch->rows.size();
    NoteSent(*batch);
    SendNode::gateway_type* const gateway = gateway_;
    gateway->try_put(std::move(batch));
    gateway->release_wait();
  }

  void Recycle(const BatchPtr& batch) {
    const int lane = batch->lane;
    if (lanes_[static_cast<size_t>(lane)]->Recycle(batch)) Activate(lane);
  }

  void Begun(const Batch& batch) {
    ++batches_open_[static_cast<size_t>(batch.lane)];
    if (batch.table == nullptr) return;
    events_.timeline.BeginIfIdle(batch.lane, batch.table->source->name, "", batch.table->rows);
    const std::lock_guard<std::mutex> lock(mutex_);
    Clock::time_point& begun = begun_[batch.table_index];
    if (begun != Clock::time_point{}) return;
    begun = Clock::now();
    EmitLocked(Event::Kind::kTableBegin, batch.table->source->name, "");
  }

  // For the display: a stream may have lost its connection, and send them once more.
  void NoteSent(const Batch& batch) {
    if (batch.table != nullptr) {
      events_.timeline.Begin(batch.lane, batch.table->source->name, "", batch.table->rows);
      events_.Moved(batch.lane, batch.rows_read, batch.rows.size());
    }
    if (--batches_open_[static_cast<size_t>(batch.lane)] == 0) events_.timeline.End(batch.lane);
  }

  void Committed(const Chunk& chunk) {
    budget_.Commit(chunk.table_index, chunk.rejected);
    const std::lock_guard<std::mutex> lock(mutex_);
    LoadedTable& table = results_[chunk.table_index];
    table.digest.Add(chunk.record.digest);
    table.rows_rejected += chunk.rejected;
    table.bytes += chunk.record.bytes;
    if (!table.reader.has_value() || !chunk.reader.pages) table.reader = chunk.reader;
    if (chunk.record.rows > 0) table.streams.insert(chunk.lane);
    table.seconds = std::chrono::duration<double>(Clock::now() - begun_[chunk.table_index]).count();
    table.counts.resize(chunk.counts.size());
    for (size_t i = 0; i < chunk.counts.size(); ++i) {
      table.counts[i].Add(chunk.counts[i]);
    }
    if (table.digest.rows + table.rows_rejected != chunk.table->rows) return;
    if (!ended_.insert(chunk.table_index).second) return;  // an empty chunk after the last row
    ++events_.counters.tables_done;
    EmitLocked(Event::Kind::kTableEnd, chunk.table->source->name, "");
  }

  // REQUIRES: mutex_ is held, as events come one at a time.
  void EmitLocked(Event::Kind kind, const std::string& table, const std::string& text) {
    Event event;
    event.kind = kind;
    event.stage = Stage::kData;
    event.table = table;
    event.text = text;
    events_.Emit(event);
  }

  void Retrying(const std::string& what) {
    ++events_.counters.retries;
    const std::lock_guard<std::mutex> lock(mutex_);
    EmitLocked(Event::Kind::kRetry, "", what);
  }

  void Fail(const absl::Status& status) {
    error_.Set(status);
    pool_.Close();
    const std::lock_guard<std::mutex> lock(streams_mutex_);
    for (const std::unique_ptr<CopyLane>& lane : lanes_) {
      if (lane->stream != nullptr) lane->stream->Stop();
    }
  }

  const Plan& plan_;
  SourceSnapshot& snapshot_;
  const Ledger& ledger_;
  const CopyOptions& options_;
  EventSink& events_;
  std::vector<const TableReading*> readings_;
  RangePool pool_;
  RejectBudget budget_;
  std::atomic<int64_t> next_chunk_{1};
  FirstError error_;
  FillNode* fill_ = nullptr;
  std::atomic<SendNode::gateway_type*> gateway_{nullptr};
  std::atomic<uint64_t> sent_bytes_{0};
  std::mutex streams_mutex_;  // of the lanes' streams while there may come more
  int opened_ = 0;            // lanes that have one; Connect(), then Govern()
  std::mutex govern_mutex_;
  std::condition_variable govern_wake_;
  bool governed_ = false;  // no more of it
  std::vector<std::atomic<int>> batches_open_;  // by lane: filled, and not sent yet
  std::mutex mutex_;  // of the three below
  std::vector<LoadedTable> results_;
  std::vector<Clock::time_point> begun_;
  std::set<size_t> ended_;
  std::vector<std::unique_ptr<CopyLane>> lanes_;  // last: their threads use all of the above
};

}  // namespace

absl::StatusOr<std::vector<LoadedTable>> CopyTables(const Plan& plan, SourceSnapshot& snapshot,
                                                    const Ledger& ledger,
                                                    const CopyOptions& options, EventSink& events,
                                                    CancelToken& cancel) {
  CopyRun run(plan, snapshot, ledger, options, events);
  RETURN_IF_ERROR(run.Connect());
  LITE2PG_FAILPOINT("data.connected");
  return run.Run(cancel);
}

}  // namespace lite2pg
