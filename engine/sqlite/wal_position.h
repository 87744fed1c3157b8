// Where a snapshot stands in the write-ahead log.
#ifndef LITE2PG_ENGINE_SQLITE_WAL_POSITION_H_
#define LITE2PG_ENGINE_SQLITE_WAL_POSITION_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// The parts of struct WalIndexHdr (SQLite's src/wal.c) that we use. Value type.
struct WalPosition {
  uint32_t frames = 0;
  uint32_t pages = 0;               // of the database after the last of them
  uint32_t frame_checksum[2] = {};  // of the last frame; it runs over all frames before it
  uint32_t salt[2] = {};
  uint32_t backfilled = 0;          // frames that the database file has as well
};

// The header is stored twice; the number of frames that were checkpointed comes behind it.
inline constexpr size_t kWalIndexHeaderBytes = 100;

// False while the two copies differ: then a commit is under way.
// REQUIRES: header.size() == kWalIndexHeaderBytes.
bool ParseWalIndexHeader(const std::string& header, WalPosition* position);

// The -wal file (https://www.sqlite.org/fileformat2.html#walformat): a header, then frames, each a
// header that begins with the page's number, and the page.
constexpr int64_t WalFrameOffset(int64_t frame_index, int64_t page_size) {
  return 32 + frame_index * (24 + page_size);
}

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_WAL_POSITION_H_
