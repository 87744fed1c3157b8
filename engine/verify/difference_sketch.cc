#include "engine/verify/difference_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lite2pg {
namespace {

// Cells per row that can be told. Three hashes need 1.23 in the limit; the rest is for few rows.
constexpr double kCellsPerDifference = 1.4;
constexpr size_t kThirdMin = 64;
// Rows whose cells are on their way from memory while others are added.
constexpr size_t kAhead = 16;

// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", 2014).
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t Check(const SketchedRow& row) {
  const Hash128 &whole = row.hash.row, &key = row.hash.key;
  const auto number = static_cast<uint64_t>(row.key);
  return Mix(whole.high + Mix(whole.low + Mix(key.high + Mix(key.low + Mix(number)))));
}

size_t Scale(uint64_t hash, size_t below) {
  return static_cast<size_t>((static_cast<unsigned __int128>(hash) * below) >> 64);
}

// How many rows were thrown into `cells` cells when so many of them have stayed empty.
double RowsIn(double empty, size_t cells) {
  const auto all = static_cast<double>(cells);
  return all * std::log(all / std::max(empty, 0.5));
}

}  // namespace

bool DifferenceSketch::Cell::empty() const {
  return tally == 0 && check == 0 && key == 0 && hash == RowHash();
}

DifferenceSketch::DifferenceSketch(size_t differences)
    : room_(differences),
      third_(std::max(kThirdMin, 1 + static_cast<size_t>(static_cast<double>(differences) *
                                                         kCellsPerDifference / 3))),
      cells_(3 * third_) {
  static_assert(static_cast<double>(sizeof(Cell)) * kCellsPerDifference <= kBytesPerDifference);
}

std::array<size_t, 3> DifferenceSketch::CellsOf(const RowHash& hash) const {
  // Not the hashes themselves: a range of them may be all that is sketched.
  return {Scale(Mix(hash.row.high), third_), third_ + Scale(Mix(hash.row.low), third_),
          2 * third_ + Scale(Mix(hash.row.high ^ std::rotl(hash.row.low, 32)), third_)};
}

void DifferenceSketch::Apply(const SketchedRow& row, uint64_t check, bool add, Cell* cell) {
  const auto apply = [add](uint64_t value, uint64_t* sum) { *sum += add ? value : 0 - value; };
  apply(row.hash.key.high, &cell->hash.key.high);
  apply(row.hash.key.low, &cell->hash.key.low);
  apply(row.hash.row.high, &cell->hash.row.high);
  apply(row.hash.row.low, &cell->hash.row.low);
  apply(static_cast<uint64_t>(row.key), &cell->key);
  apply(check, &cell->check);
  apply(1, &cell->tally);
}

void DifferenceSketch::Add(std::vector<SketchedRow>* rows) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::array<std::array<size_t, 3>, kAhead> ahead;
  const auto fetch = [&](size_t i) {
    ahead[i % kAhead] = CellsOf((*rows)[i].hash);
    for (const size_t cell : ahead[i % kAhead]) {
      __builtin_prefetch(&cells_[cell], /*rw=*/1);
      // A cell may lie across two lines.
      __builtin_prefetch(reinterpret_cast<const char*>(&cells_[cell] + 1) - 1, /*rw=*/1);
    }
  };
  for (size_t i = 0; i < std::min(kAhead, rows->size()); ++i) fetch(i);
  for (size_t i = 0; i < rows->size(); ++i) {
    const SketchedRow& row = (*rows)[i];
    const std::array<size_t, 3> cells = ahead[i % kAhead];
    if (i + kAhead < rows->size()) fetch(i + kAhead);
    const uint64_t check = Check(row);
    for (const size_t cell : cells) Apply(row, check, row.of_a, &cells_[cell]);
  }
  rows->clear();
}

bool DifferenceSketch::IsFull() const {
  const auto empty = static_cast<double>(
      std::count_if(cells_.begin(), cells_.end(), [](const Cell& cell) { return cell.empty(); }));
  return RowsIn(empty / 3, third_) > 0.9 * static_cast<double>(room_);
}

bool DifferenceSketch::OneRow(const Cell& cell, SketchedRow* row) {
  for (const bool of_a : {true, false}) {
    const auto value = [of_a](uint64_t sum) { return of_a ? sum : 0 - sum; };
    if (value(cell.tally) != 1) continue;
    row->hash = {{value(cell.hash.key.high), value(cell.hash.key.low)},
                 {value(cell.hash.row.high), value(cell.hash.row.low)}};
    row->key = static_cast<int64_t>(value(cell.key));
    row->of_a = of_a;
    if (value(cell.check) == Check(*row)) return true;
  }
  return false;
}

bool DifferenceSketch::Decode(std::vector<SketchedRow>* rows) {
  rows->clear();
  SketchedRow row;
  for (size_t start = 0; start < cells_.size(); ++start) {
    // Follows what was laid bare before the walk goes on.
    std::vector<size_t> bare = {start};
    while (!bare.empty()) {
      const size_t at = bare.back();
      bare.pop_back();
      if (!OneRow(cells_[at], &row)) continue;
      // Nothing in a sketch that can be told has more rows than cells.
      if (rows->size() >= cells_.size()) return false;
      rows->push_back(row);
      const uint64_t check = Check(row);
      for (const size_t cell : CellsOf(row.hash)) {
        Apply(row, check, !row.of_a, &cells_[cell]);
        if (cell != at) bare.push_back(cell);
      }
    }
  }
  return std::all_of(cells_.begin(), cells_.end(), [](const Cell& cell) { return cell.empty(); });
}

void DifferenceEstimate::Add(const RowHash& hash, bool of_a) {
  const uint64_t mixed = Mix(hash.row.high);
  const size_t stratum = std::min<size_t>(static_cast<size_t>(std::countr_zero(mixed)),
                                          kStrata - 1);
  uint64_t& sum = sums_[stratum * kCells + Scale(mixed, kCells)];
  sum += of_a ? hash.row.low : 0 - hash.row.low;
}

void DifferenceEstimate::Add(const DifferenceEstimate& other) {
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
}

uint64_t DifferenceEstimate::Differences() const {
  // From the first stratum on that is not too full, the rows of all that follow.
  double rows = 0, times = 0;
  for (size_t stratum = 0; stratum < kStrata; ++stratum) {
    const auto first = sums_.begin() + static_cast<std::ptrdiff_t>(stratum * kCells);
    const auto empty = static_cast<double>(std::count(first, first + kCells, 0));
    if (times == 0) {
      if (empty < kCells / 6.0 && stratum + 1 < kStrata) continue;
      times = std::ldexp(1.0, static_cast<int>(stratum));
    }
    rows += RowsIn(empty, kCells);
  }
  return static_cast<uint64_t>(rows * times);
}

}  // namespace lite2pg
