#include "engine/sqlite/pages/table_layout.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace lite2pg {
namespace {

class LayoutMaker {
 public:
  LayoutMaker(const TableReading& reading, const PageSnapshot& snapshot, TableLayout* layout)
      : reading_(reading), table_(*reading.table), snapshot_(snapshot), layout_(*layout) {}

  // Why the pages of the table cannot be read; nullptr when they can.
  const char* Make();

 private:
  const char* Refusal() const;
  void AssignSlots();
  std::vector<int> StoredColumns() const;
  const char* MakeKey();
  bool IsStored(int column) const {
    return Column(column).generated != GeneratedKind::kVirtual;
  }
  const SourceColumn& Column(int column) const {
    return table_.columns[static_cast<size_t>(column)];
  }

  const TableReading& reading_;
  const SourceTable& table_;
  const PageSnapshot& snapshot_;
  TableLayout& layout_;
  std::vector<int> slot_of_column_;
};

const char* LayoutMaker::Refusal() const {
  if (!reading_.where_sql.empty()) return "a condition selects the rows";
  if (table_.kind == SourceTableKind::kVirtual) return "a virtual table has no pages of its own";
  if (!table_.unreadable.empty()) return "SQLite cannot read the table";
  if (table_.root_page < 2) return "the schema names no root page";
  std::vector<int> columns = reading_.columns;
  std::sort(columns.begin(), columns.end());
  if (std::adjacent_find(columns.begin(), columns.end()) != columns.end()) {
    return "a column is wanted twice";
  }
  for (const int column : columns) {
    if (!IsStored(column)) return "a virtual generated column is computed by the library";
  }
  return nullptr;
}

void LayoutMaker::AssignSlots() {
  slot_of_column_.assign(table_.columns.size(), -1);
  int slot = 0;
  for (const int column : reading_.columns) {
    slot_of_column_[static_cast<size_t>(column)] = slot++;
  }
  layout_.wanted = reading_.columns.size();
  for (const KeyColumn& column : layout_.key_columns) {
    if (column.table_column < 0) {
      layout_.rowid_slots.push_back(slot++);
    } else if (slot_of_column_[static_cast<size_t>(column.table_column)] < 0) {
      slot_of_column_[static_cast<size_t>(column.table_column)] = slot++;
    }
  }
  layout_.slots = static_cast<size_t>(slot);
}

// In the order of the record: as declared, without virtual columns; where the table is its own
// primary key index, the key comes first (convertToWithoutRowidTable in SQLite's src/build.c).
std::vector<int> LayoutMaker::StoredColumns() const {
  std::vector<int> stored;
  if (layout_.tree == TreeKind::kIndex) {
    for (const SourceIndex& index : table_.indexes) {
      if (index.origin != 'p') continue;
      for (const SourceIndexColumn& column : index.columns) stored.push_back(column.column);
      break;
    }
  }
  const size_t key_columns = stored.size();
  for (int column = 0; column < static_cast<int>(table_.columns.size()); ++column) {
    const auto key_end = stored.begin() + static_cast<std::ptrdiff_t>(key_columns);
    if (IsStored(column) && std::find(stored.begin(), key_end, column) == key_end) {
      stored.push_back(column);
    }
  }
  return stored;
}

const char* LayoutMaker::MakeKey() {
  std::vector<int> seen;
  for (const KeyColumn& column : layout_.key_columns) {
    if (std::find(seen.begin(), seen.end(), column.table_column) != seen.end()) {
      return "a column is in the key twice";
    }
    seen.push_back(column.table_column);
    KeyPart part;
    part.slot = slot_of_column_[static_cast<size_t>(column.table_column)];
    part.descending = column.descending;
    if (absl::EqualsIgnoreCase(column.collation, "NOCASE")) part.collation = KeyCollation::kNocase;
    if (absl::EqualsIgnoreCase(column.collation, "RTRIM")) part.collation = KeyCollation::kRtrim;
    if (snapshot_.utf16 && part.collation != KeyCollation::kBinary) {
      return "a key's collation works on another encoding than the database's";
    }
    layout_.key_fields.push_back(
        {static_cast<int>(layout_.key.size()), Column(column.table_column).affinity ==
                                                   Affinity::kReal});
    layout_.key.push_back(part);
  }
  return nullptr;
}

const char* LayoutMaker::Make() {
  if (!snapshot_.refusal.empty()) return snapshot_.refusal.c_str();
  if (const char* const why = Refusal(); why != nullptr) return why;
  layout_.root = table_.root_page;
  const bool index_tree = table_.without_rowid || table_.kind == SourceTableKind::kWithoutRowid;
  layout_.tree = index_tree ? TreeKind::kIndex : TreeKind::kTable;
  if (index_tree && reading_.key_kind != KeyKind::kPrimaryKey) {
    return "the key's order is not one that is built into SQLite";
  }
  layout_.key_columns = KeyColumnsOf(reading_);
  AssignSlots();
  if (index_tree) {
    if (const char* const why = MakeKey(); why != nullptr) return why;
  }
  for (const int column : StoredColumns()) {
    RecordField field;
    field.slot = slot_of_column_[static_cast<size_t>(column)];
    field.real = Column(column).affinity == Affinity::kReal;
    if (column == table_.rowid_alias && !index_tree) {
      // The record holds a NULL in its place.
      if (field.slot >= 0) layout_.rowid_slots.push_back(field.slot);
      field.slot = -1;
    }
    layout_.fields.push_back(field);
    layout_.field_columns.push_back(column);
  }
  while (!layout_.fields.empty() && layout_.fields.back().slot < 0) layout_.fields.pop_back();
  return nullptr;
}

}  // namespace

TableLayout MakeTableLayout(const TableReading& reading, const PageSnapshot& snapshot) {
  TableLayout layout;
  const char* const refusal = LayoutMaker(reading, snapshot, &layout).Make();
  if (refusal != nullptr) layout.refusal = refusal;
  return layout;
}

}  // namespace lite2pg
