// Reads tables of the target back and digests them, as the source's rows were on their way in.
#ifndef LITE2PG_ENGINE_VERIFY_READ_BACK_H_
#define LITE2PG_ENGINE_VERIFY_READ_BACK_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/report/event.h"

namespace lite2pg {

struct ReadBackOptions {
  PgConnectOptions connect;
  int streams = 2;
};

// One digest (with its row count) per table of `plan`, each from one snapshot of the target (which
// hundreds of tables share, not thousands), by binary COPY over several connections. Tables are cut
// by physical position (ctid), so that one large table uses every stream.
absl::StatusOr<std::vector<Digest>> ReadBackTables(const Plan& plan,
                                                   const ReadBackOptions& options,
                                                   EventSink& events, CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_READ_BACK_H_
