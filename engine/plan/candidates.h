// Which PostgreSQL types a column that we create may get: an ordered list from its declared type,
// the first of which that every value fits is taken. docs/coercion.md shows the table.
#ifndef LITE2PG_ENGINE_PLAN_CANDIDATES_H_
#define LITE2PG_ENGINE_PLAN_CANDIDATES_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coercion/type_codec.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// What a candidate asks of text beyond being encodable: dates must read one way in the whole
// column, so a column of dates is not a column of timestamps at midnight.
enum class TextShape : uint8_t { kAny, kDateOnly, kDateTimeNaive, kDateTimeWithOffset, kTimeOnly };

// Bit sets over storage classes.
using ClassMask = uint8_t;
constexpr ClassMask MaskOf(StorageClass c) { return ClassMask(1u << static_cast<unsigned>(c)); }
inline constexpr ClassMask kAllClasses = 0x1F;

struct Candidate {
  PgType type;
  ReadingRules rules;
  TextShape shape = TextShape::kAny;
  ClassMask accepts = kAllClasses;    // other classes rule the candidate out
  ClassMask needs_no_check = 0;       // every value of these classes, but -0.0, is known to encode
  ColumnCodec codec;
};

// The candidates of a column, best first. Immutable and shared, since thousands of columns may have
// the same; cheap to copy.
class CandidateList {
 public:
  CandidateList() : CandidateList(std::vector<Candidate>()) {}
  CandidateList(std::vector<Candidate> candidates)  // NOLINT: implicit
      : shared_(std::make_shared<const std::vector<Candidate>>(std::move(candidates))) {}
  CandidateList(std::initializer_list<Candidate> candidates)
      : CandidateList(std::vector<Candidate>(candidates)) {}

  operator const std::vector<Candidate>&() const { return *shared_; }  // NOLINT: implicit
  size_t size() const { return shared_->size(); }
  auto begin() const { return shared_->begin(); }
  auto end() const { return shared_->end(); }
  const Candidate& operator[](size_t i) const { return (*shared_)[i]; }

 private:
  std::shared_ptr<const std::vector<Candidate>> shared_;
};

// Never empty; the last one (bytea) accepts every value. For a column that shows nothing but NULL
// the first is taken. With `empty_as_null`, '' is NULL to each of them.
CandidateList CandidatesFor(const SourceColumn& column, bool empty_as_null = false);

// The candidate list for a type that the user or the target's catalog names: that one alone. Types
// that BindColumn does not know get text for the server. Errors: kInvalidArgument as BindColumn.
absl::StatusOr<Candidate> FixedCandidate(const PgType& type, const ReadingRules& rules);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_CANDIDATES_H_
