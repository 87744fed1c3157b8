#include "engine/sqlite/content_hash.h"

#include <algorithm>
#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

constexpr int64_t kPieceBytes = int64_t{1} << 20;

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

absl::StatusOr<std::string> HashSourceContent(SqliteConnection& connection,
                                              const CancelToken& cancel) {
  ASSIGN_OR_RETURN(const std::string head, connection.ReadFileBytes(0, 100));
  ASSIGN_OR_RETURN(const int64_t page_size, connection.QueryInt("PRAGMA page_size"));
  ASSIGN_OR_RETURN(int64_t pages, connection.QueryInt("PRAGMA page_count"));
  // Pages that are only in the WAL are not in the file yet; its header counts those that are.
  const auto byte = [&head](size_t at) { return int64_t{static_cast<uint8_t>(head[at])}; };
  const int64_t in_file = byte(28) << 24 | byte(29) << 16 | byte(30) << 8 | byte(31);
  if (in_file > 0) pages = std::min(pages, in_file);
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  XXH3_128bits_reset(state.get());
  const int64_t size_bytes = page_size * pages;
  for (int64_t at = 0; at < size_bytes; at += kPieceBytes) {
    RETURN_IF_ERROR(cancel.Check());
    const auto bytes = static_cast<int>(std::min(kPieceBytes, size_bytes - at));
    ASSIGN_OR_RETURN(const std::string piece, connection.ReadFileBytes(at, bytes));
    XXH3_128bits_update(state.get(), piece.data(), piece.size());
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return absl::StrCat(absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

}  // namespace lite2pg
