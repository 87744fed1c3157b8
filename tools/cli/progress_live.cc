// The live display: finished stages stay as lines; below them the current one is drawn again and
// again, and what each of its workers is at. Only "\r", erase, and cursor-up are used, so that
// every terminal of today shows it.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"
#include "tools/cli/progress.h"

namespace lite2pg {
namespace {

constexpr size_t kStageWidth = 10;
constexpr size_t kBarMin = 8;
constexpr size_t kBarMax = 30;
constexpr size_t kWorkerBar = 10;
constexpr size_t kNameMin = 8;
constexpr size_t kNameMax = 40;
constexpr int kWorkersShown = 16;     // more would be a wall of numbers
constexpr int kWorkersShownLow = 6;   // where the terminal's height is not known
constexpr int kLinesKept = 6;         // of a low terminal, for what stands above
constexpr ptrdiff_t kKeptMax = 100;   // lines that are written again after a change of width

// What the workers of a stage are called.
absl::string_view WorkerName(Stage stage) {
  switch (stage) {
    case Stage::kData: return "stream";
    case Stage::kPlan:
    case Stage::kVerify: return "reader";
    default: return "worker";
  }
}

std::string Bar(double fraction, size_t width, const Style& style) {
  const size_t filled = static_cast<size_t>(std::lround(fraction * static_cast<double>(width)));
  std::string out = style.utf8 ? "" : "[";
  for (size_t i = 0; i < width; ++i) {
    const bool on = i < filled;
    out += style.utf8 ? (on ? "\xe2\x96\x88" : "\xe2\x96\x91") : (on ? "#" : ".");
  }
  return style.utf8 ? out : out + "]";
}

// Two columns between the parts; those that do not fit are left out. `line` ends where the first
// one goes.
std::string AddParts(std::string line, const std::vector<std::string>& parts, size_t width,
                     const Style& style) {
  const size_t begin = line.size();
  for (const std::string& part : parts) {
    const size_t gap = line.size() == begin ? 0 : 2;
    if (DisplayWidth(line) + gap + DisplayWidth(part) > width) continue;
    absl::StrAppend(&line, std::string(gap, ' '), part);
  }
  return Cut(line, width, style);
}

class LiveRenderer : public ProgressRenderer {
 public:
  LiveRenderer(std::ostream& out, const Style& style, AskTerminalSize size, bool verbose)
      : out_(out), style_(style), size_(std::move(size)), verbose_(verbose) {}

  std::chrono::milliseconds tick() const override { return std::chrono::milliseconds(100); }

  void OnEvent(const Event& event, const ProgressSample& sample, Clock::time_point now) override;
  void OnTick(const ProgressSample& sample, Clock::time_point now) override {
    if (!running_) return;
    rate_.Add(now, sample);
    MeasureWorkers(sample, now);
    Draw(ForStage(stage_, sample), now, "");
  }
  void Finish() override {
    if (drawn_ > 0) out_ << Erase() << std::flush;
    running_ = false;
  }

 private:
  // What one worker is at, and how fast.
  struct WorkerRate {
    std::string table, what;
    RateMeter meter;
  };

  // Takes what was drawn away again; the cursor is then where it began.
  std::string Erase() {
    const size_t lines = drawn_;
    drawn_ = 0;
    return lines > 1 ? absl::StrCat("\r\x1b[", lines - 1, "A\x1b[J") : "\r\x1b[J";
  }
  // After a change of width nobody knows how many lines the terminal has made of what was drawn,
  // and it changes before it tells: the screen is cleared, and what stays is written once more.
  std::string Restart() {
    drawn_ = 0;
    const size_t room = terminal_lines_ > kLinesKept ? terminal_lines_ - kLinesKept : 1;
    const size_t first = kept_.size() > room ? kept_.size() - room : 0;
    std::string out = "\x1b[H\x1b[J";
    for (size_t i = first; i < kept_.size(); ++i) absl::StrAppend(&out, kept_[i], "\n");
    return out;
  }
  // Remembers lines that stay, as many as a screen may show.
  void KeepLines(absl::string_view text) {
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!line.empty()) kept_.emplace_back(line);
    }
    if (kept_.size() > kKeptMax) kept_.erase(kept_.begin(), kept_.end() - kKeptMax);
  }
  // `above` is printed for good, then the current stage below it: one write, so nothing flickers.
  void Draw(const ProgressSample& sample, Clock::time_point now, const std::string& above);
  void Note(Color color, absl::string_view word, absl::string_view text,
            const ProgressSample& sample, Clock::time_point now);
  std::string StageLine(const ProgressSample& sample, Clock::time_point now, size_t width) const;
  std::string RatesLine(const ProgressSample& sample, size_t width) const;
  std::vector<std::string> WorkerLines(const ProgressSample& sample, size_t width) const;
  std::string WorkerLine(const Activity& activity, size_t name_width, size_t width) const;
  void MeasureWorkers(const ProgressSample& sample, Clock::time_point now);
  std::string Finished(const ProgressSample& sample, Clock::time_point now) const;
  std::string Counts(const ProgressSample& sample) const;

  std::ostream& out_;
  Style style_;
  AskTerminalSize size_;
  int terminal_lines_ = 0;
  bool verbose_;
  bool running_ = false;
  Stage stage_ = Stage::kInspect;
  Clock::time_point began_;
  RateMeter rate_;
  std::map<int, WorkerRate> workers_;
  size_t drawn_ = 0;                // lines that are drawn again
  std::vector<std::string> kept_;   // lines that stay
};

void LiveRenderer::OnEvent(const Event& event, const ProgressSample& sample,
                           Clock::time_point now) {
  switch (event.kind) {
    case Event::Kind::kStageBegin:
      running_ = true;
      stage_ = event.stage;
      began_ = now;
      workers_.clear();
      rate_.Restart(now, sample);
      Draw(ForStage(stage_, sample), now, "");
      break;
    case Event::Kind::kStageEnd:
      if (!running_) break;
      running_ = false;
      Draw(sample, now, Finished(ForStage(stage_, sample), now));
      break;
    case Event::Kind::kRetry: Note(Color::kYellow, "retry", event.text, sample, now); break;
    case Event::Kind::kWarning: Note(Color::kYellow, "warning", event.text, sample, now); break;
    case Event::Kind::kLog:
      if (verbose_) Note(Color::kDim, "log", event.text, sample, now);
      break;
    case Event::Kind::kFinding:
      if (event.finding.severity == Severity::kBlocking || verbose_) {
        Note(event.finding.severity == Severity::kInfo ? Color::kDim : Color::kYellow,
             kSeverityNames[static_cast<size_t>(event.finding.severity)],
             absl::StrCat(event.finding.object, event.finding.object.empty() ? "" : ": ",
                          event.finding.message),
             sample, now);
      }
      break;
    case Event::Kind::kTableBegin:
    case Event::Kind::kTableEnd:
    case Event::Kind::kObjectDone: break;
    case Event::Kind::kReady:
      Note(Color::kDim, "ready", "this connection string is for psql and for applications on this "
                                 "machine; Ctrl-C stops the server", sample, now);
      break;
  }
}

void LiveRenderer::Note(Color color, absl::string_view word, absl::string_view text,
                        const ProgressSample& sample, Clock::time_point now) {
  const std::string block = Hanging(absl::StrCat(word, ": "), Shown(text, style_), style_);
  Draw(ForStage(stage_, sample), now, absl::StrCat(Paint(color, word, style_),
                                                   absl::string_view(block).substr(word.size())));
}

void LiveRenderer::Draw(const ProgressSample& sample, Clock::time_point now,
                        const std::string& above) {
  const TerminalSize size = size_ ? size_() : TerminalSize();
  const int width_before = style_.width;
  if (size.columns > 0) style_.width = std::max(size.columns, 20);
  const bool changed = style_.width != width_before && drawn_ > 0;
  terminal_lines_ = size.lines;
  // One column less than there are: a full line would make some terminals wrap.
  const size_t width = static_cast<size_t>(style_.width) - 1;
  std::string text = absl::StrCat(changed ? Restart() : Erase(), above);
  KeepLines(above);
  std::vector<std::string> lines;
  if (running_) {
    lines = WorkerLines(sample, width);
    const std::string rates = RatesLine(sample, width);
    if (!rates.empty()) lines.insert(lines.begin(), rates);
    lines.insert(lines.begin(), StageLine(sample, now, width));
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : "\n",
                    i == 0 ? lines[i] : Paint(Color::kDim, lines[i], style_));
  }
  drawn_ = lines.size();
  out_ << text << std::flush;
}

std::string LiveRenderer::Counts(const ProgressSample& s) const {
  if (s.objects_total > 0 && s.rows_total == 0) {
    return absl::StrCat(FormatCount(s.objects_done), " of ", Counted(s.objects_total, "object"));
  }
  if (s.rows_total > 0) {
    return absl::StrCat(FormatCount(s.rows_done), " of ", Counted(s.rows_total, "row"));
  }
  if (s.rows_done > 0) return Counted(s.rows_done, "row");
  if (s.tables_total > 0) {
    return absl::StrCat(FormatCount(s.tables_done), " of ", Counted(s.tables_total, "table"));
  }
  return "";
}

// "data      ####....  61%  1,234 of 2,000 rows  12 s left": parts are added as long as they fit.
std::string LiveRenderer::StageLine(const ProgressSample& s, Clock::time_point now,
                                    size_t width) const {
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const double fraction = FractionDone(s);
  std::string line = PadRight(StageName(stage_), kStageWidth);
  std::vector<std::string> parts;
  if (fraction >= 0) {
    const size_t bar = std::min(kBarMax, std::max(kBarMin, width / 4));
    parts.push_back(absl::StrCat(Bar(fraction, bar, style_), " ",
                                 PadLeft(absl::StrCat(static_cast<int>(fraction * 100), "%"), 4)));
  }
  const std::string counts = Counts(s);
  if (!counts.empty()) parts.push_back(counts);
  // The mean over the stage is steadier than the last second's rate.
  // Objects say nothing about time: an index takes as long as its table is large.
  if (fraction > 0.01 && fraction < 1 && seconds > 2 && s.objects_total == 0) {
    parts.push_back(absl::StrCat(FormatSeconds(seconds / fraction * (1 - fraction)), " left"));
  } else {
    parts.push_back(FormatSeconds(seconds));
  }
  return AddParts(line, parts, width, style_);
}

// "          402,113 rows/s  45.1 MiB/s  4 streams  3 of 12 tables  2 findings  1 retry"
std::string LiveRenderer::RatesLine(const ProgressSample& s, size_t width) const {
  std::vector<std::string> parts;
  if (rate_.rows_per_second() >= 1) {
    parts.push_back(
        absl::StrCat(FormatCount(static_cast<uint64_t>(rate_.rows_per_second())), " rows/s"));
  }
  if (rate_.bytes_per_second() >= 1) {
    parts.push_back(
        absl::StrCat(FormatBytes(static_cast<uint64_t>(rate_.bytes_per_second())), "/s"));
  }
  if (s.tables_total > 1 && s.rows_total > 0) {
    parts.push_back(
        absl::StrCat(FormatCount(s.tables_done), " of ", Counted(s.tables_total, "table")));
  }
  if (s.findings > 0) parts.push_back(Counted(static_cast<uint64_t>(s.findings), "finding"));
  if (s.retries > 0) {
    parts.push_back(absl::StrCat(s.retries, s.retries == 1 ? " retry" : " retries"));
  }
  if (parts.empty()) return "";
  return AddParts(std::string(kStageWidth, ' '), parts, width, style_);
}

void LiveRenderer::MeasureWorkers(const ProgressSample& sample, Clock::time_point now) {
  for (const Activity& activity : sample.active) {
    ProgressSample moved;
    moved.rows_done = activity.rows;
    moved.bytes_done = activity.bytes;
    WorkerRate& rate = workers_[activity.worker];
    if (rate.table == activity.table && rate.what == activity.what) {
      rate.meter.Add(now, moved);
      continue;
    }
    rate.table = activity.table;
    rate.what = activity.what;
    rate.meter.Restart(now, moved);
  }
}

std::vector<std::string> LiveRenderer::WorkerLines(const ProgressSample& s, size_t width) const {
  int room = kWorkersShownLow;
  if (terminal_lines_ > 0) room = std::clamp(terminal_lines_ - kLinesKept, 0, kWorkersShown);
  size_t name_width = kNameMin;
  for (const Activity& activity : s.active) {
    name_width = std::max(name_width, DisplayWidth(ShownName(activity.table, style_)));
  }
  name_width = std::min({name_width, kNameMax, std::max(kNameMin, width / 3)});
  std::vector<std::string> lines;
  for (const Activity& activity : s.active) {
    if (static_cast<int>(lines.size()) == room) {
      if (room > 1) {
        lines.back() = Cut(absl::StrCat("  and ", s.active.size() - lines.size() + 1, " more"),
                           width, style_);
      }
      break;
    }
    lines.push_back(WorkerLine(activity, name_width, width));
  }
  return lines;
}

// "  stream 2  order_line    ####......  41%  98,112 rows/s  11.2 MiB/s": the bar is the table's,
// the rates are the worker's.
std::string LiveRenderer::WorkerLine(const Activity& activity, size_t name_width,
                                     size_t width) const {
  const std::string line =
      absl::StrCat("  ", WorkerName(stage_), " ", PadRight(absl::StrCat(activity.worker + 1), 2),
                   " ", PadRight(Cut(ShownName(activity.table, style_), name_width, style_),
                                 name_width),
                   "  ");
  std::vector<std::string> parts;
  if (activity.table_rows_total > 0) {
    const double fraction = std::min(1.0, static_cast<double>(activity.table_rows) /
                                              static_cast<double>(activity.table_rows_total));
    parts.push_back(absl::StrCat(Bar(fraction, kWorkerBar, style_), " ",
                                 PadLeft(absl::StrCat(static_cast<int>(fraction * 100), "%"), 4)));
  }
  if (!activity.what.empty()) parts.push_back(ShownName(activity.what, style_));
  const auto rate = workers_.find(activity.worker);
  if (rate != workers_.end() && rate->second.meter.rows_per_second() >= 1) {
    const RateMeter& meter = rate->second.meter;
    parts.push_back(PadLeft(
        absl::StrCat(FormatCount(static_cast<uint64_t>(meter.rows_per_second())), " rows/s"), 14));
    if (meter.bytes_per_second() >= 1) {
      parts.push_back(PadLeft(
          absl::StrCat(FormatBytes(static_cast<uint64_t>(meter.bytes_per_second())), "/s"), 10));
    }
  } else {
    parts.push_back(FormatSeconds(activity.seconds));
  }
  return AddParts(Cut(line, width, style_), parts, width, style_);
}

// The line that stays when a stage is over.
std::string LiveRenderer::Finished(const ProgressSample& s, Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string counts = AmountOf(s);
  if (!IsWorthALine(stage_, seconds)) return "";
  const std::string plain = absl::StrCat(PadRight(StageName(stage_), kStageWidth),
                                         PadLeft(FormatSeconds(seconds), 8),
                                         counts.empty() ? "" : "  ", counts);
  return absl::StrCat(Cut(plain, static_cast<size_t>(style_.width) - 1, style_), "\n");
}

}  // namespace

std::unique_ptr<ProgressRenderer> MakeLiveRenderer(std::ostream& out, const Style& style,
                                                   AskTerminalSize size, bool verbose) {
  return std::make_unique<LiveRenderer>(out, style, std::move(size), verbose);
}

}  // namespace lite2pg
