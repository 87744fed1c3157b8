#include "engine/archive/format.h"

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/error.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

bool IsArchiveComponent(absl::string_view component) {
  if (component.empty() || component.size() > kArchiveNameBytesMax) return false;
  if (component == "." || component == "..") return false;
  for (const char c : component) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!allowed) return false;
  }
  return true;
}

}  // namespace

std::string TableDirectoryName(int table) {
  char name[16];
  std::snprintf(name, sizeof(name), "t%06d", table);
  return name;
}

std::string ChunkFileName(int table, int chunk, bool compressed) {
  char name[24];
  std::snprintf(name, sizeof(name), "/c%06d", chunk);
  return absl::StrCat(TableDirectoryName(table), name,
                      compressed ? kCompressedSuffix : kCopySuffix);
}

bool IsCompressedName(absl::string_view name) { return absl::EndsWith(name, kCompressedSuffix); }

bool IsArchiveName(absl::string_view name) {
  const size_t slash = name.find('/');
  if (slash == absl::string_view::npos) return IsArchiveComponent(name);
  return IsArchiveComponent(name.substr(0, slash)) && IsArchiveComponent(name.substr(slash + 1));
}

absl::Status AlteredError(absl::string_view name, absl::string_view what) {
  ErrorInfo info;
  info.code = ErrorCode::kArchiveAltered;
  info.exit_code = ExitCode::kUnsafe;
  info.what = absl::StrCat("the archive is not as it was written: ", EscapeName(name), ": ", what);
  info.effect = "nothing of it was loaded";
  info.hint = "bring the archive over again, or export again";
  return MakeError(info);
}

absl::Status UnsafeError(absl::string_view name, absl::string_view what, absl::string_view hint) {
  ErrorInfo info;
  info.code = ErrorCode::kArchiveUnsafe;
  info.exit_code = ExitCode::kUnsafe;
  info.what = absl::StrCat("the archive is not safe to read: ", EscapeName(name), ": ", what);
  info.effect = "nothing of it was loaded";
  info.hint = std::string(hint);
  return MakeError(info);
}

}  // namespace lite2pg
