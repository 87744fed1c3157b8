// What a copy would need of the target, and how long it would take.
#ifndef LITE2PG_ENGINE_COMMAND_PLAN_ESTIMATE_H_
#define LITE2PG_ENGINE_COMMAND_PLAN_ESTIMATE_H_

#include "absl/status/statusor.h"
#include "engine/plan/plan.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/connection.h"
#include "engine/report/report.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// From rows and bytes that the scan has counted; nothing is written. The time is a guess, and the
// result says so. `facts` of a cluster that is not there yet: version 0.
EstimateReport EstimateCopy(const Plan& plan, const TargetFacts& facts, int streams);

// Measures how fast `connection` takes rows of the largest table, by a burst into a temporary table
// in a transaction that is rolled back, and puts the time that follows into *estimate. Errors are
// those of the server and of the source.
absl::Status ProbeTarget(PgConnection& connection, const Plan& plan, SourceSnapshot& snapshot,
                         EstimateReport* estimate);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_PLAN_ESTIMATE_H_
