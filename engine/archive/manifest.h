// The manifest: what an archive holds, with checksums of every file and of itself.
#ifndef LITE2PG_ENGINE_ARCHIVE_MANIFEST_H_
#define LITE2PG_ENGINE_ARCHIVE_MANIFEST_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/digest.h"
#include "coercion/row_encoder.h"
#include "engine/archive/checksum.h"

namespace lite2pg {

// A column of the data files, in their order.
struct ArchiveColumn {
  std::string source_name, target_name, declared_type;
  int source_column = -1;  // index into the columns of the table in the catalog
  std::string type;        // as SQL writes it: numeric(10,2)
  std::vector<std::pair<std::string, std::string>> rules;  // readings other than the default
  bool not_null = false;
  // What export saw in the source: the planner of import decides by it as that of copy does.
  ClassCounts storage_classes{};
  int64_t integer_min = 0, integer_max = 0;
  uint64_t bytes = 0, value_bytes_max = 0;
};

struct ArchiveChunk {
  std::string file;
  std::string key_range;  // for people: "(rowid 5, rowid 900]"
  // The same as numbers, where the table is read by its rowid; without a value: unbounded.
  std::optional<int64_t> after_rowid, up_to_rowid;
  uint64_t rows = 0;
  FileChecksums checksums;  // of the file as it is stored
  // Of what it is before compression. Without compression: the size of the file, and "".
  uint64_t raw_bytes = 0;
  std::string raw_xxh3;
  Digest digest;  // of the rows, docs/digest.md
};

struct ArchiveTable {
  int number = 0;  // of its directory
  std::string source_name, target_name;
  std::string where;             // the condition that rows were chosen by; "" for all
  uint64_t rows = 0, bytes = 0;  // bytes: of all its files
  Digest digest;
  std::vector<ArchiveColumn> columns;
  std::vector<ArchiveChunk> chunks;  // in this order rows are numbered
};

struct ArchiveFile {
  std::string name;
  FileChecksums checksums;
};

struct ArchiveManifest {
  std::string tool_version;
  struct Source {
    std::string path, fingerprint, encoding, snapshot;
    int64_t bytes = 0, page_size = 0;
  } source;
  std::string identity;       // of source state, options and plan: what --resume compares
  std::string target_schema;  // the one that the SQL files name
  bool compressed = false;    // every data file is, or none
  // The options that decided what is in it, as names and values.
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<ArchiveFile> schema_files;
  std::vector<ArchiveTable> tables;
  // The source's declarations, as engine/command/archive_catalog writes them: an object.
  std::string catalog_json;

  uint64_t rows() const;
  uint64_t bytes() const;  // of all data files
  uint64_t raw_bytes() const;  // before compression
};

// The bytes of manifest.json.
std::string WriteManifest(const ArchiveManifest& manifest);

// The inverse. Errors with exit code 13: its own checksum, its structure, a version that this
// program does not know, numbers that contradict each other, names that no archive has. `sha256`
// gets the manifest's own checksum.
absl::StatusOr<ArchiveManifest> ParseManifest(absl::string_view content, std::string* sha256);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_MANIFEST_H_
