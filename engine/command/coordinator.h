// The connection that a run holds from beginning to end, and with it the lock on its schema.
#ifndef LITE2PG_ENGINE_COMMAND_COORDINATOR_H_
#define LITE2PG_ENGINE_COMMAND_COORDINATOR_H_

#include <string>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/command/target_session.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {

// Sees whether `coordinator` still lives, by a round trip; makes a new one if not, waiting for a
// server that restarts, and takes the lock again. kAnotherRun when somebody else has taken it
// meanwhile. REQUIRES: no transaction is open that would have to survive.
absl::Status RenewCoordinator(const TargetSession& target, const std::string& target_schema,
                              PgConnection* coordinator,
                              const Dialect& dialect = kPostgresDialect);

// Waits for a server that was there a moment ago to take connections again, for half a minute at
// most. Errors are why the last attempt failed, and cancellation.
absl::Status AwaitServer(const TargetSpec& target, const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_COORDINATOR_H_
