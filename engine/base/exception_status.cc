#include "engine/base/exception_status.h"

#include <exception>
#include <new>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kUnexpected = "an exception that nobody expected while ";

}  // namespace

absl::Status StatusOfException(absl::string_view doing) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                     absl::StrCat("out of memory while ", doing),
                     "give this machine or process more memory, or fewer --streams");
  } catch (const std::system_error& e) {
    // std::thread: the kernel has no memory, or the user no threads left.
    if (e.code() == std::errc::resource_unavailable_try_again) {
      return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                       absl::StrCat("the system has no more threads while ", doing),
                       "raise the limit of processes (ulimit -u) or of memory, or lower --streams");
    }
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     absl::StrCat(kUnexpected, doing, ": ", e.what()));
  } catch (const std::exception& e) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     absl::StrCat(kUnexpected, doing, ": ", e.what()));
  }
}

}  // namespace lite2pg
