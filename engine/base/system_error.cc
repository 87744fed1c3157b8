#include "engine/base/system_error.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/text.h"

namespace lite2pg {

bool IsOutOfResource(int error) {
  return error == ENOMEM || error == EMFILE || error == ENFILE;
}

absl::Status OutOfResource(absl::string_view name, int error) {
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   absl::StrCat(EscapeName(name), ": ", std::strerror(error)),
                   error == ENOMEM ? "give this machine or process more memory"
                                   : "raise the limit of open files (ulimit -n)");
}

}  // namespace lite2pg
