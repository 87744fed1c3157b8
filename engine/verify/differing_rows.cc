#include "engine/verify/differing_rows.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/hash_tables.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kShown = "rows that differ";
// Rows between two locks.
constexpr size_t kRowsPerAdd = 8192;
constexpr size_t kEntriesMin = 10'000;
constexpr size_t kDifferencesMin = 1'000;
// Looking a row up by its key costs about as much as reading so many one after the other.
constexpr uint64_t kRowsPerLookup = 30;
constexpr size_t kKeysPerPiece = 1000;

// The number is an estimate.
uint64_t RoomFor(uint64_t differences) { return differences + differences / 4 + kDifferencesMin; }

absl::Status OtherRowsThanBefore() {
  return MakeError(ErrorCode::kDifference, ExitCode::kDiffers,
                   "the sides differ, and when they were read again the rows that differ did not "
                   "add up to that: one of them does not show the same rows twice",
                   "leave out conditions, views and generated columns that depend on the clock or "
                   "on chance");
}

// Whether every row that is wanted was told.
bool AllMet(const PartnerlessRows& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const auto& row) {
    return row.second.changed + row.second.others == 0;
  });
}

// The keys of which B has more rows than A, and A none: whether A has the key at all, in a row that
// both sides have, is not known.
HashSet<Hash128> KeysOfBAlone(const std::vector<RowEntry>& entries) {
  HashSet<Hash128> keys;
  for (const RowEntry& entry : entries) {
    if (entry.b > 0) keys.insert(entry.hash.key);
  }
  for (const RowEntry& entry : entries) {
    if (entry.a > 0) keys.erase(entry.hash.key);
  }
  return keys;
}

}  // namespace

size_t DifferencesThatFit(size_t memory_bytes, bool all) {
  const size_t bytes = DifferenceSketch::kBytesPerDifference + sizeof(SketchedRow) +
                       sizeof(RowEntry) + (all ? kPartnerlessBytes : 0);
  return std::max(kDifferencesMin, memory_bytes / bytes);
}

DifferingRows::DifferingRows(HashedSides& sides, size_t table, size_t partitions,
                             std::vector<Suspect> suspects, bool any_set_aside,
                             size_t memory_bytes, const DifferenceCallback& on_row)
    : sides_(sides),
      table_(table),
      partitions_(partitions),
      suspects_(std::move(suspects)),
      any_set_aside_(any_set_aside),
      sketch_max_(DifferencesThatFit(memory_bytes, on_row != nullptr)),
      entries_max_(std::max(kEntriesMin,
                            memory_bytes / (sizeof(RowEntry) +
                                            (on_row != nullptr ? kPartnerlessBytes : 0)))),
      on_row_(on_row),
      told_(partitions) {
  for (const Suspect& suspect : suspects_) suspect_rows_ += suspect.rows;
}

absl::Status DifferingRows::Find(uint64_t differences, std::unique_ptr<DifferenceSketch> sketch,
                                 WantedRows* wanted, ShownRows* shown, TableDifferences* found) {
  wanted_ = wanted;
  shown_ = shown;
  found_ = found;
  Round all;
  all.read = found->a.rows + found->b.rows;
  all.partitions.resize(partitions_);
  for (const Suspect& suspect : suspects_) all.partitions[suspect.partition] = true;
  all.rows = suspect_rows_;
  all.differences = std::min(all.rows, differences);
  std::vector<SketchedRow> rows;
  if (any_set_aside_) {
    RETURN_IF_ERROR(ByEntries(EntryRounds(all)));
  } else if (sketch != nullptr && sketch->Decode(&rows)) {
    sketch.reset();
    RETURN_IF_ERROR(Told(all, std::move(rows)));
  } else {
    sketch.reset();
    rows = std::vector<SketchedRow>();   // {} would keep the memory
    RETURN_IF_ERROR(BySketches(all));
  }
  return CheckTold();
}

bool DifferingRows::InRound(const Round& round, const RowHash& hash) const {
  return hash.key.high >= round.first && hash.key.high <= round.last &&
         round.partitions[PartitionOf(hash, partitions_)];
}

std::vector<DifferingRows::Round> DifferingRows::Cut(const Round& round, uint64_t parts) const {
  std::vector<Round> cut;
  const uint64_t width = (round.last - round.first) / parts;
  for (uint64_t i = 0; i < parts; ++i) {
    cut.push_back(round);
    cut.back().first = round.first + i * (width + 1);
    cut.back().last = cut.back().first + width;
    cut.back().rows = round.rows / parts;
    cut.back().differences = round.differences / parts;
  }
  cut.back().last = round.last;
  return cut;
}

absl::StatusOr<std::vector<DifferingRows::Round>> DifferingRows::CutByKeys(const Round& round,
                                                                           uint64_t parts) {
  std::vector<KeyInterval> intervals = {KeyInterval()};
  for (size_t before = 0; intervals.size() < parts * sides_.workers() &&
                          intervals.size() > before;) {
    before = intervals.size();
    std::vector<KeyInterval> halves;
    for (const KeyInterval& interval : intervals) {
      ASSIGN_OR_RETURN(const std::optional<int64_t> middle, sides_.MiddleKey(table_, interval));
      if (!middle.has_value()) {
        halves.push_back(interval);
        continue;
      }
      halves.push_back({interval.after, middle});
      halves.push_back({middle, interval.up_to});
    }
    intervals = std::move(halves);
  }
  std::vector<Round> cut;
  const uint64_t rounds = std::min<uint64_t>(parts, intervals.size());
  if (rounds == 1) return cut;
  for (uint64_t i = 0; i < rounds; ++i) {
    cut.push_back(round);
    cut.back().intervals.assign(
        intervals.begin() + static_cast<ptrdiff_t>(i * intervals.size() / rounds),
        intervals.begin() + static_cast<ptrdiff_t>((i + 1) * intervals.size() / rounds));
    cut.back().read = round.read / rounds;
    cut.back().rows = round.rows / rounds;
    cut.back().differences = round.differences / rounds;
  }
  return cut;
}

absl::StatusOr<std::vector<ScanPiece>> DifferingRows::Pieces(const Round& round) {
  if (round.intervals.empty()) return sides_.Pieces({table_});
  std::vector<ScanPiece> pieces;
  for (size_t i = 0; i < round.intervals.size(); ++i) {
    for (const bool of_a : {true, false}) pieces.push_back({of_a, table_, i});
  }
  return pieces;
}

template <typename OnRow>
absl::Status DifferingRows::Scan(const Round& round, int worker, const ScanPiece& piece,
                                 const OnRow& on_row) {
  const auto in_round = [&](const RowHash& hash, const ComparedRow& row) -> absl::Status {
    return InRound(round, hash) ? on_row(hash, row) : absl::OkStatus();
  };
  if (round.intervals.empty()) return sides_.Scan(worker, piece, kShown, 0, in_round);
  return sides_.ScanBy(worker, piece, kShown, 0, in_round,
                       [&](ComparedSide& side, const RowCallback& on_read) {
                         return side.ScanInterval(worker, table_, round.intervals[piece.part],
                                                  on_read);
                       });
}

absl::Status DifferingRows::BySketches(const Round& round) {
  const uint64_t parts = RoomFor(round.differences) / sketch_max_ + 1;
  const bool keys_help = sides_.tables()[table_].key_finds_rows;
  if (parts > 1 && keys_help && round.intervals.empty()) {
    ASSIGN_OR_RETURN(const std::vector<Round> by_keys, CutByKeys(round, parts));
    for (const Round& part : by_keys) RETURN_IF_ERROR(BySketch(part));
    if (!by_keys.empty()) return absl::OkStatus();
  }
  const std::vector<Round> by_entries = EntryRounds(round);
  // As many scans either way, but of a sketch's rows the keys are known.
  if (by_entries.size() + (keys_help ? 1 : 0) <= parts) return ByEntries(by_entries);
  for (const Round& part : Cut(round, parts)) RETURN_IF_ERROR(BySketch(part));
  return absl::OkStatus();
}

absl::Status DifferingRows::BySketch(const Round& round) {
  const size_t room = std::min<uint64_t>(RoomFor(round.differences), sketch_max_);
  std::vector<SketchedRow> rows;
  bool full = false, told = false;
  {
    DifferenceSketch sketch(room);
    RETURN_IF_ERROR(FillSketch(round, &sketch));
    full = sketch.IsFull();
    told = sketch.Decode(&rows);
  }
  if (told) return Told(round, std::move(rows));
  rows = std::vector<SketchedRow>();
  // What is not too much but cannot be told any way will not be told another time either.
  if (!full) return ByEntries(EntryRounds(round));
  Round fuller = round;
  fuller.differences = 4 * room;
  return BySketches(fuller);
}

absl::Status DifferingRows::FillSketch(const Round& round, DifferenceSketch* sketch) {
  ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, Pieces(round));
  return sides_.Run(pieces, [&](int worker, const ScanPiece& piece) -> absl::Status {
    std::vector<SketchedRow> local;
    RETURN_IF_ERROR(
        Scan(round, worker, piece, [&](const RowHash& hash, const ComparedRow& row) {
          local.push_back(sides_.Sketched(piece, hash, row));
          if (local.size() >= kRowsPerAdd) sketch->Add(&local);
          return absl::OkStatus();
        }));
    sketch->Add(&local);
    return absl::OkStatus();
  });
}

absl::Status DifferingRows::Told(const Round& round, std::vector<SketchedRow> rows) {
  PartnerlessRows partnerless;
  {
    RowEntries entries(rows.size(), rows.size());
    std::vector<RowEntry> local;
    for (const SketchedRow& row : rows) {
      local.push_back({row.hash, row.of_a ? uint64_t{1} : 0, row.of_a ? uint64_t{0} : 1, 0});
      if (local.size() >= kRowsPerAdd) entries.Add(&local);
    }
    entries.Add(&local);
    if (!sides_.tables()[table_].key_is_unique) RETURN_IF_ERROR(AddPartners(round, &entries));
    Judge(entries.Finish(), &partnerless);
  }
  if (partnerless.empty()) return absl::OkStatus();
  const ComparedTable& table = sides_.tables()[table_];
  if (table.key_finds_rows && partnerless.size() < round.read / kRowsPerLookup) {
    Keys keys;
    for (const SketchedRow& row : rows) {
      if (partnerless.contains(row.hash)) (row.of_a ? keys.of_a : keys.of_b).push_back(row.key);
    }
    std::sort(keys.of_a.begin(), keys.of_a.end());
    std::sort(keys.of_b.begin(), keys.of_b.end());
    RETURN_IF_ERROR(FetchKeys(round, keys, &partnerless));
    if (AllMet(partnerless)) return absl::OkStatus();
  }
  rows = std::vector<SketchedRow>();
  return Fetch(round, &partnerless);
}

// Rows that both sides have, of keys that otherwise only B seems to have.
absl::Status DifferingRows::AddPartners(const Round& round, RowEntries* entries) {
  const HashSet<Hash128> keys = KeysOfBAlone(entries->Finish());
  if (keys.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::vector<ScanPiece> pieces, Pieces(round));
  std::erase_if(pieces, [](const ScanPiece& piece) { return !piece.of_a; });
  return sides_.Run(pieces, [&](int worker, const ScanPiece& piece) -> absl::Status {
    std::vector<RowEntry> local;
    RETURN_IF_ERROR(
        Scan(round, worker, piece, [&](const RowHash& hash, const ComparedRow&) {
          if (!keys.contains(hash.key)) return absl::OkStatus();
          local.push_back({hash, 1, 1, 0});
          if (local.size() >= kRowsPerAdd) entries->Add(&local);
          return absl::OkStatus();
        }));
    entries->Add(&local);
    return absl::OkStatus();
  });
}

std::vector<DifferingRows::Round> DifferingRows::EntryRounds(const Round& round) const {
  const double share = static_cast<double>(round.rows) /
                       static_cast<double>(std::max<uint64_t>(1, suspect_rows_));
  std::vector<Round> rounds;
  bool full = true;
  for (const Suspect& suspect : suspects_) {
    const auto rows = static_cast<uint64_t>(static_cast<double>(suspect.rows) * share) + 1;
    if (full || rounds.back().rows + rows > entries_max_) {
      rounds.push_back(round);
      rounds.back().partitions.assign(partitions_, false);
      rounds.back().rows = 0;
    }
    rounds.back().partitions[suspect.partition] = true;
    rounds.back().rows += rows;
    full = rows > entries_max_;
    if (!full) continue;
    const Round large = std::move(rounds.back());
    rounds.pop_back();
    const std::vector<Round> cut = Cut(large, rows / entries_max_ + 1);
    rounds.insert(rounds.end(), cut.begin(), cut.end());
  }
  return rounds;
}

absl::Status DifferingRows::ByEntries(const std::vector<Round>& rounds) {
  for (const Round& round : rounds) {
    PartnerlessRows rows;
    {
      RowEntries entries(round.rows, entries_max_);
      RETURN_IF_ERROR(CollectEntries(round, &entries));
      Judge(entries.Finish(), &rows);
    }
    if (!rows.empty()) RETURN_IF_ERROR(Fetch(round, &rows));
  }
  return absl::OkStatus();
}

absl::Status DifferingRows::CollectEntries(const Round& round, RowEntries* entries) {
  ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, Pieces(round));
  const auto work = [&](int worker, const ScanPiece& piece) -> absl::Status {
    std::vector<RowEntry> local;
    const uint64_t of_a = piece.of_a ? 1 : 0;
    RETURN_IF_ERROR(
        Scan(round, worker, piece, [&](const RowHash& hash, const ComparedRow&) {
          local.push_back({hash, of_a, 1 - of_a, 0});
          if (local.size() >= kRowsPerAdd) entries->Add(&local);
          return absl::OkStatus();
        }));
    entries->Add(&local);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(sides_.Run(pieces, work));
  std::vector<RowEntry> set_aside;
  RETURN_IF_ERROR(sides_.ScanSetAside(table_, [&](const RowHash& hash) {
    if (!InRound(round, hash)) return;
    set_aside.push_back({hash, 0, 0, 1});
    if (set_aside.size() >= kRowsPerAdd) entries->Add(&set_aside);
  }));
  entries->Add(&set_aside);
  return absl::OkStatus();
}

void DifferingRows::Judge(const std::vector<RowEntry>& entries, PartnerlessRows* rows) {
  for (const RowEntry& entry : entries) {
    Digest& told = told_[PartitionOf(entry.hash, partitions_)];
    const Digest row = DigestOf(entry.hash);
    const uint64_t of_b = entry.b + entry.set_aside;
    for (uint64_t i = of_b; i < entry.a; ++i) told.Add(row);
    for (uint64_t i = entry.a; i < of_b; ++i) told.Subtract(row);
  }
  JudgeEntries(entries, wanted_, found_, rows);
}

absl::Status DifferingRows::CheckTold() const {
  for (const Suspect& suspect : suspects_) {
    if (told_[suspect.partition] != suspect.difference) return OtherRowsThanBefore();
  }
  return absl::OkStatus();
}

std::vector<ScanPiece> DifferingRows::Keys::Pieces(size_t table) const {
  std::vector<ScanPiece> pieces;
  for (const bool a : {true, false}) {
    const size_t keys = (a ? of_a : of_b).size();
    for (size_t i = 0; i * kKeysPerPiece < keys; ++i) pieces.push_back({a, table, i});
  }
  return pieces;
}

std::span<const int64_t> DifferingRows::Keys::Of(const ScanPiece& piece) const {
  const std::span<const int64_t> keys = piece.of_a ? of_a : of_b;
  const size_t first = piece.part * kKeysPerPiece;
  return keys.subspan(first, std::min(kKeysPerPiece, keys.size() - first));
}

absl::Status DifferingRows::Fetch(const Round& round, PartnerlessRows* rows) {
  ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, Pieces(round));
  std::mutex mutex;
  RETURN_IF_ERROR(sides_.Run(pieces, [&](int worker, const ScanPiece& piece) {
    return Scan(round, worker, piece,
                [&](const RowHash& hash, const ComparedRow& row) -> absl::Status {
                  if (!rows->contains(hash)) return absl::OkStatus();
                  const std::lock_guard<std::mutex> lock(mutex);
                  return Deliver(piece.of_a, hash, row, rows);
                });
  }));
  return AllMet(*rows) ? absl::OkStatus() : OtherRowsThanBefore();
}

absl::Status DifferingRows::FetchKeys(const Round& round, const Keys& keys,
                                      PartnerlessRows* rows) {
  std::mutex mutex;
  return sides_.Run(keys.Pieces(table_), [&](int worker, const ScanPiece& piece) {
    return sides_.ScanBy(
        worker, piece, kShown, 0,
        [&](const RowHash& hash, const ComparedRow& row) -> absl::Status {
          if (!InRound(round, hash) || !rows->contains(hash)) return absl::OkStatus();
          const std::lock_guard<std::mutex> lock(mutex);
          return Deliver(piece.of_a, hash, row, rows);
        },
        [&](ComparedSide& side, const RowCallback& on_read) {
          return side.ScanKeys(worker, table_, keys.Of(piece), on_read);
        });
  });
}

// Every row at most as often as it is wanted.
absl::Status DifferingRows::Deliver(bool of_a, const RowHash& hash, const ComparedRow& row,
                                    PartnerlessRows* rows) {
  Partnerless& wanted = (*rows)[hash];
  if (wanted.from_a != of_a || wanted.changed + wanted.others == 0) return absl::OkStatus();
  const bool changed = wanted.changed > 0;
  --(changed ? wanted.changed : wanted.others);
  const DifferenceKind kind = changed ? DifferenceKind::kChanged : wanted.kind;
  if (wanted.to_show > 0) {
    --wanted.to_show;
    shown_->Add(kind, of_a, hash.key, row);
  }
  return on_row_ == nullptr ? absl::OkStatus() : on_row_(table_, kind, of_a, row);
}

}  // namespace lite2pg
