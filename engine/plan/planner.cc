#include "engine/plan/planner.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/declared_type.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/column_choice.h"
#include "engine/plan/existing_columns.h"
#include "engine/plan/foreign_key_links.h"
#include "engine/plan/memory_share.h"
#include "engine/plan/post_objects.h"
#include "engine/plan/spread_tables.h"
#include "engine/postgres/ddl.h"
#include "engine/postgres/identifier.h"
#include "engine/postgres/server_text.h"

namespace lite2pg {
namespace {

// Locks of a publishing transaction that no table is the reason of: catalogs, schemas, the ledger.
constexpr int64_t kPublishLocksBesides = 50;

// PostgreSQL: MaxHeapTupleSize of 8 KiB pages less the header (src/include/access/htup_details.h);
// 8,160 was found by trying.
constexpr size_t kRowInPageBytesMax = 8160;
constexpr size_t kTupleHeaderBytes = 24;
// Every table has these already (PostgreSQL documentation, "System Columns").
constexpr absl::string_view kSystemColumns[] = {"ctid", "xmin", "xmax",
                                                "cmin", "cmax", "tableoid"};
// The least that a stored value takes in the row itself: fixed types whole, others as the pointer
// to where the server has moved them.
constexpr size_t kToastPointerBytes = 18;

size_t FixedBytes(const PgType& type) {
  switch (type.oid) {
    case kOidBool:
      return 1;
    case kOidInt2:
      return 2;
    case kOidInt4:
    case kOidFloat4:
    case kOidDate:
      return 4;
    case kOidInt8:
    case kOidFloat8:
    case kOidTimestamp:
    case kOidTimestamptz:
    case kOidTime:
      return 8;
    case kOidUuid:
      return 16;
    default:
      return 0;
  }
}

class Planner {
 public:
  Planner(const PlanInputs& inputs, Selection selection, std::vector<TableScan> scans)
      : in_(inputs), selection_(std::move(selection)), scans_(std::move(scans)) {}

  absl::StatusOr<Plan> Run() {
    plan_.target_schema = in_.options->target_schema;
    plan_.target_schema_exists = in_.facts.schema_exists;
    plan_.findings = std::move(selection_.findings);
    plan_.not_loaded = std::move(selection_.not_loaded);
    plan_.decided_objects = std::move(selection_.not_carried);
    for (const std::string& name : in_.taken_names) names_.Reserve(name);
    CheckTarget();
    const bool creates =
        std::any_of(selection_.tables.begin(), selection_.tables.end(),
                    [](const SelectedTable& table) { return table.target == nullptr; });
    if (creates && in_.in_place) {
      plan_.staging_schema = plan_.target_schema;
    } else if (creates && (in_.facts.version == 0 || in_.facts.can_create_schema)) {
      plan_.staging_schema = absl::StrCat("lite2pg_staging_", in_.run_tag);
    } else if (creates) {
      plan_.staging_schema = plan_.target_schema;
      plan_.staging_prefix = StagingPrefix(in_.run_tag);
    }
    plan_.tables.reserve(selection_.tables.size());
    for (size_t i = 0; i < selection_.tables.size(); ++i) {
      AddTable(selection_.tables[i], std::move(scans_[i]));
    }
    NameSequences();
    OrderTables();
    RETURN_IF_ERROR(AddPostObjects(in_, &names_, &plan_));
    AddSequences();
    PlanSpreads(in_, &plan_);
    PlanFills(in_, &plan_);
    PlanExisting(in_, &plan_);
    PlanForeignKeyLinks(in_, &plan_);
    CheckLocks();
    std::stable_sort(plan_.findings.begin(), plan_.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
    return std::move(plan_);
  }

 private:
  void Note(Severity severity, ErrorCode code, std::string object, std::string message,
            std::string hint = "") {
    plan_.findings.push_back(
        {severity, code, std::move(object), std::move(message), std::move(hint)});
  }

  // What the server is must not be a surprise in the middle of the night.
  void CheckTarget() {
    const TargetFacts& facts = in_.facts;
    if (facts.version == 0) return;
    if (facts.version < 140000) {
      Note(Severity::kBlocking, ErrorCode::kTargetVersion, facts.database,
           absl::StrCat("the server is PostgreSQL ", facts.version_text,
                        "; 14 is the oldest "
                        "that is supported"));
    }
    if (facts.encoding != "UTF8") {
      Note(Severity::kBlocking, ErrorCode::kTargetEncoding, facts.database,
           absl::StrCat("the database's encoding is ", facts.encoding,
                        ", which cannot hold all of SQLite's text"),
           "create the database with ENCODING 'UTF8' TEMPLATE template0");
    }
    if (facts.in_recovery || facts.read_only) {
      Note(Severity::kBlocking, ErrorCode::kTargetPrivilege, facts.database,
           "the server is read-only (a standby, or default_transaction_read_only)",
           "connect to the primary");
    }
    if (facts.transaction_pooler) {
      Note(Severity::kBlocking, ErrorCode::kTargetPooler, facts.database,
           "a pooler in transaction mode stands before the server; session state does not stick",
           "connect to the server itself, or to a pool in session mode");
    }
    const bool cannot_make_schema = !facts.schema_exists && !facts.can_create_schema;
    // Tables that are loaded elsewhere are moved there at the end.
    if (cannot_make_schema ||
        (facts.schema_exists && !facts.can_create_in_schema && AnyCreated())) {
      Note(Severity::kBlocking, ErrorCode::kTargetPrivilege, in_.options->target_schema,
           absl::StrCat("the role ", EscapeName(facts.user), " may not create tables in schema ",
                        EscapeName(in_.options->target_schema)),
           absl::StrCat(facts.schema_exists
                            ? absl::StrCat("GRANT USAGE, CREATE ON SCHEMA ",
                                           QuoteIdentifier(in_.options->target_schema))
                            : absl::StrCat("GRANT CREATE ON DATABASE ",
                                           QuoteIdentifier(facts.database)),
                        " TO ", QuoteIdentifier(facts.user)));
    }
  }

  bool AnyCreated() const {
    return std::any_of(selection_.tables.begin(), selection_.tables.end(),
                       [](const SelectedTable& table) { return table.target == nullptr; });
  }

  void AddTable(const SelectedTable& selected, TableScan scan) {
    TablePlan table;
    table.source = selected.source;
    table.create = selected.target == nullptr;
    table.reading = selected.reading;
    table.rows = scan.rows;
    table.telling_rows = scan.telling_rows;
    table.bytes = scan.encoded_bytes;
    table.row_bytes_max = scan.row_bytes_max;
    if (table.create) {
      table.target_name = TableName(selected);
      table.load_schema = plan_.staging_schema;
    } else {
      table.target = *selected.target;
      table.target_name = selected.target->name;
      table.load_schema = selected.target->schema;
      table.rows_preexisting = selected.target->has_rows;
    }
    table.load_name = table.target_name;
    if (table.create && !plan_.staging_prefix.empty()) {
      table.load_name = absl::StrCat(plan_.staging_prefix, plan_.tables.size());
    }
    NameTable columns;
    for (const absl::string_view name : kSystemColumns) columns.Reserve(name);
    table.columns.reserve(selected.reading.columns.size());
    table.codecs.reserve(selected.reading.columns.size());
    for (size_t i = 0; i < selected.reading.columns.size(); ++i) {
      AddColumn(selected, i, scan.columns[i], &columns, &table);
    }
    CheckWidth(table, scan.rows_too_large);
    plan_.tables.push_back(std::move(table));
  }

  std::string TableName(const SelectedTable& selected) {
    const bool renamed = selected.config != nullptr && !selected.config->rename.empty();
    return TargetName(renamed ? selected.config->rename : selected.source->name, renamed,
                      selected.source->name, &names_);
  }

  std::string TargetName(const std::string& wanted, bool renamed, const std::string& object,
                         NameTable* names) {
    const std::string name = renamed ? wanted : SpelledName(in_, wanted);
    const std::string given = names->Add(name);
    if (given != name) {
      const bool shortened = name.size() > kIdentifierBytesMax;
      Note(Severity::kWarning, shortened ? ErrorCode::kNameShortened : ErrorCode::kNameCollision,
           object,
           absl::StrCat("the name ", EscapeName(name), " becomes ", EscapeName(given),
                        shortened ? ": PostgreSQL's names have at most 63 bytes"
                                  : ": PostgreSQL cannot have it, or another object has it"),
           "choose a name in the configuration if you prefer another");
    }
    return given;
  }

  void AddColumn(const SelectedTable& selected, size_t index, ColumnScan& scan, NameTable* names,
                 TablePlan* table) {
    const int source_index = selected.reading.columns[index];
    const SourceColumn& source = selected.source->columns[static_cast<size_t>(source_index)];
    const ColumnConfig* config = FindColumnConfig(selected.config, source.name);
    const std::vector<Candidate>& candidates = selected.candidates[index];
    const std::string object = absl::StrCat(selected.source->name, ".", source.name);
    const TargetColumn* target = selected.target_columns[index];

    ColumnPlan column;
    column.source_column = source_index;
    column.source_name = source.name;
    column.declared_type = source.declared_type;
    const bool chosen_here = config != nullptr && config->on_bad_value.has_value();
    column.rejects_bad = (chosen_here ? *config->on_bad_value : in_.policy->on_bad_value) ==
                         OnBadValue::kReject;
    const BadValuePolicy bad_values{column.rejects_bad, RejectsMax(table->rows)};
    const size_t chosen = ChooseCandidate(source, candidates, scan, object, target != nullptr,
                                          bad_values, &plan_.findings, &column.reason);
    const Candidate& candidate = candidates[chosen];
    column.type = candidate.type;
    column.rules = candidate.rules;
    if (target != nullptr) {
      column.target_name = target->name;
      column.not_null = target->not_null;
      column.sequence = target->sequence;
    } else {
      const bool renamed = config != nullptr && !config->rename.empty();
      column.target_name =
          TargetName(renamed ? config->rename : source.name, renamed, object, names);
      column.not_null = ProvenNotNull(*selected.source, source, scan, object);
      column.identity = selected.source->rowid_alias == source_index &&
                        (column.type.oid == kOidInt8 || column.type.oid == kOidInt4 ||
                         column.type.oid == kOidInt2);
      // A sequence keeps the name it was made with, so it must not be made from a staging name.
      if (column.identity && !plan_.staging_prefix.empty()) {
        column.identity_sequence =
            names_.Add(absl::StrCat(table->target_name, "_", column.target_name, "_seq"));
      }
    }
    if (column.rules.bad_value == BadValueRule::kRefuse) NoteTooLarge(object, scan.too_large);
    NoteRules(object, scan, column);
    column.scan = std::move(scan);
    column.scan.refused = std::vector<CounterExample>();   // the choice is made
    if (candidate.codec.server_text) NoteTextCopy(object, *table, column);
    if (candidate.codec.server_text) table->format = CopyFormat::kText;
    table->codecs.push_back(candidate.codec);
    table->columns.push_back(std::move(column));
  }

  // Setting such a row aside is no way out: lite2pg.reject lies in PostgreSQL too.
  void NoteTooLarge(const std::string& object, const CounterExample& too_large) {
    if (too_large.count == 0) return;
    Note(Severity::kBlocking, ErrorCode::kValueTooLarge, object,
         absl::StrCat(too_large.count, " value(s) are larger than PostgreSQL can hold (",
                      kFieldBytesMax, " bytes); the first is ", too_large.value, " at ",
                      too_large.row_key),
         "leave such rows out with --where, or let on-bad-value = \"null\" of the column stand for "
         "such values; they cannot be set aside, as lite2pg.reject has the same limit");
  }

  void NoteRules(const std::string& object, const ColumnScan& scan, const ColumnPlan& column) {
    for (size_t r = 1; r < kRuleUseCount; ++r) {
      if (scan.rule_counts[r] == 0) continue;
      Note(Severity::kInfo, ErrorCode::kRuleApplied, object,
           absl::StrCat(scan.rule_counts[r], " value(s) are changed by your rule (",
                        kRuleUseNames[r], ") to fit ",
                        EscapeForMessage(column.type.sql_name, 100), "; the first is ",
                        scan.RuleExample(r)));
    }
  }

  void NoteTextCopy(const std::string& object, const TablePlan& table, const ColumnPlan& column) {
    if (table.is_text_copy()) return;  // said already
    Note(Severity::kInfo, ErrorCode::kTextCopy, object,
         absl::StrCat("the type ", EscapeForMessage(column.type.sql_name, 100),
                      " has no binary form here: the table is loaded by text COPY, and the server "
                      "itself reads the values"),
         "nothing; such a table loads more slowly");
  }

  // Of a table's rows, how many may be set aside at most.
  uint64_t RejectsMax(uint64_t rows) const {
    const LoadPolicy& policy = *in_.policy;
    if (policy.max_rejects_percent < 0) return policy.max_rejects_rows;
    const double part = policy.max_rejects_percent / 100 * static_cast<double>(rows);
    return std::min(policy.max_rejects_rows, static_cast<uint64_t>(part));
  }

  bool ProvenNotNull(const SourceTable& table, const SourceColumn& column, const ColumnScan& scan,
                     const std::string& object) {
    const bool declared =
        column.not_null || (table.rowid_alias >= 0 && column.primary_key_position > 0);
    if (!declared) return false;
    const uint64_t nulls = scan.counts[static_cast<size_t>(StorageClass::kNull)] +
                           scan.rule_counts[static_cast<size_t>(RuleUse::kEmptyAsNull)] +
                           scan.rule_counts[static_cast<size_t>(RuleUse::kBadAsNull)];
    if (nulls == 0) return true;
    Note(Severity::kWarning, ErrorCode::kConstraintViolated, object,
         absl::StrCat("declared NOT NULL, but ", nulls, " row(s) hold NULL (",
                      absl::StrJoin(scan.null_rows, "; "), "); the column is created nullable"),
         "mend the rows, then ALTER TABLE ... SET NOT NULL");
    return false;
  }

  // What the server would refuse whatever the rows are.
  void CheckWidth(const TablePlan& table, const CounterExample& rows_too_large) {
    if (table.columns.size() > kTargetColumnsMax) {
      Note(
          Severity::kBlocking, ErrorCode::kTooManyColumns, table.source->name,
          absl::StrCat(table.columns.size(), " columns; PostgreSQL's limit is ", kTargetColumnsMax),
          "split the table, or exclude it");
      return;
    }
    size_t bytes = kTupleHeaderBytes + (table.columns.size() + 7) / 8;
    for (const ColumnPlan& column : table.columns) {
      // A column that always has a value counts whole; text at most as what remains of it.
      if (column.scan.counts[static_cast<size_t>(StorageClass::kNull)] > 0 || table.rows == 0) {
        continue;
      }
      const size_t fixed = FixedBytes(column.type);
      const size_t average = column.scan.bytes / table.rows + 1;
      bytes += fixed > 0 ? fixed : std::min(kToastPointerBytes, average);
    }
    if (bytes > kRowInPageBytesMax) {
      Note(Severity::kBlocking, ErrorCode::kRowTooWide, table.source->name,
           absl::StrCat("a row takes at least ", bytes,
                        " bytes in the table itself; "
                        "PostgreSQL's pages hold rows of ",
                        kRowInPageBytesMax),
           "split the table, or exclude it");
    }
    if (rows_too_large.count > 0) {
      Note(Severity::kBlocking, ErrorCode::kValueTooLarge, table.source->name,
           absl::StrCat(rows_too_large.count, " row(s) are larger than PostgreSQL can hold (",
                        RowBytesOnWireMax(table.columns.size()), " bytes for all ",
                        table.columns.size(), " columns together); the first is of ",
                        rows_too_large.value, " at ", rows_too_large.row_key),
           "leave such rows out with --where, or a column (exclude = true, into a table that is "
           "there)");
    } else if (table.row_bytes_max > RowBytesMax(in_.options->memory_bytes)) {
      NoteHugeRow(table);
    }
  }

  void NoteHugeRow(const TablePlan& table) {
    const size_t needed = MemoryForRow(table.row_bytes_max);
    const std::string row = absl::StrCat("a row of ", FormatBytes(table.row_bytes_max));
    if (MayBeRaised(in_.options->memory_bytes)) {
      Note(Severity::kWarning, ErrorCode::kSourceLimit, table.source->name,
           absl::StrCat(row, " takes about ", FormatBytes(needed), " of memory while it is copied"),
           "name --memory to have rows refused that do not fit into it");
      return;
    }
    Note(Severity::kBlocking, ErrorCode::kSourceLimit, table.source->name,
         absl::StrCat(row, " does not fit into the memory that this run may take (--memory ",
                      FormatBytes(in_.options->memory_bytes), ")"),
         absl::StrCat("--memory ", (needed >> 20) + 1, "MiB"));
  }

  // The largest first, so that no stream ends up alone with it; what the user ordered before all.
  void OrderTables() {
    const auto rank = [this](const TablePlan& table) {
      for (size_t i = 0; i < in_.order.size(); ++i) {
        if (absl::EqualsIgnoreCase(in_.order[i], table.source->name)) return i;
      }
      return in_.order.size();
    };
    std::stable_sort(plan_.tables.begin(), plan_.tables.end(),
                     [&](const TablePlan& a, const TablePlan& b) {
                       const size_t rank_a = rank(a), rank_b = rank(b);
                       return rank_a != rank_b ? rank_a < rank_b : a.bytes > b.bytes;
                     });
  }

  // The server names the sequence of an identity column itself, by a name that a table of the
  // source, or something in the target's schema, may have.
  void NameSequences() {
    for (TablePlan& table : plan_.tables) {
      for (ColumnPlan& column : table.columns) {
        if (!column.identity || !column.identity_sequence.empty()) continue;
        const std::string name = IdentitySequenceName(table.target_name, column.target_name);
        if (names_.IsTaken(name)) {
          column.identity_sequence = names_.Add(name);
        } else {
          names_.Reserve(name);
        }
      }
    }
  }

  void AddSequences() {
    for (size_t i = 0; i < plan_.tables.size(); ++i) {
      const TablePlan& table = plan_.tables[i];
      for (const ColumnPlan& column : table.columns) {
        if (!column.identity && column.sequence.empty()) continue;
        SequencePlan sequence;
        sequence.table = static_cast<int>(i);
        sequence.column = column.target_name;
        sequence.sequence = column.sequence;
        const bool alias = table.source->rowid_alias == column.source_column;
        sequence.source_sequence = alias ? table.source->sequence : 0;
        plan_.sequences.push_back(std::move(sequence));
      }
    }
  }

  // Publishing moves every table and the sequences of its columns in one transaction and holds a
  // lock for each. To learn at the very end that there is no room for them would be late.
  void CheckLocks() {
    if (in_.facts.max_locks <= 0 || !plan_.target_schema_exists) return;
    int64_t locks = kPublishLocksBesides;
    for (const TablePlan& table : plan_.tables) locks += table.create ? 1 : 0;
    for (const SequencePlan& sequence : plan_.sequences) {
      locks += plan_.tables[static_cast<size_t>(sequence.table)].create ? 1 : 0;
    }
    for (const PostObject& object : plan_.objects) locks += object.kind == PostKind::kView ? 1 : 0;
    if (locks <= in_.facts.max_locks) return;
    // Renaming out of a prefix needs the plan's names, which a later attempt might not have.
    if (in_.publish_in_batches && plan_.staging_prefix.empty()) {
      Note(Severity::kWarning, ErrorCode::kTargetOutOfResource, plan_.target_schema,
           absl::StrCat("publishing ", plan_.tables.size(), " tables takes more locks than this "
                        "server has room for: they become visible in batches, so that for a while "
                        "only a part is there"),
           "nothing should use the schema until the run is done");
      return;
    }
    Note(Severity::kBlocking, ErrorCode::kTargetOutOfResource, plan_.target_schema,
         absl::StrCat("publishing ", plan_.tables.size(), " tables at once takes about ", locks,
                      " locks, and this server has room for ", in_.facts.max_locks,
                      " (max_locks_per_transaction * (max_connections + "
                      "max_prepared_transactions))"),
         "copy into a schema that does not exist yet (--target-schema NAME), which is renamed as a "
         "whole; or --publish batched; or set max_locks_per_transaction higher and restart the "
         "server");
  }

  const PlanInputs& in_;
  Selection selection_;
  std::vector<TableScan> scans_;
  NameTable names_;  // of all relations of the target schema
  Plan plan_;
};

}  // namespace

std::string StagingPrefix(absl::string_view run_id) {
  return absl::StrCat("lite2pg_", run_id.substr(0, 8), "_");
}

std::string TablePlan::LoadTarget() const { return QuoteQualified(load_schema, load_name); }

std::string TablePlan::MergeTarget() const {
  return merge ? QuoteQualified(target.schema, target.name) : LoadTarget();
}

std::vector<std::string> TablePlan::TargetColumns() const {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const ColumnPlan& column : columns) names.push_back(column.target_name);
  return names;
}

std::string TablePlan::ReadColumns(absl::string_view alias) const {
  std::vector<std::string> read;
  read.reserve(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string name = absl::StrCat(alias, alias.empty() ? "" : ".",
                                          QuoteIdentifier(columns[i].target_name));
    read.push_back(codecs[i].server_text ? ServerTextSql(columns[i].type, name) : name);
  }
  return absl::StrJoin(read, ", ");
}

bool Plan::blocked() const {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::kBlocking;
  });
}

absl::StatusOr<Plan> MakePlan(const PlanInputs& inputs, Selection selection,
                              std::vector<TableScan> scans) {
  return Planner(inputs, std::move(selection), std::move(scans)).Run();
}

}  // namespace lite2pg
