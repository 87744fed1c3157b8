#include "engine/command/copy_report.h"

#include <algorithm>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/plan/representation.h"

namespace lite2pg {
namespace {

ColumnReport DescribeColumn(const TablePlan& table, const ColumnPlan& column,
                            const ColumnCounts& shown) {
  const ClassCounts& counts = shown.classes;
  ColumnReport report;
  report.source_name = column.source_name;
  report.target_name = column.target_name;
  report.declared_type = column.declared_type;
  report.target_type = column.type.sql_name;
  report.reason = column.reason;
  report.storage_classes = counts;
  for (size_t c = 0; c < kStorageClassCount; ++c) {
    const auto storage_class = static_cast<StorageClass>(c);
    if (counts[c] == 0 || IsNaturalIn(storage_class, column.type.oid)) continue;
    CoercionReport coercion;
    coercion.from = std::string(StorageClassName(storage_class));
    coercion.to = column.type.sql_name;
    coercion.count = counts[c];
    coercion.example = column.scan.examples[c];
    report.coercions.push_back(std::move(coercion));
  }
  const Representation form = DescribeRepresentation(column.type, column.rules,
                                                     column.scan.counts, column.scan.forms);
  report.round_trips = form.exact;
  report.round_trip_loss = form.reason;
  const bool nulls = column.scan.counts[static_cast<size_t>(StorageClass::kNull)] > 0;
  for (const FillPlan& fill : table.fills) {
    if (fill.column != column.target_name || !nulls || !form.exact) continue;
    report.round_trips = false;
    report.round_trip_loss = "NULLs are filled";
  }
  for (size_t r = 1; r < kRuleUseCount; ++r) {
    if (shown.rules[r] == 0) continue;
    CoercionReport coercion;
    coercion.rule = std::string(kRuleUseNames[r]);
    const auto use = static_cast<RuleUse>(r);
    const bool becomes_null = use == RuleUse::kEmptyAsNull || use == RuleUse::kBadAsNull;
    coercion.from = use == RuleUse::kEmptyAsNull ? "empty text" : "value";
    coercion.to = becomes_null ? "NULL" : column.type.sql_name;
    coercion.count = shown.rules[r];
    coercion.example = column.scan.RuleExample(r);
    report.coercions.push_back(std::move(coercion));
    report.round_trips = false;
    if (report.round_trip_loss.empty()) {
      report.round_trip_loss = absl::StrCat("the rule ", kRuleUseNames[r], " changed values");
    }
  }
  return report;
}

TableReport DescribeTable(const TablePlan& table) {
  TableReport report;
  report.source_name = table.source->name;
  report.target_name = table.target_name;
  report.where = table.reading.where_sql;
  report.rows_source = table.rows;
  report.estimated_bytes = table.bytes;
  return report;
}

}  // namespace

bool IsNaturalIn(StorageClass c, Oid oid) {
  switch (c) {
    case StorageClass::kNull:
      return true;
    case StorageClass::kInteger:
      return oid == kOidInt8 || oid == kOidInt4 || oid == kOidInt2;
    case StorageClass::kReal:
      return oid == kOidFloat8;
    case StorageClass::kText:
      return oid == kOidText || oid == kOidVarchar;
    case StorageClass::kBlob:
      return oid == kOidBytea;
  }
  return false;
}

void FillPlannedTables(const Plan& plan, Report* report) {
  report->tables.clear();
  report->tables.reserve(plan.tables.size() + plan.not_loaded.size());
  for (const TablePlan& table : plan.tables) {
    TableReport row = DescribeTable(table);
    row.state = "copied";
    row.columns.reserve(table.columns.size());
    for (const ColumnPlan& column : table.columns) {
      row.columns.push_back(
          DescribeColumn(table, column, {column.scan.counts, column.scan.rule_counts}));
    }
    report->tables.push_back(std::move(row));
  }
  report->tables.insert(report->tables.end(), plan.not_loaded.begin(), plan.not_loaded.end());
  report->objects = plan.decided_objects;
  if (report->command != "plan") return;
  for (const PostObject& object : plan.objects) {
    ObjectReport row;
    row.kind = object.report_kind;
    row.name = object.name;
    if (object.table >= 0) row.table = plan.tables[static_cast<size_t>(object.table)].target_name;
    row.state = object.attempts.empty() ? "not_carried" : object.attempts[0].state;
    if (!object.attempts.empty() && !object.attempts[0].sql.empty()) {
      row.sql = object.attempts[0].sql[0];
    }
    report->objects.push_back(std::move(row));
  }
}

void CountPlannedTargets(PgConnection& connection, const Plan& plan, Report* report) {
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& table = plan.tables[i];
    if (table.create || !table.rows_preexisting) continue;
    const absl::StatusOr<PgResult> count = connection.Query(
        absl::StrCat("SELECT pg_catalog.count(*) FROM ", table.MergeTarget()));
    if (!count.ok()) continue;
    TableReport& row = report->tables[i];
    row.rows_preexisting = row.rows_target = static_cast<uint64_t>(count->Int(0, 0));
  }
}

// Reading through the library is never wrong, only slower; but nobody should have to guess.
void NoteStreams(const std::vector<LoadedTable>& loaded, Report* report) {
  for (const LoadedTable& table : loaded) {
    const int lanes = table.streams.empty() ? 0 : *table.streams.rbegin() + 1;
    report->resources.streams_max = std::max(report->resources.streams_max, lanes);
  }
}

void NoteReaders(const Plan& plan, const std::vector<LoadedTable>& loaded, Report* report) {
  for (size_t i = 0; i < loaded.size(); ++i) {
    if (!loaded[i].reader.has_value() || loaded[i].reader->reason.empty()) continue;
    Finding finding;
    finding.severity = Severity::kInfo;
    finding.code = ErrorCode::kReaderFallback;
    finding.object = plan.tables[i].source->name;
    finding.message = absl::StrCat("read through SQLite's library: ", loaded[i].reader->reason);
    report->findings.push_back(std::move(finding));
  }
}

void FillCopiedTables(const Plan& plan, const std::vector<LoadedTable>& loaded,
                      const std::vector<Digest>& read_back, const CopyRequest& request,
                      Report* report) {
  report->tables.clear();
  report->tables.reserve(plan.tables.size() + plan.not_loaded.size());
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& table = plan.tables[i];
    const LoadedTable& load = loaded[i];
    TableReport row = DescribeTable(table);
    row.rows_copied = load.digest.rows;
    row.rows_rejected = load.rows_rejected;
    row.bytes = load.bytes;
    row.seconds = load.seconds;
    row.streams = static_cast<int>(load.streams.size());
    row.digest_source = load.digest.ToHex();
    if (load.reader.has_value()) {
      row.reader = load.reader->pages ? "pages" : "library";
      row.reader_reason = load.reader->reason;
    }
    if (i < read_back.size()) {
      row.rows_target = read_back[i].rows;
      if (request.common.verify == VerifyMode::kFull) {
        row.digest_target = read_back[i].ToHex();
        row.compared = true;
        row.equal = read_back[i] == load.digest;
      }
    }
    row.columns.reserve(table.columns.size());
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const ColumnCounts counts = c < load.counts.size() ? load.counts[c] : ColumnCounts{};
      row.columns.push_back(DescribeColumn(table, table.columns[c], counts));
    }
    report->tables.push_back(std::move(row));
  }
  report->tables.insert(report->tables.end(), plan.not_loaded.begin(), plan.not_loaded.end());
}

absl::Status DifferenceStatus(const Report& report, const Plan& plan) {
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TableReport& table = report.tables[i];
    // Merged tables may have held rows before; their counts were held against the server's.
    const bool counts_differ = !plan.tables[i].merge && table.rows_target != table.rows_copied;
    if (!counts_differ && (!table.compared || table.equal)) continue;
    ErrorInfo info;
    info.code = counts_differ ? ErrorCode::kCountDiffers : ErrorCode::kDifference;
    info.exit_code = ExitCode::kDiffers;
    info.table = table.source_name;
    info.what = counts_differ
                    ? absl::StrCat("the source has ", table.rows_copied, " rows, the target ",
                                   table.rows_target)
                    : absl::StrCat("the rows read back are not the rows that were sent (digest ",
                                   table.digest_target, " instead of ", table.digest_source, ")");
    info.hint = "look for a trigger, rule or other session that changes rows of this table";
    return MakeError(info);
  }
  return absl::OkStatus();
}

absl::Status StrictStatus(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kInfo) continue;
    ErrorInfo info;
    info.code = finding.code;
    info.exit_code = ExitCode::kPlanBlocks;
    info.what = absl::StrCat("--strict stops at a warning: ", finding.message);
    info.table = finding.object;
    info.hint = finding.hint;
    return MakeError(info);
  }
  return absl::OkStatus();
}

std::vector<std::string> UndoStatements(const Plan& plan, const Report& report) {
  std::vector<std::string> statements;
  for (const ObjectReport& object : report.objects) {
    if (object.kind != "view" || object.state == "not_carried") continue;
    statements.push_back(
        absl::StrCat("DROP VIEW ", QuoteQualified(plan.target_schema, object.name), " CASCADE;"));
  }
  for (const TablePlan& table : plan.tables) {
    if (!table.create) continue;
    statements.push_back(absl::StrCat(
        "DROP TABLE ", QuoteQualified(plan.target_schema, table.target_name), " CASCADE;"));
  }
  // Where no ledger tells it later: they were empty, and children go first.
  const std::vector<int>& order = plan.existing.load_order;
  for (auto index = order.rbegin(); index != order.rend(); ++index) {
    statements.push_back(absl::StrCat(
        "DELETE FROM ", plan.tables[static_cast<size_t>(*index)].LoadTarget(), ";"));
  }
  return statements;
}

}  // namespace lite2pg
