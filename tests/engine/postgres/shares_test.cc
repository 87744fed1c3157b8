#include "engine/postgres/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

constexpr char kRunId[] = "0123456789abcdef0123456789abcdef";

class SharesOfARun : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    location_.schema = schema_;
    LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), location_));
    RunRecord run;
    run.run_id = kRunId;
    run.state = "active";
    run.stage = "data";
    leader_ = Ledger(location_, kRunId, 1);
    LITE2PG_ASSERT_OK(leader_.InsertRun(db(), run));
  }

  int64_t Join(absl::string_view state = "active") {
    const absl::StatusOr<int64_t> member =
        RunShares::Register(db(), location_, kRunId, 1, "content", "host");
    EXPECT_TRUE(member.ok()) << member.status();
    EXPECT_TRUE(RunShares(leader_).SetState(db(), *member, state).ok());
    return *member;
  }
  Ledger Of(int64_t member) const { return Ledger(location_, kRunId, 1, member); }
  static Share ShareOf(const std::string& range, uint64_t weight) { return {"t", range, weight}; }
  ShareCounts Counts() { return *RunShares(leader_).Count(db()); }
  static ChunkRecord ChunkOf(int64_t member) {
    ChunkRecord chunk;
    chunk.table = "t";
    chunk.chunk = member * kMemberChunks + 1;
    chunk.key_range = "{}";
    chunk.rows = 3;
    chunk.counts = "1,2";
    return chunk;
  }

  LedgerLocation location_;
  Ledger leader_{LedgerLocation{}, "", 1};
};

TEST_F(SharesOfARun, TheHeaviestIsTakenFirstAndByOneOnly) {
  const Ledger first = Of(Join()), second = Of(Join());
  const RunShares leader(leader_);
  LITE2PG_ASSERT_OK(leader.Give(db(), ShareOf("small", 5)));
  LITE2PG_ASSERT_OK(leader.Give(db(), ShareOf("large", 50)));
  EXPECT_EQ((*RunShares(first).Take(db()))->key_range, "large");
  EXPECT_EQ((*RunShares(second).Take(db()))->key_range, "small");
  EXPECT_FALSE(RunShares(first).Take(db())->has_value());
  EXPECT_EQ(Counts().open, 0);
  EXPECT_EQ(Counts().taken, 2);
  LITE2PG_ASSERT_OK(RunShares(first).MarkDone(db()));
  EXPECT_EQ(Counts().taken, 1);
}

TEST_F(SharesOfARun, OneThatSomebodyLooksAtIsPassedOver) {
  const Ledger first = Of(Join()), second = Of(Join());
  const RunShares leader(leader_);
  LITE2PG_ASSERT_OK(leader.Give(db(), ShareOf("large", 50)));
  LITE2PG_ASSERT_OK(leader.Give(db(), ShareOf("small", 5)));
  PgConnection other = Connect({});
  LITE2PG_ASSERT_OK(other.Begin());
  ASSERT_EQ((*RunShares(first).Take(other))->key_range, "large");
  // Not waited for.
  EXPECT_EQ((*RunShares(second).Take(db()))->key_range, "small");
  other.Rollback();
  EXPECT_EQ(Counts().open, 1);
}

TEST_F(SharesOfARun, AFencedMemberCanNeitherBeginNorKeepAChunk) {
  const int64_t number = Join();
  const Ledger member = Of(number);
  LITE2PG_ASSERT_OK(RunShares(leader_).Give(db(), ShareOf("r", 1)));
  PgConnectOptions options;
  options.application_name = RunApplicationName(kRunId, number);
  PgConnection worker = Connect(options);
  ASSERT_TRUE(RunShares(member).Take(worker)->has_value());
  LITE2PG_ASSERT_OK(member.BeginChunk(worker));
  // Its session is ended, so that its fence does not hold ours up.
  LITE2PG_ASSERT_OK(RunShares(leader_).Fence(db(), number));
  EXPECT_FALSE(member.CommitChunks(worker, {ChunkOf(number)}).ok());
  PgConnection again = Connect(options);
  EXPECT_EQ(InfoOf(member.BeginChunk(again)).code, ErrorCode::kFencedOff);
  EXPECT_TRUE(leader_.ReadChunks(db())->empty());
  EXPECT_EQ(Counts().taken, 0);
}

TEST_F(SharesOfARun, WhoeverIsNotAdmittedLoadsNothing) {
  const Ledger member = Of(Join("waiting"));
  PgConnection worker = Connect({});
  EXPECT_EQ(InfoOf(member.BeginChunk(worker)).code, ErrorCode::kFencedOff);
}

TEST_F(SharesOfARun, ChunksOfMembersComeWithTheirCounts) {
  const int64_t number = Join();
  const Ledger member = Of(number);
  PgConnection worker = Connect({});
  LITE2PG_ASSERT_OK(member.BeginChunk(worker));
  LITE2PG_ASSERT_OK(member.CommitChunks(worker, {ChunkOf(number)}));
  LITE2PG_ASSERT_OK(leader_.BeginChunk(worker));
  ChunkRecord own = ChunkOf(0);
  own.counts = "";
  LITE2PG_ASSERT_OK(leader_.CommitChunks(worker, {own}));
  const absl::StatusOr<std::vector<ChunkRecord>> others =
      RunShares(leader_).ReadChunksOfOthers(db());
  LITE2PG_ASSERT_OK(others.status());
  ASSERT_EQ(others->size(), 1u);
  EXPECT_EQ((*others)[0].counts, "1,2");
  EXPECT_EQ(Counts().rows_of_others, 3u);
}

TEST_F(SharesOfARun, AMemberSeesTheRunAndIsSeen) {
  const int64_t number = Join();
  const Ledger member = Of(number);
  LITE2PG_ASSERT_OK(RunShares(leader_).SetHungry(db(), true));
  LITE2PG_ASSERT_OK(RunShares(leader_).Give(db(), ShareOf("r", 1)));
  absl::StatusOr<RunView> view = RunShares(member).Report(db(), true);
  LITE2PG_ASSERT_OK(view.status());
  EXPECT_TRUE(view->same_epoch && view->loading);
  EXPECT_EQ(view->state, "active");
  EXPECT_EQ(view->open_shares, 1);
  EXPECT_EQ(view->hungry_members, 1);
  std::vector<Member> members = *RunShares(leader_).ReadMembers(db());
  ASSERT_EQ(members.size(), 1u);
  EXPECT_TRUE(members[0].hungry);
  EXPECT_FALSE(members[0].gone);
  // Nobody has a session of its name, and that for some seconds.
  Run(absl::StrCat("UPDATE ", In("member"), " SET seen_at = seen_at - interval '5 s'"));
  EXPECT_TRUE((*RunShares(leader_).ReadMembers(db()))[0].gone);
  PgConnectOptions options;
  options.application_name = RunApplicationName(kRunId, number);
  const PgConnection session = Connect(options);
  EXPECT_FALSE((*RunShares(leader_).ReadMembers(db()))[0].gone);
  Run(absl::StrCat("UPDATE ", In("member"), " SET seen_at = seen_at - interval '40 s'"));
  EXPECT_TRUE((*RunShares(leader_).ReadMembers(db()))[0].gone);
  // Another epoch's members are none of ours.
  Run(absl::StrCat("UPDATE ", In("run"), " SET epoch = 2"));
  view = RunShares(member).Report(db(), false);
  EXPECT_FALSE(view->same_epoch);
}

TEST_F(SharesOfARun, TakingARunOverEndsTheSessionsOfMembers) {
  const int64_t number = Join();
  PgConnectOptions options;
  options.application_name = RunApplicationName(kRunId, number);
  PgConnection worker = Connect(options);
  LITE2PG_ASSERT_OK(Of(number).BeginChunk(worker));
  ASSERT_EQ(*Ledger::TakeOver(db(), location_, kRunId), 2);
  EXPECT_FALSE(worker.Execute("SELECT").ok());
}

TEST_F(SharesOfARun, ALedgerOfAnOlderVersionGetsTheTables) {
  for (const char* table : {"member", "share", "chunk_counts"}) {
    Run(absl::StrCat("DROP TABLE ", In(table)));
  }
  EXPECT_FALSE(*Ledger::HasShares(db(), location_));
  LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), location_));
  EXPECT_TRUE(*Ledger::HasShares(db(), location_));
  LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), location_));
}

}  // namespace
}  // namespace lite2pg
