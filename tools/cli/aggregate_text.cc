// verify --aggregates for people: per table, the numbers of both sides beside each other.
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "tools/cli/report_text.h"

namespace lite2pg {
namespace {

// One value where both sides agree, else both.
std::string Both(const std::string& a, const std::string& b, const Style& style) {
  if (a == b) return Shown(a, style);
  return absl::StrCat(Shown(a.empty() ? "-" : a, style), " | ", Shown(b.empty() ? "-" : b, style));
}

std::string Both(uint64_t a, uint64_t b, const Style& style) {
  return Both(FormatCount(a), FormatCount(b), style);
}

}  // namespace

std::string AggregatesText(const Report& report, const Style& style) {
  std::string out;
  for (const TableReport& table : report.tables) {
    TextTable text({{"column", false, true, 0},
                    {"values", true, false, 0},
                    {"nulls", true, false, 0},
                    {"min", false, true, 1},
                    {"max", false, true, 1},
                    {"sum", true, false, 2},
                    {"distinct", true, false, 3},
                    {"", false, false, 0}});
    for (const ColumnReport& column : table.columns) {
      if (column.aggregates.size() != 2) continue;
      const AggregateReport& a = column.aggregates[0];
      const AggregateReport& b = column.aggregates[1];
      text.AddRow({{ShownName(column.source_name, style)},
                   {Both(a.values, b.values, style)},
                   {Both(a.nulls, b.nulls, style)},
                   {Both(a.least, b.least, style)},
                   {Both(a.greatest, b.greatest, style)},
                   {column.aggregates_equal ? Shown(a.sum, style) : Both(a.sum, b.sum, style)},
                   {Both(a.distinct, b.distinct, style)},
                   {column.aggregates_equal ? "agree" : "DIFFER",
                    column.aggregates_equal ? Color::kGreen : Color::kRed}});
    }
    if (text.empty()) continue;
    absl::StrAppend(&out, "\n",
                    Hanging("", absl::StrCat("Aggregates of ", ShownName(table.source_name, style),
                                             " (source | target where they differ)"),
                            style),
                    text.Render(style));
  }
  return out;
}

}  // namespace lite2pg
