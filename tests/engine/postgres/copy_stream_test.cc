#include "engine/postgres/copy_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "absl/strings/match.h"
#include "coercion/field_buffer.h"
#include "engine/base/error.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

// One tuple of (bigint, text).
void PutRow(int64_t id, absl::string_view text, FieldBuffer* out) {
  out->Reserve(text.size() + 32);
  out->PutInt16(2);
  out->PutInt32(8);
  out->PutInt64(id);
  out->PutInt32(static_cast<int32_t>(text.size()));
  out->PutBytes(text);
}

class CopyStreamTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Run(absl::StrCat("CREATE TABLE ", In("t"), " (\"Id\" bigint PRIMARY KEY, \"te\"\"xt\" text)"));
  }

  absl::Status Begin(CopyIn& copy) { return copy.Begin(In("t"), {"Id", "te\"xt"}); }
  std::string Count() { return Ask(absl::StrCat("SELECT count(*) FROM ", In("t"))); }
};

TEST_F(CopyStreamTest, HundredThousandRowsGoInAndComeBack) {
  FieldBuffer rows;
  uint64_t bytes = 0;
  for (int i = 0; i < 100'000; ++i) PutRow(i - 50'000, std::string(i % 100, 'x'), &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  const absl::StatusOr<uint64_t> counted = copy.Finish();
  LITE2PG_ASSERT_OK(counted.status());
  EXPECT_EQ(*counted, 100'000u);
  EXPECT_EQ(Ask(absl::StrCat("SELECT sum(length(\"te\"\"xt\")) FROM ", In("t"))), "4950000");

  std::string first;
  const absl::StatusOr<uint64_t> tuples = CopyOut(
      db(), absl::StrCat("SELECT * FROM ", In("t"), " ORDER BY 1"), [&](absl::string_view tuple) {
        if (first.empty()) first = std::string(tuple);
        bytes += tuple.size();
        return absl::OkStatus();
      });
  LITE2PG_ASSERT_OK(tuples.status());
  EXPECT_EQ(*tuples, 100'000u);
  EXPECT_EQ(bytes, rows.size());
  EXPECT_EQ(first, std::string(rows.data(), 18));  // id -50000 and '', without the header
}

TEST_F(CopyStreamTest, EmptyCopyInBothDirections) {
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  EXPECT_EQ(copy.Finish().value_or(99), 0u);
  const absl::StatusOr<uint64_t> tuples =
      CopyOut(db(), absl::StrCat("SELECT * FROM ", In("t")),
              [](absl::string_view) { return absl::InternalError("no tuple was expected"); });
  LITE2PG_ASSERT_OK(tuples.status());
  EXPECT_EQ(*tuples, 0u);
}

TEST_F(CopyStreamTest, TextFormat) {
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(copy.Begin(In("t"), {"Id", "te\"xt"}, /*binary=*/false));
  LITE2PG_ASSERT_OK(copy.Write("1\tone\n2\t\\N\n"));
  EXPECT_EQ(copy.Finish().value_or(99), 2u);
}

TEST_F(CopyStreamTest, FreezeNeedsATableOfTheSameTransaction) {
  LITE2PG_ASSERT_OK(db().Begin());
  Run(absl::StrCat("TRUNCATE ", In("t")));
  FieldBuffer rows;
  PutRow(1, "a", &rows);
  {
    CopyIn copy(db());
    LITE2PG_ASSERT_OK(copy.Begin(In("t"), {}, true, /*freeze=*/true));
    LITE2PG_ASSERT_OK(copy.Write(rows.view()));
    EXPECT_EQ(copy.Finish().value_or(99), 1u);
  }
  LITE2PG_ASSERT_OK(db().Commit());
  CopyIn second(db());
  LITE2PG_ASSERT_OK(second.Begin(In("t"), {}, true, /*freeze=*/true));
  EXPECT_EQ(InfoOf(second.Finish().status()).sqlstate, "55000");
}

TEST_F(CopyStreamTest, AbortLeavesTheConnectionUsable) {
  FieldBuffer rows;
  for (int i = 0; i < 5000; ++i) PutRow(i, "row", &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  copy.Abort("the test wants it so");
  EXPECT_EQ(Count(), "0");
  EXPECT_FALSE(db().in_transaction());
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
  EXPECT_FALSE(copy.Write("x").ok());
  EXPECT_FALSE(copy.Finish().ok());
  LITE2PG_EXPECT_OK(Begin(copy));  // and the same object can begin anew
  EXPECT_EQ(copy.Finish().value_or(99), 0u);
}

TEST_F(CopyStreamTest, DestructorAbortsInsideATransaction) {
  FieldBuffer rows;
  PutRow(1, "a", &rows);
  LITE2PG_ASSERT_OK(db().Begin());
  {
    CopyIn copy(db());
    LITE2PG_ASSERT_OK(Begin(copy));
    LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  }
  EXPECT_TRUE(db().in_transaction());
  db().Rollback();
  EXPECT_EQ(Count(), "0");
}

TEST_F(CopyStreamTest, DuplicateKeyIsReportedAndNothingStays) {
  FieldBuffer rows;
  for (int i = 0; i < 1000; ++i) PutRow(i % 999, "row", &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  const ErrorInfo info = InfoOf(copy.Finish().status());
  EXPECT_EQ(info.sqlstate, "23505");
  EXPECT_EQ(info.code, ErrorCode::kTargetConstraint);
  EXPECT_EQ(info.exit_code, ExitCode::kTargetRefuses);
  EXPECT_THAT(info.server, HasSubstr("detail: Key"));
  EXPECT_EQ(Count(), "0");
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(CopyStreamTest, ErrorOfTheServerStopsALongStreamEarly) {
  FieldBuffer block;
  PutRow(7, "again and again", &block);
  PutRow(7, "again and again", &block);
  FieldBuffer filler;
  for (int i = 0; i < 20'000; ++i) PutRow(1000 + i, std::string(200, 'f'), &filler);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(block.view()));
  absl::Status status;
  uint64_t sent = 0;
  for (int i = 0; i < 400 && status.ok(); ++i) {
    status = copy.Write(filler.view());
    sent += filler.size();
  }
  // Encrypted bytes cannot be looked into; there the error waits for the end of the chunk.
  const bool encrypted = Ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "t";
  EXPECT_EQ(status.ok(), encrypted);
  if (encrypted) {
    status = copy.Finish().status();
  } else {
    EXPECT_LT(sent, uint64_t{400} * filler.size());
  }
  EXPECT_EQ(InfoOf(status).sqlstate, "23505") << status;
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(CopyStreamTest, TruncatedTupleIsRefused) {
  FieldBuffer rows;
  for (int i = 0; i < 10; ++i) PutRow(i, "truncated", &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view().substr(0, rows.size() - 3)));
  const absl::StatusOr<uint64_t> counted = copy.Finish();
  EXPECT_FALSE(counted.ok());
  EXPECT_EQ(InfoOf(counted.status()).code, ErrorCode::kTargetStatement) << counted.status();
  EXPECT_TRUE(db().alive());
  EXPECT_EQ(Count(), "0");
}

TEST_F(CopyStreamTest, StreamCutBetweenRowsShowsInTheCount) {
  FieldBuffer rows;
  for (int i = 0; i < 9; ++i) PutRow(i, "r", &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  EXPECT_EQ(copy.Finish().value_or(0), 9u);  // the tenth never came; only the caller knows
}

TEST_F(CopyStreamTest, TerminatedBackendIsALostConnection) {
  PgConnection victim = Connect();
  FieldBuffer rows;
  for (int i = 0; i < 20'000; ++i) PutRow(i, std::string(100, 'x'), &rows);
  CopyIn copy(victim);
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  Run(absl::StrCat("SELECT pg_terminate_backend(", victim.backend_pid(), ", 5000)"));
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = copy.Write(rows.view());
  EXPECT_EQ(InfoOf(status).code, ErrorCode::kTargetConnectionLost) << status;
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kInterrupted);
  EXPECT_FALSE(victim.alive());
  EXPECT_EQ(Count(), "0");
}

TEST_F(CopyStreamTest, TerminatedBackendShowsInFinish) {
  PgConnection victim = Connect();
  CopyIn copy(victim);
  LITE2PG_ASSERT_OK(Begin(copy));
  Run(absl::StrCat("SELECT pg_terminate_backend(", victim.backend_pid(), ", 5000)"));
  EXPECT_EQ(InfoOf(copy.Finish().status()).code, ErrorCode::kTargetConnectionLost);
}

TEST_F(CopyStreamTest, TriggerThatWarnsForEveryRowDoesNotStopTheCopy) {
  Run(absl::StrCat("CREATE FUNCTION ", In("warn"), "() RETURNS trigger LANGUAGE plpgsql AS $$ ",
                   "BEGIN RAISE WARNING 'E%', repeat('ES', 200); RETURN NEW; END $$"));
  Run(absl::StrCat("CREATE TRIGGER w BEFORE INSERT ON ", In("t"), " FOR EACH ROW EXECUTE FUNCTION ",
                   In("warn"), "()"));
  FieldBuffer rows;
  for (int i = 0; i < 20'000; ++i) PutRow(i, std::string(100, 'x'), &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(Begin(copy));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  const absl::StatusOr<uint64_t> counted = copy.Finish();
  LITE2PG_ASSERT_OK(counted.status());
  EXPECT_EQ(*counted, 20'000u);
  EXPECT_EQ(db().TakeNotices().size(), 1000u);  // no more are kept
}

TEST_F(CopyStreamTest, UnknownTableOrColumnIsRefusedAtBegin) {
  CopyIn copy(db());
  EXPECT_EQ(InfoOf(copy.Begin(In("nothing"), {})).sqlstate, "42P01");
  EXPECT_EQ(InfoOf(copy.Begin(In("t"), {"id"})).sqlstate, "42703");
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(CopyStreamTest, CallbackErrorEndsCopyOut) {
  int calls = 0;
  const absl::StatusOr<uint64_t> tuples =
      CopyOut(db(), "SELECT generate_series(1, 5000000)", [&](absl::string_view) {
        return ++calls == 10 ? absl::AbortedError("enough") : absl::OkStatus();
      });
  EXPECT_EQ(tuples.status().message(), "enough");
  EXPECT_EQ(calls, 10);
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(CopyStreamTest, ErrorInTheMiddleOfCopyOutIsReported) {
  const absl::StatusOr<uint64_t> tuples =
      CopyOut(db(), "SELECT 1 / (1000 - g) FROM generate_series(1, 5000) AS g",
              [](absl::string_view) { return absl::OkStatus(); });
  EXPECT_EQ(InfoOf(tuples.status()).sqlstate, "22012");
  LITE2PG_EXPECT_OK(db().Execute("SELECT 1"));
}

TEST_F(CopyStreamTest, TerminatedBackendDuringCopyOutIsALostConnection) {
  PgConnection victim = Connect();
  int calls = 0;
  const absl::StatusOr<uint64_t> tuples =
      CopyOut(victim, "SELECT g, repeat('x', 1000) FROM generate_series(1, 1000000) AS g",
              [&](absl::string_view) {
                if (++calls == 5) {
                  Run(absl::StrCat("SELECT pg_terminate_backend(", victim.backend_pid(), ")"));
                }
                return absl::OkStatus();
              });
  EXPECT_EQ(InfoOf(tuples.status()).code, ErrorCode::kTargetConnectionLost) << tuples.status();
}

// Resident memory in KiB.
int64_t ResidentKib() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// AddressSanitizer keeps up to 256 MB of freed memory to find its later use.
#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kGrowthMaxKib = 300 << 10;
#else
constexpr int64_t kGrowthMaxKib = 4096;
#endif

TEST_F(CopyStreamTest, MemoryDoesNotGrowWithTheStream) {
  Run(absl::StrCat("CREATE UNLOGGED TABLE ", In("big"), " (id bigint, body text)"));
  FieldBuffer rows;
  for (int i = 0; i < 1000; ++i) PutRow(i, std::string(1000, 'x'), &rows);
  CopyIn copy(db());
  LITE2PG_ASSERT_OK(copy.Begin(In("big"), {"id", "body"}));
  LITE2PG_ASSERT_OK(copy.Write(rows.view()));
  const int64_t before = ResidentKib();
  for (int i = 0; i < 99; ++i) LITE2PG_ASSERT_OK(copy.Write(rows.view()));  // about 100 MB
  EXPECT_LT(ResidentKib() - before, kGrowthMaxKib);
  EXPECT_EQ(copy.Finish().value_or(0), 100'000u);
  LITE2PG_ASSERT_OK(CopyOut(db(), absl::StrCat("SELECT * FROM ", In("big")), [](absl::string_view) {
                      return absl::OkStatus();
                    }).status());
  EXPECT_LT(ResidentKib() - before, kGrowthMaxKib);
}

}  // namespace
}  // namespace lite2pg
