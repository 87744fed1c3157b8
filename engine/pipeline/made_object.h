// What the ledger remembers of an object of post-data, so that a resumed run reports it as the one
// that made it would have.
#ifndef LITE2PG_ENGINE_PIPELINE_MADE_OBJECT_H_
#define LITE2PG_ENGINE_PIPELINE_MADE_OBJECT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/report/report.h"

namespace lite2pg {

struct MadeObject {
  ObjectReport report;
  std::vector<Finding> findings;
};

// JSON; strings may hold any bytes. Decode is false for anything else than what Encode makes.
std::string EncodeMadeObject(const MadeObject& object);
bool DecodeMadeObject(absl::string_view text, MadeObject* object);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_MADE_OBJECT_H_
