#include "engine/sqlite/catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/hash_tables.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/schema_details.h"
#include "engine/sqlite/virtual_content.h"

namespace lite2pg {
namespace {

// An entry of PRAGMA table_list.
struct ListedTable {
  std::string type;  // table, view, shadow, virtual
  bool without_rowid = false;
  bool strict = false;
};
using ListedTables = StringMap<ListedTable>;

// Suffixes of the tables that a virtual table keeps its data in, by module. SQLite names them
// itself ("shadow") for modules that it has; these are for modules that it lacks.
struct ShadowSuffixes {
  absl::string_view module;
  std::vector<absl::string_view> suffixes;
};

const std::vector<ShadowSuffixes>& KnownShadows() {
  static const auto* const kShadows = new std::vector<ShadowSuffixes>{
      {"fts1", {"content", "term"}},
      {"fts2", {"content", "segments", "segdir"}},
      {"fts3", {"content", "segments", "segdir", "docsize", "stat"}},
      {"fts4", {"content", "segments", "segdir", "docsize", "stat"}},
      {"fts5", {"data", "idx", "content", "docsize", "config"}},
      {"rtree", {"node", "rowid", "parent"}},
      {"rtree_i32", {"node", "rowid", "parent"}},
      {"geopoly", {"node", "rowid", "parent"}},
      {"spellfix1", {"vocab"}},
      {"vec0", {"info", "chunks", "rowids", "auxiliary"}},
  };
  return *kShadows;
}

// sqlite-vec numbers some of its tables: t_vector_chunks00, t_metadatatext03.
bool IsNumberedVecShadow(absl::string_view suffix) {
  for (const absl::string_view stem : {"vector_chunks", "metadatachunks", "metadatatext"}) {
    if (suffix.size() == stem.size() + 2 && absl::StartsWith(suffix, stem)) return true;
  }
  return false;
}

bool IsShadowSuffix(absl::string_view module, absl::string_view suffix) {
  for (const ShadowSuffixes& known : KnownShadows()) {
    if (!absl::EqualsIgnoreCase(known.module, module)) continue;
    for (const absl::string_view candidate : known.suffixes) {
      if (absl::EqualsIgnoreCase(candidate, suffix)) return true;
    }
  }
  return absl::EqualsIgnoreCase(module, "vec0") &&
         IsNumberedVecShadow(absl::AsciiStrToLower(suffix));
}

// An entry of sqlite_schema.
struct IndexEntry {
  std::string name, table, sql;
};

class CatalogReader {
 public:
  explicit CatalogReader(SqliteConnection& connection) : connection_(connection) {}
  absl::StatusOr<SourceCatalog> Read();

 private:
  absl::Status ReadSettings();
  absl::Status ReadModules();
  absl::Status ReadTableList();
  absl::Status ReadEntries();
  absl::Status ReadTables();
  absl::Status ReadSequences();
  absl::Status CheckEntries() const;
  absl::Status CheckPassedOver() const;
  absl::Status DamagedEntry(absl::string_view kind, const std::string& name) const;
  void AddTable(const std::string& name, const std::string& sql, int64_t root_page);
  void FindShadowOwner(SourceTable* table) const;

  SqliteConnection& connection_;
  SourceCatalog catalog_;
  ListedTables listed_;
  StringSet modules_;                      // lower case
  StringMap<std::string> virtual_tables_;  // lower-case name -> module
  StringMap<std::string> virtual_names_;   // lower-case name -> name
  std::vector<IndexEntry> index_entries_;
  std::vector<std::string> others_;  // entries of no type that there is
};

absl::Status CatalogReader::ReadSettings() {
  catalog_.path = connection_.path();
  const std::pair<const char*, std::string*> texts[] = {
      {"PRAGMA encoding", &catalog_.encoding}, {"PRAGMA journal_mode", &catalog_.journal_mode}};
  for (const auto& [pragma, to] : texts) {
    ASSIGN_OR_RETURN(*to, connection_.QueryText(pragma));
  }
  const std::pair<const char*, int64_t*> numbers[] = {
      {"PRAGMA page_size", &catalog_.page_size},
      {"PRAGMA page_count", &catalog_.page_count},
      {"PRAGMA user_version", &catalog_.user_version},
      {"PRAGMA application_id", &catalog_.application_id},
      {"PRAGMA auto_vacuum", &catalog_.auto_vacuum}};
  for (const auto& [pragma, to] : numbers) {
    ASSIGN_OR_RETURN(*to, connection_.QueryInt(pragma));
  }
  return absl::OkStatus();
}

absl::Status CatalogReader::ReadModules() {
  ASSIGN_OR_RETURN(SqliteStatement modules, connection_.Prepare("PRAGMA module_list"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, modules.Step());
    if (!more) return absl::OkStatus();
    modules_.insert(absl::AsciiStrToLower(modules.Text(0)));
  }
}

absl::Status CatalogReader::ReadTableList() {
  ASSIGN_OR_RETURN(SqliteStatement list,
                   connection_.Prepare("SELECT name, type, wr, strict FROM pragma_table_list "
                                       "WHERE schema = 'main'"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, list.Step());
    if (!more) break;
    listed_[list.Text(0)] = {list.Text(1), list.Int(2) != 0, list.Int(3) != 0};
  }
  catalog_.tables.reserve(listed_.size());
  return absl::OkStatus();
}

absl::Status CatalogReader::ReadEntries() {
  ASSIGN_OR_RETURN(SqliteStatement entries,
                   connection_.Prepare("SELECT type, name, tbl_name, sql, rootpage FROM "
                                       "sqlite_schema ORDER BY rowid"));
  for (int count = 0;; ++count) {
    ASSIGN_OR_RETURN(const bool more, entries.Step());
    if (!more) return absl::OkStatus();
    if (count >= kSchemaEntriesMax) {
      return MakeError(ErrorCode::kSourceLimit, ExitCode::kSource,
                       absl::StrCat("the source's schema has more than ", kSchemaEntriesMax,
                                    " entries"),
                       "run PRAGMA integrity_check on the source; it may be damaged or hostile");
    }
    const std::string type = entries.Text(0), name = entries.Text(1), sql = entries.Text(3);
    if (type == "table") {
      AddTable(name, sql, entries.Int(4));
    } else if (type == "index") {
      index_entries_.push_back({name, entries.Text(2), sql});
    } else if (type == "view") {
      catalog_.views.push_back({name, sql});
    } else if (type == "trigger") {
      catalog_.triggers.push_back({name, entries.Text(2), sql});
    } else {
      others_.push_back(name);
    }
  }
}

void CatalogReader::AddTable(const std::string& name, const std::string& sql, int64_t root_page) {
  SourceTable table;
  if (root_page > 0 && root_page <= UINT32_MAX) table.root_page = static_cast<uint32_t>(root_page);
  table.name = name;
  table.sql = sql;
  const auto found = listed_.find(name);
  if (found != listed_.end()) {
    table.strict = found->second.strict;
    table.without_rowid = found->second.without_rowid;
    if (table.without_rowid) table.kind = SourceTableKind::kWithoutRowid;
    if (found->second.type == "virtual") table.kind = SourceTableKind::kVirtual;
    if (found->second.type == "shadow") table.kind = SourceTableKind::kShadow;
  } else {
    table.unreadable = connection_.schema_damage().empty() ? "SQLite does not list it"
                                                           : connection_.schema_damage();
  }
  if (absl::StartsWithIgnoreCase(name, "sqlite_")) table.kind = SourceTableKind::kSystem;
  const std::string module = ParseVirtualTable(sql).module;
  if (!module.empty()) {
    table.kind = SourceTableKind::kVirtual;
    table.owner = module;
    const std::string lower = absl::AsciiStrToLower(name);
    virtual_tables_[lower] = module;
    virtual_names_[lower] = name;
  }
  catalog_.tables.push_back(std::move(table));
}

// By name, since that is how modules find their tables: the longest virtual table whose name and an
// underscore begin this one's.
void CatalogReader::FindShadowOwner(SourceTable* table) const {
  if (table->kind == SourceTableKind::kVirtual || table->kind == SourceTableKind::kSystem) return;
  const std::string lower = absl::AsciiStrToLower(table->name);
  for (size_t at = lower.rfind('_'); at != std::string::npos && at > 0;
       at = lower.rfind('_', at - 1)) {
    const auto found = virtual_tables_.find(lower.substr(0, at));
    if (found == virtual_tables_.end()) continue;
    const std::string& module = found->second;
    const bool listed = table->kind == SourceTableKind::kShadow;
    // Where SQLite has the module, its word counts: then this is an ordinary table by an unlucky
    // name.
    const bool guessed = !modules_.contains(absl::AsciiStrToLower(module)) &&
                         IsShadowSuffix(module, absl::string_view(lower).substr(at + 1));
    if (!listed && !guessed) continue;
    table->kind = SourceTableKind::kShadow;
    table->owner = virtual_names_.at(found->first);
    return;
  }
}

absl::Status CatalogReader::ReadTables() {
  ASSIGN_OR_RETURN(SchemaDetails details, SchemaDetails::Make(connection_));
  for (const IndexEntry& index : index_entries_) details.AddIndexSql(index.name, index.sql);
  StringSet seen;
  for (SourceTable& table : catalog_.tables) {
    FindShadowOwner(&table);
    if (!seen.insert(absl::AsciiStrToLower(table.name)).second) {
      table.unreadable = "its name is used twice in the schema";
    }
    if (table.name.find('\0') != std::string::npos) table.unreadable = "its name holds a NUL byte";
    if (!table.unreadable.empty()) continue;
    RETURN_IF_ERROR(details.Describe(&table));
  }
  FindVirtualContents(&catalog_);
  return absl::OkStatus();
}

absl::Status CatalogReader::ReadSequences() {
  SourceTable* sequences = nullptr;
  StringMap<SourceTable*> by_name;
  for (SourceTable& table : catalog_.tables) {
    by_name[absl::AsciiStrToLower(table.name)] = &table;
    if (table.name == "sqlite_sequence") sequences = &table;
  }
  if (sequences == nullptr || !sequences->unreadable.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(SqliteStatement rows,
                   connection_.Prepare("SELECT name, seq FROM main.sqlite_sequence"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return absl::OkStatus();
    const auto found = by_name.find(absl::AsciiStrToLower(rows.Text(0)));
    if (found == by_name.end()) continue;
    // Nothing keeps an application from writing several rows for a table, or texts.
    SourceTable* const table = found->second;
    table->sequence = table->has_sequence ? std::max(table->sequence, rows.Int(1)) : rows.Int(1);
    table->has_sequence = true;
  }
}

absl::Status CatalogReader::DamagedEntry(absl::string_view kind, const std::string& name) const {
  ErrorInfo info;
  info.code = ErrorCode::kSourceCorrupt;
  info.exit_code = ExitCode::kSource;
  info.what = absl::StrCat("the schema's entry of ", kind, " ", EscapeName(name), " is damaged");
  info.server = connection_.schema_damage();
  info.hint = "run PRAGMA integrity_check on the source; it may be damaged or hostile";
  return MakeError(info);
}

// What SQLite passed over may be a view or a trigger of another time, and those say so themselves.
absl::Status CatalogReader::CheckPassedOver() const {
  if (connection_.schema_damage().empty()) return absl::OkStatus();
  for (const SourceView& view : catalog_.views) {
    if (!absl::StartsWithIgnoreCase(view.sql, "CREATE VIEW")) {
      return DamagedEntry("view", view.name);
    }
  }
  for (const SourceTrigger& trigger : catalog_.triggers) {
    if (!absl::StartsWithIgnoreCase(trigger.sql, "CREATE TRIGGER")) {
      return DamagedEntry("trigger", trigger.name);
    }
  }
  return others_.empty() ? absl::OkStatus() : DamagedEntry("object", others_[0]);
}

// SQLite goes by an entry's SQL, we go by its type and name: where these differ, or where SQLite
// passed over an index, a table or a part of the file would be left out without a word.
absl::Status CatalogReader::CheckEntries() const {
  StringMap<const SourceTable*> tables;
  StringSet indexes;
  for (const SourceTable& table : catalog_.tables) {
    tables[absl::AsciiStrToLower(table.name)] = &table;
    for (const SourceIndex& index : table.indexes) indexes.insert(index.name);
  }
  for (const auto& [name, listed] : listed_) {
    const bool known = listed.type == "view" || tables.contains(absl::AsciiStrToLower(name));
    // The schema's own table has no entry.
    if (!known && !absl::StartsWithIgnoreCase(name, "sqlite_schema") &&
        !absl::StartsWithIgnoreCase(name, "sqlite_master")) {
      return DamagedEntry("table", name);
    }
  }
  for (const IndexEntry& index : index_entries_) {
    if (indexes.contains(index.name)) continue;
    const auto table = tables.find(absl::AsciiStrToLower(index.table));
    if (table != tables.end() && !table->second->unreadable.empty()) continue;
    return DamagedEntry("index", index.name);
  }
  return CheckPassedOver();
}

absl::StatusOr<SourceCatalog> CatalogReader::Read() {
  RETURN_IF_ERROR(ReadSettings());
  RETURN_IF_ERROR(ReadModules());
  RETURN_IF_ERROR(ReadTableList());
  RETURN_IF_ERROR(ReadEntries());
  RETURN_IF_ERROR(ReadTables());
  RETURN_IF_ERROR(ReadSequences());
  RETURN_IF_ERROR(CheckEntries());
  return std::move(catalog_);
}

}  // namespace

absl::StatusOr<SourceCatalog> ReadSourceCatalog(SqliteConnection& connection) {
  const SqliteDeadline deadline(connection, connection.schema_timeout_ms());
  return CatalogReader(connection).Read();
}

}  // namespace lite2pg
