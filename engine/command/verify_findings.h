// What is amiss in a target although its rows may be equal: keys that are missing, sequences that
// will give a value twice, types that hold less.
#ifndef LITE2PG_ENGINE_COMMAND_VERIFY_FINDINGS_H_
#define LITE2PG_ENGINE_COMMAND_VERIFY_FINDINGS_H_

#include <vector>

#include "absl/status/status.h"
#include "engine/command/paired_tables.h"
#include "engine/report/report.h"

namespace lite2pg {

// Reads the target's catalog once more and its sequences, one after the other. What the role may
// not read is a finding too.
absl::Status FindInCatalogs(const PairedTables& pairs, std::vector<Finding>* findings);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_VERIFY_FINDINGS_H_
