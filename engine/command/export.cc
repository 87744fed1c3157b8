// export: an SQLite file to an archive.
#include <algorithm>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/archive/checker.h"
#include "engine/archive/format.h"
#include "engine/archive/journal.h"
#include "engine/base/failpoint.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/commands.h"
#include "engine/command/copy_report.h"
#include "engine/command/export_files.h"
#include "engine/command/source_options.h"
#include "engine/command/source_checks.h"
#include "engine/command/stage_scope.h"
#include "engine/pipeline/export_run.h"
#include "engine/plan/config_patterns.h"
#include "engine/report/resources.h"

namespace lite2pg {
namespace {

// Memory that a lane takes: its batch, the file's buffers, SQLite's page cache and a share of the
// allocator's slack; a compressor, or later a decompressor. And what the process needs besides.
constexpr size_t kLaneBytes = size_t{12} << 20;
constexpr size_t kCompressorBytes = size_t{6} << 20;
constexpr size_t kBaseBytes = size_t{64} << 20;

// Names that an export gives; anything else in its directory is somebody else's.
bool IsOurs(absl::string_view name) {
  if (absl::EndsWith(name, kUnfinishedSuffix)) {
    name.remove_suffix(kUnfinishedSuffix.size());
  }
  if (name == kManifestName || name == kPreDataName || name == kPostDataName ||
      name == kJournalName) {
    return true;
  }
  const size_t slash = name.find('/');
  const auto is_number = [](absl::string_view text, char letter) {
    return text.size() == 7 && text[0] == letter &&
           text.substr(1).find_first_not_of("0123456789") == absl::string_view::npos;
  };
  if (slash == absl::string_view::npos || !is_number(name.substr(0, slash), 't')) return false;
  absl::string_view file = name.substr(slash + 1);
  if (file.empty()) return true;  // an empty directory
  const absl::string_view suffix = IsCompressedName(file) ? kCompressedSuffix : kCopySuffix;
  if (!absl::EndsWith(file, suffix)) return false;
  file.remove_suffix(suffix.size());
  return is_number(file, 'c');
}

class ExportSession {
 public:
  ExportSession(const ExportRequest& request, EventSink& events, CancelToken& cancel)
      : request_(request), events_(events), cancel_(cancel) {
    report_.command = "export";
    copy_.common = request.common;
    copy_.schema_mode = SchemaMode::kCreate;
  }
  ~ExportSession() { JoinQuickCheck(); }

  absl::Status Run() {
    RETURN_IF_ERROR(Inspect());
    RETURN_IF_ERROR(MakeThePlan());
    RETURN_IF_ERROR(PreData());
    RETURN_IF_ERROR(Data());
    RETURN_IF_ERROR(Verify());
    return Publish();
  }

  Report TakeReport(const absl::Status& status) {
    JoinQuickCheck();
    const int streams = report_.resources.streams_max;
    if (!status.ok()) {
      ErrorInfo info = InfoOf(status);
      if (info.effect.empty() && started_) {
        info.effect = "the directory holds an unfinished export; --resume goes on with it";
      }
      report_.errors.push_back(info);
      report_.exit_code = info.exit_code;
      report_.outcome = info.exit_code == ExitCode::kInterrupted ? "interrupted" : "failed";
    }
    report_.resources = meter_.Read();
    report_.resources.streams_max = streams;
    return std::move(report_);
  }

 private:
  int Streams() const {
    const size_t memory = request_.common.memory_bytes;
    const size_t lane = kLaneBytes + (request_.compress ? kCompressorBytes : 0);
    const size_t by_memory = memory > kBaseBytes ? (memory - kBaseBytes) / lane : 1;
    int streams = request_.common.streams;
    if (streams == 0) streams = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
    streams = std::min<int>(streams, static_cast<int>(std::max<size_t>(by_memory, 1)));
    return std::clamp(streams, 1, kStreamsMax);
  }

  absl::Status Inspect();
  absl::Status OpenTarget();
  absl::Status MakeThePlan();
  absl::Status PreData();
  absl::Status ReadEarlier(ExportJournal::Entries* entries);
  absl::Status KeepSound(ExportJournal::Entries* entries);
  absl::Status RemoveOthers(const std::set<std::string>& kept);
  absl::Status Data();
  absl::Status Verify();
  absl::Status Publish();

  void JoinQuickCheck() {
    if (!quick_check_.joinable()) return;
    snapshot_->reader(snapshot_->size() - 1).Interrupt();
    quick_check_.join();
  }

  const ExportRequest& request_;
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  ResourceMeter meter_;
  CopyRequest copy_;  // the same request as the planner and the report know it
  std::shared_ptr<const ArchiveDirectory> directory_;
  std::vector<std::string> found_;  // in the directory, before we wrote anything
  std::unique_ptr<SourceSnapshot> snapshot_;
  SourceCatalog catalog_;
  Plan plan_;
  ArchiveManifest manifest_;
  ExportJournal::Entries done_;
  std::unique_ptr<ExportJournal> journal_;
  bool started_ = false;
  std::vector<LoadedTable> loaded_;
  std::thread quick_check_;
  absl::Status quick_check_status_;
  std::vector<Finding> quick_check_findings_;
};

absl::Status ExportSession::Inspect() {
  const StageScope stage(Stage::kInspect, events_, &report_);
  RETURN_IF_ERROR(OpenTarget());
  ASSIGN_OR_RETURN(snapshot_, SourceSnapshot::Open(request_.source, Streams() + 1,
                                                   SourceOptions(request_.common)));
  ASSIGN_OR_RETURN(catalog_, ReadSourceCatalog(snapshot_->reader(0)));
  catalog_.path = snapshot_->path();
  report_.source.path = catalog_.path;
  report_.source.encoding = catalog_.encoding;
  report_.source.page_size = catalog_.page_size;
  report_.source.bytes = catalog_.bytes();
  report_.source.fingerprint = snapshot_->fingerprint();
  report_.source.snapshot = snapshot_->guarantee();
  report_.target.schema = request_.common.target_schema;
  return cancel_.Check();
}

// A directory that is new, empty, or an export's own; nothing else is written to.
absl::Status ExportSession::OpenTarget() {
  // It is made when there is something to put into it.
  bool listed = true;
  if (ArchiveDirectory::Exists(request_.dir)) {
    ASSIGN_OR_RETURN(directory_, ArchiveDirectory::OpenForWriting(request_.dir));
    absl::StatusOr<std::vector<std::string>> list = directory_->List();
    listed = list.ok();
    if (listed) found_ = *std::move(list);
  }
  const auto foreign = std::find_if_not(found_.begin(), found_.end(), IsOurs);
  if (!listed || foreign != found_.end()) {
    return MakeError(ErrorCode::kArchiveDirectory, ExitCode::kUsage,
                     absl::StrCat("the directory ", EscapeName(request_.dir),
                                  " holds something that is not an export's",
                                  listed ? absl::StrCat(": ", EscapeName(*foreign)) : ""),
                     "name a new or empty directory");
  }
  if (request_.resume == ResumeMode::kResume && found_.empty()) {
    return MakeError(ErrorCode::kNothingToResume, ExitCode::kCannotResume,
                     "there is no export in this directory to go on with", "leave --resume out");
  }
  if (request_.resume == ResumeMode::kFresh && !found_.empty()) {
    const bool finished =
        std::binary_search(found_.begin(), found_.end(), std::string(kManifestName));
    return MakeError(finished ? ErrorCode::kArchiveDirectory : ErrorCode::kUnfinishedRun,
                     finished ? ExitCode::kUsage : ExitCode::kCannotResume,
                     finished ? "the directory holds a finished archive already"
                              : "the directory holds an export that was not finished",
                     finished ? "name another directory, or replace it with --restart"
                              : "--resume goes on with it, --restart begins anew");
  }
  return absl::OkStatus();
}

absl::Status ExportSession::MakeThePlan() {
  const StageScope stage(Stage::kPlan, events_, &report_);
  PlanInputs inputs;
  inputs.catalog = &catalog_;
  inputs.options = &copy_.common;
  inputs.policy = &copy_.policy;
  inputs.schema_mode = SchemaMode::kCreate;
  inputs.in_place = true;
  ASSIGN_OR_RETURN(copy_.common, ExpandPatterns(request_.common, /*order=*/{}, catalog_));
  // An archive has no place for rows set aside; a configuration made for copy may ask for one.
  for (TableConfig& table : copy_.common.tables) {
    for (ColumnConfig& column : table.columns) column.on_bad_value = OnBadValue::kStop;
  }
  ASSIGN_OR_RETURN(Selection selection, SelectTables(inputs));
  std::vector<ScanTask> tasks;
  for (const SelectedTable& table : selection.tables) {
    ScanTask task;
    task.reading = table.reading;
    task.candidates = table.candidates;
    task.weight_bytes = static_cast<uint64_t>(catalog_.bytes());
    tasks.push_back(std::move(task));
  }
  events_.counters.bytes_total = static_cast<uint64_t>(catalog_.bytes());
  ASSIGN_OR_RETURN(std::vector<TableScan> scans,
                   ScanAndSettle(&tasks, &selection, *snapshot_, events_, cancel_));
  RETURN_IF_ERROR(snapshot_->CheckUnchanged());
  ASSIGN_OR_RETURN(plan_, MakePlan(inputs, std::move(selection), std::move(scans)));
  report_.findings = plan_.findings;
  events_.counters.findings = static_cast<int>(plan_.findings.size());
  FillPlannedTables(plan_, &report_);
  for (const Finding& finding : plan_.findings) {
    if (finding.severity != Severity::kBlocking) continue;
    ErrorInfo info;
    info.code = finding.code;
    info.exit_code = ExitCode::kPlanBlocks;
    if (finding.code == ErrorCode::kBadValue) info.exit_code = ExitCode::kBadValue;
    info.what = finding.message;
    info.table = finding.object;
    info.hint = finding.hint;
    info.effect = "nothing was written";
    return MakeError(info);
  }
  for (const TablePlan& table : plan_.tables) {
    if (!table.is_text_copy() && table.fills.empty()) continue;
    ErrorInfo info;
    info.code = ErrorCode::kConfig;
    info.exit_code = ExitCode::kUsage;
    info.what = absl::StrCat(
        table.is_text_copy() ? "a configured type can be read" : "a configured value is filled in",
        " by a server only, and an archive is made without one");
    info.table = table.source->name;
    info.hint = table.is_text_copy() ? "name another type, or copy into the server"
                                     : "take the fill out, and give it to import";
    return MakeError(info);
  }
  manifest_ = PlannedManifest(plan_, catalog_, copy_.common, request_.compress, report_.source);
  return cancel_.Check();
}

// What an earlier export into the directory has finished; of a complete archive, all of it.
absl::Status ExportSession::ReadEarlier(ExportJournal::Entries* entries) {
  std::string identity;
  if (std::binary_search(found_.begin(), found_.end(), std::string(kJournalName))) {
    ASSIGN_OR_RETURN(*entries, ExportJournal::Read(*directory_, &identity));
  } else if (std::binary_search(found_.begin(), found_.end(), std::string(kManifestName))) {
    std::string sha256;
    ASSIGN_OR_RETURN(const std::string content,
                     directory_->ReadAll(kManifestName, kManifestBytesMax));
    ASSIGN_OR_RETURN(const ArchiveManifest earlier, ParseManifest(content, &sha256));
    identity = earlier.identity;
    for (const ArchiveTable& table : earlier.tables) {
      entries->chunks[table.number] = table.chunks;
      entries->complete.insert(table.number);
    }
  } else {
    identity = manifest_.identity;  // it was killed before it had a journal
  }
  if (identity == manifest_.identity) return absl::OkStatus();
  return MakeError(ErrorCode::kSourceChanged, ExitCode::kCannotResume,
                   "the source, the options or the version of lite2pg are not those that this "
                   "export began with",
                   "--restart begins anew");
}

// Takes out what is not as it was written, so that it is exported again. A table that is not read
// by its rowid is kept whole or not at all.
absl::Status ExportSession::KeepSound(ExportJournal::Entries* entries) {
  for (auto at = entries->chunks.begin(); at != entries->chunks.end();) {
    const int number = at->first;
    if (number >= static_cast<int>(plan_.tables.size())) {
      at = entries->chunks.erase(at);
      continue;
    }
    const TablePlan& table = plan_.tables[static_cast<size_t>(number)];
    std::vector<ArchiveChunk> sound;
    for (const ArchiveChunk& chunk : at->second) {
      const absl::Status status = CheckChunkFile(*directory_, chunk, table.codecs, cancel_);
      RETURN_IF_ERROR(cancel_.Check());
      if (status.ok()) sound.push_back(chunk);
    }
    const bool all = sound.size() == at->second.size();
    const bool by_rowid = table.reading.key_kind == KeyKind::kRowid;
    if (!all) entries->complete.erase(number);
    if (!by_rowid && !entries->complete.contains(number)) sound.clear();
    at->second = std::move(sound);
    ++at;
  }
  return absl::OkStatus();
}

absl::Status ExportSession::RemoveOthers(const std::set<std::string>& kept) {
  std::set<std::string> folders, used;
  for (const std::string& name : kept) {
    if (absl::StrContains(name, '/')) used.insert(name.substr(0, name.find('/')));
  }
  for (const std::string& name : found_) {
    if (absl::StrContains(name, '/')) folders.insert(name.substr(0, name.find('/')));
    if (kept.contains(name) || absl::EndsWith(name, "/")) continue;
    RETURN_IF_ERROR(directory_->Remove(name));
  }
  for (const std::string& folder : folders) {
    if (!used.contains(folder)) RETURN_IF_ERROR(directory_->RemoveDirectory(folder));
  }
  return absl::OkStatus();
}

absl::Status ExportSession::PreData() {
  const StageScope stage(Stage::kPreData, events_, &report_);
  if (directory_ == nullptr) {
    ASSIGN_OR_RETURN(directory_, ArchiveDirectory::OpenForWriting(request_.dir));
  }
  LITE2PG_FAILPOINT("export.directory_made");
  ExportJournal::Entries entries;
  if (request_.resume == ResumeMode::kResume) {
    RETURN_IF_ERROR(ReadEarlier(&entries));
    RETURN_IF_ERROR(KeepSound(&entries));
  }
  // A manifest says that the archive is complete: it goes first.
  RETURN_IF_ERROR(directory_->Remove(kManifestName));
  started_ = true;
  LITE2PG_FAILPOINT("export.manifest_removed");
  std::set<std::string> kept{std::string(kJournalName)};
  for (const auto& [number, chunks] : entries.chunks) {
    for (const ArchiveChunk& chunk : chunks) kept.insert(chunk.file);
  }
  ASSIGN_OR_RETURN(journal_, ExportJournal::Create(directory_, manifest_.identity, entries));
  LITE2PG_FAILPOINT("export.journal_created");
  RETURN_IF_ERROR(RemoveOthers(kept));
  LITE2PG_FAILPOINT("export.others_removed");
  for (const auto& [name, content] :
       {std::pair(kPreDataName, PreDataSql(plan_)), std::pair(kPostDataName, PostDataSql(plan_))}) {
    RETURN_IF_ERROR(directory_->WriteWhole(name, content));
    manifest_.schema_files.push_back({std::string(name), ChecksumsOf(content)});
  }
  LITE2PG_FAILPOINT("export.schema_written");
  done_ = std::move(entries);
  return cancel_.Check();
}

absl::Status ExportSession::Data() {
  const StageScope stage(Stage::kData, events_, &report_);
  for (const TablePlan& table : plan_.tables) {
    events_.counters.rows_total += table.rows;
    events_.counters.bytes_total += table.bytes;
  }
  for (const auto& [number, chunks] : done_.chunks) {
    for (const ArchiveChunk& chunk : chunks) events_.counters.rows_done += chunk.rows;
  }
  if (request_.common.check == CheckMode::kFull) {
    quick_check_ = std::thread([this] {
      SqliteConnection& reader = snapshot_->reader(snapshot_->size() - 1);
      quick_check_status_ = QuickCheck(reader, &quick_check_findings_);
    });
  }
  ExportRunOptions options;
  options.streams = Streams();
  options.compress = request_.compress;
  report_.resources.streams_max = options.streams;
  ASSIGN_OR_RETURN(
      const std::vector<ExportedTable> exported,
      ExportTables(plan_, *snapshot_, directory_, *journal_, done_, options, events_, cancel_));
  LITE2PG_FAILPOINT("export.data.done");
  if (quick_check_.joinable()) quick_check_.join();
  report_.findings.insert(report_.findings.end(), quick_check_findings_.begin(),
                          quick_check_findings_.end());
  RETURN_IF_ERROR(quick_check_status_);
  RETURN_IF_ERROR(snapshot_->CheckUnchanged());
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    ArchiveTable& table = manifest_.tables[i];
    table.chunks = exported[i].chunks;
    table.digest = exported[i].loaded.digest;
    table.rows = table.digest.rows;
    table.bytes = exported[i].loaded.bytes;
    LoadedTable loaded = exported[i].loaded;
    for (const ColumnPlan& column : plan_.tables[i].columns) {
      loaded.counts.push_back({column.scan.counts, column.scan.rule_counts});
    }
    loaded_.push_back(std::move(loaded));
    if (table.rows == plan_.tables[i].rows) continue;
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     absl::StrCat("table ", EscapeName(table.source_name), ": the scan saw ",
                                  plan_.tables[i].rows, " rows, the export ", table.rows),
                     "look for a program that writes the file without SQLite's locks");
  }
  return absl::OkStatus();
}

// Reads every file again, as import will.
absl::Status ExportSession::Verify() {
  const StageScope stage(Stage::kVerify, events_, &report_);
  events_.counters.rows_total = manifest_.rows();
  events_.counters.bytes_total = manifest_.raw_bytes();
  std::vector<std::vector<ColumnCodec>> codecs;
  for (const TablePlan& table : plan_.tables) codecs.push_back(table.codecs);
  ArchiveCheckOptions options;
  options.threads = Streams();
  options.complete = false;
  options.on_read = [this](uint64_t rows, uint64_t bytes) {
    events_.counters.rows_done += rows;
    events_.counters.bytes_done += bytes;
  };
  const OpenArchive archive{directory_, manifest_, ""};
  RETURN_IF_ERROR(CheckArchiveFiles(archive, codecs, options, cancel_).status());
  std::vector<Digest> read_back;
  for (const ArchiveTable& table : manifest_.tables) read_back.push_back(table.digest);
  FillCopiedTables(plan_, loaded_, read_back, copy_, &report_);
  LITE2PG_FAILPOINT("export.verified");
  return DifferenceStatus(report_, plan_);
}

// The manifest is what makes a directory an archive; it comes last, and all at once.
absl::Status ExportSession::Publish() {
  const StageScope stage(Stage::kPublish, events_, &report_);
  RETURN_IF_ERROR(cancel_.Check());
  const std::string content = WriteManifest(manifest_);
  std::string sha256;
  ASSIGN_OR_RETURN(const ArchiveManifest again, ParseManifest(content, &sha256));
  (void)again;  // it can be read, which is all that was asked
  journal_.reset();
  LITE2PG_FAILPOINT("export.manifest.before");
  RETURN_IF_ERROR(directory_->WriteWhole(kManifestName, content));
  LITE2PG_FAILPOINT("export.manifest.written");
  RETURN_IF_ERROR(directory_->Remove(kJournalName));
  LITE2PG_FAILPOINT("export.journal.removed");
  RETURN_IF_ERROR(directory_->SyncDirectory(""));
  started_ = false;
  report_.outcome = "verified";
  report_.exit_code = ExitCode::kDone;
  report_.next_steps.push_back(absl::StrCat("lite2pg import ", request_.dir, " TARGET"));
  report_.next_steps.push_back(absl::StrCat("the manifest's sha256 is ", sha256));
  return absl::OkStatus();
}

}  // namespace

Report RunExport(const ExportRequest& request, EventSink& events, CancelToken& cancel) {
  ExportSession session(request, events, cancel);
  return session.TakeReport(session.Run());
}

}  // namespace lite2pg
