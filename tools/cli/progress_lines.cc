// Progress as lines: for logs, and as JSON events for programs.
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/utf8.h"
#include "nlohmann/json.hpp"
#include "tools/cli/progress.h"

namespace lite2pg {
namespace {

// A log needs to show that something is alive, not every percent.
constexpr std::chrono::seconds kPlainInterval{5};
constexpr std::chrono::seconds kJsonInterval{1};

class PlainRenderer : public ProgressRenderer {
 public:
  PlainRenderer(std::ostream& out, const Style& style, bool verbose)
      : out_(out), style_(style), verbose_(verbose) {}

  std::chrono::milliseconds tick() const override { return std::chrono::milliseconds(500); }
  void Finish() override {}

  void OnEvent(const Event& event, const ProgressSample& sample, Clock::time_point now) override {
    switch (event.kind) {
      case Event::Kind::kStageBegin:
        running_ = true;
        stage_ = event.stage;
        began_ = said_ = now;
        rate_.Restart(now, sample);
        break;
      case Event::Kind::kStageEnd:
        if (running_ && IsWorthALine(stage_, SecondsSince(now))) {
          const std::string amount = AmountOf(ForStage(stage_, sample));
          Say(StageName(stage_), absl::StrCat(amount, amount.empty() ? "" : " in ",
                                              FormatSeconds(SecondsSince(now))));
        }
        running_ = false;
        break;
      case Event::Kind::kRetry: Say("retry", Shown(event.text, style_)); break;
      case Event::Kind::kWarning: Say("warning", Shown(event.text, style_)); break;
      case Event::Kind::kTableEnd:
        if (verbose_) Say("table done", ShownName(event.table, style_));
        break;
      case Event::Kind::kObjectDone:
        if (verbose_) {
          Say("object done", Shown(event.text.empty() ? event.table : event.text, style_));
        }
        break;
      case Event::Kind::kLog:
        if (verbose_) Say("log", Shown(event.text, style_));
        break;
      case Event::Kind::kFinding:
        if (verbose_ || event.finding.severity == Severity::kBlocking) {
          Say(kSeverityNames[static_cast<size_t>(event.finding.severity)],
              Shown(absl::StrCat(event.finding.object, event.finding.object.empty() ? "" : ": ",
                                 event.finding.message),
                    style_));
        }
        break;
      case Event::Kind::kTableBegin:
      case Event::Kind::kReady: break;
    }
  }

  void OnTick(const ProgressSample& sample, Clock::time_point now) override {
    if (!running_ || now - said_ < kPlainInterval) return;
    said_ = now;
    rate_.Add(now, sample);
    const double fraction = FractionDone(ForStage(stage_, sample));
    std::string text = fraction >= 0 ? absl::StrCat(static_cast<int>(fraction * 100), "%") : "";
    absl::StrAppend(&text, text.empty() ? "running" : "", Amount(sample));
    if (rate_.rows_per_second() >= 1) {
      absl::StrAppend(&text, ", ",
                      FormatCount(static_cast<uint64_t>(rate_.rows_per_second())), " rows/s");
    }
    if (rate_.bytes_per_second() >= 1) {
      absl::StrAppend(&text, ", ", FormatBytes(static_cast<uint64_t>(rate_.bytes_per_second())),
                      "/s");
    }
    // Objects say nothing about time: an index takes as long as its table is large.
    if (fraction > 0.01 && fraction < 1 && ForStage(stage_, sample).objects_total == 0) {
      absl::StrAppend(&text, ", ", FormatSeconds(SecondsSince(now) / fraction * (1 - fraction)),
                      " left");
    }
    Say(StageName(stage_), text);
  }

 private:
  double SecondsSince(Clock::time_point now) const {
    return std::chrono::duration<double>(now - began_).count();
  }
  std::string Amount(const ProgressSample& sample) const {
    const std::string amount = AmountOf(ForStage(stage_, sample));
    return amount.empty() ? "" : absl::StrCat(", ", amount);
  }
  void Say(absl::string_view subject, const std::string& text) {
    out_ << Hanging(absl::StrCat(subject, ": "), text, style_) << std::flush;
  }

  std::ostream& out_;
  Style style_;
  bool verbose_;
  bool running_ = false;
  Stage stage_ = Stage::kInspect;
  Clock::time_point began_, said_;
  RateMeter rate_;
};

class JsonRenderer : public ProgressRenderer {
 public:
  explicit JsonRenderer(std::ostream& out) : out_(out) {}

  std::chrono::milliseconds tick() const override { return std::chrono::milliseconds(250); }
  void Finish() override {}

  void OnEvent(const Event& event, const ProgressSample& sample, Clock::time_point now) override {
    nlohmann::ordered_json json;
    json["event"] = Name(event.kind);
    json["stage"] = std::string(StageName(event.stage));
    if (!event.table.empty()) json["table"] = ValidUtf8(event.table);
    if (!event.text.empty()) json["text"] = ValidUtf8(event.text);
    if (event.kind == Event::Kind::kFinding) {
      const Finding& finding = event.finding;
      json["severity"] = std::string(kSeverityNames[static_cast<size_t>(finding.severity)]);
      json["code"] = ErrorCodeName(finding.code);
      json["object"] = ValidUtf8(finding.object);
      json["message"] = ValidUtf8(finding.message);
      json["hint"] = ValidUtf8(finding.hint);
    }
    if (event.kind == Event::Kind::kStageBegin) running_ = true, stage_ = event.stage;
    if (event.kind == Event::Kind::kStageEnd) running_ = false, Put(sample, &json);
    Write(json);
    said_ = now;
  }

  void OnTick(const ProgressSample& sample, Clock::time_point now) override {
    if (!running_ || now - said_ < kJsonInterval) return;
    said_ = now;
    nlohmann::ordered_json json;
    json["event"] = "progress";
    json["stage"] = std::string(StageName(stage_));
    Put(sample, &json);
    json["workers"] = nlohmann::ordered_json::array();
    for (const Activity& activity : sample.active) json["workers"].push_back(WorkerJson(activity));
    Write(json);
  }

 private:
  static const char* Name(Event::Kind kind) {
    switch (kind) {
      case Event::Kind::kStageBegin: return "stage_begin";
      case Event::Kind::kStageEnd: return "stage_end";
      case Event::Kind::kTableBegin: return "table_begin";
      case Event::Kind::kTableEnd: return "table_end";
      case Event::Kind::kObjectDone: return "object_done";
      case Event::Kind::kFinding: return "finding";
      case Event::Kind::kRetry: return "retry";
      case Event::Kind::kLog: return "log";
      case Event::Kind::kReady: return "ready";
      case Event::Kind::kWarning: return "warning";
    }
    return "unknown";
  }
  static nlohmann::ordered_json WorkerJson(const Activity& activity) {
    return {{"worker", activity.worker},
            {"table", ValidUtf8(activity.table)},
            {"what", ValidUtf8(activity.what)},
            {"rows", activity.rows},
            {"bytes", activity.bytes},
            {"table_rows", activity.table_rows},
            {"table_rows_total", activity.table_rows_total},
            {"seconds", activity.seconds}};
  }
  static void Put(const ProgressSample& s, nlohmann::ordered_json* json) {
    (*json)["rows_done"] = s.rows_done;
    (*json)["rows_total"] = s.rows_total;
    (*json)["bytes_done"] = s.bytes_done;
    (*json)["bytes_total"] = s.bytes_total;
    (*json)["tables_done"] = s.tables_done;
    (*json)["tables_total"] = s.tables_total;
    (*json)["objects_done"] = s.objects_done;
    (*json)["objects_total"] = s.objects_total;
    (*json)["streams_active"] = s.streams;
    (*json)["findings"] = s.findings;
    (*json)["retries"] = s.retries;
  }
  void Write(const nlohmann::ordered_json& json) {
    out_ << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
         << std::flush;
  }

  std::ostream& out_;
  bool running_ = false;
  Stage stage_ = Stage::kInspect;
  Clock::time_point said_;
};

}  // namespace

std::unique_ptr<ProgressRenderer> MakePlainRenderer(std::ostream& out, const Style& style,
                                                    bool verbose) {
  return std::make_unique<PlainRenderer>(out, style, verbose);
}

std::unique_ptr<ProgressRenderer> MakeJsonRenderer(std::ostream& out) {
  return std::make_unique<JsonRenderer>(out);
}

}  // namespace lite2pg
