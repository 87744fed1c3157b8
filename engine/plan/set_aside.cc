#include "engine/plan/set_aside.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/failpoint.h"
#include "engine/base/hash_tables.h"
#include "engine/base/text.h"
#include "engine/plan/foreign_key_links.h"
#include "engine/plan/plan.h"
#include "engine/plan/selection.h"
#include "engine/postgres/ddl.h"

namespace lite2pg {
namespace {

// Up to this much data, written twice, costs about a second; for that the application's indexes
// and foreign keys stay as they are until one transaction changes everything.
constexpr uint64_t kMergeBytesMax = uint64_t{16} << 20;
// PostgreSQL's default block size; only the order of magnitude matters.
constexpr uint64_t kPageBytes = 8192;
// One transaction locks each table and each of its indexes; a default server's table of locks has
// room for 6,400 (docs/operations.md).
constexpr size_t kMergeTablesMax = 400;

std::string TableOf(const TableIndexObject& index) {
  return QuoteQualified(index.schema, index.table);
}

SetAsideObject DescribeIndex(const TableIndexObject& index) {
  const std::string name = QuoteQualified(index.schema, index.name);
  const std::string table = TableOf(index);
  SetAsideObject out;
  out.report_kind = index.unique ? "unique" : "index";
  out.name = index.name;
  out.object = name;
  out.table = index.table;
  out.restore.push_back({"index", index.definition});
  const auto attribute = [&](std::string sql) {
    out.restore.push_back({"attribute", std::move(sql)});
  };
  if (index.constraint.empty()) {
    out.drop_sql = absl::StrCat("DROP INDEX ", name);
  } else {
    const std::string constraint = QuoteIdentifier(index.constraint);
    out.drop_sql = DropConstraintSql(index.schema, index.table, index.constraint);
    // Made from the index, the constraint keeps the index's storage parameters.
    attribute(absl::StrCat("ALTER TABLE ", table, " ADD CONSTRAINT ", constraint,
                           " UNIQUE USING INDEX ", QuoteIdentifier(index.name),
                           index.constraint_options));
    if (index.has_constraint_comment) {
      attribute(absl::StrCat("COMMENT ON CONSTRAINT ", constraint, " ON ", table, " IS ",
                             QuoteLiteral(index.constraint_comment)));
    }
  }
  for (const auto& [position, target] : index.statistics) {
    attribute(
        absl::StrCat("ALTER INDEX ", name, " ALTER COLUMN ", position, " SET STATISTICS ", target));
  }
  if (index.has_comment) {
    attribute(absl::StrCat("COMMENT ON INDEX ", name, " IS ", QuoteLiteral(index.comment)));
  }
  if (index.clustered) {
    attribute(absl::StrCat("ALTER TABLE ", table, " CLUSTER ON ", QuoteIdentifier(index.name)));
  }
  if (index.replica_identity) {
    attribute(absl::StrCat("ALTER TABLE ", table, " REPLICA IDENTITY USING INDEX ",
                           QuoteIdentifier(index.name)));
  }
  return out;
}

SetAsideObject DescribeForeignKey(const TableForeignKeyObject& key) {
  const std::string table = QuoteQualified(key.child_schema, key.child_table);
  const std::string name = QuoteIdentifier(key.name);
  SetAsideObject out;
  out.report_kind = "foreign_key";
  out.name = key.name;
  out.object = absl::StrCat(name, " ON ", table);
  out.table = key.child_table;
  out.drop_sql = DropConstraintSql(key.child_schema, key.child_table, key.name);
  // NOT VALID first: that takes its locks for a moment only, and leaves something where the data
  // has rows that point nowhere.
  out.restore.push_back({"foreign_key", absl::StrCat("ALTER TABLE ", table, " ADD CONSTRAINT ",
                                                     name, " ", key.definition, " NOT VALID")});
  if (key.has_comment) {
    out.restore.push_back({"foreign_key", absl::StrCat("COMMENT ON CONSTRAINT ", name, " ON ",
                                                       table, " IS ", QuoteLiteral(key.comment))});
  }
  if (key.validated) {
    out.restore.push_back(
        {"validate", ValidateConstraintSql(key.child_schema, key.child_table, key.name)});
  }
  out.orphans_sql = key.orphans_sql;
  out.validated = key.validated;
  return out;
}

class ExistingPlanner {
 public:
  ExistingPlanner(const PlanInputs& inputs, Plan* plan) : in_(inputs), plan_(plan) {}

  void Run() {
    const TargetFacts& facts = in_.facts;
    plan_->existing.one_transaction =
        facts.version != 0 && !facts.can_create_schema && !facts.can_create_in_schema;
    for (size_t i = 0; i < plan_->tables.size(); ++i) {
      if (plan_->tables[i].create) continue;
      by_oid_[plan_->tables[i].target.oid] = static_cast<int>(i);
      plan_->existing.table_oids.push_back(plan_->tables[i].target.oid);
    }
    if (plan_->existing.one_transaction) return PlanOneTransaction();
    if (by_oid_.empty()) return;
    ChooseWays();
    for (const auto& [oid, index] : by_oid_) CheckExistingRows(Table(index));
    SetAside();
    std::vector<int> merged;
    for (const auto& [oid, index] : by_oid_) {
      if (Table(index).merge) merged.push_back(index);
    }
    plan_->existing.merge_order = ParentsFirst(std::move(merged));
    PointToStaging();
    Describe();
  }

 private:
  TablePlan& Table(int index) { return plan_->tables[static_cast<size_t>(index)]; }
  // nullptr when the table is not loaded by this run.
  TablePlan* Loaded(uint32_t oid) {
    const auto found = by_oid_.find(oid);
    return found == by_oid_.end() ? nullptr : &Table(found->second);
  }
  bool IsMerged(uint32_t oid) {
    const TablePlan* table = Loaded(oid);
    return table != nullptr && table->merge;
  }

  void Note(Severity severity, ErrorCode code, std::string object, std::string message,
            std::string hint = "") {
    plan_->findings.push_back(
        {severity, code, std::move(object), std::move(message), std::move(hint)});
  }
  void Block(ErrorCode code, const TablePlan& table, std::string message, std::string hint) {
    Note(Severity::kBlocking, code, table.source->name, std::move(message), std::move(hint));
  }

  // ---- One transaction -------------------------------------------------------------------------

  void PlanOneTransaction() {
    const TargetFacts& facts = in_.facts;
    plan_->existing.any_direct = !by_oid_.empty();
    Note(Severity::kInfo, ErrorCode::kOneTransaction, plan_->target_schema,
         absl::StrCat("the role ", EscapeName(facts.user),
                      " may create tables neither in the database nor in the schema ",
                      EscapeName(plan_->target_schema),
                      ": the whole run is one transaction on one connection, with indexes and "
                      "foreign keys in place, and there is no ledger. What is lost by that: a run "
                      "that stops begins again from nothing (--resume has nothing to go on with), "
                      "one stream loads, and status, sync and verify of the target alone will know "
                      "of no run (--write-certificate keeps a record in a file)"),
         GrantHint());
    RefuseWhatIsKept();
    std::vector<int> all;
    for (const auto& [oid, index] : by_oid_) all.push_back(index);
    plan_->existing.load_order = ParentsFirst(std::move(all));
    CheckLocks();
    Describe();
  }

  std::string GrantHint() const {
    return absl::StrCat("GRANT CREATE ON SCHEMA ", QuoteIdentifier(plan_->target_schema), " TO ",
                        QuoteIdentifier(in_.facts.user), " if that matters");
  }

  // Options that need a table of ours beside those of the application.
  void RefuseWhatIsKept() {
    std::vector<std::string> options;
    if (MayReject(in_, *plan_)) options.emplace_back("--on-bad-value reject");
    if (in_.policy->orphans == Orphans::kReject) options.emplace_back("--orphans reject");
    const auto any = [&](const auto& is) {
      return std::any_of(plan_->tables.begin(), plan_->tables.end(), is);
    };
    if (any([](const TablePlan& table) { return !table.fills.empty(); })) {
      options.emplace_back("--fill");
    }
    const bool beside = in_.existing_rows != ExistingRows::kRefuse &&
                        any([](const TablePlan& table) { return table.rows_preexisting; });
    if (beside) options.emplace_back("--existing-rows other than refuse");
    for (const std::string& option : options) {
      Note(Severity::kBlocking, ErrorCode::kTargetPrivilege, plan_->target_schema,
           absl::StrCat(option, " keeps rows in tables of lite2pg's own, and the role ",
                        EscapeName(in_.facts.user), " may create none"),
           absl::StrCat("GRANT CREATE ON SCHEMA ", QuoteIdentifier(plan_->target_schema), " TO ",
                        QuoteIdentifier(in_.facts.user), ", or leave the option out"));
    }
  }

  // Every table and index is locked until the end.
  void CheckLocks() {
    if (in_.facts.max_locks <= 0) return;
    auto locks = static_cast<int64_t>(by_oid_.size());
    for (const TableIndexObject& index : in_.target_objects.indexes) {
      locks += Loaded(index.table_oid) != nullptr ? 1 : 0;
    }
    if (locks <= in_.facts.max_locks) return;
    Note(Severity::kBlocking, ErrorCode::kTargetOutOfResource, plan_->target_schema,
         absl::StrCat("one transaction over all tables and indexes takes about ", locks,
                      " locks, and this server has room for ", in_.facts.max_locks,
                      " (max_locks_per_transaction * (max_connections + "
                      "max_prepared_transactions))"),
         "--include a part of the tables at a time, parents first; or set "
         "max_locks_per_transaction higher and restart the server");
  }

  // ---- Direct or merged ------------------------------------------------------------------------

  void ChooseWays() {
    uint64_t bytes = 0;
    const uint64_t merge_bytes_max = LimitForTests("merge_bytes", kMergeBytesMax);
    for (const auto& [oid, index] : by_oid_) bytes += Table(index).bytes;
    for (const auto& [oid, index] : by_oid_) {
      TablePlan& table = Table(index);
      table.merge = bytes <= merge_bytes_max && by_oid_.size() <= kMergeTablesMax &&
                    !table.target.has_rules;
      std::string why;
      if (table.rows_preexisting) why = "it has rows";
      if (in_.existing_rows == ExistingRows::kAdd) why = "mended rows come in one transaction";
      if (!table.fills.empty()) why = "values are filled in";
      for (const TableForeignKeyObject& key : in_.target_objects.foreign_keys) {
        if (key.child_oid != oid || key.stays.empty() || Loaded(key.parent_oid) == nullptr)
          continue;
        why = absl::StrCat("its foreign key ", EscapeName(key.name), " has to stay (", key.stays,
                           ")");
      }
      for (const TableForeignKeyObject& key : in_.target_objects.foreign_keys) {
        if (key.child_oid != oid || in_.policy->orphans != Orphans::kReject) continue;
        why = "rows that point nowhere are taken out before they get there";
      }
      // Rows that refer to rows set aside are deleted again, which triggers should not see.
      const bool triggers =
          std::any_of(table.target.triggers.begin(), table.target.triggers.end(),
                      [](const TargetTrigger& trigger) { return trigger.enabled; });
      if (triggers && MayReject(in_, *plan_)) why = "rows of it may have to be set aside";
      if (why.empty()) continue;
      table.merge = true;
      if (!table.target.has_rules) continue;
      // COPY passes rules by, INSERT does not.
      Block(ErrorCode::kTargetConstraint, table,
            absl::StrCat("rules would rewrite the rows of ", EscapeName(table.target_name),
                         ", which cannot be loaded by COPY because ", why),
            "drop its rules for the time of the load, or --exclude the table");
    }
  }

  // The primary key, or a unique index that stands in for it, over columns that are loaded.
  const TableIndexObject* FindKey(const TablePlan& table) const {
    const TableIndexObject* found = nullptr;
    for (const TableIndexObject& index : in_.target_objects.indexes) {
      if (index.table_oid != table.target.oid || !index.unique || index.partial || !index.usable) {
        continue;
      }
      const auto is_loaded = [&](const IndexKeyColumn& c) {
        return !c.equals.empty() &&
               std::any_of(table.columns.begin(), table.columns.end(),
                           [&](const ColumnPlan& column) { return column.target_name == c.name; });
      };
      const bool loaded = std::all_of(index.key.begin(), index.key.end(), is_loaded);
      if (!loaded) continue;
      if (index.primary) return &index;
      if (found == nullptr) found = &index;
    }
    return found;
  }

  void CheckExistingRows(TablePlan& table) {
    if (!table.merge) return;
    if (const TableIndexObject* key = FindKey(table); key != nullptr) table.key = key->key;
    if (!table.rows_preexisting || in_.existing_rows == ExistingRows::kRefuse ||
        in_.existing_rows == ExistingRows::kAdd) {
      return;
    }
    if (in_.existing_rows != ExistingRows::kReplace) {
      if (!table.key.empty()) return;
      Block(ErrorCode::kTargetTableNotEmpty, table,
            absl::StrCat(EscapeName(table.target_name),
                         " has rows, and no primary key or unique index over copied columns by "
                         "which the same row could be told"),
            "empty it, add a key, or choose --existing-rows replace");
      return;
    }
    for (const TableForeignKeyObject& key : in_.target_objects.foreign_keys) {
      if (key.parent_oid != table.target.oid || Loaded(key.child_oid) != nullptr) continue;
      Block(ErrorCode::kTargetTableNotEmpty, table,
            absl::StrCat("cannot be emptied: ",
                         EscapeName(QuoteQualified(key.child_schema, key.child_table)),
                         " refers to it by ", EscapeName(key.name), " and is not copied"),
            "copy that table too, or choose --existing-rows skip or upsert");
    }
  }

  // ---- What is set aside -----------------------------------------------------------------------

  void SetAside() {
    ExistingPlan& existing = plan_->existing;
    HashSet<uint32_t> keys_aside;
    for (const TableForeignKeyObject& key : in_.target_objects.foreign_keys) {
      const TablePlan* child = Loaded(key.child_oid);
      if (child == nullptr || !key.stays.empty()) continue;  // costs nothing, or has to stay
      const TablePlan* parent = Loaded(key.parent_oid);
      SetAsideObject object = DescribeForeignKey(key);
      const bool parent_direct = parent != nullptr && !parent->merge;
      object.with_merge = child->merge || (parent != nullptr && parent->merge);
      const bool within = child->merge && !parent_direct;
      (within ? existing.in_merge : existing.set_aside).push_back(std::move(object));
      keys_aside.insert(key.oid);
    }
    for (const TableIndexObject& index : in_.target_objects.indexes) {
      const TablePlan* table = Loaded(index.table_oid);
      if (table == nullptr || !SlowsLoading(*table, index)) continue;
      const bool needed = std::any_of(index.referencing_keys.begin(), index.referencing_keys.end(),
                                      [&](uint32_t oid) { return !keys_aside.contains(oid); });
      if (needed) continue;
      (table->merge ? existing.in_merge : existing.set_aside).push_back(DescribeIndex(index));
    }
    for (const auto& [oid, index] : by_oid_) existing.any_direct |= !Table(index).merge;
  }

  bool SlowsLoading(const TablePlan& table, const TableIndexObject& index) const {
    // A primary key that is off when something goes wrong would be the worst to miss.
    if (index.primary || !index.stays.empty()) return false;
    // Rows that a unique index refuses are told one by one only while it is there.
    if (index.unique && in_.policy->on_bad_value != OnBadValue::kStop) return false;
    if (!table.merge) return true;
    // What is there already must be indexed again as well.
    const uint64_t there = static_cast<uint64_t>(table.target.pages) * kPageBytes;
    return table.bytes >= kMergeBytesMax && there < table.bytes;
  }

  // ---- The order of merging --------------------------------------------------------------------

  // Foreign keys that stay decide the order: INSERT into parents comes first. One statement per
  // table makes references within a table harmless.
  std::vector<int> ParentsFirst(std::vector<int> todo) {
    std::vector<int> order;
    std::sort(todo.begin(), todo.end());
    while (!todo.empty()) {
      auto ready = std::find_if(todo.begin(), todo.end(),
                                [&](int index) { return Waiting(index, todo, false) == nullptr; });
      if (ready == todo.end()) {
        ready = std::find_if(todo.begin(), todo.end(),
                             [&](int index) { return Waiting(index, todo, true) == nullptr; });
        if (ready == todo.end()) {
          const TableForeignKeyObject* key = Waiting(todo.front(), todo, true);
          Block(ErrorCode::kTargetConstraint, Table(todo.front()),
                absl::StrCat("foreign keys form a circle, and ", EscapeName(key->name),
                             " cannot be dropped for the load: ", WhyItStays(*key)),
                absl::StrCat("load as the owner of ",
                             QuoteQualified(key->child_schema, key->child_table),
                             ", or make the key DEFERRABLE"));
          ready = todo.begin();
        } else {
          plan_->existing.defer_constraints = true;
        }
      }
      order.push_back(*ready);
      todo.erase(ready);
    }
    return order;
  }

  // "" for a foreign key that is dropped for the load.
  std::string WhyItStays(const TableForeignKeyObject& key) const {
    if (key.stays.empty() && plan_->existing.one_transaction) return "nothing may be created";
    return key.stays;
  }

  // A foreign key that stays and whose parent is still to come; with `may_defer`, only one that
  // cannot wait for the end of the transaction.
  const TableForeignKeyObject* Waiting(int index, const std::vector<int>& todo, bool may_defer) {
    for (const TableForeignKeyObject& key : in_.target_objects.foreign_keys) {
      if (WhyItStays(key).empty() || key.child_oid != Table(index).target.oid) continue;
      const auto parent = by_oid_.find(key.parent_oid);
      if (parent == by_oid_.end() || parent->second == index) continue;
      if (may_defer && key.deferrable) continue;
      if (std::find(todo.begin(), todo.end(), parent->second) != todo.end()) return &key;
    }
    return nullptr;
  }

  // ---- Names, and words ------------------------------------------------------------------------

  void PointToStaging() {
    if (plan_->existing.merge_order.empty()) return;
    if (plan_->staging_schema.empty()) {
      if (in_.facts.can_create_schema) {
        plan_->staging_schema = absl::StrCat("lite2pg_staging_", in_.run_tag);
      } else {
        plan_->staging_schema = plan_->target_schema;
        plan_->staging_prefix = StagingPrefix(in_.run_tag);
      }
    }
    for (const int index : plan_->existing.merge_order) {
      TablePlan& table = Table(index);
      table.load_schema = plan_->staging_schema;
      table.load_name = absl::StrCat(plan_->staging_prefix, "merge_", index);
    }
    // Until the merge the parents' rows are not there.
    std::vector<PostObject>& objects = plan_->objects;
    const auto late = std::stable_partition(objects.begin(), objects.end(), [&](const auto& o) {
      return o.kind != PostKind::kForeignKey || o.parent_table < 0 || !Table(o.parent_table).merge;
    });
    plan_->late_objects.assign(std::make_move_iterator(late),
                               std::make_move_iterator(objects.end()));
    objects.erase(late, objects.end());
  }

  void Describe() {
    std::vector<std::string> aside;
    StringSet aside_objects;
    for (const SetAsideObject& object : plan_->existing.set_aside) {
      aside.push_back(object.object);
      aside_objects.insert(object.object);
    }
    if (!aside.empty()) {
      Note(Severity::kInfo, ErrorCode::kSetAside, plan_->target_schema,
           absl::StrCat(aside.size(),
                        " index(es) and foreign key(s) are dropped for the load and made again "
                        "as they are: ",
                        EscapeForMessage(absl::StrJoin(aside, ", "), 1000)));
    }
    const auto kept = [&](const std::string& kind, const std::string& name,
                          const std::string& table, const std::string& sql, bool is_aside) {
      ObjectReport report;
      report.kind = kind;
      report.name = name;
      report.table = table;
      report.state = "kept";
      report.sql = sql;
      if (is_aside) report.reason = "dropped for the load and made again";
      plan_->decided_objects.push_back(std::move(report));
    };
    for (const TableIndexObject& index : in_.target_objects.indexes) {
      if (Loaded(index.table_oid) == nullptr) continue;
      kept(index.primary  ? "primary_key"
           : index.unique ? "unique"
                          : "index",
           index.name, index.table, index.definition,
           aside_objects.contains(QuoteQualified(index.schema, index.name)));
    }
    for (const TableForeignKeyObject& key : in_.target_objects.foreign_keys) {
      if (Loaded(key.child_oid) == nullptr) continue;
      kept("foreign_key", key.name, key.child_table, key.definition,
           aside_objects.contains(DescribeForeignKey(key).object));
    }
  }

  const PlanInputs& in_;
  Plan* plan_;
  std::map<uint32_t, int> by_oid_;  // existing tables that are loaded
};

}  // namespace

void PlanExisting(const PlanInputs& inputs, Plan* plan) { ExistingPlanner(inputs, plan).Run(); }

void PlanFills(const PlanInputs& inputs, Plan* plan) {
  for (TablePlan& table : plan->tables) {
    const TableConfig* config = FindTableConfig(*inputs.options, table.source->name);
    if (config == nullptr) continue;
    for (const ColumnConfig& wanted : config->columns) {
      if (!wanted.fill.has_value()) continue;
      FillPlan fill;
      for (const ColumnPlan& column : table.columns) {
        if (!absl::EqualsIgnoreCase(column.source_name, wanted.name)) continue;
        fill.column = column.target_name;
        fill.type_sql = column.type.sql_name;
        const SourceColumn& source =
            table.source->columns[static_cast<size_t>(column.source_column)];
        fill.set_not_null = table.create && source.not_null && !column.not_null;
      }
      for (const TargetColumn& column : table.target.columns) {
        if (!fill.column.empty() || column.generated) continue;
        if (!absl::EqualsIgnoreCase(column.name, wanted.name)) continue;
        fill.column = column.name;
        fill.type_sql = column.type.sql_name;
        fill.absent = true;
      }
      if (fill.column.empty()) {
        plan->findings.push_back(
            {Severity::kBlocking, ErrorCode::kConfig,
             absl::StrCat(table.source->name, ".", wanted.name),
             "--fill names a column that neither the source nor the target's table has, or one "
             "that the server computes",
             "correct the name"});
        continue;
      }
      fill.value_sql =
          absl::StrCat(wanted.fill->is_expression ? absl::StrCat("(", wanted.fill->text, ")")
                                                  : QuoteLiteral(wanted.fill->text),
                       "::", fill.type_sql);
      table.fills.push_back(std::move(fill));
    }
  }
}

}  // namespace lite2pg
