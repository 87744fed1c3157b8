#include "engine/verify/witnesses.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coercion/row_encoder.h"
#include "coercion/wire.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/row_source.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {
namespace {

// Rows of all tables together: some milliseconds of SQLite's time for each thousand, and 48 bytes
// of memory for each.
constexpr size_t kRowsMax = 100'000;
constexpr size_t kTableRowsMin = 64;
constexpr size_t kTableRowsMax = 8192;
// A table that is larger is read in this many places.
constexpr size_t kPlaces = 32;
// Bytes of text and blobs that are read in one place.
constexpr uint64_t kPlaceBytesMax = uint64_t{1} << 20;
// What the server is asked about: of each column and class this many values, none larger.
constexpr size_t kSamplesMax = 4;
constexpr size_t kSampleBytesMax = 4096;

bool Less(const Digest& a, const Digest& b) {
  return a.low != b.low ? a.low < b.low : a.high < b.high;
}

using OnRow = std::function<absl::Status(std::span<const SourceValue> row, const LibraryRows&)>;

// Reads the witnesses of one table, in the same order whenever it is asked.
class TableReader {
 public:
  TableReader(const TablePlan& table, size_t rows_max, SqliteConnection& library,
              const CancelToken& cancel, const OnRow& on_row)
      : table_(table),
        rows_max_(rows_max),
        cancel_(cancel),
        on_row_(on_row),
        source_(NewLibraryRowSource(library)) {}

  absl::Status Run() {
    const TableReading& reading = table_.reading;
    if (table_.rows <= rows_max_ || reading.key_kind == KeyKind::kNone) {
      RETURN_IF_ERROR(source_->Open(reading, KeyRange()));
      return ReadOn(rows_max_, kPlaces * kPlaceBytesMax);
    }
    for (const SourceKey& key : table_.telling_rows) {
      RETURN_IF_ERROR(source_->OpenRow(reading, key));
      RETURN_IF_ERROR(ReadOn(1, kPlaceBytesMax));
    }
    return ReadPlaces(KeyRange(), kPlaces);
  }

 private:
  // The first rows of each of `places` parts of `range`. A row may come twice: it was read as one
  // that tells, or it is the last of one place and the first of the next.
  absl::Status ReadPlaces(const KeyRange& range, size_t places) {
    std::optional<SourceKey> middle;
    if (places > 1) {
      ASSIGN_OR_RETURN(middle, source_->FindMiddle(table_.reading, range));
    }
    if (middle.has_value()) {
      RETURN_IF_ERROR(ReadPlaces(KeyRange{range.after, middle}, places / 2));
      return ReadPlaces(KeyRange{middle, range.up_to}, places - places / 2);
    }
    RETURN_IF_ERROR(source_->Open(table_.reading, range));
    return ReadOn(rows_max_ * places / kPlaces, kPlaceBytesMax);
  }

  absl::Status ReadOn(size_t rows_max, uint64_t bytes_max) {
    uint64_t bytes = 0;
    for (size_t rows = 0; rows < rows_max && bytes < bytes_max; ++rows) {
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source_->Next());
      if (row.empty()) break;
      if (IsNew()) RETURN_IF_ERROR(on_row_(row, *source_));
      for (const SourceValue& value : row) bytes += value.size_bytes;
    }
    source_->Close();
    return cancel_.Check();
  }

  // Whether the row was not read before.
  bool IsNew() {
    if (table_.rows <= rows_max_ || table_.reading.key_kind == KeyKind::kNone) return true;
    std::string key;
    for (const OwnedValue& part : source_->CurrentKey()) {
      const SourceValue value = part.view();
      key.push_back(static_cast<char>(value.storage_class));
      key.append(reinterpret_cast<const char*>(&value.integer), sizeof(value.integer));
      key.append(reinterpret_cast<const char*>(&value.real), sizeof(value.real));
      absl::StrAppend(&key, value.size_bytes, ":", value.bytes());
    }
    Digest hash;
    hash.AddRow(key);
    return keys_read_.emplace(hash.low, hash.high).second;
  }

  const TablePlan& table_;
  const size_t rows_max_;
  const CancelToken& cancel_;
  const OnRow& on_row_;
  const std::unique_ptr<LibraryRows> source_;
  std::set<std::pair<uint64_t, uint64_t>> keys_read_;
};

// Rows as COPY would carry them, one by one.
class RowDigester {
 public:
  explicit RowDigester(const TablePlan& table) : table_(table), encoder_(table.codecs) {
    for (const FillPlan& fill : table.fills) {
      for (size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].target_name == fill.column) filled_.push_back(i);
      }
    }
  }

  // Whether the target's rows can be told from the source's: values that only the server reads are
  // looked at elsewhere (engine/command/source_replay.h), all of them and by the library.
  bool CanTell() const {
    return !table_.is_text_copy() && table_.reading.columns.size() == table_.codecs.size();
  }

  // nullopt for a row that is set aside, or in which the target puts another value for a NULL.
  std::optional<Digest> DigestOf(std::span<const SourceValue> row) {
    encoder_.Reset();
    tuple_.Clear();
    if (encoder_.Encode(row, &tuple_).outcome != Outcome::kOk || IsFilled()) return std::nullopt;
    if (tuple_.capacity() > kPlaceBytesMax) tuple_.Release();
    return encoder_.digest();
  }

 private:
  // Whether the row that was encoded has a NULL where the target puts another value: one of the
  // source's, or what a rule has made NULL.
  bool IsFilled() const {
    if (filled_.empty()) return false;
    absl::string_view rest = tuple_.view_from(2), field;
    for (size_t i = 0; NextField(&rest, &field); ++i) {
      const bool may_be = std::find(filled_.begin(), filled_.end(), i) != filled_.end();
      if (may_be && LoadInt32(field.data()) < 0) return true;
    }
    return false;
  }

  const TablePlan& table_;
  std::vector<size_t> filled_;
  RowEncoder encoder_;
  FieldBuffer tuple_;
};

}  // namespace

void ExpectedRows::Seal() {
  std::sort(rows_.begin(), rows_.end(), Less);
  size_t kept = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Digest& row = rows_[i];
    if (kept > 0 && rows_[kept - 1].low == row.low && rows_[kept - 1].high == row.high) {
      rows_[kept - 1].rows += row.rows;
    } else {
      rows_[kept++] = row;
    }
  }
  rows_.resize(kept);
  if (rows_.empty()) return;
  filter_.assign(std::bit_ceil(rows_.size() / 2 + 1), 0);
  for (const Digest& row : rows_) {
    const uint64_t bit = row.low & (64 * filter_.size() - 1);
    filter_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
}

int ExpectedRows::FindExactly(const Digest& row) const {
  const auto found = std::lower_bound(rows_.begin(), rows_.end(), row, Less);
  if (found == rows_.end() || found->low != row.low || found->high != row.high) return -1;
  return static_cast<int>(found - rows_.begin());
}

absl::StatusOr<Witnesses> Witnesses::Read(const Plan& plan, SqliteConnection& library,
                                          const CancelToken& cancel) {
  Witnesses read;
  read.rows_max_ = std::clamp(kRowsMax / std::max<size_t>(plan.tables.size(), 1), kTableRowsMin,
                              kTableRowsMax);
  read.tables_.resize(plan.tables.size());
  read.samples_.resize(plan.tables.size());
  for (size_t t = 0; t < plan.tables.size(); ++t) {
    const TablePlan& table = plan.tables[t];
    Table& into = read.tables_[t];
    TableSamples& samples = read.samples_[t];
    samples.resize(table.columns.size());
    RowDigester digester(table);
    const OnRow on_row = [&](std::span<const SourceValue> row, const LibraryRows&) {
      for (size_t i = 0; i < row.size(); ++i) {
        std::vector<OwnedValue>& of_class =
            samples[i][static_cast<size_t>(row[i].storage_class)];
        const bool wanted = row[i].storage_class != StorageClass::kNull &&
                            of_class.size() < kSamplesMax && row[i].size_bytes <= kSampleBytesMax;
        if (wanted) of_class.emplace_back(row[i]);
      }
      if (!digester.CanTell()) return absl::OkStatus();
      if (const std::optional<Digest> digest = digester.DigestOf(row)) into.expected.Add(*digest);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(TableReader(table, read.rows_max_, library, cancel, on_row).Run());
    into.expected.Seal();
    into.met.resize(into.expected.places());
  }
  return read;
}

void Witnesses::Met(size_t table, std::span<const uint64_t> counts) {
  for (size_t i = 0; i < counts.size(); ++i) tables_[table].met[i] += counts[i];
}

absl::Status Witnesses::Check(const Plan& plan, SqliteConnection& library,
                              const ReadRejectsOf& rejects, const CancelToken& cancel) const {
  for (size_t t = 0; t < tables_.size(); ++t) {
    const Table& table = tables_[t];
    bool missing = false;
    for (size_t i = 0; i < table.met.size(); ++i) {
      missing |= table.met[i] < table.expected.count(i);
    }
    if (!missing) continue;
    RETURN_IF_ERROR(NameMissing(plan.tables[t], table, rows_max_, library, rejects, cancel));
  }
  return absl::OkStatus();
}

// Reads the witnesses once more to say which one it is.
absl::Status Witnesses::NameMissing(const TablePlan& plan, const Table& table, size_t rows_max,
                                    SqliteConnection& library, const ReadRejectsOf& rejects,
                                    const CancelToken& cancel) {
  RowDigester digester(plan);
  // What was set aside late encodes as well as any other row.
  std::vector<uint64_t> allowed = table.met;
  RETURN_IF_ERROR(rejects(plan.source->name, [&](const RejectRecord& reject) {
    std::vector<SourceValue> row;
    for (const OwnedCell& cell : reject.cells) row.push_back(cell.View());
    if (row.size() != plan.codecs.size()) return absl::OkStatus();
    const std::optional<Digest> digest = digester.DigestOf(row);
    const int place = digest.has_value() ? table.expected.Find(*digest) : -1;
    if (place >= 0) ++allowed[static_cast<size_t>(place)];
    return absl::OkStatus();
  }));
  const OnRow on_row = [&](std::span<const SourceValue> row,
                           const LibraryRows& source) -> absl::Status {
    const std::optional<Digest> digest = digester.DigestOf(row);
    const int place = digest.has_value() ? table.expected.Find(*digest) : -1;
    if (place < 0 || allowed[static_cast<size_t>(place)]-- > 0) return absl::OkStatus();
    ErrorInfo info;
    info.code = ErrorCode::kCrossCheck;
    info.exit_code = ExitCode::kDiffers;
    info.table = plan.source->name;
    info.row_key = source.DescribeRow();
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&info.value, i == 0 ? "" : ", ", EscapeName(plan.columns[i].source_name),
                      "=", DescribeTypedValue(row[i]));
    }
    info.what = "the target does not have this row as SQLite's library reads it";
    info.hint = "please report this with the row: it is a defect of lite2pg; --reader library "
                "copies without the reader that must be wrong";
    return MakeError(info);
  };
  return TableReader(plan, rows_max, library, cancel, on_row).Run();
}

}  // namespace lite2pg
