// Arrays, enums, hstore and xml: what does not fit the goldens of one named type.
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coercion/types/xml.h"
#include "coercion/wire.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

PgType ArrayOf(PgType element, Oid oid = 70000) {
  PgType type;
  type.kind = TypeKind::kArray;
  type.oid = oid;
  type.sql_name = absl::StrCat(element.sql_name, "[]");
  type.element = std::make_shared<const PgType>(std::move(element));
  return type;
}

PgType Mood() {
  PgType type;
  type.kind = TypeKind::kEnum;
  type.oid = 70001;
  type.type_name = type.sql_name = "mood";
  type.enum_labels = {"sad", "it's \"ok\"", "\xc3\xa9", "NULL", ""};
  return type;
}

PgType Extension(const char* name) {
  PgType type;
  type.oid = 70002;
  type.type_name = type.sql_name = name;
  return type;
}

// What the column shows, or the name of the outcome.
std::string Stored(const PgType& type, const SourceValue& value, const ReadingRules& rules = {}) {
  const ColumnCodec codec = Bind(type, rules);
  const EncodedField field = EncodeOne(codec, value);
  if (field.outcome != Outcome::kOk) return OutcomeName(field.outcome);
  std::string text;
  EXPECT_TRUE(codec.decode(field.bytes, codec.params, &text));
  // The server's text is taken as well, and means the same.
  const EncodedField again = EncodeOne(codec, SourceValue::Text(text));
  EXPECT_EQ(ToHex(Compared(codec, again.bytes)), ToHex(Compared(codec, field.bytes))) << text;
  return text;
}

std::string Stored(const PgType& type, absl::string_view text, const ReadingRules& rules = {}) {
  return Stored(type, SourceValue::Text(text), rules);
}

std::string StoredArray(Oid element, absl::string_view text, const ReadingRules& rules = {}) {
  return Stored(ArrayOf(BuiltinType(element)), text, rules);
}

// ---- Enums. ------------------------------------------------------------------------------------

TEST(EnumCodec, TakesLabelsByteForByte) {
  for (const std::string& label : Mood().enum_labels) EXPECT_EQ(Stored(Mood(), label), label);
  for (const char* other : {"Sad", "sad ", " sad", "null", "\xff"}) {
    EXPECT_EQ(Stored(Mood(), other), "kUnknownLabel") << other;
  }
  EXPECT_EQ(Stored(Mood(), SourceValue::Integer(0)), "kWrongClass");
  EXPECT_EQ(Stored(Mood(), SourceValue::Blob("sad")), "kWrongClass");
}

TEST(EnumCodec, DecodesLabelsOnly) {
  const ColumnCodec codec = Bind(Mood());
  std::string text;
  EXPECT_FALSE(codec.decode("happy", codec.params, &text));
}

// ---- Arrays from JSON. -------------------------------------------------------------------------

// {{1,2},{NULL,4}} as array_send gives it, checked with PostgreSQL 15.
TEST(ArrayCodec, WritesTheWireFormOfTheServer) {
  const ColumnCodec codec = Bind(ArrayOf(BuiltinType(kOidInt4), 1007));
  EXPECT_EQ(ToHex(EncodeOne(codec, SourceValue::Text("[[1, 2], [null, 4]]")).bytes),
            "00000002" "00000001" "00000017" "00000002" "00000001" "00000002" "00000001"
            "00000004" "00000001" "00000004" "00000002" "ffffffff" "00000004" "00000004");
  EXPECT_EQ(ToHex(EncodeOne(codec, SourceValue::Text("[]")).bytes),
            "00000000" "00000000" "00000017");
}

TEST(ArrayCodec, ReadsJsonArrays) {
  EXPECT_EQ(StoredArray(kOidInt4, " [1, -2 ,3]\n"), "{1,-2,3}");
  EXPECT_EQ(StoredArray(kOidInt8, "[9223372036854775807]"), "{9223372036854775807}");
  EXPECT_EQ(StoredArray(kOidText, R"(["a","b c","","null",null,"q\"\\","\u00e9{,}"])"),
            "{a,\"b c\",\"\",\"null\",NULL,\"q\\\"\\\\\",\"\xc3\xa9{,}\"}");
  EXPECT_EQ(StoredArray(kOidBool, "[true,false,1,0,null]"), "{t,f,t,f,NULL}");
  EXPECT_EQ(StoredArray(kOidNumeric, "[1.10,1e2,12345678901234567890.5]"),
            "{1.10,100,12345678901234567890.5}");
  EXPECT_EQ(StoredArray(kOidFloat8, "[0.1,1,1e300]"), "{0.1,1,1e+300}");
  EXPECT_EQ(StoredArray(kOidTimestamptz, R"(["2024-01-31T12:34:56Z"])"),
            "{\"2024-01-31 12:34:56+00\"}");
  EXPECT_EQ(StoredArray(kOidInt4, "[[[1]],[[2]]]"), "{{{1}},{{2}}}");
  EXPECT_EQ(StoredArray(kOidInt4, "[[[[[[1]]]]]]"), "{{{{{{1}}}}}}");
  EXPECT_EQ(Stored(ArrayOf(Mood()), R"(["sad","","NULL"])"), "{sad,\"\",\"NULL\"}");
  EXPECT_EQ(Stored(ArrayOf(Extension("citext")), R"(["A",5])"), "{A,5}");
}

TEST(ArrayCodec, HandsNumbersToReadingsByConvention) {
  ReadingRules rules;
  rules.integer = rules.real = NumberReading::kUnixSeconds;
  EXPECT_EQ(StoredArray(kOidTimestamptz, "[1706704496,1706704496.5]", rules),
            "{\"2024-01-31 12:34:56+00\",\"2024-01-31 12:34:56.5+00\"}");
  EXPECT_EQ(StoredArray(kOidTimestamptz, "[1706704496]"), "kAmbiguous");
  EXPECT_EQ(StoredArray(kOidTimestamptz, "[1706704496.5]"), "kAmbiguous");
}

TEST(ArrayCodec, RefusesElementsOfTheWrongKind) {
  EXPECT_EQ(StoredArray(kOidInt4, "[true]"), "kMalformed");
  EXPECT_EQ(StoredArray(kOidInt4, "[1,\"x\"]"), "kMalformed");
  EXPECT_EQ(StoredArray(kOidInt4, "[2147483648]"), "kOutOfRange");
  EXPECT_EQ(StoredArray(kOidInt4, "[1.5]"), "kLossy");
  EXPECT_EQ(StoredArray(kOidText, "[{}]"), "kMalformed");
  EXPECT_EQ(StoredArray(kOidText, R"(["\u0000"])"), "kContainsNul");
  EXPECT_EQ(StoredArray(kOidText, R"(["\ud800"])"), "kMalformed");
  EXPECT_EQ(Stored(ArrayOf(Mood()), R"(["happy"])"), "kUnknownLabel");
  EXPECT_EQ(StoredArray(kOidNumeric, "[-0]"), "kLossy");
}

TEST(ArrayCodec, RefusesRaggedArrays) {
  for (const char* text : {"[[1,2],[3]]", "[[1],2]", "[1,[2]]", "[[1],null]", "[[1],[]]",
                           "[[[1]],[[2],[3]]]", "[[1],[[2]]]", "[[[[[[[1]]]]]]]"}) {
    EXPECT_EQ(StoredArray(kOidInt4, text), "kMalformed") << text;
  }
  // An empty array has no dimensions: the brackets inside would be lost.
  EXPECT_EQ(StoredArray(kOidInt4, "[[]]"), "kLossy");
  EXPECT_EQ(StoredArray(kOidInt4, "[[],[]]"), "kLossy");
}

TEST(ArrayCodec, RefusesWhatIsNotAnArray) {
  for (const char* text : {"", " ", "1", "null", "\"[1]\"", "[1", "[1]]", "[1,]", "[,1]", "{}x",
                           "{1", "{1}}", "{1,}", "{,1}", "{{1},2}", "{1}{2}", "{\"1}", "{1 ,2}",
                           "[1:2]={1}", "[1:1]{1}", "[0:1][0:1]={1}", "[1:1]=", "{\"1\\", "}{",
                           "[2147483647:2147483648]={1,2}", "[1:x]={1}", "{1\"2\"}"}) {
    EXPECT_EQ(StoredArray(kOidInt4, text), "kMalformed") << text;
  }
  EXPECT_EQ(StoredArray(kOidText, "[\"\xff\"]"), "kInvalidUtf8");
  EXPECT_EQ(Stored(ArrayOf(BuiltinType(kOidInt4)), SourceValue::Integer(1)), "kWrongClass");
}

TEST(ArrayCodec, KeepsLowerBounds) {
  EXPECT_EQ(StoredArray(kOidInt4, "[0:1][-3:-2]={{1,2},{3,4}}"), "[0:1][-3:-2]={{1,2},{3,4}}");
  EXPECT_EQ(StoredArray(kOidInt4, "[1:2]={1,2}"), "{1,2}");
}

TEST(ArrayCodec, GivesElementsOfJsonTheirTextAsItStands) {
  EXPECT_EQ(StoredArray(kOidJson, R"([{"a": [1, 2]}, [3, [4]], "x\u00e9", 1e2, true, null])"),
            R"x({"{\"a\": [1, 2]}","[3, [4]]","\"x\\u00e9\"",1e2,true,NULL})x");
  EXPECT_EQ(StoredArray(kOidJsonb, R"([{"a":1,"a":2}])"), "kLossy");
  EXPECT_EQ(Stored(ArrayOf(Extension("hstore")), R"([{"a":"1"},null])"),
            R"x({"\"a\"=>\"1\"",NULL})x");
}

TEST(ArrayCodec, ReadsSqliteJsonb) {
  ReadingRules rules;
  rules.blob = BlobReading::kSqliteJsonb;
  const PgType type = ArrayOf(BuiltinType(kOidInt4));
  EXPECT_EQ(Stored(type, SourceValue::Blob(FromHex("4B13311332")), rules), "{1,2}");
  EXPECT_EQ(Stored(type, SourceValue::Blob(FromHex("4C17611331")), rules), "kMalformed");
  EXPECT_EQ(Stored(type, SourceValue::Blob(FromHex("4B133113"))), "kAmbiguous");
}

TEST(ArrayCodec, AppliesTheElementsTypmod) {
  PgType type = ArrayOf(BuiltinType(kOidVarchar));
  type.typmod = LengthTypmod(3);
  EXPECT_EQ(Stored(type, R"(["abc"])"), "{abc}");
  EXPECT_EQ(Stored(type, R"(["abcd"])"), "kTooLong");
}

TEST(ArrayCodec, ComparesWithoutTheElementsOid) {
  PgType other = Mood();
  other.oid = 80001;
  const ColumnCodec here = Bind(ArrayOf(Mood()));
  const ColumnCodec there = Bind(ArrayOf(other));
  const EncodedField a = EncodeOne(here, SourceValue::Text("[\"sad\",null]"));
  const EncodedField b = EncodeOne(there, SourceValue::Text("[\"sad\",null]"));
  EXPECT_NE(a.bytes, b.bytes);
  EXPECT_EQ(Compared(here, a.bytes), Compared(there, b.bytes));
  const EncodedField c = EncodeOne(there, SourceValue::Text("[null,\"sad\"]"));
  EXPECT_NE(Compared(here, a.bytes), Compared(there, c.bytes));
}

TEST(ArrayCodec, ComparesElementsByTheirOwnCanonicalForm) {
  const ColumnCodec codec = Bind(ArrayOf(BuiltinType(kOidJsonb), 3807));
  const auto compared = [&](absl::string_view text) {
    return Compared(codec, EncodeOne(codec, SourceValue::Text(text)).bytes);
  };
  EXPECT_EQ(compared(R"([{"b":1,"a":2},null])"), compared(R"([{ "a":2, "b":1e0 },null])"));
  EXPECT_NE(compared(R"([{"b":1,"a":2},null])"), compared(R"([{"b":1,"a":2.0},null])"));
}

TEST(ArrayCodec, NeverCrashesOnHostileFields) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::pair<PgType, std::string>> samples = {
      {ArrayOf(BuiltinType(kOidInt4)), "[[1,2],[null,4]]"},
      {ArrayOf(BuiltinType(kOidText)), "[\"a\",\"bcd\",null]"},
      {ArrayOf(BuiltinType(kOidJsonb)), "[{\"b\":1,\"a\":[2]}]"},
      {ArrayOf(Mood()), "[\"sad\"]"},
      {ArrayOf(Extension("hstore")), "[{\"a\":\"1\",\"b\":null}]"},
  };
  for (const auto& [type, text] : samples) {
    const ColumnCodec codec = Bind(type);
    const std::string whole = EncodeOne(codec, SourceValue::Text(text)).bytes;
    for (int i = 0; i < 5000; ++i) {
      std::string field = whole;
      for (unsigned n = 1 + random() % 3; n > 0; --n) {
        const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff, static_cast<uint8_t>(random())};
        field[random() % field.size()] = static_cast<char>(bytes[random() % 6]);
      }
      if (random() % 4 == 0) field.resize(random() % field.size());
      const std::vector<char> exact(field.begin(), field.end());
      const absl::string_view view(exact.data(), exact.size());
      std::string shown;
      (void)codec.decode(view, codec.params, &shown);
      FieldBuffer out;
      (void)codec.canonical(view, codec.params, &out);
    }
  }
}

TEST(ArrayCodec, NeverCrashesOnHostileText) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const PgType& type : {ArrayOf(BuiltinType(kOidInt4)), ArrayOf(BuiltinType(kOidText)),
                             ArrayOf(BuiltinType(kOidJsonb))}) {
    const ColumnCodec codec = Bind(type);
    for (int i = 0; i < 20'000; ++i) {
      std::string text(1, "[{"[random() % 2]);
      for (unsigned n = random() % 12; n > 0; --n) text += "[]{},,\"\\:=0123 NULL"[random() % 19];
      const std::vector<char> exact(text.begin(), text.end());
      const absl::string_view view(exact.data(), exact.size());
      const EncodedField field = EncodeOne(codec, SourceValue::Text(view));
      std::string shown;
      if (field.outcome == Outcome::kOk) {
        ASSERT_TRUE(codec.decode(field.bytes, codec.params, &shown)) << text;
      }
    }
  }
}

// ---- hstore from JSON. -------------------------------------------------------------------------

TEST(HstoreCodec, ReadsJsonObjectsOfStrings) {
  const PgType type = Extension("hstore");
  EXPECT_EQ(Stored(type, R"( {"bb":"1", "a":null, "c":"x\u00e9\"" } )"),
            "\"a\"=>NULL, \"c\"=>\"x\xc3\xa9\\\"\", \"bb\"=>\"1\"");
  EXPECT_EQ(Stored(type, "{}"), "");
  for (const char* text : {"{\"a\":1}", "{\"a\":true}", "{\"a\":{}}", "{\"a\":[]}",
                           "{\"a\":\"1\",\"\\u0061\":\"1\"}"}) {
    EXPECT_EQ(Stored(type, text), "kLossy") << text;
  }
  for (const char* text : {"[]", "1", "null", "{", "{a=>1}", "[{}]"}) {
    EXPECT_EQ(Stored(type, text), "kMalformed") << text;
  }
  EXPECT_EQ(Stored(type, "{\"a\":\"\\u0000\"}"), "kContainsNul");
  ReadingRules rules;
  rules.blob = BlobReading::kSqliteJsonb;
  EXPECT_EQ(Stored(type, SourceValue::Blob(FromHex("4C17611731")), rules), "\"a\"=>\"1\"");
  EXPECT_EQ(Stored(type, SourceValue::Blob(FromHex("1731")), rules), "kMalformed");
}

TEST(HstoreCodec, DecodesOnlyWholePairs) {
  const ColumnCodec codec = Bind(Extension("hstore"));
  for (const char* hex : {"", "000000", "00000001", "7fffffff", "ffffffff", "0000000000",
                          "00000001ffffffff00000000", "000000010000000161", "0000000100000001610000"
                          "000261", "00000001fffffffe61ffffffff"}) {
    std::string text;
    EXPECT_FALSE(codec.decode(FromHex(hex), codec.params, &text)) << hex;
  }
}

// ---- xml. --------------------------------------------------------------------------------------

TEST(XmlCodec, SendsNoEncodingThatTheBytesDoNotHave) {
  const ColumnCodec codec = Bind(kOidXml);
  const auto sent = [&](absl::string_view text) {
    return EncodeOne(codec, SourceValue::Text(text)).bytes;
  };
  EXPECT_EQ(sent("<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>"), "<a/>");
  EXPECT_EQ(sent("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><a/>"),
            "<?xml version=\"1.0\" standalone=\"yes\"?><a/>");
  // Without one the text is untouched.
  EXPECT_EQ(sent("<?xml version=\"1.0\"?>\n<a/>"), "<?xml version=\"1.0\"?>\n<a/>");
}

TEST(XmlCodec, LeavesAloneWhatIsNotADeclaration) {
  for (const char* text :
       {"<?xml?><a/>", "<?xml encoding=\"utf-16\"?><a/>", "<?xml version=\"2.0\"?><a/>",
        "<?xml version=\"1.0\" encoding=\"x\"", "<?xml version=\"1.0\" encoding=\"x?><a/>",
        "<?xmlversion=\"1.0\"?>", "<?xml version=\"1.0\"encoding=\"x\"?><a/>", "<?xml ",
        "<?xml version=\"1.0\" standalone=\"maybe\"?><a/>", " <?xml version=\"1.0\"?><a/>"}) {
    EXPECT_EQ(ParseXmlDeclaration(text).bytes, 0u) << text;
    EXPECT_EQ(EncodeOne(Bind(kOidXml), SourceValue::Text(text)).bytes, text);
  }
}

}  // namespace
}  // namespace lite2pg
