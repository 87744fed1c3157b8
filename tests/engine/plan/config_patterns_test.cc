#include "engine/plan/config_patterns.h"

#include "engine/base/error.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

SourceTable Table(const std::string& name, const std::vector<std::string>& columns) {
  SourceTable table;
  table.name = name;
  for (const std::string& column : columns) {
    SourceColumn entry;
    entry.name = column;
    table.columns.push_back(entry);
  }
  return table;
}

SourceCatalog Catalog() {
  SourceCatalog catalog;
  catalog.tables = {Table("users", {"id", "created_at", "updated_at"}),
                    Table("user_roles", {"id", "since"}), Table("a*", {"x"}), Table("ab", {"x"})};
  return catalog;
}

TableConfig Say(const std::string& table, const std::string& column, bool round,
                const std::string& type = "") {
  TableConfig config;
  config.name = table;
  config.columns.emplace_back();
  config.columns.back().name = column;
  config.columns.back().type = type;
  config.columns.back().reading.round_to_microseconds = round;
  return config;
}

const ColumnConfig* Find(const CommonOptions& options, const std::string& table,
                         const std::string& column) {
  return FindColumnConfig(FindTableConfig(options, table), column);
}

TEST(ConfigPatterns, ReachEveryTableAndColumnThatMatches) {
  CommonOptions options;
  options.tables = {Say("*", "*_AT", true)};
  const CommonOptions expanded = *ExpandPatterns(options, {}, Catalog());
  ASSERT_NE(Find(expanded, "users", "created_at"), nullptr);
  EXPECT_TRUE(Find(expanded, "users", "created_at")->reading.round_to_microseconds);
  EXPECT_TRUE(Find(expanded, "users", "updated_at")->reading.round_to_microseconds);
  EXPECT_EQ(Find(expanded, "users", "id"), nullptr);
  EXPECT_EQ(Find(expanded, "user_roles", "since"), nullptr);
}

TEST(ConfigPatterns, GiveWayToTheNameItself) {
  CommonOptions options;
  options.tables = {Say("user*", "*", true, "text"), Say("users", "id", false, "int")};
  const CommonOptions expanded = *ExpandPatterns(options, {}, Catalog());
  EXPECT_EQ(Find(expanded, "users", "id")->type, "int");
  EXPECT_EQ(Find(expanded, "users", "created_at")->type, "text");
  EXPECT_EQ(Find(expanded, "user_roles", "id")->type, "text");
  EXPECT_EQ(FindTableConfig(expanded, "ab"), nullptr);
}

TEST(ConfigPatterns, AreNamesWhereTheSourceHasSuchNames) {
  CommonOptions options;
  options.tables = {Say("a*", "x", true)};
  const CommonOptions expanded = *ExpandPatterns(options, {}, Catalog());
  EXPECT_NE(FindTableConfig(expanded, "a*"), nullptr);
  EXPECT_NE(Find(expanded, "a*", "x"), nullptr);
  EXPECT_EQ(FindTableConfig(expanded, "ab"), nullptr) << "not a pattern";
}

TEST(ConfigPatterns, RefuseUnknownNamesAllAtOnce) {
  CommonOptions options;
  options.tables = {Say("usres", "x", true), Say("users", "create_at", true), Say("z*", "x", true)};
  const absl::Status status = ExpandPatterns(options, {"user_role"}, Catalog()).status();
  const ErrorInfo info = InfoOf(status);
  EXPECT_EQ(info.exit_code, ExitCode::kUsage);
  for (const char* name : {"usres", "mean users", "create_at", "mean created_at", "user_role"}) {
    EXPECT_NE(info.what.find(name), std::string::npos) << name << " in " << info.what;
  }
  EXPECT_EQ(info.what.find("z*"), std::string::npos);
}

TEST(ConfigPatterns, LeaveColumnsThatOnlyTheTargetHasToBeFilled) {
  CommonOptions options;
  options.tables = {Say("users", "owner", false)};
  options.tables[0].columns[0].fill = FillValue{"me", false};
  const CommonOptions expanded = *ExpandPatterns(options, {}, Catalog());
  ASSERT_NE(Find(expanded, "users", "owner"), nullptr);
  EXPECT_EQ(Find(expanded, "users", "owner")->fill->text, "me");
}

}  // namespace
}  // namespace lite2pg
