// Reading a table by ranges of its key, whoever does the reading.
#ifndef LITE2PG_ENGINE_SQLITE_ROW_SOURCE_H_
#define LITE2PG_ENGINE_SQLITE_ROW_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/source_value.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// A value that owns its bytes.
class OwnedValue {
 public:
  OwnedValue() = default;
  explicit OwnedValue(const SourceValue& value)
      // Only these have bytes; what else is in the view's fields may be left from another row.
      : value_(value), bytes_(HasBytes(value) ? std::string(value.bytes()) : std::string()) {}
  SourceValue view() const {
    SourceValue v = value_;
    v.data = bytes_.data();
    v.size_bytes = bytes_.size();
    return v;
  }

 private:
  static bool HasBytes(const SourceValue& value) {
    return (value.storage_class == StorageClass::kText ||
            value.storage_class == StorageClass::kBlob) &&
           value.data != nullptr;
  }

  SourceValue value_;
  std::string bytes_;
};

// A position in a table: the rowid, or the values of the primary key in key order.
using SourceKey = std::vector<OwnedValue>;

// Keys greater than `after` (all when absent) and not greater than `up_to` (all when absent), in
// the order of the table's own b-tree and collations.
struct KeyRange {
  std::optional<SourceKey> after;
  std::optional<SourceKey> up_to;
};

// How a table is cut and read.
enum class KeyKind : uint8_t {
  kRowid,
  kPrimaryKey,  // WITHOUT ROWID, all key collations built in
  kNone,        // no usable key (all rowid names hidden, unknown collation): one range, plain scan
};

// One table's reading, made once; shared read-only by all readers.
struct TableReading {
  const SourceTable* table = nullptr;
  std::vector<int> columns;   // indexes into table->columns, in the order values are wanted
  KeyKind key_kind = KeyKind::kNone;
  std::string where_sql;      // the user's condition on the source, or ""
};

// Chooses the key for `table`; `columns` are the ones to read.
TableReading MakeTableReading(const SourceTable& table, std::vector<int> columns,
                              std::string where_sql = "");

// Who reads a range.
struct ReaderUse {
  bool pages = false;  // false: SQLite's library
  std::string reason;  // why the library does although pages were to be read; "" otherwise
};

// A cursor over one range. One thread at a time; its connection is used by nobody else between
// Open and Close. Values returned are views that live until the next call.
class RowSource {
 public:
  virtual ~RowSource() = default;

  // Positions before the first row of `range`. Closes an open one first.
  virtual absl::Status Open(const TableReading& reading, const KeyRange& range) = 0;

  // The next row's values in the order of reading.columns, or an empty span at the end (also for
  // a reading without columns, which is not allowed). Text as source_value.h says.
  virtual absl::StatusOr<std::span<const SourceValue>> Next() = 0;

  // The key of the row that Next() returned last; empty for kNone. REQUIRES: the last call returned
  // one, and the source was not closed since.
  virtual SourceKey CurrentKey() const = 0;
  // The same for messages: "id=2 (rowid 2)" or "a='x', b=3". After the end or an error what is
  // still known: "after rowid 2", or "".
  virtual std::string DescribeRow() const = 0;

  // Ends the statement and gives large memory back.
  virtual void Close() = 0;

  // Of the range that was opened last, up to now.
  virtual ReaderUse used() const = 0;

  // As the function FindMiddle below, by the means of this reader. May be called between rows; the
  // row that Next() returned last is not valid afterwards, but reading goes on.
  virtual absl::StatusOr<std::optional<SourceKey>> FindMiddle(const TableReading& reading,
                                                              const KeyRange& range) = 0;
};

// The library's reader can look up a row as well.
class LibraryRows : public RowSource {
 public:
  // As Open, for the row with this key alone; Next() gives it, or nothing. REQUIRES: not kNone.
  virtual absl::Status OpenRow(const TableReading& reading, const SourceKey& key) = 0;
};

// The library's reader: sqlite3_step. `connection` must outlive it.
std::unique_ptr<LibraryRows> NewLibraryRowSource(SqliteConnection& connection);

// A key k such that rows of `range` exist both at or below k and above it, near the middle of the
// range by interpolation (integers and reals by value, text and blobs by bytes, composite keys on
// the first column that differs). nullopt when the range is too small to cut or keys cannot be
// interpolated. Costs a few index look-ups, never a scan.
absl::StatusOr<std::optional<SourceKey>> FindMiddle(SqliteConnection& connection,
                                                    const TableReading& reading,
                                                    const KeyRange& range);

// "(rowid 5, rowid 900]" for messages and the ledger; stable, escaped.
std::string DescribeRange(const TableReading& reading, const KeyRange& range);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_ROW_SOURCE_H_
