// Errors of system calls that say nothing about the file they were asked for.
#ifndef LITE2PG_ENGINE_BASE_SYSTEM_ERROR_H_
#define LITE2PG_ENGINE_BASE_SYSTEM_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Whether `error`, an errno, means that the system or this process has no memory or no descriptors
// left.
bool IsOutOfResource(int error);

// kOutOfResource: "NAME: Cannot allocate memory". REQUIRES: IsOutOfResource(error).
absl::Status OutOfResource(absl::string_view name, int error);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_SYSTEM_ERROR_H_
