#include "engine/sqlite/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/sqlite/source_file.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAccounts =
    "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INT);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, text); INSERT INTO account VALUES(1, 0),(2, 0);";

std::unique_ptr<SourceSnapshot> SnapshotOrDie(const std::string& path, int readers,
                                              const SqliteOpenOptions& options = {}) {
  absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
      SourceSnapshot::Open(path, readers, options);
  if (!snapshot.ok()) {
    ADD_FAILURE() << snapshot.status();
    std::abort();
  }
  return *std::move(snapshot);
}

// A process of its own that commits without pause, as a live application would: each transaction
// moves money and writes a log entry. Killed when the object goes.
class LiveWriter {
 public:
  explicit LiveWriter(const std::string& path) {
    child_ = fork();
    if (child_ != 0) return;
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    sqlite3_busy_timeout(db, 60'000);
    while (true) {
      sqlite3_exec(db,
                   "BEGIN IMMEDIATE; UPDATE account SET balance = balance + 1 WHERE id = 1;"
                   "UPDATE account SET balance = balance - 1 WHERE id = 2;"
                   "INSERT INTO log(text) VALUES('moved'); COMMIT",
                   nullptr, nullptr, nullptr);
    }
  }
  ~LiveWriter() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  LiveWriter(const LiveWriter&) = delete;
  LiveWriter& operator=(const LiveWriter&) = delete;

 private:
  pid_t child_ = 0;
};

std::string StateSeenBy(SqliteConnection& reader) {
  const absl::StatusOr<std::string> state = reader.QueryText(
      "SELECT (SELECT count(*) FROM log) || ' ' || (SELECT balance FROM account WHERE id = 1) || "
      "' ' || (SELECT sum(balance) FROM account)");
  EXPECT_TRUE(state.ok()) << state.status();
  return state.ok() ? *state : "";
}

void ExpectReadersAgree(const std::string& path, int states_wanted, int readers) {
  int states = 0;
  std::string last;
  constexpr int kRoundsMax = 2'000;
  for (int round = 0; round < kRoundsMax && states < states_wanted; ++round) {
    const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOrDie(path, readers);
    ASSERT_EQ(snapshot->size(), readers);
    const std::string first = StateSeenBy(snapshot->reader(0));
    for (int i = 1; i < readers; ++i) EXPECT_EQ(StateSeenBy(snapshot->reader(i)), first);
    EXPECT_EQ(StateSeenBy(snapshot->reader(0)), first);
    EXPECT_THAT(first, ::testing::EndsWith(" 0")) << "half of a transaction";
    EXPECT_TRUE(snapshot->CheckUnchanged().ok()) << snapshot->CheckUnchanged();
    states += first != last;
    last = first;
  }
  EXPECT_EQ(states, states_wanted) << "the writer must have been at work";
}

TEST(SourceSnapshot, ReadersAgreeUnderALiveWriterInWalMode) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), std::string("PRAGMA journal_mode=WAL;") + kAccounts);
  const LiveWriter writer(dir.File("a.db"));
  ExpectReadersAgree(dir.File("a.db"), 60, 16);
}

TEST(SourceSnapshot, ReadersAgreeUnderALiveWriterInRollbackMode) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  const LiveWriter writer(dir.File("a.db"));
  ExpectReadersAgree(dir.File("a.db"), 15, 12);
}

TEST(SourceSnapshot, KeepsItsStateWhileAWalGrows) {
  const TempDir dir;
  Writer writer(dir.File("a.db"));
  writer.Run(std::string("PRAGMA journal_mode=WAL;") + kAccounts);
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOrDie(dir.File("a.db"), 3);
  EXPECT_THAT(snapshot->guarantee(), HasSubstr("WAL: 3 readers"));
  for (int i = 0; i < 50; ++i) writer.Run("INSERT INTO log(text) VALUES('later')");
  writer.Run("PRAGMA wal_checkpoint(PASSIVE)");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(StateSeenBy(snapshot->reader(i)), "0 0 0");
  EXPECT_TRUE(snapshot->CheckUnchanged().ok()) << snapshot->CheckUnchanged();
}

TEST(SourceSnapshot, KeepsWritersOutInRollbackMode) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOrDie(dir.File("a.db"), 2);
  EXPECT_THAT(snapshot->guarantee(), HasSubstr("rollback journal: 2 readers"));
  Writer writer(dir.File("a.db"));
  sqlite3_busy_timeout(writer.raw(), 0);
  EXPECT_EQ(sqlite3_exec(writer.raw(), "DELETE FROM account", nullptr, nullptr, nullptr),
            SQLITE_BUSY);
  EXPECT_EQ(StateSeenBy(snapshot->reader(1)), "0 0 0");
}

TEST(SourceSnapshot, LetsGoOfTheSourceWhenDestroyed) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  SnapshotOrDie(dir.File("a.db"), 2).reset();
  Writer writer(dir.File("a.db"));
  sqlite3_busy_timeout(writer.raw(), 0);
  writer.Run("DELETE FROM account");
}

TEST(SourceSnapshot, ReportsALockedSource) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  Writer writer(dir.File("a.db"));
  writer.Run("BEGIN EXCLUSIVE");
  EXPECT_EQ(CodesOf(SourceSnapshot::Open(dir.File("a.db"), 2, {.busy_timeout_ms = 50}).status()),
            "1006/6");
}

// ---- Nothing is written ------------------------------------------------------------------------

// What the main file and the WAL look like from outside: bytes and time of modification.
std::string Outside(const std::string& path) {
  std::string out;
  for (const char* suffix : {"", "-wal", "-journal"}) {
    const FileState state = StateOf(path + suffix);
    absl::StrAppend(&out, suffix, ":", state.exists ? ReadFile(path + suffix) : "absent", ":",
                    state.modified_ns, ";");
  }
  return out;
}

void ReadEverything(const std::string& path) {
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOrDie(path, 2);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  for (const SourceTable& table : catalog.tables) {
    const TableReading reading = MakeTableReading(table, AllColumns(table));
    EXPECT_TRUE(ReadRows(snapshot->reader(1), reading).ok());
    EXPECT_TRUE(FindMiddle(snapshot->reader(1), reading, {}).ok());
  }
}

TEST(SourceSnapshot, LeavesARollbackSourceAsItWas) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  const std::string before = Outside(dir.File("a.db"));
  ReadEverything(dir.File("a.db"));
  EXPECT_EQ(Outside(dir.File("a.db")), before);
  EXPECT_FALSE(StateOf(dir.File("a.db-shm")).exists);
}

TEST(SourceSnapshot, LeavesALiveWalSourceAsItWas) {
  const TempDir dir;
  Writer writer(dir.File("a.db"));
  writer.Run(std::string("PRAGMA journal_mode=WAL;") + kAccounts);
  const std::string before = Outside(dir.File("a.db"));
  ASSERT_GT(ReadFile(dir.File("a.db-wal")).size(), 0u);
  ReadEverything(dir.File("a.db"));
  EXPECT_EQ(Outside(dir.File("a.db")), before);
}

TEST(SourceSnapshot, LeavesACopiedWalAsItWas) {
  const TempDir dir;
  {
    Writer writer(dir.File("live.db"));
    writer.Run(std::string("PRAGMA journal_mode=WAL;") + kAccounts);
    for (const char* suffix : {"", "-wal"}) {
      WriteFile(dir.File("a.db") + suffix, ReadFile(dir.File("live.db") + suffix));
    }
  }
  const std::string before = Outside(dir.File("a.db"));
  ReadEverything(dir.File("a.db"));
  EXPECT_EQ(Outside(dir.File("a.db")), before);
}

// ---- Changes behind SQLite's back --------------------------------------------------------------

class ChangedSourceTest : public ::testing::Test {
 protected:
  ChangedSourceTest() {
    WriteDatabase(path_, kAccounts);
    WriteDatabase(dir_.File("other.db"), kAccounts);
    snapshot_ = SnapshotOrDie(path_, 1);
    EXPECT_TRUE(snapshot_->CheckUnchanged().ok());
  }
  TempDir dir_;
  const std::string path_ = dir_.File("a.db");
  std::unique_ptr<SourceSnapshot> snapshot_;
};

TEST_F(ChangedSourceTest, SeesReplacement) {
  ASSERT_EQ(rename(dir_.File("other.db").c_str(), path_.c_str()), 0);
  EXPECT_EQ(CodesOf(snapshot_->CheckUnchanged()), "1007/5");
}

TEST_F(ChangedSourceTest, SeesRemoval) {
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_EQ(CodesOf(snapshot_->CheckUnchanged()), "1007/5");
}

TEST_F(ChangedSourceTest, SeesTruncation) {
  ASSERT_EQ(truncate(path_.c_str(), 4096), 0);
  EXPECT_EQ(CodesOf(snapshot_->CheckUnchanged()), "1005/5");
}

TEST_F(ChangedSourceTest, SeesOverwriting) {
  // The clock of file times ticks a few hundred times a second.
  usleep(20'000);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(5000);
  file.put('x');
  file.close();
  EXPECT_EQ(CodesOf(snapshot_->CheckUnchanged()), "1007/5");
}

TEST(SourceSnapshot, SeesThatAWalWasRemoved) {
  const TempDir dir;
  Writer writer(dir.File("a.db"));
  writer.Run(std::string("PRAGMA journal_mode=WAL;") + kAccounts);
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOrDie(dir.File("a.db"), 1);
  ASSERT_EQ(unlink(dir.File("a.db-wal").c_str()), 0);
  EXPECT_EQ(CodesOf(snapshot->CheckUnchanged()), "1007/5");
}

TEST(SourceSnapshot, SeesAWriterOfAnImmutableSource) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), std::string("PRAGMA journal_mode=WAL;") + kAccounts);
  const std::unique_ptr<SourceSnapshot> snapshot =
      SnapshotOrDie("file:" + dir.File("a.db") + "?immutable=1", 2);
  EXPECT_THAT(snapshot->guarantee(), HasSubstr("immutable: 2 readers"));
  EXPECT_TRUE(snapshot->CheckUnchanged().ok()) << snapshot->CheckUnchanged();
  Writer writer(dir.File("a.db"));
  writer.Run("INSERT INTO log(text) VALUES('new')");
  EXPECT_EQ(CodesOf(snapshot->CheckUnchanged()), "1007/5");
}

// ---- Fingerprints ------------------------------------------------------------------------------

std::string FingerprintOf(const std::string& path) {
  return SnapshotOrDie(path, 1)->fingerprint();
}

TEST(SourceFingerprint, IsTheSameForTheSameBytesAnywhere) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  WriteFile(dir.File("b.db"), ReadFile(dir.File("a.db")));
  EXPECT_EQ(FingerprintOf(dir.File("a.db")), FingerprintOf(dir.File("b.db")));
  EXPECT_EQ(SnapshotOrDie(dir.File("a.db"), 3)->fingerprint(), FingerprintOf(dir.File("a.db")));
}

TEST(SourceFingerprint, ChangesWithEveryCommit) {
  for (const std::string mode : {"DELETE", "WAL"}) {
    const TempDir dir;
    Writer writer(dir.File("a.db"));
    writer.Run("PRAGMA journal_mode=" + mode + ";" + kAccounts);
    std::string before = FingerprintOf(dir.File("a.db"));
    for (const char* sql : {"UPDATE account SET balance = balance + 1", "CREATE TABLE new(a)",
                            "DELETE FROM account WHERE id = 2"}) {
      writer.Run(sql);
      const std::string after = FingerprintOf(dir.File("a.db"));
      EXPECT_NE(after, before) << mode << " " << sql;
      EXPECT_EQ(FingerprintOf(dir.File("a.db")), after) << mode;
      before = after;
    }
  }
}

TEST(SourceFingerprint, IsNotChangedByACheckpoint) {
  const TempDir dir;
  Writer writer(dir.File("a.db"));
  writer.Run(std::string("PRAGMA journal_mode=WAL;") + kAccounts);
  const std::string before = FingerprintOf(dir.File("a.db"));
  writer.Run("PRAGMA wal_checkpoint(PASSIVE)");
  EXPECT_EQ(FingerprintOf(dir.File("a.db")), before);
}

TEST(SourceFingerprint, TellsFilesOfTheSameShapeApart) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), std::string(kAccounts) + "INSERT INTO log(text) VALUES('one')");
  WriteDatabase(dir.File("b.db"), std::string(kAccounts) + "INSERT INTO log(text) VALUES('two')");
  EXPECT_NE(FingerprintOf(dir.File("a.db")), FingerprintOf(dir.File("b.db")));
}

TEST(SourceFingerprint, IsPrintable) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), kAccounts);
  EXPECT_THAT(FingerprintOf(dir.File("a.db")),
              ::testing::MatchesRegex("page_size=4096 pages=3 schema=2 change=3 sample=[0-9a-f]+"));
}

}  // namespace
}  // namespace lite2pg
