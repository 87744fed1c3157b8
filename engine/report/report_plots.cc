#include "engine/report/report_plots.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/html.h"

namespace lite2pg {
namespace {

// All pictures are 1000 wide; the gutters hold labels, so that the times of two pictures, one below
// the other, stand at the same place.
constexpr double kWidth = 1000, kLeft = 92, kRight = 12;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kStageHeight = 22, kLaneHeight = 16, kLaneGap = 3, kAxisHeight = 22;
constexpr double kPanelHeight = 88;
constexpr int kLanesMax = 24;       // more would be thinner than a line of text
constexpr size_t kColorsOfTables = 8;
constexpr size_t kBarsMax = 14;
constexpr double kCharWidth = 7.2;  // of the 12-unit font, at most on average

std::string Seconds(double seconds) { return FormatSeconds(std::max(0.0, seconds)); }

double EndOf(const TimelineReport& timeline) {
  double end = 0;
  for (const auto& stage : timeline.stages) end = std::max(end, stage.end);
  for (const auto& span : timeline.spans) end = std::max(end, span.end);
  return end;
}

std::string Text(double x, double y, absl::string_view anchor, absl::string_view untrusted,
                 absl::string_view css = "") {
  return absl::StrCat("<text x=\"", HtmlNumber(x), "\" y=\"", HtmlNumber(y), "\" text-anchor=\"",
                      anchor, css.empty() ? "" : "\" class=\"", css, "\">", Html(untrusted),
                      "</text>");
}

std::string Rect(double x, double y, double width, double height, absl::string_view css,
                 absl::string_view untrusted_title) {
  return absl::StrCat("<rect x=\"", HtmlNumber(x), "\" y=\"", HtmlNumber(y), "\" width=\"",
                      HtmlNumber(std::max(width, 0.8)), "\" height=\"", HtmlNumber(height),
                      "\" class=\"", css, "\"><title>", Html(untrusted_title), "</title></rect>");
}

std::string Svg(double height, absl::string_view label, const std::string& body) {
  return absl::StrCat("<div class=\"wide\"><svg viewBox=\"0 0 ", HtmlNumber(kWidth), " ",
                      HtmlNumber(height), "\" role=\"img\" aria-label=\"", label, "\">\n", body,
                      "</svg></div>\n");
}

// 1, 2 or 5 times a power of ten, so that about `wanted` of them make `whole`.
double Step(double whole, int wanted) {
  const double rough = whole / wanted;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

class TimeScale {
 public:
  explicit TimeScale(double end) : end_(std::max(end, 1e-6)) {}
  double X(double at) const { return kLeft + std::clamp(at / end_, 0.0, 1.0) * kPlotWidth; }

  // Thin lines over `height`, and their times below it.
  std::string Axis(double height) const {
    std::string out;
    const double step = Step(end_, 8);
    for (int i = 0; i * step <= end_ * 1.0001; ++i) {
      const double at = i * step;
      absl::StrAppend(&out, "<line x1=\"", HtmlNumber(X(at)), "\" x2=\"", HtmlNumber(X(at)),
                      "\" y1=\"0\" y2=\"", HtmlNumber(height), "\" class=\"grid\"/>");
      const bool last = X(at) > kWidth - 30;
      absl::StrAppend(&out, Text(X(at), height + 15, last ? "end" : at == 0 ? "start" : "middle",
                                 at == 0 ? "0" : Seconds(at), "axis"));
    }
    return out + "\n";
  }

 private:
  double end_;
};

// Tables have the colour of their place in the list of shares; the many small ones share one.
std::map<std::string, size_t> ColorsOf(const TimelineReport& timeline) {
  std::map<std::string, size_t> colors;
  for (const auto& share : timeline.shares) {
    if (share.table.empty()) continue;
    if (colors.size() + 1 == kColorsOfTables) break;
    colors.emplace(share.table, colors.size());
  }
  return colors;
}

std::string ColorClass(const std::map<std::string, size_t>& colors, const std::string& table) {
  const auto found = colors.find(table);
  return absl::StrCat("c", found == colors.end() ? kColorsOfTables - 1 : found->second);
}

std::string StageBars(const TimelineReport& timeline, const TimeScale& scale) {
  std::string out = Text(kLeft - 8, 15, "end", "stage", "axis");
  for (const auto& stage : timeline.stages) {
    const std::string name(StageName(stage.stage));
    const double x = scale.X(stage.begin), width = scale.X(stage.end) - x;
    absl::StrAppend(&out,
                    Rect(x, 0, width, kStageHeight,
                         absl::StrCat("s", static_cast<int>(stage.stage)),
                         absl::StrCat(name, ": ", Seconds(stage.end - stage.begin), ", from ",
                                      Seconds(stage.begin))));
    if (width > kCharWidth * static_cast<double>(name.size()) + 6) {
      absl::StrAppend(&out, Text(x + width / 2, 15, "middle", name, "on"));
    }
  }
  return out + "\n";
}

std::string TitleOf(const TimelineReport::Span& span) {
  std::string out = absl::StrCat(StageName(span.stage), ": ", span.table);
  if (!span.what.empty()) absl::StrAppend(&out, span.table.empty() ? "" : ", ", span.what);
  if (span.parts > 1) absl::StrAppend(&out, " and ", FormatCount(span.parts - 1), " more");
  if (span.rows > 0) absl::StrAppend(&out, ", ", FormatCount(span.rows), " rows");
  if (span.bytes > 0) absl::StrAppend(&out, ", ", FormatBytes(span.bytes));
  return absl::StrCat(out, ", ", Seconds(span.end - span.begin));
}

std::string Legend(const std::map<std::string, size_t>& colors, bool others) {
  std::vector<std::string> names(colors.size());
  for (const auto& [table, color] : colors) names[color] = table;
  std::string out = "<p class=\"legend\">";
  for (size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&out, "<span><i class=\"c", i, "\"></i>", Html(names[i]), "</span> ");
  }
  if (others) {
    absl::StrAppend(&out, "<span><i class=\"c", kColorsOfTables - 1, "\"></i>others</span>");
  }
  return out + "</p>\n";
}

struct Panel {
  absl::string_view label, unit;
  double (*value)(const TimelineReport::Rate&);
  std::string (*format)(double);
};

constexpr Panel kPanels[] = {
    {"rows/s", " rows/s", [](const TimelineReport::Rate& r) { return static_cast<double>(r.rows); },
     [](double v) { return FormatCount(static_cast<uint64_t>(v)); }},
    {"bytes/s", "/s", [](const TimelineReport::Rate& r) { return static_cast<double>(r.bytes); },
     [](double v) { return FormatBytes(static_cast<uint64_t>(v)); }},
};

// An area in steps; "" when there is nothing of it.
std::string RatePanel(const std::vector<TimelineReport::Rate>& rates, const Panel& panel,
                      const TimeScale& scale, double top) {
  double most = 0;
  for (const auto& rate : rates) {
    most = std::max(most, panel.value(rate) / (rate.end - rate.begin));
  }
  if (most <= 0) return "";
  const double bottom = top + kPanelHeight;
  const double room = kPanelHeight - 14;
  std::string points = absl::StrCat("M", HtmlNumber(scale.X(rates.front().begin)), " ",
                                    HtmlNumber(bottom));
  for (const auto& rate : rates) {
    const double y = bottom - panel.value(rate) / (rate.end - rate.begin) / most * room;
    absl::StrAppend(&points, "L", HtmlNumber(scale.X(rate.begin)), " ", HtmlNumber(y), "L",
                    HtmlNumber(scale.X(rate.end)), " ", HtmlNumber(y));
  }
  absl::StrAppend(&points, "L", HtmlNumber(scale.X(rates.back().end)), " ", HtmlNumber(bottom),
                  "Z");
  return absl::StrCat(
      "<path d=\"", points, "\" class=\"area\"/>", "<line x1=\"", HtmlNumber(kLeft), "\" x2=\"",
      HtmlNumber(kWidth - kRight), "\" y1=\"", HtmlNumber(bottom), "\" y2=\"", HtmlNumber(bottom),
      "\" class=\"base\"/>", Text(kLeft - 8, bottom - 4, "end", panel.label, "axis"),
      Text(kLeft + 4, top + 11, "start", absl::StrCat("most: ", panel.format(most), panel.unit),
           "axis"),
      "\n");
}

// Cut to a width, between characters.
std::string Shortened(absl::string_view untrusted, double width) {
  const auto room = static_cast<size_t>(width / kCharWidth);
  if (untrusted.size() <= room) return std::string(untrusted);
  size_t end = room - 3;
  while (end > 0 && (static_cast<unsigned char>(untrusted[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(untrusted.substr(0, end), "...");
}

std::string Percent(double part) {
  return part < 0.01 ? "below 1%" : absl::StrCat(std::lround(part * 100), "%");
}

std::string ShareTitle(const TimelineReport::Share& share, size_t stage) {
  return absl::StrCat(share.table, ", ", kStageNames[stage], ": ",
                      Seconds(share.seconds[stage]));
}

}  // namespace

std::string TimelinePlot(const TimelineReport& timeline) {
  const double end = EndOf(timeline);
  if (end <= 0) return "";
  const TimeScale scale(end);
  const std::map<std::string, size_t> colors = ColorsOf(timeline);
  std::set<int> workers;
  for (const auto& span : timeline.spans) workers.insert(span.worker);
  std::map<int, double> tops;
  for (const int worker : workers) {
    if (tops.size() == kLanesMax) break;
    const double below = static_cast<double>(tops.size()) * (kLaneHeight + kLaneGap);
    tops.emplace(worker, kStageHeight + 6 + below);
  }
  const double height =
      kStageHeight + 6 + static_cast<double>(tops.size()) * (kLaneHeight + kLaneGap);
  std::string body = scale.Axis(height) + StageBars(timeline, scale);
  bool others = false;
  for (const auto& [worker, top] : tops) {
    absl::StrAppend(&body, Text(kLeft - 8, top + 12, "end", absl::StrCat("worker ", worker + 1),
                                "axis"));
  }
  for (const auto& span : timeline.spans) {
    const auto top = tops.find(span.worker);
    if (top == tops.end()) continue;
    others |= colors.count(span.table) == 0;
    absl::StrAppend(&body, Rect(scale.X(span.begin), top->second,
                                scale.X(span.end) - scale.X(span.begin), kLaneHeight,
                                ColorClass(colors, span.table), TitleOf(span)));
  }
  std::string out = Svg(height + kAxisHeight, "stages and workers along the time", body + "\n");
  if (!tops.empty()) out += Legend(colors, others);
  if (workers.size() > tops.size()) {
    absl::StrAppend(&out, "<p class=\"dim\">and ", workers.size() - tops.size(),
                    " more workers</p>\n");
  }
  return out;
}

std::string ThroughputPlot(const TimelineReport& timeline) {
  const double end = EndOf(timeline);
  if (end <= 0 || timeline.rates.empty()) return "";
  const TimeScale scale(end);
  std::string panels;
  double top = 0;
  for (const Panel& panel : kPanels) {
    const std::string drawn = RatePanel(timeline.rates, panel, scale, top);
    if (drawn.empty()) continue;
    panels += drawn;
    top += kPanelHeight + 6;
  }
  if (panels.empty()) return "";
  std::string stages;
  for (const auto& stage : timeline.stages) {
    const double x = scale.X(stage.begin);
    absl::StrAppend(&stages, Rect(x, 0, scale.X(stage.end) - x, top,
                                  absl::StrCat("band s", static_cast<int>(stage.stage)),
                                  StageName(stage.stage)));
  }
  return Svg(top + kAxisHeight, "rows and bytes per second along the time",
             stages + scale.Axis(top) + panels);
}

std::string SharePlot(const TimelineReport& timeline) {
  std::vector<TimelineReport::Share> bars;
  TimelineReport::Share rest;
  size_t joined = 0;
  double whole = 0;
  std::array<bool, kStageCount> used{};
  for (const auto& share : timeline.shares) {
    whole += share.total();
    for (size_t i = 0; i < kStageCount; ++i) used[i] |= share.seconds[i] > 0;
    if (bars.size() < kBarsMax && !share.table.empty()) {
      bars.push_back(share);
      continue;
    }
    ++joined;
    for (size_t i = 0; i < kStageCount; ++i) rest.seconds[i] += share.seconds[i];
  }
  if (joined > 0) {
    rest.table = absl::StrCat(joined, " others");
    bars.push_back(rest);
  }
  if (whole <= 0) return "";
  double most = 0;
  for (const auto& bar : bars) most = std::max(most, bar.total());
  constexpr double kNames = 200, kFigures = 130, kRow = 22;
  std::string body;
  double y = 0;
  for (const auto& bar : bars) {
    absl::StrAppend(&body, Text(kNames - 8, y + 15, "end", Shortened(bar.table, kNames - 12)));
    double x = kNames;
    for (size_t i = 0; i < kStageCount; ++i) {
      if (bar.seconds[i] <= 0) continue;
      const double width = bar.seconds[i] / most * (kWidth - kNames - kFigures);
      absl::StrAppend(&body, Rect(x, y + 3, width, kRow - 7, absl::StrCat("s", i),
                                  ShareTitle(bar, i)));
      x += width;
    }
    absl::StrAppend(&body,
                    Text(x + 6, y + 15, "start",
                         absl::StrCat(Seconds(bar.total()), ", ", Percent(bar.total() / whole)),
                         "axis"),
                    "\n");
    y += kRow;
  }
  std::string legend = "<p class=\"legend\">";
  for (size_t i = 0; i < kStageCount; ++i) {
    if (!used[i]) continue;
    absl::StrAppend(&legend, "<span><i class=\"s", i, "\"></i>", kStageNames[i], "</span> ");
  }
  return Svg(y + 4, "time of the workers by table", body) + legend + "</p>\n";
}

}  // namespace lite2pg
