#include "engine/sqlite/fingerprint.h"

#include <algorithm>
#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/sqlite/pages/page_file.h"
#include "engine/sqlite/source_file.h"

namespace lite2pg {
namespace {

// Pages whose bytes go into the fingerprint: enough to tell files apart that share a schema and a
// number of commits, few enough to cost nothing on a cold disk.
constexpr int64_t kSamplePagesMax = 32;

struct Sample {
  std::string first_page;
  uint64_t hash = 0;
};

// Pages as the transaction sees them, whether they stand in the file or in the WAL. "" as the first
// page where they cannot be read so.
Sample ReadSample(SqliteConnection& connection, const SourceFingerprint& fingerprint,
                  int64_t page_size, int64_t page_count) {
  const std::shared_ptr<const PageSnapshot> snapshot = MakePageSnapshot(connection, fingerprint);
  if (!snapshot->refusal.empty() || page_count < 1) return {};
  PageFile file(connection, snapshot);
  Sample sample;
  std::string pages;
  const int64_t samples = std::min(page_count, kSamplePagesMax);
  for (int64_t i = 0; i < samples; ++i) {
    // The first and the last page, and the rest evenly between them.
    const int64_t page = samples == 1 ? 1 : 1 + i * (page_count - 1) / (samples - 1);
    std::string bytes(static_cast<size_t>(page_size), '\0');
    if (!file.ReadStart(static_cast<uint32_t>(page), static_cast<uint32_t>(page_size),
                        reinterpret_cast<uint8_t*>(bytes.data()))) {
      return {};
    }
    if (page == 1) sample.first_page = bytes;
    pages += bytes;
  }
  sample.hash = XXH3_64bits(pages.data(), pages.size());
  return sample;
}

// Where the part begins that a checkpoint changes and the content does not.
constexpr absl::string_view kWalPart = " wal_frames=";

}  // namespace

absl::StatusOr<SourceFingerprint> BeginFingerprint(SqliteConnection& connection) {
  SourceFingerprint fingerprint;
  ASSIGN_OR_RETURN(const std::string header, connection.ReadWalIndexHeader());
  if (header.empty()) return fingerprint;
  fingerprint.wal = true;
  WalPosition position;
  // A torn header means a commit under way, which the monitor is about to see; what is read here
  // is thrown away then.
  fingerprint.complete = ParseWalIndexHeader(header, &position);
  if (!fingerprint.complete) return fingerprint;
  fingerprint.wal_position = position;
  fingerprint.wal_frames = position.frames;
  if (position.frames == 0) return fingerprint;
  fingerprint.text = absl::StrCat(
      kWalPart, position.frames, " wal_salt=",
      absl::Hex(position.salt[0], absl::kZeroPad8), absl::Hex(position.salt[1], absl::kZeroPad8),
      " wal_checksum=", absl::Hex(position.frame_checksum[0], absl::kZeroPad8),
      absl::Hex(position.frame_checksum[1], absl::kZeroPad8));
  return fingerprint;
}

absl::Status FinishFingerprint(SqliteConnection& connection, SourceFingerprint* fingerprint) {
  ASSIGN_OR_RETURN(const int64_t page_size, connection.QueryInt("PRAGMA page_size"));
  ASSIGN_OR_RETURN(const int64_t page_count, connection.QueryInt("PRAGMA page_count"));
  ASSIGN_OR_RETURN(const int64_t schema, connection.QueryInt("PRAGMA schema_version"));
  std::string text =
      absl::StrCat("page_size=", page_size, " pages=", page_count, " schema=", schema);
  const Sample sample = ReadSample(connection, *fingerprint, page_size, page_count);
  if (!sample.first_page.empty()) {
    absl::StrAppend(&text, " change=", ParseFileHeader(sample.first_page).change_counter,
                    " sample=", absl::Hex(sample.hash, absl::kZeroPad16));
  } else if (fingerprint->wal_frames == 0) {
    ASSIGN_OR_RETURN(const std::string head, connection.ReadFileBytes(0, 100));
    absl::StrAppend(&text, " change=", ParseFileHeader(head).change_counter);
  }
  fingerprint->text = absl::StrCat(text, fingerprint->text);
  return absl::OkStatus();
}

bool MayBeSameContent(absl::string_view a, absl::string_view b) {
  if (a == b) return true;
  const size_t end_of_a = a.find(kWalPart), end_of_b = b.find(kWalPart);
  // Outside of WAL mode every commit is counted in the file, so that nothing is left open.
  if (end_of_a == absl::string_view::npos && end_of_b == absl::string_view::npos) return false;
  return a.substr(0, end_of_a) == b.substr(0, end_of_b);
}

}  // namespace lite2pg
