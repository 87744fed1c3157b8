// The last check before success is told: does the report itself add up?
#ifndef LITE2PG_ENGINE_REPORT_ACCOUNTING_H_
#define LITE2PG_ENGINE_REPORT_ACCOUNTING_H_

#include "absl/status/status.h"
#include "engine/report/report.h"

namespace lite2pg {

// OK, or kDefect when a report of copy, import or sync claims exit code 0 although a row is not
// accounted for, a row was set aside, or a table of a "verified" run was not found equal; and when
// one claims exit code 3 although its rows do not add up or none was set aside. Other exit codes
// claim nothing and are not looked at.
absl::Status CheckAccounting(const Report& report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_ACCOUNTING_H_
