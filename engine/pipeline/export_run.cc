#include "engine/pipeline/export_run.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/archive/chunk_file.h"
#include "engine/archive/format.h"
#include "engine/base/error.h"
#include "engine/base/exception_status.h"
#include "engine/base/failpoint.h"
#include "engine/base/first_error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/pipeline/range_cursor.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

// As in the copy: rows larger than this go one lane at a time.
constexpr uint64_t kHugeRowBytes = 8 * kBatchBytes;

std::optional<int64_t> RowidOf(const TableReading& reading, const std::optional<SourceKey>& key) {
  if (reading.key_kind != KeyKind::kRowid || !key.has_value()) return std::nullopt;
  return (*key)[0].view().integer;
}

SourceKey KeyOf(int64_t rowid) { return {OwnedValue(SourceValue::Integer(rowid))}; }

bool SameKey(const std::optional<SourceKey>& a, const std::optional<SourceKey>& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() == b.has_value();
  return std::equal(a->begin(), a->end(), b->begin(), b->end(),
                    [](const OwnedValue& left, const OwnedValue& right) {
                      const SourceValue x = left.view(), y = right.view();
                      return x.storage_class == y.storage_class && x.integer == y.integer &&
                             std::bit_cast<uint64_t>(x.real) == std::bit_cast<uint64_t>(y.real) &&
                             x.bytes() == y.bytes();
                    });
}

// By the rowid where a chunk begins; unbounded ones come first.
void SortByRowid(std::vector<ArchiveChunk>* chunks) {
  std::stable_sort(
      chunks->begin(), chunks->end(),
      [](const ArchiveChunk& a, const ArchiveChunk& b) { return a.after_rowid < b.after_rowid; });
}

// What `done`, ranges that do not overlap, leaves of a table.
std::vector<KeyRange> Remaining(std::vector<ArchiveChunk> done) {
  SortByRowid(&done);
  std::vector<KeyRange> out;
  std::optional<int64_t> at;  // everything up to here is done; nothing yet when absent
  for (const ArchiveChunk& chunk : done) {
    if (chunk.after_rowid.has_value() && chunk.after_rowid != at) {
      KeyRange gap;
      if (at.has_value()) gap.after = KeyOf(*at);
      gap.up_to = KeyOf(*chunk.after_rowid);
      out.push_back(std::move(gap));
    }
    if (!chunk.up_to_rowid.has_value()) return out;
    at = chunk.up_to_rowid;
  }
  KeyRange rest;
  if (at.has_value()) rest.after = KeyOf(*at);
  out.push_back(std::move(rest));
  return out;
}

std::vector<WorkRange> RangesOf(const Plan& plan, const ExportJournal::Entries& done) {
  std::vector<WorkRange> ranges;
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const int number = static_cast<int>(i);
    if (done.complete.contains(number)) continue;
    const auto chunks = done.chunks.find(number);
    const std::vector<KeyRange> parts =
        Remaining(chunks == done.chunks.end() ? std::vector<ArchiveChunk>() : chunks->second);
    for (const KeyRange& part : parts) {
      WorkRange range;
      range.table = number;
      range.range = part;
      range.weight_bytes = plan.tables[i].bytes / parts.size();
      range.huge = plan.tables[i].row_bytes_max > kHugeRowBytes;
      ranges.push_back(std::move(range));
    }
  }
  return ranges;
}

class ExportRun {
 public:
  ExportRun(const Plan& plan, SourceSnapshot& snapshot,
            const std::shared_ptr<const ArchiveDirectory>& directory, ExportJournal& journal,
            const ExportJournal::Entries& done, const ExportRunOptions& options, EventSink& events)
      : plan_(plan),
        snapshot_(snapshot),
        directory_(directory),
        journal_(journal),
        options_(options),
        events_(events),
        pool_(RangesOf(plan, done), [this](int lane) { Wake(lane); }),
        results_(plan.tables.size()),
        next_chunk_(plan.tables.size(), 0),
        open_ranges_(plan.tables.size(), 0),
        begun_(plan.tables.size()) {
    for (const TablePlan& table : plan.tables) readings_.push_back(&table.reading);
    for (const WorkRange& range : RangesOf(plan, done)) {
      ++open_ranges_[static_cast<size_t>(range.table)];
    }
    for (const auto& [number, chunks] : done.chunks) {
      const auto table = static_cast<size_t>(number);
      for (const ArchiveChunk& chunk : chunks) Take(table, chunk);
      // Numbers may have gaps; a name is never used twice.
      for (const ArchiveChunk& chunk : chunks) {
        while (NameOf(table, next_chunk_[table]) <= chunk.file) ++next_chunk_[table];
      }
    }
    for (int i = 0; i < options.streams; ++i) {
      auto lane = std::make_unique<Lane>();
      lane->index = i;
      lane->cursor = std::make_unique<RangeCursor>(snapshot, pool_, readings_, i);
      lanes_.push_back(std::move(lane));
    }
  }

  absl::StatusOr<std::vector<ExportedTable>> Run(CancelToken& cancel) {
    {
      const CancelToken::Registration on_cancel =
          cancel.OnCancel([this, &cancel] { Fail(cancel.Check()); });
      std::vector<std::jthread> threads;
      for (const std::unique_ptr<Lane>& lane : lanes_) {
        threads.emplace_back([this, &lane] { WorkSafely(*lane); });
      }
      for (std::jthread& thread : threads) thread.join();
    }
    RETURN_IF_ERROR(error_.status());
    for (ExportedTable& table : results_) SortByRowid(&table.chunks);
    return std::move(results_);
  }

 private:
  struct Lane {
    int index = 0;
    std::unique_ptr<RangeCursor> cursor;
    FieldBuffer rows;
    bool woken = false;  // under mutex_
  };
  // A chunk under way.
  struct OpenChunk {
    ArchiveChunk chunk;
    std::optional<ChunkFileWriter> file;
    std::optional<SourceKey> after;
    uint64_t bytes = 0;
  };

  std::string NameOf(size_t table, int chunk) const {
    return ChunkFileName(static_cast<int>(table), chunk, options_.compress);
  }

  void Wake(int lane) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // The pool may wake a lane while the others are still being made; those look for themselves.
    if (static_cast<size_t>(lane) < lanes_.size()) lanes_[static_cast<size_t>(lane)]->woken = true;
    wake_.notify_all();
  }

  void Fail(const absl::Status& status) {
    error_.Set(status);
    pool_.Close();
  }

  void WorkSafely(Lane& lane) {
    absl::Status status;
    try {
      status = Work(lane);
    } catch (const std::exception&) {
      status = StatusOfException("exporting rows");
    }
    if (!status.ok()) Fail(status);
  }

  absl::Status Work(Lane& lane) {
    while (!error_.stopped()) {
      ASSIGN_OR_RETURN(const RangePool::Answer answer, lane.cursor->Take());
      if (answer == RangePool::Answer::kClosed) return absl::OkStatus();
      if (answer == RangePool::Answer::kRange) {
        RETURN_IF_ERROR(ReadRange(lane));
        continue;
      }
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&lane] { return lane.woken; });
      lane.woken = false;
    }
    return absl::OkStatus();
  }

  absl::Status ReadRange(Lane& lane) {
    RangeCursor& cursor = *lane.cursor;
    const auto index = static_cast<size_t>(cursor.work().table);
    const TablePlan& table = plan_.tables[index];
    RowEncoder encoder(table.codecs);
    OpenChunk open;
    open.after = cursor.work().range.after;
    Begun(index);
    events_.timeline.Begin(lane.index, table.source->name, "", table.rows);
    uint64_t rows_told = 0;
    bool done = false;
    while (!done) {
      if (error_.stopped()) return error_.status();
      ASSIGN_OR_RETURN(done, FillBatch(cursor, table, &encoder, &lane.rows));
      if (!lane.rows.empty()) RETURN_IF_ERROR(Append(index, lane, &open));
      const uint64_t rows = encoder.digest().rows;
      events_.Moved(lane.index, rows - rows_told, lane.rows.size());
      rows_told = rows;
      if (done || open.bytes >= ChunkBytesMax() || rows >= kChunkRowsMax) {
        RETURN_IF_ERROR(EndChunk(index, lane, encoder, done, &open));
        encoder.Reset();
        rows_told = 0;
      }
      if (done) break;
      const uint64_t bytes = lane.rows.size();
      RETURN_IF_ERROR(YieldRange(cursor, bytes, index));
    }
    return FinishRange(cursor, index);
  }

  uint64_t ChunkBytesMax() const {
    return options_.chunk_bytes > 0 ? options_.chunk_bytes : kChunkBytesMax;
  }

  // True at the end of the range.
  absl::StatusOr<bool> FillBatch(RangeCursor& cursor, const TablePlan& table, RowEncoder* encoder,
                                 FieldBuffer* rows) {
    if (rows->capacity() > 4 * kBatchBytes) {
      rows->Release();
    } else {
      rows->Clear();
    }
    while (rows->size() < kBatchBytes && encoder->digest().rows < kChunkRowsMax) {
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, cursor.Next());
      if (row.empty()) return true;
      const RowOutcome outcome = encoder->Encode(row, rows);
      if (outcome.outcome == Outcome::kOk) [[likely]]
        continue;
      // The scan has seen every value fit; only a file that changed can come here.
      return BadValueError(table, outcome, row, cursor.source().DescribeRow());
    }
    return false;
  }

  absl::Status Append(size_t table, Lane& lane, OpenChunk* open) {
    if (!open->file.has_value()) {
      int number = 0;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        number = next_chunk_[table]++;
      }
      if (number > kArchiveNumberMax) {
        return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                         "a table has more chunks than an archive can name");
      }
      open->chunk.file = NameOf(table, number);
      RETURN_IF_ERROR(directory_->MakeDirectory(TableDirectoryName(static_cast<int>(table))));
      ASSIGN_OR_RETURN(ChunkFileWriter file, ChunkFileWriter::Create(directory_, open->chunk.file));
      open->file.emplace(std::move(file));
      LITE2PG_FAILPOINT("export.chunk.created");
    }
    RETURN_IF_ERROR(open->file->Append(lane.rows.view()));
    open->bytes += lane.rows.size();
    LITE2PG_FAILPOINT("export.chunk.appended");
    return absl::OkStatus();
  }

  absl::Status EndChunk(size_t table, Lane& lane, const RowEncoder& encoder, bool range_done,
                        OpenChunk* open) {
    const RangeCursor& cursor = *lane.cursor;
    const TableReading& reading = cursor.reading();
    KeyRange range{open->after, cursor.work().range.up_to};
    const bool keyed = reading.key_kind != KeyKind::kNone;
    if (!range_done && keyed) range.up_to = cursor.source().CurrentKey();
    if (!open->file.has_value()) return absl::OkStatus();
    // A file that was cut while we read gives wrong bytes without an error.
    RETURN_IF_ERROR(snapshot_.CheckUnchanged());
    ArchiveChunk& chunk = open->chunk;
    RETURN_IF_ERROR(open->file->Finish(&chunk));
    chunk.digest = encoder.digest();
    chunk.rows = chunk.digest.rows;
    chunk.key_range = DescribeRange(reading, range);
    chunk.after_rowid = RowidOf(reading, range.after);
    chunk.up_to_rowid = RowidOf(reading, range.up_to);
    LITE2PG_FAILPOINT("export.chunk.named");
    RETURN_IF_ERROR(journal_.AddChunk(static_cast<int>(table), chunk));
    LITE2PG_FAILPOINT("export.journal.written");
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      Take(table, chunk);
      LoadedTable& loaded = results_[table].loaded;
      loaded.streams.insert(lane.index);
      loaded.seconds = std::chrono::duration<double>(Clock::now() - begun_[table]).count();
    }
    open->file.reset();
    open->chunk = ArchiveChunk();
    open->bytes = 0;
    open->after = keyed ? range.up_to : std::nullopt;
    return absl::OkStatus();
  }

  // REQUIRES: mutex_ is held, or no lane runs yet.
  void Take(size_t table, const ArchiveChunk& chunk) {
    results_[table].loaded.digest.Add(chunk.digest);
    results_[table].loaded.bytes += chunk.checksums.bytes;
    results_[table].chunks.push_back(chunk);
  }

  void Begun(size_t table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (begun_[table] == Clock::time_point{}) begun_[table] = Clock::now();
  }

  // A range that was cut has become two, which must both end before the table is complete. Counted
  // before it is cut, so that the other part cannot end first.
  absl::Status YieldRange(RangeCursor& cursor, uint64_t bytes, size_t table) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++open_ranges_[table];
    }
    const std::optional<SourceKey> end = cursor.work().range.up_to;
    RETURN_IF_ERROR(cursor.Yield(bytes));
    const std::lock_guard<std::mutex> lock(mutex_);
    if (SameKey(end, cursor.work().range.up_to)) --open_ranges_[table];
    return absl::OkStatus();
  }

  absl::Status FinishRange(RangeCursor& cursor, size_t table) {
    bool complete = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      complete = --open_ranges_[table] == 0;
    }
    const bool by_rowid = cursor.reading().key_kind == KeyKind::kRowid;
    cursor.Finish();
    LITE2PG_FAILPOINT("export.table.ended");
    if (!complete || by_rowid) return absl::OkStatus();
    return journal_.AddComplete(static_cast<int>(table));
  }

  const Plan& plan_;
  SourceSnapshot& snapshot_;
  const std::shared_ptr<const ArchiveDirectory>& directory_;
  ExportJournal& journal_;
  const ExportRunOptions& options_;
  EventSink& events_;
  std::vector<const TableReading*> readings_;
  FirstError error_;
  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  RangePool pool_;
  std::vector<ExportedTable> results_;
  std::vector<int> next_chunk_;
  std::vector<int> open_ranges_;
  std::vector<Clock::time_point> begun_;
};

}  // namespace

absl::StatusOr<std::vector<ExportedTable>> ExportTables(
    const Plan& plan, SourceSnapshot& snapshot,
    const std::shared_ptr<const ArchiveDirectory>& directory, ExportJournal& journal,
    const ExportJournal::Entries& done, const ExportRunOptions& options, EventSink& events,
    CancelToken& cancel) {
  return ExportRun(plan, snapshot, directory, journal, done, options, events).Run(cancel);
}

}  // namespace lite2pg
