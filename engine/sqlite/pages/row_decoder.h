// From a cell of a b-tree to the values of a row.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_ROW_DECODER_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_ROW_DECODER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "coercion/source_value.h"
#include "engine/sqlite/pages/btree_page.h"
#include "engine/sqlite/pages/key_order.h"
#include "engine/sqlite/pages/page_file.h"
#include "engine/sqlite/pages/record.h"

namespace lite2pg {

// Joins the parts of records that overflow their pages; its buffer is kept from row to row. One
// thread at a time; `file` outlives it.
class RowDecoder {
 public:
  explicit RowDecoder(PageFile& file) : file_(file) {}

  // Decodes `cell` of `page` into `values`. Views live until the next call and as long as the page.
  RecordEnd Decode(const RecordLayout& layout, const BtreePage& page, const BtreeCell& cell,
                   SourceValue* values) {
    if (cell.local_bytes == cell.payload_bytes) [[likely]] {
      return DecodeRecord(layout, page.payload(cell), cell.payload_bytes, cell.payload_bytes,
                          values);
    }
    return DecodeOverflowing(layout, page, cell, values);
  }

  // Gives the memory of large records back.
  void Release();

 private:
  RecordEnd DecodeOverflowing(const RecordLayout& layout, const BtreePage& page,
                              const BtreeCell& cell, SourceValue* values);
  bool Join(const BtreePage& page, const BtreeCell& cell, size_t bytes);
  bool NextInChain(uint32_t page, uint32_t next);

  PageFile& file_;
  std::vector<uint8_t> record_;
};

// Texts of a UTF-16 database become UTF-8, in a buffer that is kept. False if one of them has an
// odd number of bytes, which only a damaged file has.
class TextConverter {
 public:
  bool Convert(std::span<SourceValue> values, bool big_endian);

 private:
  std::vector<char> text_;
  std::vector<char> swapped_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_ROW_DECODER_H_
