#include "engine/pipeline/column_counts_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lite2pg {

std::string EncodeCounts(const std::vector<ColumnCounts>& counts) {
  std::string text;
  for (const ColumnCounts& column : counts) {
    absl::string_view separator = &column == counts.data() ? "" : ";";
    for (const uint64_t count : column.classes) {
      absl::StrAppend(&text, separator, count);
      separator = ",";
    }
    for (const uint64_t count : column.rules) absl::StrAppend(&text, ",", count);
  }
  return text;
}

bool DecodeCounts(absl::string_view text, std::vector<ColumnCounts>* counts) {
  if (counts->empty()) return text.empty();
  const std::vector<absl::string_view> columns = absl::StrSplit(text, ';');
  if (columns.size() != counts->size()) return false;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::vector<absl::string_view> numbers = absl::StrSplit(columns[i], ',');
    if (numbers.size() != kStorageClassCount + kRuleUseCount) return false;
    for (size_t n = 0; n < numbers.size(); ++n) {
      uint64_t* const to = n < kStorageClassCount ? &(*counts)[i].classes[n]
                                                  : &(*counts)[i].rules[n - kStorageClassCount];
      if (!absl::SimpleAtoi(numbers[n], to)) return false;
    }
  }
  return true;
}

}  // namespace lite2pg
