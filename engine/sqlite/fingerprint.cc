#include "engine/sqlite/fingerprint.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/sqlite/source_file.h"

namespace lite2pg {
namespace {

// Pages whose bytes go into the fingerprint: enough to tell files apart that share a schema and a
// number of commits, few enough to cost nothing on a cold disk.
constexpr int64_t kSamplePagesMax = 32;

absl::StatusOr<uint64_t> HashSample(SqliteConnection& connection, int64_t page_size,
                                    int64_t page_count) {
  std::string pages;
  const int64_t samples = std::min(page_count, kSamplePagesMax);
  for (int64_t i = 0; i < samples; ++i) {
    // The first and the last page, and the rest evenly between them.
    const int64_t page = samples == 1 ? 0 : i * (page_count - 1) / (samples - 1);
    ASSIGN_OR_RETURN(const std::string bytes,
                     connection.ReadFileBytes(page * page_size, static_cast<int>(page_size)));
    pages += bytes;
  }
  return XXH3_64bits(pages.data(), pages.size());
}

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
      " wal_frames=", position.frames, " wal_salt=",
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
  if (fingerprint->wal_frames == 0) {
    ASSIGN_OR_RETURN(const std::string head, connection.ReadFileBytes(0, 100));
    ASSIGN_OR_RETURN(const uint64_t sample, HashSample(connection, page_size, page_count));
    absl::StrAppend(&text, " change=", ParseFileHeader(head).change_counter,
                    " sample=", absl::Hex(sample, absl::kZeroPad16));
  }
  fingerprint->text = absl::StrCat(text, fingerprint->text);
  return absl::OkStatus();
}

}  // namespace lite2pg
