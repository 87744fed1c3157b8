// The form of a chunk's entry, which the manifest and the journal of an export share.
#ifndef LITE2PG_ENGINE_ARCHIVE_MANIFEST_JSON_H_
#define LITE2PG_ENGINE_ARCHIVE_MANIFEST_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "engine/archive/json_fields.h"
#include "engine/archive/manifest.h"

namespace lite2pg {

Json ChunkToJson(const ArchiveChunk& chunk);
// `where` is for messages; `table` the number that its file must be named by.
absl::StatusOr<ArchiveChunk> ChunkFromJson(const Json& json, const std::string& where, int table);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_MANIFEST_JSON_H_
