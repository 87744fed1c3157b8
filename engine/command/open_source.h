// Opening what a command reads: one SQLite file, or several as one (--source-column).
#ifndef LITE2PG_ENGINE_COMMAND_OPEN_SOURCE_H_
#define LITE2PG_ENGINE_COMMAND_OPEN_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/plan/options.h"
#include "engine/report/report.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/merged_source.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

struct SourceAndCatalog {
  std::unique_ptr<SourceSnapshot> snapshot;
  const MergedSource* merged = nullptr;  // snapshot, when it is several files
  SourceCatalog catalog;
};

absl::StatusOr<SourceAndCatalog> OpenSourceFiles(const std::string& source,
                                                 const CommonOptions& common, int readers,
                                                 const SqliteOpenOptions& options);

// Fills report->source with what was opened.
void DescribeSourceFiles(const SourceAndCatalog& source, Report* report);

// What the plan says of several files: what became of keys, sequences and views.
void AddMergedFindings(const SourceAndCatalog& source, const CommonOptions& common,
                       std::vector<Finding>* findings);

// An error (exit code 2) when the run that filled the target's table read several files, told apart
// by `recorded_column` ("": it read one), and `table` is of one of them alone: the rows of all
// others would count as gone.
absl::Status RefuseOneOfSeveral(const SourceTable& table, const std::string& recorded_column);

// The files' values of the source column, as SQL literals with commas between them.
std::string FileValuesSql(const MergedSource& merged);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_OPEN_SOURCE_H_
