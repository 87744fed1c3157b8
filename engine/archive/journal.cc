#include "engine/archive/journal.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/archive/format.h"
#include "engine/archive/json_fields.h"
#include "engine/archive/manifest_json.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

std::string IdentityLine(const std::string& identity) {
  return Json{{"export", identity}}.dump() + "\n";
}
std::string ChunkLine(int table, const ArchiveChunk& chunk) {
  return Json{{"table", table}, {"chunk", ChunkToJson(chunk)}}.dump() + "\n";
}
std::string CompleteLine(int table) { return Json{{"complete", table}}.dump() + "\n"; }

absl::Status ReadLine(const Json& line, ExportJournal::Entries* entries, std::string* identity) {
  JsonFields fields(line, std::string(kJournalName));
  int table = 0;
  if (line.contains("export")) {
    fields.Get("export", identity);
  } else if (line.contains("complete")) {
    fields.GetInt("complete", 0, kArchiveNumberMax, &table);
    entries->complete.insert(table);
  } else {
    fields.GetInt("table", 0, kArchiveNumberMax, &table);
    const Json& json = fields.Object("chunk");
    RETURN_IF_ERROR(fields.Finish());
    ASSIGN_OR_RETURN(ArchiveChunk chunk, ChunkFromJson(json, std::string(kJournalName), table));
    entries->chunks[table].push_back(std::move(chunk));
  }
  return fields.Finish();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExportJournal>> ExportJournal::Create(
    std::shared_ptr<const ArchiveDirectory> directory, const std::string& identity,
    const Entries& entries) {
  std::string content = IdentityLine(identity);
  for (const auto& [table, chunks] : entries.chunks) {
    for (const ArchiveChunk& chunk : chunks) absl::StrAppend(&content, ChunkLine(table, chunk));
  }
  for (const int table : entries.complete) absl::StrAppend(&content, CompleteLine(table));
  RETURN_IF_ERROR(directory->WriteWhole(kJournalName, content));
  ASSIGN_OR_RETURN(FileHandle file, directory->OpenForAppending(kJournalName));
  return std::unique_ptr<ExportJournal>(new ExportJournal(std::move(directory), std::move(file)));
}

absl::StatusOr<ExportJournal::Entries> ExportJournal::Read(const ArchiveDirectory& directory,
                                                           std::string* identity) {
  ASSIGN_OR_RETURN(const std::string content, directory.ReadAll(kJournalName, kManifestBytesMax));
  Entries entries;
  for (size_t at = 0; at < content.size();) {
    const size_t end = content.find('\n', at);
    if (end == std::string::npos) break;  // the crash came in the middle of this line
    const absl::string_view text = absl::string_view(content).substr(at, end - at);
    ASSIGN_OR_RETURN(const Json line, ParseStrictJson(text, kJournalName));
    RETURN_IF_ERROR(ReadLine(line, &entries, identity));
    at = end + 1;
  }
  return entries;
}

absl::Status ExportJournal::AddLine(const std::string& line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  RETURN_IF_ERROR(WriteFully(file_, kJournalName, line));
  if (fdatasync(file_.fd()) == 0) return absl::OkStatus();
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   "cannot sync the journal of the export", "look at the disk that holds it");
}

absl::Status ExportJournal::AddChunk(int table, const ArchiveChunk& chunk) {
  return AddLine(ChunkLine(table, chunk));
}

absl::Status ExportJournal::AddComplete(int table) { return AddLine(CompleteLine(table)); }

}  // namespace lite2pg
