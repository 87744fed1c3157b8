// Lets SQLite walk a WITHOUT ROWID table whose key is ordered by collations that only the
// application has. A walk from end to end compares nothing, but SQLite refuses to prepare it.
#ifndef LITE2PG_ENGINE_SQLITE_STAND_IN_COLLATIONS_H_
#define LITE2PG_ENGINE_SQLITE_STAND_IN_COLLATIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// Whether every SQLite knows it.
bool IsBuiltInCollation(absl::string_view name);

// While it lives, the connection knows by name the collations of the key of one table. They cannot
// compare: a statement that asks one (a condition, an order) is interrupted, and status() says why.
// No statement that was prepared meanwhile may outlive it. Same thread as the connection, which may
// be moved but not destroyed.
class StandInCollations {
 public:
  StandInCollations();
  ~StandInCollations();
  StandInCollations(const StandInCollations&) = delete;
  StandInCollations& operator=(const StandInCollations&) = delete;

  // Does nothing unless the table is WITHOUT ROWID and its key has such a collation. Error: SQLite
  // has not the memory for it.
  absl::Status Begin(SqliteConnection& connection, const SourceTable& table);
  void End();
  // Once one was asked to compare: kSourceUnreadable, with the collation's name.
  absl::Status status() const;

 private:
  struct Asked;
  sqlite3* db_ = nullptr;
  std::unique_ptr<Asked> asked_;
  std::vector<std::string> names_;
};

// While it lives, the connection takes any collation that it does not know for one that compares
// bytes. For quick_check only, which compares nothing by a key's collation, but prepares to.
class BytewiseCollations {
 public:
  explicit BytewiseCollations(SqliteConnection& connection);
  ~BytewiseCollations();
  BytewiseCollations(const BytewiseCollations&) = delete;
  BytewiseCollations& operator=(const BytewiseCollations&) = delete;

 private:
  sqlite3* db_;
  std::vector<std::string> names_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_STAND_IN_COLLATIONS_H_
