// Sequences after a load: the next value is one that no row has.
#ifndef LITE2PG_ENGINE_POSTGRES_SEQUENCES_H_
#define LITE2PG_ENGINE_POSTGRES_SEQUENCES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// What pg_sequence says of a sequence.
struct SequenceShape {
  int64_t start = 1, increment = 1, min = 1, max = INT64_MAX;
};

// Arguments of setval, and what nextval will give after it.
struct SequencePosition {
  int64_t last_value = 0;
  bool is_called = false;  // false: last_value itself comes next
  int64_t next_value = 0;  // 0 when exhausted
  bool exhausted = false;  // there is no next value (or it would cycle into used ones)
};

// Where a sequence must stand when the outermost value used is `used` (the largest of rows and
// sqlite_sequence; for descending sequences the smallest of the rows). Nothing used: its start.
// With an increment of 1 the next value is max(0, used) + 1; with others it is the next one of the
// sequence's own series (start + k * increment), so that several writers' series stay apart.
SequencePosition NextSequencePosition(const SequenceShape& shape, std::optional<int64_t> used);

struct SequenceRequest {
  std::string schema, table, column;  // unquoted
  std::string sequence;               // quoted, qualified; "" to look it up by the column
  // sqlite_sequence.seq: values that were given once and may be known outside, though no row has
  // them any more. 0 for none.
  int64_t source_sequence = 0;
};

struct SequenceResult {
  std::string name;  // quoted, qualified; "" when the column has no sequence
  int64_t last_value = 0, next_value = 0;
  bool exhausted = false;
};

// Reads each column's outermost value, sets the sequences, and reads back where they stand; one
// result per request, in a number of round trips that grows by six for every few hundred of them.
// A column without a sequence is no error. Its sequence is that of an identity column, or the one
// that the column's default calls nextval on (owned by the column or not). Needs SELECT on the
// tables, UPDATE and SELECT on the sequences. After an error some sequences may have been set.
absl::StatusOr<std::vector<SequenceResult>> SetColumnSequences(
    PgConnection& connection, const std::vector<SequenceRequest>& requests);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_SEQUENCES_H_
