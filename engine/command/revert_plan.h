// What revert will write: tables, columns and declarations of a new SQLite file, from the ledger
// where it knows them, by the defaults of docs/revert.md where it does not.
#ifndef LITE2PG_ENGINE_COMMAND_REVERT_PLAN_H_
#define LITE2PG_ENGINE_COMMAND_REVERT_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/plan/plan_record.h"
#include "engine/plan/representation.h"
#include "engine/plan/source_schema.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/connection.h"
#include "engine/report/report.h"

namespace lite2pg {

struct RevertColumn {
  std::string name;            // in the SQLite file
  std::string target_name;
  ColumnCodec codec;           // of what COPY gives
  ColumnCodec check;           // reads the file back
  bool as_text = false;        // no binary codec: PostgreSQL's own text is taken
  bool added = false;          // the column came after the copy: declared as `declared_type`
  std::string declared_type;
  Representation form;
  std::string sequence;        // quoted, qualified, or ""
};

struct RevertTable {
  std::string name;            // in the SQLite file
  std::string schema, target_name;
  std::string sql;             // CREATE TABLE
  std::vector<RevertColumn> columns;
};

// Plain values.
struct RevertPlan {
  SourceSchema file;           // properties, sequences; declarations of indexes, views, triggers
  std::vector<RevertTable> tables;
};

// Declarations and forms that finished runs left in the ledger for one schema; for each table the
// newest run's. Empty where there is no ledger that can be read. REQUIRES: no transaction is open.
struct RevertRecords {
  SourceSchema file;
  std::vector<TableRecord> tables;
  std::vector<std::string> left_out;   // tables of the source that were never loaded
  bool found = false;
};
absl::StatusOr<RevertRecords> ReadRevertRecords(PgConnection& connection,
                                                const std::string& target_schema,
                                                std::vector<Finding>* findings);

// REQUIRES: `connection` holds the snapshot from which `tables` were read.
absl::StatusOr<RevertPlan> MakeRevertPlan(const RevertRecords& records,
                                          const std::vector<TargetTable>& tables, Report* report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REVERT_PLAN_H_
