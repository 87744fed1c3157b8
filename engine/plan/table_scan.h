// The scan: one pass over a table's values that proves which types fit, before anything is written.
#ifndef LITE2PG_ENGINE_PLAN_TABLE_SCAN_H_
#define LITE2PG_ENGINE_PLAN_TABLE_SCAN_H_

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coercion/row_encoder.h"
#include "engine/plan/candidates.h"
#include "engine/plan/written_forms.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// A value that a candidate refused, with where it stands.
struct CounterExample {
  Outcome outcome = Outcome::kOk;
  std::string row_key;
  std::string value;      // "TEXT 10 bytes 'lots-of-it'", escaped and shortened
  std::string text;       // the value itself, when it is a TEXT that could be a date or time
  uint64_t count = 0;     // how many values it refused while it was still in question
};

struct ColumnScan {
  ClassCounts counts{};
  uint32_t alive = 0;                        // bit i: candidate i fits everything seen
  std::vector<CounterExample> refused;       // per candidate, the first by read order of a range;
                                             // none in a plan
  int64_t integer_min = INT64_MAX, integer_max = INT64_MIN;
  double real_min = 0, real_max = 0;         // finite reals only; valid when real_seen
  bool real_seen = false;
  uint64_t bytes = 0;                        // of text and blobs
  uint64_t value_bytes_max = 0;
  CounterExample too_large;                  // values beyond kFieldBytesMax, whatever their type
  bool offsets_seen = false;                 // a non-zero UTC offset in text
  WrittenForms forms;
  std::array<std::string, kStorageClassCount> examples;          // escaped, one per class
  std::array<uint64_t, kStorageClassCount> sizes{};  // which sizes were seen: bits of SizeClass()
  std::vector<std::string> null_rows;        // the first few keys of NULLs
  std::array<uint64_t, kRuleUseCount> rule_counts{};  // values that the user's rules change
  std::vector<std::string> rule_examples;    // "REAL 1.5 at id=2", escaped; empty: no rule was used

  std::string RuleExample(size_t rule) const {
    return rule_examples.empty() ? "" : rule_examples[rule];
  }
};

// Values of a class that are stored alike: a reader that is wrong is wrong for some of these. The
// number of bits of an integer or of a whole REAL (63 for other REALs), or of a length.
unsigned SizeClass(const SourceValue& value);

// Mergeable result for a range or a table.
struct TableScan {
  uint64_t rows = 0;
  uint64_t encoded_bytes = 0;                // about what COPY will carry
  uint64_t row_bytes_max = 0;                // of one row's text and blobs
  // Rows whose values are too large together; the first, with its size in `value`.
  CounterExample rows_too_large;
  std::vector<ColumnScan> columns;
  // Rows in which a column showed a storage class and size for the first time, for whoever wants to
  // look at them again; none for tables without a key.
  std::vector<SourceKey> telling_rows;

  void Merge(const TableScan& other);
};

// The shortest decimal that is this double: "0.1", "1e+300", "-inf".
std::string ShortestReal(double value);

// "TEXT 10 bytes 'lots-of-it'".
std::string DescribeTypedValue(const SourceValue& value);

// Scans rows of one table. One thread; `candidates` (per column, at most 32 each) outlive it.
class TableScanner {
 public:
  explicit TableScanner(std::span<const CandidateList> candidates);

  // `source` is asked to describe the row only when a counter-example is recorded.
  void Add(std::span<const SourceValue> row, const RowSource& source);
  const TableScan& result() const { return scan_; }

 private:
  // Shows the value to the candidates of the set `todo`.
  void Check(size_t column, uint32_t todo, const SourceValue& value, const RowSource& source);
  void NoteTellingRow(const RowSource& source);
  void NoteRowSize(std::span<const SourceValue> row, uint64_t row_bytes, const RowSource& source);
  void NoteRule(size_t column, const SourceValue& value, const RowSource& source);
  void Refuse(size_t column, size_t candidate, Outcome outcome, const SourceValue& value,
              const RowSource& source);

  std::span<const CandidateList> candidates_;
  // Candidates of a column that must look at values of a class.
  std::vector<std::array<uint32_t, kStorageClassCount>> must_check_;
  // Per column and candidate: others that need not look at TEXT which it takes.
  std::vector<std::vector<uint32_t>> spared_;
  // How its values are written.
  std::vector<FormLearner> learners_;
  TableScan scan_;
  uint64_t row_told_ = UINT64_MAX;  // the last of telling_rows, by its number in the scan
  FieldBuffer scratch_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TABLE_SCAN_H_
