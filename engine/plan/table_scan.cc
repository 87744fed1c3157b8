#include "engine/plan/table_scan.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "engine/base/limits.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr uint64_t kExamplesLookedAt = 4;
constexpr size_t kNullRowsMax = 3;
constexpr size_t kDateBytesMax = 64;
constexpr size_t kTellingRowsMax = 4096;

bool HasShape(absl::string_view text, TextShape wanted, bool* nonzero_offset) {
  const DateTimeClass found = ClassifyDateTime(text);
  switch (wanted) {
    case TextShape::kAny:
      return true;
    case TextShape::kDateOnly:
      return found.shape == DateTimeShape::kDate;
    case TextShape::kTimeOnly:
      return found.shape == DateTimeShape::kTime;
    case TextShape::kDateTimeNaive:
      return found.shape == DateTimeShape::kDateTime;
    case TextShape::kDateTimeWithOffset:
      if (found.shape != DateTimeShape::kDateTimeOffset) return false;
      *nonzero_offset |= !found.offset_is_zero;
      return true;
  }
  return false;
}

// Those behind candidate k that take every TEXT which k takes, so that they need not look at it. No
// type but bytea takes text that is not valid UTF-8 or holds a NUL (tests/coercion asks all of
// them), and that is all that text refuses; jsonb takes nothing that json refuses.
uint32_t SparedBy(const std::vector<Candidate>& candidates, size_t k) {
  const auto is_plain = [](const Candidate& candidate, Oid oid) {
    return candidate.codec.type != nullptr && candidate.codec.type->oid == oid &&
           candidate.type.kind == TypeKind::kBase && candidate.codec.without_rules == nullptr &&
           candidate.shape == TextShape::kAny;
  };
  const Candidate& taker = candidates[k];
  if (taker.codec.server_text || taker.codec.without_rules != nullptr ||
      is_plain(taker, kOidBytea)) {
    return 0;
  }
  uint32_t spared = 0;
  for (size_t i = k + 1; i < candidates.size(); ++i) {
    const Candidate& other = candidates[i];
    if ((other.accepts & MaskOf(StorageClass::kText)) == 0) continue;
    if (is_plain(other, kOidText) || (is_plain(other, kOidJson) && is_plain(taker, kOidJsonb))) {
      spared |= uint32_t{1} << i;
    }
  }
  return spared;
}

// The first stays, and all are counted.
void NoteExample(const SourceValue& value, const RowSource& source, CounterExample* example) {
  if (example->count++ > 0) return;
  example->outcome = Outcome::kTooLarge;
  example->row_key = source.DescribeRow();
  example->value = DescribeTypedValue(value);
}

void MergeExample(const CounterExample& from, CounterExample* to) {
  const uint64_t count = to->count + from.count;
  if (to->count == 0) *to = from;
  to->count = count;
}

}  // namespace

// StrCat shows six digits, which may be another number.
std::string ShortestReal(double value) {
  char text[64];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

std::string DescribeTypedValue(const SourceValue& value) {
  switch (value.storage_class) {
    case StorageClass::kNull:
      return "NULL";
    case StorageClass::kInteger:
      return absl::StrCat("INTEGER ", value.integer);
    case StorageClass::kReal:
      return absl::StrCat("REAL ", ShortestReal(value.real));
    case StorageClass::kText:
      return absl::StrCat("TEXT ", value.size_bytes, " bytes '", EscapeForMessage(value.bytes()),
                          "'");
    case StorageClass::kBlob: {
      std::string hex;
      for (const char c : value.bytes().substr(0, 32)) {
        absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
      }
      return absl::StrCat("BLOB ", value.size_bytes, " bytes x'", hex,
                          value.size_bytes > 32 ? "..." : "", "'");
    }
  }
  return "";
}

unsigned SizeClass(const SourceValue& value) {
  const auto bits = [](int64_t v) {
    return static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(v ^ (v >> 63))));
  };
  switch (value.storage_class) {
    case StorageClass::kNull:
      return 0;
    case StorageClass::kInteger:
      return bits(value.integer);
    case StorageClass::kReal: {
      constexpr double kWholeBelow = 9e18;  // SQLite keeps whole REALs as integers below 2^47
      if (!(std::abs(value.real) < kWholeBelow)) return 63;
      const auto whole = static_cast<int64_t>(value.real);
      return static_cast<double>(whole) == value.real ? bits(whole) : 63;
    }
    default:
      return static_cast<unsigned>(std::bit_width(value.size_bytes));
  }
}

void TableScan::Merge(const TableScan& other) {
  rows += other.rows;
  encoded_bytes += other.encoded_bytes;
  row_bytes_max = std::max(row_bytes_max, other.row_bytes_max);
  MergeExample(other.rows_too_large, &rows_too_large);
  if (columns.empty()) {
    columns = other.columns;
    telling_rows = other.telling_rows;
    return;
  }
  bool tells_more = false;
  for (size_t i = 0; i < columns.size() && i < other.columns.size(); ++i) {
    ColumnScan& to = columns[i];
    const ColumnScan& from = other.columns[i];
    for (size_t c = 0; c < kStorageClassCount; ++c) {
      to.counts[c] += from.counts[c];
      if (to.examples[c].empty()) to.examples[c] = from.examples[c];
      tells_more |= (from.sizes[c] & ~to.sizes[c]) != 0;
      to.sizes[c] |= from.sizes[c];
    }
    to.alive &= from.alive;
    for (size_t k = 0; k < to.refused.size(); ++k) {
      MergeExample(from.refused[k], &to.refused[k]);
    }
    MergeExample(from.too_large, &to.too_large);
    to.integer_min = std::min(to.integer_min, from.integer_min);
    to.integer_max = std::max(to.integer_max, from.integer_max);
    if (from.real_seen) {
      to.real_min = to.real_seen ? std::min(to.real_min, from.real_min) : from.real_min;
      to.real_max = to.real_seen ? std::max(to.real_max, from.real_max) : from.real_max;
      to.real_seen = true;
    }
    to.bytes += from.bytes;
    to.value_bytes_max = std::max(to.value_bytes_max, from.value_bytes_max);
    to.offsets_seen |= from.offsets_seen;
    for (size_t r = 0; r < kRuleUseCount; ++r) {
      to.rule_counts[r] += from.rule_counts[r];
    }
    if (!from.rule_examples.empty()) to.rule_examples.resize(kRuleUseCount);
    for (size_t r = 0; r < from.rule_examples.size(); ++r) {
      if (to.rule_examples[r].empty()) to.rule_examples[r] = from.rule_examples[r];
    }
    to.forms.Merge(from.forms);
    for (const std::string& key : from.null_rows) {
      if (to.null_rows.size() < kNullRowsMax) to.null_rows.push_back(key);
    }
  }
  if (!tells_more) return;
  const size_t room = kTellingRowsMax - std::min(kTellingRowsMax, telling_rows.size());
  telling_rows.insert(telling_rows.end(), other.telling_rows.begin(),
                      other.telling_rows.begin() +
                          static_cast<ptrdiff_t>(std::min(room, other.telling_rows.size())));
}

TableScanner::TableScanner(std::span<const CandidateList> candidates)
    : candidates_(candidates), must_check_(candidates.size()) {
  scan_.columns.resize(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    ColumnScan& column = scan_.columns[i];
    const size_t count = candidates[i].size();
    column.alive = count >= 32 ? ~uint32_t{0} : (uint32_t{1} << count) - 1;
    column.refused.resize(count);
    column.rule_counts = {};
    learners_.emplace_back(candidates[i]);
    spared_.emplace_back();
    for (size_t k = 0; k < count; ++k) spared_[i].push_back(SparedBy(candidates[i], k));
    for (size_t c = 0; c < kStorageClassCount; ++c) {
      must_check_[i][c] = 0;
      for (size_t k = 0; k < count; ++k) {
        const Candidate& candidate = candidates[i][k];
        const ClassMask bit = MaskOf(static_cast<StorageClass>(c));
        const bool sure = (candidate.accepts & candidate.needs_no_check & bit) != 0;
        if (!sure) must_check_[i][c] |= uint32_t{1} << k;
      }
    }
  }
}

void TableScanner::Add(std::span<const SourceValue> row, const RowSource& source) {
  uint64_t row_bytes = 0, too_large_bytes = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const SourceValue& value = row[i];
    const auto c = static_cast<size_t>(value.storage_class);
    ColumnScan& column = scan_.columns[i];
    const uint64_t size = uint64_t{1} << SizeClass(value);
    if ((column.sizes[c] & size) == 0) [[unlikely]] {
      column.sizes[c] |= size;
      NoteTellingRow(source);
    }
    if (column.counts[c]++ < kExamplesLookedAt) {
      if (column.examples[c].empty()) column.examples[c] = DescribeTypedValue(value);
      if (value.storage_class == StorageClass::kNull && column.null_rows.size() < kNullRowsMax) {
        column.null_rows.push_back(source.DescribeRow());
      }
    }
    switch (value.storage_class) {
      case StorageClass::kInteger:
        column.integer_min = std::min(column.integer_min, value.integer);
        column.integer_max = std::max(column.integer_max, value.integer);
        row_bytes += 8;
        break;
      case StorageClass::kReal:
        if (std::isfinite(value.real)) {
          column.real_min = column.real_seen ? std::min(column.real_min, value.real) : value.real;
          column.real_max = column.real_seen ? std::max(column.real_max, value.real) : value.real;
          column.real_seen = true;
        }
        row_bytes += 8;
        break;
      case StorageClass::kNull:
        break;
      default:
        column.bytes += value.size_bytes;
        column.value_bytes_max = std::max<uint64_t>(column.value_bytes_max, value.size_bytes);
        row_bytes += value.size_bytes;
        if (value.size_bytes > kFieldBytesMax) [[unlikely]] {
          NoteExample(value, source, &column.too_large);  // no candidate can hold it
          too_large_bytes += value.size_bytes;
          if (candidates_[i][0].codec.without_rules != nullptr) NoteRule(i, value, source);
          continue;
        }
    }
    uint32_t must_check = must_check_[i][c];
    // No type but the floats has a negative zero, whatever else it takes without a look.
    if (value.storage_class == StorageClass::kReal && value.real == 0 && std::signbit(value.real)) {
      must_check = ~uint32_t{0};
    }
    const uint64_t refusals = column.refused[0].count;
    if ((must_check & column.alive) != 0) Check(i, must_check & column.alive, value, source);
    // What the column's only type does not take never reaches the target.
    const bool is_set_aside = candidates_[i].size() == 1 && column.refused[0].count > refusals;
    // All candidates of a column have the same rules.
    if (candidates_[i][0].codec.without_rules != nullptr) NoteRule(i, value, source);
    if (learners_[i].LearnsFrom(value.storage_class) && !is_set_aside) {
      learners_[i].Learn(value, &scratch_, &column.forms);
    }
  }
  ++scan_.rows;
  scan_.encoded_bytes += row_bytes + 2 + 4 * row.size();
  scan_.row_bytes_max = std::max(scan_.row_bytes_max, row_bytes);
  if (row_bytes > kFieldBytesMax / 2) [[unlikely]] {
    NoteRowSize(row, row_bytes - too_large_bytes, source);
  }
}

// About what RowEncoder will find, which has the last word: text and blobs go as they are.
void TableScanner::NoteRowSize(std::span<const SourceValue> row, uint64_t row_bytes,
                               const RowSource& source) {
  const uint64_t on_wire = 2 + 4 * row.size() + row_bytes;
  if (on_wire <= RowBytesOnWireMax(row.size()) || scan_.rows_too_large.count++ > 0) return;
  scan_.rows_too_large.row_key = source.DescribeRow();
  scan_.rows_too_large.value = absl::StrCat(on_wire, " bytes");
}

void TableScanner::NoteTellingRow(const RowSource& source) {
  if (row_told_ == scan_.rows || scan_.telling_rows.size() >= kTellingRowsMax) return;
  row_told_ = scan_.rows;
  SourceKey key = source.CurrentKey();
  if (!key.empty()) scan_.telling_rows.push_back(std::move(key));
}

void TableScanner::NoteRule(size_t column_index, const SourceValue& value,
                            const RowSource& source) {
  const RuleUse use = UseOfRules(candidates_[column_index][0].codec, value, &scratch_);
  if (use == RuleUse::kNone) return;
  ColumnScan& column = scan_.columns[column_index];
  const auto r = static_cast<size_t>(use);
  if (column.rule_counts[r]++ > 0) return;
  column.rule_examples.resize(kRuleUseCount);
  column.rule_examples[r] = absl::StrCat(DescribeTypedValue(value), " at ", source.DescribeRow());
}

void TableScanner::Check(size_t column_index, uint32_t todo, const SourceValue& value,
                         const RowSource& source) {
  ColumnScan& column = scan_.columns[column_index];
  const auto c = static_cast<size_t>(value.storage_class);
  const ReadingRules& rules = candidates_[column_index][0].rules;  // all have the same of these
  const bool becomes_null = rules.empty_text_as_null && !rules.not_null &&
                            value.storage_class == StorageClass::kText && value.size_bytes == 0;
  if (becomes_null) return;
  while (todo != 0) {
    const auto k = static_cast<size_t>(std::countr_zero(todo));
    todo &= todo - 1;
    const Candidate& candidate = candidates_[column_index][k];
    if ((candidate.accepts & MaskOf(value.storage_class)) == 0) {
      Refuse(column_index, k, Outcome::kWrongClass, value, source);
      continue;
    }
    if (candidate.shape != TextShape::kAny && value.storage_class == StorageClass::kText &&
        !HasShape(value.bytes(), candidate.shape, &column.offsets_seen)) {
      Refuse(column_index, k, Outcome::kMalformed, value, source);
      continue;
    }
    scratch_.Clear();
    scratch_.Reserve(candidate.codec.fixed_bytes + candidate.codec.expand * value.size_bytes);
    const Outcome outcome = candidate.codec.encode[c](value, candidate.codec.params, &scratch_);
    if (outcome != Outcome::kOk) {
      Refuse(column_index, k, outcome, value, source);
    } else if (value.storage_class == StorageClass::kText) {
      todo &= ~spared_[column_index][k];
    }
  }
}

// A column that is offered only one candidate keeps it alive, so that all refusals are counted.
void TableScanner::Refuse(size_t column_index, size_t candidate, Outcome outcome,
                          const SourceValue& value, const RowSource& source) {
  ColumnScan& column = scan_.columns[column_index];
  CounterExample& refused = column.refused[candidate];
  if (refused.count++ == 0) {
    refused.outcome = outcome;
    refused.row_key = source.DescribeRow();
    refused.value = DescribeTypedValue(value);
    if (value.storage_class == StorageClass::kText && value.size_bytes <= kDateBytesMax) {
      refused.text = std::string(value.bytes());
    }
  }
  if (candidates_[column_index].size() > 1) column.alive &= ~(uint32_t{1} << candidate);
}

}  // namespace lite2pg
