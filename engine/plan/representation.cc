#include "engine/plan/representation.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "engine/plan/reading_names.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kStorageNames[] = {"null", "integer", "real",    "text",
                                               "blob", "number",  "by_looks"};
constexpr absl::string_view kPartsNames[] = {"none", "date", "datetime", "time"};

// What a column is made of when its base is known.
Oid BaseOid(const PgType& type) {
  return type.kind == TypeKind::kDomain && type.base != nullptr ? BaseOid(*type.base) : type.oid;
}

bool IsTemporal(Oid oid) {
  return oid == kOidDate || oid == kOidTime || oid == kOidTimestamp || oid == kOidTimestamptz;
}

bool IsNumber(Oid oid) {
  return oid == kOidInt2 || oid == kOidInt4 || oid == kOidInt8 || oid == kOidFloat4 ||
         oid == kOidFloat8 || oid == kOidNumeric;
}

// Types in which a number is kept as its text, which says whether it was INTEGER or REAL.
bool KeepsNumberText(const PgType& type) {
  const Oid oid = BaseOid(type);
  return oid == kOidText || oid == kOidVarchar || oid == kOidJson || oid == kOidJsonb ||
         type.type_name == "citext";
}

void Lose(absl::string_view reason, Representation* form) {
  form->exact = false;
  if (form->reason.empty()) form->reason = std::string(reason);
}

std::string ClassList(const ClassCounts& counts) {
  std::string list;
  for (size_t c = 1; c < kStorageClassCount; ++c) {
    if (counts[c] == 0) continue;
    absl::StrAppend(&list, list.empty() ? "" : " and ",
                    absl::AsciiStrToUpper(kStorageClassNames[c]));
  }
  return list;
}

void ChooseStorage(const PgType& type, const ClassCounts& counts, const WrittenForms& forms,
                   Representation* form) {
  const uint64_t integers = counts[1], reals = counts[2], texts = counts[3], blobs = counts[4];
  const bool mixed_classes =
      (integers > 0) + (reals > 0) + (texts > 0) + (blobs > 0) > 1;
  const auto most = std::max_element(counts.begin() + 1, counts.end());
  form->storage = static_cast<Storage>(std::distance(counts.begin(), most));
  if (!mixed_classes) return;
  if (blobs == 0 && (KeepsNumberText(type) || (BaseOid(type) == kOidBytea && texts == 0))) {
    form->storage = Storage::kByLooks;
    if (forms.number_like_text) {
      Lose("numbers and texts that look like numbers cannot be told apart", form);
    }
    if (BaseOid(type) == kOidJsonb && forms.integral_real) {
      Lose("INTEGER 1 and REAL 1.0 cannot always be told apart", form);
    }
    return;
  }
  if (blobs == 0 && texts == 0 && IsNumber(BaseOid(type))) {
    form->storage = Storage::kNumber;
    if (forms.integral_real) Lose("INTEGER 1 and REAL 1.0 cannot be told apart", form);
    return;
  }
  // Bytes are bytes in a BLOB; in TEXT they would have to be text as well.
  if (BaseOid(type) == kOidBytea) form->storage = Storage::kBlob;
  Lose(absl::StrCat("it mixes ", ClassList(counts), ", which ", type.sql_name,
                    " does not tell apart"),
       form);
}

// Of the rules that all values keep to: a number of digits is what a writer's format most likely
// says; where no value had any, values that PostgreSQL was given since may have them.
uint32_t ChooseFraction(uint32_t rules) {
  if (rules == kAllFractionRules) return kTrimmedFraction;  // no time was seen
  for (int digits = kFractionDigitsMax; digits > 0; --digits) {
    if ((rules & FixedFraction(digits)) != 0) return FixedFraction(digits);
  }
  if ((rules & kTrimmedFraction) != 0 || rules == 0) return kTrimmedFraction;
  return 1u << (std::bit_width(rules) - 1);
}

void DescribeTemporal(Oid oid, const ReadingRules& rules, const WrittenForms& forms,
                      Representation* form) {
  const bool numbers = form->storage == Storage::kInteger || form->storage == Storage::kReal;
  form->number = form->storage == Storage::kReal ? rules.real : rules.integer;
  if (numbers) return;
  form->temporal = forms.temporal;
  form->time_zone = rules.source_time_zone;
  form->fraction = ChooseFraction(forms.fraction);
  if (forms.mixed) Lose("dates or times are written in several forms", form);
  DateTimeText parsed;
  const absl::string_view zone = forms.temporal.zone_text();
  const bool kept = oid == kOidTimestamptz || rules.offset == OffsetReading::kZero;
  if (!zone.empty() && (!kept ||
                        ParseDateTime(absl::StrCat("2000-01-01 00:00:00", zone), &parsed) !=
                            Outcome::kOk ||
                        parsed.shape != DateTimeShape::kDateTimeOffset)) {
    Lose("dates or times have something behind them that their type does not keep", form);
    form->temporal.zone_bytes = 0;
  }
}

std::string Copy(absl::string_view s) { return std::string(s); }

void DescribeBool(const WrittenForms& forms, Representation* form) {
  struct Pair {
    absl::string_view on, off;
  };
  static constexpr Pair kPairs[] = {{"t", "f"},       {"true", "false"}, {"True", "False"},
                                    {"TRUE", "FALSE"}, {"T", "F"},       {"y", "n"},
                                    {"Y", "N"},        {"yes", "no"},    {"Yes", "No"},
                                    {"YES", "NO"},     {"on", "off"},    {"On", "Off"},
                                    {"ON", "OFF"},     {"1", "0"}};
  form->true_word = std::string(forms.true_word.text());
  form->false_word = std::string(forms.false_word.text());
  for (const Pair& pair : kPairs) {
    if (form->false_word.empty() && pair.on == form->true_word) form->false_word = Copy(pair.off);
    if (form->true_word.empty() && pair.off == form->false_word) form->true_word = Copy(pair.on);
  }
  if (form->true_word.empty()) form->true_word = "t";
  if (form->false_word.empty()) form->false_word = "f";
  if (forms.mixed) Lose("true or false is spelled in several ways", form);
}

bool Both(uint8_t seen, uint8_t a, uint8_t b) { return (seen & a) != 0 && (seen & b) != 0; }

void DescribeUuid(const WrittenForms& forms, Representation* form) {
  const uint8_t seen = forms.uuid;
  form->uuid_hyphens = (seen & kUuidNoHyphens) == 0;
  form->uuid_braces = (seen & kUuidBraces) != 0;
  form->uuid_upper = (seen & kUuidUpper) != 0;
  if (Both(seen, kUuidHyphens, kUuidNoHyphens) || Both(seen, kUuidBraces, kUuidNoBraces) ||
      Both(seen, kUuidLower, kUuidUpper)) {
    Lose("UUIDs are written in several forms", form);
  }
}

void DescribeJsonb(const WrittenForms& forms, Representation* form) {
  form->json_canonical = forms.jsonb != 0;
  form->json_spaced = (forms.jsonb & kJsonCompact) == 0;
  if (forms.jsonb == 0) {
    form->json_spaced = false;
    Lose("jsonb keeps the values, not their text (spaces, order of keys, spelling of numbers)",
         form);
  }
}

// What of the type, text or bytes, the storage holds.
void DescribeForms(const PgType& type, const ReadingRules& rules, const ClassCounts& counts,
                   const WrittenForms& forms, Representation* form) {
  const Oid oid = BaseOid(type);
  const bool texts = counts[static_cast<size_t>(StorageClass::kText)] > 0;
  if (IsTemporal(oid)) return DescribeTemporal(oid, rules, forms, form);
  if (texts && oid == kOidBool) return DescribeBool(forms, form);
  if (texts && oid == kOidUuid) return DescribeUuid(forms, form);
  if (oid == kOidJsonb && (texts || form->storage == Storage::kByLooks)) {
    return DescribeJsonb(forms, form);
  }
}

}  // namespace

Representation DescribeRepresentation(const PgType& type, const ReadingRules& rules,
                                      const ClassCounts& counts, const WrittenForms& forms) {
  uint64_t values = 0;
  for (size_t c = 1; c < kStorageClassCount; ++c) values += counts[c];
  Representation form = DefaultRepresentation(type);
  if (forms.emptied) Lose("'' became NULL", &form);
  if (values == 0) return form;
  ChooseStorage(type, counts, forms, &form);
  form.text = rules.text;
  form.blob = rules.blob;
  DescribeForms(type, rules, counts, forms, &form);
  const Oid oid = BaseOid(type);
  const bool json_blobs = form.storage == Storage::kBlob &&
                          (oid == kOidJsonb ||
                           (oid == kOidJson && rules.blob != BlobReading::kUtf8Text));
  if (json_blobs) {
    form.storage = Storage::kText;
    Lose("SQLite's binary JSON becomes text", &form);
  }
  const bool rounds =
      rules.round_to_float4 || rules.round_to_microseconds || rules.round_to_typmod;
  if (forms.mixed && rounds) Lose("values are rounded, as configured", &form);
  const bool has_forms = IsTemporal(oid) || oid == kOidBool || oid == kOidUuid ||
                         oid == kOidJsonb;
  if (forms.mixed && (!has_forms || rounds)) {
    Lose(absl::StrCat("some values are written otherwise than ", type.sql_name,
                      " shows them"),
         &form);
  }
  return form;
}

Representation DefaultRepresentation(const PgType& type) {
  Representation form;
  const Oid oid = BaseOid(type);
  switch (oid) {
    case kOidBool:
    case kOidInt2:
    case kOidInt4:
    case kOidInt8:
    case kOidOid:
      form.storage = Storage::kInteger;
      break;
    case kOidFloat4:
    case kOidFloat8:
      form.storage = Storage::kReal;
      break;
    case kOidNumeric:
      form.storage = Storage::kNumber;
      break;
    case kOidBytea:
      form.storage = Storage::kBlob;
      break;
    case kOidDate:
      form.temporal.parts = TemporalForm::Parts::kDate;
      break;
    case kOidTime:
      form.temporal.parts = TemporalForm::Parts::kTime;
      break;
    case kOidTimestamp:
    case kOidTimestamptz:
      form.temporal.parts = TemporalForm::Parts::kDateTime;
      break;
    default:
      break;
  }
  if (oid == kOidTimestamptz) {
    // SQLite's date functions read "+00:00", but not PostgreSQL's "+00".
    form.temporal.zone_bytes = 6;
    std::memcpy(form.temporal.zone, "+00:00", 6);
  }
  return form;
}

// What is as it is by default is left out: thousands of columns have nothing else.
std::string RepresentationToJson(const Representation& form) {
  const auto text = [](absl::string_view s) { return std::string(s); };
  const Representation usual;
  Json json{{"storage", text(kStorageNames[static_cast<size_t>(form.storage)])}};
  if (form.temporal.parts != TemporalForm::Parts::kNone) {
    json["parts"] = text(kPartsNames[static_cast<size_t>(form.temporal.parts)]);
    json["separator"] = std::string(1, form.temporal.separator);
    json["seconds"] = form.temporal.seconds;
    json["zone"] = text(form.temporal.zone_text());
    json["fraction"] = std::countr_zero(form.fraction);
    json["time_zone"] = form.time_zone;
  }
  if (form.false_word != usual.false_word || form.true_word != usual.true_word) {
    json["words"] = Json::array({form.false_word, form.true_word});
  }
  if (form.uuid_hyphens != usual.uuid_hyphens || form.uuid_braces || form.uuid_upper) {
    json["uuid"] = Json::array({form.uuid_hyphens, form.uuid_braces, form.uuid_upper});
  }
  if (form.json_canonical || form.json_spaced) {
    json["json"] = Json::array({form.json_canonical, form.json_spaced});
  }
  if (form.number != usual.number) json["number"] = text(ReadingName(form.number));
  if (form.text != usual.text) json["text"] = text(ReadingName(form.text));
  if (form.blob != usual.blob) json["blob"] = text(ReadingName(form.blob));
  json["exact"] = form.exact;
  if (!form.reason.empty()) json["reason"] = form.reason;
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

namespace {

template <typename Enum, size_t kCount>
bool ReadName(const Json& json, const char* key, const absl::string_view (&names)[kCount],
              Enum* out) {
  const auto it = json.find(key);
  if (it == json.end()) return true;
  if (!it->is_string()) return false;
  const std::string& word = it->get_ref<const std::string&>();
  const auto found = std::find(std::begin(names), std::end(names), word);
  if (found == std::end(names)) return false;
  *out = static_cast<Enum>(std::distance(std::begin(names), found));
  return true;
}

bool ReadString(const Json& json, const char* key, size_t bytes_max, std::string* out) {
  const auto it = json.find(key);
  if (it == json.end()) return true;
  if (!it->is_string() || it->get_ref<const std::string&>().size() > bytes_max) return false;
  *out = it->get<std::string>();
  return true;
}

bool ReadFlags(const Json& json, const char* key, std::initializer_list<bool*> flags) {
  const auto it = json.find(key);
  if (it == json.end()) return true;
  if (!it->is_array() || it->size() != flags.size()) return false;
  size_t i = 0;
  for (bool* flag : flags) {
    const Json& item = (*it)[i++];
    if (!item.is_boolean()) return false;
    *flag = item.get<bool>();
  }
  return true;
}

bool ReadFlag(const Json& json, const char* key, bool* flag) {
  const auto it = json.find(key);
  if (it == json.end()) return true;
  if (!it->is_boolean()) return false;
  *flag = it->get<bool>();
  return true;
}

bool ReadTemporal(const Json& json, Representation* form) {
  std::string separator(1, form->temporal.separator), zone;
  int rule = std::countr_zero(form->fraction);
  if (const auto it = json.find("fraction"); it != json.end()) {
    if (!it->is_number_unsigned() || it->get<uint64_t>() > 20) return false;
    rule = it->get<int>();
  }
  if (!ReadName(json, "parts", kPartsNames, &form->temporal.parts) ||
      !ReadString(json, "separator", 1, &separator) || separator.empty() ||
      !ReadFlag(json, "seconds", &form->temporal.seconds) ||
      !ReadString(json, "zone", TemporalForm::kZoneBytesMax, &zone) ||
      !ReadString(json, "time_zone", 100, &form->time_zone)) {
    return false;
  }
  form->fraction = 1u << rule;
  form->temporal.separator = separator[0];
  form->temporal.zone_bytes = static_cast<uint8_t>(zone.size());
  std::memcpy(form->temporal.zone, zone.data(), zone.size());
  return true;
}

bool ReadWords(const Json& json, Representation* form) {
  const auto it = json.find("words");
  if (it == json.end()) return true;
  if (!it->is_array() || it->size() != 2) return false;
  for (const Json& word : *it) {
    if (!word.is_string() || word.get_ref<const std::string&>().size() > BoolWord::kBytesMax) {
      return false;
    }
  }
  form->false_word = (*it)[0].get<std::string>();
  form->true_word = (*it)[1].get<std::string>();
  return true;
}

}  // namespace

absl::StatusOr<Representation> RepresentationFromJson(absl::string_view text) {
  const Json json = Json::parse(text.data(), text.data() + text.size(), nullptr, false);
  Representation form;
  const bool good =
      json.is_object() && ReadName(json, "storage", kStorageNames, &form.storage) &&
      ReadTemporal(json, &form) && ReadWords(json, &form) &&
      ReadFlags(json, "uuid", {&form.uuid_hyphens, &form.uuid_braces, &form.uuid_upper}) &&
      ReadFlags(json, "json", {&form.json_canonical, &form.json_spaced}) &&
      ReadName(json, "number", kNumberReadingNames, &form.number) &&
      ReadName(json, "text", kTextReadingNames, &form.text) &&
      ReadName(json, "blob", kBlobReadingNames, &form.blob) &&
      ReadFlag(json, "exact", &form.exact) && ReadString(json, "reason", 1000, &form.reason);
  if (!good) return absl::InvalidArgumentError("not a representation of a column");
  return form;
}

}  // namespace lite2pg
