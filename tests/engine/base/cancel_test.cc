#include "engine/base/cancel.h"

#include <thread>

#include "engine/base/error.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

TEST(CancelToken, RunsEachCallbackOnce) {
  CancelToken token;
  int calls = 0;
  const CancelToken::Registration registration = token.OnCancel([&] { ++calls; });
  EXPECT_TRUE(token.Check().ok());
  token.Cancel();
  token.Cancel();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(InfoOf(token.Check()).exit_code, ExitCode::kInterrupted);
}

TEST(CancelToken, RunsALateCallbackAtOnce) {
  CancelToken token;
  token.Cancel();
  int calls = 0;
  const CancelToken::Registration registration = token.OnCancel([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CancelToken, ForgetsCallbacksWhoseRegistrationIsGone) {
  CancelToken token;
  int calls = 0;
  {
    CancelToken::Registration first = token.OnCancel([&] { ++calls; });
    const CancelToken::Registration moved = std::move(first);
  }
  token.Cancel();
  EXPECT_EQ(calls, 0);
}

TEST(CancelToken, KeepsMovedRegistrations) {
  CancelToken token;
  int calls = 0;
  CancelToken::Registration kept;
  kept = token.OnCancel([&] { ++calls; });
  token.Cancel();
  EXPECT_EQ(calls, 1);
}

TEST(CancelToken, WaitsForARunningCallbackBeforeItsDataGoes) {
  CancelToken token;
  std::atomic<bool> began{false}, ended{false};
  auto registration = std::make_unique<CancelToken::Registration>(token.OnCancel([&] {
    began = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ended = true;
  }));
  std::thread canceller([&] { token.Cancel(); });
  while (!began) std::this_thread::yield();
  registration.reset();
  EXPECT_TRUE(ended);
  canceller.join();
}

}  // namespace
}  // namespace lite2pg
