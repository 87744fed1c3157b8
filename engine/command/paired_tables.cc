#include "engine/command/paired_tables.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/hash_tables.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/open_source.h"
#include "engine/command/resume.h"
#include "engine/command/source_checks.h"
#include "engine/command/source_options.h"
#include "engine/pipeline/scan_graph.h"
#include "engine/plan/config_patterns.h"
#include "engine/plan/existing_columns.h"
#include "engine/plan/selection.h"
#include "engine/postgres/copy_stream.h"
#include "engine/verify/read_back.h"

namespace lite2pg {
namespace {

// The item called `name`: exactly, else the only one that is equal but for ASCII case, else null.
template <typename Item>
const Item* FindByName(const std::vector<Item>& items, absl::string_view name) {
  const Item* folded = nullptr;
  int folded_count = 0;
  for (const Item& item : items) {
    if (item.name == name) return &item;
    if (!absl::EqualsIgnoreCase(item.name, name)) continue;
    folded = &item;
    ++folded_count;
  }
  return folded_count == 1 ? folded : nullptr;
}

// As PostgreSQL and the planner shorten names: whole characters within 63 bytes.
std::string Shortened(absl::string_view name) {
  if (name.size() <= kIdentifierBytesMax) return std::string(name);
  size_t end = kIdentifierBytesMax;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return std::string(name.substr(0, end));
}

// `known`: names that earlier work gave, the newest first; "" for none.
template <typename Item>
const Item* FindPartner(const std::vector<Item>& items, absl::string_view configured,
                        std::initializer_list<absl::string_view> known, absl::string_view source) {
  if (!configured.empty()) return FindByName(items, configured);
  for (const absl::string_view name : known) {
    for (const Item& item : items) {
      if (!name.empty() && item.name == name) return &item;
    }
  }
  const Item* found = FindByName(items, source);
  return found != nullptr ? found : FindByName(items, Shortened(source));
}

// Types whose numbers stand for moments by a convention that must be known or proven.
bool IsDated(const PgType& type) {
  const PgType* const base = type.base.get();
  const Oid oid = base != nullptr ? base->oid : type.oid;
  return oid == kOidDate || oid == kOidTimestamp || oid == kOidTimestamptz;
}

bool SaysReading(const ColumnConfig* config) {
  if (config == nullptr) return false;
  const ReadingOverrides& r = config->reading;
  return r.integer.has_value() || r.real.has_value() || r.text.has_value() ||
         r.blob.has_value() || r.round_to_microseconds || r.round_to_typmod ||
         r.round_to_float4 || !r.source_time_zone.empty() || config->empty_as_null;
}

class Pairing {
 public:
  Pairing(const CommonOptions& common, UnreadColumns columns, PairedTables* out)
      : common_(common), names_computed_(columns == UnreadColumns::kAll), out_(*out) {}

  absl::Status Run() {
    HashSet<const TargetTable*> used;
    for (const SourceTable& source : out_.catalog.tables) {
      if (!IsCompared(source)) continue;
      const TargetTable* partner = FindTable(source);
      if (partner == nullptr || !used.insert(partner).second) {
        RETURN_IF_ERROR(WithoutPartner(source));
        continue;
      }
      if (!partner->can_select) {
        Note(Severity::kWarning, ErrorCode::kTargetPrivilege, source.name,
             absl::StrCat("the role may not read ", EscapeName(partner->name)),
             "GRANT SELECT on it to your role");
        out_.without_partner.push_back(&source);
        continue;
      }
      RETURN_IF_ERROR(AddTable(source, *partner));
    }
    for (const TargetTable& table : out_.target_tables) {
      const bool ordinary = table.kind == 'r' || table.kind == 'p';
      const bool ours = absl::StartsWith(table.name, "lite2pg_");
      if (ordinary && !ours && !used.contains(&table)) out_.only_in_target.push_back(&table);
    }
    return absl::OkStatus();
  }

 private:
  void Note(Severity severity, ErrorCode code, std::string object, std::string message,
            std::string hint = "") {
    out_.plan.findings.push_back(
        {severity, code, std::move(object), std::move(message), std::move(hint)});
  }
  void NotCompared(const SourceTable& table, absl::string_view state, absl::string_view why) {
    TableReport report;
    report.source_name = table.name;
    report.state = std::string(state);
    out_.plan.not_loaded.push_back(std::move(report));
    if (why.empty()) return;
    Note(Severity::kInfo, ErrorCode::kNotLookedAt, table.name,
         absl::StrCat("not looked at: ", why));
  }

  bool IsCompared(const SourceTable& table) {
    switch (table.kind) {
      case SourceTableKind::kVirtual:
        if (!table.content_table.empty()) break;
        NotCompared(table, "not_a_table", table.no_content);
        return false;
      case SourceTableKind::kShadow:
        NotCompared(table, "not_a_table", "internal storage of a virtual table");
        return false;
      case SourceTableKind::kSystem:
        NotCompared(table, "bookkeeping", "");
        return false;
      default:
        break;
    }
    if (!IsIncluded(common_, table.name)) {
      NotCompared(table, "excluded", "excluded by option");
      return false;
    }
    if (out_.archive != nullptr && out_.archive->FindTable(table.name) == nullptr) {
      NotCompared(table, "excluded", "the archive is without it");
      return false;
    }
    if (!table.unreadable.empty()) {
      NotCompared(table, "not_a_table",
                  absl::StrCat("SQLite cannot read it: ", EscapeForMessage(table.unreadable, 200)));
      return false;
    }
    if (WasLeftAlone(table.name)) {
      NotCompared(table, "bookkeeping",
                  "a migration tool's own table, which the run that filled the target left alone");
      return false;
    }
    return true;
  }

  // Both sides have such a table, each filled by its own migrations.
  bool WasLeftAlone(absl::string_view source) const {
    int run = -1;
    if (FindRecord(source, &run) != nullptr) return false;
    for (const RecordedRun& recorded : out_.recorded.runs) {
      for (const LeftOutTable& left : recorded.record.left_out) {
        if (left.state == "bookkeeping" && absl::EqualsIgnoreCase(left.source_name, source)) {
          return true;
        }
      }
    }
    return false;
  }

  // The newest run that loaded the table into one that is still there.
  const TableRecord* FindRecord(absl::string_view source, int* run) const {
    for (size_t i = 0; i < out_.recorded.runs.size(); ++i) {
      const TableRecord* record = FindTableRecord(out_.recorded.runs[i].record, source);
      if (record == nullptr) continue;
      *run = static_cast<int>(i);
      return record;
    }
    return nullptr;
  }

  const ArchiveTable* Archived(const SourceTable& source) const {
    return out_.archive == nullptr ? nullptr : out_.archive->FindTable(source.name);
  }
  const ArchiveColumn* Archived(const SourceTable& source, size_t column) const {
    const ArchiveTable* table = Archived(source);
    return table == nullptr ? nullptr : out_.archive->FindColumn(*table, static_cast<int>(column));
  }

  const TargetTable* FindTable(const SourceTable& source) const {
    const TableConfig* config = FindTableConfig(common_, source.name);
    int run = -1;
    const TableRecord* record = FindRecord(source.name, &run);
    const ArchiveTable* archived = Archived(source);
    return FindPartner(out_.target_tables, config != nullptr ? config->rename : "",
                       {record != nullptr ? record->target_name : "",
                        archived != nullptr ? archived->target_name : ""},
                       source.name);
  }

  // A table that the newest run left out on purpose is not missing.
  absl::Status WithoutPartner(const SourceTable& source) {
    for (const RecordedRun& run : out_.recorded.runs) {
      for (const LeftOutTable& left : run.record.left_out) {
        if (!absl::EqualsIgnoreCase(left.source_name, source.name)) continue;
        NotCompared(source, left.state, "the run that filled the target left it out");
        return absl::OkStatus();
      }
    }
    if (source.kind == SourceTableKind::kVirtual) {
      NotCompared(source, "not_a_table", "a virtual table, whose content the target does not have");
      return absl::OkStatus();
    }
    Note(Severity::kWarning, ErrorCode::kTargetNoPartner, source.name,
         "the target schema has no table of that name", "copy it (lite2pg copy), --exclude it, or "
         "name its partner in the configuration");
    out_.without_partner.push_back(&source);
    return absl::OkStatus();
  }

  absl::Status AddTable(const SourceTable& source, const TargetTable& target) {
    TablePlan table;
    TablePair pair;
    table.source = &source;
    table.target = target;
    table.create = false;
    table.target_name = table.load_name = target.name;
    table.load_schema = target.schema;
    table.rows_preexisting = target.has_rows;
    const TableRecord* record = FindRecord(source.name, &pair.run);
    if (record != nullptr && record->target_name == target.name) {
      const PlanRecord& plan = out_.recorded.runs[static_cast<size_t>(pair.run)].record;
      RETURN_IF_ERROR(RefuseOneOfSeveral(source, plan.source_column));
      pair.record = record;
    } else {
      pair.run = -1;
    }
    const TableConfig* config = FindTableConfig(common_, source.name);
    std::vector<int> columns;
    for (size_t i = 0; i < source.columns.size(); ++i) {
      RETURN_IF_ERROR(AddColumn(config, i, &columns, &table, &pair));
    }
    if (columns.empty()) {
      NotCompared(source, "not_a_table", "no column can be compared");
      return absl::OkStatus();
    }
    const std::string where = ChooseCondition(source, config, &pair);
    table.reading = ReadingOf(out_, source, std::move(columns), where);
    ChooseKey(&table, &pair);
    out_.plan.tables.push_back(std::move(table));
    out_.pairs.push_back(std::move(pair));
    return absl::OkStatus();
  }

  // Which rows of the source are compared; "" for all.
  std::string ChooseCondition(const SourceTable& source, const TableConfig* config,
                              TablePair* pair) {
    std::string where = config != nullptr ? config->where : "";
    const std::string recorded = pair->record != nullptr ? pair->record->where : "";
    const ArchiveTable* archived = Archived(source);
    if (archived != nullptr) where = archived->where;
    // A run that took just these rows has left no others in the target.
    const bool loaded_them =
        where == recorded ||
        (archived != nullptr && pair->record != nullptr &&
         out_.recorded.runs[static_cast<size_t>(pair->run)].run.source_fingerprint ==
             out_.snapshot->fingerprint());
    pair->partial = !where.empty() && !loaded_them;
    if (archived == nullptr && where.empty()) where = recorded;
    if (!where.empty()) {
      Note(Severity::kInfo, ErrorCode::kTablePartial, source.name,
           absl::StrCat("only rows where ", EscapeForMessage(where, 200), " are compared"));
    }
    return where;
  }

  const ColumnRecord* FindColumnRecord(const TablePair& pair, absl::string_view name) const {
    if (pair.record == nullptr) return nullptr;
    for (const ColumnRecord& column : pair.record->columns) {
      if (!column.absent && absl::EqualsIgnoreCase(column.source_name, name)) return &column;
    }
    return nullptr;
  }

  ReadingRules ColumnRules(const SourceTable& source, size_t index, const ColumnConfig* config,
                           const ColumnRecord* record, const TargetColumn& target) const {
    const ColumnConfig none;
    ReadingRules rules = RulesFor(common_, config != nullptr ? *config : none, /*not_null=*/false);
    if (rules.blob == BlobReading::kPlain && target.type.oid == kOidJsonb) {
      rules.blob = BlobReading::kSqliteJsonb;
    }
    const bool same_type = record != nullptr && record->type_name == target.type.type_name &&
                           record->typmod == target.type.typmod;
    if (SaysReading(config) || !same_type) return rules;
    const std::string zone = rules.source_time_zone;
    rules = record->rules;
    rules.not_null = false;
    if (!common_.source_time_zone.empty()) rules.source_time_zone = zone;
    const ArchiveColumn* archived = Archived(source, index);
    if (archived == nullptr) return rules;
    return out_.archive->RulesLeft(*Archived(source), *archived, rules);
  }

  absl::Status AddColumn(const TableConfig* table_config, size_t index, std::vector<int>* columns,
                         TablePlan* table, TablePair* pair) {
    const SourceColumn& source = table->source->columns[index];
    const ColumnConfig* config = FindColumnConfig(table_config, source.name);
    const ColumnRecord* record = FindColumnRecord(*pair, source.name);
    const std::string object = absl::StrCat(table->source->name, ".", source.name);
    const ArchiveColumn* archived = Archived(*table->source, index);
    const TargetColumn* target =
        FindPartner(table->target.columns, config != nullptr ? config->rename : "",
                    {record != nullptr ? record->target_name : "",
                     archived != nullptr ? archived->target_name : ""},
                    source.name);
    const auto taken = [&](const ColumnPlan& c) { return c.target_name == target->name; };
    // A run into tables that were there loads no columns that it was told to leave out, nor those
    // that the target computes, of which the copy told.
    const bool into_theirs = pair->record != nullptr && !pair->record->created;
    const bool computed = into_theirs && target != nullptr && target->generated;
    const bool left_out = into_theirs && record == nullptr;
    const bool not_archived = out_.archive != nullptr && archived == nullptr;
    const bool excluded = config != nullptr && config->exclude;
    if (left_out || not_archived || excluded || !source.unreadable.empty()) {
      Note(Severity::kInfo, ErrorCode::kNotLookedAt, object, "not looked at: it was not loaded");
      if (names_computed_ || !computed) pair->unread_columns.push_back(source.name);
      return absl::OkStatus();
    }
    if (target == nullptr ||
        std::any_of(table->columns.begin(), table->columns.end(), taken)) {
      Note(Severity::kWarning, ErrorCode::kTargetColumnMismatch, object,
           "the target table has no such column", "name its partner in the configuration");
      pair->missing_columns.push_back(source.name);
      return absl::OkStatus();
    }
    if (record != nullptr && record->fill == FillKind::kExpression) {
      Note(Severity::kInfo, ErrorCode::kNotLookedAt, object,
           "not looked at: the run filled it by an SQL expression, which the source cannot tell");
      pair->unread_columns.push_back(source.name);
      return absl::OkStatus();
    }
    absl::StatusOr<Candidate> candidate =
        FixedCandidate(target->type, ColumnRules(*table->source, index, config, record, *target));
    if (!candidate.ok() || candidate->codec.server_text) {
      const std::string why = candidate.ok() ? std::string("only the server can read it")
                                             : InfoOf(candidate.status()).what;
      Note(Severity::kWarning, ErrorCode::kNotLookedAt, object,
           absl::StrCat("not looked at: no way to read the type ", target->type.sql_name, " (",
                        why, ")"));
      pair->unread_columns.push_back(source.name);
      return absl::OkStatus();
    }
    ColumnPlan column;
    column.source_column = static_cast<int>(index);
    column.source_name = source.name;
    column.target_name = target->name;
    column.declared_type = source.declared_type;
    column.type = candidate->type;
    column.rules = candidate->rules;
    column.not_null = target->not_null;
    column.sequence = target->sequence;
    columns->push_back(static_cast<int>(index));
    table->columns.push_back(std::move(column));
    table->codecs.push_back(candidate->codec);
    pair->fill_fields.emplace_back();
    return absl::OkStatus();
  }

  void ChooseKey(TablePlan* table, TablePair* pair) const {
    pair->key = UniqueKeyOf(*table, table->target);
    pair->key_is_unique = !pair->key.empty();
    // The rowids of several files, and of an archive's rows, are numbers of their own.
    pair->key_finds_rows = pair->key.size() == 1 && out_.merged == nullptr &&
                           out_.archive == nullptr && IsRowid(*table, pair->key[0]);
    if (pair->key_is_unique) return;
    for (const int source : table->source->primary_key) {
      const auto same = [&](const ColumnPlan& c) { return c.source_column == source; };
      const auto found = std::find_if(table->columns.begin(), table->columns.end(), same);
      if (found == table->columns.end()) return pair->key.clear();
      pair->key.push_back(static_cast<size_t>(found - table->columns.begin()));
    }
  }

  static bool IsRowid(const TablePlan& table, size_t column) {
    const Oid oid = table.codecs[column].type->oid;
    return table.reading.key_kind == KeyKind::kRowid &&
           table.columns[column].source_column == table.source->rowid_alias &&
           (oid == kOidInt2 || oid == kOidInt4 || oid == kOidInt8);
  }

  const CommonOptions& common_;
  const bool names_computed_;
  PairedTables& out_;
};

// Columns of numbers in types of dates, about which nobody said anything: the convention that all
// their values fit, as a copy into them would take it.
absl::Status ProveReadings(PairedTables* pairs, EventSink& events, CancelToken& cancel) {
  std::vector<ScanTask> tasks;
  std::vector<std::pair<size_t, std::vector<size_t>>> asked;  // table, columns
  for (size_t t = 0; t < pairs->plan.tables.size(); ++t) {
    const TablePlan& table = pairs->plan.tables[t];
    ScanTask task;
    std::vector<int> source_columns;
    std::vector<size_t> columns;
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const ColumnPlan& column = table.columns[c];
      if (!IsDated(column.type) || column.rules.integer != NumberReading::kNone ||
          column.rules.real != NumberReading::kNone || pairs->pairs[t].record != nullptr) {
        continue;
      }
      ASSIGN_OR_RETURN(Candidate candidate, FixedCandidate(column.type, column.rules));
      task.candidates.push_back({std::move(candidate)});
      source_columns.push_back(column.source_column);
      columns.push_back(c);
    }
    if (columns.empty()) continue;
    task.reading = ReadingOf(*pairs, *table.source, source_columns, table.reading.where_sql);
    tasks.push_back(std::move(task));
    asked.emplace_back(t, std::move(columns));
  }
  if (tasks.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<ScannedTable> scanned,
                   ScanTables(tasks, *pairs->snapshot, events, cancel));
  for (size_t i = 0; i < scanned.size(); ++i) {
    RETURN_IF_ERROR(scanned[i].status);
    TablePlan& table = pairs->plan.tables[asked[i].first];
    for (size_t k = 0; k < asked[i].second.size(); ++k) {
      const ColumnScan& scan = scanned[i].scan.columns[k];
      const size_t c = asked[i].second[k];
      ColumnPlan& column = table.columns[c];
      column.rules.integer = ProvenIntegerReading(scan);
      column.rules.real = ProvenRealReading(scan);
      if (column.rules.integer == NumberReading::kNone &&
          column.rules.real == NumberReading::kNone) {
        continue;
      }
      ASSIGN_OR_RETURN(table.codecs[c], BindColumn(column.type, column.rules));
      pairs->plan.findings.push_back(
          {Severity::kWarning, ErrorCode::kReadingHint,
           absl::StrCat(table.source->name, ".", column.source_name),
           ProvenReadingNote(column.rules, scan),
           "name the convention in the configuration to confirm it"});
    }
  }
  return absl::OkStatus();
}

// What the server makes of the literals that the run put where the source has NULL.
absl::Status ReadFills(PgConnection& connection, PairedTables* pairs) {
  for (size_t t = 0; t < pairs->plan.tables.size(); ++t) {
    TablePair& pair = pairs->pairs[t];
    if (pair.record == nullptr) continue;
    for (size_t c = 0; c < pairs->plan.tables[t].columns.size(); ++c) {
      const ColumnPlan& column = pairs->plan.tables[t].columns[c];
      for (const ColumnRecord& record : pair.record->columns) {
        if (record.fill != FillKind::kLiteral || record.absent ||
            !absl::EqualsIgnoreCase(record.source_name, column.source_name)) {
          continue;
        }
        const auto take = [&](absl::string_view tuple) {
          pair.fill_fields[c] = std::string(tuple.substr(2));
          return absl::OkStatus();
        };
        const std::string query =
            absl::StrCat("SELECT ", QuoteLiteral(record.fill_text), "::", column.type.sql_name);
        RETURN_IF_ERROR(CopyOut(connection, query, take).status());
      }
    }
  }
  return absl::OkStatus();
}

// What is left to do when the source is open.
absl::Status PairWith(const TargetSpec& target, const CommonOptions& common, UnreadColumns columns,
                      PairedTables* pairs, EventSink& events, CancelToken& cancel) {
  ASSIGN_OR_RETURN(pairs->target, OpenExistingTarget(target, cancel));
  ASSIGN_OR_RETURN(PgConnection connection, pairs->target->Connect());
  ASSIGN_OR_RETURN(pairs->facts, ReadTargetFacts(connection, common.target_schema));
  ASSIGN_OR_RETURN(pairs->target_tables, ReadTargetTables(connection, common.target_schema, {}));
  ASSIGN_OR_RETURN(pairs->recorded, ReadRecordedRuns(connection, common.target_schema,
                                                     &pairs->plan.findings));
  pairs->plan.target_schema = common.target_schema;
  pairs->plan.target_schema_exists = pairs->facts.schema_exists;
  ASSIGN_OR_RETURN(pairs->options, ExpandPatterns(common, {}, pairs->catalog));
  RETURN_IF_ERROR(Pairing(pairs->options, columns, pairs).Run());
  const absl::Status unfinished = RefuseWhileUnfinished(pairs->recorded);
  if (!unfinished.ok()) {
    const ErrorInfo info = InfoOf(unfinished);
    pairs->plan.findings.push_back({Severity::kWarning, info.code, "", info.what, info.hint});
  }
  RETURN_IF_ERROR(ReadFills(connection, pairs));
  RETURN_IF_ERROR(ProveReadings(pairs, events, cancel));
  return cancel.Check();
}

}  // namespace

bool IsIncluded(const CommonOptions& common, absl::string_view table) {
  const auto matches = [&](const std::string& glob) { return GlobMatches(glob, table); };
  const bool in = common.include.empty() ||
                  std::any_of(common.include.begin(), common.include.end(), matches);
  return in && std::none_of(common.exclude.begin(), common.exclude.end(), matches);
}

absl::StatusOr<RecordedRuns> ReadRecordedRuns(PgConnection& connection, const std::string& schema,
                                              std::vector<Finding>* findings) {
  RecordedRuns recorded;
  for (const bool prefixed : {false, true}) {
    LedgerLocation location;
    if (prefixed) {
      location.schema = schema;
      location.prefix = "lite2pg_";
    }
    absl::StatusOr<std::vector<RunRecord>> runs = Ledger::ReadRuns(connection, location);
    if (!runs.ok()) {
      if (!connection.alive()) return runs.status();
      findings->push_back({Severity::kWarning, ErrorCode::kTargetPrivilege, location.schema,
                           absl::StrCat("the ledger of earlier runs cannot be read: ",
                                        InfoOf(runs.status()).what),
                           "grant the role SELECT on its tables"});
      continue;
    }
    for (RunRecord& run : *runs) {
      if (run.target_schema != schema) continue;
      if (IsUnfinished(run) && !IsPublished(run) && !recorded.unfinished.has_value()) {
        recorded.unfinished = run;
      }
      if (run.state != "done") continue;
      if (run.plan_json == "{}") continue;   // of an older version, which kept no plan
      absl::StatusOr<PlanRecord> record = ParsePlanRecord(run.plan_json);
      if (!record.ok()) {
        findings->push_back({Severity::kWarning, ErrorCode::kNotLookedAt, run.run_id,
                             InfoOf(record.status()).what, InfoOf(record.status()).hint});
        continue;
      }
      run.plan_json.clear();
      recorded.location = location;
      recorded.runs.push_back({std::move(run), *std::move(record)});
    }
    if (!recorded.runs.empty()) break;
  }
  return recorded;
}

absl::Status RefuseWhileUnfinished(const RecordedRuns& recorded) {
  if (!recorded.unfinished.has_value()) return absl::OkStatus();
  const RunRecord& run = *recorded.unfinished;
  return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                   absl::StrCat("run ", run.run_id, " of ", run.started_at,
                                " into this schema did not finish (it was in stage ", run.stage,
                                ")"),
                   absl::StrCat("first `lite2pg ", run.command, " ... --resume`, which goes on "
                                "where it stopped, or --restart; lite2pg status prints the "
                                "command"));
}

TableReading ReadingOf(const PairedTables& pairs, const SourceTable& table,
                       std::vector<int> columns, const std::string& where) {
  if (pairs.archive == nullptr) return MakeTableReading(table, std::move(columns), where);
  return pairs.archive->MakeReading(*pairs.archive->FindTable(table.name), std::move(columns));
}

absl::StatusOr<std::unique_ptr<PairedTables>> OpenPairedTables(const CommonOptions& common,
                                                               const std::string& source,
                                                               const TargetSpec& target,
                                                               int readers, UnreadColumns columns,
                                                               EventSink& events,
                                                               CancelToken& cancel) {
  auto pairs = std::make_unique<PairedTables>();
  ASSIGN_OR_RETURN(SourceAndCatalog opened,
                   OpenSourceFiles(source, common, readers, SourceOptions(common)));
  pairs->snapshot = std::move(opened.snapshot);
  pairs->merged = opened.merged;
  pairs->catalog = std::move(opened.catalog);
  if (pairs->merged == nullptr) FindEffectsOnWriters(*pairs->snapshot, &pairs->plan.findings);
  RETURN_IF_ERROR(PairWith(target, common, columns, pairs.get(), events, cancel));
  return pairs;
}

absl::StatusOr<std::unique_ptr<PairedTables>> PairArchive(const CommonOptions& common,
                                                          const ArchiveSource& archive,
                                                          const TargetSpec& target, int readers,
                                                          EventSink& events, CancelToken& cancel) {
  auto pairs = std::make_unique<PairedTables>();
  pairs->archive = &archive;
  ASSIGN_OR_RETURN(pairs->snapshot, archive.OpenSnapshot(readers));
  pairs->catalog = archive.catalog();
  RETURN_IF_ERROR(
      PairWith(target, common, UnreadColumns::kAll, pairs.get(), events, cancel));
  return pairs;
}

}  // namespace lite2pg
