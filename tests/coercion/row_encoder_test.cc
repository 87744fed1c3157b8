#include "coercion/row_encoder.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

class RowEncoderTest : public testing::Test {
 protected:
  std::vector<ColumnCodec> codecs_{Bind(kOidInt4), Bind(kOidText),
                                   Bind(kOidBpchar, LengthTypmod(4))};
  std::vector<SourceValue> row_{SourceValue::Integer(7), SourceValue::Text("ab"),
                                SourceValue::Text("c")};
  FieldBuffer out_;
};

TEST_F(RowEncoderTest, WritesTheTupleOfBinaryCopy) {
  RowEncoder encoder(codecs_);
  EXPECT_EQ(encoder.Encode(row_, &out_).outcome, Outcome::kOk);
  EXPECT_EQ(ToHex(out_.view()), "0003" "00000004" "00000007" "00000002" "6162" "00000001" "63");
  EXPECT_EQ(encoder.digest().rows, 1u);
  EXPECT_EQ(encoder.counts()[0].classes[static_cast<size_t>(StorageClass::kInteger)], 1u);
}

TEST_F(RowEncoderTest, LeavesEverythingAsItWasWhenAValueIsRefused) {
  RowEncoder encoder(codecs_);
  EXPECT_EQ(encoder.Encode(row_, &out_).outcome, Outcome::kOk);
  const std::string before(out_.view());
  const Digest digest = encoder.digest();
  row_[2] = SourceValue::Text("too long");
  const RowOutcome refused = encoder.Encode(row_, &out_);
  EXPECT_EQ(refused.outcome, Outcome::kTooLong);
  EXPECT_EQ(refused.column, 2);
  EXPECT_EQ(out_.view(), before);
  EXPECT_EQ(encoder.digest(), digest);
  EXPECT_EQ(encoder.counts()[0].classes[static_cast<size_t>(StorageClass::kInteger)], 1u);
}

// The server forms a row in one piece; RowBytesOnWireMax is the limit that is not given here.
TEST_F(RowEncoderTest, RefusesARowThatIsTooLargeAlthoughEachValueFits) {
  const size_t exactly = 2 + 3 * 4 + 4 + 20 + 3;
  row_[1] = SourceValue::Text("twenty letters, yes.");
  row_[2] = SourceValue::Text("abc");
  RowEncoder fits(codecs_, CopyFormat::kBinary, exactly + 1);  // char(4) is padded
  EXPECT_EQ(fits.Encode(row_, &out_).outcome, Outcome::kOk);
  const std::string before(out_.view());
  const Digest digest = fits.digest();
  RowEncoder encoder(codecs_, CopyFormat::kBinary, out_.size() - 1);
  const RowOutcome refused = encoder.Encode(row_, &out_);
  EXPECT_EQ(refused.outcome, Outcome::kTooLarge);
  EXPECT_EQ(refused.column, 1) << "the longest value";
  EXPECT_EQ(out_.view(), before);
  EXPECT_EQ(encoder.digest(), Digest());
  EXPECT_EQ(encoder.counts()[0].classes[static_cast<size_t>(StorageClass::kInteger)], 0u);
  row_[1] = SourceValue::Text("nineteen letters...");
  EXPECT_EQ(encoder.Encode(row_, &out_).outcome, Outcome::kOk);
  EXPECT_NE(encoder.digest(), digest);
}

// A byte of bytea is two digits there.
TEST_F(RowEncoderTest, RefusesALineThatIsTooLongAlthoughTheTupleFits) {
  const std::vector<ColumnCodec> codecs{Bind(kOidBytea)};
  const SourceValue blob = SourceValue::Blob("0123456789");
  RowEncoder binary(codecs, CopyFormat::kBinary, 20);
  EXPECT_EQ(binary.Encode({&blob, 1}, &out_).outcome, Outcome::kOk);
  out_.Clear();
  RowEncoder text(codecs, CopyFormat::kText, 20);
  const RowOutcome refused = text.Encode({&blob, 1}, &out_);
  EXPECT_EQ(refused.outcome, Outcome::kTooLarge);
  EXPECT_EQ(refused.column, 0);
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(text.digest(), Digest());
  EXPECT_EQ(text.counts()[0].classes[static_cast<size_t>(StorageClass::kBlob)], 0u);
}

// What the server sends back is padded; the digest is over the value.
TEST_F(RowEncoderTest, DigestsEqualWhatComesBackPadded) {
  RowEncoder encoder(codecs_);
  ASSERT_EQ(encoder.Encode(row_, &out_).outcome, Outcome::kOk);
  const std::string back =
      FromHex("0003" "00000004" "00000007" "00000002" "6162" "00000004" "63202020");
  FieldBuffer scratch;
  Digest digest;
  ASSERT_TRUE(AddTupleToDigest(back, codecs_, &scratch, &digest));
  EXPECT_EQ(digest, encoder.digest());
}

TEST_F(RowEncoderTest, TellsAFieldsBordersApart) {
  std::vector<ColumnCodec> codecs{Bind(kOidText), Bind(kOidText)};
  const auto digest = [&](absl::string_view a, absl::string_view b) {
    RowEncoder encoder(codecs);
    const std::vector<SourceValue> row{SourceValue::Text(a), SourceValue::Text(b)};
    EXPECT_EQ(encoder.Encode(row, &out_).outcome, Outcome::kOk);
    return encoder.digest();
  };
  EXPECT_FALSE(digest("ab", "") == digest("a", "b"));
  EXPECT_FALSE(digest("ab", "") == digest("", "ab"));
}

TEST_F(RowEncoderTest, RefusesTuplesThatAreNotOfTheseColumns) {
  FieldBuffer scratch;
  Digest digest;
  for (const char* hex : {"", "00", "0002", "0003", "0004", "000300000004000000070000000261620000",
                          "0003000000040000000700000002616200000001630000", "ffff",
                          "000300000004000000070000000261620000000963"}) {
    EXPECT_FALSE(AddTupleToDigest(FromHex(hex), codecs_, &scratch, &digest)) << hex;
    // Without a canonical form the bytes are hashed as they are, but they must be a tuple as well.
    const std::vector<ColumnCodec> plain(3, Bind(kOidText));
    EXPECT_FALSE(AddTupleToDigest(FromHex(hex), plain, &scratch, &digest)) << hex;
  }
  EXPECT_EQ(digest, Digest{});
}

// Each field must find its own room, whatever the one before has written.
TEST(RowEncoder, GivesEveryFieldItsRoom) {
  std::vector<ColumnCodec> codecs;
  std::vector<SourceValue> row;
  const std::string digits(500, '9');
  for (int i = 0; i < 200; ++i) {
    codecs.push_back(Bind(i % 2 == 0 ? kOidNumeric : kOidText));
    row.push_back(SourceValue::Text(digits));
  }
  RowEncoder encoder(codecs);
  for (int i = 0; i < 3; ++i) {
    FieldBuffer out;  // fresh: every growth happens
    ASSERT_EQ(encoder.Encode(row, &out).outcome, Outcome::kOk);
    ASSERT_LE(out.size(), out.capacity());
    EXPECT_EQ(out.size(), 2 + 100 * (4 + 500) + 100 * (4 + 8 + 2 * 125u));
  }
}

// jsonb comes back with its keys in another order and other spaces.
TEST(RowEncoder, DigestsAValueAndItsCanonicalFormAlike) {
  const std::vector<ColumnCodec> codecs{Bind(kOidInt4), Bind(kOidJsonb), Bind(kOidText)};
  RowEncoder encoder(codecs);
  FieldBuffer out, back;
  const SourceValue id = SourceValue::Integer(7), note = SourceValue::Text("n");
  const std::vector<SourceValue> sent{id, SourceValue::Text(R"({"bb":1, "a":[ 1e2 ]})"), note};
  const std::vector<SourceValue> stored{id, SourceValue::Text(R"({"a": [100], "bb": 1})"), note};
  ASSERT_EQ(encoder.Encode(sent, &out).outcome, Outcome::kOk);
  const Digest digest = encoder.digest();
  RowEncoder other(codecs);
  ASSERT_EQ(other.Encode(stored, &back).outcome, Outcome::kOk);
  EXPECT_EQ(other.digest(), digest);
  for (const FieldBuffer* tuple : {&out, &back}) {
    Digest read_back;
    FieldBuffer scratch;
    ASSERT_TRUE(AddTupleToDigest(tuple->view(), codecs, &scratch, &read_back));
    EXPECT_EQ(read_back, digest);
  }
}

TEST(RowEncoder, LeavesEverythingAsItWasWhenADocumentIsRefused) {
  const std::vector<ColumnCodec> codecs{Bind(kOidInt4), Bind(kOidJsonb), Bind(kOidText)};
  RowEncoder encoder(codecs);
  FieldBuffer out;
  const std::vector<SourceValue> good{SourceValue::Integer(1), SourceValue::Text("{}"),
                                      SourceValue::Null()};
  ASSERT_EQ(encoder.Encode(good, &out).outcome, Outcome::kOk);
  const std::string before(out.view());
  const Digest digest = encoder.digest();
  std::vector<SourceValue> bad = good;
  bad[1] = SourceValue::Text(R"({"a":1,"a":2})");
  const RowOutcome refused = encoder.Encode(bad, &out);
  EXPECT_EQ(refused.outcome, Outcome::kLossy);
  EXPECT_EQ(refused.column, 1);
  EXPECT_EQ(out.view(), before);
  EXPECT_EQ(encoder.digest(), digest);
  // The next row is not touched by what is left of it.
  ASSERT_EQ(encoder.Encode(good, &out).outcome, Outcome::kOk);
  Digest twice = digest;
  twice.Add(digest);
  EXPECT_EQ(encoder.digest(), twice);
}

TEST(Digest, AddsUpWhateverTheOrder) {
  Digest ab, ba, a, b;
  ab.AddRow("a");
  ab.AddRow("b");
  ba.AddRow("b");
  ba.AddRow("a");
  a.AddRow("a");
  b.AddRow("b");
  EXPECT_EQ(ab, ba);
  Digest sum = a;
  sum.Add(b);
  EXPECT_EQ(sum, ab);
  sum.Subtract(b);
  EXPECT_EQ(sum, a);
}

TEST(Digest, DoesNotLetEqualRowsCancel) {
  Digest twice, none;
  twice.AddRow("a");
  twice.AddRow("a");
  EXPECT_FALSE(twice.low == none.low && twice.high == none.high);
}

TEST(Digest, CarriesBetweenItsHalves) {
  Digest a, b;
  a.low = ~uint64_t{0};
  b.low = 1;
  a.Add(b);
  EXPECT_EQ(a.low, 0u);
  EXPECT_EQ(a.high, 1u);
  a.Subtract(b);
  EXPECT_EQ(a.low, ~uint64_t{0});
  EXPECT_EQ(a.high, 0u);
}

TEST(Digest, SurvivesItsHexadecimalForm) {
  Digest d, back;
  d.AddRow("row");
  ASSERT_TRUE(Digest::FromHex(d.ToHex(), &back));
  EXPECT_EQ(d.ToHex().size(), 32u);
  EXPECT_EQ(back.low, d.low);
  EXPECT_EQ(back.high, d.high);
  for (const char* hex : {"", "00", "0x000000000000000000000000000000",
                          "g0000000000000000000000000000000"}) {
    EXPECT_FALSE(Digest::FromHex(hex, &back)) << hex;
  }
}

// The forms are those of PostgreSQL's documentation of COPY; a server takes them in
// tests/e2e/text_copy_test.py.
TEST_F(RowEncoderTest, WritesALineOfTextCopy) {
  const std::vector<ColumnCodec> codecs{Bind(kOidInt4), Bind(kOidText), Bind(kOidBytea),
                                        BindServerText(ReadingRules()).value()};
  RowEncoder text(codecs, CopyFormat::kText), binary(codecs);
  const std::vector<SourceValue> row{SourceValue::Integer(-7),
                                     SourceValue::Text("\\N\t\n\r\\."), SourceValue::Blob("\\x"),
                                     SourceValue::Text("(1,2)")};
  EXPECT_EQ(text.Encode(row, &out_).outcome, Outcome::kOk);
  EXPECT_EQ(out_.view(), "-7\t\\\\N\\t\\n\\r\\\\.\t\\\\x5c78\t(1,2)\n");
  FieldBuffer tuple;
  EXPECT_EQ(binary.Encode(row, &tuple).outcome, Outcome::kOk);
  EXPECT_EQ(text.digest(), binary.digest());
  out_.Clear();
  const std::vector<SourceValue> nulls(4, SourceValue::Null());
  EXPECT_EQ(text.Encode(nulls, &out_).outcome, Outcome::kOk);
  EXPECT_EQ(out_.view(), "\\N\t\\N\t\\N\t\\N\n");
  out_.Clear();
  EXPECT_FALSE(AppendTextRow("\0\2", codecs, &out_));
  EXPECT_TRUE(out_.empty());
}

TEST_F(RowEncoderTest, CountsWhatTheUsersRulesChange) {
  ReadingRules rules;
  rules.empty_text_as_null = true;
  rules.bad_value = BadValueRule::kDefault;
  rules.bad_value_default = "-1";
  PgType type = BuiltinType(kOidInt4);
  const std::vector<ColumnCodec> codecs{BindColumn(type, rules).value()};
  RowEncoder encoder(codecs);
  for (const SourceValue& value :
       {SourceValue::Text(""), SourceValue::Text("x"), SourceValue::Integer(5),
        SourceValue::Integer(int64_t{1} << 40), SourceValue::Null()}) {
    EXPECT_EQ(encoder.Encode({&value, 1}, &out_).outcome, Outcome::kOk);
  }
  EXPECT_EQ(ToHex(out_.view()), "0001" "ffffffff" "0001" "00000004" "ffffffff" "0001" "00000004"
                                "00000005" "0001" "00000004" "ffffffff" "0001" "ffffffff");
  const auto& counts = encoder.counts()[0].rules;
  EXPECT_EQ(counts[static_cast<size_t>(RuleUse::kNone)], 2u);
  EXPECT_EQ(counts[static_cast<size_t>(RuleUse::kEmptyAsNull)], 1u);
  EXPECT_EQ(counts[static_cast<size_t>(RuleUse::kBadAsDefault)], 2u);
  rules.bad_value_default = "many";
  EXPECT_FALSE(BindColumn(type, rules).ok());
}

}  // namespace
}  // namespace lite2pg
