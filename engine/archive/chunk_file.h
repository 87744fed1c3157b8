// One data file of an archive: rows of one table in PostgreSQL's binary COPY format.
#ifndef LITE2PG_ENGINE_ARCHIVE_CHUNK_FILE_H_
#define LITE2PG_ENGINE_ARCHIVE_CHUNK_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/archive/checksum.h"
#include "engine/archive/directory.h"

namespace lite2pg {

// Move-only; one thread. What was not finished is removed by the destructor.
class ChunkFileWriter {
 public:
  static absl::StatusOr<ChunkFileWriter> Create(std::shared_ptr<const ArchiveDirectory> directory,
                                                const std::string& name);
  ChunkFileWriter(ChunkFileWriter&& other) noexcept = default;
  ChunkFileWriter& operator=(ChunkFileWriter&&) = delete;
  ~ChunkFileWriter();

  // Whole tuples: int16 number of fields, then fields.
  absl::Status Append(absl::string_view tuples);
  // Writes the trailer, syncs, and gives the file its name.
  absl::StatusOr<FileChecksums> Finish();

 private:
  ChunkFileWriter(std::shared_ptr<const ArchiveDirectory> directory, std::string name,
                  FileHandle file)
      : directory_(std::move(directory)), name_(std::move(name)), file_(std::move(file)) {}
  absl::Status Write(absl::string_view bytes);

  std::shared_ptr<const ArchiveDirectory> directory_;
  std::string name_;
  FileHandle file_;
  FileHash hash_;
  bool unfinished_ = true;
};

// Reads tuples in order. Move-only; one thread. Every length is checked before it is believed, and
// memory grows with bytes that are there, never with a length that a file claims.
class ChunkFileReader {
 public:
  // `columns`: the number of fields that each tuple must have. With `hash`, everything read is
  // added to it. Errors: kArchiveAltered with exit code 13.
  static absl::StatusOr<ChunkFileReader> Open(const ArchiveDirectory& directory,
                                              const std::string& name, size_t columns,
                                              FileHash* hash);
  ChunkFileReader(ChunkFileReader&&) noexcept = default;

  // The next tuple without its leading field count: per field an int32 length and the bytes. False
  // at the trailer, after which nothing may follow. A view until the next call.
  absl::StatusOr<bool> Next(absl::string_view* fields);

  const FileHandle& file() const { return file_; }

 private:
  ChunkFileReader(FileHandle file, std::string name, size_t columns, FileHash* hash)
      : file_(std::move(file)), name_(std::move(name)), columns_(columns), hash_(hash) {}
  // Makes `bytes` available from position_ on.
  absl::Status Need(size_t bytes);
  absl::Status FillMore();

  FileHandle file_;
  std::string name_;
  size_t columns_ = 0;
  FileHash* hash_ = nullptr;
  std::string buffer_;
  size_t position_ = 0, end_ = 0;  // what is in the buffer and not yet returned
  bool at_end_ = false;            // of the file
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_CHUNK_FILE_H_
