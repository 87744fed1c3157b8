// What can be learned about a source before and beside SQLite: its name, its kind, its neighbours.
//
// Nothing here opens the file. Opening and closing it would drop the POSIX locks that SQLite holds
// in this process (https://www.sqlite.org/howtocorrupt.html, section 2.2); bytes are read through
// SQLite's own handle and handed in.
#ifndef LITE2PG_ENGINE_SQLITE_SOURCE_FILE_H_
#define LITE2PG_ENGINE_SQLITE_SOURCE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Where a source is. Value type.
struct SourceLocation {
  std::string path;        // absolute, symbolic links resolved
  bool immutable = false;  // the URI said immutable=1, and no journal or WAL contradicts it
};

// Resolves a path or file: URI and looks at the file with stat(). Errors: kSourceMissing,
// kSourceUnreadable, kSourceNotSqlite (directory, pipe, device, empty file), kSourceHotJournal
// (immutable=1 beside a journal or WAL), kUsage (a URI parameter that we do not take). No message
// repeats a URI's parameters, which may hold a key.
absl::StatusOr<SourceLocation> LocateSource(const std::string& source);

// The file's identity and size at one moment.
struct FileState {
  bool exists = false;
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
};
// stat() only; any thread. A file that cannot be seen counts as absent.
FileState StateOf(const std::string& path);

// The first 100 bytes of a database (https://www.sqlite.org/fileformat2.html#the_database_header).
struct FileHeader {
  bool has_magic = false;
  int64_t page_size = 0;       // 0: not a valid size
  int64_t page_count = 0;      // 0: unknown, as writers before 3.7.0 left it
  bool wal = false;            // the read version says WAL
  uint32_t change_counter = 0;
};
FileHeader ParseFileHeader(absl::string_view bytes);

// Why `head`, the first bytes of a file of `size_bytes`, is not a database: encrypted, cut off,
// another format, or simply something else. Always an error.
absl::Status ExplainNotADatabase(absl::string_view head, int64_t size_bytes);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SOURCE_FILE_H_
