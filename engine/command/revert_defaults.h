// SQLite declarations for tables that no run of ours knows: docs/revert.md, "Without a ledger".
#ifndef LITE2PG_ENGINE_COMMAND_REVERT_DEFAULTS_H_
#define LITE2PG_ENGINE_COMMAND_REVERT_DEFAULTS_H_

#include <string>
#include <vector>

#include "engine/plan/source_schema.h"
#include "engine/postgres/catalog.h"
#include "engine/report/report.h"

namespace lite2pg {

// The declared type for a column of `type`.
std::string DefaultDeclaredType(const PgType& type);

// CREATE TABLE with keys, uniques, foreign keys, NOT NULLs and simple defaults. What has no form
// in SQLite goes to `objects` as not carried.
std::string DefaultTableSql(const TargetTable& table, std::vector<ObjectReport>* objects);

// CREATE INDEX for the indexes on plain columns that back no constraint.
std::vector<SourceDeclaration> DefaultIndexes(const TargetTable& table,
                                              std::vector<ObjectReport>* objects);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REVERT_DEFAULTS_H_
