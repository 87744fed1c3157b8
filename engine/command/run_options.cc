#include "engine/command/run_options.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/digest.h"
#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/plan/planner.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;
// Option as the user writes it, and its value in a form that is the same for the same meaning.
using OptionTexts = std::map<std::string, std::string>;

// Version of this record. Another one's runs are not resumed.
constexpr int kOptionsVersion = 1;

std::string Number(auto value) { return absl::StrCat(static_cast<int>(value)); }

void AddColumn(const ColumnConfig& column, const std::string& path, OptionTexts* out) {
  const auto put = [&](absl::string_view name, const std::string& value) {
    if (!value.empty()) (*out)[absl::StrCat(name, " of ", path)] = value;
  };
  put("rename", column.rename);
  put("type", column.type);
  if (column.empty_as_null) put("--empty-as-null", "yes");
  if (column.fill.has_value()) {
    put("--fill", absl::StrCat(column.fill->is_expression ? "sql:" : "text:", column.fill->text));
  }
  if (column.on_bad_value.has_value()) put("on-bad-value", Number(*column.on_bad_value));
  const ReadingOverrides& reading = column.reading;
  std::string rules;
  const auto rule = [&rules](absl::string_view name, const auto& value) {
    if (value.has_value()) absl::StrAppend(&rules, name, Number(*value), " ");
  };
  rule("integer=", reading.integer);
  rule("real=", reading.real);
  rule("text=", reading.text);
  rule("blob=", reading.blob);
  rule("offset=", reading.offset);
  if (reading.round_to_microseconds) rules += "microseconds ";
  if (reading.round_to_typmod) rules += "typmod ";
  if (reading.round_to_float4) rules += "float4 ";
  if (reading.escape_text) rules += "escape ";
  if (column.bad_value != BadValueRule::kRefuse) {
    absl::StrAppend(&rules, "bad=", Number(column.bad_value), column.bad_value_default, " ");
  }
  put("reading", absl::StrCat(rules, reading.source_time_zone));
}

OptionTexts OptionsOf(const CopyRequest& request) {
  const CommonOptions& common = request.common;
  OptionTexts out;
  out["--schema-mode"] = Number(request.schema_mode);
  out["--target-schema"] = common.target_schema;
  out["--identifiers"] = Number(common.identifiers);
  out["--include"] = absl::StrJoin(common.include, "\n");
  out["--exclude"] = absl::StrJoin(common.exclude, "\n");
  out["--existing-rows"] = Number(request.existing_rows);
  out["--on-bad-value"] = Number(request.policy.on_bad_value);
  out["--orphans"] = Number(request.policy.orphans);
  out["--strict"] = Number(request.policy.strict);
  out["--order"] = absl::StrJoin(request.order, "\n");
  out["--source-time-zone"] = common.source_time_zone;
  out["--verify"] = Number(common.verify);
  out["--only-rejects"] = request.only_rejects;
  out["--source-column"] = common.source_column;
  out["--source-names"] = Number(common.source_names);
  out["--source"] = absl::StrJoin(common.more_sources, "\n");
  for (const TableConfig& table : common.tables) {
    const std::string name = absl::AsciiStrToLower(table.name);
    if (!table.rename.empty()) out[absl::StrCat("rename of ", name)] = table.rename;
    const std::string spread =
        absl::StrCat(table.distribute, table.reference ? " everywhere " : " ", table.hypertable,
                     " ", table.chunk_interval);
    if (spread != "  ") out[absl::StrCat("spread of ", name)] = spread;
    if (!table.where.empty()) out[absl::StrCat("--where of ", name)] = table.where;
    for (const ColumnConfig& column : table.columns) {
      AddColumn(column, absl::StrCat(name, ".", absl::AsciiStrToLower(column.name)), &out);
    }
  }
  for (const ColumnConfig& type : common.declared_types) {
    AddColumn(type, absl::StrCat("declared type ", absl::AsciiStrToLower(type.name)), &out);
  }
  return out;
}

// All that decides what is made of which row, in one text.
class PlanText {
 public:
  // Only what decides which bytes a row becomes and where they go.
  std::string LoadDigest(const Plan& plan) {
    for (const TablePlan& table : plan.tables) AddTable(table);
    lite2pg::Digest digest;
    digest.AddRow(text_);
    return digest.ToHex();
  }

  std::string Digest(const Plan& plan) {
    Add({plan.target_schema, plan.staging_schema, plan.staging_prefix});
    Add(PreDataStatements(plan));
    for (const TablePlan& table : plan.tables) AddTable(table);
    for (const PostObject& object : plan.objects) AddObject(object);
    for (const PostObject& object : plan.late_objects) AddObject(object);
    for (const SequencePlan& sequence : plan.sequences) {
      Add({absl::StrCat(sequence.table), sequence.column, sequence.sequence});
    }
    for (const SetAsideObject& object : plan.existing.set_aside) AddSetAside(object);
    for (const SetAsideObject& object : plan.existing.in_merge) AddSetAside(object);
    Add({absl::StrJoin(plan.existing.merge_order, ",")});
    lite2pg::Digest digest;
    digest.AddRow(text_);
    return digest.ToHex();
  }

 private:
  // Lengths keep fields apart, whatever is in them.
  void Add(const std::vector<std::string>& fields) {
    for (const std::string& field : fields) absl::StrAppend(&text_, field.size(), ":", field);
    text_ += "\n";
  }

  void AddTable(const TablePlan& table) {
    Add({table.source->name, table.LoadTarget(), table.MergeTarget(), table.reading.where_sql,
         Number(table.reading.key_kind), Number(table.create), Number(table.merge)});
    for (const ColumnPlan& column : table.columns) {
      const ReadingRules& rules = column.rules;
      Add({absl::StrCat(column.source_column), column.target_name, column.type.sql_name,
           Number(rules.integer), Number(rules.real), Number(rules.text), Number(rules.blob),
           Number(rules.empty_text_as_null), Number(rules.not_null),
           Number(rules.round_to_microseconds), Number(rules.round_to_typmod),
           Number(rules.round_to_float4), Number(rules.offset), Number(rules.escape_text),
           Number(rules.bad_value), rules.bad_value_default, rules.source_time_zone,
           Number(column.rejects_bad)});
    }
    for (const FillPlan& fill : table.fills) Add({fill.column, fill.type_sql, fill.value_sql});
  }

  void AddObject(const PostObject& object) {
    Add({object.report_kind, object.name, object.load_name, absl::StrCat(object.table)});
    for (const PostAttempt& attempt : object.attempts) {
      Add(attempt.sql);
      Add({attempt.check_sql, attempt.state, attempt.note});
    }
  }

  void AddSetAside(const SetAsideObject& object) {
    Add({object.object, object.drop_sql});
    for (const RestoreStep& step : object.restore) Add({step.kind, step.sql});
  }

  std::string text_;
};

Json ParseOptions(const RunRecord& run) {
  return Json::parse(run.options_json.begin(), run.options_json.end(), nullptr,
                     /*allow_exceptions=*/false);
}

std::string TextAt(const Json& json, const char* name) {
  if (!json.is_object()) return "";
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

absl::Status CannotResume(const std::string& what, absl::string_view hint) {
  return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                   absl::StrCat("cannot resume: ", what), hint);
}

}  // namespace

std::string RunOptionsJson(const CopyRequest& request, const Plan& plan) {
  Json options = Json::object();
  // Bytes that no text column and no JSON takes come out as hexadecimal digits, like names.
  for (const auto& [name, value] : OptionsOf(request)) {
    options[EncodeLedgerText(name)] = EncodeLedgerText(value);
  }
  Json json;
  json["version"] = kOptionsVersion;
  json["digest_version"] = kDigestVersion;
  json["command"] = EncodeLedgerText(CommandOf(request));
  json["options"] = std::move(options);
  json["plan_digest"] = PlanText().Digest(plan);
  json["load_digest"] = PlanText().LoadDigest(plan);
  RunTotals totals;
  for (const TablePlan& table : plan.tables) {
    ++totals.tables;
    totals.rows += table.rows;
    totals.bytes += table.bytes;
  }
  json["totals"] = Json{{"tables", totals.tables}, {"rows", totals.rows}, {"bytes", totals.bytes}};
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

absl::Status CheckSameOptions(const RunRecord& run, const CopyRequest& request) {
  constexpr absl::string_view kRestart = "--restart drops what was loaded and starts over";
  const Json json = ParseOptions(run);
  const bool readable = json.is_object() && json.contains("options") &&
                        json["options"].is_object() && json.value("version", 0) == kOptionsVersion;
  if (!readable || json.value("digest_version", 0) != kDigestVersion ||
      run.tool_version != LITE2PG_VERSION) {
    return CannotResume(absl::StrCat("lite2pg ", run.tool_version, " began this run, this is ",
                                     LITE2PG_VERSION, ", and what it loads may differ"),
                        "resume with the version that began it; or --restart to start over");
  }
  const OptionTexts now = OptionsOf(request);
  OptionTexts before;
  for (const auto& [name, value] : json["options"].items()) {
    if (!value.is_string()) continue;
    before[DecodeLedgerText(name)] = DecodeLedgerText(value.get_ref<const std::string&>());
  }
  OptionTexts all = now;
  all.insert(before.begin(), before.end());
  for (const auto& [name, unused] : all) {
    const OptionTexts::const_iterator old_value = before.find(name), new_value = now.find(name);
    const bool same = old_value != before.end() && new_value != now.end() &&
                      old_value->second == new_value->second;
    if (same) continue;
    return CannotResume(
        absl::StrCat("the run began with another value of ", EscapeForMessage(name)),
        absl::StrCat("give the options that the run began with: ", CommandOf(run), "; ", kRestart));
  }
  return absl::OkStatus();
}

absl::Status CheckSamePlan(const RunRecord& run, const Plan& plan) {
  if (TextAt(ParseOptions(run), "plan_digest") == PlanText().Digest(plan)) return absl::OkStatus();
  return CannotResume("the target is not what it was when the run began, and another plan comes of "
                      "it",
                      "look for tables, types or indexes that were changed meanwhile; --restart "
                      "drops what was loaded and starts over");
}

absl::Status CheckSameLoad(const RunRecord& run, const Plan& plan) {
  if (TextAt(ParseOptions(run), "load_digest") == PlanText().LoadDigest(plan)) {
    return absl::OkStatus();
  }
  return MakeError(ErrorCode::kJoinRefused, ExitCode::kCannotResume,
                   absl::StrCat("cannot join run ", run.run_id,
                                ": its rows would be loaded in another form by this process"),
                   "the file must be the same, and so must the options and the version");
}

RunTotals TotalsOf(const RunRecord& run) {
  RunTotals totals;
  const Json json = ParseOptions(run);
  if (!json.is_object() || !json.contains("totals") || !json["totals"].is_object()) return totals;
  const auto number = [&json](const char* name) {
    const Json& all = json["totals"];
    return all.contains(name) && all[name].is_number_unsigned() ? all[name].get<uint64_t>() : 0;
  };
  totals.tables = number("tables");
  totals.rows = number("rows");
  totals.bytes = number("bytes");
  return totals;
}

std::string CommandOf(const RunRecord& run) {
  const std::string command = DecodeLedgerText(TextAt(ParseOptions(run), "command"));
  return command.empty() ? absl::StrCat("lite2pg ", EscapeForMessage(run.command), " ",
                                        EscapeForMessage(run.source_path, 300), " TARGET")
                         : command;
}

std::string CommandOf(const CopyRequest& request) {
  if (!request.command_line.empty()) return request.command_line;
  return absl::StrCat("lite2pg copy ", EscapeForMessage(request.source, 300), " TARGET");
}

}  // namespace lite2pg
