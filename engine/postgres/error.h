// Turns what libpq and the server say into Status with exit codes. The only place in this folder
// where SQLSTATEs are interpreted.
#ifndef LITE2PG_ENGINE_POSTGRES_ERROR_H_
#define LITE2PG_ENGINE_POSTGRES_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/base/error.h"

struct pg_conn;
struct pg_result;

namespace lite2pg {

// Where an error happened: the same SQLSTATE means another thing while connecting (57P03: cannot
// reach) than in a session (57P03: connection lost).
enum class ServerPhase : uint8_t { kConnecting, kSession };

// What a SQLSTATE comes to. `hint` is empty where nothing general can be advised.
struct SqlstateMeaning {
  ErrorCode code = ErrorCode::kTargetStatement;
  ExitCode exit_code = ExitCode::kTargetRefuses;
  absl::string_view hint;
};
SqlstateMeaning ClassifySqlstate(absl::string_view sqlstate, ServerPhase phase);

// A failed result, or, when `result` is null or the connection is gone, the connection's own
// error. `doing` completes "the server refused ..." ("COPY into public.t"); it may hold untrusted
// bytes. Secrets of the connection are removed from everything.
absl::Status ServerError(const pg_result* result, pg_conn* conn, absl::string_view doing);

// libpq had no memory for an answer.
absl::Status NoMemoryError(absl::string_view doing);

// For a connection that never came to be.
absl::Status ConnectError(pg_conn* conn);

// The connection was lost after COMMIT was sent: nobody but the ledger knows what became of it.
absl::Status CommitInDoubtError(const absl::Status& cause);

// The SQLSTATE in a message written with PQERRORS_VERBOSE ("FATAL:  28P01: ..."), the last one
// when several attempts are told in one message; "" if there is none. libpq 15 gives no other
// access to the code of a refused login, and the words around it are translated.
std::string SqlstateInMessage(absl::string_view message);

// `text` with every password that this connection knows replaced by "****".
std::string WithoutSecrets(absl::string_view text, pg_conn* conn);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_ERROR_H_
