// Both readers side by side: the proof that they are equal, on the data at hand.
#include <bit>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/sqlite/key_sql.h"
#include "engine/sqlite/pages/page_row_source.h"

namespace lite2pg {
namespace {

bool SameValue(const SourceValue& a, const SourceValue& b) {
  if (a.storage_class != b.storage_class) return false;
  switch (a.storage_class) {
    case StorageClass::kNull: return true;
    case StorageClass::kInteger: return a.integer == b.integer;
    case StorageClass::kReal:
      return std::bit_cast<uint64_t>(a.real) == std::bit_cast<uint64_t>(b.real);
    case StorageClass::kText:
    case StorageClass::kBlob: return a.bytes() == b.bytes();
  }
  return false;
}

class BothRowSource final : public RowSource {
 public:
  BothRowSource(SqliteConnection& connection, std::shared_ptr<const PageSnapshot> snapshot)
      : pages_(NewPageRowSource(connection, std::move(snapshot), /*pages_only=*/false)),
        library_(NewLibraryRowSource(connection)) {}

  absl::Status Open(const TableReading& reading, const KeyRange& range) override {
    reading_ = &reading;
    RETURN_IF_ERROR(library_->Open(reading, range));
    return pages_->Open(reading, range);
  }

  absl::StatusOr<std::span<const SourceValue>> Next() override {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> expected, library_->Next());
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, pages_->Next());
    if (row.size() != expected.size()) {
      return Difference(row.empty() ? "the pages end before the library does"
                                    : "the library ends before the pages do", -1);
    }
    for (size_t i = 0; i < row.size(); ++i) {
      if (!SameValue(row[i], expected[i])) {
        return Difference(absl::StrCat("the library reads ", DescribeValue(expected[i]),
                                       ", the pages ", DescribeValue(row[i])),
                          reading_->columns[i]);
      }
    }
    if (!row.empty() && reading_->key_kind != KeyKind::kNone) RETURN_IF_ERROR(CompareKeys());
    return row;
  }

  SourceKey CurrentKey() const override { return pages_->CurrentKey(); }
  std::string DescribeRow() const override { return pages_->DescribeRow(); }
  ReaderUse used() const override { return pages_->used(); }
  void Close() override {
    pages_->Close();
    library_->Close();
  }
  absl::StatusOr<std::optional<SourceKey>> FindMiddle(const TableReading& reading,
                                                      const KeyRange& range) override {
    return pages_->FindMiddle(reading, range);
  }

 private:
  absl::Status CompareKeys() const {
    const SourceKey expected = library_->CurrentKey(), key = pages_->CurrentKey();
    bool same = key.size() == expected.size();
    for (size_t i = 0; same && i < key.size(); ++i) {
      same = SameValue(key[i].view(), expected[i].view());
    }
    return same ? absl::OkStatus() : Difference("the two readers give a row different keys", -1);
  }

  absl::Status Difference(absl::string_view what, int column) const {
    ErrorInfo info;
    info.code = ErrorCode::kDefect;
    info.exit_code = ExitCode::kDefect;
    info.table = reading_->table->name;
    info.row_key = library_->DescribeRow();
    if (column >= 0) info.column = reading_->table->columns[static_cast<size_t>(column)].name;
    info.what = absl::StrCat("the two readers of SQLite disagree: ", what);
    info.hint = "copy with --reader library, and report this with the table's first rows";
    return MakeError(info);
  }

  const std::unique_ptr<RowSource> pages_, library_;
  const TableReading* reading_ = nullptr;
};

}  // namespace

std::unique_ptr<RowSource> NewBothRowSource(SqliteConnection& connection,
                                            std::shared_ptr<const PageSnapshot> snapshot) {
  return std::make_unique<BothRowSource>(connection, std::move(snapshot));
}

}  // namespace lite2pg
