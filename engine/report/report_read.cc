// A Report from the JSON that an earlier command left in the ledger.
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "engine/report/report.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::json;

// A member of an object; null where there is none, so that reports of older versions can be read.
const Json& At(const Json& json, const char* name) {
  static const Json null;
  if (!json.is_object()) return null;
  const auto found = json.find(name);
  return found == json.end() ? null : *found;
}

std::string TextAt(const Json& json, const char* name) {
  const Json& value = At(json, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

template <typename T>
T NumberAt(const Json& json, const char* name) {
  const Json& value = At(json, name);
  return value.is_number() ? value.get<T>() : T{};
}

bool FlagAt(const Json& json, const char* name) {
  const Json& value = At(json, name);
  return value.is_boolean() && value.get<bool>();
}

template <typename T, typename Convert>
std::vector<T> ArrayAt(const Json& json, const char* name, Convert convert) {
  std::vector<T> out;
  const Json& array = At(json, name);
  if (!array.is_array()) return out;
  for (const Json& item : array) out.push_back(convert(item));
  return out;
}

CoercionReport ReadCoercion(const Json& json) {
  return {TextAt(json, "from"), TextAt(json, "to"), NumberAt<uint64_t>(json, "count"),
          TextAt(json, "example")};
}

ColumnReport ReadColumn(const Json& json) {
  ColumnReport column;
  column.source_name = TextAt(json, "source_name");
  column.target_name = TextAt(json, "target_name");
  column.declared_type = TextAt(json, "declared_type");
  column.target_type = TextAt(json, "target_type");
  const Json& classes = At(json, "storage_classes");
  for (size_t i = 0; i < kStorageClassCount; ++i) {
    const std::string name(StorageClassName(static_cast<StorageClass>(i)));
    column.storage_classes[i] = NumberAt<uint64_t>(classes, name.c_str());
  }
  column.coercions = ArrayAt<CoercionReport>(json, "coercions", ReadCoercion);
  column.round_trips = FlagAt(json, "round_trips");
  column.reason = TextAt(json, "reason");
  return column;
}

DifferenceReport ReadDifference(const Json& json) {
  return {TextAt(json, "key"), TextAt(json, "column"), TextAt(json, "source"),
          TextAt(json, "target"), TextAt(json, "kind")};
}

TableReport ReadTable(const Json& json) {
  TableReport table;
  table.source_name = TextAt(json, "source_name");
  table.target_name = TextAt(json, "target_name");
  table.state = TextAt(json, "state");
  table.reader = TextAt(json, "reader");
  table.rows_source = NumberAt<uint64_t>(json, "rows_source");
  table.rows_copied = NumberAt<uint64_t>(json, "rows_copied");
  table.rows_skipped = NumberAt<uint64_t>(json, "rows_skipped");
  table.rows_rejected = NumberAt<uint64_t>(json, "rows_rejected");
  table.rows_filled = NumberAt<uint64_t>(json, "rows_filled");
  table.rows_preexisting = NumberAt<uint64_t>(json, "rows_preexisting");
  table.rows_target = NumberAt<uint64_t>(json, "rows_target");
  table.digest_source = TextAt(json, "digest_source");
  table.digest_target = TextAt(json, "digest_target");
  table.compared = At(json, "equal").is_boolean();
  table.equal = FlagAt(json, "equal");
  table.bytes = NumberAt<uint64_t>(json, "bytes");
  table.estimated_bytes = NumberAt<uint64_t>(json, "estimated_bytes");
  table.seconds = NumberAt<double>(json, "seconds");
  table.streams = NumberAt<int>(json, "streams");
  table.where = TextAt(json, "where");
  table.columns = ArrayAt<ColumnReport>(json, "columns", ReadColumn);
  table.differences = ArrayAt<DifferenceReport>(json, "differences", ReadDifference);
  return table;
}

SequenceReport ReadSequence(const Json& json) {
  SequenceReport sequence;
  sequence.name = TextAt(json, "name");
  sequence.table = TextAt(json, "table");
  sequence.column = TextAt(json, "column");
  sequence.last_value = NumberAt<int64_t>(json, "last_value");
  sequence.next_value = NumberAt<int64_t>(json, "next_value");
  sequence.exhausted = At(json, "next_value").is_null();
  return sequence;
}

ObjectReport ReadObject(const Json& json) {
  return {TextAt(json, "kind"),  TextAt(json, "name"), TextAt(json, "table"),
          TextAt(json, "state"), TextAt(json, "sql"),  TextAt(json, "reason")};
}

Finding ReadFinding(const Json& json) {
  Finding finding;
  const std::string severity = TextAt(json, "severity");
  for (size_t i = 0; i < std::size(kSeverityNames); ++i) {
    if (severity == kSeverityNames[i]) finding.severity = static_cast<Severity>(i);
  }
  // "L2P2001"
  const std::string code = TextAt(json, "code");
  int number = 0;
  if (code.size() > 3 && absl::SimpleAtoi(code.substr(3), &number)) {
    finding.code = static_cast<ErrorCode>(number);
  }
  finding.object = TextAt(json, "object");
  finding.message = TextAt(json, "message");
  finding.hint = TextAt(json, "hint");
  return finding;
}

std::string ReadText(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}

}  // namespace

bool ReportFromJson(absl::string_view text, Report* report) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || NumberAt<int>(json, "schema_version") != kReportSchemaVersion) {
    return false;
  }
  report->command = TextAt(json, "command");
  report->run_id = TextAt(json, "run_id");
  report->outcome = TextAt(json, "outcome");
  report->exit_code = static_cast<ExitCode>(NumberAt<uint8_t>(json, "exit_code"));
  const Json& source = At(json, "source");
  report->source.path = TextAt(source, "path");
  report->source.encoding = TextAt(source, "encoding");
  report->source.fingerprint = TextAt(source, "fingerprint");
  report->source.snapshot = TextAt(source, "snapshot");
  report->source.bytes = NumberAt<int64_t>(source, "bytes");
  report->source.page_size = NumberAt<int64_t>(source, "page_size");
  for (const Json& file : At(source, "files")) {
    report->source.files.push_back({TextAt(file, "path"), TextAt(file, "value"),
                                    TextAt(file, "fingerprint"), NumberAt<int64_t>(file, "bytes"),
                                    NumberAt<int64_t>(file, "rows")});
  }
  report->target.schema = TextAt(At(json, "target"), "schema");
  report->tables = ArrayAt<TableReport>(json, "tables", ReadTable);
  report->sequences = ArrayAt<SequenceReport>(json, "sequences", ReadSequence);
  report->objects = ArrayAt<ObjectReport>(json, "objects", ReadObject);
  report->findings = ArrayAt<Finding>(json, "findings", ReadFinding);
  report->undo_sql = ArrayAt<std::string>(json, "undo_sql", ReadText);
  report->next_steps = ArrayAt<std::string>(json, "next_steps", ReadText);
  return true;
}

}  // namespace lite2pg
