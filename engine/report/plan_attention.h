// Which tables of a plan somebody should look at first; for the text and the page of a plan.
#ifndef LITE2PG_ENGINE_REPORT_PLAN_ATTENTION_H_
#define LITE2PG_ENGINE_REPORT_PLAN_ATTENTION_H_

#include <vector>

#include "engine/report/report.h"

namespace lite2pg {

// A table and what speaks for looking at it; the more, the earlier it is shown.
struct PlannedTable {
  const TableReport* table = nullptr;
  int number = 0;            // in the order of loading
  int blocking = 0, warnings = 0, otherwise = 0;
  bool needs_a_look() const {
    return blocking + warnings + otherwise > 0 || table->rows_preexisting > 0;
  }
};

// The tables that would be loaded, what needs a look first. Pointers into `report`.
std::vector<PlannedTable> TablesByAttention(const Report& report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_PLAN_ATTENTION_H_
