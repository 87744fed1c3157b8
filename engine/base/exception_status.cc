#include "engine/base/exception_status.h"

#include <exception>
#include <new>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"

namespace lite2pg {

absl::Status StatusOfException(absl::string_view doing) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                     absl::StrCat("out of memory while ", doing),
                     "give this machine or process more memory, or fewer --streams");
  } catch (const std::exception& e) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     absl::StrCat("an exception that nobody expected while ", doing, ": ", e.what()));
  }
}

}  // namespace lite2pg
