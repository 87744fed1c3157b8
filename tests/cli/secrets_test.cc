#include "tools/cli/secrets.h"

#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The argument with its secrets replaced by dots.
std::string Blanked(std::string argument) {
  for (const auto& [offset, length] : FindSecrets(argument)) {
    argument.replace(offset, length, std::string(length, '.'));
  }
  return argument;
}

TEST(FindSecrets, FindsPasswordsOfUris) {
  EXPECT_EQ(Blanked("postgresql://u:pw1@h:5432/d"), "postgresql://u:...@h:5432/d");
  EXPECT_EQ(Blanked("postgres://:pw1@h"), "postgres://:...@h");
  EXPECT_EQ(Blanked("postgres://u:a%40b@h/d"), "postgres://u:.....@h/d");
  EXPECT_EQ(Blanked("postgres://h/d?password=pw1&x=1"), "postgres://h/d?password=...&x=1");
  EXPECT_EQ(Blanked("postgres://h/d?x=1&sslpassword=pw1"), "postgres://h/d?x=1&sslpassword=...");
  EXPECT_EQ(Blanked("postgres://h/d?pass%77ord=pw1"), "postgres://h/d?pass%77ord=...");
  EXPECT_EQ(Blanked("postgres://u:pw1@h/d?password=pw2"), "postgres://u:...@h/d?password=...");
}

TEST(FindSecrets, FindsPasswordsThatLibpqWouldMisread) {
  EXPECT_EQ(Blanked("postgres://u:a/b@h/d"), "postgres://u:...@h/d");
  EXPECT_EQ(Blanked("postgres://u:a@b@h/d"), "postgres://u:...@h/d");
  EXPECT_EQ(Blanked("postgres://u:a?b@h/d"), "postgres://u:...@h/d");
  EXPECT_EQ(Blanked("user:pw1@h/d"), "user:...@h/d");
}

TEST(FindSecrets, FindsPasswordsOfConninfos) {
  EXPECT_EQ(Blanked("host=h password=pw1 dbname=d"), "host=h password=... dbname=d");
  EXPECT_EQ(Blanked("password = 'p w' host=h"), "password = '...' host=h");
  EXPECT_EQ(Blanked("password='p\\'w' host=h"), "password='....' host=h");
  EXPECT_EQ(Blanked("password='unclosed"), "password='........");
  EXPECT_EQ(Blanked("password=a\\ b"), "password=....");
  EXPECT_EQ(Blanked("sslpassword=pw1"), "sslpassword=...");
  EXPECT_EQ(Blanked("nonsense password=pw1"), "nonsense password=...");
  EXPECT_EQ(Blanked("PASSWORD=pw1"), "PASSWORD=...");
}

TEST(FindSecrets, LeavesOtherArgumentsAlone) {
  for (const char* argument :
       {"", "shop.db", "/a/b.db", "file:/a/b@c.db", "pgdata:x@y", "postgresql://", "postgres://h",
        "postgres://h:5432/d?application_name=a@b", "host=h dbname=d", "password=", "copy",
        "passfile=/x", "host=password"}) {
    EXPECT_EQ(Blanked(argument), argument);
  }
}

TEST(FindSecrets, StaysInsideAnyText) {
  // Every cut of a nasty string: spans must lie inside it.
  const std::string nasty = "postgres://u:p@h/?password=x&password='\\' password = '\\'\\";
  for (size_t begin = 0; begin < nasty.size(); ++begin) {
    for (size_t length = 0; begin + length <= nasty.size(); ++length) {
      const std::string part = nasty.substr(begin, length);
      for (const auto& [offset, size] : FindSecrets(part)) EXPECT_LE(offset + size, part.size());
    }
  }
}

TEST(WipeArguments, OverwritesArgvItself) {
  char program[] = "lite2pg", command[] = "copy", source[] = "shop.db";
  char target[] = "postgresql://app:s3cret@db/shop";
  char* argv[] = {program, command, source, target, nullptr};
  EXPECT_TRUE(WipeArguments(4, argv));
  EXPECT_STREQ(target, "postgresql://app:xxxxxx@db/shop");
  EXPECT_STREQ(source, "shop.db");
  EXPECT_TRUE(WipeArguments(4, argv));  // x is a password as good as any
}

TEST(WipeArguments, LeavesValuesOfOptionsAlone) {
  char program[] = "lite2pg", option[] = "--where", value[] = "t=x and password='abc'";
  char* argv[] = {program, option, value, nullptr};
  EXPECT_FALSE(WipeArguments(3, argv));
  EXPECT_STREQ(value, "t=x and password='abc'");
}

TEST(Redactor, RemovesASecretInEveryForm) {
  const Redactor redactor(SecretsOfArguments({"copy", "a.db", "postgres://u:p%40ss@h/d"}));
  EXPECT_EQ(redactor.Clean("connect as u with p%40ss or p@ss failed"),
            "connect as u with *** or *** failed");
}

TEST(Redactor, LeavesShortSecretsBecauseTheyWouldGarbleEverything) {
  EXPECT_EQ(Redactor({"a", "of"}).Clean("a part of it"), "a part of it");
}

TEST(Redactor, CleansWhatAReportSays) {
  Report report = SampleReport();
  report.errors[0].server = "FATAL: hunter22 is wrong";
  report.errors[0].hint = "hunter22";
  report.findings[0].message = "hunter22";
  report.next_steps[0] = "lite2pg --x hunter22";
  report.runs[0].next_step = "hunter22";
  report.target.conninfo_shown = "u:hunter22@h";
  Redactor({"hunter22"}).Clean(&report);
  EXPECT_THAT(ReportToJson(report), Not(HasSubstr("hunter22")));
  EXPECT_THAT(ReportToJson(report), HasSubstr("FATAL: *** is wrong"));
}

}  // namespace
}  // namespace lite2pg
