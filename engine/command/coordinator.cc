#include "engine/command/coordinator.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {
namespace {

constexpr auto kWaitMax = std::chrono::seconds(60);
constexpr auto kPause = std::chrono::milliseconds(500);
constexpr auto kServerWithin = std::chrono::seconds(30);

}  // namespace

absl::Status RenewCoordinator(const TargetSession& target, const std::string& target_schema,
                              PgConnection* coordinator, const Dialect& dialect) {
  if (coordinator->alive()) {
    const absl::Status asked = coordinator->Execute("SELECT");
    if (asked.ok() || coordinator->alive()) return asked;
  }
  const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
  while (true) {
    absl::StatusOr<PgConnection> connection = target.Connect();
    std::string holder;
    const absl::Status connected = connection.status();
    if (connected.ok()) {
      *coordinator = *std::move(connection);
      ASSIGN_OR_RETURN(const bool locked,
                       Ledger::TryLock(*coordinator, target_schema, &holder, dialect));
      if (locked) return absl::OkStatus();
      // Most likely what is left of our own former session; it ends soon.
    } else if (InfoOf(connected).exit_code != ExitCode::kTargetUnreachable) {
      return connected;
    }
    if (std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    if (!connected.ok()) return connected;
    return MakeError(ErrorCode::kAnotherRun, ExitCode::kCannotResume,
                     absl::StrCat("the connection was lost, and meanwhile another run took the "
                                  "lock on this schema (", EscapeForMessage(holder), ")"),
                     "wait for it to end, or end it");
  }
}

absl::Status AwaitServer(const TargetSpec& target, const CancelToken& cancel) {
  if (target.embedded()) return cancel.Check();  // whoever opens it starts it
  PgConnectOptions options;
  options.conninfo = target.conninfo;
  const auto deadline = std::chrono::steady_clock::now() + kServerWithin;
  while (true) {
    RETURN_IF_ERROR(cancel.Check());
    const absl::Status status = PgConnection::Connect(options).status();
    if (status.ok() || std::chrono::steady_clock::now() >= deadline) return status;
    const ErrorInfo info = InfoOf(status);
    const bool may_come = info.code == ErrorCode::kTargetUnreachable ||
                          info.code == ErrorCode::kTargetConnectionLost ||
                          info.sqlstate == "53300";  // too_many_connections
    if (!may_come) return status;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace lite2pg
