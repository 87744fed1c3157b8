// Checks a whole archive before anything of it is used.
#ifndef LITE2PG_ENGINE_ARCHIVE_CHECKER_H_
#define LITE2PG_ENGINE_ARCHIVE_CHECKER_H_

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/type_codec.h"
#include "engine/archive/directory.h"
#include "engine/archive/manifest.h"
#include "engine/base/cancel.h"

namespace lite2pg {

// An archive whose manifest was read and is sound in itself. The files are not looked at yet.
struct OpenArchive {
  std::shared_ptr<const ArchiveDirectory> directory;
  ArchiveManifest manifest;
  std::string manifest_sha256;
};

// Exit code 5 when there is no such directory, 13 for everything else.
absl::StatusOr<OpenArchive> OpenArchiveDirectory(const std::string& path);

// The state of every data file when it was checked, by name.
using MemberStates = std::map<std::string, MemberState>;

struct ArchiveCheckOptions {
  // Called now and then, from any thread, with what was read since the last call.
  std::function<void(uint64_t rows, uint64_t bytes)> on_read;
  int threads = 2;
  // Off for an export that has not written its manifest yet: only data files are looked at.
  bool complete = true;
  // Off: data files are opened and their sizes compared, nothing is read.
  bool contents = true;
};

// Every file that the manifest names is there as it was written, row by row, and nothing else is:
// sizes, both checksums, the number of rows and their digest. `codecs` holds those of each table's
// columns. All errors but cancellation have exit code 13 and name the file.
absl::StatusOr<MemberStates> CheckArchiveFiles(const OpenArchive& archive,
                                             const std::vector<std::vector<ColumnCodec>>& codecs,
                                             const ArchiveCheckOptions& options,
                                             const CancelToken& cancel);

// One data file; the building block of the above, for an export that goes on. OK only when it is
// exactly as `chunk` says.
absl::Status CheckChunkFile(const ArchiveDirectory& directory, const ArchiveChunk& chunk,
                            const std::vector<ColumnCodec>& codecs, const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_CHECKER_H_
