// What the user asks of the source before anything is done with it.
#ifndef LITE2PG_ENGINE_COMMAND_SOURCE_CHECKS_H_
#define LITE2PG_ENGINE_COMMAND_SOURCE_CHECKS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/command/request.h"
#include "engine/sqlite/catalog.h"
#include "engine/report/report.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// --require-idle: kSourceInUse (exit 6) with the processes that have the source open. Otherwise
// what was found out, for the report; how many processes could not be looked at is part of it.
absl::StatusOr<std::string> RequireIdle(const std::string& path);

// --expect: kSourceExpectation (exit 12) with every expectation that the source does not meet. A
// column meets it when its greatest value, in SQLite's order and shown as text, is the one named;
// user_version and application_id are SQLite's own numbers.
absl::Status CheckExpectations(SqliteConnection& reader, const SourceCatalog& catalog,
                               const std::vector<Expectation>& expectations);

// What reading the source may do to the application that writes it: keep it from committing, or let
// its WAL grow; and that a network file system holds it. Before anything is read, and after all is.
void FindEffectsOnWriters(const SourceSnapshot& snapshot, std::vector<Finding>* findings);
void FindWalGrowth(const SourceSnapshot& snapshot, std::vector<Finding>* findings);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SOURCE_CHECKS_H_
