// The constants of the archive format, for writer and reader. docs/archive-format.md draws it.
#ifndef LITE2PG_ENGINE_ARCHIVE_FORMAT_H_
#define LITE2PG_ENGINE_ARCHIVE_FORMAT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Changes whenever an older reader would misread a newer archive. Archives that are not compressed
// are written as version 1, which has no compression.
inline constexpr int kArchiveFormatVersion = 2;
inline constexpr int kUncompressedFormatVersion = 1;
inline constexpr absl::string_view kArchiveFormatName = "lite2pg archive";

inline constexpr absl::string_view kManifestName = "manifest.json";
inline constexpr absl::string_view kPreDataName = "pre-data.sql";
inline constexpr absl::string_view kPostDataName = "post-data.sql";
// The journal of an export under way; gone when the manifest is there.
inline constexpr absl::string_view kJournalName = "export.journal";
// The ends of data files' names, and what manifests call the compression.
inline constexpr absl::string_view kCopySuffix = ".copy";
inline constexpr absl::string_view kCompressedSuffix = ".copy.zst";
inline constexpr absl::string_view kZstd = "zstd";
// What a file is called until it is complete.
inline constexpr absl::string_view kUnfinishedSuffix = ".part";

// PostgreSQL's binary COPY: signature, no flags, no extension; and -1 as the number of fields at
// the end (PostgreSQL documentation, COPY, "Binary Format").
inline constexpr char kCopyHeader[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
inline constexpr size_t kCopyHeaderBytes = 19;
inline constexpr char kCopyTrailer[] = "\377\377";
inline constexpr size_t kCopyTrailerBytes = 2;
static_assert(sizeof(kCopyHeader) == kCopyHeaderBytes + 1);

// A manifest of 100,000 chunks takes 40 MB.
inline constexpr int64_t kManifestBytesMax = int64_t{512} << 20;
// Objects within objects in a manifest; the format needs six.
inline constexpr int kManifestDepthMax = 16;
// Names have six digits.
inline constexpr int kArchiveNumberMax = 999'999;
// PostgreSQL: MaxAllocSize (src/include/utils/memutils.h), which no row can exceed.
inline constexpr size_t kArchiveRowBytesMax = size_t{1} << 30;
inline constexpr size_t kArchiveNameBytesMax = 64;
// Of a compressed file before it was compressed: far above what export writes, and a limit for the
// work that a few bytes can make.
inline constexpr uint64_t kRawBytesMax = uint64_t{8} << 30;

// "t000017", "t000017/c000042.copy", "t000017/c000042.copy.zst".
std::string TableDirectoryName(int table);
std::string ChunkFileName(int table, int chunk, bool compressed);
// Whether the data file of this name is compressed.
bool IsCompressedName(absl::string_view name);

// A relative path of at most one directory, of [a-z0-9_.-] only and without "." or "..".
bool IsArchiveName(absl::string_view name);

// Exit code 13: something in the archive is not as it was written.
absl::Status AlteredError(absl::string_view name, absl::string_view what);
// Exit code 13: it cannot be trusted to be read at all (permissions, links, names).
absl::Status UnsafeError(absl::string_view name, absl::string_view what, absl::string_view hint);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_FORMAT_H_
