#include "engine/plan/source_schema.h"

#include <algorithm>
#include <iterator>

#include "engine/postgres/ledger.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kKindNames[] = {"table", "index", "view", "trigger"};

bool ReadText(const Json& json, const char* key, std::string* out) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_string()) return false;
  *out = DecodeLedgerText(it->get_ref<const std::string&>());
  return true;
}

bool ReadInt(const Json& json, const char* key, int64_t* out) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_number_integer()) return false;
  *out = it->get<int64_t>();
  return true;
}

bool ReadDeclaration(const Json& json, SourceDeclaration* out) {
  std::string kind;
  if (!json.is_object() || !ReadText(json, "kind", &kind)) return false;
  const auto found = std::find(std::begin(kKindNames), std::end(kKindNames), kind);
  if (found == std::end(kKindNames)) return false;
  out->kind = static_cast<DeclarationKind>(std::distance(std::begin(kKindNames), found));
  return ReadText(json, "name", &out->name) && ReadText(json, "table", &out->table) &&
         ReadText(json, "sql", &out->sql);
}

bool ReadSequence(const Json& json, SourceSequence* out) {
  return json.is_object() && ReadText(json, "table", &out->table) &&
         ReadInt(json, "value", &out->value);
}

bool IsArray(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_array();
}

}  // namespace

SourceSchema MakeSourceSchema(const SourceCatalog& catalog) {
  SourceSchema schema;
  schema.encoding = catalog.encoding;
  schema.page_size = catalog.page_size;
  schema.auto_vacuum = catalog.auto_vacuum;
  schema.user_version = catalog.user_version;
  schema.application_id = catalog.application_id;
  std::vector<SourceDeclaration> indexes;
  for (const SourceTable& table : catalog.tables) {
    if (table.kind != SourceTableKind::kOrdinary && table.kind != SourceTableKind::kWithoutRowid) {
      continue;
    }
    schema.declarations.push_back({DeclarationKind::kTable, table.name, table.name, table.sql});
    for (const SourceIndex& index : table.indexes) {
      if (index.sql.empty()) continue;
      indexes.push_back({DeclarationKind::kIndex, index.name, table.name, index.sql});
    }
    if (table.has_sequence) schema.sequences.push_back({table.name, table.sequence});
  }
  std::move(indexes.begin(), indexes.end(), std::back_inserter(schema.declarations));
  for (const SourceView& view : catalog.views) {
    schema.declarations.push_back({DeclarationKind::kView, view.name, "", view.sql});
  }
  for (const SourceTrigger& trigger : catalog.triggers) {
    schema.declarations.push_back(
        {DeclarationKind::kTrigger, trigger.name, trigger.table, trigger.sql});
  }
  return schema;
}

std::string SourceSchemaToJson(const SourceSchema& schema) {
  Json declarations = Json::array(), sequences = Json::array();
  for (const SourceDeclaration& declaration : schema.declarations) {
    declarations.push_back(
        Json{{"kind", std::string(kKindNames[static_cast<size_t>(declaration.kind)])},
             {"name", EncodeLedgerText(declaration.name)},
             {"table", EncodeLedgerText(declaration.table)},
             {"sql", EncodeLedgerText(declaration.sql)}});
  }
  for (const SourceSequence& sequence : schema.sequences) {
    sequences.push_back(
        Json{{"table", EncodeLedgerText(sequence.table)}, {"value", sequence.value}});
  }
  const Json json{{"encoding", EncodeLedgerText(schema.encoding)},
                  {"page_size", schema.page_size},
                  {"auto_vacuum", schema.auto_vacuum},
                  {"user_version", schema.user_version},
                  {"application_id", schema.application_id},
                  {"declarations", std::move(declarations)},
                  {"sequences", std::move(sequences)}};
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

absl::StatusOr<SourceSchema> SourceSchemaFromJson(absl::string_view text) {
  const absl::Status refused =
      absl::InvalidArgumentError("not the declarations of an SQLite database");
  const Json json = Json::parse(text.data(), text.data() + text.size(), nullptr, false);
  SourceSchema schema;
  const bool good = json.is_object() && ReadText(json, "encoding", &schema.encoding) &&
                    ReadInt(json, "page_size", &schema.page_size) &&
                    ReadInt(json, "auto_vacuum", &schema.auto_vacuum) &&
                    ReadInt(json, "user_version", &schema.user_version) &&
                    ReadInt(json, "application_id", &schema.application_id) &&
                    IsArray(json, "declarations") && IsArray(json, "sequences");
  if (!good) return refused;
  // These become PRAGMAs.
  const std::string& encoding = schema.encoding;
  const bool known = encoding == "UTF-8" || encoding == "UTF-16le" || encoding == "UTF-16be";
  if (!known || schema.page_size < 512 || schema.page_size > 65536 || schema.auto_vacuum < 0 ||
      schema.auto_vacuum > 2) {
    return refused;
  }
  for (const Json& item : json["declarations"]) {
    if (!ReadDeclaration(item, &schema.declarations.emplace_back())) return refused;
  }
  for (const Json& item : json["sequences"]) {
    if (!ReadSequence(item, &schema.sequences.emplace_back())) return refused;
  }
  return schema;
}

}  // namespace lite2pg
