// What hangs on tables that an application made: the indexes and foreign keys that a load may take
// off and must put back, and a dump of the definitions to prove that it did.
#ifndef LITE2PG_ENGINE_POSTGRES_TABLE_OBJECTS_H_
#define LITE2PG_ENGINE_POSTGRES_TABLE_OBJECTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// One column of an index's key.
struct IndexKeyColumn {
  std::string name;             // "" for an expression
  std::string equals;           // "OPERATOR(pg_catalog.=)": what equal means to this index; ""
                                // when it cannot tell
};

struct TableIndexObject {
  uint32_t table_oid = 0, oid = 0;
  std::string schema, table, name;  // an index lives in its table's schema
  std::string definition;           // CREATE INDEX statement, all names qualified
  bool unique = false, primary = false, partial = false, usable = false;
  std::string constraint;           // that it backs, or ""
  std::string constraint_options;   // " DEFERRABLE INITIALLY DEFERRED", or ""
  std::string comment, constraint_comment;
  bool has_comment = false, has_constraint_comment = false;
  bool clustered = false, replica_identity = false;
  std::vector<std::pair<int, int>> statistics;  // of expressions: position and target
  std::vector<IndexKeyColumn> key;
  // Foreign keys (their OIDs) that need this index.
  std::vector<uint32_t> referencing_keys;
  // Why it must stay where it is: no statement of ours would bring it back as it was. "" if none.
  std::string stays;
};

struct TableForeignKeyObject {
  uint32_t oid = 0, child_oid = 0, parent_oid = 0;
  std::string name, child_schema, child_table, parent_schema, parent_table;
  std::string definition;       // FOREIGN KEY (...) REFERENCES ..., without NOT VALID
  std::string orphans_sql;      // a query of keys that point nowhere, LIMIT 3
  std::vector<std::string> child_columns, parent_columns;
  std::vector<std::string> equals;  // per column, the operator between parent and child
  bool validated = true, deferrable = false;
  std::string comment;
  bool has_comment = false;
  std::string stays;            // why it cannot be dropped and made again by this role; "" if none
};

struct TableObjects {
  std::vector<TableIndexObject> indexes;             // of the tables asked for
  std::vector<TableForeignKeyObject> foreign_keys;   // with either end at one of them
};

// Three queries, whatever the number of tables. `tables` are OIDs of ordinary or partitioned ones.
absl::StatusOr<TableObjects> ReadTableObjects(PgConnection& connection,
                                              const std::vector<uint32_t>& tables);

// One line per table, column, index, constraint (also foreign keys that point to the tables) and
// trigger: definition, comment and every attribute that ALTER can set. Sorted; equal dumps mean
// equal definitions. Foreign keys of the tables `without` (quoted, qualified) are left out.
absl::StatusOr<std::vector<std::string>> DumpTableDefinitions(
    PgConnection& connection, const std::vector<uint32_t>& tables,
    const std::vector<std::string>& without = {});

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_TABLE_OBJECTS_H_
