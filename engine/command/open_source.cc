#include "engine/command/open_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/identifier.h"

namespace lite2pg {

absl::StatusOr<SourceAndCatalog> OpenSourceFiles(const std::string& source,
                                                 const CommonOptions& common, int readers,
                                                 const SqliteOpenOptions& options) {
  SourceAndCatalog opened;
  if (common.source_column.empty()) {
    ASSIGN_OR_RETURN(opened.snapshot, SourceSnapshot::Open(source, readers, options));
    ASSIGN_OR_RETURN(opened.catalog, ReadSourceCatalog(opened.snapshot->reader(0)));
    opened.catalog.path = opened.snapshot->path();  // not that of a private copy
    return opened;
  }
  std::vector<std::string> patterns = common.more_sources;
  patterns.insert(patterns.begin(), source);
  ASSIGN_OR_RETURN(std::vector<MergedFile> files, FindFiles(patterns, common.source_names));
  ASSIGN_OR_RETURN(std::unique_ptr<MergedSource> merged,
                   MergedSource::Open(std::move(files), common.source_column, readers, options));
  opened.catalog = merged->catalog();
  opened.catalog.path = source;
  opened.merged = merged.get();
  opened.snapshot = std::move(merged);
  return opened;
}

void DescribeSourceFiles(const SourceAndCatalog& source, Report* report) {
  report->source.path = source.catalog.path;
  report->source.encoding = source.catalog.encoding;
  report->source.page_size = source.catalog.page_size;
  report->source.bytes = source.catalog.bytes();
  report->source.fingerprint = source.snapshot->fingerprint();
  report->source.snapshot = source.snapshot->guarantee();
  if (source.merged == nullptr) return;
  for (const MergedFile& file : source.merged->files()) {
    report->source.files.push_back(
        {file.path, file.value, file.fingerprint, file.bytes, file.rows});
  }
}

void AddMergedFindings(const SourceAndCatalog& source, const CommonOptions& common,
                       std::vector<Finding>* findings) {
  if (source.merged == nullptr) return;
  findings->push_back(
      {Severity::kInfo, ErrorCode::kFilesMerged, "",
       absl::StrCat(source.merged->files().size(), " files become one source: column ",
                    EscapeName(common.source_column),
                    " says which file a row is from, and comes first in every primary key, unique "
                    "constraint and foreign key; columns that counted up in a file have no "
                    "sequence, because their numbers are used in every file"),
       ""});
  const SourceCatalog& one = source.merged->file_catalog();
  for (const SourceView& view : one.views) {
    findings->push_back({Severity::kWarning, ErrorCode::kObjectNotCarried, view.name,
                         "the view is not carried: it would join rows of different files",
                         absl::StrCat("write it anew, with ", EscapeName(common.source_column),
                                      " in its joins")});
  }
  for (const SourceTable& table : one.tables) {
    for (const SourceForeignKey& key : table.foreign_keys) {
      for (const auto& [when, action] : {std::pair("DELETE", key.on_delete),
                                         std::pair("UPDATE", key.on_update)}) {
        if (action != "SET NULL" && action != "SET DEFAULT") continue;
        findings->push_back(
            {Severity::kWarning, ErrorCode::kObjectTranslated, table.name,
             absl::StrCat("the foreign key to ", EscapeName(key.parent_table), " loses ON ", when,
                          " ", action, ", which would be for ", EscapeName(common.source_column),
                          " as well"),
             "PostgreSQL 15 and later can name the columns: ON DELETE SET NULL (column)"});
      }
    }
  }
}

absl::Status RefuseOneOfSeveral(const SourceTable& table, const std::string& recorded_column) {
  const bool has_it = std::any_of(
      table.columns.begin(), table.columns.end(), [&](const SourceColumn& column) {
        return absl::EqualsIgnoreCase(column.name, recorded_column);
      });
  if (recorded_column.empty() || has_it) return absl::OkStatus();
  ErrorInfo info;
  info.code = ErrorCode::kUsage;
  info.exit_code = ExitCode::kUsage;
  info.table = table.name;
  info.what = absl::StrCat("the target holds the rows of several files here; column ",
                           EscapeName(recorded_column), " says which file each is from");
  info.hint = absl::StrCat("verify with --source-column ", EscapeName(recorded_column),
                           " compares a file with its own rows; sync is for one file alone");
  return MakeError(info);
}

std::string FileValuesSql(const MergedSource& merged) {
  std::string list;
  for (const MergedFile& file : merged.files()) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", QuoteLiteral(file.value));
  }
  return list;
}

}  // namespace lite2pg
