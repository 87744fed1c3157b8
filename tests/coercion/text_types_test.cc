// text, varchar, char(n), "char", name, bytea, uuid and the bit strings: what text goldens cannot
// show, which is the other storage classes, the rules, and bytes that are not text.
#include <limits>
#include <string>

#include "coercion/wire.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

// The field's bytes, or the outcome's name.
std::string Field(const ColumnCodec& codec, const SourceValue& value) {
  const EncodedField field = EncodeOne(codec, value);
  if (field.outcome != Outcome::kOk) return OutcomeName(field.outcome);
  return field.null ? "NULL" : field.bytes;
}
std::string Field(Oid oid, const SourceValue& value) { return Field(Bind(oid), value); }

SourceValue Text(absl::string_view v) { return SourceValue::Text(v); }
SourceValue Blob(absl::string_view v) { return SourceValue::Blob(v); }

ReadingRules WithBlob(BlobReading reading) {
  ReadingRules rules;
  rules.blob = reading;
  return rules;
}
ReadingRules WithText(TextReading reading) {
  ReadingRules rules;
  rules.text = reading;
  return rules;
}

constexpr absl::string_view kNulInside("a\0b", 3);

TEST(TextTypes, RefuseWhatIsNotText) {
  for (const Oid oid : {kOidText, kOidVarchar, kOidBpchar, kOidName, kOidChar}) {
    EXPECT_EQ(Field(oid, Text("\xff")), "kInvalidUtf8") << oid;
    EXPECT_EQ(Field(oid, Text("\xed\xa0\x80")), "kInvalidUtf8") << oid;
    EXPECT_EQ(Field(oid, Text(kNulInside)), "kContainsNul") << oid;
    EXPECT_EQ(Field(oid, Text(absl::string_view("\0", 1))), "kContainsNul") << oid;
  }
  EXPECT_EQ(Field(Bind(kOidVarchar, LengthTypmod(1)), Text("\xff\xff\xff")), "kInvalidUtf8");
  EXPECT_EQ(Field(Bind(kOidBpchar, LengthTypmod(9)), Text(kNulInside)), "kContainsNul");
}

TEST(TextTypes, TakeABlobOnlyWhenTheColumnSaysThatItIsText) {
  for (const Oid oid : {kOidText, kOidVarchar, kOidBpchar, kOidName, kOidChar}) {
    EXPECT_EQ(Field(oid, Blob("x")), "kWrongClass") << oid;
    const ColumnCodec codec = Bind(oid, -1, WithBlob(BlobReading::kUtf8Text));
    EXPECT_EQ(Field(codec, Blob("x")), "x") << oid;
    EXPECT_EQ(Field(codec, Blob("\xff")), "kInvalidUtf8") << oid;
    EXPECT_EQ(Field(codec, Blob(kNulInside)), "kContainsNul") << oid;
  }
  const ColumnCodec varchar =
      Bind(kOidVarchar, LengthTypmod(2), WithBlob(BlobReading::kUtf8Text));
  EXPECT_EQ(Field(varchar, Blob("abc")), "kTooLong");
}

TEST(TextTypes, ShowNumbersAsTheirOneText) {
  EXPECT_EQ(Field(kOidText, SourceValue::Integer(std::numeric_limits<int64_t>::min())),
            "-9223372036854775808");
  EXPECT_EQ(Field(kOidText, SourceValue::Real(5)), "5.0");
  EXPECT_EQ(Field(kOidText, SourceValue::Real(0.1)), "0.1");
  EXPECT_EQ(Field(kOidText, SourceValue::Real(1e100)), "1.0e+100");
  EXPECT_EQ(Field(kOidText, SourceValue::Real(-std::numeric_limits<double>::infinity())), "-Inf");
  EXPECT_EQ(Field(kOidBytea, SourceValue::Integer(42)), "42");
  EXPECT_EQ(Field(kOidBytea, SourceValue::Real(-0.0)), "-0.0");
}

TEST(TextTypes, HoldNumbersToTheirLengthToo) {
  EXPECT_EQ(Field(Bind(kOidVarchar, LengthTypmod(3)), SourceValue::Integer(1234)), "kTooLong");
  EXPECT_EQ(Field(Bind(kOidVarchar, LengthTypmod(3)), SourceValue::Real(1.25)), "kTooLong");
  EXPECT_EQ(Field(Bind(kOidBpchar, LengthTypmod(3)), SourceValue::Integer(123)), "123");
  EXPECT_EQ(Field(Bind(kOidBpchar, LengthTypmod(3)), SourceValue::Integer(-123)), "kTooLong");
  EXPECT_EQ(Field(kOidChar, SourceValue::Integer(7)), "7");
  EXPECT_EQ(Field(kOidChar, SourceValue::Integer(10)), "kTooLong");
}

TEST(BpcharCodec, ComparesWithoutPadding) {
  const ColumnCodec codec = Bind(kOidBpchar, LengthTypmod(5));
  EXPECT_EQ(Compared(codec, "ab   "), "ab");
  EXPECT_EQ(Compared(codec, "     "), "");
  EXPECT_EQ(Compared(codec, " a b "), " a b");
  // Without a length the server neither pads nor cuts: spaces count.
  EXPECT_EQ(Bind(kOidBpchar).canonical, nullptr);
  EXPECT_EQ(Field(kOidBpchar, Text("a ")), "a ");
}

TEST(CharCodec, TakesEverySingleByteThatIsText) {
  const ColumnCodec codec = Bind(kOidChar);
  for (int byte = 1; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(Field(codec, Text(text)), byte < 128 ? text : "kInvalidUtf8") << byte;
    // Every byte can come back, and what is shown for it goes in again.
    std::string shown;
    ASSERT_TRUE(codec.decode(text, codec.params, &shown));
    EXPECT_EQ(Field(codec, Text(shown)), text) << shown;
  }
  EXPECT_EQ(Field(codec, Text("")), std::string(1, '\0'));
}

TEST(ByteaCodec, IsTheTypeThatHoldsEverything) {
  const ColumnCodec codec = Bind(kOidBytea);
  for (absl::string_view bytes : {absl::string_view(""), kNulInside, absl::string_view("\xff\xfe"),
                                  absl::string_view("\\x41")}) {
    EXPECT_EQ(Field(codec, Text(bytes)), bytes);
    EXPECT_EQ(Field(codec, Blob(bytes)), bytes);
  }
}

TEST(ByteaCodec, DecodesHexStrictly) {
  const ColumnCodec codec = Bind(kOidBytea, -1, WithText(TextReading::kHex));
  EXPECT_EQ(Field(codec, Text("0aFf")), "\x0a\xff");
  EXPECT_EQ(Field(codec, Text("\\x0aFf")), "\x0a\xff");
  EXPECT_EQ(Field(codec, Text("")), "");
  for (const char* text : {"0", "0g", "0a f", "0x0a", "\\x0", "\\X0a", " 0a", "0a\n"}) {
    EXPECT_EQ(Field(codec, Text(text)), "kMalformed") << text;
  }
  EXPECT_EQ(Field(codec, Blob("0a")), "0a") << "a blob is bytes whatever text means";
}

TEST(ByteaCodec, DecodesBase64Strictly) {
  const ColumnCodec codec = Bind(kOidBytea, -1, WithText(TextReading::kBase64));
  EXPECT_EQ(Field(codec, Text("")), "");
  EXPECT_EQ(Field(codec, Text("Zg==")), "f");
  EXPECT_EQ(Field(codec, Text("Zm8=")), "fo");
  EXPECT_EQ(Field(codec, Text("Zm9v")), "foo");
  EXPECT_EQ(Field(codec, Text("Zm9vYmE=")), "fooba");
  EXPECT_EQ(Field(codec, Text("+/+/")), "\xfb\xff\xbf");
  // Cut, unpadded, padding inside, unused bits set, line break, the URL alphabet.
  for (const char* text : {"Z", "Zg", "Zg=", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v\n", "-_-_", "====",
                           "Z===", "=Zg=", "Zm 9v"}) {
    EXPECT_EQ(Field(codec, Text(text)), "kMalformed") << text;
  }
}

TEST(UuidCodec, ReadsABlobOnlyInTheOrderThatTheColumnNames) {
  const std::string bytes = FromHex("00112233445566778899aabbccddeeff");
  EXPECT_EQ(Field(kOidUuid, Blob(bytes)), "kAmbiguous");
  EXPECT_EQ(Field(kOidUuid, Blob("short")), "kWrongClass");
  const ColumnCodec network = Bind(kOidUuid, -1, WithBlob(BlobReading::kUuid));
  EXPECT_EQ(ToHex(Field(network, Blob(bytes))), "00112233445566778899aabbccddeeff");
  EXPECT_EQ(Field(network, Blob(bytes.substr(1))), "kMalformed");
  EXPECT_EQ(Field(network, Blob("")), "kMalformed");
  const ColumnCodec mixed = Bind(kOidUuid, -1, WithBlob(BlobReading::kUuidMixedEndian));
  EXPECT_EQ(ToHex(Field(mixed, Blob(bytes))), "33221100554477668899aabbccddeeff");
  EXPECT_EQ(Field(Bind(kOidUuid, -1, WithBlob(BlobReading::kUtf8Text)), Blob(bytes)),
            "kWrongClass");
  EXPECT_EQ(Field(kOidUuid, SourceValue::Integer(1)), "kWrongClass");
}

TEST(BitCodecs, HaveNoReadingForNumbers) {
  for (const Oid oid : {kOidBit, kOidVarbit}) {
    EXPECT_EQ(Field(oid, SourceValue::Integer(1)), "kWrongClass");
    EXPECT_EQ(Field(oid, SourceValue::Real(1)), "kWrongClass");
    EXPECT_EQ(Field(oid, Blob("1")), "kWrongClass");
  }
}

TEST(BitCodecs, FillTheLastByteWithZeros) {
  EXPECT_EQ(ToHex(Field(kOidVarbit, Text("101"))), "00000003a0");
  EXPECT_EQ(ToHex(Field(kOidVarbit, Text("111111111"))), "00000009ff80");
  EXPECT_EQ(ToHex(Field(kOidVarbit, Text(""))), "00000000");
}

TEST(NetworkCodecs, ReadNoMoreThanAWholeText) {
  EXPECT_EQ(Field(kOidInet, Text(absl::string_view("1.2.3.4\0", 8))), "kMalformed");
  EXPECT_EQ(Field(kOidInet, Text(std::string(100000, ':'))), "kMalformed");
  EXPECT_EQ(Field(kOidMacaddr, Text(std::string(100000, '0'))), "kMalformed");
}

TEST(Limits, RefuseAFieldThatTheServerCannotHold) {
  // The size is looked at before the bytes, which are not there.
  SourceValue huge = Blob("x");
  huge.size_bytes = kWireFieldBytesMax + 1;
  FieldBuffer out(64);
  const ColumnCodec bytea = Bind(kOidBytea);
  EXPECT_EQ(bytea.encode[4](huge, bytea.params, &out), Outcome::kTooLarge);
  EXPECT_EQ(bytea.encode[3](huge, bytea.params, &out), Outcome::kTooLarge);
  const ColumnCodec text = Bind(kOidText);
  EXPECT_EQ(text.encode[3](huge, text.params, &out), Outcome::kTooLarge);
  const ColumnCodec bits = Bind(kOidVarbit);
  EXPECT_EQ(bits.encode[3](huge, bits.params, &out), Outcome::kTooLarge);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace lite2pg
