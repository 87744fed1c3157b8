#include "engine/plan/config_patterns.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/suggest.h"
#include "engine/base/text.h"
#include "engine/plan/selection.h"

namespace lite2pg {
namespace {

bool LooksLikePattern(const std::string& name) {
  return name.find_first_of("*?") != std::string::npos;
}

template <typename T>
void Take(const std::optional<T>& from, std::optional<T>* to) {
  if (!to->has_value()) *to = from;
}

void Take(const std::string& from, std::string* to) {
  if (to->empty()) *to = from;
}

// What `pattern` says, where `column` says nothing.
void Complete(const ColumnConfig& pattern, ColumnConfig* column) {
  Take(pattern.type, &column->type);
  Take(pattern.reading.integer, &column->reading.integer);
  Take(pattern.reading.real, &column->reading.real);
  Take(pattern.reading.text, &column->reading.text);
  Take(pattern.reading.blob, &column->reading.blob);
  Take(pattern.reading.offset, &column->reading.offset);
  column->reading.round_to_microseconds |= pattern.reading.round_to_microseconds;
  column->reading.round_to_typmod |= pattern.reading.round_to_typmod;
  column->reading.round_to_float4 |= pattern.reading.round_to_float4;
  Take(pattern.reading.source_time_zone, &column->reading.source_time_zone);
  column->empty_as_null |= pattern.empty_as_null;
  column->exclude |= pattern.exclude;
  Take(pattern.fill, &column->fill);
  column->reading.escape_text |= pattern.reading.escape_text;
  if (column->on_bad_value.has_value() || column->bad_value != BadValueRule::kRefuse) return;
  column->on_bad_value = pattern.on_bad_value;
  column->bad_value = pattern.bad_value;
  column->bad_value_default = pattern.bad_value_default;
}

ColumnConfig* Entry(const std::string& name, TableConfig* table) {
  for (ColumnConfig& config : table->columns) {
    if (absl::EqualsIgnoreCase(config.name, name)) return &config;
  }
  table->columns.emplace_back();
  table->columns.back().name = name;
  return &table->columns.back();
}

// Names of the source without an exact match are unknown, unless they are patterns.
class Expansion {
 public:
  Expansion(const CommonOptions& options, const SourceCatalog& catalog)
      : options_(options), catalog_(catalog) {
    for (const SourceTable& table : catalog.tables) table_names_.push_back(table.name);
  }

  void CheckTable(const std::string& name) {
    if (Has(table_names_, name) || LooksLikePattern(name)) return;
    absl::StrAppend(&unknown_, unknown_.empty() ? "" : "; ", "there is no table ", EscapeName(name),
                    DidYouMean(name, table_names_));
  }

  // Views may be named too.
  void CheckInclude(const std::string& glob) {
    const auto matches = [&](const auto& object) { return GlobMatches(glob, object.name); };
    if (std::any_of(catalog_.tables.begin(), catalog_.tables.end(), matches) ||
        std::any_of(catalog_.views.begin(), catalog_.views.end(), matches)) {
      return;
    }
    absl::StrAppend(&unknown_, unknown_.empty() ? "" : "; ", "there is no table ",
                    LooksLikePattern(glob) ? "that --include matches: " : "", EscapeName(glob),
                    DidYouMean(glob, table_names_));
  }

  void CheckType(const std::string& name) {
    std::vector<std::string> known;
    for (const SourceTable& table : catalog_.tables) {
      for (const SourceColumn& column : table.columns) known.push_back(column.declared_type);
    }
    if (Has(known, name) || LooksLikePattern(name)) return;
    absl::StrAppend(&unknown_, unknown_.empty() ? "" : "; ", "no column is declared as ",
                    EscapeName(name), DidYouMean(name, known));
  }

  CommonOptions Run() {
    CommonOptions expanded = options_;
    expanded.tables.clear();
    for (const TableConfig& said : options_.tables) CheckTable(said.name);
    for (const ColumnConfig& said : options_.declared_types) CheckType(said.name);
    for (const SourceTable& table : catalog_.tables) {
      TableConfig entry;
      entry.name = table.name;
      bool any = false;
      for (const bool patterns : {false, true}) {
        for (const TableConfig& said : options_.tables) {
          if (IsPattern(said.name, table_names_) != patterns) continue;
          if (!Matches(said.name, table.name, patterns)) continue;
          any = true;
          if (!patterns) Take(said.rename, &entry.rename);
          Take(said.where, &entry.where);
          Take(said.distribute, &entry.distribute);
          Take(said.hypertable, &entry.hypertable);
          Take(said.chunk_interval, &entry.chunk_interval);
          entry.reference |= said.reference;
          AddColumns(table, said, patterns, &entry);
        }
      }
      any |= AddDeclaredTypes(table, &entry);
      if (any) expanded.tables.push_back(std::move(entry));
    }
    return expanded;
  }

  const std::string& unknown() const { return unknown_; }

 private:
  static bool Has(const std::vector<std::string>& names, const std::string& name) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& known) {
      return absl::EqualsIgnoreCase(known, name);
    });
  }
  static bool IsPattern(const std::string& name, const std::vector<std::string>& names) {
    return LooksLikePattern(name) && !Has(names, name);
  }
  static bool Matches(const std::string& said, const std::string& name, bool pattern) {
    return pattern ? GlobMatches(said, name) : absl::EqualsIgnoreCase(said, name);
  }

  void AddColumns(const SourceTable& table, const TableConfig& said, bool table_pattern,
                  TableConfig* out) {
    std::vector<std::string> names;
    for (const SourceColumn& column : table.columns) names.push_back(column.name);
    for (const bool patterns : {false, true}) {
      for (const ColumnConfig& config : said.columns) {
        if (IsPattern(config.name, names) != patterns) continue;
        // Of several tables, a column's name is meant for those that have it. A column that only
        // the target has may be filled.
        if (!patterns && !Has(names, config.name) && !table_pattern) {
          UnknownColumn(table, config, names, out);
        }
        for (const std::string& name : names) {
          if (!Matches(config.name, name, patterns)) continue;
          ColumnConfig* entry = Entry(name, out);
          if (!patterns && !table_pattern) Take(config.rename, &entry->rename);
          Complete(config, entry);
        }
      }
    }
  }

  // True if any was said of the declared type of one of its columns.
  bool AddDeclaredTypes(const SourceTable& table, TableConfig* out) {
    bool any = false;
    for (const SourceColumn& column : table.columns) {
      for (const ColumnConfig& said : options_.declared_types) {
        if (!GlobMatches(said.name, column.declared_type)) continue;
        Complete(said, Entry(column.name, out));
        any = true;
      }
    }
    return any;
  }

  void UnknownColumn(const SourceTable& table, const ColumnConfig& config,
                     const std::vector<std::string>& names, TableConfig* out) {
    if (config.fill.has_value()) {
      out->columns.push_back(config);
      return;
    }
    absl::StrAppend(&unknown_, unknown_.empty() ? "" : "; ", "table ", EscapeName(table.name),
                    " has no column ", EscapeName(config.name), DidYouMean(config.name, names));
  }

  const CommonOptions& options_;
  const SourceCatalog& catalog_;
  std::vector<std::string> table_names_;
  std::string unknown_;
};

}  // namespace

absl::StatusOr<CommonOptions> ExpandPatterns(const CommonOptions& options,
                                             const std::vector<std::string>& order,
                                             const SourceCatalog& catalog) {
  Expansion expansion(options, catalog);
  for (const std::string& name : order) expansion.CheckTable(name);
  for (const std::string& glob : options.include) expansion.CheckInclude(glob);
  CommonOptions expanded = expansion.Run();
  if (expansion.unknown().empty()) return expanded;
  return MakeError(
      ErrorCode::kConfig, ExitCode::kUsage,
      absl::StrCat("options name what the source does not have: ", expansion.unknown()),
      "mend the names in the options or the configuration file");
}

}  // namespace lite2pg
