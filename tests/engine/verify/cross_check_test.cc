// That the server's own reading finds a value that was stored as another one: wrong rules, a wrong
// codec, in every class and kind of type; and that right ones are never called wrong.
#include "engine/verify/cross_check.h"

#include "engine/base/error.h"
#include "gmock/gmock.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

class CrossCheckTest : public ServerTest {
 protected:
  // A column of `type`, bound to `rules`, with one sample.
  void Add(Oid oid, const SourceValue& value, const ReadingRules& rules = {}, int32_t typmod = -1) {
    if (plan_.tables.empty()) {
      source_.name = "t";
      plan_.tables.emplace_back();
      plan_.tables[0].source = &source_;
      values_.assign(1, {});
    }
    ColumnPlan column;
    column.source_name = absl::StrCat("c", plan_.tables[0].columns.size());
    column.type = BuiltinType(oid, typmod);
    column.rules = rules;
    values_[0].emplace_back()[static_cast<size_t>(value.storage_class)].emplace_back(value);
    plan_.tables[0].codecs.push_back(BindColumn(column.type, rules).value());
    plan_.tables[0].columns.push_back(std::move(column));
  }

  absl::Status Check() { return CrossCheckSamples(db(), plan_, values_, &samples_); }

  // The last column is encoded by `codec` in place of its own.
  void Break(Oid oid, const ReadingRules& rules = {}) {
    plan_.tables[0].codecs.back() = BindColumn(BuiltinType(oid), rules).value();
  }
  void ExpectFound(absl::string_view value) {
    const absl::Status status = Check();
    ASSERT_FALSE(status.ok());
    const ErrorInfo info = InfoOf(status);
    EXPECT_EQ(info.code, ErrorCode::kCrossCheck);
    EXPECT_EQ(info.exit_code, ExitCode::kDiffers);
    EXPECT_EQ(info.table, "t");
    EXPECT_THAT(info.value, HasSubstr(std::string(value)));
    plan_.tables.clear();
  }

  SourceTable source_;
  Plan plan_;
  std::vector<TableSamples> values_;
  std::vector<ValueSample> samples_;
};

ReadingRules Numbers(NumberReading reading) {
  ReadingRules rules;
  rules.integer = rules.real = reading;
  return rules;
}

ReadingRules Blobs(BlobReading reading) {
  ReadingRules rules;
  rules.blob = reading;
  return rules;
}

TEST_F(CrossCheckTest, FindsAnEpochThatWasTakenForAnother) {
  Add(kOidTimestamptz, SourceValue::Integer(1'706'704'496), Numbers(NumberReading::kUnixSeconds));
  Break(kOidTimestamptz, Numbers(NumberReading::kUnixMillis));
  ExpectFound("INTEGER 1706704496");
}

TEST_F(CrossCheckTest, FindsAByteOrderThatWasTakenForAnother) {
  const std::string guid("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  Add(kOidUuid, SourceValue::Blob(guid), Blobs(BlobReading::kUuidMixedEndian));
  Break(kOidUuid, Blobs(BlobReading::kUuid));
  ExpectFound("BLOB 16 bytes");
}

TEST_F(CrossCheckTest, FindsTextThatWasDecoded) {
  Add(kOidBytea, SourceValue::Text("41424344"));
  ReadingRules hex;
  hex.text = TextReading::kHex;
  Break(kOidBytea, hex);
  ExpectFound("41424344");
}

// A codec as a bug would have it: it writes the numeric 20.
Outcome EncodeTwenty(const SourceValue&, const EncodeParams&, FieldBuffer* out) {
  out->PutInt32(10);
  for (const int16_t part : {1, 0, 0, 0, 20}) out->PutInt16(part);
  return Outcome::kOk;
}

TEST_F(CrossCheckTest, FindsANumberThatLostItsLastDigits) {
  Add(kOidNumeric, SourceValue::Text("19.999"));
  plan_.tables[0].codecs.back().encode[static_cast<size_t>(StorageClass::kText)] = EncodeTwenty;
  ExpectFound("19.999");
}

TEST_F(CrossCheckTest, FindsATimeReadInAnotherZone) {
  ReadingRules berlin;
  berlin.source_time_zone = "Europe/Berlin";
  Add(kOidTimestamptz, SourceValue::Text("2024-01-31 12:34:56"), berlin);
  Break(kOidTimestamptz);
  ExpectFound("2024-01-31 12:34:56");
}

// A codec as a bug would have it: all reals become 1.
Outcome EncodeOne(const SourceValue&, const EncodeParams&, FieldBuffer* out) {
  out->PutInt32(8);
  out->PutInt64(0x3FF0000000000000);
  return Outcome::kOk;
}

TEST_F(CrossCheckTest, FindsAWrongCodec) {
  Add(kOidFloat8, SourceValue::Real(0.1));
  plan_.tables[0].codecs.back().encode[static_cast<size_t>(StorageClass::kReal)] = EncodeOne;
  ExpectFound("REAL 0.1");
}

// A column is looked at however many there are before it, and each of its classes.
TEST_F(CrossCheckTest, LooksAtEveryColumnAndClass) {
  for (int i = 0; i < 700; ++i) Add(kOidInt8, SourceValue::Integer(i));
  Add(kOidText, SourceValue::Text("plain"));
  ColumnSamples& last = values_[0].back();
  last[static_cast<size_t>(StorageClass::kInteger)].emplace_back(SourceValue::Integer(5));
  last[static_cast<size_t>(StorageClass::kReal)].emplace_back(SourceValue::Real(0.1));
  LITE2PG_ASSERT_OK(Check());
  ASSERT_EQ(samples_.size(), 703u);
  for (const ValueSample& sample : samples_) EXPECT_TRUE(sample.judged) << sample.column;
  EXPECT_EQ(samples_[700].stored, "5");
}

Outcome EncodeOtherText(const SourceValue&, const EncodeParams&, FieldBuffer* out) {
  out->PutInt32(3);
  out->PutBytes("7.5");
  return Outcome::kOk;
}

TEST_F(CrossCheckTest, JudgesTheTextOfARealAsTheDoubleThatItShows) {
  Add(kOidText, SourceValue::Real(0.1));
  LITE2PG_ASSERT_OK(Check());
  plan_.tables[0].codecs.back().encode[static_cast<size_t>(StorageClass::kReal)] = EncodeOtherText;
  ExpectFound("REAL 0.1");
}

// What lite2pg reads in its own way must not look like a mistake.
TEST_F(CrossCheckTest, CallsNothingWrongThatIsRight) {
  ReadingRules round;
  round.round_to_microseconds = true;
  Add(kOidInterval, SourceValue::Text("1.02:03:04.0050000"));
  Add(kOidInterval, SourceValue::Text("-1.02:03:04"));
  // What the user's rule has changed is not asked about.
  Add(kOidInterval, SourceValue::Text("00:00:00.0000005"), round);
  Add(kOidTimestamptz, SourceValue::Text("2024-01-31 12:34:56.1234565"), round);
  Add(kOidTimestamptz, SourceValue::Text("2024-01-31 12:34:56 -0700 MST m=+0.1"));
  Add(kOidTimestamptz, SourceValue::Real(1706704496.123456), Numbers(NumberReading::kUnixSeconds));
  Add(kOidTimestamp, SourceValue::Real(2460341.024268391), Numbers(NumberReading::kJulianDay));
  Add(kOidTimestamp, SourceValue::Integer(638'423'012'960'000'000),
      Numbers(NumberReading::kDotNetTicks));
  Add(kOidTimestamp, SourceValue::Integer(-62'135'596'800), Numbers(NumberReading::kUnixSeconds));
  Add(kOidDate, SourceValue::Integer(1'706'659'200'000), Numbers(NumberReading::kUnixMillis));
  Add(kOidTimestamptz, SourceValue::Real(728397296.5), Numbers(NumberReading::kAppleSeconds));
  Add(kOidTimestamptz, SourceValue::Integer(13'351'178'096'789'012),
      Numbers(NumberReading::kChromeMicros));
  Add(kOidTimestamptz, SourceValue::Integer(1'706'704'496'000'001'000),
      Numbers(NumberReading::kUnixNanos));
  Add(kOidInterval, SourceValue::Integer(5), Numbers(NumberReading::kUnixMicros));
  Add(kOidBool, SourceValue::Text("yes"));
  Add(kOidBool, SourceValue::Integer(1));
  Add(kOidBool, SourceValue::Real(1));
  Add(kOidUuid, SourceValue::Text("{6F9619FF-8B86-D011-B42D-00C04FC964FF}"));
  Add(kOidJsonb, SourceValue::Text("{\"b\": 1.10, \"a\": [1e2]}"));
  Add(kOidJsonb, SourceValue::Real(0.5));
  Add(kOidBpchar, SourceValue::Text("ab"), {}, LengthTypmod(5));
  Add(kOidFloat4, SourceValue::Real(0.1));
  Add(kOidFloat8, SourceValue::Integer(5));
  Add(kOidInt4, SourceValue::Real(-7));
  Add(kOidNumeric, SourceValue::Real(1e300));
  Add(kOidText, SourceValue::Real(1e100));
  Add(kOidBytea, SourceValue::Real(-0.0));
  Add(kOidBytea, SourceValue::Text("a\\b"));
  Add(kOidBytea, SourceValue::Text(absl::string_view("a\0b", 3)));
  Add(kOidBytea, SourceValue::Blob(absl::string_view("\0\xff", 2)));
  const std::string guid("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  Add(kOidUuid, SourceValue::Blob(guid), Blobs(BlobReading::kUuidMixedEndian));
  Add(kOidUuid, SourceValue::Blob(guid), Blobs(BlobReading::kUuid));
  Add(kOidText, SourceValue::Blob("caf\xc3\xa9"), Blobs(BlobReading::kUtf8Text));
  LITE2PG_ASSERT_OK(Check());
  int judged = 0;
  for (const ValueSample& sample : samples_) judged += sample.judged ? 1 : 0;
  EXPECT_EQ(samples_.size(), 31u);
  EXPECT_GE(judged, 27);
}

}  // namespace
}  // namespace lite2pg
