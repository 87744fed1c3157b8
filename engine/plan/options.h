// What a user may say about how tables and columns are carried: the part of a request that the
// planner reads.
//
// Plain values with every default beside its field: copy them freely.
#ifndef LITE2PG_ENGINE_PLAN_OPTIONS_H_
#define LITE2PG_ENGINE_PLAN_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"
#include "engine/base/limits.h"
#include "engine/sqlite/file_names.h"
#include "engine/sqlite/reader_choice.h"

namespace lite2pg {

enum class Identifiers : uint8_t { kPreserve, kLower };
enum class CheckMode : uint8_t { kFull, kOff };
enum class VerifyMode : uint8_t { kFull, kCounts, kOff };
enum class PublishMode : uint8_t { kAtOnce, kBatched };
enum class SchemaMode : uint8_t { kAuto, kCreate, kExisting, kMixed };
// kAdd: mended rejects beside the rows that are there; no option gives it.
enum class ExistingRows : uint8_t { kRefuse, kSkipEqual, kSkip, kUpsert, kReplace, kAdd };
enum class OnBadValue : uint8_t { kStop, kReject };
enum class Orphans : uint8_t { kNotValid, kStop, kReject };
// The content of full-text tables becomes an ordinary table; kTsvector adds a column to search by.
enum class FullText : uint8_t { kContent, kTsvector };
enum class ResumeMode : uint8_t { kFresh, kResume, kRestart };

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
  std::optional<OffsetReading> offset;
  bool round_to_microseconds = false;
  bool round_to_typmod = false;
  bool round_to_float4 = false;
  bool escape_text = false;
  std::string source_time_zone;  // "": CommonOptions::source_time_zone
};

struct ColumnConfig {
  std::string name;    // in the source; ASCII case does not matter
  std::string rename;  // in the target; "": by the rule for all names
  std::string type;    // target type as SQL writes it, for columns that we create; "": decided
  ReadingOverrides reading;
  bool empty_as_null = false;  // '' becomes NULL; counted
  bool exclude = false;        // not copied; only into tables that are there
  std::optional<FillValue> fill;
  std::optional<OnBadValue> on_bad_value;  // not set: LoadPolicy::on_bad_value
  BadValueRule bad_value = BadValueRule::kRefuse;  // otherwise no value is bad
  std::string bad_value_default;                   // with kDefault
};

struct TableConfig {
  std::string name;    // in the source; ASCII case does not matter
  std::string rename;  // in the target
  std::string where;   // SQLite condition; "": all rows
  // For targets that spread tables; at most one of the first three.
  std::string distribute;      // Citus: by this column
  bool reference = false;      // Citus: a copy on every server
  std::string hypertable;      // TimescaleDB: by this column of time
  std::string chunk_interval;  // with hypertable: an interval, or a number for a column of integers
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
  FullText full_text = FullText::kContent;
  std::string private_copy_dir;               // not "": a copy of the source is read, made there
  uint64_t wal_growth_bytes_max = 0;          // 0: no limit
  bool experimental = false;                  // also into servers that no test has run against
  std::string source_time_zone;               // "": UTC, with a finding where it mattered
  // Several files of one schema as one source: the name of the column that tells them apart; "":
  // the source is one file.
  std::string source_column;
  FileNames source_names = FileNames::kStem;
  std::vector<std::string> more_sources;      // besides the one that is named: paths or patterns
  // Everything said about single tables and columns, by flag or file: renames, types, readings,
  // conditions, fills. A name that the source does not have is an error of the plan.
  std::vector<TableConfig> tables;
  // Likewise about all columns of a declared type (`name`: a pattern, without regard to case). What
  // is said of tables and columns goes before it.
  std::vector<ColumnConfig> declared_types;
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

#endif  // LITE2PG_ENGINE_PLAN_OPTIONS_H_
