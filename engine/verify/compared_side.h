// One side of a comparison: something that yields tables of rows in a form in which equal rows are
// equal bytes, whatever it is read from (SQLite, PostgreSQL, an archive).
#ifndef LITE2PG_ENGINE_VERIFY_COMPARED_SIDE_H_
#define LITE2PG_ENGINE_VERIFY_COMPARED_SIDE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/wire.h"

namespace lite2pg {

// The same table of both sides.
struct ComparedTable {
  std::string name;                  // for messages; the source's
  std::vector<std::string> columns;  // for messages; the source's
  std::vector<size_t> key;           // indexes into columns; empty: only the whole row identifies
  uint64_t rows_estimate = 0;        // of the larger side; decides how finely it is divided
  size_t partitions = 0;             // how finely, where that is given: a power of two
  bool key_is_unique = false;        // on the second side, by an index
  // The key is one column of int2, int4 or int8, and both sides have ScanKeys() and ScanInterval()
  // for it, the first one MiddleKey().
  bool key_finds_rows = false;
};

// Keys above `after` and up to `up_to`; one without `after` has rows whose key is NULL as well.
struct KeyInterval {
  std::optional<int64_t> after, up_to;
};

// Makes the values of the row that a callback was given presentable. Called for rows that differ.
class RowPresenter {
 public:
  virtual ~RowPresenter() = default;
  // The whole value as people write it: NULL, 12, 'it''s', x'00ff'. Not escaped, not shortened
  // below `bytes_max`.
  virtual std::string Show(size_t column, size_t bytes_max) const = 0;
};

// A row during a callback.
struct ComparedRow {
  // For every column a 32-bit big-endian length (-1: NULL) and bytes that are equal exactly when
  // the values are. A value of the source that has no form in the target's type has length -2,
  // one byte of storage class, its own length and its bytes: equal to no value of a target.
  absl::string_view fields;
  // The row as binary COPY into the target carries it (field count first); "" where it has none.
  absl::string_view tuple;
  const RowPresenter* presenter = nullptr;
};

using RowCallback = std::function<absl::Status(const ComparedRow&)>;

// All methods but those marked are called by one thread at a time per worker; different workers at
// the same time. Every scan sees one state of the side, however often it is repeated, until
// NextTables().
class ComparedSide {
 public:
  virtual ~ComparedSide() = default;

  virtual int workers() const = 0;
  // Into how many pieces a table falls that can be scanned independently; at least 1, and always
  // the same. Called by one thread, before any scan of the table.
  virtual absl::StatusOr<size_t> Parts(size_t table) = 0;
  virtual absl::Status Scan(int worker, size_t table, size_t part, const RowCallback& on_row) = 0;
  // The rows that have one of `keys` (sorted), and perhaps some others. For tables whose
  // key_finds_rows says so.
  virtual absl::Status ScanKeys(int worker, size_t table, std::span<const int64_t> keys,
                                const RowCallback& on_row) {
    (void)worker, (void)table, (void)keys, (void)on_row;
    return absl::UnimplementedError("no rows are found by keys here");
  }
  // The rows of an interval. For the same tables.
  virtual absl::Status ScanInterval(int worker, size_t table, const KeyInterval& interval,
                                    const RowCallback& on_row) {
    (void)worker, (void)table, (void)interval, (void)on_row;
    return absl::UnimplementedError("no rows are found by keys here");
  }
  // A key with about as many rows of the interval up to it as above it; nullopt where there are too
  // few to be worth it. For the same tables; called by one thread, while no scan is running.
  virtual absl::StatusOr<std::optional<int64_t>> MiddleKey(size_t table,
                                                           const KeyInterval& interval) {
    (void)table, (void)interval;
    return std::nullopt;
  }
  virtual absl::StatusOr<uint64_t> Count(int worker, size_t table) = 0;
  // Rows of this side that the other one is known not to have (rows set aside). Same form.
  virtual absl::Status ScanSetAside(size_t table, const RowCallback& on_row) {
    (void)table, (void)on_row;
    return absl::OkStatus();
  }
  // Other tables come next, and none of those before is compared any more: what is held for them
  // may go, and a later state may be seen. Called by one thread, while no scan is running.
  virtual absl::Status NextTables() { return absl::OkStatus(); }
  // Makes running scans end soon, with an error; any thread.
  virtual void Interrupt() = 0;
};

// Walks `fields` of a row. False at the end, or when the bytes are not fields.
inline bool NextField(absl::string_view* fields, absl::string_view* field) {
  if (fields->size() < 4) return false;
  const auto* p = reinterpret_cast<const unsigned char*>(fields->data());
  const auto length = static_cast<int32_t>((uint32_t{p[0]} << 24) | (uint32_t{p[1]} << 16) |
                                           (uint32_t{p[2]} << 8) | uint32_t{p[3]});
  size_t bytes = 4;
  if (length >= 0) {
    bytes += static_cast<size_t>(length);
  } else if (length == -2) {
    if (fields->size() < 9) return false;
    p += 5;
    bytes += 5 + ((size_t{p[0]} << 24) | (size_t{p[1]} << 16) | (size_t{p[2]} << 8) | p[3]);
  }
  if (fields->size() < bytes) return false;
  *field = fields->substr(0, bytes);
  fields->remove_prefix(bytes);
  return true;
}

// The integer in column `column` of `fields`; 0 where there is none.
inline int64_t IntegerField(absl::string_view fields, size_t column) {
  absl::string_view field;
  for (size_t i = 0; i <= column; ++i) {
    if (!NextField(&fields, &field)) return 0;
  }
  switch (field.size()) {
    case 4 + 2: return LoadInt16(field.data() + 4);
    case 4 + 4: return LoadInt32(field.data() + 4);
    case 4 + 8: return LoadInt64(field.data() + 4);
    default: return 0;
  }
}

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_COMPARED_SIDE_H_
