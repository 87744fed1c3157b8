// verify: two sides against each other, or one against what was recorded of it.
#include <algorithm>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/certificate.h"
#include "engine/command/commands.h"
#include "engine/command/copy_report.h"
#include "engine/command/verify_findings.h"
#include "engine/command/verify_input.h"
#include "engine/command/verify_record.h"
#include "engine/report/resources.h"
#include "engine/verify/aggregates.h"
#include "engine/verify/difference.h"

namespace lite2pg {
namespace {

// SQLite's own look at the files, beside the comparison and on readers of their own.
class QuickChecks {
 public:
  ~QuickChecks() { Finish(/*interrupt=*/true, nullptr).IgnoreError(); }   // nobody waits for it

  void Start(SourceSnapshot* snapshot) {
    if (snapshot == nullptr) return;
    checks_.push_back(std::make_unique<Check>());
    Check* check = checks_.back().get();
    check->reader = &snapshot->reader(snapshot->size() - 1);
    check->thread =
        std::thread([check] { check->status = QuickCheck(*check->reader, &check->findings); });
  }
  // Any thread.
  void Interrupt() {
    for (const std::unique_ptr<Check>& check : checks_) check->reader->Interrupt();
  }
  // The first thing that is wrong; waits for the checks unless they are interrupted.
  absl::Status Finish(bool interrupt, std::vector<Finding>* findings) {
    absl::Status first;
    if (interrupt) Interrupt();
    for (const std::unique_ptr<Check>& check : checks_) {
      if (!check->thread.joinable()) continue;
      check->thread.join();
      if (first.ok()) first = check->status;
      if (findings == nullptr) continue;
      findings->insert(findings->end(), check->findings.begin(), check->findings.end());
    }
    return first;
  }

 private:
  struct Check {
    SqliteConnection* reader = nullptr;
    std::thread thread;
    absl::Status status;
    std::vector<Finding> findings;
  };
  std::vector<std::unique_ptr<Check>> checks_;
};

class VerifySession {
 public:
  VerifySession(const VerifyRequest& request, EventSink& events, CancelToken& cancel)
      : request_(request), events_(events), cancel_(cancel) {
    report_.command = "verify";
  }

  absl::Status Run() {
    if (request_.a.kind == Side::Kind::kArchive && request_.b.kind == Side::Kind::kNone &&
        request_.certificate.empty()) {
      against_record_ = true;
      counts_only_ = request_.common.verify == VerifyMode::kCounts;
      RETURN_IF_ERROR(InStage(Stage::kVerify, [&] {
        return CheckArchive(request_, events_, cancel_, &input_, &report_);
      }));
      return Decide();
    }
    RETURN_IF_ERROR(InStage(Stage::kInspect, [&] { return Inspect(); }));
    RETURN_IF_ERROR(InStage(Stage::kVerify, [&] { return CompareAndCheck(); }));
    return Decide();
  }

  Report TakeReport(const absl::Status& status) {
    if (!status.ok()) {
      const ErrorInfo info = InfoOf(status);
      report_.errors.insert(report_.errors.begin(), info);
      report_.exit_code = info.exit_code;
      report_.outcome = info.exit_code == ExitCode::kInterrupted ? "interrupted" : "failed";
    }
    const int workers = input_.budget.workers;
    // Clusters that were started for this are stopped before it is said how it went.
    input_.a.reset();
    input_.b.reset();
    input_.set_aside_connection.reset();
    input_.pairs.reset();
    for (OpenedSource* source : {&input_.source_a, &input_.source_b}) source->snapshot.reset();
    input_ = VerifyInput();
    report_.resources = meter_.Read();
    report_.resources.streams_max = workers;
    return std::move(report_);
  }

 private:
  template <typename Step>
  absl::Status InStage(Stage stage, const Step& step) {
    Event event;
    event.stage = stage;
    event.kind = Event::Kind::kStageBegin;
    events_.counters.rows_done = events_.counters.rows_total = 0;
    events_.counters.bytes_done = events_.counters.bytes_total = 0;
    events_.Emit(event);
    absl::Status status;
    {
      const StageTimer timer(stage, &report_);
      status = step();
    }
    event.kind = Event::Kind::kStageEnd;
    events_.Emit(event);
    return status;
  }

  bool Is(Side::Kind a, Side::Kind b) const {
    return request_.a.kind == a && request_.b.kind == b;
  }

  absl::Status Inspect() {
    using Kind = Side::Kind;
    const Side &a = request_.a, &b = request_.b;
    if (b.kind == Kind::kNone && request_.aggregates) {
      return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                       "--aggregates shows the numbers of two sides, and only one was named",
                       "name the second side: lite2pg verify SOURCE TARGET --aggregates");
    }
    if (b.kind == Kind::kNone) {
      against_record_ = true;
      return OpenRecord(request_, events_, cancel_, &input_, &expected_, &report_);
    }
    const bool certified = !request_.write_certificate.empty();
    if (certified && a.kind == b.kind && a.kind != Kind::kArchive) {
      return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                       "a certificate is of a source and what was made of it, and both sides are "
                       "of one kind",
                       "name an SQLite file or an archive on one side");
    }
    if (Is(Kind::kTarget, Kind::kTarget)) {
      return MatchTargets(request_, cancel_, &input_, &report_);
    }
    // The older side comes first: what an archive is made from, and then what it is loaded into.
    const bool swapped = a.kind == Kind::kTarget || Is(Kind::kArchive, Kind::kSqlite);
    const Side &first = swapped ? b : a, &second = swapped ? a : b;
    if (second.kind != Kind::kTarget) {
      return MatchSources(request_, first, second, events_, cancel_, &input_, &report_);
    }
    RETURN_IF_ERROR(PairSourceWithTarget(request_, first, second, events_, cancel_, &input_,
                                         &report_));
    return FindInCatalogs(*input_.pairs, &input_.findings);
  }

  absl::Status CompareAndCheck() {
    QuickChecks checks;
    if (request_.common.check == CheckMode::kFull) {
      if (input_.pairs != nullptr && input_.pairs->archive == nullptr) {
        checks.Start(input_.pairs->snapshot.get());
      }
      for (const OpenedSource* source : {&input_.source_a, &input_.source_b}) {
        if (source->archive == nullptr) checks.Start(source->snapshot.get());
      }
    }
    const CancelToken::Registration on_cancel = cancel_.OnCancel([&] { checks.Interrupt(); });
    RETURN_IF_ERROR(Compare());
    RETURN_IF_ERROR(checks.Finish(/*interrupt=*/false, &input_.findings));
    return cancel_.Check();
  }

  absl::Status Compare() {
    for (const ComparedTable& table : input_.tables) {
      events_.counters.rows_total += (against_record_ ? 1 : 2) * table.rows_estimate;
    }
    if (against_record_) {
      RETURN_IF_ERROR(DigestInParts(
          input_.tables, *input_.a,
          [&](size_t i, const std::vector<Digest>& parts) {
            return JudgeAgainstRecord(expected_[i], parts, input_.tables[i], i, *input_.a,
                                      request_.max_differences, &input_.verified[i].report);
          },
          events_, cancel_));
      return CheckSources();
    }
    if (request_.common.verify == VerifyMode::kCounts) {
      ASSIGN_OR_RETURN(found_,
                       CountRows(input_.tables, *input_.a, *input_.b, events_, cancel_));
      counts_only_ = true;
    } else {
      CompareOptions options;
      options.memory_bytes = input_.budget.compare_bytes;
      options.shown_rows_max = request_.max_differences;
      options.sample_percent = request_.sample_percent;
      ASSIGN_OR_RETURN(found_, FindDifferences(input_.tables, *input_.a, *input_.b, options,
                                               nullptr, events_, cancel_));
    }
    for (size_t i = 0; i < found_.size(); ++i) Judge(found_[i], &input_.verified[i]);
    if (request_.aggregates) RETURN_IF_ERROR(AddAggregates());
    return CheckSources();
  }

  absl::Status AddAggregates() {
    ASSIGN_OR_RETURN(const std::vector<TableAggregates> found,
                     Aggregate(input_.tables, input_.field_codecs, *input_.a, *input_.b, events_,
                               cancel_));
    for (size_t i = 0; i < found.size(); ++i) {
      std::vector<ColumnReport>& columns = input_.verified[i].report.columns;
      for (size_t c = 0; c < columns.size() && c < found[i].a.size(); ++c) {
        columns[c].aggregates = {found[i].a[c], found[i].b[c]};
        columns[c].aggregates_equal = SameAggregates(found[i].a[c], found[i].b[c]);
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckSources() {
    if (input_.pairs != nullptr) RETURN_IF_ERROR(input_.pairs->snapshot->CheckUnchanged());
    for (const OpenedSource* source : {&input_.source_a, &input_.source_b}) {
      if (source->snapshot != nullptr) RETURN_IF_ERROR(source->snapshot->CheckUnchanged());
    }
    return cancel_.Check();
  }

  // What was found, less what the run that filled the target is known to have left so.
  void Judge(TableDifferences& found, VerifiedTable* verified) {
    TableReport& row = verified->report;
    row.rows_source = found.a.rows;
    row.rows_target = found.b.rows;
    if (counts_only_) {
      JudgeCounts(found, verified);
      return;
    }
    Digest accounted = found.a;
    accounted.Subtract(found.set_aside);
    row.digest_source = accounted.ToHex();
    row.digest_target = found.b.ToHex();
    row.rows_rejected = found.set_aside.rows;
    const uint64_t only_b = found.extra + found.doubled;
    const bool extra_ok = verified->partial || (only_b > 0 && only_b <= verified->extra_allowed);
    const bool changed_ok = found.changed > 0 && found.changed <= verified->changed_allowed;
    if (extra_ok && only_b > 0) {
      row.rows_preexisting = only_b;
      Note(row, absl::StrCat(only_b, verified->partial
                                         ? " row(s) of the target are outside of the condition"
                                         : " row(s) were in the target before the run"));
      found.extra = found.doubled = 0;
    }
    if (changed_ok) {
      row.rows_skipped = found.changed;
      Note(row, absl::StrCat(found.changed, " row(s) of the target were kept by --existing-rows "
                                            "skip though the source has others"));
      found.changed = 0;
    }
    for (DifferenceReport& difference : found.shown) {
      const bool of_b = difference.kind == "extra" || difference.kind == "doubled";
      if ((of_b && extra_ok) || (difference.kind == "changed" && changed_ok)) continue;
      row.differences.push_back(std::move(difference));
    }
    row.rows_changed = found.changed;
    row.rows_missing = found.missing;
    row.rows_extra = found.extra;
    row.rows_doubled = found.doubled;
    row.compared = true;
    // Columns that only one side has are differences as well.
    row.equal = !found.differs() && row.differences.empty();
    if (row.equal) row.rows_copied = row.rows_source - row.rows_rejected - row.rows_skipped;
  }

  void JudgeCounts(const TableDifferences& found, VerifiedTable* verified) {
    TableReport& row = verified->report;
    row.rows_copied = row.rows_source;
    uint64_t expected = found.a.rows + verified->extra_allowed;
    if (input_.pairs != nullptr) {
      const TablePair& pair = input_.pairs->pairs[static_cast<size_t>(
          verified - input_.verified.data())];
      if (pair.record != nullptr) {
        row.rows_rejected = std::min(pair.record->rows_rejected, expected);
        row.rows_preexisting = verified->extra_allowed;
        expected -= row.rows_rejected;
        // Rows that replaced or were kept instead of earlier ones count once.
        if (verified->extra_allowed > 0) return;
      }
    }
    if (verified->partial || found.b.rows == expected) return;
    row.compared = true;
    DifferenceReport difference;
    difference.kind = "count";
    difference.source = absl::StrCat(expected, " rows");
    difference.target = absl::StrCat(found.b.rows, " rows");
    row.differences.push_back(std::move(difference));
  }

  void Note(const TableReport& row, std::string message) {
    input_.findings.push_back(
        {Severity::kInfo, ErrorCode::kTablePartial, row.source_name, std::move(message), ""});
  }

  // A record may know none of the tables' digests.
  absl::Status CheckAnythingCompared() const {
    if (!against_record_ || input_.findings.empty()) return absl::OkStatus();
    for (const TableReport& table : report_.tables) {
      if (table.compared) return absl::OkStatus();
    }
    for (const Finding& finding : input_.findings) {
      if (finding.code != ErrorCode::kNotLookedAt || finding.severity != Severity::kWarning) {
        continue;
      }
      return MakeError(ErrorCode::kNotLookedAt, ExitCode::kCannotResume,
                       absl::StrCat("the record of the last run can be compared with no table (",
                                    EscapeName(finding.object), ": ", finding.message, ")"),
                       "name the source too: lite2pg verify SOURCE TARGET");
    }
    return absl::OkStatus();
  }

  absl::Status Decide() {
    bool differs = false, rejected = false;
    for (VerifiedTable& table : input_.verified) {
      report_.tables.push_back(std::move(table.report));
    }
    for (TableReport& table : input_.others) report_.tables.push_back(std::move(table));
    for (const TableReport& table : report_.tables) {
      differs |= table.compared && !table.equal;
      rejected |= table.rows_rejected > 0;
    }
    RETURN_IF_ERROR(CheckAnythingCompared());
    report_.findings.insert(report_.findings.end(), input_.findings.begin(),
                            input_.findings.end());
    if (request_.sample_percent < 100 && !against_record_) {
      report_.findings.push_back(
          {Severity::kInfo, ErrorCode::kNotLookedAt, "",
           absl::StrCat("only ", request_.sample_percent, "% of the rows were compared"),
           "leave --sample out to compare all"});
    }
    report_.outcome = differs        ? "differs"
                      : rejected     ? "rejected"
                      : counts_only_ ? "copied"
                                     : "verified";
    report_.exit_code = differs    ? ExitCode::kDiffers
                        : rejected ? ExitCode::kRejected
                                   : ExitCode::kDone;
    if (!differs && counts_only_) {
      report_.findings.push_back({Severity::kInfo, ErrorCode::kNotLookedAt, "",
                                  input_.a == nullptr ? "only the sizes of files were compared"
                                                      : "only the numbers of rows were compared",
                                  "--verify full compares the contents"});
    }
    if (request_.write_certificate.empty()) return absl::OkStatus();
    if (differs || counts_only_ || (request_.sample_percent < 100 && !against_record_)) {
      report_.findings.push_back({Severity::kWarning, ErrorCode::kCertificate, "",
                                  "no certificate was written: not everything was found equal",
                                  ""});
      return absl::OkStatus();
    }
    SetPlanResults(report_, &input_.record);
    return WriteCertificate(request_.write_certificate, report_, input_.record);
  }

  const VerifyRequest& request_;
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  ResourceMeter meter_;
  VerifyInput input_;
  std::vector<TableDifferences> found_;
  std::vector<ExpectedTable> expected_;   // against a record: one per table
  bool against_record_ = false;
  bool counts_only_ = false;
};

}  // namespace

Report RunVerify(const VerifyRequest& request, EventSink& events, CancelToken& cancel) {
  VerifySession session(request, events, cancel);
  const absl::Status status = session.Run();
  return session.TakeReport(status);
}

}  // namespace lite2pg
