// What a command has to say, as plain structs; the JSON of docs/report.md is made from them field
// by field. Filled by engine/command, printed by tools/.
#ifndef LITE2PG_ENGINE_REPORT_REPORT_H_
#define LITE2PG_ENGINE_REPORT_REPORT_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "coercion/row_encoder.h"
#include "engine/base/error.h"
#include "engine/base/stage.h"
#include "engine/report/timeline.h"

namespace lite2pg {

inline constexpr int kReportSchemaVersion = 1;

enum class Severity : uint8_t { kInfo, kWarning, kBlocking };
inline constexpr absl::string_view kSeverityNames[] = {"info", "warning", "blocking"};

struct Finding {
  Severity severity = Severity::kInfo;
  ErrorCode code = ErrorCode::kDefect;
  std::string object;    // "table", "table.column", ...
  std::string message;   // with counter-examples and their keys
  std::string hint;
};

struct CoercionReport {
  std::string from, to;  // storage class, type
  uint64_t count = 0;
  std::string example;   // escaped
  std::string rule;      // of the user's, that changed the value, or ""
};

// Why a column has its type, where nothing was found out about it.
inline constexpr absl::string_view kReasonDeclared = "declared, and every value fits";
inline constexpr absl::string_view kReasonNoValues = "declared; no values";
inline constexpr absl::string_view kReasonTarget = "the target's type";
inline constexpr absl::string_view kReasonConfigured = "configured";

// Of one column of one side.
struct AggregateReport {
  uint64_t values = 0, nulls = 0, distinct = 0;   // distinct is an estimate
  std::string least, greatest;    // escaped and shortened; "": there is none
  std::string sum;                // "": none
  double sum_about = 0, sum_tolerance = 0;  // of sums that depend on the order of adding
};

struct ColumnReport {
  std::string source_name, target_name, declared_type, target_type;
  ClassCounts storage_classes{};
  std::vector<CoercionReport> coercions;
  bool round_trips = true;         // revert gives every value back as it was
  std::string round_trip_loss;    // why not
  std::string reason;             // why this target type
  std::vector<AggregateReport> aggregates;  // verify --aggregates: of the source and the target
  bool aggregates_equal = true;
};

// A source value that was looked at closely: what is stored for it, and whether the server, which
// read the value by itself, came to the same.
struct ValueSample {
  std::string table, column, storage_class;
  std::string source, stored;     // escaped and shortened
  bool judged = false;            // false: the server has no reading of its own for it
  bool equal = true;
};

struct DifferenceReport {
  std::string key, column, source, target, kind;
};

struct TableReport {
  std::string source_name, target_name;
  std::string state = "copied";   // copied, skipped, bookkeeping, excluded, not_a_table
  std::string reader = "library";  // or "pages"
  std::string reader_reason;      // why the library although pages were to be read
  uint64_t rows_source = 0, rows_copied = 0, rows_skipped = 0, rows_rejected = 0, rows_filled = 0,
           rows_preexisting = 0, rows_target = 0;
  std::string digest_source, digest_target;  // "" when not computed
  bool equal = false;
  bool compared = false;          // false: "equal" is null in JSON
  uint64_t bytes = 0;
  double seconds = 0;
  int streams = 0;                // different streams that carried rows of it
  uint64_t estimated_bytes = 0;   // plan: about what COPY will carry
  std::string where;              // the user's condition, when only a part was copied
  // verify: rows that differ, all of them; `differences` describes some.
  uint64_t rows_changed = 0, rows_missing = 0, rows_extra = 0, rows_doubled = 0;
  std::vector<ColumnReport> columns;
  std::vector<DifferenceReport> differences;
};

struct SequenceReport {
  std::string name, table, column;
  int64_t last_value = 0, next_value = 0;
  bool exhausted = false;         // there is no next value
};

struct ObjectReport {
  std::string kind;   // index, unique, primary_key, foreign_key, check, default, generated, view,
                      // trigger
  std::string name, table;
  std::string state;  // created, kept, translated, not_carried
  std::string sql, reason;
};

// plan: what a copy would need, and how that is known.
struct EstimateReport {
  bool known = false;
  uint64_t rows = 0, target_bytes = 0;   // bytes with indexes, on the target's disk
  int connections_free = -1;             // -1: not known
  int connections_wanted = 0;
  double seconds = 0;
  bool measured = false;                 // by --probe
  std::string basis;                     // how bytes and seconds were arrived at
};

struct StageReport {
  Stage stage = Stage::kInspect;
  double seconds = 0;
};

// A run that the target knows of: what status shows.
struct RunReport {
  std::string run_id, command, state;   // active, failed, interrupted, done
  std::string stage, outcome, source_path, target_schema, tool_version;
  std::string started_at, updated_at;   // as the server shows timestamptz, in UTC
  uint64_t tables = 0, chunks = 0, rows = 0, bytes = 0, rows_rejected = 0;  // committed so far
  uint64_t tables_total = 0, rows_total = 0, bytes_total = 0;  // planned; 0: not known
  double seconds = 0;                   // from the beginning to the last commit
  uint64_t definitions_set_aside = 0;   // of the application's tables, that are off now
  std::string worked_on_by;             // the session that works on its schema now; "": nobody
  bool resumable = false;
  std::string next_step;                // the command that would go on, or undo
};

struct Report {
  std::string command, run_id;
  std::string outcome = "failed";
  ExitCode exit_code = ExitCode::kDefect;
  struct SourceFile {
    std::string path, value, fingerprint;  // value: of the source column
    int64_t bytes = 0, rows = 0;
  };
  struct Source {
    std::string path, encoding, fingerprint, snapshot;
    int64_t bytes = 0, page_size = 0;
    std::vector<SourceFile> files;         // when it is several
  } source;
  struct Target {
    std::string server_version, dialect, database, schema, conninfo_shown, embedded_dir;
  } target;
  std::vector<TableReport> tables;
  std::vector<SequenceReport> sequences;
  std::vector<ObjectReport> objects;
  std::vector<Finding> findings;
  std::vector<ValueSample> samples;
  std::vector<StageReport> stages;
  EstimateReport estimate;        // plan
  std::vector<RunReport> runs;    // status
  std::vector<ErrorInfo> errors;  // why it failed; the first decides the exit code
  struct Resources {
    double wall_seconds = 0, client_cpu_seconds = 0;
    int64_t peak_rss_bytes = 0;
    int streams_max = 0;
  } resources;
  TimelineReport timeline;             // filled by who owns the EventSink (timeline.Read())
  std::vector<std::string> undo_sql;   // how to take back what the run created
  std::vector<std::string> next_steps; // for people: how to connect, how to resume
};

// The contract's JSON, UTF-8 (untrusted bytes that are not UTF-8 are escaped as \xNN): for people
// and programs, or, half as long, for programs alone.
enum class JsonLayout : uint8_t { kIndented, kCompact };
std::string ReportToJson(const Report& report, JsonLayout layout = JsonLayout::kIndented);

// What ReportToJson wrote, as far as a later command needs it: outcome and exit code, source,
// tables with their columns, sequences, objects, findings, undo_sql. False unless it is such a
// report; *report may then hold a part of it.
bool ReportFromJson(absl::string_view json, Report* report);

// One object on one line, with the fields that an element of the report's "errors" has.
std::string ErrorToJson(const ErrorInfo& error);

// The same content as one self-contained page: no script, no network, light and dark.
std::string ReportToHtml(const Report& report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_REPORT_H_
