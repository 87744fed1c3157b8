#include "engine/base/exception_status.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "engine/base/error.h"

namespace lite2pg {
namespace {

template <typename Exception>
ErrorInfo InfoOfThrown(const Exception& exception) {
  try {
    throw exception;
  } catch (const std::exception&) {
    return InfoOf(StatusOfException("copying"));
  }
}

TEST(StatusOfException, WhatTheSystemHasNotIsNoDefect) {
  EXPECT_EQ(InfoOfThrown(std::bad_alloc()).exit_code, ExitCode::kOutOfResource);
  EXPECT_EQ(InfoOfThrown(std::system_error(EAGAIN, std::generic_category())).exit_code,
            ExitCode::kOutOfResource);
  // As oneTBB 2021.8 throws it.
  EXPECT_EQ(InfoOfThrown(std::runtime_error(
                             "pthread_create has failed: Resource temporarily unavailable"))
                .exit_code,
            ExitCode::kOutOfResource);
}

TEST(StatusOfException, AnythingElseIsADefectWithItsWords) {
  const ErrorInfo info = InfoOfThrown(std::runtime_error("no such thing"));
  EXPECT_EQ(info.exit_code, ExitCode::kDefect);
  EXPECT_EQ(info.what, "an exception that nobody expected while copying: no such thing");
  EXPECT_EQ(InfoOfThrown(std::system_error(EPERM, std::generic_category())).exit_code,
            ExitCode::kDefect);
}

}  // namespace
}  // namespace lite2pg
