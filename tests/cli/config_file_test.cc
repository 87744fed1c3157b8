#include "tools/cli/config_file.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/cli_support.h"
#include "tools/cli/dispatch.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

struct Applied {
  Settings settings;
  std::vector<Problem> problems;
  std::string text;  // of all problems
};

Applied Apply(const std::string& toml, CommandId command = CommandId::kCopy) {
  Applied applied;
  ApplyConfigText(toml, "shop.toml", command, &applied.settings, &applied.problems);
  for (const Problem& problem : applied.problems) applied.text += problem.text + "\n";
  return applied;
}

TEST(ConfigFile, TakesTheOptionsOfTheCommandLine) {
  const Applied applied = Apply(
      "streams = 4\nmemory = \"1GiB\"\ninclude = [\"a*\", \"b\"]\nstrict = true\n"
      "exclude = \"tmp\"\nwhere = [\"t=id>1\"]\norder = [\"b\", \"a\"]\nmax-rejects = 7\n");
  ASSERT_EQ(applied.text, "");
  EXPECT_EQ(applied.settings.common.streams, 4);
  EXPECT_EQ(applied.settings.common.memory_bytes, size_t{1} << 30);
  EXPECT_EQ(applied.settings.common.include, (std::vector<std::string>{"a*", "b"}));
  EXPECT_EQ(applied.settings.common.exclude, std::vector<std::string>{"tmp"});
  EXPECT_TRUE(applied.settings.policy.strict);
  EXPECT_EQ(FindTableConfig(applied.settings.common, "t")->where, "id>1");
  EXPECT_EQ(applied.settings.order, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(applied.settings.policy.max_rejects_rows, 7u);
}

// toml++ 3.3 is not defined for most letters beyond ASCII outside of strings and comments.
TEST(ConfigFile, LettersBeyondAsciiStandInQuotes) {
  for (const char* const bad : {
           "gr\xC3\xB6\xC3\x9F" "e = 4\n",
           "streams = 4\n[table.gr\xC3\xB6\xC3\x9F" "e]\n",
           "streams = 4 \xC3\x9F\n",
           "streams\xC2\xA0= 4\n",
           "include = [\"a\", \xC3\x9F]\n",
           "include = [\"\"\"a\"\"\"\"\", \xC3\x9F]\n",
           "x = '\\' \xC3\x9F\n",
           "x = \"a\\\"\" \xC3\x9F\n",
           "x = \"\\\xC3\x9F\"\n",
           "x = \"\"\"a\\\n  \xC3\x9F\"\"\"\n",
           "x = \"open\n\xC3\x9F = 1\n",
           "x = '''a\n''' \xC3\x9F"}) {
    EXPECT_THAT(Apply(bad).text, HasSubstr("beyond ASCII")) << bad;
  }
  EXPECT_THAT(Apply("streams = 4\n\n[table.gr\xC3\xB6\xC3\x9F]\n").text,
              HasSubstr("shop.toml:3: "));

  const std::string o = "\xC3\xB6";
  const Applied applied = Apply(absl::StrCat(
      "\xEF\xBB\xBF# ", o, "\ninclude = [\"\"\"", o, "\"\"\"\"\", '''", o, "'", o, "''', '", o,
      "', \"\\\"", o, "\"] # ", o, "\nexclude = [\"\"\"a\\\"\"\"", o, "\"\"\", '''b'''', \"", o,
      "\"]\n[table.\"", o, "\"]\nrename = '", o, o, "'\n"));
  ASSERT_EQ(applied.text, "");
  EXPECT_EQ(applied.settings.common.include,
            (std::vector<std::string>{o + "\"\"", o + "'" + o, o, "\"" + o}));
  EXPECT_EQ(applied.settings.common.exclude,
            (std::vector<std::string>{"a\"\"\"" + o, "b'", o}));
  EXPECT_EQ(FindTableConfig(applied.settings.common, o)->rename, o + o);
}

TEST(ConfigFile, ReadsSectionsForTablesAndColumns) {
  const Applied applied = Apply(
      "[table.\"Order Items\"]\nrename = \"items\"\nwhere = \"id > 5\"\n"
      "[table.\"Order Items\".column.\"at\"]\ntype = \"timestamptz\"\ninteger = \"unix-millis\"\n"
      "real = \"julian-day\"\nsource-time-zone = \"Europe/Berlin\"\n"
      "round = [\"microseconds\", \"typmod\"]\n"
      "[table.\"Order Items\".column.\"id\"]\nrename = \"key\"\nblob = \"uuid-mixed-endian\"\n"
      "text = \"hex\"\nempty-as-null = true\n");
  ASSERT_EQ(applied.text, "");
  const TableConfig* const table = FindTableConfig(applied.settings.common, "order items");
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->rename, "items");
  EXPECT_EQ(table->where, "id > 5");
  const ColumnConfig* const at = FindColumnConfig(table, "AT");
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(at->type, "timestamptz");
  EXPECT_EQ(at->reading.integer, NumberReading::kUnixMillis);
  EXPECT_EQ(at->reading.real, NumberReading::kJulianDay);
  EXPECT_EQ(at->reading.source_time_zone, "Europe/Berlin");
  EXPECT_TRUE(at->reading.round_to_microseconds);
  EXPECT_TRUE(at->reading.round_to_typmod);
  EXPECT_FALSE(at->reading.round_to_float4);
  const ColumnConfig* const id = FindColumnConfig(table, "id");
  ASSERT_NE(id, nullptr);
  EXPECT_EQ(id->rename, "key");
  EXPECT_EQ(id->reading.blob, BlobReading::kUuidMixedEndian);
  EXPECT_EQ(id->reading.text, TextReading::kHex);
  EXPECT_TRUE(id->empty_as_null);
}

TEST(ConfigFile, NamesLineAndNearestKeyOfEveryMistakeInOrder) {
  const Applied applied = Apply(
      "streams = 4\nstrems = 5\nmemory = \"x\"\n[table.\"t\"]\nrenam = \"a\"\n"
      "[table.\"t\".column.\"c\"]\ntyp = \"int\"\ninteger = \"unix-milis\"\n");
  ASSERT_EQ(applied.problems.size(), 5u) << applied.text;
  EXPECT_THAT(applied.problems[0].text,
              HasSubstr("shop.toml:2: unknown key \"strems\"; did you mean streams?"));
  EXPECT_THAT(applied.problems[1].text, HasSubstr("shop.toml:3: memory:"));
  EXPECT_THAT(applied.problems[2].text, HasSubstr("shop.toml:5: unknown key \"renam\" of a table"));
  EXPECT_THAT(applied.problems[3].text, HasSubstr("shop.toml:7: unknown key \"typ\" of a column"));
  EXPECT_THAT(applied.problems[4].text, HasSubstr("did you mean unix-millis?"));
  for (const Problem& problem : applied.problems) EXPECT_EQ(problem.code, ErrorCode::kConfig);
}

TEST(ConfigFile, RefusesWrongShapes) {
  EXPECT_THAT(Apply("streams = [1, 2]\n").text, HasSubstr("takes one value"));
  EXPECT_THAT(Apply("strict = \"perhaps\"\n").text, HasSubstr("not one of true, false"));
  EXPECT_THAT(Apply("table = 5\n").text, HasSubstr("[table.\"name\"]"));
  EXPECT_THAT(Apply("[table]\nt = 5\n").text, HasSubstr("[table.\"t\"]"));
  EXPECT_THAT(Apply("[table.t]\ncolumn = 5\n").text, HasSubstr("[table.\"t\".column.\"name\"]"));
  EXPECT_THAT(Apply("[table.t.column]\nc = 5\n").text, HasSubstr("column"));
  EXPECT_THAT(Apply("include = [[\"a\"]]\n").text, HasSubstr("expects text"));
  EXPECT_THAT(Apply("memory = 2020-01-01\n").text, HasSubstr("expects text"));
}

TEST(ConfigFile, RefusesWhatBelongsToTheCommandLineAlone) {
  EXPECT_THAT(Apply("config = \"x\"\n").text, HasSubstr("only be given on the command line"));
  EXPECT_THAT(Apply("version = true\n").text, HasSubstr("only be given on the command line"));
}

TEST(ConfigFile, SaysWhereTheTomlIsBroken) {
  const Applied applied = Apply("streams = 4\nbroken = = 5\n");
  ASSERT_EQ(applied.problems.size(), 1u);
  EXPECT_THAT(applied.text, HasSubstr("shop.toml:2:"));
}

TEST(ConfigFile, SurvivesHostileText) {
  for (const std::string& toml :
       {std::string("\0\0\0", 3), std::string("\xff\xfe"), std::string(1000, '['),
        std::string("a." ) + std::string(5000, 'b'), std::string("[table.\"\x1b[2J\"]\nx=1\n"),
        std::string("streams = 99999999999999999999999\n")}) {
    const Applied applied = Apply(toml);
    EXPECT_FALSE(applied.problems.empty());
    EXPECT_EQ(applied.text.find('\x1b'), std::string::npos);
  }
}

TEST(ConfigFile, LeavesOptionsOfOtherCommandsAloneButChecksThem) {
  const Applied applied = Apply("orphans = \"not-valid\"\nstreams = 2\n", CommandId::kVerify);
  EXPECT_EQ(applied.text, "");
  EXPECT_EQ(applied.settings.common.streams, 2);
  EXPECT_THAT(Apply("orphans = \"x\"\n", CommandId::kVerify).text, HasSubstr("orphans"));
  const Applied unused = Apply("schema-mode = \"mixed\"\n", CommandId::kVerify);
  EXPECT_EQ(unused.settings.schema_mode, SchemaMode::kAuto);
}

class Precedence : public TempDirTest {};

TEST_F(Precedence, IsFlagThenFileThenDefault) {
  const std::string config = Write("c.toml",
                                   "streams = 4\ncheck = \"off\"\ninclude = [\"a\", \"b\"]\n"
                                   "exclude = [\"c\"]\nstrict = true\n");
  const Invocation invocation = Parse({"copy", "x.db", "dbname=x", "--config", config, "--streams",
                                       "2", "--include", "z", "--strict=false"});
  ASSERT_EQ(ProblemsOf(invocation), "");
  const CommonOptions& common = invocation.settings.common;
  EXPECT_EQ(common.streams, 2);                                     // flag
  EXPECT_EQ(common.include, std::vector<std::string>{"z"});         // flag, not added to the file's
  EXPECT_FALSE(invocation.settings.policy.strict);                  // flag
  EXPECT_EQ(common.check, CheckMode::kOff);                         // file
  EXPECT_EQ(common.exclude, std::vector<std::string>{"c"});         // file
  EXPECT_EQ(common.target_schema, "public");                        // default
}

TEST_F(Precedence, MergesTablesWhateverTheirCase) {
  const std::string config = Write("c.toml",
                                   "[table.Orders]\nrename = \"o\"\nwhere = \"a\"\n"
                                   "[table.Orders.column.Id]\nrename = \"key\"\n");
  const Invocation invocation =
      Parse({"copy", "x.db", "dbname=x", "--config", config, "--where", "ORDERS=b",
             "--empty-as-null", "orders.id"});
  ASSERT_EQ(ProblemsOf(invocation), "");
  ASSERT_EQ(invocation.settings.common.tables.size(), 1u);
  const TableConfig& table = invocation.settings.common.tables[0];
  EXPECT_EQ(table.rename, "o");
  EXPECT_EQ(table.where, "b");
  ASSERT_EQ(table.columns.size(), 1u);
  EXPECT_EQ(table.columns[0].rename, "key");
  EXPECT_TRUE(table.columns[0].empty_as_null);
}

TEST_F(Precedence, ReportsMistakesOfFlagsAndFileTogether) {
  const std::string config = Write("c.toml", "strems = 4\n");
  const std::string problems = ProblemsOf(
      Parse({"copy", "x.db", "dbname=x", "--config", config, "--memory", "x"}));
  EXPECT_THAT(problems, HasSubstr("strems"));
  EXPECT_THAT(problems, HasSubstr("--memory"));
}

}  // namespace
}  // namespace lite2pg
