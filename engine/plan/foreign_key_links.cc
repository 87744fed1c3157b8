#include "engine/plan/foreign_key_links.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// Where rows of a loaded table are when its children are looked at.
std::vector<std::string> PlacesOf(const TablePlan& table, ExistingRows policy) {
  std::vector<std::string> places = {table.LoadTarget()};
  // Rows that the application's table has already are emptied out by `replace` only.
  if (table.merge && policy != ExistingRows::kReplace) places.push_back(table.MergeTarget());
  return places;
}

void AddCreated(const PlanInputs& inputs, const std::vector<PostObject>& objects, Plan* plan) {
  for (const PostObject& object : objects) {
    if (object.kind != PostKind::kForeignKey || object.parent_table < 0) continue;
    const TablePlan& child = plan->tables[static_cast<size_t>(object.table)];
    if (!child.create) continue;
    ForeignKeyLink link;
    link.name = object.name;
    link.child = object.table;
    link.parent = object.parent_table;
    link.parent_tables = PlacesOf(plan->tables[static_cast<size_t>(object.parent_table)],
                                  inputs.existing_rows);
    link.child_columns = object.child_columns;
    link.parent_columns = object.parent_columns;
    link.equals.assign(link.child_columns.size(), "=");
    plan->links.push_back(std::move(link));
  }
}

int FindTable(const Plan& plan, uint32_t oid) {
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    if (!plan.tables[i].create && plan.tables[i].target.oid == oid) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

bool MayReject(const PlanInputs& inputs, const Plan& plan) {
  if (inputs.policy->on_bad_value == OnBadValue::kReject) return true;
  return std::any_of(plan.tables.begin(), plan.tables.end(), [](const TablePlan& table) {
    return std::any_of(table.columns.begin(), table.columns.end(),
                       [](const ColumnPlan& column) { return column.rejects_bad; });
  });
}

void PlanForeignKeyLinks(const PlanInputs& inputs, Plan* plan) {
  if (inputs.policy->orphans != Orphans::kReject && !MayReject(inputs, *plan)) return;
  AddCreated(inputs, plan->objects, plan);
  AddCreated(inputs, plan->late_objects, plan);
  for (const TableForeignKeyObject& key : inputs.target_objects.foreign_keys) {
    const int child = FindTable(*plan, key.child_oid);
    if (child < 0) continue;
    const int parent = FindTable(*plan, key.parent_oid);
    ForeignKeyLink link;
    link.name = key.name;
    link.child = child;
    link.parent = parent;
    link.parent_tables =
        parent < 0 ? std::vector<std::string>{QuoteQualified(key.parent_schema, key.parent_table)}
                   : PlacesOf(plan->tables[static_cast<size_t>(parent)], inputs.existing_rows);
    link.child_columns = key.child_columns;
    link.parent_columns = key.parent_columns;
    link.equals = key.equals;
    plan->links.push_back(std::move(link));
  }
}

}  // namespace lite2pg
