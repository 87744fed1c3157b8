// What a user asks for: one plain struct per command, with every default beside its field.
//
// Filled and checked once by tools/cli from the flags and the configuration file; nothing below
// reads a flag, a file of options or an environment variable. Plain values: copy them freely.
#ifndef LITE2PG_ENGINE_COMMAND_REQUEST_H_
#define LITE2PG_ENGINE_COMMAND_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"
#include "engine/base/limits.h"

namespace lite2pg {

enum class Identifiers : uint8_t { kPreserve, kLower };
enum class ReaderChoice : uint8_t { kAuto, kLibrary, kPages, kBoth };
enum class CheckMode : uint8_t { kFull, kOff };
enum class VerifyMode : uint8_t { kFull, kCounts, kOff };
enum class SchemaMode : uint8_t { kAuto, kCreate, kExisting, kMixed };
enum class ExistingRows : uint8_t { kRefuse, kSkipEqual, kSkip, kUpsert, kReplace };
enum class OnBadValue : uint8_t { kStop, kReject };
enum class Orphans : uint8_t { kNotValid, kStop, kReject };
enum class ResumeMode : uint8_t { kFresh, kResume, kRestart };

// Where PostgreSQL is: a conninfo for libpq, or the directory of an embedded cluster.
struct TargetSpec {
  std::string conninfo;    // URI or key=value; "" lets libpq's own environment decide
  std::string pgdata_dir;  // not empty: an embedded cluster lives, or is created, there
  bool given = false;      // false: none was named; pgdata_dir then holds the default beside the
                           // source

  bool embedded() const { return !pgdata_dir.empty(); }
};

// What the target gets where the source has NULL or no such column; counted in the report.
struct FillValue {
  std::string text;            // a literal in the target's text form, or an SQL expression
  bool is_expression = false;  // sql:EXPRESSION, evaluated by the target
};

// Readings that the user named for one column; what is not set keeps ReadingRules' default. Each
// lossy rule must be named here, column by column.
struct ReadingOverrides {
  std::optional<NumberReading> integer, real;
  std::optional<TextReading> text;
  std::optional<BlobReading> blob;
  bool round_to_microseconds = false;
  bool round_to_typmod = false;
  bool round_to_float4 = false;
  std::string source_time_zone;  // "": CommonOptions::source_time_zone
};

struct ColumnConfig {
  std::string name;    // in the source; ASCII case does not matter
  std::string rename;  // in the target; "": by the rule for all names
  std::string type;    // target type as SQL writes it, for columns that we create; "": decided
  ReadingOverrides reading;
  bool empty_as_null = false;  // '' becomes NULL; counted
  std::optional<FillValue> fill;
  std::optional<OnBadValue> on_bad_value;  // not set: LoadPolicy::on_bad_value
};

struct TableConfig {
  std::string name;    // in the source; ASCII case does not matter
  std::string rename;  // in the target
  std::string where;   // SQLite condition; "": all rows
  std::vector<ColumnConfig> columns;
};

// Options that several commands share.
struct CommonOptions {
  std::string target_schema = "public";
  Identifiers identifiers = Identifiers::kPreserve;
  std::vector<std::string> include, exclude;  // globs over source table names; include empty: all
  int streams = 0;                            // 0: as many as help; at most kStreamsMax
  size_t memory_bytes = kDefaultMemoryBytes;  // ceiling of the resident set
  ReaderChoice reader = ReaderChoice::kAuto;
  CheckMode check = CheckMode::kFull;         // quick_check beside the data stage
  VerifyMode verify = VerifyMode::kFull;
  std::string source_time_zone;               // "": UTC, with a finding where it mattered
  // Everything said about single tables and columns, by flag or file: renames, types, readings,
  // conditions, fills. A name that the source does not have is an error of the plan.
  std::vector<TableConfig> tables;
};

// What happens to rows and constraints that do not fit.
struct LoadPolicy {
  OnBadValue on_bad_value = OnBadValue::kStop;
  Orphans orphans = Orphans::kNotValid;
  bool strict = false;                // any warning finding stops before data is written
  uint64_t max_rejects_rows = 1000;   // stop when more are set aside ...
  double max_rejects_percent = -1;    // ... or more than this part of a table; -1: no such limit
  std::string rejects_file;           // .ndjson or .sqlite; "": only lite2pg.reject
};

// SQL files of the user's.
struct SqlHooks {
  std::string before_file;  // before pre-data; a failure stops the run
  std::string after_file;   // after publish; a failure keeps the data, exit 8
};

// copy, and plan (dry_run).
struct CopyRequest {
  CommonOptions common;
  std::string source;  // path or file: URI
  TargetSpec target;
  SchemaMode schema_mode = SchemaMode::kAuto;
  ExistingRows existing_rows = ExistingRows::kRefuse;
  LoadPolicy policy;
  SqlHooks hooks;
  std::vector<std::string> order;  // source tables to load first
  ResumeMode resume = ResumeMode::kFresh;
  bool dry_run = false;            // plan only: nothing is written anywhere, no cluster is created
  std::string write_certificate;   // file to write; "": none
  std::string only_rejects;        // file of mended rows to load instead of the source's
};
using PlanRequest = CopyRequest;   // with dry_run set

// One of the things that verify compares.
struct Side {
  enum class Kind : uint8_t { kNone, kSqlite, kArchive, kTarget };
  Kind kind = Kind::kNone;
  std::string path;   // kSqlite, kArchive
  TargetSpec target;  // kTarget
};

struct VerifyRequest {
  CommonOptions common;
  Side a, b;                      // b is kNone: a against its own record
  std::string certificate;        // compare with this file
  std::string write_certificate;
};

struct StatusRequest {
  CommonOptions common;
  TargetSpec target;
};

struct CleanRequest {
  CommonOptions common;
  TargetSpec target;
};

struct ServeRequest {
  CommonOptions common;
  std::string dir;  // of an embedded cluster
};

struct ExportRequest {
  CommonOptions common;
  std::string source, dir;
};

struct ImportRequest {
  CommonOptions common;
  std::string dir;
  TargetSpec target;
  SchemaMode schema_mode = SchemaMode::kAuto;
  ExistingRows existing_rows = ExistingRows::kRefuse;
  LoadPolicy policy;
  SqlHooks hooks;
  std::vector<std::string> order;
  ResumeMode resume = ResumeMode::kFresh;
};

struct SyncRequest {
  CommonOptions common;
  std::string source;
  TargetSpec target;
  LoadPolicy policy;
};

struct RevertRequest {
  CommonOptions common;
  TargetSpec target;
  std::string sqlite_file;  // must not exist
};

// The user's words about a table or column, or nullptr. SQLite compares names without regard to
// ASCII case, and so do these. The pointer lives as long as `options` is not changed.
inline const TableConfig* FindTableConfig(const CommonOptions& options, absl::string_view table) {
  for (const TableConfig& config : options.tables) {
    if (absl::EqualsIgnoreCase(config.name, table)) return &config;
  }
  return nullptr;
}
inline const ColumnConfig* FindColumnConfig(const TableConfig* table, absl::string_view column) {
  if (table == nullptr) return nullptr;
  for (const ColumnConfig& config : table->columns) {
    if (absl::EqualsIgnoreCase(config.name, column)) return &config;
  }
  return nullptr;
}

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REQUEST_H_
