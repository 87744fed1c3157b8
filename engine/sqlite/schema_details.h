// What SQLite says about one table: its columns, indexes and foreign keys.
#ifndef LITE2PG_ENGINE_SQLITE_SCHEMA_DETAILS_H_
#define LITE2PG_ENGINE_SQLITE_SCHEMA_DETAILS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/hash_tables.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// Asks the PRAGMAs of one connection, each prepared once. One thread at a time; the connection must
// outlive it.
class SchemaDetails {
 public:
  static absl::StatusOr<SchemaDetails> Make(SqliteConnection& connection);

  // CREATE INDEX texts by index name; they go into SourceIndex::sql.
  void AddIndexSql(const std::string& name, const std::string& sql) { index_sql_[name] = sql; }

  // Fills columns, keys, indexes and foreign keys of `table`, whose name, kind, strict and sql are
  // set. What the table itself is to blame for goes into `unreadable`; an error means that the
  // source as a whole cannot be read.
  absl::Status Describe(SourceTable* table);

 private:
  explicit SchemaDetails(SqliteConnection& connection) : connection_(&connection) {}

  absl::Status ReadColumns(SourceTable* table);
  absl::Status ReadColumnMetadata(SourceTable* table);
  absl::Status ReadIndexes(SourceTable* table);
  absl::Status ReadIndexColumns(SourceIndex* index);
  absl::Status ReadForeignKeys(SourceTable* table);
  absl::Status TryReading(SourceTable* table);
  static void DeriveKeys(SourceTable* table);
  void ReadCreateText(SourceTable* table);

  SqliteConnection* connection_;
  SqliteStatement columns_, indexes_, index_columns_, foreign_keys_;
  StringMap<std::string> index_sql_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SCHEMA_DETAILS_H_
