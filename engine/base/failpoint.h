// Places where a test can end the process or make a step fail. They work only in builds with the
// CMake option LITE2PG_FAILPOINTS, which is meant for tests; in others HitFailpoint() is a function
// that does nothing, and no variable is read. None is reached more often than once per batch.
//
// The environment variable LITE2PG_FAILPOINT=NAME:N:ACTION[:always] arms one: at the N-th time
// (from 1) that the place is reached, or from then on, ACTION `kill` ends the process with
// SIGKILL, and these make the step fail: `error` as a defect (exit code 1), `eio` as when the
// source's medium fails (5), `enospc` as when a disk is full (9). The names are in failpoint.cc; a
// name that is not there ends the process at once, so that no test arms nothing.
// LITE2PG_FAILPOINT_LOG=FILE appends the name of every place that is reached.
//
// LITE2PG_TEST_LIMITS=NAME=VALUE[,NAME=VALUE...] makes bounds small, so that little data has many
// batches and transactions, and takes every way into existing tables: batch_bytes, chunk_bytes,
// chunk_rows, transaction_bytes, merge_bytes, tables_per_snapshot. And it can spoil one bit behind
// the encoder: spoilt_batch, spoilt_byte, spoilt_bit.
#ifndef LITE2PG_ENGINE_BASE_FAILPOINT_H_
#define LITE2PG_ENGINE_BASE_FAILPOINT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Whether this build has failpoints.
bool HasFailpoints();

// Any thread. OK unless this place is armed, its time has come and the action leaves the process
// alive.
absl::Status HitFailpoint(absl::string_view name);

// What LITE2PG_TEST_LIMITS says of the bound, or `otherwise`. Any thread.
uint64_t LimitForTests(absl::string_view name, uint64_t otherwise);

}  // namespace lite2pg

// In a function that returns Status or StatusOr.
#define LITE2PG_FAILPOINT(name)                                                    \
  do {                                                                             \
    if (::absl::Status hit = ::lite2pg::HitFailpoint(name); !hit.ok()) return hit; \
  } while (false)

#endif  // LITE2PG_ENGINE_BASE_FAILPOINT_H_
