// A walk through the b-tree of a table, in the order of its keys.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_BTREE_CURSOR_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_BTREE_CURSOR_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "engine/sqlite/pages/btree_page.h"
#include "engine/sqlite/pages/page_file.h"

namespace lite2pg {

// What was found wrong, and where; `why` is a literal, nullptr for nothing.
struct Violation {
  const char* why = nullptr;
  uint32_t page = 0;
};

// One thread at a time; `file` outlives it. Ends for every input: no tree is deeper than SQLite
// allows, and no walk meets more pages than the database has.
class BtreeCursor {
 public:
  enum class Step : uint8_t { kCell, kEnd, kViolation };
  // Where a cell of an index tree stands against the key that is sought: kUnknown when its record
  // cannot be read.
  enum class Side : uint8_t { kUpTo, kAfter, kUnknown };
  using SideOf = std::function<Side(const BtreePage& page, const BtreeCell& cell)>;

  explicit BtreeCursor(PageFile& file) : file_(file) {}

  // Before the first cell. False: see violation().
  bool Open(uint32_t root, TreeKind kind);
  // Before the first cell beyond a key. REQUIRES: Open() said yes, and Next() was not called since.
  bool SeekRowid(int64_t after);
  bool SeekKey(const SideOf& side_of);

  // The next cell: of a row, never one that only leads to leaves.
  Step Next() {
    Level& level = levels_[depth_ - 1];
    if (level.page.leaf() && level.index + 1 < level.end) [[likely]] {
      ++level.index;
      return Step::kCell;
    }
    return NextPage();
  }
  const BtreeCell& cell() const { return top().page.cell(static_cast<uint32_t>(top().index)); }
  const BtreePage& page() const { return top().page; }
  uint32_t page_number() const { return top().number; }
  const Violation& violation() const { return violation_; }
  void SetViolation(const char* why, uint32_t page) { violation_ = {why, page}; }

 private:
  struct Level {
    BtreePage page;
    std::vector<uint8_t> bytes;  // of an interior page; leaves are read where they were fetched
    uint32_t number = 0;
    int64_t index = -1;          // leaves: the cell; interior pages: the child below, or the cell
    int64_t end = 0;             // cells
    int64_t low = 0;             // table trees: rowids are above it, if has_low, ...
    int64_t high = 0;            // ... and up to it
    bool has_low = false;
  };

  const Level& top() const { return levels_[depth_ - 1]; }
  bool Fail(const char* why, uint32_t page);
  bool Push(uint32_t page, uint32_t ahead);
  bool PushChild(int64_t index);
  uint32_t FollowingChildren(const Level& level, int64_t index) const;
  bool CheckBounds(const Level& level);
  bool ToFirstLeaf();
  Step NextPage();

  PageFile& file_;
  TreeKind kind_ = TreeKind::kTable;
  std::vector<Level> levels_ = std::vector<Level>(kTreeDepthMax);
  size_t depth_ = 0;
  uint64_t pages_met_ = 0;
  bool positioned_ = false, ended_ = false;
  Violation violation_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_BTREE_CURSOR_H_
