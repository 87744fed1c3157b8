#include "engine/sqlite/merged_source.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/utf8.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/external_tables.h"
#include "engine/sqlite/merged_catalog.h"

namespace lite2pg {
namespace {

// More files than this are taken for a mistake in the pattern.
constexpr size_t kFilesMax = 100'000;
// Differences between schemas that are named; all are counted.
constexpr size_t kDifferencesShown = 40;

struct StateOfPart {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
};

absl::StatusOr<StateOfPart> StateOfFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     absl::StrCat("the file is gone: ", EscapeForMessage(path, 300)));
  }
  return StateOfPart{info.st_dev, info.st_ino, info.st_size};
}

absl::string_view ToAbsl(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

absl::Status InFile(const absl::Status& status, const std::string& path) {
  if (status.ok()) return status;
  ErrorInfo info = InfoOf(status);
  const std::string shown = EscapeForMessage(path, 300);
  if (!absl::StrContains(info.what, shown)) info.what = absl::StrCat(shown, ": ", info.what);
  return MakeError(info);
}

absl::Status Changed(const MergedFile& file, absl::string_view what) {
  return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                   absl::StrCat(EscapeForMessage(file.path, 300), ": ", what),
                   "several files are copied while nobody writes to them");
}

// What the cursors of all readers share; unchanged once it is made.
struct Merged {
  SqliteOpenOptions options;
  SourceCatalog one;     // the declarations of the first file
  SourceCatalog merged;
  std::vector<MergedFile> files;
  std::vector<StateOfPart> states;
  // By table of the catalog, then by file.
  std::vector<std::vector<int64_t>> rows_before;  // in the files before; one more than files
  std::vector<std::vector<uint32_t>> root_pages;

  absl::StatusOr<std::unique_ptr<SourceSnapshot>> OpenFile(size_t file) const {
    absl::StatusOr<std::unique_ptr<SourceSnapshot>> opened =
        SourceSnapshot::Open(files[file].path, 1, options);
    if (!opened.ok() && InfoOf(opened.status()).code == ErrorCode::kSourceMissing) {
      return Changed(files[file], "the file is gone");
    }
    if (!opened.ok()) return InFile(opened.status(), files[file].path);
    if ((*opened)->fingerprint() != files[file].fingerprint) {
      return Changed(files[file], "the file was changed during the run");
    }
    return opened;
  }
};

// The rows of one table, file after file.
class FileRows final : public ExternalRows {
 public:
  FileRows(const Merged& merged, size_t table)
      : merged_(merged), table_index_(table), table_(merged.one.tables[table]) {
    std::vector<int> columns(table_.columns.size());
    for (size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<int>(i);
    reading_ = MakeTableReading(table_, std::move(columns));
    values_.resize(table_.columns.size() + 1);
  }

  absl::StatusOr<std::span<const SourceValue>> Row(int64_t number) override {
    const std::vector<int64_t>& before = merged_.rows_before[table_index_];
    const auto after = std::upper_bound(before.begin(), before.end(), number - 1);
    const auto file = static_cast<size_t>(after - before.begin()) - 1;
    const int64_t local = number - before[file];
    if (source_ == nullptr || file != file_) RETURN_IF_ERROR(OpenFile(file));
    if (local != next_) RETURN_IF_ERROR(GoTo(local));
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source_->Next());
    if (row.empty()) return Changed(merged_.files[file], "it has fewer rows than it had");
    ++next_;
    values_[0] = SourceValue::Text(ToAbsl(merged_.files[file].value));
    std::copy(row.begin(), row.end(), values_.begin() + 1);
    return std::span<const SourceValue>(values_);
  }

 private:
  absl::Status OpenFile(size_t file) {
    source_.reset();
    snapshot_.reset();
    ASSIGN_OR_RETURN(snapshot_, merged_.OpenFile(file));
    table_.root_page = merged_.root_pages[table_index_][file];
    source_ = snapshot_->NewRowSource(0);
    file_ = file;
    next_ = 0;
    return absl::OkStatus();
  }

  // Stands before row `local` of the file, counted from 1.
  absl::Status GoTo(int64_t local) {
    KeyRange range;
    int64_t skip = local - 1;
    if (skip > 0 && reading_.key_kind == KeyKind::kRowid) {
      const std::string rowid = QuoteSqliteIdentifier(
          table_.rowid_alias >= 0
              ? table_.columns[static_cast<size_t>(table_.rowid_alias)].name
              : table_.rowid_name);
      ASSIGN_OR_RETURN(
          const int64_t last,
          snapshot_->reader(0).QueryInt(absl::StrCat(
              "SELECT ", rowid, " FROM main.", QuoteSqliteIdentifier(table_.name), " NOT INDEXED",
              " ORDER BY ", rowid, " LIMIT 1 OFFSET ", skip - 1)));
      range.after = SourceKey{OwnedValue(SourceValue::Integer(last))};
      skip = 0;
    }
    RETURN_IF_ERROR(source_->Open(reading_, range));
    for (; skip > 0; --skip) RETURN_IF_ERROR(source_->Next().status());
    next_ = local;
    return absl::OkStatus();
  }

  const Merged& merged_;
  const size_t table_index_;
  SourceTable table_;  // with the root page of the file under way
  TableReading reading_;
  size_t file_ = 0;
  int64_t next_ = 0;   // the row that source_ gives next, from 1; 0: it is not open
  std::unique_ptr<SourceSnapshot> snapshot_;
  std::unique_ptr<RowSource> source_;
  std::vector<SourceValue> values_;
};

class OpenMergedSource final : public MergedSource {
 public:
  explicit OpenMergedSource(std::unique_ptr<Merged> merged) : merged_(std::move(merged)) {}

  absl::Status AddReader() {
    std::vector<ExternalTable> tables;
    for (size_t t = 0; t < merged_->merged.tables.size(); ++t) {
      const SourceTable& table = merged_->merged.tables[t];
      if (!IsMerged(merged_->one.tables[t])) continue;
      ExternalTable external;
      external.name = table.name;
      external.columns = static_cast<int>(table.columns.size());
      for (const SourceColumn& column : table.columns) {
        external.declarations.push_back(absl::StrCat(
            QuoteSqliteIdentifier(column.name), " ", DeclaredForAffinity(column.affinity),
            " COLLATE ", QuoteSqliteIdentifier(KnownCollation(column.collation))));
      }
      external.rows = merged_->rows_before[t].back();
      external.open = [merged = merged_.get(), t] {
        return std::make_unique<FileRows>(*merged, t);
      };
      tables.push_back(std::move(external));
    }
    ASSIGN_OR_RETURN(SqliteConnection connection,
                     OpenExternalTables(std::move(tables), merged_->merged.path));
    readers_.push_back(std::move(connection));
    return absl::OkStatus();
  }

  int size() const override { return static_cast<int>(readers_.size()); }
  SqliteConnection& reader(int index) override { return readers_[static_cast<size_t>(index)]; }
  std::unique_ptr<RowSource> NewRowSource(int index) override {
    return NewLibraryRowSource(reader(index));
  }
  std::string guarantee() const override {
    return absl::StrCat(merged_->files.size(), " files, each with the fingerprint that it had "
                        "first whenever it was opened");
  }
  std::string fingerprint() const override {
    std::string all;
    for (const MergedFile& file : merged_->files) {
      absl::StrAppend(&all, file.value.size(), ":", file.value, file.fingerprint, "\n");
    }
    const XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
    return absl::StrCat("files=", merged_->files.size(), " all=",
                        absl::Hex(hash.high64, absl::kZeroPad16),
                        absl::Hex(hash.low64, absl::kZeroPad16));
  }
  absl::Status CheckUnchanged() const override {
    for (size_t i = 0; i < merged_->files.size(); ++i) {
      ASSIGN_OR_RETURN(const StateOfPart now, StateOfFile(merged_->files[i].path));
      const StateOfPart& then = merged_->states[i];
      if (now.device != then.device || now.inode != then.inode || now.size < then.size) {
        return Changed(merged_->files[i], "the file was replaced or cut during the run");
      }
    }
    return absl::OkStatus();
  }
  const SourceCatalog& catalog() const override { return merged_->merged; }
  const std::vector<MergedFile>& files() const override { return merged_->files; }
  const SourceCatalog& file_catalog() const override { return merged_->one; }
  absl::Status ForEachFile(
      const std::function<absl::Status(SqliteConnection&)>& check) const override {
    for (size_t i = 0; i < merged_->files.size(); ++i) {
      ASSIGN_OR_RETURN(const std::unique_ptr<SourceSnapshot> file, merged_->OpenFile(i));
      RETURN_IF_ERROR(InFile(check(file->reader(0)), merged_->files[i].path));
    }
    return absl::OkStatus();
  }

 private:
  // Conditions of the user compare as they would in the file.
  static absl::string_view DeclaredForAffinity(Affinity affinity) {
    switch (affinity) {
      case Affinity::kInteger: return "INTEGER";
      case Affinity::kText: return "TEXT";
      case Affinity::kReal: return "REAL";
      case Affinity::kNumeric: return "NUMERIC";
      case Affinity::kBlob: break;
    }
    return "";
  }
  static std::string KnownCollation(const std::string& name) {
    for (const absl::string_view known : {"NOCASE", "RTRIM"}) {
      if (absl::EqualsIgnoreCase(name, known)) return std::string(known);
    }
    return "BINARY";
  }

  const std::unique_ptr<Merged> merged_;
  std::vector<SqliteConnection> readers_;
};

std::string ValueFor(const std::string& path, FileNames names) {
  if (names == FileNames::kPath) return path;
  const size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (names == FileNames::kName) return name;
  const size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

// SQLite's own files beside a database, which a pattern may fit as well.
bool BelongsToAnother(const std::string& path) {
  for (const absl::string_view ending : {"-wal", "-shm", "-journal"}) {
    struct stat info {};
    if (absl::EndsWith(path, ending) &&
        stat(path.substr(0, path.size() - ending.size()).c_str(), &info) == 0) {
      return true;
    }
  }
  return false;
}

// Reads one file's declarations and counts its rows; what is declared otherwise than in the first
// file goes to `differences`.
absl::Status AddFile(size_t index, Merged* merged, std::vector<std::string>* differences) {
  MergedFile& file = merged->files[index];
  ASSIGN_OR_RETURN(merged->states[index], StateOfFile(file.path));
  absl::StatusOr<std::unique_ptr<SourceSnapshot>> opened =
      SourceSnapshot::Open(file.path, 1, merged->options);
  if (!opened.ok()) return InFile(opened.status(), file.path);
  absl::StatusOr<SourceCatalog> catalog = ReadSourceCatalog((*opened)->reader(0));
  if (!catalog.ok()) return InFile(catalog.status(), file.path);
  file.fingerprint = (*opened)->fingerprint();
  file.bytes = catalog->bytes();
  if (index == 0) {
    merged->one = *catalog;
    merged->rows_before.assign(catalog->tables.size(), {0});
    merged->root_pages.resize(catalog->tables.size());
  } else {
    for (const std::string& difference : CatalogDifferences(merged->one, *catalog)) {
      differences->push_back(absl::StrCat(EscapeForMessage(file.path, 200), ": ", difference));
    }
    if (!differences->empty()) return absl::OkStatus();
  }
  std::map<std::string, const SourceTable*> by_name;
  for (const SourceTable& table : catalog->tables) by_name[table.name] = &table;
  for (size_t t = 0; t < merged->one.tables.size(); ++t) {
    const SourceTable& table = merged->one.tables[t];
    int64_t rows = 0;
    if (IsMerged(table)) {
      const absl::StatusOr<int64_t> count = (*opened)->reader(0).QueryInt(
          absl::StrCat("SELECT count(*) FROM main.", QuoteSqliteIdentifier(table.name)));
      if (!count.ok()) return InFile(count.status(), file.path);
      rows = *count;
    }
    file.rows += rows;
    merged->rows_before[t].push_back(merged->rows_before[t].back() + rows);
    const auto found = by_name.find(table.name);
    merged->root_pages[t].push_back(found == by_name.end() ? 0 : found->second->root_page);
  }
  return absl::OkStatus();
}

absl::Status FilesDiffer(const std::vector<std::string>& differences) {
  ErrorInfo info;
  info.code = ErrorCode::kFilesDiffer;
  info.exit_code = ExitCode::kPlanBlocks;
  const size_t shown = std::min(differences.size(), kDifferencesShown);
  info.what = absl::StrCat(
      "the files do not have one schema (", differences.size(),
      differences.size() == 1 ? " difference): " : " differences): ",
      absl::StrJoin(differences.begin(), differences.begin() + static_cast<std::ptrdiff_t>(shown),
                    "; "),
      shown < differences.size() ? "; ..." : "");
  info.hint = "bring them to one version with the application that owns them, or copy those that "
              "differ into a schema of their own";
  info.effect = "nothing was written to the target";
  return MakeError(info);
}

}  // namespace

absl::StatusOr<std::vector<MergedFile>> FindFiles(const std::vector<std::string>& patterns,
                                                  FileNames names) {
  std::vector<MergedFile> files;
  std::map<std::string, std::string> by_value;
  for (const std::string& pattern : patterns) {
    // A name that is there is never a pattern, whatever is in it.
    std::vector<std::string> paths;
    struct stat info {};
    if (stat(pattern.c_str(), &info) == 0) {
      paths.push_back(pattern);
    } else {
      glob_t found{};
      if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
      }
      globfree(&found);
    }
    std::erase_if(paths, BelongsToAnother);
    if (paths.empty()) {
      return MakeError(ErrorCode::kSourceMissing, ExitCode::kSource,
                       absl::StrCat("no file fits ", EscapeForMessage(pattern, 300)),
                       "check the path");
    }
    for (std::string& path : paths) {
      std::string value = ValueFor(path, names);
      if (CheckText(ToAbsl(value)) != Outcome::kOk) {
        return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                         absl::StrCat("the name of ", EscapeForMessage(path, 300),
                                      " is not UTF-8, so that no text column can hold it"),
                         "rename the file");
      }
      const auto [other, is_new] = by_value.emplace(value, path);
      if (!is_new && other->second == path) continue;  // named twice
      if (!is_new) {
        return MakeError(ErrorCode::kNameCollision, ExitCode::kUsage,
                         absl::StrCat("two files would be ", EscapeForMessage(value, 200), ": ",
                                      EscapeForMessage(other->second, 300), " and ",
                                      EscapeForMessage(path, 300)),
                         "--source-names name or path tells them apart");
      }
      MergedFile file;
      file.path = std::move(path);
      file.value = std::move(value);
      files.push_back(std::move(file));
    }
  }
  if (files.size() > kFilesMax) {
    return MakeError(ErrorCode::kSourceLimit, ExitCode::kUsage,
                     absl::StrCat(files.size(), " files are more than ", kFilesMax));
  }
  std::sort(files.begin(), files.end(),
            [](const MergedFile& a, const MergedFile& b) { return a.value < b.value; });
  return files;
}

absl::StatusOr<std::unique_ptr<MergedSource>> MergedSource::Open(
    std::vector<MergedFile> files, const std::string& column, int readers,
    const SqliteOpenOptions& options) {
  auto merged = std::make_unique<Merged>();
  merged->options = options;
  merged->files = std::move(files);
  merged->states.resize(merged->files.size());
  std::vector<std::string> differences;
  for (size_t i = 0; i < merged->files.size(); ++i) {
    RETURN_IF_ERROR(AddFile(i, merged.get(), &differences));
  }
  if (!differences.empty()) return FilesDiffer(differences);
  ASSIGN_OR_RETURN(merged->merged, MergedCatalog(merged->one, column));
  int64_t bytes = 0;
  for (const MergedFile& file : merged->files) bytes += file.bytes;
  merged->merged.page_count = bytes / std::max<int64_t>(merged->merged.page_size, 1);
  auto source = std::make_unique<OpenMergedSource>(std::move(merged));
  for (int i = 0; i < readers; ++i) RETURN_IF_ERROR(source->AddReader());
  return std::unique_ptr<MergedSource>(std::move(source));
}

}  // namespace lite2pg
