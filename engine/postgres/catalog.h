// What the target has: server facts, tables, columns with resolved types, keys, sequences.
#ifndef LITE2PG_ENGINE_POSTGRES_CATALOG_H_
#define LITE2PG_ENGINE_POSTGRES_CATALOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coercion/pg_type.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

struct TargetFacts {
  int version = 0;           // 150020
  std::string version_text;  // "15.20 (Debian ...)"
  std::string dialect;       // Dialect::name
  std::string extension_schema;  // of the extension that makes it this dialect; "" for others
  std::string database, user;
  std::string encoding;  // server_encoding
  bool in_recovery = false, read_only = false;
  bool can_create_schema = false;  // CREATE on the database
  bool schema_exists = false;      // the --target-schema
  bool can_create_in_schema = false;
  bool is_superuser = false;
  int connections_free = 0;  // estimate: max_connections - reserved - used, role/db limits
  bool tls = false, certificate_verified = false, local = false;
  bool transaction_pooler = false;  // session state does not stick
  int64_t max_locks = 0;            // max_locks_per_transaction * (max_connections + ...)
};

struct TargetColumn {
  int attnum = 0;
  std::string name;
  PgType type;
  bool not_null = false;  // also by a NOT NULL domain
  bool has_default = false;
  std::string default_sql;  // pg_get_expr
  char identity = 0;        // 'a', 'd' or 0
  bool generated = false;   // GENERATED ALWAYS AS (...) STORED
  std::string sequence;     // quoted, qualified: of an identity, serial, or nextval default
};

struct TargetIndex {
  std::string name, definition;  // pg_get_indexdef
  bool unique = false, primary = false, valid = true;
  std::string constraint;            // backing a constraint of this name, or ""
  std::vector<std::string> columns;  // key columns by name; "" for expressions
  bool partial = false;
};

struct TargetConstraint {
  std::string name, definition;  // pg_get_constraintdef
  char type = 0;                 // p, u, f, c, x
  bool validated = true, deferrable = false;
  std::string referenced_table;  // quoted, qualified (f)
};

struct TargetTrigger {
  std::string name, definition;
  bool enabled = true;
};

struct TargetTable {
  uint32_t oid = 0;
  std::string schema, name;
  char kind = 'r';  // r, p (partitioned), v, m, f
  bool owned = false, has_rules = false;
  bool row_security = false;  // policies apply to this role
  bool can_select = false, can_insert = false;
  bool has_rows = false;              // false only where proved; true also where we may not look
  int64_t pages = 0;                  // pg_relation_size / block size, for ctid ranges
  std::vector<TargetColumn> columns;  // without dropped and system ones, by attnum
  std::vector<TargetIndex> indexes;
  std::vector<TargetConstraint> constraints;
  std::vector<TargetTrigger> triggers;  // not internal
};

absl::StatusOr<TargetFacts> ReadTargetFacts(PgConnection& connection,
                                            const std::string& target_schema);

// Tables (and partitioned tables, views, foreign tables by kind) of one schema; all when `names`
// is empty, else those named exactly. A fixed number of queries however many tables there are, and
// one more per 500 tables that are not empty by their size. All of the catalog in one snapshot.
absl::StatusOr<std::vector<TargetTable>> ReadTargetTables(PgConnection& connection,
                                                          const std::string& schema,
                                                          const std::vector<std::string>& names);

// The sequences of one table's columns.
struct ColumnSequence {
  std::string column;
  std::string sequence;  // quoted, qualified
};
absl::StatusOr<std::vector<ColumnSequence>> ReadColumnSequences(PgConnection& connection,
                                                                const std::string& schema,
                                                                const std::string& table);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_CATALOG_H_
