// A statement over the rows of a table of ours, when the application's table refuses some of them.
#ifndef LITE2PG_ENGINE_COMMAND_MERGE_REFUSALS_H_
#define LITE2PG_ENGINE_COMMAND_MERGE_REFUSALS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/command/late_rejects.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Runs a statement for the rows of the loaded table (alias s) that meet one more condition, in the
// transaction that is open; returns how many rows it concerned.
using RunForRows = std::function<absl::StatusOr<uint64_t>(const std::string& condition)>;

// Runs it for all rows at once; when the server refuses rows, halves the table's pages until they
// stand alone. With the policy to reject they are deleted from the loaded table and noted in
// `late`; with the policy to stop the error names the first. Errors of other kinds come back as
// they are. Returns the rows concerned, without those refused.
absl::StatusOr<uint64_t> RunForAllRows(PgConnection& connection, const TablePlan& table,
                                       size_t table_index, LateRejects* late,
                                       const RunForRows& run);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_MERGE_REFUSALS_H_
