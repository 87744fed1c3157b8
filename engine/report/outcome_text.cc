#include "engine/report/outcome_text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

struct Sums {
  uint64_t tables = 0, rows_source = 0, rows_copied = 0, rows_skipped = 0, rows_rejected = 0;
  uint64_t bytes = 0, differing = 0, compared = 0;
};

Sums SumOf(const Report& report) {
  Sums sums;
  for (const TableReport& table : report.tables) {
    if (table.state != "copied" && table.state != "skipped") continue;
    ++sums.tables;
    sums.rows_source += table.rows_source;
    sums.rows_copied += table.rows_copied;
    sums.rows_skipped += table.rows_skipped;
    sums.rows_rejected += table.rows_rejected;
    sums.bytes += table.bytes != 0 ? table.bytes : table.estimated_bytes;
    sums.compared += table.compared ? 1 : 0;
    sums.differing += table.compared && !table.equal ? 1 : 0;
  }
  return sums;
}

// ", 1,000 rows, 20 MiB in 3.1 s"
std::string Amount(const Sums& sums, uint64_t rows, double seconds) {
  std::string out = absl::StrCat(Counted(sums.tables, "table"), ", ", Counted(rows, "row"));
  if (sums.bytes > 0) absl::StrAppend(&out, ", ", FormatBytes(sums.bytes));
  if (seconds > 0) absl::StrAppend(&out, " in ", FormatSeconds(seconds));
  return out;
}

// An archive that was compared with its own manifest.
bool IsArchiveAlone(const Report& report) {
  return report.command == "verify" && report.target.conninfo_shown.empty() &&
         report.target.server_version.empty() &&
         absl::StartsWith(report.source.fingerprint, "archive:");
}

std::string PlanSentence(const Report& report, const Sums& sums) {
  uint64_t blocking = 0;
  for (const Finding& finding : report.findings) {
    blocking += finding.severity == Severity::kBlocking ? 1 : 0;
  }
  std::string out = absl::StrCat("planned: ", Counted(sums.tables, "table"), ", ",
                                 Counted(sums.rows_source, "row"));
  if (sums.bytes > 0) absl::StrAppend(&out, ", about ", FormatBytes(sums.bytes), " to send");
  if (blocking == 0 && report.exit_code == ExitCode::kPlanBlocks) {
    return absl::StrCat(out, "; a warning would stop a copy, as --strict asks");
  }
  if (blocking == 0) return absl::StrCat(out, "; nothing would stop a copy");
  return absl::StrCat(out, "; ", Counted(blocking, "finding"), " would stop a copy");
}

// "2 runs are recorded; 1 can be resumed"
std::string RunsSentence(const Report& report) {
  if (report.runs.empty()) return "no run is recorded on this target";
  uint64_t resumable = 0;
  for (const RunReport& run : report.runs) resumable += run.resumable ? 1 : 0;
  return absl::StrCat(Counted(report.runs.size(), "run"), " recorded; ",
                      resumable == 0 ? "none has to be resumed"
                                     : absl::StrCat(resumable, " can be resumed"));
}

}  // namespace

std::string Counted(uint64_t n, absl::string_view singular) {
  const bool es = absl::EndsWith(singular, "x");
  return absl::StrCat(FormatCount(n), " ", singular, n == 1 ? "" : es ? "es" : "s");
}

Tone ToneOf(const Report& report) {
  if (report.exit_code == ExitCode::kDone) return Tone::kGood;
  return report.exit_code == ExitCode::kRejected ? Tone::kWarning : Tone::kBad;
}

std::string OutcomeSentence(const Report& report) {
  const Sums sums = SumOf(report);
  const double seconds = report.resources.wall_seconds;
  if (report.outcome == "verified") {
    if (IsArchiveAlone(report)) {
      return absl::StrCat("verified: the archive is as it was written: ",
                          Amount(sums, sums.rows_source, seconds));
    }
    if (report.command == "verify" || sums.rows_copied == 0) {
      return absl::StrCat("verified: both sides are equal: ",
                          Amount(sums, sums.rows_source, seconds));
    }
    return absl::StrCat("verified: ", Amount(sums, sums.rows_copied, seconds),
                        ", read back and equal");
  }
  if (report.outcome == "copied" && report.command == "verify") {
    if (IsArchiveAlone(report)) {
      return absl::StrCat("the archive's files have their sizes, contents were not looked at: ",
                          Amount(sums, sums.rows_source, seconds));
    }
    return absl::StrCat("the numbers of rows are equal, contents were not compared: ",
                        Amount(sums, sums.rows_source, seconds));
  }
  if (report.outcome == "copied") {
    return absl::StrCat("copied, contents not compared: ", Amount(sums, sums.rows_copied, seconds));
  }
  if (report.outcome == "rejected") {
    return absl::StrCat("done and verified, but ", Counted(sums.rows_rejected, "row"),
                        " set aside: ", Amount(sums, sums.rows_copied, seconds), " copied");
  }
  if (report.outcome == "differs") {
    return absl::StrCat("the two sides differ in ", Counted(sums.differing, "table"), " of ",
                        FormatCount(sums.compared));
  }
  if (report.outcome == "planned") return PlanSentence(report, sums);
  if (report.outcome == "interrupted") return "interrupted";
  if (report.outcome == "in_doubt") {
    return "the connection was lost while a COMMIT was under way: a resume settles what it did";
  }
  const bool done = report.exit_code == ExitCode::kDone;
  if (report.command == "status" && done) return RunsSentence(report);
  // A command that only shows or removes something is done when its exit code says so.
  if (report.exit_code == ExitCode::kDone) return absl::StrCat(report.command, ": done");
  return absl::StrCat("failed: ", ExitCodeMeaning(report.exit_code));
}

absl::string_view ExitCodeMeaning(ExitCode code) {
  switch (code) {
    case ExitCode::kDone: return "done";
    case ExitCode::kDefect: return "a defect in lite2pg";
    case ExitCode::kUsage: return "usage or configuration; nothing was touched";
    case ExitCode::kRejected: return "rows were set aside";
    case ExitCode::kDiffers: return "the two sides differ";
    case ExitCode::kSource: return "the source is missing, damaged or has changed";
    case ExitCode::kSourceBusy: return "the source is locked or busy";
    case ExitCode::kTargetUnreachable: return "the target cannot be reached or logged in to";
    case ExitCode::kTargetRefuses: return "the target refuses";
    case ExitCode::kOutOfResource: return "out of disk, connections or memory";
    case ExitCode::kInterrupted: return "interrupted, or the connection was lost";
    case ExitCode::kCannotResume: return "cannot resume or start";
    case ExitCode::kPlanBlocks: return "the plan found something that stops a copy";
    case ExitCode::kUnsafe: return "refused for safety";
    case ExitCode::kBadValue: return "a value has no faithful form in its target column";
  }
  return "unknown";
}

std::vector<const Finding*> SortedFindings(const Report& report) {
  std::vector<const Finding*> sorted;
  sorted.reserve(report.findings.size());
  for (const Finding& finding : report.findings) sorted.push_back(&finding);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Finding* a, const Finding* b) {
    return a->severity > b->severity;
  });
  return sorted;
}

std::string KindWords(absl::string_view kind) { return absl::StrReplaceAll(kind, {{"_", " "}}); }

bool IsAsDeclared(const ColumnReport& column) {
  return column.reason.empty() || column.reason == kReasonDeclared ||
         column.reason == kReasonNoValues || column.reason == kReasonTarget ||
         column.reason == kReasonConfigured;
}

std::string TableTitle(const TableReport& table) {
  if (table.target_name.empty() || table.target_name == table.source_name) {
    return table.source_name;
  }
  return absl::StrCat(table.source_name, " -> ", table.target_name);
}

std::string ComparedWord(const TableReport& table) {
  if (table.compared) return table.equal ? "equal" : "DIFFERS";
  if (table.state == "copied") return "not compared";
  if (table.state == "not_a_table") return "not a table";
  return table.state;
}

}  // namespace lite2pg
