#include "engine/sqlite/merged_catalog.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/sql/lexer.h"

namespace lite2pg {
namespace {

// ---- Comparing --------------------------------------------------------------------------------

constexpr size_t kShownBytes = 120;

std::string Text(bool value) { return value ? "yes" : "no"; }

// One line per property, so that what differs can be named.
using Properties = std::vector<std::pair<std::string, std::string>>;

Properties PropertiesOf(const SourceColumn& column) {
  return {{"type", column.declared_type},
          {"NOT NULL", Text(column.not_null)},
          {"default", column.default_sql},
          {"place in the primary key", absl::StrCat(column.primary_key_position)},
          {"generated", absl::StrCat(static_cast<int>(column.generated))},
          {"collation", column.collation}};
}

// Automatic indexes are numbered in the order in which they were made: their names do not matter.
std::string IndexText(const SourceIndex& index) {
  const bool named = index.origin == 'c';
  if (named && !index.sql.empty()) {
    for (const SourceIndexColumn& column : index.columns) {
      // What only its text says: a term that is no column, a condition.
      if (column.column == -2 || index.partial) return absl::StrCat(index.name, ": ", index.sql);
    }
  }
  std::vector<std::string> columns;
  for (const SourceIndexColumn& column : index.columns) {
    const bool plain =
        column.collation.empty() || absl::EqualsIgnoreCase(column.collation, "BINARY");
    columns.push_back(absl::StrCat(column.name, plain ? "" : " COLLATE ",
                                   plain ? "" : column.collation,
                                   column.descending ? " DESC" : ""));
  }
  const std::string list = absl::StrCat("(", absl::StrJoin(columns, ", "), ")");
  if (index.origin == 'p') return absl::StrCat("of the primary key ", list);
  return absl::StrCat(index.unique ? "UNIQUE " : "", named ? index.name : "", list);
}

std::string ForeignKeyText(const SourceForeignKey& key) {
  return absl::StrCat(absl::StrJoin(key.child_columns, ","), " -> ", key.parent_table, "(",
                      absl::StrJoin(key.parent_columns, ","), ") ", key.on_update, " ",
                      key.on_delete, " ", key.match, " ", Text(key.deferrable),
                      Text(key.initially_deferred));
}

Properties PropertiesOf(const SourceTable& table) {
  return {{"kind", absl::StrCat(static_cast<int>(table.kind))},
          {"STRICT", Text(table.strict)},
          {"WITHOUT ROWID", Text(table.without_rowid)},
          {"primary key", absl::StrJoin(table.primary_key, ",")},
          {"readable", table.unreadable}};
}

// What a table has any number of, each as one text, sorted.
std::vector<std::string> PartsOf(const SourceTable& table) {
  std::vector<std::string> parts;
  for (const SourceIndex& index : table.indexes) {
    parts.push_back(absl::StrCat("index ", IndexText(index)));
  }
  for (const SourceForeignKey& key : table.foreign_keys) {
    parts.push_back(absl::StrCat("foreign key ", ForeignKeyText(key)));
  }
  for (const SourceCheck& check : table.checks) {
    parts.push_back(absl::StrCat("check ", check.name, " ", check.sql));
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

// Every part that only one of them has.
void CompareParts(const std::string& object, const std::vector<std::string>& first,
                  const std::vector<std::string>& other, std::vector<std::string>* differences) {
  const auto note = [&](const std::vector<std::string>& has, const std::vector<std::string>& lacks,
                        absl::string_view what) {
    std::vector<std::string> only;
    std::set_difference(has.begin(), has.end(), lacks.begin(), lacks.end(),
                        std::back_inserter(only));
    for (const std::string& part : only) {
      differences->push_back(
          absl::StrCat(object, ": ", EscapeForMessage(part, kShownBytes), " ", what));
    }
  };
  note(first, other, "is missing");
  note(other, first, "is there, and not in the first file");
}

void Compare(const std::string& object, const Properties& first, const Properties& other,
             std::vector<std::string>* differences) {
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i].second == other[i].second) continue;
    differences->push_back(absl::StrCat(object, ": ", first[i].first, " is ",
                                        EscapeForMessage(other[i].second, kShownBytes),
                                        " instead of ",
                                        EscapeForMessage(first[i].second, kShownBytes)));
  }
}

const SourceTable* FindTable(const SourceCatalog& catalog, absl::string_view name) {
  for (const SourceTable& table : catalog.tables) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

void CompareTables(const SourceTable& first, const SourceTable& other,
                   std::vector<std::string>* differences) {
  const std::string name = absl::StrCat("table ", EscapeName(first.name));
  const auto names = [](const SourceTable& table) {
    std::vector<std::string> columns;
    for (const SourceColumn& column : table.columns) columns.push_back(EscapeName(column.name));
    return absl::StrJoin(columns, ", ");
  };
  if (names(first) != names(other)) {
    differences->push_back(absl::StrCat(name, ": its columns are ", names(other), " instead of ",
                                        names(first)));
    return;
  }
  for (size_t i = 0; i < first.columns.size(); ++i) {
    Compare(absl::StrCat("column ", EscapeName(first.name), ".", EscapeName(first.columns[i].name)),
            PropertiesOf(first.columns[i]), PropertiesOf(other.columns[i]), differences);
  }
  Compare(name, PropertiesOf(first), PropertiesOf(other), differences);
  CompareParts(name, PartsOf(first), PartsOf(other), differences);
}

// ---- Merging ----------------------------------------------------------------------------------

// "CREATE UNIQUE INDEX i ON t (tenant, ...": for indexes that are read from their text.
std::string WithFirstTerm(const std::string& create_index, const std::string& column) {
  const absl::StatusOr<std::vector<SqlToken>> tokens = LexSql(create_index);
  if (!tokens.ok()) return create_index;
  for (const SqlToken& token : *tokens) {
    if (token.size != 1 || create_index[token.begin] != '(') continue;
    return absl::StrCat(create_index.substr(0, token.begin + 1), QuoteSqliteIdentifier(column),
                        ", ", create_index.substr(token.begin + 1));
  }
  return create_index;
}

SourceIndex MergedIndex(SourceIndex index, const std::string& column) {
  for (SourceIndexColumn& term : index.columns) {
    if (term.column >= 0) ++term.column;
  }
  if (!index.unique) return index;
  SourceIndexColumn first;
  first.column = 0;
  first.name = column;
  first.collation = "BINARY";
  index.columns.insert(index.columns.begin(), std::move(first));
  if (!index.sql.empty()) index.sql = WithFirstTerm(index.sql, column);
  return index;
}

SourceForeignKey MergedForeignKey(SourceForeignKey key, const std::string& column) {
  key.child_columns.insert(key.child_columns.begin(), column);
  if (!key.parent_columns.empty()) {
    key.parent_columns.insert(key.parent_columns.begin(), column);
  }
  for (std::string* action : {&key.on_update, &key.on_delete}) {
    if (*action == "SET NULL" || *action == "SET DEFAULT") *action = "NO ACTION";
  }
  return key;
}

std::string RowidNameFor(const SourceTable& table) {
  constexpr std::array<absl::string_view, 3> kNames = {"rowid", "_rowid_", "oid"};
  for (const absl::string_view name : kNames) {
    const bool hidden =
        std::any_of(table.columns.begin(), table.columns.end(), [&](const SourceColumn& column) {
          return absl::EqualsIgnoreCase(column.name, name);
        });
    if (!hidden) return std::string(name);
  }
  return "";
}

void MergeTable(const std::string& column, SourceTable* table) {
  SourceColumn which;
  which.name = column;
  which.declared_type = "TEXT";
  which.affinity = Affinity::kText;
  which.not_null = true;
  if (!table->primary_key.empty()) {
    for (int& position : table->primary_key) ++position;
    table->primary_key.insert(table->primary_key.begin(), 0);
    which.primary_key_position = 1;
    for (SourceColumn& other : table->columns) {
      if (other.primary_key_position > 0) ++other.primary_key_position;
    }
  }
  table->columns.insert(table->columns.begin(), std::move(which));
  for (SourceIndex& index : table->indexes) index = MergedIndex(std::move(index), column);
  for (SourceForeignKey& key : table->foreign_keys) key = MergedForeignKey(std::move(key), column);
  // Rows are read in the order of the files, and in each in that of its own key.
  table->kind = SourceTableKind::kOrdinary;
  table->without_rowid = false;
  table->autoincrement = false;
  table->rowid_alias = -1;
  table->rowid_name = RowidNameFor(*table);
  table->has_sequence = false;
  table->sequence = 0;
  table->root_page = 0;
}

}  // namespace

bool IsMerged(const SourceTable& table) {
  return (table.kind == SourceTableKind::kOrdinary ||
          table.kind == SourceTableKind::kWithoutRowid) &&
         table.unreadable.empty();
}

std::vector<std::string> CatalogDifferences(const SourceCatalog& first,
                                            const SourceCatalog& other) {
  std::vector<std::string> differences;
  for (const SourceTable& table : first.tables) {
    if (table.kind == SourceTableKind::kSystem) continue;
    const SourceTable* const there = FindTable(other, table.name);
    if (there == nullptr) {
      differences.push_back(absl::StrCat("table ", EscapeName(table.name), " is missing"));
    } else {
      CompareTables(table, *there, &differences);
    }
  }
  for (const SourceTable& table : other.tables) {
    if (table.kind == SourceTableKind::kSystem || FindTable(first, table.name) != nullptr) continue;
    differences.push_back(
        absl::StrCat("table ", EscapeName(table.name), " is there, and not in the first file"));
  }
  return differences;
}

absl::StatusOr<SourceCatalog> MergedCatalog(const SourceCatalog& one, const std::string& column) {
  SourceCatalog merged = one;
  for (SourceTable& table : merged.tables) {
    if (!IsMerged(table)) {
      if (table.kind != SourceTableKind::kVirtual) continue;
      table.content_table.clear();
      table.no_content = "the content of virtual tables of several files is not merged";
      continue;
    }
    for (const SourceColumn& own : table.columns) {
      if (!absl::EqualsIgnoreCase(own.name, column)) continue;
      return MakeError(ErrorCode::kNameCollision, ExitCode::kUsage,
                       absl::StrCat("--source-column ", EscapeName(column), ": table ",
                                    EscapeName(table.name), " has a column of that name"),
                       "choose another name");
    }
    MergeTable(column, &table);
  }
  merged.views.clear();
  return merged;
}

}  // namespace lite2pg
