#include "engine/sqlite/pages/btree_page.h"

namespace lite2pg {
namespace {

// The page's first byte.
constexpr uint8_t kIndexInterior = 2, kTableInterior = 5, kIndexLeaf = 10, kTableLeaf = 13;

constexpr char kOutside[] = "a cell is not inside of its page";
constexpr char kTooLarge[] = "a record is larger than the database can hold";
constexpr char kUnordered[] = "the rowids of a page do not ascend";
constexpr char kBadChild[] = "a page points to a page that cannot be its child";

// How many bytes of a payload are in the cell: section "B-tree Pages" of the file format.
uint32_t LocalBytes(uint64_t payload_bytes, uint32_t local_max, const PageGeometry& geometry) {
  if (payload_bytes <= local_max) return static_cast<uint32_t>(payload_bytes);
  const uint32_t local_min = geometry.LocalMin();
  const auto surplus = local_min + static_cast<uint32_t>((payload_bytes - local_min) %
                                                         (geometry.usable_bytes - 4));
  return surplus <= local_max ? surplus : local_min;
}

bool FitsDatabase(uint64_t payload_bytes, const PageGeometry& geometry) {
  return payload_bytes <= kPayloadBytesMax &&
         payload_bytes <= uint64_t{geometry.usable_bytes} * geometry.page_count;
}

}  // namespace

const char* BtreePage::Parse(const uint8_t* data, const PageGeometry& geometry, TreeKind kind,
                             bool is_root) {
  data_ = data;
  const uint8_t type = data[0];
  leaf_ = type == (kind == TreeKind::kTable ? kTableLeaf : kIndexLeaf);
  if (!leaf_ && type != (kind == TreeKind::kTable ? kTableInterior : kIndexInterior)) {
    return "a page is of another kind than its tree";
  }
  const uint32_t header_bytes = leaf_ ? 8 : 12;
  const uint32_t count = LoadBig16(data + 3);
  // Two bytes of pointer and four of cell at least.
  if (count > (geometry.page_bytes - 8) / 6) return "a page has more cells than fit";
  if (count == 0 && !(is_root && leaf_)) return "a page of a tree is empty";
  cells_first_ = header_bytes + 2 * count;
  if (cells_first_ > geometry.usable_bytes) return kOutside;
  cells_.resize(count);
  right_child_ = 0;
  if (!leaf_) {
    right_child_ = LoadBig32(data + 8);
    if (!geometry.IsTreePage(right_child_)) return kBadChild;
  }
  const uint8_t* const pointers = data + header_bytes;
  if (kind == TreeKind::kIndex) return ParseIndex(geometry, pointers);
  return leaf_ ? ParseTableLeaf(geometry, pointers) : ParseTableInterior(geometry, pointers);
}

const char* BtreePage::ParseTableLeaf(const PageGeometry& geometry, const uint8_t* pointers) {
  const uint8_t* const end = data_ + geometry.usable_bytes;
  const uint32_t cell_last = geometry.usable_bytes - 4;
  const uint32_t local_max = geometry.TableLocalMax();
  int64_t before = 0;
  bool first = true;
  for (BtreeCell& cell : cells_) {
    const uint32_t offset = LoadBig16(pointers);
    pointers += 2;
    if (offset < cells_first_ || offset > cell_last) return kOutside;
    uint64_t payload_bytes = 0, rowid = 0;
    const uint8_t* at = ReadVarint(data_ + offset, end, &payload_bytes);
    if (at == nullptr) return kOutside;
    at = ReadVarint(at, end, &rowid);
    if (at == nullptr) return kOutside;
    uint32_t stored = 0;
    if (payload_bytes <= local_max) [[likely]] {
      cell.local_bytes = stored = static_cast<uint32_t>(payload_bytes);
    } else {
      if (!FitsDatabase(payload_bytes, geometry)) return kTooLarge;
      cell.local_bytes = LocalBytes(payload_bytes, local_max, geometry);
      stored = cell.local_bytes + 4;
    }
    if (stored > static_cast<size_t>(end - at)) return kOutside;
    cell.payload_bytes = static_cast<uint32_t>(payload_bytes);
    cell.payload_offset = static_cast<uint32_t>(at - data_);
    cell.rowid = static_cast<int64_t>(rowid);
    cell.child = 0;
    if (!first && cell.rowid <= before) return kUnordered;
    first = false;
    before = cell.rowid;
  }
  return nullptr;
}

const char* BtreePage::ParseTableInterior(const PageGeometry& geometry, const uint8_t* pointers) {
  const uint8_t* const end = data_ + geometry.usable_bytes;
  for (uint32_t i = 0; i < size(); ++i, pointers += 2) {
    const uint32_t offset = LoadBig16(pointers);
    if (offset < cells_first_ || offset > geometry.usable_bytes - 5) return kOutside;
    uint64_t rowid = 0;
    if (ReadVarint(data_ + offset + 4, end, &rowid) == nullptr) return kOutside;
    BtreeCell& cell = cells_[i];
    cell = BtreeCell();
    cell.rowid = static_cast<int64_t>(rowid);
    cell.child = LoadBig32(data_ + offset);
    if (!geometry.IsTreePage(cell.child)) return kBadChild;
    if (i > 0 && cell.rowid <= cells_[i - 1].rowid) return kUnordered;
  }
  return nullptr;
}

const char* BtreePage::ParseIndex(const PageGeometry& geometry, const uint8_t* pointers) {
  const uint8_t* const end = data_ + geometry.usable_bytes;
  const uint32_t child_bytes = leaf_ ? 0 : 4;
  const uint32_t local_max = geometry.IndexLocalMax();
  for (BtreeCell& cell : cells_) {
    const uint32_t offset = LoadBig16(pointers);
    pointers += 2;
    if (offset < cells_first_ || offset > geometry.usable_bytes - (leaf_ ? 4 : 5)) return kOutside;
    uint64_t payload_bytes = 0;
    const uint8_t* const at = ReadVarint(data_ + offset + child_bytes, end, &payload_bytes);
    if (at == nullptr) return kOutside;
    if (!FitsDatabase(payload_bytes, geometry)) return kTooLarge;
    cell.rowid = 0;
    cell.child = leaf_ ? 0 : LoadBig32(data_ + offset);
    if (!leaf_ && !geometry.IsTreePage(cell.child)) return kBadChild;
    cell.local_bytes = LocalBytes(payload_bytes, local_max, geometry);
    cell.payload_bytes = static_cast<uint32_t>(payload_bytes);
    cell.payload_offset = static_cast<uint32_t>(at - data_);
    const uint32_t stored = cell.local_bytes + (cell.local_bytes < payload_bytes ? 4 : 0);
    if (stored > static_cast<size_t>(end - at)) return kOutside;
  }
  return nullptr;
}

}  // namespace lite2pg
