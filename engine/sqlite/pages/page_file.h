// Pages of one snapshot through SQLite's own file handle.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_PAGE_FILE_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_PAGE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/fingerprint.h"
#include "engine/sqlite/pages/format.h"
#include "engine/sqlite/pages/wal_frames.h"

struct sqlite3_file;

namespace lite2pg {

// What all readers of a snapshot need to read its pages; made once, shared and immutable.
struct PageSnapshot {
  std::string refusal;       // why its pages are not to be read directly; "" when they are
  PageGeometry geometry;
  bool utf16 = false;
  bool big_endian = false;   // UTF-16be
  WalFrames wal;             // empty: the database file alone is the state
  std::string first_bytes;   // the database header, to see a change; "" if checkpoints may write it
};

// REQUIRES: `connection` is a reader of the snapshot that `fingerprint` describes, and holds its
// transaction. Never fails: what it cannot prove is a refusal.
std::shared_ptr<const PageSnapshot> MakePageSnapshot(SqliteConnection& connection,
                                                     const SourceFingerprint& fingerprint);

// Reads for one connection of the snapshot; one thread at a time. No second handle is ever opened,
// which would drop SQLite's locks, and nothing is mapped: a file that is cut gives an error and no
// signal. `connection` outlives it and holds the snapshot's transaction.
class PageFile {
 public:
  PageFile(SqliteConnection& connection, std::shared_ptr<const PageSnapshot> snapshot);

  const PageGeometry& geometry() const { return snapshot_->geometry; }
  const PageSnapshot& snapshot() const { return *snapshot_; }

  // A page's bytes, or nullptr if it cannot be read in full. They live until the next Fetch.
  // `ahead`: so many pages that follow in the file are likely to be fetched next.
  // REQUIRES: 1 <= page <= page_count.
  const uint8_t* Fetch(uint32_t page, uint32_t ahead);

  // The first `bytes` of a page, into `to`. REQUIRES: bytes <= page_bytes.
  bool ReadStart(uint32_t page, uint32_t bytes, uint8_t* to);

  // kSourceChanged if the database header is not what the snapshot saw, although it is locked.
  absl::Status CheckUnchanged();

 private:
  bool ReadAt(sqlite3_file* file, int64_t offset, int64_t bytes, uint8_t* to);
  bool ReadFrame(int64_t frame, uint32_t page, uint32_t bytes, uint8_t* to);

  SqliteConnection& connection_;
  const std::shared_ptr<const PageSnapshot> snapshot_;
  sqlite3_file* file_ = nullptr;
  sqlite3_file* wal_file_ = nullptr;
  std::vector<uint8_t> run_;       // pages run_first_ to run_first_ + run_count_ - 1
  std::vector<uint8_t> frame_;     // one frame of the log
  uint32_t run_first_ = 0, run_count_ = 0, run_pages_max_ = 1;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_PAGE_FILE_H_
