#include "engine/plan/existing_columns.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine/base/hash_tables.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/reading_names.h"
#include "engine/postgres/identifier.h"
#include "engine/postgres/type_resolver.h"

namespace lite2pg {
namespace {

void Block(ErrorCode code, std::string object, std::string message, std::string hint,
           std::vector<Finding>* findings) {
  findings->push_back(
      {Severity::kBlocking, code, std::move(object), std::move(message), std::move(hint)});
}

struct Band {
  NumberReading reading;
  double low, high;
};

// Years 1990 to 2100 in each convention; they do not overlap, so that a column whose every value
// lies in one of them reads one way only.
constexpr Band kBands[] = {
    {NumberReading::kJulianDay, 2447892.5, 2488069.5},
    {NumberReading::kUnixSeconds, 631152000.0, 4102444800.0},
    {NumberReading::kUnixMillis, 631152000e3, 4102444800e3},
    {NumberReading::kUnixMicros, 631152000e6, 4102444800e6},
    {NumberReading::kDotNetTicks, 627667488e9, 662380416e9},
    {NumberReading::kUnixNanos, 700000000e9, 4102444800e9},
};

// The year 2036 in seconds since 2001; as Unix times these are before 2005.
constexpr double kAppleSecondsMax = 1.1e9;

NumberReading OnlyBand(double low, double high) {
  NumberReading found = NumberReading::kNone;
  for (const Band& band : kBands) {
    if (low < band.low || high > band.high) continue;
    if (found != NumberReading::kNone) return NumberReading::kNone;
    found = band.reading;
  }
  return found;
}

}  // namespace

std::vector<std::string> TargetNamesOf(absl::string_view name) {
  std::vector<std::string> names = {std::string(name)};
  std::string ours = TargetIdentifier(name);
  if (ours != name) names.push_back(std::move(ours));
  if (name.size() > kIdentifierBytesMax) {
    size_t end = kIdentifierBytesMax;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    names.emplace_back(name.substr(0, end));
  }
  return names;
}

const TargetColumn* PartnerColumn(const TargetTable& target, const ColumnConfig* config,
                                  absl::string_view source_name) {
  const bool renamed = config != nullptr && !config->rename.empty();
  for (const std::string& name : TargetNamesOf(renamed ? config->rename : source_name)) {
    const TargetColumn* folded = nullptr;
    for (const TargetColumn& column : target.columns) {
      if (column.name == name) return &column;
      if (absl::EqualsIgnoreCase(column.name, name)) folded = &column;
    }
    if (folded != nullptr) return folded;
  }
  return nullptr;
}

NumberReading ProvenIntegerReading(const ColumnScan& scan) {
  if (scan.counts[static_cast<size_t>(StorageClass::kInteger)] == 0) return NumberReading::kNone;
  return OnlyBand(static_cast<double>(scan.integer_min), static_cast<double>(scan.integer_max));
}

NumberReading ProvenRealReading(const ColumnScan& scan) {
  if (!scan.real_seen) return NumberReading::kNone;
  return OnlyBand(scan.real_min, scan.real_max);
}

std::string ProvenReadingNote(const ReadingRules& rules, const ColumnScan& scan) {
  std::vector<std::string> names;
  bool may_be_apple = false;
  const auto add = [&](NumberReading reading, double high) {
    if (reading == NumberReading::kNone) return;
    const std::string name(ReadingName(reading));
    if (names.empty() || names[0] != name) names.push_back(name);
    may_be_apple |= reading == NumberReading::kUnixSeconds && high < kAppleSecondsMax;
  };
  if (ProvenIntegerReading(scan) == rules.integer) {
    add(rules.integer, static_cast<double>(scan.integer_max));
  }
  if (ProvenRealReading(scan) == rules.real) add(rules.real, scan.real_max);
  return absl::StrCat("the numbers in this column all lie in the years 1990 to 2100 as ",
                      absl::StrJoin(names, " and "),
                      ", by no other of the usual conventions, and are read so",
                      may_be_apple ? "; as apple-seconds they would be 31 years later" : "");
}

NumberReading LikelyReading(double number) {
  const NumberReading reading = OnlyBand(number, number);
  return reading == NumberReading::kNone ? NumberReading::kUnixSeconds : reading;
}

ReadingRules RulesFor(const CommonOptions& options, const ColumnConfig& column, bool not_null) {
  ReadingRules rules;
  const ReadingOverrides& o = column.reading;
  if (o.integer.has_value()) rules.integer = *o.integer;
  if (o.real.has_value()) rules.real = *o.real;
  if (o.text.has_value()) rules.text = *o.text;
  if (o.blob.has_value()) rules.blob = *o.blob;
  if (o.offset.has_value()) rules.offset = *o.offset;
  rules.empty_text_as_null = column.empty_as_null;
  rules.not_null = not_null;
  rules.round_to_microseconds = o.round_to_microseconds;
  rules.round_to_typmod = o.round_to_typmod;
  rules.round_to_float4 = o.round_to_float4;
  rules.escape_text = o.escape_text;
  rules.bad_value = column.bad_value;
  rules.bad_value_default = column.bad_value_default;
  if (!o.source_time_zone.empty()) {
    rules.source_time_zone = o.source_time_zone;
  } else if (!options.source_time_zone.empty()) {
    rules.source_time_zone = options.source_time_zone;
  }
  return rules;
}

absl::StatusOr<PgType> ParseConfiguredType(absl::string_view sql_type) {
  struct Alias {
    absl::string_view words, type_name;
  };
  constexpr Alias kAliases[] = {{"integer", "int4"},
                                {"int", "int4"},
                                {"smallint", "int2"},
                                {"bigint", "int8"},
                                {"boolean", "bool"},
                                {"real", "float4"},
                                {"double precision", "float8"},
                                {"decimal", "numeric"},
                                {"character varying", "varchar"},
                                {"character", "bpchar"},
                                {"char", "bpchar"},
                                {"timestamp without time zone", "timestamp"},
                                {"timestamp with time zone", "timestamptz"},
                                {"time without time zone", "time"},
                                {"time with time zone", "timetz"},
                                {"bit varying", "varbit"}};
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(sql_type));
  const size_t open = lower.find('(');
  std::string name(absl::StripAsciiWhitespace(lower.substr(0, open)));
  std::vector<int> arguments;
  if (open != std::string::npos) {
    const size_t close = lower.find(')', open);
    if (close == std::string::npos) name.clear();
    for (const absl::string_view part :
         absl::StrSplit(lower.substr(open + 1, close - open - 1), ',')) {
      int value = 0;
      if (!absl::SimpleAtoi(part, &value)) name.clear();
      arguments.push_back(value);
    }
    // "timestamp(3) with time zone": the words go on after the parenthesis.
    if (close != std::string::npos && close + 1 < lower.size()) name += lower.substr(close + 1);
  }
  for (const Alias& alias : kAliases) {
    if (name == alias.words) name = std::string(alias.type_name);
  }
  const TypeCodec* codec = FindCodecByName(name);
  if (codec == nullptr || codec->oid == 0) {
    return MakeError(ErrorCode::kConfig, ExitCode::kUsage,
                     absl::StrCat("unknown PostgreSQL type '", EscapeForMessage(sql_type), "'"),
                     "write it as SQL does, for example bigint, numeric(10,2) or timestamptz");
  }
  int32_t typmod = -1;
  if (codec->oid == kOidNumeric && !arguments.empty()) {
    typmod = NumericTypmod(arguments[0], arguments.size() > 1 ? arguments[1] : 0);
  } else if ((codec->oid == kOidVarchar || codec->oid == kOidBpchar) && !arguments.empty()) {
    typmod = LengthTypmod(arguments[0]);
  } else if (!arguments.empty()) {
    typmod = arguments[0];
  }
  return BuiltinType(codec->oid, typmod);
}

absl::StatusOr<std::map<std::string, PgType>> ReadConfiguredTypes(PgConnection& connection,
                                                                  const CommonOptions& options) {
  std::map<std::string, PgType> types;
  for (const TableConfig& table : options.tables) {
    for (const ColumnConfig& column : table.columns) {
      if (column.type.empty() || ParseConfiguredType(column.type).ok()) continue;
      ASSIGN_OR_RETURN(types[column.type],
                       ReadNamedType(connection, column.type, options.target_schema));
    }
  }
  return types;
}

void CheckExistingTable(const PlanInputs& inputs, const TargetTable& target,
                        const SourceTable& source, std::vector<Finding>* findings) {
  if (target.kind != 'r' && target.kind != 'p') {
    Block(ErrorCode::kTargetTableExists, source.name,
          absl::StrCat(EscapeName(target.name), " in the target is a view or foreign table"),
          "rename it, or --exclude the table", findings);
    return;
  }
  if (!target.can_insert || !target.can_select) {
    Block(ErrorCode::kTargetPrivilege, source.name,
          absl::StrCat("the role may not ", target.can_insert ? "read" : "write", " ",
                       EscapeName(target.name)),
          absl::StrCat("GRANT SELECT, INSERT ON ", QuoteQualified(target.schema, target.name),
                       " TO your role"),
          findings);
  }
  if (target.row_security) {
    Block(ErrorCode::kTargetPrivilege, source.name,
          "row-level security applies to this role; COPY would be refused",
          target.owned ? "ALTER TABLE ... NO FORCE ROW LEVEL SECURITY for the time of the load"
                       : "load as the owner of the table",
          findings);
  }
  if (target.has_rows && inputs.existing_rows == ExistingRows::kRefuse) {
    Block(ErrorCode::kTargetTableNotEmpty, source.name,
          absl::StrCat("the table ", EscapeName(target.name), " already has rows"),
          "empty it, or choose --existing-rows skip-equal, skip, upsert or replace; `lite2pg sync` "
          "brings a copy up to date",
          findings);
  }
  for (const TargetTrigger& trigger : target.triggers) {
    if (!trigger.enabled) continue;
    findings->push_back({Severity::kWarning, ErrorCode::kTargetConstraint,
                         absl::StrCat(source.name, ".", trigger.name),
                         absl::StrCat("the trigger ", EscapeName(trigger.name),
                                      " will fire for every row; verification tells if it "
                                      "changes what is stored"),
                         "disable it for the load if it should not"});
  }
}

absl::Status MatchExistingColumns(const PlanInputs& inputs, SelectedTable* selected,
                                  std::vector<int>* columns, std::vector<Finding>* findings) {
  const SourceTable& source = *selected->source;
  const TargetTable& target = *selected->target;
  HashSet<const TargetColumn*> used;
  for (size_t i = 0; i < source.columns.size(); ++i) {
    const SourceColumn& column = source.columns[i];
    const ColumnConfig* config = FindColumnConfig(selected->config, column.name);
    const TargetColumn* partner = PartnerColumn(target, config, column.name);
    const std::string object = absl::StrCat(source.name, ".", column.name);
    // The number of a full-text row is no column of it that an application would have declared.
    const bool row_number = !column.stored_name.empty() &&
                            source.rowid_alias == static_cast<int>(i);
    if (partner == nullptr && row_number) continue;
    if (!column.unreadable.empty()) continue;  // reported with the table
    if (config != nullptr && config->exclude) {
      findings->push_back({Severity::kInfo, ErrorCode::kTablePartial, object,
                           "this column is not copied, as the configuration says", ""});
      continue;
    }
    if (partner == nullptr) {
      Block(ErrorCode::kTargetColumnMismatch, object,
            absl::StrCat("the target table has no column ",
                         EscapeName(config != nullptr && !config->rename.empty() ? config->rename
                                                                                 : column.name)),
            "add the column, or rename or exclude it in the configuration", findings);
      continue;
    }
    if (!used.insert(partner).second) {
      Block(ErrorCode::kTargetColumnMismatch, object,
            absl::StrCat("two source columns match the target column ", EscapeName(partner->name)),
            "rename one of them in the configuration", findings);
      continue;
    }
    if (partner->generated) {
      findings->push_back({Severity::kInfo, ErrorCode::kTablePartial, object,
                           absl::StrCat("the target computes its column ",
                                        EscapeName(partner->name),
                                        " itself: what the source holds is not loaded, and "
                                        "compared with it at the end (--verify full)"),
                           "nothing, if both mean the same; exclude = true in the configuration "
                           "leaves the column out"});
      continue;
    }
    const ColumnConfig none;
    const bool filled = config != nullptr && config->fill.has_value();
    ReadingRules rules = RulesFor(*inputs.options, config != nullptr ? *config : none,
                                  partner->not_null && !filled);
    if (rules.blob == BlobReading::kPlain && partner->type.oid == kOidJsonb) {
      rules.blob = BlobReading::kSqliteJsonb;
    }
    absl::StatusOr<Candidate> candidate = FixedCandidate(partner->type, rules);
    if (!candidate.ok()) {
      Block(ErrorCode::kConfig, object, std::string(candidate.status().message()),
            "correct the configuration", findings);
      continue;
    }
    columns->push_back(static_cast<int>(i));
    selected->target_columns.push_back(partner);
    selected->candidates.push_back({*std::move(candidate)});
  }
  for (const TargetColumn& column : target.columns) {
    if (used.contains(&column) || column.generated) continue;
    if (!column.not_null || column.has_default || column.identity != 0) continue;
    const ColumnConfig* config = FindColumnConfig(selected->config, column.name);
    if (config != nullptr && config->fill.has_value()) continue;
    Block(ErrorCode::kTargetColumnMismatch, absl::StrCat(source.name, ".", column.name),
          absl::StrCat("the target column ", EscapeName(column.name),
                       " is NOT NULL without a default, and the source has no such column"),
          absl::StrCat("give it a value: --fill ", source.name, ".", column.name, "=VALUE"),
          findings);
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
