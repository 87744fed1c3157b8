#include "tools/cli/report_text.h"

#include "gmock/gmock.h"
#include "tests/support/cli_support.h"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Report PlanReport() {
  Report report = SampleReport();
  report.command = "plan";
  report.outcome = "planned";
  report.exit_code = ExitCode::kPlanBlocks;
  report.errors.clear();
  report.undo_sql.clear();
  report.next_steps.clear();
  report.tables[0].estimated_bytes = 5 << 20;
  ColumnReport hostile;
  hostile.source_name = hostile.target_name = kHostileName;
  hostile.declared_type = kHostileName;
  hostile.target_type = "text";
  hostile.reason = "text that follows no pattern, in a sentence that is long enough to be wrapped";
  report.tables[0].columns.push_back(hostile);
  return report;
}

Report StatusReport() {
  Report report = SampleReport();
  report.command = "status";
  report.tables.clear();
  report.runs[0].next_step.clear();
  return report;
}

// No byte that acts on a terminal, with or without UTF-8.
void ExpectHarmless(const std::string& text, bool utf8) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    EXPECT_TRUE(c == '\n' || (byte >= 0x20 && byte != 0x7f)) << static_cast<int>(byte);
    EXPECT_TRUE(utf8 || byte < 0x80) << static_cast<int>(byte);
  }
  EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
}

TEST(ReportText, FitsEveryWidthAndIsHarmless) {
  for (Report report : {SampleReport(), PlanReport(), StatusReport(), Report()}) {
    // Commands are for copying and stay whole: the one exception to the width.
    report.next_steps.clear();
    report.undo_sql.clear();
    for (RunReport& run : report.runs) run.next_step.clear();
    for (const int width : {40, 80, 200}) {
      for (const bool utf8 : {false, true}) {
        for (const bool verbose : {false, true}) {
          Style style = PlainStyle(width);
          style.utf8 = utf8;
          OutputOptions output;
          output.verbose = verbose;
          const std::string text = ReportText(report, output, style);
          EXPECT_LE(WidestLine(text), static_cast<size_t>(width))
              << report.command << " " << width << "\n" << text;
          ExpectHarmless(text, utf8);
        }
      }
    }
  }
}

TEST(ReportText, HasColoursOnlyWhenAsked) {
  Style style = PlainStyle();
  EXPECT_THAT(ReportText(SampleReport(), {}, style), Not(HasSubstr("\x1b")));
  style.color = true;
  const std::string colored = ReportText(SampleReport(), {}, style);
  EXPECT_THAT(colored, HasSubstr("\x1b[33m"));
  EXPECT_LE(WidestLine(colored), 80u);
}

TEST(ReportText, ShowsEveryTableWithItsVerdict) {
  const std::string text = ReportText(SampleReport(), {}, PlainStyle(100));
  EXPECT_THAT(text, HasSubstr("done and verified, but 2 rows set aside"));
  EXPECT_THAT(text, HasSubstr("orders -> Orders"));
  EXPECT_THAT(text, HasSubstr("1,000,000"));
  EXPECT_THAT(text, HasSubstr("117.7 MiB"));
  EXPECT_THAT(text, HasSubstr("equal"));
  EXPECT_THAT(text, HasSubstr("DIFFERS"));
  EXPECT_THAT(text, HasSubstr("not a table"));
  EXPECT_LT(text.find("DIFFERS"), text.find("orders -> Orders"));
}

TEST(ReportText, SortsFindingsByWhatNeedsAttention) {
  const std::string text = ReportText(SampleReport(), {}, PlainStyle());
  EXPECT_LT(text.find("blocking"), text.find("warning"));
  EXPECT_THAT(text, HasSubstr("hint: mend them"));
  EXPECT_THAT(text, HasSubstr("1 note more"));
  OutputOptions verbose;
  verbose.verbose = true;
  EXPECT_THAT(ReportText(SampleReport(), verbose, PlainStyle()), HasSubstr("a note"));
}

TEST(ReportText, NamesObjectsThatAreNotCarried) {
  const std::string text = ReportText(SampleReport(), {}, PlainStyle(100));
  EXPECT_THAT(text, HasSubstr("not carried"));
  EXPECT_THAT(text, HasSubstr("triggers are not translated"));
  EXPECT_THAT(text, HasSubstr("exhausted"));
}

TEST(ReportText, QuietIsTheOutcomeAlone) {
  OutputOptions quiet;
  quiet.quiet = true;
  const std::string text = ReportText(SampleReport(), quiet, PlainStyle(200));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(ReportText, EndsWithTheLineThatServesAnEmbeddedCluster) {
  Report report = SampleReport();
  report.outcome = "verified";
  report.exit_code = ExitCode::kDone;
  report.target.embedded_dir = "/data/my shop.pgdata";
  report.next_steps = {"lite2pg serve '/data/my shop.pgdata'", "lite2pg verify x"};
  const std::string text = ReportText(report, {}, PlainStyle());
  const std::string last = "  lite2pg serve '/data/my shop.pgdata'\n";
  EXPECT_EQ(text.substr(text.size() - last.size()), last);
  EXPECT_EQ(text.find(last), text.size() - last.size());
}

TEST(ReportText, ShortensLongListsAndSaysSo) {
  Report report = SampleReport();
  for (int i = 0; i < 10000; ++i) {
    TableReport table;
    table.source_name = "t" + std::to_string(i);
    report.tables.push_back(table);
  }
  const std::string text = ReportText(report, {}, PlainStyle());
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 100);
  EXPECT_THAT(text, HasSubstr("and 9963 more tables"));
  EXPECT_THAT(text, HasSubstr("DIFFERS"));  // what is wrong is never among those left out
}

TEST(PlanText, ShowsMappingAndReason) {
  const std::string text = ReportText(PlanReport(), {}, PlainStyle(120));
  EXPECT_THAT(text, HasSubstr("1 finding would stop a copy"));
  EXPECT_THAT(text, HasSubstr("orders -> public.Orders: 1,000,000 rows, about 5.0 MiB"));
  EXPECT_THAT(text, HasSubstr("DECIMAL(10,2) -> numeric(10,2)"));
  EXPECT_THAT(text, HasSubstr("every value has at most two digits"));
  EXPECT_THAT(text, HasSubstr("docs_fts: not a table"));
  EXPECT_LT(text.find("Findings"), text.find("Tables that need a look"));
  EXPECT_THAT(text, HasSubstr("--write-config plan.toml"));
}

// A screen of columns that are as declared would hide the one that is not.
TEST(PlanText, ShowsWhatNeedsALookFirstAndTheRestInALine) {
  Report report = PlanReport();
  report.findings.clear();
  TableReport dull;
  dull.source_name = dull.target_name = "dull";
  dull.rows_source = 5'000'000;
  ColumnReport column;
  column.source_name = column.target_name = "ordinary";
  column.declared_type = "INTEGER";
  column.target_type = "bigint";
  column.reason = std::string(kReasonDeclared);
  dull.columns = {column, column};
  report.tables.insert(report.tables.begin(), dull);
  report.tables[1].columns.push_back(column);
  TableReport blocked = dull;
  blocked.source_name = blocked.target_name = "blocked";
  report.tables.push_back(blocked);
  report.findings.push_back(
      {Severity::kBlocking, ErrorCode::kBadValue, "blocked.ordinary", "does not fit", ""});
  const std::string text = ReportText(report, {}, PlainStyle(100));
  const std::string tables = text.substr(text.find("Tables that need a look"));
  EXPECT_LT(tables.find("blocked -> public.blocked"), tables.find("orders -> public.Orders"));
  EXPECT_LT(tables.find("orders -> public.Orders"), tables.find("dull"));
  EXPECT_THAT(tables, HasSubstr("1 blocking finding"));
  EXPECT_THAT(tables, HasSubstr("and 1 column as declared"));
  EXPECT_THAT(tables, Not(HasSubstr("INTEGER -> bigint")));
  EXPECT_THAT(tables, ::testing::ContainsRegex("1 +dull +5,000,000 +2"));
  OutputOptions verbose;
  verbose.verbose = true;
  EXPECT_THAT(ReportText(report, verbose, PlainStyle(100)), HasSubstr("INTEGER -> bigint"));
}

TEST(RunsText, ShowsWhatCanBeResumed) {
  Report report = StatusReport();
  report.runs[0].next_step = "lite2pg copy --resume a.db";
  const std::string text = RunsText(report, PlainStyle());
  EXPECT_THAT(text, HasSubstr("01234567"));
  EXPECT_THAT(text, HasSubstr("interrupted"));
  EXPECT_THAT(text, HasSubstr("lite2pg copy --resume a.db"));
}

TEST(ReportText, SaysTheOutcomeAgainWhereItWouldBeOffTheScreen) {
  Report report = SampleReport();
  Style style = PlainStyle();
  const std::string all = ReportText(report, {}, style);
  const std::string headline = all.substr(0, all.find('\n') + 1);
  EXPECT_EQ(all.find(headline, 1), std::string::npos);
  style.height = 200;
  EXPECT_EQ(ReportText(report, {}, style), all);
  style.height = 12;
  const std::string low = ReportText(report, {}, style);
  EXPECT_THAT(low, ::testing::StartsWith(all.substr(0, all.find("To take it back"))));
  EXPECT_THAT(low.substr(all.find("To take it back")), ::testing::StartsWith(headline));
}

TEST(ErrorText, HasEveryFieldOnALineOfItsOwn) {
  const std::string text = ErrorText(SampleReport().errors[0], PlainStyle(100));
  EXPECT_EQ(text,
            "error L2P2001: value does not fit the column's type\n"
            "  where  : products.qty\n"
            "  row    : id=2 (rowid 2)\n"
            "  value  : TEXT 10 bytes \"a<b>\"'&\\n\\u{1b}[31m\\u{202e}\\xff\"\n"
            "  SQLite : SQLSTATE 22P02\n"
            "  effect : chunk 17 rolled back\n"
            "  hint   : --on-bad-value reject\n");
}

TEST(ErrorText, FitsEveryWidth) {
  for (int width = 20; width <= 120; width += 7) {
    EXPECT_LE(WidestLine(ErrorText(SampleReport().errors[0], PlainStyle(width))),
              static_cast<size_t>(width));
  }
}

TEST(ProblemsText, NumbersSeveral) {
  const std::string text = ProblemsText({{ErrorCode::kUsage, "one"}, {ErrorCode::kConfig, "two"}},
                                        "copy", PlainStyle());
  EXPECT_THAT(text, HasSubstr("error L2P9001: 2 mistakes; nothing was touched"));
  EXPECT_THAT(text, HasSubstr("  1. one\n  2. two\n"));
  EXPECT_THAT(text, HasSubstr("lite2pg copy --help"));
}

TEST(ShellQuote, IsReadBackByAShell) {
  EXPECT_EQ(ShellQuote("/a/b-c.d"), "/a/b-c.d");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("a b"), "'a b'");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuote("a\nb'c\\"), "$'a\\x0ab\\'c\\\\'");
}

}  // namespace
}  // namespace lite2pg
