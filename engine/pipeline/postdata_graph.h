// The post-data stage: keys, indexes, checks, foreign keys and views, in parallel where the server
// lets it.
#ifndef LITE2PG_ENGINE_PIPELINE_POSTDATA_GRAPH_H_
#define LITE2PG_ENGINE_PIPELINE_POSTDATA_GRAPH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"

namespace lite2pg {

struct PostDataOptions {
  PgConnectOptions connect;
  int streams = 2;
  // Every object is recorded there in the transaction that makes it. Outlives the call.
  const Ledger* ledger = nullptr;
  std::vector<MadeRecord> made;  // by an earlier attempt of the run: not made again
};

struct PostDataResult {
  std::vector<ObjectReport> objects;  // in the order of plan.objects
  std::vector<Finding> findings;      // what the data or the server did not allow
};

// Makes every object of `plan`, in phases: generated columns; keys, indexes and checks; foreign
// keys; views; then ANALYZE of every table. Within a phase tables go side by side, several CREATE
// INDEX of one table too. An object that the data or the server refuses falls back to its next
// attempt, and is reported; only a lost connection, a lack of resources or a cancellation ends the
// stage.
absl::StatusOr<PostDataResult> BuildPostData(const Plan& plan, const PostDataOptions& options,
                                             EventSink& events, CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_POSTDATA_GRAPH_H_
