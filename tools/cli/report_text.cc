#include "tools/cli/report_text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"

namespace lite2pg {
namespace {

// More lines than a screen or two hide what matters; -v and the report have everything.
constexpr size_t kTablesShown = 40;
constexpr size_t kDifferencesShown = 20;
constexpr size_t kObjectsShown = 20;
constexpr size_t kUndoShown = 3;
constexpr size_t kSamplesShown = 60;

std::string Headline(const Report& report, const Style& style) {
  const Tone tone = ToneOf(report);
  const absl::string_view mark = tone == Tone::kGood      ? (style.utf8 ? "\xe2\x9c\x93 " : "")
                                 : tone == Tone::kWarning ? (style.utf8 ? "! " : "")
                                                          : (style.utf8 ? "\xe2\x9c\x97 " : "");
  const Color color = tone == Tone::kGood      ? Color::kGreen
                      : tone == Tone::kWarning ? Color::kYellow
                                               : Color::kRed;
  std::string out;
  for (const std::string& line : Wrap(absl::StrCat(mark, Shown(OutcomeSentence(report), style)),
                                      static_cast<size_t>(style.width))) {
    absl::StrAppend(&out, Paint(color, line, style), "\n");
  }
  return out;
}

std::string Facts(const Report& report, const Style& style) {
  std::string out;
  const auto fact = [&](absl::string_view label, const std::string& text) {
    if (text.empty()) return;
    absl::StrAppend(&out, Hanging(absl::StrCat("  ", PadRight(label, 8)), text, style));
  };
  std::string source = ShownName(report.source.path, style);
  if (report.source.bytes > 0) {
    absl::StrAppend(&source, " (", FormatBytes(static_cast<uint64_t>(report.source.bytes)),
                    report.source.encoding.empty() ? "" : ", ",
                    Shown(report.source.encoding, style), ")");
  }
  // revert has the file as its result.
  fact(report.command == "revert" ? "file" : "source", source);
  std::string target = Shown(report.target.conninfo_shown, style);
  if (target.empty()) target = ShownName(report.target.embedded_dir, style);
  if (!report.target.schema.empty()) {
    absl::StrAppend(&target, target.empty() ? "schema " : ", schema ",
                    ShownName(report.target.schema, style));
  }
  if (!report.target.server_version.empty()) {
    absl::StrAppend(&target, " (", report.target.dialect.empty() ? "PostgreSQL" : "",
                    Shown(report.target.dialect, style), " ",
                    Shown(report.target.server_version, style), ")");
  }
  fact("target", target);
  fact("run", Shown(report.run_id, style));
  return out;
}

// Rows that say that something is wrong come first; then by size.
std::vector<const TableReport*> TablesInOrder(const Report& report) {
  std::vector<const TableReport*> tables;
  for (const TableReport& table : report.tables) tables.push_back(&table);
  const auto rank = [](const TableReport* t) {
    if (t->compared && !t->equal) return 0;
    if (t->rows_rejected > 0) return 1;
    return t->state == "copied" ? 2 : t->state == "skipped" ? 3 : 4;
  };
  std::stable_sort(tables.begin(), tables.end(), [&](const TableReport* a, const TableReport* b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return a->rows_source > b->rows_source;
  });
  return tables;
}

std::string CountOrNothing(uint64_t n) { return n == 0 ? "" : FormatCount(n); }

std::string TablesText(const Report& report, bool all, const Style& style) {
  TextTable text({{"table", false, true, 0},
                  {"rows", true, false, 0},
                  {"skipped", true, false, 1},
                  {"rejected", true, false, 1},
                  {"filled", true, false, 2},
                  {"before", true, false, 2},
                  {"bytes", true, false, 4},
                  {"time", true, false, 3},
                  {"streams", true, false, 5},
                  {"contents", false, false, 0}});
  const std::vector<const TableReport*> tables = TablesInOrder(report);
  const size_t shown = all ? tables.size() : std::min(tables.size(), kTablesShown);
  for (size_t i = 0; i < shown; ++i) {
    const TableReport& t = *tables[i];
    const bool loaded = t.state == "copied" || t.state == "skipped";
    const Color color = t.compared ? (t.equal ? Color::kGreen : Color::kRed) : Color::kDim;
    const std::string partial = t.where.empty() ? "" : " (part)";
    text.AddRow({{ShownName(t.source_name, style) +
                  (t.target_name.empty() || t.target_name == t.source_name
                       ? ""
                       : absl::StrCat(" -> ", ShownName(t.target_name, style)))},
                 {loaded ? FormatCount(t.rows_source) : CountOrNothing(t.rows_source)},
                 {CountOrNothing(t.rows_skipped)},
                 {CountOrNothing(t.rows_rejected), Color::kYellow},
                 {CountOrNothing(t.rows_filled)},
                 {CountOrNothing(t.rows_preexisting)},
                 {t.bytes == 0 ? "" : FormatBytes(t.bytes)},
                 {t.seconds <= 0 ? "" : FormatSeconds(t.seconds)},
                 {t.streams <= 1 ? "" : FormatCount(static_cast<uint64_t>(t.streams))},
                 {Shown(ComparedWord(t), style) + partial, color}});
  }
  if (text.empty()) return "";
  std::string out = absl::StrCat("\n", text.Render(style));
  if (shown < tables.size()) {
    absl::StrAppend(&out, Hanging("  ", absl::StrCat("and ", tables.size() - shown,
                                                     " more tables: -v or --report shows them"),
                                  style));
  }
  return out;
}

// ": 3 changed, 1 missing", of all rows and not only of those described; "" where none is counted.
std::string DifferenceCounts(const TableReport& table) {
  std::string out;
  const auto count = [&](uint64_t rows, absl::string_view word) {
    if (rows == 0) return;
    absl::StrAppend(&out, out.empty() ? ": " : ", ", FormatCount(rows), " ", word);
  };
  count(table.rows_changed, "changed");
  count(table.rows_missing, "missing");
  count(table.rows_extra, "extra");
  count(table.rows_doubled, "doubled");
  return out;
}

std::string DifferencesText(const Report& report, bool all, const Style& style) {
  std::string out;
  for (const TableReport& table : report.tables) {
    if (table.differences.empty()) continue;
    const size_t count = table.differences.size();
    const size_t shown = all ? count : std::min(count, kDifferencesShown);
    absl::StrAppend(&out, "\n", Hanging("", absl::StrCat("Differences in ",
                                                         ShownName(table.source_name, style),
                                                         DifferenceCounts(table)),
                                        style));
    TextTable text({{"row", false, true, 0},
                    {"column", false, true, 0},
                    {"kind", false, false, 1},
                    {"source", false, true, 0},
                    {"target", false, true, 0}});
    for (size_t i = 0; i < shown; ++i) {
      const DifferenceReport& d = table.differences[i];
      text.AddRow({{Shown(d.key, style)},
                   {ShownName(d.column, style)},
                   {Shown(d.kind, style)},
                   {Shown(d.source, style)},
                   {Shown(d.target, style)}});
    }
    out += text.Render(style);
    if (shown < count) {
      absl::StrAppend(&out, Hanging("  ", absl::StrCat("and ", count - shown, " more"), style));
    }
  }
  return out;
}

std::string ObjectsText(const Report& report, bool all, const Style& style) {
  size_t carried = 0;
  std::vector<const ObjectReport*> worth_showing;
  for (const ObjectReport& object : report.objects) {
    const bool as_it_was = object.state == "created" || object.state == "kept";
    carried += as_it_was ? 1 : 0;
    if (!as_it_was || all) worth_showing.push_back(&object);
  }
  if (report.objects.empty()) return "";
  std::stable_sort(worth_showing.begin(), worth_showing.end(),
                   [](const ObjectReport* a, const ObjectReport* b) {
                     return (a->state == "not_carried") > (b->state == "not_carried");
                   });
  std::string out = "\n";
  uint64_t lost = 0;
  for (const ObjectReport* object : worth_showing) lost += object->state == "not_carried" ? 1 : 0;
  const uint64_t otherwise = report.objects.size() - carried - lost;
  const bool planned = report.outcome == "planned";
  std::string counts = absl::StrCat("Objects: ", FormatCount(carried),
                                    planned ? " would be made as they are" : " made as they were");
  if (otherwise > 0) absl::StrAppend(&counts, ", ", FormatCount(otherwise), " translated");
  absl::StrAppend(&counts, ", ", lost == 0 ? "none" : FormatCount(lost), " not carried over");
  absl::StrAppend(&out, Hanging("", counts, style));
  const size_t shown = all ? worth_showing.size() : std::min(worth_showing.size(), kObjectsShown);
  for (size_t i = 0; i < shown; ++i) {
    const ObjectReport& object = *worth_showing[i];
    const bool is_lost = object.state == "not_carried";
    std::string text = absl::StrCat(Shown(KindWords(object.kind), style), " ",
                                    ShownName(object.name, style));
    if (!object.table.empty()) absl::StrAppend(&text, " on ", ShownName(object.table, style));
    if (!object.reason.empty()) absl::StrAppend(&text, ": ", Shown(object.reason, style));
    const std::string state = is_lost ? "not carried" : Shown(object.state, style);
    const std::string block = Hanging(absl::StrCat("  ", PadRight(state, 13)), text, style);
    absl::StrAppend(&out, "  ", Paint(is_lost ? Color::kYellow : Color::kDim, state, style),
                    absl::string_view(block).substr(2 + state.size()));
  }
  if (shown < worth_showing.size()) {
    absl::StrAppend(&out, "  and ", worth_showing.size() - shown, " more: -v or --report\n");
  }
  return out;
}

std::string SequencesText(const Report& report, bool all, const Style& style) {
  if (report.sequences.empty()) return "";
  std::string out = absl::StrCat("\n", Counted(report.sequences.size(), "sequence"), " set\n");
  for (const SequenceReport& sequence : report.sequences) {
    if (!all && !sequence.exhausted) continue;
    const std::string next = sequence.exhausted ? "exhausted: no next value"
                                                : absl::StrCat("next is ", sequence.next_value);
    absl::StrAppend(&out, Hanging("  ", absl::StrCat(ShownName(sequence.table, style), ".",
                                                     ShownName(sequence.column, style), ": ", next),
                                  style));
  }
  return out;
}

std::string TimesText(const Report& report, const Style& style) {
  std::string stages;
  for (const StageReport& stage : report.stages) {
    absl::StrAppend(&stages, stages.empty() ? "" : ", ", StageName(stage.stage), " ",
                    FormatSeconds(stage.seconds));
  }
  std::string out = stages.empty() ? "" : absl::StrCat("\n", Hanging("stages   ", stages, style));
  const Report::Resources& used = report.resources;
  if (used.peak_rss_bytes > 0) {
    std::string text = absl::StrCat("CPU ", FormatSeconds(used.client_cpu_seconds), ", memory ",
                                    FormatBytes(static_cast<uint64_t>(used.peak_rss_bytes)));
    if (used.streams_max > 0) absl::StrAppend(&text, ", ", Counted(used.streams_max, "stream"));
    absl::StrAppend(&out, Hanging("used     ", text, style));
  }
  return out;
}

// What to type now. These lines are for copying and stay whole, whatever the width.
std::string NextText(const Report& report, bool all, const Style& style) {
  std::string out;
  if (!report.undo_sql.empty()) {
    const size_t count = report.undo_sql.size();
    const size_t shown = all ? count : std::min(count, kUndoShown);
    out += "\nTo take it back, on the target (the source was not touched):\n";
    for (size_t i = 0; i < shown; ++i) {
      absl::StrAppend(&out, "  ", Shown(report.undo_sql[i], style), "\n");
    }
    if (shown < count) {
      absl::StrAppend(&out, "  and ", count - shown,
                      " more statements: lite2pg status --undo-sql prints all\n");
    }
  }
  std::vector<std::string> steps = report.next_steps;
  const bool is_loaded = report.outcome != "planned" && ToneOf(report) != Tone::kBad;
  if (!report.target.embedded_dir.empty() && is_loaded) {
    // The contract: the last line printed is the one that brings the cluster up.
    const std::string serve = "lite2pg serve " + ShellQuote(report.target.embedded_dir);
    steps.erase(std::remove(steps.begin(), steps.end(), serve), steps.end());
    steps.push_back(serve);
  }
  if (steps.empty()) return out;
  out += "\nNext:\n";
  for (const std::string& step : steps) absl::StrAppend(&out, "  ", Shown(step, style), "\n");
  return out;
}

// With -v: what was looked at closely, JSON first, where a copier goes wrong most easily.
std::string SamplesText(const Report& report, const Style& style) {
  if (report.samples.empty()) return "";
  std::vector<const ValueSample*> samples;
  for (const ValueSample& sample : report.samples) samples.push_back(&sample);
  std::stable_partition(samples.begin(), samples.end(), [](const ValueSample* sample) {
    return absl::StartsWith(sample->stored, "{") || absl::StartsWith(sample->stored, "[");
  });
  const size_t shown = std::min(samples.size(), kSamplesShown);
  std::string out = "\nSamples (source value, what is stored, the server's own reading)\n";
  for (size_t i = 0; i < shown; ++i) {
    const ValueSample& sample = *samples[i];
    const absl::string_view verdict = !sample.judged  ? "not judged"
                                      : sample.equal ? "equal"
                                                     : "DIFFERS";
    absl::StrAppend(&out, Hanging(absl::StrCat("  ", PadRight(verdict, 11)),
                                  absl::StrCat(ShownName(sample.table, style), ".",
                                               ShownName(sample.column, style), ": ",
                                               Shown(sample.source, style), " -> ",
                                               Shown(sample.stored, style)),
                                  style));
  }
  if (shown < samples.size()) {
    absl::StrAppend(&out, "  and ", samples.size() - shown, " more: --report\n");
  }
  return out;
}

}  // namespace

std::string FindingsText(const Report& report, const OutputOptions& output, const Style& style) {
  if (report.findings.empty()) return "";
  std::string out;
  size_t notes_hidden = 0;
  // Where no rows are told of, notes are the answer.
  const bool notes = output.verbose || report.outcome == "planned" || report.tables.empty();
  std::vector<const Finding*> shown;
  for (const Finding* finding : SortedFindings(report)) {
    const bool hidden = finding->severity == Severity::kInfo && !notes;
    notes_hidden += hidden ? 1 : 0;
    if (!hidden) shown.push_back(finding);
  }
  for (size_t i = 0; i < shown.size(); ++i) {
    const Finding& finding = *shown[i];
    const std::string severity(kSeverityNames[static_cast<size_t>(finding.severity)]);
    const Color color = finding.severity == Severity::kBlocking  ? Color::kRed
                        : finding.severity == Severity::kWarning ? Color::kYellow
                                                                 : Color::kDim;
    const std::string object = ShownName(finding.object, style);
    const std::string text = absl::StrCat(ErrorCodeName(finding.code), " ", object,
                                          object.empty() ? "" : ": ",
                                          Shown(finding.message, style));
    const std::string block = Hanging(absl::StrCat("  ", PadRight(severity, 9)), text, style);
    absl::StrAppend(&out, "  ", Paint(color, severity, style),
                    absl::string_view(block).substr(2 + severity.size()));
    // What is to be done about several in a row is said once, behind the last of them.
    const bool again = i + 1 < shown.size() && shown[i + 1]->code == finding.code &&
                       shown[i + 1]->hint == finding.hint;
    if (finding.hint.empty() || again) continue;
    absl::StrAppend(&out, Hanging("           hint: ", Shown(finding.hint, style), style));
  }
  if (notes_hidden > 0) {
    absl::StrAppend(&out, Hanging("  ", absl::StrCat(Counted(notes_hidden, "note"),
                                                     " more: -v or --report shows them"),
                                  style));
  }
  return absl::StrCat("\nFindings\n", out);
}

std::string ReportText(const Report& report, const OutputOptions& output, const Style& style) {
  std::string out = Headline(report, style);
  const bool all = output.verbose;
  if (!output.quiet) {
    absl::StrAppend(&out, Facts(report, style));
    if (report.outcome == "planned") {
      absl::StrAppend(&out, FindingsText(report, output, style), PlanText(report, output, style));
      absl::StrAppend(&out, ObjectsText(report, all, style));
    } else {
      absl::StrAppend(&out, RunsText(report, style), TablesText(report, all, style),
                      DifferencesText(report, all, style), AggregatesText(report, style),
                      FindingsText(report, output, style),
                      ObjectsText(report, all, style), SequencesText(report, all, style),
                      all ? SamplesText(report, style) : "");
    }
    absl::StrAppend(&out, TimesText(report, style));
    if (report.outcome == "planned") out += PlanOffers(output, style);
  }
  if (output.quiet) return out;
  const std::string next = NextText(report, all, style);
  // What has gone off the screen by the end is said again where it can be seen.
  const auto lines = std::count(out.begin(), out.end(), '\n') +
                     std::count(next.begin(), next.end(), '\n');
  const bool off_screen = style.height > 0 && lines >= style.height;
  return absl::StrCat(out, off_screen ? absl::StrCat("\n", Headline(report, style)) : "", next);
}

}  // namespace lite2pg
