#include "engine/sqlite/pages/page_row_source.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/key_sql.h"
#include "engine/sqlite/pages/btree_cursor.h"
#include "engine/sqlite/pages/row_decoder.h"
#include "engine/sqlite/pages/table_layout.h"

namespace lite2pg {
namespace {

// Rows between two looks at whether the connection was interrupted, less one.
constexpr int64_t kRowsPerLook = 0xff;

class PageRowSource final : public RowSource {
 public:
  PageRowSource(SqliteConnection& connection, std::shared_ptr<const PageSnapshot> snapshot,
                bool pages_only)
      : connection_(connection),
        snapshot_(std::move(snapshot)),
        pages_only_(pages_only),
        file_(connection, snapshot_),
        cursor_(file_),
        decoder_(file_),
        library_(NewLibraryRowSource(connection)) {}

  absl::Status Open(const TableReading& reading, const KeyRange& range) override;
  absl::StatusOr<std::span<const SourceValue>> Next() override;
  SourceKey CurrentKey() const override;
  std::string DescribeRow() const override;
  void Close() override;
  ReaderUse used() const override { return use_; }
  absl::StatusOr<std::optional<SourceKey>> FindMiddle(const TableReading& reading,
                                                      const KeyRange& range) override;

 private:
  enum class State : uint8_t { kClosed, kPages, kLibrary, kEnd };

  void LayOut(const TableReading& reading);
  bool Seek();
  bool DecodeCell();
  bool CheckKey();
  bool FillDefaults(size_t first_field);
  bool LookUpDefault(int column, SourceValue* value);
  SourceKey StoredCurrentKey();
  bool PastEnd() const;
  BtreeCursor::Side SideOf(const BtreePage& page, const BtreeCell& cell);
  absl::Status FallBack();
  absl::Status Interrupted() const;
  absl::StatusOr<std::span<const SourceValue>> FromLibrary();
  absl::StatusOr<std::span<const SourceValue>> End();
  std::string DescribePage() const;
  int64_t RowsMax() const;
  absl::Status Damaged() const;

  SqliteConnection& connection_;
  const std::shared_ptr<const PageSnapshot> snapshot_;
  const bool pages_only_;
  PageFile file_;
  BtreeCursor cursor_;
  RowDecoder decoder_;
  TextConverter converter_;
  const std::unique_ptr<RowSource> library_;

  const TableReading* reading_ = nullptr;
  TableLayout layout_;                     // of *reading_
  std::vector<int> key_slots_;             // where each key column is among the values
  std::vector<OwnedValue> defaults_;       // of columns that records are too short for
  std::vector<bool> has_default_;
  KeyRange range_;
  StoredKey after_, up_to_, before_;       // index trees: range_'s ends, and the row before
  std::vector<SourceValue> key_values_;    // index trees: a key on its own
  int64_t last_rowid_ = 0;                 // table trees: rows beyond it are not of the range
  int64_t rowid_ = 0;                      // table trees: of the row given out last
  std::vector<SourceValue> values_;
  State state_ = State::kClosed;
  ReaderUse use_;
  uint64_t interrupts_ = 0;                // of the connection when the range was opened
  int64_t rows_ = 0;
  int64_t library_rows_ = 0;               // read by the library after a violation
  bool has_row_ = false;
};

// Anew for every range: it costs microseconds, and what a reading points to may have changed.
void PageRowSource::LayOut(const TableReading& reading) {
  reading_ = &reading;
  layout_ = MakeTableLayout(reading, *snapshot_);
  has_default_.assign(reading.table->columns.size(), false);
  defaults_.assign(reading.table->columns.size(), OwnedValue());
  values_.assign(layout_.slots, SourceValue());
  key_values_.assign(layout_.key.size(), SourceValue());
  key_slots_.clear();
  if (!layout_.refusal.empty()) return;
  for (const KeyPart& part : layout_.key) key_slots_.push_back(part.slot);
  if (reading.key_kind == KeyKind::kRowid) key_slots_.push_back(layout_.rowid_slots[0]);
}

absl::Status PageRowSource::Open(const TableReading& reading, const KeyRange& range) {
  Close();
  if (reading.columns.empty()) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a reading has no columns");
  }
  LayOut(reading);
  range_ = range;
  rows_ = 0;
  cursor_.SetViolation(nullptr, 0);
  has_row_ = false;
  if (!layout_.refusal.empty()) {
    if (pages_only_) {
      ErrorInfo info;
      info.code = ErrorCode::kUsage;
      info.exit_code = ExitCode::kUsage;
      info.table = reading.table->name;
      info.what = absl::StrCat("the table cannot be read from its pages: ", layout_.refusal);
      info.hint = "read it with --reader auto";
      return MakeError(info);
    }
    use_ = {.pages = false, .reason = layout_.refusal};
    state_ = State::kLibrary;
    return library_->Open(reading, range);
  }
  use_ = {.pages = true, .reason = ""};
  interrupts_ = connection_.interrupts();
  RETURN_IF_ERROR(file_.CheckUnchanged());
  state_ = State::kPages;
  if (cursor_.Open(layout_.root, layout_.tree) && Seek()) return absl::OkStatus();
  return FallBack();
}

bool PageRowSource::Seek() {
  if (layout_.tree == TreeKind::kTable) {
    last_rowid_ = std::numeric_limits<int64_t>::max();
    if (range_.up_to.has_value()) last_rowid_ = (*range_.up_to)[0].view().integer;
    return !range_.after.has_value() || cursor_.SeekRowid((*range_.after)[0].view().integer);
  }
  before_ = StoredKey(layout_.key.size());
  if (range_.up_to.has_value()) {
    up_to_ = StoredKey::FromSource(*range_.up_to, snapshot_->utf16, snapshot_->big_endian);
  }
  if (!range_.after.has_value()) return true;
  after_ = StoredKey::FromSource(*range_.after, snapshot_->utf16, snapshot_->big_endian);
  return cursor_.SeekKey([this](const BtreePage& page, const BtreeCell& cell) {
    return SideOf(page, cell);
  });
}

BtreeCursor::Side PageRowSource::SideOf(const BtreePage& page, const BtreeCell& cell) {
  const RecordEnd end = decoder_.Decode(layout_.key_fields, page, cell, key_values_.data());
  if (end.kind != RecordEnd::Kind::kWhole) return BtreeCursor::Side::kUnknown;
  const int order = CompareWithKey(layout_.key, key_values_.data(), /*by_slot=*/false, after_);
  return order > 0 ? BtreeCursor::Side::kAfter : BtreeCursor::Side::kUpTo;
}

absl::StatusOr<std::span<const SourceValue>> PageRowSource::Next() {
  has_row_ = false;
  if (state_ == State::kPages) [[likely]] {
    switch (cursor_.Next()) {
      case BtreeCursor::Step::kCell:
        if (layout_.tree == TreeKind::kTable && cursor_.cell().rowid > last_rowid_) return End();
        if (DecodeCell()) [[likely]] {
          if (layout_.tree == TreeKind::kIndex && PastEnd()) return End();
          if (snapshot_->utf16 && !converter_.Convert(values_, snapshot_->big_endian)) break;
          if ((++rows_ & kRowsPerLook) == 0 && connection_.interrupts() != interrupts_) {
            return Interrupted();
          }
          rowid_ = cursor_.cell().rowid;
          has_row_ = true;
          return std::span<const SourceValue>(values_.data(), layout_.wanted);
        }
        break;
      case BtreeCursor::Step::kEnd: return End();
      case BtreeCursor::Step::kViolation: break;
    }
    RETURN_IF_ERROR(FallBack());
  }
  return state_ == State::kLibrary ? FromLibrary()
                                   : absl::StatusOr<std::span<const SourceValue>>(
                                         std::span<const SourceValue>());
}

absl::Status PageRowSource::Interrupted() const {
  ErrorInfo context;
  context.table = reading_->table->name;
  return WithContext(connection_.Error(SQLITE_INTERRUPT, "read a row"), context);
}

// After the last row of the range.
absl::StatusOr<std::span<const SourceValue>> PageRowSource::End() {
  state_ = State::kEnd;
  RETURN_IF_ERROR(file_.CheckUnchanged());
  return std::span<const SourceValue>();
}

bool PageRowSource::DecodeCell() {
  const BtreeCell& cell = cursor_.cell();
  for (const int slot : layout_.rowid_slots) {
    values_[static_cast<size_t>(slot)].storage_class = StorageClass::kInteger;
    values_[static_cast<size_t>(slot)].integer = cell.rowid;
  }
  if (layout_.fields.empty()) return true;
  const RecordEnd end = decoder_.Decode(layout_.fields, cursor_.page(), cell, values_.data());
  if (end.kind == RecordEnd::Kind::kViolation ||
      (end.kind == RecordEnd::Kind::kShort && !FillDefaults(end.field))) {
    cursor_.SetViolation("a record is not as SQLite writes it", cursor_.page_number());
    return false;
  }
  return layout_.tree == TreeKind::kTable || CheckKey();
}

// Keys must ascend; the row before is kept to see it.
bool PageRowSource::CheckKey() {
  const bool ascends =
      rows_ > 0
          ? CompareWithKey(layout_.key, values_.data(), /*by_slot=*/true, before_) > 0
          : !range_.after.has_value() ||
                CompareWithKey(layout_.key, values_.data(), /*by_slot=*/true, after_) > 0;
  for (size_t i = 0; i < layout_.key.size(); ++i) {
    const SourceValue& value = values_[static_cast<size_t>(layout_.key[i].slot)];
    if (!ascends || value.storage_class == StorageClass::kNull) {
      cursor_.SetViolation("the keys of the table do not ascend", cursor_.page_number());
      return false;
    }
    before_.Set(i, value);
  }
  return true;
}

bool PageRowSource::PastEnd() const {
  return range_.up_to.has_value() &&
         CompareWithKey(layout_.key, values_.data(), /*by_slot=*/true, up_to_) > 0;
}

// Columns that were added after the record was written have their default. What that is, the
// library says once per table: it is a constant of the declaration.
bool PageRowSource::FillDefaults(size_t first_field) {
  for (size_t i = first_field; i < layout_.fields.size(); ++i) {
    if (layout_.fields[i].slot < 0) continue;
    const int column = layout_.field_columns[i];
    SourceValue* const value = &values_[static_cast<size_t>(layout_.fields[i].slot)];
    if (!has_default_[static_cast<size_t>(column)] && !LookUpDefault(column, value)) return false;
    *value = defaults_[static_cast<size_t>(column)].view();
  }
  return true;
}

// The key of a row whose texts were not converted yet.
SourceKey PageRowSource::StoredCurrentKey() {
  std::vector<SourceValue> values;
  for (const int slot : key_slots_) values.push_back(values_[static_cast<size_t>(slot)]);
  if (snapshot_->utf16) converter_.Convert(values, snapshot_->big_endian);
  SourceKey key;
  for (const SourceValue& value : values) key.emplace_back(value);
  return key;
}

// Asks for the column in this very row.
bool PageRowSource::LookUpDefault(int column, SourceValue* value) {
  if (reading_->key_kind == KeyKind::kNone) return false;
  const SourceKey key = StoredCurrentKey();
  const absl::string_view name = reading_->table->columns[static_cast<size_t>(column)].name;
  const KeySegment segment{.prefix = &key, .fixed = key.size()};
  absl::StatusOr<SqliteStatement> statement = connection_.Prepare(
      absl::StrCat("SELECT ", QuoteSqliteIdentifier(name), " FROM ", FromTable(*reading_),
                   " WHERE ", SegmentCondition(layout_.key_columns, segment)));
  if (!statement.ok()) return false;
  BindSegment(segment, &*statement);
  const absl::StatusOr<bool> found = statement->Step();
  if (!found.ok() || !*found) return false;
  *value = statement->Value(0);
  // In a UTF-16 database it is put as stored, so that it is converted with its row.
  StoredKey stored = StoredKey::FromSource({OwnedValue(*value)}, snapshot_->utf16,
                                           snapshot_->big_endian);
  defaults_[static_cast<size_t>(column)] = OwnedValue(stored.value(0));
  has_default_[static_cast<size_t>(column)] = true;
  return true;
}

std::string PageRowSource::DescribePage() const {
  return absl::StrCat("page ", cursor_.violation().page, ": ",
                      cursor_.violation().why == nullptr ? "" : cursor_.violation().why);
}

// The library begins where we began, and skips what was given out already: rows that come to the
// same key in the same number, since every page so far was in order.
absl::Status PageRowSource::FallBack() {
  if (cursor_.violation().why == nullptr) {
    cursor_.SetViolation("a value is not as SQLite writes it", cursor_.page_number());
  }
  RETURN_IF_ERROR(file_.CheckUnchanged());
  use_ = {.pages = false, .reason = DescribePage()};
  state_ = State::kLibrary;
  library_rows_ = 0;
  RETURN_IF_ERROR(library_->Open(*reading_, range_));
  for (int64_t skipped = 0; skipped < rows_; ++skipped) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, FromLibrary());
    const bool last = skipped + 1 == rows_ && reading_->key_kind == KeyKind::kRowid;
    if (!row.empty() && (!last || library_->CurrentKey()[0].view().integer == rowid_)) continue;
    return Damaged();
  }
  return absl::OkStatus();
}

// A cell has four bytes at least, and a pointer of two.
int64_t PageRowSource::RowsMax() const {
  const PageGeometry& geometry = snapshot_->geometry;
  return int64_t{geometry.page_count} * (geometry.page_bytes / 6);
}

absl::Status PageRowSource::Damaged() const {
  ErrorInfo info;
  info.code = ErrorCode::kSourceCorrupt;
  info.exit_code = ExitCode::kSource;
  info.table = reading_->table->name;
  info.what = absl::StrCat("the table is damaged (", DescribePage(), ")");
  info.hint = "run PRAGMA integrity_check on the source";
  return MakeError(info);
}

absl::StatusOr<std::span<const SourceValue>> PageRowSource::FromLibrary() {
  absl::StatusOr<std::span<const SourceValue>> row = library_->Next();
  if (cursor_.violation().why == nullptr) return row;
  // In a damaged tree that runs in circles the library would never end.
  if (row.ok() && ++library_rows_ > RowsMax()) return Damaged();
  if (row.ok()) return row;
  ErrorInfo info = InfoOf(row.status());
  absl::StrAppend(&info.what, " (", DescribePage(), ")");
  return MakeError(info);
}

SourceKey PageRowSource::CurrentKey() const {
  if (state_ == State::kLibrary) return library_->CurrentKey();
  SourceKey key;
  for (const int slot : key_slots_) key.emplace_back(values_[static_cast<size_t>(slot)]);
  return key;
}

std::string PageRowSource::DescribeRow() const {
  if (state_ == State::kLibrary) return library_->DescribeRow();
  return DescribeRowOf(*reading_, layout_.key_columns, key_slots_, /*first_wanted=*/0, values_,
                       rows_, has_row_);
}

void PageRowSource::Close() {
  if (state_ == State::kLibrary) library_->Close();
  state_ = State::kClosed;
  has_row_ = false;
  decoder_.Release();
}

absl::StatusOr<std::optional<SourceKey>> PageRowSource::FindMiddle(const TableReading& reading,
                                                                   const KeyRange& range) {
  if (state_ != State::kLibrary) {
    const TableLayout layout = MakeTableLayout(reading, *snapshot_);
    std::optional<SourceKey> middle = FindMiddlePage(file_, layout, range);
    if (middle.has_value()) return middle;
  }
  return lite2pg::FindMiddle(connection_, reading, range);
}

}  // namespace

std::unique_ptr<RowSource> NewPageRowSource(SqliteConnection& connection,
                                            std::shared_ptr<const PageSnapshot> snapshot,
                                            bool pages_only) {
  return std::make_unique<PageRowSource>(connection, std::move(snapshot), pages_only);
}

}  // namespace lite2pg
