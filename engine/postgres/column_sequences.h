// The sequences that columns of many tables take their values from, in one query.
#ifndef LITE2PG_ENGINE_POSTGRES_COLUMN_SEQUENCES_H_
#define LITE2PG_ENGINE_POSTGRES_COLUMN_SEQUENCES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

struct TableColumnSequence {
  size_t table = 0;      // index into the names asked for
  std::string column;
  std::string sequence;  // quoted, qualified
};

// `tables`: quoted, qualified; those that do not exist have no sequences.
absl::StatusOr<std::vector<TableColumnSequence>> ReadSequencesOfTables(
    PgConnection& connection, const std::vector<std::string>& tables);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_COLUMN_SEQUENCES_H_
