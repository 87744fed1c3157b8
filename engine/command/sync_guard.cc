#include "engine/command/sync_guard.h"

#include <algorithm>
#include <utility>

#include "engine/verify/row_hash.h"

namespace lite2pg {
namespace {

// Rows described per table; all are counted.
constexpr uint64_t kShownMax = 100;

}  // namespace

SyncGuard::SyncGuard(const TablePlan& plan, const TablePair& pair, ComparedTable* compared)
    : compared_(*compared), record_(pair.record), shown_(*compared) {
  for (const size_t column : compared->key) key_.push_back(plan.columns[column].target_name);
  recorded_ = record_ != nullptr && !record_->digest_target.empty();
  if (!recorded_ || record_->partitions.digests.empty() || record_->partitions.key != key_) return;
  partitions_known_ = true;
  compared->partitions = record_->partitions.digests.size();
}

void SyncGuard::SetPartitions(const std::vector<Digest>& a, const std::vector<Digest>& b) {
  a_ = a;
  b_ = b;
  foreign_.assign(b.size(), false);
  const Digest held = SumOf(b);
  // In an empty table there is nothing that could be overwritten.
  if (!recorded_ || held.rows == 0) return;
  const bool unchanged =
      held.ToHex() == record_->digest_target && held.rows == record_->rows_target;
  for (size_t i = 0; i < b.size(); ++i) {
    foreign_[i] = partitions_known_ ? b[i] != record_->partitions.digests[i] : !unchanged;
    any_foreign_ = any_foreign_ || foreign_[i];
  }
}

bool SyncGuard::IsForeign(DifferenceKind kind, bool from_a, const ComparedRow& row) {
  if (!any_foreign_) return false;
  const RowHash hash = RowHasher(compared_).Hash(row.fields);
  if (!foreign_[PartitionOf(hash, foreign_.size())]) return false;
  // A changed row comes once from each side.
  const bool counts = kind != DifferenceKind::kChanged || from_a;
  if (counts) {
    uint64_t* const counters[] = {&changed_, &missing_, &extra_, &doubled_};
    ++*counters[static_cast<size_t>(kind)];
    ++shown_count_;
  }
  if (shown_count_ <= kShownMax) shown_.Add(kind, from_a, hash.key, row);
  return true;
}

bool SyncGuard::MayOverwriteUnknown(const TableDifferences& found) const {
  return !recorded_ && found.changed + found.extra + found.doubled > 0;
}

void SyncGuard::Force() {
  forced_ = true;
  hold_all_ = false;
  changed_ = missing_ = extra_ = doubled_ = 0;
  foreign_.assign(foreign_.size(), false);
}

void SyncGuard::Hold(const TableDifferences& found) {
  hold_all_ = true;
  changed_ = found.changed;
  missing_ = found.missing;
  extra_ = found.extra;
  doubled_ = found.doubled;
  all_shown_ = found.shown;
}

void SyncGuard::FillHeld(TableReport* report) const {
  report->rows_changed = changed_;
  report->rows_missing = missing_;
  report->rows_extra = extra_;
  report->rows_doubled = doubled_;
  report->differences = hold_all_ ? all_shown_ : shown_.Finish();
}

Digest SyncGuard::Expected(const Digest& refused) const {
  Digest expected;
  for (size_t i = 0; i < b_.size(); ++i) expected.Add(Foreign(i) ? b_[i] : a_[i]);
  if (!hold_all_) expected.Subtract(refused);
  return expected;
}

void SyncGuard::Record(std::vector<Digest> now, TableRecord* record) const {
  if (now.empty()) now = b_;
  const bool keeps_old = !forced_ && (hold_all_ || any_foreign_);
  record->partitions.key = key_;
  record->partitions.digests = std::move(now);
  if (!keeps_old) return;
  // What others have written stays unknown, so that the next sync leaves it alone as well.
  if (partitions_known_ && !hold_all_) {
    for (size_t i = 0; i < foreign_.size(); ++i) {
      if (foreign_[i]) record->partitions.digests[i] = record_->partitions.digests[i];
    }
    const Digest sum = SumOf(record->partitions.digests);
    record->digest_target = sum.ToHex();
    record->rows_target = sum.rows;
    return;
  }
  record->partitions = recorded_ ? record_->partitions : PartitionRecord();
  record->digest_target = recorded_ ? record_->digest_target : "";
  record->rows_target = recorded_ ? record_->rows_target : 0;
}

}  // namespace lite2pg
