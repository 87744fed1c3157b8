#include "engine/archive/chunk_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coercion/wire.h"
#include "engine/archive/format.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// One read() takes this much: large enough to amortise the call, small beside a stream's memory.
constexpr size_t kReadBytes = size_t{256} << 10;

}  // namespace

absl::StatusOr<ChunkFileWriter> ChunkFileWriter::Create(
    std::shared_ptr<const ArchiveDirectory> directory, const std::string& name) {
  ASSIGN_OR_RETURN(FileHandle file, directory->CreateFile(absl::StrCat(name, kUnfinishedSuffix)));
  ChunkFileWriter writer(std::move(directory), name, std::move(file));
  RETURN_IF_ERROR(writer.Write(absl::string_view(kCopyHeader, kCopyHeaderBytes)));
  return writer;
}

ChunkFileWriter::~ChunkFileWriter() {
  if (directory_ == nullptr || !unfinished_) return;
  // It is found and removed by the next export into the directory if this fails.
  directory_->Remove(absl::StrCat(name_, kUnfinishedSuffix)).IgnoreError();
}

ChunkFileWriter::ChunkFileWriter(std::shared_ptr<const ArchiveDirectory> directory,
                                 std::string name, FileHandle file)
    : directory_(std::move(directory)), name_(std::move(name)), file_(std::move(file)) {
  if (IsCompressedName(name_)) frame_.emplace();
}

absl::Status ChunkFileWriter::Store(absl::string_view bytes) {
  hash_.Update(bytes);
  return WriteFully(file_, name_, bytes);
}

absl::Status ChunkFileWriter::Write(absl::string_view raw) {
  if (!frame_.has_value()) return Store(raw);
  raw_hash_.Update(raw);
  return frame_->Append(raw, [this](absl::string_view bytes) { return Store(bytes); });
}

absl::Status ChunkFileWriter::Append(absl::string_view tuples) { return Write(tuples); }

absl::Status ChunkFileWriter::Finish(ArchiveChunk* chunk) {
  RETURN_IF_ERROR(Write(absl::string_view(kCopyTrailer, kCopyTrailerBytes)));
  if (frame_.has_value()) {
    RETURN_IF_ERROR(frame_->Finish([this](absl::string_view bytes) { return Store(bytes); }));
  }
  LITE2PG_FAILPOINT("export.chunk.written");
  RETURN_IF_ERROR(directory_->Publish(file_, absl::StrCat(name_, kUnfinishedSuffix), name_));
  unfinished_ = false;
  chunk->checksums = hash_.Finish();
  chunk->raw_bytes = chunk->checksums.bytes;
  if (!frame_.has_value()) return absl::OkStatus();
  const FileChecksums raw = raw_hash_.Finish();
  chunk->raw_bytes = raw.bytes;
  chunk->raw_xxh3 = raw.xxh3;
  return absl::OkStatus();
}

ChunkFileReader::ChunkFileReader(FileHandle file, const ArchiveChunk& chunk, size_t columns,
                                 FileHash* hash, FileHash* raw_hash)
    : file_(std::move(file)),
      name_(chunk.file),
      columns_(columns),
      hash_(hash),
      raw_hash_(raw_hash),
      raw_left_(chunk.raw_bytes) {
  if (IsCompressedName(name_)) frame_.emplace();
}

absl::StatusOr<ChunkFileReader> ChunkFileReader::Open(const ArchiveDirectory& directory,
                                                      const ArchiveChunk& chunk, size_t columns,
                                                      FileHash* hash, FileHash* raw_hash) {
  ASSIGN_OR_RETURN(FileHandle file, directory.OpenFile(chunk.file));
  ChunkFileReader reader(std::move(file), chunk, columns, hash, raw_hash);
  RETURN_IF_ERROR(reader.Need(kCopyHeaderBytes));
  const absl::string_view header(reader.buffer_.data(), kCopyHeaderBytes);
  if (header != absl::string_view(kCopyHeader, kCopyHeaderBytes)) {
    return AlteredError(chunk.file, "it does not begin as binary COPY does");
  }
  reader.position_ = kCopyHeaderBytes;
  return reader;
}

absl::Status ChunkFileReader::FillMore() {
  if (position_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + position_, end_ - position_);
    end_ -= position_;
    position_ = 0;
  }
  if (buffer_.size() - end_ < kReadBytes) buffer_.resize(end_ + kReadBytes + end_ / 2);
  char* const into = buffer_.data() + end_;
  const size_t room = buffer_.size() - end_;
  ASSIGN_OR_RETURN(const size_t n,
                   frame_.has_value() ? Decompress(into, room) : ReadFile(into, room));
  end_ += n;
  at_end_ = n == 0;
  return absl::OkStatus();
}

// 0 at the end of the file.
absl::StatusOr<size_t> ChunkFileReader::ReadFile(char* into, size_t size) {
  while (true) {
    const ssize_t n = read(file_.fd(), into, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return AlteredError(name_, std::strerror(errno));
    const auto bytes = static_cast<size_t>(n);
    if (hash_ != nullptr) hash_->Update(absl::string_view(into, bytes));
    return bytes;
  }
}

// 0 at the end of the frame, which is that of the file.
absl::StatusOr<size_t> ChunkFileReader::Decompress(char* into, size_t size) {
  stored_.resize(kReadBytes);
  while (true) {
    if (stored_position_ == stored_end_) {
      stored_position_ = 0;
      ASSIGN_OR_RETURN(stored_end_, ReadFile(stored_.data(), stored_.size()));
      if (stored_end_ == 0 && frame_->finished()) return 0;
    }
    const bool file_ended = stored_position_ == stored_end_;
    absl::string_view stored(stored_.data() + stored_position_, stored_end_ - stored_position_);
    size_t written = 0;
    if (!frame_->Read(&stored, into, size, &written)) {
      return AlteredError(name_, "it is not one frame of zstd");
    }
    stored_position_ = stored_end_ - stored.size();
    if (written > raw_left_) return AlteredError(name_, "it holds more than the manifest says");
    raw_left_ -= written;
    if (raw_hash_ != nullptr) raw_hash_->Update(absl::string_view(into, written));
    if (written > 0) return written;
    if (file_ended && !frame_->finished()) {
      return AlteredError(name_, "it ends in the middle of its frame");
    }
  }
}

absl::Status ChunkFileReader::Need(size_t bytes) {
  while (end_ - position_ < bytes) {
    if (at_end_) return AlteredError(name_, "it ends in the middle of a row");
    RETURN_IF_ERROR(FillMore());
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ChunkFileReader::Next(absl::string_view* fields) {
  RETURN_IF_ERROR(Need(2));
  const int16_t count = LoadInt16(buffer_.data() + position_);
  if (count == -1) {
    position_ += 2;
    while (!at_end_ && end_ == position_) RETURN_IF_ERROR(FillMore());
    if (end_ != position_) return AlteredError(name_, "there are bytes after its end");
    return false;
  }
  if (count < 0 || static_cast<size_t>(count) != columns_) {
    return AlteredError(name_, "a row does not have as many fields as the table has columns");
  }
  size_t size = 2;
  for (size_t i = 0; i < columns_; ++i) {
    RETURN_IF_ERROR(Need(size + 4));
    const int32_t length = LoadInt32(buffer_.data() + position_ + size);
    if (length < -1) return AlteredError(name_, "a field has a length that cannot be");
    size += 4 + (length < 0 ? 0 : static_cast<size_t>(length));
    if (size > kArchiveRowBytesMax) return AlteredError(name_, "a row is larger than it can be");
    RETURN_IF_ERROR(Need(size));
  }
  *fields = absl::string_view(buffer_.data() + position_ + 2, size - 2);
  position_ += size;
  return true;
}

}  // namespace lite2pg
