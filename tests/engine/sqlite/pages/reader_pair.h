// Tables read by both readers, for tests that compare them.
#ifndef LITE2PG_TESTS_ENGINE_SQLITE_PAGES_READER_PAIR_H_
#define LITE2PG_TESTS_ENGINE_SQLITE_PAGES_READER_PAIR_H_

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/sqlite/snapshot.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {

// What reading a range gave: rows as text, each with its key, up to an error.
struct Outcomes {
  std::vector<std::string> rows;
  std::string error;  // its codes; "ok" for none
  ReaderUse used;
};

inline std::string ShowRow(const RowSource& source, std::span<const SourceValue> row, bool keyed) {
  std::string text;
  for (const SourceValue& value : row) absl::StrAppend(&text, Show(value), "|");
  if (!keyed) return text;
  for (const OwnedValue& part : source.CurrentKey()) absl::StrAppend(&text, "#", Show(part.view()));
  absl::StrAppend(&text, " ", source.DescribeRow());
  return text;
}

// Reads at most `rows_max` rows.
inline Outcomes ReadAll(RowSource& source, const TableReading& reading, const KeyRange& range = {},
                        size_t rows_max = 1'000'000) {
  Outcomes out;
  const absl::Status opened = source.Open(reading, range);
  if (!opened.ok()) {
    out.error = CodesOf(opened);
    out.used = source.used();
    return out;
  }
  while (out.rows.size() < rows_max) {
    const absl::StatusOr<std::span<const SourceValue>> row = source.Next();
    if (!row.ok() || row->empty()) {
      out.error = CodesOf(row.status());
      break;
    }
    out.rows.push_back(ShowRow(source, *row, reading.key_kind != KeyKind::kNone));
  }
  out.used = source.used();
  source.Close();
  return out;
}

inline std::unique_ptr<SourceSnapshot> SnapshotOf(const std::string& path,
                                                  ReaderChoice reader = ReaderChoice::kAuto) {
  SqliteOpenOptions options;
  options.reader = reader;
  absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
      SourceSnapshot::Open(path, 1, options);
  if (!snapshot.ok()) {
    ADD_FAILURE() << snapshot.status();
    std::abort();
  }
  return *std::move(snapshot);
}

// Columns that the pages can give: all but virtual generated ones.
inline std::vector<int> StoredColumns(const SourceTable& table) {
  std::vector<int> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].generated != GeneratedKind::kVirtual) {
      columns.push_back(static_cast<int>(i));
    }
  }
  return columns;
}

inline bool IsReadable(const SourceTable& table) {
  return table.kind != SourceTableKind::kVirtual && table.unreadable.empty();
}

// Reads every table of the file with both and expects the same; `by_pages`: and that the pages were
// used for each. Returns the rows read.
inline size_t ExpectSameReaders(const std::string& path, bool by_pages) {
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  size_t rows = 0;
  for (const SourceTable& table : catalog.tables) {
    if (!IsReadable(table)) continue;
    const TableReading reading = MakeTableReading(table, StoredColumns(table));
    const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
    const Outcomes got = ReadAll(*pages, reading);
    const std::unique_ptr<RowSource> library = NewLibraryRowSource(snapshot->reader(0));
    const Outcomes expected = ReadAll(*library, reading);
    EXPECT_EQ(got.error, expected.error) << path << " " << table.name;
    EXPECT_EQ(got.rows == expected.rows, true)
        << path << " " << table.name << ": " << got.rows.size() << " rows by pages, "
        << expected.rows.size() << " by the library";
    for (size_t i = 0; i < std::min(got.rows.size(), expected.rows.size()); ++i) {
      if (got.rows[i] == expected.rows[i]) continue;
      ADD_FAILURE() << "row " << i << "\n " << got.rows[i].substr(0, 2'000) << "\n "
                    << expected.rows[i].substr(0, 2'000);
      break;
    }
    if (by_pages) {
      EXPECT_TRUE(got.used.pages) << path << " " << table.name << ": " << got.used.reason;
    }
    rows += got.rows.size();
  }
  return rows;
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_SQLITE_PAGES_READER_PAIR_H_
