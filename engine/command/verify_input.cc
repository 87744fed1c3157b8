#include "engine/command/source_options.h"
#include "engine/command/verify_input.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/archive/format.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/open_source.h"
#include "engine/command/source_options.h"
#include "engine/plan/existing_columns.h"
#include "engine/postgres/rejects.h"
#include "engine/verify/sqlite_side.h"

namespace lite2pg {
namespace {

// What a worker takes: SQLite's cache or libpq's buffer, its digests, a row of ordinary size.
constexpr size_t kWorkerBytes = size_t{8} << 20;
constexpr size_t kBaseBytes = size_t{64} << 20;
// How often a worker has a large row: as it was read, in a buffer that grew to hold it, encoded.
constexpr uint64_t kRowCopies = 3;
constexpr size_t kCompareBytesMin = size_t{16} << 20;

// Where nothing better is known: rows of few columns take about this much on either side.
constexpr int64_t kRowBytesGuess = 100;
constexpr int64_t kBlockBytes = 8192;
// Tables from this size on are read by several workers at once.
constexpr int64_t kLargeBytes = int64_t{16} << 20;

bool ShownInQuotes(const ColumnCodec& codec) {
  switch (codec.type->oid) {
    case kOidText:
    case kOidVarchar:
    case kOidBpchar:
    case kOidName:
    case kOidChar:
    case kOidJson:
    case kOidXml:
      return true;
    default:
      // Enums and citext have no fixed OID; their bytes are their text.
      return codec.type->oid == 0 && codec.canonical == nullptr &&
             (codec.type->name == "citext" || !codec.params.labels.empty());
  }
}

TableReport DescribePair(const TablePlan& table, const TablePair& pair) {
  TableReport report;
  report.source_name = table.source->name;
  report.target_name = table.target_name;
  report.where = table.reading.where_sql;
  for (const ColumnPlan& column : table.columns) {
    ColumnReport row;
    row.source_name = column.source_name;
    row.target_name = column.target_name;
    row.declared_type = column.declared_type;
    row.target_type = column.type.sql_name;
    report.columns.push_back(std::move(row));
  }
  for (const std::string& column : pair.missing_columns) {
    DifferenceReport difference;
    difference.column = column;
    difference.source = "a column";
    difference.kind = "column_missing";
    report.differences.push_back(std::move(difference));
  }
  return report;
}

VerifiedTable Verified(const TablePlan& table, const TablePair& pair, const RecordedRuns& runs) {
  VerifiedTable verified;
  verified.report = DescribePair(table, pair);
  verified.partial = pair.partial;
  if (pair.record == nullptr || pair.record->created) return verified;
  const ExistingRows policy = runs.runs[static_cast<size_t>(pair.run)].record.existing_rows;
  if (policy != ExistingRows::kReplace) verified.extra_allowed = pair.record->rows_preexisting;
  if (policy == ExistingRows::kSkip) verified.changed_allowed = pair.record->rows_skipped;
  return verified;
}

// The rows that runs into the target have set aside, in the order of a table's reading.
class RowsSetAside {
 public:
  RowsSetAside(PgConnection& connection, const PairedTables& pairs)
      : connection_(connection), pairs_(pairs) {}

  absl::Status Read(
      size_t table,
      const std::function<absl::Status(std::span<const SourceValue>)>& on_row) const {
    const TablePlan& plan = pairs_.plan.tables[table];
    for (const RecordedRun& run : pairs_.recorded.runs) {
      const TableRecord* record = FindTableRecord(run.record, plan.source->name);
      if (record == nullptr || record->rows_rejected == 0) continue;
      const Ledger ledger(pairs_.recorded.location, run.run.run_id, run.run.epoch);
      RETURN_IF_ERROR(ReadRejects(connection_, ledger, &record->source_name,
                                  [&](const RejectRecord& reject) {
                                    return on_row(ValuesOf(plan, reject));
                                  }));
    }
    return absl::OkStatus();
  }

 private:
  static std::vector<SourceValue> ValuesOf(const TablePlan& plan, const RejectRecord& reject) {
    std::vector<SourceValue> values(plan.columns.size());
    for (size_t i = 0; i < plan.columns.size(); ++i) {
      for (size_t k = 0; k < reject.columns.size() && k < reject.cells.size(); ++k) {
        if (!absl::EqualsIgnoreCase(reject.columns[k], plan.columns[i].source_name)) continue;
        values[i] = reject.cells[k].View();
      }
    }
    return values;
  }

  PgConnection& connection_;
  const PairedTables& pairs_;
};

bool AnySetAside(const PairedTables& pairs) {
  for (const RecordedRun& run : pairs.recorded.runs) {
    for (const TableRecord& table : run.record.tables) {
      if (table.rows_rejected > 0) return true;
    }
  }
  return false;
}

// What the source holds of the table, as well as that is known.
int64_t BytesOf(const PairedTables& pairs, const TablePlan& table) {
  if (pairs.archive != nullptr) {
    return static_cast<int64_t>(pairs.archive->FindTable(table.source->name)->bytes);
  }
  return pairs.catalog.bytes() /
         std::max<int64_t>(1, static_cast<int64_t>(pairs.plan.tables.size()));
}

// Several files are compared with their own rows: those of files that are not named here are only
// counted.
absl::Status OnlyRowsOfFiles(PairedTables& pairs, const TablePlan& table,
                             const std::string& source_column, TargetSideTable* read,
                             std::vector<Finding>* findings) {
  for (const ColumnPlan& column : table.columns) {
    if (column.source_name != source_column) continue;
    const std::string name = QuoteIdentifier(column.target_name);
    const std::string values = FileValuesSql(*pairs.merged);
    ASSIGN_OR_RETURN(PgConnection connection, pairs.target->Connect());
    ASSIGN_OR_RETURN(const PgResult others,
                     connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ", read->from,
                                                   " WHERE (", name, " IN (", values,
                                                   ")) IS NOT TRUE")));
    if (others.Int(0, 0) > 0) {
      findings->push_back(
          {Severity::kWarning, ErrorCode::kNotLookedAt, table.target_name,
           absl::StrCat("not looked at: ", others.Int(0, 0), " rows of other files"),
           "name these files as well"});
    }
    read->from = absl::StrCat("(SELECT * FROM ", read->from, " WHERE ", name, " IN (", values,
                              ")) AS lite2pg_files");
    read->cut_by_position = false;
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status OpenSides(const VerifyBudget& budget, const std::string& source_column,
                       VerifyInput* input) {
  PairedTables& pairs = *input->pairs;
  std::vector<SqliteSideTable> of_a;
  std::vector<TargetSideTable> of_b;
  for (size_t i = 0; i < pairs.plan.tables.size(); ++i) {
    const TablePlan& table = pairs.plan.tables[i];
    SqliteSideTable read;
    read.reading = &table.reading;
    read.codecs = table.codecs;
    read.fills = pairs.pairs[i].fill_fields;
    read.large = std::max(BytesOf(pairs, table), table.target.pages * kBlockBytes) > kLargeBytes;
    of_a.push_back(read);
    of_b.push_back(ReadableTable(table.target, table.TargetColumns(), table.codecs));
    if (pairs.pairs[i].key_finds_rows) {
      of_b.back().key_column = table.columns[pairs.pairs[i].key[0]].target_name;
    }
    of_b.back().cut_by_position &= DialectNamed(pairs.facts.dialect).tuple_positions;
    if (pairs.merged != nullptr) {
      RETURN_IF_ERROR(OnlyRowsOfFiles(pairs, table, source_column, &of_b.back(), &input->findings));
    }
  }
  SetAsideRows set_aside;
  if (AnySetAside(pairs)) {
    ASSIGN_OR_RETURN(input->set_aside_connection, pairs.target->Connect());
    set_aside = [rows = RowsSetAside(*input->set_aside_connection, pairs)](
                    size_t table, const auto& on_row) { return rows.Read(table, on_row); };
  }
  input->a = std::make_unique<SqliteSide>(*pairs.snapshot, budget.workers, std::move(of_a),
                                          std::move(set_aside));
  ASSIGN_OR_RETURN(input->b, TargetSide::Open(pairs.target->connect_options(), budget.workers,
                                              std::move(of_b)));
  return absl::OkStatus();
}

// A certificate is for the source as well, whose values the archive has read already.
void SetSourceRules(const PairedTables& pairs, PlanRecord* record) {
  for (size_t t = 0; t < record->tables.size() && t < pairs.plan.tables.size(); ++t) {
    TableRecord& row = record->tables[t];
    const TablePlan& plan = pairs.plan.tables[t];
    const ArchiveTable& table = *pairs.archive->FindTable(plan.source->name);
    row.where = table.where;
    for (size_t c = 0; c < plan.columns.size(); ++c) {
      const ArchiveColumn& column =
          *pairs.archive->FindColumn(table, plan.columns[c].source_column);
      for (ColumnRecord& column_row : row.columns) {
        if (column_row.source_name != column.source_name) continue;
        column_row.rules = pairs.archive->RulesForSource(table, column, column_row.rules);
      }
    }
  }
}

}  // namespace

void VerifyInput::AddTable(ComparedTable table, VerifiedTable row) {
  tables.push_back(std::move(table));
  verified.push_back(std::move(row));
  field_codecs.emplace_back();
}

uint64_t RowBytesMax(const OpenedSource& source) {
  uint64_t most = 0;
  if (source.archive == nullptr) return most;
  for (const ArchiveTable& table : source.archive->manifest().tables) {
    uint64_t row = 0;
    // Export saw every value. Only whoever made it says otherwise, and pays with memory.
    for (const ArchiveColumn& column : table.columns) {
      row += std::min<uint64_t>(column.value_bytes_max, kArchiveRowBytesMax);
    }
    most = std::max(most, row);
  }
  return most;
}

VerifyBudget BudgetOf(const CommonOptions& common, uint64_t row_bytes_max) {
  VerifyBudget budget;
  const size_t worker_bytes = std::max<size_t>(kWorkerBytes, kRowCopies * row_bytes_max);
  const size_t memory = std::max(common.memory_bytes, kBaseBytes + kCompareBytesMin);
  // Each worker reads one side; there are as many on the other.
  const size_t by_memory = (memory - kBaseBytes - kCompareBytesMin) / (2 * worker_bytes);
  int workers = common.streams;
  if (workers == 0) workers = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  workers = std::min<int>(workers, static_cast<int>(std::max<size_t>(by_memory, 1)));
  budget.workers = std::clamp(workers, 1, kStreamsMax);
  const size_t used = kBaseBytes + static_cast<size_t>(budget.workers) * 2 * worker_bytes;
  // Half of it: the allocator and unusually large rows want the rest.
  budget.compare_bytes =
      memory > used ? std::max(kCompareBytesMin, (memory - used) / 2) : kCompareBytesMin;
  return budget;
}

TargetSideTable ReadableTable(const TargetTable& table, const std::vector<std::string>& columns,
                              const std::vector<ColumnCodec>& codecs) {
  TargetSideTable read;
  read.from = QuoteQualified(table.schema, table.name);
  read.columns = columns;
  read.codecs = codecs;
  for (const ColumnCodec& codec : codecs) read.show_quoted.push_back(ShownInQuotes(codec));
  read.pages = table.pages;
  read.cut_by_position = table.kind == 'r';
  return read;
}

TableReport OneSided(absl::string_view source, absl::string_view target, absl::string_view kind) {
  TableReport report;
  report.source_name = std::string(source.empty() ? target : source);
  report.target_name = std::string(target);
  report.compared = true;
  DifferenceReport difference;
  (source.empty() ? difference.target : difference.source) = "a table";
  difference.kind = std::string(kind);
  report.differences.push_back(std::move(difference));
  return report;
}

void DescribeSource(const SourceCatalog& catalog, const SourceSnapshot& snapshot, Report* report) {
  report->source.path = catalog.path;
  report->source.encoding = catalog.encoding;
  report->source.page_size = catalog.page_size;
  report->source.bytes = catalog.bytes();
  report->source.fingerprint = snapshot.fingerprint();
  report->source.snapshot = snapshot.guarantee();
}

absl::Status OpenTarget(const TargetSpec& spec, const CommonOptions& common, CancelToken& cancel,
                        OpenedTarget* opened, Report* report) {
  ASSIGN_OR_RETURN(opened->session, OpenExistingTarget(spec, cancel));
  ASSIGN_OR_RETURN(PgConnection connection, opened->session->Connect());
  ASSIGN_OR_RETURN(opened->facts, ReadTargetFacts(connection, common.target_schema));
  ASSIGN_OR_RETURN(opened->tables, ReadTargetTables(connection, common.target_schema, {}));
  if (report != nullptr) {
    opened->session->Describe(opened->facts, common.target_schema, report);
  }
  return cancel.Check();
}

void DescribeSource(const OpenedSource& source, Report* report) {
  if (source.archive != nullptr) return source.archive->Describe(&report->source);
  DescribeSource(source.catalog, *source.snapshot, report);
}

absl::Status OpenSource(const Side& side, const CommonOptions& common, EventSink& events,
                        const CancelToken& cancel, OpenedSource* opened) {
  const int workers = BudgetOf(common).workers;
  if (side.kind == Side::Kind::kArchive) {
    ASSIGN_OR_RETURN(opened->archive, ArchiveSource::Open(side.path));
    RETURN_IF_ERROR(opened->archive->CheckFiles(workers, events, cancel));
    ASSIGN_OR_RETURN(opened->snapshot, opened->archive->OpenSnapshot(workers));
    opened->catalog = opened->archive->catalog();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(opened->snapshot,
                   SourceSnapshot::Open(side.path, workers + 1, SourceOptions(common)));
  ASSIGN_OR_RETURN(opened->catalog, ReadSourceCatalog(opened->snapshot->reader(0)));
  opened->catalog.path = opened->snapshot->path();
  return absl::OkStatus();
}

PlanRecord RecordOf(const ArchiveSource& archive) {
  PlanRecord record;
  for (const ArchiveTable& table : archive.manifest().tables) {
    TableRecord row;
    row.source_name = table.source_name;
    row.target_schema = archive.manifest().target_schema;
    row.target_name = table.target_name;
    row.where = table.where;
    row.rows_source = row.rows_copied = row.rows_target = table.rows;
    row.digest_source = row.digest_target = table.digest.ToHex();
    for (const ArchiveColumn& column : table.columns) {
      const absl::StatusOr<PgType> type = ParseConfiguredType(column.type);
      ColumnRecord column_row;
      column_row.source_name = column.source_name;
      column_row.target_name = column.target_name;
      column_row.declared_type = column.declared_type;
      column_row.type_sql = column.type;
      // Opening the archive has found every type.
      if (type.ok()) {
        column_row.type_name = type->type_name;
        column_row.typmod = type->typmod;
      }
      column_row.rules = archive.RulesOf(table, column);
      row.columns.push_back(std::move(column_row));
    }
    record.tables.push_back(std::move(row));
  }
  return record;
}

absl::Status PairSourceWithTarget(const VerifyRequest& request, const Side& source,
                                  const Side& target, EventSink& events, CancelToken& cancel,
                                  VerifyInput* input, Report* report) {
  VerifyBudget& budget = input->budget = BudgetOf(request.common);
  if (source.kind == Side::Kind::kArchive) {
    RETURN_IF_ERROR(RefuseConditions(request.common, "neither side is one"));
    OpenedSource& opened = input->source_a;
    RETURN_IF_ERROR(OpenSource(source, request.common, events, cancel, &opened));
    budget = BudgetOf(request.common, RowBytesMax(opened));
    ASSIGN_OR_RETURN(input->pairs, PairArchive(request.common, *opened.archive, target.target,
                                               budget.workers, events, cancel));
    DescribeSource(opened, report);
  } else {
    ASSIGN_OR_RETURN(input->pairs, OpenPairedTables(request.common, source.path, target.target,
                                                    budget.workers + 1,
                                                    UnreadColumns::kAll, events,
                                                    cancel));
    DescribeSource(input->pairs->catalog, *input->pairs->snapshot, report);
  }
  PairedTables& pairs = *input->pairs;
  pairs.target->Describe(pairs.facts, request.common.target_schema, report);
  for (size_t i = 0; i < pairs.plan.tables.size(); ++i) {
    const TablePlan& table = pairs.plan.tables[i];
    ComparedTable compared;
    compared.name = table.source->name;
    for (const ColumnPlan& column : table.columns) compared.columns.push_back(column.source_name);
    const TablePair& pair = pairs.pairs[i];
    compared.key = pair.key;
    compared.key_is_unique = pair.key_is_unique;
    compared.key_finds_rows = pair.key_finds_rows;
    compared.rows_estimate = static_cast<uint64_t>(
        std::max(BytesOf(pairs, table), table.target.pages * kBlockBytes) / kRowBytesGuess);
    VerifiedTable verified = Verified(table, pair, pairs.recorded);
    if (pairs.archive != nullptr) {
      verified.report.where = pairs.archive->FindTable(table.source->name)->where;
    }
    input->AddTable(std::move(compared), std::move(verified));
    input->field_codecs.back().assign(table.codecs.begin(), table.codecs.end());
  }
  input->findings = pairs.plan.findings;
  input->others = pairs.plan.not_loaded;
  for (const SourceTable* table : pairs.without_partner) {
    input->others.push_back(OneSided(table->name, "", "table_missing"));
  }
  for (const TargetTable* table : pairs.only_in_target) {
    input->findings.push_back({Severity::kInfo, ErrorCode::kNotLookedAt, table->name,
                               "not looked at: the source has no such table", ""});
  }
  input->record = MakePlanRecord(pairs.plan, request.common, ExistingRows::kRefuse);
  if (pairs.archive != nullptr) SetSourceRules(pairs, &input->record);
  return OpenSides(budget, request.common.source_column, input);
}

}  // namespace lite2pg
