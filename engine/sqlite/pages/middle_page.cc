// Cuts a range of keys where the b-tree's own interior pages show its middle.
#include <algorithm>
#include <limits>
#include <span>

#include "engine/sqlite/pages/page_row_source.h"
#include "engine/sqlite/pages/row_decoder.h"
#include "engine/sqlite/pages/table_layout.h"

namespace lite2pg {
namespace {

// Subtrees between which a cut is even enough, once they are weighed by their children.
constexpr size_t kSubtreesMin = 64;
// More than this many even each other out, and are not looked at one by one.
constexpr size_t kWeighedMax = 2'048;

// The cell between two subtrees.
struct Separator {
  uint32_t page = 0;
  uint32_t cell = 0;
  int64_t rowid = 0;  // table trees
};

class MiddleFinder {
 public:
  MiddleFinder(PageFile& file, const TableLayout& layout, const KeyRange& range)
      : file_(file),
        layout_(layout),
        range_(range),
        decoder_(file),
        bytes_(file.geometry().page_bytes),
        key_values_(layout.key.size()) {
    if (layout.tree == TreeKind::kTable) return;
    const PageSnapshot& snapshot = file.snapshot();
    if (range.after.has_value()) {
      after_ = StoredKey::FromSource(*range.after, snapshot.utf16, snapshot.big_endian);
    }
    if (range.up_to.has_value()) {
      up_to_ = StoredKey::FromSource(*range.up_to, snapshot.utf16, snapshot.big_endian);
    }
  }

  std::optional<SourceKey> Find();

 private:
  enum class Descent : uint8_t { kDescended, kLeaves, kBroken };

  bool Load(uint32_t page, bool is_root);
  Descent Descend(bool is_root);
  bool AddChildren(uint32_t page, bool first, bool last, std::vector<uint32_t>* subtrees,
                   std::vector<Separator>* separators);
  // Whether the cell of the loaded page is within the range; *order < 0: it comes before.
  bool Place(uint32_t cell, int* order);
  std::vector<uint32_t> Weights();
  std::optional<SourceKey> KeyOf(const Separator& separator);

  PageFile& file_;
  const TableLayout& layout_;
  const KeyRange& range_;
  RowDecoder decoder_;
  TextConverter converter_;
  std::vector<uint8_t> bytes_;  // of the loaded page
  BtreePage page_;
  std::vector<SourceValue> key_values_;
  StoredKey after_, up_to_;
  std::vector<uint32_t> subtrees_;     // of the range, in order
  std::vector<Separator> separators_;  // one less
};

bool MiddleFinder::Load(uint32_t page, bool is_root) {
  return file_.geometry().IsTreePage(page) &&
         file_.ReadStart(page, file_.geometry().page_bytes, bytes_.data()) &&
         page_.Parse(bytes_.data(), file_.geometry(), layout_.tree, is_root) == nullptr;
}

bool MiddleFinder::Place(uint32_t cell_index, int* order) {
  const BtreeCell& cell = page_.cell(cell_index);
  *order = 0;
  if (layout_.tree == TreeKind::kTable) {
    if (range_.after.has_value() && cell.rowid <= (*range_.after)[0].view().integer) *order = -1;
    if (range_.up_to.has_value() && cell.rowid >= (*range_.up_to)[0].view().integer) *order = 1;
    return true;
  }
  const RecordEnd end = decoder_.Decode(layout_.key_fields, page_, cell, key_values_.data());
  if (end.kind != RecordEnd::Kind::kWhole) return false;
  if (range_.after.has_value() &&
      CompareWithKey(layout_.key, key_values_.data(), /*by_slot=*/false, after_) <= 0) {
    *order = -1;
  } else if (range_.up_to.has_value() &&
             CompareWithKey(layout_.key, key_values_.data(), /*by_slot=*/false, up_to_) >= 0) {
    *order = 1;
  }
  return true;
}

// Only the first and the last subtree of a level can reach beyond the range.
bool MiddleFinder::AddChildren(uint32_t page, bool first, bool last,
                               std::vector<uint32_t>* subtrees,
                               std::vector<Separator>* separators) {
  uint32_t from = 0, to = page_.size();
  if (first || last) {
    for (uint32_t i = 0; i < page_.size(); ++i) {
      int order = 0;
      if (!Place(i, &order)) return false;
      if (order < 0) from = i + 1;
      if (order > 0) {
        to = i;
        break;
      }
    }
  }
  for (uint32_t i = from; i < to; ++i) {
    subtrees->push_back(page_.child(i));
    separators->push_back({page, i, page_.cell(i).rowid});
  }
  subtrees->push_back(page_.child(to));
  return from <= to;
}

MiddleFinder::Descent MiddleFinder::Descend(bool is_root) {
  std::vector<uint32_t> subtrees;
  std::vector<Separator> separators;
  for (size_t i = 0; i < subtrees_.size(); ++i) {
    if (!Load(subtrees_[i], is_root)) return Descent::kBroken;
    if (page_.leaf()) return i == 0 ? Descent::kLeaves : Descent::kBroken;
    if (!AddChildren(subtrees_[i], i == 0, i + 1 == subtrees_.size(), &subtrees, &separators)) {
      return Descent::kBroken;
    }
    if (i < separators_.size()) separators.push_back(separators_[i]);
  }
  subtrees_ = std::move(subtrees);
  separators_ = std::move(separators);
  return Descent::kDescended;
}

// Children of each subtree, or 1 for each if they are leaves or too many.
std::vector<uint32_t> MiddleFinder::Weights() {
  std::vector<uint32_t> weights(subtrees_.size(), 1);
  if (subtrees_.size() > kWeighedMax) return weights;
  std::vector<uint32_t> children;
  for (const uint32_t page : subtrees_) {
    uint8_t head[8];
    if (!file_.ReadStart(page, sizeof(head), head) || !BtreePage::IsInterior(head)) return weights;
    children.push_back(LoadBig16(head + 3) + 1);
  }
  return children;
}

std::optional<SourceKey> MiddleFinder::KeyOf(const Separator& separator) {
  if (!Load(separator.page, separator.page == layout_.root)) return std::nullopt;
  int order = 0;
  if (separator.cell >= page_.size() || !Place(separator.cell, &order) || order != 0) {
    return std::nullopt;
  }
  if (layout_.tree == TreeKind::kTable) {
    return SourceKey{OwnedValue(SourceValue::Integer(separator.rowid))};
  }
  if (file_.snapshot().utf16 &&
      !converter_.Convert(key_values_, file_.snapshot().big_endian)) {
    return std::nullopt;
  }
  SourceKey key;
  for (const SourceValue& value : key_values_) key.emplace_back(value);
  return key;
}

std::optional<SourceKey> MiddleFinder::Find() {
  subtrees_.assign(1, layout_.root);
  for (int depth = 0; subtrees_.size() < kSubtreesMin; ++depth) {
    const Descent descent = depth < kTreeDepthMax ? Descend(depth == 0) : Descent::kBroken;
    if (descent == Descent::kBroken) return std::nullopt;
    if (descent == Descent::kLeaves) break;
  }
  if (separators_.empty()) return std::nullopt;
  const std::vector<uint32_t> weights = Weights();
  uint64_t total = 0;
  for (const uint32_t weight : weights) total += weight;
  size_t cut = 0;
  uint64_t before = weights[0];
  // Past subtrees until the next would be further from the middle than this.
  while (cut + 1 < separators_.size() && 2 * before + weights[cut + 1] <= total) {
    before += weights[++cut];
  }
  return KeyOf(separators_[cut]);
}

}  // namespace

std::optional<SourceKey> FindMiddlePage(PageFile& file, const TableLayout& layout,
                                        const KeyRange& range) {
  if (!layout.refusal.empty() || layout.key_columns.empty()) return std::nullopt;
  return MiddleFinder(file, layout, range).Find();
}

}  // namespace lite2pg
