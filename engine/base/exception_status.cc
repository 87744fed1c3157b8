#include "engine/base/exception_status.h"

#include <exception>
#include <new>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kUnexpected = "an exception that nobody expected while ";
// How oneTBB tells that it got no thread, as a std::runtime_error (handle_perror() in its
// src/tbb/exception.cpp).
constexpr absl::string_view kTbbThread = "pthread_create has failed";

absl::Status NoThreads(absl::string_view doing) {
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   absl::StrCat("the system has no more threads while ", doing),
                   "raise the limit of processes (ulimit -u) or of memory, or lower --streams");
}

absl::Status Unexpected(absl::string_view doing, const std::exception& e) {
  return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                   absl::StrCat(kUnexpected, doing, ": ", e.what()));
}

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
    const bool no_thread = e.code() == std::errc::resource_unavailable_try_again;
    return no_thread ? NoThreads(doing) : Unexpected(doing, e);
  } catch (const std::exception& e) {
    const bool no_thread = absl::StartsWith(e.what(), kTbbThread);
    return no_thread ? NoThreads(doing) : Unexpected(doing, e);
  }
}

}  // namespace lite2pg
