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
  if (!loads || report.exit_code != ExitCode::kDone || report.outcome == "planned") {
    return absl::OkStatus();
  }
  for (const TableReport& table : report.tables) {
    if (table.state != "copied" && table.state != "skipped") continue;
    const uint64_t accounted = table.rows_copied + table.rows_skipped + table.rows_rejected;
    if (accounted != table.rows_source) {
      return Defect(table, absl::StrCat(table.rows_source, " rows were read and ", accounted,
                                        " are accounted for"));
    }
    if (table.rows_rejected != 0) {
      return Defect(table, absl::StrCat(table.rows_rejected, " rows were set aside"));
    }
    const bool proven = table.compared && table.equal;
    if (report.outcome == "verified" && table.state == "copied" && !proven) {
      return Defect(table, "its contents were not found equal");
    }
    if (table.compared && !table.equal) return Defect(table, "its contents differ");
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
