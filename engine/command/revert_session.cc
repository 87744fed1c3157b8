#include "engine/command/revert_session.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "coercion/wire.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/loose_table.h"
#include "engine/command/paired_tables.h"
#include "engine/plan/table_scan.h"
#include "engine/postgres/copy_stream.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {
namespace {

// How many rows pass between two looks at whether the user wants to stop.
constexpr uint64_t kRowsBetweenLooks = 4096;

// SQLITE_ERROR: what SQLite answers to a statement that it cannot compile.
constexpr int kSqliteError = 1;

std::string SqliteLiteral(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}}), "'");
}

std::string QueryOf(const RevertTable& table) {
  const auto column = [](std::string* out, const RevertColumn& c) {
    absl::StrAppend(out, QuoteIdentifier(c.target_name), c.as_text ? "::pg_catalog.text" : "");
  };
  return absl::StrCat("SELECT ", absl::StrJoin(table.columns, ", ", column), " FROM ",
                      QuoteQualified(table.schema, table.target_name));
}

std::vector<std::string> NamesOf(const RevertTable& table) {
  std::vector<std::string> names;
  for (const RevertColumn& column : table.columns) names.push_back(column.name);
  return names;
}

absl::Status MalformedTuple() {
  return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                   "the server returned a row that is not in the form of its types");
}

// Values that SQLite told apart by their class (1, '1', x'31') may be equal as PostgreSQL has them.
absl::Status RefusedByDeclaration(const absl::Status& status) {
  constexpr int kSqliteConstraint = 19;  // SQLITE_CONSTRAINT
  ErrorInfo info = InfoOf(status);
  if ((info.sqlite_code & 0xff) != kSqliteConstraint) return status;
  info.code = ErrorCode::kBadValue;
  info.exit_code = ExitCode::kBadValue;
  info.what = "rows that PostgreSQL has do not fit the constraints of the table's declaration";
  info.hint = "the report of the copy says which key or uniqueness the values did not keep in "
              "PostgreSQL; verify compares the target with the SQLite file that was its source";
  return MakeError(info);
}

}  // namespace

RevertSession::RevertSession(const RevertRequest& request, EventSink& events, CancelToken& cancel)
    : request_(request), events_(events), cancel_(cancel) {
  report_.command = "revert";
}

absl::Status RevertSession::Timed(Stage stage, absl::Status (RevertSession::*method)()) {
  const StageTimer timer(stage, &report_);
  return (this->*method)();
}

absl::Status RevertSession::CheckDestination() const {
  struct stat info{};
  if (lstat(request_.sqlite_file.c_str(), &info) != 0) return absl::OkStatus();
  return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                   absl::StrCat(EscapeName(request_.sqlite_file), " is there already"),
                   "revert makes a new file; name another one, or move this one away");
}

absl::Status RevertSession::Inspect() {
  RETURN_IF_ERROR(CheckDestination());
  ASSIGN_OR_RETURN(target_, OpenExistingTarget(request_.target, cancel_));
  ASSIGN_OR_RETURN(connection_, target_->Connect());
  const std::string& schema = request_.common.target_schema;
  ASSIGN_OR_RETURN(const TargetFacts facts, ReadTargetFacts(*connection_, schema));
  target_->Describe(facts, schema, &report_);
  ASSIGN_OR_RETURN(records_, ReadRevertRecords(*connection_, schema, &report_.findings));
  RETURN_IF_ERROR(connection_->BeginSnapshot(""));
  ASSIGN_OR_RETURN(target_tables_, ReadTargetTables(*connection_, schema, {}));
  std::erase_if(target_tables_, [](const TargetTable& table) {
    return table.name == "lite2pg_run" || table.name == "lite2pg_chunk" ||
           table.name == "lite2pg_set_aside" || table.name == "lite2pg_reject";
  });
  RETURN_IF_ERROR(LeaveOutPartitions(schema));
  if (target_tables_.empty()) {
    return MakeError(ErrorCode::kTargetNoPartner, ExitCode::kTargetRefuses,
                     absl::StrCat("schema ", EscapeName(schema), " of the target holds no table"),
                     "bring something there first with `lite2pg copy`, or name another "
                     "--target-schema");
  }
  report_.source.path = request_.sqlite_file;
  return cancel_.Check();
}

// Their rows come with the table that they are parts of.
absl::Status RevertSession::LeaveOutPartitions(const std::string& schema) {
  ASSIGN_OR_RETURN(
      const PgResult partitions,
      connection_->Query("SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace "
                         "n ON n.oid = c.relnamespace JOIN pg_catalog.pg_inherits i ON i.inhrelid "
                         "= c.oid JOIN pg_catalog.pg_class p ON p.oid = i.inhparent AND "
                         "p.relnamespace = c.relnamespace WHERE n.nspname = $1 AND "
                         "c.relispartition",
                         {schema}));
  for (int row = 0; row < partitions.rows(); ++row) {
    const absl::string_view name = partitions.Text(row, 0);
    // One that a run has filled by itself stays a table of its own.
    const bool recorded = std::any_of(
        records_.tables.begin(), records_.tables.end(),
        [&](const TableRecord& record) { return record.target_name == name; });
    if (recorded) continue;
    std::erase_if(target_tables_, [&](const TargetTable& table) { return table.name == name; });
  }
  return absl::OkStatus();
}

absl::Status RevertSession::Plan() {
  ASSIGN_OR_RETURN(plan_, MakeRevertPlan(records_, target_tables_, &report_));
  if (!records_.found) {
    report_.findings.push_back({Severity::kInfo, ErrorCode::kObjectTranslated, "",
                                "the target has no record of a copy; types and forms are the "
                                "defaults",
                                "docs/revert.md lists them"});
  }
  report_.source.encoding = plan_.file.encoding;
  report_.source.page_size = plan_.file.page_size;
  loaded_.resize(plan_.tables.size());
  return absl::OkStatus();
}

absl::StatusOr<bool> RevertSession::IsDeclared(const RevertTable& table,
                                               const RevertColumn& column) {
  const auto literal = [](const std::string& name) {
    return absl::StrCat("'", absl::StrReplaceAll(name, {{"'", "''"}}), "'");
  };
  ASSIGN_OR_RETURN(const std::vector<std::string> found,
                   writer_->QueryTexts(absl::StrCat(
                       "SELECT name FROM pragma_table_xinfo(", literal(table.name),
                       ") WHERE name = ", literal(column.name), " COLLATE NOCASE")));
  return !found.empty();
}

absl::Status RevertSession::PreData() {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(request_.sqlite_file));
  file_.emplace(std::move(file));
  DatabaseOptions options;
  options.encoding = plan_.file.encoding;
  options.page_size = plan_.file.page_size;
  options.auto_vacuum = plan_.file.auto_vacuum;
  options.user_version = plan_.file.user_version;
  options.application_id = plan_.file.application_id;
  ASSIGN_OR_RETURN(writer_, DatabaseWriter::Open(file_->temporary_path(), options));
  for (RevertTable& table : plan_.tables) {
    ErrorInfo where;
    where.table = table.name;
    RETURN_IF_ERROR(WithContext(DeclareTable(table), where));
    for (RevertColumn& column : table.columns) {
      if (!column.added) continue;
      // No run has copied it, as the target computes it, but the declaration has it.
      ASSIGN_OR_RETURN(const bool declared, IsDeclared(table, column));
      column.added = !declared;
      if (declared) continue;
      report_.findings.push_back({Severity::kInfo, ErrorCode::kTargetColumnMismatch,
                                  absl::StrCat(table.name, ".", column.name),
                                  "the source had no such column; it is added to the table", ""});
      RETURN_IF_ERROR(WithContext(
          writer_->Execute(absl::StrCat("ALTER TABLE ", QuoteSqliteIdentifier(table.name),
                                        " ADD COLUMN ", QuoteSqliteIdentifier(column.name), " ",
                                        column.declared_type)),
          where));
    }
  }
  RETURN_IF_ERROR(ReadCatalogOfFile());
  LeaveGeneratedColumns();
  return cancel_.Check();
}

// As its own declaration says. One that needs a function or a collation of the application's cannot
// be run here; the rows are worth more than it.
absl::Status RevertSession::DeclareTable(const RevertTable& table) {
  const absl::Status status = writer_->Declare(table.sql);
  if (status.ok() || (InfoOf(status).sqlite_code & 0xff) != kSqliteError) return status;
  std::vector<std::string> columns;
  for (const RevertColumn& column : table.columns) {
    if (!column.added) columns.push_back(QuoteSqliteIdentifier(column.name));
  }
  RETURN_IF_ERROR(writer_->Declare(absl::StrCat("CREATE TABLE ", QuoteSqliteIdentifier(table.name),
                                                " (", absl::StrJoin(columns, ", "), ")")));
  report_.findings.push_back(
      {Severity::kWarning, ErrorCode::kObjectNotCarried, table.name,
       absl::StrCat("the table has its columns and rows, but nothing else of its declaration, "
                    "which SQLite cannot run: ",
                    InfoOf(status).server),
       "let the application make the table, and move the rows into it"});
  return absl::OkStatus();
}

// Another connection reads it, as it reads any source.
absl::Status RevertSession::ReadCatalogOfFile() {
  RETURN_IF_ERROR(writer_->Execute("COMMIT"));
  {
    ASSIGN_OR_RETURN(SqliteConnection reader,
                     SqliteConnection::Open(file_->temporary_path(), SqliteOpenOptions{}));
    ASSIGN_OR_RETURN(catalog_, ReadSourceCatalog(reader));
  }
  return writer_->Execute("BEGIN");
}

const SourceTable* RevertSession::TableOfFile(const std::string& name) const {
  for (const SourceTable& table : catalog_.tables) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

// SQLite computes them itself.
void RevertSession::LeaveGeneratedColumns() {
  for (RevertTable& table : plan_.tables) {
    const SourceTable* own = TableOfFile(table.name);
    if (own == nullptr) continue;
    std::erase_if(table.columns, [&](const RevertColumn& column) {
      return std::any_of(own->columns.begin(), own->columns.end(), [&](const SourceColumn& c) {
        return c.name == column.name && c.generated != GeneratedKind::kNone;
      });
    });
  }
}

absl::Status RevertSession::Data() {
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    ErrorInfo where;
    where.table = plan_.tables[i].name;
    RETURN_IF_ERROR(WithContext(LoadTable(plan_.tables[i], &loaded_[i]), where));
    NoteOtherForms(plan_.tables[i], loaded_[i]);
  }
  return absl::OkStatus();
}

absl::Status RevertSession::LoadTable(const RevertTable& table, Loaded* loaded) {
  if (table.columns.empty()) return absl::OkStatus();
  codecs_.clear();
  restorers_.clear();
  for (const RevertColumn& column : table.columns) {
    codecs_.push_back(column.codec);
    restorers_.emplace_back(column.codec, column.form);
  }
  texts_.resize(table.columns.size());
  values_.resize(table.columns.size());
  RETURN_IF_ERROR(connection_->Execute("SAVEPOINT load"));
  RETURN_IF_ERROR(writer_->Execute("SAVEPOINT own"));
  const absl::StatusOr<bool> kept = TryTable(table, loaded);
  if (kept.ok() && *kept) return writer_->Execute("RELEASE own");
  RETURN_IF_ERROR(cancel_.Check());
  // A constraint or a type refused a row. All other failures would only come again.
  if (!kept.ok() && InfoOf(kept.status()).sqlite_code == 0) return kept.status();
  RETURN_IF_ERROR(connection_->Execute("ROLLBACK TO SAVEPOINT load"));
  RETURN_IF_ERROR(writer_->Execute("ROLLBACK TO own"));
  RETURN_IF_ERROR(writer_->Execute("RELEASE own"));
  const absl::StatusOr<bool> loose = LoadLoosely(table, loaded);
  if (loose.ok() && *loose) return absl::OkStatus();
  if (!loose.ok() && InfoOf(loose.status()).sqlite_code == 0) return loose.status();
  for (const absl::Status& status : {loose.status(), kept.status()}) {
    if (!status.ok()) return RefusedByDeclaration(status);
  }
  return MakeError(ErrorCode::kDifference, ExitCode::kDiffers,
                   "SQLite stores some values otherwise than they were given",
                   "the declared type of a column converts them");
}

// False: what the file holds now is not what was put in.
absl::StatusOr<bool> RevertSession::TryTable(const RevertTable& table, Loaded* loaded) {
  RETURN_IF_ERROR(CopyRows(table, loaded));
  ASSIGN_OR_RETURN(const Digest stored, writer_->DigestOf(table.name, NamesOf(table)));
  return stored == loaded->stored;
}

absl::Status RevertSession::CopyRows(const RevertTable& table, Loaded* loaded) {
  *loaded = Loaded();
  loaded->other_forms.resize(table.columns.size());
  loaded->examples.resize(table.columns.size());
  RETURN_IF_ERROR(writer_->BeginInsert(table.name, NamesOf(table)));
  events_.timeline.Begin(0, table.name, "", 0);
  const CancelToken::Registration on_cancel =
      cancel_.OnCancel([this] { connection_->Cancel(); });
  const absl::Status status =
      CopyOut(*connection_, QueryOf(table), [&](absl::string_view tuple) -> absl::Status {
        if (++loaded->rows % kRowsBetweenLooks == 0) {
          events_.Moved(0, kRowsBetweenLooks, 0);
          RETURN_IF_ERROR(cancel_.Check());
        }
        return AddTuple(table, tuple, loaded);
      }).status();
  events_.Moved(0, loaded->rows % kRowsBetweenLooks, 0);
  events_.timeline.End(0);
  RETURN_IF_ERROR(cancel_.Check());
  return status;
}

absl::Status RevertSession::AddTuple(const RevertTable& table, absl::string_view tuple,
                                     Loaded* loaded) {
  // Checks the tuple's shape as well.
  if (!AddTupleToDigest(tuple, codecs_, &scratch_, &loaded->target)) return MalformedTuple();
  absl::string_view fields = tuple.substr(2);
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const int32_t length = LoadInt32(fields.data());
    fields.remove_prefix(4);
    values_[i] = SourceValue::Null();
    if (length < 0) continue;
    const absl::string_view field = fields.substr(0, static_cast<size_t>(length));
    fields.remove_prefix(field.size());
    const Restored restored = restorers_[i].Restore(field, &texts_[i], &values_[i]);
    if (restored == Restored::kMalformed) {
      ErrorInfo info = InfoOf(MalformedTuple());
      info.column = table.columns[i].target_name;
      return MakeError(info);
    }
    if (restored == Restored::kExact) continue;
    if (loaded->other_forms[i]++ == 0) loaded->examples[i] = DescribeTypedValue(values_[i]);
  }
  AddStoredRow(values_, &loaded->stored);
  return writer_->Insert(values_);
}

absl::StatusOr<bool> RevertSession::LoadLoosely(const RevertTable& table, Loaded* loaded) {
  const SourceTable* own = TableOfFile(table.name);
  if (own == nullptr) return false;
  const std::optional<std::string> loose = LooseTableSql(*own);
  if (!loose.has_value()) return false;
  const std::string quoted = QuoteSqliteIdentifier(table.name);
  RETURN_IF_ERROR(writer_->Execute("SAVEPOINT own"));
  RETURN_IF_ERROR(writer_->Execute(absl::StrCat("DROP TABLE ", quoted)));
  RETURN_IF_ERROR(writer_->Declare(*loose));
  ASSIGN_OR_RETURN(const bool kept, TryTable(table, loaded));
  if (!kept) return false;
  RETURN_IF_ERROR(writer_->Execute("RELEASE own"));
  RETURN_IF_ERROR(writer_->ReplaceDeclaration(table.name, own->sql));
  loaded->loose = true;
  report_.findings.push_back(
      {Severity::kWarning, ErrorCode::kConstraintViolated, table.name,
       "rows do not keep to the table's own declaration (NOT NULL, types); they are stored as they "
       "are all the same, as the source had them",
       "PRAGMA integrity_check of the new file names them"});
  return true;
}

void RevertSession::NoteOtherForms(const RevertTable& table, const Loaded& loaded) {
  for (size_t i = 0; i < loaded.other_forms.size(); ++i) {
    if (loaded.other_forms[i] == 0) continue;
    report_.findings.push_back(
        {Severity::kWarning, ErrorCode::kOtherForm,
         absl::StrCat(table.name, ".", table.columns[i].name),
         absl::StrCat(loaded.other_forms[i],
                      " value(s) cannot be shown in the form that the column had; they are written "
                      "in full, the first as ",
                      loaded.examples[i]),
         "programs that read the file may expect the former form"});
  }
}

absl::Status RevertSession::PostData() {
  for (const SourceDeclaration& declaration : plan_.file.declarations) {
    RETURN_IF_ERROR(cancel_.Check());
    ObjectReport row;
    row.kind = declaration.kind == DeclarationKind::kIndex  ? "index"
               : declaration.kind == DeclarationKind::kView ? "view"
                                                            : "trigger";
    row.name = declaration.name;
    row.table = declaration.table;
    row.sql = declaration.sql;
    const absl::Status status = writer_->Declare(declaration.sql);
    row.state = status.ok() ? "created" : "not_carried";
    if (!status.ok()) {
      const ErrorInfo info = InfoOf(status);
      if (info.exit_code == ExitCode::kOutOfResource) return status;
      row.reason = info.server.empty() ? info.what : info.server;
      report_.findings.push_back({Severity::kWarning, ErrorCode::kObjectNotCarried,
                                  declaration.name,
                                  absl::StrCat("the ", row.kind, " was not made: ", row.reason),
                                  ""});
    }
    report_.objects.push_back(std::move(row));
  }
  return SetSequences();
}

// AUTOINCREMENT goes on after everything that either side has given out.
absl::Status RevertSession::SetSequences() {
  for (const RevertTable& table : plan_.tables) {
    const SourceTable* own = TableOfFile(table.name);
    if (own == nullptr || !own->autoincrement || own->rowid_alias < 0) continue;
    const std::string& column = own->columns[static_cast<size_t>(own->rowid_alias)].name;
    const std::string name = SqliteLiteral(table.name);
    ASSIGN_OR_RETURN(
        const std::vector<std::string> current,
        writer_->QueryTexts(absl::StrCat("SELECT seq FROM sqlite_sequence WHERE name=", name)));
    int64_t value = 0;
    if (!current.empty()) (void)absl::SimpleAtoi(current[0], &value);
    for (const SourceSequence& sequence : plan_.file.sequences) {
      if (sequence.table == table.name) value = std::max(value, sequence.value);
    }
    for (const RevertColumn& candidate : table.columns) {
      if (candidate.name != column || candidate.sequence.empty()) continue;
      ASSIGN_OR_RETURN(const PgResult last,
                       connection_->Query(absl::StrCat("SELECT last_value FROM ",
                                                       candidate.sequence, " WHERE is_called")));
      if (last.rows() > 0) value = std::max(value, last.Int(0, 0));
    }
    if (value == 0 && current.empty()) continue;
    RETURN_IF_ERROR(
        writer_->Execute(absl::StrCat("DELETE FROM sqlite_sequence WHERE name=", name)));
    RETURN_IF_ERROR(writer_->Execute(
        absl::StrCat("INSERT INTO sqlite_sequence(name, seq) VALUES (", name, ", ", value, ")")));
    report_.sequences.push_back({"sqlite_sequence", table.name, column, value, value + 1, false});
  }
  return absl::OkStatus();
}

absl::Status RevertSession::Verify() {
  RETURN_IF_ERROR(CheckFile());
  RETURN_IF_ERROR(writer_->Finish());
  writer_.reset();
  ASSIGN_OR_RETURN(SqliteConnection file,
                   SqliteConnection::Open(file_->temporary_path(), SqliteOpenOptions{}));
  ASSIGN_OR_RETURN(const SourceCatalog catalog, ReadSourceCatalog(file));
  for (const RevertTable& table : plan_.tables) {
    ErrorInfo where;
    where.table = table.name;
    absl::StatusOr<Digest> digest = ReadBack(file, catalog, table);
    if (!digest.ok()) return WithContext(digest.status(), where);
    read_back_.push_back(*digest);
    RETURN_IF_ERROR(cancel_.Check());
  }
  FillTables();
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    if (read_back_[i] == loaded_[i].target) continue;
    ErrorInfo info;
    info.code = ErrorCode::kDifference;
    info.exit_code = ExitCode::kDiffers;
    info.table = plan_.tables[i].name;
    info.what = "the values in the file are not those of PostgreSQL";
    return MakeError(info);
  }
  return absl::OkStatus();
}

absl::Status RevertSession::CheckFile() {
  ASSIGN_OR_RETURN(const std::vector<std::string> problems,
                   writer_->QueryTexts("PRAGMA integrity_check"));
  const bool any_loose = std::any_of(loaded_.begin(), loaded_.end(),
                                     [](const Loaded& loaded) { return loaded.loose; });
  // What a loose table's declaration refuses is found here again, and was told already.
  if (problems != std::vector<std::string>{"ok"} && !any_loose) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     absl::StrCat("integrity_check of the new file: ",
                                  problems.empty() ? "no answer" : problems[0]));
  }
  const absl::StatusOr<std::vector<std::string>> orphans =
      writer_->QueryTexts("PRAGMA foreign_key_check");
  if (!orphans.ok() || !orphans->empty()) {
    report_.findings.push_back(
        {Severity::kWarning, ErrorCode::kConstraintViolated, orphans.ok() ? (*orphans)[0] : "",
         orphans.ok() ? absl::StrCat(orphans->size(), " row(s) refer to rows that are not there")
                      : absl::StrCat("foreign keys cannot be checked: ",
                                     InfoOf(orphans.status()).what),
         "PRAGMA foreign_key_check of the new file names them"});
  }
  return absl::OkStatus();
}

absl::StatusOr<Digest> RevertSession::ReadBack(SqliteConnection& file,
                                               const SourceCatalog& catalog,
                                               const RevertTable& table) {
  if (table.columns.empty()) return Digest();
  const auto own = std::find_if(catalog.tables.begin(), catalog.tables.end(),
                                [&](const SourceTable& t) { return t.name == table.name; });
  std::vector<int> columns;
  std::vector<ColumnCodec> codecs;
  for (const RevertColumn& column : table.columns) {
    codecs.push_back(column.check);
    if (own == catalog.tables.end()) break;
    for (size_t i = 0; i < own->columns.size(); ++i) {
      if (own->columns[i].name == column.name) columns.push_back(static_cast<int>(i));
    }
  }
  if (columns.size() != table.columns.size()) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "the new file lacks a column");
  }
  const TableReading reading = MakeTableReading(*own, columns);
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(file);
  RETURN_IF_ERROR(source->Open(reading, KeyRange()));
  RowEncoder encoder(codecs);
  FieldBuffer buffer;
  while (true) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
    if (row.empty()) break;
    buffer.Clear();
    const RowOutcome outcome = encoder.Encode(row, &buffer);
    if (outcome.outcome != Outcome::kOk) {
      ErrorInfo info;
      info.code = ErrorCode::kDifference;
      info.exit_code = ExitCode::kDiffers;
      info.row_key = source->DescribeRow();
      const auto at = static_cast<size_t>(std::max(outcome.column, 0));
      info.column = table.columns[at].name;
      info.value = DescribeTypedValue(row[at]);
      info.what = absl::StrCat("the value written does not read as PostgreSQL's: ",
                               OutcomePhrase(outcome.outcome));
      return MakeError(info);
    }
  }
  source->Close();
  return encoder.digest();
}

void RevertSession::FillTables() {
  report_.tables.clear();
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    const RevertTable& table = plan_.tables[i];
    TableReport row;
    row.source_name = table.name;
    row.target_name = table.target_name;
    row.rows_source = row.rows_copied = loaded_[i].rows;
    row.digest_source = loaded_[i].target.ToHex();
    if (i < read_back_.size()) {
      row.rows_target = read_back_[i].rows;
      row.digest_target = read_back_[i].ToHex();
      row.compared = true;
      row.equal = read_back_[i] == loaded_[i].target;
    }
    for (size_t c = 0; c < table.columns.size(); ++c) {
      ColumnReport column;
      column.source_name = table.columns[c].name;
      column.target_name = table.columns[c].target_name;
      column.target_type = std::string(table.columns[c].codec.type->sql_name);
      column.round_trips = table.columns[c].form.exact;
      column.round_trip_loss = table.columns[c].form.reason;
      row.columns.push_back(std::move(column));
    }
    report_.tables.push_back(std::move(row));
  }
}

absl::Status RevertSession::Publish() {
  RETURN_IF_ERROR(cancel_.Check());
  RETURN_IF_ERROR(file_->CommitNew());
  published_ = true;
  struct stat info{};
  if (stat(request_.sqlite_file.c_str(), &info) == 0) report_.source.bytes = info.st_size;
  report_.outcome = "verified";
  report_.exit_code = ExitCode::kDone;
  return absl::OkStatus();
}

Report RevertSession::TakeReport(const absl::Status& status) {
  if (!status.ok()) {
    ErrorInfo info = InfoOf(status);
    if (info.effect.empty()) info.effect = "no file was made, and PostgreSQL was only read";
    report_.errors.push_back(info);
    report_.exit_code = info.exit_code;
    report_.outcome = info.exit_code == ExitCode::kDiffers       ? "differs"
                      : info.exit_code == ExitCode::kInterrupted ? "interrupted"
                                                                 : "failed";
  }
  writer_.reset();
  file_.reset();
  connection_.reset();
  if (target_.has_value()) {
    const absl::Status closed = target_->Close();
    if (!closed.ok() && status.ok()) report_.errors.push_back(InfoOf(closed));
  }
  report_.resources = meter_.Read();
  return std::move(report_);
}

}  // namespace lite2pg
