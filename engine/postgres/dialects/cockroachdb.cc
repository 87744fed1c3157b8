// CockroachDB: another server with PostgreSQL's protocol and much of its SQL
// (https://www.cockroachlabs.com/docs, "PostgreSQL Compatibility", "COPY").
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {

const Dialect kCockroachDialect = {
    .name = "cockroachdb",
    .title = "CockroachDB",
    .marker = "CockroachDB",
    // The functions are there and do nothing.
    .session_locks = false,
    .exported_snapshots = false,
    .tuple_positions = false,
    // https://github.com/cockroachdb/cockroach/issues/97180; COPY FROM knows the format.
    .binary_copy_out = false,
    .deferrable_keys = false,
    // Schema changes go on after COMMIT ("Online Schema Changes", limitations).
    .transactional_ddl = false,
    .room_statistics = false,
};

}  // namespace lite2pg
