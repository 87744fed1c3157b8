// The live display: finished stages stay as lines, the current one is drawn again and again below
// them. Only "\r", erase, and cursor-up are used, so that every terminal of today shows it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/text.h"
#include "engine/report/outcome_text.h"
#include "tools/cli/progress.h"

namespace lite2pg {
namespace {

constexpr size_t kStageWidth = 10;
constexpr size_t kBarMin = 8;
constexpr size_t kBarMax = 30;

std::string Bar(double fraction, size_t width, const Style& style) {
  const size_t filled = static_cast<size_t>(std::lround(fraction * static_cast<double>(width)));
  std::string out = style.utf8 ? "" : "[";
  for (size_t i = 0; i < width; ++i) {
    const bool on = i < filled;
    out += style.utf8 ? (on ? "\xe2\x96\x88" : "\xe2\x96\x91") : (on ? "#" : ".");
  }
  return style.utf8 ? out : out + "]";
}

class LiveRenderer : public ProgressRenderer {
 public:
  LiveRenderer(std::ostream& out, const Style& style, std::function<int()> columns, bool verbose)
      : out_(out), style_(style), columns_(std::move(columns)), verbose_(verbose) {}

  std::chrono::milliseconds tick() const override { return std::chrono::milliseconds(100); }

  void OnEvent(const Event& event, const ProgressSample& sample, Clock::time_point now) override;
  void OnTick(const ProgressSample& sample, Clock::time_point now) override {
    if (!running_) return;
    rate_.Add(now, sample);
    Draw(ForStage(stage_, sample), now, "");
  }
  void Finish() override {
    if (lines_ > 0) out_ << Erase() << std::flush;
    running_ = false;
  }

 private:
  // Takes what was drawn away again; the cursor is then where it began.
  std::string Erase() {
    std::string codes = "\r\x1b[J";
    if (lines_ > 1) codes = absl::StrCat("\r\x1b[", lines_ - 1, "A\x1b[J");
    lines_ = 0;
    return codes;
  }
  // `above` is printed for good, then the current stage below it: one write, so nothing flickers.
  void Draw(const ProgressSample& sample, Clock::time_point now, const std::string& above);
  void Note(Color color, absl::string_view word, absl::string_view text,
            const ProgressSample& sample, Clock::time_point now);
  std::string StageLine(const ProgressSample& sample, Clock::time_point now, size_t width) const;
  std::string TablesLine(const ProgressSample& sample, size_t width) const;
  std::string Finished(const ProgressSample& sample, Clock::time_point now) const;
  std::string Counts(const ProgressSample& sample) const;

  std::ostream& out_;
  Style style_;
  std::function<int()> columns_;
  bool verbose_;
  bool running_ = false;
  Stage stage_ = Stage::kInspect;
  Clock::time_point began_;
  RateMeter rate_;
  std::set<std::string> tables_;
  int lines_ = 0;
};

void LiveRenderer::OnEvent(const Event& event, const ProgressSample& sample,
                           Clock::time_point now) {
  switch (event.kind) {
    case Event::Kind::kStageBegin:
      running_ = true;
      stage_ = event.stage;
      began_ = now;
      tables_.clear();
      rate_.Restart(now, sample);
      Draw(ForStage(stage_, sample), now, "");
      break;
    case Event::Kind::kStageEnd:
      if (!running_) break;
      running_ = false;
      Draw(sample, now, Finished(ForStage(stage_, sample), now));
      break;
    case Event::Kind::kTableBegin: tables_.insert(event.table); break;
    case Event::Kind::kTableEnd: tables_.erase(event.table); break;
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
    case Event::Kind::kObjectDone:
    case Event::Kind::kReady: break;
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
  const int columns = columns_ ? columns_() : 0;
  if (columns > 0) style_.width = std::max(columns, 20);
  // One column less than there are: a full line would make some terminals wrap.
  const size_t width = static_cast<size_t>(style_.width) - 1;
  std::string text = absl::StrCat(Erase(), above);
  if (running_) {
    absl::StrAppend(&text, StageLine(sample, now, width));
    lines_ = 1;
    const std::string tables = TablesLine(sample, width);
    if (!tables.empty()) {
      absl::StrAppend(&text, "\n", Paint(Color::kDim, tables, style_));
      lines_ = 2;
    }
  }
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

// "data      ####....  61%  1,234 of 2,000 rows  45 MiB/s  4 streams  12 s left": parts are added
// as long as they fit.
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
  if (rate_.bytes_per_second() >= 1) {
    parts.push_back(
        absl::StrCat(FormatBytes(static_cast<uint64_t>(rate_.bytes_per_second())), "/s"));
  }
  // The mean over the stage is steadier than the last second's rate.
  if (fraction > 0.01 && fraction < 1 && seconds > 2) {
    parts.push_back(absl::StrCat(FormatSeconds(seconds / fraction * (1 - fraction)), " left"));
  } else {
    parts.push_back(FormatSeconds(seconds));
  }
  if (s.streams > 0) parts.push_back(Counted(static_cast<uint64_t>(s.streams), "stream"));
  for (const std::string& part : parts) {
    const size_t gap = line.size() == kStageWidth ? 0 : 2;
    if (DisplayWidth(line) + gap + DisplayWidth(part) > width) continue;
    absl::StrAppend(&line, std::string(gap, ' '), part);
  }
  return Cut(line, width, style_);
}

std::string LiveRenderer::TablesLine(const ProgressSample& s, size_t width) const {
  std::vector<std::string> parts;
  if (s.tables_total > 1 && s.rows_total > 0) {
    parts.push_back(
        absl::StrCat(FormatCount(s.tables_done), " of ", Counted(s.tables_total, "table")));
  }
  if (s.findings > 0) parts.push_back(Counted(static_cast<uint64_t>(s.findings), "finding"));
  if (s.retries > 0) {
    parts.push_back(absl::StrCat(s.retries, s.retries == 1 ? " retry" : " retries"));
  }
  std::vector<std::string> names;
  for (const std::string& table : tables_) {
    if (names.size() == 4) break;
    names.push_back(ShownName(table, style_));
  }
  if (!names.empty()) parts.push_back(absl::StrJoin(names, ", "));
  if (tables_.size() > names.size() && !parts.empty()) {
    absl::StrAppend(&parts.back(), ", ...");
  }
  if (parts.empty()) return "";
  return Cut(absl::StrCat(std::string(kStageWidth, ' '), absl::StrJoin(parts, "  ")), width,
             style_);
}

// The line that stays when a stage is over.
std::string LiveRenderer::Finished(const ProgressSample& s, Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string counts = AmountOf(s);
  const std::string mark = style_.utf8 ? "\xe2\x9c\x93 " : "";
  const std::string plain = absl::StrCat(PadRight(StageName(stage_), kStageWidth), mark,
                                         PadLeft(FormatSeconds(seconds), 8),
                                         counts.empty() ? "" : "  ", counts);
  return absl::StrCat(Cut(plain, static_cast<size_t>(style_.width) - 1, style_), "\n");
}

}  // namespace

std::unique_ptr<ProgressRenderer> MakeLiveRenderer(std::ostream& out, const Style& style,
                                                   std::function<int()> columns, bool verbose) {
  return std::make_unique<LiveRenderer>(out, style, std::move(columns), verbose);
}

}  // namespace lite2pg
