// What of --memory one row of the source may take.
#ifndef LITE2PG_ENGINE_PLAN_MEMORY_SHARE_H_
#define LITE2PG_ENGINE_PLAN_MEMORY_SHARE_H_

#include <algorithm>
#include <cstddef>

#include "engine/base/limits.h"

namespace lite2pg {

// What the process needs besides one huge row: code, page caches, batches, libpq's buffers.
inline constexpr size_t kMemoryBesidesRow = size_t{64} << 20;
// Rows of this size pass whatever --memory is.
inline constexpr size_t kRowBytesAlways = size_t{16} << 20;

// Nobody named a ceiling: a healthy file is then copied whatever its rows need, and the plan says
// how much that is. Who names the default itself gets one byte less (tools/cli/option_table.cc).
constexpr bool MayBeRaised(size_t memory_bytes) { return memory_bytes == kDefaultMemoryBytes; }

// Only one lane holds a huge row at a time (RangePool), as it was read and as it is sent; libpq
// needs as much when it is read back.
constexpr size_t RowBytesMax(size_t memory_bytes) {
  const size_t left = memory_bytes > kMemoryBesidesRow ? memory_bytes - kMemoryBesidesRow : 0;
  return std::clamp(left / 2, kRowBytesAlways, kFieldBytesMax);
}

// The inverse, about what a row takes, and what --memory must be for a row of `row_bytes`.
constexpr size_t MemoryForRow(size_t row_bytes) { return kMemoryBesidesRow + 2 * row_bytes; }

static_assert(RowBytesMax(MemoryForRow(size_t{100} << 20)) >= size_t{100} << 20);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_MEMORY_SHARE_H_
