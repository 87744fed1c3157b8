// Reads tables of the target back and digests them, as the source's rows were on their way in.
#ifndef LITE2PG_ENGINE_VERIFY_READ_BACK_H_
#define LITE2PG_ENGINE_VERIFY_READ_BACK_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/plan/partition_record.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/dialects/dialect.h"
#include "engine/report/event.h"
#include "engine/verify/witnesses.h"

namespace lite2pg {

struct ReadBackOptions {
  PgConnectOptions connect;
  int streams = 2;
  Witnesses* witnesses = nullptr;  // is told which of its rows were met
  const Dialect* dialect = &kPostgresDialect;
  // Not null: everything is read on it, within its open transaction.
  PgConnection* within = nullptr;
};

// The digests of one table: of all its rows (with their number), and of its partitions.
struct TableReadBack {
  Digest digest;
  PartitionRecord partitions;   // of rows of tables that `plan` reads as text: none
};

// One per table of `plan`, each from one snapshot of the target (which hundreds of tables share,
// not thousands), by binary COPY over several connections. Tables are cut by physical position
// (ctid), so that one large table uses every stream.
absl::StatusOr<std::vector<TableReadBack>> ReadBackTables(const Plan& plan,
                                                          const ReadBackOptions& options,
                                                          EventSink& events, CancelToken& cancel);

// What identifies a row of `target`, as indexes into the columns of `table`: its primary key, else
// a unique index without NULLs. Empty where it has neither.
std::vector<size_t> UniqueKeyOf(const TablePlan& table, const TargetTable& target);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_READ_BACK_H_
