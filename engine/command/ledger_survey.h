// What a target's ledger knows, read in one go: for status and clean.
#ifndef LITE2PG_ENGINE_COMMAND_LEDGER_SURVEY_H_
#define LITE2PG_ENGINE_COMMAND_LEDGER_SURVEY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {

struct SurveyedRun {
  RunRecord run;
  uint64_t tables = 0, chunks = 0, rows = 0, bytes = 0;  // committed
  uint64_t rejects = 0;
  uint64_t set_aside = 0;         // definitions that are off
  bool rejects_exported = false;
  double seconds = 0;             // from its beginning to its last commit
  std::string holder;             // who works on its schema now; "": nobody
};

// Where the ledger of `target_schema` is: in a schema of its own, or in the target schema. nullopt:
// there is none.
absl::StatusOr<std::optional<LedgerLocation>> FindLedger(PgConnection& connection,
                                                         const std::string& target_schema);

// All runs, newest first. Changes nothing.
absl::StatusOr<std::vector<SurveyedRun>> SurveyLedger(PgConnection& connection,
                                                      const LedgerLocation& location);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_LEDGER_SURVEY_H_
