// One data file of an archive: rows of one table in PostgreSQL's binary COPY format.
#ifndef LITE2PG_ENGINE_ARCHIVE_CHUNK_FILE_H_
#define LITE2PG_ENGINE_ARCHIVE_CHUNK_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/archive/checksum.h"
#include "engine/archive/directory.h"
#include "engine/archive/manifest.h"
#include "engine/archive/zstd_frame.h"

namespace lite2pg {

// Move-only; one thread. What was not finished is removed by the destructor. Compresses when the
// name says so (IsCompressedName).
class ChunkFileWriter {
 public:
  static absl::StatusOr<ChunkFileWriter> Create(std::shared_ptr<const ArchiveDirectory> directory,
                                                const std::string& name);
  ChunkFileWriter(ChunkFileWriter&& other) noexcept = default;
  ChunkFileWriter& operator=(ChunkFileWriter&&) = delete;
  ~ChunkFileWriter();

  // Whole tuples: int16 number of fields, then fields.
  absl::Status Append(absl::string_view tuples);
  // Writes the trailer, syncs, gives the file its name, and fills in what it is: checksums and
  // raw_*.
  absl::Status Finish(ArchiveChunk* chunk);

 private:
  ChunkFileWriter(std::shared_ptr<const ArchiveDirectory> directory, std::string name,
                  FileHandle file);
  absl::Status Write(absl::string_view raw);
  absl::Status Store(absl::string_view bytes);

  std::shared_ptr<const ArchiveDirectory> directory_;
  std::string name_;
  FileHandle file_;
  FileHash hash_;
  std::optional<FrameWriter> frame_;
  FileHash raw_hash_{FileHash::Kind::kXxh3};   // with frame_
  bool unfinished_ = true;
};

// Reads tuples in order. Move-only; one thread. Every length is checked before it is believed, and
// memory grows with bytes that are there, never with a length that a file claims.
class ChunkFileReader {
 public:
  // `columns`: the number of fields that each tuple must have. With `hash`, all that the file holds
  // is added to it, and with `raw_hash` what that is before compression. Not more than
  // chunk.raw_bytes are decompressed. Errors: kArchiveAltered with exit code 13.
  static absl::StatusOr<ChunkFileReader> Open(const ArchiveDirectory& directory,
                                              const ArchiveChunk& chunk, size_t columns,
                                              FileHash* hash, FileHash* raw_hash);
  ChunkFileReader(ChunkFileReader&&) noexcept = default;

  // The next tuple without its leading field count: per field an int32 length and the bytes. False
  // at the trailer, after which nothing may follow. A view until the next call.
  absl::StatusOr<bool> Next(absl::string_view* fields);

  const FileHandle& file() const { return file_; }

 private:
  ChunkFileReader(FileHandle file, const ArchiveChunk& chunk, size_t columns, FileHash* hash,
                  FileHash* raw_hash);
  // Makes `bytes` available from position_ on.
  absl::Status Need(size_t bytes);
  absl::Status FillMore();
  absl::StatusOr<size_t> ReadFile(char* into, size_t size);
  absl::StatusOr<size_t> Decompress(char* into, size_t size);

  FileHandle file_;
  std::string name_;
  size_t columns_ = 0;
  FileHash* hash_ = nullptr;
  FileHash* raw_hash_ = nullptr;
  std::optional<FrameReader> frame_;
  std::string stored_;                        // with frame_: read from the file
  size_t stored_position_ = 0, stored_end_ = 0;  // what of it was not yet decompressed
  uint64_t raw_left_ = 0;                     // what may still come out
  std::string buffer_;
  size_t position_ = 0, end_ = 0;  // what is in the buffer and not yet returned
  bool at_end_ = false;            // of the file
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_CHUNK_FILE_H_
