// What sync may change in a table: the parts of it that still are as the last run left them.
//
// A run records the digest of every partition of a table (plan/partition_record.h). A partition of
// the target that has that digest still holds what the run wrote, so that whatever differs in it
// has changed in the source; in all others somebody has written since, and which of two rows is the
// newer one cannot be told.
#ifndef LITE2PG_ENGINE_COMMAND_SYNC_GUARD_H_
#define LITE2PG_ENGINE_COMMAND_SYNC_GUARD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "coercion/digest.h"
#include "engine/command/paired_tables.h"
#include "engine/plan/plan_record.h"
#include "engine/verify/difference.h"
#include "engine/verify/shown_rows.h"

namespace lite2pg {

// Of one table. One thread at a time. `compared` outlives it; its key is settled.
class SyncGuard {
 public:
  // Sets compared->partitions to what the record has, if it can be used.
  SyncGuard(const TablePlan& plan, const TablePair& pair, ComparedTable* compared);

  // What both sides hold, before any row is told to differ.
  void SetPartitions(const std::vector<Digest>& a, const std::vector<Digest>& b);

  // Whether a row that differs stands where others have written. Counts it, and keeps it to be
  // shown.
  bool IsForeign(DifferenceKind kind, bool from_a, const ComparedRow& row);
  // For tables of which no run has recorded anything: after all rows were told, whether bringing
  // them over would do more than add.
  bool MayOverwriteUnknown(const TableDifferences& found) const;
  bool recorded() const { return recorded_; }

  // From here on, what is foreign is overwritten, or the whole table stays as it is.
  void Force();
  void Hold(const TableDifferences& found);

  // Rows that differ and are not brought over.
  uint64_t rows_held() const { return changed_ + missing_ + extra_ + doubled_; }
  void FillHeld(TableReport* report) const;

  // What the target holds when everything else is brought over. `refused`: rows of the source that
  // have no form in the target and are not among those held.
  Digest Expected(const Digest& refused) const;
  // What to record of a table that then holds `now` (empty: what it held before): of what is held,
  // what is known already.
  void Record(std::vector<Digest> now, TableRecord* record) const;
  // The digests of the target's partitions as the comparison found them.
  const std::vector<Digest>& held() const { return b_; }

 private:
  bool Foreign(size_t partition) const { return hold_all_ || foreign_[partition]; }

  const ComparedTable& compared_;
  const TableRecord* record_;          // nullptr: none fits
  std::vector<std::string> key_;       // by the target's names
  bool partitions_known_ = false;      // record_->partitions are of this key
  bool recorded_ = false;
  bool hold_all_ = false;
  bool forced_ = false;
  bool any_foreign_ = false;
  std::vector<bool> foreign_;
  std::vector<Digest> a_, b_;
  uint64_t changed_ = 0, missing_ = 0, extra_ = 0, doubled_ = 0;
  ShownRows shown_;
  uint64_t shown_count_ = 0;
  std::vector<DifferenceReport> all_shown_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SYNC_GUARD_H_
