#include "engine/command/archive_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/archive/format.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/archive_catalog.h"
#include "engine/command/archive_rows.h"
#include "engine/command/archive_rules.h"
#include "engine/plan/existing_columns.h"

namespace lite2pg {
namespace {

// Readers of an archive: connections to a database in memory whose tables are the archive's.
class ArchiveSnapshot final : public SourceSnapshot {
 public:
  ArchiveSnapshot(const ArchiveSource& source, std::vector<SqliteConnection> readers)
      : source_(source), readers_(std::move(readers)) {}

  int size() const override { return static_cast<int>(readers_.size()); }
  SqliteConnection& reader(int index) override { return readers_[static_cast<size_t>(index)]; }
  std::unique_ptr<RowSource> NewRowSource(int index) override {
    return NewLibraryRowSource(reader(index));
  }
  std::string guarantee() const override {
    return absl::StrCat("archive, every file checked (manifest sha256 ", source_.manifest_sha256(),
                        ")");
  }
  std::string fingerprint() const override {
    return absl::StrCat("archive:", source_.manifest_sha256());
  }
  // Readers look at the state of every file that they read.
  absl::Status CheckUnchanged() const override { return absl::OkStatus(); }

 private:
  const ArchiveSource& source_;
  std::vector<SqliteConnection> readers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ArchiveSource>> ArchiveSource::Open(const std::string& dir) {
  std::unique_ptr<ArchiveSource> source(new ArchiveSource());
  ASSIGN_OR_RETURN(source->archive_, OpenArchiveDirectory(dir));
  ASSIGN_OR_RETURN(source->catalog_, ArchiveCatalogFromJson(source->manifest().catalog_json));
  source->catalog_.path = dir;
  source->catalog_.encoding = source->manifest().source.encoding;
  RETURN_IF_ERROR(source->Bind());
  return source;
}

// Holds the manifest's tables against its catalog and finds the codecs of all types.
absl::Status ArchiveSource::Bind() {
  for (const ArchiveTable& table : manifest().tables) {
    const auto declared = std::find_if(
        catalog_.tables.begin(), catalog_.tables.end(),
        [&](const SourceTable& candidate) { return candidate.name == table.source_name; });
    const auto wrong = [&](absl::string_view what) {
      return AlteredError(kManifestName, absl::StrCat("table ", table.number, ": ", what));
    };
    if (declared == catalog_.tables.end()) return wrong("it is not among the declared tables");
    // Columns stand where they stand in the source, so that both are counted alike.
    SourceTable rows;
    rows.name = TableDirectoryName(table.number);
    rows.rowid_name = "rowid";
    for (size_t i = 0; i < declared->columns.size(); ++i) {
      SourceColumn shown;
      shown.name = ExternalColumnName(static_cast<int>(i));
      rows.columns.push_back(std::move(shown));
    }
    int last_column = -1;
    std::vector<ColumnCodec> codecs;
    std::vector<ReadingRules> rules(table.columns.size());
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const ArchiveColumn& column = table.columns[i];
      const auto at = static_cast<size_t>(column.source_column);
      if (at >= declared->columns.size() || declared->columns[at].name != column.source_name) {
        return wrong("a column is not among the declared columns");
      }
      const absl::StatusOr<PgType> type = ParseConfiguredType(column.type);
      if (!type.ok() || type->sql_name != column.type) return wrong("a type that is not known");
      absl::StatusOr<ColumnCodec> codec = BindColumn(*type, ReadingRules());
      if (!codec.ok()) return wrong("a type that is not known");
      codecs.push_back(*std::move(codec));
      if (!ParseNamedRules(column.rules, &rules[i])) return wrong("a reading that is not known");
      // Columns in another order would be read under each other's names.
      if (column.source_column <= last_column) return wrong("columns are not in order");
      last_column = column.source_column;
    }
    codecs_.push_back(std::move(codecs));
    rules_.push_back(std::move(rules));
    row_tables_.push_back(std::move(rows));
  }
  return absl::OkStatus();
}

absl::Status ArchiveSource::CheckFiles(int threads, EventSink& events, const CancelToken& cancel,
                                       bool contents) {
  ArchiveCheckOptions options;
  options.threads = threads;
  options.contents = contents;
  options.on_read = [&events](uint64_t rows, uint64_t bytes) {
    events.counters.rows_done += rows;
    events.counters.bytes_done += bytes;
  };
  events.counters.rows_total = manifest().rows();
  events.counters.bytes_total = manifest().raw_bytes();
  ASSIGN_OR_RETURN(states_, CheckArchiveFiles(archive_, codecs_, options, cancel));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SourceSnapshot>> ArchiveSource::OpenSnapshot(int readers) const {
  std::vector<SqliteConnection> connections;
  for (int i = 0; i < readers; ++i) {
    std::vector<ExternalTable> tables;
    for (size_t t = 0; t < manifest().tables.size(); ++t) {
      const ArchiveTable& table = manifest().tables[t];
      ExternalTable external;
      external.name = row_tables_[t].name;
      external.columns = static_cast<int>(row_tables_[t].columns.size());
      external.rows = static_cast<int64_t>(table.rows);
      external.open = [this, &table, t] {
        return NewArchiveRows(archive_, table, codecs_[t], states_);
      };
      tables.push_back(std::move(external));
    }
    ASSIGN_OR_RETURN(SqliteConnection connection,
                     OpenExternalTables(std::move(tables), archive_.directory->path()));
    connections.push_back(std::move(connection));
  }
  return std::make_unique<ArchiveSnapshot>(*this, std::move(connections));
}

const ArchiveTable* ArchiveSource::FindTable(absl::string_view source_name) const {
  for (const ArchiveTable& table : manifest().tables) {
    if (table.source_name == source_name) return &table;
  }
  return nullptr;
}

const ArchiveColumn* ArchiveSource::FindColumn(const ArchiveTable& table,
                                               int source_column) const {
  for (const ArchiveColumn& column : table.columns) {
    if (column.source_column == source_column) return &column;
  }
  return nullptr;
}

TableReading ArchiveSource::MakeReading(const ArchiveTable& table,
                                        std::vector<int> columns) const {
  return MakeTableReading(row_tables_[IndexOf(table)], std::move(columns));
}

const ReadingRules& ArchiveSource::RulesOf(const ArchiveTable& table,
                                           const ArchiveColumn& column) const {
  return rules_[IndexOf(table)][static_cast<size_t>(&column - table.columns.data())];
}

ReadingRules ArchiveSource::RulesLeft(const ArchiveTable& table, const ArchiveColumn& column,
                                      const ReadingRules& rules) const {
  const ReadingRules& used = RulesOf(table, column);
  const auto at = static_cast<size_t>(&column - table.columns.data());
  const bool as_in_source = used.integer == NumberReading::kNone &&
                            used.real == NumberReading::kNone &&
                            used.text == TextReading::kPlain && used.blob == BlobReading::kPlain &&
                            HasSourceForm(codecs_[IndexOf(table)][at].type->oid);
  ReadingRules left = rules;
  if (as_in_source) return left;
  const ReadingRules none;
  left.integer = none.integer;
  left.real = none.real;
  left.text = none.text;
  left.blob = none.blob;
  return left;
}

ReadingRules ArchiveSource::RulesForSource(const ArchiveTable& table, const ArchiveColumn& column,
                                           const ReadingRules& left) const {
  return column.rules.empty() ? left : RulesOf(table, column);
}

bool ArchiveSource::LeftOut(absl::string_view source_name) const {
  bool any_include = false, included = false;
  for (const auto& [name, value] : manifest().options) {
    const bool matches = GlobMatches(value, source_name);
    if (name == "exclude" && matches) return true;
    if (name != "include") continue;
    any_include = true;
    included |= matches;
  }
  return any_include && !included;
}

size_t ArchiveSource::IndexOf(const ArchiveTable& table) const {
  return static_cast<size_t>(&table - manifest().tables.data());
}

void ArchiveSource::Configure(CommonOptions* options) const {
  for (const ArchiveTable& table : manifest().tables) {
    TableConfig* config = nullptr;
    for (TableConfig& given : options->tables) {
      if (absl::EqualsIgnoreCase(given.name, table.source_name)) config = &given;
    }
    if (config == nullptr) {
      config = &options->tables.emplace_back();
      config->name = table.source_name;
    }
    if (config->rename.empty()) config->rename = table.target_name;
    for (const ArchiveColumn& column : table.columns) {
      ColumnConfig* column_config = nullptr;
      for (ColumnConfig& given : config->columns) {
        if (absl::EqualsIgnoreCase(given.name, column.source_name)) column_config = &given;
      }
      if (column_config == nullptr) {
        column_config = &config->columns.emplace_back();
        column_config->name = column.source_name;
      }
      if (column_config->rename.empty()) column_config->rename = column.target_name;
      if (column_config->type.empty()) column_config->type = column.type;
    }
  }
}

absl::Status ArchiveSource::AdaptSelection(Selection* selection) const {
  std::vector<SelectedTable> kept;
  for (SelectedTable& selected : selection->tables) {
    const ArchiveTable* const table = FindTable(selected.source->name);
    if (table == nullptr) {
      TableReport report;
      report.source_name = selected.source->name;
      report.state = "excluded";
      selection->not_loaded.push_back(std::move(report));
      continue;
    }
    for (const int wanted : selected.reading.columns) {
      const bool there =
          std::any_of(table->columns.begin(), table->columns.end(),
                      [&](const ArchiveColumn& column) { return column.source_column == wanted; });
      if (there) continue;
      return AlteredError(kManifestName,
                          absl::StrCat("table ", table->number, ": a column is missing"));
    }
    selected.reading = MakeTableReading(row_tables_[IndexOf(*table)], selected.reading.columns);
    kept.push_back(std::move(selected));
  }
  selection->tables = std::move(kept);
  return absl::OkStatus();
}

// The values come in PostgreSQL's forms; what was declared about them, in views and checks, is
// about SQLite's.
void ArchiveSource::AdaptScans(const Selection& selection, std::vector<TableScan>* scans) const {
  for (size_t t = 0; t < selection.tables.size(); ++t) {
    const SelectedTable& selected = selection.tables[t];
    const ArchiveTable* const table = FindTable(selected.source->name);
    if (table == nullptr || selected.target != nullptr) continue;
    for (size_t i = 0; i < selected.reading.columns.size(); ++i) {
      for (const ArchiveColumn& column : table->columns) {
        if (column.source_column != selected.reading.columns[i]) continue;
        ColumnScan& scan = (*scans)[t].columns[i];
        scan.counts = column.storage_classes;
        scan.integer_min = column.integer_min;
        scan.integer_max = column.integer_max;
        scan.bytes = column.bytes;
        scan.value_bytes_max = column.value_bytes_max;
      }
    }
  }
}

absl::Status ArchiveSource::CheckLoaded(const Plan& plan,
                                        const std::vector<LoadedTable>& loaded) const {
  for (size_t t = 0; t < plan.tables.size(); ++t) {
    const TablePlan& planned = plan.tables[t];
    const ArchiveTable* const table = FindTable(planned.source->name);
    const auto wrong = [&](absl::string_view what) {
      ErrorInfo info = InfoOf(AlteredError(TableDirectoryName(table->number), what));
      info.table = table->source_name;
      return MakeError(info);
    };
    if (loaded[t].digest.rows + loaded[t].rows_rejected != table->rows) {
      return wrong("other rows were read than were checked");
    }
    bool comparable =
        loaded[t].rows_rejected == 0 && planned.columns.size() == table->columns.size();
    for (size_t i = 0; comparable && i < planned.columns.size(); ++i) {
      const ColumnPlan& column = planned.columns[i];
      comparable = column.source_column == table->columns[i].source_column &&
                   column.type.sql_name == table->columns[i].type &&
                   !column.rules.empty_text_as_null;
    }
    if (comparable && loaded[t].digest != table->digest) {
      return wrong("the rows that were read are not those that were exported");
    }
  }
  return absl::OkStatus();
}

void ArchiveSource::Describe(Report::Source* source) const {
  source->path = archive_.directory->path();
  source->encoding = manifest().source.encoding;
  source->bytes = static_cast<int64_t>(manifest().bytes());
  source->page_size = manifest().source.page_size;
  source->fingerprint = absl::StrCat("archive:", manifest_sha256());
  source->snapshot = absl::StrCat("archive of ", manifest().source.fingerprint);
}

void ArchiveSource::AddFindings(std::vector<Finding>* findings) const {
  for (const ArchiveTable& table : manifest().tables) {
    if (table.where.empty()) continue;
    findings->push_back({Severity::kInfo, ErrorCode::kTablePartial, table.source_name,
                         absl::StrCat("only rows where ", EscapeForMessage(table.where, 200),
                                      " are in the archive"),
                         ""});
  }
}

}  // namespace lite2pg
