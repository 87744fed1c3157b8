#include "engine/command/loose_table.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// sqlite_autoindex_TABLE_N: N counts the constraints that have one.
int64_t OrdinalOf(const SourceIndex& index) {
  int64_t ordinal = 0;
  const size_t underscore = index.name.rfind('_');
  if (underscore == std::string::npos) return 0;
  return absl::SimpleAtoi(absl::string_view(index.name).substr(underscore + 1), &ordinal) ? ordinal
                                                                                         : 0;
}

std::string KeySql(const SourceIndex& index) {
  std::vector<std::string> columns;
  for (const SourceIndexColumn& column : index.columns) {
    columns.push_back(absl::StrCat(QuoteSqliteIdentifier(column.name), " COLLATE ",
                                   QuoteSqliteIdentifier(column.collation),
                                   column.descending ? " DESC" : ""));
  }
  return absl::StrCat(index.origin == 'p' ? "PRIMARY KEY (" : "UNIQUE (",
                      absl::StrJoin(columns, ", "), ")");
}

}  // namespace

std::optional<std::string> LooseTableSql(const SourceTable& table) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const SourceColumn& column = table.columns[i];
    if (column.generated != GeneratedKind::kNone) return std::nullopt;
    std::string part = QuoteSqliteIdentifier(column.name);
    if (static_cast<int>(i) == table.rowid_alias) {
      absl::StrAppend(&part, " INTEGER PRIMARY KEY", table.autoincrement ? " AUTOINCREMENT" : "");
    }
    parts.push_back(std::move(part));
  }
  std::vector<const SourceIndex*> automatic;
  for (const SourceIndex& index : table.indexes) {
    if (index.origin != 'c') automatic.push_back(&index);
  }
  std::sort(automatic.begin(), automatic.end(), [](const SourceIndex* a, const SourceIndex* b) {
    return OrdinalOf(*a) < OrdinalOf(*b);
  });
  for (const SourceIndex* index : automatic) parts.push_back(KeySql(*index));
  return absl::StrCat("CREATE TABLE ", QuoteSqliteIdentifier(table.name), " (",
                      absl::StrJoin(parts, ", "), ")",
                      table.without_rowid ? " WITHOUT ROWID" : "");
}

}  // namespace lite2pg
