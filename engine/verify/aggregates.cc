#include "engine/verify/aggregates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coercion/decimal.h"
#include "coercion/wire.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/verify/row_hash.h"
#include "engine/verify/side_scans.h"

namespace lite2pg {
namespace {

// Of values ordered by bytes that many decide; of all values that many are shown.
constexpr size_t kOrderedBytesMax = 4096;
constexpr size_t kShownBytesMax = 60;
// Sums of numeric are kept in this unit as long as they fit.
constexpr int64_t kExactScale = 18;
constexpr int64_t kExactDigitsMax = 37;
// Of the sum of magnitudes, by which sums of the same floats in another order may differ.
constexpr double kSumTolerance = 1e-11;

// -1, 0, 1, by value.
int CompareDecimals(const Decimal& a, const Decimal& b) {
  const int sign_a = a.is_zero() ? 0 : a.negative ? -1 : 1;
  const int sign_b = b.is_zero() ? 0 : b.negative ? -1 : 1;
  if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
  if (sign_a == 0) return 0;
  if (a.point != b.point) return (a.point < b.point) == (sign_a > 0) ? -1 : 1;
  const size_t digits = std::max(a.digit_count(), b.digit_count());
  for (size_t i = 0; i < digits; ++i) {
    const char of_a = i < a.digit_count() ? a.digit(i) : '0';
    const char of_b = i < b.digit_count() ? b.digit(i) : '0';
    if (of_a != of_b) return (of_a < of_b) == (sign_a > 0) ? -1 : 1;
  }
  return 0;
}

std::string IntegerText128(__int128 value, int64_t scale) {
  const bool negative = value < 0;
  unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(value)
                                    : static_cast<unsigned __int128>(value);
  std::string digits;
  while (rest > 0 || static_cast<int64_t>(digits.size()) <= scale) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  }
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return negative ? "-" + digits : digits;
}

int64_t BigEndianOf(absl::string_view bytes) {
  uint64_t value = bytes.empty() || static_cast<int8_t>(bytes[0]) >= 0 ? 0 : ~uint64_t{0};
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return static_cast<int64_t>(value);
}

}  // namespace

ColumnTotals::ColumnTotals(const ColumnCodec* codec) : codec_(codec), order_(OrderOf(codec)) {}

ColumnTotals::Order ColumnTotals::OrderOf(const ColumnCodec* codec) {
  if (codec == nullptr || codec->server_text) return Order::kBytes;
  switch (codec->type->oid) {
    case kOidInt2:
    case kOidInt4:
    case kOidInt8:
      return Order::kInteger;
    case kOidDate:
    case kOidTime:
    case kOidTimestamp:
    case kOidTimestamptz:
      return Order::kMoment;
    case kOidBool:
      return Order::kBool;
    case kOidFloat4:
    case kOidFloat8:
      return Order::kFloat;
    case kOidNumeric:
      return Order::kNumeric;
    default:
      return Order::kBytes;
  }
}

bool ColumnTotals::Read(absl::string_view field, Extreme* value) const {
  const absl::string_view bytes = field.substr(4);
  switch (order_) {
    case Order::kInteger:
    case Order::kMoment:
    case Order::kBool:
      value->integer = BigEndianOf(bytes);
      return bytes.size() <= 8;
    case Order::kFloat:
      if (bytes.size() == 4) {
        value->real = std::bit_cast<float>(static_cast<uint32_t>(BigEndianOf(bytes)));
      } else {
        value->real = std::bit_cast<double>(BigEndianOf(bytes));
      }
      return !std::isnan(value->real);
    case Order::kNumeric: {
      Decimal decimal;
      return codec_->decode(bytes, codec_->params, &value->text) &&
             ParseDecimal(value->text, &decimal);
    }
    case Order::kBytes:
      value->text = std::string(bytes.substr(0, kOrderedBytesMax));
      return true;
  }
  return false;
}

bool ColumnTotals::Less(const Extreme& a, const Extreme& b) const {
  switch (order_) {
    case Order::kFloat:
      return a.real < b.real;
    case Order::kBytes:
      return a.text < b.text;
    case Order::kNumeric: {
      Decimal of_a, of_b;
      return ParseDecimal(a.text, &of_a) && ParseDecimal(b.text, &of_b) &&
             CompareDecimals(of_a, of_b) < 0;
    }
    default:
      return a.integer < b.integer;
  }
}

void ColumnTotals::Add(absl::string_view field, const RowPresenter* presenter, size_t column) {
  const int32_t length = LoadInt32(field.data());
  if (length == -1) {
    ++nulls_;
    return;
  }
  ++values_;
  const uint64_t hash = Hash128::Of(field).low;
  const size_t index = hash & (kRegisters - 1);
  const auto rank = static_cast<uint8_t>(std::countl_zero(hash | (kRegisters - 1)) + 1);
  registers_[index] = std::max(registers_[index], rank);
  Extreme value;
  // A value without a form in the target's type is counted and no more.
  if (length < 0 || !Read(field, &value)) return;
  const auto show = [&](Extreme* extreme) {
    extreme->known = true;
    std::string text;
    if (codec_ == nullptr || codec_->server_text) {
      text = presenter == nullptr ? "" : presenter->Show(column, kShownBytesMax);
    } else if (!codec_->decode(field.substr(4), codec_->params, &text)) {
      text = "?";
    }
    extreme->shown = EscapeForMessage(text, kShownBytesMax);
  };
  if (!least_.known || Less(value, least_)) {
    least_ = value;
    show(&least_);
  }
  if (!greatest_.known || Less(greatest_, value)) {
    greatest_ = value;
    show(&greatest_);
  }
  if (HasSum()) AddToSum(value);
}

void ColumnTotals::AddToSum(const Extreme& value) {
  ++summed_;
  switch (order_) {
    case Order::kInteger:
    case Order::kBool:
      exact_ += value.integer;   // of 2^64 rows at most
      return;
    case Order::kFloat:
      is_exact_ = false;
      about_ += value.real;
      about_magnitude_ += std::fabs(value.real);
      return;
    default:
      AddDecimal(value.text);
  }
}

void ColumnTotals::AddDecimal(absl::string_view text) {
  Decimal decimal;
  if (!ParseDecimal(text, &decimal)) return;
  const double about = std::strtod(std::string(text).c_str(), nullptr);
  about_ += about;
  about_magnitude_ += std::fabs(about);
  scale_ = std::max(scale_, decimal.scale);
  const int64_t zeros = kExactScale - decimal.fraction_digits();
  if (zeros < 0 || zeros + static_cast<int64_t>(decimal.digit_count()) > kExactDigitsMax) {
    is_exact_ = false;
    return;
  }
  __int128 units = 0;
  for (size_t i = 0; i < decimal.digit_count(); ++i) units = units * 10 + (decimal.digit(i) - '0');
  for (int64_t i = 0; i < zeros && units != 0; ++i) units *= 10;
  if (__builtin_add_overflow(exact_, decimal.negative ? -units : units, &exact_)) {
    is_exact_ = false;
  }
}

void ColumnTotals::Merge(const ColumnTotals& other) {
  values_ += other.values_;
  nulls_ += other.nulls_;
  summed_ += other.summed_;
  if (other.least_.known && (!least_.known || Less(other.least_, least_))) least_ = other.least_;
  if (other.greatest_.known && (!greatest_.known || Less(greatest_, other.greatest_))) {
    greatest_ = other.greatest_;
  }
  if (__builtin_add_overflow(exact_, other.exact_, &exact_)) is_exact_ = false;
  is_exact_ = is_exact_ && other.is_exact_;
  scale_ = std::max(scale_, other.scale_);
  about_ += other.about_;
  about_magnitude_ += other.about_magnitude_;
  for (size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

std::string ColumnTotals::SumText() const {
  if (summed_ == 0) return "";
  if (is_exact_ && order_ != Order::kNumeric) return IntegerText128(exact_, 0);
  if (is_exact_ && scale_ <= kExactScale) {
    __int128 units = exact_;
    for (int64_t i = scale_; i < kExactScale; ++i) units /= 10;
    return IntegerText128(units, scale_);
  }
  char text[64];
  std::snprintf(text, sizeof(text), "%.12Lg", about_);
  return text;
}

// HyperLogLog, by Flajolet, Fusy, Gandouet and Meunier (2007), with linear counting where few
// registers are hit. Both sides get the same number for the same values.
uint64_t ColumnTotals::Distinct() const {
  constexpr double kSize = kRegisters;
  double sum = 0;
  int zeros = 0;
  for (const uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    zeros += rank == 0 ? 1 : 0;
  }
  const double raw = 0.7213 / (1 + 1.079 / kSize) * kSize * kSize / sum;
  const bool few = raw <= 2.5 * kSize && zeros > 0;
  return static_cast<uint64_t>(std::llround(few ? kSize * std::log(kSize / zeros) : raw));
}

AggregateReport ColumnTotals::Report() const {
  AggregateReport report;
  report.values = values_;
  report.nulls = nulls_;
  report.least = least_.shown;
  report.greatest = greatest_.shown;
  report.sum = SumText();
  report.sum_about = is_exact_ ? 0 : static_cast<double>(about_);
  report.sum_tolerance = is_exact_ ? 0 : kSumTolerance * static_cast<double>(about_magnitude_);
  report.distinct = Distinct();
  return report;
}

bool SameAggregates(const AggregateReport& a, const AggregateReport& b) {
  const bool about = a.sum_tolerance > 0 || b.sum_tolerance > 0;
  const bool sums = about ? std::fabs(a.sum_about - b.sum_about) <=
                                std::max(a.sum_tolerance, b.sum_tolerance)
                          : a.sum == b.sum;
  return a.values == b.values && a.nulls == b.nulls && a.least == b.least &&
         a.greatest == b.greatest && a.distinct == b.distinct && sums;
}

absl::StatusOr<std::vector<TableAggregates>> Aggregate(
    const std::vector<ComparedTable>& tables,
    const std::vector<std::vector<std::optional<ColumnCodec>>>& codecs, ComparedSide& a,
    ComparedSide& b, EventSink& events, CancelToken& cancel) {
  const auto fresh = [&](size_t table) {
    std::vector<ColumnTotals> totals;
    for (size_t c = 0; c < tables[table].columns.size(); ++c) {
      const bool known = c < codecs[table].size() && codecs[table][c].has_value();
      totals.emplace_back(known ? &*codecs[table][c] : nullptr);
    }
    return totals;
  };
  std::vector<std::vector<ColumnTotals>> of_a, of_b;
  for (size_t i = 0; i < tables.size(); ++i) {
    of_a.push_back(fresh(i));
    of_b.push_back(fresh(i));
  }
  std::mutex mutex;
  const auto work = [&](int worker, const ScanPiece& piece) -> absl::Status {
    std::vector<ColumnTotals> totals = fresh(piece.table);
    ComparedSide& side = piece.of_a ? a : b;
    RETURN_IF_ERROR(side.Scan(worker, piece.table, piece.part, [&](const ComparedRow& row) {
      absl::string_view rest = row.fields, field;
      for (size_t c = 0; c < totals.size() && NextField(&rest, &field); ++c) {
        totals[c].Add(field, row.presenter, c);
      }
      return absl::OkStatus();
    }));
    const std::lock_guard<std::mutex> lock(mutex);
    std::vector<ColumnTotals>& sums = (piece.of_a ? of_a : of_b)[piece.table];
    for (size_t c = 0; c < totals.size(); ++c) sums[c].Merge(totals[c]);
    return absl::OkStatus();
  };
  const auto scan = [&](const std::vector<size_t>& group) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<ScanPiece> pieces, PiecesOf(group, &a, &b));
    return RunPieces(pieces, tables, &a, &b, cancel, work);
  };
  RETURN_IF_ERROR(ForTableGroups(tables.size(), &a, &b, scan));
  (void)events;
  std::vector<TableAggregates> results(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    for (const ColumnTotals& totals : of_a[i]) results[i].a.push_back(totals.Report());
    for (const ColumnTotals& totals : of_b[i]) results[i].b.push_back(totals.Report());
  }
  return results;
}

}  // namespace lite2pg
