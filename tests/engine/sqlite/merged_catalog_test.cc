#include "engine/sqlite/merged_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SourceColumn Column(const char* name, const char* type, int key = 0) {
  SourceColumn column;
  column.name = name;
  column.declared_type = type;
  column.primary_key_position = key;
  return column;
}

SourceCatalog Catalog() {
  SourceTable parent;
  parent.name = "parent";
  parent.columns = {Column("id", "INTEGER", 1), Column("email", "TEXT")};
  parent.primary_key = {0};
  parent.rowid_alias = 0;
  parent.rowid_name = "rowid";
  parent.autoincrement = parent.has_sequence = true;
  parent.sequence = 9;
  SourceIndex unique;
  unique.name = "u";
  unique.unique = true;
  unique.columns = {{1, "email", false, "NOCASE"}};
  unique.sql = "CREATE UNIQUE INDEX u ON parent (lower(email)) WHERE email > '('";
  SourceIndex plain;
  plain.name = "p";
  plain.columns = {{1, "email", false, "BINARY"}, {-2, "", false, ""}};
  parent.indexes = {unique, plain};
  SourceForeignKey key;
  key.parent_table = "parent";
  key.child_columns = {"id"};
  key.on_delete = "SET NULL";
  parent.foreign_keys = {key};
  SourceCatalog catalog;
  catalog.tables = {parent};
  catalog.views = {{"v", "CREATE VIEW v AS SELECT 1"}};
  return catalog;
}

TEST(MergedCatalog, PutsTheColumnFirstInEveryKey) {
  const absl::StatusOr<SourceCatalog> merged = MergedCatalog(Catalog(), "which");
  ASSERT_TRUE(merged.ok()) << merged.status();
  const SourceTable& table = merged->tables[0];
  EXPECT_EQ(table.columns[0].name, "which");
  EXPECT_THAT(table.primary_key, ElementsAre(0, 1));
  EXPECT_EQ(table.columns[1].primary_key_position, 2);
  ASSERT_EQ(table.indexes[0].columns.size(), 2u);
  EXPECT_EQ(table.indexes[0].columns[0].column, 0);
  EXPECT_EQ(table.indexes[0].columns[1].column, 2);
  EXPECT_EQ(table.indexes[0].sql,
            "CREATE UNIQUE INDEX u ON parent (\"which\", lower(email)) WHERE email > '('");
  ASSERT_EQ(table.indexes[1].columns.size(), 2u);
  EXPECT_EQ(table.indexes[1].columns[0].column, 2);
  EXPECT_EQ(table.indexes[1].columns[1].column, -2);
  EXPECT_THAT(table.foreign_keys[0].child_columns, ElementsAre("which", "id"));
  EXPECT_THAT(table.foreign_keys[0].parent_columns, IsEmpty());
  EXPECT_EQ(table.foreign_keys[0].on_delete, "NO ACTION");
}

TEST(MergedCatalog, LetsNothingCountAndNoViewMixFiles) {
  const absl::StatusOr<SourceCatalog> merged = MergedCatalog(Catalog(), "which");
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->tables[0].rowid_alias, -1);
  EXPECT_FALSE(merged->tables[0].autoincrement || merged->tables[0].has_sequence);
  EXPECT_THAT(merged->views, IsEmpty());
}

TEST(MergedCatalog, RefusesANameThatIsTaken) {
  EXPECT_EQ(InfoOf(MergedCatalog(Catalog(), "EMAIL").status()).code, ErrorCode::kNameCollision);
}

TEST(CatalogDifferences, NameEverythingThatIsDeclaredOtherwise) {
  const SourceCatalog first = Catalog();
  SourceCatalog other = Catalog();
  EXPECT_THAT(CatalogDifferences(first, other), IsEmpty());
  other.tables[0].sequence = 77;
  other.tables[0].root_page = 5;
  other.tables[0].sql = "create table parent(...)";
  EXPECT_THAT(CatalogDifferences(first, other), IsEmpty());
  other.tables[0].columns[1].declared_type = "VARCHAR";
  other.tables[0].columns[1].not_null = true;
  other.tables[0].indexes.pop_back();
  SourceTable more;
  more.name = "more";
  other.tables.push_back(more);
  EXPECT_THAT(CatalogDifferences(first, other),
              ElementsAre(HasSubstr("parent.email: type is VARCHAR instead of TEXT"),
                          HasSubstr("NOT NULL is yes instead of no"),
                          HasSubstr("index p(email, ) is missing"),
                          HasSubstr("more is there")));
  other.tables.clear();
  EXPECT_THAT(CatalogDifferences(first, other), ElementsAre(HasSubstr("parent is missing")));
}

}  // namespace
}  // namespace lite2pg
