// The report as one page that needs nothing else: no script, no font, no network.
//
// Everything that came from a file or a server goes through Html(); the page's own
// Content-Security-Policy is the second fence should one place have been forgotten.
#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"
#include "engine/report/report.h"
#include "engine/report/utf8.h"

namespace lite2pg {
namespace {

// A page with a million columns would help nobody; the JSON has them all.
constexpr size_t kTablesMax = 2000;
constexpr size_t kColumnsMax = 200;
constexpr size_t kDifferencesMax = 200;
constexpr size_t kSamplesMax = 200;

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5c6670; --line: #d9dee3; --page: #fff;
  --card: #f6f8fa; --good: #1a7f4b; --warn: #9a6200; --bad: #c0262d; --bar: #3b6fb6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --dim: #9aa5b1; --line: #333a42;
  --page: #14171a; --card: #1d2227; --good: #4cc38a; --warn: #e0a63c; --bad: #ff6b6e;
  --bar: #6ea3ec; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 2rem auto; max-width: 70rem; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.dim { color: var(--dim); } code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--card); padding: .7rem 1rem; white-space: pre-wrap; border-radius: 6px; }
.k { white-space: nowrap; } .bar { width: 8rem; height: .8rem; margin-top: .3rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { color: var(--dim); font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 1rem 0; }
dt { color: var(--dim); } dd { margin: 0; } details { margin: .3rem 0; }
summary { cursor: pointer; } svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
</style>
)";

std::string Html(absl::string_view untrusted) {
  std::string out;
  for (const char c : SafeSentence(untrusted)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string Cell(absl::string_view text) { return absl::StrCat("<td>", Html(text), "</td>"); }
std::string Number(uint64_t n) {
  return absl::StrCat("<td class=\"n\">", n == 0 ? "" : FormatCount(n), "</td>");
}

void Row(absl::string_view name, absl::string_view value, std::string* out) {
  if (!value.empty()) absl::StrAppend(out, "<dt>", name, "</dt><dd>", Html(value), "</dd>");
}

absl::string_view ToneClass(Tone tone) {
  return tone == Tone::kGood ? "good" : tone == Tone::kWarning ? "warn" : "bad";
}

std::string Facts(const Report& report) {
  std::string out = "<dl>";
  Row("run", report.run_id, &out);
  Row("source", report.source.path, &out);
  if (report.source.bytes > 0) {
    Row("", absl::StrCat(FormatBytes(static_cast<uint64_t>(report.source.bytes)), ", ",
                         report.source.encoding, ", pages of ", report.source.page_size, " bytes"),
        &out);
  }
  Row("snapshot", report.source.snapshot, &out);
  Row("target", report.target.conninfo_shown, &out);
  Row("cluster", report.target.embedded_dir, &out);
  Row("database", report.target.database, &out);
  Row("schema", report.target.schema, &out);
  Row("server", absl::StrCat(report.target.dialect, report.target.dialect.empty() ? "" : " ",
                             report.target.server_version),
      &out);
  const Report::Resources& used = report.resources;
  Row("time", absl::StrCat(FormatSeconds(used.wall_seconds), "; CPU of this program ",
                           FormatSeconds(used.client_cpu_seconds)),
      &out);
  Row("memory", FormatBytes(static_cast<uint64_t>(std::max<int64_t>(0, used.peak_rss_bytes))),
      &out);
  return out + "</dl>\n";
}

std::string Errors(const Report& report) {
  if (report.errors.empty()) return "";
  std::string out = "<h2>Errors</h2>\n";
  for (const ErrorInfo& error : report.errors) {
    absl::StrAppend(&out, "<p class=\"bad\"><b>", ErrorCodeName(error.code), "</b> ",
                    Html(error.what), "</p><dl>");
    Row("table", error.table, &out);
    Row("row", error.row_key, &out);
    Row("column", error.column, &out);
    Row("value", error.value, &out);
    Row("server", error.server, &out);
    Row("effect", error.effect, &out);
    Row("hint", error.hint, &out);
    out += "</dl>\n";
  }
  return out;
}

// One bar over the whole width, a part per stage; the words below carry the numbers.
std::string Stages(const Report& report) {
  double total = 0;
  for (const StageReport& stage : report.stages) total += stage.seconds;
  if (total <= 0) return "";
  std::string bars, words;
  double at = 0;
  for (const StageReport& stage : report.stages) {
    const double width = stage.seconds / total * 1000;
    char number[160];
    // The opacity steps keep neighbours apart in either colour scheme.
    std::snprintf(number, sizeof(number),
                  "<rect x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"22\" fill=\"var(--bar)\" "
                  "fill-opacity=\"%.2f\">",
                  at, width, 0.35 + 0.08 * static_cast<double>(stage.stage));
    const std::string words_of = absl::StrCat(StageName(stage.stage), " ",
                                              FormatSeconds(stage.seconds));
    absl::StrAppend(&bars, number, "<title>", words_of, "</title></rect>");
    absl::StrAppend(&words, words.empty() ? "" : " &middot; ", words_of);
    at += width;
  }
  return absl::StrCat("<h2>Stages</h2>\n<svg viewBox=\"0 0 1000 22\" preserveAspectRatio=\"none\" ",
                      "role=\"img\" aria-label=\"time by stage\" style=\"height:22px\">", bars,
                      "</svg>\n<p class=\"dim\">", words, "</p>\n");
}

std::string Columns(const TableReport& table) {
  std::string out =
      "<div class=\"wide\"><table><tr><th>column</th><th>declared</th><th>in PostgreSQL</th>"
      "<th>values</th><th>changed form</th><th>why</th></tr>\n";
  for (size_t i = 0; i < table.columns.size() && i < kColumnsMax; ++i) {
    const ColumnReport& column = table.columns[i];
    std::string values, coercions;
    for (size_t c = 0; c < kStorageClassCount; ++c) {
      if (column.storage_classes[c] == 0) continue;
      absl::StrAppend(&values, values.empty() ? "" : ", ", FormatCount(column.storage_classes[c]),
                      " ", StorageClassName(static_cast<StorageClass>(c)));
    }
    for (const CoercionReport& coercion : column.coercions) {
      absl::StrAppend(&coercions, coercions.empty() ? "" : "; ", FormatCount(coercion.count), " ",
                      coercion.from, " to ", coercion.to,
                      coercion.example.empty() ? "" : ", such as ", coercion.example);
    }
    absl::StrAppend(&out, "<tr>", Cell(column.source_name == column.target_name
                                           ? column.source_name
                                           : absl::StrCat(column.source_name, " -> ",
                                                          column.target_name)),
                    Cell(column.declared_type), Cell(column.target_type), Cell(values),
                    Cell(coercions), Cell(column.reason), "</tr>\n");
  }
  return out + "</table></div>\n";
}

std::string Differences(const TableReport& table) {
  if (table.differences.empty()) return "";
  std::string out =
      "<div class=\"wide\"><table><tr><th>row</th><th>column</th><th>kind</th><th>source</th>"
      "<th>target</th></tr>\n";
  for (size_t i = 0; i < table.differences.size() && i < kDifferencesMax; ++i) {
    const DifferenceReport& difference = table.differences[i];
    absl::StrAppend(&out, "<tr>", Cell(difference.key), Cell(difference.column),
                    Cell(difference.kind), Cell(difference.source), Cell(difference.target),
                    "</tr>\n");
  }
  return out + "</table></div>\n";
}

// A bar as long as the table's share of the largest one.
std::string RowsBar(uint64_t rows, uint64_t most) {
  const double width = most == 0 ? 0 : static_cast<double>(rows) / static_cast<double>(most) * 100;
  char text[200];
  std::snprintf(text, sizeof(text),
                "<td><svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
                "aria-hidden=\"true\">"
                "<rect width=\"%.2f\" height=\"10\" fill=\"var(--bar)\"/></svg></td>",
                width);
  return text;
}

std::string Tables(const Report& report) {
  if (report.tables.empty()) return "";
  uint64_t most = 0;
  for (const TableReport& table : report.tables) most = std::max(most, table.rows_source);
  std::string out =
      "<h2>Tables</h2>\n<div class=\"wide\"><table><tr><th>table</th><th class=\"n\">rows</th>"
      "<th></th><th class=\"n\">copied</th><th class=\"n\">skipped</th>"
      "<th class=\"n\">rejected</th><th class=\"n\">bytes</th><th class=\"n\">time</th>"
      "<th>compared</th></tr>\n";
  std::string details;
  for (size_t i = 0; i < report.tables.size() && i < kTablesMax; ++i) {
    const TableReport& table = report.tables[i];
    const absl::string_view tone = table.compared ? (table.equal ? "good" : "bad") : "dim";
    const uint64_t bytes = table.bytes != 0 ? table.bytes : table.estimated_bytes;
    absl::StrAppend(&out, "<tr>", Cell(TableTitle(table)), Number(table.rows_source),
                    RowsBar(table.rows_source, most), Number(table.rows_copied),
                    Number(table.rows_skipped), Number(table.rows_rejected));
    absl::StrAppend(&out, "<td class=\"n\">", bytes == 0 ? "" : FormatBytes(bytes),
                    "</td><td class=\"n\">",
                    table.seconds <= 0 ? "" : FormatSeconds(table.seconds), "</td><td class=\"",
                    tone, "\">", Html(ComparedWord(table)), "</td></tr>\n");
    if (!table.columns.empty() || !table.differences.empty()) {
      absl::StrAppend(&details, "<details", table.differences.empty() ? "" : " open", "><summary>",
                      Html(TableTitle(table)), "</summary>\n", Columns(table), Differences(table),
                      "</details>\n");
    }
  }
  out += "</table></div>\n";
  if (report.tables.size() > kTablesMax) {
    absl::StrAppend(&out, "<p class=\"dim\">and ", report.tables.size() - kTablesMax,
                    " more; the JSON report has all of them</p>\n");
  }
  return absl::StrCat(out, "<h2>Columns</h2>\n", details);
}

std::string Findings(const Report& report) {
  if (report.findings.empty()) return "";
  std::string out = "<h2>Findings</h2>\n<div class=\"wide\"><table>\n";
  for (const Finding* finding : SortedFindings(report)) {
    const absl::string_view tone = finding->severity == Severity::kBlocking  ? "bad"
                                   : finding->severity == Severity::kWarning ? "warn"
                                                                             : "dim";
    absl::StrAppend(&out, "<tr><td class=\"k ", tone, "\">",
                    kSeverityNames[static_cast<size_t>(finding->severity)], "</td><td class=\"k\">",
                    ErrorCodeName(finding->code), "</td>", Cell(finding->object), "<td>",
                    Html(finding->message));
    if (!finding->hint.empty()) {
      absl::StrAppend(&out, "<br><span class=\"dim\">", Html(finding->hint), "</span>");
    }
    out += "</td></tr>\n";
  }
  return out + "</table></div>\n";
}

std::string Samples(const Report& report) {
  if (report.samples.empty()) return "";
  const size_t shown = std::min(report.samples.size(), kSamplesMax);
  std::string out = absl::StrCat("<h2>Samples</h2>\n<details><summary>", report.samples.size(),
                                 " values that the server read by itself</summary>\n"
                                 "<div class=\"wide\"><table>\n");
  for (size_t i = 0; i < shown; ++i) {
    const ValueSample& sample = report.samples[i];
    const absl::string_view tone = !sample.judged ? "dim" : sample.equal ? "good" : "bad";
    absl::StrAppend(&out, "<tr><td class=\"k ", tone, "\">",
                    !sample.judged  ? "not judged"
                    : sample.equal ? "equal"
                                   : "differs",
                    "</td>", Cell(absl::StrCat(sample.table, ".", sample.column)),
                    Cell(sample.source), Cell(sample.stored), "</tr>\n");
  }
  return out + "</table></div></details>\n";
}

std::string Objects(const Report& report) {
  if (report.objects.empty()) return "";
  const bool open = report.objects.size() <= 40;
  std::string out = absl::StrCat("<h2>Objects</h2>\n<details", open ? " open" : "", "><summary>",
                                 report.objects.size(),
                                 " indexes, constraints, views and triggers</summary>\n"
                                 "<div class=\"wide\"><table>\n");
  for (const ObjectReport& object : report.objects) {
    const absl::string_view tone = object.state == "not_carried" ? "warn" : "dim";
    absl::StrAppend(&out, "<tr><td class=\"k ", tone, "\">", Html(object.state),
                    "</td><td class=\"k\">", Html(object.kind), "</td>", Cell(object.table),
                    Cell(object.name), "<td>", Html(object.reason));
    if (!object.sql.empty()) {
      absl::StrAppend(&out, object.reason.empty() ? "" : "<br>", "<code>", Html(object.sql),
                      "</code>");
    }
    out += "</td></tr>\n";
  }
  return out + "</table></div></details>\n";
}

std::string Lines(absl::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = absl::StrCat("<h2>", title, "</h2>\n<pre>");
  for (const std::string& line : lines) absl::StrAppend(&out, Html(line), "\n");
  return out + "</pre>\n";
}

}  // namespace

std::string ReportToHtml(const Report& report) {
  const std::string sentence = OutcomeSentence(report);
  return absl::StrCat(kHead, "<title>lite2pg ", Html(report.command), ": ", Html(report.outcome),
                      "</title></head><body>\n<h1 class=\"", ToneClass(ToneOf(report)), "\">",
                      Html(sentence), "</h1>\n", Facts(report), Errors(report), Findings(report),
                      Tables(report), Samples(report), Objects(report), Stages(report),
                      Lines("What now", report.next_steps),
                      Lines("To take it back", report.undo_sql),
                      absl::StrCat("<p class=\"dim\">lite2pg ", LITE2PG_VERSION, ", exit code ",
                                   static_cast<int>(report.exit_code), "</p>\n</body></html>\n"));
}

}  // namespace lite2pg
