#include "engine/plan/plan_record.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/error.h"

namespace lite2pg {
namespace {

PlanRecord Sample() {
  PlanRecord record;
  record.source_time_zone = "Europe/Berlin";
  record.source_column = "tenant";
  record.existing_rows = ExistingRows::kSkipEqual;
  record.include = {"a*", "\xff"};
  record.exclude = {"b"};
  TableRecord table;
  table.source_name = "tab\xff\"le";
  table.target_schema = "public";
  table.target_name = "\\x tab";
  table.where = "id > 5";
  table.created = true;
  table.rows_source = UINT64_MAX;
  table.rows_target = 7;
  table.digest_source = "00112233445566778899aabbccddeeff";
  ColumnRecord column;
  column.source_name = "at";
  column.target_name = "At";
  column.declared_type = "DATETIME";
  column.type_name = "timestamptz";
  column.type_sql = "timestamp(3) with time zone";
  column.typmod = 3;
  column.rules.integer = NumberReading::kUnixMillis;
  column.rules.real = NumberReading::kJulianDay;
  column.rules.text = TextReading::kBase64;
  column.rules.blob = BlobReading::kUuidMixedEndian;
  column.rules.empty_text_as_null = true;
  column.rules.not_null = true;
  column.rules.round_to_microseconds = true;
  column.rules.round_to_typmod = true;
  column.rules.round_to_float4 = true;
  column.rules.escape_text = true;
  column.rules.bad_value = BadValueRule::kDefault;
  column.rules.bad_value_default = "0\xff";
  column.rules.source_time_zone = "Asia/Tokyo";
  column.fill = FillKind::kLiteral;
  column.absent = true;
  column.fill_text = "it's";
  column.representation = R"({"text":{"count":2}})";
  table.columns = {column, ColumnRecord()};
  record.tables.push_back(table);
  record.left_out = {{"v", "not_a_table"}};
  record.source_schema = R"({"declarations":[]})";
  return record;
}

TEST(PlanRecord, RoundTripsEverything) {
  const std::string json = PlanRecordToJson(Sample());
  const absl::StatusOr<PlanRecord> parsed = ParsePlanRecord(json);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  // Every field is in the JSON, so equal JSON means an equal record.
  EXPECT_EQ(PlanRecordToJson(*parsed), json);
  const ColumnRecord& column = parsed->tables[0].columns[0];
  EXPECT_EQ(parsed->tables[0].source_name, "tab\xff\"le");
  EXPECT_EQ(parsed->tables[0].target_name, "\\x tab");
  EXPECT_EQ(parsed->tables[0].rows_source, UINT64_MAX);
  EXPECT_EQ(parsed->existing_rows, ExistingRows::kSkipEqual);
  EXPECT_EQ(parsed->source_column, "tenant");
  EXPECT_EQ(column.rules.integer, NumberReading::kUnixMillis);
  EXPECT_EQ(column.rules.real, NumberReading::kJulianDay);
  EXPECT_EQ(column.rules.text, TextReading::kBase64);
  EXPECT_EQ(column.rules.blob, BlobReading::kUuidMixedEndian);
  EXPECT_EQ(column.rules.source_time_zone, "Asia/Tokyo");
  EXPECT_EQ(column.rules.bad_value, BadValueRule::kDefault);
  EXPECT_EQ(column.rules.bad_value_default, "0\xff");
  EXPECT_TRUE(column.rules.escape_text);
  EXPECT_TRUE(column.rules.round_to_float4 && column.rules.round_to_typmod);
  EXPECT_EQ(column.fill, FillKind::kLiteral);
  EXPECT_EQ(column.fill_text, "it's");
  EXPECT_TRUE(column.absent);
  EXPECT_EQ(column.representation, R"({"text":{"count":2}})");
  EXPECT_EQ(parsed->tables[0].columns[1].typmod, -1);
  EXPECT_EQ(parsed->left_out[0].state, "not_a_table");
}

TEST(PlanRecord, IsAscii) {
  PlanRecord record = Sample();
  record.tables[0].target_name = "\xc3\xa4\xf0\x9f\x98\x80";
  const std::string json = PlanRecordToJson(record);
  for (const char c : json) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_EQ(ParsePlanRecord(json)->tables[0].target_name, record.tables[0].target_name);
}

TEST(PlanRecord, FindsTablesAsSqliteComparesNames) {
  PlanRecord record;
  record.tables.resize(2);
  record.tables[1].source_name = "Orders";
  EXPECT_EQ(FindTableRecord(record, "ORDERS"), &record.tables[1]);
  EXPECT_EQ(FindTableRecord(record, "order"), nullptr);
}

TEST(PlanRecord, TheEmptyObjectOfOlderVersionsIsAnEmptyRecord) {
  const absl::StatusOr<PlanRecord> parsed = ParsePlanRecord("{}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->tables.empty());
}

// Each replacement makes a record of ours into something else.
class HostileRecord : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(HostileRecord, IsRefusedWithExitCode11) {
  const std::string json = PlanRecordToJson(Sample());
  const std::string changed =
      absl::StrReplaceAll(json, {{GetParam().first, GetParam().second}});
  ASSERT_NE(changed, json) << "the replacement did not apply";
  const absl::StatusOr<PlanRecord> parsed = ParsePlanRecord(changed);
  ASSERT_FALSE(parsed.ok()) << changed;
  EXPECT_EQ(InfoOf(parsed.status()).exit_code, ExitCode::kCannotResume);
}

INSTANTIATE_TEST_SUITE_P(
    PlanRecord, HostileRecord,
    testing::Values(std::pair{"\"version\":1,", "\"version\":2,"},
                    std::pair{"\"version\":1,", "\"version\":0,"},
                    std::pair{"\"version\":1,", "\"version\":\"1\","},
                    std::pair{"\"version\":1,", "\"version\":18446744073709551615,"},
                    std::pair{"\"version\":1,", ""},
                    std::pair{"\"rows_target\":7", "\"rows_target\":-7"},
                    std::pair{"\"rows_target\":7", "\"rows_target\":1e400"},
                    std::pair{"\"created\":true", "\"created\":1"},
                    std::pair{"\"typmod\":3", "\"typmod\":99999999999"},
                    std::pair{"unix-millis", "unix-fortnights"},
                    std::pair{"\"literal\"", "\"other\""},
                    std::pair{"00112233445566778899aabbccddeeff", "0011"},
                    std::pair{"\"tables\":[", "\"tables\":[null,"},
                    std::pair{"\"rules\":", "\"roles\":"},
                    std::pair{"{\"text\":{\"count\":2}}", "[]"},
                    std::pair{"\"not_a_table\"", "[]"}));

TEST(PlanRecord, WhatIsNotAnObjectIsRefused) {
  for (const absl::string_view text : {"", "[]", "null", "\"x\"", "{", "\xff", "1e9999"}) {
    EXPECT_FALSE(ParsePlanRecord(text).ok()) << text;
  }
  // Deep nesting must not end the process.
  EXPECT_FALSE(ParsePlanRecord(std::string(1'000'000, '[')).ok());
}

}  // namespace
}  // namespace lite2pg
