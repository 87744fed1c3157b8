// Loading straight into tables that the application made: what slows loading is dropped with its
// definition in the ledger, and put back; after a failure the run's rows are taken back as well.
#ifndef LITE2PG_ENGINE_COMMAND_EXISTING_LOAD_H_
#define LITE2PG_ENGINE_COMMAND_EXISTING_LOAD_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"

namespace lite2pg {

// Definitions of the application's tables as they were, and which foreign keys may differ because
// the data has rows that point nowhere.
struct DefinitionsBefore {
  std::vector<std::string> lines;
  std::set<std::string> not_valid;   // SetAsideObject::object
};

// Notes in the ledger which tables the run loads, and drops plan.existing.set_aside, each together
// with its record. REQUIRES: no transaction is open.
absl::StatusOr<DefinitionsBefore> SetObjectsAside(PgConnection& connection, const Plan& plan,
                                                  const Ledger& ledger);

struct RestoreOptions {
  PgConnectOptions connect;
  int streams = 2;
  Orphans orphans = Orphans::kNotValid;
  CancelToken* cancel = nullptr;
};

// Makes again what the ledger holds for this run and is not waiting for a merge: indexes side by
// side, then what belongs to them, then foreign keys, which are validated side by side. A foreign
// key that the rows violate stays NOT VALID with a finding, or is an error (--orphans stop). Then
// the statistics of the tables that were loaded directly.
absl::Status RestoreObjects(const Plan& plan, const Ledger& ledger, const RestoreOptions& options,
                            EventSink& events, DefinitionsBefore* before,
                            std::vector<Finding>* findings);

// The statements of `objects`, inside the caller's transaction; for foreign keys with the same
// rule as above. Records in the ledger are marked restored.
absl::Status RestoreInTransaction(PgConnection& connection,
                                  const std::vector<const SetAsideObject*>& objects,
                                  const Ledger& ledger, Orphans orphans, DefinitionsBefore* before,
                                  std::vector<Finding>* findings);

// kTargetConstraint unless the definitions are what they were before.
absl::Status CompareDefinitions(PgConnection& connection, const Plan& plan,
                                const DefinitionsBefore& before);

// In the run's last transaction: from now on its rows belong to the application.
absl::Status GiveUpClaims(PgConnection& connection, const Ledger& ledger);
// Whether that transaction took place; waits for it where a lost connection left it under way.
absl::StatusOr<bool> ClaimsAreGivenUp(PgConnection& connection, const Ledger& ledger);

// After a failure, or for a run that did not end: removes every row that the run committed into
// the application's tables, and puts back what it had set aside; knows both from the ledger alone.
// Ends what the run left behind on the server and raises its epoch first: *ledger is the run's, and
// has the new epoch afterwards. *effect says what was done, or what is left; it stays as it is when
// there is nothing to take back.
absl::Status TakeBackLoad(PgConnection& connection, Ledger* ledger, std::string* effect);

// The above for every run into this schema that did not end, before a new plan is made.
absl::Status RecoverUnfinishedLoads(PgConnection& connection, const LedgerLocation& location,
                                    const std::string& target_schema);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_EXISTING_LOAD_H_
