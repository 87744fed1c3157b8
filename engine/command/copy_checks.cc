// The checks of a copy that are no stage of their own: SQLite's quick_check, the server's word on
// sampled values, leftovers of earlier runs.
#include <charconv>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_report.h"
#include "engine/command/staging.h"
#include "engine/plan/existing_columns.h"

namespace lite2pg {
namespace {

// Columns whose samples the server is asked about; the largest tables come first.
constexpr int kCrossCheckColumnsMax = 500;

// Messages of quick_check about what the data does to its own declarations. All others are about
// the structure of the file (sqlite3: src/pragma.c, PRAGMA integrity_check).
constexpr absl::string_view kDeclarationMessages[] = {"NULL value in ",
                                                      "CHECK constraint failed in ",
                                                      "non-unique entry in index ",
                                                      "NUMERIC value in ",
                                                      "TEXT value in ",
                                                      "non-INTEGER value in ",
                                                      "non-INT value in ",
                                                      "non-REAL value in ",
                                                      "non-TEXT value in ",
                                                      "non-BLOB value in "};

bool IsAboutDeclarations(absl::string_view message) {
  for (const absl::string_view known : kDeclarationMessages) {
    if (absl::StartsWith(message, known)) return true;
  }
  return false;
}

// The text that the server's input function is given for a value; nullopt when none is plain
// enough to judge by.
std::optional<std::string> ServerText(const SourceValue& value, const ColumnPlan& column) {
  switch (value.storage_class) {
    case StorageClass::kNull:
      return std::nullopt;
    case StorageClass::kInteger:
      if (column.rules.integer != NumberReading::kNone) return std::nullopt;
      return absl::StrCat(value.integer);
    case StorageClass::kReal: {
      if (column.rules.real != NumberReading::kNone) return std::nullopt;
      char text[64];
      const std::to_chars_result end = std::to_chars(text, text + sizeof(text), value.real);
      // Into text columns our own form of reals goes, which is not this one.
      if (column.type.oid != kOidFloat8 && column.type.oid != kOidNumeric) return std::nullopt;
      return std::string(text, end.ptr);
    }
    case StorageClass::kText:
      // Text has another meaning in bytea's input function.
      if (column.type.oid == kOidBytea || column.rules.source_time_zone != "UTC" ||
          column.rules.empty_text_as_null) {
        return std::nullopt;
      }
      return std::string(value.bytes());
    case StorageClass::kBlob: {
      if (column.type.oid != kOidBytea) return std::nullopt;
      std::string hex = "\\x";
      for (const char c : value.bytes()) {
        absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
      }
      return hex;
    }
  }
  return std::nullopt;
}

std::string HexOf(absl::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
  }
  return hex;
}

// Bytes of a field in their comparable form.
std::string Comparable(const ColumnCodec& codec, absl::string_view field) {
  if (codec.canonical == nullptr) return HexOf(field);
  FieldBuffer out;
  if (!codec.canonical(field, codec.params, &out)) return absl::StrCat("!", HexOf(field));
  return HexOf(out.view());
}

absl::Status CheckColumn(PgConnection& connection, const TablePlan& table, size_t index,
                         absl::string_view send_function) {
  const ColumnPlan& column = table.columns[index];
  const ColumnCodec& codec = table.codecs[index];
  const std::string sql = absl::StrCat("SELECT pg_catalog.encode(", send_function,
                                       "($1::pg_catalog.text::", column.type.sql_name, "), 'hex')");
  for (const std::vector<OwnedValue>& samples : column.scan.samples) {
    for (const OwnedValue& sample : samples) {
      const SourceValue value = sample.view();
      const std::optional<std::string> text = ServerText(value, column);
      if (!text.has_value()) continue;
      FieldBuffer ours(codec.fixed_bytes + codec.expand * value.size_bytes);
      const auto c = static_cast<size_t>(value.storage_class);
      if (codec.encode[c](value, codec.params, &ours) != Outcome::kOk) continue;
      const absl::StatusOr<PgResult> theirs = connection.Query(sql, {*text});
      if (!theirs.ok()) {
        // A form that only we read (Go's time, a GUID in braces): the server cannot judge it.
        if (!connection.alive()) return theirs.status();
        continue;
      }
      std::string bytes;
      const absl::string_view hex = theirs->Text(0, 0);
      for (size_t i = 0; i + 1 < hex.size(); i += 2) {
        int byte = 0;
        std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
        bytes.push_back(static_cast<char>(byte));
      }
      if (Comparable(codec, bytes) == Comparable(codec, ours.view().substr(4))) continue;
      ErrorInfo info;
      info.code = ErrorCode::kCrossCheck;
      info.exit_code = ExitCode::kDiffers;
      info.what = "the server reads this value as another one than was stored";
      info.table = table.source->name;
      info.column = column.source_name;
      info.value = DescribeTypedValue(value);
      info.hint = "please report this with the value; it is a defect of lite2pg";
      return MakeError(info);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status QuickCheck(SqliteConnection& reader, std::vector<Finding>* findings) {
  absl::StatusOr<SqliteStatement> statement = reader.Prepare("PRAGMA main.quick_check(100)");
  RETURN_IF_ERROR(statement.status());
  while (true) {
    const absl::StatusOr<bool> row = statement->Step();
    if (!row.ok()) {
      const ErrorInfo info = InfoOf(row.status());
      if (info.exit_code == ExitCode::kSource && info.code == ErrorCode::kSourceCorrupt) {
        return row.status();
      }
      if (info.exit_code == ExitCode::kInterrupted) return row.status();
      // An unknown function or collation in a CHECK: the check could not be made.
      findings->push_back({Severity::kInfo, ErrorCode::kSourceUnreadable, "",
                           absl::StrCat("quick_check could not be completed: ", info.what),
                           "run it with the application that made the file"});
      return absl::OkStatus();
    }
    if (!*row) return absl::OkStatus();
    const std::string message = statement->Text(0);
    if (message == "ok") continue;
    if (IsAboutDeclarations(message)) {
      findings->push_back({Severity::kInfo, ErrorCode::kConstraintViolated, "",
                           absl::StrCat("quick_check: ", EscapeForMessage(message, 200)), ""});
      continue;
    }
    return MakeError(ErrorCode::kSourceCorrupt, ExitCode::kSource,
                     absl::StrCat("the file is damaged: ", EscapeForMessage(message, 300)),
                     "restore it from a backup, or recover what can be with sqlite3's .recover");
  }
}

absl::StatusOr<std::vector<Digest>> CountTables(PgConnection& connection, const Plan& plan) {
  std::vector<Digest> counts(plan.tables.size());
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    ASSIGN_OR_RETURN(const PgResult count,
                     connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ",
                                                   plan.tables[i].LoadTarget())));
    counts[i].rows = static_cast<uint64_t>(count.Int(0, 0));
  }
  return counts;
}

absl::Status CrossCheckSamples(PgConnection& connection, const Plan& plan) {
  absl::flat_hash_map<Oid, std::string> send_functions;
  int columns = 0;
  for (const TablePlan& table : plan.tables) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (++columns > kCrossCheckColumnsMax) return absl::OkStatus();
      const Oid oid = table.columns[i].type.oid;
      auto send = send_functions.find(oid);
      if (send == send_functions.end()) {
        ASSIGN_OR_RETURN(const PgResult found,
                         connection.Query("SELECT typsend::pg_catalog.regproc::pg_catalog.text"
                                          " FROM pg_catalog.pg_type WHERE oid = $1",
                                          {absl::StrCat(oid)}));
        const std::string name(found.rows() == 1 ? found.Text(0, 0) : "");
        send = send_functions.emplace(oid, name).first;
      }
      if (send->second.empty() || send->second == "-") continue;
      RETURN_IF_ERROR(CheckColumn(connection, table, i, send->second));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TableScan>> ScanAndSettle(std::vector<ScanTask>* tasks,
                                                     Selection* selection, SourceSnapshot& snapshot,
                                                     EventSink& events, const CancelToken& cancel) {
  ASSIGN_OR_RETURN(std::vector<ScannedTable> scanned, ScanTables(*tasks, snapshot, events, cancel));
  std::vector<TableScan> scans;
  std::vector<ScanTask> again;
  std::vector<size_t> again_index;
  for (size_t t = 0; t < scanned.size(); ++t) {
    RETURN_IF_ERROR(scanned[t].status);
    bool settled = false;
    for (size_t i = 0; i < selection->tables[t].candidates.size(); ++i) {
      std::vector<Candidate>& candidates = selection->tables[t].candidates[i];
      const ColumnScan& column = scanned[t].scan.columns[i];
      if (candidates.size() != 1 || column.refused[0].count == 0 ||
          column.refused[0].outcome != Outcome::kAmbiguous) {
        continue;
      }
      ReadingRules rules = candidates[0].rules;
      if (rules.integer == NumberReading::kNone) rules.integer = ProvenIntegerReading(column);
      if (rules.real == NumberReading::kNone) rules.real = ProvenRealReading(column);
      if (rules.integer == NumberReading::kNone && rules.real == NumberReading::kNone) continue;
      ASSIGN_OR_RETURN(candidates[0], FixedCandidate(candidates[0].type, rules));
      settled = true;
      selection->findings.push_back(
          {Severity::kWarning, ErrorCode::kReadingHint,
           absl::StrCat(
               selection->tables[t].source->name, ".",
               selection->tables[t]
                   .source->columns[static_cast<size_t>(selection->tables[t].reading.columns[i])]
                   .name),
           "the numbers in this column all fit one convention of dates only and are read by it",
           "name the convention in the configuration to confirm it"});
    }
    if (settled) {
      (*tasks)[t].candidates = selection->tables[t].candidates;
      again.push_back((*tasks)[t]);
      again_index.push_back(t);
    }
    scans.push_back(std::move(scanned[t].scan));
  }
  if (again.empty()) return scans;
  ASSIGN_OR_RETURN(std::vector<ScannedTable> second, ScanTables(again, snapshot, events, cancel));
  for (size_t i = 0; i < second.size(); ++i) {
    RETURN_IF_ERROR(second[i].status);
    scans[again_index[i]] = std::move(second[i].scan);
  }
  return scans;
}

namespace {

bool IsUnfinished(const RunRecord& run, const CopyRequest& request) {
  return run.target_schema == request.common.target_schema &&
         (run.state == "active" || run.state == "interrupted");
}

}  // namespace

absl::Status RefuseUnfinishedRuns(PgConnection& connection, const LedgerLocation& location,
                                  const CopyRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  for (const RunRecord& run : runs) {
    if (!IsUnfinished(run, request)) continue;
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("run ", run.run_id, " of ", run.started_at,
                                  " did not finish (it was in stage ", run.stage, ")"),
                     "--restart drops what it staged and starts over");
  }
  return absl::OkStatus();
}

absl::Status DropUnfinishedRuns(PgConnection& connection, const LedgerLocation& location,
                                const CopyRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  for (const RunRecord& run : runs) {
    if (!IsUnfinished(run, request)) continue;
    // The epoch is raised first, so that nothing of it that is still on its way can commit.
    ASSIGN_OR_RETURN(const int64_t epoch, Ledger::TakeOver(connection, location, run.run_id));
    RETURN_IF_ERROR(
        DropStaged(connection, run.run_id, run.target_schema, run.staging_schema));
    const Ledger ledger(location, run.run_id, epoch);
    RETURN_IF_ERROR(ledger.SetState(connection, "failed", run.stage, "restarted"));
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
