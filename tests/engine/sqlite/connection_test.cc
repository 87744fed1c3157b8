#include "engine/sqlite/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include "engine/sqlite/error.h"
#include "engine/sqlite/source_file.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string OpenCodes(const std::string& source, const SqliteOpenOptions& options = {}) {
  return CodesOf(SqliteConnection::Open(source, options).status());
}
std::string OpenMessage(const std::string& source) {
  const absl::Status status = SqliteConnection::Open(source, {}).status();
  return status.ok() ? "ok" : std::string(status.message());
}

std::string RandomBytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// Runs `body` in a child process as the user nobody, for whom permissions count; its exit code.
int InChildAsNobody(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(100);
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

constexpr const char* kSmall = "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)";

// ---- What is not a database --------------------------------------------------------------------

TEST(SqliteOpen, NamesAMissingFile) {
  const TempDir dir;
  EXPECT_EQ(OpenCodes(dir.File("none.db")), "1001/5");
  EXPECT_EQ(OpenCodes(""), "1001/5");
  EXPECT_EQ(OpenCodes(":memory:"), "1001/5");
  EXPECT_EQ(OpenCodes(dir.File("none/none.db")), "1001/5");
  EXPECT_EQ(OpenCodes(std::string("a\0b", 3)), "1001/5");
  EXPECT_THAT(OpenMessage(dir.File("none.db")), HasSubstr(dir.File("none.db")));
  EXPECT_NE(access(dir.File("none.db").c_str(), F_OK), 0) << "must not be created";
}

TEST(SqliteOpen, RefusesWhatIsNotARegularFile) {
  const TempDir dir;
  EXPECT_THAT(OpenMessage(dir.path()), HasSubstr("a directory"));
  EXPECT_EQ(OpenCodes(dir.path()), "1002/5");
  ASSERT_EQ(mkfifo(dir.File("pipe").c_str(), 0600), 0);
  EXPECT_EQ(OpenCodes(dir.File("pipe")), "1002/5");
  EXPECT_THAT(OpenMessage(dir.File("pipe")), HasSubstr("a pipe"));
  EXPECT_EQ(OpenCodes("/dev/zero"), "1002/5");
  EXPECT_THAT(OpenMessage("/dev/null"), HasSubstr("a device"));
}

// SQLite would take it for an empty database and delete the files beside it.
TEST(SqliteOpen, RefusesAnEmptyFileAndLeavesItsNeighboursAlone) {
  const TempDir dir;
  WriteFile(dir.File("a.db"), "");
  WriteFile(dir.File("a.db-wal"), "not empty");
  WriteFile(dir.File("a.db-journal"), "not empty");
  EXPECT_EQ(OpenCodes(dir.File("a.db")), "1002/5");
  EXPECT_THAT(OpenMessage(dir.File("a.db")), HasSubstr("is empty"));
  EXPECT_EQ(ReadFile(dir.File("a.db-wal")), "not empty");
  EXPECT_EQ(ReadFile(dir.File("a.db-journal")), "not empty");
}

TEST(SqliteOpen, TellsOtherFormatsApart) {
  const TempDir dir;
  const std::string rest = RandomBytes(4000, 1);
  const std::pair<std::string, std::string> cases[] = {
      {"\x1f\x8b" + rest, "gzip"},
      {"PK\x03\x04" + rest, "zip"},
      {"PGDMP" + rest, "PostgreSQL"},
      {"** This file contains an SQLite 2.1 database **" + rest, "SQLite 2"},
      {"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n" + std::string(600, ' '), "it is text"},
      {std::string(4096, '\x01'), "is not an SQLite database"},
      {"SQLite format 4" + rest, "unknown version"},
      {"x", "it is text"}};
  for (const auto& [bytes, words] : cases) {
    WriteFile(dir.File("a.db"), bytes);
    EXPECT_EQ(OpenCodes(dir.File("a.db")), "1002/5") << words;
    EXPECT_THAT(OpenMessage(dir.File("a.db")), HasSubstr(words));
  }
}

TEST(SqliteOpen, RecognisesEncryption) {
  const TempDir dir;
  WriteFile(dir.File("a.db"), RandomBytes(8192, 2));
  EXPECT_EQ(OpenCodes(dir.File("a.db")), "1003/5");
  // Bytes 16 to 23 left plain.
  WriteDatabase(dir.File("plain.db"), kSmall);
  std::string bytes = RandomBytes(512, 3);
  bytes.replace(16, 8, ReadFile(dir.File("plain.db")).substr(16, 8));
  WriteFile(dir.File("b.db"), bytes);
  EXPECT_EQ(OpenCodes(dir.File("b.db")), "1003/5");
}

TEST(SqliteOpen, SaysHowMuchOfATruncatedFileIsThere) {
  const TempDir dir;
  WriteDatabase(dir.File("whole.db"),
                "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "WHERE i < 2000) INSERT INTO t SELECT hex(randomblob(20)) FROM n");
  const std::string whole = ReadFile(dir.File("whole.db"));
  ASSERT_EQ(whole.size() % 4096, 0u);
  for (const size_t size : {size_t{50}, size_t{200}, size_t{4096}, size_t{8192}, size_t{9000},
                            whole.size() - 4096, whole.size() - 1}) {
    WriteFile(dir.File("a.db"), whole.substr(0, size));
    EXPECT_EQ(OpenCodes(dir.File("a.db")), "1005/5") << size;
  }
  EXPECT_THAT(OpenMessage(dir.File("a.db")), HasSubstr(std::to_string(whole.size())));
  EXPECT_EQ(OpenCodes(dir.File("whole.db")), "ok");
}

TEST(SqliteOpen, SaysThatAFileMayNotBeRead) {
  const TempDir dir;
  ASSERT_EQ(chmod(dir.path().c_str(), 0755), 0);
  WriteDatabase(dir.File("a.db"), kSmall);
  ASSERT_EQ(chmod(dir.File("a.db").c_str(), 0200), 0);
  EXPECT_EQ(InChildAsNobody([&] { return OpenCodes(dir.File("a.db")) == "1009/5" ? 0 : 1; }), 0);
}

// ---- URIs --------------------------------------------------------------------------------------

TEST(SqliteOpen, TakesUris) {
  const TempDir dir;
  WriteDatabase(dir.File("a b?#.db"), kSmall);
  EXPECT_EQ(OpenCodes(dir.File("a b?#.db")), "ok");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%20b%3f%23.db")), "ok");
  EXPECT_EQ(OpenCodes("file://" + dir.File("a%20b%3F%23.db?mode=ro&cache=shared#x")), "ok");
  EXPECT_EQ(OpenCodes("file://localhost" + dir.File("a%20b%3F%23.db")), "ok");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%20b%3F%23.db?immutable=1")), "ok");
  EXPECT_EQ(OpenCodes("file://elsewhere" + dir.File("a%20b%3F%23.db")), "9001/2");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%00.db")), "9001/2");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%2")), "9001/2");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%20b%3F%23.db?mode=memory")), "9001/2");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%20b%3F%23.db?vfs=unix-none")), "9001/2");
  EXPECT_EQ(OpenCodes("file:" + dir.File("a%20b%3F%23.db?nolock=1")), "9001/2");
}

TEST(SqliteOpen, NeverRepeatsAKey) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kSmall);
  for (const char* parameters : {"?key=hunter2", "?hexkey=hunter2", "?mode=ro&textkey=hunter2",
                                 "?password=hunter2", "?nosuch=hunter2"}) {
    const std::string message = OpenMessage("file:" + dir.File("a.db") + parameters);
    EXPECT_THAT(message, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("ok")))) << parameters;
    EXPECT_THAT(OpenMessage("file:" + dir.File("none.db") + parameters),
                Not(HasSubstr("hunter2")));
  }
}

TEST(SqliteOpen, FollowsSymbolicLinks) {
  const TempDir dir;
  WriteDatabase(dir.File("real.db"), kSmall);
  ASSERT_EQ(symlink("real.db", dir.File("link.db").c_str()), 0);
  const SqliteConnection connection = OpenOrDie(dir.File("link.db"));
  EXPECT_EQ(connection.path(), std::filesystem::canonical(dir.File("real.db")));
  ASSERT_EQ(symlink("loop.db", dir.File("loop.db").c_str()), 0);
  EXPECT_EQ(OpenCodes(dir.File("loop.db")), "1009/5");
}

// ---- Journals and locks ------------------------------------------------------------------------

// The files of a transaction whose writer died in the middle.
void MakeHotJournal(const TempDir& dir, const std::string& name) {
  const std::string path = dir.File("live.db");
  WriteDatabase(path, "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                      "FROM n WHERE i < 2000) INSERT INTO t SELECT hex(randomblob(20)) FROM n");
  Writer writer(path);
  writer.Run("PRAGMA cache_size=5; BEGIN; UPDATE t SET a = 'x'");
  WriteFile(dir.File(name), ReadFile(path));
  WriteFile(dir.File(name + "-journal"), ReadFile(path + "-journal"));
  writer.Run("ROLLBACK");
}

TEST(SqliteOpen, RefusesAHotJournalAndTouchesNothing) {
  const TempDir dir;
  MakeHotJournal(dir, "hot.db");
  const std::string database = ReadFile(dir.File("hot.db"));
  const std::string journal = ReadFile(dir.File("hot.db-journal"));
  ASSERT_GT(journal.size(), 0u);
  EXPECT_EQ(OpenCodes(dir.File("hot.db")), "1008/5");
  EXPECT_EQ(OpenCodes("file:" + dir.File("hot.db?immutable=1")), "1008/5");
  EXPECT_EQ(ReadFile(dir.File("hot.db")), database);
  EXPECT_EQ(ReadFile(dir.File("hot.db-journal")), journal);
}

TEST(SqliteOpen, ReadsPastAJournalThatIsNotHot) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), std::string("PRAGMA journal_mode=PERSIST;") + kSmall);
  ASSERT_GT(ReadFile(dir.File("a.db-journal")).size(), 0u);
  EXPECT_EQ(OpenCodes(dir.File("a.db")), "ok");
}

TEST(SqliteOpen, RefusesImmutableBesideAWal) {
  const TempDir dir;
  Writer writer(dir.File("a.db"));
  writer.Run(std::string("PRAGMA journal_mode=WAL;") + kSmall);
  EXPECT_EQ(OpenCodes("file:" + dir.File("a.db?immutable=1")), "1008/5");
  EXPECT_EQ(OpenOrDie(dir.File("a.db")).QueryInt("SELECT count(*) FROM t").value(), 2);
}

TEST(SqliteOpen, ReadsRowsThatAreOnlyInTheWal) {
  const TempDir dir;
  {
    Writer writer(dir.File("live.db"));
    writer.Run(std::string("PRAGMA journal_mode=WAL;") + kSmall);
    for (const char* suffix : {"", "-wal"}) {
      WriteFile(dir.File("copy.db") + suffix, ReadFile(dir.File("live.db") + suffix));
    }
  }
  ASSERT_EQ(ReadFile(dir.File("copy.db")).size(), 4096u);
  const std::string wal = ReadFile(dir.File("copy.db-wal"));
  EXPECT_EQ(OpenOrDie(dir.File("copy.db")).QueryInt("SELECT count(*) FROM t").value(), 2);
  EXPECT_EQ(ReadFile(dir.File("copy.db")).size(), 4096u) << "must not be checkpointed";
  EXPECT_EQ(ReadFile(dir.File("copy.db-wal")), wal);
}

TEST(SqliteOpen, ExplainsAWalInADirectoryThatCannotBeWritten) {
  const TempDir dir;
  {
    Writer writer(dir.File("live.db"));
    writer.Run(std::string("PRAGMA journal_mode=WAL;") + kSmall);
    for (const char* suffix : {"", "-wal"}) {
      WriteFile(dir.File("copy.db") + suffix, ReadFile(dir.File("live.db") + suffix));
    }
  }
  ASSERT_EQ(chmod(dir.path().c_str(), 0555), 0);
  const int exit_code = InChildAsNobody([&] {
    const absl::Status status = SqliteConnection::Open(dir.File("copy.db"), {}).status();
    if (CodesOf(status) != "1009/5") return 1;
    return InfoOf(status).hint.find("-wal") != std::string::npos ? 0 : 2;
  });
  EXPECT_EQ(exit_code, 0);
  ASSERT_EQ(chmod(dir.path().c_str(), 0755), 0);
}

TEST(SqliteOpen, ReadsAFinishedWalDatabaseInADirectoryThatCannotBeWritten) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), std::string("PRAGMA journal_mode=WAL;") + kSmall);
  ASSERT_FALSE(StateOf(dir.File("a.db-wal")).exists);
  ASSERT_EQ(chmod(dir.path().c_str(), 0555), 0);
  const int exit_code = InChildAsNobody([&] {
    absl::StatusOr<SqliteConnection> connection = SqliteConnection::Open(dir.File("a.db"), {});
    if (!connection.ok()) return 1;
    if (!connection->immutable()) return 2;
    return *connection->QueryInt("SELECT count(*) FROM t") == 2 ? 0 : 3;
  });
  EXPECT_EQ(exit_code, 0);
  ASSERT_EQ(chmod(dir.path().c_str(), 0755), 0);
}

TEST(SqliteOpen, NoticesPagesThatNeitherTheFileNorTheWalHas) {
  const TempDir dir;
  {
    Writer writer(dir.File("live.db"));
    writer.Run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION "
               "ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT hex(randomblob(20)) "
               "FROM n; PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES('in the wal')");
    for (const char* suffix : {"", "-wal"}) {
      WriteFile(dir.File("whole.db") + suffix, ReadFile(dir.File("live.db") + suffix));
      WriteFile(dir.File("cut.db") + suffix, ReadFile(dir.File("live.db") + suffix));
    }
  }
  const std::string whole = ReadFile(dir.File("whole.db"));
  // The last page is in the WAL, the one before it is not.
  WriteFile(dir.File("whole.db"), whole.substr(0, whole.size() - 4096));
  EXPECT_EQ(OpenOrDie(dir.File("whole.db")).QueryInt("SELECT count(*) FROM t").value(), 2001);
  WriteFile(dir.File("cut.db"), whole.substr(0, whole.size() - 3 * 4096));
  EXPECT_EQ(OpenCodes(dir.File("cut.db")), "1005/5");
}

TEST(SqliteOpen, GivesUpOnALockAfterTheTimeout) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kSmall);
  Writer writer(dir.File("a.db"));
  writer.Run("BEGIN EXCLUSIVE");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(OpenCodes(dir.File("a.db"), {.busy_timeout_ms = 200}), "1006/6");
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(200));
  EXPECT_LT(took, std::chrono::seconds(5));
  writer.Run("ROLLBACK");
  EXPECT_EQ(OpenCodes(dir.File("a.db")), "ok");
}

TEST(SqliteOpen, WaitsForALockThatIsReleased) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kSmall);
  Writer writer(dir.File("a.db"));
  writer.Run("BEGIN EXCLUSIVE");
  std::thread release([&writer] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    writer.Run("COMMIT");
  });
  EXPECT_EQ(OpenCodes(dir.File("a.db"), {.busy_timeout_ms = 20'000}), "ok");
  release.join();
}

// ---- What an open connection allows ------------------------------------------------------------

class SqliteConnectionTest : public ::testing::Test {
 protected:
  SqliteConnectionTest() {
    WriteDatabase(dir_.File("a.db"), std::string(kSmall) + "; CREATE INDEX i ON t(a)");
    WriteDatabase(dir_.File("b.db"), kSmall);
  }
  TempDir dir_;
};

TEST_F(SqliteConnectionTest, AllowsOnlyReading) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  const std::string before = ReadFile(dir_.File("a.db"));
  for (const char* sql : {
           "INSERT INTO t VALUES(3)", "UPDATE t SET a = 0", "DELETE FROM t", "DROP TABLE t",
           "CREATE TABLE u(a)", "CREATE TEMP TABLE u(a)", "VACUUM", "REINDEX", "ANALYZE",
           "PRAGMA journal_mode=WAL", "PRAGMA writable_schema=ON", "PRAGMA query_only=OFF",
           "PRAGMA trusted_schema=ON", "PRAGMA mmap_size=1000000", "PRAGMA user_version=5",
           "PRAGMA wal_checkpoint", "PRAGMA incremental_vacuum", "PRAGMA optimize",
           "SELECT load_extension('x')", "SELECT fts3_tokenizer('simple')",
           "UPDATE sqlite_schema SET sql = ''", "SAVEPOINT s"}) {
    EXPECT_FALSE(connection.Execute(sql).ok()) << sql;
  }
  for (const std::string& sql : {"ATTACH '" + dir_.File("b.db") + "' AS b",
                                "VACUUM INTO '" + dir_.File("c.db") + "'"}) {
    EXPECT_FALSE(connection.Execute(sql).ok()) << sql;
  }
  EXPECT_EQ(ReadFile(dir_.File("a.db")), before);
  EXPECT_NE(access(dir_.File("c.db").c_str(), F_OK), 0);
}

TEST_F(SqliteConnectionTest, TreatsDoubleQuotesAsNamesOnly) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  EXPECT_FALSE(connection.QueryText("SELECT \"nosuch\" FROM t").ok());
}

TEST_F(SqliteConnectionTest, ReadsSchemasWithDoubleQuotedStrings) {
  WriteDatabase(dir_.File("c.db"),
                "CREATE TABLE t(a DEFAULT \"x y\", b CHECK(b <> \"no\"), "
                "c AS (a || \"!\")); INSERT INTO t(b) VALUES('yes');"
                "CREATE INDEX i ON t(a) WHERE b = \"yes\"");
  SqliteConnection connection = OpenOrDie(dir_.File("c.db"));
  EXPECT_EQ(connection.QueryText("SELECT c FROM t").value(), "x y!");
}

TEST_F(SqliteConnectionTest, EvaluatesNoViews) {
  WriteDatabase(dir_.File("c.db"), "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                                   "SELECT i + 1 FROM n) SELECT count(*) FROM n");
  SqliteConnection connection = OpenOrDie(dir_.File("c.db"));
  EXPECT_FALSE(connection.QueryInt("SELECT * FROM v").ok());
}

TEST_F(SqliteConnectionTest, TakesOneStatementAtATime) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  EXPECT_TRUE(connection.Prepare("SELECT 1; \n").ok());
  EXPECT_EQ(CodesOf(connection.Prepare("SELECT 1; SELECT 2").status()), "9001/2");
  EXPECT_EQ(CodesOf(connection.Prepare("").status()), "9001/2");
  EXPECT_EQ(CodesOf(connection.Prepare(absl::string_view("SELECT 1\0", 9)).status()), "9001/2");
}

TEST_F(SqliteConnectionTest, BindsAndReturnsValuesAsTheyAre) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  const std::string nul("a\0b", 3);
  for (const SourceValue& value :
       {SourceValue::Null(), SourceValue::Integer(INT64_MIN), SourceValue::Real(-0.0),
        SourceValue::Text(nul), SourceValue::Text(""), SourceValue::Text("\xff"),
        SourceValue::Blob(nul), SourceValue::Blob("")}) {
    SqliteStatement statement = *connection.Prepare("SELECT ?1");
    statement.Bind(1, value);
    ASSERT_TRUE(*statement.Step());
    EXPECT_EQ(Show(statement.Value(0)), Show(value));
  }
}

TEST_F(SqliteConnectionTest, ReadsBytesOfTheFileThroughItsOwnHandle) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  EXPECT_EQ(connection.ReadFileBytes(0, 16).value(), std::string("SQLite format 3\0", 16));
  EXPECT_EQ(CodesOf(connection.ReadFileBytes(1 << 20, 16).status()), "1005/5");
}

TEST_F(SqliteConnectionTest, NoticesThatItsFileWasReplaced) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  EXPECT_FALSE(connection.HasMoved().value());
  ASSERT_EQ(rename(dir_.File("b.db").c_str(), dir_.File("a.db").c_str()), 0);
  EXPECT_TRUE(connection.HasMoved().value());
}

TEST_F(SqliteConnectionTest, AValueThatCannotBeBoundIsNotTakenForNull) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  sqlite3_limit(connection.raw(), SQLITE_LIMIT_LENGTH, 1000);
  SqliteStatement statement = *connection.Prepare("SELECT ?1 IS NULL");
  const std::string large(2000, 'x');
  statement.Bind(1, SourceValue::Text(large));
  EXPECT_EQ(CodesOf(statement.Step().status()), "1012/9");
}

TEST_F(SqliteConnectionTest, SurvivesBeingMoved) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"), {.busy_timeout_ms = 50});
  SqliteConnection moved = std::move(connection);
  connection = OpenOrDie(dir_.File("b.db"));
  connection = std::move(moved);
  EXPECT_EQ(connection.QueryInt("SELECT count(*) FROM t").value(), 2);
  Writer writer(dir_.File("a.db"));
  writer.Run("BEGIN EXCLUSIVE");
  EXPECT_EQ(CodesOf(connection.QueryInt("SELECT count(*) FROM t").status()), "1006/6");
}

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

TEST_F(SqliteConnectionTest, CanBeInterruptedFromAnotherThread) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  std::thread interrupt([&connection] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    connection.Interrupt();
  });
  EXPECT_EQ(CodesOf(connection.QueryInt(kEndless).status()), "6004/10");
  interrupt.join();
  EXPECT_EQ(connection.QueryInt("SELECT count(*) FROM t").value(), 2) << "goes on afterwards";
}

TEST_F(SqliteConnectionTest, CanBeInterruptedWhileItWaitsForALock) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"), {.busy_timeout_ms = 60'000});
  Writer writer(dir_.File("a.db"));
  writer.Run("BEGIN EXCLUSIVE");
  std::thread interrupt([&connection] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    connection.Interrupt();
  });
  EXPECT_EQ(CodesOf(connection.QueryInt("SELECT count(*) FROM t").status()), "6004/10");
  interrupt.join();
}

TEST_F(SqliteConnectionTest, KeepsToDeadlines) {
  SqliteConnection connection = OpenOrDie(dir_.File("a.db"));
  {
    const SqliteDeadline outer(connection, 30);
    {
      const SqliteDeadline inner(connection, 60'000);  // the outer one is earlier
      EXPECT_EQ(CodesOf(connection.QueryInt(kEndless).status()), "1012/5");
    }
    EXPECT_EQ(CodesOf(connection.QueryInt(kEndless).status()), "1012/5");
  }
  EXPECT_EQ(connection.QueryInt("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                                "WHERE i < 100000) SELECT count(*) FROM n")
                .value(),
            100'000);
}

TEST(SqliteError, MapsCodesToExitCodes) {
  const std::pair<int, std::string> cases[] = {
      {SQLITE_BUSY, "1006/6"},          {SQLITE_BUSY_RECOVERY, "1006/6"},
      {SQLITE_BUSY_SNAPSHOT, "1006/6"}, {SQLITE_LOCKED, "1006/6"},
      {SQLITE_CORRUPT, "1004/5"},       {SQLITE_CORRUPT_INDEX, "1004/5"},
      {SQLITE_NOTADB, "1002/5"},        {SQLITE_READONLY_ROLLBACK, "1008/5"},
      {SQLITE_READONLY_CANTINIT, "1009/5"}, {SQLITE_IOERR_READ, "1009/5"},
      {SQLITE_IOERR_SHORT_READ, "1005/5"},  {SQLITE_NOMEM, "1012/9"},
      {SQLITE_INTERRUPT, "6004/10"},    {SQLITE_TOOBIG, "1012/9"},
      {SQLITE_AUTH, "9001/2"},          {SQLITE_INTERNAL, "1009/5"}};
  for (const auto& [code, expected] : cases) {
    const absl::Status status = SqliteError(nullptr, code, "test");
    EXPECT_EQ(CodesOf(status), expected) << code;
    EXPECT_EQ(SqliteCodeOf(status), code);
  }
  EXPECT_EQ(SqliteCodeOf(absl::OkStatus()), 0);
}

}  // namespace
}  // namespace lite2pg
