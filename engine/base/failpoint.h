// Places where a test can end the process or make a step fail. They work only in builds with the
// CMake option LITE2PG_FAILPOINTS, which is meant for tests; in others HitFailpoint() is a function
// that does nothing, and no variable is read. None is reached more often than once per batch.
//
// The environment variable LITE2PG_FAILPOINT=NAME:N:ACTION arms one: at the N-th time (from 1) that
// the place is reached, ACTION `kill` ends the process with SIGKILL, `error` makes the step fail
// with exit code 1. The names are in failpoint.cc; a name that is not there ends the process at
// once, so that no test arms nothing.
#ifndef LITE2PG_ENGINE_BASE_FAILPOINT_H_
#define LITE2PG_ENGINE_BASE_FAILPOINT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Whether this build has failpoints.
bool HasFailpoints();

// Any thread. OK unless this place is armed, its time has come and the action is `error`.
absl::Status HitFailpoint(absl::string_view name);

}  // namespace lite2pg

// In a function that returns Status or StatusOr.
#define LITE2PG_FAILPOINT(name)                                                    \
  do {                                                                             \
    if (::absl::Status hit = ::lite2pg::HitFailpoint(name); !hit.ok()) return hit; \
  } while (false)

#endif  // LITE2PG_ENGINE_BASE_FAILPOINT_H_
