// Many read connections that all see one state of the source.
#ifndef LITE2PG_ENGINE_SQLITE_SNAPSHOT_H_
#define LITE2PG_ENGINE_SQLITE_SNAPSHOT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// Opens `readers` connections, begins a read transaction on each, and proves with a monitor
// connection (PRAGMA data_version before and after) that no commit came between the first and the
// last; retries kSnapshotAttemptsMax times and until the busy timeout is over. Holds the
// transactions until destroyed. Each reader is used by one thread at a time.
class SourceSnapshot {
 public:
  static absl::StatusOr<std::unique_ptr<SourceSnapshot>> Open(const std::string& source,
                                                              int readers,
                                                              const SqliteOpenOptions& options);
  virtual ~SourceSnapshot() = default;

  virtual int size() const = 0;
  virtual SqliteConnection& reader(int index) = 0;

  // A row source on that reader, as options.reader chose; the snapshot must outlive it, and the
  // reader serves nobody else while it is open.
  virtual std::unique_ptr<RowSource> NewRowSource(int index) = 0;

  // What was obtained, for the report: journal mode, attempts, and why all readers see one state.
  virtual std::string guarantee() const = 0;

  // Identifies the state read: page size and count, change counter, schema cookie, a sample of
  // pages, and for WAL the salts and the frame count. Equal for the same committed state, whichever
  // path it has, unless a checkpoint came between: MayBeSameContent() in fingerprint.h.
  virtual std::string fingerprint() const = 0;

  // The source's own path, also when a private copy of it is read.
  virtual std::string path() const { return ""; }
  // Whether the application cannot commit as long as this snapshot is held.
  virtual bool blocks_writers() const { return false; }
  // By how much the WAL has grown since. It cannot be begun anew as long as the snapshot is held.
  virtual int64_t wal_growth_bytes() const { return 0; }

  // OK while the file is still the one that was opened (device, inode, size not below the size at
  // the snapshot): stat() only. kSourceChanged or kSourceTruncated otherwise; kSourceWalGrows when
  // the WAL has become too large. Any thread.
  virtual absl::Status CheckUnchanged() const = 0;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SNAPSHOT_H_
