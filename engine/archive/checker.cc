#include "engine/archive/checker.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coercion/row_encoder.h"
#include "engine/archive/chunk_file.h"
#include "engine/archive/format.h"
#include "engine/base/first_error.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// How many rows pass between two looks at whether to stop.
constexpr uint64_t kRowsPerLook = 4096;
// The schema files are text for people; a schema of a million objects stays below this.
constexpr int64_t kSchemaFileBytesMax = int64_t{1} << 30;

class ChunkCheck {
 public:
  ChunkCheck(const ArchiveDirectory& directory, const ArchiveChunk& chunk,
             const std::vector<ColumnCodec>& codecs, const CancelToken& cancel)
      : directory_(directory), chunk_(chunk), codecs_(codecs), cancel_(cancel) {}

  // Called with what was read since the last call; an error of it ends the check.
  using OnRead = std::function<absl::Status(uint64_t rows, uint64_t bytes)>;

  absl::Status Run(const OnRead& on_read, bool contents = true) {
    if (!contents) return CheckSize();
    FileHash hash, raw_hash(FileHash::Kind::kXxh3);
    const bool compressed = IsCompressedName(chunk_.file);
    ASSIGN_OR_RETURN(ChunkFileReader reader,
                     ChunkFileReader::Open(directory_, chunk_, codecs_.size(), &hash,
                                           compressed ? &raw_hash : nullptr));
    ASSIGN_OR_RETURN(state_, directory_.StateOf(reader.file(), chunk_.file));
    RETURN_IF_ERROR(JudgeSize());
    Digest digest;
    RETURN_IF_ERROR(ReadRows(on_read, &reader, &digest));
    if (hash.Finish() != chunk_.checksums) {
      return AlteredError(chunk_.file, "its checksum does not match");
    }
    if (compressed) {
      const FileChecksums raw = raw_hash.Finish();
      if (raw.bytes != chunk_.raw_bytes || raw.xxh3 != chunk_.raw_xxh3) {
        return AlteredError(chunk_.file, "what it holds has another size or checksum");
      }
    }
    if (digest != chunk_.digest) return AlteredError(chunk_.file, "its digest does not match");
    ASSIGN_OR_RETURN(const MemberState after, directory_.StateOf(reader.file(), chunk_.file));
    if (state_ != after) return AlteredError(chunk_.file, "it is being written to");
    return absl::OkStatus();
  }
  const MemberState& state() const { return state_; }

 private:
  absl::Status CheckSize() {
    ASSIGN_OR_RETURN(const FileHandle file, directory_.OpenFile(chunk_.file));
    ASSIGN_OR_RETURN(state_, directory_.StateOf(file, chunk_.file));
    return JudgeSize();
  }

  absl::Status JudgeSize() const {
    if (static_cast<uint64_t>(state_.size_bytes) == chunk_.checksums.bytes) {
      return absl::OkStatus();
    }
    return AlteredError(chunk_.file, absl::StrCat("it has ", state_.size_bytes, " bytes, not ",
                                                  chunk_.checksums.bytes));
  }

  absl::Status ReadRows(const OnRead& on_read, ChunkFileReader* reader, Digest* digest) {
    FieldBuffer scratch;
    uint64_t bytes = 0, rows_told = 0;
    while (true) {
      absl::string_view fields;
      ASSIGN_OR_RETURN(const bool more, reader->Next(&fields));
      if (!more) return on_read(digest->rows - rows_told, bytes);
      // AddTupleToDigest takes the tuple with its count, which stands just before the fields.
      const absl::string_view whole(fields.data() - 2, fields.size() + 2);
      if (!AddTupleToDigest(whole, codecs_, &scratch, digest)) {
        return AlteredError(chunk_.file, "a value is not in the form of its type");
      }
      bytes += whole.size();
      if (digest->rows - rows_told < kRowsPerLook) continue;
      RETURN_IF_ERROR(on_read(digest->rows - rows_told, bytes));
      rows_told = digest->rows;
      bytes = 0;
      RETURN_IF_ERROR(cancel_.Check());
    }
  }

  const ArchiveDirectory& directory_;
  const ArchiveChunk& chunk_;
  const std::vector<ColumnCodec>& codecs_;
  const CancelToken& cancel_;
  MemberState state_;
};

class FileCheck {
 public:
  FileCheck(const OpenArchive& archive, const std::vector<std::vector<ColumnCodec>>& codecs,
            const ArchiveCheckOptions& options, const CancelToken& cancel)
      : archive_(archive), codecs_(codecs), options_(options), cancel_(cancel) {}

  absl::StatusOr<MemberStates> Run() {
    if (options_.complete) {
      RETURN_IF_ERROR(CheckListing());
      RETURN_IF_ERROR(CheckSchemaFiles());
    }
    for (size_t t = 0; t < archive_.manifest.tables.size(); ++t) {
      for (const ArchiveChunk& chunk : archive_.manifest.tables[t].chunks) {
        work_.push_back({t, &chunk});
      }
    }
    std::vector<std::jthread> threads;
    const size_t useful =
        std::min<size_t>(static_cast<size_t>(std::max(1, options_.threads)), work_.size());
    for (size_t i = 0; i < useful; ++i) threads.emplace_back([this] { Work(); });
    for (std::jthread& thread : threads) thread.join();
    RETURN_IF_ERROR(error_.status());
    return std::move(states_);
  }

 private:
  struct Item {
    size_t table = 0;
    const ArchiveChunk* chunk = nullptr;
  };

  // What the manifest does not name must not be there.
  absl::Status CheckListing() {
    ASSIGN_OR_RETURN(const std::vector<std::string> found, archive_.directory->List());
    std::set<std::string> expected{std::string(kManifestName)};
    for (const ArchiveFile& file : archive_.manifest.schema_files) expected.insert(file.name);
    for (const ArchiveTable& table : archive_.manifest.tables) {
      for (const ArchiveChunk& chunk : table.chunks) expected.insert(chunk.file);
    }
    for (const std::string& name : found) {
      if (expected.erase(name) == 0) {
        return AlteredError(name, "the manifest does not know this file");
      }
    }
    if (!expected.empty()) return AlteredError(*expected.begin(), "the file is missing");
    return absl::OkStatus();
  }

  absl::Status CheckSchemaFiles() {
    for (const ArchiveFile& file : archive_.manifest.schema_files) {
      ASSIGN_OR_RETURN(const std::string content,
                       archive_.directory->ReadAll(file.name, kSchemaFileBytesMax));
      if (ChecksumsOf(content) != file.checksums) {
        return AlteredError(file.name, "its checksum does not match");
      }
    }
    return absl::OkStatus();
  }

  void Work() {
    while (!error_.stopped()) {
      const size_t index = next_.fetch_add(1);
      if (index >= work_.size()) return;
      absl::Status status = cancel_.Check();
      if (status.ok()) status = CheckChunk(work_[index]);
      error_.Set(status);
    }
  }

  absl::Status CheckChunk(const Item& item) {
    ChunkCheck check(*archive_.directory, *item.chunk, codecs_[item.table], cancel_);
    RETURN_IF_ERROR(check.Run([this](uint64_t rows, uint64_t bytes) {
      if (options_.on_read) options_.on_read(rows, bytes);
      return error_.status();
    }, options_.contents));
    const std::lock_guard<std::mutex> lock(mutex_);
    states_[item.chunk->file] = check.state();
    return absl::OkStatus();
  }

  const OpenArchive& archive_;
  const std::vector<std::vector<ColumnCodec>>& codecs_;
  const ArchiveCheckOptions& options_;
  const CancelToken& cancel_;
  std::vector<Item> work_;
  std::atomic<size_t> next_{0};
  FirstError error_;
  std::mutex mutex_;
  MemberStates states_;
};

}  // namespace

absl::StatusOr<OpenArchive> OpenArchiveDirectory(const std::string& path) {
  OpenArchive archive;
  ASSIGN_OR_RETURN(archive.directory, ArchiveDirectory::OpenForReading(path));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, archive.directory->List());
  const auto has = [&](absl::string_view name) {
    return std::binary_search(names.begin(), names.end(), std::string(name));
  };
  if (has(kJournalName)) {
    return AlteredError(kJournalName, "the export was not finished; export --resume goes on");
  }
  if (!has(kManifestName)) return AlteredError(kManifestName, "the file is missing");
  ASSIGN_OR_RETURN(const std::string content,
                   archive.directory->ReadAll(kManifestName, kManifestBytesMax));
  ASSIGN_OR_RETURN(archive.manifest, ParseManifest(content, &archive.manifest_sha256));
  return archive;
}

absl::Status CheckChunkFile(const ArchiveDirectory& directory, const ArchiveChunk& chunk,
                            const std::vector<ColumnCodec>& codecs, const CancelToken& cancel) {
  return ChunkCheck(directory, chunk, codecs, cancel).Run([](uint64_t, uint64_t) {
    return absl::OkStatus();
  });
}

absl::StatusOr<MemberStates> CheckArchiveFiles(const OpenArchive& archive,
                                             const std::vector<std::vector<ColumnCodec>>& codecs,
                                             const ArchiveCheckOptions& options,
                                             const CancelToken& cancel) {
  return FileCheck(archive, codecs, options, cancel).Run();
}

}  // namespace lite2pg
