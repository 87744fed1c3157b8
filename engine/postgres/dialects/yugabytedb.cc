// YugabyteDB: PostgreSQL's query layer over a distributed store
// (https://docs.yugabyte.com, "PostgreSQL compatibility"). Versions on PostgreSQL 15 and later.
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {

const Dialect kYugabyteDialect = {
    .name = "yugabytedb",
    .title = "YugabyteDB",
    .marker = "-YB-",
    // https://github.com/yugabyte/yugabyte-db/issues/3642; newer versions have begun to have them.
    .session_locks = false,
    // Since 2.25.1 only.
    .exported_snapshots = false,
    // Rows have no place of their own in a file.
    .tuple_positions = false,
    // https://github.com/yugabyte/yugabyte-db/issues/1709
    .deferrable_keys = false,
    // Each statement of DDL is a transaction, also within one ("Transactions").
    .transactional_ddl = false,
    .room_statistics = false,
};

}  // namespace lite2pg
