// Names of what a schema holds already.
#ifndef LITE2PG_ENGINE_POSTGRES_RELATIONS_H_
#define LITE2PG_ENGINE_POSTGRES_RELATIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Every name in the namespace that tables, indexes, sequences and views of `schema` share; empty
// when there is no such schema.
absl::StatusOr<std::vector<std::string>> ReadRelationNames(PgConnection& connection,
                                                           const std::string& schema);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_RELATIONS_H_
