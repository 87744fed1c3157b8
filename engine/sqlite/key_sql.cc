#include "engine/sqlite/key_sql.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

const SourceIndex* PrimaryKeyIndex(const SourceTable& table) {
  for (const SourceIndex& index : table.indexes) {
    if (index.origin == 'p') return &index;
  }
  return nullptr;
}

KeyColumn RowidColumn(const SourceTable& table) {
  KeyColumn column;
  column.table_column = table.rowid_alias;
  column.name = "rowid";
  if (table.rowid_alias >= 0) {
    column.sql =
        QuoteSqliteIdentifier(table.columns[static_cast<size_t>(table.rowid_alias)].read_name());
  } else {
    column.sql = table.rowid_name;
  }
  return column;
}

// Values longer than this are shortened in messages.
constexpr size_t kShownBytesMax = 64;

std::string Shortened(absl::string_view escaped_part, absl::string_view whole) {
  if (whole.size() <= kShownBytesMax) return std::string(escaped_part);
  return absl::StrCat(escaped_part, " #",
                      absl::Hex(XXH3_64bits(whole.data(), whole.size()), absl::kZeroPad16));
}

}  // namespace

std::vector<KeyColumn> KeyColumnsOf(const TableReading& reading) {
  std::vector<KeyColumn> key;
  const SourceTable& table = *reading.table;
  if (reading.key_kind == KeyKind::kRowid) key.push_back(RowidColumn(table));
  if (reading.key_kind != KeyKind::kPrimaryKey) return key;
  for (const SourceIndexColumn& from : PrimaryKeyIndex(table)->columns) {
    const SourceColumn& source = table.columns[static_cast<size_t>(from.column)];
    KeyColumn column;
    column.name = source.name;
    column.sql = QuoteSqliteIdentifier(source.name);
    if (!absl::EqualsIgnoreCase(source.collation, from.collation)) {
      absl::StrAppend(&column.sql, " COLLATE ", from.collation);
    }
    column.collation = from.collation;
    column.descending = from.descending;
    column.table_column = from.column;
    key.push_back(std::move(column));
  }
  return key;
}

std::string FromTable(const TableReading& reading) {
  const std::string name = absl::StrCat("main.", QuoteSqliteIdentifier(reading.table->read_name()));
  if (reading.key_kind != KeyKind::kPrimaryKey) return absl::StrCat(name, " NOT INDEXED");
  return absl::StrCat(name, " INDEXED BY ",
                      QuoteSqliteIdentifier(PrimaryKeyIndex(*reading.table)->name));
}

std::string OrderByKey(const std::vector<KeyColumn>& key, bool backwards) {
  std::string out;
  for (const KeyColumn& column : key) {
    absl::StrAppend(&out, out.empty() ? " ORDER BY " : ", ", column.sql,
                    column.descending != backwards ? " DESC" : "");
  }
  return out;
}

absl::StatusOr<int> CompareKeyValues(SqliteConnection& connection, const KeyColumn& column,
                                     const SourceValue& a, const SourceValue& b) {
  const std::string collate =
      column.collation.empty() ? "" : absl::StrCat(" COLLATE ", column.collation);
  ASSIGN_OR_RETURN(SqliteStatement statement,
                   connection.Prepare(absl::StrCat("SELECT (?1", collate, " > ?2) - (?1", collate,
                                                   " < ?2)")));
  statement.Bind(1, a);
  statement.Bind(2, b);
  RETURN_IF_ERROR(statement.Step().status());
  const int order = static_cast<int>(statement.Int(0));
  return column.descending ? -order : order;
}

absl::StatusOr<int> CompareKeys(SqliteConnection& connection, const std::vector<KeyColumn>& key,
                                const SourceKey& a, const SourceKey& b) {
  for (size_t i = 0; i < key.size(); ++i) {
    ASSIGN_OR_RETURN(const int order,
                     CompareKeyValues(connection, key[i], a[i].view(), b[i].view()));
    if (order != 0) return order;
  }
  return 0;
}

absl::StatusOr<std::vector<KeySegment>> SegmentsOf(SqliteConnection& connection,
                                                   const std::vector<KeyColumn>& key,
                                                   const KeyRange& range) {
  const SourceKey* const after = range.after.has_value() ? &*range.after : nullptr;
  const SourceKey* const up_to = range.up_to.has_value() ? &*range.up_to : nullptr;
  const size_t last = key.size() - 1;
  std::vector<KeySegment> segments;
  // The columns that both ends share are fixed in every segment.
  size_t shared = 0;
  if (after != nullptr && up_to != nullptr) {
    int order = 0;
    for (; shared < key.size(); ++shared) {
      ASSIGN_OR_RETURN(order, CompareKeyValues(connection, key[shared], (*after)[shared].view(),
                                               (*up_to)[shared].view()));
      if (order != 0) break;
    }
    if (order >= 0) return segments;  // equal or reversed ends
  }
  // From `after` upwards: first its nearest siblings, then those of shorter and shorter prefixes.
  if (after != nullptr) {
    for (size_t i = last; i > shared; --i) {
      segments.push_back({.prefix = after, .fixed = i, .after = &(*after)[i]});
    }
  }
  KeySegment middle;
  middle.prefix = after != nullptr ? after : up_to;
  middle.fixed = shared;
  if (after != nullptr) middle.after = &(*after)[shared];
  if (up_to != nullptr) {
    middle.up_to = &(*up_to)[shared];
    middle.up_to_inclusive = shared == last;
  }
  segments.push_back(middle);
  if (up_to != nullptr) {
    for (size_t i = shared + 1; i <= last; ++i) {
      segments.push_back({.prefix = up_to, .fixed = i, .up_to = &(*up_to)[i],
                          .up_to_inclusive = i == last});
    }
  }
  return segments;
}

std::string SegmentCondition(const std::vector<KeyColumn>& key, const KeySegment& segment) {
  std::string out;
  int parameter = 0;
  const auto add = [&](const KeyColumn& column, absl::string_view op) {
    absl::StrAppend(&out, out.empty() ? "" : " AND ", column.sql, op, "?", ++parameter);
  };
  for (size_t i = 0; i < segment.fixed; ++i) add(key[i], " = ");
  if (segment.after != nullptr) {
    const KeyColumn& column = key[segment.fixed];
    add(column, column.descending ? " < " : " > ");
  }
  if (segment.up_to != nullptr) {
    const KeyColumn& column = key[segment.fixed];
    const absl::string_view inclusive = column.descending ? " >= " : " <= ";
    add(column, segment.up_to_inclusive ? inclusive : inclusive.substr(0, 2));
  }
  return out;
}

void BindSegment(const KeySegment& segment, SqliteStatement* statement) {
  int parameter = 0;
  for (size_t i = 0; i < segment.fixed; ++i) {
    statement->Bind(++parameter, (*segment.prefix)[i].view());
  }
  if (segment.after != nullptr) statement->Bind(++parameter, segment.after->view());
  if (segment.up_to != nullptr) statement->Bind(++parameter, segment.up_to->view());
}

std::string DescribeValue(const SourceValue& value) {
  switch (value.storage_class) {
    case StorageClass::kNull: return "NULL";
    case StorageClass::kInteger: return absl::StrCat(value.integer);
    case StorageClass::kReal: {
      char text[32];
      std::snprintf(text, sizeof(text), "%.17g", value.real);
      return text;
    }
    case StorageClass::kText:
      return Shortened(
          absl::StrCat("'", EscapeForMessage(value.bytes(), kShownBytesMax), "'"), value.bytes());
    case StorageClass::kBlob: {
      std::string hex = "x'";
      for (const char c : value.bytes().substr(0, kShownBytesMax / 2)) {
        absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
      }
      const bool cut = value.size_bytes > kShownBytesMax / 2;
      absl::StrAppend(&hex, cut ? "..." : "", "'");
      if (!cut) return hex;
      return absl::StrCat(hex, " (", value.size_bytes, " bytes) #",
                          absl::Hex(XXH3_64bits(value.data, value.size_bytes), absl::kZeroPad16));
    }
  }
  return "";
}

std::string DescribeKey(const std::vector<KeyColumn>& key, const SourceKey& values) {
  if (key.size() == 1 && key[0].collation.empty()) {
    return absl::StrCat("rowid ", DescribeValue(values[0].view()));
  }
  std::string out;
  for (size_t i = 0; i < key.size(); ++i) {
    absl::StrAppend(&out, out.empty() ? "" : ", ", EscapeName(key[i].name), "=",
                    DescribeValue(values[i].view()));
  }
  return out;
}

namespace {

int PositionOf(const TableReading& reading, const std::vector<KeyColumn>& key,
               const std::vector<int>& key_positions, size_t first_wanted, int table_column) {
  for (size_t i = 0; i < key.size(); ++i) {
    if (key[i].table_column == table_column) return key_positions[i];
  }
  const auto found = std::find(reading.columns.begin(), reading.columns.end(), table_column);
  if (found == reading.columns.end()) return -1;
  return static_cast<int>(first_wanted + static_cast<size_t>(found - reading.columns.begin()));
}

}  // namespace

// The declared key where the row shows it, and the rowid, which is always there to find it by.
std::string DescribeRowOf(const TableReading& reading, const std::vector<KeyColumn>& key,
                          const std::vector<int>& key_positions, size_t first_wanted,
                          std::span<const SourceValue> row, int64_t rows, bool has_row) {
  const SourceTable& table = *reading.table;
  std::string out;
  if (!has_row) {
    // The texts and blobs of the row before are gone; a rowid is a copy.
    const bool known = rows > 0 && reading.key_kind == KeyKind::kRowid;
    if (!known) return out;
    return absl::StrCat("after rowid ", row[static_cast<size_t>(key_positions[0])].integer);
  }
  for (const int column : table.primary_key) {
    const int position = PositionOf(reading, key, key_positions, first_wanted, column);
    if (position < 0) {
      out.clear();
      break;
    }
    absl::StrAppend(&out, out.empty() ? "" : ", ",
                    EscapeName(table.columns[static_cast<size_t>(column)].name), "=",
                    DescribeValue(row[static_cast<size_t>(position)]));
  }
  if (reading.key_kind == KeyKind::kRowid) {
    const std::string rowid =
        absl::StrCat("rowid ", DescribeValue(row[static_cast<size_t>(key_positions[0])]));
    return out.empty() ? rowid : absl::StrCat(out, " (", rowid, ")");
  }
  return out.empty() ? absl::StrCat("row ", rows, " of the scan") : out;
}

}  // namespace lite2pg
