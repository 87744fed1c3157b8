#include "engine/report/accounting.h"

#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

absl::Status Defect(const TableReport& table, absl::string_view what) {
  ErrorInfo info;
  info.what = absl::StrCat("the run ended as a success, but ", what);
  info.table = table.source_name;
  info.effect = "treat the target as not verified";
  info.hint = "lite2pg verify compares both sides again";
  return MakeError(info);
}

}  // namespace

absl::Status CheckAccounting(const Report& report) {
  const bool loads =
      report.command == "copy" || report.command == "import" || report.command == "sync";
  const bool done = report.exit_code == ExitCode::kDone;
  if (!loads || (!done && report.exit_code != ExitCode::kRejected) ||
      report.outcome == "planned") {
    return absl::OkStatus();
  }
  uint64_t rejected = 0;
  for (const TableReport& table : report.tables) {
    if (table.state != "copied" && table.state != "skipped") continue;
    const uint64_t accounted = table.rows_copied + table.rows_skipped + table.rows_rejected;
    if (accounted != table.rows_source) {
      return Defect(table, absl::StrCat(table.rows_source, " rows were read and ", accounted,
                                        " are accounted for"));
    }
    rejected += table.rows_rejected;
    if (done && table.rows_rejected != 0) {
      return Defect(table, absl::StrCat(table.rows_rejected, " rows were set aside"));
    }
    const bool proven = table.compared && table.equal;
    if (report.outcome == "verified" && table.state == "copied" && !proven) {
      return Defect(table, "its contents were not found equal");
    }
    if (table.compared && !table.equal) return Defect(table, "its contents differ");
  }
  if (!done && rejected == 0) return Defect(TableReport(), "no row was set aside");
  return absl::OkStatus();
}

}  // namespace lite2pg
