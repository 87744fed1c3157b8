// What sync does to the target's tables: the rows that differ are put beside them in temporary
// tables, and brought over by statements of which each is proved before COMMIT by what the tables
// hold then.
#ifndef LITE2PG_ENGINE_COMMAND_SYNC_TABLES_H_
#define LITE2PG_ENGINE_COMMAND_SYNC_TABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/field_buffer.h"
#include "engine/command/paired_tables.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// A foreign key that refers to one of the tables, from wherever.
struct SyncForeignKey {
  std::string child;                       // quoted, qualified
  std::string name;
  int child_table = -1;                    // index into Plan::tables; -1: not one of them
  int parent_table = -1;
  std::vector<std::string> child_columns, parent_columns;  // unquoted
  bool changes_children = false;           // ON DELETE CASCADE, SET NULL, SET DEFAULT
  bool updates_children = false;           // ON UPDATE, the same
};

struct SyncCounts {
  uint64_t updated = 0, inserted = 0, deleted = 0;
};

// Of one table, as the transaction sees it.
struct SyncRows {
  uint64_t all = 0;
  uint64_t of_gone_keys = 0;   // that have the key of a row that was to go
};

// One transaction's work. One thread at a time; all calls inside the transaction of `connection`,
// which outlives it. After an error the transaction is to be rolled back.
class SyncTables {
 public:
  SyncTables(PgConnection& connection, const PairedTables& pairs);

  // Keeps everybody else from writing to the tables, and to those whose rows a DELETE or UPDATE
  // could change, until the transaction ends.
  absl::Status Lock();

  // A row of the source that is to be in `table` (not one of its keys yet, or with other values),
  // and a row that is to go. Tuples as binary COPY carries them.
  absl::Status Put(size_t table, absl::string_view tuple);
  absl::Status Remove(size_t table, absl::string_view tuple);

  // Forgets what was put or removed: the table stays as it is.
  absl::Status Leave(size_t table);

  // Carries out everything. Errors: kSyncCascade when a row that goes would take or change rows
  // that stay, or one that changes would change rows of a table that is none of these; those of the
  // server.
  absl::Status Apply();

  // After Apply(), of a table with a unique key.
  absl::StatusOr<SyncRows> CountRows(size_t table);

  // Whether foreign keys may have changed rows of tables that were not touched.
  bool ChangesChildren() const;
  bool touched(size_t table) const { return staged_[table].rows() > 0; }
  const SyncCounts& counts(size_t table) const { return counts_[table]; }

 private:
  struct Pile {
    std::string name;        // quoted, qualified; "" until the first row
    FieldBuffer rows;        // not sent yet
    uint64_t unsent = 0, sent = 0;
  };
  struct Staged {
    Pile put, gone;
    uint64_t rows() const { return put.sent + put.unsent + gone.sent + gone.unsent; }
  };

  absl::Status ReadForeignKeys();
  absl::Status Add(size_t table, absl::string_view purpose, absl::string_view tuple, Pile* pile);
  absl::Status Flush(size_t table, absl::string_view purpose, Pile* pile);
  std::vector<size_t> ParentsFirst() const;
  bool HasKey(size_t table) const { return pairs_.pairs[table].key_is_unique; }
  std::string Target(size_t table) const;
  // "t.a = g.a AND ..." over the key.
  std::string KeyEquals(size_t table, absl::string_view a, absl::string_view b) const;
  // Whether a row of `child` that stays refers to the row `t` of the parent.
  std::string StayingChild(const SyncForeignKey& key) const;
  absl::Status DeleteKeyed(size_t table, bool all);
  absl::Status DeleteKeyless(size_t table);
  ErrorInfo CascadeFrom(size_t table, absl::string_view row_key) const;
  absl::Status RefuseCascade(size_t table);
  absl::Status RefuseUpdateCascade(size_t table);
  // "" where there is nothing but the key.
  std::string UpdateSql(size_t table) const;
  std::string InsertSql(size_t table) const;
  absl::Status Bring(size_t table);

  PgConnection& connection_;
  const PairedTables& pairs_;
  std::vector<SyncForeignKey> foreign_keys_;
  std::vector<Staged> staged_;
  std::vector<SyncCounts> counts_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SYNC_TABLES_H_
