// PostgreSQL itself, 14 to 18.
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {

const Dialect kPostgresDialect = {
    .name = "postgresql",
    .title = "PostgreSQL",
    .proven = true,
};

}  // namespace lite2pg
