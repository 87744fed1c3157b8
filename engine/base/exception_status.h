// We throw nothing, but what is below us does: out of memory above all.
#ifndef LITE2PG_ENGINE_BASE_EXCEPTION_STATUS_H_
#define LITE2PG_ENGINE_BASE_EXCEPTION_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// The exception that is being handled, as a status: no memory is kTargetOutOfResource with exit
// code 9, anything else a defect. REQUIRES: called in a catch block.
absl::Status StatusOfException(absl::string_view doing);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_EXCEPTION_STATUS_H_
