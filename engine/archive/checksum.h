// Checksums of files: XXH3-128 finds accidents fast, SHA-256 cannot be forged.
#ifndef LITE2PG_ENGINE_ARCHIVE_CHECKSUM_H_
#define LITE2PG_ENGINE_ARCHIVE_CHECKSUM_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// What identifies the bytes of a file.
struct FileChecksums {
  std::string sha256;  // 64 hexadecimal digits
  std::string xxh3;    // 32, high half first
  uint64_t bytes = 0;
  friend bool operator==(const FileChecksums&, const FileChecksums&) = default;
};

// Move-only; one thread. CHECKs that the libraries have the algorithms.
class FileHash {
 public:
  enum class Kind : uint8_t { kBoth, kXxh3 };

  // With kXxh3 no SHA-256 is made; it is "" then.
  explicit FileHash(Kind kind = Kind::kBoth);
  FileHash(FileHash&& other) noexcept;
  FileHash& operator=(FileHash&& other) noexcept;
  ~FileHash();

  void Update(absl::string_view bytes);
  // Of everything so far; nothing may be added afterwards.
  FileChecksums Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of a text in memory.
FileChecksums ChecksumsOf(absl::string_view bytes);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_CHECKSUM_H_
