// What identifies one committed state of a source, so that a resumed run can tell whether it still
// reads what the first one read.
#ifndef LITE2PG_ENGINE_SQLITE_FINGERPRINT_H_
#define LITE2PG_ENGINE_SQLITE_FINGERPRINT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/wal_position.h"

namespace lite2pg {

struct SourceFingerprint {
  std::string text;         // printable, stable; complete after FinishFingerprint
  bool wal = false;
  bool complete = true;       // false: the WAL's position was not to be had
  WalPosition wal_position;   // of the snapshot; all 0 outside of WAL mode
  uint32_t wal_frames = 0;  // of the snapshot; 0 outside of WAL mode
};

// The part that must be read while nobody commits: the WAL's position. Cheap.
// REQUIRES: `connection` is in a read transaction.
absl::StatusOr<SourceFingerprint> BeginFingerprint(SqliteConnection& connection);

// The rest, which the transaction keeps as it is: what the database's first page counts, and a
// sample of its pages, read through the WAL. REQUIRES: the same transaction.
absl::Status FinishFingerprint(SqliteConnection& connection, SourceFingerprint* fingerprint);

// Whether two fingerprints can be of the same content. They differ without any change of it where a
// checkpoint has moved the WAL's frames into the file in between; and in WAL mode equal ones of
// this kind prove nothing, as commits need not be counted there. The caller has to compare rows.
bool MayBeSameContent(absl::string_view a, absl::string_view b);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_FINGERPRINT_H_
