// What a run leaves behind of its plan: which table went where, as what types, read by which rules.
// The ledger keeps it as JSON in the run's column plan_json; verify, sync and revert read it, so
// that they look at values as the run did. docs/ledger.md draws it.
#ifndef LITE2PG_ENGINE_PLAN_PLAN_RECORD_H_
#define LITE2PG_ENGINE_PLAN_PLAN_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"
#include "engine/plan/options.h"
#include "engine/plan/partition_record.h"
#include "engine/plan/plan.h"
#include "engine/report/report.h"

namespace lite2pg {

// Readers refuse a record with a higher number.
inline constexpr int kPlanRecordVersion = 1;

// How a column's NULLs got values. kExpression cannot be told from the source afterwards.
enum class FillKind : uint8_t { kNone, kLiteral, kExpression };

struct ColumnRecord {
  std::string source_name;
  std::string target_name, declared_type;
  std::string type_name;           // pg_type.typname
  std::string type_sql;            // as SQL writes it, typmod included
  int32_t typmod = -1;
  ReadingRules rules;
  FillKind fill = FillKind::kNone;
  bool absent = false;             // the source has no such column: every row was filled
  // The literal's text, or the expression. For people and for the literal alone: whoever can write
  // to the ledger must not be able to have SQL executed by those who read it.
  std::string fill_text;
  // A JSON object, or "": how values looked in the source where their type does not tell. Only
  // revert knows what is in it.
  std::string representation;
};

struct TableRecord {
  std::string source_name, target_schema, target_name, where;
  bool created = true;             // by the run; false: the application's table
  uint64_t rows_source = 0, rows_copied = 0, rows_skipped = 0, rows_rejected = 0, rows_filled = 0,
           rows_preexisting = 0, rows_target = 0;
  std::string digest_source, digest_target;  // of the rows that the run accounts for; "": unknown
  PartitionRecord partitions;                // of digest_target
  std::vector<ColumnRecord> columns;         // in the order in which rows are hashed
};

// A table of the source that the run left alone.
struct LeftOutTable {
  std::string source_name, state;  // as TableReport::state
};

struct PlanRecord {
  int version = kPlanRecordVersion;
  int digest_version = kDigestVersion;
  std::string source_time_zone;
  std::string source_column;       // --source-column: which of several files a row is from; or ""
  ExistingRows existing_rows = ExistingRows::kRefuse;
  std::vector<std::string> include, exclude;
  std::vector<TableRecord> tables;
  std::vector<LeftOutTable> left_out;
  // A JSON object, or "": the source's own declarations. Only revert knows what is in it.
  std::string source_schema;
};

// From the plan; rows and digests stay empty.
PlanRecord MakePlanRecord(const Plan& plan, const CommonOptions& options,
                          ExistingRows existing_rows);
// Rows and digests of the tables that `report` names, by source name.
void SetPlanResults(const Report& report, PlanRecord* record);

// ASCII JSON. Names that are not UTF-8 are kept (see EncodeLedgerText).
std::string PlanRecordToJson(const PlanRecord& record);
// Inverse. "{}", which runs of older versions left, gives a record without tables. Errors: kConfig
// with exit code 11 for everything else that is not a record of a version that we know.
absl::StatusOr<PlanRecord> ParsePlanRecord(absl::string_view json);

// The record of one source table (ASCII case ignored), or nullptr.
const TableRecord* FindTableRecord(const PlanRecord& record, absl::string_view source_name);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_PLAN_RECORD_H_
