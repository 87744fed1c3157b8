// Tables whose rows are somewhere else, read through SQLite as if they were in a database: whatever
// reads a source by its SQL then reads them too.
#ifndef LITE2PG_ENGINE_SQLITE_EXTERNAL_TABLES_H_
#define LITE2PG_ENGINE_SQLITE_EXTERNAL_TABLES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coercion/source_value.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// One cursor's way to the rows. One thread.
class ExternalRows {
 public:
  virtual ~ExternalRows() = default;
  // Row `number` of 1 to ExternalTable::rows; columns at its end may be missing and are NULL. Cheap
  // when it is the one after the last; a view until the next call. An error ends the statement with
  // this very status.
  virtual absl::StatusOr<std::span<const SourceValue>> Row(int64_t number) = 0;
};

// Rows are numbered from 1 without gaps; the number is the rowid. Columns are c0, c1, ... and have
// no type, unless they are declared.
struct ExternalTable {
  std::string name;
  int columns = 0;
  std::vector<std::string> declarations;  // empty, or one per column: name, type, collation
  int64_t rows = 0;
  std::function<std::unique_ptr<ExternalRows>()> open;
};

// The name of column `index`.
std::string ExternalColumnName(int index);

// A connection to an empty database in memory that has `tables`, opened with the same hardening as
// any. Ranges of rowids are looked up, not scanned for. `path` is what path() says. `tables` are
// kept by the connection.
absl::StatusOr<SqliteConnection> OpenExternalTables(std::vector<ExternalTable> tables,
                                                    const std::string& path);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_EXTERNAL_TABLES_H_
