#include "engine/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/await_result.h"
#include "engine/postgres/conninfo.h"
#include "engine/postgres/error.h"
#include "engine/postgres/socket_watch.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kConnectTimeoutSeconds = 10;
// Notices kept until someone takes them; a trigger may raise one per row.
constexpr size_t kNoticesMax = 1000;

constexpr char kUserTimeoutText[] = "30000";
static_assert(kUserTimeoutMs == 30'000);

// How a dead peer is noticed within half a minute instead of the system's two hours. The user's
// own settings, from wherever libpq takes them, win.
constexpr std::pair<const char*, const char*> kSocketDefaults[] = {
    {"keepalives", "1"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", kUserTimeoutText}};

// One round trip after connecting, and not the options= of the startup packet, which poolers
// refuse. A setting that a server does not know (an older PostgreSQL, another dialect) is passed
// over. docs/operations.md says why each is there.
constexpr absl::string_view kSessionSettings =
    "SELECT pg_catalog.set_config(s.name, s.setting, false) FROM (VALUES "
    "('client_encoding', 'UTF8'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), "
    "('TimeZone', 'UTC'), ('extra_float_digits', '1'), ('bytea_output', 'hex'), "
    "('standard_conforming_strings', 'on'), ('escape_string_warning', 'off'), "
    "('array_nulls', 'on'), ('transform_null_equals', 'off'), ('xmloption', 'content'), "
    "('quote_all_identifiers', 'off'), ('client_min_messages', 'warning'), "
    "('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), "
    "('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('lock_timeout', '30s'), "
    "('default_transaction_isolation', 'read committed'), "
    "('default_transaction_deferrable', 'off'), "
    // A policy that hides rows would make a copy or a comparison silently incomplete.
    "('row_security', 'off'), "
    // With "off" a crash of the server undoes COMMITs that it has answered, and we would count
    // rows as loaded that are not there. All other settings promise at least what "local" does.
    "('synchronous_commit', pg_catalog.replace("
    "pg_catalog.current_setting('synchronous_commit'), 'off', 'local')), "
    "('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), "
    "('tcp_keepalives_count', '3'), "
    // Longer than ours: a reader that pauses must not lose its COPY (socket_watch.h).
    "('tcp_user_timeout', '120000')";
constexpr absl::string_view kSessionSettingsEnd =
    ") AS s(name, setting) WHERE pg_catalog.current_setting(s.name, true) IS NOT NULL";

void CollectNotice(void* notices, const PGresult* result) {
  auto* list = static_cast<std::vector<std::string>*>(notices);
  if (list->size() >= kNoticesMax) return;
  const auto field = [result](int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? "" : text;
  };
  list->push_back(absl::StrCat(field(PG_DIAG_SEVERITY), ": ", field(PG_DIAG_MESSAGE_PRIMARY)));
}

// Waits until the socket is ready for what PQconnectPoll asked; false at the deadline.
bool WaitForSocket(PGconn* conn, bool for_write, Clock::time_point deadline) {
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd socket = {PQsocket(conn), static_cast<short>(for_write ? POLLOUT : POLLIN), 0};
    const int ready = poll(&socket, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // PQconnectPoll reports what is wrong
  }
}

// 0, as libpq has it, means to wait as long as it takes.
int TimeoutSeconds(const std::map<std::string, std::string>& settings) {
  int seconds = kConnectTimeoutSeconds;
  const auto it = settings.find("connect_timeout");
  if (it != settings.end() && absl::SimpleAtoi(it->second, &seconds)) {
    if (seconds > 0) return std::max(seconds, 2);
    return 365 * 24 * 3600;
  }
  return kConnectTimeoutSeconds;
}

// Drives a started connection to its end. False: timed out, or PQstatus says what failed.
bool FinishConnecting(PGconn* conn, int timeout_seconds, bool* timed_out) {
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(timeout_seconds);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    if (!WaitForSocket(conn, state == PGRES_POLLING_WRITING, deadline)) {
      *timed_out = true;
      return false;
    }
    state = PQconnectPoll(conn);
  }
  return state == PGRES_POLLING_OK;
}

// The beginning of a statement, for messages.
std::string Shown(absl::string_view sql) { return EscapeForMessage(sql, 120); }

bool HoldsNul(absl::string_view sql, const std::vector<PgParam>& params) {
  if (sql.find('\0') != absl::string_view::npos) return true;
  return std::any_of(params.begin(), params.end(), [](const PgParam& param) {
    return param.has_value() && param->find('\0') != std::string::npos;
  });
}

// libpq takes C strings and would silently cut at a zero byte.
absl::Status NulError(absl::string_view sql) {
  return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                   absl::StrCat("a zero byte in a statement or parameter: ", Shown(sql)));
}

std::vector<const char*> Pointers(const std::vector<PgParam>& params) {
  std::vector<const char*> pointers;
  for (const PgParam& param : params) {
    pointers.push_back(param.has_value() ? param->c_str() : nullptr);
  }
  return pointers;
}

bool IsSuccess(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

// Sends what is queued; takes in answers meanwhile, or both sides could wait for each other.
bool FlushAll(PGconn* conn) {
  while (true) {
    const int flushed = PQflush(conn);
    if (flushed == 0) return true;
    if (flushed < 0) return false;
    pollfd socket = {PQsocket(conn), POLLIN | POLLOUT, 0};
    if (poll(&socket, 1, -1) < 0 && errno != EINTR) return false;
    if ((socket.revents & POLLIN) != 0 && PQconsumeInput(conn) == 0) return false;
  }
}

// Pipeline mode, not blocking, as long as it lives. Where libpq cannot leave it (no memory for one
// of the answers, a Sync that was not sent), nothing would be answered any more, and the connection
// ends.
class PipelineMode {
 public:
  explicit PipelineMode(PGconn* conn) : conn_(conn) {
    entered_ = PQstatus(conn) == CONNECTION_OK && PQenterPipelineMode(conn) != 0 &&
               PQsetnonblocking(conn, 1) == 0;
  }
  ~PipelineMode() {
    if (PQstatus(conn_) != CONNECTION_OK) return;
    if (PQexitPipelineMode(conn_) == 0) {
      CutConnection(conn_);
      PQconsumeInput(conn_);  // and so learns of it
    }
    PQsetnonblocking(conn_, 0);
  }
  PipelineMode(const PipelineMode&) = delete;
  PipelineMode& operator=(const PipelineMode&) = delete;
  bool entered() const { return entered_; }

 private:
  PGconn* conn_;
  bool entered_ = false;
};

// Queues every statement and the Sync. They leave in packets of this size, so that a few small
// statements are one flight, and libpq's buffer never holds much more than one large one.
constexpr size_t kPipelineFlushBytes = size_t{32} << 10;

bool SendPipeline(PGconn* conn, const std::vector<PgStatement>& statements) {
  size_t queued_bytes = 0;
  for (const PgStatement& statement : statements) {
    const std::vector<const char*> values = Pointers(statement.params);
    if (PQsendQueryParams(conn, statement.sql.c_str(), static_cast<int>(values.size()), nullptr,
                          values.data(), nullptr, nullptr, 0) == 0) {
      return false;
    }
    queued_bytes += statement.sql.size();
    for (const PgParam& param : statement.params) queued_bytes += param ? param->size() : 0;
    if (queued_bytes < kPipelineFlushBytes) continue;
    if (!FlushAll(conn)) return false;
    queued_bytes = 0;
  }
  return PQpipelineSync(conn) != 0 && FlushAll(conn);
}

// Takes one result per statement (each is followed by a null; after an error the rest come as
// "aborted") and the answer to the Sync.
absl::Status ReadPipeline(PGconn* conn, size_t count,
                          const std::function<std::string(size_t)>& doing,
                          std::vector<PgResult>* results, PgBatchFailure* failure) {
  absl::Status error;
  for (size_t i = 0; i < count; ++i) {
    PgResult result = AwaitResult(conn);
    if (result.raw() == nullptr) break;  // the connection is gone
    if (IsSuccess(result.raw())) {
      results->push_back(std::move(result));
    } else if (PQresultStatus(result.raw()) != PGRES_PIPELINE_ABORTED && error.ok()) {
      failure->index = i;
      error = ServerError(result.raw(), conn, doing(i));
    }
    while (AwaitResult(conn).raw() != nullptr) {
    }
  }
  const PgResult sync = AwaitResult(conn);
  const bool synced = sync.raw() != nullptr && PQresultStatus(sync.raw()) == PGRES_PIPELINE_SYNC &&
                      PQstatus(conn) == CONNECTION_OK;
  failure->answered = synced && !error.ok();
  if (error.ok() && (!synced || results->size() != count)) {
    failure->index = std::min(results->size(), count - 1);
    error = ServerError(nullptr, conn, doing(failure->index));
  }
  return error;
}

}  // namespace

void PgConnection::Finish::operator()(pg_conn* conn) const { PQfinish(conn); }

void PgConnection::FreeCancel::operator()(pg_cancel* cancel) const { PQfreeCancel(cancel); }

absl::StatusOr<PgConnection> PgConnection::Connect(const PgConnectOptions& options) {
  RETURN_IF_ERROR(CheckConninfo(options.conninfo));
  const std::map<std::string, std::string> settings = EffectiveSettings(options.conninfo);
  const int timeout_seconds = TimeoutSeconds(settings);
  const std::string timeout_text = absl::StrCat(timeout_seconds);

  // Later values win: our defaults, then the user's string, then what we depend on.
  std::vector<const char*> keywords, values;
  const auto add = [&](const char* keyword, const char* value) {
    keywords.push_back(keyword);
    values.push_back(value);
  };
  for (const auto& [keyword, value] : kSocketDefaults) {
    if (settings.count(keyword) == 0) add(keyword, value);
  }
  add("connect_timeout", timeout_text.c_str());
  add("dbname", options.conninfo.c_str());
  add("client_encoding", "UTF8");
  add("application_name", options.application_name.c_str());
  add(nullptr, nullptr);

  const auto host = settings.find("host"), address = settings.find("hostaddr");
  const bool several = (host != settings.end() && absl::StrContains(host->second, ",")) ||
                       (address != settings.end() && absl::StrContains(address->second, ","));
  PgConnection connection;
  bool timed_out = false;
  if (several) {
    // Only libpq's blocking call goes on to the next host after a timeout.
    connection.conn_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
  } else {
    connection.conn_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
    if (connection.alive() || PQstatus(connection.raw()) != CONNECTION_BAD) {
      // Verbose, because the SQLSTATE of a refused login is only in the message.
      PQsetErrorVerbosity(connection.raw(), PQERRORS_VERBOSE);
      FinishConnecting(connection.raw(), timeout_seconds, &timed_out);
      PQsetErrorVerbosity(connection.raw(), PQERRORS_DEFAULT);
    }
  }
  if (timed_out) {
    return MakeError(ErrorCode::kTargetUnreachable, ExitCode::kTargetUnreachable,
                     absl::StrCat("no answer from the server within ", timeout_seconds,
                                  " s: ", DescribeConnection(connection.raw())),
                     "check host, port and firewall; connect_timeout in the connection string "
                     "allows more time");
  }
  if (!connection.alive()) return ConnectError(connection.raw());
  RETURN_IF_ERROR(connection.SetUpSession(options));
  return connection;
}

absl::Status PgConnection::SetUpSession(const PgConnectOptions& options) {
  notices_ = std::make_shared<std::vector<std::string>>();
  PQsetNoticeReceiver(raw(), CollectNotice, notices_.get());
  cancel_.reset(PQgetCancel(raw()));
  std::string sql(kSessionSettings);
  std::vector<PgParam> params;
  if (options.search_path.has_value()) {
    params.emplace_back(*options.search_path);
    absl::StrAppend(&sql, ", ('search_path', $1)");
  }
  if (options.read_only) absl::StrAppend(&sql, ", ('default_transaction_read_only', 'on')");
  absl::StrAppend(&sql, kSessionSettingsEnd);
  RETURN_IF_ERROR(Execute(sql, params));
  if (PQserverVersion(raw()) < 140000) {
    return MakeError(ErrorCode::kTargetVersion, ExitCode::kTargetRefuses,
                     absl::StrCat("the server is version ", PQserverVersion(raw()) / 10000,
                                  "; 14 or later is needed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<PgResult> PgConnection::Query(absl::string_view sql,
                                             const std::vector<PgParam>& params) {
  if (HoldsNul(sql, params)) return NulError(sql);
  PgResult result = RunStatement(raw(), std::string(sql), Pointers(params));
  if (result.raw() == nullptr || !IsSuccess(result.raw())) {
    return ServerError(result.raw(), raw(), Shown(sql));
  }
  return result;
}

absl::Status PgConnection::Execute(absl::string_view sql, const std::vector<PgParam>& params) {
  return Query(sql, params).status();
}

absl::Status PgConnection::ExecuteAll(const std::vector<std::string>& statements) {
  std::vector<PgStatement> batch;
  for (const std::string& sql : statements) batch.push_back({sql, {}});
  return QueryAll(batch).status();
}

absl::StatusOr<std::vector<PgResult>> PgConnection::QueryAll(
    const std::vector<PgStatement>& statements, PgBatchFailure* failure) {
  PgBatchFailure ignored;
  if (failure == nullptr) failure = &ignored;
  *failure = PgBatchFailure{};
  std::vector<PgResult> results;
  if (statements.empty()) return results;
  for (const PgStatement& statement : statements) {
    if (HoldsNul(statement.sql, statement.params)) return NulError(statement.sql);
  }
  const auto doing = [&](size_t index) {
    return absl::StrCat("statement ", index + 1, " of ", statements.size(), ": ",
                        Shown(statements[index].sql));
  };
  const PipelineMode pipeline(raw());
  if (!pipeline.entered()) return ServerError(nullptr, raw(), doing(0));
  failure->sent = true;
  if (!SendPipeline(raw(), statements) && alive()) return ServerError(nullptr, raw(), doing(0));
  RETURN_IF_ERROR(ReadPipeline(raw(), statements.size(), doing, &results, failure));
  return results;
}

absl::Status PgConnection::Begin() { return Execute("BEGIN ISOLATION LEVEL READ COMMITTED"); }

absl::Status PgConnection::BeginSnapshot(absl::string_view snapshot) {
  RETURN_IF_ERROR(Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  if (snapshot.empty()) return absl::OkStatus();
  const absl::Status status =
      Execute(absl::StrCat("SET TRANSACTION SNAPSHOT ", QuoteLiteral(snapshot)));
  if (!status.ok()) Rollback();
  return status;
}

absl::Status PgConnection::Commit() {
  if (!alive()) return ServerError(nullptr, raw(), "COMMIT");
  absl::StatusOr<PgResult> result = Query("COMMIT");
  if (!result.ok()) return alive() ? result.status() : CommitInDoubtError(result.status());
  if (absl::string_view(PQcmdStatus(result->raw())) == "COMMIT") return absl::OkStatus();
  return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                   "the server rolled the transaction back at COMMIT, because an earlier statement "
                   "of it had failed");
}

void PgConnection::Rollback() {
  if (alive() && in_transaction()) {
    Execute("ROLLBACK").IgnoreError();  // a failure means that the session, and with it the
  }                                     // transaction, is gone
}

bool PgConnection::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(raw());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool PgConnection::alive() const { return conn_ != nullptr && PQstatus(raw()) == CONNECTION_OK; }

int PgConnection::backend_pid() const { return PQbackendPID(raw()); }

int PgConnection::server_version() const { return PQserverVersion(raw()); }

std::string PgConnection::host() const {
  const char* host = PQhost(raw());
  return host == nullptr ? "" : host;
}

std::string PgConnection::database() const {
  const char* database = PQdb(raw());
  return database == nullptr ? "" : database;
}

std::string PgConnection::user() const {
  const char* user = PQuser(raw());
  return user == nullptr ? "" : user;
}

void PgConnection::Cancel() {
  if (cancel_ == nullptr) return;
  char message[256];
  PQcancel(cancel_.get(), message, sizeof(message));  // best effort: the answer decides
}

std::vector<std::string> PgConnection::TakeNotices() {
  std::vector<std::string> taken;
  if (notices_ != nullptr) taken.swap(*notices_);
  return taken;
}

}  // namespace lite2pg
