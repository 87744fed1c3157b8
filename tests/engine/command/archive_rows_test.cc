// What import decodes must encode to the very bytes that were in the archive, for every type.
#include "engine/command/archive_rows.h"

#include "coercion/wire.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

std::string Canonical(const ColumnCodec& codec, absl::string_view field) {
  if (codec.canonical == nullptr) return ToHex(field);
  FieldBuffer out;
  EXPECT_TRUE(codec.canonical(field, codec.params, &out)) << ToHex(field);
  return ToHex(out.view());
}

std::string WithLength(absl::string_view bytes) {
  FieldBuffer out(4 + bytes.size());
  EXPECT_EQ(PutBytesField(bytes, &out), Outcome::kOk);
  return std::string(out.view());
}

TEST(ArchiveRows, GiveBackWhatAServerSentForEveryType) {
  int checked = 0;
  for (const TypeCodec* row : AllCodecs()) {
    if (row->oid == 0) continue;  // types of extensions are not created, so not exported
    // A server pads char(n); what we encode, and so what an archive holds, is never padded.
    if (row->oid == kOidBpchar) continue;
    for (const GoldenCase& golden : ReadGoldens(std::string(row->name))) {
      if (golden.refused || golden.oid != row->oid) continue;
      const PgType type = BuiltinType(golden.oid, golden.typmod);
      const std::vector<ColumnCodec> codecs = {BindColumn(type, ReadingRules()).value()};
      std::vector<std::string> texts;
      std::vector<SourceValue> values;
      const std::string tuple = WithLength(golden.send);  // the values point into it
      ASSERT_TRUE(DecodeFields(tuple, codecs, &texts, &values)) << golden.where;
      FieldBuffer out(codecs[0].fixed_bytes + codecs[0].expand * values[0].size_bytes);
      const auto storage_class = static_cast<size_t>(values[0].storage_class);
      ASSERT_EQ(codecs[0].encode[storage_class](values[0], codecs[0].params, &out), Outcome::kOk)
          << golden.where << " " << values[0].bytes();
      EXPECT_EQ(Canonical(codecs[0], out.view().substr(4)), Canonical(codecs[0], golden.send))
          << golden.where << " " << values[0].bytes();
      ++checked;
    }
  }
  EXPECT_GT(checked, 500);
}

TEST(ArchiveRows, RefuseFieldsThatAreNotOfTheirType) {
  const std::vector<ColumnCodec> codecs = {
      BindColumn(BuiltinType(kOidInt8), ReadingRules()).value(),
      BindColumn(BuiltinType(kOidJsonb), ReadingRules()).value()};
  std::vector<std::string> texts;
  std::vector<SourceValue> values;
  const std::string number = WithLength(std::string(8, '\1'));
  const std::string json = WithLength("\1{}");
  EXPECT_TRUE(DecodeFields(number + json, codecs, &texts, &values));
  EXPECT_FALSE(DecodeFields(number, codecs, &texts, &values));
  EXPECT_FALSE(DecodeFields(number + json + "x", codecs, &texts, &values));
  EXPECT_FALSE(DecodeFields(number + WithLength("\2{}"), codecs, &texts, &values));
  EXPECT_FALSE(DecodeFields(WithLength("seven b") + json, codecs, &texts, &values));
  EXPECT_FALSE(DecodeFields(number + json.substr(0, 5), codecs, &texts, &values));
}

}  // namespace
}  // namespace lite2pg
