// Which PostgreSQL types a column that we create may get: an ordered list from its declared type,
// the first of which that every value fits is taken. docs/coercion.md shows the table.
#ifndef LITE2PG_ENGINE_PLAN_CANDIDATES_H_
#define LITE2PG_ENGINE_PLAN_CANDIDATES_H_

#include <cstdint>
#include <string>
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

// Never empty; the last one (bytea) accepts every value. For a column that shows nothing but NULL
// the first is taken. With `empty_as_null`, '' is NULL to each of them.
std::vector<Candidate> CandidatesFor(const SourceColumn& column, bool empty_as_null = false);

// The candidate list for a type that the user or the target's catalog names: that one alone. Types
// that BindColumn does not know get text for the server. Errors: kInvalidArgument as BindColumn.
absl::StatusOr<Candidate> FixedCandidate(const PgType& type, const ReadingRules& rules);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_CANDIDATES_H_
