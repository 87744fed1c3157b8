#include "engine/command/stream_count.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace lite2pg {
namespace {

// Memory that a stream takes: its batches, libpq's buffers, SQLite's page cache and a share of the
// allocator's slack.
constexpr size_t kStreamBytes = size_t{12} << 20;
// --streams auto: a stream waits for the network, the disk and the server, so that more of them
// than there are processors can pay; how many it measures.
constexpr int kAutoStreamsMin = 4;
constexpr int kAutoStreamsPerProcessor = 2;
constexpr int kSpareConnections = 5;

// What the process needs besides.
constexpr size_t kBaseBytes = size_t{64} << 20;

}  // namespace

int FirstStreams(const CommonOptions& options) {
  const size_t memory = options.memory_bytes;
  const size_t by_memory = memory > kBaseBytes ? (memory - kBaseBytes) / kStreamBytes : 1;
  int streams = options.streams;
  if (streams == 0) streams = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  streams = std::min<int>(streams, static_cast<int>(std::max<size_t>(by_memory, 1)));
  return std::clamp(streams, 1, kStreamsMax);
}

int MostStreams(const CommonOptions& options, const TargetFacts& facts) {
  if (options.streams != 0) return FirstStreams(options);
  const size_t memory = options.memory_bytes;
  const size_t by_memory = memory > kBaseBytes ? (memory - kBaseBytes) / kStreamBytes : 1;
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  int streams = std::min<int>(std::max(kAutoStreamsMin, kAutoStreamsPerProcessor * processors),
                              static_cast<int>(std::max<size_t>(by_memory, 1)));
  // Some connections stay for the application, and for ours that send no rows.
  if (facts.version != 0) streams = std::min(streams, facts.connections_free - kSpareConnections);
  return std::clamp(streams, FirstStreams(options), kStreamsMax);
}

bool HasSpareProcessors(int streams) {
  return std::thread::hardware_concurrency() > 2 * static_cast<unsigned>(streams);
}

bool IsFar(PgConnection& connection) {
  constexpr auto kFar = std::chrono::milliseconds(4);
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 3; ++i) {
    const auto began = std::chrono::steady_clock::now();
    if (!connection.Execute("SELECT").ok()) return false;  // whoever needs it next will say why
    best = std::min(best, std::chrono::steady_clock::now() - began);
  }
  return best > kFar;
}

}  // namespace lite2pg
