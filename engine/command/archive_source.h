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

  // Checks every file; without `contents` only that those are there that should be, with the right
  // sizes. Counts in events.counters.
  absl::Status CheckFiles(int threads, EventSink& events, const CancelToken& cancel,
                          bool contents = true);

  // Readers of what CheckFiles() has checked; a file that was touched since is an error of the
  // statement that reads it. `*this` outlives it. REQUIRES: CheckFiles() returned OK for the
  // contents.
  absl::StatusOr<std::unique_ptr<SourceSnapshot>> OpenSnapshot(int readers) const;

  // The table, or nullptr when it is not in the archive.
  const ArchiveTable* FindTable(absl::string_view source_name) const;
  // The column of a table in the archive, by its position among the declared ones; or nullptr.
  const ArchiveColumn* FindColumn(const ArchiveTable& table, int source_column) const;
  // How readers of OpenSnapshot() read these columns (positions among the declared ones).
  TableReading MakeReading(const ArchiveTable& table, std::vector<int> columns) const;
  // By which rules the column's values were read when the archive was made.
  const ReadingRules& RulesOf(const ArchiveTable& table, const ArchiveColumn& column) const;
  // What is left of rules about the source's values for the archive's, which have the form of their
  // type already.
  ReadingRules RulesLeft(const ArchiveTable& table, const ArchiveColumn& column,
                         const ReadingRules& rules) const;
  // The rules by which values of `column` are to be read in the source itself, if `left` are those
  // that its values in the archive are read by.
  ReadingRules RulesForSource(const ArchiveTable& table, const ArchiveColumn& column,
                              const ReadingRules& left) const;
  // Whether the export was told to leave the table out.
  bool LeftOut(absl::string_view source_name) const;

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
  size_t IndexOf(const ArchiveTable& table) const;

  OpenArchive archive_;
  SourceCatalog catalog_;
  std::vector<std::vector<ColumnCodec>> codecs_;  // of the archive's types, per table
  std::vector<std::vector<ReadingRules>> rules_;  // likewise
  std::vector<SourceTable> row_tables_;           // what the readers see, per table
  MemberStates states_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_ARCHIVE_SOURCE_H_
