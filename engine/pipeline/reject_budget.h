// How many rows may be set aside, counted over all streams.
#ifndef LITE2PG_ENGINE_PIPELINE_REJECT_BUDGET_H_
#define LITE2PG_ENGINE_PIPELINE_REJECT_BUDGET_H_

#include <cstdint>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/rejects.h"

namespace lite2pg {

// Any thread. What is not committed yet is counted by whoever holds the transaction, so that a
// transaction that is done again is not counted twice; so several streams together may go beyond
// the limit by what is open on each, which the next Check() finds.
class RejectBudget {
 public:
  // `policy` and `plan` outlive it.
  RejectBudget(const LoadPolicy& policy, const Plan& plan);

  // OK, or kTooManyRejects with exit code 14 when `open` rows of `table` besides those committed
  // are more than allowed; `last`, which may be null, is shown as an example.
  absl::Status Check(size_t table, uint64_t open, const RejectRecord* last) const;
  void Commit(size_t table, uint64_t rows);

 private:
  const LoadPolicy& policy_;
  const Plan& plan_;
  mutable std::mutex mutex_;
  uint64_t total_ = 0;
  std::vector<uint64_t> by_table_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_REJECT_BUDGET_H_
