#include "engine/verify/difference.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/plan/partition_record.h"
#include "engine/verify/difference_sketch.h"
#include "engine/verify/differing_rows.h"
#include "engine/verify/hashed_sides.h"
#include "engine/verify/row_hash.h"
#include "engine/verify/shown_rows.h"
#include "engine/verify/side_scans.h"

namespace lite2pg {
namespace {

// Rows between two locks of a sketch.
constexpr size_t kRowsPerAdd = 4096;
// Below this another scan costs nothing.
constexpr uint64_t kLargeRows = 20'000;
// So many tables' worth of differences are described at most.
constexpr uint64_t kTablesShown = 50;

size_t PartitionsOf(const ComparedTable& table) {
  return table.partitions > 0 ? table.partitions : PartitionCount(table.rows_estimate);
}

// The first scan's result for a table, while it is being made.
struct Partitions {
  std::mutex mutex;
  std::vector<Digest> a, b;
  std::unique_ptr<DifferenceEstimate> estimate;
  size_t pieces_left = 0;
};

// Its result.
struct Suspects {
  std::vector<Suspect> partitions;
  uint64_t rows = 0;                          // that one side has alone, about
  bool any_set_aside = false;
  std::unique_ptr<DifferenceSketch> sketch;   // of the whole table; may be null
};

class Comparison {
 public:
  Comparison(const std::vector<ComparedTable>& tables, ComparedSide& a, ComparedSide& b,
             const CompareOptions& options, const DifferenceCallback& on_row, EventSink& events,
             CancelToken& cancel)
      : tables_(tables),
        a_(a),
        b_(b),
        options_(options),
        on_row_(on_row),
        sides_(tables, a, b, options.sample_percent, events, cancel),
        found_(tables.size()),
        suspects_(tables.size()),
        shown_left_(kTablesShown * options.shown_rows_max) {}

  absl::StatusOr<std::vector<TableDifferences>> Run() {
    const auto compare = [this](const std::vector<size_t>& group) -> absl::Status {
      if (options_.differences_expected) MakeSketches(group);
      RETURN_IF_ERROR(DigestPartitions(group));
      for (const size_t table : group) {
        if (!suspects_[table].partitions.empty()) RETURN_IF_ERROR(Narrow(table));
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(ForTableGroups(tables_.size(), &a_, &b_, compare));
    return std::move(found_);
  }

 private:
  // Each table gets room in proportion to its rows.
  void MakeSketches(const std::vector<size_t>& group) {
    uint64_t rows = 0;
    for (const size_t table : group) rows += tables_[table].rows_estimate;
    const auto room = static_cast<double>(
        DifferencesThatFit(options_.memory_bytes, on_row_ != nullptr));
    for (const size_t table : group) {
      const uint64_t of_table = tables_[table].rows_estimate;
      if (!IsLarge(table)) continue;
      const double share = static_cast<double>(of_table) / static_cast<double>(rows);
      suspects_[table].sketch = std::make_unique<DifferenceSketch>(
          std::min(static_cast<size_t>(room * share), 2 * of_table));
    }
  }

  absl::Status DigestPartitions(const std::vector<size_t>& group) {
    ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, sides_.Pieces(group));
    std::vector<std::unique_ptr<Partitions>> partitions(tables_.size());
    for (std::unique_ptr<Partitions>& table : partitions) table = std::make_unique<Partitions>();
    for (const ScanPiece& piece : pieces) ++partitions[piece.table]->pieces_left;
    return sides_.Run(pieces, [&](int worker, const ScanPiece& piece) {
      return DigestPiece(worker, piece, partitions[piece.table].get());
    });
  }

  bool IsLarge(size_t table) const { return tables_[table].rows_estimate >= kLargeRows; }

  absl::Status DigestPiece(int worker, const ScanPiece& piece, Partitions* partitions) {
    std::vector<Digest> digests(PartitionsOf(tables_[piece.table]));
    DifferenceSketch* const sketch = suspects_[piece.table].sketch.get();
    std::vector<SketchedRow> sketched;
    std::unique_ptr<DifferenceEstimate> estimate;
    if (IsLarge(piece.table)) estimate = std::make_unique<DifferenceEstimate>();
    RETURN_IF_ERROR(sides_.Scan(
        worker, piece, piece.of_a ? "first side" : "second side", 2,
        [&](const RowHash& hash, const ComparedRow& row) {
          digests[PartitionOf(hash, digests.size())].Add(DigestOf(hash));
          if (estimate != nullptr) estimate->Add(hash, piece.of_a);
          if (sketch == nullptr) return absl::OkStatus();
          sketched.push_back(sides_.Sketched(piece, hash, row));
          if (sketched.size() >= kRowsPerAdd) sketch->Add(&sketched);
          return absl::OkStatus();
        }));
    if (sketch != nullptr) sketch->Add(&sketched);
    return AddPiece(piece, digests, std::move(estimate), partitions);
  }

  absl::Status AddPiece(const ScanPiece& piece, const std::vector<Digest>& digests,
                        std::unique_ptr<DifferenceEstimate> estimate, Partitions* partitions) {
    const std::lock_guard<std::mutex> lock(partitions->mutex);
    std::vector<Digest>& sums = piece.of_a ? partitions->a : partitions->b;
    if (sums.empty()) sums.resize(digests.size());
    for (size_t i = 0; i < digests.size(); ++i) sums[i].Add(digests[i]);
    if (partitions->estimate == nullptr) {
      partitions->estimate = std::move(estimate);
    } else if (estimate != nullptr) {
      partitions->estimate->Add(*estimate);
    }
    if (--partitions->pieces_left > 0) return absl::OkStatus();
    return CompareDigests(piece.table, partitions);
  }

  // The table is complete on both sides.
  absl::Status CompareDigests(size_t table, Partitions* partitions) {
    TableDifferences& found = found_[table];
    Suspects& suspects = suspects_[table];
    std::vector<Digest>& a = partitions->a;
    std::vector<Digest>& b = partitions->b;
    for (const Digest& digest : a) found.a.Add(digest);
    for (const Digest& digest : b) found.b.Add(digest);
    if (options_.on_partitions != nullptr) options_.on_partitions(table, a, b);
    // Counted before rows set aside are taken off, of which there may be more than there are now.
    std::vector<uint64_t> rows(a.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = a[i].rows + b[i].rows;
    RETURN_IF_ERROR(sides_.ScanSetAside(table, [&](const RowHash& hash) {
      suspects.any_set_aside = true;
      found.set_aside.Add(DigestOf(hash));
      a[PartitionOf(hash, a.size())].Subtract(DigestOf(hash));
    }));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (a[i] == b[i]) continue;
      a[i].Subtract(b[i]);
      suspects.partitions.push_back({i, rows[i], a[i]});
      suspects.rows += rows[i];
    }
    if (suspects.partitions.empty()) {
      suspects.sketch.reset();
    } else {
      found.set_aside = {};   // counted row by row instead
      if (partitions->estimate != nullptr) suspects.rows = partitions->estimate->Differences();
    }
    a = std::vector<Digest>();   // {} would keep the memory
    b = std::vector<Digest>();
    partitions->estimate.reset();
    return absl::OkStatus();
  }

  absl::Status Narrow(size_t table) {
    ShownRows shown(tables_[table]);
    WantedRows wanted;
    wanted.all = on_row_ != nullptr;
    wanted.to_show_left = std::min(options_.shown_rows_max, shown_left_);
    const uint64_t to_show = wanted.to_show_left;
    Suspects& suspects = suspects_[table];
    DifferingRows differing(sides_, table, PartitionsOf(tables_[table]), suspects.partitions,
                            suspects.any_set_aside, options_.memory_bytes, on_row_);
    RETURN_IF_ERROR(differing.Find(suspects.rows, std::move(suspects.sketch), &wanted, &shown,
                                   &found_[table]));
    shown_left_ -= to_show - wanted.to_show_left;
    // Rows set aside stand in partitions without other differences as well.
    if (suspects.any_set_aside) RETURN_IF_ERROR(CountOtherSetAside(table));
    found_[table].shown = shown.Finish();
    return absl::OkStatus();
  }

  absl::Status CountOtherSetAside(size_t table) {
    std::vector<bool> judged(PartitionsOf(tables_[table]));
    for (const Suspect& suspect : suspects_[table].partitions) judged[suspect.partition] = true;
    return sides_.ScanSetAside(table, [&](const RowHash& hash) {
      if (!judged[PartitionOf(hash, judged.size())]) found_[table].set_aside.Add(DigestOf(hash));
    });
  }

  const std::vector<ComparedTable>& tables_;
  ComparedSide& a_;
  ComparedSide& b_;
  const CompareOptions& options_;
  const DifferenceCallback& on_row_;
  HashedSides sides_;
  std::vector<TableDifferences> found_;
  std::vector<Suspects> suspects_;
  uint64_t shown_left_;
};

}  // namespace

absl::StatusOr<std::vector<TableDifferences>> FindDifferences(
    const std::vector<ComparedTable>& tables, ComparedSide& a, ComparedSide& b,
    const CompareOptions& options, const DifferenceCallback& on_row, EventSink& events,
    CancelToken& cancel) {
  return Comparison(tables, a, b, options, on_row, events, cancel).Run();
}

absl::StatusOr<std::vector<TableDifferences>> CountRows(const std::vector<ComparedTable>& tables,
                                                        ComparedSide& a, ComparedSide& b,
                                                        EventSink& events, CancelToken& cancel) {
  (void)events;
  std::vector<TableDifferences> found(tables.size());
  const auto work = [&](int worker, const ScanPiece& piece) -> absl::Status {
    ComparedSide& side = piece.of_a ? a : b;
    ASSIGN_OR_RETURN(const uint64_t rows, side.Count(worker, piece.table));
    TableDifferences& table = found[piece.table];
    (piece.of_a ? table.a : table.b).rows = rows;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForTableGroups(tables.size(), &a, &b, [&](const auto& group) {
    std::vector<ScanPiece> pieces;
    for (const size_t table : group) {
      pieces.push_back({true, table, 0});
      pieces.push_back({false, table, 0});
    }
    return RunPieces(pieces, tables, &a, &b, cancel, work);
  }));
  return found;
}

absl::Status DigestInParts(const std::vector<ComparedTable>& tables, ComparedSide& side,
                           const PartDigestsCallback& on_table, EventSink& events,
                           CancelToken& cancel) {
  std::vector<std::vector<Digest>> digests;
  for (const ComparedTable& table : tables) {
    digests.emplace_back(std::max<size_t>(1, table.partitions));
  }
  std::mutex mutex;
  const auto work = [&](int worker, const ScanPiece& piece) -> absl::Status {
    std::vector<Digest> parts(digests[piece.table].size());
    RowHasher hasher(tables[piece.table]);
    RowProgress progress(events, worker, tables[piece.table], "", 1);
    RETURN_IF_ERROR(side.Scan(worker, piece.table, piece.part, [&](const ComparedRow& row) {
      progress.Add();
      const RowHash hash = hasher.Hash(row.fields);
      parts[PartitionOf(hash, parts.size())].Add(DigestOf(hash));
      return absl::OkStatus();
    }));
    const std::lock_guard<std::mutex> lock(mutex);
    for (size_t i = 0; i < parts.size(); ++i) digests[piece.table][i].Add(parts[i]);
    return absl::OkStatus();
  };
  return ForTableGroups(tables.size(), &side, nullptr, [&](const auto& group) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, PiecesOf(group, &side, nullptr));
    RETURN_IF_ERROR(RunPieces(pieces, tables, &side, nullptr, cancel, work));
    for (const size_t table : group) {
      RETURN_IF_ERROR(on_table(table, digests[table]));
      digests[table] = std::vector<Digest>();
    }
    return absl::OkStatus();
  });
}

absl::Status ScanParts(const ComparedTable& table, size_t index, ComparedSide& side,
                       const std::vector<bool>& wanted, const PartRowCallback& on_row) {
  ASSIGN_OR_RETURN(const size_t pieces, side.Parts(index));
  RowHasher hasher(table);
  for (size_t piece = 0; piece < pieces; ++piece) {
    RETURN_IF_ERROR(side.Scan(0, index, piece, [&](const ComparedRow& row) -> absl::Status {
      const RowHash hash = hasher.Hash(row.fields);
      const size_t part = PartitionOf(hash, wanted.size());
      return wanted[part] ? on_row(part, hash, row) : absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
