#include "engine/archive/json_fields.h"

#include <set>

#include "absl/strings/escaping.h"
#include "coercion/utf8.h"
#include "engine/archive/format.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

const Json& EmptyArray() {
  static const auto* const kEmpty = new Json(Json::array());
  return *kEmpty;
}
const Json& EmptyObject() {
  static const auto* const kEmpty = new Json(Json::object());
  return *kEmpty;
}

bool IsHex(absl::string_view text) {
  if (text.size() % 2 != 0) return false;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

}  // namespace

Json JsonText(absl::string_view bytes) {
  if (CheckText(bytes) != Outcome::kInvalidUtf8) return Json(std::string(bytes));
  return Json{{"hex", absl::BytesToHexString(bytes)}};
}

bool TextOfJson(const Json& value, std::string* out) {
  if (value.is_string()) {
    *out = value.get_ref<const std::string&>();
    return true;
  }
  if (!value.is_object() || value.size() != 1 || !value.contains("hex")) return false;
  const Json& hex = value["hex"];
  if (!hex.is_string() || !IsHex(hex.get_ref<const std::string&>())) return false;
  *out = absl::HexStringToBytes(hex.get_ref<const std::string&>());
  return true;
}

absl::StatusOr<Json> ParseStrictJson(absl::string_view text, absl::string_view where) {
  std::vector<std::set<std::string>> keys;  // of the objects around the current place
  bool twice = false, deep = false;
  const auto on_event = [&](int depth, Json::parse_event_t event, Json& parsed) {
    deep = deep || depth > kManifestDepthMax;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty()) {
      twice = !keys.back().insert(parsed.get_ref<const std::string&>()).second || twice;
    }
    return !deep;
  };
  Json parsed = Json::parse(text.begin(), text.end(), on_event, /*allow_exceptions=*/false);
  if (deep) return AlteredError(where, "objects within objects are too deep");
  if (parsed.is_discarded()) return AlteredError(where, "it is not JSON");
  if (twice) return AlteredError(where, "a key stands twice in one object");
  return parsed;
}

JsonFields::JsonFields(const Json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) Fail("not an object");
}

void JsonFields::Fail(absl::string_view what) {
  if (status_.ok()) status_ = AlteredError(kManifestName, absl::StrCat(where_, ": ", what));
}

const Json* JsonFields::Find(const char* key) {
  if (!status_.ok()) return nullptr;
  const auto found = object_.find(key);
  if (found == object_.end()) {
    Fail(absl::StrCat("\"", key, "\" is missing"));
    return nullptr;
  }
  ++taken_;
  return &*found;
}

void JsonFields::Get(const char* key, std::string* out) {
  const Json* const value = Find(key);
  if (value != nullptr && !TextOfJson(*value, out)) Fail(absl::StrCat("\"", key, "\" is no text"));
}

void JsonFields::Get(const char* key, bool* out) {
  const Json* const value = Find(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Fail(absl::StrCat("\"", key, "\" is no boolean"));
  *out = value->get<bool>();
}

void JsonFields::Get(const char* key, int64_t* out) {
  const Json* const value = Find(key);
  if (value == nullptr) return;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<uint64_t>() <= INT64_MAX);
  if (!fits) return Fail(absl::StrCat("\"", key, "\" is no integer"));
  *out = value->get<int64_t>();
}

void JsonFields::Get(const char* key, std::optional<int64_t>* out) {
  out->reset();
  const auto found = status_.ok() ? object_.find(key) : object_.end();
  if (found != object_.end() && found->is_null()) {
    ++taken_;
    return;
  }
  int64_t value = 0;
  Get(key, &value);
  if (status_.ok()) *out = value;
}

void JsonFields::Get(const char* key, uint64_t* out) {
  const Json* const value = Find(key);
  if (value == nullptr) return;
  if (!value->is_number_unsigned()) return Fail(absl::StrCat("\"", key, "\" is no count"));
  *out = value->get<uint64_t>();
}

void JsonFields::GetInt(const char* key, int64_t min, int64_t max, int* out) {
  int64_t value = 0;
  Get(key, &value);
  if (!status_.ok()) return;
  if (value < min || value > max) return Fail(absl::StrCat("\"", key, "\" is out of its range"));
  *out = static_cast<int>(value);
}

void JsonFields::Get(const char* key, std::vector<std::string>* out) {
  for (const Json& value : Array(key)) {
    std::string text;
    if (!TextOfJson(value, &text)) return Fail(absl::StrCat("\"", key, "\" holds no texts"));
    out->push_back(std::move(text));
  }
}

const Json& JsonFields::Array(const char* key) {
  const Json* const value = Find(key);
  if (value == nullptr) return EmptyArray();
  if (value->is_array()) return *value;
  Fail(absl::StrCat("\"", key, "\" is no array"));
  return EmptyArray();
}

const Json& JsonFields::Object(const char* key) {
  const Json* const value = Find(key);
  if (value == nullptr) return EmptyObject();
  if (value->is_object()) return *value;
  Fail(absl::StrCat("\"", key, "\" is no object"));
  return EmptyObject();
}

absl::Status JsonFields::Finish() {
  if (status_.ok() && taken_ != object_.size()) Fail("there are members that nobody knows");
  return status_;
}

}  // namespace lite2pg
