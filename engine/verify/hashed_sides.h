// Both sides of a comparison, read row by row with their hashes, of which a sample may be enough.
#ifndef LITE2PG_ENGINE_VERIFY_HASHED_SIDES_H_
#define LITE2PG_ENGINE_VERIFY_HASHED_SIDES_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/cancel.h"
#include "engine/report/event.h"
#include "engine/verify/compared_side.h"
#include "engine/verify/difference_sketch.h"
#include "engine/verify/row_hash.h"
#include "engine/verify/side_scans.h"

namespace lite2pg {

// Tells the display how many rows of a table were read, while it lives.
class RowProgress {
 public:
  // `times`: how often the table is read, on either side; 0: what is read was counted before.
  RowProgress(EventSink& events, int worker, const ComparedTable& table, absl::string_view side,
              uint64_t times)
      : events_(events), worker_(worker), counts_(times > 0) {
    events_.timeline.Begin(worker_, table.name, side, times * table.rows_estimate);
  }
  ~RowProgress() {
    events_.Moved(worker_, rows_, 0);
    events_.timeline.End(worker_);
  }
  void Add() {
    if (!counts_ || ++rows_ < kRowsPerReport) return;
    events_.Moved(worker_, rows_, 0);
    rows_ = 0;
  }

 private:
  // Rows between two looks at the clock.
  static constexpr uint64_t kRowsPerReport = 4096;

  EventSink& events_;
  const int worker_;
  const bool counts_;
  uint64_t rows_ = 0;
};

// All references outlive it. Methods are for any thread where they do not say otherwise.
class HashedSides {
 public:
  using PieceWork = std::function<absl::Status(int worker, const ScanPiece& piece)>;

  // `sample_percent` of the keys, by their hash.
  HashedSides(const std::vector<ComparedTable>& tables, ComparedSide& a, ComparedSide& b,
              double sample_percent, EventSink& events, CancelToken& cancel)
      : tables_(tables),
        a_(a),
        b_(b),
        events_(events),
        cancel_(cancel),
        sampled_(sample_percent < 100),
        sample_below_(static_cast<uint64_t>(sample_percent / 100 * 18446744073709549568.0)) {}

  // One thread.
  absl::StatusOr<std::vector<ScanPiece>> Pieces(const std::vector<size_t>& tables) {
    return PiecesOf(tables, &a_, &b_);
  }
  // One thread. `work` is called from several, for different pieces.
  absl::Status Run(const std::vector<ScanPiece>& pieces, const PieceWork& work) {
    return RunPieces(pieces, tables_, &a_, &b_, cancel_, work);
  }

  // Calls `on_row(hash, row)`, which returns a Status, for the rows of a piece. `shown` and `times`
  // are for the display. From `work` alone.
  template <typename OnRow>
  absl::Status Scan(int worker, const ScanPiece& piece, absl::string_view shown, uint64_t times,
                    const OnRow& on_row) {
    const auto read = [&](ComparedSide& side, const RowCallback& on_read) {
      return side.Scan(worker, piece.table, piece.part, on_read);
    };
    return ScanBy(worker, piece, shown, times, on_row, read);
  }

  // The same for rows that `read(side, on_read)` has the side of the piece read.
  template <typename OnRow, typename Read>
  absl::Status ScanBy(int worker, const ScanPiece& piece, absl::string_view shown, uint64_t times,
                      const OnRow& on_row, const Read& read) {
    const ComparedTable& table = tables_[piece.table];
    // Both sides count their workers from 0.
    RowProgress progress(events_, 2 * worker + (piece.of_a ? 0 : 1), table, shown, times);
    RowHasher hasher(table);
    const auto hash_row = [&](const ComparedRow& row) -> absl::Status {
      const RowHash hash = hasher.Hash(row.fields);
      progress.Add();
      return InSample(hash) ? on_row(hash, row) : absl::OkStatus();
    };
    return read(piece.of_a ? a_ : b_, RowCallback(hash_row));
  }

  // See ComparedSide::MiddleKey(), of A. One thread.
  absl::StatusOr<std::optional<int64_t>> MiddleKey(size_t table, const KeyInterval& interval) {
    return a_.MiddleKey(table, interval);
  }
  // How many pieces are read at the same time, of the side that can do fewer.
  size_t workers() const {
    return static_cast<size_t>(std::max(1, std::min(a_.workers(), b_.workers())));
  }

  // Rows of A that were set aside, one table at a time.
  absl::Status ScanSetAside(size_t table, const std::function<void(const RowHash&)>& on_hash) {
    const std::lock_guard<std::mutex> lock(set_aside_mutex_);
    RowHasher hasher(tables_[table]);
    return a_.ScanSetAside(table, [&](const ComparedRow& row) {
      const RowHash hash = hasher.Hash(row.fields);
      if (InSample(hash)) on_hash(hash);
      return absl::OkStatus();
    });
  }

  SketchedRow Sketched(const ScanPiece& piece, const RowHash& hash, const ComparedRow& row) const {
    const ComparedTable& table = tables_[piece.table];
    return {hash, table.key_finds_rows ? IntegerField(row.fields, table.key[0]) : 0, piece.of_a};
  }

  const std::vector<ComparedTable>& tables() const { return tables_; }

 private:
  bool InSample(const RowHash& hash) const { return !sampled_ || hash.key.low < sample_below_; }

  const std::vector<ComparedTable>& tables_;
  ComparedSide& a_;
  ComparedSide& b_;
  EventSink& events_;
  CancelToken& cancel_;
  const bool sampled_;
  const uint64_t sample_below_;
  std::mutex set_aside_mutex_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_HASHED_SIDES_H_
