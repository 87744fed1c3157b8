// The answer of a command as text for people. Everything from the source or the target is escaped;
// no line is wider than the style says, but commands to be copied, which stay whole.
#ifndef LITE2PG_TOOLS_CLI_REPORT_TEXT_H_
#define LITE2PG_TOOLS_CLI_REPORT_TEXT_H_

#include <string>
#include <vector>

#include "engine/report/report.h"
#include "tools/cli/settings.h"
#include "tools/cli/text_layout.h"

namespace lite2pg {

// What standard output gets: the outcome, and unless quiet, what led to it.
std::string ReportText(const Report& report, const OutputOptions& output, const Style& style);

// One block per error, for standard error.
std::string ErrorText(const ErrorInfo& error, const Style& style);

// The block for mistakes in the command line or configuration file. `command` is "" when unknown.
std::string ProblemsText(const std::vector<Problem>& problems, const std::string& command,
                         const Style& style);

// A word for a POSIX shell: as it is, or quoted.
std::string ShellQuote(const std::string& word);

// Parts of ReportText that have files of their own.
std::string PlanText(const Report& report, const OutputOptions& output, const Style& style);
// What else can be had of a plan.
std::string PlanOffers(const OutputOptions& output, const Style& style);
// verify --aggregates: "" unless it was asked for.
std::string AggregatesText(const Report& report, const Style& style);
std::string RunsText(const Report& report, const Style& style);
std::string FindingsText(const Report& report, const OutputOptions& output, const Style& style);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_REPORT_TEXT_H_
