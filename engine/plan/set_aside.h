// How tables that the application made are loaded: directly, with what slows loading set aside and
// put back, or into a table beside each and from there in one transaction.
//
// Direct is the fast way, for empty tables and much data. Everything else is merged: a table with
// rows, one with values to fill in, one whose foreign keys this role cannot drop, and small loads,
// for which it means that nothing at all is visible or changed until the end. A role that may
// create nothing has no tables beside and no ledger for definitions: ExistingPlan::one_transaction.
#ifndef LITE2PG_ENGINE_PLAN_SET_ASIDE_H_
#define LITE2PG_ENGINE_PLAN_SET_ASIDE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace lite2pg {

struct Plan;
struct PlanInputs;

// One statement that brings an object back. Kinds, in the order in which they must run:
//   index        CREATE INDEX; several may run at once, also on one table
//   attribute    what belongs to an index: its constraint, comment, CLUSTER, REPLICA IDENTITY
//   foreign_key  ADD CONSTRAINT ... NOT VALID, and its comment
//   validate     VALIDATE CONSTRAINT; several may run at once
struct RestoreStep {
  std::string kind;
  std::string sql;
};

// An index (with the constraint that it backs) or a foreign key that is off while data is loaded.
struct SetAsideObject {
  std::string report_kind;      // "index", "unique", "foreign_key"
  std::string name;             // unquoted
  std::string object;           // quoted, qualified, for messages and the ledger
  std::string table;            // unquoted name of the table that it belongs to
  std::string drop_sql;
  std::vector<RestoreStep> restore;
  std::string orphans_sql;      // foreign keys: rows that point nowhere
  bool validated = true;        // foreign keys: as it was before
  // One end is merged: the rows are there only in the transaction that merges.
  bool with_merge = false;
};

// --fill for one column.
struct FillPlan {
  std::string column;           // target name, unquoted
  std::string type_sql;
  std::string value_sql;        // an expression of the column's type
  bool absent = false;          // the source has no such column: every row is filled
  bool set_not_null = false;    // created: declared NOT NULL, and true once it is filled
};

struct ExistingPlan {
  std::vector<SetAsideObject> set_aside;   // dropped (committed) before the load, in this order
  std::vector<SetAsideObject> in_merge;    // dropped and made again by the merging transaction
  std::vector<int> merge_order;            // indexes into Plan::tables, parents first
  std::vector<uint32_t> table_oids;        // whose definitions must be the same afterwards
  bool defer_constraints = false;          // foreign keys in a circle that can wait for the end
  bool any_direct = false;
  // The role may create nothing at all, not even a ledger: one transaction on one connection loads
  // every table in `load_order` (parents first), with all that is on it, verifies and commits.
  bool one_transaction = false;
  std::vector<int> load_order;             // indexes into Plan::tables
  bool any() const { return any_direct || !merge_order.empty(); }
};

// Decides all of the above for plan->tables that are not created: fills plan->existing, marks
// tables to be merged and points them to their own tables in the staging schema, moves foreign
// keys of created tables that point to merged ones to plan->late_objects. Findings for what
// cannot be done. Call when tables are in their final order and post-data objects are planned.
void PlanExisting(const PlanInputs& inputs, Plan* plan);

// Turns --fill into plan->tables[..].fills; a column that exists nowhere becomes a finding.
void PlanFills(const PlanInputs& inputs, Plan* plan);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_SET_ASIDE_H_
