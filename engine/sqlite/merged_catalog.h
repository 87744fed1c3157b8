// The declarations of several files of one schema, seen as those of one source whose tables have a
// column more: the one that says which file a row is from.
#ifndef LITE2PG_ENGINE_SQLITE_MERGED_CATALOG_H_
#define LITE2PG_ENGINE_SQLITE_MERGED_CATALOG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// What is declared otherwise in `other` than in `first`, one sentence each; what SQLite keeps by
// itself (statistics, sequences' values, root pages) and the text that declares it do not matter.
std::vector<std::string> CatalogDifferences(const SourceCatalog& first, const SourceCatalog& other);

// Tables of `one` with `column` before their own, and in every key: keys of different files may be
// equal, and a foreign key's action would be for the new column as well, so that none of those that
// change values (SET NULL, SET DEFAULT) stays. Nothing counts up any more, views are gone (they
// would join rows of different files), and the content of virtual tables is not shown. Rows are
// named by their number, as rowid. kNameCollision when a table has such a column already.
absl::StatusOr<SourceCatalog> MergedCatalog(const SourceCatalog& one, const std::string& column);

// Tables whose rows are merged; in both catalogs they have the same index.
bool IsMerged(const SourceTable& table);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_MERGED_CATALOG_H_
