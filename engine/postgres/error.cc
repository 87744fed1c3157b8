#include "engine/postgres/error.h"

#include <libpq-fe.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "engine/base/text.h"
#include "engine/postgres/conninfo.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kResumeHint = "run the same command again with --resume";
constexpr absl::string_view kMemoryHint =
    "libpq needs about twice the longest row: give this machine or process more memory, then run "
    "again with --resume";

struct SqlstateRow {
  absl::string_view prefix;  // a whole code or the two characters of a class
  ErrorCode code;
  ExitCode exit_code;
  absl::string_view hint;
};

// First match wins, so codes stand above their class. PostgreSQL: src/backend/utils/errcodes.txt.
constexpr SqlstateRow kSqlstates[] = {
    // 08P01 is also what binary COPY says of a malformed tuple; the session survives it.
    {"08P01", ErrorCode::kTargetStatement, ExitCode::kTargetRefuses, ""},
    {"08001", ErrorCode::kTargetUnreachable, ExitCode::kTargetUnreachable, ""},
    {"08004", ErrorCode::kTargetUnreachable, ExitCode::kTargetUnreachable, ""},
    {"08", ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted, kResumeHint},
    {"23", ErrorCode::kTargetConstraint, ExitCode::kTargetRefuses, ""},
    {"25006", ErrorCode::kTargetPrivilege, ExitCode::kTargetRefuses,
     "the session is read-only: connect to the primary, or have default_transaction_read_only of "
     "the role or database turned off"},
    {"25P03", ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted, kResumeHint},
    {"25P04", ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted, kResumeHint},
    {"28P01", ErrorCode::kTargetLogin, ExitCode::kTargetUnreachable,
     "put the role's password into ~/.pgpass (host:port:database:user:password, mode 0600) or "
     "PGPASSWORD; psql with the same target is a quick check"},
    {"28", ErrorCode::kTargetLogin, ExitCode::kTargetUnreachable,
     "check that the role exists and that the server's pg_hba.conf lets it in from here"},
    {"40", ErrorCode::kTargetLocked, ExitCode::kTargetRefuses,
     "another session works on the same rows or tables; try again when it is done"},
    {"42501", ErrorCode::kTargetPrivilege, ExitCode::kTargetRefuses,
     "grant the missing privilege to the role, or connect as the owner"},
    {"42P06", ErrorCode::kTargetTableExists, ExitCode::kTargetRefuses, ""},
    {"42P07", ErrorCode::kTargetTableExists, ExitCode::kTargetRefuses, ""},
    {"53100", ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
     "free or add disk space on the server, then run again with --resume"},
    {"53300", ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
     "lower --streams, or raise max_connections or the role's CONNECTION LIMIT"},
    {"53", ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource, kResumeHint},
    {"55006", ErrorCode::kTargetLocked, ExitCode::kTargetRefuses, ""},
    {"55P03", ErrorCode::kTargetLocked, ExitCode::kTargetRefuses,
     "another session holds a lock; pg_stat_activity and pg_locks say which"},
    {"57014", ErrorCode::kInterrupted, ExitCode::kInterrupted, kResumeHint},
    {"57P", ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted, kResumeHint},
    {"58030", ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
     "the server's storage fails; its log says where"},
};

std::string Field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

// "23505 duplicate key value ...; detail: ...; context: ..."
std::string ServerWords(const PGresult* result) {
  std::string words =
      absl::StrCat(Field(result, PG_DIAG_SQLSTATE), " ", Field(result, PG_DIAG_MESSAGE_PRIMARY));
  const auto append = [&](absl::string_view name, int code) {
    const std::string text = Field(result, code);
    if (!text.empty()) absl::StrAppend(&words, "; ", name, ": ", text);
  };
  append("detail", PG_DIAG_MESSAGE_DETAIL);
  append("hint", PG_DIAG_MESSAGE_HINT);
  append("context", PG_DIAG_CONTEXT);
  return words;
}

// A FATAL or PANIC ends the session whatever its SQLSTATE. The field is never translated
// (PostgreSQL 9.6 and later).
bool EndsSession(const PGresult* result) {
  const std::string severity = Field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

bool IsSqlstate(absl::string_view text) {
  if (text.size() != 5) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c) && !absl::ascii_isupper(c)) return false;
  }
  return true;
}

// "LOCATION:  auth_failed, auth.c:334". The label is translated, so the line is known by its end.
bool IsLocation(absl::string_view line) {
  const size_t number = line.rfind(".c:");
  return number != absl::string_view::npos && line.size() > number + 3 &&
         line.find_first_not_of("0123456789", number + 3) == absl::string_view::npos;
}

// libpq's VERBOSE message without the places in the server's source, which tell a user nothing.
std::string WithoutLocation(absl::string_view message) {
  std::vector<absl::string_view> kept;
  for (const absl::string_view line : absl::StrSplit(message, '\n')) {
    if (!IsLocation(absl::StripAsciiWhitespace(line))) kept.push_back(line);
  }
  return absl::StrJoin(kept, "\n");
}

// libpq breaks and indents its texts for a terminal; errors are one line.
std::string OneLine(absl::string_view text) {
  return absl::StrJoin(absl::StrSplit(text, absl::ByAnyChar(" \t\n\r"), absl::SkipEmpty()), " ");
}

}  // namespace

SqlstateMeaning ClassifySqlstate(absl::string_view sqlstate, ServerPhase phase) {
  const bool connecting = phase == ServerPhase::kConnecting;
  if (connecting && sqlstate == "3D000") {
    return {ErrorCode::kTargetLogin, ExitCode::kTargetUnreachable,
            "lite2pg makes tables, not databases: check the name, or create it first (createdb)"};
  }
  if (connecting && sqlstate == "42501") {
    return {ErrorCode::kTargetLogin, ExitCode::kTargetUnreachable,
            "the role may not connect to this database: GRANT CONNECT ON DATABASE"};
  }
  for (const SqlstateRow& row : kSqlstates) {
    if (!absl::StartsWith(sqlstate, row.prefix)) continue;
    if (connecting && row.code == ErrorCode::kTargetConnectionLost) {
      return {ErrorCode::kTargetUnreachable, ExitCode::kTargetUnreachable,
              "the server is starting up, shutting down or unreachable; try again"};
    }
    return {row.code, row.exit_code, row.hint};
  }
  if (connecting) return {ErrorCode::kTargetUnreachable, ExitCode::kTargetUnreachable, ""};
  return {};
}

absl::Status ServerError(const pg_result* result, pg_conn* conn, absl::string_view doing) {
  ErrorInfo info;
  const bool has_result = result != nullptr && PQresultStatus(result) == PGRES_FATAL_ERROR &&
                          !Field(result, PG_DIAG_SQLSTATE).empty();
  // An error of libpq's own may be a failed write, after which the connection counts as good until
  // something is read from it (fe-exec.c, pqSaveWriteError).
  if (!has_result && conn != nullptr && PQstatus(conn) == CONNECTION_OK) PQconsumeInput(conn);
  const bool lost = conn == nullptr || PQstatus(conn) == CONNECTION_BAD;
  SqlstateMeaning meaning;
  if (has_result) {
    info.sqlstate = Field(result, PG_DIAG_SQLSTATE);
    info.server = ServerWords(result);
    info.column = Field(result, PG_DIAG_COLUMN_NAME);
    info.constraint = Field(result, PG_DIAG_CONSTRAINT_NAME);
    meaning = ClassifySqlstate(info.sqlstate, ServerPhase::kSession);
  } else if (conn != nullptr) {
    info.server = OneLine(PQerrorMessage(conn));
    // A good connection and no word of the server's: what libpq itself can fail at is memory.
    if (!lost && PQresultStatus(result) == PGRES_FATAL_ERROR) {
      meaning = {ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource, kMemoryHint};
    }
  }
  if (lost || (has_result && EndsSession(result))) {
    // A full disk or too little memory can end a session too; the cause decides the exit code.
    if (meaning.code != ErrorCode::kTargetOutOfResource) {
      meaning = {ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted, kResumeHint};
    }
    info.what = absl::StrCat("the connection to the server was lost during ", doing);
  } else {
    info.what = absl::StrCat("the server refused ", doing);
  }
  info.what = WithoutSecrets(info.what, conn);
  info.server = WithoutSecrets(info.server, conn);
  info.code = meaning.code;
  info.exit_code = meaning.exit_code;
  info.hint = std::string(meaning.hint);
  return MakeError(info);
}

absl::Status NoMemoryError(absl::string_view doing) {
  return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                   absl::StrCat("no memory for the answer to ", doing), kMemoryHint);
}

absl::Status ConnectError(pg_conn* conn) {
  ErrorInfo info;
  if (conn == nullptr) {
    return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                     "no memory for a connection");
  }
  const std::string message = PQerrorMessage(conn);
  info.sqlstate = SqlstateInMessage(message);
  SqlstateMeaning meaning = ClassifySqlstate(info.sqlstate, ServerPhase::kConnecting);
  if (info.sqlstate.empty() && PQconnectionNeedsPassword(conn)) {
    meaning = ClassifySqlstate("28P01", ServerPhase::kConnecting);
  }
  const std::string shown = DescribeConnection(conn);
  if (meaning.code == ErrorCode::kTargetLogin) {
    info.what = absl::StrCat("cannot log in to ", shown);
  } else if (meaning.code == ErrorCode::kTargetOutOfResource) {
    info.what = absl::StrCat("the server has no room for another connection: ", shown);
  } else {
    info.what = absl::StrCat("cannot reach the server ", shown);
  }
  info.server = WithoutSecrets(OneLine(WithoutLocation(message)), conn);
  info.code = meaning.code;
  info.exit_code = meaning.exit_code;
  info.hint = meaning.hint.empty() ? "check that the server runs and host and port are right"
                                   : std::string(meaning.hint);
  return MakeError(info);
}

absl::Status CommitInDoubtError(const absl::Status& cause) {
  ErrorInfo info = InfoOf(cause);
  info.code = ErrorCode::kCommitInDoubt;
  info.exit_code = ExitCode::kInterrupted;
  info.what = "the connection was lost after COMMIT was sent: whether it took place is unknown";
  info.effect = "the transaction is either complete or not there at all";
  info.hint = "run the same command again with --resume: the ledger knows which";
  return MakeError(info);
}

std::string SqlstateInMessage(absl::string_view message) {
  std::string found;
  size_t at = 0;
  while ((at = message.find(":  ", at)) != absl::string_view::npos) {
    const absl::string_view rest = message.substr(at + 3);
    if (rest.size() > 6 && rest[5] == ':' && rest[6] == ' ' && IsSqlstate(rest.substr(0, 5))) {
      found = std::string(rest.substr(0, 5));
    }
    at += 3;
  }
  return found;
}

std::string WithoutSecrets(absl::string_view text, pg_conn* conn) {
  std::string out(text);
  if (conn == nullptr) return out;
  for (const std::string& secret : SecretsOf(conn)) {
    out = absl::StrReplaceAll(out, {{secret, "****"}});
  }
  return out;
}

}  // namespace lite2pg
