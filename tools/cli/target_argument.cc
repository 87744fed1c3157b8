#include "tools/cli/target_argument.h"

#include <sys/stat.h>

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/conninfo.h"
#include "tools/cli/secrets.h"

namespace lite2pg {
namespace {

// The variables by which libpq would find a server. PGUSER and PGPASSWORD alone name none.
constexpr const char* kServerVariables[] = {"PGHOST",     "PGHOSTADDR", "PGPORT",
                                            "PGDATABASE", "PGSERVICE"};

bool IsUri(absl::string_view text) {
  return absl::StartsWith(text, "postgres://") || absl::StartsWith(text, "postgresql://");
}

absl::Status Bad(absl::string_view sentence) { return absl::InvalidArgumentError(sentence); }

// The path of a file: URI (https://www.sqlite.org/uri.html): no authority, no query, no fragment,
// and %XX decoded.
std::string PathOfUri(absl::string_view uri) {
  absl::ConsumePrefix(&uri, "file:");
  if (absl::ConsumePrefix(&uri, "//")) uri = uri.substr(std::min(uri.find('/'), uri.size()));
  uri = uri.substr(0, uri.find_first_of("?#"));
  std::string path;
  for (size_t i = 0; i < uri.size(); ++i) {
    const absl::string_view digits = uri.substr(i + 1, 2);
    const auto is_digit = [](unsigned char c) { return absl::ascii_isxdigit(c); };
    if (uri[i] == '%' && digits.size() == 2 && absl::c_all_of(digits, is_digit)) {
      path += absl::HexStringToBytes(digits);
      i += 2;
    } else {
      path.push_back(uri[i]);
    }
  }
  return path;
}

}  // namespace

std::string ClusterBeside(const std::string& source) {
  std::string path = absl::StartsWith(source, "file:") ? PathOfUri(source) : source;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  if (name == path.size() || path == ":memory:") return "";
  const size_t dot = path.rfind('.');
  // The dot of a hidden file does not begin an ending.
  if (dot != std::string::npos && dot > name) path.resize(dot);
  return path + ".pgdata";
}

absl::StatusOr<TargetSpec> ParseTarget(absl::string_view argument) {
  TargetSpec target;
  target.given = true;
  if (argument.empty()) {
    return Bad(
        "TARGET is empty (an unset variable?); leave it out for a cluster beside the source, or "
        "write postgresql:// for what the PG variables say");
  }
  if (absl::ConsumePrefix(&argument, "pgdata:")) {
    if (argument.empty()) return Bad("pgdata: is not followed by a directory");
    target.pgdata_dir = std::string(argument);
    return target;
  }
  if (!IsUri(argument) && !FindSecrets(argument).empty() && !absl::StrContains(argument, '=')) {
    return Bad("TARGET is not a URI; it begins with postgresql://");
  }
  if (!IsUri(argument) && !absl::StrContains(argument, '=')) {
    const std::string shown = EscapeForMessage(argument);
    return Bad(absl::StrCat("TARGET \"", shown, "\" is neither a URI nor a conninfo; write dbname=",
                            shown, " for a database of that name, or pgdata:", shown,
                            " for an embedded cluster in that directory"));
  }
  const absl::Status status = CheckConninfo(argument);
  if (!status.ok()) {
    const ErrorInfo info = InfoOf(status);
    return Bad(absl::StrCat("TARGET: ", info.what, info.hint.empty() ? "" : "; ", info.hint));
  }
  target.conninfo = std::string(argument);
  return target;
}

absl::StatusOr<TargetSpec> DefaultTarget(const std::string& source,
                                         const Environment& environment) {
  std::vector<std::string> named;
  for (const char* variable : kServerVariables) {
    // libpq takes an empty variable for one that is not set.
    const char* const value = environment(variable);
    if (value != nullptr && value[0] != '\0') named.emplace_back(variable);
  }
  if (!named.empty()) {
    return Bad(absl::StrCat("no TARGET was given, but ", absl::StrJoin(named, ", "),
                            named.size() == 1 ? " is" : " are",
                            " set, so a server could be meant; write postgresql:// as TARGET for "
                            "that server, or pgdata:DIR for an embedded cluster"));
  }
  TargetSpec target;
  target.pgdata_dir = ClusterBeside(source);
  if (target.pgdata_dir.empty()) {
    return Bad("no TARGET was given, and SOURCE is not a file that a cluster could stand beside");
  }
  return target;
}

absl::StatusOr<Side> ParseSide(const std::string& argument) {
  Side side;
  struct stat info{};
  const bool is_there = stat(argument.c_str(), &info) == 0;
  const bool is_target = absl::StartsWith(argument, "pgdata:") || IsUri(argument) ||
                         (!is_there && !absl::StartsWith(argument, "file:") &&
                          absl::StrContains(argument, '='));
  if (is_target || argument.empty()) {
    side.kind = Side::Kind::kTarget;
    ASSIGN_OR_RETURN(side.target, ParseTarget(argument));
    return side;
  }
  side.kind = is_there && S_ISDIR(info.st_mode) ? Side::Kind::kArchive : Side::Kind::kSqlite;
  side.path = argument;
  return side;
}

}  // namespace lite2pg
