// Where a table's columns are in its records, and whether its pages may be read at all.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_TABLE_LAYOUT_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_TABLE_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/sqlite/key_sql.h"
#include "engine/sqlite/pages/btree_page.h"
#include "engine/sqlite/pages/page_file.h"
#include "engine/sqlite/pages/record.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// How the texts of a key column are ordered.
enum class KeyCollation : uint8_t { kBinary, kNocase, kRtrim };

struct KeyPart {
  int slot = -1;
  KeyCollation collation = KeyCollation::kBinary;
  bool descending = false;
};

// Slots are places of a row's values: first those that the reading wants, in its order, then key
// columns that it does not want.
struct TableLayout {
  std::string refusal;             // why the library must read it; "" when pages will do
  TreeKind tree = TreeKind::kTable;
  uint32_t root = 0;
  RecordLayout fields;
  std::vector<int> field_columns;  // of each field: its index in SourceTable::columns
  size_t wanted = 0;               // slots that the reading wants
  size_t slots = 0;
  std::vector<int> rowid_slots;    // slots that the rowid itself goes to
  std::vector<KeyColumn> key_columns;
  std::vector<KeyPart> key;        // of an index tree
  // Of an index tree: its key alone, its parts in slots 0, 1, ... whatever the reading wants.
  RecordLayout key_fields;
};

TableLayout MakeTableLayout(const TableReading& reading, const PageSnapshot& snapshot);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_TABLE_LAYOUT_H_
