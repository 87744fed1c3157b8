// Two SQLite files, archives or targets: what has the same name is compared.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coercion/type_codec.h"
#include "engine/base/hash_tables.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/verify_input.h"
#include "engine/plan/config_patterns.h"
#include "engine/plan/existing_columns.h"
#include "engine/verify/sqlite_side.h"

namespace lite2pg {
namespace {

constexpr int64_t kRowBytesGuess = 100;
constexpr int64_t kBlockBytes = 8192;
constexpr int64_t kLargeBytes = int64_t{16} << 20;

// Names of one database differ by more than ASCII case in SQLite, and need not in PostgreSQL.
template <typename Item>
const Item* Find(const std::vector<Item>& items, absl::string_view name, bool fold) {
  for (const Item& item : items) {
    if (item.name == name) return &item;
  }
  for (const Item& item : items) {
    if (fold && absl::EqualsIgnoreCase(item.name, name)) return &item;
  }
  return nullptr;
}

DifferenceReport ColumnOnOneSide(absl::string_view column, bool in_a) {
  DifferenceReport difference;
  difference.column = std::string(column);
  (in_a ? difference.source : difference.target) = "a column";
  difference.kind = in_a ? "column_missing" : "column_extra";
  return difference;
}

bool HasRows(const SourceTable& table) {
  const bool ordinary = table.kind == SourceTableKind::kOrdinary ||
                        table.kind == SourceTableKind::kWithoutRowid;
  const bool carried = table.kind == SourceTableKind::kVirtual && !table.content_table.empty();
  return (ordinary || carried) && table.unreadable.empty();
}
bool HasRows(const TargetTable& table) {
  return (table.kind == 'r' || table.kind == 'p') && !absl::StartsWith(table.name, "lite2pg_");
}

template <typename Table>
void AddOneSided(const CommonOptions& common, const std::vector<Table>& b,
                 const HashSet<const Table*>& used, VerifyInput* input) {
  for (const Table& table : b) {
    if (used.contains(&table) || !HasRows(table) || !IsIncluded(common, table.name)) continue;
    input->others.push_back(OneSided("", table.name, "table_extra"));
  }
}

std::vector<size_t> KeyPositions(const std::vector<std::string>& columns,
                                 const std::vector<std::string>& key) {
  std::vector<size_t> positions;
  for (const std::string& name : key) {
    const auto found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) return {};
    positions.push_back(static_cast<size_t>(found - columns.begin()));
  }
  return positions;
}

std::vector<std::string> KeyNames(const SourceTable& table) {
  std::vector<std::string> names;
  for (const int column : table.primary_key) {
    names.push_back(table.columns[static_cast<size_t>(column)].name);
  }
  return names;
}

std::vector<std::string> KeyNames(const TargetTable& table) {
  for (const TargetIndex& index : table.indexes) {
    if (index.primary && index.valid) return index.columns;
  }
  return {};
}

// The conditions of both sides are the same: it is one command line.
std::string WhereOf(const CommonOptions& common, absl::string_view table) {
  const TableConfig* config = FindTableConfig(common, table);
  return config == nullptr ? std::string() : config->where;
}

// Files, archives, or one of each.
class SourceMatch {
 public:
  SourceMatch(const VerifyRequest& request, VerifyInput* input)
      : request_(request), input_(*input) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(common_, ExpandPatterns(request_.common, {}, input_.source_a.catalog));
    const OpenedSource& side_b = input_.source_b;
    HashSet<const SourceTable*> used;
    for (const SourceTable& a : input_.source_a.catalog.tables) {
      if (!IsThere(input_.source_a, a)) continue;
      const SourceTable* b = Find(side_b.catalog.tables, a.name, /*fold=*/true);
      if (b != nullptr) used.insert(b);
      const bool left_out = side_b.archive != nullptr && side_b.archive->LeftOut(a.name);
      if (left_out || !IsIncluded(common_, a.name)) {
        TableReport excluded;
        excluded.source_name = a.name;
        excluded.state = "excluded";
        input_.others.push_back(std::move(excluded));
        continue;
      }
      if (b == nullptr || !IsThere(side_b, *b)) {
        input_.others.push_back(OneSided(a.name, "", "table_missing"));
        continue;
      }
      RETURN_IF_ERROR(Add(a, *b));
    }
    std::vector<SourceTable> only_b;
    for (const SourceTable& b : side_b.catalog.tables) {
      if (!used.contains(&b) && IsThere(side_b, b)) only_b.push_back(b);
    }
    AddOneSided(common_, only_b, {}, &input_);
    return absl::OkStatus();
  }

  std::vector<SqliteSideTable> of_a, of_b;

 private:
  static bool IsThere(const OpenedSource& side, const SourceTable& table) {
    if (side.archive != nullptr) return side.archive->FindTable(table.name) != nullptr;
    return HasRows(table);
  }
  static const ArchiveColumn* Archived(const OpenedSource& side, const SourceTable& table,
                                       size_t column) {
    if (side.archive == nullptr) return nullptr;
    return side.archive->FindColumn(*side.archive->FindTable(table.name),
                                    static_cast<int>(column));
  }

  // Columns that are compared, and how.
  struct Columns {
    std::vector<int> a, b;
    std::vector<ColumnCodec> codecs_a, codecs_b;   // empty without an archive
  };

  bool IsLeftOut(const SourceTable& table, const SourceColumn& column) {
    const ColumnConfig* config =
        FindColumnConfig(FindTableConfig(common_, table.name), column.name);
    return config != nullptr && config->exclude;
  }

  void Note(Severity severity, ErrorCode code, std::string object, std::string message) {
    input_.findings.push_back({severity, code, std::move(object), std::move(message), ""});
  }

  absl::Status Add(const SourceTable& a, const SourceTable& b) {
    ComparedTable table;
    VerifiedTable verified;
    Columns columns;
    table.name = a.name;
    HashSet<const SourceColumn*> used;
    const auto is_there = [](const OpenedSource& side, const SourceTable& of, size_t column) {
      return side.archive == nullptr || Archived(side, of, column) != nullptr;
    };
    for (size_t i = 0; i < a.columns.size(); ++i) {
      if (!is_there(input_.source_a, a, i)) continue;
      if (IsLeftOut(a, a.columns[i])) {
        Note(Severity::kInfo, ErrorCode::kNotLookedAt,
             absl::StrCat(a.name, ".", a.columns[i].name), "not looked at: excluded by option");
        used.insert(Find(b.columns, a.columns[i].name, /*fold=*/true));
        continue;
      }
      const SourceColumn* other = Find(b.columns, a.columns[i].name, /*fold=*/true);
      const size_t at =
          other == nullptr ? 0 : static_cast<size_t>(other - b.columns.data());
      if (other == nullptr || !is_there(input_.source_b, b, at)) {
        verified.report.differences.push_back(ColumnOnOneSide(a.columns[i].name, true));
        continue;
      }
      used.insert(other);
      // Only its application can compute it.
      if (!a.columns[i].unreadable.empty() || !other->unreadable.empty()) continue;
      table.columns.push_back(a.columns[i].name);
      RETURN_IF_ERROR(AddColumn(a, i, b, at, &columns, &verified.report));
    }
    for (size_t i = 0; i < b.columns.size(); ++i) {
      if (used.contains(&b.columns[i]) || !is_there(input_.source_b, b, i)) continue;
      verified.report.differences.push_back(ColumnOnOneSide(b.columns[i].name, false));
    }
    verified.report.source_name = a.name;
    verified.report.target_name = b.name;
    if (columns.a.empty()) {
      input_.others.push_back(std::move(verified.report));
      input_.others.back().compared = true;
      return absl::OkStatus();
    }
    if (KeyNames(a) == KeyNames(b)) table.key = KeyPositions(table.columns, KeyNames(a));
    AddReadings(a, b, std::move(columns), &table, &verified);
    input_.AddTable(std::move(table), std::move(verified));
    return absl::OkStatus();
  }

  absl::Status AddColumn(const SourceTable& a, size_t at_a, const SourceTable& b, size_t at_b,
                         Columns* columns, TableReport* report) {
    columns->a.push_back(static_cast<int>(at_a));
    columns->b.push_back(static_cast<int>(at_b));
    ColumnReport row;
    row.source_name = a.columns[at_a].name;
    row.target_name = b.columns[at_b].name;
    row.declared_type = a.columns[at_a].declared_type;
    row.target_type = b.columns[at_b].declared_type;
    const ArchiveColumn* in_b = Archived(input_.source_b, b, at_b);
    if (in_b != nullptr) {
      row.target_type = in_b->type;
      ReadingRules rules;
      const ArchiveColumn* in_a = Archived(input_.source_a, a, at_a);
      if (in_a == nullptr) {
        const ArchiveSource& archive = *input_.source_b.archive;
        rules = archive.RulesOf(*archive.FindTable(b.name), *in_b);
      } else if (in_a->type != in_b->type) {
        Note(Severity::kWarning, ErrorCode::kTypeNarrower,
             absl::StrCat(a.name, ".", row.source_name),
             absl::StrCat("the types differ: ", in_a->type, " and ", in_b->type));
      }
      ASSIGN_OR_RETURN(const PgType type, ParseConfiguredType(in_b->type));
      ASSIGN_OR_RETURN(ColumnCodec codec_a, BindColumn(type, rules));
      ASSIGN_OR_RETURN(ColumnCodec codec_b, BindColumn(type, ReadingRules()));
      columns->codecs_a.push_back(std::move(codec_a));
      columns->codecs_b.push_back(std::move(codec_b));
    }
    report->columns.push_back(std::move(row));
    return absl::OkStatus();
  }

  void AddReadings(const SourceTable& a, const SourceTable& b, Columns columns,
                   ComparedTable* table, VerifiedTable* verified) {
    const std::string wanted = WhereOf(common_, a.name);
    std::string archived;
    if (input_.source_b.archive != nullptr) {
      archived = input_.source_b.archive->FindTable(b.name)->where;
    }
    // Of an archive, the rows that the user's condition does not choose are no difference.
    verified->partial = input_.source_b.archive != nullptr && !wanted.empty();
    std::string where = wanted.empty() || archived.empty()
                            ? absl::StrCat(archived, wanted)
                            : absl::StrCat("(", archived, "\n) AND (", wanted, "\n)");
    verified->report.where = where;
    if (!where.empty()) {
      Note(Severity::kInfo, ErrorCode::kTablePartial, a.name,
           absl::StrCat("only rows where ", EscapeForMessage(where, 200), " are compared"));
    }
    const int64_t bytes =
        std::max(BytesOf(input_.source_a, a), BytesOf(input_.source_b, b));
    table->rows_estimate = static_cast<uint64_t>(bytes / kRowBytesGuess);
    of_a.push_back(Read(input_.source_a, a, std::move(columns.a), std::move(columns.codecs_a),
                        where, bytes));
    of_b.push_back(Read(input_.source_b, b, std::move(columns.b), std::move(columns.codecs_b),
                        where, bytes));
  }

  static int64_t BytesOf(const OpenedSource& source, const SourceTable& table) {
    if (source.archive != nullptr) {
      return static_cast<int64_t>(source.archive->FindTable(table.name)->bytes);
    }
    const auto tables = static_cast<int64_t>(source.catalog.tables.size());
    return source.catalog.bytes() / std::max<int64_t>(1, tables);
  }

  SqliteSideTable Read(const OpenedSource& side, const SourceTable& table,
                       std::vector<int> columns, std::vector<ColumnCodec> codecs,
                       const std::string& where, int64_t bytes) {
    input_.readings.push_back(std::make_unique<TableReading>(
        side.archive == nullptr
            ? MakeTableReading(table, std::move(columns), where)
            : side.archive->MakeReading(*side.archive->FindTable(table.name),
                                        std::move(columns))));
    input_.codecs.push_back(std::make_unique<std::vector<ColumnCodec>>(std::move(codecs)));
    SqliteSideTable read;
    read.reading = input_.readings.back().get();
    read.codecs = *input_.codecs.back();
    read.large = bytes > kLargeBytes;
    return read;
  }

  const VerifyRequest& request_;
  CommonOptions common_;   // with patterns of names resolved
  VerifyInput& input_;
};

class TargetMatch {
 public:
  TargetMatch(const VerifyRequest& request, VerifyInput* input)
      : request_(request), input_(*input) {}

  absl::Status Run() {
    HashSet<const TargetTable*> used;
    for (const TargetTable& a : input_.target_a.tables) {
      if (!HasRows(a)) continue;
      const TargetTable* b = Find(input_.target_b.tables, a.name, /*fold=*/false);
      if (b != nullptr) used.insert(b);
      if (!IsIncluded(request_.common, a.name)) {
        TableReport excluded;
        excluded.source_name = a.name;
        excluded.state = "excluded";
        input_.others.push_back(std::move(excluded));
        continue;
      }
      if (b == nullptr || !HasRows(*b)) {
        input_.others.push_back(OneSided(a.name, "", "table_missing"));
        continue;
      }
      Add(a, *b);
    }
    AddOneSided(request_.common, input_.target_b.tables, used, &input_);
    return absl::OkStatus();
  }

  std::vector<TargetSideTable> of_a, of_b;

 private:
  void NotLookedAt(const std::string& object, const std::string& why) {
    input_.findings.push_back({Severity::kWarning, ErrorCode::kNotLookedAt, object,
                               absl::StrCat("not looked at: ", why), ""});
  }

  void Add(const TargetTable& a, const TargetTable& b) {
    ComparedTable table;
    VerifiedTable verified;
    std::vector<ColumnCodec> codecs_a, codecs_b;
    std::vector<bool> as_text;
    table.name = a.name;
    verified.report.source_name = a.name;
    verified.report.target_name = b.name;
    for (const TargetColumn& column : a.columns) {
      const TargetColumn* other = Find(b.columns, column.name, /*fold=*/false);
      const std::string object = absl::StrCat(a.name, ".", column.name);
      if (other == nullptr) {
        verified.report.differences.push_back(ColumnOnOneSide(column.name, true));
        continue;
      }
      absl::StatusOr<ColumnCodec> codec_a = BindColumn(column.type, ReadingRules());
      absl::StatusOr<ColumnCodec> codec_b = BindColumn(other->type, ReadingRules());
      if (!codec_a.ok() || !codec_b.ok()) {
        NotLookedAt(object, absl::StrCat("no way to read the type ", column.type.sql_name));
        continue;
      }
      if (column.type.sql_name != other->type.sql_name) {
        input_.findings.push_back({Severity::kWarning, ErrorCode::kTypeNarrower, object,
                                   absl::StrCat("the types differ: ", column.type.sql_name,
                                                " and ", other->type.sql_name),
                                   ""});
      }
      table.columns.push_back(column.name);
      codecs_a.push_back(*std::move(codec_a));
      codecs_b.push_back(*std::move(codec_b));
      as_text.push_back(codecs_a.back().type != codecs_b.back().type);
      verified.report.columns.push_back(
          {column.name, other->name, column.type.sql_name, other->type.sql_name, {}, {}, true, ""});
    }
    for (const TargetColumn& column : b.columns) {
      if (Find(a.columns, column.name, /*fold=*/false) != nullptr) continue;
      verified.report.differences.push_back(ColumnOnOneSide(column.name, false));
    }
    if (table.columns.empty()) {
      input_.others.push_back(std::move(verified.report));
      return;
    }
    if (KeyNames(a) == KeyNames(b)) table.key = KeyPositions(table.columns, KeyNames(a));
    table.rows_estimate =
        static_cast<uint64_t>(std::max(a.pages, b.pages) * kBlockBytes / kRowBytesGuess);
    of_a.push_back(ReadableTable(a, table.columns, codecs_a));
    of_b.push_back(ReadableTable(b, table.columns, codecs_b));
    of_a.back().as_text = of_b.back().as_text = as_text;
    of_a.back().cut_by_position &= DialectNamed(input_.target_a.facts.dialect).tuple_positions;
    of_b.back().cut_by_position &= DialectNamed(input_.target_b.facts.dialect).tuple_positions;
    input_.AddTable(std::move(table), std::move(verified));
    for (size_t i = 0; i < codecs_a.size(); ++i) {
      std::optional<ColumnCodec>& codec = input_.field_codecs.back().emplace_back();
      if (!as_text[i]) codec = codecs_a[i];
    }
  }

  const VerifyRequest& request_;
  VerifyInput& input_;
};

// A certificate is about what was compared, in the order in which it was hashed.
void KeepCompared(const std::vector<VerifiedTable>& verified, PlanRecord* record) {
  std::vector<TableRecord> kept;
  for (const VerifiedTable& row : verified) {
    const auto table = std::find_if(
        record->tables.begin(), record->tables.end(),
        [&](const TableRecord& t) { return t.source_name == row.report.target_name; });
    if (table == record->tables.end()) continue;
    TableRecord one = *table;
    one.source_name = row.report.source_name;
    one.where = row.report.where;
    one.columns.clear();
    for (const ColumnReport& compared : row.report.columns) {
      for (const ColumnRecord& column : table->columns) {
        if (column.source_name == compared.target_name) one.columns.push_back(column);
      }
    }
    kept.push_back(std::move(one));
  }
  record->tables = std::move(kept);
}

}  // namespace

absl::Status RefuseConditions(const CommonOptions& common, absl::string_view why) {
  for (const TableConfig& config : common.tables) {
    if (config.where.empty()) continue;
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     absl::StrCat("--where is a condition on an SQLite file, and ", why));
  }
  return absl::OkStatus();
}

absl::Status MatchSources(const VerifyRequest& request, const Side& a, const Side& b,
                          EventSink& events, CancelToken& cancel, VerifyInput* input,
                          Report* report) {
  RETURN_IF_ERROR(OpenSource(a, request.common, events, cancel, &input->source_a));
  RETURN_IF_ERROR(OpenSource(b, request.common, events, cancel, &input->source_b));
  const VerifyBudget budget = input->budget =
      BudgetOf(request.common,
               std::max(RowBytesMax(input->source_a), RowBytesMax(input->source_b)));
  DescribeSource(input->source_a, report);
  report->target.conninfo_shown = b.path;
  report->target.dialect = input->source_b.archive != nullptr ? "archive" : "sqlite";
  if (input->source_a.archive != nullptr) {
    RETURN_IF_ERROR(RefuseConditions(request.common, "both sides are archives"));
  }
  SourceMatch match(request, input);
  RETURN_IF_ERROR(match.Run());
  if (input->source_b.archive != nullptr) {
    input->record = RecordOf(*input->source_b.archive);
    KeepCompared(input->verified, &input->record);
  }
  input->a = std::make_unique<SqliteSide>(*input->source_a.snapshot, budget.workers,
                                          std::move(match.of_a), nullptr);
  input->b = std::make_unique<SqliteSide>(*input->source_b.snapshot, budget.workers,
                                          std::move(match.of_b), nullptr);
  return cancel.Check();
}

absl::Status MatchTargets(const VerifyRequest& request, CancelToken& cancel, VerifyInput* input,
                          Report* report) {
  const VerifyBudget budget = input->budget = BudgetOf(request.common);
  RETURN_IF_ERROR(OpenTarget(request.a.target, request.common, cancel, &input->target_a, nullptr));
  RETURN_IF_ERROR(OpenTarget(request.b.target, request.common, cancel, &input->target_b, report));
  report->source.path = request.a.target.embedded()
                            ? request.a.target.pgdata_dir
                            : RedactConninfo(request.a.target.conninfo);
  RETURN_IF_ERROR(RefuseConditions(request.common, "both sides are targets"));
  TargetMatch match(request, input);
  RETURN_IF_ERROR(match.Run());
  ASSIGN_OR_RETURN(input->a, TargetSide::Open(input->target_a.session->connect_options(),
                                              budget.workers, std::move(match.of_a)));
  ASSIGN_OR_RETURN(input->b, TargetSide::Open(input->target_b.session->connect_options(),
                                              budget.workers, std::move(match.of_b)));
  return cancel.Check();
}

}  // namespace lite2pg
