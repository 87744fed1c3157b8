// Sequences of columns: where the next value must be after rows came with values of their own.
#ifndef LITE2PG_ENGINE_POSTGRES_SEQUENCES_H_
#define LITE2PG_ENGINE_POSTGRES_SEQUENCES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

struct SequenceTarget {
  std::string schema, table, column;  // unquoted
  std::string sequence;               // quoted, qualified; "": the one that the column owns
  int64_t source_sequence = 0;        // sqlite_sequence.seq, 0 when there is none
};

struct SequenceSetting {
  std::string name;                   // quoted, qualified; "" when the column has no sequence
  int64_t last_value = 0;             // the highest value in use; 0 when none is
  int64_t next_value = 0;             // what an INSERT without a value would get
  bool exhausted = false;             // the sequence cannot go beyond last_value
};

// Sets the sequence so that its next value is max(0, max(column), source_sequence) + 1, in steps
// of its own increment; one that was never used and whose table is empty stays at its start. It is
// never moved back below values that it has given out already. A sequence that counts down is left
// alone. The sequence is read back.
absl::StatusOr<SequenceSetting> SetSequence(PgConnection& connection,
                                            const SequenceTarget& target);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_SEQUENCES_H_
