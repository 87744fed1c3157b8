#include "engine/command/computed_columns.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/verify_input.h"
#include "engine/plan/existing_columns.h"
#include "engine/verify/difference.h"
#include "engine/verify/read_back.h"
#include "engine/verify/sqlite_side.h"

namespace lite2pg {
namespace {

// A table whose source is at least this large is worth reading in pieces.
constexpr uint64_t kLargeBytes = uint64_t{16} << 20;

// One table, by its key and the columns in question.
struct ComputedTable {
  size_t index = 0;                  // of plan.tables
  bool derived = false;              // the source computes them, too: they are no data of its own
  TableReading reading;
  std::vector<ColumnCodec> codecs;
  std::vector<std::string> fills;    // none: one "" per column
  std::vector<std::string> target_columns;
  ComparedTable compared;

  void Add(int source_column, const std::string& source_name, const std::string& target_name,
           const ColumnCodec& codec) {
    reading.columns.push_back(source_column);
    compared.columns.push_back(source_name);
    target_columns.push_back(target_name);
    codecs.push_back(codec);
    fills.emplace_back();
  }
};

class Comparison {
 public:
  Comparison(const ComputedInputs& inputs, Report* report) : in_(inputs), report_(*report) {}

  // The tables that have such columns; findings about those that cannot be compared.
  absl::Status Collect() {
    for (size_t i = 0; i < in_.plan.tables.size(); ++i) {
      if (in_.plan.tables[i].create) continue;
      for (const bool derived : {false, true}) RETURN_IF_ERROR(AddTable(i, derived));
    }
    return absl::OkStatus();
  }

  // Those whose rows only the coordinator's open transaction sees, or all others.
  absl::Status Compare(bool within) {
    uint64_t row_bytes_max = 0;
    std::vector<const ComputedTable*> tables;
    std::vector<ComparedTable> compared;
    std::vector<SqliteSideTable> of_source;
    std::vector<TargetSideTable> of_target;
    for (const ComputedTable& table : tables_) {
      const TablePlan& planned = in_.plan.tables[table.index];
      if ((planned.merge || in_.plan.existing.one_transaction) != within) continue;
      row_bytes_max = std::max(row_bytes_max, planned.row_bytes_max);
      tables.push_back(&table);
      compared.push_back(table.compared);
      of_source.push_back({.reading = &table.reading,
                           .codecs = table.codecs,
                           .fills = table.fills,
                           .large = planned.bytes > kLargeBytes});
      of_target.push_back(ReadableTable(planned.target, table.target_columns, table.codecs));
    }
    if (tables.empty()) return absl::OkStatus();
    const VerifyBudget budget = BudgetOf(in_.options, row_bytes_max);
    const int workers = within ? 1 : std::clamp(in_.readers, 1, budget.workers);
    SqliteSide source(in_.snapshot, workers, std::move(of_source), nullptr);
    std::unique_ptr<TargetSide> target;
    if (within) {
      target = TargetSide::Within(in_.coordinator, std::move(of_target));
    } else {
      ASSIGN_OR_RETURN(target, TargetSide::Open(in_.connect, workers, std::move(of_target)));
    }
    CompareOptions compare;
    compare.memory_bytes = budget.compare_bytes;
    ASSIGN_OR_RETURN(const std::vector<TableDifferences> found,
                     FindDifferences(compared, source, *target, compare, nullptr, in_.events,
                                     in_.cancel));
    for (size_t i = 0; i < found.size(); ++i) Tell(*tables[i], found[i]);
    return absl::OkStatus();
  }

 private:
  void NotCompared(const TablePlan& table, const std::string& column, absl::string_view why) {
    report_.findings.push_back(
        {Severity::kWarning, ErrorCode::kNotLookedAt,
         absl::StrCat(table.source->name, ".", column),
         absl::StrCat("what the target computes in this column was not compared with the source: ",
                      why),
         "lite2pg verify compares all that can be; else compare them by a query"});
  }

  // Of the table's columns, those that the target computes although the source has them.
  absl::Status AddTable(size_t index, bool derived) {
    const TablePlan& table = in_.plan.tables[index];
    const TableConfig* config = FindTableConfig(in_.options, table.source->name);
    ComputedTable computed;
    computed.index = index;
    computed.derived = derived;
    if (!AddKey(table, &computed)) computed.compared.key.clear();
    const size_t key_columns = computed.compared.columns.size();
    for (size_t i = 0; i < table.source->columns.size(); ++i) {
      const SourceColumn& column = table.source->columns[i];
      const ColumnConfig* of_column = FindColumnConfig(config, column.name);
      const TargetColumn* partner = PartnerColumn(table.target, of_column, column.name);
      const bool excluded = of_column != nullptr && of_column->exclude;
      if (excluded || !column.unreadable.empty() || partner == nullptr || !partner->generated ||
          (column.generated != GeneratedKind::kNone) != derived) {
        continue;
      }
      const ColumnConfig none;
      ReadingRules rules =
          RulesFor(in_.options, of_column != nullptr ? *of_column : none, /*not_null=*/false);
      if (rules.blob == BlobReading::kPlain && partner->type.oid == kOidJsonb) {
        rules.blob = BlobReading::kSqliteJsonb;
      }
      const absl::StatusOr<Candidate> candidate = FixedCandidate(partner->type, rules);
      if (!candidate.ok() || candidate->codec.server_text) {
        NotCompared(table, column.name, "only the server can read its type");
      } else if (table.rows_preexisting && in_.existing_rows == ExistingRows::kSkip) {
        NotCompared(table, column.name, "rows of the target may be kept (--existing-rows skip)");
      } else if (key_columns == 0) {
        NotCompared(table, column.name, "only the server can read what identifies a row");
      } else {
        computed.Add(static_cast<int>(i), column.name, partner->name, candidate->codec);
      }
    }
    if (computed.compared.columns.size() == key_columns) return absl::OkStatus();
    computed.reading = MakeTableReading(*table.source, std::move(computed.reading.columns),
                                        table.reading.where_sql);
    computed.compared.name = table.source->name;
    computed.compared.rows_estimate = table.rows;
    tables_.push_back(std::move(computed));
    return absl::OkStatus();
  }

  // What identifies a row: its key in the target or in the source, else all that was loaded. Their
  // values are equal on both sides, as the digests have shown.
  bool AddKey(const TablePlan& table, ComputedTable* computed) const {
    std::vector<size_t> key = UniqueKeyOf(table, table.target);
    for (const int column : key.empty() ? table.source->primary_key : std::vector<int>()) {
      for (size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].source_column == column) key.push_back(i);
      }
    }
    for (size_t i = 0; key.empty() && i < table.columns.size(); ++i) {
      if (!table.codecs[i].server_text) key.push_back(i);
    }
    for (const size_t i : key) {
      if (table.codecs[i].server_text) return false;
    }
    for (const size_t i : key) {
      const ColumnPlan& column = table.columns[i];
      computed->compared.key.push_back(computed->compared.columns.size());
      computed->Add(column.source_column, column.source_name, column.target_name, table.codecs[i]);
    }
    return true;
  }

  // Rows that only one side has were filled in, set aside, or there before: the digests tell that.
  void Tell(const ComputedTable& table, const TableDifferences& found) {
    if (found.changed == 0) return;
    const absl::string_view changed =
        kDifferenceKindNames[static_cast<size_t>(DifferenceKind::kChanged)];
    const auto first =
        std::find_if(found.shown.begin(), found.shown.end(),
                     [&](const DifferenceReport& shown) { return shown.kind == changed; });
    const bool shown = first != found.shown.end();
    const std::string& name = report_.tables[table.index].source_name;
    report_.findings.push_back(
        {Severity::kWarning, ErrorCode::kDifference,
         shown ? absl::StrCat(name, ".", first->column) : name,
         absl::StrCat("the target computes another value than the source ",
                      table.derived ? "computes" : "holds", ", in ", found.changed, " row(s)",
                      shown ? absl::StrCat(": ", first->source, " in the source, ", first->target,
                                           " in the target at ", first->key)
                            : ""),
         table.derived
             ? "nothing of the source's own data is concerned; compare the two expressions"
             : "nothing can be loaded into such a column; if the source's values are to be kept, "
               "make it an ordinary one in the target"});
  }

  const ComputedInputs& in_;
  Report& report_;
  std::vector<ComputedTable> tables_;
};

}  // namespace

absl::Status CompareComputed(const ComputedInputs& inputs, Report* report) {
  Comparison comparison(inputs, report);
  RETURN_IF_ERROR(comparison.Collect());
  RETURN_IF_ERROR(comparison.Compare(/*within=*/false));
  return comparison.Compare(/*within=*/true);
}

}  // namespace lite2pg
