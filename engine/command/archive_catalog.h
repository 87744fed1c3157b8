// The source's declarations as an archive carries them: names, types, keys and the SQL that SQLite
// keeps, from which import makes its plan as copy would from the file.
#ifndef LITE2PG_ENGINE_COMMAND_ARCHIVE_CATALOG_H_
#define LITE2PG_ENGINE_COMMAND_ARCHIVE_CATALOG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// A JSON object.
std::string ArchiveCatalogToJson(const SourceCatalog& catalog);

// The inverse; nothing in it is trusted: every index into a list is within it, and the SQL is text
// that only our own parser reads. Exit code 13 otherwise. path and the numbers of the database stay
// empty.
absl::StatusOr<SourceCatalog> ArchiveCatalogFromJson(absl::string_view json);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_ARCHIVE_CATALOG_H_
