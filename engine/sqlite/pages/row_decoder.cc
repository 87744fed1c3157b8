#include "engine/sqlite/pages/row_decoder.h"

#include <algorithm>
#include <cstring>

#include "engine/sqlite/utf16.h"

namespace lite2pg {
namespace {

// The number of the next page of the chain, 0 at its end.
constexpr uint32_t kLinkBytes = 4;

// A buffer that one large record has blown up beyond this gives its memory back.
constexpr size_t kKeptBytesMax = size_t{4} << 20;

// An entry of a pointer map (section "Pointer Map or Ptrmap Pages"): a kind and a page.
constexpr uint32_t kMapEntryBytes = 5;
constexpr uint8_t kMapOverflow = 4;  // an overflow page that is not the first of its chain

}  // namespace

// In an auto-vacuum database SQLite takes the next page of a chain from the pointer map where that
// says it is the one behind (getOverflowPage in src/btree.c), and skips reading it. Where map and
// chain disagree, the library shall decide.
bool RowDecoder::NextInChain(uint32_t page, uint32_t next) {
  const PageGeometry& geometry = file_.geometry();
  if (!geometry.IsTreePage(next)) return false;
  if (!geometry.auto_vacuum) return true;
  const uint32_t entries = geometry.usable_bytes / kMapEntryBytes;
  const auto map_of = [&](uint32_t of) {
    uint32_t map = (of - 2) / (entries + 1) * (entries + 1) + 2;
    if (map == geometry.lock_page()) ++map;
    return map;
  };
  uint32_t guess = page + 1;
  while (map_of(guess) == guess || guess == geometry.lock_page()) ++guess;
  if (guess == next || guess > geometry.page_count) return true;
  const uint32_t map = map_of(guess);
  const uint32_t at = (guess - map - 1) * kMapEntryBytes;
  if (guess < map || map > geometry.page_count ||
      at + kMapEntryBytes > geometry.usable_bytes) {
    return false;
  }
  std::vector<uint8_t> start(at + kMapEntryBytes);
  if (!file_.ReadStart(map, static_cast<uint32_t>(start.size()), start.data())) return false;
  return start[at] != kMapOverflow || LoadBig32(&start[at + 1]) != page;
}

// The first `bytes` of the record into record_.
bool RowDecoder::Join(const BtreePage& page, const BtreeCell& cell, size_t bytes) {
  const PageGeometry& geometry = file_.geometry();
  if (record_.size() < bytes + kLinkBytes) record_.resize(bytes + kLinkBytes);
  size_t have = std::min<size_t>(cell.local_bytes, bytes);
  std::memcpy(record_.data(), page.payload(cell), have);
  uint32_t link = LoadBig32(page.payload(cell) + cell.local_bytes);
  if (have < bytes && !geometry.IsTreePage(link)) return false;
  while (have < bytes) {
    const auto part = static_cast<uint32_t>(
        std::min<size_t>(geometry.usable_bytes - kLinkBytes, bytes - have));
    // The page's link lands on the bytes before, which are put back: the payload is copied once.
    uint8_t* const to = record_.data() + have - kLinkBytes;
    uint8_t kept[kLinkBytes];
    std::memcpy(kept, to, kLinkBytes);
    if (!file_.ReadStart(link, part + kLinkBytes, to)) return false;
    const uint32_t next = LoadBig32(to);
    std::memcpy(to, kept, kLinkBytes);
    have += part;
    if (have < bytes && !NextInChain(link, next)) return false;
    link = next;
  }
  return true;
}

RecordEnd RowDecoder::DecodeOverflowing(const RecordLayout& layout, const BtreePage& page,
                                        const BtreeCell& cell, SourceValue* values) {
  constexpr RecordEnd kBroken{RecordEnd::Kind::kViolation};
  const size_t needed =
      RecordBytesNeeded(layout, page.payload(cell), cell.local_bytes, cell.payload_bytes);
  if (needed == 0) return kBroken;
  if (needed <= cell.local_bytes) {
    return DecodeRecord(layout, page.payload(cell), cell.local_bytes, cell.payload_bytes, values);
  }
  // The library says what is too long.
  if (needed > file_.geometry().record_bytes_max) return kBroken;
  // The least that stays in a cell is more than the link's four bytes: see Join.
  static_assert((kUsableBytesMin - 12) * 32 / 255 - 23 >= kLinkBytes);
  if (!Join(page, cell, needed)) return kBroken;
  return DecodeRecord(layout, record_.data(), needed, cell.payload_bytes, values);
}

void RowDecoder::Release() {
  if (record_.capacity() > kKeptBytesMax) std::vector<uint8_t>().swap(record_);
}

bool TextConverter::Convert(std::span<SourceValue> values, bool big_endian) {
  size_t room = 0;
  for (const SourceValue& value : values) {
    if (value.storage_class != StorageClass::kText) continue;
    if (value.size_bytes % 2 != 0) return false;
    room += Wtf8BytesMax(value.size_bytes);
  }
  if (text_.size() < room) text_.resize(room + room / 2);
  char* to = text_.data();
  for (SourceValue& value : values) {
    if (value.storage_class != StorageClass::kText) continue;
    const char* from = value.data;
    if (big_endian) {
      swapped_.resize(value.size_bytes);
      for (size_t i = 0; i < value.size_bytes; i += 2) {
        swapped_[i] = from[i + 1];
        swapped_[i + 1] = from[i];
      }
      from = swapped_.data();
    }
    value.data = to;
    value.size_bytes = Utf16ToWtf8(from, value.size_bytes, to);
    to += value.size_bytes;
  }
  return true;
}

}  // namespace lite2pg
