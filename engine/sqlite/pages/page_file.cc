#include "engine/sqlite/pages/page_file.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>

#include "engine/base/error.h"
#include "engine/sqlite/source_file.h"

namespace lite2pg {
namespace {

// Bytes read at once where pages follow each other: enough to make system calls cheap beside the
// decoding, few enough to stay in the second-level cache.
constexpr uint32_t kRunBytes = 128 * 1024;

constexpr int kFrameHeaderBytes = 24;

// Why the database header does not say what we know how to read; nullptr if it does.
const char* HeaderRefusal(const uint8_t* header, bool utf16, PageSnapshot* snapshot) {
  PageGeometry& geometry = snapshot->geometry;
  if (header[kHeaderWriteVersion] < 1 || header[kHeaderWriteVersion] > 2 ||
      header[kHeaderReadVersion] < 1 || header[kHeaderReadVersion] > 2) {
    return "unknown version of the file format";
  }
  const uint32_t stored = LoadBig16(header + kHeaderPageSize);
  if ((stored == 1 ? kPageBytesMax : stored) != geometry.page_bytes) {
    return "the header has another page size than SQLite uses";
  }
  if (header[kHeaderMaxFraction] != 64 || header[kHeaderMinFraction] != 32 ||
      header[kHeaderLeafFraction] != 32) {
    return "unknown payload fractions";
  }
  geometry.usable_bytes = geometry.page_bytes - header[kHeaderReserved];
  if (geometry.usable_bytes < kUsableBytesMin) return "too many reserved bytes";
  const uint32_t schema_format = LoadBig32(header + kHeaderSchemaFormat);
  if (schema_format < 1 || schema_format > 4) return "unknown schema format";
  const uint32_t encoding = LoadBig32(header + kHeaderEncoding);
  if (encoding < 1 || encoding > 3 || (encoding != 1) != utf16) return "unknown text encoding";
  snapshot->utf16 = utf16;
  snapshot->big_endian = encoding == 3;
  geometry.auto_vacuum = LoadBig32(header + kHeaderLargestRoot) != 0;
  return nullptr;
}

// Fills `snapshot`; the reason why not, or nullptr.
const char* Prepare(SqliteConnection& connection, const SourceFingerprint& fingerprint,
                    PageSnapshot* snapshot) {
  if (!fingerprint.complete) return "the write-ahead log's position is not known";
  const absl::StatusOr<int64_t> page_bytes = connection.QueryInt("PRAGMA page_size");
  const absl::StatusOr<int64_t> pages = connection.QueryInt("PRAGMA page_count");
  if (!page_bytes.ok() || !pages.ok()) return "the database's size is not known";
  if (*page_bytes < kPageBytesMin || *page_bytes > kPageBytesMax || *pages < 1 ||
      *pages > UINT32_MAX - 1) {
    return "the database's size is not one we know";
  }
  snapshot->geometry.page_bytes = static_cast<uint32_t>(*page_bytes);
  snapshot->geometry.page_count = static_cast<uint32_t>(*pages);
  snapshot->geometry.record_bytes_max = connection.record_bytes_max();
  // When all frames are in the database file, SQLite reads that alone, and holds it still.
  const WalPosition& position = fingerprint.wal_position;
  const bool from_log = fingerprint.wal && position.frames > position.backfilled;
  if (from_log) {
    const char* const refusal =
        snapshot->wal.Build(connection, position, snapshot->geometry.page_bytes);
    if (refusal != nullptr) return refusal;
    if (position.pages != snapshot->geometry.page_count) {
      return "the write-ahead log has another number of pages than SQLite sees";
    }
  }
  std::string header;
  const int64_t frame = snapshot->wal.Find(1);
  if (frame >= 0) {
    const absl::StatusOr<std::string> read = connection.ReadWalBytes(
        WalFrameOffset(frame, *page_bytes) + kFrameHeaderBytes, kDatabaseHeaderBytes);
    if (read.ok()) header = *read;
  } else {
    const absl::StatusOr<std::string> read = connection.ReadFileBytes(0, kDatabaseHeaderBytes);
    if (read.ok()) header = *read;
  }
  if (header.size() != kDatabaseHeaderBytes || !ParseFileHeader(header).has_magic) {
    return "the database header cannot be read";
  }
  if (!from_log) snapshot->first_bytes = header;
  return HeaderRefusal(reinterpret_cast<const uint8_t*>(header.data()), connection.utf16(),
                       snapshot);
}

}  // namespace

std::shared_ptr<const PageSnapshot> MakePageSnapshot(SqliteConnection& connection,
                                                     const SourceFingerprint& fingerprint) {
  auto snapshot = std::make_shared<PageSnapshot>();
  const char* const refusal = Prepare(connection, fingerprint, snapshot.get());
  if (refusal != nullptr) snapshot->refusal = refusal;
  return snapshot;
}

PageFile::PageFile(SqliteConnection& connection, std::shared_ptr<const PageSnapshot> snapshot)
    : connection_(connection), snapshot_(std::move(snapshot)) {
  const auto file = [this](int control) {
    sqlite3_file* found = nullptr;
    const int rc = sqlite3_file_control(connection_.raw(), "main", control, &found);
    return rc == SQLITE_OK && found != nullptr && found->pMethods != nullptr ? found : nullptr;
  };
  file_ = file(SQLITE_FCNTL_FILE_POINTER);
  if (!snapshot_->wal.empty()) wal_file_ = file(SQLITE_FCNTL_JOURNAL_POINTER);
  if (!snapshot_->refusal.empty()) return;
  run_pages_max_ = std::max(1u, kRunBytes / geometry().page_bytes);
  frame_.resize(kFrameHeaderBytes + geometry().page_bytes);
}

bool PageFile::ReadAt(sqlite3_file* file, int64_t offset, int64_t bytes, uint8_t* to) {
  // A short read is filled up with zeros and told by a code of its own; for us it is a failure.
  return file != nullptr &&
         file->pMethods->xRead(file, to, static_cast<int>(bytes), offset) == SQLITE_OK;
}

// The frame's header is looked at again, although SQLite keeps frames that a reader may need.
bool PageFile::ReadFrame(int64_t frame, uint32_t page, uint32_t bytes, uint8_t* to) {
  if (!ReadAt(wal_file_, WalFrameOffset(frame, geometry().page_bytes),
              kFrameHeaderBytes + int64_t{bytes}, frame_.data())) {
    return false;
  }
  if (LoadBig32(frame_.data()) != page ||
      std::memcmp(frame_.data() + 8, snapshot_->wal.salt(), 8) != 0) {
    return false;
  }
  std::memcpy(to, frame_.data() + kFrameHeaderBytes, bytes);
  return true;
}

bool PageFile::ReadStart(uint32_t page, uint32_t bytes, uint8_t* to) {
  const int64_t frame = snapshot_->wal.empty() ? -1 : snapshot_->wal.Find(page);
  if (frame >= 0) return ReadFrame(frame, page, bytes, to);
  return ReadAt(file_, int64_t{page - 1} * geometry().page_bytes, bytes, to);
}

const uint8_t* PageFile::Fetch(uint32_t page, uint32_t ahead) {
  const uint32_t page_bytes = geometry().page_bytes;
  if (page - run_first_ < run_count_) {
    return run_.data() + size_t{page - run_first_} * page_bytes;
  }
  uint32_t count = std::min({run_pages_max_, ahead + 1, geometry().page_count - page + 1});
  const WalFrames& wal = snapshot_->wal;
  if (!wal.empty()) {
    // A run ends before a page that is in the log; one that begins in the log is one page long.
    uint32_t in_file = 0;
    while (in_file < count && wal.Find(page + in_file) < 0) ++in_file;
    count = std::max(1u, in_file);
  }
  run_count_ = 0;
  if (run_.size() < size_t{count} * page_bytes) run_.resize(size_t{count} * page_bytes);
  const bool read = count == 1 ? ReadStart(page, page_bytes, run_.data())
                               : ReadAt(file_, int64_t{page - 1} * page_bytes,
                                        int64_t{count} * page_bytes, run_.data());
  if (!read) return nullptr;
  run_first_ = page;
  run_count_ = count;
  return run_.data();
}

absl::Status PageFile::CheckUnchanged() {
  if (snapshot_->first_bytes.empty()) return absl::OkStatus();
  uint8_t now[kDatabaseHeaderBytes];
  if (ReadAt(file_, 0, kDatabaseHeaderBytes, now) &&
      std::memcmp(now, snapshot_->first_bytes.data(), sizeof(now)) == 0) {
    return absl::OkStatus();
  }
  return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                   "the source was changed although it is locked",
                   "find the program that writes it without SQLite's locks, or copy the file to a "
                   "local disk first");
}

}  // namespace lite2pg
