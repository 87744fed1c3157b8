#include "engine/verify/difference.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/plan/partition_record.h"
#include "engine/verify/row_entries.h"
#include "engine/verify/row_hash.h"
#include "engine/verify/shown_rows.h"
#include "engine/verify/side_scans.h"

namespace lite2pg {
namespace {

// Rows between two looks at the clock of progress, and entries between two locks.
constexpr uint64_t kRowsPerReport = 4096;
constexpr size_t kEntriesPerAdd = 8192;
constexpr size_t kEntriesMin = 10'000;
// So many tables' worth of differences are described at most.
constexpr uint64_t kTablesShown = 50;

size_t PartitionsOf(const ComparedTable& table) {
  return table.partitions > 0 ? table.partitions : PartitionCount(table.rows_estimate);
}

// Both sides count their workers from 0.
int WorkerOf(int worker, const ScanPiece& piece) { return 2 * worker + (piece.of_a ? 0 : 1); }

// Tells the display how many rows were read.
class RowProgress {
 public:
  // `times`: how often the table is read, on either side.
  RowProgress(EventSink& events, int worker, const ComparedTable& table, absl::string_view side,
              uint64_t times)
      : events_(events), worker_(worker) {
    events_.timeline.Begin(worker_, table.name, side, times * table.rows_estimate);
  }
  ~RowProgress() {
    events_.Moved(worker_, rows_, 0);
    events_.timeline.End(worker_);
  }
  void Add() {
    if (++rows_ < kRowsPerReport) return;
    events_.Moved(worker_, rows_, 0);
    rows_ = 0;
  }

 private:
  EventSink& events_;
  const int worker_;
  uint64_t rows_ = 0;
};

// The first scan's result for a table, while it is being made.
struct Partitions {
  std::mutex mutex;
  std::vector<Digest> a, b;
  size_t pieces_left = 0;
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
        events_(events),
        cancel_(cancel),
        sampled_(options.sample_percent < 100),
        sample_below_(static_cast<uint64_t>(options.sample_percent / 100 * 18446744073709549568.0)),
        entries_max_(std::max(kEntriesMin, options.memory_bytes / kRowEntryBytes)),
        found_(tables.size()),
        suspects_(tables.size()),
        shown_left_(kTablesShown * options.shown_rows_max) {}

  absl::StatusOr<std::vector<TableDifferences>> Run() {
    const auto compare = [this](const std::vector<size_t>& group) -> absl::Status {
      RETURN_IF_ERROR(DigestPartitions(group));
      for (const size_t table : group) {
        if (!suspects_[table].empty()) RETURN_IF_ERROR(Narrow(table));
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(ForTableGroups(tables_.size(), &a_, &b_, compare));
    return std::move(found_);
  }

 private:
  struct Suspect {
    size_t partition = 0;
    uint64_t rows = 0;   // of both sides
  };
  // What one pass over the suspects of a table looks at.
  struct Round {
    std::vector<bool> partitions;
    uint64_t rows = 0;
    uint64_t slices = 1, slice = 0;   // of one partition that is too large alone
  };

  bool InSample(const RowHash& hash) const { return !sampled_ || hash.key.low < sample_below_; }
  size_t PartitionOf(size_t table, const RowHash& hash) const {
    return lite2pg::PartitionOf(hash, PartitionsOf(tables_[table]));
  }
  bool InRound(size_t table, const Round& round, const RowHash& hash) const {
    return InSample(hash) && round.partitions[PartitionOf(table, hash)] &&
           (round.slices == 1 || hash.key.low % round.slices == round.slice);
  }

  absl::Status DigestPartitions(const std::vector<size_t>& group) {
    ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, PiecesOf(group, &a_, &b_));
    std::vector<std::unique_ptr<Partitions>> partitions(tables_.size());
    for (std::unique_ptr<Partitions>& table : partitions) table = std::make_unique<Partitions>();
    for (const ScanPiece& piece : pieces) ++partitions[piece.table]->pieces_left;
    return RunPieces(pieces, tables_, &a_, &b_, cancel_,
                     [&](int worker, const ScanPiece& piece) -> absl::Status {
                       std::vector<Digest> digests(PartitionsOf(tables_[piece.table]));
                       RETURN_IF_ERROR(DigestPiece(worker, piece, &digests));
                       return AddPiece(piece, digests, partitions[piece.table].get());
                     });
  }

  absl::Status DigestPiece(int worker, const ScanPiece& piece, std::vector<Digest>* digests) {
    RowHasher hasher(tables_[piece.table]);
    RowProgress progress(events_, WorkerOf(worker, piece), tables_[piece.table],
                         piece.of_a ? "first side" : "second side", 2);
    return Side(piece.of_a)
        .Scan(worker, piece.table, piece.part, [&](const ComparedRow& row) {
          const RowHash hash = hasher.Hash(row.fields);
          progress.Add();
          if (InSample(hash)) (*digests)[PartitionOf(piece.table, hash)].Add(DigestOf(hash));
          return absl::OkStatus();
        });
  }

  absl::Status AddPiece(const ScanPiece& piece, const std::vector<Digest>& digests,
                        Partitions* partitions) {
    const std::lock_guard<std::mutex> lock(partitions->mutex);
    std::vector<Digest>& sums = piece.of_a ? partitions->a : partitions->b;
    if (sums.empty()) sums.resize(digests.size());
    for (size_t i = 0; i < digests.size(); ++i) sums[i].Add(digests[i]);
    if (--partitions->pieces_left > 0) return absl::OkStatus();
    return CompareDigests(piece.table, partitions);
  }

  // The table is complete on both sides.
  absl::Status CompareDigests(size_t table, Partitions* partitions) {
    TableDifferences& found = found_[table];
    for (const Digest& digest : partitions->a) found.a.Add(digest);
    for (const Digest& digest : partitions->b) found.b.Add(digest);
    if (options_.on_partitions != nullptr) {
      options_.on_partitions(table, partitions->a, partitions->b);
    }
    // Counted before rows set aside are taken off, of which there may be more than there are now.
    std::vector<uint64_t> rows(partitions->a.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i] = partitions->a[i].rows + partitions->b[i].rows;
    }
    RETURN_IF_ERROR(ForSetAside(table, [&](const RowHash& hash) {
      if (!InSample(hash)) return;
      found.set_aside.Add(DigestOf(hash));
      partitions->a[PartitionOf(table, hash)].Subtract(DigestOf(hash));
    }));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (partitions->a[i] != partitions->b[i]) suspects_[table].push_back({i, rows[i]});
    }
    if (!suspects_[table].empty()) found.set_aside = {};   // counted row by row instead
    partitions->a = {};
    partitions->b = {};
    return absl::OkStatus();
  }

  absl::Status ForSetAside(size_t table, const std::function<void(const RowHash&)>& on_hash) {
    const std::lock_guard<std::mutex> lock(set_aside_mutex_);
    RowHasher hasher(tables_[table]);
    return a_.ScanSetAside(table, [&](const ComparedRow& row) {
      on_hash(hasher.Hash(row.fields));
      return absl::OkStatus();
    });
  }

  absl::Status Narrow(size_t table) {
    ShownRows shown(tables_[table]);
    WantedRows wanted;
    wanted.all = on_row_ != nullptr;
    wanted.to_show_left = std::min(options_.shown_rows_max, shown_left_);
    const uint64_t to_show = wanted.to_show_left;
    for (const Round& round : Rounds(table)) {
      RETURN_IF_ERROR(RunRound(table, round, &wanted, &shown));
    }
    shown_left_ -= to_show - wanted.to_show_left;
    // Rows set aside stand in partitions without other differences as well.
    RETURN_IF_ERROR(CountOtherSetAside(table));
    found_[table].shown = shown.Finish();
    return absl::OkStatus();
  }

  absl::Status CountOtherSetAside(size_t table) {
    std::vector<bool> judged(PartitionsOf(tables_[table]));
    for (const Suspect& suspect : suspects_[table]) judged[suspect.partition] = true;
    return ForSetAside(table, [&](const RowHash& hash) {
      if (!InSample(hash) || judged[PartitionOf(table, hash)]) return;
      found_[table].set_aside.Add(DigestOf(hash));
    });
  }

  std::vector<Round> Rounds(size_t table) const {
    std::vector<Round> rounds;
    for (const Suspect& suspect : suspects_[table]) {
      const bool large = suspect.rows > entries_max_;
      if (rounds.empty() || large || rounds.back().slices > 1 ||
          rounds.back().rows + suspect.rows > entries_max_) {
        rounds.emplace_back();
        rounds.back().partitions.resize(PartitionsOf(tables_[table]));
      }
      Round& round = rounds.back();
      round.partitions[suspect.partition] = true;
      round.rows += suspect.rows;
      if (!large) continue;
      round.slices = suspect.rows / entries_max_ + 1;
      round.rows = entries_max_;
      for (uint64_t slice = 1; slice < rounds.back().slices; ++slice) {
        Round next = rounds.back();
        next.slice = slice;
        rounds.push_back(std::move(next));
      }
    }
    return rounds;
  }

  absl::Status RunRound(size_t table, const Round& round, WantedRows* wanted, ShownRows* shown) {
    PartnerlessRows rows;
    {
      RowEntries entries(round.rows, entries_max_);
      RETURN_IF_ERROR(CollectEntries(table, round, &entries));
      JudgeEntries(entries.Finish(), wanted, &found_[table], &rows);
    }
    if (rows.empty()) return absl::OkStatus();
    return FetchRows(table, round, &rows, shown);
  }

  absl::Status CollectEntries(size_t table, const Round& round, RowEntries* entries) {
    ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, PiecesOf({table}, &a_, &b_));
    const auto work = [&](int worker, const ScanPiece& piece) -> absl::Status {
      const RowProgress progress(events_, WorkerOf(worker, piece), tables_[table],
                                 "rows that differ", 0);
      RowHasher hasher(tables_[table]);
      std::vector<RowEntry> local;
      const uint64_t of_a = piece.of_a ? 1 : 0;
      RETURN_IF_ERROR(
          Side(piece.of_a).Scan(worker, table, piece.part, [&](const ComparedRow& row) {
            const RowHash hash = hasher.Hash(row.fields);
            if (!InRound(table, round, hash)) return absl::OkStatus();
            local.push_back({hash, of_a, 1 - of_a, 0});
            if (local.size() >= kEntriesPerAdd) entries->Add(&local);
            return absl::OkStatus();
          }));
      entries->Add(&local);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(RunPieces(pieces, tables_, &a_, &b_, cancel_, work));
    std::vector<RowEntry> set_aside;
    RETURN_IF_ERROR(ForSetAside(table, [&](const RowHash& hash) {
      if (!InRound(table, round, hash)) return;
      set_aside.push_back({hash, 0, 0, 1});
      if (set_aside.size() >= kEntriesPerAdd) entries->Add(&set_aside);
    }));
    entries->Add(&set_aside);
    return absl::OkStatus();
  }

  absl::Status FetchRows(size_t table, const Round& round, PartnerlessRows* rows,
                         ShownRows* shown) {
    std::mutex mutex;
    ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, PiecesOf({table}, &a_, &b_));
    const auto deliver = [&](bool of_a, const RowHash& hash,
                             const ComparedRow& row) -> absl::Status {
      const std::lock_guard<std::mutex> lock(mutex);
      Partnerless& wanted = (*rows)[hash];
      if (wanted.from_a != of_a || wanted.changed + wanted.others == 0) return absl::OkStatus();
      const bool changed = wanted.changed > 0;
      --(changed ? wanted.changed : wanted.others);
      const DifferenceKind kind = changed ? DifferenceKind::kChanged : wanted.kind;
      if (wanted.to_show > 0) {
        --wanted.to_show;
        shown->Add(kind, of_a, hash.key, row);
      }
      return on_row_ == nullptr ? absl::OkStatus() : on_row_(table, kind, of_a, row);
    };
    return RunPieces(pieces, tables_, &a_, &b_, cancel_,
                     [&](int worker, const ScanPiece& piece) -> absl::Status {
                       const RowProgress progress(events_, WorkerOf(worker, piece),
                                                  tables_[table], "rows that differ", 0);
                       RowHasher hasher(tables_[table]);
                       return Side(piece.of_a).Scan(
                           worker, table, piece.part,
                           [&](const ComparedRow& row) -> absl::Status {
                             const RowHash hash = hasher.Hash(row.fields);
                             if (!InRound(table, round, hash) || !rows->contains(hash)) {
                               return absl::OkStatus();
                             }
                             return deliver(piece.of_a, hash, row);
                           });
                     });
  }

  ComparedSide& Side(bool of_a) { return of_a ? a_ : b_; }
  const std::vector<ComparedTable>& tables_;
  ComparedSide& a_;
  ComparedSide& b_;
  const CompareOptions& options_;
  const DifferenceCallback& on_row_;
  EventSink& events_;
  CancelToken& cancel_;
  const bool sampled_;
  const uint64_t sample_below_;
  const size_t entries_max_;
  std::vector<TableDifferences> found_;
  std::vector<std::vector<Suspect>> suspects_;
  std::mutex set_aside_mutex_;
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
      digests[table] = {};
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
