// The first half of planning: which tables are loaded, into what, and what the scan must try.
#ifndef LITE2PG_ENGINE_PLAN_SELECTION_H_
#define LITE2PG_ENGINE_PLAN_SELECTION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"

namespace lite2pg {

// Everything known before the values are looked at. Pointers outlive the planning.
struct PlanInputs {
  const SourceCatalog* catalog = nullptr;
  const CommonOptions* options = nullptr;
  const LoadPolicy* policy = nullptr;
  SchemaMode schema_mode = SchemaMode::kAuto;
  ExistingRows existing_rows = ExistingRows::kRefuse;
  std::vector<std::string> order;
  TargetFacts facts;                        // version 0: the target could not be asked
  std::vector<TargetTable> target_tables;   // of the target schema; views and the like by kind
  std::vector<std::string> taken_names;     // relations of the target schema, of every kind
  TableObjects target_objects;              // of target_tables: indexes and foreign keys
  // Types that the configuration names and only the server knows, by the words used.
  std::map<std::string, PgType> server_types;
  bool publish_in_batches = false;          // --publish batched
  bool in_place = false;                    // nothing is staged: the plan is for an archive
  std::string run_tag;                      // makes the staging schema's name unique
};

// A table that is loaded, before its types are settled.
struct SelectedTable {
  const SourceTable* source = nullptr;
  const TargetTable* target = nullptr;      // nullptr: it is created
  const TableConfig* config = nullptr;
  TableReading reading;
  // Per column of reading, in the same order.
  std::vector<const TargetColumn*> target_columns;   // nullptr when created
  std::vector<CandidateList> candidates;
};

struct Selection {
  std::vector<SelectedTable> tables;
  std::vector<TableReport> not_loaded;
  std::vector<ObjectReport> not_carried;
  std::vector<Finding> findings;
};

// Errors only for what no finding can say (a configured type that the server cannot have).
absl::StatusOr<Selection> SelectTables(const PlanInputs& inputs);

// Tables of migration tools, for documentation.
absl::Span<const absl::string_view> BookkeepingTables();

// fnmatch-like: * and ?, ASCII case ignored as SQLite ignores it in names.
bool GlobMatches(absl::string_view glob, absl::string_view name);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_SELECTION_H_
