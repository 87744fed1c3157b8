#include "engine/postgres/script.h"

#include <libpq-fe.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/postgres/await_result.h"
#include "engine/postgres/error.h"

namespace lite2pg {

absl::Status RunScriptFile(PgConnection& connection, const std::string& path,
                           absl::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     absl::StrCat(what, ": cannot read ", EscapeForMessage(path, 200)),
                     "name a file that can be read");
  }
  const std::string sql = text.str();
  if (sql.find('\0') != std::string::npos) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     absl::StrCat(what, ": ", EscapeForMessage(path, 200), " holds a NUL byte"),
                     "name a file with SQL in UTF-8");
  }
  const PgResult result = RunScript(connection.raw(), sql);
  const ExecStatusType status = PQresultStatus(result.raw());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) {
    return absl::OkStatus();
  }
  if (status == PGRES_COPY_IN) {
    return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                     absl::StrCat(what, " ", EscapeForMessage(path, 200),
                                  " has a COPY FROM STDIN"),
                     "it has no other end here: insert the rows, or run that part with psql");
  }
  return ServerError(result.raw(), connection.raw(),
                     absl::StrCat(what, " ", EscapeForMessage(path, 200)));
}

}  // namespace lite2pg
