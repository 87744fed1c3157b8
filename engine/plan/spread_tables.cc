#include "engine/plan/spread_tables.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {
namespace {

void Note(Severity severity, const std::string& object, std::string message, std::string hint,
          Plan* plan) {
  plan->findings.push_back(
      {severity, ErrorCode::kTargetDialect, object, std::move(message), std::move(hint)});
}

const ColumnPlan* FindColumn(const TablePlan& table, const std::string& name) {
  for (const ColumnPlan& column : table.columns) {
    if (absl::EqualsIgnoreCase(column.source_name, name) || column.target_name == name) {
      return &column;
    }
  }
  return nullptr;
}

// Of a key that does not have the column, no server could say whether it holds elsewhere.
void CheckKeys(const Dialect& dialect, const TablePlan& table, const ColumnPlan& column,
               Plan* plan) {
  const auto has = [&column](const std::vector<int>& key) {
    return std::find(key.begin(), key.end(), column.source_column) != key.end();
  };
  std::vector<std::string> lacking;
  if (!table.source->primary_key.empty() && !has(table.source->primary_key)) {
    lacking.emplace_back("the primary key");
  }
  for (const SourceIndex& index : table.source->indexes) {
    if (!index.unique || index.origin == 'p') continue;
    std::vector<int> columns;
    for (const SourceIndexColumn& term : index.columns) columns.push_back(term.column);
    if (!has(columns)) lacking.push_back(absl::StrCat("unique index ", EscapeName(index.name)));
  }
  for (const std::string& key : lacking) {
    Note(Severity::kWarning, table.source->name,
         absl::StrCat(key, " does not have ", EscapeName(column.target_name), ", by which ",
                      dialect.title, " spreads the table; what is weaker is made in its place"),
         "spread it by a column that all its keys have, or make it a reference table", plan);
  }
}

TableSpread SpreadOf(const TableConfig& config) {
  TableSpread spread;
  if (!config.distribute.empty()) {
    spread.kind = TableSpread::Kind::kDistributed;
    spread.column = config.distribute;
  } else if (config.reference) {
    spread.kind = TableSpread::Kind::kReference;
  } else if (!config.hypertable.empty()) {
    spread.kind = TableSpread::Kind::kHypertable;
    spread.column = config.hypertable;
    spread.chunk_interval = config.chunk_interval;
  }
  return spread;
}

void PlanSpread(const PlanInputs& inputs, const Dialect& dialect, TablePlan* table, Plan* plan) {
  const TableConfig* const config = FindTableConfig(*inputs.options, table->source->name);
  if (config == nullptr) return;
  TableSpread spread = SpreadOf(*config);
  if (spread.kind == TableSpread::Kind::kNone) return;
  const std::string& name = table->source->name;
  if (!table->create) {
    Note(Severity::kInfo, name, "the table is spread as whoever made it has said", "", plan);
    return;
  }
  if (!spread.column.empty()) {
    const ColumnPlan* const column = FindColumn(*table, spread.column);
    if (column == nullptr) {
      Note(Severity::kBlocking, name,
           absl::StrCat("there is no column ", EscapeName(spread.column), " to spread it by"), "",
           plan);
      return;
    }
    spread.column = column->target_name;
    CheckKeys(dialect, *table, *column, plan);
  }
  if (dialect.spread != nullptr) {
    table->spread_sql =
        dialect.spread(spread, table->LoadTarget(), inputs.facts.extension_schema);
  }
  if (table->spread_sql.empty()) {
    Note(Severity::kBlocking, name,
         absl::StrCat("the target (", dialect.title, ") cannot spread a table like that"),
         "distribute and reference are for Citus, hypertable is for TimescaleDB", plan);
  }
}

void NoteDifferences(const PlanInputs& inputs, const Dialect& dialect, Plan* plan) {
  const std::string title(dialect.title);
  if (!dialect.proven) {
    Note(Severity::kWarning, title,
         absl::StrCat(title, " is an experimental target: no test has run against it"),
         "try it with a copy of the data, and compare both sides", plan);
  }
  if (!dialect.binary_copy_out && inputs.options->verify == VerifyMode::kFull) {
    Note(Severity::kBlocking, title,
         "what was loaded is read back by binary COPY, which this server does not have",
         "--verify counts compares only numbers of rows", plan);
  }
  if (!dialect.session_locks) {
    Note(Severity::kWarning, title,
         "this server has no locks of a session: nothing but the ledger keeps two runs apart",
         "start one run at a time", plan);
  }
  if (!dialect.transactional_ddl) {
    Note(Severity::kWarning, title,
         "definitions are not part of a transaction here: tables become visible one by one", "",
         plan);
  }
}

}  // namespace

void PlanSpreads(const PlanInputs& inputs, Plan* plan) {
  // Without a target there is nothing to be told of it, and no statement to be made.
  if (inputs.facts.version == 0) return;
  const Dialect& dialect = DialectNamed(inputs.facts.dialect);
  NoteDifferences(inputs, dialect, plan);
  for (TablePlan& table : plan->tables) PlanSpread(inputs, dialect, &table, plan);
}

}  // namespace lite2pg
