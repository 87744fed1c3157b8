#include "engine/postgres/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"
#include "engine/base/error.h"
#include "engine/postgres/copy_stream.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

constexpr char kRunId[] = "0123456789abcdef0123456789abcdef";

class LedgerTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // The test's own schema stands for "lite2pg".
    location_.schema = schema_;
    LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), location_));
    RunRecord run;
    run.run_id = kRunId;
    run.state = "active";
    run.command = "copy";
    run.source_path = "/srv/caf\xE9.db";  // not UTF-8, as paths may be
    run.plan_json = "{\"a\": \"\\u0000\"}";
    LITE2PG_ASSERT_OK(ledger().InsertRun(db(), run));
    Run(absl::StrCat("CREATE TABLE ", In("t"), " (a int)"));
  }

  Ledger ledger(int64_t epoch = 1) const { return Ledger(location_, kRunId, epoch); }
  PgConnection Worker() {
    PgConnectOptions options;
    options.application_name = RunApplicationName(kRunId);
    return Connect(options);
  }
  static ChunkRecord Chunk(int64_t number, absl::string_view table = "t") {
    ChunkRecord chunk;
    chunk.table = std::string(table);
    chunk.chunk = number;
    chunk.key_range = "{\"from\":1}";
    chunk.rows = 7;
    chunk.bytes = 70;
    chunk.digest.rows = 7;
    chunk.digest.low = 0xfedcba9876543210u;
    chunk.digest.high = static_cast<uint64_t>(number);
    return chunk;
  }
  std::string Rows() { return Ask(absl::StrCat("SELECT count(*) FROM ", In("t"))); }

  LedgerLocation location_;
};

TEST_F(LedgerTest, CreatingTwiceChangesNothing) {
  LITE2PG_EXPECT_OK(Ledger::CreateTables(db(), location_));
  const auto runs = Ledger::ReadRuns(db(), location_);
  LITE2PG_ASSERT_OK(runs.status());
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ((*runs)[0].source_path, "/srv/caf\xE9.db");
  EXPECT_EQ((*runs)[0].plan_json, "{\"a\": \"\\u0000\"}");
  EXPECT_EQ((*runs)[0].epoch, 1);
  EXPECT_FALSE((*runs)[0].started_at.empty());
}

TEST_F(LedgerTest, ConcurrentCreationSucceedsEverywhere) {
  LedgerLocation fresh;
  fresh.schema = schema_ + " fresh";
  at_end_ = {absl::StrCat("DROP SCHEMA ", QuoteIdentifier(fresh.schema), " CASCADE")};
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      PgConnection connection = Connect();
      if (!Ledger::CreateTables(connection, fresh).ok()) ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(LedgerTest, PrefixedTablesLiveInTheTargetSchema) {
  LedgerLocation prefixed{schema_, "lite2pg_"};
  LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), prefixed));
  EXPECT_EQ(Ask(absl::StrCat("SELECT count(*) FROM ", In("lite2pg_chunk"))), "0");
  LITE2PG_ASSERT_OK(Ledger::Drop(db(), prefixed));
  EXPECT_EQ(Ask(absl::StrCat("SELECT count(*) FROM ", In("run"))), "1");  // the other one stays
}

TEST_F(LedgerTest, ForeignTableInTheWayIsRefused) {
  LedgerLocation taken{schema_, "x"};
  Run(absl::StrCat("CREATE TABLE ", In("xrun"), " (a int)"));
  EXPECT_EQ(InfoOf(Ledger::CreateTables(db(), taken)).code, ErrorCode::kTargetTableExists);
}

TEST_F(LedgerTest, NewerVersionIsNotTouched) {
  Run(absl::StrCat("COMMENT ON TABLE ", In("run"), " IS 'lite2pg ledger version 99'"));
  EXPECT_EQ(InfoOf(Ledger::CreateTables(db(), location_)).exit_code, ExitCode::kCannotResume);
}

TEST_F(LedgerTest, RoleWithoutCreateUsesALedgerThatIsThereAndMakesNone) {
  Run("CREATE ROLE l2p_ledger LOGIN PASSWORD 'ledger-password'");
  Run(absl::StrCat("GRANT USAGE ON SCHEMA ", QuoteIdentifier(schema_), " TO l2p_ledger"));
  Run(absl::StrCat("GRANT ALL ON ALL TABLES IN SCHEMA ", QuoteIdentifier(schema_),
                   " TO l2p_ledger"));
  at_end_ = {"DROP ROLE l2p_ledger"};
  PgConnectOptions options;
  options.conninfo = ConninfoFor("l2p_ledger", "ledger-password");
  PgConnection limited = Connect(options);
  LITE2PG_EXPECT_OK(Ledger::CreateTables(limited, location_));
  LITE2PG_EXPECT_OK(ledger().BeginChunk(limited));
  LITE2PG_EXPECT_OK(ledger().CommitChunks(limited, {Chunk(1)}));
  LedgerLocation fresh;
  fresh.schema = "l2p_fresh";
  const ErrorInfo info = InfoOf(Ledger::CreateTables(limited, fresh));
  EXPECT_EQ(info.code, ErrorCode::kTargetPrivilege);
  EXPECT_EQ(info.exit_code, ExitCode::kTargetRefuses);
  EXPECT_FALSE(limited.in_transaction());
}

TEST_F(LedgerTest, ReadingWithoutALedgerFindsNothing) {
  LedgerLocation nowhere;
  nowhere.schema = "l2p_nowhere";
  const auto runs = Ledger::ReadRuns(db(), nowhere);
  LITE2PG_ASSERT_OK(runs.status());
  EXPECT_TRUE(runs->empty());
  LITE2PG_EXPECT_OK(Ledger::Drop(db(), nowhere));
}

TEST_F(LedgerTest, RowsAndLedgerCommitTogether) {
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1)"));
  LITE2PG_ASSERT_OK(ledger().CommitChunks(
      db(), {Chunk(1), Chunk(2, "q\"u,o{t}e\\"), Chunk(3, std::string("bad\xFFname"))}));
  EXPECT_FALSE(db().in_transaction());
  EXPECT_EQ(Rows(), "1");
  EXPECT_TRUE(ledger().HasChunk(db(), "t", 1).value_or(false));
  EXPECT_FALSE(ledger().HasChunk(db(), "t", 2).value_or(true));
  const auto chunks = ledger().ReadChunks(db());
  LITE2PG_ASSERT_OK(chunks.status());
  ASSERT_EQ(chunks->size(), 3u);
  EXPECT_EQ((*chunks)[0].digest, Chunk(1).digest);
  EXPECT_EQ((*chunks)[0].key_range, "{\"from\":1}");
  EXPECT_EQ((*chunks)[1].table, "q\"u,o{t}e\\");
  EXPECT_EQ((*chunks)[2].table, "bad\xFFname");
}

TEST_F(LedgerTest, TableNamesLongerThanAnIndexEntryAreRecorded) {
  std::string name;
  for (int i = 0; i < 3000; ++i) name += absl::StrCat(i * 7919 % 10007, "-");
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  LITE2PG_ASSERT_OK(ledger().CommitChunks(db(), {Chunk(1, name)}));
  EXPECT_TRUE(ledger().HasChunk(db(), name, 1).value_or(false));
}

TEST_F(LedgerTest, SameChunkTwiceIsRefusedWithItsRows) {
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1)"));
  LITE2PG_ASSERT_OK(ledger().CommitChunks(db(), {Chunk(1)}));
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (2)"));
  EXPECT_EQ(InfoOf(ledger().CommitChunks(db(), {Chunk(1)})).code, ErrorCode::kFencedOff);
  EXPECT_FALSE(db().in_transaction());
  EXPECT_EQ(Rows(), "1");
}

TEST_F(LedgerTest, OlderEpochIsFencedOff) {
  const auto epoch = Ledger::TakeOver(db(), location_, kRunId);
  LITE2PG_ASSERT_OK(epoch.status());
  EXPECT_EQ(*epoch, 2);
  const absl::Status status = ledger(1).BeginChunk(db());
  EXPECT_EQ(InfoOf(status).code, ErrorCode::kFencedOff);
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kCannotResume);
  EXPECT_FALSE(db().in_transaction());
  EXPECT_EQ(InfoOf(ledger(1).SetState(db(), "done", "data", "")).code, ErrorCode::kFencedOff);
  LITE2PG_EXPECT_OK(ledger(2).BeginChunk(db()));
  LITE2PG_EXPECT_OK(ledger(2).CommitChunks(db(), {Chunk(1)}));
}

TEST_F(LedgerTest, TakeOverEndsAZombieInTheMiddleOfItsCopy) {
  PgConnection zombie = Worker();
  LITE2PG_ASSERT_OK(ledger().BeginChunk(zombie));
  CopyIn copy(zombie);
  LITE2PG_ASSERT_OK(copy.Begin(In("t"), {"a"}));
  LITE2PG_ASSERT_OK(Ledger::TakeOver(db(), location_, kRunId).status());
  EXPECT_EQ(InfoOf(copy.Finish().status()).code, ErrorCode::kTargetConnectionLost);
  EXPECT_EQ(Rows(), "0");
}

TEST_F(LedgerTest, TakeOverCopesWithBackendsThatEndByThemselves) {
  for (int round = 0; round < 20; ++round) {
    std::vector<PgConnection> workers;
    for (int i = 0; i < 3; ++i) workers.push_back(Worker());
    std::thread ending([&] { workers.clear(); });
    LITE2PG_EXPECT_OK(Ledger::TakeOver(db(), location_, kRunId).status());
    ending.join();
  }
}

TEST_F(LedgerTest, RaisingTheEpochWaitsForOpenChunksButSetStateDoesNot) {
  PgConnection worker = Connect();  // not found by its application_name, so not terminated
  LITE2PG_ASSERT_OK(ledger().BeginChunk(worker));
  Run("SET lock_timeout = '300ms'");
  LITE2PG_EXPECT_OK(ledger().SetState(db(), "active", "data", ""));
  EXPECT_EQ(InfoOf(Ledger::TakeOver(db(), location_, kRunId).status()).code,
            ErrorCode::kTargetLocked);
  LITE2PG_ASSERT_OK(ledger().CommitChunks(worker, {Chunk(1)}));
  EXPECT_EQ(Ledger::TakeOver(db(), location_, kRunId).value_or(0), 2);
}

TEST_F(LedgerTest, ManyWorkersHoldTheFenceAtOnce) {
  PgConnection first = Connect(), second = Connect();
  LITE2PG_ASSERT_OK(ledger().BeginChunk(first));
  LITE2PG_ASSERT_OK(ledger().BeginChunk(second));
  LITE2PG_EXPECT_OK(ledger().CommitChunks(first, {Chunk(1)}));
  LITE2PG_EXPECT_OK(ledger().CommitChunks(second, {Chunk(2)}));
}

TEST_F(LedgerTest, LostConnectionAtCommitIsInDoubtAndSettled) {
  PgConnection worker = Worker();
  const int pid = worker.backend_pid();
  LITE2PG_ASSERT_OK(ledger().BeginChunk(worker));
  Run(absl::StrCat("SELECT pg_terminate_backend(", pid, ", 5000)"));
  const absl::Status status = ledger().CommitChunks(worker, {Chunk(1)});
  EXPECT_EQ(InfoOf(status).code, ErrorCode::kCommitInDoubt) << status;
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kInterrupted);
  EXPECT_EQ(ledger().SettleChunk(db(), pid, "t", 1).value_or(true), false);
}

TEST_F(LedgerTest, SettlingEndsTheBackendThatCouldStillCommit) {
  PgConnection worker = Worker();
  LITE2PG_ASSERT_OK(ledger().BeginChunk(worker));
  EXPECT_EQ(ledger().SettleChunk(db(), worker.backend_pid(), "t", 1).value_or(true), false);
  EXPECT_EQ(InfoOf(ledger().CommitChunks(worker, {Chunk(1)})).code, ErrorCode::kCommitInDoubt);
  EXPECT_EQ(ledger().HasChunk(db(), "t", 1).value_or(true), false);
}

TEST_F(LedgerTest, DeferredConstraintAtCommitIsDefinite) {
  Run(absl::StrCat("CREATE TABLE ", In("d"), " (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  Run(absl::StrCat("INSERT INTO ", In("d"), " VALUES (1), (1)"));
  EXPECT_EQ(InfoOf(ledger().CommitChunks(db(), {Chunk(1)})).code, ErrorCode::kTargetConstraint);
  EXPECT_FALSE(db().in_transaction());
  EXPECT_FALSE(ledger().HasChunk(db(), "t", 1).value_or(true));
}

TEST_F(LedgerTest, FailedTransactionCannotCommitItsChunk) {
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  EXPECT_FALSE(db().Execute("SELECT 1/0").ok());
  EXPECT_EQ(InfoOf(ledger().CommitChunks(db(), {Chunk(1)})).sqlstate, "25P02");
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  EXPECT_FALSE(db().Execute("SELECT 1/0").ok());
  EXPECT_FALSE(ledger().CommitChunks(db(), {}).ok());
  EXPECT_FALSE(db().in_transaction());
}

TEST_F(LedgerTest, SecondHolderOfTheLockLearnsWhoHasIt) {
  PgConnection first = Worker(), second = Worker();
  std::string holder;
  EXPECT_TRUE(Ledger::TryLock(first, schema_, &holder).value_or(false));
  EXPECT_FALSE(Ledger::TryLock(second, schema_, &holder).value_or(true));
  EXPECT_THAT(holder, HasSubstr(absl::StrCat("pid ", first.backend_pid(), ",")));
  EXPECT_THAT(holder, HasSubstr(RunApplicationName(kRunId)));
  EXPECT_TRUE(Ledger::TryLock(second, schema_ + "2", &holder).value_or(false));
  { PgConnection ended = std::move(first); }
  bool locked = false;
  for (int i = 0; i < 50 && !locked; ++i) {
    locked = Ledger::TryLock(second, schema_, nullptr).value_or(false);
    if (!locked) absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(locked);
}

TEST_F(LedgerTest, SetAsideDefinitionsComeBackInOrder) {
  LITE2PG_ASSERT_OK(ledger().InsertSetAside(db(), {0, "index", "\"s\".\"i\"", "CREATE INDEX i"}));
  LITE2PG_ASSERT_OK(ledger().InsertSetAside(db(), {0, "foreign_key", "\"s\".\"f\"", "ALTER"}));
  auto records = ledger().ReadSetAside(db());
  LITE2PG_ASSERT_OK(records.status());
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].definition, "CREATE INDEX i");
  LITE2PG_ASSERT_OK(ledger().MarkRestored(db(), (*records)[0].id));
  records = ledger().ReadSetAside(db());
  EXPECT_TRUE((*records)[0].restored);
  EXPECT_FALSE((*records)[1].restored);
}

TEST_F(LedgerTest, FinishedAndDeletedRuns) {
  LITE2PG_ASSERT_OK(ledger().FinishRun(db(), "done", "verified", "{}"));
  auto runs = Ledger::ReadRuns(db(), location_);
  EXPECT_EQ((*runs)[0].state, "done");
  EXPECT_EQ((*runs)[0].outcome, "verified");
  EXPECT_EQ((*runs)[0].report_json, "{}");
  LITE2PG_ASSERT_OK(Ledger::DeleteRun(db(), location_, kRunId));
  EXPECT_TRUE(Ledger::ReadRuns(db(), location_)->empty());
  EXPECT_EQ(InfoOf(ledger().BeginChunk(db())).code, ErrorCode::kFencedOff);
}

TEST_F(LedgerTest, DropKeepsASchemaThatHoldsMore) {
  LITE2PG_ASSERT_OK(Ledger::Drop(db(), location_));
  EXPECT_EQ(Rows(), "0");  // t is still there
  EXPECT_FALSE(Ledger::Exists(db(), location_).value_or(true));
}

TEST(LedgerText, KeepsEveryByte) {
  for (const std::string& bytes :
       {std::string(""), std::string("plain"), std::string("\\x41"), std::string("a\0b", 3),
        std::string("\xFF\xFE"), std::string("\\"), std::string("caf\xC3\xA9")}) {
    EXPECT_EQ(DecodeLedgerText(EncodeLedgerText(bytes)), bytes);
  }
  EXPECT_EQ(EncodeLedgerText("caf\xC3\xA9"), "caf\xC3\xA9");
}

}  // namespace
}  // namespace lite2pg
