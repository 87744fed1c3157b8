// What an export has finished so far, kept beside the files so that an interrupted one can go on.
#ifndef LITE2PG_ENGINE_ARCHIVE_JOURNAL_H_
#define LITE2PG_ENGINE_ARCHIVE_JOURNAL_H_

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/archive/directory.h"
#include "engine/archive/manifest.h"

namespace lite2pg {

// The journal's file: one line for what is exported (its identity), then one per finished chunk or
// table. Every line is synced before Add*() returns; a line that was cut off is not taken for one.
class ExportJournal {
 public:
  struct Entries {
    std::map<int, std::vector<ArchiveChunk>> chunks;  // by table number
    std::set<int> complete;                           // tables of which nothing is missing
  };

  // Begins a journal that holds `entries` already. `identity` says what is exported; Read() gives
  // it back.
  static absl::StatusOr<std::unique_ptr<ExportJournal>> Create(
      std::shared_ptr<const ArchiveDirectory> directory, const std::string& identity,
      const Entries& entries);
  // Reads the journal of an earlier export.
  static absl::StatusOr<Entries> Read(const ArchiveDirectory& directory, std::string* identity);

  // Any thread. The file of `chunk` has its name and is synced.
  absl::Status AddChunk(int table, const ArchiveChunk& chunk);
  absl::Status AddComplete(int table);

 private:
  ExportJournal(std::shared_ptr<const ArchiveDirectory> directory, FileHandle file)
      : directory_(std::move(directory)), file_(std::move(file)) {}
  absl::Status AddLine(const std::string& line);

  std::shared_ptr<const ArchiveDirectory> directory_;
  FileHandle file_;
  std::mutex mutex_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_JOURNAL_H_
