// What the scan learns about how the values of a column were written, beyond their value: enough to
// say afterwards whether each could be printed back from PostgreSQL's value alone, and how.
//
// The work per value is a few comparisons, and none for columns whose target type keeps the
// representation by itself (text in text, integers in bigint).
#ifndef LITE2PG_ENGINE_PLAN_WRITTEN_FORMS_H_
#define LITE2PG_ENGINE_PLAN_WRITTEN_FORMS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "coercion/row_encoder.h"
#include "coercion/source_value.h"
#include "engine/plan/candidates.h"

namespace lite2pg {

// What a column's text may be a form of; follows from its candidates alone.
enum class FormFamily : uint8_t {
  kPlain,     // text that is kept as it is
  kTemporal,
  kBool,
  kUuid,
  kJsonb,
  kOther,     // each value is encoded, printed and compared
};

// How dates and times are written, as far as it is the same in all of them.
struct TemporalForm {
  static constexpr size_t kZoneBytesMax = 15;
  enum class Parts : uint8_t { kNone, kDate, kDateTime, kTime };
  Parts parts = Parts::kNone;
  char separator = ' ';           // between date and time
  bool seconds = true;
  uint8_t zone_bytes = 0;
  char zone[kZoneBytesMax + 1] = {};  // what follows the time: "", "Z", "+00:00", " +0200 CEST"

  absl::string_view zone_text() const { return absl::string_view(zone, zone_bytes); }
  friend bool operator==(const TemporalForm&, const TemporalForm&) = default;
};

// Rules for the digits of a fraction of a second, as bits: those that all values keep to remain.
inline constexpr int kFractionDigitsMax = 9;
constexpr uint32_t FixedFraction(int digits) { return 1u << digits; }            // always so many
constexpr uint32_t OptionalFraction(int digits) { return 1u << (10 + digits); }  // or none for zero
inline constexpr uint32_t kTrimmedFraction = 1u << 20;                           // no zeros behind
inline constexpr uint32_t kAllFractionRules = (1u << 21) - 1;

// A spelling of true or false.
struct BoolWord {
  static constexpr size_t kBytesMax = 5;
  uint8_t size_bytes = 0;   // 0: not seen
  char bytes[kBytesMax + 1] = {};

  absl::string_view text() const { return absl::string_view(bytes, size_bytes); }
  friend bool operator==(const BoolWord&, const BoolWord&) = default;
};

// Bits of WrittenForms::uuid.
inline constexpr uint8_t kUuidHyphens = 1, kUuidNoHyphens = 2, kUuidBraces = 4, kUuidNoBraces = 8,
                         kUuidLower = 16, kUuidUpper = 32;
// Bits of WrittenForms::jsonb: spellings of jsonb's own form that all texts keep to.
inline constexpr uint8_t kJsonCompact = 1, kJsonSpaced = 2;

// Mergeable; plain.
struct WrittenForms {
  bool integral_real = false;     // a REAL that is a whole number in the range of an integer
  bool number_like_text = false;  // a TEXT that is what a number's text would be
  bool emptied = false;           // a '' that became NULL
  bool mixed = false;             // forms differ, or one is not known
  TemporalForm temporal;
  uint32_t fraction = kAllFractionRules;
  BoolWord true_word, false_word;
  uint8_t uuid = 0;
  uint8_t jsonb = kJsonCompact | kJsonSpaced;

  void Merge(const WrittenForms& other);
};

// Learns how the values of one column are written. Immutable: any number of threads.
class FormLearner {
 public:
  // `candidates`, of which there is at least one, outlive it.
  explicit FormLearner(const std::vector<Candidate>& candidates);
  ~FormLearner();
  FormLearner(FormLearner&&) noexcept;

  // Whether values of a class have anything to learn from.
  bool LearnsFrom(StorageClass storage_class) const {
    return learns_[static_cast<size_t>(storage_class)];
  }
  // REQUIRES: LearnsFrom(value.storage_class). `scratch` is reused between calls.
  void Learn(const SourceValue& value, FieldBuffer* scratch, WrittenForms* forms) const;

 private:
  struct Printers;   // of kOther: how values look that are printed back

  void LearnOther(const SourceValue& value, FieldBuffer* scratch, WrittenForms* forms) const;

  FormFamily family_;
  const Candidate* only_ = nullptr;  // where there is one alone
  std::array<bool, kStorageClassCount> learns_{};
  std::unique_ptr<const Printers> printers_;
};

// What is known of a column's values and how they are written: what DescribeRepresentation() asks.
struct ColumnForms {
  ClassCounts counts{};
  WrittenForms forms;

  void Merge(const ColumnForms& other);
};

// The same of rows that somebody else reads. One thread.
class RowFormLearner {
 public:
  // Per column its candidates.
  explicit RowFormLearner(std::vector<CandidateList> candidates);

  // `refused`: per column, not zero where the type does not take the value, which so never reaches
  // the target; empty: none.
  void Add(std::span<const SourceValue> row, std::span<const uint8_t> refused = {});
  // Per column.
  const std::vector<ColumnForms>& forms() const { return forms_; }

 private:
  std::vector<CandidateList> candidates_;
  std::vector<FormLearner> learners_;
  std::vector<ColumnForms> forms_;
  FieldBuffer scratch_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_WRITTEN_FORMS_H_
