#include "engine/report/accounting.h"

#include "gtest/gtest.h"

namespace lite2pg {
namespace {

Report Verified() {
  Report report;
  report.command = "copy";
  report.outcome = "verified";
  report.exit_code = ExitCode::kDone;
  report.tables.emplace_back();
  TableReport& table = report.tables[0];
  table.source_name = "orders";
  table.rows_source = 10;
  table.rows_copied = 7;
  table.rows_skipped = 3;
  table.compared = table.equal = true;
  return report;
}

TEST(Accounting, AcceptsARunThatAddsUp) { EXPECT_TRUE(CheckAccounting(Verified()).ok()); }

TEST(Accounting, RefusesALostRow) {
  Report report = Verified();
  report.tables[0].rows_copied = 6;
  const ErrorInfo info = InfoOf(CheckAccounting(report));
  EXPECT_EQ(info.exit_code, ExitCode::kDefect);
  EXPECT_EQ(info.table, "orders");
}

TEST(Accounting, RefusesARowTooMany) {
  Report report = Verified();
  report.tables[0].rows_copied = 8;
  EXPECT_FALSE(CheckAccounting(report).ok());
}

TEST(Accounting, RefusesSuccessWithRowsSetAside) {
  Report report = Verified();
  report.tables[0].rows_copied = 6;
  report.tables[0].rows_rejected = 1;
  EXPECT_FALSE(CheckAccounting(report).ok());
  report.exit_code = ExitCode::kRejected;
  EXPECT_TRUE(CheckAccounting(report).ok());
}

TEST(Accounting, RefusesRejectedThatDoesNotAddUp) {
  Report report = Verified();
  report.outcome = "rejected";
  report.exit_code = ExitCode::kRejected;
  EXPECT_FALSE(CheckAccounting(report).ok()) << "no row was set aside";
  report.tables[0].rows_rejected = 1;
  EXPECT_FALSE(CheckAccounting(report).ok()) << "one row too many";
  report.tables[0].rows_copied = 6;
  EXPECT_TRUE(CheckAccounting(report).ok());
  report.tables[0].equal = false;
  EXPECT_FALSE(CheckAccounting(report).ok()) << "the rest differs";
}

TEST(Accounting, LeavesFailuresAlone) {
  Report report = Verified();
  report.tables[0].rows_copied = 0;
  for (int code = 1; code <= 14; ++code) {
    if (code == static_cast<int>(ExitCode::kRejected)) continue;
    report.exit_code = static_cast<ExitCode>(code);
    EXPECT_TRUE(CheckAccounting(report).ok()) << code;
  }
}

TEST(Accounting, RefusesVerifiedWithoutComparison) {
  Report report = Verified();
  report.tables[0].compared = false;
  EXPECT_FALSE(CheckAccounting(report).ok());
  report.outcome = "copied";
  EXPECT_TRUE(CheckAccounting(report).ok());
}

TEST(Accounting, RefusesSuccessWithContentsThatDiffer) {
  Report report = Verified();
  report.tables[0].equal = false;
  for (const char* outcome : {"verified", "copied"}) {
    report.outcome = outcome;
    EXPECT_FALSE(CheckAccounting(report).ok()) << outcome;
  }
}

}  // namespace
}  // namespace lite2pg
