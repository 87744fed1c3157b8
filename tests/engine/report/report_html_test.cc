#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportHtml, EscapesNamesFromTheSource) {
  const std::string page = ReportToHtml(SampleReport());
  EXPECT_THAT(page, HasSubstr("a&lt;b&gt;&quot;&#39;&amp;\\n\\u{1b}[31m\\u{202e}\\xff"));
  EXPECT_THAT(page, Not(HasSubstr("a<b>")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, Not(HasSubstr("\xff")));
}

TEST(ReportHtml, EscapesEveryFieldThatAScriptCouldHideIn) {
  const std::string script = "<script>alert(1)</script>";
  Report report = SampleReport();
  report.command = report.outcome = report.run_id = script;
  report.source.path = report.source.encoding = report.source.snapshot = script;
  report.target.conninfo_shown = report.target.database = report.target.schema = script;
  report.target.dialect = report.target.server_version = script;
  TableReport& table = report.tables[0];
  table.source_name = table.target_name = table.state = script;
  table.compared = false;
  ColumnReport& column = table.columns[0];
  column.source_name = column.target_name = column.declared_type = script;
  column.target_type = column.reason = script;
  column.coercions[0] = {script, script, 1, script};
  table.differences.push_back({script, script, script, script, script});
  report.objects[0] = {script, script, script, script, script, script};
  report.findings[0].object = report.findings[0].message = report.findings[0].hint = script;
  ErrorInfo& error = report.errors[0];
  error.what = error.table = error.row_key = error.column = error.value = script;
  error.server = error.effect = error.hint = script;
  report.next_steps = report.undo_sql = {script};
  const std::string page = ReportToHtml(report);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(ReportHtml, NeedsNothingFromTheNetwork) {
  const std::string page = ReportToHtml(SampleReport());
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(ReportHtml, ShowsOutcomeTablesFindingsAndStages) {
  const std::string page = ReportToHtml(SampleReport());
  EXPECT_THAT(page, HasSubstr("done and verified, but 2 rows set aside"));
  EXPECT_THAT(page, HasSubstr("orders -&gt; Orders"));
  EXPECT_THAT(page, HasSubstr("2 rows refer to nothing"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("data 3.30 s"));
  EXPECT_LT(page.find("the table has 5 rows"), page.find("2 rows refer to nothing"));
  EXPECT_LT(page.find("2 rows refer to nothing"), page.find("a note"));
}

TEST(ReportHtml, HoldsAnEmptyReport) {
  EXPECT_THAT(ReportToHtml(Report{}), HasSubstr("failed: a defect in lite2pg"));
}

}  // namespace
}  // namespace lite2pg
