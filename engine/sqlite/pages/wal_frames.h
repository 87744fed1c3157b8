// Which pages of a snapshot are in the write-ahead log, proved by the log's own checksums.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_WAL_FRAMES_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_WAL_FRAMES_H_

#include <cstdint>

#include "engine/base/hash_tables.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/wal_position.h"

namespace lite2pg {

// Frames up to the commit that a snapshot sees. Its readers hold marks in the log, so that SQLite
// neither overwrites these frames nor checkpoints later ones. Immutable once built; any thread.
class WalFrames {
 public:
  // Walks the log from its header to frame `position.frames`. Returns nullptr when every salt and
  // checksum fits and the last frame is the commit at `position`; otherwise why not, as a literal,
  // and then nothing may be read by it.
  const char* Build(SqliteConnection& connection, const WalPosition& position,
                    uint32_t page_bytes);

  bool empty() const { return frame_of_page_.empty(); }
  // The 0-based index of the last frame with `page`, or -1.
  int64_t Find(uint32_t page) const {
    const auto found = frame_of_page_.find(page);
    return found == frame_of_page_.end() ? -1 : int64_t{found->second};
  }
  const uint8_t* salt() const { return salt_; }

 private:
  HashMap<uint32_t, uint32_t> frame_of_page_;
  uint8_t salt_[8] = {};
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_WAL_FRAMES_H_
