#include "engine/sqlite/pages/wal_frames.h"

#include <cstring>
#include <string>

#include "engine/sqlite/pages/format.h"

namespace lite2pg {
namespace {

// https://www.sqlite.org/fileformat2.html#walformat
constexpr int kWalHeaderBytes = 32, kFrameHeaderBytes = 24;
constexpr uint32_t kMagicLittle = 0x377f0682, kMagicBig = 0x377f0683;
constexpr uint32_t kWalVersion = 3'007'000;
// A log of 16 GiB with pages of 4 KiB; the map of a longer one would take too much memory.
constexpr uint32_t kFramesMax = 4'000'000;

// The running checksum over pairs of 32-bit words in the byte order that the magic names.
class Checksum {
 public:
  explicit Checksum(bool big_endian) : big_endian_(big_endian) {}

  void Add(const uint8_t* data, size_t size_bytes) {
    uint32_t a = a_, b = b_;
    for (size_t i = 0; i + 8 <= size_bytes; i += 8) {
      a += Word(data + i) + b;
      b += Word(data + i + 4) + a;
    }
    a_ = a, b_ = b;
  }
  bool Equals(const uint8_t* stored) const {
    return LoadBig32(stored) == a_ && LoadBig32(stored + 4) == b_;
  }
  bool Equals(const uint32_t (&sums)[2]) const { return sums[0] == a_ && sums[1] == b_; }

 private:
  uint32_t Word(const uint8_t* at) const {
    uint32_t word;
    std::memcpy(&word, at, sizeof(word));
    return big_endian_ ? __builtin_bswap32(word) : word;
  }

  bool big_endian_;
  uint32_t a_ = 0, b_ = 0;
};

const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

const char* WalFrames::Build(SqliteConnection& connection, const WalPosition& position,
                             uint32_t page_bytes) {
  if (position.frames > kFramesMax) return "the write-ahead log is too long";
  const absl::StatusOr<std::string> header = connection.ReadWalBytes(0, kWalHeaderBytes);
  if (!header.ok()) return "the write-ahead log cannot be read";
  const uint8_t* const head = Bytes(*header);
  const uint32_t magic = LoadBig32(head);
  if ((magic != kMagicLittle && magic != kMagicBig) || LoadBig32(head + 4) != kWalVersion ||
      LoadBig32(head + 8) != page_bytes) {
    return "the write-ahead log's header is not one we know";
  }
  std::memcpy(salt_, head + 16, sizeof(salt_));
  if (std::memcmp(salt_, position.salt, sizeof(salt_)) != 0) {
    return "the write-ahead log has been started anew";
  }
  Checksum checksum(magic == kMagicBig);
  checksum.Add(head, 24);
  if (!checksum.Equals(head + 24)) return "the write-ahead log's header fails its checksum";
  const int frame_bytes = kFrameHeaderBytes + static_cast<int>(page_bytes);
  uint32_t last_commit_pages = 0;
  for (uint32_t frame = 0; frame < position.frames; ++frame) {
    const absl::StatusOr<std::string> read =
        connection.ReadWalBytes(WalFrameOffset(frame, page_bytes), frame_bytes);
    if (!read.ok()) return "the write-ahead log cannot be read";
    const uint8_t* const bytes = Bytes(*read);
    if (std::memcmp(bytes + 8, salt_, sizeof(salt_)) != 0) return "a frame of the log is not of it";
    checksum.Add(bytes, 8);
    checksum.Add(bytes + kFrameHeaderBytes, page_bytes);
    if (!checksum.Equals(bytes + 16)) return "a frame of the write-ahead log fails its checksum";
    frame_of_page_[LoadBig32(bytes)] = frame;
    last_commit_pages = LoadBig32(bytes + 4);
  }
  if (!checksum.Equals(position.frame_checksum) || last_commit_pages == 0 ||
      last_commit_pages != position.pages) {
    return "the write-ahead log does not end at the snapshot's commit";
  }
  return nullptr;
}

}  // namespace lite2pg
