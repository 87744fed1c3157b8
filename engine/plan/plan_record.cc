#include "engine/plan/plan_record.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coercion/digest.h"
#include "engine/base/error.h"
#include "engine/base/hash_tables.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/reading_names.h"
#include "engine/plan/representation.h"
#include "engine/postgres/ledger.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

// Ten thousand tables of a hundred columns take about 200 MB; more is no record of ours.
constexpr size_t kRecordBytesMax = size_t{512} << 20;

constexpr absl::string_view kExistingRowsNames[] = {"refuse", "skip-equal", "skip", "upsert",
                                                    "replace", "add"};
constexpr absl::string_view kBadValueNames[] = {"refuse", "null", "default"};
constexpr absl::string_view kFillNames[] = {"none", "literal", "expression"};

absl::Status NotARecord(absl::string_view what) {
  return MakeError(ErrorCode::kConfig, ExitCode::kCannotResume,
                   absl::StrCat("the plan that the ledger keeps of the run is not one: ", what),
                   "it was written by a newer lite2pg, or changed by hand");
}

Json Name(const std::string& bytes) { return EncodeLedgerText(bytes); }

template <typename Enum>
Json NameOf(Enum value, std::span<const absl::string_view> names) {
  return std::string(names[static_cast<size_t>(value)]);
}

Json RulesJson(const ReadingRules& rules) {
  const ReadingRules none;
  Json json = Json::object();
  if (rules.integer != none.integer) {
    json["integer"] = NameOf(rules.integer, kNumberReadingNames);
  }
  if (rules.real != none.real) json["real"] = NameOf(rules.real, kNumberReadingNames);
  if (rules.text != none.text) json["text"] = NameOf(rules.text, kTextReadingNames);
  if (rules.blob != none.blob) json["blob"] = NameOf(rules.blob, kBlobReadingNames);
  if (rules.offset != none.offset) json["offset"] = NameOf(rules.offset, kOffsetReadingNames);
  if (rules.empty_text_as_null) json["empty_as_null"] = true;
  if (rules.not_null) json["not_null"] = true;
  if (rules.round_to_microseconds) json["round_to_microseconds"] = true;
  if (rules.round_to_typmod) json["round_to_typmod"] = true;
  if (rules.round_to_float4) json["round_to_float4"] = true;
  if (rules.escape_text) json["escape_text"] = true;
  if (rules.bad_value != none.bad_value) {
    json["bad_value"] = NameOf(rules.bad_value, kBadValueNames);
    json["bad_value_default"] = Name(rules.bad_value_default);
  }
  if (rules.source_time_zone != none.source_time_zone) {
    json["source_time_zone"] = Name(rules.source_time_zone);
  }
  return json;
}

Json ColumnJson(const ColumnRecord& column) {
  Json json{{"source_name", Name(column.source_name)},
            {"target_name", Name(column.target_name)},
            {"declared_type", Name(column.declared_type)},
            {"type_name", Name(column.type_name)},
            {"type_sql", Name(column.type_sql)},
            {"typmod", column.typmod},
            {"rules", RulesJson(column.rules)}};
  if (column.fill != FillKind::kNone) {
    json["fill"] =
        Json{{"kind", NameOf(column.fill, kFillNames)}, {"text", Name(column.fill_text)}};
  }
  if (column.absent) json["absent"] = true;
  if (!column.representation.empty()) {
    json["representation"] = Json::parse(column.representation, nullptr, /*exceptions=*/false);
  }
  return json;
}

Json TableJson(const TableRecord& table) {
  Json columns = Json::array();
  for (const ColumnRecord& column : table.columns) columns.push_back(ColumnJson(column));
  Json json{{"source_name", Name(table.source_name)},
            {"target_schema", Name(table.target_schema)},
            {"target_name", Name(table.target_name)},
            {"where", Name(table.where)},
            {"created", table.created},
            {"rows_source", table.rows_source},
            {"rows_copied", table.rows_copied},
            {"rows_skipped", table.rows_skipped},
            {"rows_rejected", table.rows_rejected},
            {"rows_filled", table.rows_filled},
            {"rows_preexisting", table.rows_preexisting},
            {"rows_target", table.rows_target},
            {"digest_source", table.digest_source},
            {"digest_target", table.digest_target},
            {"columns", std::move(columns)}};
  if (!table.partitions.digests.empty()) {
    Json key = Json::array();
    for (const std::string& column : table.partitions.key) key.push_back(Name(column));
    json["partitions"] = Json{{"key", std::move(key)},
                              {"digests", EncodePartitions(table.partitions.digests)}};
  }
  return json;
}

// Reads members of one object; the first that is missing or of another kind is remembered, and
// everything after it is left alone.
class Members {
 public:
  explicit Members(const Json& json) : json_(json) {
    if (!json.is_object()) Fail("not an object");
  }

  void Read(const char* name, std::string* out) {
    const Json* member = Find(name, /*required=*/true);
    if (member == nullptr) return;
    if (!member->is_string()) return Fail(name);
    *out = DecodeLedgerText(member->get_ref<const std::string&>());
  }
  void Read(const char* name, uint64_t* out) {
    const Json* member = Find(name, /*required=*/true);
    if (member == nullptr) return;
    if (!member->is_number_unsigned()) return Fail(name);
    *out = member->get<uint64_t>();
  }
  void Read(const char* name, int32_t* out) {
    const Json* member = Find(name, /*required=*/true);
    if (member == nullptr) return;
    if (!member->is_number_integer()) return Fail(name);
    const int64_t wide = member->is_number_unsigned() && member->get<uint64_t>() > INT32_MAX
                             ? INT64_MAX
                             : member->get<int64_t>();
    if (wide < INT32_MIN || wide > INT32_MAX) return Fail(name);
    *out = static_cast<int32_t>(wide);
  }
  // Absent means false.
  void Read(const char* name, bool* out) {
    const Json* member = Find(name, /*required=*/false);
    if (member == nullptr) return;
    if (!member->is_boolean()) return Fail(name);
    *out = member->get<bool>();
  }
  // Absent means the value that is there.
  template <typename Enum>
  void Read(const char* name, std::span<const absl::string_view> names, Enum* out) {
    const Json* member = Find(name, /*required=*/false);
    if (member == nullptr) return;
    if (!member->is_string()) return Fail(name);
    const std::string& word = member->get_ref<const std::string&>();
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == word) {
        *out = static_cast<Enum>(i);
        return;
      }
    }
    Fail(name);
  }
  void Read(const char* name, std::vector<std::string>* out) {
    for (const Json& item : Array(name)) {
      if (!item.is_string()) return Fail(name);
      out->push_back(DecodeLedgerText(item.get_ref<const std::string&>()));
    }
  }
  // Empty (and remembered) when there is no such array.
  const Json& Array(const char* name) {
    static const Json* const kEmpty = new Json(Json::array());
    const Json* member = Find(name, /*required=*/true);
    if (member == nullptr) return *kEmpty;
    if (member->is_array()) return *member;
    Fail(name);
    return *kEmpty;
  }
  const Json* Find(const char* name, bool required) {
    if (!problem_.empty()) return nullptr;
    const auto it = json_.find(name);
    if (it != json_.end()) return &*it;
    if (required) Fail(name);
    return nullptr;
  }
  absl::Status status() const {
    return problem_.empty() ? absl::OkStatus() : NotARecord(problem_);
  }

 private:
  void Fail(const char* name) {
    if (problem_.empty()) problem_ = absl::StrCat("member ", name);
  }

  const Json& json_;
  std::string problem_;
};

absl::Status ReadRules(const Json& json, ReadingRules* rules) {
  Members members(json);
  members.Read("integer", kNumberReadingNames, &rules->integer);
  members.Read("real", kNumberReadingNames, &rules->real);
  members.Read("text", kTextReadingNames, &rules->text);
  members.Read("blob", kBlobReadingNames, &rules->blob);
  members.Read("offset", kOffsetReadingNames, &rules->offset);
  members.Read("empty_as_null", &rules->empty_text_as_null);
  members.Read("not_null", &rules->not_null);
  members.Read("round_to_microseconds", &rules->round_to_microseconds);
  members.Read("round_to_typmod", &rules->round_to_typmod);
  members.Read("round_to_float4", &rules->round_to_float4);
  members.Read("escape_text", &rules->escape_text);
  members.Read("bad_value", kBadValueNames, &rules->bad_value);
  if (members.Find("bad_value_default", false) != nullptr) {
    members.Read("bad_value_default", &rules->bad_value_default);
  }
  if (members.Find("source_time_zone", false) != nullptr) {
    members.Read("source_time_zone", &rules->source_time_zone);
  }
  return members.status();
}

absl::Status ReadColumn(const Json& json, ColumnRecord* column) {
  Members members(json);
  members.Read("source_name", &column->source_name);
  members.Read("target_name", &column->target_name);
  members.Read("declared_type", &column->declared_type);
  members.Read("type_name", &column->type_name);
  members.Read("type_sql", &column->type_sql);
  members.Read("typmod", &column->typmod);
  members.Read("absent", &column->absent);
  const Json* rules = members.Find("rules", true);
  RETURN_IF_ERROR(members.status());
  RETURN_IF_ERROR(ReadRules(*rules, &column->rules));
  if (const Json* fill = members.Find("fill", false); fill != nullptr) {
    Members inner(*fill);
    inner.Read("kind", kFillNames, &column->fill);
    inner.Read("text", &column->fill_text);
    RETURN_IF_ERROR(inner.status());
  }
  if (const Json* found = members.Find("representation", false); found != nullptr) {
    if (!found->is_object()) return NotARecord("member representation");
    column->representation = found->dump();
  }
  return members.status();
}

bool IsDigest(const std::string& hex) {
  Digest digest;
  return hex.empty() || Digest::FromHex(hex, &digest);
}

// Records of earlier versions have none.
absl::Status ReadPartitions(const Json& json, PartitionRecord* partitions) {
  Members members(json);
  for (const Json& column : members.Array("key")) {
    if (!column.is_string()) return NotARecord("member key");
    partitions->key.push_back(DecodeLedgerText(column.get<std::string>()));
  }
  std::string digests;
  members.Read("digests", &digests);
  RETURN_IF_ERROR(members.status());
  return DecodePartitions(digests, &partitions->digests) ? absl::OkStatus()
                                                         : NotARecord("member digests");
}

absl::Status ReadTable(const Json& json, TableRecord* table) {
  Members members(json);
  members.Read("source_name", &table->source_name);
  members.Read("target_schema", &table->target_schema);
  members.Read("target_name", &table->target_name);
  members.Read("where", &table->where);
  table->created = false;
  members.Read("created", &table->created);
  members.Read("rows_source", &table->rows_source);
  members.Read("rows_copied", &table->rows_copied);
  members.Read("rows_skipped", &table->rows_skipped);
  members.Read("rows_rejected", &table->rows_rejected);
  members.Read("rows_filled", &table->rows_filled);
  members.Read("rows_preexisting", &table->rows_preexisting);
  members.Read("rows_target", &table->rows_target);
  members.Read("digest_source", &table->digest_source);
  members.Read("digest_target", &table->digest_target);
  for (const Json& item : members.Array("columns")) {
    RETURN_IF_ERROR(ReadColumn(item, &table->columns.emplace_back()));
  }
  if (const Json* found = members.Find("partitions", false); found != nullptr) {
    RETURN_IF_ERROR(ReadPartitions(*found, &table->partitions));
  }
  if (!IsDigest(table->digest_source) || !IsDigest(table->digest_target)) {
    return NotARecord("a digest");
  }
  return members.status();
}

ColumnRecord RecordColumn(const ColumnPlan& column) {
  ColumnRecord record;
  record.source_name = column.source_name;
  record.target_name = column.target_name;
  record.declared_type = column.declared_type;
  record.type_name = column.type.type_name;
  record.type_sql = column.type.sql_name;
  record.typmod = column.type.typmod;
  record.rules = column.rules;
  record.representation = RepresentationToJson(DescribeRepresentation(
      column.type, column.rules, column.scan.counts, column.scan.forms));
  return record;
}

// The user's own word for the fill decides whether its value is the same for every row.
void RecordFill(const CommonOptions& options, const TablePlan& table, ColumnRecord* column) {
  const TableConfig* config = FindTableConfig(options, table.source->name);
  const std::string& name = column->absent ? column->target_name : column->source_name;
  const ColumnConfig* said = FindColumnConfig(config, name);
  column->fill = FillKind::kExpression;
  if (said == nullptr || !said->fill.has_value()) return;
  column->fill_text = said->fill->text;
  if (!said->fill->is_expression) column->fill = FillKind::kLiteral;
}

}  // namespace

PlanRecord MakePlanRecord(const Plan& plan, const CommonOptions& options,
                          ExistingRows existing_rows) {
  PlanRecord record;
  record.source_time_zone = options.source_time_zone;
  record.source_column = options.source_column;
  record.existing_rows = existing_rows;
  record.include = options.include;
  record.exclude = options.exclude;
  record.tables.reserve(plan.tables.size());
  for (const TablePlan& table : plan.tables) {
    TableRecord row;
    row.source_name = table.source->name;
    row.target_schema = table.create ? plan.target_schema : table.target.schema;
    row.target_name = table.target_name;
    row.where = table.reading.where_sql;
    row.created = table.create;
    row.columns.reserve(table.columns.size());
    for (const ColumnPlan& column : table.columns) row.columns.push_back(RecordColumn(column));
    for (const FillPlan& fill : table.fills) {
      const auto same = [&](const ColumnRecord& c) { return c.target_name == fill.column; };
      auto column = std::find_if(row.columns.begin(), row.columns.end(), same);
      if (column == row.columns.end()) {
        column = row.columns.insert(row.columns.end(), ColumnRecord());
        column->target_name = fill.column;
        column->type_sql = fill.type_sql;
        column->absent = true;
      }
      RecordFill(options, table, &*column);
    }
    record.tables.push_back(std::move(row));
  }
  for (const TableReport& table : plan.not_loaded) {
    record.left_out.push_back({table.source_name, table.state});
  }
  return record;
}

void SetPlanResults(const Report& report, PlanRecord* record) {
  HashMap<absl::string_view, const TableReport*> by_name;
  for (const TableReport& table : report.tables) by_name[table.source_name] = &table;
  for (TableRecord& row : record->tables) {
    const auto found = by_name.find(row.source_name);
    if (found == by_name.end()) continue;
    const TableReport& table = *found->second;
    row.rows_source = table.rows_source;
    row.rows_copied = table.rows_copied;
    row.rows_skipped = table.rows_skipped;
    row.rows_rejected = table.rows_rejected;
    row.rows_filled = table.rows_filled;
    row.rows_preexisting = table.rows_preexisting;
    row.rows_target = table.rows_target;
    row.digest_source = table.digest_source;
    row.digest_target = table.digest_target;
  }
}

std::string PlanRecordToJson(const PlanRecord& record) {
  const auto text_of = [](const Json& json) {
    return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  };
  Json left_out = Json::array();
  Json include = Json::array(), exclude = Json::array();
  for (const LeftOutTable& table : record.left_out) {
    left_out.push_back(Json{{"source_name", Name(table.source_name)}, {"state", table.state}});
  }
  for (const std::string& glob : record.include) include.push_back(Name(glob));
  for (const std::string& glob : record.exclude) exclude.push_back(Name(glob));
  Json head{{"version", record.version},
            {"digest_version", record.digest_version},
            {"source_time_zone", Name(record.source_time_zone)},
            {"existing_rows", NameOf(record.existing_rows, kExistingRowsNames)},
            {"include", std::move(include)},
            {"exclude", std::move(exclude)},
            {"left_out", std::move(left_out)}};
  if (!record.source_column.empty()) head["source_column"] = Name(record.source_column);
  std::string text = text_of(head);
  // What grows with the schema is added as text: a tree of all tables takes ten times as much.
  text.pop_back();
  text += ",\"tables\":[";
  const size_t tables_begin = text.size();
  const size_t after_bytes = record.source_schema.size() + 64;   // and its name and brackets
  for (size_t i = 0; i < record.tables.size(); ++i) {
    ReserveForRest(tables_begin, i, record.tables.size(), after_bytes, &text);
    absl::StrAppend(&text, i == 0 ? "" : ",", text_of(TableJson(record.tables[i])));
  }
  text += ']';
  if (Json::accept(record.source_schema)) {
    absl::StrAppend(&text, ",\"source_schema\":", record.source_schema);
  }
  text += '}';
  return text;
}

absl::StatusOr<PlanRecord> ParsePlanRecord(absl::string_view json) {
  if (json.size() > kRecordBytesMax) return NotARecord("too large");
  const Json parsed =
      Json::parse(json.data(), json.data() + json.size(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return NotARecord("not JSON");
  PlanRecord record;
  if (parsed.is_object() && parsed.empty()) return record;
  Members members(parsed);
  members.Read("version", &record.version);
  RETURN_IF_ERROR(members.status());
  if (record.version < 1 || record.version > kPlanRecordVersion) {
    return NotARecord(absl::StrCat("version ", record.version));
  }
  members.Read("digest_version", &record.digest_version);
  members.Read("source_time_zone", &record.source_time_zone);
  members.Read("existing_rows", kExistingRowsNames, &record.existing_rows);
  members.Read("include", &record.include);
  members.Read("exclude", &record.exclude);
  for (const Json& item : members.Array("tables")) {
    RETURN_IF_ERROR(ReadTable(item, &record.tables.emplace_back()));
  }
  for (const Json& item : members.Array("left_out")) {
    Members inner(item);
    LeftOutTable& table = record.left_out.emplace_back();
    inner.Read("source_name", &table.source_name);
    inner.Read("state", &table.state);
    RETURN_IF_ERROR(inner.status());
  }
  if (members.Find("source_column", false) != nullptr) {
    members.Read("source_column", &record.source_column);
  }
  if (const Json* schema = members.Find("source_schema", false); schema != nullptr) {
    if (!schema->is_object()) return NotARecord("member source_schema");
    record.source_schema = schema->dump();
  }
  RETURN_IF_ERROR(members.status());
  return record;
}

const TableRecord* FindTableRecord(const PlanRecord& record, absl::string_view source_name) {
  for (const TableRecord& table : record.tables) {
    if (absl::EqualsIgnoreCase(table.source_name, source_name)) return &table;
  }
  return nullptr;
}

}  // namespace lite2pg
