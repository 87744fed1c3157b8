// What a source database declares: tables, columns, keys, indexes, views, and what cannot be
// copied. Declarations only; whether the data keeps to them is the scan's business.
#ifndef LITE2PG_ENGINE_SQLITE_CATALOG_H_
#define LITE2PG_ENGINE_SQLITE_CATALOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lite2pg {

class SqliteConnection;

enum class SourceTableKind : uint8_t {
  kOrdinary,   // rowid table, STRICT or not
  kWithoutRowid,
  kVirtual,    // CREATE VIRTUAL TABLE
  kShadow,     // belongs to a virtual table
  kSystem,     // sqlite_sequence, sqlite_stat1, ...
};

// https://www.sqlite.org/datatype3.html#determination_of_column_affinity
enum class Affinity : uint8_t { kInteger, kText, kBlob, kReal, kNumeric };

enum class GeneratedKind : uint8_t { kNone, kVirtual, kStored };

struct SourceColumn {
  std::string name;
  std::string stored_name;        // in SourceTable::content_table, where that has another; else ""
  std::string declared_type;      // as written, "" when there is none
  Affinity affinity = Affinity::kBlob;
  bool not_null = false;
  bool has_default = false;
  std::string default_sql;        // as PRAGMA table_xinfo gives it
  int primary_key_position = 0;   // 1-based position in the primary key; 0: not part of it
  GeneratedKind generated = GeneratedKind::kNone;
  std::string unreadable;         // kVirtual: why SQLite cannot compute it; "" when it can
  std::string collation = "BINARY";

  // The name by which SQLite reads it.
  const std::string& read_name() const { return stored_name.empty() ? name : stored_name; }
};

struct SourceIndexColumn {
  int column = -1;                // index into SourceTable::columns; -1 rowid, -2 an expression
  std::string name;               // "" for an expression
  bool descending = false;
  std::string collation;
};

struct SourceIndex {
  std::string name;
  bool unique = false;
  char origin = 'c';              // c: CREATE INDEX, u: UNIQUE constraint, p: PRIMARY KEY
  bool partial = false;
  std::vector<SourceIndexColumn> columns;
  std::string sql;                // "" for automatic indexes
};

struct SourceForeignKey {
  int id = 0;
  std::string parent_table;       // as written; may not exist
  std::vector<std::string> child_columns;
  std::vector<std::string> parent_columns;  // empty: the parent's primary key
  std::string on_update, on_delete, match;  // "NO ACTION", "CASCADE", ...
  bool deferrable = false, initially_deferred = false;  // from the CREATE TABLE text
};

struct SourceCheck {
  std::string name;               // "" when unnamed
  std::string sql;                // the expression's text
};

struct SourceTable {
  std::string name;
  std::string sql;                // CREATE statement
  SourceTableKind kind = SourceTableKind::kOrdinary;
  std::string owner;              // kShadow: its virtual table; kVirtual: its module
  bool strict = false;
  bool without_rowid = false;     // also of shadow tables, whose kind does not tell
  bool autoincrement = false;
  std::vector<SourceColumn> columns;        // hidden columns of virtual tables left out
  std::vector<int> primary_key;             // column indexes in key order
  int rowid_alias = -1;                     // the INTEGER PRIMARY KEY column, or -1
  std::string rowid_name;                   // "rowid", "_rowid_" or "oid", whichever no column
                                            // hides; "" when all are hidden or WITHOUT ROWID
  std::vector<SourceIndex> indexes;
  std::vector<SourceForeignKey> foreign_keys;
  std::vector<SourceCheck> checks;          // column and table CHECKs
  bool sql_parsed = false;                  // the CREATE text was understood by our parser
  int64_t sequence = 0;                     // sqlite_sequence.seq; 0 when it has none
  bool has_sequence = false;
  uint32_t root_page = 0;                   // of its b-tree; 0: none
  std::string unreadable;                   // why its columns cannot be read; "" when they can
  // kVirtual: the table that its rows are read from, or "" and why there is none.
  std::string content_table, no_content;

  // The name by which SQLite reads it.
  const std::string& read_name() const { return content_table.empty() ? name : content_table; }
};

struct SourceView {
  std::string name, sql;
};
struct SourceTrigger {
  std::string name, table, sql;
};

struct SourceCatalog {
  std::string path;
  std::string encoding;           // "UTF-8", "UTF-16le", "UTF-16be"
  std::string journal_mode;
  int64_t page_size = 0;
  int64_t page_count = 0;
  int64_t user_version = 0;
  int64_t application_id = 0;
  int64_t auto_vacuum = 0;        // 0 none, 1 full, 2 incremental
  std::vector<SourceTable> tables;          // in the order of sqlite_schema
  std::vector<SourceView> views;
  std::vector<SourceTrigger> triggers;

  int64_t bytes() const { return page_size * page_count; }
};

// Reads everything above through one connection that holds its read transaction. Bounded by
// kSchemaEntriesMax. Errors: kSourceCorrupt and its like with SQLite's words; a single table that
// cannot be read is kept with `unreadable` set, and does not stop the others.
absl::StatusOr<SourceCatalog> ReadSourceCatalog(SqliteConnection& connection);

// SQLite's rules for a declared type.
Affinity AffinityOf(absl::string_view declared_type);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_CATALOG_H_
