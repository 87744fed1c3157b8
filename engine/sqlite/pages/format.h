// The numbers of SQLite's file format that we read by, drawn and explained in docs/page-reader.md.
// Source: https://www.sqlite.org/fileformat2.html
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_FORMAT_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lite2pg {

inline constexpr size_t kDatabaseHeaderBytes = 100;
inline constexpr uint32_t kPageBytesMin = 512, kPageBytesMax = 65'536;
inline constexpr uint32_t kUsableBytesMin = 480;

// Where things stand in the database header.
inline constexpr size_t kHeaderPageSize = 16, kHeaderWriteVersion = 18, kHeaderReadVersion = 19,
                        kHeaderReserved = 20, kHeaderMaxFraction = 21, kHeaderMinFraction = 22,
                        kHeaderLeafFraction = 23, kHeaderSchemaFormat = 44,
                        kHeaderLargestRoot = 52, kHeaderEncoding = 56;

// The byte that locks are taken on; the page that holds it is never used.
inline constexpr uint64_t kLockByte = 0x40000000;

// BTCURSOR_MAX_DEPTH of SQLite's src/btreeInt.h: a deeper tree is damaged.
inline constexpr int kTreeDepthMax = 20;

// SQLite's own limit of a record: SQLITE_MAX_LENGTH, src/sqliteLimit.h.
inline constexpr uint64_t kPayloadBytesMax = 1'000'000'000;

inline uint32_t LoadBig16(const uint8_t* at) {
  return static_cast<uint32_t>(at[0] << 8 | at[1]);
}
inline uint32_t LoadBig32(const uint8_t* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap32(value);
}
inline uint64_t LoadBig64(const uint8_t* at) {
  uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap64(value);
}

// A varint of up to nine bytes, the last of which has eight bits; returns what follows it, or
// nullptr if it runs past `end`.
inline const uint8_t* ReadLongVarint(const uint8_t* at, const uint8_t* end, uint64_t* value) {
  uint64_t result = 0;
  for (int i = 0; i < 8; ++i) {
    if (at >= end) return nullptr;
    const uint8_t byte = *at++;
    result = result << 7 | (byte & 0x7f);
    if (byte < 0x80) {
      *value = result;
      return at;
    }
  }
  if (at >= end) return nullptr;
  *value = result << 8 | *at;
  return at + 1;
}

// The same, with the usual one byte decided inline.
inline const uint8_t* ReadVarint(const uint8_t* at, const uint8_t* end, uint64_t* value) {
  if (at < end && *at < 0x80) [[likely]] {
    *value = *at;
    return at + 1;
  }
  return ReadLongVarint(at, end, value);
}

// What all pages of a database share.
struct PageGeometry {
  uint32_t page_bytes = 0;
  uint32_t usable_bytes = 0;  // without the reserved bytes at a page's end
  uint32_t page_count = 0;    // of the snapshot
  bool auto_vacuum = false;
  size_t record_bytes_max = SIZE_MAX;  // what may be held of one record; a limit of ours

  uint32_t lock_page() const { return static_cast<uint32_t>(kLockByte / page_bytes) + 1; }
  // Whether a b-tree may have `page` below its root: page 1 is the schema's root.
  bool IsTreePage(uint32_t page) const {
    return page >= 2 && page <= page_count && page != lock_page();
  }
  // The most bytes of a payload that stay in a cell, and the least when the rest overflows.
  uint32_t TableLocalMax() const { return usable_bytes - 35; }
  uint32_t IndexLocalMax() const { return (usable_bytes - 12) * 64 / 255 - 23; }
  uint32_t LocalMin() const { return (usable_bytes - 12) * 32 / 255 - 23; }
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_FORMAT_H_
