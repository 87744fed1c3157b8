#include "tools/cli/option_apply.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/memory_share.h"
#include "tools/cli/option_choices.h"
#include "tools/cli/option_table.h"
#include "tools/cli/option_values.h"

namespace lite2pg {
namespace {

// Descriptions are kept in memory until the report is written.
constexpr int64_t kDifferencesShownMax = 100'000;

// The least that a run can live on: buffers of one stream, SQLite's cache, and the program itself.
constexpr uint64_t kMemoryBytesMin = uint64_t{32} << 20;

// A day: whoever needs longer does not want a limit but a queue.
constexpr int kExecTimeoutSecondsMax = 86'400;

}  // namespace

absl::Status NotEmpty(absl::string_view value, std::string* out) {
  if (value.empty()) return absl::InvalidArgumentError("needs a value that is not empty");
  *out = std::string(value);
  return absl::OkStatus();
}

absl::Status ApplyStreams(absl::string_view value, Settings* s) {
  if (value == "auto") {
    s->common.streams = 0;
    return absl::OkStatus();
  }
  auto streams = ParseWhole(value, 1, kStreamsMax);
  if (!streams.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(streams.status().message(), ", or auto"));
  }
  s->common.streams = static_cast<int>(*streams);
  return absl::OkStatus();
}

absl::Status ApplyMemory(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(const uint64_t bytes, ParseSize(value));
  if (bytes < kMemoryBytesMin) {
    return absl::InvalidArgumentError(
        absl::StrCat("a run needs at least ", FormatBytes(kMemoryBytesMin)));
  }
  // What is named is a ceiling; the default may be raised for a huge row.
  s->common.memory_bytes = MayBeRaised(bytes) ? bytes - 1 : bytes;
  return absl::OkStatus();
}

absl::Status ApplyMaxWalGrowth(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(s->common.wal_growth_bytes_max, ParseSize(value));
  return absl::OkStatus();
}

absl::Status ApplyPrivateCopy(absl::string_view value, Settings* s) {
  bool wanted = false;
  RETURN_IF_ERROR(ChooseFlag(value, &wanted));
  // As SQLite chooses for its own temporary files: /tmp is in memory on many systems.
  const char* const directory = std::getenv("TMPDIR");
  const bool named = directory != nullptr && *directory != '\0';
  s->common.private_copy_dir = !wanted ? "" : named ? directory : "/var/tmp";
  return absl::OkStatus();
}

absl::Status ApplyGlob(absl::string_view value, std::vector<std::string>* globs) {
  RETURN_IF_ERROR(CheckGlob(value));
  globs->emplace_back(value);
  return absl::OkStatus();
}

absl::Status ApplyFill(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(const Assignment assignment, ParseColumnAssignment(value));
  ASSIGN_OR_RETURN(FillValue fill, ParseFill(assignment.value));
  ColumnFor(assignment.path.column, TableFor(assignment.path.table, s))->fill = std::move(fill);
  return absl::OkStatus();
}

absl::Status ApplyWhere(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(TableAssignment assignment, ParseTableAssignment(value));
  TableFor(assignment.table, s)->where = std::move(assignment.value);
  return absl::OkStatus();
}

absl::Status ApplyEmptyAsNull(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(const ColumnPath path, ParseColumnPath(value));
  ColumnFor(path.column, TableFor(path.table, s))->empty_as_null = true;
  return absl::OkStatus();
}

absl::Status ApplyOrder(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, ParseNameList(value));
  for (std::string& name : names) s->order.push_back(std::move(name));
  return absl::OkStatus();
}

absl::Status ApplyExec(absl::string_view value, Settings* s) {
  const size_t equals = value.find('=');
  ExecHook hook;
  hook.stage = std::string(value.substr(0, equals));
  if (equals != absl::string_view::npos) hook.command = std::string(value.substr(equals + 1));
  if (absl::StartsWith(hook.command, "-")) {
    hook.may_fail = true;
    hook.command.erase(0, 1);
  }
  if (hook.command.empty()) return absl::InvalidArgumentError("write it as STAGE=COMMAND");
  const std::vector<std::string> stages = {"pre-data", "table", "verify", "publish", "failure"};
  for (const std::string& stage : stages) {
    if (hook.stage != stage) continue;
    s->hooks.commands.push_back(std::move(hook));
    return absl::OkStatus();
  }
  return NotOneOf(hook.stage, stages);
}

absl::Status ApplyExecTimeout(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(const uint64_t seconds, ParseWhole(value, 1, kExecTimeoutSecondsMax));
  s->hooks.exec_timeout_seconds = static_cast<int>(seconds);
  return absl::OkStatus();
}

absl::Status ApplyExpect(absl::string_view value, Settings* s) {
  for (const absl::string_view number : {"user_version", "application_id"}) {
    const size_t length = number.size();
    if (!absl::StartsWith(value, number) || value.size() <= length + 1 || value[length] != '=') {
      continue;
    }
    s->expect.push_back({"", std::string(number), std::string(value.substr(length + 1))});
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Assignment assignment, ParseColumnAssignment(value));
  s->expect.push_back({std::move(assignment.path.table), std::move(assignment.path.column),
                       std::move(assignment.value)});
  return absl::OkStatus();
}

absl::Status ApplyRejects(absl::string_view value, Settings* s) {
  if (!absl::EndsWith(value, ".ndjson") && !absl::EndsWith(value, ".sqlite")) {
    return absl::InvalidArgumentError("the file's name must end in .ndjson or .sqlite");
  }
  return NotEmpty(value, &s->policy.rejects_file);
}

absl::Status ApplyReport(absl::string_view value, Settings* s) {
  if (!absl::EndsWithIgnoreCase(value, ".json") && !absl::EndsWithIgnoreCase(value, ".html")) {
    return absl::InvalidArgumentError("the file's name must end in .json or .html");
  }
  s->output.report_files.emplace_back(value);
  return absl::OkStatus();
}

absl::Status ApplyMaxDifferences(absl::string_view value, Settings* s) {
  ASSIGN_OR_RETURN(s->max_differences, ParseWhole(value, 0, kDifferencesShownMax));
  return absl::OkStatus();
}

absl::Status ApplySample(absl::string_view value, Settings* s) {
  double percent = 0;
  if (!absl::ConsumeSuffix(&value, "%") || !absl::SimpleAtod(value, &percent) ||
      !(percent > 0 && percent <= 100)) {
    return absl::InvalidArgumentError("needs a percentage above 0 and up to 100, such as 5%");
  }
  s->sample_percent = percent;
  return absl::OkStatus();
}

}  // namespace lite2pg
