// An archive as a source: its rows are read like those of an SQLite file, so that import is a copy
// like any other.
#ifndef LITE2PG_ENGINE_COMMAND_ARCHIVE_SOURCE_H_
#define LITE2PG_ENGINE_COMMAND_ARCHIVE_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/archive/checker.h"
#include "engine/base/cancel.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/plan/plan.h"
#include "engine/plan/selection.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// One thread, but for the snapshots that it opens. Use in the order of declaration. All errors that
// are about the archive itself have exit code 13.
class ArchiveSource {
 public:
  // Reads and judges the manifest; no data file is opened yet.
  static absl::StatusOr<std::unique_ptr<ArchiveSource>> Open(const std::string& dir);

  const ArchiveManifest& manifest() const { return archive_.manifest; }
  const std::string& manifest_sha256() const { return archive_.manifest_sha256; }
  // The source's declarations, of all its tables and not only of those that were exported.
  const SourceCatalog& catalog() const { return catalog_; }

  // Checks every file. Counts in events.counters.
  absl::Status CheckFiles(int threads, EventSink& events, const CancelToken& cancel);

  // Readers of what CheckFiles() has checked; a file that was touched since is an error of the
  // statement that reads it. `*this` outlives it. REQUIRES: CheckFiles() returned OK.
  absl::StatusOr<std::unique_ptr<SourceSnapshot>> OpenSnapshot(int readers) const;

  // Adds what the archive decided (names and types of created tables and columns, which tables) to
  // options that say nothing about it.
  void Configure(CommonOptions* options) const;
  // Makes the readings of `selection` those of the archive's rows. Tables that the archive does not
  // have are taken out and listed as excluded.
  absl::Status AdaptSelection(Selection* selection) const;
  // What the source's values were, for decisions of the plan that look at more than types.
  void AdaptScans(const Selection& selection, std::vector<TableScan>* scans) const;
  // What was read is what was exported: rows of every table, and their digest where the types are
  // those of the archive. REQUIRES: the data stage is over.
  absl::Status CheckLoaded(const Plan& plan, const std::vector<LoadedTable>& loaded) const;

  void Describe(Report::Source* source) const;
  // What the report says about the archive as a whole.
  void AddFindings(std::vector<Finding>* findings) const;

 private:
  ArchiveSource() = default;
  absl::Status Bind();
  const ArchiveTable* Find(absl::string_view source_name) const;
  size_t IndexOf(const ArchiveTable& table) const;

  OpenArchive archive_;
  SourceCatalog catalog_;
  std::vector<std::vector<ColumnCodec>> codecs_;  // of the archive's types, per table
  std::vector<SourceTable> row_tables_;           // what the readers see, per table
  FileStates states_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_ARCHIVE_SOURCE_H_
