// Reads the golden files: what a real server made of a literal (tools/dev/make_goldens).
#ifndef LITE2PG_TESTS_COERCION_GOLDEN_H_
#define LITE2PG_TESTS_COERCION_GOLDEN_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "coercion/hex.h"
#include "coercion/type_codec.h"
#include "gtest/gtest.h"

namespace lite2pg {

struct GoldenCase {
  std::string where;     // "numeric.tsv:12"
  std::string type;      // "numeric(10,2)"
  ReadingRules rules;
  std::string outcome;   // "ok", "kLossy", or "?": whatever agrees with the server
  std::string literal;
  Oid oid = 0;
  int32_t typmod = -1;
  bool refused = false;  // by the server
  std::string send;      // bytes
  std::string text;

  SourceValue AsText() const { return SourceValue::Text(literal); }
};

inline std::string FromHex(absl::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(HexByte(hex[i], hex[i + 1])));
  }
  return bytes;
}

inline std::string ToHex(absl::string_view bytes) {
  std::string hex;
  for (const char c : bytes) AppendHexByte(static_cast<uint8_t>(c), &hex);
  return hex;
}

// The escapes of COPY's text format.
inline std::string FromCopyText(absl::string_view escaped) {
  std::string text;
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\' || i + 1 == escaped.size()) {
      text.push_back(escaped[i]);
      continue;
    }
    const char c = escaped[++i];
    const size_t plain = absl::string_view("bfnrtv").find(c);
    if (plain != absl::string_view::npos) {
      text.push_back("\b\f\n\r\t\v"[plain]);
    } else if (c == 'x' && i + 2 < escaped.size() && HexByte(escaped[i + 1], escaped[i + 2]) >= 0) {
      text.push_back(static_cast<char>(HexByte(escaped[i + 1], escaped[i + 2])));
      i += 2;
    } else {
      text.push_back(c);
    }
  }
  return text;
}

// False for an option that no test knows.
inline bool ApplyOption(absl::string_view option, ReadingRules* rules) {
  if (option == "round") {
    rules->round_to_microseconds = rules->round_to_typmod = rules->round_to_float4 = true;
  } else if (option == "text=hex") {
    rules->text = TextReading::kHex;
  } else if (option == "text=base64") {
    rules->text = TextReading::kBase64;
  } else {
    return option == "-";
  }
  return true;
}

// LITE2PG_GOLDENS names another folder: tools/dev/fuzz_types makes one.
inline std::string GoldenPath(absl::string_view name) {
  const char* folder = std::getenv("LITE2PG_GOLDENS");
  if (folder == nullptr) folder = LITE2PG_TESTS_DIR "/coercion/goldens";
  return absl::StrCat(folder, "/", name, ".tsv");
}

inline std::vector<GoldenCase> ReadGoldens(absl::string_view name) {
  std::vector<GoldenCase> cases;
  std::ifstream file(GoldenPath(name));
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    GoldenCase c;
    c.where = absl::StrCat(name, ".tsv:", number);
    if (columns.size() != 8) {
      ADD_FAILURE() << c.where << ": not filled by tools/dev/make_goldens";
      continue;
    }
    c.type = columns[0];
    for (absl::string_view option : absl::StrSplit(columns[1], ',')) {
      EXPECT_TRUE(ApplyOption(option, &c.rules)) << c.where << ": option " << option;
    }
    c.outcome = columns[2];
    c.literal = FromCopyText(columns[3]);
    EXPECT_TRUE(absl::SimpleAtoi(columns[4], &c.oid)) << c.where;
    EXPECT_TRUE(absl::SimpleAtoi(columns[5], &c.typmod)) << c.where;
    c.refused = columns[6][0] == '!';
    if (!c.refused) c.send = FromHex(columns[6]);
    c.text = FromCopyText(columns[7]);
    cases.push_back(c);
  }
  return cases;
}

inline std::string OutcomeName(Outcome outcome) {
  static constexpr absl::string_view kNames[kOutcomeCount] = {
      "ok",         "kNullInNotNull", "kWrongClass", "kOutOfRange",   "kTooLong",   "kInvalidUtf8",
      "kContainsNul", "kMalformed",   "kLossy",      "kUnknownLabel", "kAmbiguous", "kTooLarge"};
  return std::string(kNames[static_cast<size_t>(outcome)]);
}

// One field as `codec` writes it: the bytes without the length word.
struct EncodedField {
  Outcome outcome = Outcome::kOk;
  bool null = false;
  std::string bytes;
};

// Encodes with exactly the promised room, behind bytes that must stay as they are.
inline EncodedField EncodeOne(const ColumnCodec& codec, const SourceValue& value) {
  FieldBuffer out;
  out.Reserve(3);
  out.PutBytes("abc");
  out.Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
  EncodedField field;
  field.outcome =
      codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, &out);
  EXPECT_LE(out.size(), out.capacity()) << "wrote beyond its room";
  EXPECT_EQ(out.view().substr(0, 3), "abc");
  if (field.outcome != Outcome::kOk) {
    EXPECT_EQ(out.size(), 3u) << "a failed encode left bytes";
    return field;
  }
  if (out.size() < 7) {
    ADD_FAILURE() << "no length word";
    return field;
  }
  uint32_t length;
  std::memcpy(&length, out.data() + 3, sizeof(length));
  length = __builtin_bswap32(length);
  field.null = length == 0xffffffffu;
  field.bytes = std::string(out.data() + 7, out.size() - 7);
  EXPECT_EQ(field.null ? 0 : length, field.bytes.size()) << "length word and bytes differ";
  return field;
}

inline ColumnCodec Bind(const PgType& type, const ReadingRules& rules = {}) {
  absl::StatusOr<ColumnCodec> codec = BindColumn(type, rules);
  if (!codec.ok()) {
    ADD_FAILURE() << codec.status();
    std::abort();
  }
  return *std::move(codec);
}

inline ColumnCodec Bind(Oid oid, int32_t typmod = -1, const ReadingRules& rules = {}) {
  return Bind(BuiltinType(oid, typmod), rules);
}

// The column's type. Types outside the table's OIDs are found by their name, as an extension's are.
inline PgType GoldenType(const GoldenCase& c) {
  if (FindCodec(c.oid) != nullptr) return BuiltinType(c.oid, c.typmod);
  PgType type;
  type.oid = c.oid;
  type.typmod = c.typmod;
  type.type_name = c.type.substr(0, c.type.find('('));
  type.sql_name = c.type;
  for (const TypeCodec* row : AllCodecs()) {
    if (row->array_oid != c.oid) continue;
    type.kind = TypeKind::kArray;
    type.element = std::make_shared<PgType>(BuiltinType(row->oid));
  }
  return type;
}

// What both sides are compared by: the canonical form where the type has one.
inline std::string Compared(const ColumnCodec& codec, absl::string_view bytes) {
  if (codec.canonical == nullptr) return std::string(bytes);
  FieldBuffer out;
  EXPECT_TRUE(codec.canonical(bytes, codec.params, &out));
  return std::string(out.data(), out.size());
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_COERCION_GOLDEN_H_
