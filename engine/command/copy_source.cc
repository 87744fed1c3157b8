// What a copy reads: an SQLite file, or an archive.
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/command/copy_session.h"
#include "engine/command/source_checks.h"

namespace lite2pg {

void CopySession::ReadFrom(ArchiveSource* archive) {
  archive_ = archive;
  report_.command = "import";
}

absl::Status CopySession::OpenSource() {
  if (archive_ != nullptr) {
    // Nothing reaches the server before every file was found to be as it was written.
    archive_->Describe(&report_.source);
    RETURN_IF_ERROR(archive_->CheckFiles(Streams(), events_, cancel_));
    ASSIGN_OR_RETURN(snapshot_, archive_->OpenSnapshot(StreamsMax() + 1));
    catalog_ = archive_->catalog();
    return absl::OkStatus();
  }
  // One reader per stream, and one for quick_check beside them.
  ASSIGN_OR_RETURN(snapshot_,
                   SourceSnapshot::Open(request_.source, StreamsMax() + 1, SqliteOpenOptions{}));
  ASSIGN_OR_RETURN(catalog_, ReadSourceCatalog(snapshot_->reader(0)));
  report_.source.path = catalog_.path;
  report_.source.encoding = catalog_.encoding;
  report_.source.page_size = catalog_.page_size;
  report_.source.bytes = catalog_.bytes();
  report_.source.fingerprint = snapshot_->fingerprint();
  report_.source.snapshot = snapshot_->guarantee();
  RETURN_IF_ERROR(CheckExpectations(snapshot_->reader(0), catalog_, request_.expect));
  if (request_.require_idle) {
    ASSIGN_OR_RETURN(const std::string idle, RequireIdle(catalog_.path));
    absl::StrAppend(&report_.source.snapshot, "; ", idle);
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
