#include "engine/verify/row_entries.h"

#include <algorithm>

namespace lite2pg {
namespace {

// Rows of A that B should have: those set aside count only where B lacks them.
uint64_t OfA(const RowEntry& entry) {
  const uint64_t lacking = entry.a - std::min(entry.a, entry.b);
  return entry.a - std::min(lacking, entry.set_aside);
}

// The entries of one key. Rows that both sides have go against each other; what is left on one
// side pairs up with what is left on the other as changed rows, and the rest is missing or extra.
void JudgeKey(const RowEntry* begin, const RowEntry* end, WantedRows* wanted,
              TableDifferences* found, PartnerlessRows* rows) {
  uint64_t left_a = 0, left_b = 0, all_a = 0;
  for (const RowEntry* e = begin; e != end; ++e) {
    const uint64_t a = OfA(*e);
    for (uint64_t i = a; i < e->a; ++i) found->set_aside.Add(DigestOf(e->hash));
    all_a += a;
    left_a += a - std::min(a, e->b);
    left_b += e->b - std::min(a, e->b);
  }
  if (left_a == 0 && left_b == 0) return;
  const uint64_t changed = std::min(left_a, left_b);
  const DifferenceKind surplus = all_a > 0 ? DifferenceKind::kDoubled : DifferenceKind::kExtra;
  found->changed += changed;
  found->missing += left_a - changed;
  (surplus == DifferenceKind::kDoubled ? found->doubled : found->extra) += left_b - changed;
  // Both sides of a changed row are shown, or none.
  const uint64_t to_show = std::min(wanted->to_show_left, std::max(left_a, left_b));
  wanted->to_show_left -= to_show;
  if (to_show == 0 && !wanted->all) return;
  uint64_t changed_a = changed, changed_b = changed, show_a = to_show, show_b = to_show;
  for (const RowEntry* e = begin; e != end; ++e) {
    const uint64_t a = OfA(*e);
    const bool from_a = a > e->b;
    const uint64_t left = from_a ? a - e->b : e->b - a;
    if (left == 0) continue;
    uint64_t& pairs = from_a ? changed_a : changed_b;
    Partnerless row;
    row.from_a = from_a;
    row.changed = std::min(left, pairs);
    row.others = left - row.changed;
    row.kind = from_a ? DifferenceKind::kMissing : surplus;
    pairs -= row.changed;
    uint64_t& show = from_a ? show_a : show_b;
    row.to_show = std::min(left, show);
    show -= row.to_show;
    rows->emplace(e->hash, row);
  }
}

}  // namespace

RowEntries::RowEntries(size_t expected, size_t entries_max)
    : entries_max_(entries_max), merge_at_(entries_max) {
  // A little more than expected does not double it.
  const size_t first = std::min(expected, entries_max);
  entries_.reserve(first + first / 8);
}

void RowEntries::Add(std::vector<RowEntry>* entries) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.insert(entries_.end(), entries->begin(), entries->end());
  entries->clear();
  if (entries_.size() < merge_at_) return;
  Merge();
  // Where merging does not help any more, it must not be tried at every call.
  merge_at_ = std::max(entries_max_, entries_.size() + entries_.size() / 2);
}

const std::vector<RowEntry>& RowEntries::Finish() {
  Merge();
  return entries_;
}

void RowEntries::Merge() {
  std::sort(entries_.begin(), entries_.end());
  size_t kept = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (kept > 0 && entries_[kept - 1].hash == entries_[i].hash) {
      entries_[kept - 1].a += entries_[i].a;
      entries_[kept - 1].b += entries_[i].b;
      entries_[kept - 1].set_aside += entries_[i].set_aside;
    } else {
      entries_[kept++] = entries_[i];
    }
  }
  entries_.resize(kept);
}

void JudgeEntries(const std::vector<RowEntry>& entries, WantedRows* wanted,
                  TableDifferences* found, PartnerlessRows* rows) {
  const RowEntry* const end = entries.data() + entries.size();
  for (const RowEntry* begin = entries.data(); begin != end;) {
    const RowEntry* next = begin;
    while (next != end && next->hash.key == begin->hash.key) ++next;
    JudgeKey(begin, next, wanted, found, rows);
    begin = next;
  }
}

}  // namespace lite2pg
