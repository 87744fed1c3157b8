// A server for tests: LITE2PG_TEST_CONNINFO names it; ctest's fixture starts one and sets it.
#ifndef LITE2PG_TESTS_ENGINE_POSTGRES_TEST_SERVER_H_
#define LITE2PG_TESTS_ENGINE_POSTGRES_TEST_SERVER_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

inline std::string TestConninfo() {
  const char* conninfo = std::getenv("LITE2PG_TEST_CONNINFO");
  return conninfo == nullptr ? "" : conninfo;
}

#define LITE2PG_EXPECT_OK(expr)                             \
  do {                                                      \
    const absl::Status expect_ok_status = (expr);           \
    EXPECT_TRUE(expect_ok_status.ok()) << expect_ok_status; \
  } while (false)
#define LITE2PG_ASSERT_OK(expr)                             \
  do {                                                      \
    const absl::Status assert_ok_status = (expr);           \
    ASSERT_TRUE(assert_ok_status.ok()) << assert_ok_status; \
  } while (false)

// Skips without a server, unless LITE2PG_REQUIRE_SERVER says that there must be one. Each test
// has a schema of its own, dropped afterwards.
class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (TestConninfo().empty() && std::getenv("LITE2PG_REQUIRE_SERVER") == nullptr) {
      GTEST_SKIP() << "LITE2PG_TEST_CONNINFO is not set";
    }
    ASSERT_FALSE(TestConninfo().empty()) << "LITE2PG_TEST_CONNINFO is not set";
    static std::atomic<int> counter{0};
    schema_ = absl::StrCat("l2p Test\"", getpid(), "_", counter++);
    connection_ = std::make_unique<PgConnection>(Connect());
    Run(absl::StrCat("CREATE SCHEMA ", QuoteIdentifier(schema_)));
  }

  void TearDown() override {
    if (connection_ == nullptr) return;
    PgConnection cleaner = Connect();
    cleaner.Execute(absl::StrCat("DROP SCHEMA ", QuoteIdentifier(schema_), " CASCADE"))
        .IgnoreError();
    for (const std::string& sql : at_end_) cleaner.Execute(sql).IgnoreError();
  }

  static PgConnection Connect(PgConnectOptions options = {}) {
    if (options.conninfo.empty()) options.conninfo = TestConninfo();
    absl::StatusOr<PgConnection> connection = PgConnection::Connect(options);
    if (!connection.ok()) {
      ADD_FAILURE() << connection.status();
      std::abort();
    }
    return *std::move(connection);
  }

  PgConnection& db() { return *connection_; }
  void Run(const std::string& sql) { LITE2PG_ASSERT_OK(db().Execute(sql)); }
  // A table of the test's schema, quoted and qualified.
  std::string In(absl::string_view name) const { return QuoteQualified(schema_, name); }

  // The first field of the first row, by a connection of its own.
  std::string Ask(const std::string& sql) {
    PgConnection other = Connect();
    const absl::StatusOr<PgResult> result = other.Query(sql);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok() || result->rows() == 0) return "(none)";
    return result->IsNull(0, 0) ? "NULL" : std::string(result->Text(0, 0));
  }

  // The test's conninfo for another role and password.
  static std::string ConninfoFor(absl::string_view user, absl::string_view password) {
    return absl::StrCat(TestConninfo(), " user='", user, "' password='", password, "'");
  }

  std::string schema_;
  std::vector<std::string> at_end_;  // run after the schema is gone, by TearDown

 private:
  std::unique_ptr<PgConnection> connection_;
};

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_POSTGRES_TEST_SERVER_H_
