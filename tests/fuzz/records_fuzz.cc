// What we read back of our own making, after others could lay hands on it: manifests, data files
// and journals of archives, plans, ranges and reports in the ledger. Each is refused or read; what
// was read and is written again reads the same.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>

#include "engine/archive/checksum.h"
#include "engine/archive/chunk_file.h"
#include "engine/archive/directory.h"
#include "engine/archive/format.h"
#include "engine/archive/journal.h"
#include "engine/archive/manifest.h"
#include "engine/pipeline/chunk_range.h"
#include "engine/plan/plan_record.h"
#include "engine/report/report.h"
#include "tests/fuzz/fuzz.h"

namespace lite2pg {
namespace {

// A private directory, gone at exit.
class Scratch {
 public:
  Scratch() {
    const char* const parent = std::getenv("TMPDIR");
    path_ = std::string(parent == nullptr ? "/tmp" : parent) + "/records_fuzz.XXXXXX";
    Require(mkdtemp(path_.data()) != nullptr, "no directory", path_);
    mkdir((path_ + "/t000001").c_str(), 0700);
  }
  ~Scratch() {
    for (const char* name : {"/t000001/c000001.copy", "/export.journal"}) {
      unlink((path_ + name).c_str());
    }
    rmdir((path_ + "/t000001").c_str());
    rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void Write(const std::string& name, absl::string_view content) const {
    std::ofstream out(path_ + "/" + name, std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
  }

 private:
  std::string path_;
};

const Scratch& Directory() {
  static const Scratch scratch;
  return scratch;
}

void CheckManifest(absl::string_view content) {
  std::string sha256;
  const auto read = [&sha256](absl::string_view text) { return ParseManifest(text, &sha256); };
  read(content).status().IgnoreError();
  // With the checksum that it needs, so that what is behind it is reached.
  const std::string body(content);
  const std::string sealed = body + ",\n \"manifest_sha256\": \"" + ChecksumsOf(body).sha256 +
                             "\"\n}\n";
  const absl::StatusOr<ArchiveManifest> manifest = read(sealed);
  if (!manifest.ok()) return;
  const std::string written = WriteManifest(*manifest);
  const absl::StatusOr<ArchiveManifest> again = read(written);
  Require(again.ok(), "what we wrote is refused", written);
  Require(WriteManifest(*again) == written, "a manifest changed", written);
}

void CheckDataFile(size_t columns, absl::string_view content) {
  const absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> directory =
      ArchiveDirectory::OpenForReading(Directory().path());
  Require(directory.ok(), "the directory cannot be opened", Directory().path());
  Directory().Write("t000001/c000001.copy", content);
  FileHash hash, raw_hash;
  ArchiveChunk chunk;
  chunk.file = "t000001/c000001.copy";
  chunk.raw_bytes = content.size();
  absl::StatusOr<ChunkFileReader> reader =
      ChunkFileReader::Open(**directory, chunk, columns, &hash, &raw_hash);
  size_t bytes = 0;
  while (reader.ok()) {
    absl::string_view fields;
    const absl::StatusOr<bool> more = reader->Next(&fields);
    if (!more.ok() || !*more) break;
    bytes += 2 + fields.size();
    Require(bytes <= content.size(), "more rows than bytes");
  }
}

void CheckJournal(absl::string_view content) {
  const absl::StatusOr<std::shared_ptr<const ArchiveDirectory>> directory =
      ArchiveDirectory::OpenForReading(Directory().path());
  Require(directory.ok(), "the directory cannot be opened", Directory().path());
  Directory().Write("export.journal", content);
  std::string identity;
  ExportJournal::Read(**directory, &identity).status().IgnoreError();
}

void CheckPlanRecord(absl::string_view json) {
  const absl::StatusOr<PlanRecord> record = ParsePlanRecord(json);
  if (!record.ok()) return;
  const std::string written = PlanRecordToJson(*record);
  const absl::StatusOr<PlanRecord> again = ParsePlanRecord(written);
  Require(again.ok(), "what we wrote is refused", written);
  Require(PlanRecordToJson(*again) == written, "a plan changed", written);
}

void CheckReport(absl::string_view json) {
  Report report;
  if (!ReportFromJson(json, &report)) return;
  const std::string written = ReportToJson(report);
  Report again;
  Require(ReportFromJson(written, &again), "what we wrote is refused", written);
  Require(ReportToJson(again) == written, "a report changed", written);
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lite2pg;
  FuzzInput input(data, size);
  // Letters, so that seeds can be written by hand.
  switch (input.Byte()) {
    case 'm': CheckManifest(input.Rest()); break;
    case 'd': {
      const size_t columns = input.Choice(8);
      CheckDataFile(columns, input.Rest());
      break;
    }
    case 'j': CheckJournal(input.Rest()); break;
    case 'p': CheckPlanRecord(input.Rest()); break;
    case 'r': CheckReport(input.Rest()); break;
    default: DecodeKeyRange(input.Rest()).status().IgnoreError(); break;
  }
  return 0;
}
