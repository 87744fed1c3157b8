#include "engine/verify/sqlite_side.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// Pieces of a large table per worker: enough that none is left alone with the last one.
constexpr int kPiecesPerWorker = 4;
constexpr uint64_t kNearKeys = 32;

SourceKey RowidKey(int64_t rowid) { return {OwnedValue(SourceValue::Integer(rowid))}; }

KeyRange RowidRange(const KeyInterval& interval) {
  KeyRange range;
  if (interval.after.has_value()) range.after = RowidKey(*interval.after);
  if (interval.up_to.has_value()) range.up_to = RowidKey(*interval.up_to);
  return range;
}

absl::StatusOr<std::vector<CandidateList>> SettledTypes(std::span<const ColumnPlan> columns) {
  std::vector<CandidateList> settled;
  for (const ColumnPlan& column : columns) {
    ASSIGN_OR_RETURN(Candidate candidate, FixedCandidate(column.type, column.rules));
    settled.push_back({std::move(candidate)});
  }
  return settled;
}

}  // namespace

SqliteSide::SqliteSide(SourceSnapshot& snapshot, int workers, std::vector<SqliteSideTable> tables,
                       SetAsideRows set_aside)
    : snapshot_(snapshot),
      workers_(workers),
      tables_(std::move(tables)),
      ranges_(tables_.size()),
      forms_(tables_.size()),
      set_aside_(std::move(set_aside)) {}

absl::Status SqliteSide::Cut(const TableReading& reading, const KeyRange& range, int pieces,
                             std::vector<KeyRange>* out) {
  std::optional<SourceKey> middle;
  if (pieces > 1) {
    ASSIGN_OR_RETURN(middle, snapshot_.NewRowSource(0)->FindMiddle(reading, range));
  }
  if (!middle.has_value()) {
    out->push_back(range);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(Cut(reading, KeyRange{range.after, middle}, pieces / 2, out));
  return Cut(reading, KeyRange{middle, range.up_to}, pieces - pieces / 2, out);
}

absl::StatusOr<size_t> SqliteSide::Parts(size_t table) {
  std::vector<KeyRange>& ranges = ranges_[table];
  if (!ranges.empty()) return ranges.size();
  const SqliteSideTable& read = tables_[table];
  const int pieces = read.large && workers_ > 1 ? workers_ * kPiecesPerWorker : 1;
  if (pieces == 1 || read.reading->key_kind == KeyKind::kNone) {
    ranges.emplace_back();
  } else {
    RETURN_IF_ERROR(Cut(*read.reading, KeyRange{}, pieces, &ranges));
  }
  if (!read.learned.empty()) forms_[table].resize(ranges.size());
  return ranges.size();
}

absl::Status SqliteSide::Scan(int worker, size_t table, size_t part, const RowCallback& on_row) {
  const bool learns = !tables_[table].learned.empty() && forms_[table][part].empty();
  return ScanRange(worker, table, ranges_[table][part], on_row,
                   learns ? &forms_[table][part] : nullptr);
}

absl::Status SqliteSide::ScanKeys(int worker, size_t table, std::span<const int64_t> keys,
                                  const RowCallback& on_row) {
  for (size_t i = 0; i < keys.size();) {
    const int64_t first = keys[i];
    // The rows between two keys that are near each other come along.
    while (i + 1 < keys.size() &&
           static_cast<uint64_t>(keys[i + 1]) - static_cast<uint64_t>(keys[i]) < kNearKeys) {
      ++i;
    }
    KeyRange range;
    if (first > INT64_MIN) range.after = RowidKey(first - 1);
    range.up_to = RowidKey(keys[i]);
    RETURN_IF_ERROR(ScanRange(worker, table, range, on_row, nullptr));
    ++i;
  }
  return absl::OkStatus();
}

absl::Status SqliteSide::ScanInterval(int worker, size_t table, const KeyInterval& interval,
                                      const RowCallback& on_row) {
  return ScanRange(worker, table, RowidRange(interval), on_row, nullptr);
}

absl::StatusOr<std::optional<int64_t>> SqliteSide::MiddleKey(size_t table,
                                                             const KeyInterval& interval) {
  ASSIGN_OR_RETURN(const std::optional<SourceKey> middle,
                   snapshot_.NewRowSource(0)->FindMiddle(*tables_[table].reading,
                                                         RowidRange(interval)));
  if (!middle.has_value()) return std::nullopt;
  return middle->front().view().integer;
}

absl::Status SqliteSide::ScanRange(int worker, size_t table, const KeyRange& range,
                                   const RowCallback& on_row, std::vector<ColumnForms>* forms) {
  const SqliteSideTable& read = tables_[table];
  std::optional<RowFormLearner> learner;
  if (forms != nullptr) {
    ASSIGN_OR_RETURN(std::vector<CandidateList> settled, SettledTypes(read.learned));
    learner.emplace(std::move(settled));
  }
  const size_t columns = read.reading->columns.size();
  SourceRowMaker maker = read.codecs.empty() ? SourceRowMaker(columns)
                                             : SourceRowMaker(read.codecs, read.fills);
  const std::unique_ptr<RowSource> rows = snapshot_.NewRowSource(worker);
  RETURN_IF_ERROR(rows->Open(*read.reading, range));
  while (true) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> values, rows->Next());
    if (values.empty()) break;
    const ComparedRow row = maker.Make(values);
    if (learner.has_value()) learner->Add(values, maker.outcomes());
    RETURN_IF_ERROR(on_row(row));
  }
  rows->Close();
  if (learner.has_value()) *forms = learner->forms();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SqliteSide::Count(int worker, size_t table) {
  const TableReading& reading = *tables_[table].reading;
  std::string sql =
      absl::StrCat("SELECT count(*) FROM main.", QuoteSqliteIdentifier(reading.table->read_name()));
  if (!reading.where_sql.empty()) absl::StrAppend(&sql, " WHERE (", reading.where_sql, "\n)");
  ASSIGN_OR_RETURN(SqliteStatement statement, snapshot_.reader(worker).Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? static_cast<uint64_t>(statement.Int(0)) : 0;
}

absl::Status SqliteSide::ScanSetAside(size_t table, const RowCallback& on_row) {
  if (set_aside_ == nullptr) return absl::OkStatus();
  const SqliteSideTable& read = tables_[table];
  SourceRowMaker maker(read.codecs, read.fills);
  return set_aside_(table, [&](std::span<const SourceValue> values) {
    return on_row(maker.Make(values));
  });
}

// In the order of the parts, as where forms differ the first one counts.
std::vector<ColumnForms> SqliteSide::Forms(size_t table) const {
  std::vector<ColumnForms> all(tables_[table].learned.size());
  for (const std::vector<ColumnForms>& part : forms_[table]) {
    for (size_t c = 0; c < part.size(); ++c) all[c].Merge(part[c]);
  }
  return all;
}

void SqliteSide::Interrupt() {
  for (int i = 0; i < workers_; ++i) snapshot_.reader(i).Interrupt();
}

}  // namespace lite2pg
