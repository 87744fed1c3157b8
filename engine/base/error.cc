#include "engine/base/error.h"

#include <iterator>
#include <memory>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kPayloadUrl = "lite2pg/error";
// Fields are joined by a byte that no UTF-8 text holds.
constexpr char kFieldEnd = '\xff';
constexpr size_t kTextFields = 10;

std::string Pack(const ErrorInfo& info) {
  std::string out = absl::StrCat(static_cast<int>(info.code));
  const auto put = [&out](absl::string_view field) {
    out.push_back(kFieldEnd);
    for (const char c : field) out.push_back(c == kFieldEnd ? '?' : c);
  };
  put(absl::StrCat(static_cast<int>(info.exit_code)));
  put(absl::StrCat(info.sqlite_code));
  for (const std::string* field :
       {&info.what, &info.table, &info.row_key, &info.column, &info.value, &info.server,
        &info.effect, &info.hint, &info.sqlstate, &info.constraint}) {
    put(*field);
  }
  return out;
}

bool Unpack(absl::string_view packed, ErrorInfo* info) {
  const std::vector<std::string> fields = absl::StrSplit(packed, kFieldEnd);
  if (fields.size() != 3 + kTextFields) return false;
  int code = 0, exit_code = 0;
  if (!absl::SimpleAtoi(fields[0], &code) || !absl::SimpleAtoi(fields[1], &exit_code) ||
      !absl::SimpleAtoi(fields[2], &info->sqlite_code)) {
    return false;
  }
  info->code = static_cast<ErrorCode>(code);
  info->exit_code = static_cast<ExitCode>(exit_code);
  std::string* const targets[] = {&info->what,   &info->table, &info->row_key,
                                  &info->column, &info->value, &info->server,
                                  &info->effect, &info->hint,  &info->sqlstate,
                                  &info->constraint};
  static_assert(std::size(targets) == kTextFields);
  for (size_t i = 0; i < kTextFields; ++i) *targets[i] = fields[i + 3];
  return true;
}

absl::StatusCode StatusCodeFor(ExitCode exit_code) {
  switch (exit_code) {
    case ExitCode::kUsage:
      return absl::StatusCode::kInvalidArgument;
    case ExitCode::kSource:
      return absl::StatusCode::kDataLoss;
    case ExitCode::kSourceBusy:
    case ExitCode::kTargetUnreachable:
      return absl::StatusCode::kUnavailable;
    case ExitCode::kOutOfResource:
      return absl::StatusCode::kResourceExhausted;
    case ExitCode::kInterrupted:
      return absl::StatusCode::kCancelled;
    case ExitCode::kUnsafe:
      return absl::StatusCode::kPermissionDenied;
    case ExitCode::kBadValue:
      return absl::StatusCode::kOutOfRange;
    case ExitCode::kDefect:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

}  // namespace

std::string ErrorCodeName(ErrorCode code) {
  return absl::StrCat("L2P", absl::Dec(static_cast<int>(code), absl::kZeroPad4));
}

absl::Status MakeError(const ErrorInfo& info) {
  std::string message = absl::StrCat(ErrorCodeName(info.code), ": ", info.what);
  const auto part = [&message](absl::string_view name, absl::string_view text) {
    if (!text.empty()) absl::StrAppend(&message, "; ", name, ": ", text);
  };
  part("table", info.table);
  part("row", info.row_key);
  part("column", info.column);
  part("value", info.value);
  part("server", info.server);
  part("effect", info.effect);
  part("hint", info.hint);
  absl::Status status(StatusCodeFor(info.exit_code), message);
  status.SetPayload(kPayloadUrl, absl::Cord(Pack(info)));
  return status;
}

absl::Status MakeError(ErrorCode code, ExitCode exit_code, absl::string_view what,
                       absl::string_view hint) {
  ErrorInfo info;
  info.code = code;
  info.exit_code = exit_code;
  info.what = std::string(what);
  info.hint = std::string(hint);
  return MakeError(info);
}

ErrorInfo InfoOf(const absl::Status& status) {
  ErrorInfo info;
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (payload.has_value() && Unpack(std::string(*payload), &info)) return info;
  info = ErrorInfo{};
  info.what = std::string(status.message());
  return info;
}

absl::Status WithContext(const absl::Status& status, const ErrorInfo& context) {
  if (status.ok()) return status;
  ErrorInfo info = InfoOf(status);
  const auto fill = [](std::string* field, const std::string& from) {
    if (field->empty()) *field = from;
  };
  fill(&info.table, context.table);
  fill(&info.row_key, context.row_key);
  fill(&info.column, context.column);
  fill(&info.value, context.value);
  fill(&info.server, context.server);
  fill(&info.effect, context.effect);
  fill(&info.hint, context.hint);
  return MakeError(info);
}

}  // namespace lite2pg
