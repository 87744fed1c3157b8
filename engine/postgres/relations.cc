#include "engine/postgres/relations.h"

#include "engine/base/status_macros.h"

namespace lite2pg {

absl::StatusOr<std::vector<std::string>> ReadRelationNames(PgConnection& connection,
                                                           const std::string& schema) {
  ASSIGN_OR_RETURN(const PgResult names,
                   connection.Query("SELECT c.relname FROM pg_catalog.pg_class c"
                                    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                    " WHERE n.nspname = $1",
                                    {schema}));
  std::vector<std::string> out;
  out.reserve(static_cast<size_t>(names.rows()));
  for (int i = 0; i < names.rows(); ++i) out.emplace_back(names.Text(i, 0));
  return out;
}

}  // namespace lite2pg
