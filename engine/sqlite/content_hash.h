// What two copies of a source have in common when they are the same in every byte.
#ifndef LITE2PG_ENGINE_SQLITE_CONTENT_HASH_H_
#define LITE2PG_ENGINE_SQLITE_CONTENT_HASH_H_

#include <string>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// XXH3-128 of the database file, which is read as a whole, in hexadecimal. Frames of its WAL are
// in the fingerprint. Pages that a checkpoint has brought over may make equal sources look
// different, never the other way round. REQUIRES: `connection` is in its read transaction.
absl::StatusOr<std::string> HashSourceContent(SqliteConnection& connection,
                                              const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_CONTENT_HASH_H_
