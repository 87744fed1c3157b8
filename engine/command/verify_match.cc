// Two sides of one kind, two SQLite files or two targets: what has the same name is compared.
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coercion/type_codec.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/verify_input.h"
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
                 const absl::flat_hash_set<const Table*>& used, VerifyInput* input) {
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

class SourceMatch {
 public:
  SourceMatch(const VerifyRequest& request, VerifyInput* input)
      : request_(request), input_(*input) {}

  void Run() {
    absl::flat_hash_set<const SourceTable*> used;
    for (const SourceTable& a : input_.source_a.catalog.tables) {
      if (!HasRows(a)) continue;
      const SourceTable* b = Find(input_.source_b.catalog.tables, a.name, /*fold=*/true);
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
    AddOneSided(request_.common, input_.source_b.catalog.tables, used, &input_);
  }

  std::vector<SqliteSideTable> of_a, of_b;

 private:
  void Add(const SourceTable& a, const SourceTable& b) {
    ComparedTable table;
    VerifiedTable verified;
    std::vector<int> columns_a, columns_b;
    table.name = a.name;
    absl::flat_hash_set<const SourceColumn*> used;
    for (size_t i = 0; i < a.columns.size(); ++i) {
      const SourceColumn* other = Find(b.columns, a.columns[i].name, /*fold=*/true);
      if (other == nullptr) {
        verified.report.differences.push_back(ColumnOnOneSide(a.columns[i].name, true));
        continue;
      }
      used.insert(other);
      columns_a.push_back(static_cast<int>(i));
      columns_b.push_back(static_cast<int>(other - b.columns.data()));
      table.columns.push_back(a.columns[i].name);
      ColumnReport column;
      column.source_name = a.columns[i].name;
      column.target_name = other->name;
      column.declared_type = a.columns[i].declared_type;
      column.target_type = other->declared_type;
      verified.report.columns.push_back(std::move(column));
    }
    for (const SourceColumn& column : b.columns) {
      if (used.contains(&column)) continue;
      verified.report.differences.push_back(ColumnOnOneSide(column.name, false));
    }
    verified.report.source_name = a.name;
    verified.report.target_name = b.name;
    if (columns_a.empty()) {
      input_.others.push_back(std::move(verified.report));
      input_.others.back().compared = true;
      return;
    }
    if (KeyNames(a) == KeyNames(b)) table.key = KeyPositions(table.columns, KeyNames(a));
    verified.report.where = WhereOf(request_.common, a.name);
    const int64_t bytes = std::max(Share(input_.source_a), Share(input_.source_b));
    table.rows_estimate = static_cast<uint64_t>(bytes / kRowBytesGuess);
    of_a.push_back(Read(a, std::move(columns_a), verified.report.where, bytes));
    of_b.push_back(Read(b, std::move(columns_b), verified.report.where, bytes));
    input_.AddTable(std::move(table), std::move(verified));
  }

  static int64_t Share(const OpenedSource& source) {
    const auto tables = static_cast<int64_t>(source.catalog.tables.size());
    return source.catalog.bytes() / std::max<int64_t>(1, tables);
  }

  SqliteSideTable Read(const SourceTable& table, std::vector<int> columns,
                       const std::string& where, int64_t bytes) {
    input_.readings.push_back(
        std::make_unique<TableReading>(MakeTableReading(table, std::move(columns), where)));
    SqliteSideTable read;
    read.reading = input_.readings.back().get();
    read.large = bytes > kLargeBytes;
    return read;
  }

  const VerifyRequest& request_;
  VerifyInput& input_;
};

class TargetMatch {
 public:
  TargetMatch(const VerifyRequest& request, VerifyInput* input)
      : request_(request), input_(*input) {}

  absl::Status Run() {
    absl::flat_hash_set<const TargetTable*> used;
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
    input_.AddTable(std::move(table), std::move(verified));
    for (size_t i = 0; i < codecs_a.size(); ++i) {
      std::optional<ColumnCodec>& codec = input_.field_codecs.back().emplace_back();
      if (!as_text[i]) codec = codecs_a[i];
    }
  }

  const VerifyRequest& request_;
  VerifyInput& input_;
};

}  // namespace

absl::Status MatchSources(const VerifyRequest& request, CancelToken& cancel, VerifyInput* input,
                          Report* report) {
  const VerifyBudget budget = BudgetOf(request.common);
  RETURN_IF_ERROR(OpenSource(request.a.path, request.common, budget.workers + 1,
                             &input->source_a));
  RETURN_IF_ERROR(OpenSource(request.b.path, request.common, budget.workers + 1,
                             &input->source_b));
  DescribeSource(input->source_a.catalog, *input->source_a.snapshot, report);
  report->target.conninfo_shown = input->source_b.catalog.path;
  report->target.dialect = "sqlite";
  SourceMatch match(request, input);
  match.Run();
  input->a = std::make_unique<SqliteSide>(*input->source_a.snapshot, budget.workers,
                                          std::move(match.of_a), nullptr);
  input->b = std::make_unique<SqliteSide>(*input->source_b.snapshot, budget.workers,
                                          std::move(match.of_b), nullptr);
  return cancel.Check();
}

absl::Status MatchTargets(const VerifyRequest& request, CancelToken& cancel, VerifyInput* input,
                          Report* report) {
  const VerifyBudget budget = BudgetOf(request.common);
  RETURN_IF_ERROR(OpenTarget(request.a.target, request.common, cancel, &input->target_a, nullptr));
  RETURN_IF_ERROR(OpenTarget(request.b.target, request.common, cancel, &input->target_b, report));
  report->source.path = request.a.target.embedded()
                            ? request.a.target.pgdata_dir
                            : RedactConninfo(request.a.target.conninfo);
  for (const TableConfig& config : request.common.tables) {
    if (config.where.empty()) continue;
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     "--where is a condition on an SQLite file, and both sides are targets");
  }
  TargetMatch match(request, input);
  RETURN_IF_ERROR(match.Run());
  ASSIGN_OR_RETURN(input->a, TargetSide::Open(input->target_a.session->connect_options(),
                                              budget.workers, std::move(match.of_a)));
  ASSIGN_OR_RETURN(input->b, TargetSide::Open(input->target_b.session->connect_options(),
                                              budget.workers, std::move(match.of_b)));
  return cancel.Check();
}

}  // namespace lite2pg
