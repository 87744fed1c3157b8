#include "engine/sqlite/wal_position.h"

#include <cstring>

namespace lite2pg {
namespace {

// Offsets within struct WalIndexHdr, which is in native byte order.
constexpr size_t kFramesOffset = 16, kPagesOffset = 20, kChecksumOffset = 24, kSaltOffset = 32;
constexpr size_t kCopyBytes = 48, kBackfilledOffset = 2 * kCopyBytes;
static_assert(kBackfilledOffset + sizeof(uint32_t) == kWalIndexHeaderBytes);

}  // namespace

// Writers change the copies one after the other.
bool ParseWalIndexHeader(const std::string& header, WalPosition* position) {
  if (std::memcmp(header.data(), header.data() + kCopyBytes, kCopyBytes) != 0) return false;
  std::memcpy(&position->frames, header.data() + kFramesOffset, sizeof(position->frames));
  std::memcpy(&position->pages, header.data() + kPagesOffset, sizeof(position->pages));
  std::memcpy(position->frame_checksum, header.data() + kChecksumOffset,
              sizeof(position->frame_checksum));
  std::memcpy(position->salt, header.data() + kSaltOffset, sizeof(position->salt));
  std::memcpy(&position->backfilled, header.data() + kBackfilledOffset,
              sizeof(position->backfilled));
  return true;
}

}  // namespace lite2pg
