// What a run was asked for and what came of it as a plan, kept in the ledger: a resume must be
// asked for the same and come to the same plan, or rows of one run would follow two rules.
#ifndef LITE2PG_ENGINE_COMMAND_RUN_OPTIONS_H_
#define LITE2PG_ENGINE_COMMAND_RUN_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "engine/command/request.h"
#include "engine/plan/plan.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {

// The JSON of RunRecord::options_json (docs/ledger.md, "Options"). What only decides how fast a run
// is, how it is shown, or when it gives up (--streams, --memory, --reader, --check, --max-rejects,
// output) is not in it.
std::string RunOptionsJson(const CopyRequest& request, const Plan& plan);

// kUnfinishedRun with exit code 11 that names the first option which differs, or says that another
// version of lite2pg, with other rules, began the run.
absl::Status CheckSameOptions(const RunRecord& run, const CopyRequest& request);
// The same for the plan: exit code 11 when the target is not what it was, so that another plan
// comes of it.
absl::Status CheckSamePlan(const RunRecord& run, const Plan& plan);
// The same for a process that joins the run: kJoinRefused unless it would load the same bytes into
// the same tables.
absl::Status CheckSameLoad(const RunRecord& run, const Plan& plan);

// What the run was to load; zeros where the record does not say.
struct RunTotals {
  uint64_t tables = 0, rows = 0, bytes = 0;
};
RunTotals TotalsOf(const RunRecord& run);

// The command that began the run, as the user would type it again; no secret is in it.
std::string CommandOf(const RunRecord& run);
std::string CommandOf(const CopyRequest& request);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_RUN_OPTIONS_H_
