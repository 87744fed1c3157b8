// One page of a b-tree, taken apart and checked before anything of it is used.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_BTREE_PAGE_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_BTREE_PAGE_H_

#include <cstdint>
#include <vector>

#include "engine/sqlite/pages/format.h"

namespace lite2pg {

enum class TreeKind : uint8_t {
  kTable,  // rowid tables: rows in the leaves, by rowid
  kIndex,  // WITHOUT ROWID tables: rows in all pages, by the primary key
};

// A cell; what does not apply to its kind of page is 0.
struct BtreeCell {
  int64_t rowid = 0;            // kTable: of the row, or the greatest of the left child
  uint32_t payload_bytes = 0;   // of the whole record
  uint32_t local_bytes = 0;     // of it on this page; the rest is in a chain of overflow pages
  uint32_t payload_offset = 0;  // within the page
  uint32_t child = 0;           // interior pages: the left child
};

// Every cell has been found inside of the page, every payload below SQLite's limit, every child a
// page that may be one, and the rowids ascending: only then Parse says yes. What SQLite itself
// checks when it loads a page (btreeInitPage and btreeCellSizeCheck in src/btree.c) is among it.
// Reused from page to page; its memory is kept. One thread at a time.
class BtreePage {
 public:
  // nullptr, or what is wrong with the page, as a literal. `data` must stay while cells are read.
  const char* Parse(const uint8_t* data, const PageGeometry& geometry, TreeKind kind, bool is_root);

  static bool IsInterior(const uint8_t* data) { return data[0] == 2 || data[0] == 5; }

  bool leaf() const { return leaf_; }
  uint32_t size() const { return static_cast<uint32_t>(cells_.size()); }
  const BtreeCell& cell(uint32_t index) const { return cells_[index]; }
  // The child that comes before cell `index`; that of size() comes after the last.
  uint32_t child(uint32_t index) const {
    return index < cells_.size() ? cells_[index].child : right_child_;
  }
  const uint8_t* data() const { return data_; }
  const uint8_t* payload(const BtreeCell& cell) const { return data_ + cell.payload_offset; }

 private:
  const char* ParseTableLeaf(const PageGeometry& geometry, const uint8_t* pointers);
  const char* ParseTableInterior(const PageGeometry& geometry, const uint8_t* pointers);
  const char* ParseIndex(const PageGeometry& geometry, const uint8_t* pointers);

  std::vector<BtreeCell> cells_;
  const uint8_t* data_ = nullptr;
  uint32_t cells_first_ = 0;  // the least offset that a cell may have
  uint32_t right_child_ = 0;
  bool leaf_ = true;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_BTREE_PAGE_H_
