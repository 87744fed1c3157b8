#include "engine/sqlite/snapshot.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/sqlite/fingerprint.h"
#include "engine/sqlite/pages/page_row_source.h"
#include "engine/sqlite/private_copy.h"
#include "engine/sqlite/source_file.h"

namespace lite2pg {
namespace {

class MonitoredSnapshot final : public SourceSnapshot {
 public:
  absl::Status OpenAll(const std::string& source, int readers, const SqliteOpenOptions& options);

  int size() const override { return static_cast<int>(readers_.size()); }
  SqliteConnection& reader(int index) override { return readers_[static_cast<size_t>(index)]; }
  std::unique_ptr<RowSource> NewRowSource(int index) override;
  std::string guarantee() const override { return guarantee_; }
  std::string fingerprint() const override { return fingerprint_.text; }
  std::string path() const override { return path_; }
  bool blocks_writers() const override { return !fingerprint_.wal && !immutable_; }
  int64_t wal_growth_bytes() const override;
  absl::Status CheckUnchanged() const override;

 private:
  absl::Status CheckWalGrowth() const;
  absl::Status PrepareAll();
  absl::Status BeginAll();
  absl::Status EndAll();
  absl::Status CheckOneFile();
  void Describe(int attempt);

  std::vector<SqliteConnection> readers_;
  std::vector<SqliteStatement> begins_, first_reads_;  // of each reader; finalized before it
  std::string guarantee_;
  SourceFingerprint fingerprint_;
  ReaderChoice reader_choice_ = ReaderChoice::kAuto;
  std::shared_ptr<const PageSnapshot> pages_;  // null: only the library reads
  std::string path_;
  FileState file_, wal_;
  bool immutable_ = false;
  uint64_t wal_growth_bytes_max_ = 0;
};

absl::Status MonitoredSnapshot::PrepareAll() {
  for (SqliteConnection& reader : readers_) {
    ASSIGN_OR_RETURN(SqliteStatement begin, reader.Prepare("BEGIN"));
    ASSIGN_OR_RETURN(SqliteStatement first_read, reader.Prepare("PRAGMA schema_version"));
    begins_.push_back(std::move(begin));
    first_reads_.push_back(std::move(first_read));
  }
  return absl::OkStatus();
}

// A transaction sees the database as of its first read, not of its BEGIN. Nothing is prepared here:
// the shorter this takes, the likelier it fits between two commits.
absl::Status MonitoredSnapshot::BeginAll() {
  for (size_t i = 0; i < readers_.size(); ++i) {
    RETURN_IF_ERROR(begins_[i].Step().status());
    RETURN_IF_ERROR(first_reads_[i].Step().status());
    begins_[i].Reset();
    first_reads_[i].Reset();
  }
  return absl::OkStatus();
}

absl::Status MonitoredSnapshot::EndAll() {
  for (SqliteConnection& reader : readers_) RETURN_IF_ERROR(reader.Execute("ROLLBACK"));
  return absl::OkStatus();
}

// All paths lead to the same file now, so if none has moved, all have the same file open.
absl::Status MonitoredSnapshot::CheckOneFile() {
  for (SqliteConnection& reader : readers_) {
    ASSIGN_OR_RETURN(const bool moved, reader.HasMoved());
    if (!moved) continue;
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     "the source was replaced by another file while it was opened",
                     "try again when nothing replaces it");
  }
  return absl::OkStatus();
}

absl::Status MonitoredSnapshot::OpenAll(const std::string& source, int readers,
                                        const SqliteOpenOptions& options) {
  ASSIGN_OR_RETURN(SqliteConnection monitor, SqliteConnection::Open(source, options));
  path_ = monitor.path();
  for (int i = 0; i < readers; ++i) {
    ASSIGN_OR_RETURN(SqliteConnection reader, SqliteConnection::Open(source, options));
    immutable_ = immutable_ || reader.immutable();
    readers_.push_back(std::move(reader));
  }
  RETURN_IF_ERROR(PrepareAll());
  // An attempt takes microseconds, so against a writer that hardly pauses the time is what counts.
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(options.busy_timeout_ms);
  for (int attempt = 1;
       attempt <= kSnapshotAttemptsMax || std::chrono::steady_clock::now() < give_up; ++attempt) {
    // The number changes when another connection commits, in this process or elsewhere. It is
    // comparable within one connection only.
    // https://www.sqlite.org/pragma.html#pragma_data_version
    ASSIGN_OR_RETURN(const int64_t before, monitor.QueryInt("PRAGMA data_version"));
    RETURN_IF_ERROR(BeginAll());
    ASSIGN_OR_RETURN(SourceFingerprint fingerprint, BeginFingerprint(readers_[0]));
    ASSIGN_OR_RETURN(const int64_t after, monitor.QueryInt("PRAGMA data_version"));
    if (before != after) {
      RETURN_IF_ERROR(EndAll());
      continue;
    }
    RETURN_IF_ERROR(CheckOneFile());
    begins_.clear();
    first_reads_.clear();
    RETURN_IF_ERROR(FinishFingerprint(readers_[0], &fingerprint));
    fingerprint_ = std::move(fingerprint);
    reader_choice_ = options.reader;
    wal_growth_bytes_max_ = options.wal_growth_bytes_max;
    if (reader_choice_ != ReaderChoice::kLibrary) {
      pages_ = MakePageSnapshot(readers_[0], fingerprint_);
    }
    file_ = StateOf(path_);
    if (fingerprint_.wal) wal_ = StateOf(absl::StrCat(path_, "-wal"));
    Describe(attempt);
    return CheckUnchanged();
  }
  return MakeError(ErrorCode::kSourceSnapshot, ExitCode::kSourceBusy,
                   absl::StrCat("the source was written to during every attempt within ",
                                options.busy_timeout_ms, " ms to open ", readers,
                                " readers on one state"),
                   "try again when fewer writes happen, or with fewer streams");
}

std::unique_ptr<RowSource> MonitoredSnapshot::NewRowSource(int index) {
  SqliteConnection& connection = reader(index);
  switch (reader_choice_) {
    case ReaderChoice::kLibrary: return NewLibraryRowSource(connection);
    case ReaderChoice::kAuto: return NewPageRowSource(connection, pages_, /*pages_only=*/false);
    case ReaderChoice::kPages: return NewPageRowSource(connection, pages_, /*pages_only=*/true);
    case ReaderChoice::kBoth: return NewBothRowSource(connection, pages_);
  }
  return nullptr;
}

void MonitoredSnapshot::Describe(int attempt) {
  const std::string readers = readers_.size() == 1
                                  ? "1 reader in one transaction"
                                  : absl::StrCat(readers_.size(),
                                                 " readers in transactions on one state");
  if (immutable_) {
    guarantee_ = absl::StrCat("immutable: ", readers,
                              "; no locks are held, and the file's size and time are checked");
    return;
  }
  guarantee_ = absl::StrCat(
      fingerprint_.wal ? "WAL: " : "rollback journal: ", readers,
      "; PRAGMA data_version of a monitor did not change while they began (attempt ", attempt, ")");
}

absl::Status MonitoredSnapshot::CheckUnchanged() const {
  const auto changed = [](ErrorCode code, absl::string_view what) {
    return MakeError(code, ExitCode::kSource, absl::StrCat("the source ", what),
                     "leave the source alone while it is copied, or copy from a backup of it");
  };
  const FileState now = StateOf(path_);
  if (!now.exists) return changed(ErrorCode::kSourceChanged, "was removed while it was read");
  if (now.device != file_.device || now.inode != file_.inode) {
    return changed(ErrorCode::kSourceChanged, "was replaced by another file while it was read");
  }
  if (now.size_bytes < file_.size_bytes) {
    return changed(ErrorCode::kSourceTruncated, "was cut while it was read");
  }
  const FileState wal_now = StateOf(absl::StrCat(path_, "-wal"));
  if (immutable_ && wal_now.size_bytes > 0) {
    return changed(ErrorCode::kSourceChanged, "was written to while it was read without locks");
  }
  if (!fingerprint_.wal) {
    // Our read lock keeps every writer that respects SQLite's locks from the file. In WAL mode a
    // checkpoint may write to it, so there the time says nothing.
    if (now.modified_ns != file_.modified_ns || now.size_bytes != file_.size_bytes) {
      return changed(ErrorCode::kSourceChanged, "was written to past SQLite's locks");
    }
    return absl::OkStatus();
  }
  // SQLite deletes the WAL only when it is the last to have the database open.
  if (wal_.exists && (!wal_now.exists || wal_now.inode != wal_.inode)) {
    return changed(ErrorCode::kSourceChanged, "lost its -wal file while it was read");
  }
  return CheckWalGrowth();
}

int64_t MonitoredSnapshot::wal_growth_bytes() const {
  if (!fingerprint_.wal) return 0;
  const FileState now = StateOf(absl::StrCat(path_, "-wal"));
  return now.exists ? std::max<int64_t>(0, now.size_bytes - wal_.size_bytes) : 0;
}

absl::Status MonitoredSnapshot::CheckWalGrowth() const {
  if (wal_growth_bytes_max_ == 0) return absl::OkStatus();
  const int64_t grown = wal_growth_bytes();
  if (static_cast<uint64_t>(grown) <= wal_growth_bytes_max_) return absl::OkStatus();
  return MakeError(ErrorCode::kSourceWalGrows, ExitCode::kOutOfResource,
                   absl::StrCat("the source's WAL has grown by ", grown, " bytes since reading "
                                "began, more than --max-wal-growth allows"),
                   "let the application checkpoint and go on with --resume, or read a copy: "
                   "--private-copy");
}

}  // namespace

absl::StatusOr<std::unique_ptr<SourceSnapshot>> SourceSnapshot::Open(
    const std::string& source, int readers, const SqliteOpenOptions& options) {
  if (readers < 1) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a snapshot needs a reader");
  }
  if (!options.private_copy_dir.empty()) return OpenPrivateCopy(source, readers, options);
  auto snapshot = std::make_unique<MonitoredSnapshot>();
  RETURN_IF_ERROR(snapshot->OpenAll(source, readers, options));
  return std::unique_ptr<SourceSnapshot>(std::move(snapshot));
}

}  // namespace lite2pg
