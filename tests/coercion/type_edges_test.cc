// The edges that every type of the table must have among its goldens: values at which codecs go
// wrong. A new row of the type table fails here until its edges are named, and the goldens are
// checked against a real server's bytes by type_table_test.
#include <cmath>
#include <map>
#include <set>

#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

struct Edges {
  std::vector<std::string> taken, refused;
};

const std::map<std::string, Edges>& AllEdges() {
  static const auto* const kEdges = new std::map<std::string, Edges>{
      {"bool", {{"t", "f", "1", "0", "OFF"}, {"2", "", "null"}}},
      {"int2", {{"32767", "-32768", "0"}, {"32768", "-32769", "", "1.0"}}},
      {"int4", {{"2147483647", "-2147483648", "0"}, {"2147483648", "-2147483649", ""}}},
      {"int8",
       {{"9223372036854775807", "-9223372036854775808"},
        {"9223372036854775808", "-9223372036854775809", ""}}},
      {"oid", {{"0", "4294967295", "2147483648"}, {"4294967296", "-1", ""}}},
      // Largest, least normal, least denormal, both zeros, infinities.
      {"float4",
       {{"3.4028235e38", "1.1754944e-38", "1e-45", "0", "-0", "Infinity", "-inf", "NaN"},
        {"1e39", "1e-50", "0.123456789", ""}}},
      {"float8",
       {{"1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "-5e-324", "0", "-0",
         "-0.0", "Infinity", "-Infinity", "NaN"},
        {"1e309", "2e-324", "9007199254740993", ""}}},
      // More digits than any machine number, both ends of the exponent.
      {"numeric",
       {{"0", "12345678901234567890123456789.98765432109876543210", "1e131071", "1e-16383", "NaN",
         "Infinity", "-Infinity", "1.50"},
        {"1e131072", "1e-16384", "-0", ""}}},
      {"money", {{"92233720368547758.07", "-92233720368547758.08"}, {"92233720368547758.08", ""}}},
      {"text", {{"", "\\N", "trail ", "\xEF\xBF\xBF", "\xF0\x9F\x98\x80"}, {}}},
      {"varchar", {{"", "\xF0\x9F\x98\x80", "trail "}, {"abcd", "abc "}}},
      {"bpchar", {{"", "abc"}, {"abcd", "   "}}},
      {"char", {{"", "~", "\x7F", "\\377"}, {"ab", "\\400"}}},
      {"name", {{"", std::string(63, 'x')}, {std::string(64, 'x')}}},
      {"bytea", {{"", "\\x", "\\x00"}, {"\\x0", "\\xzz"}}},
      {"uuid",
       {{"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}, {""}}},
      {"bit", {{"00000", "11111", "100000011"}, {"1010", "101010", ""}}},
      {"varbit", {{"", "10101", "111111111"}, {"101010"}}},
      {"inet", {{"0.0.0.0/0", "255.255.255.255", "::", "::1/128"}, {"1.2.3.4/33", ""}}},
      {"cidr", {{"0.0.0.0/0", "::/0", "::1/128"}, {"10.0.0.1/8", ""}}},
      {"macaddr", {{"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}, {"08:00:2b:01:02", ""}}},
      {"macaddr8", {{"ff:ff:ff:ff:ff:ff:ff:ff"}, {"08:00:2b:01:02:03", ""}}},
      {"date",
       {{"4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "2000-01-01", "0001-12-31 BC"},
        {"4714-11-23 BC", "5874898-01-01", "2023-02-29", ""}}},
      {"time", {{"00:00:00", "23:59:59.999999", "24:00:00"}, {"24:00:01", "12:34:60", ""}}},
      {"timetz",
       {{"24:00:00+00", "12:34:56+15:59:59", "12:34:56-15:59:59"}, {"12:34:56", "12:34:56+16"}}},
      {"timestamp",
       {{"4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity",
         "0044-03-15 BC"},
        {"294277-01-01 00:00:00", "4714-11-23 23:59:59 BC", "2024-01-31 24:00:00", ""}}},
      {"timestamptz",
       {{"4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity"},
        {"294277-01-01 00:00:00+00", "4714-11-24 00:00:00+01 BC"}}},
      {"interval",
       {{"00:00:00", "2147483647 days", "-2147483648 days", "178956970 years 7 mons",
         "-178956970 years -8 mons", "2562047788:00:54.775807", "-00:00:00.000001"},
        {}}},
      {"json", {{"{}", "\"\\u0000\"", "{\"a\":1,\"a\":2}", "-0"}, {"", "NaN", "01"}}},
      {"jsonb", {{"{}", "-0", "1e-16383"}, {"", "NaN", "01"}}},
      {"xml", {{"", "<a/>"}, {}}},
      {"hstore", {{"", "\"\"=>\"\""}, {"\"a\"=>\"1\", \"a\"=>\"2\""}}},
      {"citext", {{"", "Abc"}, {}}},
  };
  return *kEdges;
}

class EveryTypesEdges : public testing::TestWithParam<const TypeCodec*> {};

INSTANTIATE_TEST_SUITE_P(TypeTable, EveryTypesEdges, testing::ValuesIn(AllCodecs()),
                         [](const auto& row) { return std::string(row.param->name); });

TEST_P(EveryTypesEdges, AreAmongItsGoldens) {
  const std::string name(GetParam()->name);
  const auto edges = AllEdges().find(name);
  ASSERT_NE(edges, AllEdges().end()) << "name the edges of the type " << name;
  std::set<std::string> taken, refused;
  for (const GoldenCase& golden : ReadGoldens(name)) {
    (golden.outcome == "ok" ? taken : refused).insert(golden.literal);
  }
  for (const std::string& literal : edges->second.taken) {
    EXPECT_TRUE(taken.contains(literal)) << "no golden shows that " << literal << " is taken";
  }
  for (const std::string& literal : edges->second.refused) {
    EXPECT_TRUE(refused.contains(literal)) << "no golden shows that " << literal << " is refused";
  }
}

// Every codec writes, reads and compares: what it takes it can show, and equal values are equal.
TEST_P(EveryTypesEdges, AreEqualToThemselvesAndToNothingElse) {
  std::map<std::string, std::string> shown_by_form;
  for (const GoldenCase& golden : ReadGoldens(GetParam()->name)) {
    if (golden.refused || golden.outcome != "ok") continue;
    const ColumnCodec codec = Bind(GoldenType(golden), golden.rules);
    // Two types of one file (numeric and numeric(10,2)) are never compared with each other.
    const std::string form = golden.type + "/" + Compared(codec, golden.send);
    const auto [at, inserted] = shown_by_form.emplace(form, golden.text);
    // Of a type with a canonical form, texts may differ where values do not (jsonb's -0 and 0).
    if (!inserted && codec.canonical == nullptr) {
      EXPECT_EQ(at->second, golden.text) << golden.where;
    }
  }
}

// The scan does not ask `text` about what another type has taken (engine/plan/table_scan.cc).
TEST_P(EveryTypesEdges, TakeNoTextThatTextRefuses) {
  if (GetParam()->name == "bytea") return;  // text is bytes there, whatever they are
  for (const GoldenCase& golden : ReadGoldens(GetParam()->name)) {
    if (golden.outcome != "ok") continue;
    const ColumnCodec codec = Bind(GoldenType(golden), golden.rules);
    for (const char bad : {'\xff', '\0'}) {
      for (const size_t at : {size_t{0}, golden.literal.size() / 2, golden.literal.size()}) {
        std::string text = golden.literal;
        text.insert(at, 1, bad);
        EXPECT_NE(EncodeOne(codec, SourceValue::Text(text)).outcome, Outcome::kOk)
            << golden.where << " at " << at;
      }
    }
  }
}

// A class that has an encoder must take something or say why not; it never crashes, and what it
// takes it can show. Sizes: nothing, one byte, and more than any fixed reserve.
TEST_P(EveryTypesEdges, HoldForEveryClassAndSize) {
  PgType type;
  type.oid = 100'000;
  type.type_name = type.sql_name = std::string(GetParam()->name);
  if (GetParam()->oid != 0) type = BuiltinType(GetParam()->oid);
  const ColumnCodec codec = Bind(type);
  const std::string large(70'000, '1');
  std::vector<SourceValue> values = {SourceValue::Null(), SourceValue::Integer(INT64_MIN),
                                     SourceValue::Integer(INT64_MAX), SourceValue::Real(-0.0),
                                     SourceValue::Real(5e-324), SourceValue::Real(HUGE_VAL)};
  for (const absl::string_view bytes : {absl::string_view(), absl::string_view("1"),
                                        absl::string_view("\0", 1), absl::string_view("\xff"),
                                        absl::string_view(large)}) {
    values.push_back(SourceValue::Text(bytes));
    values.push_back(SourceValue::Blob(bytes));
  }
  for (const SourceValue& value : values) {
    const EncodedField field = EncodeOne(codec, value);
    if (field.outcome != Outcome::kOk || field.null) continue;
    std::string shown;
    EXPECT_TRUE(codec.decode(field.bytes, codec.params, &shown));
    // Text with NUL or malformed text has no place but bytea.
    const bool text = value.storage_class == StorageClass::kText;
    if (text && (value.bytes() == absl::string_view("\0", 1) || value.bytes() == "\xff")) {
      EXPECT_EQ(GetParam()->oid, kOidBytea);
    }
  }
}

}  // namespace
}  // namespace lite2pg
