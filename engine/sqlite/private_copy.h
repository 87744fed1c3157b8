// A copy of the source that is ours alone, for sources that cannot be read for long: whoever
// writes them would be kept from it, or reading them would change a file beside them.
#ifndef LITE2PG_ENGINE_SQLITE_PRIVATE_COPY_H_
#define LITE2PG_ENGINE_SQLITE_PRIVATE_COPY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// Copies `source` into a file of mode 0600 in a directory of its own below
// options.private_copy_dir, and opens that as SourceSnapshot::Open would; the snapshot removes it
// when it is destroyed. What a process that was killed has left there is removed as well.
//
// A source that can be opened is copied by SQLite's backup interface in one read transaction: page
// by page, so that rowids stay. One that cannot (a hot journal, a WAL in a directory that may not
// be written, a network file system) is copied as it is with what belongs to it, if none of its
// files changes meanwhile, and SQLite recovers the copy. Errors: those of Open;
// kTargetOutOfResource (9) where there is no room.
absl::StatusOr<std::unique_ptr<SourceSnapshot>> OpenPrivateCopy(const std::string& source,
                                                                int readers,
                                                                const SqliteOpenOptions& options);

// The name of the network file system that holds `path`, or "" for all others.
std::string NetworkFileSystemOf(const std::string& path);
// `type` as statfs(2) has it.
std::string NetworkFileSystemName(long type);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PRIVATE_COPY_H_
