// One connection to the target, with the session settings that make results the same everywhere.
#ifndef LITE2PG_ENGINE_POSTGRES_CONNECTION_H_
#define LITE2PG_ENGINE_POSTGRES_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct pg_cancel;
struct pg_conn;
struct pg_result;

namespace lite2pg {

// Rows of a finished statement; move-only, owns its memory.
class PgResult {
 public:
  PgResult() = default;
  explicit PgResult(pg_result* result) : result_(result) {}
  int rows() const;
  int columns() const;
  bool IsNull(int row, int column) const;
  absl::string_view Text(int row, int column) const;  // valid as long as the result
  int64_t Int(int row, int column) const;             // 0 for NULL
  bool Bool(int row, int column) const;               // 't'
  uint64_t affected_rows() const;                     // from the command tag
  pg_result* raw() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

// A parameter of a statement in text form; nullopt is NULL.
using PgParam = std::optional<std::string>;

struct PgStatement {
  std::string sql;
  std::vector<PgParam> params;
};

// Where QueryAll stopped.
struct PgBatchFailure {
  size_t index = 0;       // of the statement
  bool sent = false;      // something may have reached the server
  bool answered = false;  // the server itself refused that statement and the session goes on
};

struct PgConnectOptions {
  std::string conninfo;  // URI or key=value; libpq's own defaults fill the rest
  std::string application_name = "lite2pg";
  // search_path of the session; empty keeps the role's own (needed where application triggers
  // fire). Everything we send is schema-qualified either way.
  std::optional<std::string> search_path = "pg_catalog";
  bool read_only = false;
};

// Move-only; used by one thread at a time. Every new connection gets the same session settings
// (client_encoding UTF8, DateStyle ISO, IntervalStyle postgres, TimeZone UTC, extra_float_digits,
// bytea_output hex, standard_conforming_strings on, timeouts; docs/operations.md lists them).
// Errors carry SQLSTATE and an exit code by class: 08/57P0x connection (7 or 10), 28 login (7),
// 42501 privilege (8), 53 resource (9), 23 constraint (8), others 8. The conninfo and passwords
// never appear in an error.
class PgConnection {
 public:
  static absl::StatusOr<PgConnection> Connect(const PgConnectOptions& options);

  // One statement by the extended protocol (so that a slip in quoting cannot stack statements).
  absl::StatusOr<PgResult> Query(absl::string_view sql, const std::vector<PgParam>& params = {});
  absl::Status Execute(absl::string_view sql, const std::vector<PgParam>& params = {});
  // Many statements without results in few round trips (libpq pipeline mode, PG 14+). Stops at
  // the first error and says which statement it was in ErrorInfo::what. Runs inside the caller's
  // transaction when there is one; otherwise the statements form one implicit transaction.
  absl::Status ExecuteAll(const std::vector<std::string>& statements);
  // The same with parameters and results, one result per statement. `failure` may be null.
  absl::StatusOr<std::vector<PgResult>> QueryAll(const std::vector<PgStatement>& statements,
                                                 PgBatchFailure* failure = nullptr);

  absl::Status Begin();  // READ COMMITTED
  // BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY, importing `snapshot` unless empty.
  absl::Status BeginSnapshot(absl::string_view snapshot);
  // Fails with kCommitInDoubt when the connection is lost before the answer, and when the server
  // answers ROLLBACK because the transaction had failed before.
  absl::Status Commit();
  void Rollback();  // also after a lost connection; never fails
  bool in_transaction() const;

  bool alive() const;  // last known state, no round trip
  int backend_pid() const;
  int server_version() const;  // 150020
  std::string host() const;    // for messages; never the password
  std::string database() const;
  std::string user() const;
  // Asks the server to stop what this connection runs; any thread.
  void Cancel();

  // Notices that the server sent since the last call.
  std::vector<std::string> TakeNotices();

  pg_conn* raw() const { return conn_.get(); }

 private:
  struct Finish {
    void operator()(pg_conn* conn) const;
  };
  struct FreeCancel {
    void operator()(pg_cancel* cancel) const;
  };
  absl::Status SetUpSession(const PgConnectOptions& options);

  std::shared_ptr<std::vector<std::string>> notices_;  // libpq holds a pointer: outlives conn_
  std::unique_ptr<pg_conn, Finish> conn_;
  std::unique_ptr<pg_cancel, FreeCancel> cancel_;  // made once, so that Cancel() reads no state
};

// What of a conninfo may be shown: host, port, database, user.
std::string RedactConninfo(absl::string_view conninfo);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_CONNECTION_H_
