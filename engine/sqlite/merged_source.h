// Several SQLite files of one schema as one source (docs/distributed.md, "Many files").
#ifndef LITE2PG_ENGINE_SQLITE_MERGED_SOURCE_H_
#define LITE2PG_ENGINE_SQLITE_MERGED_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/file_names.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

struct MergedFile {
  std::string path;
  std::string value;  // of the source column
  std::string fingerprint;
  int64_t bytes = 0;
  int64_t rows = 0;   // of all merged tables
};

// A source column's value for each path, which may be a pattern as the shell has them (*, ?, [x]);
// in the order of their names. kSourceMissing when a pattern fits nothing; kNameCollision when two
// files would get one value.
absl::StatusOr<std::vector<MergedFile>> FindFiles(const std::vector<std::string>& patterns,
                                                  FileNames names);

// Readers are connections to a database in memory whose tables are virtual ones over those of the
// files; a row's rowid is its number. Every file is opened when a reader comes to it, and must then
// have the fingerprint that it had first (kSourceChanged): so all readers see one state of each
// file, as long as nobody writes to it.
class MergedSource : public SourceSnapshot {
 public:
  // Reads the declarations of all files and counts their rows. kFilesDiffer with exit code 12 and
  // all differences when they do not have one schema.
  static absl::StatusOr<std::unique_ptr<MergedSource>> Open(std::vector<MergedFile> files,
                                                            const std::string& column, int readers,
                                                            const SqliteOpenOptions& options);

  virtual const SourceCatalog& catalog() const = 0;
  virtual const std::vector<MergedFile>& files() const = 0;
  // The declarations as the files have them.
  virtual const SourceCatalog& file_catalog() const = 0;
  // `check` for a connection to each of them, until one fails.
  virtual absl::Status ForEachFile(
      const std::function<absl::Status(SqliteConnection&)>& check) const = 0;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_MERGED_SOURCE_H_
