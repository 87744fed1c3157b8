// The verify stage: what the target returns, what SQLite reads once more, the server's own word.
#include <utility>

#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/command/computed_columns.h"
#include "engine/command/copy_report.h"
#include "engine/command/copy_session.h"
#include "engine/command/source_checks.h"
#include "engine/command/stage_scope.h"
#include "engine/verify/cross_check.h"
#include "engine/verify/read_back.h"
#include "engine/verify/witnesses.h"

namespace lite2pg {

absl::Status CopySession::Verify() {
  const StageScope stage(Stage::kVerify, events_, &report_);
  if (!IsOneTransaction()) {
    RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active", StageName(Stage::kVerify), ""));
  }
  LITE2PG_FAILPOINT("verify.begin");
  if (request_.common.verify == VerifyMode::kOff) return absl::OkStatus();
  ASSIGN_OR_RETURN(Witnesses witnesses, Witnesses::Read(plan_, snapshot_->reader(0), cancel_));
  if (request_.common.verify == VerifyMode::kCounts) {
    ASSIGN_OR_RETURN(read_back_, CountTables(Writer(), plan_));
  } else {
    for (const TablePlan& table : plan_.tables) events_.counters.rows_total += table.rows;
    ReadBackOptions options;
    options.connect = target_->connect_options();
    options.streams = Streams();
    options.witnesses = &witnesses;
    if (IsOneTransaction()) options.within = &*together_;
    options.dialect = &DialectNamed(facts_.dialect);
    ASSIGN_OR_RETURN(std::vector<TableReadBack> tables,
                     ReadBackTables(plan_, options, events_, cancel_));
    for (TableReadBack& table : tables) {
      read_back_.push_back(table.digest);
      partitions_.push_back(std::move(table.partitions));
    }
    LITE2PG_FAILPOINT("verify.read_back");
    RETURN_IF_ERROR(existing_.Verify(Writer()));
  }
  // Not on the coordinator: what the server cannot read would end its transaction.
  ASSIGN_OR_RETURN(PgConnection server_word, target_->Connect());
  RETURN_IF_ERROR(CrossCheckSamples(server_word, plan_, witnesses.samples(), &report_.samples));
  FillTables();
  FindWalGrowth(*snapshot_, &report_.findings);
  LITE2PG_FAILPOINT("verify.done");
  RETURN_IF_ERROR(DifferenceStatus(report_, plan_));
  if (request_.common.verify != VerifyMode::kFull) return absl::OkStatus();
  RETURN_IF_ERROR(CompareComputed({.plan = plan_,
                                   .options = options_,
                                   .existing_rows = request_.existing_rows,
                                   .snapshot = *snapshot_,
                                   .readers = snapshot_->size() - kOtherReaders,
                                   .coordinator = Writer(),
                                   .connect = target_->connect_options(),
                                   .events = events_,
                                   .cancel = cancel_},
                                  &report_));
  const auto rejects = [&](const std::string& table,
                           const std::function<absl::Status(const RejectRecord&)>& on_reject) {
    return ReadRejects(server_word, *ledger_, &table, on_reject);
  };
  return witnesses.Check(plan_, snapshot_->reader(0), rejects, cancel_);
}

}  // namespace lite2pg
