#include "engine/report/plan_attention.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "engine/report/outcome_text.h"

namespace lite2pg {
namespace {

// Findings are about "table" or "table.column".
std::map<std::string, std::pair<int, int>> FindingsByTable(const Report& report) {
  std::map<std::string, std::pair<int, int>> counts;
  for (const TableReport& table : report.tables) counts[table.source_name];
  for (const Finding& finding : report.findings) {
    if (finding.severity == Severity::kInfo) continue;
    auto at = counts.find(finding.object);
    const size_t dot = finding.object.rfind('.');
    if (at == counts.end() && dot != std::string::npos) {
      at = counts.find(finding.object.substr(0, dot));
    }
    if (at == counts.end()) continue;
    ++(finding.severity == Severity::kBlocking ? at->second.first : at->second.second);
  }
  return counts;
}

}  // namespace

std::vector<PlannedTable> TablesByAttention(const Report& report) {
  const std::map<std::string, std::pair<int, int>> findings = FindingsByTable(report);
  std::vector<PlannedTable> tables;
  for (const TableReport& table : report.tables) {
    if (table.state != "copied" && table.state != "skipped") continue;
    PlannedTable planned{&table, static_cast<int>(tables.size()) + 1, 0, 0, 0};
    std::tie(planned.blocking, planned.warnings) = findings.at(table.source_name);
    for (const ColumnReport& column : table.columns) {
      planned.otherwise += IsAsDeclared(column) ? 0 : 1;
    }
    tables.push_back(planned);
  }
  std::stable_sort(tables.begin(), tables.end(), [](const PlannedTable& a, const PlannedTable& b) {
    if (a.needs_a_look() != b.needs_a_look()) return a.needs_a_look();
    if (a.blocking != b.blocking) return a.blocking > b.blocking;
    if (a.warnings != b.warnings) return a.warnings > b.warnings;
    return a.needs_a_look() && a.otherwise > b.otherwise;
  });
  return tables;
}

}  // namespace lite2pg
