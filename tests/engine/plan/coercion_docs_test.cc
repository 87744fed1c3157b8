// docs/coercion.md: what stands between its markers is made from the code's own tables, by running
// the encoders. To write it anew after a change:
//   LITE2PG_UPDATE_DOCS=1 engine_plan_test --gtest_filter='CoercionDocs.*'
#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "coercion/datetime.h"
#include "coercion/declared_type.h"
#include "coercion/hex.h"
#include "coercion/types/bool.h"
#include "engine/base/text.h"
#include "engine/plan/candidates.h"
#include "engine/plan/reading_names.h"
#include "engine/plan/selection.h"
#include "engine/plan/table_scan.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

const char kPath[] = LITE2PG_SOURCE_DIR "/docs/coercion.md";

// ---- What becomes of one value ----------------------------------------------------------------

enum class Verdict { kLossless, kRepresentation, kLossyByRule, kByRule, kRefused };

struct Judged {
  Verdict verdict = Verdict::kRefused;
  std::string shown;   // what the server shows; or the reason
  std::string rule;
};

std::optional<std::string> Encoded(const PgType& type, const ReadingRules& rules,
                                   const SourceValue& value, Outcome* outcome) {
  const ColumnCodec codec = BindColumn(type, rules).value();
  FieldBuffer out;
  out.Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
  *outcome = codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, &out);
  if (*outcome != Outcome::kOk) return std::nullopt;
  std::string text;
  if (out.size() == 4) return out.view() == "\xff\xff\xff\xff" ? "NULL" : "";
  EXPECT_TRUE(codec.decode(out.view().substr(4), codec.params, &text));
  return text;
}

bool IsFloat(const PgType& type) { return type.oid == kOidFloat4 || type.oid == kOidFloat8; }

// Whether `shown`, read by SQLite, is the value itself, class and all.
bool IsTheValue(const PgType& type, const SourceValue& value, const std::string& shown) {
  switch (value.storage_class) {
    case StorageClass::kNull: return true;
    case StorageClass::kInteger: return shown == absl::StrCat(value.integer) && !IsFloat(type);
    case StorageClass::kReal: {
      const bool real = IsFloat(type) || shown.find_first_of(".eI") != std::string::npos;
      return real && std::bit_cast<uint64_t>(std::strtod(shown.c_str(), nullptr)) ==
                         std::bit_cast<uint64_t>(value.real);
    }
    case StorageClass::kText: return shown == ToStd(value.bytes()) && type.oid != kOidBytea;
    case StorageClass::kBlob: {
      std::string hex = "\\x";
      for (const char c : value.bytes()) AppendHexByte(static_cast<uint8_t>(c), &hex);
      return type.oid == kOidBytea && shown == hex;
    }
  }
  return false;
}

struct NamedRules {
  std::string name;
  ReadingRules rules;
};

std::vector<NamedRules> LossyRules() {
  std::vector<NamedRules> all(4);
  all[0].name = "round = \"microseconds\"";
  all[0].rules.round_to_microseconds = true;
  all[1].name = "round = \"typmod\"";
  all[1].rules.round_to_typmod = true;
  all[2].name = "round = \"float4\"";
  all[2].rules.round_to_float4 = true;
  all[3].name = "offset = \"utc\"";
  all[3].rules.offset = OffsetReading::kUtc;
  return all;
}

std::vector<NamedRules> Readings(StorageClass c) {
  std::vector<NamedRules> all;
  const auto add = [&all](absl::string_view key, absl::string_view name) -> ReadingRules& {
    all.push_back({absl::StrCat(key, " = \"", name, "\""), {}});
    return all.back().rules;
  };
  for (int i = 1; i < kNumberReadingCount; ++i) {
    const auto reading = static_cast<NumberReading>(i);
    if (c == StorageClass::kInteger) add("integer", ReadingName(reading)).integer = reading;
    if (c == StorageClass::kReal) add("real", ReadingName(reading)).real = reading;
  }
  for (const TextReading reading : {TextReading::kHex, TextReading::kBase64}) {
    if (c == StorageClass::kText) add("text", ReadingName(reading)).text = reading;
  }
  for (size_t i = 1; i < std::size(kBlobReadingNames); ++i) {
    const auto reading = static_cast<BlobReading>(i);
    if (c == StorageClass::kBlob) add("blob", ReadingName(reading)).blob = reading;
  }
  if (c == StorageClass::kText) {
    all.push_back({"empty-as-null = true", {}});
    all.back().rules.empty_text_as_null = true;
  }
  return all;
}

Judged Judge(const PgType& type, const SourceValue& value) {
  Outcome outcome = Outcome::kOk;
  Judged judged;
  if (const auto shown = Encoded(type, {}, value, &outcome)) {
    judged.verdict = IsTheValue(type, value, *shown) ? Verdict::kLossless
                                                     : Verdict::kRepresentation;
    judged.shown = *shown;
    return judged;
  }
  judged.shown = ToStd(OutcomePhrase(outcome));
  for (const bool lossy : {true, false}) {
    for (const NamedRules& rules : lossy ? LossyRules() : Readings(value.storage_class)) {
      Outcome ignored = Outcome::kOk;
      const auto shown = Encoded(type, rules.rules, value, &ignored);
      if (!shown.has_value()) continue;
      return {lossy ? Verdict::kLossyByRule : Verdict::kByRule, *shown, rules.name};
    }
  }
  return judged;
}

// ---- Representative values and types ----------------------------------------------------------

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<SourceValue> Values(StorageClass c) {
  std::vector<SourceValue> values;
  switch (c) {
    case StorageClass::kNull:
      return {SourceValue::Null()};
    case StorageClass::kInteger:
      for (const int64_t v : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{2}, int64_t{32768},
                              int64_t{2147483648}, int64_t{9007199254740993}, INT64_MAX, INT64_MIN,
                              int64_t{1706704496}}) {
        values.push_back(SourceValue::Integer(v));
      }
      return values;
    case StorageClass::kReal:
      for (const double v : {0.5, 5.0, 1.0, -0.0, 19.99, 0.123456789012, 1e300, 5e-324, kInfinity,
                             1706704496.5}) {
        values.push_back(SourceValue::Real(v));
      }
      return values;
    case StorageClass::kText:
      for (const char* v :
           {"", "a", "abc   ", "123456", "5", "007", "1.50", "19.999", "1e400", "yes", "true",
            "Infinity", "NaN", "2024-02-29", "2024-02-29 12:34:56", "2024-02-29 12:34:56.1234567",
            "2024-02-29T12:34:56+05:30", "12:34:56", "24:00", "12:34:56Z", "0044-03-15 BC",
            "1 day 02:03:04", "1.02:03:04", "{\"a\": 1.10}", "{\"a\": \"x\"}", "[1, 2]", "{1,2}",
            "[\"a\"]", "<a/>", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "192.168.0.1/24",
            "10.0.0.0/8", "08:00:2b:01:02:03", "08:00:2b:01:02:03:04:05", "1010", "$1,234.50",
            "\xff"}) {
        values.push_back(SourceValue::Text(v));
      }
      values.push_back(SourceValue::Text(absl::string_view("a\0b", 3)));
      return values;
    case StorageClass::kBlob: {
      static const std::string kJsonb("\x6c\x17\x61\x3b\x13\x31\x01", 7);   // {"a":[1,true]}
      static const std::string kBytes("\x00\xff", 2);
      for (const absl::string_view v :
           {absl::string_view(), absl::string_view(kBytes), absl::string_view("abc"),
            absl::string_view("0123456789abcdef"), absl::string_view(kJsonb)}) {
        values.push_back(SourceValue::Blob(v));
      }
      return values;
    }
  }
  return values;
}

std::vector<PgType> Types() {
  std::vector<PgType> types;
  for (const TypeCodec* row : AllCodecs()) {
    if (row->oid == 0) {
      PgType type;
      type.oid = 100'000;
      type.type_name = type.sql_name = ToStd(row->name);
      types.push_back(std::move(type));
      continue;
    }
    types.push_back(BuiltinType(row->oid));
    if (row->oid == kOidNumeric) types.push_back(BuiltinType(kOidNumeric, NumericTypmod(10, 2)));
    if (row->oid == kOidVarchar || row->oid == kOidBpchar) {
      types.back() = BuiltinType(row->oid, LengthTypmod(5));
    }
    if (row->oid == kOidBit || row->oid == kOidVarbit) types.back() = BuiltinType(row->oid, 4);
    if (row->oid == kOidTimestamp || row->oid == kOidTimestamptz) {
      types.push_back(BuiltinType(row->oid, 3));
    }
  }
  PgType label;
  label.oid = 100'001;
  label.kind = TypeKind::kEnum;
  label.type_name = "an enum";
  label.sql_name = "an enum of 'a' and 'true'";
  label.enum_labels = {"a", "true"};
  types.push_back(label);
  PgType domain;
  domain.oid = 100'002;
  domain.kind = TypeKind::kDomain;
  domain.sql_name = "a domain over numeric(10,2)";
  domain.base = std::make_shared<PgType>(BuiltinType(kOidNumeric, NumericTypmod(10, 2)));
  types.push_back(domain);
  for (const Oid element : {kOidInt4, kOidText}) {
    PgType array;
    array.oid = FindCodec(element)->array_oid;
    array.kind = TypeKind::kArray;
    array.element = std::make_shared<PgType>(BuiltinType(element));
    array.sql_name = absl::StrCat(array.element->sql_name, "[]");
    types.push_back(array);
  }
  return types;
}

// ---- Markdown ---------------------------------------------------------------------------------

std::string Code(absl::string_view text) {
  std::string shown = EscapeForMessage(text, 40);
  shown = absl::StrReplaceAll(shown, {{"|", "\\|"}, {"`", "'"}});
  return shown.empty() ? "(empty)" : absl::StrCat("`", shown, "`");
}

std::string Source(const SourceValue& value) {
  switch (value.storage_class) {
    case StorageClass::kNull: return "NULL";
    case StorageClass::kInteger: return Code(absl::StrCat(value.integer));
    case StorageClass::kReal: {
      std::string text = ShortestReal(value.real);
      if (text.find_first_of(".ein") == std::string::npos) text += ".0";
      return Code(text);
    }
    case StorageClass::kText: return Code(absl::StrCat("'", value.bytes(), "'"));
    case StorageClass::kBlob: {
      std::string hex = "x'";
      for (const char c : value.bytes()) AppendHexByte(static_cast<uint8_t>(c), &hex);
      return Code(hex + "'");
    }
  }
  return "";
}

constexpr size_t kExamples = 4;

// One row per type and class, one column per verdict, with examples.
std::string Matrix() {
  std::string out =
      "| type | class | lossless | representation only | lossy by rule | by rule | refused |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const PgType& type : Types()) {
    for (int c = 1; c < static_cast<int>(kStorageClassCount); ++c) {
      const auto storage_class = static_cast<StorageClass>(c);
      std::map<Verdict, std::vector<std::string>> cells;
      for (const SourceValue& value : Values(storage_class)) {
        const Judged judged = Judge(type, value);
        std::vector<std::string>& cell = cells[judged.verdict];
        if (cell.size() > kExamples) continue;
        if (cell.size() == kExamples) {
          cell.push_back("...");
        } else if (judged.verdict == Verdict::kLossless || judged.verdict == Verdict::kRefused) {
          cell.push_back(Source(value));
        } else {
          cell.push_back(absl::StrCat(Source(value), " is ", Code(judged.shown)));
        }
      }
      absl::StrAppend(&out, "| ", c == 1 ? type.sql_name : "", " | ",
                      absl::AsciiStrToUpper(StorageClassName(storage_class)));
      // A class without any reading says so once.
      const bool none = cells.size() == 1 && cells.contains(Verdict::kRefused);
      for (const Verdict verdict : {Verdict::kLossless, Verdict::kRepresentation,
                                    Verdict::kLossyByRule, Verdict::kByRule, Verdict::kRefused}) {
        absl::StrAppend(&out, " | ", none && verdict == Verdict::kRefused
                                         ? "all"
                                         : absl::StrJoin(cells[verdict], ", "));
      }
      out += " |\n";
    }
  }
  return out;
}

std::string FamilyTypes(absl::string_view declared) {
  SourceColumn column;
  column.declared_type = ToStd(declared);
  column.affinity = AffinityOf(declared);
  std::vector<std::string> names;
  for (const Candidate& candidate : CandidatesFor(column)) {
    if (names.empty() || names.back() != candidate.type.sql_name) {
      names.push_back(candidate.type.sql_name);
    }
  }
  return absl::StrJoin(names, ", ");
}

std::string DeclaredTypes() {
  std::string out = "| declared as | tried in this order |\n| --- | --- |\n";
  const auto add = [&out](absl::string_view shown, absl::string_view declared) {
    absl::StrAppend(&out, "| ", shown, " | ", FamilyTypes(declared), " |\n");
  };
  std::map<std::string, std::vector<std::string>> by_types;
  std::vector<std::string> order;
  for (const DeclaredTypeRow& row : DeclaredTypeRows()) {
    const std::string types = FamilyTypes(row.words);
    if (!by_types.contains(types)) order.push_back(types);
    by_types[types].push_back(absl::StrCat("`", row.words, "`"));
  }
  for (const std::string& types : order) {
    absl::StrAppend(&out, "| ", absl::StrJoin(by_types[types], " "), " | ", types, " |\n");
  }
  add("`NUMERIC(10,2)` and the like", "NUMERIC(10,2)");
  add("a name with `INT`", "INTEGER");
  add("a name with `CHAR`, with a length", "VARCHAR(255)");
  add("a name with `CHAR` without one, `CLOB`, `TEXT`", "TEXT");
  add("a name with `BLOB`", "BLOB");
  add("a name with `REAL`, `FLOA`, `DOUB`", "REAL");
  add("nothing, or another word", "");
  return out;
}

std::string NumberReadings() {
  std::string out =
      "| name | 0 is | 1706704496 is | also a length of time |\n| --- | --- | --- | --- |\n";
  for (int i = 1; i < kNumberReadingCount; ++i) {
    ReadingRules rules;
    rules.integer = static_cast<NumberReading>(i);
    const auto show = [&rules](Oid oid, int64_t number) {
      Outcome outcome = Outcome::kOk;
      const auto text = Encoded(BuiltinType(oid), rules, SourceValue::Integer(number), &outcome);
      return text.has_value() ? Code(*text) : std::string(ToStd(OutcomePhrase(outcome)));
    };
    Outcome length = Outcome::kOk;
    (void)Encoded(BuiltinType(kOidInterval), rules, SourceValue::Integer(1'000'000), &length);
    absl::StrAppend(&out, "| `", ReadingName(rules.integer), "` | ", show(kOidTimestamptz, 0),
                    " | ", show(kOidTimestamptz, 1'706'704'496), " | ",
                    length == Outcome::kOk ? "yes" : "no", " |\n");
  }
  return out;
}

std::string BooleanWords() {
  return absl::StrCat("* true: `", absl::StrJoin(kTrueWords, "` `"), "`\n* false: `",
                      absl::StrJoin(kFalseWords, "` `"), "`\n");
}

std::string DateForms() {
  std::string out =
      "| text | date | time | timestamp | timestamptz |\n| --- | --- | --- | --- | --- |\n";
  for (const char* text :
       {"2024-02-29", "2024-02-29 12:34", "2024-02-29 12:34:56", "2024-02-29T12:34:56.789",
        "2024-02-29 00:00:00", "2024-02-29 12:34:56Z", "2024-02-29 12:34:56 UTC",
        "2024-02-29 12:34:56+05", "2024-02-29 12:34:56+0530", "2024-02-29T12:34:56.5+05:30",
        "2024-02-29 12:34:56.789 +00:00", "2024-02-29 12:34:56 +0000 UTC",
        "2024-02-29 12:34:56 -0700 MST m=+0.1", "2024-02-29 12:34:56.123456789",
        "2024-02-29 12:34:56.120000000", "12:34", "12:34:56.5", "24:00:00", "0044-03-15 BC",
        "infinity", "2023-02-29", "2024-02-29 24:00:00", "20240229", "0000-00-00"}) {
    absl::StrAppend(&out, "| `", text, "` |");
    for (const Oid oid : {kOidDate, kOidTime, kOidTimestamp, kOidTimestamptz}) {
      const Judged judged = Judge(BuiltinType(oid), SourceValue::Text(text));
      if (judged.verdict == Verdict::kRefused) {
        Outcome outcome = Outcome::kOk;
        (void)Encoded(BuiltinType(oid), {}, SourceValue::Text(text), &outcome);
        out += outcome == Outcome::kLossy ? " lossy |" : " refused |";
      } else {
        absl::StrAppend(&out, " ", Code(judged.shown),
                        judged.verdict == Verdict::kLossyByRule ? " by rule" : "", " |");
      }
    }
    out += "\n";
  }
  return out;
}

std::string LossyRuleTable() {
  std::string out = "| rule | type | from | to |\n| --- | --- | --- | --- |\n";
  for (const NamedRules& rules : LossyRules()) {
    for (const PgType& type : Types()) {
      if (type.kind != TypeKind::kBase || type.oid >= 16384) continue;
      for (const char* text : {"2024-02-29 12:34:56.1234567", "12:34:56.1234567",
                               "12:34:56.1234567Z", "1.02:03:04.0000005",
                               "2024-02-29 12:34:56.7895", "19.999", "0.123456789012",
                               "abc   "}) {
        Outcome outcome = Outcome::kOk;
        const SourceValue value = SourceValue::Text(text);
        if (Encoded(type, {}, value, &outcome).has_value()) continue;
        const auto shown = Encoded(type, rules.rules, value, &outcome);
        if (!shown.has_value()) continue;
        absl::StrAppend(&out, "| `", rules.name, "` | ", type.sql_name, " | `'", text, "'` | ",
                        Code(*shown), " |\n");
      }
    }
  }
  return out;
}

std::string Bookkeeping() {
  std::string out;
  for (const absl::string_view name : BookkeepingTables()) {
    absl::StrAppend(&out, out.empty() ? "" : ", ", "`", name, "`");
  }
  return out + "\n";
}

// ---- The page ---------------------------------------------------------------------------------

const std::map<std::string, std::function<std::string()>>& Parts() {
  static const auto* const kParts = new std::map<std::string, std::function<std::string()>>{
      {"matrix", Matrix},           {"declared types", DeclaredTypes},
      {"number readings", NumberReadings}, {"boolean words", BooleanWords},
      {"date forms", DateForms},    {"lossy rules", LossyRuleTable},
      {"bookkeeping", Bookkeeping}};
  return *kParts;
}

std::string ReadPage() {
  std::ifstream file(kPath);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The page with every generated part made anew.
std::string Regenerated(const std::string& page) {
  std::string out;
  size_t at = 0;
  while (true) {
    static const std::string kOpen = "<!-- generated: ", kClose = "<!-- end of generated -->";
    const size_t open = page.find(kOpen, at);
    if (open == std::string::npos) break;
    const size_t end_of_line = page.find('\n', open);
    const size_t close = page.find(kClose, open);
    if (end_of_line == std::string::npos || close == std::string::npos) {
      ADD_FAILURE() << "a generated part has no end";
      return page;
    }
    const size_t name_at = open + kOpen.size();
    const std::string name = page.substr(name_at, page.find(" -->", name_at) - name_at);
    const auto part = Parts().find(name);
    if (part == Parts().end()) {
      ADD_FAILURE() << "unknown part: " << name;
      return page;
    }
    out += page.substr(at, end_of_line + 1 - at) + "\n" + part->second() + "\n";
    at = close;
  }
  return out + page.substr(at);
}

TEST(CoercionDocs, AreWhatTheCodeDoes) {
  const std::string page = ReadPage();
  const std::string regenerated = Regenerated(page);
  if (std::getenv("LITE2PG_UPDATE_DOCS") != nullptr) {
    std::ofstream(kPath) << regenerated;
    return;
  }
  EXPECT_EQ(page, regenerated)
      << "docs/coercion.md is not up to date; write it anew with LITE2PG_UPDATE_DOCS=1";
}

TEST(CoercionDocs, HaveEveryPartOnce) {
  const std::string page = ReadPage();
  for (const auto& [name, make] : Parts()) {
    const std::string marker = absl::StrCat("<!-- generated: ", name, " -->");
    const size_t first = page.find(marker);
    EXPECT_NE(first, std::string::npos) << name;
    EXPECT_EQ(page.find(marker, first + 1), std::string::npos) << name;
  }
}

// What a class of values becomes in a type must be shown by at least one value that is taken, for
// every type: a row of refusals alone would document nothing.
TEST(CoercionDocs, ShowAValueThatEveryTypeTakes) {
  for (const PgType& type : Types()) {
    int taken = 0;
    for (int c = 1; c < static_cast<int>(kStorageClassCount); ++c) {
      for (const SourceValue& value : Values(static_cast<StorageClass>(c))) {
        const Verdict verdict = Judge(type, value).verdict;
        taken += verdict == Verdict::kLossless || verdict == Verdict::kRepresentation ? 1 : 0;
      }
    }
    EXPECT_GT(taken, 0) << type.sql_name;
  }
}

}  // namespace
}  // namespace lite2pg
