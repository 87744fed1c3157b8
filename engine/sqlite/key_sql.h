// Ranges of keys as SQL that walks a table's own b-tree and nothing else.
//
// A range of a composite key is not one interval of SQL: SQLite uses only as much of a row-value
// comparison as all columns sort alike and carry their default collation. So a range is cut into
// segments, each of which fixes the first columns and bounds the next one. SQLite can seek to
// either end of such a segment whatever the directions and collations are.
#ifndef LITE2PG_ENGINE_SQLITE_KEY_SQL_H_
#define LITE2PG_ENGINE_SQLITE_KEY_SQL_H_

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

struct KeyColumn {
  std::string sql;          // quoted name, with COLLATE where the key's differs from the column's
  std::string name;         // for messages
  std::string collation;    // "" for the rowid
  bool descending = false;
  int table_column = -1;    // index into SourceTable::columns; -1: a rowid without a column
};

// The key that a reading is cut by; empty for KeyKind::kNone.
std::vector<KeyColumn> KeyColumnsOf(const TableReading& reading);

// FROM-clause item that pins the plan to the table's own b-tree.
std::string FromTable(const TableReading& reading);
// " ORDER BY ..." of the key, forwards or backwards; "" without a key.
std::string OrderByKey(const std::vector<KeyColumn>& key, bool backwards);

// Keys whose first `fixed` columns equal those of `prefix`, and whose next column is bounded in
// b-tree order. Points into the range that it was made from.
struct KeySegment {
  const SourceKey* prefix = nullptr;
  size_t fixed = 0;
  const OwnedValue* after = nullptr;    // exclusive; null: no bound
  const OwnedValue* up_to = nullptr;    // null: no bound
  bool up_to_inclusive = false;
};

// The segments of `range` in b-tree order; none if it is empty. Compares keys by the connection.
absl::StatusOr<std::vector<KeySegment>> SegmentsOf(SqliteConnection& connection,
                                                   const std::vector<KeyColumn>& key,
                                                   const KeyRange& range);

// The segment's condition with parameters numbered from 1, "" when it is unbounded; and its values.
std::string SegmentCondition(const std::vector<KeyColumn>& key, const KeySegment& segment);
void BindSegment(const KeySegment& segment, SqliteStatement* statement);

// Where `a` comes in b-tree order of `column`: negative before `b`, 0 at the same place.
absl::StatusOr<int> CompareKeyValues(SqliteConnection& connection, const KeyColumn& column,
                                     const SourceValue& a, const SourceValue& b);
absl::StatusOr<int> CompareKeys(SqliteConnection& connection, const std::vector<KeyColumn>& key,
                                const SourceKey& a, const SourceKey& b);

// "a='x', b=3": the columns of a key for messages, escaped and shortened; a shortened value is
// followed by a hash, so that different keys stay different.
std::string DescribeKey(const std::vector<KeyColumn>& key, const SourceKey& values);
std::string DescribeValue(const SourceValue& value);

// What RowSource::DescribeRow says of `row`, which holds key column i at key_positions[i] and the
// reading's columns from first_wanted on. `rows` were read so far; without `has_row`, `row` is what
// is left of the last one.
std::string DescribeRowOf(const TableReading& reading, const std::vector<KeyColumn>& key,
                          const std::vector<int>& key_positions, size_t first_wanted,
                          std::span<const SourceValue> row, int64_t rows, bool has_row);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_KEY_SQL_H_
