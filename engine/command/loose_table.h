// A declaration that takes any value as it is, for a table whose own would refuse or change it.
#ifndef LITE2PG_ENGINE_COMMAND_LOOSE_TABLE_H_
#define LITE2PG_ENGINE_COMMAND_LOOSE_TABLE_H_

#include <optional>
#include <string>

#include "engine/sqlite/catalog.h"

namespace lite2pg {

// CREATE TABLE for a table that lies in the file as `table` does (the same columns, rowid or key,
// and automatic indexes), but has no types, NOT NULLs and CHECKs: its text may be replaced by the
// original's once the rows are in. SQLite's own files come to hold such rows when declarations are
// changed later, or were not kept by older versions. nullopt for generated columns, whose
// expressions are part of the layout.
std::optional<std::string> LooseTableSql(const SourceTable& table);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_LOOSE_TABLE_H_
