#include "tools/cli/target_argument.h"

#include <sys/stat.h>

#include "gmock/gmock.h"
#include "tests/support/cli_support.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseTarget, KnowsTheThreeForms) {
  const auto uri = ParseTarget("postgresql://app@db/shop");
  ASSERT_TRUE(uri.ok());
  EXPECT_EQ(uri->conninfo, "postgresql://app@db/shop");
  EXPECT_FALSE(uri->embedded());
  EXPECT_TRUE(uri->given);
  EXPECT_EQ(ParseTarget("host=/tmp dbname=x")->conninfo, "host=/tmp dbname=x");
  EXPECT_EQ(ParseTarget("postgresql://")->conninfo, "postgresql://");
  EXPECT_EQ(ParseTarget("postgres://h")->conninfo, "postgres://h");
  const auto cluster = ParseTarget("pgdata:/srv/x");
  ASSERT_TRUE(cluster.ok());
  EXPECT_TRUE(cluster->embedded());
  EXPECT_EQ(cluster->pgdata_dir, "/srv/x");
}

TEST(ParseTarget, RefusesAnEmptyOneBecauseAVariableMayBeUnset) {
  const auto target = ParseTarget("");
  ASSERT_FALSE(target.ok());
  EXPECT_THAT(std::string(target.status().message()), HasSubstr("empty"));
}

TEST(ParseTarget, SaysHowABareWordIsWritten) {
  const std::string message(ParseTarget("shop").status().message());
  EXPECT_THAT(message, HasSubstr("dbname=shop"));
  EXPECT_THAT(message, HasSubstr("pgdata:shop"));
}

TEST(ParseTarget, NeverRepeatsAPassword) {
  for (const char* argument :
       {"postgresql://u:hunter22@h:x/db", "user:hunter22@host/db", "password=hunter22 nonsense",
        "postgres://u:hunter22/@h/db", "password='hunter22", "u:hunter22@h"}) {
    const auto target = ParseTarget(argument);
    ASSERT_FALSE(target.ok()) << argument;
    EXPECT_THAT(std::string(target.status().message()), Not(HasSubstr("hunter22"))) << argument;
  }
}

TEST(ClusterBeside, ReplacesTheEnding) {
  const std::pair<const char*, const char*> cases[] = {
      {"shop.db", "shop.pgdata"},
      {"/a/b/shop.sqlite3", "/a/b/shop.pgdata"},
      {"shop", "shop.pgdata"},
      {"a.b/shop", "a.b/shop.pgdata"},
      {".hidden", ".hidden.pgdata"},
      {"dir/", "dir.pgdata"},
      {"shop.v2.db", "shop.v2.pgdata"},
      {"file:shop.db", "shop.pgdata"},
      {"file:/a/b%20c.db?mode=ro", "/a/b c.pgdata"},
      {"file:///a/b.db#x", "/a/b.pgdata"},
      {"file://localhost/a/b.db", "/a/b.pgdata"},
      {":memory:", ""},
      {"", ""},
      {"file::memory:", ""}};
  for (const auto& [source, cluster] : cases) EXPECT_EQ(ClusterBeside(source), cluster) << source;
}

TEST(DefaultTarget, IsTheClusterBesideTheSource) {
  const auto target = DefaultTarget("shop.db", EnvironmentOf({}));
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->pgdata_dir, "shop.pgdata");
  EXPECT_FALSE(target->given);
}

TEST(DefaultTarget, IsAmbiguousWhenTheEnvironmentNamesAServer) {
  for (const char* name : {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"}) {
    const auto target = DefaultTarget("shop.db", EnvironmentOf({{name, "x"}}));
    ASSERT_FALSE(target.ok()) << name;
    EXPECT_THAT(std::string(target.status().message()), HasSubstr(name));
  }
  EXPECT_TRUE(DefaultTarget("shop.db", EnvironmentOf({{"PGUSER", "x"}, {"PGHOST", ""}})).ok());
}

TEST(DefaultTarget, MattersOnlyWhenNoTargetIsGiven) {
  EXPECT_EQ(ProblemsOf(Parse({"copy", "a.db", "pgdata:x"}, {{"PGHOST", "h"}})), "");
  EXPECT_THAT(ProblemsOf(Parse({"copy", "a.db"}, {{"PGHOST", "h"}, {"PGDATABASE", "d"}})),
              HasSubstr("PGHOST, PGDATABASE are set"));
  EXPECT_THAT(ProblemsOf(Parse({"plan", "a.db"}, {{"PGSERVICE", "s"}})), HasSubstr("PGSERVICE"));
  EXPECT_EQ(Parse({"import", "archive/"}).target.pgdata_dir, "archive.pgdata");
}

class ParseSideTest : public TempDirTest {};

TEST_F(ParseSideTest, TellsFilesArchivesAndTargetsApart) {
  const std::string file = Write("x=y.db", "");
  ASSERT_EQ(mkdir(Path("archive").c_str(), 0700), 0);
  EXPECT_EQ(ParseSide(file)->kind, Side::Kind::kSqlite);
  EXPECT_EQ(ParseSide(Path("archive"))->kind, Side::Kind::kArchive);
  EXPECT_EQ(ParseSide("missing.db")->kind, Side::Kind::kSqlite);
  EXPECT_EQ(ParseSide("file:x.db?mode=ro")->kind, Side::Kind::kSqlite);
  EXPECT_EQ(ParseSide("dbname=x")->kind, Side::Kind::kTarget);
  EXPECT_EQ(ParseSide("postgresql:///x")->kind, Side::Kind::kTarget);
  EXPECT_EQ(ParseSide("pgdata:x")->target.pgdata_dir, "x");
  EXPECT_FALSE(ParseSide("").ok());
}

TEST_F(ParseSideTest, FillsBothSidesOfVerify) {
  const Invocation both = Parse({"verify", "a.db", "dbname=x"});
  EXPECT_EQ(both.a.kind, Side::Kind::kSqlite);
  EXPECT_EQ(both.b.kind, Side::Kind::kTarget);
  const Invocation one = Parse({"verify", "pgdata:x"});
  EXPECT_EQ(one.a.kind, Side::Kind::kTarget);
  EXPECT_EQ(one.b.kind, Side::Kind::kNone);
}

}  // namespace
}  // namespace lite2pg
