#include "engine/pipeline/reject_budget.h"

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"

namespace lite2pg {

RejectBudget::RejectBudget(const LoadPolicy& policy, const Plan& plan)
    : policy_(policy), plan_(plan), by_table_(plan.tables.size()) {}

absl::Status RejectBudget::Check(size_t table, uint64_t open, const RejectRecord* last) const {
  uint64_t total = open, of_table = open;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    total += total_;
    of_table += by_table_[table];
  }
  const double allowed =
      policy_.max_rejects_percent / 100 * static_cast<double>(plan_.tables[table].rows);
  const bool by_part =
      policy_.max_rejects_percent >= 0 && static_cast<double>(of_table) > allowed;
  if (total <= policy_.max_rejects_rows && !by_part) return absl::OkStatus();
  ErrorInfo info;
  info.code = ErrorCode::kTooManyRejects;
  info.exit_code = ExitCode::kBadValue;
  info.what = by_part ? absl::StrCat("more than ", policy_.max_rejects_percent,
                                     "% of the table's rows would have to be set aside")
                      : absl::StrCat("more than ", policy_.max_rejects_rows,
                                     " row(s) would have to be set aside");
  info.table = plan_.tables[table].source->name;
  if (last != nullptr) {
    info.row_key = last->row_key;
    info.column = last->column;
    info.what += absl::StrCat("; the last one: ", last->reason);
    info.sqlstate = last->sqlstate;
  }
  info.hint = "mend the source or the target's schema, or allow more with --max-rejects";
  return MakeError(info);
}

void RejectBudget::Commit(size_t table, uint64_t rows) {
  if (rows == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  total_ += rows;
  by_table_[table] += rows;
}

}  // namespace lite2pg
