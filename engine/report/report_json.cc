// The contract's JSON from a Report. Field names here are what other programs rely on; a new field
// is added, never renamed (docs/report.md, and a test that compares the two).
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "coercion/digest.h"
#include "engine/base/text.h"
#include "engine/report/report.h"
#include "engine/report/utf8.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

// Names and values come from files and servers that check nothing; JSON must be UTF-8.
std::string Text(absl::string_view bytes) { return ValidUtf8(bytes); }

// "" stands for "not known", which is null for a reader of the JSON.
Json TextOrNull(absl::string_view bytes) {
  return bytes.empty() ? Json(nullptr) : Json(Text(bytes));
}

// Microseconds are as fine as our clocks are worth; more digits only make diffs noisy.
double Rounded(double seconds) { return std::round(seconds * 1e6) / 1e6; }

Json AggregateJson(const AggregateReport& aggregate) {
  return Json{{"values", aggregate.values},
              {"nulls", aggregate.nulls},
              {"min", TextOrNull(aggregate.least)},
              {"max", TextOrNull(aggregate.greatest)},
              {"sum", TextOrNull(aggregate.sum)},
              {"distinct_estimate", aggregate.distinct}};
}

Json ColumnJson(const ColumnReport& column) {
  Json classes = Json::object();
  for (size_t i = 0; i < kStorageClassCount; ++i) {
    const absl::string_view name = StorageClassName(static_cast<StorageClass>(i));
    classes[std::string(name)] = column.storage_classes[i];
  }
  Json coercions = Json::array();
  for (const CoercionReport& coercion : column.coercions) {
    coercions.push_back(Json{{"from", Text(coercion.from)},
                             {"to", Text(coercion.to)},
                             {"count", coercion.count},
                             {"example", Text(coercion.example)}});
    if (!coercion.rule.empty()) coercions.back()["rule"] = Text(coercion.rule);
  }
  Json json{{"source_name", Text(column.source_name)},
            {"target_name", Text(column.target_name)},
            {"declared_type", Text(column.declared_type)},
            {"target_type", Text(column.target_type)},
            {"storage_classes", classes},
            {"coercions", coercions},
            {"round_trips", column.round_trips},
            {"round_trip_loss", Text(column.round_trip_loss)},
            {"reason", Text(column.reason)}};
  if (column.aggregates.size() == 2) {
    json["aggregates"] = Json{{"source", AggregateJson(column.aggregates[0])},
                              {"target", AggregateJson(column.aggregates[1])},
                              {"equal", column.aggregates_equal}};
  }
  return json;
}

Json EstimateJson(const EstimateReport& estimate) {
  if (!estimate.known) return nullptr;
  const bool connected = estimate.connections_free >= 0;
  return Json{{"rows", estimate.rows},
              {"target_bytes", estimate.target_bytes},
              {"connections_free", connected ? Json(estimate.connections_free) : Json(nullptr)},
              {"connections_wanted", estimate.connections_wanted},
              {"seconds", Rounded(estimate.seconds)},
              {"measured", estimate.measured},
              {"basis", Text(estimate.basis)}};
}

Json TableJson(const TableReport& table) {
  Json columns = Json::array(), differences = Json::array();
  for (const ColumnReport& column : table.columns) columns.push_back(ColumnJson(column));
  for (const DifferenceReport& difference : table.differences) {
    differences.push_back(Json{{"key", Text(difference.key)},
                               {"column", Text(difference.column)},
                               {"source", Text(difference.source)},
                               {"target", Text(difference.target)},
                               {"kind", Text(difference.kind)}});
  }
  return Json{{"source_name", Text(table.source_name)},
              {"target_name", Text(table.target_name)},
              {"state", Text(table.state)},
              {"reader", Text(table.reader)},
              {"reader_reason", TextOrNull(table.reader_reason)},
              {"rows_source", table.rows_source},
              {"rows_copied", table.rows_copied},
              {"rows_skipped", table.rows_skipped},
              {"rows_rejected", table.rows_rejected},
              {"rows_filled", table.rows_filled},
              {"rows_preexisting", table.rows_preexisting},
              {"rows_target", table.rows_target},
              {"rows_changed", table.rows_changed},
              {"rows_missing", table.rows_missing},
              {"rows_extra", table.rows_extra},
              {"rows_doubled", table.rows_doubled},
              {"digest_source", TextOrNull(table.digest_source)},
              {"digest_target", TextOrNull(table.digest_target)},
              {"digest_version", kDigestVersion},
              {"equal", table.compared ? Json(table.equal) : Json(nullptr)},
              {"bytes", table.bytes},
              {"estimated_bytes", table.estimated_bytes},
              {"seconds", Rounded(table.seconds)},
              {"streams", table.streams},
              {"where", TextOrNull(table.where)},
              {"columns", columns},
              {"differences", differences}};
}

Json SequenceJson(const SequenceReport& sequence) {
  return Json{{"name", Text(sequence.name)},
              {"table", Text(sequence.table)},
              {"column", Text(sequence.column)},
              {"last_value", sequence.last_value},
              {"next_value", sequence.exhausted ? Json(nullptr) : Json(sequence.next_value)}};
}

Json ObjectJson(const ObjectReport& object) {
  return Json{{"kind", Text(object.kind)},   {"name", Text(object.name)},
              {"table", Text(object.table)}, {"state", Text(object.state)},
              {"sql", Text(object.sql)},     {"reason", Text(object.reason)}};
}

Json SampleJson(const ValueSample& sample) {
  return Json{{"table", Text(sample.table)},
              {"column", Text(sample.column)},
              {"storage_class", Text(sample.storage_class)},
              {"source", Text(sample.source)},
              {"stored", Text(sample.stored)},
              {"equal", sample.judged ? Json(sample.equal) : Json(nullptr)}};
}

Json FindingJson(const Finding& finding) {
  return Json{{"severity", std::string(kSeverityNames[static_cast<size_t>(finding.severity)])},
              {"code", ErrorCodeName(finding.code)},
              {"object", Text(finding.object)},
              {"message", Text(finding.message)},
              {"hint", Text(finding.hint)}};
}

Json RunJson(const RunReport& run) {
  return Json{{"run_id", run.run_id},
              {"command", Text(run.command)},
              {"state", Text(run.state)},
              {"stage", Text(run.stage)},
              {"outcome", Text(run.outcome)},
              {"source_path", Text(run.source_path)},
              {"target_schema", Text(run.target_schema)},
              {"tool_version", Text(run.tool_version)},
              {"started_at", Text(run.started_at)},
              {"updated_at", Text(run.updated_at)},
              {"tables", run.tables},
              {"chunks", run.chunks},
              {"rows", run.rows},
              {"bytes", run.bytes},
              {"rows_rejected", run.rows_rejected},
              {"tables_total", run.tables_total},
              {"rows_total", run.rows_total},
              {"bytes_total", run.bytes_total},
              {"seconds", Rounded(run.seconds)},
              {"rows_per_second",
               run.seconds > 0 ? Rounded(static_cast<double>(run.rows) / run.seconds) : 0},
              {"definitions_set_aside", run.definitions_set_aside},
              {"worked_on_by", TextOrNull(run.worked_on_by)},
              {"resumable", run.resumable},
              {"next_step", Text(run.next_step)}};
}

Json ErrorJson(const ErrorInfo& error) {
  return Json{{"code", ErrorCodeName(error.code)},
              {"exit_code", static_cast<int>(error.exit_code)},
              {"what", Text(error.what)},
              {"table", Text(error.table)},
              {"row", Text(error.row_key)},
              {"column", Text(error.column)},
              {"value", Text(error.value)},
              {"server", Text(error.server)},
              {"sqlstate", TextOrNull(error.sqlstate)},
              {"sqlite_code", error.sqlite_code == 0 ? Json(nullptr) : Json(error.sqlite_code)},
              {"effect", Text(error.effect)},
              {"hint", Text(error.hint)}};
}

Json SpanJson(const TimelineReport::Span& span) {
  return Json{{"stage", std::string(StageName(span.stage))},
              {"worker", span.worker},
              {"table", Text(span.table)},
              {"what", Text(span.what)},
              {"begin", Rounded(span.begin)},
              {"end", Rounded(span.end)},
              {"rows", span.rows},
              {"bytes", span.bytes},
              {"parts", span.parts}};
}

Json RateJson(const TimelineReport::Rate& rate) {
  return Json{{"begin", Rounded(rate.begin)},
              {"end", Rounded(rate.end)},
              {"rows", rate.rows},
              {"bytes", rate.bytes}};
}

Json StageTimeJson(const TimelineReport::StageTime& stage) {
  return Json{{"name", std::string(StageName(stage.stage))},
              {"begin", Rounded(stage.begin)},
              {"end", Rounded(stage.end)}};
}

Json ShareJson(const TimelineReport::Share& share) {
  Json json{{"table", Text(share.table)}};
  for (size_t i = 0; i < kStageCount; ++i) {
    if (share.seconds[i] > 0) json[std::string(kStageNames[i])] = Rounded(share.seconds[i]);
  }
  return json;
}

template <typename T, typename Convert>
Json ArrayOf(const std::vector<T>& items, Convert convert) {
  Json array = Json::array();
  for (const T& item : items) array.push_back(convert(item));
  return array;
}

Json SourceFiles(const std::vector<Report::SourceFile>& files) {
  Json list = Json::array();
  for (const Report::SourceFile& file : files) {
    list.push_back(Json{{"path", Text(file.path)},
                        {"value", Text(file.value)},
                        {"bytes", file.bytes},
                        {"rows", file.rows},
                        {"fingerprint", Text(file.fingerprint)}});
  }
  return list;
}

// Writes an object as nlohmann::json would with an indentation of two, member by member and arrays
// item by item: the whole of a report with many tables as one tree takes ten times what its text
// does.
class ObjectText {
 public:
  explicit ObjectText(JsonLayout layout) : indented_(layout == JsonLayout::kIndented) {}

  void Add(absl::string_view name, const Json& value) {
    Begin(name);
    Append(value, "\n  ");
  }

  template <typename Items, typename ToJson>
  void AddArray(absl::string_view name, const Items& items, ToJson to_json) {
    Begin(name);
    text_ += '[';
    bool first = true;
    size_t done = 0;
    const size_t array_begin = text_.size();
    for (const auto& item : items) {
      ReserveForRest(array_begin, done++, items.size(), 0, &text_);
      if (!first) text_ += ',';
      if (indented_) text_ += "\n    ";
      first = false;
      Append(to_json(item), "\n    ");
    }
    text_ += first || !indented_ ? "]" : "\n  ]";
  }

  std::string Take() && {
    text_ += indented_ ? "\n}\n" : "}";
    return std::move(text_);
  }

 private:
  void Begin(absl::string_view name) {
    absl::StrAppend(&text_, text_.empty() ? "{" : ",", indented_ ? "\n  \"" : "\"", name,
                    indented_ ? "\": " : "\":");
  }

  void Append(const Json& value, absl::string_view line_end) {
    // Every string went through Text(); "replace" only guards against a field that was forgotten.
    // There is no line end within a string: it is written as \\n.
    const std::string dumped =
        value.dump(indented_ ? 2 : -1, ' ', false, Json::error_handler_t::replace);
    if (!indented_) {
      text_ += dumped;
    } else {
      absl::StrAppend(&text_, absl::StrReplaceAll(dumped, {{"\n", line_end}}));
    }
  }

  const bool indented_;
  std::string text_;
};

}  // namespace

std::string ReportToJson(const Report& report, JsonLayout layout) {
  const auto text = [](const std::string& s) { return Json(Text(s)); };
  ObjectText json(layout);
  json.Add("schema_version", kReportSchemaVersion);
  json.Add("lite2pg_version", LITE2PG_VERSION);
  json.Add("command", Text(report.command));
  json.Add("run_id", Text(report.run_id));
  json.Add("outcome", Text(report.outcome));
  json.Add("exit_code", static_cast<int>(report.exit_code));
  json.Add("digest_version", kDigestVersion);
  Json source{{"path", Text(report.source.path)},
              {"bytes", report.source.bytes},
              {"page_size", report.source.page_size},
              {"encoding", Text(report.source.encoding)},
              {"fingerprint", Text(report.source.fingerprint)},
              {"snapshot", Text(report.source.snapshot)}};
  if (!report.source.files.empty()) source["files"] = SourceFiles(report.source.files);
  json.Add("source", source);
  json.Add("target", Json{{"server_version", Text(report.target.server_version)},
                          {"dialect", Text(report.target.dialect)},
                          {"database", Text(report.target.database)},
                          {"schema", Text(report.target.schema)},
                          {"connection", Text(report.target.conninfo_shown)},
                          {"embedded_dir", TextOrNull(report.target.embedded_dir)}});
  json.AddArray("tables", report.tables, TableJson);
  json.AddArray("sequences", report.sequences, SequenceJson);
  json.AddArray("objects", report.objects, ObjectJson);
  json.AddArray("findings", report.findings, FindingJson);
  json.AddArray("samples", report.samples, SampleJson);
  json.AddArray("stages", report.stages, [](const StageReport& stage) {
    return Json{{"name", std::string(StageName(stage.stage))}, {"seconds", Rounded(stage.seconds)}};
  });
  json.Add("estimate", EstimateJson(report.estimate));
  json.AddArray("runs", report.runs, RunJson);
  json.AddArray("errors", report.errors, ErrorJson);
  json.AddArray("undo_sql", report.undo_sql, text);
  json.AddArray("next_steps", report.next_steps, text);
  json.Add("resources", Json{{"wall_seconds", Rounded(report.resources.wall_seconds)},
                             {"client_cpu_seconds", Rounded(report.resources.client_cpu_seconds)},
                             {"peak_rss_bytes", report.resources.peak_rss_bytes},
                             {"streams_max", report.resources.streams_max}});
  json.Add("timeline", Json{{"stages", ArrayOf(report.timeline.stages, StageTimeJson)},
                            {"spans", ArrayOf(report.timeline.spans, SpanJson)},
                            {"rates", ArrayOf(report.timeline.rates, RateJson)},
                            {"shares", ArrayOf(report.timeline.shares, ShareJson)}});
  return std::move(json).Take();
}

std::string ErrorToJson(const ErrorInfo& error) {
  return ErrorJson(error).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lite2pg
