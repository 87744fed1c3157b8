#include "engine/plan/source_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"

namespace lite2pg {
namespace {

SourceTable Table(const std::string& name, SourceTableKind kind) {
  SourceTable table;
  table.name = name;
  table.kind = kind;
  table.sql = "CREATE TABLE " + name + " (x)";
  return table;
}

SourceSchema Sample() {
  SourceCatalog catalog;
  catalog.encoding = "UTF-16be";
  catalog.page_size = 1024;
  catalog.auto_vacuum = 2;
  catalog.user_version = -5;
  catalog.application_id = 7;
  SourceTable table = Table("t\xff", SourceTableKind::kOrdinary);
  table.has_sequence = true;
  table.sequence = INT64_MAX;
  SourceIndex automatic, declared;
  automatic.name = "sqlite_autoindex_t_1";
  declared.name = "i";
  declared.sql = "CREATE INDEX i ON t (x)";
  table.indexes = {automatic, declared};
  catalog.tables = {table, Table("w", SourceTableKind::kWithoutRowid),
                    Table("v", SourceTableKind::kVirtual), Table("v_x", SourceTableKind::kShadow),
                    Table("sqlite_stat1", SourceTableKind::kSystem)};
  catalog.views = {{"view", "CREATE VIEW view AS SELECT '\\x' AS y"}};
  catalog.triggers = {{"g", "w", "CREATE TRIGGER g AFTER INSERT ON w BEGIN SELECT 1; END"}};
  return MakeSourceSchema(catalog);
}

TEST(SourceSchema, HasWhatAPersonDeclared) {
  std::string names;
  const SourceSchema schema = Sample();
  for (const SourceDeclaration& declaration : schema.declarations) names += declaration.name + ",";
  EXPECT_EQ(names, "t\xff,w,i,view,g,");
}

TEST(SourceSchema, RoundTripsEverything) {
  const std::string json = SourceSchemaToJson(Sample());
  for (const char c : json) ASSERT_TRUE(c >= 0x20 && c < 0x7f);
  const absl::StatusOr<SourceSchema> parsed = SourceSchemaFromJson(json);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(SourceSchemaToJson(*parsed), json);
  EXPECT_EQ(parsed->declarations[0].name, "t\xff");
  EXPECT_EQ(parsed->declarations[3].sql, "CREATE VIEW view AS SELECT '\\x' AS y");
  EXPECT_EQ(parsed->sequences[0].value, INT64_MAX);
  EXPECT_EQ(parsed->user_version, -5);
}

// Some of it becomes part of statements.
TEST(SourceSchema, RefusesWhatIsNotOne) {
  const std::string good = SourceSchemaToJson(Sample());
  EXPECT_FALSE(SourceSchemaFromJson("").ok());
  EXPECT_FALSE(SourceSchemaFromJson("[]").ok());
  EXPECT_FALSE(SourceSchemaFromJson("{}").ok());
  for (const auto& [from, to] : std::vector<std::pair<const char*, const char*>>{
           {"UTF-16be", "x'; ATTACH 'y"},
           {"1024", "\"1024\""},
           {"1024", "131072"},
           {"\"auto_vacuum\":2", "\"auto_vacuum\":3"},
           {"\"kind\":\"view\"", "\"kind\":\"pragma\""},
           {"\"kind\":\"view\",", ""},
           {"9223372036854775807", "1.5"}}) {
    const std::string bad = absl::StrReplaceAll(good, {{from, to}});
    ASSERT_NE(bad, good) << from;
    EXPECT_FALSE(SourceSchemaFromJson(bad).ok()) << to;
  }
}

}  // namespace
}  // namespace lite2pg
