#include "tools/cli/command_line.h"

#include <random>

#include "gmock/gmock.h"
#include "tests/support/cli_support.h"
#include "tools/cli/dispatch.h"
#include "tools/cli/option_table.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kCopy = {"copy", "a.db", "dbname=x"};

std::vector<std::string> CopyWith(std::vector<std::string> more) {
  std::vector<std::string> words = kCopy;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Problems but for options that are waiting for their part of the engine.
std::string MistakesOf(const Invocation& invocation) {
  std::string out;
  for (const Problem& problem : invocation.problems) {
    const bool waiting = problem.text.find("not part of this version yet") != std::string::npos;
    if (!waiting) out += problem.text + "\n";
  }
  return out;
}

TEST(CommandLine, GivesTheDefaultsOfTheRequest) {
  const Invocation invocation = Parse(kCopy);
  ASSERT_EQ(ProblemsOf(invocation), "");
  const CopyRequest request = MakeCopyRequest(invocation), defaults;
  EXPECT_EQ(request.source, "a.db");
  EXPECT_EQ(request.target.conninfo, "dbname=x");
  EXPECT_EQ(request.common.target_schema, defaults.common.target_schema);
  EXPECT_EQ(request.common.memory_bytes, defaults.common.memory_bytes);
  EXPECT_EQ(request.policy.max_rejects_rows, defaults.policy.max_rejects_rows);
  EXPECT_FALSE(request.dry_run);
}

TEST(CommandLine, ReadsEveryKindOfOption) {
  const Invocation invocation = Parse(CopyWith(
      {"--schema-mode=mixed", "--target-schema", "shop", "--identifiers", "lower", "--include",
       "a*", "--include=b", "--exclude", "[x]*", "--on-bad-value", "reject", "--max-rejects", "5%",
       "--strict", "--where", "t=id>3", "--order", "b,a", "--empty-as-null", "t.c",
       "--source-time-zone", "Europe/Berlin", "--streams", "3", "--memory", "1GiB", "--reader",
       "library", "--check", "off", "--verify", "counts", "--resume", "--format", "json", "-v",
       "--fts", "tsvector", "--deep"}));
  ASSERT_EQ(MistakesOf(invocation), "");
  const CopyRequest request = MakeCopyRequest(invocation);
  EXPECT_EQ(request.schema_mode, SchemaMode::kMixed);
  EXPECT_EQ(request.common.target_schema, "shop");
  EXPECT_EQ(request.common.identifiers, Identifiers::kLower);
  EXPECT_EQ(request.common.include, (std::vector<std::string>{"a*", "b"}));
  EXPECT_EQ(request.common.exclude, std::vector<std::string>{"[x]*"});
  EXPECT_EQ(request.policy.on_bad_value, OnBadValue::kReject);
  EXPECT_EQ(request.policy.max_rejects_percent, 5);
  EXPECT_TRUE(request.policy.strict);
  EXPECT_TRUE(request.deep);
  EXPECT_EQ(request.common.full_text, FullText::kTsvector);
  const TableConfig* const table = FindTableConfig(request.common, "T");
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->where, "id>3");
  ASSERT_NE(FindColumnConfig(table, "C"), nullptr);
  EXPECT_TRUE(FindColumnConfig(table, "C")->empty_as_null);
  EXPECT_EQ(request.order, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(request.common.source_time_zone, "Europe/Berlin");
  EXPECT_EQ(request.common.streams, 3);
  EXPECT_EQ(request.common.memory_bytes, size_t{1} << 30);
  EXPECT_EQ(request.common.reader, ReaderChoice::kLibrary);
  EXPECT_EQ(request.common.check, CheckMode::kOff);
  EXPECT_EQ(request.common.verify, VerifyMode::kCounts);
  EXPECT_EQ(request.resume, ResumeMode::kResume);
  EXPECT_EQ(invocation.settings.output.format, OutputFormat::kJson);
  EXPECT_TRUE(invocation.settings.output.verbose);
}

TEST(CommandLine, AcceptsOptionsBeforeTheCommand) {
  const Invocation invocation = Parse({"--format", "json", "-q", "copy", "a.db", "dbname=x"});
  EXPECT_EQ(ProblemsOf(invocation), "");
  EXPECT_TRUE(invocation.settings.output.quiet);
  EXPECT_EQ(invocation.arguments.size(), 2u);
}

TEST(CommandLine, TakesACommandsNameAsAFileToo) {
  const Invocation invocation = Parse({"copy", "sync", "pgdata:plan"});
  EXPECT_EQ(ProblemsOf(invocation), "");
  EXPECT_EQ(invocation.arguments[0], "sync");
  EXPECT_EQ(invocation.target.pgdata_dir, "plan");
}

TEST(CommandLine, TakesDashesBehindADoubleDashAsNames) {
  const Invocation invocation = Parse({"copy", "--", "--streams", "pgdata:-x"});
  EXPECT_EQ(ProblemsOf(invocation), "");
  EXPECT_EQ(invocation.arguments[0], "--streams");
}

TEST(CommandLine, KeepsOddValuesWhole) {
  const Invocation invocation =
      Parse({"copy", "[x]", "dbname=x", "--include", "[ab]", "--where", "t=a,b", "--target-schema",
             "{s}", "--exclude=[c]"});
  EXPECT_EQ(ProblemsOf(invocation), "");
  EXPECT_EQ(invocation.arguments[0], "[x]");
  EXPECT_EQ(invocation.settings.common.include, std::vector<std::string>{"[ab]"});
  EXPECT_EQ(invocation.settings.common.exclude, std::vector<std::string>{"[c]"});
  EXPECT_EQ(invocation.settings.common.target_schema, "{s}");
  EXPECT_EQ(FindTableConfig(invocation.settings.common, "t")->where, "a,b");
}

TEST(CommandLine, DoesNotTakeTheNextWordForAnEmptyValue) {
  const Invocation invocation = Parse({"copy", "--target-schema=", "a.db", "dbname=x"});
  EXPECT_THAT(ProblemsOf(invocation), HasSubstr("--target-schema: needs a value"));
  EXPECT_EQ(invocation.arguments.size(), 2u);
}

TEST(CommandLine, PlanIsACopyThatOnlyLooks) {
  EXPECT_TRUE(MakeCopyRequest(Parse({"plan", "a.db", "dbname=x"})).dry_run);
  EXPECT_TRUE(MakeCopyRequest(Parse(CopyWith({"--dry-run"}))).dry_run);
}

TEST(CommandLine, HandsTheArgumentsToEveryCommandsRequest) {
  const SyncRequest sync = MakeSyncRequest(Parse({"sync", "a.db", "dbname=x", "--fill", "t.c=1"}));
  EXPECT_EQ(sync.source, "a.db");
  EXPECT_EQ(sync.target.conninfo, "dbname=x");
  EXPECT_NE(FindTableConfig(sync.common, "t"), nullptr);
  const ExportRequest exported = MakeExportRequest(Parse({"export", "a.db", "dir"}));
  EXPECT_EQ(exported.source, "a.db");
  EXPECT_EQ(exported.dir, "dir");
  const ImportRequest imported =
      MakeImportRequest(Parse({"import", "dir", "dbname=x", "--resume"}));
  EXPECT_EQ(imported.dir, "dir");
  EXPECT_EQ(imported.target.conninfo, "dbname=x");
  EXPECT_EQ(imported.resume, ResumeMode::kResume);
  const RevertRequest revert = MakeRevertRequest(Parse({"revert", "dbname=x", "new.db"}));
  EXPECT_EQ(revert.target.conninfo, "dbname=x");
  EXPECT_EQ(revert.sqlite_file, "new.db");
  EXPECT_EQ(MakeStatusRequest(Parse({"status", "pgdata:d"})).target.pgdata_dir, "d");
  EXPECT_EQ(MakeCleanRequest(Parse({"clean", "dbname=x", "--target-schema", "s"}))
                .common.target_schema,
            "s");
  EXPECT_EQ(MakeServeRequest(Parse({"serve", "d"})).dir, "d");
  const VerifyRequest verify = MakeVerifyRequest(Parse({"verify", "a.db", "pgdata:d"}));
  EXPECT_EQ(verify.a.path, "a.db");
  EXPECT_EQ(verify.b.target.pgdata_dir, "d");
}

TEST(CommandLine, ReportsAllProblemsAtOnce) {
  const Invocation invocation = Parse(CopyWith({"--streems", "4", "--memory", "12Q", "--check",
                                                "ful", "--streams", "0", "--certificate", "f"}));
  const std::string problems = ProblemsOf(invocation);
  EXPECT_THAT(problems, HasSubstr("unknown option --streems; did you mean --streams?"));
  EXPECT_THAT(problems, HasSubstr("--memory: \"12Q\" is not a size"));
  EXPECT_THAT(problems, HasSubstr("did you mean full?"));
  EXPECT_THAT(problems, HasSubstr("--streams: \"0\" is not a whole number from 1 to 64, or auto"));
  EXPECT_THAT(problems, HasSubstr("--certificate is not an option of copy, but of verify"));
}

TEST(CommandLine, NamesAnOptionThatLacksItsValue) {
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"--streams"}))),
              HasSubstr("--streams needs a value: N|auto"));
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"--streams", "--check", "full"}))),
              HasSubstr("--streams needs a value (N|auto), but --check follows"));
}

TEST(CommandLine, RefusesAnOptionGivenTwice) {
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"--streams", "1", "--streams", "2"}))),
              HasSubstr("--streams is given 2 times"));
}

TEST(CommandLine, RefusesUnknownShortOptions) {
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"-z"}))), HasSubstr("unknown option -z"));
}

TEST(CommandLine, CountsArguments) {
  EXPECT_THAT(ProblemsOf(Parse({"copy"})), HasSubstr("copy takes SOURCE [TARGET], but none"));
  EXPECT_THAT(ProblemsOf(Parse({"copy", "a", "dbname=b", "c"})), HasSubstr("but 3 are given"));
  EXPECT_THAT(ProblemsOf(Parse({"sync", "a"})), HasSubstr("sync takes SOURCE TARGET, but one"));
}

TEST(CommandLine, SuggestsACommand) {
  EXPECT_THAT(ProblemsOf(Parse({"verfy", "a"})), HasSubstr("did you mean verify?"));
  EXPECT_THAT(ProblemsOf(Parse({})), HasSubstr("no command is given"));
}

TEST(CommandLine, RefusesContradictions) {
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"--resume", "--restart"}))), HasSubstr("exclude"));
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"-q", "-v"}))), HasSubstr("exclude"));
  EXPECT_THAT(ProblemsOf(Parse(CopyWith({"--dry-run", "--resume"}))), HasSubstr("--dry-run"));
}

TEST(CommandLine, EscapesWhatItRepeats) {
  const std::string problems = ProblemsOf(Parse({"copy\x1b[2J", "a"}));
  EXPECT_THAT(problems, Not(HasSubstr("\x1b")));
  EXPECT_THAT(problems, HasSubstr("\\u{1b}"));
}

TEST(CommandLine, HelpWinsOverMistakes) {
  const Invocation invocation = Parse({"copy", "--nonsense", "--help"});
  EXPECT_EQ(ProblemsOf(invocation), "");
  EXPECT_TRUE(invocation.settings.help);
  EXPECT_TRUE(Parse({"help", "verify"}).settings.help);
  EXPECT_EQ(Parse({"help", "verify"}).command, CommandId::kVerify);
}

class CommandLineFiles : public TempDirTest {};

TEST_F(CommandLineFiles, AreCheckedBeforeTheRunBegins) {
  const std::string problems = ProblemsOf(
      Parse(CopyWith({"--before-sql", Path("no.sql"), "--after-sql", directory_, "--report",
                      Path("no/r.json"), "--report", Path("r.txt"), "--config", Path("no.toml")})));
  EXPECT_THAT(problems, HasSubstr("--before-sql: cannot read"));
  EXPECT_THAT(problems, HasSubstr("--after-sql: " + directory_ + " is a directory"));
  EXPECT_THAT(problems, HasSubstr("--report: cannot write"));
  EXPECT_THAT(problems, HasSubstr("must end in .json or .html"));
  EXPECT_THAT(problems, HasSubstr("no.toml"));
}

TEST_F(CommandLineFiles, AreNotWrittenTwiceOrOverTheSource) {
  const std::string path = Path("r.json");
  const std::string problems =
      ProblemsOf(Parse({"copy", path, "dbname=x", "--report", path, "--report", path}));
  EXPECT_THAT(problems, HasSubstr("would be written twice"));
  EXPECT_THAT(problems, HasSubstr("would be overwritten"));
}

// Whatever the words, the parser ends with a request or with problems, and never repeats a control
// character.
TEST(CommandLine, SurvivesRandomWords) {
  const unsigned seed = testing::UnitTest::GetInstance()->random_seed() != 0
                            ? static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed())
                            : 20240501u;
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> pool = {"copy", "verify", "serve", "a.db", "dbname=x", "", "-", "--",
                                   "---", "-q", "-qv", "-z", "--=", "--streams=", "=x", "[x]", "{",
                                   "'", "\"", "t.c=v", "t=1", "%", "++", "@file", "--no", "\x1b[2J",
                                   "\xff\xfe", "-\xff", std::string(5000, 'y'), "--help", "/", "."};
  for (const OptionRow& row : AllOptions()) pool.push_back(std::string("--") + row.name);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> words;
    for (size_t n = random() % 8; n > 0; --n) words.push_back(pool[random() % pool.size()]);
    const Invocation invocation = Parse(words);
    const bool settled = invocation.has_command || invocation.settings.help ||
                         invocation.settings.version || !invocation.problems.empty();
    EXPECT_TRUE(settled);
    EXPECT_EQ(ProblemsOf(invocation).find('\x1b'), std::string::npos);
  }
}

// Rules of the tables themselves.

TEST(OptionTable, StatesDefaultsThatAreTheDefaults) {
  for (const OptionRow& row : AllOptions()) {
    if (row.default_text[0] == '\0') continue;
    Settings with_default, fresh;
    ASSERT_TRUE(row.apply(row.default_text, &with_default).ok()) << row.name;
    if (std::string(row.name) == "source-time-zone") continue;  // "" and UTC mean the same
    // The defaulted comparison of the members that options set.
    EXPECT_EQ(with_default.common.target_schema, fresh.common.target_schema) << row.name;
    EXPECT_EQ(with_default.common.identifiers, fresh.common.identifiers) << row.name;
    EXPECT_EQ(with_default.common.streams, fresh.common.streams) << row.name;
    EXPECT_EQ(with_default.common.memory_bytes, fresh.common.memory_bytes) << row.name;
    EXPECT_EQ(with_default.common.reader, fresh.common.reader) << row.name;
    EXPECT_EQ(with_default.common.check, fresh.common.check) << row.name;
    EXPECT_EQ(with_default.common.verify, fresh.common.verify) << row.name;
    EXPECT_EQ(with_default.schema_mode, fresh.schema_mode) << row.name;
    EXPECT_EQ(with_default.existing_rows, fresh.existing_rows) << row.name;
    EXPECT_EQ(with_default.policy.on_bad_value, fresh.policy.on_bad_value) << row.name;
    EXPECT_EQ(with_default.policy.orphans, fresh.policy.orphans) << row.name;
    EXPECT_EQ(with_default.policy.max_rejects_rows, fresh.policy.max_rejects_rows) << row.name;
    EXPECT_EQ(with_default.output.format, fresh.output.format) << row.name;
    EXPECT_EQ(with_default.output.progress, fresh.output.progress) << row.name;
  }
}

TEST(OptionTable, OffersOnlyWordsThatItAccepts) {
  for (const OptionRow& row : AllOptions()) {
    const std::string value = row.value;
    if (value.find('|') == std::string::npos || value.find_first_of("NP%") != std::string::npos) {
      continue;
    }
    std::stringstream words(value);
    for (std::string word; std::getline(words, word, '|');) {
      Settings settings;
      EXPECT_TRUE(row.apply(word, &settings).ok()) << row.name << " " << word;
    }
    Settings settings;
    EXPECT_FALSE(row.apply("no such word", &settings).ok()) << row.name;
  }
}

TEST(OptionTable, HasUniqueNamesAndLetters) {
  std::set<std::string> names;
  std::set<char> letters;
  for (const OptionRow& row : AllOptions()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    const bool unique = row.letter == 0 || letters.insert(row.letter).second;
    EXPECT_TRUE(unique) << row.name;
    EXPECT_NE(row.apply, nullptr) << row.name;
  }
  for (int i = 0; i < kCommandCount; ++i) {
    EXPECT_EQ(AllCommands()[static_cast<size_t>(i)].id, static_cast<CommandId>(i));
  }
}

TEST(OptionTable, HasEveryOptionOfTheContract) {
  for (const char* name :
       {"schema-mode", "target-schema", "identifiers", "include", "exclude", "existing-rows",
        "on-bad-value", "rejects", "max-rejects", "orphans", "strict", "fill", "where", "order",
        "empty-as-null", "source-time-zone", "config", "before-sql", "after-sql", "streams",
        "memory", "reader", "check", "write-certificate", "certificate", "only-rejects", "verify",
        "resume", "restart", "report", "format", "progress", "quiet", "verbose", "no-color",
        "version", "help"}) {
    EXPECT_NE(FindOption(name), nullptr) << name;
  }
}

TEST(CheckSupported, RefusesByNameWhatIsNotBuiltYet) {
  OptionRow missing;
  missing.name = "later";
  missing.value = "a|b";
  missing.default_text = "a";
  missing.supported = Supported::kNo;
  EXPECT_TRUE(CheckSupported(missing, "a").ok());
  EXPECT_THAT(std::string(CheckSupported(missing, "b").message()),
              HasSubstr("not part of this version yet"));
  OptionRow partly = missing;
  partly.supported = Supported::kYes;
  partly.only = "a|c";
  EXPECT_TRUE(CheckSupported(partly, "c").ok());
  EXPECT_FALSE(CheckSupported(partly, "b").ok());
}

TEST(CommandLine, RefusesEveryOptionThatIsMarkedUnsupported) {
  for (const OptionRow& row : AllOptions()) {
    if (row.supported == Supported::kYes || row.is_flag()) continue;
    for (const CommandRow& command : AllCommands()) {
      if (!row.applies_to(command.id)) continue;
      const Invocation invocation =
          Parse({command.name, std::string("--") + row.name, "t.c=x.sqlite"});
      EXPECT_THAT(ProblemsOf(invocation), HasSubstr(std::string("--") + row.name + ":"));
      EXPECT_THAT(ProblemsOf(invocation), HasSubstr("not part of this version yet"));
    }
  }
}

}  // namespace
}  // namespace lite2pg
