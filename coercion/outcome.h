// What encoding one value came to: one byte, so that the hot path carries no message.
#ifndef LITE2PG_COERCION_OUTCOME_H_
#define LITE2PG_COERCION_OUTCOME_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace lite2pg {

// Everything but kOk means that nothing was changed in the buffer's committed part and the value
// has no faithful form in the column under the column's rules.
enum class Outcome : uint8_t {
  kOk = 0,
  kNullInNotNull,    // NULL where the column is NOT NULL
  kWrongClass,       // this storage class has no reading in this type
  kOutOfRange,       // a number or date beyond the type's range
  kTooLong,          // more characters than varchar(n), char(n), bit(n), name hold
  kInvalidUtf8,      // text that is not UTF-8
  kContainsNul,      // text with a zero byte
  kMalformed,        // text that the type's grammar does not accept
  kLossy,            // readable, but a part of the value would be lost
  kUnknownLabel,     // not a label of the enum
  kAmbiguous,        // readable in more than one way and no rule names one
  kTooLarge,         // the field or row is beyond what PostgreSQL can hold
};
inline constexpr int kOutcomeCount = 12;

// "text that is not valid UTF-8": a phrase that completes "the value is ...".
absl::string_view OutcomePhrase(Outcome outcome);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_OUTCOME_H_
