// The report as a page: what came out of it and what to do first, then what was found, the tables,
// where the time went, and everything in detail.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/html.h"
#include "engine/report/outcome_text.h"
#include "engine/report/plan_attention.h"
#include "engine/report/report.h"
#include "engine/report/report_plots.h"
#include "engine/report/report_style.h"

namespace lite2pg {
namespace {

// A page with a million columns would help nobody; the JSON has them all.
constexpr size_t kTablesMax = 2000;
constexpr size_t kColumnsMax = 200;
constexpr size_t kDifferencesMax = 200;
constexpr size_t kSamplesMax = 200;
constexpr size_t kObjectsMax = 2000;
constexpr size_t kFindingsMax = 500;

absl::string_view ToneClass(Tone tone) {
  return tone == Tone::kGood ? "good" : tone == Tone::kWarning ? "warn" : "bad";
}

absl::string_view SeverityClass(Severity severity) {
  return severity == Severity::kBlocking ? "bad" : severity == Severity::kWarning ? "warn" : "dim";
}

std::string More(size_t all, size_t shown) {
  if (all <= shown) return "";
  return absl::StrCat("<p class=\"dim\">and ", FormatCount(all - shown),
                      " more; the JSON report has all of them</p>\n");
}

void Row(absl::string_view name, absl::string_view untrusted, std::string* out) {
  if (untrusted.empty()) return;
  absl::StrAppend(out, "<dt>", name, "</dt><dd>", Html(untrusted), "</dd>");
}

std::string ServerOf(const Report& report) {
  if (report.target.server_version.empty()) return "";
  return absl::StrCat(report.target.dialect, report.target.dialect.empty() ? "" : " ",
                      report.target.server_version);
}

std::string TargetOf(const Report& report) {
  std::string out = report.target.conninfo_shown;
  if (out.empty()) out = report.target.embedded_dir;
  if (!report.target.schema.empty()) {
    absl::StrAppend(&out, out.empty() ? "schema " : ", schema ", report.target.schema);
  }
  return out;
}

std::string Top(const Report& report) {
  std::string out =
      absl::StrCat("<header class=\"top ", ToneClass(ToneOf(report)),
                   "\"><p class=\"small\">lite2pg ", Html(report.command), "</p><h1 class=\"",
                   ToneClass(ToneOf(report)), "\">", Html(OutcomeSentence(report)), "</h1>");
  const std::string target = TargetOf(report);
  if (!report.source.path.empty() || !target.empty()) {
    absl::StrAppend(&out, "<p>", Html(report.source.path),
                    report.source.path.empty() || target.empty() ? "" : " &rarr; ", Html(target),
                    "</p>");
  }
  return out + "</header>\n";
}

void Tile(const std::string& figure, absl::string_view label, std::string* out) {
  absl::StrAppend(out, "<div><b>", figure, "</b><span>", label, "</span></div>");
}

std::string Tiles(const Report& report) {
  uint64_t tables = 0, compared = 0, equal = 0, rows = 0, rejected = 0, bytes = 0;
  for (const TableReport& table : report.tables) {
    if (table.state != "copied" && table.state != "skipped") continue;
    ++tables;
    compared += table.compared ? 1 : 0;
    equal += table.compared && table.equal ? 1 : 0;
    rows += table.rows_source;
    rejected += table.rows_rejected;
    bytes += table.bytes != 0 ? table.bytes : table.estimated_bytes;
  }
  uint64_t severities[3] = {};
  for (const Finding& finding : report.findings) {
    ++severities[static_cast<size_t>(finding.severity)];
  }
  std::string out = "<div class=\"tiles\">";
  if (tables > 0) {
    Tile(compared == 0 ? FormatCount(tables)
                       : absl::StrCat(FormatCount(equal), " of ", FormatCount(compared)),
         compared == 0 ? "tables" : "tables equal on both sides", &out);
    Tile(FormatCount(rows), "rows in the source", &out);
  }
  if (bytes > 0) Tile(FormatBytes(bytes), report.outcome == "planned" ? "to send, about" : "sent",
                      &out);
  if (rejected > 0) Tile(FormatCount(rejected), "rows set aside", &out);
  if (severities[2] > 0) Tile(FormatCount(severities[2]), "would stop a copy", &out);
  Tile(FormatCount(severities[1]), severities[1] == 1 ? "warning" : "warnings", &out);
  if (report.resources.wall_seconds > 0) {
    Tile(FormatSeconds(report.resources.wall_seconds), "from beginning to end", &out);
  }
  return out + "</div>\n";
}

std::string Errors(const Report& report) {
  if (report.errors.empty()) return "";
  std::string out = "<h2>What failed</h2>\n";
  for (const ErrorInfo& error : report.errors) {
    absl::StrAppend(&out, "<div class=\"note bad\"><p><span class=\"tag bad\">",
                    ErrorCodeName(error.code), "</span><b>", Html(error.what), "</b></p><dl>");
    Row("table", error.table, &out);
    Row("row", error.row_key, &out);
    Row("column", error.column, &out);
    Row("value", error.value, &out);
    Row(error.sqlite_code != 0 ? "SQLite says" : "the server says", error.server, &out);
    Row("what is left", error.effect, &out);
    Row("what to do", error.hint, &out);
    out += "</dl></div>\n";
  }
  return out;
}

std::string FindingNote(const Finding& finding) {
  const absl::string_view css = SeverityClass(finding.severity);
  std::string out = absl::StrCat(
      "<div class=\"note ", css, "\"><p><span class=\"tag ", css, "\">",
      kSeverityNames[static_cast<size_t>(finding.severity)], " ", ErrorCodeName(finding.code),
      "</span>");
  if (!finding.object.empty()) absl::StrAppend(&out, "<b>", Html(finding.object), "</b> ");
  absl::StrAppend(&out, Html(finding.message), "</p>");
  if (!finding.hint.empty()) {
    absl::StrAppend(&out, "<p class=\"dim\">What to do: ", Html(finding.hint), "</p>");
  }
  return out + "</div>\n";
}

std::string Findings(const Report& report) {
  if (report.findings.empty()) return "";
  std::string serious, notes;
  size_t note_count = 0, shown = 0;
  for (const Finding* finding : SortedFindings(report)) {
    if (shown++ == kFindingsMax) break;
    const bool is_note = finding->severity == Severity::kInfo;
    note_count += is_note ? 1 : 0;
    absl::StrAppend(is_note ? &notes : &serious, FindingNote(*finding));
  }
  std::string out = "<h2 id=\"findings\">Findings</h2>\n" + serious;
  if (note_count > 0) {
    absl::StrAppend(&out, "<details", serious.empty() && note_count < 8 ? " open" : "",
                    "><summary>", Counted(note_count, "note"), "</summary>\n", notes,
                    "</details>\n");
  }
  return out + More(report.findings.size(), kFindingsMax);
}

// Eight digits tell two digests apart for the eye; the rest is a click away.
std::string Digests(const TableReport& table) {
  if (table.digest_source.empty() && table.digest_target.empty()) return "<td></td>";
  const auto head = [](const std::string& digest) { return Html(digest.substr(0, 8)); };
  std::string out = absl::StrCat("<td class=\"k\"><code title=\"source ", Html(table.digest_source),
                                 ", target ", Html(table.digest_target), "\">",
                                 head(table.digest_source));
  if (!table.digest_target.empty() && table.digest_target != table.digest_source) {
    absl::StrAppend(&out, " &ne; ", head(table.digest_target));
  }
  return out + "</code></td>";
}

std::string Verdict(const TableReport& table) {
  const absl::string_view tone = table.compared ? (table.equal ? "good" : "bad") : "dim";
  const absl::string_view mark = table.compared ? (table.equal ? "&#10003; " : "&#10007; ") : "";
  return absl::StrCat("<td class=\"k ", tone, "\">", mark, Html(ComparedWord(table)), "</td>");
}

// A column of the list of tables; left out when it is empty for all of them.
struct TableFigure {
  absl::string_view title;
  std::string (*text)(const TableReport&);
};

std::string CountOf(uint64_t n) { return n == 0 ? "" : FormatCount(n); }

constexpr TableFigure kTableFigures[] = {
    {"copied", [](const TableReport& t) { return CountOf(t.rows_copied); }},
    {"skipped", [](const TableReport& t) { return CountOf(t.rows_skipped); }},
    {"set aside", [](const TableReport& t) { return CountOf(t.rows_rejected); }},
    {"filled", [](const TableReport& t) { return CountOf(t.rows_filled); }},
    {"there before", [](const TableReport& t) { return CountOf(t.rows_preexisting); }},
    {"bytes",
     [](const TableReport& t) {
       const uint64_t bytes = t.bytes != 0 ? t.bytes : t.estimated_bytes;
       return bytes == 0 ? "" : FormatBytes(bytes);
     }},
    {"time", [](const TableReport& t) { return t.seconds <= 0 ? "" : FormatSeconds(t.seconds); }},
};

std::string TableRow(const TableReport& table, const std::vector<const TableFigure*>& figures) {
  const bool loaded = table.state == "copied" || table.state == "skipped";
  std::string name = Html(TableTitle(table));
  if (!table.where.empty()) {
    absl::StrAppend(&name, "<br><span class=\"dim\">only where ", Html(table.where), "</span>");
  }
  std::string out =
      absl::StrCat("<tr><td>", name, "</td><td class=\"n\">",
                   loaded || table.rows_source > 0 ? FormatCount(table.rows_source) : "", "</td>");
  for (const TableFigure* figure : figures) {
    absl::StrAppend(&out, "<td class=\"n\">", figure->text(table), "</td>");
  }
  return absl::StrCat(out, Digests(table), Verdict(table), "</tr>\n");
}

// What needs attention first, then the largest.
std::vector<const TableReport*> TablesInOrder(const Report& report) {
  std::vector<const TableReport*> tables;
  for (const TableReport& table : report.tables) tables.push_back(&table);
  const auto rank = [](const TableReport* t) {
    if (t->compared && !t->equal) return 0;
    if (t->rows_rejected > 0) return 1;
    return t->state == "copied" || t->state == "skipped" ? 2 : 3;
  };
  std::stable_sort(tables.begin(), tables.end(), [&](const TableReport* a, const TableReport* b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return a->rows_source > b->rows_source;
  });
  return tables;
}

// Why somebody should look at a planned table, or "as declared".
std::string AttentionOf(const PlannedTable& planned) {
  std::string out;
  const auto add = [&](int n, absl::string_view tone, absl::string_view word) {
    if (n == 0) return;
    absl::StrAppend(&out, out.empty() ? "" : "<br>", "<span class=\"", tone, "\">",
                    Counted(static_cast<uint64_t>(n), word), "</span>");
  };
  add(planned.blocking, "bad", "blocking finding");
  add(planned.warnings, "warn", "warning");
  add(planned.otherwise, "warn", "changed type");
  return out.empty() ? "<span class=\"dim\">as declared</span>" : out;
}

// A plan's tables, what needs a look first; with what a copy would take of time and room.
std::string PlannedTables(const Report& report) {
  std::string out =
      "<h2 id=\"tables\">Tables, what needs a look first</h2>\n<div class=\"wide\"><table><tr>"
      "<th class=\"n\">load</th><th>table</th><th class=\"n\">rows</th><th class=\"n\">about</th>"
      "<th class=\"n\">there already</th><th class=\"n\">columns</th><th>look at</th></tr>\n";
  const std::vector<PlannedTable> tables = TablesByAttention(report);
  const size_t shown = std::min(tables.size(), kTablesMax);
  for (size_t i = 0; i < shown; ++i) {
    const TableReport& table = *tables[i].table;
    const std::string where =
        table.where.empty() ? "" : absl::StrCat("<br><span class=\"dim\">only where ",
                                                Html(table.where), "</span>");
    absl::StrAppend(&out, "<tr><td class=\"n\">", tables[i].number, "</td><td>",
                    Html(TableTitle(table)), where, "</td><td class=\"n\">",
                    FormatCount(table.rows_source), "</td><td class=\"n\">",
                    FormatBytes(table.estimated_bytes), "</td><td class=\"n\">",
                    CountOf(table.rows_preexisting), "</td><td class=\"n\">",
                    FormatCount(table.columns.size()), "</td><td>", AttentionOf(tables[i]),
                    "</td></tr>\n");
  }
  for (const TableReport& table : report.tables) {
    if (table.state == "copied" || table.state == "skipped") continue;
    absl::StrAppend(&out, "<tr><td></td><td>", Html(TableTitle(table)),
                    "</td><td></td><td></td><td></td><td></td>",
                    HtmlCell(ComparedWord(table), "dim"), "</tr>\n");
  }
  absl::StrAppend(&out, "</table></div>\n", More(tables.size(), shown));
  const EstimateReport& estimate = report.estimate;
  if (!estimate.known || tables.empty()) return out;
  out += "<h2>What a copy takes</h2>\n<dl>";
  Row("time", absl::StrCat(estimate.measured ? "about " : "perhaps ",
                           FormatSeconds(estimate.seconds)), &out);
  Row("room on the target", absl::StrCat("about ", FormatBytes(estimate.target_bytes)), &out);
  if (estimate.connections_free >= 0) {
    Row("connections", absl::StrCat(estimate.connections_wanted, " of ", estimate.connections_free,
                                    " that are free"), &out);
  }
  Row("basis", estimate.basis, &out);
  return out + "</dl>\n";
}

std::string Tables(const Report& report) {
  if (report.tables.empty()) return "";
  if (report.outcome == "planned") return PlannedTables(report);
  std::vector<const TableFigure*> figures;
  std::string titles = "<th>table</th><th class=\"n\">rows</th>";
  for (const TableFigure& figure : kTableFigures) {
    const bool any = std::any_of(report.tables.begin(), report.tables.end(),
                                 [&](const TableReport& t) { return !figure.text(t).empty(); });
    // Of verify, "copied" would be those that are equal.
    if (!any || (report.command == "verify" && figure.title == "copied")) continue;
    figures.push_back(&figure);
    absl::StrAppend(&titles, "<th class=\"n\">", figure.title, "</th>");
  }
  std::string out = absl::StrCat("<h2 id=\"tables\">Tables</h2>\n<div class=\"wide\"><table><tr>",
                                 titles, "<th>digest</th><th>contents</th></tr>\n");
  const std::vector<const TableReport*> tables = TablesInOrder(report);
  const size_t shown = std::min(tables.size(), kTablesMax);
  for (size_t i = 0; i < shown; ++i) out += TableRow(*tables[i], figures);
  return absl::StrCat(out, "</table></div>\n", More(tables.size(), shown));
}

std::string RowsThatDiffer(const TableReport& table) {
  std::string out;
  const auto count = [&](uint64_t rows, absl::string_view word) {
    if (rows == 0) return;
    absl::StrAppend(&out, out.empty() ? ": " : ", ", FormatCount(rows), " ", word);
  };
  count(table.rows_changed, "changed");
  count(table.rows_missing, "missing in the target");
  count(table.rows_extra, "only in the target");
  count(table.rows_doubled, "doubled");
  return out;
}

std::string Differences(const Report& report) {
  std::string out;
  for (const TableReport* table : TablesInOrder(report)) {
    if (table->differences.empty()) continue;
    absl::StrAppend(&out, "<h3>", Html(TableTitle(*table)), RowsThatDiffer(*table),
                    "</h3>\n<div class=\"wide\"><table><tr><th>row</th><th>column</th><th>kind</th>"
                    "<th>source</th><th>target</th></tr>\n");
    const size_t shown = std::min(table->differences.size(), kDifferencesMax);
    for (size_t i = 0; i < shown; ++i) {
      const DifferenceReport& difference = table->differences[i];
      absl::StrAppend(&out, "<tr>", HtmlCell(difference.key), HtmlCell(difference.column),
                      HtmlCell(difference.kind, "k bad"), HtmlCell(difference.source),
                      HtmlCell(difference.target), "</tr>\n");
    }
    absl::StrAppend(&out, "</table></div>\n", More(table->differences.size(), shown));
  }
  return out.empty() ? "" : "<h2 id=\"differences\">Differences</h2>\n" + out;
}

std::string StageTimes(const Report& report) {
  std::string words;
  for (const StageReport& stage : report.stages) {
    absl::StrAppend(&words, words.empty() ? "" : " &middot; ", StageName(stage.stage), " ",
                    FormatSeconds(stage.seconds));
  }
  return words.empty() ? "" : absl::StrCat("<p class=\"dim\">", words, "</p>\n");
}

std::string Time(const Report& report) {
  const std::string timeline = TimelinePlot(report.timeline);
  const std::string rates = ThroughputPlot(report.timeline);
  const std::string shares = SharePlot(report.timeline);
  const std::string words = StageTimes(report);
  if (timeline.empty() && words.empty()) return "";
  std::string out = absl::StrCat("<h2 id=\"time\">Where the time went</h2>\n", words, timeline);
  if (!rates.empty()) {
    absl::StrAppend(&out, "<h3>Throughput</h3>\n<p class=\"dim\">All workers together: read by "
                          "plan, sent by data, read back by verify.</p>\n", rates);
  }
  if (!shares.empty()) {
    absl::StrAppend(&out, "<h3>Time by table</h3>\n<p class=\"dim\">Of all workers; where several "
                          "work side by side, the sum is more than the time that passed.</p>\n",
                    shares);
  }
  return out;
}

std::string ValuesOf(const ColumnReport& column) {
  std::string out;
  for (size_t c = 0; c < kStorageClassCount; ++c) {
    if (column.storage_classes[c] == 0) continue;
    absl::StrAppend(&out, out.empty() ? "" : ", ", FormatCount(column.storage_classes[c]), " ",
                    StorageClassName(static_cast<StorageClass>(c)));
  }
  return out;
}

std::string CoercionsOf(const ColumnReport& column) {
  std::string out;
  for (const CoercionReport& coercion : column.coercions) {
    absl::StrAppend(&out, out.empty() ? "" : "<br>", FormatCount(coercion.count), " ",
                    Html(coercion.from), " &rarr; ", Html(coercion.to));
    if (!coercion.rule.empty()) absl::StrAppend(&out, " by rule ", Html(coercion.rule));
    if (!coercion.example.empty()) {
      absl::StrAppend(&out, ", such as <code>", Html(coercion.example), "</code>");
    }
  }
  return out;
}

std::string ColumnRow(const ColumnReport& column) {
  const std::string name = column.source_name == column.target_name || column.target_name.empty()
                               ? Html(column.source_name)
                               : absl::StrCat(Html(column.source_name), " &rarr; ",
                                              Html(column.target_name));
  std::string back = "yes";
  if (!column.round_trips) {
    back = absl::StrCat("not exactly",
                        column.round_trip_loss.empty() ? "" : ": ", Html(column.round_trip_loss));
  }
  return absl::StrCat("<tr><td>", name, "</td>", HtmlCell(column.declared_type),
                      HtmlCell(column.target_type, IsAsDeclared(column) ? "" : "warn"),
                      HtmlCell(column.reason), HtmlCell(ValuesOf(column)), "<td>",
                      CoercionsOf(column), "</td><td>", back, "</td></tr>\n");
}

std::string Columns(const Report& report) {
  std::string out;
  const bool few = report.tables.size() <= 6;
  for (const TableReport* table : TablesInOrder(report)) {
    if (table->columns.empty()) continue;
    size_t otherwise = 0;
    for (const ColumnReport& column : table->columns) otherwise += IsAsDeclared(column) ? 0 : 1;
    absl::StrAppend(&out, "<details", few || otherwise > 0 ? " open" : "", "><summary><b>",
                    Html(TableTitle(*table)), "</b> <span class=\"dim\">",
                    Counted(table->columns.size(), "column"), otherwise == 0 ? "" : ", ",
                    otherwise == 0 ? "" : absl::StrCat(otherwise, " not as declared"),
                    "</span></summary>\n<div class=\"wide\"><table><tr><th>column</th>"
                    "<th>declared</th><th>in PostgreSQL</th><th>why</th><th>values</th>"
                    "<th>changed form</th><th>comes back</th></tr>\n");
    const size_t shown = std::min(table->columns.size(), kColumnsMax);
    for (size_t i = 0; i < shown; ++i) out += ColumnRow(table->columns[i]);
    absl::StrAppend(&out, "</table></div>", More(table->columns.size(), shown), "</details>\n");
  }
  if (out.empty()) return "";
  return absl::StrCat("<h2 id=\"types\">Types and coercions</h2>\n<p class=\"dim\">Types that are "
                      "not as declared are marked; \"comes back\" says whether revert gives every "
                      "value as it was.</p>\n", out);
}

std::string ObjectTitle(const ObjectReport& object) {
  std::string out = Html(KindWords(object.kind));
  if (!object.name.empty()) absl::StrAppend(&out, " <b>", Html(object.name), "</b>");
  if (!object.table.empty()) absl::StrAppend(&out, " on ", Html(object.table));
  return out;
}

std::string Objects(const Report& report) {
  if (report.objects.empty()) return "";
  std::string lost, rest;
  size_t lost_count = 0, rest_count = 0;
  for (const ObjectReport& object : report.objects) {
    if (lost_count + rest_count == kObjectsMax) break;
    if (object.state == "not_carried") {
      ++lost_count;
      absl::StrAppend(&lost, "<div class=\"note warn\"><p>", ObjectTitle(object),
                      object.reason.empty() ? "" : ": ", Html(object.reason), "</p>");
      if (!object.sql.empty()) absl::StrAppend(&lost, "<pre>", HtmlLines(object.sql), "</pre>");
      lost += "</div>\n";
      continue;
    }
    ++rest_count;
    absl::StrAppend(&rest, "<tr>", HtmlCell(object.state, "k dim"), "<td>", ObjectTitle(object),
                    object.reason.empty() ? "" : "<br>", Html(object.reason));
    if (!object.sql.empty()) {
      absl::StrAppend(&rest, "<br><code>", Html(object.sql), "</code>");
    }
    rest += "</td></tr>\n";
  }
  std::string out = "<h2 id=\"objects\">Indexes, constraints, views, triggers</h2>\n";
  if (lost_count > 0) {
    absl::StrAppend(&out, "<h3>Not carried over: ", FormatCount(lost_count), "</h3>\n", lost);
  }
  if (rest_count > 0) {
    absl::StrAppend(&out, "<details", rest_count <= 20 ? " open" : "", "><summary>",
                    Counted(rest_count, "object"),
                    report.outcome == "planned" ? " to make" : " carried over",
                    "</summary>\n<div class=\"wide\"><table>\n", rest,
                    "</table></div></details>\n");
  }
  return out + More(report.objects.size(), kObjectsMax);
}

std::string Sequences(const Report& report) {
  if (report.sequences.empty()) return "";
  std::string out = absl::StrCat(
      "<h2>Sequences</h2>\n<details", report.sequences.size() <= 20 ? " open" : "", "><summary>",
      Counted(report.sequences.size(), "sequence"), " set</summary>\n<div class=\"wide\"><table>"
      "<tr><th>column</th><th>sequence</th><th class=\"n\">last value</th>"
      "<th class=\"n\">next value</th></tr>\n");
  for (const SequenceReport& sequence : report.sequences) {
    absl::StrAppend(&out, "<tr>", HtmlCell(absl::StrCat(sequence.table, ".", sequence.column)),
                    HtmlCell(sequence.name), "<td class=\"n\">", sequence.last_value,
                    "</td><td class=\"n\">",
                    sequence.exhausted ? "none is left" : absl::StrCat(sequence.next_value),
                    "</td></tr>\n");
  }
  return out + "</table></div></details>\n";
}

std::string Samples(const Report& report) {
  if (report.samples.empty()) return "";
  const size_t shown = std::min(report.samples.size(), kSamplesMax);
  std::string out = absl::StrCat(
      "<h2>Samples</h2>\n<p class=\"dim\">Source values that were given to the server as text; it "
      "said itself whether what is stored is the same.</p>\n<details><summary>",
      Counted(report.samples.size(), "value"), "</summary>\n<div class=\"wide\"><table><tr>"
      "<th></th><th>column</th><th>source</th><th>stored</th></tr>\n");
  for (size_t i = 0; i < shown; ++i) {
    const ValueSample& sample = report.samples[i];
    absl::StrAppend(&out, "<tr>",
                    !sample.judged ? HtmlCell("not judged", "k dim")
                    : sample.equal ? HtmlCell("equal", "k good")
                                   : HtmlCell("differs", "k bad"),
                    HtmlCell(absl::StrCat(sample.table, ".", sample.column)),
                    HtmlCell(sample.source), HtmlCell(sample.stored), "</tr>\n");
  }
  return absl::StrCat(out, "</table></div></details>\n", More(report.samples.size(), shown));
}

std::string Runs(const Report& report) {
  if (report.runs.empty()) return "";
  std::string out =
      "<h2>Runs</h2>\n<div class=\"wide\"><table><tr><th>run</th><th>state</th><th>command</th>"
      "<th>stage</th><th class=\"n\">rows</th><th>started</th><th>source</th><th>next</th></tr>\n";
  for (const RunReport& run : report.runs) {
    absl::StrAppend(&out, "<tr>", HtmlCell(run.run_id.substr(0, 8)), HtmlCell(run.state),
                    HtmlCell(run.command), HtmlCell(run.stage), HtmlCount(run.rows),
                    HtmlCell(run.started_at), HtmlCell(run.source_path), HtmlCell(run.next_step),
                    "</tr>\n");
  }
  return out + "</table></div>\n";
}

std::string Facts(const Report& report) {
  std::string out = "<h2>The run</h2>\n<dl>";
  Row("run", report.run_id, &out);
  Row("source", report.source.path, &out);
  if (report.source.bytes > 0) {
    Row("file", absl::StrCat(FormatBytes(static_cast<uint64_t>(report.source.bytes)), ", ",
                             report.source.encoding, ", pages of ", report.source.page_size,
                             " bytes, fingerprint ", report.source.fingerprint),
        &out);
  }
  Row("snapshot", report.source.snapshot, &out);
  for (const Report::SourceFile& file : report.source.files) {
    Row(file.value, absl::StrCat(file.path, ": ", file.rows, " rows, ",
                                 FormatBytes(static_cast<uint64_t>(file.bytes))),
        &out);
  }
  Row("target", report.target.conninfo_shown, &out);
  Row("cluster", report.target.embedded_dir, &out);
  Row("database", report.target.database, &out);
  Row("schema", report.target.schema, &out);
  Row("server", ServerOf(report), &out);
  const Report::Resources& used = report.resources;
  Row("used", absl::StrCat("CPU of this program ", FormatSeconds(used.client_cpu_seconds),
                           ", memory ",
                           FormatBytes(static_cast<uint64_t>(
                               std::max<int64_t>(0, used.peak_rss_bytes))),
                           ", ", Counted(static_cast<uint64_t>(std::max(0, used.streams_max)),
                                         "stream")),
      &out);
  return out + "</dl>\n";
}

std::string Lines(absl::string_view title, const std::vector<std::string>& lines, bool open) {
  if (lines.empty()) return "";
  std::string out = absl::StrCat("<h2>", title, "</h2>\n<details", open ? " open" : "",
                                 "><summary>", Counted(lines.size(), "line"), "</summary><pre>");
  for (const std::string& line : lines) absl::StrAppend(&out, Html(line), "\n");
  return out + "</pre></details>\n";
}

std::string NextSteps(const Report& report) {
  if (report.next_steps.empty()) return "";
  std::string out = "<h2>What now</h2>\n<pre>";
  for (const std::string& line : report.next_steps) absl::StrAppend(&out, Html(line), "\n");
  return out + "</pre>\n";
}

}  // namespace

std::string ReportToHtml(const Report& report) {
  return absl::StrCat(
      kReportHead, "<title>lite2pg ", Html(report.command), ": ", Html(report.outcome),
      "</title></head><body>\n", Top(report), Tiles(report), Errors(report), NextSteps(report),
      Findings(report), Differences(report), Tables(report), Time(report), Columns(report),
      Objects(report), Sequences(report), Samples(report), Runs(report), Facts(report),
      Lines("To take it back", report.undo_sql, report.undo_sql.size() <= 20),
      "<footer>lite2pg ", LITE2PG_VERSION, ", exit code ", static_cast<int>(report.exit_code),
      "</footer>\n</body></html>\n");
}

}  // namespace lite2pg
