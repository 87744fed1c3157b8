// The data stage of a copy, and what runs beside it.
#include <algorithm>
#include <utility>

#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/command/coordinator.h"
#include "engine/command/copy_report.h"
#include "engine/command/copy_session.h"
#include "engine/command/resume.h"
#include "engine/command/shared_data.h"
#include "engine/command/source_checks.h"
#include "engine/command/source_replay.h"
#include "engine/command/stage_scope.h"
#include "engine/command/stream_count.h"
#include "engine/pipeline/copy_together.h"

namespace lite2pg {

absl::Status CopySession::Data(const std::function<absl::Status(size_t)>& table_loaded) {
  const StageScope stage(Stage::kData, events_, &report_);
  for (const TablePlan& table : plan_.tables) {
    events_.counters.rows_total += table.rows;
    events_.counters.bytes_total += table.bytes;
  }
  events_.counters.tables_total = plan_.tables.size();
  // Tables of the application are written to from here on, and must not wait for it.
  const bool check_now = plan_.existing.any() || HasSpareProcessors(Streams());
  if (check_now) StartQuickCheck();
  if (IsOneTransaction()) {
    ASSIGN_OR_RETURN(loaded_, CopyTogether(plan_, *snapshot_, *ledger_, request_.policy,
                                           *together_, events_, cancel_));
    RETURN_IF_ERROR(JudgeLoaded(check_now));
    return TellRest({}, table_loaded);
  }
  CopyOptions options;
  options.connect = LoadOptions();
  options.streams = Streams();
  if (request_.common.streams == 0) {
    options.streams_max = std::min(StreamsMax(), snapshot_->size() - kOtherReaders);
    if (IsFar(*coordinator_)) options.streams = options.streams_max;
  }
  options.policy = request_.policy;
  std::set<size_t> told;
  options.table_loaded = [&](size_t table) {
    // Rows that are still to be filled are not all there yet.
    if (!plan_.tables[table].fills.empty() || !told.insert(table).second) return absl::OkStatus();
    return table_loaded(table);
  };
  report_.resources.streams_max = options.streams;
  ResumedData resumed;
  if (keeps_data_) {
    ASSIGN_OR_RETURN(resumed, ResumeData(*coordinator_, *ledger_, plan_, *snapshot_,
                                         options.streams, events_, cancel_));
    options.resumed = &resumed;
  }
  loading_ = true;
  RETURN_IF_ERROR(LoadTables(options));
  loading_ = false;
  RETURN_IF_ERROR(JudgeLoaded(check_now));
  return TellRest(told, table_loaded);
}

// Of tables that were not told while rows were loaded.
absl::Status CopySession::TellRest(const std::set<size_t>& told,
                                   const std::function<absl::Status(size_t)>& table_loaded) {
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    if (!told.contains(i)) RETURN_IF_ERROR(table_loaded(i));
  }
  return absl::OkStatus();
}

// What is loaded is what was read; `checking`: SQLite's own check is under way.
absl::Status CopySession::JudgeLoaded(bool checking) {
  if (archive_ != nullptr) RETURN_IF_ERROR(archive_->CheckLoaded(plan_, loaded_));
  NoteReaders(plan_, loaded_, &report_);
  NoteStreams(loaded_, &report_);
  if (plan_.existing.any()) RETURN_IF_ERROR(FinishQuickCheck());
  if (!checking) StartQuickCheck();
  RETURN_IF_ERROR(CheckSource());
  RETURN_IF_ERROR(CheckRowCounts(plan_, loaded_));
  LITE2PG_FAILPOINT("data.loaded");
  RETURN_IF_ERROR(KeepCoordinator());
  ASSIGN_OR_RETURN(PgConnection server, PgConnection::Connect(LoadOptions()));
  RETURN_IF_ERROR(DigestServerText(snapshot_->reader(0), server, *ledger_, plan_, cancel_,
                                   &loaded_));
  return existing_.Fill(Writer(), &loaded_);
}

PgConnectOptions CopySession::LoadOptions() const {
  PgConnectOptions options = target_->connect_options();
  options.application_name =
      RunApplicationName(run_id_, ledger_.has_value() ? ledger_->member() : 0);
  // Triggers, checks and defaults of the application run as they do for the application.
  if (plan_.existing.any()) options.search_path = std::nullopt;
  return options;
}

// SQLite's own look at the file, beside everything up to publish and on a reader of its own. Not at
// a lower priority: publish waits for it, and on a busy machine that would be for minutes.
void CopySession::StartQuickCheck() {
  if (request_.common.check == CheckMode::kOff) return;
  quick_check_ = std::thread([this] {
    if (merged_ == nullptr) {
      SqliteConnection& reader = snapshot_->reader(snapshot_->size() - 1);
      quick_check_status_ = QuickCheck(reader, &quick_check_findings_);
      return;
    }
    quick_check_status_ = merged_->ForEachFile([this](SqliteConnection& file) {
      if (quick_check_stopped_.load()) return absl::OkStatus();
      return QuickCheck(file, &quick_check_findings_);
    });
  });
}

absl::Status CopySession::FinishQuickCheck() {
  if (!quick_check_.joinable()) return absl::OkStatus();
  quick_check_.join();
  report_.findings.insert(report_.findings.end(), quick_check_findings_.begin(),
                          quick_check_findings_.end());
  return quick_check_status_;
}

// The server may have been away during the data stage, which waits for it.
absl::Status CopySession::KeepCoordinator() {
  return RenewCoordinator(*target_, plan_.target_schema, &*coordinator_,
                          DialectNamed(facts_.dialect));
}

// Only runs that read a file can be joined by others that have the same one.
absl::Status CopySession::LoadTables(const CopyOptions& options) {
  ASSIGN_OR_RETURN(const bool has_shares, Ledger::HasShares(*coordinator_, Location()));
  // And only where it can be seen whether the process that leads it is there.
  const bool can_be_joined = has_shares && DialectNamed(facts_.dialect).session_locks;
  if (archive_ != nullptr || mended_ != nullptr || merged_ != nullptr || !can_be_joined) {
    ASSIGN_OR_RETURN(loaded_, CopyTables(plan_, *snapshot_, *ledger_, options, events_, cancel_));
    return absl::OkStatus();
  }
  SharedWork work;
  work.content = [this] { return SourceContent(); };
  ASSIGN_OR_RETURN(loaded_, LoadTogether(plan_, *snapshot_, *ledger_, options, &work, events_,
                                         cancel_));
  if (!work.had_members) return absl::OkStatus();
  report_.findings.push_back(JoinedFinding(work));
  return absl::OkStatus();
}

}  // namespace lite2pg
