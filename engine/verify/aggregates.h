// Familiar numbers of both sides, column by column, for people who want to see them agree.
#ifndef LITE2PG_ENGINE_VERIFY_AGGREGATES_H_
#define LITE2PG_ENGINE_VERIFY_AGGREGATES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coercion/type_codec.h"
#include "engine/base/cancel.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {

// The totals of one column of one side. Parts add up in any order. One thread at a time.
class ColumnTotals {
 public:
  // `codec` is that of the field's type and outlives it; nullptr: the fields are as SQLite has the
  // values. Numbers, moments and booleans are ordered as such, all others by their bytes.
  explicit ColumnTotals(const ColumnCodec* codec);

  // A field as ComparedRow::fields has it.
  void Add(absl::string_view field, const RowPresenter* presenter, size_t column);
  void Merge(const ColumnTotals& other);
  AggregateReport Report() const;

 private:
  enum class Order : uint8_t { kBytes, kInteger, kMoment, kBool, kFloat, kNumeric };
  struct Extreme {
    bool known = false;
    int64_t integer = 0;
    double real = 0;
    std::string text;    // kNumeric: its digits; kBytes: the first bytes
    std::string shown;
  };

  static Order OrderOf(const ColumnCodec* codec);
  bool Read(absl::string_view field, Extreme* value) const;
  bool Less(const Extreme& a, const Extreme& b) const;
  bool HasSum() const { return order_ != Order::kBytes && order_ != Order::kMoment; }
  void AddToSum(const Extreme& value);
  void AddDecimal(absl::string_view text);
  std::string SumText() const;
  uint64_t Distinct() const;

  static constexpr size_t kRegisters = 4096;

  const ColumnCodec* codec_;
  Order order_;
  uint64_t values_ = 0, nulls_ = 0, summed_ = 0;
  Extreme least_, greatest_;
  __int128 exact_ = 0;        // kInteger, kBool; kNumeric: in units of 10^-18
  bool is_exact_ = true;
  int64_t scale_ = 0;
  long double about_ = 0, about_magnitude_ = 0;
  std::array<uint8_t, kRegisters> registers_{};
};

// One list per table and side: the totals of its columns. `codecs[table]` has one per column, or is
// empty for tables whose fields are as SQLite has them. Reads both sides once.
struct TableAggregates {
  std::vector<AggregateReport> a, b;
};
absl::StatusOr<std::vector<TableAggregates>> Aggregate(
    const std::vector<ComparedTable>& tables,
    const std::vector<std::vector<std::optional<ColumnCodec>>>& codecs, ComparedSide& a,
    ComparedSide& b, EventSink& events, CancelToken& cancel);

// Whether both say the same; sums of floating point numbers depend on the order of adding.
bool SameAggregates(const AggregateReport& a, const AggregateReport& b);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_AGGREGATES_H_
