// Differences in words: keeps the values of rows that differ until both sides have shown theirs.
#ifndef LITE2PG_ENGINE_VERIFY_SHOWN_ROWS_H_
#define LITE2PG_ENGINE_VERIFY_SHOWN_ROWS_H_

#include <map>
#include <string>
#include <vector>

#include "engine/report/report.h"
#include "engine/verify/difference.h"
#include "engine/verify/row_hash.h"

namespace lite2pg {

// Of one table. One thread at a time.
class ShownRows {
 public:
  explicit ShownRows(const ComparedTable& table) : table_(table) {}

  void Add(DifferenceKind kind, bool from_a, const Hash128& key, const ComparedRow& row);
  // One element per row that is on one side only, one per differing column of changed rows;
  // sorted by the key as people would.
  std::vector<DifferenceReport> Finish() const;

 private:
  struct Kept {
    DifferenceKind kind = DifferenceKind::kChanged;
    std::vector<Hash128> hashes;      // of the fields
    std::vector<std::string> values;  // not escaped
  };

  std::string KeyText(const Kept& row) const;
  std::string RowText(const Kept& row) const;
  void Compare(const Kept& a, const Kept& b, std::vector<DifferenceReport>* out) const;

  const ComparedTable& table_;
  std::map<Hash128, std::vector<Kept>> of_a_, of_b_;  // by key
};

// Both values short enough for a line, escaped, cut so that the first difference can be seen.
void ShortenPair(const std::string& a, const std::string& b, std::string* shown_a,
                 std::string* shown_b);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_SHOWN_ROWS_H_
