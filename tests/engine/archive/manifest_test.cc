#include "engine/archive/manifest.h"

#include <random>

#include "engine/archive/format.h"
#include "engine/archive/json_fields.h"
#include "engine/base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

ArchiveManifest Sample(bool compressed = false) {
  ArchiveManifest manifest;
  manifest.compressed = compressed;
  manifest.tool_version = "1.2.3";
  manifest.source.path = "/a/\"b\"\n.db";
  manifest.source.fingerprint = "page_size=4096";
  manifest.source.encoding = "UTF-8";
  manifest.source.bytes = 4096;
  manifest.identity = std::string(64, 'a');
  manifest.target_schema = "public";
  manifest.options.emplace_back("where", "t=a > '1'");
  for (const absl::string_view name : {kPreDataName, kPostDataName}) {
    manifest.schema_files.push_back({std::string(name), ChecksumsOf("SELECT 1;")});
  }
  ArchiveTable table;
  table.source_name = "not utf-8: \xff";
  table.target_name = "t";
  ArchiveColumn column;
  column.source_name = "a";
  column.target_name = "a";
  column.source_column = 0;
  column.type = "bigint";
  column.integer_min = INT64_MIN;
  column.integer_max = INT64_MAX;
  column.rules.emplace_back("integer", "unix-seconds");
  table.columns.push_back(column);
  for (int i = 0; i < 2; ++i) {
    ArchiveChunk chunk;
    chunk.file = ChunkFileName(0, i, compressed);
    chunk.digest.AddRow("row");
    chunk.rows = 1;
    chunk.checksums = ChecksumsOf("a file of some bytes");
    chunk.raw_bytes = compressed ? 1000 : chunk.checksums.bytes;
    if (compressed) chunk.raw_xxh3 = std::string(32, 'b');
    if (i == 0) chunk.up_to_rowid = -5;
    if (i == 1) chunk.after_rowid = -5;
    table.digest.Add(chunk.digest);
    table.rows += chunk.rows;
    table.bytes += chunk.checksums.bytes;
    table.chunks.push_back(chunk);
  }
  manifest.tables.push_back(table);
  manifest.catalog_json = R"({"tables":[]})";
  return manifest;
}

ExitCode ExitOf(const std::string& content) {
  std::string sha256;
  const absl::StatusOr<ArchiveManifest> parsed = ParseManifest(content, &sha256);
  return parsed.ok() ? ExitCode::kDone : InfoOf(parsed.status()).exit_code;
}

TEST(Manifest, GivesBackWhatWasWritten) {
  const std::string compressed = WriteManifest(Sample(/*compressed=*/true));
  std::string sha256;
  absl::StatusOr<ArchiveManifest> parsed = ParseManifest(compressed, &sha256);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(WriteManifest(*parsed), compressed);
  EXPECT_EQ(parsed->raw_bytes(), 2000u);
  EXPECT_THAT(compressed, HasSubstr("\"compression\": \"zstd\""));
  const std::string content = WriteManifest(Sample());
  parsed = ParseManifest(content, &sha256);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(WriteManifest(*parsed), content);
  EXPECT_EQ(parsed->raw_bytes(), parsed->bytes());
  EXPECT_EQ(parsed->tables[0].source_name, "not utf-8: \xff");
  EXPECT_EQ(parsed->tables[0].chunks[0].after_rowid, std::nullopt);
  EXPECT_EQ(parsed->tables[0].chunks[0].up_to_rowid, -5);
  EXPECT_THAT(content, HasSubstr(sha256));
}

TEST(Manifest, RefusesEveryFlippedBit) {
  const std::string content = WriteManifest(Sample());
  for (size_t i = 0; i < content.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = content;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      ASSERT_EQ(ExitOf(changed), ExitCode::kUnsafe) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(Manifest, RefusesEveryShorterOne) {
  const std::string content = WriteManifest(Sample());
  for (size_t size = 0; size < content.size(); ++size) {
    ASSERT_EQ(ExitOf(content.substr(0, size)), ExitCode::kUnsafe) << size;
  }
  EXPECT_EQ(ExitOf(content + "\n"), ExitCode::kUnsafe);
}

// With a checksum that is right: no input may do harm, whatever it says.
TEST(Manifest, SurvivesRandomChanges) {
  const std::string content = WriteManifest(Sample());
  const size_t tail = content.rfind(",\n \"manifest_sha256\"");
  std::mt19937_64 random(7);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string body = content.substr(0, tail);
    for (int changes = 0; changes < 3; ++changes) {
      const size_t at = random() % body.size();
      switch (random() % 3) {
        case 0:
          body[at] = static_cast<char>(random());
          break;
        case 1:
          body.erase(at, random() % 20);
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), random() % 40));
      }
    }
    const std::string whole =
        absl::StrCat(body, ",\n \"manifest_sha256\": \"", ChecksumsOf(body).sha256, "\"\n}\n");
    const ExitCode exit_code = ExitOf(whole);
    ASSERT_TRUE(exit_code == ExitCode::kUnsafe || exit_code == ExitCode::kDone);
    refused += exit_code == ExitCode::kUnsafe ? 1 : 0;
  }
  EXPECT_GT(refused, 2000);
}

TEST(Manifest, RefusesAFormatThatIsNotKnownByItsVersion) {
  std::string content = WriteManifest(Sample());
  std::string body = content.substr(0, content.rfind(",\n \"manifest_sha256\""));
  const std::string version = "\"format_version\": 1";
  body.replace(body.find(version), version.size(), "\"format_version\": 3");
  std::string sha256;
  const absl::StatusOr<ArchiveManifest> parsed = ParseManifest(
      absl::StrCat(body, ",\n \"manifest_sha256\": \"", ChecksumsOf(body).sha256, "\"\n}\n"),
      &sha256);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(InfoOf(parsed.status()).code, ErrorCode::kArchiveVersion);
}

TEST(Manifest, RefusesFilesAndTablesInAnotherOrder) {
  ArchiveManifest manifest = Sample();
  std::swap(manifest.tables[0].chunks[0], manifest.tables[0].chunks[1]);
  EXPECT_EQ(ExitOf(WriteManifest(manifest)), ExitCode::kUnsafe);
  manifest = Sample();
  manifest.tables[0].chunks[1].after_rowid = -6;
  EXPECT_EQ(ExitOf(WriteManifest(manifest)), ExitCode::kUnsafe) << "ranges overlap";
  manifest.tables[0].chunks[1].after_rowid = 7;
  EXPECT_EQ(ExitOf(WriteManifest(manifest)), ExitCode::kDone) << "a gap in which no rows are";
  manifest.tables[0].chunks[1].up_to_rowid = 7;
  EXPECT_EQ(ExitOf(WriteManifest(manifest)), ExitCode::kUnsafe) << "a range of nothing";
  manifest = Sample();
  manifest.tables[0].number = 1;
  for (int i = 0; i < 2; ++i) manifest.tables[0].chunks[i].file = ChunkFileName(1, i, false);
  EXPECT_EQ(ExitOf(WriteManifest(manifest)), ExitCode::kUnsafe) << "a table without a number 0";
}

TEST(ArchiveName, TakesOnlyPlainNamesOfAtMostOneDirectory) {
  for (const char* name : {"manifest.json", "t000017/c000042.copy", "a-b_c.1"}) {
    EXPECT_TRUE(IsArchiveName(name)) << name;
  }
  for (const char* name : {"", ".", "..", "/a", "a/", "a//b", "a/../b", "../a", "a/b/c", "A", "a b",
                           "a\\b", "a\n", "\xc3\xa9", "./a", "a/."}) {
    EXPECT_FALSE(IsArchiveName(name)) << name;
  }
  EXPECT_FALSE(IsArchiveName(absl::string_view("a\0b", 3)));
  EXPECT_FALSE(IsArchiveName(std::string(65, 'a')));
}

TEST(StrictJson, RefusesAKeyThatStandsTwice) {
  EXPECT_TRUE(ParseStrictJson(R"({"a": {"b": 1}, "c": {"b": 2}})", "x").ok());
  EXPECT_FALSE(ParseStrictJson(R"({"a": 1, "a": 1})", "x").ok());
  EXPECT_FALSE(ParseStrictJson(R"({"z": [{"a": 1, "b": {}, "a": 1}]})", "x").ok());
  EXPECT_FALSE(ParseStrictJson("{\"a\": 1, \"\\u0061\": 1}", "x").ok());
}

TEST(StrictJson, RefusesDepth) {
  EXPECT_FALSE(ParseStrictJson(std::string(1000000, '['), "x").ok());
  EXPECT_FALSE(ParseStrictJson(std::string(100, '[') + std::string(100, ']'), "x").ok());
}

TEST(Checksums, AreThoseOfOtherPrograms) {
  // sha256sum and xxhsum -H2 of the three letters.
  const FileChecksums sums = ChecksumsOf("abc");
  EXPECT_EQ(sums.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sums.xxh3, "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(sums.bytes, 3u);
}

}  // namespace
}  // namespace lite2pg
