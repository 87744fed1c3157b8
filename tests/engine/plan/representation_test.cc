#include "engine/plan/representation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "coercion/type_codec.h"
#include "engine/plan/candidates.h"
#include "engine/plan/value_restorer.h"

namespace lite2pg {
namespace {

SourceValue T(absl::string_view text) { return SourceValue::Text(text); }
SourceValue I(int64_t v) { return SourceValue::Integer(v); }
SourceValue R(double v) { return SourceValue::Real(v); }
SourceValue B(absl::string_view bytes) { return SourceValue::Blob(bytes); }

// One column that went to a type, learned in two parts as ranges of a table are.
struct Column {
  Column(Oid oid, int32_t typmod, const ReadingRules& rules, std::vector<SourceValue> given)
      : values(std::move(given)) {
    candidates.push_back(FixedCandidate(BuiltinType(oid, typmod), rules).value());
    RowFormLearner learners[2] = {RowFormLearner({candidates}), RowFormLearner({candidates})};
    for (size_t i = 0; i < values.size(); ++i) learners[i % 2].Add({&values[i], 1});
    ColumnForms forms = learners[0].forms()[0];
    forms.Merge(learners[1].forms()[0]);
    form = DescribeRepresentation(candidates[0].type, rules, forms.counts, forms.forms);
    // What revert knows has gone through the ledger.
    const std::string json = RepresentationToJson(form);
    form = RepresentationFromJson(json).value();
    EXPECT_EQ(RepresentationToJson(form), json);
  }

  // How many values come back as they were.
  size_t Restored() const {
    const ColumnCodec& codec = candidates[0].codec;
    const ValueRestorer restorer(codec, form);
    size_t same = 0;
    for (const SourceValue& value : values) {
      FieldBuffer field(codec.fixed_bytes + codec.expand * value.size_bytes);
      const auto c = static_cast<size_t>(value.storage_class);
      const Outcome outcome = codec.encode[c](value, codec.params, &field);
      EXPECT_EQ(outcome, Outcome::kOk) << value.bytes();
      if (outcome != Outcome::kOk) continue;
      std::string text;
      SourceValue back;
      const auto restored = restorer.Restore(field.view().substr(4), &text, &back);
      EXPECT_NE(restored, Restored::kMalformed);
      same += SameStoredValue(value, back) ? 1 : 0;
      if (form.exact) {
        EXPECT_EQ(restored, Restored::kExact) << value.bytes();
        EXPECT_TRUE(SameStoredValue(value, back))
            << "'" << value.bytes() << "' came back as '" << back.bytes() << "'";
      }
    }
    return same;
  }

  std::vector<SourceValue> values;
  std::vector<Candidate> candidates;
  Representation form;
};

void ExpectExact(Oid oid, std::vector<SourceValue> values, const ReadingRules& rules = {},
                 int32_t typmod = -1) {
  const Column column(oid, typmod, rules, std::move(values));
  EXPECT_TRUE(column.form.exact) << column.form.reason;
  EXPECT_EQ(column.form.reason, "");
  EXPECT_EQ(column.Restored(), column.values.size());
}

void ExpectLoss(Oid oid, std::vector<SourceValue> values, const ReadingRules& rules = {},
                int32_t typmod = -1) {
  const Column column(oid, typmod, rules, std::move(values));
  EXPECT_FALSE(column.form.exact);
  EXPECT_NE(column.form.reason, "");
  // Otherwise the report would warn of nothing.
  EXPECT_LT(column.Restored(), column.values.size());
}

// Said to be lost, because it may be: the server's own form is another, or the nearest form happens
// to be the same.
void ExpectDoubt(Oid oid, std::vector<SourceValue> values) {
  const Column column(oid, -1, {}, std::move(values));
  EXPECT_FALSE(column.form.exact);
  EXPECT_NE(column.form.reason, "");
}

TEST(Representation, KeepsTheFormOfTimestamps) {
  ExpectExact(kOidTimestamp, {T("2024-01-31 12:34:56"), T("1999-12-31 23:59:59")});
  ExpectExact(kOidTimestamp, {T("2024-01-31T12:34:56.120"), T("2024-01-31T12:34:56.000")});
  ExpectExact(kOidTimestamp, {T("2024-01-31t12:34"), T("2024-01-31t00:00")});
  ExpectExact(kOidTimestamp, {T("2024-01-31 12:34:56.12"), T("2024-01-31 12:34:56"),
                              T("2024-01-31 12:34:56.123456")});
  // As Python's datetime.isoformat() writes them: all six digits, or none.
  ExpectExact(kOidTimestamp, {T("2024-01-31 12:34:56.120000"), T("2024-01-31 12:34:56")});
  ExpectExact(kOidTimestamp, {T("2024-01-31 12:34:56.120000000")});
  ExpectExact(kOidTimestamp, {T("2024-01-31"), T("0001-01-01")});
  ExpectExact(kOidTimestamptz, {T("2024-01-31 12:34:56.1Z"), T("2024-01-31 12:34:56.25Z")});
  ExpectExact(kOidTimestamptz, {T("2024-01-31T12:34:56+02:00"), T("2024-01-31T00:00:00+02:00")});
  ExpectExact(kOidTimestamptz, {T("2024-01-31 12:34:56 -0330 NST")});
  ExpectExact(kOidTimestamptz, {T("2024-01-31 12:34:56.5 UTC")});
  ExpectExact(kOidDate, {T("2024-01-31 00:00:00.000"), T("1800-01-01 00:00:00.000")});
  ExpectExact(kOidTime, {T("12:34"), T("00:00")});
  ExpectExact(kOidTime, {T("12:34:56.10"), T("24:00:00.00")});
}

TEST(Representation, SaysWhichTimestampsLoseTheirForm) {
  ExpectLoss(kOidTimestamp, {T("2024-01-31 12:34:56"), T("2024-01-31T12:34:56")});
  ExpectLoss(kOidTimestamp, {T("2024-01-31 12:34:56"), T("2024-01-31 12:34")});
  ExpectLoss(kOidTimestamp, {T("2024-01-31 12:34:56.10"), T("2024-01-31 12:34:56.1")});
  ExpectLoss(kOidTimestamp, {T("2024-01-31 12:34:56"), T("2024-01-31")});
  ExpectLoss(kOidTimestamptz, {T("2024-01-31T12:00:00+02:00"), T("2024-01-31T12:00:00Z")});
  ExpectDoubt(kOidTimestamp, {T("0044-03-15 12:00:00 BC")});
  ExpectDoubt(kOidTimestamp, {T("2024-01-31 12:00:00"), T("infinity")});
}

TEST(Representation, KeepsTheZoneInWhichTextWasRead) {
  ReadingRules rules;
  rules.source_time_zone = "Europe/Berlin";
  ExpectExact(kOidTimestamptz, {T("2024-01-31 12:34:56"), T("2024-07-31 00:30:00")}, rules);
}

TEST(Representation, KeepsNumbersThatStandForTimes) {
  ReadingRules rules;
  rules.integer = NumberReading::kUnixMillis;
  rules.real = NumberReading::kUnixSeconds;
  ExpectExact(kOidTimestamptz, {I(1706700896123), I(0), I(-1)}, rules);
  ExpectExact(kOidTimestamptz, {R(1706700896.5), R(0), R(1706700896.123456)}, rules);
  rules.real = NumberReading::kJulianDay;
  ExpectExact(kOidTimestamp, {R(2460341.0), R(2460341.5)}, rules);
  rules.integer = NumberReading::kDotNetTicks;
  ExpectExact(kOidTimestamp, {I(638423000000000000), I(10)}, rules);
  ExpectLoss(kOidTimestamp, {I(638423000000000000), T("2024-01-31 12:00:00")}, rules);
}

TEST(Representation, KeepsTheSpellingOfBooleans) {
  ExpectExact(kOidBool, {I(0), I(1)});
  ExpectExact(kOidBool, {R(0), R(1)});
  for (const auto& [on, off] : std::vector<std::pair<const char*, const char*>>{
           {"t", "f"}, {"True", "False"}, {"yes", "no"}, {"ON", "OFF"}, {"1", "0"}, {"Y", "N"}}) {
    ExpectExact(kOidBool, {T(on), T(off)});
    ExpectExact(kOidBool, {T(on)});
  }
  ExpectLoss(kOidBool, {T("true"), T("True")});
  ExpectLoss(kOidBool, {T("true"), I(1)});
  ExpectLoss(kOidBool, {R(1), I(1)});
  // The other word, which no value has shown, follows from the one that was.
  EXPECT_EQ(Column(kOidBool, -1, {}, {T("yes")}).form.false_word, "no");
  EXPECT_EQ(Column(kOidBool, -1, {}, {T("FALSE")}).form.true_word, "TRUE");
}

TEST(Representation, KeepsTheFormOfUuids) {
  ExpectExact(kOidUuid, {T("0123456789abcdef0123456789abcdef")});
  ExpectExact(kOidUuid, {T("{01234567-89AB-CDEF-0123-456789ABCDEF}")});
  ExpectExact(kOidUuid, {T("01234567-89ab-cdef-0123-456789abcdef"),
                         T("00000000-0000-0000-0000-000000000000")});
  ExpectLoss(kOidUuid, {T("01234567-89ab-cdef-0123-456789abcdef"),
                        T("01234567-89AB-cdef-0123-456789abcdef")});
  ExpectLoss(kOidUuid, {T("01234567-89ab-cdef-0123-456789abcdef"),
                        T("0123456789abcdef0123456789abcdef")});
  ReadingRules rules;
  rules.blob = BlobReading::kUuid;
  ExpectExact(kOidUuid, {B("0123456789abcdef")}, rules);
  rules.blob = BlobReading::kUuidMixedEndian;
  ExpectExact(kOidUuid, {B("0123456789abcdef")}, rules);
  ExpectLoss(kOidUuid, {B("0123456789abcdef"), T("01234567-89ab-cdef-0123-456789abcdef")}, rules);
}

TEST(Representation, KeepsTheClassOfNumbersWhereItFollows) {
  ExpectExact(kOidFloat8, {R(1.5), R(-0.0), R(std::numeric_limits<double>::infinity())});
  ExpectExact(kOidFloat8, {I(1), I(-5)});
  ExpectExact(kOidFloat8, {I(1), R(1.5), R(1e300)});
  ExpectExact(kOidFloat8, {I(INT64_MIN), I(int64_t{1} << 60), I(3), R(0x1p63), R(-1e19)});
  ExpectLoss(kOidFloat8, {I(1), R(2.0)});
  ExpectExact(kOidNumeric, {I(1), R(0.1), I(INT64_MIN), I(INT64_MAX)});
  ExpectExact(kOidNumeric, {R(0.1), R(5.0), R(1e300), R(5e-324)});
  ExpectExact(kOidNumeric, {I(1), R(19.99)}, {}, NumericTypmod(10, 2));
  ExpectExact(kOidNumeric, {T("1.50"), T("7")});
  ExpectLoss(kOidNumeric, {T("1e2")});
  ExpectLoss(kOidNumeric, {T("1.5")}, {}, NumericTypmod(10, 2));
  ExpectExact(kOidInt8, {R(5.0), R(-1.0)});
  ExpectExact(kOidInt4, {T("5"), T("-1")});
  ExpectLoss(kOidInt8, {I(1), T("2")});
}

TEST(Representation, TellsNumbersFromTextByTheirLooks) {
  ExpectExact(kOidText, {T("abc"), I(5), R(1.0), T("007"), T("5 "), T("1e5"), T("")});
  ExpectExact(kOidText, {I(5), R(5.0), R(std::numeric_limits<double>::infinity())});
  ExpectExact(kOidText, {T("5"), T("1.5")});
  ExpectLoss(kOidText, {T("5"), I(5)});
  ExpectLoss(kOidText, {T("Inf"), I(5)});
  ExpectExact(kOidJson, {T("{\"a\":  1}"), I(5)});
}

TEST(Representation, KnowsJsonbsOwnForm) {
  ExpectExact(kOidJsonb, {T("{}"), T("[]"), T("{\"a\":1,\"bb\":[\"x, y: z\",null]}")});
  ExpectExact(kOidJsonb, {T("{}"), T("{\"a\": 1, \"bb\": [\"x,y\\\"\", null]}")});
  ExpectDoubt(kOidJsonb, {T("{\"bb\":1,\"a\":2}")});
  ExpectDoubt(kOidJsonb, {T("{\"a\":1}"), T("{\"a\": 1}")});
  ExpectDoubt(kOidJsonb, {T("[1e2]")});
}

// The server prints the digits of numbers in jsonb; here, what it would print is given to it.
TEST(Representation, FindsNumbersInJsonb) {
  ExpectExact(kOidJsonb, {I(5), R(1.5), R(1e300), T("[1]"), T("\"5\"")});
  ExpectDoubt(kOidJsonb, {I(5), R(1e16), T("[1]")});
  ExpectDoubt(kOidJsonb, {I(5), T("1.50")});
  ReadingRules rules;
  const Column column(kOidJsonb, -1, rules, {I(5), T("[1]"), R(0.5)});
  const ValueRestorer restorer(column.candidates[0].codec, column.form);
  std::string text;
  SourceValue back;
  EXPECT_EQ(restorer.Restore("\x01" + std::string("1") + std::string(300, '0'), &text, &back),
            Restored::kExact);
  EXPECT_TRUE(SameStoredValue(back, R(1e300)));
}

TEST(Representation, KeepsBytes) {
  ExpectExact(kOidBytea, {B("\x01"), B("")});
  ExpectExact(kOidBytea, {T("text"), T("")});
  ExpectLoss(kOidBytea, {T("text"), B("blob")});
  ReadingRules rules;
  rules.text = TextReading::kHex;
  ExpectExact(kOidBytea, {T("00ff")}, rules);
  ExpectLoss(kOidBytea, {T("00FF")}, rules);
  rules.text = TextReading::kBase64;
  ExpectExact(kOidBytea, {T("AP8="), T("")}, rules);
  rules = {};
  rules.blob = BlobReading::kUtf8Text;
  ExpectExact(kOidText, {B("text"), B("")}, rules);
}

TEST(Representation, SaysWhatConfigurationLoses) {
  ReadingRules rules;
  rules.empty_text_as_null = true;
  const Column emptied(kOidText, -1, rules, {T("a")});
  EXPECT_TRUE(emptied.form.exact);
  const Column with_empty(kOidText, -1, rules, {T("")});
  EXPECT_FALSE(with_empty.form.exact);
  rules = {};
  rules.round_to_microseconds = true;
  ExpectLoss(kOidTimestamp, {T("2024-01-31 12:34:56.1234567")}, rules);
  rules = {};
  rules.round_to_typmod = true;
  ExpectLoss(kOidNumeric, {R(1.005)}, rules, NumericTypmod(10, 2));
}

// What PostgreSQL was given since may not fit the form; it must not be cut.
TEST(Representation, WritesInFullWhatTheFormHasNoRoomFor) {
  const auto restore = [](const Column& column, SourceValue value, Oid oid) {
    const ColumnCodec codec = BindColumn(BuiltinType(oid), column.candidates[0].rules).value();
    FieldBuffer field(codec.fixed_bytes + codec.expand * value.size_bytes);
    EXPECT_EQ(codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, &field),
              Outcome::kOk);
    std::string text;
    SourceValue back;
    EXPECT_EQ(ValueRestorer(codec, column.form).Restore(field.view().substr(4), &text, &back),
              Restored::kOtherForm);
    return back.storage_class == StorageClass::kReal ? std::to_string(back.real)
                                                     : std::string(back.bytes());
  };
  const Column millis(kOidTimestamp, -1, {}, {T("2024-01-31T12:34:56.120")});
  EXPECT_EQ(restore(millis, T("2024-01-31 12:34:56.123456"), kOidTimestamp),
            "2024-01-31T12:34:56.123456");
  const Column minutes(kOidTimestamp, -1, {}, {T("2024-01-31 12:34")});
  EXPECT_EQ(restore(minutes, T("2024-01-31 12:34:56"), kOidTimestamp), "2024-01-31 12:34:56");
  const Column days(kOidTimestamp, -1, {}, {T("2024-01-31")});
  EXPECT_EQ(restore(days, T("2024-01-31 12:34:56"), kOidTimestamp), "2024-01-31 12:34:56");
  EXPECT_EQ(restore(millis, T("0044-03-15 12:00:00 BC"), kOidTimestamp),
            "0044-03-15T12:00:00.000 BC");
  const Column reals(kOidNumeric, -1, {}, {R(1.5)});
  EXPECT_EQ(restore(reals, T("0.12345678901234567890123"), kOidNumeric),
            "0.12345678901234567890123");
  const Column integers(kOidNumeric, -1, {}, {I(1)});
  EXPECT_EQ(restore(integers, T("2.5"), kOidNumeric), "2.500000");
  const Column doubles(kOidFloat8, -1, {}, {R(1.5)});
  EXPECT_EQ(restore(doubles, T("NaN"), kOidFloat8), "NaN");
  ReadingRules rules;
  rules.integer = NumberReading::kUnixSeconds;
  const Column seconds(kOidTimestamptz, -1, rules, {I(1)});
  EXPECT_EQ(restore(seconds, T("1970-01-01 00:00:01.5Z"), kOidTimestamptz), "1.500000");
}

TEST(Representation, RefusesWhatIsNotOne) {
  for (const absl::string_view json :
       {"", "[]", "{\"storage\":\"other\"}", "{\"storage\":1}", "{\"fraction\":21}",
        "{\"fraction\":-1}", "{\"zone\":\"0123456789abcdef\"}", "{\"separator\":\"\"}",
        "{\"words\":[\"yes\"]}", "{\"words\":[\"toolong\",\"x\"]}", "{\"uuid\":[1,2,3]}",
        "{\"exact\":\"yes\"}"}) {
    EXPECT_FALSE(RepresentationFromJson(json).ok()) << json;
  }
}

}  // namespace
}  // namespace lite2pg
