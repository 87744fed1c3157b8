// What a virtual table holds that can be read without its module, or with one that SQLite has.
#ifndef LITE2PG_ENGINE_SQLITE_VIRTUAL_CONTENT_H_
#define LITE2PG_ENGINE_SQLITE_VIRTUAL_CONTENT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// A CREATE VIRTUAL TABLE statement taken apart.
struct VirtualTableSql {
  std::string module;                   // unquoted; "": not such a statement
  std::vector<std::string> arguments;   // as written, without what surrounds them
};
VirtualTableSql ParseVirtualTable(absl::string_view sql);

// Decides where the rows of each virtual table of `catalog` are read from: sets content_table,
// columns and keys, or no_content. A full-text table is read from the shadow table that keeps its
// text, so that no tokenizer is needed; an R*Tree through its module. REQUIRES: all tables of the
// catalog are described. Pure: looks at the catalog alone.
void FindVirtualContents(SourceCatalog* catalog);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_VIRTUAL_CONTENT_H_
