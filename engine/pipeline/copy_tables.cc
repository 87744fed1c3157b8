#include "engine/pipeline/copy_tables.h"

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
#include "engine/pipeline/range_exchange.h"
#include "engine/pipeline/resumed_data.h"
#include "engine/pipeline/stream_controller.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

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
        pool_(RangesOf(plan, options.resumed),
              [this](int lane) { lanes_[static_cast<size_t>(lane)]->Wake(); },
              /*held=*/ledger.member() > 0),
        budget_(options.policy, plan),
        results_(plan.tables.size()),
        begun_(plan.tables.size()) {
    for (const TablePlan& table : plan.tables) readings_.push_back(&table.reading);
    if (options.resumed == nullptr) return;
    first_chunk_ = options.resumed->next_chunk;
    next_chunk_ = first_chunk_;
    results_ = options.resumed->loaded;
    for (size_t i = 0; i < results_.size(); ++i) {
      budget_.Commit(i, results_[i].rows_rejected);
      const uint64_t rows = results_[i].digest.rows + results_[i].rows_rejected;
      if (rows == 0 || rows != plan.tables[i].rows) continue;
      ended_.insert(i);
      to_tell_.push_back(i);
      ++events_.counters.tables_done;
    }
  }

  absl::Status Connect() {
    CopyLane::Options lane_options;
    lane_options.chunk_bytes_max = LimitForTests(
        "chunk_bytes", options_.chunk_bytes > 0 ? options_.chunk_bytes : kChunkBytesMax);
    lane_options.chunk_rows_max = LimitForTests("chunk_rows", kChunkRowsMax);
    lane_options.batch_bytes = LimitForTests("batch_bytes", kFillBytesMax);
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

  // Each lane is a thread that reads, encodes and sends; what they share is the pool of ranges.
  absl::StatusOr<std::vector<LoadedTable>> Run(CancelToken& cancel) {
    {
      const CancelToken::Registration on_cancel =
          cancel.OnCancel([this, &cancel] { Fail(cancel.Check()); });
      for (int i = 0; i < options_.streams; ++i) Start(i);
      std::thread governor;
      try {
        if (options_.streams_max > 1) governor = std::thread([this] { Govern(); });
      } catch (const std::exception&) {
        // As many streams as there are will do.
      }
      StartExchange();
      AwaitLanes();
      StopExchange();
      StopGoverning(&governor);
      for (std::thread& thread : threads_) thread.join();
    }
    lanes_.clear();
    RETURN_IF_ERROR(error_.status());
    // Streams look at what others have committed, not at what is open there.
    for (size_t i = 0; i < results_.size(); ++i) {
      if (results_[i].rows_rejected > 0) RETURN_IF_ERROR(budget_.Check(i, 0, nullptr));
    }
    return std::move(results_);
  }

 private:
  ChunkStream::Callbacks CallbacksFor(CopyLane* lane) {
    ChunkStream::Callbacks callbacks;
    callbacks.committed = [this](const Chunk& chunk) { Committed(chunk); };
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

  // Gives the next lane its stream; before that it must not be started.
  absl::Status OpenNext() {
    CopyLane* const lane = lanes_[static_cast<size_t>(opened_)].get();
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options_.connect));
    auto stream =
        std::make_unique<ChunkStream>(std::move(connection), ledger_, CallbacksFor(lane));
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
      const int running = opened_;
      while (opened_ < wanted) {
        if (OpenNext().ok()) continue;
        controller.LimitTo(opened_);  // the server has no more connections for us
        break;
      }
      pool_.LimitLanes(controller.streams());
      for (int i = running; i < opened_; ++i) Start(i);
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

  // Others may take part of the work, or have some for us.
  void StartExchange() {
    if (options_.shared == nullptr) return;
    RangeExchange::Callbacks callbacks;
    callbacks.connect = [this] { return PgConnection::Connect(options_.connect); };
    callbacks.all_committed = [this] {
      return next_chunk_.load() - first_chunk_ == committed_chunks_.load();
    };
    callbacks.failed = [this](const absl::Status& status) { Fail(status); };
    callbacks.note = [this](const std::string& what) { Note(what); };
    callbacks.loaded_by_others = [this](uint64_t rows) { events_.counters.rows_done += rows; };
    std::unique_ptr<RangeExchange> exchange;
    try {
      exchange = std::make_unique<RangeExchange>(plan_, pool_, ledger_, *options_.shared,
                                                 std::move(callbacks));
    } catch (const std::exception&) {
      // Who leads the run can do without; who has joined it gets no work.
      if (ledger_.member() > 0) Fail(StatusOfException("sharing work"));
      return;
    }
    const std::lock_guard<std::mutex> lock(streams_mutex_);
    exchange_ = std::move(exchange);
    if (error_.stopped()) exchange_->Stop();
  }

  void StopExchange() {
    std::unique_ptr<RangeExchange> exchange;
    {
      const std::lock_guard<std::mutex> lock(streams_mutex_);
      exchange = std::move(exchange_);
    }
    // Its thread may be in Fail(), which wants the lock.
    exchange.reset();
  }

  // Before AwaitLanes() returns, or on the governor's thread, which is joined before threads_.
  void Start(int index) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++lanes_running_;
    }
    try {
      threads_.emplace_back([this, index] { RunLane(*lanes_[static_cast<size_t>(index)]); });
    } catch (const std::exception&) {
      Fail(StatusOfException("starting a stream"));
      LaneEnded();
    }
  }

  // Meanwhile, tells of tables that are complete.
  void AwaitLanes() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return lanes_running_ == 0 || !to_tell_.empty(); });
      if (to_tell_.empty()) return;
      const std::vector<size_t> tables = std::exchange(to_tell_, {});
      lock.unlock();
      for (const size_t table : tables) TellLoaded(table);
      lock.lock();
    }
  }

  void TellLoaded(size_t table) {
    if (!options_.table_loaded || error_.stopped()) return;
    absl::Status status;
    try {
      status = options_.table_loaded(table);
    } catch (const std::exception&) {
      status = StatusOfException("after a table was loaded");
    }
    if (!status.ok()) Fail(status);
  }

  void LaneEnded() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      --lanes_running_;
    }
    wake_.notify_one();
  }

  // One lane, from its first range to the end of all. No exception leaves its thread.
  void RunLane(CopyLane& lane) {
    absl::Status status;
    try {
      status = ReadAndSend(lane);
    } catch (const std::exception&) {
      status = StatusOfException("copying rows");
    }
    if (!status.ok()) Fail(status);
    LaneEnded();
  }

  absl::Status ReadAndSend(CopyLane& lane) {
    while (!error_.stopped()) {
      ASSIGN_OR_RETURN(const CopyLane::Filled filled, lane.Fill());
      Begun(lane);
      RETURN_IF_ERROR(lane.stream->Take(lane.batch()));
      NoteSent(lane);
      if (filled != CopyLane::Filled::kBatch) events_.timeline.End(lane.index());
      if (filled == CopyLane::Filled::kClosed) break;
      if (filled == CopyLane::Filled::kParked) lane.WaitForWork();
    }
    return absl::OkStatus();
  }

  void Begun(const CopyLane& lane) {
    const Batch& batch = lane.batch();
    if (batch.table == nullptr) return;
    events_.timeline.Begin(lane.index(), batch.table->source->name, "", batch.table->rows);
    const std::lock_guard<std::mutex> lock(mutex_);
    Clock::time_point& begun = begun_[batch.table_index];
    if (begun != Clock::time_point{}) return;
    begun = Clock::now();
    EmitLocked(Event::Kind::kTableBegin, batch.table->source->name, "");
  }

  // For the display: a stream may have lost its connection, and send them once more.
  void NoteSent(const CopyLane& lane) {
    const Batch& batch = lane.batch();
    sent_bytes_ += batch.rows.size();
    if (batch.table != nullptr) events_.Moved(lane.index(), batch.rows_read, batch.rows.size());
  }

  void Committed(const Chunk& chunk) {
    ++committed_chunks_;
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
    to_tell_.push_back(chunk.table_index);
    wake_.notify_one();
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

  void Note(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    EmitLocked(Event::Kind::kLog, "", what);
  }

  void Fail(const absl::Status& status) {
    error_.Set(status);
    pool_.Close();
    const std::lock_guard<std::mutex> lock(streams_mutex_);
    for (const std::unique_ptr<CopyLane>& lane : lanes_) {
      if (lane->stream != nullptr) lane->stream->Stop();
    }
    if (exchange_ != nullptr) exchange_->Stop();
  }

  const Plan& plan_;
  SourceSnapshot& snapshot_;
  const Ledger& ledger_;
  const CopyOptions& options_;
  EventSink& events_;
  std::vector<const TableReading*> readings_;
  RangePool pool_;
  RejectBudget budget_;
  int64_t first_chunk_ = 1;
  std::atomic<int64_t> next_chunk_{1};
  std::atomic<int64_t> committed_chunks_{0};
  FirstError error_;
  std::atomic<uint64_t> sent_bytes_{0};
  std::mutex streams_mutex_;  // of the lanes' streams while there may come more
  int opened_ = 0;            // lanes that have one; Connect(), then Govern()
  std::mutex govern_mutex_;
  std::condition_variable govern_wake_;
  bool governed_ = false;  // no more of it
  std::mutex mutex_;  // of what follows, up to to_tell_
  std::condition_variable wake_;  // of the thread that waits for the lanes
  int lanes_running_ = 0;
  std::vector<LoadedTable> results_;
  std::vector<Clock::time_point> begun_;
  std::set<size_t> ended_;
  std::vector<size_t> to_tell_;  // complete tables that table_loaded does not know of yet
  std::vector<std::unique_ptr<CopyLane>> lanes_;
  std::vector<std::thread> threads_;         // of those that were started
  std::unique_ptr<RangeExchange> exchange_;  // of streams_mutex_, too
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
