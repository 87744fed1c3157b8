#include "engine/pipeline/stream_controller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

namespace lite2pg {
namespace {

// A server that carries rate(n) bytes per interval with n streams, a little more or less.
class Server {
 public:
  explicit Server(std::function<double(int)> rate, double noise = 0)
      : rate_(std::move(rate)), noise_(noise) {}

  // Bytes that were carried in all over `intervals`.
  double Run(StreamController& controller, int intervals) {
    double total = 0;
    for (int i = 0; i < intervals; ++i) {
      std::uniform_real_distribution<double> factor(1 - noise_, 1 + noise_);
      const double bytes = rate_(controller.streams()) * factor(random_);
      total += bytes;
      controller.Observe(static_cast<uint64_t>(bytes));
    }
    return total;
  }

 private:
  std::function<double(int)> rate_;
  double noise_;
  std::mt19937 random_{1};
};

TEST(StreamController, ClimbsToWhereMoreStreamsStopHelping) {
  StreamController controller(2, 8);
  Server server([](int n) { return 1e6 * std::min(n, 5); });
  server.Run(controller, 40);
  EXPECT_EQ(controller.streams(), 5);
}

TEST(StreamController, GoesDownWhereOneStreamCarriesAsMuch) {
  StreamController controller(4, 8);
  Server server([](int) { return 1e8; });
  server.Run(controller, 40);
  EXPECT_EQ(controller.streams(), 1);
}

TEST(StreamController, GoesDownWhereStreamsHinderEachOther) {
  StreamController controller(6, 8);
  Server server([](int n) { return n <= 3 ? 1e8 : 1e8 / (n - 2); });
  server.Run(controller, 60);
  EXPECT_LE(controller.streams(), 3);
}

TEST(StreamController, StaysAtTheBestNumberInSpiteOfNoise) {
  StreamController controller(2, 8);
  Server server([](int n) { return n == 1 ? 6e7 : n == 2 ? 1e8 : 0.95e8; }, 0.03);
  server.Run(controller, 200);
  server.Run(controller, 10);
  EXPECT_EQ(controller.streams(), 2);
}

TEST(StreamController, LosesLittleWhileItLooks) {
  for (const int best : {1, 2, 3, 4}) {
    const auto rate = [best](int n) { return n <= best ? 1e8 * n / best : 1e8 * 0.97; };
    StreamController controller(2, 4);
    Server server(rate, 0.02);
    server.Run(controller, 40);  // on its way from 2
    EXPECT_GT(server.Run(controller, 400), 400 * 1e8 * 0.90) << best;
  }
}

TEST(StreamController, FollowsAServerThatChanges) {
  StreamController controller(2, 8);
  int useful = 1;
  Server server([&](int n) { return 1e8 * std::min(n, useful); });
  server.Run(controller, 60);
  EXPECT_EQ(controller.streams(), 1);
  useful = 4;
  server.Run(controller, 120);
  EXPECT_EQ(controller.streams(), 4);
}

TEST(StreamController, NeverExceedsWhatItIsAllowed) {
  StreamController controller(2, 6);
  Server server([](int n) { return 1e6 * n; });
  for (int i = 0; i < 100; ++i) {
    server.Run(controller, 1);
    EXPECT_LE(controller.streams(), 6);
    EXPECT_GE(controller.streams(), 1);
  }
  EXPECT_EQ(controller.streams(), 6);
  controller.LimitTo(3);
  server.Run(controller, 200);
  EXPECT_EQ(controller.streams(), 3);
}

TEST(StreamController, IsNotMisledByAnIdleServer) {
  StreamController controller(2, 4);
  Server server([](int) { return 0.0; });
  server.Run(controller, 200);
  EXPECT_GE(controller.streams(), 1);
}

}  // namespace
}  // namespace lite2pg
