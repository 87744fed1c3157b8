#include "engine/sqlite/pages/btree_cursor.h"

#include <cstring>

namespace lite2pg {

bool BtreeCursor::Fail(const char* why, uint32_t page) {
  SetViolation(why, page);
  return false;
}

// Reads a page below the current one. Leaves are used where they lie; an interior page is copied,
// because it must outlast the pages below it.
bool BtreeCursor::Push(uint32_t page, uint32_t ahead) {
  if (depth_ == kTreeDepthMax) return Fail("the tree is too deep", page);
  if (++pages_met_ > file_.geometry().page_count) return Fail("the tree has a cycle", page);
  const uint8_t* data = file_.Fetch(page, ahead);
  if (data == nullptr) return Fail("a page cannot be read", page);
  Level& level = levels_[depth_];
  level.number = page;
  if (BtreePage::IsInterior(data)) {
    level.bytes.assign(data, data + file_.geometry().page_bytes);
    data = level.bytes.data();
  }
  const char* const why = level.page.Parse(data, file_.geometry(), kind_, depth_ == 0);
  if (why != nullptr) return Fail(why, page);
  level.index = -1;
  level.end = level.page.size();
  ++depth_;
  return true;
}

bool BtreeCursor::CheckBounds(const Level& level) {
  if (kind_ != TreeKind::kTable || level.end == 0) return true;
  const int64_t first = level.page.cell(0).rowid;
  const int64_t last = level.page.cell(static_cast<uint32_t>(level.end - 1)).rowid;
  if ((level.has_low && first <= level.low) || last > level.high) {
    return Fail("a page holds rowids that belong elsewhere", level.number);
  }
  return true;
}

bool BtreeCursor::Open(uint32_t root, TreeKind kind) {
  kind_ = kind;
  depth_ = 0;
  pages_met_ = 0;
  positioned_ = ended_ = false;
  violation_ = {};
  if (!file_.geometry().IsTreePage(root)) return Fail("the root page is not in the file", root);
  if (!Push(root, 0)) return false;
  levels_[0].has_low = false;
  levels_[0].high = std::numeric_limits<int64_t>::max();
  return CheckBounds(levels_[0]);
}

// How many children after `index` lie right behind it in the file.
uint32_t BtreeCursor::FollowingChildren(const Level& level, int64_t index) const {
  constexpr uint32_t kLookMax = 256;  // more than any run has
  const uint32_t page = level.page.child(static_cast<uint32_t>(index));
  uint32_t count = 0;
  while (count < kLookMax && index + count + 1 <= level.end &&
         level.page.child(static_cast<uint32_t>(index + count + 1)) == page + count + 1) {
    ++count;
  }
  return count;
}

bool BtreeCursor::PushChild(int64_t index) {
  Level& level = levels_[depth_ - 1];
  level.index = index;
  if (!Push(level.page.child(static_cast<uint32_t>(index)), FollowingChildren(level, index))) {
    return false;
  }
  Level& child = levels_[depth_ - 1];
  if (kind_ == TreeKind::kTable) {
    child.has_low = index > 0 || level.has_low;
    child.low = index > 0 ? level.page.cell(static_cast<uint32_t>(index - 1)).rowid : level.low;
    child.high =
        index < level.end ? level.page.cell(static_cast<uint32_t>(index)).rowid : level.high;
  }
  return CheckBounds(child);
}

bool BtreeCursor::ToFirstLeaf() {
  while (!top().page.leaf()) {
    if (!PushChild(0)) return false;
  }
  return true;
}

bool BtreeCursor::SeekRowid(int64_t after) {
  positioned_ = true;
  while (true) {
    Level& level = levels_[depth_ - 1];
    int64_t low = 0, high = level.end;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      const int64_t rowid = level.page.cell(static_cast<uint32_t>(middle)).rowid;
      // Down to where `after` itself would be, as SQLite goes: it is the row behind that is wanted,
      // but damage of this page must not be overlooked by one of the two.
      if (level.page.leaf() ? rowid > after : rowid >= after) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (level.page.leaf()) {
      level.index = low - 1;
      return true;
    }
    if (!PushChild(low)) return false;
  }
}

// Looks at every cell of the pages on the way, so that what follows does not depend on how a search
// strides through cells that are out of order.
bool BtreeCursor::SeekKey(const SideOf& side_of) {
  positioned_ = true;
  while (true) {
    Level& level = levels_[depth_ - 1];
    int64_t first_after = level.end;
    for (int64_t i = 0; i < level.end; ++i) {
      const Side side = side_of(level.page, level.page.cell(static_cast<uint32_t>(i)));
      if (side == Side::kUnknown) return Fail("a key cannot be read", level.number);
      if (side == Side::kAfter) {
        if (first_after == level.end) first_after = i;
      } else if (first_after != level.end) {
        return Fail("the keys of a page are out of order", level.number);
      }
    }
    if (level.page.leaf()) {
      level.index = first_after - 1;
      return true;
    }
    if (!PushChild(first_after)) return false;
  }
}

BtreeCursor::Step BtreeCursor::NextPage() {
  if (violation_.why != nullptr) return Step::kViolation;
  if (ended_) return Step::kEnd;
  if (!positioned_) {
    positioned_ = true;
    if (!ToFirstLeaf()) return Step::kViolation;
    return Next();
  }
  // Above a leaf that is done, or on a cell of an interior page of an index tree, whose next child
  // is due.
  while (true) {
    Level& level = levels_[depth_ - 1];
    if (!level.page.leaf()) {
      const bool on_cell = kind_ == TreeKind::kIndex;
      const int64_t child = level.index + 1;
      if (on_cell || child <= level.end) {
        if (!PushChild(child) || !ToFirstLeaf()) return Step::kViolation;
        Level& leaf = levels_[depth_ - 1];
        leaf.index = 0;  // never empty below the root
        return Step::kCell;
      }
    }
    // Upwards, to the first page that has something left.
    while (true) {
      if (depth_ == 1) {
        ended_ = true;
        return Step::kEnd;
      }
      --depth_;
      const Level& above = levels_[depth_ - 1];
      if (above.index < above.end) break;
    }
    if (kind_ == TreeKind::kIndex) return Step::kCell;  // the cell after the child that is done
  }
}

}  // namespace lite2pg
