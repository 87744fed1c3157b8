#include "engine/postgres/conninfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "engine/base/error.h"
#include "engine/postgres/connection.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Each holds the canary where a user may put a password, rightly or wrongly.
const char* const kMistakes[] = {
    "host=h user=u password=my canary",
    "host=h user=u password='canary",
    "canary",
    "postgresql://u:p%zzcanary@h/d",
    "postgresql://u:pa@canary@h/d",
    "postgresql://u:pa/canary@h/d",
    "postgresql://u:12/canary@h/d",
    "postgresql://u:pa@ss/canary@h/d",
    "postgresql://u:a?b@canary@h/d",
    "postgresql://u@h:canary/d",
    "postgresql://u:p#canary/x@h/d",
    "postgresql://h/d?password=x&canary",
    "postgresql://h/d?canary=x",
    "host=h canary=x",
};

TEST(CheckConninfo, RefusesWhatWouldLeakAndDoesNotRepeatIt) {
  for (const char* conninfo : kMistakes) {
    const absl::Status status = CheckConninfo(conninfo);
    EXPECT_FALSE(status.ok()) << conninfo;
    EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kUsage);
    EXPECT_THAT(status.ToString(), Not(HasSubstr("canary")));
    EXPECT_THAT(RedactConninfo(conninfo), Not(HasSubstr("canary")));
    PgConnectOptions options;
    options.conninfo = conninfo;
    EXPECT_THAT(PgConnection::Connect(options).status().ToString(), Not(HasSubstr("canary")));
  }
}

TEST(CheckConninfo, TakesWhatLibpqTakes) {
  for (const char* conninfo :
       {"", "host=h", "host=/tmp dbname='a b' password='it\\'s'", "postgresql://",
        "postgres://u:p%40%2F@h:5432/d?application_name=a@b", "postgresql://[::1]:5432/d",
        "postgresql://u@h1:1,h2:2/d", "postgresql:///d?host=/var/run&user=u", "dbname=a@b",
        "postgresql://u:a?b@h/d", "service=nowhere"}) {
    EXPECT_TRUE(CheckConninfo(conninfo).ok()) << conninfo << CheckConninfo(conninfo);
  }
}

TEST(RedactConninfo, ShowsHostPortDatabaseAndUserOnly) {
  EXPECT_EQ(RedactConninfo("postgresql://alice:canary@db.example.com:5433/shop?sslpassword=x"),
            "database shop at db.example.com:5433 as alice");
  EXPECT_EQ(RedactConninfo("host=/tmp dbname=shop password=canary"), "database shop at /tmp");
  EXPECT_EQ(RedactConninfo(""), "");
}

TEST(RedactConninfo, EscapesControlCharacters) {
  EXPECT_THAT(RedactConninfo("dbname='a\x1b[31m'"), Not(HasSubstr("\x1b")));
}

TEST(EffectiveSettings, StringBeforeEnvironmentBeforeServiceFile) {
  const std::string path = testing::TempDir() + "/l2p_service.conf";
  std::ofstream(path) << "[l2p]\nhost=from-service\nkeepalives_idle=77\nuser=service-user\n";
  setenv("PGSERVICEFILE", path.c_str(), 1);
  setenv("PGCONNECT_TIMEOUT", "23", 1);
  setenv("PGUSER", "environment-user", 1);
  const auto settings = EffectiveSettings("service=l2p dbname=d");
  unsetenv("PGSERVICEFILE");
  unsetenv("PGCONNECT_TIMEOUT");
  unsetenv("PGUSER");
  EXPECT_EQ(settings.at("host"), "from-service");
  EXPECT_EQ(settings.at("keepalives_idle"), "77");
  EXPECT_EQ(settings.at("connect_timeout"), "23");
  EXPECT_EQ(settings.at("dbname"), "d");
  EXPECT_EQ(EffectiveSettings("host=x").count("connect_timeout"), 0u);
}

}  // namespace
}  // namespace lite2pg
