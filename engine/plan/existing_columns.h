// Matching a source table with one that the application made in the target.
#ifndef LITE2PG_ENGINE_PLAN_EXISTING_COLUMNS_H_
#define LITE2PG_ENGINE_PLAN_EXISTING_COLUMNS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/plan/selection.h"

namespace lite2pg {

// Under which names PostgreSQL may know a source's table or column: its own; what we make of a name
// that PostgreSQL cannot have; and, of one that is too long, what PostgreSQL makes of it.
std::vector<std::string> TargetNamesOf(absl::string_view name);

// The column of `target` for a column of the source: by the configured name if there is one,
// exactly before case-folded; null if there is none.
const TargetColumn* PartnerColumn(const TargetTable& target, const ColumnConfig* config,
                                  absl::string_view source_name);

// Findings about the table as a whole: not a table, row security, no right to insert, rows already
// there.
void CheckExistingTable(const PlanInputs& inputs, const TargetTable& target,
                        const SourceTable& source, std::vector<Finding>* findings);

// Fills selected->target_columns and candidates, and `columns` with the source columns to read, by
// name (configured, exact, then case-folded). Every mismatch becomes a finding, all at once.
absl::Status MatchExistingColumns(const PlanInputs& inputs, SelectedTable* selected,
                                  std::vector<int>* columns, std::vector<Finding>* findings);

// The reading rules that the user's words about a column come to.
ReadingRules RulesFor(const CommonOptions& options, const ColumnConfig& column, bool not_null);

// "numeric(10,2)", "varchar(20)", "timestamptz", ... as written in a configuration. Errors name
// the type and what is known.
absl::StatusOr<PgType> ParseConfiguredType(absl::string_view sql_type);

// The configured types that are not among those, asked of the server; for PlanInputs.
absl::StatusOr<std::map<std::string, PgType>> ReadConfiguredTypes(PgConnection& connection,
                                                                  const CommonOptions& options);

// After a first scan: the reading of numbers in a date column that every value supports, when
// exactly one does (docs/coercion.md, "Bands"); kNone otherwise.
NumberReading ProvenIntegerReading(const ColumnScan& scan);
NumberReading ProvenRealReading(const ColumnScan& scan);
// What a finding says of `rules` that were taken from these.
std::string ProvenReadingNote(const ReadingRules& rules, const ColumnScan& scan);
// The convention in which a number is a date between 1990 and 2100; kUnixSeconds where none is. For
// hints only.
NumberReading LikelyReading(double number);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_EXISTING_COLUMNS_H_
