// The plan for people: first the tables that somebody should look at, with the columns that are not
// as they were declared; the others a line each. Numbers are the order of loading.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"
#include "engine/report/plan_attention.h"
#include "tools/cli/report_text.h"

namespace lite2pg {
namespace {

// Narrower columns of prose are harder to read than a line of its own.
constexpr size_t kReasonMin = 24;
constexpr size_t kPlainTablesShown = 40;

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

// What is declared and fits is not worth a line unless everything is asked for.
std::string Columns(const TableReport& table, bool all, const Style& style) {
  std::vector<const ColumnReport*> shown;
  for (const ColumnReport& column : table.columns) {
    if (all || !IsAsDeclared(column)) shown.push_back(&column);
  }
  const size_t width = static_cast<size_t>(style.width);
  // Types are what a plan is read for: names give way to them, and reasons go below.
  const size_t share = std::max<size_t>(10, width / 4);
  size_t names = 0, mappings = 0;
  for (const ColumnReport* column : shown) {
    names = std::max(names, DisplayWidth(ColumnTitle(*column, style)));
    mappings = std::max(mappings, DisplayWidth(Mapping(*column, style)));
  }
  names = std::min(names, share);
  mappings = std::min(mappings, width - 4 - names - 2);
  const size_t reasons_at = 4 + names + 2 + mappings + 2;
  std::string out;
  for (const ColumnReport* column : shown) {
    const std::string head =
        absl::StrCat("    ", PadRight(Cut(ColumnTitle(*column, style), names, style), names), "  ",
                     PadRight(Cut(Mapping(*column, style), mappings, style), mappings));
    const std::string why = Why(*column, style);
    if (why.empty()) {
      absl::StrAppend(&out, head.substr(0, head.find_last_not_of(' ') + 1), "\n");
    } else if (reasons_at + kReasonMin <= width) {
      absl::StrAppend(&out, Hanging(head + "  ", why, style));
    } else {
      absl::StrAppend(&out, head.substr(0, head.find_last_not_of(' ') + 1), "\n",
                      Hanging("      ", why, style));
    }
  }
  const size_t quiet = table.columns.size() - shown.size();
  if (quiet > 0 && !shown.empty()) {
    absl::StrAppend(&out, "    ", Cut(absl::StrCat("and ", Counted(quiet, "column"),
                                                   " as declared"), width - 4, style), "\n");
  }
  return out;
}

std::string TableHeadline(const Report& report, const PlannedTable& planned, const Style& style) {
  const TableReport& table = *planned.table;
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
  const auto count = [&](int n, absl::string_view word) {
    if (n > 0) absl::StrAppend(&title, "; ", Counted(static_cast<uint64_t>(n), word));
  };
  count(planned.blocking, "blocking finding");
  count(planned.warnings, "warning");
  return Hanging(absl::StrCat(PadLeft(absl::StrCat(planned.number), 3), " "), title, style);
}

// The tables that are as one would expect: a line each.
std::string PlainTables(const std::vector<PlannedTable>& tables, size_t begin,
                        const Style& style) {
  TextTable text({{"#", true, false, 3},
                  {"table", false, true, 0},
                  {"rows", true, false, 0},
                  {"about", true, false, 2},
                  {"columns", true, false, 1},
                  {"part", false, true, 4}});
  const size_t end = std::min(tables.size(), begin + kPlainTablesShown);
  for (size_t i = begin; i < end; ++i) {
    const TableReport& table = *tables[i].table;
    std::string name = ShownName(table.source_name, style);
    if (!table.target_name.empty() && table.target_name != table.source_name) {
      absl::StrAppend(&name, " -> ", ShownName(table.target_name, style));
    }
    text.AddRow({{absl::StrCat(tables[i].number)},
                 {name},
                 {FormatCount(table.rows_source)},
                 {table.estimated_bytes == 0 ? "" : FormatBytes(table.estimated_bytes)},
                 {FormatCount(table.columns.size())},
                 {table.where.empty() ? "" : absl::StrCat("where ", Shown(table.where, style))}});
  }
  std::string out = text.Render(style);
  if (end < tables.size()) {
    absl::StrAppend(&out, Hanging("  ", absl::StrCat("and ", tables.size() - end,
                                                     " more tables: -v or --report shows them"),
                                  style));
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
  const std::vector<PlannedTable> tables = TablesByAttention(report);
  std::string out;
  size_t at = 0;
  const auto is_shown = [&](const PlannedTable& table) {
    return table.needs_a_look() || output.verbose;
  };
  if (!tables.empty() && is_shown(tables[0])) {
    out += output.verbose ? "\nTables, what needs a look first\n" : "\nTables that need a look\n";
  }
  for (; at < tables.size() && is_shown(tables[at]); ++at) {
    out += TableHeadline(report, tables[at], style);
    if (!output.quiet) out += Columns(*tables[at].table, output.verbose, style);
  }
  if (at < tables.size()) {
    absl::StrAppend(&out, at == 0 ? "\nTables, all as declared\n"
                                  : "\nOther tables, all as declared\n",
                    PlainTables(tables, at, style));
  }
  std::string left_out;
  for (const TableReport& table : report.tables) {
    if (table.state == "copied" || table.state == "skipped") continue;
    absl::StrAppend(&left_out,
                    Hanging("  ", absl::StrCat(ShownName(table.source_name, style), ": ",
                                               Shown(ComparedWord(table), style)),
                            style));
  }
  if (report.estimate.known && !tables.empty()) out += EstimateText(report.estimate, style);
  return absl::StrCat(out, left_out.empty() ? "" : "\nNot loaded\n", left_out);
}

// What else can be had of a plan; for the end of the answer.
std::string PlanOffers(const OutputOptions& output, const Style& style) {
  std::vector<std::string> offers;
  if (!output.verbose) offers.emplace_back("-v shows every column and why");
  if (output.report_files.empty()) offers.emplace_back("--report plan.html makes a page of it");
  if (output.write_config.empty()) {
    offers.emplace_back("--write-config plan.toml writes every decision, to edit and to give to "
                        "copy as --config plan.toml");
  }
  if (offers.empty()) return "";
  return absl::StrCat("\n", Hanging("", absl::StrJoin(offers, "; "), style));
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
