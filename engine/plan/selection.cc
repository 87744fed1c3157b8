#include "engine/plan/selection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/hash_tables.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/existing_columns.h"

namespace lite2pg {
namespace {

// Tables in which migration tools keep their own state; both sides have them already when the
// application made its schema (docs/coercion.md, "Bookkeeping tables").
constexpr absl::string_view kBookkeepingTables[] = {
    "alembic_version",       "schema_migrations",    "ar_internal_metadata",
    "__EFMigrationsHistory", "django_migrations",    "VersionInfo",
    "knex_migrations",       "knex_migrations_lock", "_prisma_migrations",
    "flyway_schema_history", "goose_db_version",     "__diesel_schema_migrations",
    "SequelizeMeta",         "typeorm_migrations",   "seaql_migrations",
    "_sqlx_migrations",      "databasechangelog",    "databasechangeloglock"};

bool IsBookkeeping(absl::string_view name) {
  return std::any_of(std::begin(kBookkeepingTables), std::end(kBookkeepingTables),
                     [&](absl::string_view known) { return absl::EqualsIgnoreCase(known, name); });
}

bool IsSelected(const CommonOptions& options, absl::string_view name) {
  const auto matches = [&](const std::string& glob) { return GlobMatches(glob, name); };
  const bool in = options.include.empty() ||
                  std::any_of(options.include.begin(), options.include.end(), matches);
  return in && std::none_of(options.exclude.begin(), options.exclude.end(), matches);
}

class Selector {
 public:
  explicit Selector(const PlanInputs& inputs) : in_(inputs) {}

  absl::StatusOr<Selection> Run() {
    std::vector<const SourceTable*> tables;
    for (const SourceTable& table : in_.catalog->tables) {
      if (IsTable(table)) tables.push_back(&table);
    }
    const bool existing = UseExisting(tables);
    std::vector<std::string> without_partner;
    for (const SourceTable* table : tables) {
      const TargetTable* partner = Partner(*table);
      const bool must_exist = existing && in_.schema_mode != SchemaMode::kMixed;
      if (must_exist && partner == nullptr && table->kind == SourceTableKind::kVirtual) {
        NotLoaded(*table, "not_a_table");
        Note(Severity::kWarning, ErrorCode::kNotATable, table->name,
             absl::StrCat("the content of this virtual table (module ", EscapeName(table->owner),
                          ") is not carried: the target has no table of its name"),
             "the application builds its own search there; --schema-mode mixed carries the "
             "content");
        continue;
      }
      if (must_exist && partner == nullptr) {
        without_partner.push_back(table->name);
        continue;
      }
      if (!existing && partner != nullptr) {
        Block(ErrorCode::kTargetTableExists, table->name,
              absl::StrCat("the target already has a table ", EscapeName(partner->name)),
              "drop it, choose another --target-schema, load into it with --schema-mode existing, "
              "or bring it up to date with `lite2pg sync`");
        continue;
      }
      RETURN_IF_ERROR(Add(*table, existing ? partner : nullptr));
    }
    if (!without_partner.empty()) {
      Block(ErrorCode::kTargetNoPartner, absl::StrJoin(without_partner, ", "),
            absl::StrCat(without_partner.size(),
                         " source table(s) have no partner of that name "
                         "in the target schema: ",
                         absl::StrJoin(without_partner, ", ")),
            "create them, --exclude them, or create what is missing with --schema-mode mixed");
    }
    ReportTriggers();
    return std::move(out_);
  }

 private:
  void Note(Severity severity, ErrorCode code, std::string object, std::string message,
            std::string hint = "") {
    out_.findings.push_back(
        {severity, code, std::move(object), std::move(message), std::move(hint)});
  }
  void Block(ErrorCode code, std::string object, std::string message, std::string hint) {
    Note(Severity::kBlocking, code, std::move(object), std::move(message), std::move(hint));
  }
  void NotLoaded(const SourceTable& table, absl::string_view state) {
    TableReport report;
    report.source_name = table.name;
    report.state = std::string(state);
    out_.not_loaded.push_back(std::move(report));
  }

  // Sorts out what is not a table, is not wanted, or cannot be read; says so for each.
  bool IsTable(const SourceTable& table) {
    switch (table.kind) {
      case SourceTableKind::kVirtual:
        if (!table.content_table.empty()) break;
        NotLoaded(table, "not_a_table");
        Note(Severity::kWarning, ErrorCode::kNotATable, table.name,
             absl::StrCat("a virtual table (module ", EscapeName(table.owner),
                          ") is not carried: ", table.no_content),
             "build its counterpart from the tables that it is about");
        return false;
      case SourceTableKind::kShadow:
        NotLoaded(table, "not_a_table");
        Note(Severity::kInfo, ErrorCode::kShadowTable, table.name,
             absl::StrCat("internal storage of the virtual table ", EscapeName(table.owner)));
        return false;
      case SourceTableKind::kSystem:
        NotLoaded(table, "bookkeeping");
        Note(Severity::kInfo, ErrorCode::kBookkeepingTable, table.name,
             table.name == "sqlite_sequence"
                 ? "the highest keys that AUTOINCREMENT gave out; the target's sequences go on "
                   "behind them"
                 : "what SQLite's own planner knows about the data; ANALYZE does the same in the "
                   "target");
        return false;
      default:
        break;
    }
    if (!IsSelected(*in_.options, table.name)) {
      NotLoaded(table, "excluded");
      Note(Severity::kInfo, ErrorCode::kTableExcluded, table.name, "excluded by option");
      return false;
    }
    if (!table.unreadable.empty()) {
      NotLoaded(table, "not_a_table");
      Block(
          ErrorCode::kSourceTableUnreadable, table.name,
          absl::StrCat("SQLite cannot read this table: ", EscapeForMessage(table.unreadable, 200)),
          "--exclude it, or open it with the application that made it");
      return false;
    }
    return true;
  }

  const TargetTable* Partner(const SourceTable& table) const {
    const TableConfig* config = FindTableConfig(*in_.options, table.name);
    const std::string& wanted =
        config != nullptr && !config->rename.empty() ? config->rename : table.name;
    for (const std::string& name : TargetNamesOf(wanted)) {
      const TargetTable* folded = nullptr;
      for (const TargetTable& candidate : in_.target_tables) {
        if (candidate.name == name) return &candidate;
        if (absl::EqualsIgnoreCase(candidate.name, name)) folded = &candidate;
      }
      if (folded != nullptr) return folded;
    }
    return nullptr;
  }

  bool UseExisting(const std::vector<const SourceTable*>& tables) const {
    switch (in_.schema_mode) {
      case SchemaMode::kCreate:
        return false;
      case SchemaMode::kExisting:
      case SchemaMode::kMixed:
        return true;
      case SchemaMode::kAuto:
        break;
    }
    return std::any_of(tables.begin(), tables.end(),
                       [this](const SourceTable* table) { return Partner(*table) != nullptr; });
  }

  absl::Status Add(const SourceTable& table, const TargetTable* partner) {
    if (partner != nullptr && IsBookkeeping(table.name) && partner->has_rows) {
      NotLoaded(table, "bookkeeping");
      Note(Severity::kInfo, ErrorCode::kBookkeepingTable, table.name,
           "a migration tool's own table, already filled by the application; left alone");
      return absl::OkStatus();
    }
    if (table.kind == SourceTableKind::kVirtual) {
      Note(Severity::kWarning, ErrorCode::kObjectTranslated, table.name,
           absl::StrCat("the content of this virtual table (module ", EscapeName(table.owner),
                        ") becomes an ordinary table; what the module does is not carried"),
           "--exclude leaves it out");
    }
    for (const SourceColumn& column : table.columns) {
      if (!column.unreadable.empty()) ReportUncomputed(table, column);
    }
    SelectedTable selected;
    selected.source = &table;
    selected.target = partner;
    selected.config = FindTableConfig(*in_.options, table.name);
    std::vector<int> columns;
    if (partner == nullptr) {
      for (size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].unreadable.empty()) columns.push_back(static_cast<int>(i));
      }
      for (const int i : columns) {
        ASSIGN_OR_RETURN(
            CandidateList candidates,
            CreatedCandidates(table, table.columns[static_cast<size_t>(i)], selected.config));
        selected.candidates.push_back(std::move(candidates));
        selected.target_columns.push_back(nullptr);
      }
    } else {
      CheckExistingTable(in_, *partner, table, &out_.findings);
      RETURN_IF_ERROR(MatchExistingColumns(in_, &selected, &columns, &out_.findings));
    }
    if (columns.empty()) return absl::OkStatus();
    const std::string where = selected.config != nullptr ? selected.config->where : "";
    selected.reading = MakeTableReading(table, std::move(columns), where);
    if (!where.empty()) {
      Note(Severity::kInfo, ErrorCode::kTablePartial, table.name,
           absl::StrCat("only rows where ", EscapeForMessage(where, 200), " are copied"));
    }
    out_.tables.push_back(std::move(selected));
    return absl::OkStatus();
  }

  absl::StatusOr<CandidateList> CreatedCandidates(const SourceTable& table,
                                                  const SourceColumn& column,
                                                  const TableConfig* config) {
    const ColumnConfig* wanted = FindColumnConfig(config, column.name);
    if (wanted == nullptr) return SharedCandidates(column);
    if (wanted->exclude) {
      return MakeError(ErrorCode::kConfig, ExitCode::kUsage,
                       absl::StrCat(EscapeName(table.name), ".", EscapeName(column.name),
                                    ": a column of a table that is created cannot be excluded"),
                       "drop it from the target afterwards, or make the table first");
    }
    if (wanted->type.empty()) return CandidatesFor(column, wanted->empty_as_null);
    PgType type;
    if (const auto known = in_.server_types.find(wanted->type); known != in_.server_types.end()) {
      type = known->second;
    } else {
      ASSIGN_OR_RETURN(type, ParseConfiguredType(wanted->type));
    }
    absl::StatusOr<Candidate> only =
        FixedCandidate(type, RulesFor(*in_.options, *wanted, /*not_null=*/false));
    if (!only.ok()) {
      return MakeError(ErrorCode::kConfig, ExitCode::kUsage,
                       absl::StrCat(EscapeName(table.name), ".", EscapeName(column.name), ": ",
                                    only.status().message()),
                       "correct the configuration");
    }
    return CandidateList{*std::move(only)};
  }

  // They follow from the declared type alone.
  CandidateList SharedCandidates(const SourceColumn& column) {
    const auto [at, is_new] = candidates_.try_emplace(column.declared_type);
    if (is_new) at->second = CandidatesFor(column);
    return at->second;
  }

  // It has no values in the file: a function of the application's makes them of the others.
  void ReportUncomputed(const SourceTable& table, const SourceColumn& column) {
    ObjectReport report;
    report.kind = "generated";
    report.name = column.name;
    report.table = table.name;
    report.state = "not_carried";
    report.sql = table.sql;
    report.reason = absl::StrCat("SQLite cannot compute it: ", column.unreadable);
    Note(Severity::kWarning, ErrorCode::kObjectNotCarried,
         absl::StrCat(table.name, ".", column.name),
         absl::StrCat("this column is not carried, as the file holds no values of it and SQLite "
                      "cannot compute them: ", EscapeForMessage(column.unreadable, 200)),
         "all that is stored is carried; compute it in PostgreSQL");
    out_.not_carried.push_back(std::move(report));
  }

  void ReportTriggers() {
    for (const SourceTrigger& trigger : in_.catalog->triggers) {
      ObjectReport report;
      report.kind = "trigger";
      report.name = trigger.name;
      report.table = trigger.table;
      report.state = "not_carried";
      report.sql = trigger.sql;
      report.reason = "triggers are programs in SQLite's own language";
      out_.not_carried.push_back(std::move(report));
      Note(Severity::kWarning, ErrorCode::kObjectNotCarried, trigger.name,
           absl::StrCat("the trigger on ", EscapeName(trigger.table), " is not carried"),
           "write it anew in PL/pgSQL; its SQL is in the report");
    }
  }

  const PlanInputs& in_;
  Selection out_;
  StringMap<CandidateList> candidates_;  // by declared type
};

}  // namespace

absl::Span<const absl::string_view> BookkeepingTables() { return kBookkeepingTables; }

bool GlobMatches(absl::string_view glob, absl::string_view name) {
  // The usual two-pointer match: on a mismatch, the last * takes one character more.
  size_t g = 0, n = 0, star = absl::string_view::npos, star_n = 0;
  while (n < name.size()) {
    const bool same =
        g < glob.size() &&
        (glob[g] == '?' || absl::ascii_tolower(static_cast<unsigned char>(glob[g])) ==
                               absl::ascii_tolower(static_cast<unsigned char>(name[n])));
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_n = n;
    } else if (same) {
      ++g, ++n;
    } else if (star != absl::string_view::npos) {
      g = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

absl::StatusOr<Selection> SelectTables(const PlanInputs& inputs) { return Selector(inputs).Run(); }

}  // namespace lite2pg
