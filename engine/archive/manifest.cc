#include "engine/archive/manifest.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/archive/format.h"
#include "engine/archive/json_fields.h"
#include "engine/archive/manifest_json.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// The last line but one; what comes before it is what the checksum is of.
constexpr absl::string_view kSumKey = ",\n \"manifest_sha256\": \"";
constexpr absl::string_view kSumEnd = "\"\n}\n";
constexpr size_t kSha256Digits = 64, kXxh3Digits = 32;

Json PairsToJson(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json out = Json::array();
  for (const auto& [name, value] : pairs) {
    out.push_back(Json{{"name", JsonText(name)}, {"value", JsonText(value)}});
  }
  return out;
}

void PutChecksums(const FileChecksums& sums, Json* out) {
  (*out)["file_bytes"] = sums.bytes;
  (*out)["xxh3_128"] = sums.xxh3;
  (*out)["sha256"] = sums.sha256;
}

Json ColumnToJson(const ArchiveColumn& column) {
  Json classes;
  for (size_t c = 0; c < kStorageClassCount; ++c) {
    classes[std::string(kStorageClassNames[c])] = column.storage_classes[c];
  }
  return Json{{"source_name", JsonText(column.source_name)},
              {"source_column", column.source_column},
              {"target_name", JsonText(column.target_name)},
              {"declared_type", JsonText(column.declared_type)},
              {"type", column.type},
              {"not_null", column.not_null},
              {"reading", PairsToJson(column.rules)},
              {"storage_classes", std::move(classes)},
              {"integer_min", column.integer_min},
              {"integer_max", column.integer_max},
              {"value_bytes", column.bytes},
              {"value_bytes_max", column.value_bytes_max}};
}

Json TableToJson(const ArchiveTable& table) {
  Json columns = Json::array(), chunks = Json::array();
  for (const ArchiveColumn& column : table.columns) columns.push_back(ColumnToJson(column));
  for (const ArchiveChunk& chunk : table.chunks) chunks.push_back(ChunkToJson(chunk));
  return Json{{"number", table.number},
              {"source_name", JsonText(table.source_name)},
              {"target_name", JsonText(table.target_name)},
              {"where", JsonText(table.where)},
              {"rows", table.rows},
              {"bytes", table.bytes},
              {"digest", table.digest.ToHex()},
              {"columns", std::move(columns)},
              {"chunks", std::move(chunks)}};
}

bool IsLowerHex(absl::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

void GetDigest(const char* key, uint64_t rows, JsonFields* fields, Digest* out) {
  std::string hex;
  fields->Get(key, &hex);
  if (!IsLowerHex(hex, 32) || !Digest::FromHex(hex, out)) fields->Fail("a digest is malformed");
  out->rows = rows;
}

void GetChecksums(JsonFields* fields, FileChecksums* out) {
  fields->Get("file_bytes", &out->bytes);
  fields->Get("xxh3_128", &out->xxh3);
  fields->Get("sha256", &out->sha256);
  if (!IsLowerHex(out->sha256, kSha256Digits) || !IsLowerHex(out->xxh3, kXxh3Digits)) {
    fields->Fail("a checksum is malformed");
  }
}

absl::Status GetPairs(const Json& array, const std::string& where,
                      std::vector<std::pair<std::string, std::string>>* out) {
  for (const Json& item : array) {
    JsonFields fields(item, where);
    std::string name, value;
    fields.Get("name", &name);
    fields.Get("value", &value);
    RETURN_IF_ERROR(fields.Finish());
    out->emplace_back(std::move(name), std::move(value));
  }
  return absl::OkStatus();
}

absl::StatusOr<ArchiveColumn> ParseColumn(const Json& json, const std::string& where) {
  ArchiveColumn column;
  JsonFields fields(json, where);
  fields.Get("source_name", &column.source_name);
  fields.GetInt("source_column", 0, kSchemaEntriesMax, &column.source_column);
  fields.Get("target_name", &column.target_name);
  fields.Get("declared_type", &column.declared_type);
  fields.Get("type", &column.type);
  fields.Get("not_null", &column.not_null);
  const Json& rules = fields.Array("reading");
  const Json& classes = fields.Object("storage_classes");
  fields.Get("integer_min", &column.integer_min);
  fields.Get("integer_max", &column.integer_max);
  fields.Get("value_bytes", &column.bytes);
  fields.Get("value_bytes_max", &column.value_bytes_max);
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(GetPairs(rules, where, &column.rules));
  JsonFields counts(classes, where);
  for (size_t c = 0; c < kStorageClassCount; ++c) {
    counts.Get(std::string(kStorageClassNames[c]).c_str(), &column.storage_classes[c]);
  }
  RETURN_IF_ERROR(counts.Finish());
  return column;
}

// Ranges of rowids follow each other; tables that are not read by it have none.
bool InOrder(const std::vector<ArchiveChunk>& chunks) {
  bool by_rowid = false;
  for (const ArchiveChunk& chunk : chunks) {
    by_rowid |= chunk.after_rowid.has_value() || chunk.up_to_rowid.has_value();
  }
  for (size_t i = 0; by_rowid && i < chunks.size(); ++i) {
    const std::optional<int64_t>&after = chunks[i].after_rowid, &up_to = chunks[i].up_to_rowid;
    if (after.has_value() && up_to.has_value() && *after >= *up_to) return false;
    if (i == 0) continue;
    const std::optional<int64_t>& before = chunks[i - 1].up_to_rowid;
    if (!before.has_value() || !after.has_value() || *before > *after) return false;
  }
  return true;
}

absl::StatusOr<ArchiveTable> ParseTable(const Json& json, const std::string& where) {
  ArchiveTable table;
  JsonFields fields(json, where);
  fields.GetInt("number", 0, kArchiveNumberMax, &table.number);
  fields.Get("source_name", &table.source_name);
  fields.Get("target_name", &table.target_name);
  fields.Get("where", &table.where);
  fields.Get("rows", &table.rows);
  fields.Get("bytes", &table.bytes);
  GetDigest("digest", table.rows, &fields, &table.digest);
  const Json& columns = fields.Array("columns");
  const Json& chunks = fields.Array("chunks");
  Digest sum;
  uint64_t bytes = 0;
  for (const Json& column : columns) {
    ASSIGN_OR_RETURN(ArchiveColumn parsed, ParseColumn(column, where));
    table.columns.push_back(std::move(parsed));
  }
  for (const Json& chunk : chunks) {
    ASSIGN_OR_RETURN(ArchiveChunk parsed, ChunkFromJson(chunk, where, table.number));
    sum.Add(parsed.digest);
    bytes += parsed.checksums.bytes;
    table.chunks.push_back(std::move(parsed));
  }
  if (table.columns.empty() || table.columns.size() > kTargetColumnsMax) {
    fields.Fail("an impossible number of columns");
  }
  if (sum != table.digest) fields.Fail("its chunks do not add up to its rows and digest");
  if (!InOrder(table.chunks)) fields.Fail("its files are not in the order of their rows");
  if (bytes != table.bytes) fields.Fail("its chunks do not add up to its bytes");
  RETURN_IF_ERROR(fields.Finish());
  return table;
}

absl::Status ParseSource(const Json& json, ArchiveManifest::Source* source) {
  JsonFields fields(json, "source");
  fields.Get("path", &source->path);
  fields.Get("fingerprint", &source->fingerprint);
  fields.Get("encoding", &source->encoding);
  fields.Get("snapshot", &source->snapshot);
  fields.Get("bytes", &source->bytes);
  fields.Get("page_size", &source->page_size);
  return fields.Finish();
}

absl::Status CheckVersions(JsonFields* fields, bool* compressed) {
  std::string format;
  int version = 0, digest_version = 0;
  fields->Get("format", &format);
  fields->GetInt("format_version", 0, INT32_MAX, &version);
  fields->GetInt("digest_version", 0, INT32_MAX, &digest_version);
  if (format != kArchiveFormatName) fields->Fail("not an archive of lite2pg");
  const bool known = version == kArchiveFormatVersion || version == kUncompressedFormatVersion;
  if (known && digest_version == kDigestVersion) {
    *compressed = version == kArchiveFormatVersion;
    if (!*compressed) return absl::OkStatus();
    std::string compression;
    fields->Get("compression", &compression);
    if (compression != kZstd) fields->Fail("a compression that is not known");
    return absl::OkStatus();
  }
  return MakeError(ErrorCode::kArchiveVersion, ExitCode::kUnsafe,
                   absl::StrCat("the archive has format ", version, " with digest ", digest_version,
                                "; this program reads formats up to ", kArchiveFormatVersion,
                                " with digest ", kDigestVersion),
                   "use the version of lite2pg that wrote it, or a newer one");
}

// Checks the manifest's own checksum and returns what it is of, closed again.
absl::StatusOr<std::string> CheckedText(absl::string_view content, std::string* sha256) {
  const size_t tail = kSumKey.size() + kSha256Digits + kSumEnd.size();
  const absl::Status malformed = AlteredError(kManifestName, "it does not end with its checksum");
  if (content.size() < tail || !absl::EndsWith(content, kSumEnd)) return malformed;
  const absl::string_view body = content.substr(0, content.size() - tail);
  absl::string_view rest = content.substr(body.size());
  if (!absl::StartsWith(rest, kSumKey)) return malformed;
  *sha256 = std::string(rest.substr(kSumKey.size(), kSha256Digits));
  if (ChecksumsOf(body).sha256 != *sha256) {
    return AlteredError(kManifestName, "its checksum does not match");
  }
  return absl::StrCat(body, "\n}");
}

absl::Status CheckNames(const ArchiveManifest& manifest) {
  std::set<std::string> files, tables;
  std::set<int> numbers;
  for (const ArchiveTable& table : manifest.tables) {
    if (!numbers.insert(table.number).second || !tables.insert(table.source_name).second) {
      return AlteredError(kManifestName, "a table stands there twice");
    }
    for (const ArchiveChunk& chunk : table.chunks) {
      if (!files.insert(chunk.file).second) {
        return AlteredError(chunk.file, "the manifest names it twice");
      }
      if (IsCompressedName(chunk.file) != manifest.compressed) {
        return AlteredError(chunk.file, "it is not compressed as the manifest says of all");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

Json ChunkToJson(const ArchiveChunk& chunk) {
  const auto bound = [](const std::optional<int64_t>& rowid) {
    return rowid.has_value() ? Json(*rowid) : Json(nullptr);
  };
  Json out{{"file", chunk.file},
           {"key_range", JsonText(chunk.key_range)},
           {"after_rowid", bound(chunk.after_rowid)},
           {"up_to_rowid", bound(chunk.up_to_rowid)},
           {"rows", chunk.rows},
           {"digest", chunk.digest.ToHex()}};
  PutChecksums(chunk.checksums, &out);
  if (IsCompressedName(chunk.file)) {
    out["raw_bytes"] = chunk.raw_bytes;
    out["raw_xxh3_128"] = chunk.raw_xxh3;
  }
  return out;
}

absl::StatusOr<ArchiveChunk> ChunkFromJson(const Json& json, const std::string& where, int table) {
  ArchiveChunk chunk;
  JsonFields fields(json, where);
  fields.Get("file", &chunk.file);
  fields.Get("key_range", &chunk.key_range);
  fields.Get("after_rowid", &chunk.after_rowid);
  fields.Get("up_to_rowid", &chunk.up_to_rowid);
  fields.Get("rows", &chunk.rows);
  GetDigest("digest", chunk.rows, &fields, &chunk.digest);
  GetChecksums(&fields, &chunk.checksums);
  const bool compressed = IsCompressedName(chunk.file);
  const bool named = IsArchiveName(chunk.file) &&
                     (compressed || absl::EndsWith(chunk.file, kCopySuffix)) &&
                     absl::StartsWith(chunk.file, TableDirectoryName(table) + "/c");
  if (!named) fields.Fail("a file of an impossible name");
  chunk.raw_bytes = chunk.checksums.bytes;
  if (compressed) {
    fields.Get("raw_bytes", &chunk.raw_bytes);
    fields.Get("raw_xxh3_128", &chunk.raw_xxh3);
    if (chunk.raw_bytes > kRawBytesMax) fields.Fail("a file that would become too large");
    if (!IsLowerHex(chunk.raw_xxh3, kXxh3Digits)) fields.Fail("a checksum is malformed");
  }
  // A row takes two bytes at least; without this a few bytes could claim any number of rows.
  if (chunk.rows == 0 || chunk.rows > chunk.raw_bytes / 2) fields.Fail("impossible rows");
  RETURN_IF_ERROR(fields.Finish());
  return chunk;
}

uint64_t ArchiveManifest::rows() const {
  uint64_t rows = 0;
  for (const ArchiveTable& table : tables) rows += table.rows;
  return rows;
}

uint64_t ArchiveManifest::bytes() const {
  uint64_t bytes = 0;
  for (const ArchiveTable& table : tables) bytes += table.bytes;
  return bytes;
}

uint64_t ArchiveManifest::raw_bytes() const {
  uint64_t bytes = 0;
  for (const ArchiveTable& table : tables) {
    for (const ArchiveChunk& chunk : table.chunks) bytes += chunk.raw_bytes;
  }
  return bytes;
}

std::string WriteManifest(const ArchiveManifest& manifest) {
  const ArchiveManifest::Source& source = manifest.source;
  Json files = Json::array(), tables = Json::array();
  for (const ArchiveFile& file : manifest.schema_files) {
    Json out{{"file", file.name}};
    PutChecksums(file.checksums, &out);
    files.push_back(std::move(out));
  }
  for (const ArchiveTable& table : manifest.tables) tables.push_back(TableToJson(table));
  // It was parsed from what ArchiveCatalogToJson wrote, or written by it: always valid.
  Json catalog = Json::parse(manifest.catalog_json, nullptr, /*allow_exceptions=*/false);
  Json out{{"format", std::string(kArchiveFormatName)},
           {"format_version",
            manifest.compressed ? kArchiveFormatVersion : kUncompressedFormatVersion},
           {"digest_version", kDigestVersion},
           {"tool_version", manifest.tool_version},
           {"source",
            {{"path", JsonText(source.path)},
             {"fingerprint", JsonText(source.fingerprint)},
             {"encoding", source.encoding},
             {"snapshot", JsonText(source.snapshot)},
             {"bytes", source.bytes},
             {"page_size", source.page_size}}},
           {"identity", manifest.identity},
           {"target_schema", JsonText(manifest.target_schema)},
           {"options", PairsToJson(manifest.options)},
           {"schema_files", std::move(files)},
           {"tables", std::move(tables)},
           {"catalog", std::move(catalog)}};
  if (manifest.compressed) out["compression"] = std::string(kZstd);
  std::string body = out.dump(1);
  body.resize(body.size() - 2);  // "\n}"
  return absl::StrCat(body, kSumKey, ChecksumsOf(body).sha256, kSumEnd);
}

absl::StatusOr<ArchiveManifest> ParseManifest(absl::string_view content, std::string* sha256) {
  ASSIGN_OR_RETURN(const std::string text, CheckedText(content, sha256));
  ASSIGN_OR_RETURN(const Json json, ParseStrictJson(text, kManifestName));
  ArchiveManifest manifest;
  JsonFields fields(json, "manifest");
  RETURN_IF_ERROR(CheckVersions(&fields, &manifest.compressed));
  fields.Get("tool_version", &manifest.tool_version);
  const Json& source = fields.Object("source");
  fields.Get("identity", &manifest.identity);
  fields.Get("target_schema", &manifest.target_schema);
  const Json& options = fields.Array("options");
  const Json& files = fields.Array("schema_files");
  const Json& tables = fields.Array("tables");
  const Json& catalog = fields.Object("catalog");
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(ParseSource(source, &manifest.source));
  RETURN_IF_ERROR(GetPairs(options, "options", &manifest.options));
  for (const Json& item : files) {
    ArchiveFile file;
    JsonFields file_fields(item, "schema_files");
    file_fields.Get("file", &file.name);
    GetChecksums(&file_fields, &file.checksums);
    const bool known = file.name == kPreDataName || file.name == kPostDataName;
    if (!known) file_fields.Fail("a file of an impossible name");
    RETURN_IF_ERROR(file_fields.Finish());
    manifest.schema_files.push_back(std::move(file));
  }
  if (manifest.schema_files.size() != 2 ||
      manifest.schema_files[0].name == manifest.schema_files[1].name) {
    return AlteredError(kManifestName, "there are two schema files in an archive");
  }
  for (size_t i = 0; i < tables.size(); ++i) {
    ASSIGN_OR_RETURN(ArchiveTable table, ParseTable(tables[i], absl::StrCat("tables[", i, "]")));
    if (table.number != static_cast<int>(i)) {
      return AlteredError(kManifestName, "the tables are not in the order of their numbers");
    }
    manifest.tables.push_back(std::move(table));
  }
  RETURN_IF_ERROR(CheckNames(manifest));
  manifest.catalog_json = catalog.dump();
  return manifest;
}

}  // namespace lite2pg
