#include "engine/postgres/pooler.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/postgres/conninfo.h"

namespace lite2pg {
namespace {

// Poolers prefer the session used last, so a single attempt mostly tells already.
constexpr int kAttempts = 5;
constexpr absl::string_view kSetMark = "SELECT pg_catalog.set_config('lite2pg.mark', $1, false)";
constexpr absl::string_view kGetMark = "SELECT pg_catalog.current_setting('lite2pg.mark', true)";

bool HasMark(PgConnection& connection, const std::string& mark) {
  const absl::StatusOr<PgResult> seen = connection.Query(kGetMark);
  return seen.ok() && seen->Text(0, 0) == mark;
}

}  // namespace

bool ShareOneSession(PgConnection& first, PgConnection& second) {
  std::random_device random;
  const std::string mark = absl::StrCat(random(), "-", random());
  if (!first.Execute(kSetMark, {mark}).ok()) return false;
  const bool shared = HasMark(second, mark);
  first.Execute(kSetMark, {""}).IgnoreError();  // nothing depends on it
  return shared;
}

bool IsBehindTransactionPooler(PgConnection& connection) {
  PgConnectOptions options;
  options.conninfo = ConninfoOf(connection.raw());
  absl::StatusOr<PgConnection> second = PgConnection::Connect(options);
  if (!second.ok()) return false;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (ShareOneSession(connection, *second) || ShareOneSession(*second, connection)) return true;
    if (!ShareOneSession(connection, connection)) return true;
  }
  return false;
}

}  // namespace lite2pg
