#include "engine/command/archive_catalog.h"

#include <set>

#include "engine/archive/format.h"
#include "engine/archive/json_fields.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// SQLITE_MAX_COLUMN as it may be compiled at most (https://www.sqlite.org/limits.html).
constexpr int kSourceColumnsMax = 32'767;
// SourceIndexColumn::column for what is no column: -1 the rowid, -2 an expression.
constexpr int kIndexColumnMin = -2;

template <typename List, typename ToJson>
Json ListToJson(const List& list, ToJson to_json) {
  Json out = Json::array();
  for (const auto& item : list) out.push_back(to_json(item));
  return out;
}

// ---- Writing ----------------------------------------------------------------------------------

Json ColumnToJson(const SourceColumn& column) {
  return Json{{"name", JsonText(column.name)},
              {"stored_name", JsonText(column.stored_name)},
              {"declared_type", JsonText(column.declared_type)},
              {"affinity", static_cast<int>(column.affinity)},
              {"not_null", column.not_null},
              {"has_default", column.has_default},
              {"default_sql", JsonText(column.default_sql)},
              {"primary_key_position", column.primary_key_position},
              {"generated", static_cast<int>(column.generated)},
              {"collation", JsonText(column.collation)}};
}

Json IndexToJson(const SourceIndex& index) {
  return Json{{"name", JsonText(index.name)},
              {"unique", index.unique},
              {"origin", std::string(1, index.origin)},
              {"partial", index.partial},
              {"columns", ListToJson(index.columns,
                                     [](const SourceIndexColumn& column) {
                                       return Json{{"column", column.column},
                                                   {"name", JsonText(column.name)},
                                                   {"descending", column.descending},
                                                   {"collation", JsonText(column.collation)}};
                                     })},
              {"sql", JsonText(index.sql)}};
}

Json ForeignKeyToJson(const SourceForeignKey& key) {
  return Json{{"id", key.id},
              {"parent_table", JsonText(key.parent_table)},
              {"child_columns", ListToJson(key.child_columns, JsonText)},
              {"parent_columns", ListToJson(key.parent_columns, JsonText)},
              {"on_update", JsonText(key.on_update)},
              {"on_delete", JsonText(key.on_delete)},
              {"match", JsonText(key.match)},
              {"deferrable", key.deferrable},
              {"initially_deferred", key.initially_deferred}};
}

Json TableToJson(const SourceTable& table) {
  return Json{
      {"name", JsonText(table.name)},
      {"sql", JsonText(table.sql)},
      {"kind", static_cast<int>(table.kind)},
      {"owner", JsonText(table.owner)},
      {"strict", table.strict},
      {"without_rowid", table.without_rowid},
      {"autoincrement", table.autoincrement},
      {"columns", ListToJson(table.columns, ColumnToJson)},
      {"primary_key", table.primary_key},
      {"rowid_alias", table.rowid_alias},
      {"rowid_name", JsonText(table.rowid_name)},
      {"indexes", ListToJson(table.indexes, IndexToJson)},
      {"foreign_keys", ListToJson(table.foreign_keys, ForeignKeyToJson)},
      {"checks",
       ListToJson(table.checks,
                  [](const SourceCheck& check) {
                    return Json{{"name", JsonText(check.name)}, {"sql", JsonText(check.sql)}};
                  })},
      {"sql_parsed", table.sql_parsed},
      {"sequence", table.sequence},
      {"has_sequence", table.has_sequence},
      {"unreadable", JsonText(table.unreadable)},
      {"content_table", JsonText(table.content_table)},
      {"no_content", JsonText(table.no_content)}};
}

// ---- Reading ----------------------------------------------------------------------------------

template <typename Enum>
void GetEnum(JsonFields* fields, const char* key, Enum last, Enum* out) {
  int value = 0;
  fields->GetInt(key, 0, static_cast<int>(last), &value);
  *out = static_cast<Enum>(value);
}

absl::StatusOr<SourceColumn> ColumnFromJson(const Json& json, const std::string& where) {
  SourceColumn column;
  JsonFields fields(json, where);
  fields.Get("name", &column.name);
  fields.Get("stored_name", &column.stored_name);
  fields.Get("declared_type", &column.declared_type);
  GetEnum(&fields, "affinity", Affinity::kNumeric, &column.affinity);
  fields.Get("not_null", &column.not_null);
  fields.Get("has_default", &column.has_default);
  fields.Get("default_sql", &column.default_sql);
  fields.GetInt("primary_key_position", 0, kSourceColumnsMax, &column.primary_key_position);
  GetEnum(&fields, "generated", GeneratedKind::kStored, &column.generated);
  fields.Get("collation", &column.collation);
  RETURN_IF_ERROR(fields.Finish());
  return column;
}

absl::StatusOr<SourceIndex> IndexFromJson(const Json& json, const std::string& where, int columns) {
  SourceIndex index;
  std::string origin;
  JsonFields fields(json, where);
  fields.Get("name", &index.name);
  fields.Get("unique", &index.unique);
  fields.Get("origin", &origin);
  fields.Get("partial", &index.partial);
  const Json& list = fields.Array("columns");
  fields.Get("sql", &index.sql);
  if (origin != "c" && origin != "u" && origin != "p") fields.Fail("an index of unknown origin");
  RETURN_IF_ERROR(fields.Finish());
  index.origin = origin[0];
  for (const Json& item : list) {
    SourceIndexColumn column;
    JsonFields column_fields(item, where);
    column_fields.GetInt("column", kIndexColumnMin, columns - 1, &column.column);
    column_fields.Get("name", &column.name);
    column_fields.Get("descending", &column.descending);
    column_fields.Get("collation", &column.collation);
    RETURN_IF_ERROR(column_fields.Finish());
    index.columns.push_back(std::move(column));
  }
  return index;
}

absl::StatusOr<SourceForeignKey> ForeignKeyFromJson(const Json& json, const std::string& where) {
  SourceForeignKey key;
  JsonFields fields(json, where);
  fields.GetInt("id", 0, INT32_MAX, &key.id);
  fields.Get("parent_table", &key.parent_table);
  fields.Get("child_columns", &key.child_columns);
  fields.Get("parent_columns", &key.parent_columns);
  fields.Get("on_update", &key.on_update);
  fields.Get("on_delete", &key.on_delete);
  fields.Get("match", &key.match);
  fields.Get("deferrable", &key.deferrable);
  fields.Get("initially_deferred", &key.initially_deferred);
  // SQLite gives as many of the one as of the other, or none of the parent's.
  if (key.child_columns.empty() ||
      (!key.parent_columns.empty() && key.parent_columns.size() != key.child_columns.size())) {
    fields.Fail("a foreign key of impossible columns");
  }
  RETURN_IF_ERROR(fields.Finish());
  return key;
}

absl::Status ListsFromJson(JsonFields* fields, const std::string& where, SourceTable* table) {
  for (const Json& item : fields->Array("columns")) {
    ASSIGN_OR_RETURN(SourceColumn column, ColumnFromJson(item, where));
    table->columns.push_back(std::move(column));
  }
  const int columns = static_cast<int>(table->columns.size());
  if (columns > kSourceColumnsMax) fields->Fail("too many columns");
  for (const Json& item : fields->Array("primary_key")) {
    const bool valid =
        item.is_number_integer() && item.get<int64_t>() >= 0 && item.get<int64_t>() < columns;
    if (!valid) {
      fields->Fail("a primary key of impossible columns");
      break;
    }
    table->primary_key.push_back(item.get<int>());
  }
  fields->GetInt("rowid_alias", -1, columns - 1, &table->rowid_alias);
  for (const Json& item : fields->Array("indexes")) {
    ASSIGN_OR_RETURN(SourceIndex index, IndexFromJson(item, where, columns));
    table->indexes.push_back(std::move(index));
  }
  for (const Json& item : fields->Array("foreign_keys")) {
    ASSIGN_OR_RETURN(SourceForeignKey key, ForeignKeyFromJson(item, where));
    table->foreign_keys.push_back(std::move(key));
  }
  for (const Json& item : fields->Array("checks")) {
    SourceCheck check;
    JsonFields check_fields(item, where);
    check_fields.Get("name", &check.name);
    check_fields.Get("sql", &check.sql);
    RETURN_IF_ERROR(check_fields.Finish());
    table->checks.push_back(std::move(check));
  }
  return absl::OkStatus();
}

absl::StatusOr<SourceTable> TableFromJson(const Json& json, const std::string& where) {
  SourceTable table;
  JsonFields fields(json, where);
  fields.Get("name", &table.name);
  fields.Get("sql", &table.sql);
  GetEnum(&fields, "kind", SourceTableKind::kSystem, &table.kind);
  fields.Get("owner", &table.owner);
  fields.Get("strict", &table.strict);
  fields.Get("without_rowid", &table.without_rowid);
  fields.Get("autoincrement", &table.autoincrement);
  RETURN_IF_ERROR(ListsFromJson(&fields, where, &table));
  fields.Get("rowid_name", &table.rowid_name);
  fields.Get("sql_parsed", &table.sql_parsed);
  fields.Get("sequence", &table.sequence);
  fields.Get("has_sequence", &table.has_sequence);
  fields.Get("unreadable", &table.unreadable);
  fields.Get("content_table", &table.content_table);
  fields.Get("no_content", &table.no_content);
  RETURN_IF_ERROR(fields.Finish());
  return table;
}

}  // namespace

std::string ArchiveCatalogToJson(const SourceCatalog& catalog) {
  const Json out{
      {"tables", ListToJson(catalog.tables, TableToJson)},
      {"views",
       ListToJson(catalog.views,
                  [](const SourceView& view) {
                    return Json{{"name", JsonText(view.name)}, {"sql", JsonText(view.sql)}};
                  })},
      {"triggers", ListToJson(catalog.triggers, [](const SourceTrigger& trigger) {
         return Json{{"name", JsonText(trigger.name)},
                     {"table", JsonText(trigger.table)},
                     {"sql", JsonText(trigger.sql)}};
       })}};
  return out.dump();
}

absl::StatusOr<SourceCatalog> ArchiveCatalogFromJson(absl::string_view json) {
  ASSIGN_OR_RETURN(const Json parsed, ParseStrictJson(json, kManifestName));
  SourceCatalog catalog;
  JsonFields fields(parsed, "catalog");
  const Json& tables = fields.Array("tables");
  const Json& views = fields.Array("views");
  const Json& triggers = fields.Array("triggers");
  RETURN_IF_ERROR(fields.Finish());
  if (tables.size() + views.size() + triggers.size() > size_t{kSchemaEntriesMax}) {
    return AlteredError(kManifestName, "too many objects");
  }
  for (const Json& item : tables) {
    const std::string where = absl::StrCat("catalog.tables[", catalog.tables.size(), "]");
    ASSIGN_OR_RETURN(SourceTable table, TableFromJson(item, where));
    catalog.tables.push_back(std::move(table));
  }
  for (const Json& item : views) {
    SourceView view;
    JsonFields view_fields(item, "catalog.views");
    view_fields.Get("name", &view.name);
    view_fields.Get("sql", &view.sql);
    RETURN_IF_ERROR(view_fields.Finish());
    catalog.views.push_back(std::move(view));
  }
  for (const Json& item : triggers) {
    SourceTrigger trigger;
    JsonFields trigger_fields(item, "catalog.triggers");
    trigger_fields.Get("name", &trigger.name);
    trigger_fields.Get("table", &trigger.table);
    trigger_fields.Get("sql", &trigger.sql);
    RETURN_IF_ERROR(trigger_fields.Finish());
    catalog.triggers.push_back(std::move(trigger));
  }
  return catalog;
}

}  // namespace lite2pg
