#include "engine/pipeline/made_object.h"

#include "engine/postgres/ledger.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

Json Strings(const std::vector<const std::string*>& fields) {
  Json array = Json::array();
  for (const std::string* field : fields) array.push_back(EncodeLedgerText(*field));
  return array;
}

bool Read(const Json& array, const std::vector<std::string*>& fields) {
  if (!array.is_array() || array.size() < fields.size()) return false;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!array[i].is_string()) return false;
    *fields[i] = DecodeLedgerText(array[i].get_ref<const std::string&>());
  }
  return true;
}

}  // namespace

std::string EncodeMadeObject(const MadeObject& object) {
  const ObjectReport& o = object.report;
  Json json;
  json["object"] = Strings({&o.kind, &o.name, &o.table, &o.state, &o.sql, &o.reason});
  json["findings"] = Json::array();
  for (const Finding& f : object.findings) {
    Json finding = Strings({&f.object, &f.message, &f.hint});
    finding.push_back(static_cast<int>(f.severity));
    finding.push_back(static_cast<int>(f.code));
    json["findings"].push_back(std::move(finding));
  }
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

bool DecodeMadeObject(absl::string_view text, MadeObject* object) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("object") || !json.contains("findings")) return false;
  ObjectReport& o = object->report;
  if (!Read(json["object"], {&o.kind, &o.name, &o.table, &o.state, &o.sql, &o.reason})) {
    return false;
  }
  for (const Json& item : json["findings"]) {
    Finding f;
    if (!Read(item, {&f.object, &f.message, &f.hint}) || item.size() != 5 ||
        !item[3].is_number_unsigned() || !item[4].is_number_unsigned()) {
      return false;
    }
    f.severity = static_cast<Severity>(item[3].get<uint8_t>());
    f.code = static_cast<ErrorCode>(item[4].get<uint16_t>());
    object->findings.push_back(std::move(f));
  }
  return true;
}

}  // namespace lite2pg
