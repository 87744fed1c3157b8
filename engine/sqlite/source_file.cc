#include "engine/sqlite/source_file.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/system_error.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kMagic("SQLite format 3\0", 16);

absl::Status SourceError(ErrorCode code, absl::string_view what, absl::string_view hint = "") {
  return MakeError(code, ExitCode::kSource, what, hint);
}

// ---- URIs: https://www.sqlite.org/uri.html ----------------------------------------------------

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Replaces %HH as SQLite does; false for %00 and broken escapes.
bool PercentDecode(absl::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out->push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3 || HexDigit(text[i + 1]) < 0 || HexDigit(text[i + 2]) < 0) return false;
    const int byte = HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]);
    if (byte == 0) return false;
    out->push_back(static_cast<char>(byte));
    i += 2;
  }
  return true;
}

bool IsTrue(absl::string_view value) {
  const std::string lower = absl::AsciiStrToLower(value);
  return lower == "1" || lower == "yes" || lower == "true" || lower == "on";
}

absl::Status UriUsage(absl::string_view what, absl::string_view hint) {
  return MakeError(ErrorCode::kUsage, ExitCode::kUsage, what, hint);
}

// One name=value of a URI. The value is never repeated: key=, hexkey= and their like are secrets.
absl::Status ApplyParameter(absl::string_view name, absl::string_view value,
                            SourceLocation* location) {
  if (name == "immutable") {
    location->immutable = IsTrue(value);
    return absl::OkStatus();
  }
  if (name == "mode" && value == "memory") {
    return UriUsage("the source's URI names a database in memory", "give the path of a file");
  }
  // The source is opened read-only and with a private cache whatever these say.
  if (name == "mode" || name == "cache" || name == "psow") return absl::OkStatus();
  if ((name == "nolock" && !IsTrue(value)) || (name == "vfs" && value == "unix")) {
    return absl::OkStatus();
  }
  if (name == "nolock" || name == "vfs") {
    return UriUsage(absl::StrCat("the source's URI has the parameter ", name,
                                 ", which would read without SQLite's locks"),
                    "leave it out");
  }
  if (absl::EndsWith(name, "key") || name == "password" || name == "cipher") {
    return SourceError(ErrorCode::kSourceEncrypted,
                       "the source's URI has a key, but encrypted databases cannot be read",
                       "decrypt it first with the library that encrypted it");
  }
  return UriUsage(absl::StrCat("the source's URI has the unknown parameter ",
                               EscapeForMessage(name, 32)),
                  "known are immutable, mode, cache and psow");
}

absl::Status ParseUri(absl::string_view uri, SourceLocation* location) {
  uri = absl::StripPrefix(uri, "file:");
  uri = uri.substr(0, uri.find('#'));
  const size_t question = uri.find('?');
  absl::string_view path = uri.substr(0, question);
  if (absl::StartsWith(path, "//")) {
    path.remove_prefix(2);
    const size_t slash = path.find('/');
    const absl::string_view authority = path.substr(0, slash);
    if (slash == absl::string_view::npos || (!authority.empty() && authority != "localhost")) {
      return UriUsage("the source's URI names another host", "write file:///path");
    }
    path.remove_prefix(slash);
  }
  if (!PercentDecode(path, &location->path)) {
    return UriUsage("the source's URI has a broken % escape in its path", "");
  }
  if (question == absl::string_view::npos) return absl::OkStatus();
  for (const absl::string_view parameter :
       absl::StrSplit(uri.substr(question + 1), '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    std::string name, value;
    if (!PercentDecode(parts.first, &name) || !PercentDecode(parts.second, &value)) {
      return UriUsage("the source's URI has a broken % escape in a parameter", "");
    }
    RETURN_IF_ERROR(ApplyParameter(name, value, location));
  }
  return absl::OkStatus();
}

// ---- The file ---------------------------------------------------------------------------------

absl::Status CannotSee(const std::string& path, int error) {
  if (IsOutOfResource(error)) return OutOfResource(path, error);
  const std::string name = EscapeName(path);
  if (error == ENOENT || error == ENOTDIR) {
    return SourceError(ErrorCode::kSourceMissing,
                       absl::StrCat("there is no file ",
                                    path.empty() ? "with an empty name" : name),
                       absl::StrCat("check the path; lite2pg never creates a source",
                                    path.find_first_of("*?[") == std::string::npos
                                        ? ""
                                        : "; a pattern that stands for several files needs "
                                          "--source-column NAME"));
  }
  return SourceError(ErrorCode::kSourceUnreadable,
                     absl::StrCat(name, " cannot be reached: ", std::strerror(error)),
                     error == EACCES ? "check the permissions of its directories" : "");
}

absl::string_view KindName(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

absl::Status CheckKind(const std::string& path, const struct stat& state) {
  if (!S_ISREG(state.st_mode)) {
    return SourceError(ErrorCode::kSourceNotSqlite,
                       absl::StrCat(EscapeName(path), " is ", KindName(state.st_mode),
                                    ", not a database file"),
                       S_ISDIR(state.st_mode) ? "name the file within it" : "");
  }
  // To SQLite an empty file is an empty database, and it would delete a -wal or -journal beside
  // it as left over. Far more often the file is a mistake.
  if (state.st_size == 0) {
    return SourceError(ErrorCode::kSourceNotSqlite, absl::StrCat(EscapeName(path), " is empty"),
                       "check whether the download or copy of the database was finished");
  }
  return absl::OkStatus();
}

// immutable=1 reads past journals: an unfinished transaction's rows with a hot journal, none of
// the rows of a WAL. Both happen silently, so it is taken only where neither exists.
absl::Status CheckImmutable(const SourceLocation& location) {
  for (const absl::string_view suffix : {"-wal", "-journal"}) {
    const FileState beside = StateOf(absl::StrCat(location.path, suffix));
    if (!beside.exists || beside.size_bytes == 0) continue;
    return SourceError(ErrorCode::kSourceHotJournal,
                       absl::StrCat("immutable=1 would ignore the file ",
                                    EscapeName(location.path), suffix),
                       "leave immutable=1 out");
  }
  return absl::OkStatus();
}

// ---- Headers ----------------------------------------------------------------------------------

uint32_t BigEndian(absl::string_view bytes, size_t at, size_t length) {
  uint32_t value = 0;
  for (size_t i = 0; i < length; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

struct OtherFormat {
  absl::string_view magic;
  absl::string_view name;
  absl::string_view hint;
};

constexpr OtherFormat kOtherFormats[] = {
    {"** This file contains an SQLite 2", "an SQLite 2 database",
     "convert it with the sqlite 2 and sqlite3 command lines"},
    {"SQLite format ", "an SQLite database of an unknown version", ""},
    {"\x1f\x8b", "compressed with gzip", "decompress it first"},
    {"PK\x03\x04", "a zip archive", "unpack it first"},
    {"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first"},
    {"\xfd" "7zXZ", "compressed with xz", "decompress it first"},
    {"BZh", "compressed with bzip2", "decompress it first"},
    {"PGDMP", "a dump of PostgreSQL", "use pg_restore"},
    {"DUCK", "a DuckDB database", ""},
};

// Bits per byte of what the bytes look like drawn at random; 8 for perfect noise. 1,024 random
// bytes come to about 7.8, text to less than 5, machine code to about 6.
double EntropyBits(absl::string_view bytes) {
  std::array<int, 256> counts{};
  for (const char c : bytes) ++counts[static_cast<uint8_t>(c)];
  double bits = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(bytes.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool IsText(absl::string_view bytes) {
  for (const char c : bytes) {
    if (static_cast<uint8_t>(c) < 0x20 && !absl::ascii_isspace(c)) return false;
  }
  return true;
}

// SQLCipher and SEE encrypt whole pages; wxSQLite3 and SEE may leave bytes 16..23 of the header
// plain, where the payload fractions 64, 32, 32 are constants of the format.
bool LooksEncrypted(absl::string_view head, int64_t size_bytes) {
  if (head.size() < 512 || size_bytes % 512 != 0) return false;
  const bool plain_fractions = head[21] == 64 && head[22] == 32 && head[23] == 32;
  return plain_fractions || EntropyBits(head.substr(0, 1024)) > (head.size() < 1024 ? 7.0 : 7.5);
}

}  // namespace

absl::StatusOr<SourceLocation> LocateSource(const std::string& source) {
  SourceLocation location;
  if (absl::StartsWith(source, "file:")) {
    RETURN_IF_ERROR(ParseUri(source, &location));
  } else {
    location.path = source;
  }
  if (location.path.find('\0') != std::string::npos) return CannotSee(location.path, ENOENT);
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  const std::unique_ptr<char, Free> resolved(realpath(location.path.c_str(), nullptr));
  if (resolved == nullptr) return CannotSee(location.path, errno);
  location.path = resolved.get();
  struct stat state;
  if (stat(location.path.c_str(), &state) != 0) return CannotSee(location.path, errno);
  RETURN_IF_ERROR(CheckKind(location.path, state));
  if (location.immutable) RETURN_IF_ERROR(CheckImmutable(location));
  return location;
}

FileState StateOf(const std::string& path) {
  FileState out;
  struct stat state;
  if (stat(path.c_str(), &state) != 0) return out;
  out.exists = true;
  out.device = state.st_dev;
  out.inode = state.st_ino;
  out.size_bytes = state.st_size;
  out.modified_ns = int64_t{state.st_mtim.tv_sec} * 1'000'000'000 + state.st_mtim.tv_nsec;
  return out;
}

FileHeader ParseFileHeader(absl::string_view bytes) {
  FileHeader header;
  if (bytes.size() < 100) return header;
  header.has_magic = absl::StartsWith(bytes, kMagic);
  const uint32_t size = BigEndian(bytes, 16, 2);
  const int64_t page_size = size == 1 ? 65'536 : size;
  if (page_size >= 512 && (page_size & (page_size - 1)) == 0) header.page_size = page_size;
  header.wal = bytes[19] == 2;
  header.change_counter = BigEndian(bytes, 24, 4);
  // The page count is valid only if the "version valid for" number is the change counter's.
  if (BigEndian(bytes, 92, 4) == header.change_counter) header.page_count = BigEndian(bytes, 28, 4);
  return header;
}

absl::Status ExplainNotADatabase(absl::string_view head, int64_t size_bytes) {
  if (absl::StartsWith(head, kMagic)) {
    if (size_bytes < 512) {
      return SourceError(ErrorCode::kSourceTruncated,
                         absl::StrCat("the source begins as an SQLite database but ends after ",
                                      size_bytes, " bytes"),
                         "check whether its download or copy was finished");
    }
    return SourceError(ErrorCode::kSourceNotSqlite,
                       "the source begins as an SQLite database, but its header is not valid",
                       "it may be damaged, or encrypted with a plain header");
  }
  for (const OtherFormat& format : kOtherFormats) {
    if (!absl::StartsWith(head, format.magic)) continue;
    return SourceError(ErrorCode::kSourceNotSqlite,
                       absl::StrCat("the source is not an SQLite database: it is ", format.name),
                       format.hint);
  }
  if (LooksEncrypted(head, size_bytes)) {
    return SourceError(ErrorCode::kSourceEncrypted,
                       "the source is not a plain SQLite database: it looks encrypted",
                       "decrypt it first with the library that encrypted it (SQLCipher: "
                       "sqlcipher_export)");
  }
  if (IsText(head)) {
    return SourceError(ErrorCode::kSourceNotSqlite,
                       "the source is not an SQLite database: it is text",
                       "if it is a dump, load it first: sqlite3 new.db < dump.sql");
  }
  return SourceError(ErrorCode::kSourceNotSqlite, "the source is not an SQLite database",
                     "check that it is the database itself and not another file");
}

}  // namespace lite2pg
