// The plan for people: tables in the order of loading, every column with its type and why.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"
#include "tools/cli/report_text.h"

namespace lite2pg {
namespace {

// Narrower columns of prose are harder to read than a line of its own.
constexpr size_t kReasonMin = 24;

std::string Mapping(const ColumnReport& column, const Style& style) {
  const std::string declared =
      column.declared_type.empty() ? "(no type)" : ShownName(column.declared_type, style);
  return absl::StrCat(declared, " -> ", Shown(column.target_type, style));
}

std::string ColumnTitle(const ColumnReport& column, const Style& style) {
  const std::string name = ShownName(column.source_name, style);
  if (column.target_name.empty() || column.target_name == column.source_name) return name;
  return absl::StrCat(name, " -> ", ShownName(column.target_name, style));
}

// "3 null, 1,000 integer", only where it says more than the declared type.
std::string Evidence(const ColumnReport& column) {
  std::string out;
  int classes = 0;
  for (size_t i = 0; i < kStorageClassCount; ++i) {
    if (column.storage_classes[i] == 0) continue;
    ++classes;
    absl::StrAppend(&out, out.empty() ? "" : ", ", FormatCount(column.storage_classes[i]), " ",
                    StorageClassName(static_cast<StorageClass>(i)));
  }
  return classes > 1 ? out : "";
}

std::string Why(const ColumnReport& column, const Style& style) {
  std::string out = Shown(column.reason, style);
  const std::string evidence = Evidence(column);
  if (!evidence.empty()) absl::StrAppend(&out, out.empty() ? "" : "; ", evidence);
  if (!column.round_trips) absl::StrAppend(&out, out.empty() ? "" : "; ", "form changes");
  return out;
}

std::string Columns(const TableReport& table, const Style& style) {
  const size_t width = static_cast<size_t>(style.width);
  // Types are what a plan is read for: names give way to them, and reasons go below.
  const size_t share = std::max<size_t>(10, width / 4);
  size_t names = 0, mappings = 0;
  for (const ColumnReport& column : table.columns) {
    names = std::max(names, DisplayWidth(ColumnTitle(column, style)));
    mappings = std::max(mappings, DisplayWidth(Mapping(column, style)));
  }
  names = std::min(names, share);
  mappings = std::min(mappings, width - 4 - names - 2);
  const size_t reasons_at = 4 + names + 2 + mappings + 2;
  std::string out;
  for (const ColumnReport& column : table.columns) {
    const std::string head =
        absl::StrCat("    ", PadRight(Cut(ColumnTitle(column, style), names, style), names), "  ",
                     PadRight(Cut(Mapping(column, style), mappings, style), mappings));
    const std::string why = Why(column, style);
    if (why.empty()) {
      absl::StrAppend(&out, head.substr(0, head.find_last_not_of(' ') + 1), "\n");
    } else if (reasons_at + kReasonMin <= width) {
      absl::StrAppend(&out, Hanging(head + "  ", why, style));
    } else {
      absl::StrAppend(&out, head.substr(0, head.find_last_not_of(' ') + 1), "\n",
                      Hanging("      ", why, style));
    }
  }
  return out;
}

std::string EstimateText(const EstimateReport& estimate, const Style& style) {
  std::string connections;
  if (estimate.connections_free >= 0) {
    connections = absl::StrCat("; ", estimate.connections_wanted, " connections of ",
                               estimate.connections_free, " that are free");
  }
  return absl::StrCat(
      "\n",
      Hanging("Estimate  ",
              absl::StrCat("about ", FormatBytes(estimate.target_bytes), " on the target, ",
                           estimate.measured ? "about " : "perhaps ",
                           FormatSeconds(estimate.seconds), connections),
              style),
      Hanging("          ", absl::StrCat("basis: ", Shown(estimate.basis, style)), style));
}

}  // namespace

std::string PlanText(const Report& report, const OutputOptions& output, const Style& style) {
  std::string out;
  std::vector<const TableReport*> left_out;
  int number = 0;
  for (const TableReport& table : report.tables) {
    if (table.state != "copied" && table.state != "skipped") {
      left_out.push_back(&table);
      continue;
    }
    if (number == 0) out += "\nTables, in the order of loading\n";
    std::string title = ShownName(table.source_name, style);
    if (!table.target_name.empty()) {
      absl::StrAppend(&title, " -> ", ShownName(report.target.schema, style),
                      report.target.schema.empty() ? "" : ".", ShownName(table.target_name, style));
    }
    absl::StrAppend(&title, ": ", Counted(table.rows_source, "row"));
    if (table.estimated_bytes > 0) {
      absl::StrAppend(&title, ", about ", FormatBytes(table.estimated_bytes));
    }
    if (table.rows_preexisting > 0) {
      absl::StrAppend(&title, ", ", FormatCount(table.rows_preexisting), " there already");
    }
    if (!table.where.empty()) absl::StrAppend(&title, ", where ", Shown(table.where, style));
    absl::StrAppend(&out, Hanging(absl::StrCat(PadLeft(absl::StrCat(++number), 3), " "), title,
                                  style));
    if (!output.quiet) out += Columns(table, style);
  }
  if (report.estimate.known && number > 0) out += EstimateText(report.estimate, style);
  if (!left_out.empty()) out += "\nNot loaded\n";
  for (const TableReport* table : left_out) {
    absl::StrAppend(&out, Hanging("  ", absl::StrCat(ShownName(table->source_name, style), ": ",
                                                     Shown(ComparedWord(*table), style)),
                                  style));
  }
  return out;
}

std::string RunsText(const Report& report, const Style& style) {
  if (report.runs.empty()) {
    return report.command == "status" && report.exit_code == ExitCode::kDone
               ? "\nNo run is recorded on this target.\n"
               : "";
  }
  TextTable text({{"run", false, false, 0},
                  {"state", false, false, 0},
                  {"command", false, false, 3},
                  {"stage", false, false, 2},
                  {"tables", true, false, 4},
                  {"rows", true, false, 0},
                  {"of", true, false, 2},
                  {"rows/s", true, false, 4},
                  {"rejected", true, false, 1},
                  {"set aside", true, false, 1},
                  {"bytes", true, false, 4},
                  {"started", false, false, 5},
                  {"source", false, true, 6}});
  std::string steps;
  for (const RunReport& run : report.runs) {
    const Color color = run.state == "done"     ? Color::kGreen
                        : run.state == "active" ? Color::kCyan
                                                : Color::kYellow;
    text.AddRow({{Shown(run.run_id, style).substr(0, 8)},
                 {Shown(run.state, style), color},
                 {Shown(run.command, style)},
                 {Shown(run.stage, style)},
                 {run.tables_total == 0 ? FormatCount(run.tables)
                                        : absl::StrCat(FormatCount(run.tables), "/",
                                                       FormatCount(run.tables_total))},
                 {FormatCount(run.rows)},
                 {run.rows_total == 0 ? "" : FormatCount(run.rows_total)},
                 {run.seconds <= 0 ? ""
                                   : FormatCount(static_cast<uint64_t>(
                                         static_cast<double>(run.rows) / run.seconds))},
                 {run.rows_rejected == 0 ? "" : FormatCount(run.rows_rejected), Color::kYellow},
                 {run.definitions_set_aside == 0 ? "" : FormatCount(run.definitions_set_aside),
                  Color::kYellow},
                 {run.bytes == 0 ? "" : FormatBytes(run.bytes)},
                 {Shown(run.started_at, style).substr(0, 19)},
                 {ShownName(run.source_path, style)}});
    if (run.next_step.empty()) continue;
    absl::StrAppend(&steps, "  ", Shown(run.run_id, style).substr(0, 8), "  ",
                    Shown(run.next_step, style), "\n");
  }
  if (!steps.empty()) steps = absl::StrCat("\nTo go on:\n", steps);
  return absl::StrCat("\n", text.Render(style), steps);
}

}  // namespace lite2pg
