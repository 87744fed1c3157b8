#include "engine/command/sync_session.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/failpoint.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_report.h"
#include "engine/command/rejects_export.h"
#include "engine/command/source_checks.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/plan/partition_record.h"
#include "engine/postgres/rejects.h"
#include "engine/postgres/sequences.h"
#include "engine/verify/sqlite_side.h"
#include "engine/verify/target_side.h"

namespace lite2pg {
namespace {

// About, in tables of few columns.
constexpr int64_t kRowsPerPageGuess = 80;
// A quarter of the ceiling is for hashes of rows that may differ; the rest is for SQLite's caches,
// libpq's buffers and the program.
constexpr size_t kHashShare = 4;

std::string NewRunId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

bool IsQuoted(const ColumnCodec& codec) {
  const Oid oid = codec.type->oid;
  return oid == kOidText || oid == kOidVarchar || oid == kOidBpchar || oid == kOidJson;
}

}  // namespace

SyncSession::SyncSession(const SyncRequest& request, EventSink& events, CancelToken& cancel)
    : request_(request), events_(events), cancel_(cancel), run_id_(NewRunId()) {
  report_.command = "sync";
  report_.run_id = run_id_;
}

SyncSession::~SyncSession() = default;

absl::Status SyncSession::Timed(Stage stage, absl::Status (SyncSession::*method)()) {
  const StageTimer timer(stage, &report_);
  return (this->*method)();
}

int SyncSession::Workers() const {
  int workers = request_.common.streams;
  if (workers == 0) workers = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  return std::clamp(workers, 1, kStreamsMax);
}

absl::Status SyncSession::Inspect() {
  ASSIGN_OR_RETURN(pairs_, OpenPairedTables(request_.common, request_.source, request_.target,
                                            Workers(), UnreadColumns::kNotComputed, events_,
                                            cancel_));
  report_.source.path = pairs_->catalog.path;
  report_.source.encoding = pairs_->catalog.encoding;
  report_.source.page_size = pairs_->catalog.page_size;
  report_.source.bytes = pairs_->catalog.bytes();
  report_.source.fingerprint = pairs_->snapshot->fingerprint();
  report_.source.snapshot = pairs_->snapshot->guarantee();
  pairs_->target->Describe(pairs_->facts, request_.common.target_schema, &report_);
  RETURN_IF_ERROR(RefuseUnproven(pairs_->facts, request_.common));
  report_.findings = pairs_->plan.findings;
  RETURN_IF_ERROR(RefuseWhileUnfinished(pairs_->recorded));
  RETURN_IF_ERROR(CheckPairs());
  RETURN_IF_ERROR(CheckFills());
  // Before anybody is kept waiting by a lock.
  if (request_.common.check == CheckMode::kFull) {
    RETURN_IF_ERROR(QuickCheck(pairs_->snapshot->reader(0), &report_.findings));
  }

  PgConnectOptions connect = pairs_->target->connect_options();
  connect.application_name = RunApplicationName(run_id_);
  // Triggers of the application run as they do for the application.
  connect.search_path = std::nullopt;
  ASSIGN_OR_RETURN(writer_, PgConnection::Connect(connect));
  std::string holder;
  ASSIGN_OR_RETURN(const bool locked,
                   Ledger::TryLock(*writer_, request_.common.target_schema, &holder,
                                   DialectNamed(pairs_->facts.dialect)));
  if (!locked) {
    return MakeError(ErrorCode::kAnotherRun, ExitCode::kCannotResume,
                     absl::StrCat("another run is writing to this schema (", holder, ")"),
                     "wait for it to end, or end it");
  }
  LedgerLocation location = pairs_->recorded.location;
  if (pairs_->recorded.runs.empty()) {
    RETURN_IF_ERROR(CheckLedgerCanBe());
    location = LedgerLocationFor(pairs_->facts, request_.common.target_schema);
  }
  RETURN_IF_ERROR(Ledger::CreateTables(*writer_, location));
  ledger_.emplace(location, run_id_, 1);
  tables_ = std::make_unique<SyncTables>(*writer_, *pairs_);
  RETURN_IF_ERROR(writer_->Begin());
  RETURN_IF_ERROR(tables_->Lock());
  LITE2PG_FAILPOINT("sync.begun");
  return cancel_.Check();
}

// A role that may create nothing copies without a ledger; what a sync writes must be on record.
absl::Status SyncSession::CheckLedgerCanBe() const {
  const TargetFacts& facts = pairs_->facts;
  if (facts.can_create_schema || facts.can_create_in_schema) return absl::OkStatus();
  return MakeError(ErrorCode::kTargetPrivilege, ExitCode::kTargetRefuses,
                   absl::StrCat("sync keeps a record of what it writes, and the role ",
                                EscapeName(facts.user), " may create tables neither in the "
                                "database nor in the schema ",
                                EscapeName(request_.common.target_schema)),
                   absl::StrCat("GRANT CREATE ON SCHEMA ",
                                QuoteIdentifier(request_.common.target_schema), " TO ",
                                QuoteIdentifier(facts.user),
                                "; or empty the tables and copy them again"));
}

// What cannot be brought over is no reason to bring over the rest and call it equal.
absl::Status SyncSession::CheckPairs() const {
  std::vector<std::string> names;
  for (const SourceTable* table : pairs_->without_partner) names.push_back(table->name);
  if (!names.empty()) {
    return MakeError(ErrorCode::kTargetNoPartner, ExitCode::kTargetRefuses,
                     absl::StrCat("the target has no table for ",
                                  EscapeForMessage(absl::StrJoin(names, ", "), 300)),
                     "bring them over first with `lite2pg copy`, or leave them out with --exclude");
  }
  for (size_t i = 0; i < pairs_->pairs.size(); ++i) {
    const TablePair& pair = pairs_->pairs[i];
    const TablePlan& table = pairs_->plan.tables[i];
    std::vector<std::string> columns = pair.missing_columns;
    columns.insert(columns.end(), pair.unread_columns.begin(), pair.unread_columns.end());
    for (size_t c = 0; c < table.columns.size(); ++c) {
      // Rows of such types travel as text, which a comparison of bytes cannot use.
      if (table.codecs[c].server_text) columns.push_back(table.columns[c].source_name);
    }
    if (columns.empty()) continue;
    ErrorInfo info;
    info.code = ErrorCode::kTargetColumnMismatch;
    info.exit_code = ExitCode::kTargetRefuses;
    info.table = table.source->name;
    info.column = columns[0];
    info.what = "a column of the source cannot be brought over";
    info.hint = "it has no partner, or a type that only the server reads; the findings say more";
    return MakeError(info);
  }
  return absl::OkStatus();
}

// NULLs are filled as the run that copied the table did; anything else would change rows that are
// equal.
absl::Status SyncSession::CheckFills() const {
  for (const TableConfig& table : pairs_->options.tables) {
    for (const ColumnConfig& column : table.columns) {
      if (!column.fill.has_value()) continue;
      bool recorded = false;
      for (const TablePair& pair : pairs_->pairs) {
        if (pair.record == nullptr ||
            !absl::EqualsIgnoreCase(pair.record->source_name, table.name)) {
          continue;
        }
        for (const ColumnRecord& known : pair.record->columns) {
          recorded |= absl::EqualsIgnoreCase(known.source_name, column.name) &&
                      known.fill == FillKind::kLiteral && !column.fill->is_expression &&
                      known.fill_text == column.fill->text;
        }
      }
      if (recorded) continue;
      ErrorInfo info;
      info.code = ErrorCode::kUsage;
      info.exit_code = ExitCode::kUsage;
      info.table = table.name;
      info.column = column.name;
      info.what = "--fill names another value than the run that copied the table";
      info.hint = "leave it out: sync fills as that run did";
      return MakeError(info);
    }
  }
  return absl::OkStatus();
}

absl::Status SyncSession::Plan() {
  const size_t count = pairs_->plan.tables.size();
  refused_.resize(count);
  read_back_.resize(count);
  written_.resize(count);
  compared_.reserve(count);   // the guards refer to its elements
  std::vector<SqliteSideTable> sources;
  std::vector<TargetSideTable> targets;
  for (size_t i = 0; i < count; ++i) {
    const TablePlan& table = pairs_->plan.tables[i];
    ComparedTable compared;
    compared.name = table.source->name;
    for (const ColumnPlan& column : table.columns) compared.columns.push_back(column.source_name);
    // A key that the target does not keep unique cannot say which row is meant.
    const TablePair& pair = pairs_->pairs[i];
    if (pair.key_is_unique) compared.key = pair.key;
    compared.key_is_unique = pair.key_is_unique;
    compared.key_finds_rows = pair.key_finds_rows;
    compared.rows_estimate = static_cast<uint64_t>(
        std::max<int64_t>(0, table.target.pages) * kRowsPerPageGuess);
    compared_.push_back(std::move(compared));
    guards_.emplace_back(table, pair, &compared_.back());
    sources.push_back({&table.reading, table.codecs, pair.fill_fields, IsLarge(table),
                       table.columns});
    TargetSideTable target;
    target.from = QuoteQualified(table.target.schema, table.target.name);
    target.columns = table.TargetColumns();
    target.codecs = table.codecs;
    for (const ColumnCodec& codec : table.codecs) target.show_quoted.push_back(IsQuoted(codec));
    target.pages = table.target.pages;
    target.cut_by_position = table.target.kind == 'r';
    if (pair.key_finds_rows) target.key_column = table.columns[pair.key[0]].target_name;
    targets.push_back(std::move(target));
  }
  proof_.emplace(*writer_, *pairs_, compared_, *tables_);
  SqliteSide source(*pairs_->snapshot, pairs_->snapshot->size(), std::move(sources), nullptr);
  ASSIGN_OR_RETURN(const std::unique_ptr<TargetSide> target,
                   TargetSide::Open(pairs_->target->connect_options(), Workers(),
                                    std::move(targets)));
  CompareOptions options;
  options.memory_bytes = request_.common.memory_bytes / kHashShare;
  options.differences_expected = true;
  options.on_partitions = [this](size_t table, const std::vector<Digest>& a,
                                 const std::vector<Digest>& b) {
    guards_[table].SetPartitions(a, b);
  };
  const auto on_row = [this](size_t table, DifferenceKind kind, bool from_a,
                             const ComparedRow& row) {
    return OnDifference(table, kind, from_a, row);
  };
  ASSIGN_OR_RETURN(found_, FindDifferences(compared_, source, *target, options, on_row, events_,
                                           cancel_));
  for (size_t i = 0; i < count; ++i) forms_.push_back(source.Forms(i));
  RETURN_IF_ERROR(pairs_->snapshot->CheckUnchanged());
  RETURN_IF_ERROR(CheckRefused());
  LITE2PG_FAILPOINT("sync.put_beside");
  return Guard();
}

absl::Status SyncSession::OnDifference(size_t table, DifferenceKind kind, bool from_a,
                                       const ComparedRow& row) {
  if (guards_[table].IsForeign(kind, from_a, row) && !request_.force_source) {
    return absl::OkStatus();
  }
  if (!from_a) {
    proof_->Replaces(table, guards_[table].held().size(), row);
    const bool goes = kind == DifferenceKind::kExtra || kind == DifferenceKind::kDoubled;
    return goes ? tables_->Remove(table, row.tuple) : absl::OkStatus();
  }
  if (!row.tuple.empty()) return tables_->Put(table, row.tuple);
  NoteRefused(table, kind, row);
  return absl::OkStatus();
}

void SyncSession::NoteRefused(size_t table, DifferenceKind kind, const ComparedRow& row) {
  Refused& refused = refused_[table];
  refused.changed |= kind == DifferenceKind::kChanged;
  const bool first = refused.rows.rows == 0;
  refused.rows.AddRow(row.fields);
  if (!first || row.presenter == nullptr) return;
  for (const size_t column : compared_[table].key) {
    absl::StrAppend(&refused.key, refused.key.empty() ? "" : ", ",
                    EscapeName(compared_[table].columns[column]), "=",
                    EscapeForMessage(row.presenter->Show(column, 64)));
  }
  absl::string_view rest = row.fields, field;
  for (size_t i = 0; NextField(&rest, &field); ++i) {
    const bool has_no_form = field.substr(0, 4) == absl::string_view("\xff\xff\xff\xfe", 4);
    if (!has_no_form) continue;
    refused.column = compared_[table].columns[i];
    refused.value = EscapeForMessage(row.presenter->Show(i, 64));
    return;
  }
}

absl::Status SyncSession::CheckRefused() {
  for (size_t i = 0; i < refused_.size(); ++i) {
    const Refused& refused = refused_[i];
    const uint64_t rows = refused.rows.rows;
    if (rows == 0) continue;
    const bool reject = request_.policy.on_bad_value == OnBadValue::kReject;
    const double percent = request_.policy.max_rejects_percent;
    const auto all = static_cast<double>(found_[i].a.rows);
    const bool too_many = rows > request_.policy.max_rejects_rows ||
                          (percent >= 0 && static_cast<double>(rows) > all * percent / 100);
    if (reject && !refused.changed && !too_many) continue;
    ErrorInfo info;
    info.code = reject && too_many ? ErrorCode::kTooManyRejects : ErrorCode::kBadValue;
    info.exit_code = ExitCode::kBadValue;
    info.table = compared_[i].name;
    info.row_key = refused.key;
    info.column = refused.column;
    info.value = refused.value;
    info.what = absl::StrCat(rows, " row(s) hold a value without a faithful form in its column");
    info.hint = reject && too_many
                    ? "mend them in the source, or raise --max-rejects"
                : refused.changed && reject
                    ? "the target has an older row of that key, which would have to go: mend the "
                      "value in the source"
                    : "mend them in the source, or set them aside with --on-bad-value reject";
    return MakeError(info);
  }
  return absl::OkStatus();
}

bool SyncSession::AnyHeld() const {
  return std::any_of(guards_.begin(), guards_.end(),
                     [](const SyncGuard& guard) { return guard.rows_held() > 0; });
}

// What others have written stays as it is, and everything else is brought over, unless all is to
// be equal to the source.
absl::Status SyncSession::Guard() {
  for (size_t i = 0; i < found_.size(); ++i) {
    SyncGuard& guard = guards_[i];
    const bool unknown = guard.MayOverwriteUnknown(found_[i]);
    if (unknown) guard.Hold(found_[i]);
    const uint64_t rows = guard.rows_held();
    if (rows == 0) continue;
    Finding finding{Severity::kWarning, ErrorCode::kSyncOverwrites, compared_[i].name, "", ""};
    finding.message = absl::StrCat(
        rows, unknown ? " row(s) differ, and no run has recorded what the table held, so rows that "
                        "were changed on the target cannot be told from old ones"
                      : " row(s) differ in parts of the table that were changed on the target "
                        "since the last run");
    if (request_.force_source) {
      guard.Force();
      finding.message += ": made equal to the source, as --force-source asks";
    } else {
      if (unknown) {
        RETURN_IF_ERROR(tables_->Leave(i));
        proof_->Leave(i);
      }
      finding.message += ": left as they are";
      finding.hint = "`lite2pg verify` shows the differences; --force-source makes the target "
                     "equal to the source all the same";
    }
    report_.findings.push_back(std::move(finding));
  }
  return absl::OkStatus();
}

absl::Status SyncSession::Data() {
  const CancelToken::Registration on_cancel = cancel_.OnCancel([this] { writer_->Cancel(); });
  const absl::Status status = tables_->Apply();
  RETURN_IF_ERROR(cancel_.Check());
  if (!status.ok() && AnyHeld()) {
    ErrorInfo where;
    where.hint = "rows that were changed on the target stay as they are, which may be in the way "
                 "of others; --force-source brings over all";
    return WithContext(status, where);
  }
  if (!status.ok() && InfoOf(status).sqlstate == "23505") {
    ErrorInfo where;
    where.hint = "rows may have exchanged values of a unique column, which PostgreSQL refuses row "
                 "by row: make the constraint DEFERRABLE (drop it and add it again), or load the "
                 "table anew (lite2pg copy --existing-rows replace)";
    return WithContext(status, where);
  }
  RETURN_IF_ERROR(status);
  LITE2PG_FAILPOINT("sync.applied");
  return SetAside();
}

// The rows in question are found again in the same snapshot, as only there they are what SQLite
// holds.
absl::Status SyncSession::SetAside() {
  for (size_t i = 0; i < refused_.size(); ++i) {
    if (refused_[i].rows.rows == 0) continue;
    const TablePlan& table = pairs_->plan.tables[i];
    const std::unique_ptr<RowSource> source = NewLibraryRowSource(pairs_->snapshot->reader(0));
    RETURN_IF_ERROR(source->Open(table.reading, KeyRange()));
    RowEncoder encoder(table.codecs);
    FieldBuffer buffer;
    std::vector<RejectRecord> rejects;
    while (true) {
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
      if (row.empty()) break;
      buffer.Clear();
      const RowOutcome outcome = encoder.Encode(row, &buffer);
      if (outcome.outcome == Outcome::kOk) continue;
      rejects.push_back(BadValueReject(table, outcome, row, source->DescribeRow()));
      rejects.back().chunk = -1;
      if (rejects.size() > refused_[i].rows.rows) break;
    }
    source->Close();
    if (rejects.size() != refused_[i].rows.rows) {
      return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                       "rows without a form were counted in two ways");
    }
    RETURN_IF_ERROR(InsertRejects(*writer_, *ledger_, rejects));
  }
  return absl::OkStatus();
}

absl::Status SyncSession::Sequences() {
  std::vector<SequenceRequest> requests;
  std::vector<const TablePlan*> tables;
  for (const TablePlan& table : pairs_->plan.tables) {
    for (const TargetColumn& column : table.target.columns) {
      if (column.sequence.empty()) continue;
      SequenceRequest request;
      request.schema = table.target.schema;
      request.table = table.target.name;
      request.column = column.name;
      request.sequence = column.sequence;
      request.source_sequence = table.source->sequence;
      // Numbers that the target has given out may be known outside.
      ASSIGN_OR_RETURN(const PgResult last,
                       writer_->Query(absl::StrCat("SELECT last_value FROM ", column.sequence,
                                                   " WHERE is_called")));
      if (last.rows() > 0) {
        request.source_sequence = std::max(request.source_sequence, last.Int(0, 0));
      }
      requests.push_back(std::move(request));
      tables.push_back(&table);
    }
  }
  ASSIGN_OR_RETURN(const std::vector<SequenceResult> results,
                   SetColumnSequences(*writer_, requests));
  for (size_t i = 0; i < results.size(); ++i) {
    const SequenceResult& set = results[i];
    report_.sequences.push_back({set.name, tables[i]->source->name, requests[i].column,
                                 set.last_value, set.next_value, set.exhausted});
  }
  return absl::OkStatus();
}

absl::Status SyncSession::Verify() {
  // A trigger of one table may write to any other, and a foreign key to its children.
  bool triggers = tables_->ChangesChildren();
  for (size_t i = 0; i < found_.size(); ++i) {
    const TargetTable& target = pairs_->plan.tables[i].target;
    triggers |= tables_->touched(i) && (!target.triggers.empty() || target.has_rules);
  }
  for (size_t i = 0; i < found_.size(); ++i) {
    if (!tables_->touched(i) && !triggers) {
      read_back_[i] = found_[i].b;
    } else {
      ASSIGN_OR_RETURN(written_[i], proof_->Read(i, guards_[i].held(), Expected(i)));
      read_back_[i] = SumOf(written_[i]);
    }
    if (*read_back_[i] == Expected(i)) continue;
    ErrorInfo info;
    info.code = ErrorCode::kDifference;
    info.exit_code = ExitCode::kDiffers;
    info.table = compared_[i].name;
    info.what = "the table would not be equal to the source even now";
    info.hint = "look for triggers, rules, row security or foreign keys that change its rows";
    return MakeError(info);
  }
  FillTables();
  LITE2PG_FAILPOINT("sync.verified");
  return cancel_.Check();
}

void SyncSession::FillTables() {
  report_.tables.clear();
  for (size_t i = 0; i < found_.size(); ++i) {
    const SyncCounts& counts = tables_->counts(i);
    TableReport row;
    row.source_name = compared_[i].name;
    row.target_name = pairs_->plan.tables[i].target.name;
    row.where = pairs_->plan.tables[i].reading.where_sql;
    row.rows_source = found_[i].a.rows;
    row.rows_rejected = refused_[i].rows.rows;
    row.rows_copied = counts.updated + counts.inserted;
    row.rows_skipped = row.rows_source - row.rows_rejected - row.rows_copied;
    row.rows_target = read_back_[i]->rows;
    row.digest_source = Expected(i).ToHex();
    row.digest_target = read_back_[i]->ToHex();
    row.compared = true;
    row.equal = *read_back_[i] == Expected(i) && guards_[i].rows_held() == 0;
    guards_[i].FillHeld(&row);
    for (const ColumnPlan& column : pairs_->plan.tables[i].columns) {
      ColumnReport shown;
      shown.source_name = column.source_name;
      shown.target_name = column.target_name;
      shown.declared_type = column.declared_type;
      shown.target_type = column.type.sql_name;
      row.columns.push_back(std::move(shown));
    }
    report_.tables.push_back(std::move(row));
  }
  const std::vector<TableReport>& left = pairs_->plan.not_loaded;
  report_.tables.insert(report_.tables.end(), left.begin(), left.end());
}

absl::Status SyncSession::Publish() {
  const bool rejects = std::any_of(refused_.begin(), refused_.end(),
                                   [](const Refused& r) { return r.rows.rows > 0; });
  const bool held = AnyHeld();
  report_.outcome = held ? "differs" : rejects ? "rejected" : "verified";
  report_.exit_code = held      ? ExitCode::kDiffers
                      : rejects ? ExitCode::kRejected
                                : ExitCode::kDone;
  RETURN_IF_ERROR(pairs_->snapshot->CheckUnchanged());
  FindWalGrowth(*pairs_->snapshot, &report_.findings);
  RETURN_IF_ERROR(Record());
  const std::string& file = request_.policy.rejects_file;
  if (!file.empty()) {
    RETURN_IF_ERROR(ExportRejects(*writer_, *ledger_, pairs_->catalog, file));
  }
  RETURN_IF_ERROR(cancel_.Check());
  LITE2PG_FAILPOINT("sync.commit");
  RETURN_IF_ERROR(writer_->Commit());
  published_ = true;
  LITE2PG_FAILPOINT("sync.committed");
  return absl::OkStatus();
}

Report SyncSession::TakeReport(const absl::Status& status) {
  if (!status.ok()) {
    ErrorInfo info = InfoOf(status);
    const bool in_doubt = info.code == ErrorCode::kCommitInDoubt;
    if (info.effect.empty()) {
      info.effect = in_doubt ? "the target has all of the changes or none; sync again to see"
                             : "the target is as it was";
    }
    report_.errors.push_back(info);
    report_.exit_code = info.exit_code;
    report_.outcome = info.exit_code == ExitCode::kDiffers       ? "differs"
                      : info.exit_code == ExitCode::kInterrupted ? "interrupted"
                      : in_doubt                                 ? "in_doubt"
                                                                 : "failed";
    if (report_.tables.empty()) {
      for (size_t i = 0; i < found_.size(); ++i) {
        TableReport row;
        row.source_name = compared_[i].name;
        row.rows_source = found_[i].a.rows;
        row.rows_target = found_[i].b.rows;
        row.compared = true;
        row.equal = !found_[i].differs();
        row.differences = found_[i].shown;
        report_.tables.push_back(std::move(row));
      }
    }
  }
  if (writer_.has_value() && !published_) writer_->Rollback();
  tables_.reset();
  writer_.reset();
  if (pairs_ != nullptr && pairs_->target.has_value()) {
    const absl::Status closed = pairs_->target->Close();
    if (!closed.ok() && status.ok()) report_.errors.push_back(InfoOf(closed));
  }
  report_.resources = meter_.Read();
  report_.resources.streams_max = Workers();
  return std::move(report_);
}

}  // namespace lite2pg
