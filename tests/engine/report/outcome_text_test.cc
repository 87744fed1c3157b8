#include "engine/report/outcome_text.h"

#include "engine/report/utf8.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

Report OneTable(const std::string& outcome, ExitCode code) {
  Report report;
  report.command = "copy";
  report.outcome = outcome;
  report.exit_code = code;
  report.tables.emplace_back();
  report.tables[0].rows_source = report.tables[0].rows_copied = 1;
  return report;
}

TEST(OutcomeSentence, CountsInSingularAndPlural) {
  EXPECT_EQ(OutcomeSentence(OneTable("verified", ExitCode::kDone)),
            "verified: 1 table, 1 row, read back and equal");
  EXPECT_EQ(Counted(2, "index"), "2 indexes");
}

TEST(OutcomeSentence, NeverSaysVerifiedForACopyThatWasNotCompared) {
  const std::string text = OutcomeSentence(OneTable("copied", ExitCode::kDone));
  EXPECT_EQ(text.find("verified"), std::string::npos);
  EXPECT_NE(text.find("not compared"), std::string::npos);
}

TEST(OutcomeSentence, DoesNotCountTablesThatWereLeftOut) {
  Report report = OneTable("verified", ExitCode::kDone);
  report.tables.emplace_back();
  report.tables[1].state = "excluded";
  report.tables[1].rows_source = 500;
  EXPECT_EQ(OutcomeSentence(report), "verified: 1 table, 1 row, read back and equal");
}

TEST(OutcomeSentence, SaysWhatAnExitCodeMeans) {
  EXPECT_EQ(OutcomeSentence(OneTable("failed", ExitCode::kSourceBusy)),
            "failed: the source is locked or busy");
}

TEST(OutcomeSentence, CountsBlockingFindingsOfAPlan) {
  Report report = OneTable("planned", ExitCode::kPlanBlocks);
  report.findings.push_back({Severity::kBlocking, ErrorCode::kTargetTableExists, "t", "m", ""});
  EXPECT_EQ(OutcomeSentence(report), "planned: 1 table, 1 row; 1 finding would stop a copy");
}

TEST(SortedFindings, KeepTheirOrderWithinASeverity) {
  Report report;
  for (const Severity severity : {Severity::kInfo, Severity::kWarning, Severity::kBlocking,
                                  Severity::kWarning}) {
    report.findings.push_back({severity, ErrorCode::kDifference, "", "", ""});
  }
  const auto sorted = SortedFindings(report);
  EXPECT_EQ(sorted[0], &report.findings[2]);
  EXPECT_EQ(sorted[1], &report.findings[1]);
  EXPECT_EQ(sorted[2], &report.findings[3]);
  EXPECT_EQ(sorted[3], &report.findings[0]);
}

TEST(ToneOf, IsGoodOnlyForExitCodeZero) {
  for (int code = 1; code <= 14; ++code) {
    EXPECT_NE(ToneOf(OneTable("verified", static_cast<ExitCode>(code))), Tone::kGood) << code;
  }
}

TEST(ValidUtf8, RefusesOverlongSurrogateAndCutForms) {
  EXPECT_EQ(ValidUtf8("\xc0\x80"), "\\xc0\\x80");
  EXPECT_EQ(ValidUtf8("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(ValidUtf8("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(ValidUtf8("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(ValidUtf8("\xe2\x82\xac \xf0\x9f\x98\x80 ok"), "\xe2\x82\xac \xf0\x9f\x98\x80 ok");
}

TEST(SafeSentence, LeavesNoCharacterThatMovesTheCursor) {
  for (uint32_t c = 0; c < 0x100; ++c) {
    const std::string safe = SafeSentence(std::string(1, static_cast<char>(c)));
    for (const char out : safe) EXPECT_GE(static_cast<uint8_t>(out), 0x20) << c;
    EXPECT_EQ(safe.find('\x7f'), std::string::npos) << c;
  }
  EXPECT_EQ(SafeSentence("a\\b"), "a\\b");
  EXPECT_EQ(SafeSentence("\xc2\x9b""31m"), "\\u{9b}31m");
}

}  // namespace
}  // namespace lite2pg
