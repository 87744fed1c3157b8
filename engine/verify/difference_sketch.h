// Which rows two sides do not share, found in one scan of each, in memory for the differences
// alone.
//
// An invertible Bloom lookup table (Goodrich and Mitzenmacher, "Invertible Bloom Lookup Tables",
// 2011; as a difference of two sets: Eppstein, Goodrich, Uyeda, Varghese, "What's the Difference?",
// 2011). Every row of A is added to three of the cells and every row of B subtracted from its
// three, so that what both sides have leaves nothing, however much that is. A cell in which one row
// is left tells its hashes; taking that row out of its other cells lays bare more of them, until
// none is left. Above about 0.8 rows per cell that gets stuck, and the sketch says so.
#ifndef LITE2PG_ENGINE_VERIFY_DIFFERENCE_SKETCH_H_
#define LITE2PG_ENGINE_VERIFY_DIFFERENCE_SKETCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "engine/verify/row_hash.h"

namespace lite2pg {

struct SketchedRow {
  RowHash hash;
  int64_t key = 0;      // the same in equal rows: the key, where that is an integer
  bool of_a = true;
};

class DifferenceSketch {
 public:
  // Bytes of a sketch, per difference that it has room for.
  static constexpr size_t kBytesPerDifference = 80;

  // Room for `differences` rows that one of the sides has alone.
  explicit DifferenceSketch(size_t differences);

  // Empties `rows`. Any thread.
  void Add(std::vector<SketchedRow>* rows);

  // Whether one side has about as many rows alone as there is room for, or more.
  bool IsFull() const;

  // Once, after the last Add(): the rows that one side has alone, in no order. False when they are
  // too many, or when one side has one and the same row oftener than the other by more than one;
  // then `rows` is without meaning.
  bool Decode(std::vector<SketchedRow>* rows);

 private:
  // Sums modulo 2^64, so that adding and subtracting may come in any order.
  struct Cell {
    RowHash hash;
    uint64_t key = 0;
    uint64_t check = 0;   // of Check(), which is not linear: a sum of rows passes for none
    uint64_t tally = 0;   // of rows, less those of B

    bool empty() const;
  };

  static void Apply(const SketchedRow& row, uint64_t check, bool add, Cell* cell);
  // The cell's row, if it holds one alone.
  static bool OneRow(const Cell& cell, SketchedRow* row);
  std::array<size_t, 3> CellsOf(const RowHash& hash) const;

  const size_t room_;
  std::mutex mutex_;
  size_t third_;              // each row has one cell in each third
  std::vector<Cell> cells_;
};

// About how many rows one side has alone, whatever their number: the strata of Eppstein et al.,
// each a sketch of half as many rows as the one before, which only counts. One thread.
class DifferenceEstimate {
 public:
  DifferenceEstimate() : sums_(kStrata * kCells) {}

  void Add(const RowHash& hash, bool of_a);
  void Add(const DifferenceEstimate& other);
  // Two thirds of the times within a tenth.
  uint64_t Differences() const;

 private:
  static constexpr size_t kStrata = 40, kCells = 256;

  std::vector<uint64_t> sums_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_DIFFERENCE_SKETCH_H_
