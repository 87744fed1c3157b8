#include "engine/command/verify_record.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/hash_tables.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/certificate.h"
#include "engine/plan/existing_columns.h"
#include "engine/verify/difference.h"
#include "engine/verify/shown_rows.h"
#include "engine/verify/sqlite_side.h"

namespace lite2pg {
namespace {

// The newest word about every table: a later run may have loaded only some.
PlanRecord NewestOf(const RecordedRuns& recorded) {
  PlanRecord record;
  StringSet known;
  for (const RecordedRun& run : recorded.runs) {
    for (const TableRecord& table : run.record.tables) {
      if (!known.insert(table.target_name).second) continue;
      record.tables.push_back(table);
      // What the table held before is gone: it holds what the run has brought.
      const bool replaced = run.record.existing_rows == ExistingRows::kReplace;
      if (replaced) record.tables.back().rows_preexisting = 0;
    }
  }
  return record;
}

class RecordedSide {
 public:
  RecordedSide(const VerifyRequest& request, const PlanRecord& record, VerifyInput* input,
               std::vector<ExpectedTable>* expected)
      : request_(request), record_(record), input_(*input), expected_(*expected) {}

  absl::Status OpenTargetTables(const PgConnectOptions& connect, int workers) {
    std::vector<TargetSideTable> tables;
    StringSet recorded;
    for (const TableRecord& table : record_.tables) {
      recorded.insert(table.target_name);
      if (!Wanted(table)) continue;
      const auto& all = input_.target_a.tables;
      const auto target = std::find_if(all.begin(), all.end(), [&](const TargetTable& t) {
        return t.name == table.target_name;
      });
      if (target == all.end()) {
        input_.others.push_back(OneSided(table.source_name, "", "table_missing"));
        continue;
      }
      AddTargetTable(table, *target, &tables);
    }
    for (const TargetTable& table : input_.target_a.tables) {
      const bool ordinary = table.kind == 'r' || table.kind == 'p';
      if (!ordinary || recorded.contains(table.name) || absl::StartsWith(table.name, "lite2pg_")) {
        continue;
      }
      NotLookedAt(table.name, "nothing is recorded of it", Severity::kInfo);
    }
    ASSIGN_OR_RETURN(input_.a, TargetSide::Open(connect, workers, std::move(tables)));
    return absl::OkStatus();
  }

  void OpenSourceTables(int workers) {
    std::vector<SqliteSideTable> tables;
    for (const TableRecord& table : record_.tables) {
      if (!Wanted(table)) continue;
      const auto& all = input_.source_a.catalog.tables;
      const auto source = std::find_if(all.begin(), all.end(), [&](const SourceTable& t) {
        return absl::EqualsIgnoreCase(t.name, table.source_name);
      });
      if (source == all.end() || (archive() != nullptr && archived(*source) == nullptr)) {
        input_.others.push_back(OneSided(table.source_name, "", "table_missing"));
        continue;
      }
      if (table.rows_rejected > 0) {
        NotLookedAt(table.source_name, "rows of it were set aside, and no record says which");
        continue;
      }
      if (archive() != nullptr && archived(*source)->where != table.where) {
        NotLookedAt(table.source_name, "the archive and the record hold rows of other conditions");
        continue;
      }
      AddSourceTable(table, *source, &tables);
    }
    input_.a = std::make_unique<SqliteSide>(*input_.source_a.snapshot, workers, std::move(tables),
                                            nullptr);
  }

 private:
  void NotLookedAt(const std::string& object, const std::string& why,
                   Severity severity = Severity::kWarning) {
    input_.findings.push_back(
        {severity, ErrorCode::kNotLookedAt, object, absl::StrCat("not looked at: ", why), ""});
  }

  bool Wanted(const TableRecord& table) {
    if (!IsIncluded(request_.common, table.source_name)) {
      TableReport excluded;
      excluded.source_name = table.source_name;
      excluded.state = "excluded";
      input_.others.push_back(std::move(excluded));
      return false;
    }
    const bool known = !table.digest_target.empty() || !table.digest_source.empty();
    if (table.rows_preexisting > 0) {
      NotLookedAt(table.source_name,
                  "the target's table held rows before the run, and their digest is not recorded");
    } else if (!known) {
      NotLookedAt(table.source_name, "the record has no digest of it");
    }
    return known && table.rows_preexisting == 0;
  }

  const ArchiveSource* archive() const { return input_.source_a.archive.get(); }
  const ArchiveTable* archived(const SourceTable& table) const {
    return archive()->FindTable(table.name);
  }

  // Common to both: what is expected, and the report's row.
  void Add(const TableRecord& table, VerifiedTable verified, ComparedTable compared) {
    ExpectedTable expected;
    Digest::FromHex(table.digest_target.empty() ? table.digest_source : table.digest_target,
                    &expected.digest);
    // A sync copies only what had changed.
    expected.digest.rows = table.digest_target.empty() ? table.rows_copied : table.rows_target;
    expected.rows_rejected = table.rows_rejected;
    verified.report.source_name = compared.name = table.source_name;
    verified.report.target_name = table.target_name;
    verified.report.where = table.where;
    ExpectParts(table, &expected, &compared);
    expected_.push_back(std::move(expected));
    input_.AddTable(std::move(compared), std::move(verified));
  }

  // Parts are by a hash of the key that the table had then.
  static void ExpectParts(const TableRecord& table, ExpectedTable* expected,
                          ComparedTable* compared) {
    const PartitionRecord& recorded = table.partitions;
    if (recorded.digests.empty() || SumOf(recorded.digests) != expected->digest) return;
    std::vector<size_t> key;
    for (const std::string& name : recorded.key) {
      size_t at = 0;   // among the columns that are compared
      bool found = false;
      for (const ColumnRecord& column : table.columns) {
        if (column.absent) continue;
        found = column.target_name == name;
        if (found) break;
        ++at;
      }
      if (!found) return;
      key.push_back(at);
    }
    compared->key = std::move(key);
    compared->partitions = recorded.digests.size();
    expected->parts = recorded.digests;
  }

  static void Describe(const ColumnRecord& column, absl::string_view type, ComparedTable* compared,
                       VerifiedTable* verified) {
    compared->columns.push_back(column.source_name);
    verified->report.columns.push_back({column.source_name, column.target_name,
                                        column.declared_type, std::string(type), {}, {}, true,
                                        ""});
  }

  void AddTargetTable(const TableRecord& table, const TargetTable& target,
                      std::vector<TargetSideTable>* tables) {
    ComparedTable compared;
    VerifiedTable verified;
    bool readable = true;
    std::vector<std::string> names;
    std::vector<ColumnCodec> codecs;
    for (const ColumnRecord& column : table.columns) {
      if (column.absent) continue;   // the digest is without it
      const auto found =
          std::find_if(target.columns.begin(), target.columns.end(),
                       [&](const TargetColumn& c) { return c.name == column.target_name; });
      DifferenceReport difference;
      difference.column = column.source_name;
      difference.source = column.type_sql;
      difference.kind = "type";
      if (found == target.columns.end()) {
        difference.kind = "column_missing";
      } else if (found->type.type_name == column.type_name &&
                 found->type.typmod == column.typmod) {
        absl::StatusOr<ColumnCodec> codec = BindColumn(found->type, ReadingRules());
        readable &= codec.ok();
        if (codec.ok()) {
          names.push_back(found->name);
          codecs.push_back(*std::move(codec));
          Describe(column, found->type.sql_name, &compared, &verified);
        }
        continue;
      } else {
        difference.target = found->type.sql_name;
      }
      verified.report.differences.push_back(std::move(difference));
    }
    if (!readable && verified.report.differences.empty()) {
      NotLookedAt(table.source_name, "a type of it is read by the server alone");
      return;
    }
    if (!verified.report.differences.empty() || names.empty()) {
      // The digest of other columns, or of other types, would say nothing.
      verified.report.source_name = table.source_name;
      verified.report.target_name = table.target_name;
      verified.report.compared = true;
      input_.others.push_back(std::move(verified.report));
      return;
    }
    compared.rows_estimate = table.rows_copied;
    tables->push_back(ReadableTable(target, names, codecs));
    Add(table, std::move(verified), std::move(compared));
  }

  void AddSourceTable(const TableRecord& table, const SourceTable& source,
                      std::vector<SqliteSideTable>* tables) {
    ComparedTable compared;
    VerifiedTable verified;
    std::vector<int> columns;
    auto codecs = std::make_unique<std::vector<ColumnCodec>>();
    for (const ColumnRecord& column : table.columns) {
      if (column.absent) continue;
      const auto found =
          std::find_if(source.columns.begin(), source.columns.end(), [&](const SourceColumn& c) {
            return absl::EqualsIgnoreCase(c.name, column.source_name);
          });
      const absl::StatusOr<PgType> type = ParseConfiguredType(column.type_sql);
      const int at = static_cast<int>(found - source.columns.begin());
      const ArchiveColumn* in_archive =
          archive() == nullptr ? nullptr : archive()->FindColumn(*archived(source), at);
      if (found == source.columns.end() || column.fill != FillKind::kNone || !type.ok() ||
          (archive() != nullptr && in_archive == nullptr)) {
        return NotLookedAt(absl::StrCat(table.source_name, ".", column.source_name),
                           "its values cannot be made from this side alone");
      }
      ReadingRules rules = column.rules;
      if (in_archive != nullptr) {
        rules = archive()->RulesLeft(*archived(source), *in_archive, rules);
      }
      rules.not_null = false;
      absl::StatusOr<ColumnCodec> codec = BindColumn(*type, rules);
      if (!codec.ok()) {
        return NotLookedAt(absl::StrCat(table.source_name, ".", column.source_name),
                           "its type cannot be read");
      }
      columns.push_back(at);
      codecs->push_back(*std::move(codec));
      Describe(column, column.type_sql, &compared, &verified);
    }
    if (columns.empty()) return;
    input_.readings.push_back(std::make_unique<TableReading>(
        archive() != nullptr ? archive()->MakeReading(*archived(source), std::move(columns))
                             : MakeTableReading(source, std::move(columns), table.where)));
    input_.codecs.push_back(std::move(codecs));
    SqliteSideTable read;
    read.reading = input_.readings.back().get();
    read.codecs = *input_.codecs.back();
    read.large = true;
    compared.rows_estimate = table.rows_copied;
    tables->push_back(read);
    Add(table, std::move(verified), std::move(compared));
  }

  const VerifyRequest& request_;
  const PlanRecord& record_;
  VerifyInput& input_;
  std::vector<ExpectedTable>& expected_;
};

absl::StatusOr<PlanRecord> FindRecord(const VerifyRequest& request, VerifyInput* input,
                                    Report* report) {
  if (!request.certificate.empty()) {
    ASSIGN_OR_RETURN(const Certificate certificate, ReadCertificate(request.certificate));
    report->source.path = request.certificate;
    report->source.fingerprint = certificate.source_fingerprint;
    return certificate.record;
  }
  if (request.a.kind != Side::Kind::kTarget) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     "an SQLite file has no record of its own to be compared with",
                     "name a second side, or --certificate FILE");
  }
  ASSIGN_OR_RETURN(PgConnection connection, input->target_a.session->Connect());
  ASSIGN_OR_RETURN(const RecordedRuns runs,
                   ReadRecordedRuns(connection, request.common.target_schema, &input->findings));
  if (!runs.runs.empty()) {
    report->source.path = runs.runs[0].run.source_path;
    report->source.fingerprint = runs.runs[0].run.source_fingerprint;
    report->run_id = runs.runs[0].run.run_id;
    return NewestOf(runs);
  }
  RETURN_IF_ERROR(RefuseWhileUnfinished(runs));
  return MakeError(ErrorCode::kNotLookedAt, ExitCode::kCannotResume,
                   absl::StrCat("the target keeps no record of a run into schema ",
                                EscapeName(request.common.target_schema)),
                   "name the source too: lite2pg verify SOURCE TARGET; or --certificate FILE");
}

}  // namespace

absl::Status OpenRecord(const VerifyRequest& request, EventSink& events, CancelToken& cancel,
                        VerifyInput* input, std::vector<ExpectedTable>* expected, Report* report) {
  VerifyBudget& budget = input->budget = BudgetOf(request.common);
  const bool target = request.a.kind == Side::Kind::kTarget;
  if (target) {
    RETURN_IF_ERROR(OpenTarget(request.a.target, request.common, cancel, &input->target_a, report));
  }
  ASSIGN_OR_RETURN(input->record, FindRecord(request, input, report));
  RecordedSide side(request, input->record, input, expected);
  if (target) {
    return side.OpenTargetTables(input->target_a.session->connect_options(), budget.workers);
  }
  RETURN_IF_ERROR(OpenSource(request.a, request.common, events, cancel, &input->source_a));
  budget = BudgetOf(request.common, RowBytesMax(input->source_a));
  DescribeSource(input->source_a, report);
  report->target.conninfo_shown = request.certificate;
  report->target.dialect = "certificate";
  side.OpenSourceTables(budget.workers);
  return cancel.Check();
}

absl::Status CheckArchive(const VerifyRequest& request, EventSink& events,
                          const CancelToken& cancel, VerifyInput* input, Report* report) {
  const bool contents = request.common.verify != VerifyMode::kCounts;
  ASSIGN_OR_RETURN(input->source_a.archive, ArchiveSource::Open(request.a.path));
  ArchiveSource& archive = *input->source_a.archive;
  archive.Describe(&report->source);
  input->budget = BudgetOf(request.common, RowBytesMax(input->source_a));
  RETURN_IF_ERROR(archive.CheckFiles(input->budget.workers, events, cancel, contents));
  input->record = RecordOf(archive);
  archive.AddFindings(&input->findings);
  for (const ArchiveTable& table : archive.manifest().tables) {
    TableReport row;
    row.source_name = table.source_name;
    row.target_name = table.target_name;
    row.where = table.where;
    row.rows_source = row.rows_copied = row.rows_target = table.rows;
    row.bytes = table.bytes;
    row.digest_source = table.digest.ToHex();
    if (contents) row.digest_target = row.digest_source;
    row.compared = row.equal = contents;
    for (const ArchiveColumn& column : table.columns) {
      ColumnReport column_row;
      column_row.source_name = column.source_name;
      column_row.target_name = column.target_name;
      column_row.declared_type = column.declared_type;
      column_row.target_type = column.type;
      row.columns.push_back(std::move(column_row));
    }
    report->tables.push_back(std::move(row));
  }
  return cancel.Check();
}

namespace {

// Of one part, so many keys are shown: with few rows in each there are hardly more.
constexpr size_t kKeysShown = 20;

std::string RowsAndDigest(const Digest& digest) {
  return absl::StrCat(digest.rows, " rows, digest ", digest.ToHex());
}

// What is there now in a part that differs. Which of its rows were there before, the record says
// only when it was none.
void DescribePart(const Digest& before, const Digest& now, const std::string& name,
                  std::vector<DifferenceReport> rows, std::vector<DifferenceReport>* out) {
  if (before.rows == 0) {
    out->insert(out->end(), rows.begin(), rows.end());
    return;
  }
  DifferenceReport part;
  part.kind = "part";
  part.source = absl::StrCat(RowsAndDigest(before), " (", name, ")");
  part.target = RowsAndDigest(now);
  std::vector<std::string> keys;
  for (const DifferenceReport& row : rows) keys.push_back(row.key);
  if (now.rows > keys.size()) keys.emplace_back("...");
  part.key = absl::StrCat(keys.size() > 1 ? "among " : "", absl::StrJoin(keys, "; "));
  out->push_back(std::move(part));
}

absl::Status NarrowToParts(const ExpectedTable& expected, const std::vector<Digest>& parts,
                           const ComparedTable& table, size_t index, ComparedSide& side,
                           uint64_t rows_max, TableReport* row) {
  std::vector<bool> wanted(parts.size());
  std::map<size_t, std::pair<ShownRows, size_t>> shown;  // with the number of rows in it
  for (size_t i = 0; i < parts.size() && shown.size() < rows_max; ++i) {
    if (parts[i] == expected.parts[i]) continue;
    wanted[i] = true;
    shown.emplace(i, std::make_pair(ShownRows(table), 0));
  }
  uint64_t rows = 0;
  RETURN_IF_ERROR(ScanParts(table, index, side, wanted,
                            [&](size_t part, const RowHash& hash, const ComparedRow& found) {
                              auto& [keys, count] = shown.at(part);
                              if (count == kKeysShown || rows == rows_max) return absl::OkStatus();
                              ++count;
                              ++rows;
                              keys.Add(DifferenceKind::kExtra, /*from_a=*/false, hash.key, found);
                              return absl::OkStatus();
                            }));
  std::vector<std::string> key;
  for (const size_t column : table.key) key.push_back(EscapeName(table.columns[column]));
  const std::string by = key.empty() ? "their values" : absl::StrJoin(key, ", ");
  for (const auto& [part, found] : shown) {
    DescribePart(expected.parts[part], parts[part],
                 absl::StrCat("part ", part + 1, " of ", parts.size(), " by ", by),
                 found.first.Finish(), &row->differences);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status JudgeAgainstRecord(const ExpectedTable& expected, const std::vector<Digest>& parts,
                                const ComparedTable& table, size_t index, ComparedSide& side,
                                uint64_t rows_max, TableReport* row) {
  const Digest found = SumOf(parts);
  row->rows_source = expected.digest.rows + expected.rows_rejected;
  row->rows_rejected = expected.rows_rejected;
  row->rows_copied = expected.digest.rows;
  row->rows_target = found.rows;
  row->digest_source = expected.digest.ToHex();
  row->digest_target = found.ToHex();
  row->compared = true;
  row->equal = found == expected.digest;
  if (row->equal) return absl::OkStatus();
  DifferenceReport difference;
  difference.kind = found.rows == expected.digest.rows ? "digest" : "count";
  difference.source = RowsAndDigest(expected.digest);
  difference.target = RowsAndDigest(found);
  if (expected.parts.empty()) {
    absl::StrAppend(&difference.source, "; of its parts nothing is recorded that could name rows");
  }
  row->differences.push_back(std::move(difference));
  if (expected.parts.empty()) return absl::OkStatus();
  return NarrowToParts(expected, parts, table, index, side, rows_max, row);
}

}  // namespace lite2pg
