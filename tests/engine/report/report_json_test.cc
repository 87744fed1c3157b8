#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

enum class Type { kText, kNumber, kBool, kArray, kObject };
struct Field {
  const char* name;
  Type type;
  bool may_be_null = false;
};

// Every field that the contract promises, so that a renaming shows here first.
constexpr Field kReportFields[] = {
    {"schema_version", Type::kNumber}, {"lite2pg_version", Type::kText},
    {"command", Type::kText},          {"run_id", Type::kText},
    {"outcome", Type::kText},          {"exit_code", Type::kNumber},
    {"source", Type::kObject},         {"target", Type::kObject},
    {"tables", Type::kArray},          {"sequences", Type::kArray},
    {"objects", Type::kArray},         {"findings", Type::kArray},
    {"stages", Type::kArray},          {"resources", Type::kObject},
    {"digest_version", Type::kNumber}, {"errors", Type::kArray},
    {"timeline", Type::kObject}};
constexpr Field kSourceFields[] = {{"path", Type::kText},
                                   {"bytes", Type::kNumber},
                                   {"page_size", Type::kNumber},
                                   {"encoding", Type::kText},
                                   {"fingerprint", Type::kText}};
constexpr Field kTargetFields[] = {{"server_version", Type::kText},
                                   {"dialect", Type::kText},
                                   {"database", Type::kText},
                                   {"schema", Type::kText}};
constexpr Field kTableFields[] = {
    {"source_name", Type::kText},      {"target_name", Type::kText},
    {"state", Type::kText},            {"reader", Type::kText},
    {"rows_source", Type::kNumber},    {"rows_copied", Type::kNumber},
    {"rows_skipped", Type::kNumber},   {"rows_rejected", Type::kNumber},
    {"rows_filled", Type::kNumber},    {"rows_preexisting", Type::kNumber},
    {"rows_target", Type::kNumber},    {"digest_source", Type::kText, true},
    {"digest_target", Type::kText, true}, {"digest_version", Type::kNumber},
    {"equal", Type::kBool, true},      {"bytes", Type::kNumber},
    {"seconds", Type::kNumber},        {"streams", Type::kNumber},
    {"columns", Type::kArray},         {"differences", Type::kArray}};
constexpr Field kColumnFields[] = {
    {"source_name", Type::kText},     {"target_name", Type::kText},
    {"declared_type", Type::kText},   {"target_type", Type::kText},
    {"storage_classes", Type::kObject}, {"coercions", Type::kArray},
    {"round_trips", Type::kBool},
    {"round_trip_loss", Type::kText}};
constexpr Field kClassFields[] = {{"null", Type::kNumber},
                                  {"integer", Type::kNumber},
                                  {"real", Type::kNumber},
                                  {"text", Type::kNumber},
                                  {"blob", Type::kNumber}};
constexpr Field kCoercionFields[] = {{"from", Type::kText},
                                     {"to", Type::kText},
                                     {"count", Type::kNumber},
                                     {"example", Type::kText}};
constexpr Field kDifferenceFields[] = {{"key", Type::kText},
                                       {"column", Type::kText},
                                       {"source", Type::kText},
                                       {"target", Type::kText},
                                       {"kind", Type::kText}};
constexpr Field kSequenceFields[] = {{"name", Type::kText},
                                     {"table", Type::kText},
                                     {"column", Type::kText},
                                     {"last_value", Type::kNumber},
                                     {"next_value", Type::kNumber, true}};
constexpr Field kObjectFields[] = {{"kind", Type::kText},  {"name", Type::kText},
                                   {"table", Type::kText}, {"state", Type::kText},
                                   {"sql", Type::kText},   {"reason", Type::kText}};
constexpr Field kFindingFields[] = {{"severity", Type::kText},
                                    {"code", Type::kText},
                                    {"object", Type::kText},
                                    {"message", Type::kText},
                                    {"hint", Type::kText}};
constexpr Field kStageFields[] = {{"name", Type::kText}, {"seconds", Type::kNumber}};
constexpr Field kResourceFields[] = {{"wall_seconds", Type::kNumber},
                                     {"client_cpu_seconds", Type::kNumber},
                                     {"peak_rss_bytes", Type::kNumber},
                                     {"streams_max", Type::kNumber}};

bool HasType(const Json& value, const Field& field) {
  if (value.is_null()) return field.may_be_null;
  switch (field.type) {
    case Type::kText: return value.is_string();
    case Type::kNumber: return value.is_number();
    case Type::kBool: return value.is_boolean();
    case Type::kArray: return value.is_array();
    case Type::kObject: return value.is_object();
  }
  return false;
}

template <size_t N>
void ExpectFields(const Json& object, const Field (&fields)[N], const char* what) {
  for (const Field& field : fields) {
    ASSERT_TRUE(object.contains(field.name)) << what << "." << field.name;
    EXPECT_TRUE(HasType(object[field.name], field)) << what << "." << field.name;
  }
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ReportJson, HasEveryFieldOfTheContract) {
  const Json json = Json::parse(ReportToJson(SampleReport()));
  ExpectFields(json, kReportFields, "report");
  ExpectFields(json["source"], kSourceFields, "source");
  ExpectFields(json["target"], kTargetFields, "target");
  ExpectFields(json["resources"], kResourceFields, "resources");
  for (const Json& table : json["tables"]) ExpectFields(table, kTableFields, "table");
  const Json& column = json["tables"][0]["columns"][0];
  ExpectFields(column, kColumnFields, "column");
  ExpectFields(column["storage_classes"], kClassFields, "storage_classes");
  ExpectFields(column["coercions"][0], kCoercionFields, "coercion");
  ExpectFields(json["tables"][1]["differences"][0], kDifferenceFields, "difference");
  for (const Json& item : json["sequences"]) ExpectFields(item, kSequenceFields, "sequence");
  ExpectFields(json["objects"][0], kObjectFields, "object");
  ExpectFields(json["findings"][0], kFindingFields, "finding");
  ExpectFields(json["stages"][0], kStageFields, "stage");
}

TEST(ReportJson, HasEveryFieldInAnEmptyReport) {
  const Json json = Json::parse(ReportToJson(Report{}));
  ExpectFields(json, kReportFields, "report");
  EXPECT_EQ(json["outcome"], "failed");
  EXPECT_EQ(json["exit_code"], 1);
}

TEST(ReportJson, TakesLittleMoreMemoryThanItIsLong) {
  Report report = SampleReport();
  const TableReport table = report.tables[0];
  const auto sequence = report.sequences[0];
  report.tables.assign(5'000, table);
  report.sequences.assign(5'000, sequence);
  for (const JsonLayout layout : {JsonLayout::kIndented, JsonLayout::kCompact}) {
    const std::string json = ReportToJson(report, layout);
    EXPECT_LT(json.capacity(), json.size() + json.size() / 4);
  }
}

// It is put together from parts.
TEST(ReportJson, IsWrittenAsTheLibraryWouldWriteTheWhole) {
  for (const Report& report : {Report{}, SampleReport()}) {
    const std::string text = ReportToJson(report);
    EXPECT_EQ(nlohmann::ordered_json::parse(text).dump(2) + "\n", text);
    EXPECT_EQ(nlohmann::ordered_json::parse(text).dump(),
              ReportToJson(report, JsonLayout::kCompact));
  }
}

TEST(ReportJson, SaysNullWhereNothingWasCompared) {
  const Json json = Json::parse(ReportToJson(SampleReport()));
  EXPECT_EQ(json["tables"][0]["equal"], true);
  EXPECT_EQ(json["tables"][1]["equal"], false);
  EXPECT_TRUE(json["tables"][2]["equal"].is_null());
  EXPECT_TRUE(json["tables"][2]["digest_source"].is_null());
  EXPECT_TRUE(json["sequences"][1]["next_value"].is_null());
}

TEST(ReportJson, KeepsWholeRangeOfIntegers) {
  Report report = SampleReport();
  report.tables[0].rows_source = UINT64_MAX;
  report.sequences[0].last_value = INT64_MIN;
  const Json json = Json::parse(ReportToJson(report));
  EXPECT_EQ(json["tables"][0]["rows_source"].get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(json["sequences"][0]["last_value"].get<int64_t>(), INT64_MIN);
}

TEST(ReportJson, KeepsNamesAndEscapesOnlyWhatIsNotUtf8) {
  const Json json = Json::parse(ReportToJson(SampleReport()));
  EXPECT_EQ(json["tables"][1]["source_name"].get<std::string>(),
            "a<b>\"'&\n\x1b[31m\xe2\x80\xae\\xff");
}

TEST(ReportJson, KeepsNulBytesInsideNames) {
  Report report;
  report.tables.emplace_back();
  report.tables[0].source_name = std::string("a\0b", 3);
  const Json json = Json::parse(ReportToJson(report));
  EXPECT_EQ(json["tables"][0]["source_name"].get<std::string>(), std::string("a\0b", 3));
}

TEST(ReportJson, WritesCodesAsStableNames) {
  const Json json = Json::parse(ReportToJson(SampleReport()));
  EXPECT_EQ(json["findings"][0]["code"], "L2P4007");
  EXPECT_EQ(json["findings"][1]["severity"], "blocking");
  EXPECT_EQ(json["errors"][0]["code"], "L2P2001");
  EXPECT_EQ(json["errors"][0]["exit_code"], 14);
}

TEST(ReportJson, WritesAnErrorOnOneLine) {
  const std::string line = ErrorToJson(SampleReport().errors[0]);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(Json::parse(line)["row"], "id=2 (rowid 2)");
}

// Collects the keys of all objects below `json`.
void CollectKeys(const Json& json, std::set<std::string>* keys) {
  for (const auto& item : json.items()) {
    if (json.is_object()) keys->insert(item.key());
    if (item.value().is_structured()) CollectKeys(item.value(), keys);
  }
}

TEST(ReportDocumentation, NamesEveryField) {
  const std::string docs = ReadFile(LITE2PG_SOURCE_DIR "/docs/report.md");
  std::set<std::string> keys;
  CollectKeys(Json::parse(ReportToJson(SampleReport())), &keys);
  for (const std::string& key : keys) {
    EXPECT_THAT(docs, HasSubstr("`" + key + "`")) << "docs/report.md lacks " << key;
  }
}

TEST(ErrorDocumentation, NamesEveryErrorCode) {
  const std::string docs = ReadFile(LITE2PG_SOURCE_DIR "/docs/errors.md");
  const std::string header = ReadFile(LITE2PG_SOURCE_DIR "/engine/base/error.h");
  const size_t begin = header.find("enum class ErrorCode");
  ASSERT_NE(begin, std::string::npos);
  const std::string body = header.substr(begin, header.find("};", begin) - begin);
  int count = 0;
  for (size_t at = body.find("= "); at != std::string::npos; at = body.find("= ", at + 1)) {
    const std::string number = body.substr(at + 2, 4);
    EXPECT_EQ(number.find_first_not_of("0123456789"), std::string::npos) << number;
    EXPECT_THAT(docs, HasSubstr("L2P" + number)) << "docs/errors.md lacks a code";
    ++count;
  }
  EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace lite2pg
