#include "engine/postgres/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "engine/base/error.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using ConnectionTest = ServerTest;

std::string Setting(PgConnection& connection, const std::string& name) {
  const absl::StatusOr<PgResult> result =
      connection.Query("SELECT pg_catalog.current_setting($1)", {name});
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? std::string(result->Text(0, 0)) : "";
}

TEST_F(ConnectionTest, HostileRoleDefaultsDoNotReachTheSession) {
  Run("CREATE ROLE l2p_hostile LOGIN SUPERUSER PASSWORD 'hostile-password'");
  at_end_ = {"DROP ROLE l2p_hostile"};
  for (const char* setting :
       {"TimeZone = 'Asia/Kathmandu'", "DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -15", "bytea_output = 'escape'", "standard_conforming_strings = off",
        "search_path = '\"$user\", nonsense'", "client_encoding = 'LATIN1'",
        "statement_timeout = '3s'", "lock_timeout = '1ms'", "transform_null_equals = on",
        "idle_in_transaction_session_timeout = '10ms'", "row_security = on",
        "quote_all_identifiers = on", "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on", "array_nulls = off", "xmloption = 'document'"}) {
    Run(absl::StrCat("ALTER ROLE l2p_hostile SET ", setting));
  }
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_hostile", "hostile-password");
  PgConnection session = Connect(options);
  EXPECT_EQ(Setting(session, "TimeZone"), "UTC");
  EXPECT_EQ(Setting(session, "DateStyle"), "ISO, YMD");
  EXPECT_EQ(Setting(session, "IntervalStyle"), "postgres");
  EXPECT_EQ(Setting(session, "extra_float_digits"), "1");
  EXPECT_EQ(Setting(session, "bytea_output"), "hex");
  EXPECT_EQ(Setting(session, "standard_conforming_strings"), "on");
  EXPECT_EQ(Setting(session, "search_path"), "pg_catalog");
  EXPECT_EQ(Setting(session, "client_encoding"), "UTF8");
  EXPECT_EQ(Setting(session, "statement_timeout"), "0");
  EXPECT_EQ(Setting(session, "lock_timeout"), "30s");
  EXPECT_EQ(Setting(session, "idle_in_transaction_session_timeout"), "0");
  EXPECT_EQ(Setting(session, "row_security"), "off");
  EXPECT_EQ(Setting(session, "quote_all_identifiers"), "off");
  EXPECT_EQ(Setting(session, "transform_null_equals"), "off");
  EXPECT_EQ(Setting(session, "array_nulls"), "on");
  EXPECT_EQ(Setting(session, "xmloption"), "content");
  LITE2PG_ASSERT_OK(session.Begin());
  EXPECT_EQ(Setting(session, "transaction_isolation"), "read committed");
  EXPECT_EQ(Setting(session, "application_name"), "lite2pg");
}

TEST_F(ConnectionTest, KeepsTheRolesSearchPathOnRequest) {
  Run("CREATE ROLE l2p_path LOGIN SUPERUSER PASSWORD 'path-password'");
  at_end_ = {"DROP ROLE l2p_path"};
  Run("ALTER ROLE l2p_path SET search_path = 'application'");
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_path", "path-password");
  options.search_path = std::nullopt;
  PgConnection session = Connect(options);
  EXPECT_EQ(Setting(session, "search_path"), "application");
}

TEST_F(ConnectionTest, ReadOnlySessionRefusesToWriteWithExitCode8) {
  PgConnectOptions options;
  options.read_only = true;
  PgConnection session = Connect(options);
  const absl::Status status = session.Execute(absl::StrCat("CREATE TABLE ", In("t"), " (a int)"));
  const ErrorInfo info = InfoOf(status);
  EXPECT_EQ(info.sqlstate, "25006");
  EXPECT_EQ(info.code, ErrorCode::kTargetPrivilege);
  EXPECT_EQ(info.exit_code, ExitCode::kTargetRefuses);
}

TEST_F(ConnectionTest, RoleWithReadOnlyDefaultStaysReadOnly) {
  Run("CREATE ROLE l2p_reader LOGIN SUPERUSER PASSWORD 'reader-password'");
  at_end_ = {"DROP ROLE l2p_reader"};
  Run("ALTER ROLE l2p_reader SET default_transaction_read_only = on");
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_reader", "reader-password");
  PgConnection session = Connect(options);
  const ErrorInfo info =
      InfoOf(session.Execute(absl::StrCat("CREATE TABLE ", In("t"), " (a int)")));
  EXPECT_EQ(info.sqlstate, "25006");
  EXPECT_EQ(info.exit_code, ExitCode::kTargetRefuses);
}

TEST_F(ConnectionTest, WrongPasswordIsALoginErrorThatDoesNotShowIt) {
  Run("CREATE ROLE l2p_locked LOGIN PASSWORD 'right-password'");
  at_end_ = {"DROP ROLE l2p_locked"};
  if (Ask("SELECT count(*) FROM pg_roles WHERE rolname = 'wants_password'") == "1") {
    Run("GRANT wants_password TO l2p_locked");  // tests/support/server.py trusts all others
  }
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_locked", "canary-4711");
  const absl::Status status = PgConnection::Connect(options).status();
  const ErrorInfo info = InfoOf(status);
  EXPECT_EQ(info.code, ErrorCode::kTargetLogin) << status;
  EXPECT_EQ(info.exit_code, ExitCode::kTargetUnreachable);
  EXPECT_EQ(info.sqlstate, "28P01");
  EXPECT_THAT(status.ToString(), Not(HasSubstr("canary-4711")));
  EXPECT_THAT(info.server, Not(HasSubstr("auth.c")));
}

TEST_F(ConnectionTest, UnknownDatabaseIsALoginError) {
  PgConnectOptions options;
  options.conninfo = absl::StrCat(TestConninfo(), " dbname=l2p_no_such_database");
  const ErrorInfo info = InfoOf(PgConnection::Connect(options).status());
  EXPECT_EQ(info.code, ErrorCode::kTargetLogin);
  EXPECT_EQ(info.exit_code, ExitCode::kTargetUnreachable);
  EXPECT_EQ(info.sqlstate, "3D000");
  EXPECT_THAT(info.what, HasSubstr("l2p_no_such_database"));
}

TEST_F(ConnectionTest, RoleOverItsConnectionLimitIsOutOfResource) {
  Run("CREATE ROLE l2p_limited LOGIN CONNECTION LIMIT 1 PASSWORD 'limited-password'");
  at_end_ = {"DROP ROLE l2p_limited"};
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_limited", "limited-password");
  PgConnection first = Connect(options);
  const ErrorInfo info = InfoOf(PgConnection::Connect(options).status());
  EXPECT_EQ(info.sqlstate, "53300");
  EXPECT_EQ(info.code, ErrorCode::kTargetOutOfResource);
  EXPECT_EQ(info.exit_code, ExitCode::kOutOfResource);
}

TEST_F(ConnectionTest, SecretInAStatementErrorIsRemoved) {
  Run("CREATE ROLE l2p_canary LOGIN SUPERUSER PASSWORD 'canary-0815'");
  at_end_ = {"DROP ROLE l2p_canary"};
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_canary", "canary-0815");
  PgConnection session = Connect(options);
  const absl::Status status = session.Execute("SELECT 'canary-0815'::integer");
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.ToString(), Not(HasSubstr("canary-0815")));
}

TEST_F(ConnectionTest, StatementsCannotBeStacked) {
  const ErrorInfo info = InfoOf(db().Execute("SELECT 1; SELECT 2"));
  EXPECT_EQ(info.sqlstate, "42601");
}

TEST_F(ConnectionTest, ZeroBytesAreRefusedAndNotCut) {
  EXPECT_FALSE(db().Query("SELECT $1", {std::string("a\0b", 3)}).ok());
  EXPECT_FALSE(db().Query(absl::string_view("SELECT 1 --\0 2", 14)).ok());
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(ConnectionTest, ResultTellsNullFromEmpty) {
  const absl::StatusOr<PgResult> result = db().Query("SELECT NULL, '', true, -9223372036854775808");
  LITE2PG_ASSERT_OK(result.status());
  EXPECT_TRUE(result->IsNull(0, 0));
  EXPECT_EQ(result->Text(0, 0), "");
  EXPECT_FALSE(result->IsNull(0, 1));
  EXPECT_TRUE(result->Bool(0, 2));
  EXPECT_EQ(result->Int(0, 3), INT64_MIN);
  EXPECT_EQ(result->columns(), 4);
}

TEST_F(ConnectionTest, ExecuteAllRunsManyStatementsAsOneTransaction) {
  std::vector<std::string> statements = {absl::StrCat("CREATE TABLE ", In("t"), " (a int)")};
  for (int i = 0; i < 3000; ++i) {
    statements.push_back(absl::StrCat("INSERT INTO ", In("t"), " VALUES (", i, ")"));
  }
  LITE2PG_ASSERT_OK(db().ExecuteAll(statements));
  EXPECT_EQ(Ask(absl::StrCat("SELECT count(*) FROM ", In("t"))), "3000");
  EXPECT_FALSE(db().in_transaction());
}

TEST_F(ConnectionTest, ExecuteAllNamesTheStatementThatFailed) {
  const absl::Status status =
      db().ExecuteAll({absl::StrCat("CREATE TABLE ", In("t"), " (a int)"), "SELECT 1/0",
                       absl::StrCat("CREATE TABLE ", In("u"), " (a int)")});
  EXPECT_THAT(InfoOf(status).what, HasSubstr("statement 2 of 3: SELECT 1/0"));
  EXPECT_EQ(InfoOf(status).sqlstate, "22012");
  EXPECT_EQ(Ask(absl::StrCat("SELECT to_regclass(", QuoteLiteral(In("t")), ")")), "NULL");
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(ConnectionTest, ExecuteAllInsideATransactionLeavesItFailed) {
  LITE2PG_ASSERT_OK(db().Begin());
  EXPECT_FALSE(db().ExecuteAll({"SELECT 1", "SELECT 1/0"}).ok());
  EXPECT_TRUE(db().in_transaction());
  const absl::Status commit = db().Commit();
  EXPECT_FALSE(commit.ok());
  EXPECT_EQ(InfoOf(commit).code, ErrorCode::kTargetStatement);
  EXPECT_FALSE(db().in_transaction());
}

TEST_F(ConnectionTest, PipelineWithLargeStatementsAndAnswersDoesNotDeadlock) {
  std::vector<PgStatement> statements;
  for (int i = 0; i < 40; ++i) {
    statements.push_back({"SELECT $1 || repeat('x', 2000000)", {std::string(1'000'000, 'y')}});
  }
  const absl::StatusOr<std::vector<PgResult>> results = db().QueryAll(statements);
  LITE2PG_ASSERT_OK(results.status());
  ASSERT_EQ(results->size(), 40u);
  EXPECT_EQ(results->back().Text(0, 0).size(), 3'000'000u);
}

TEST_F(ConnectionTest, TerminatedBackendIsALostConnection) {
  PgConnection victim = Connect();
  LITE2PG_ASSERT_OK(victim.Begin());
  Run(absl::StrCat("SELECT pg_terminate_backend(", victim.backend_pid(), ", 5000)"));
  const absl::Status status = victim.Execute("SELECT 1");
  EXPECT_EQ(InfoOf(status).code, ErrorCode::kTargetConnectionLost) << status;
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kInterrupted);
  EXPECT_FALSE(victim.alive());
  victim.Rollback();
  EXPECT_EQ(InfoOf(victim.Execute("SELECT 1")).code, ErrorCode::kTargetConnectionLost);
  EXPECT_EQ(InfoOf(victim.ExecuteAll({"SELECT 1"})).code, ErrorCode::kTargetConnectionLost);
}

TEST_F(ConnectionTest, CommitOnALostConnectionIsInDoubt) {
  PgConnection victim = Connect();
  LITE2PG_ASSERT_OK(victim.Begin());
  Run(absl::StrCat("SELECT pg_terminate_backend(", victim.backend_pid(), ", 5000)"));
  EXPECT_EQ(InfoOf(victim.Commit()).code, ErrorCode::kCommitInDoubt);
}

TEST_F(ConnectionTest, DeferredConstraintAtCommitIsADefiniteFailure) {
  Run(absl::StrCat("CREATE TABLE ", In("t"), " (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
  LITE2PG_ASSERT_OK(db().Begin());
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1), (1)"));
  const ErrorInfo info = InfoOf(db().Commit());
  EXPECT_EQ(info.sqlstate, "23505");
  EXPECT_EQ(info.code, ErrorCode::kTargetConstraint);
  EXPECT_EQ(info.exit_code, ExitCode::kTargetRefuses);
}

TEST_F(ConnectionTest, CancelEndsAStatementFromAnotherThread) {
  PgConnection session = Connect();
  std::thread canceller([&] {
    absl::SleepFor(absl::Milliseconds(200));
    session.Cancel();
  });
  const ErrorInfo info = InfoOf(session.Execute("SELECT pg_sleep(30)"));
  canceller.join();
  EXPECT_EQ(info.sqlstate, "57014");
  EXPECT_EQ(info.exit_code, ExitCode::kInterrupted);
  LITE2PG_EXPECT_OK(session.Execute("SELECT 1"));
}

TEST_F(ConnectionTest, SnapshotIsShared) {
  Run(absl::StrCat("CREATE TABLE ", In("t"), " (a int)"));
  PgConnection exporter = Connect(), importer = Connect();
  LITE2PG_ASSERT_OK(exporter.BeginSnapshot(""));
  const absl::StatusOr<PgResult> name = exporter.Query("SELECT pg_export_snapshot()");
  LITE2PG_ASSERT_OK(name.status());
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1)"));
  LITE2PG_ASSERT_OK(importer.BeginSnapshot(name->Text(0, 0)));
  const absl::StatusOr<PgResult> count =
      importer.Query(absl::StrCat("SELECT count(*) FROM ", In("t")));
  LITE2PG_ASSERT_OK(count.status());
  EXPECT_EQ(count->Int(0, 0), 0);
  importer.Rollback();
  EXPECT_FALSE(importer.BeginSnapshot("00000000-00000000-1").ok());
  EXPECT_FALSE(importer.in_transaction());
}

TEST_F(ConnectionTest, WarningsAreKeptUntilTaken) {
  Run("DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$");
  EXPECT_THAT(db().TakeNotices(), ElementsAre("WARNING: mind the gap"));
  EXPECT_TRUE(db().TakeNotices().empty());
}

TEST_F(ConnectionTest, MovedConnectionStillCollectsWarnings) {
  PgConnection first = Connect();
  PgConnection second = std::move(first);
  LITE2PG_ASSERT_OK(second.Execute("DO $$ BEGIN RAISE WARNING 'moved'; END $$"));
  EXPECT_EQ(second.TakeNotices().size(), 1u);
  EXPECT_FALSE(first.alive());
}

TEST(Connect, UnreachableServerSaysSo) {
  PgConnectOptions options;
  options.conninfo = "postgresql://someone:canary-1234@127.0.0.1:1/shop";
  const absl::Status status = PgConnection::Connect(options).status();
  EXPECT_EQ(InfoOf(status).code, ErrorCode::kTargetUnreachable) << status;
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kTargetUnreachable);
  EXPECT_THAT(status.ToString(), Not(HasSubstr("canary")));
  EXPECT_THAT(InfoOf(status).what, HasSubstr("database shop at 127.0.0.1:1 as someone"));
}

TEST(Connect, EveryHostOfAListIsTried) {
  PgConnectOptions options;
  options.conninfo = "host=127.0.0.1,127.0.0.1 port=1,2 user=a password=canary-1234 dbname=b";
  const absl::Status status = PgConnection::Connect(options).status();
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kTargetUnreachable);
  EXPECT_THAT(InfoOf(status).server, HasSubstr("port 2"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace lite2pg
