#include "engine/postgres/await_result.h"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "engine/postgres/socket_watch.h"

namespace lite2pg {
namespace {

constexpr int kSliceMs = 1'000;

// Waits until the server says something or a slice of time is over; false when the connection is
// of no more use.
bool WaitForAnswer(PGconn* conn) {
  if (PQsslInUse(conn) != 0 || PQgssEncInUse(conn) != 0) {
    // No poll of the socket tells of what has been decrypted and not been taken yet. libpq takes at
    // least 8 KiB at a time (pqReadData in fe-misc.c); with what it took before, that is a record.
    if (PQconsumeInput(conn) == 0) return false;
    if (PQisBusy(conn) == 0) return true;
  }
  pollfd socket = {PQsocket(conn), POLLIN, 0};
  const int ready = poll(&socket, 1, kSliceMs);
  if (ready < 0) return errno == EINTR;
  if (ready > 0) return PQconsumeInput(conn) != 0;
  // libpq's texts are in the user's language only where a program asks for that; we do not.
  if (absl::StrContains(PQerrorMessage(conn), "out of memory")) CutConnection(conn);
  return true;
}

// Takes the rows of a COPY TO STDOUT; false when libpq cannot, for want of memory above all.
bool DiscardRows(PGconn* conn) {
  char* row = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(conn, &row, 0)) > 0) PQfreemem(row);
  return size == -1;
}

// Ends what an earlier statement has left open, as PQexec does: a COPY in a script of the user's.
void EndOpenCopy(PGconn* conn) {
  while (PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_ACTIVE) {
    const PgResult result = AwaitResult(conn);
    if (result.raw() == nullptr) return;
    const ExecStatusType status = PQresultStatus(result.raw());
    if (status == PGRES_COPY_IN) {
      if (PQputCopyEnd(conn, "nobody sends data here") != 1) return;
    } else if (status == PGRES_COPY_OUT && !DiscardRows(conn)) {
      return;  // it stays open: what is sent next is refused by libpq
    }
  }
}

}  // namespace

PgResult AwaitResult(pg_conn* conn) {
  while (PQisBusy(conn) != 0 && WaitForAnswer(conn)) {
  }
  return PgResult(PQgetResult(conn));  // does not wait now, and says what is wrong if anything is
}

PgResult AwaitLastResult(pg_conn* conn) {
  PgResult kept;
  bool failed = false;
  while (true) {
    PgResult result = AwaitResult(conn);
    if (result.raw() == nullptr) return kept;
    const ExecStatusType status = PQresultStatus(result.raw());
    if (!failed) kept = std::move(result);
    failed = failed || status == PGRES_FATAL_ERROR;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
        PQstatus(conn) == CONNECTION_BAD) {
      return kept;
    }
  }
}

PgResult RunStatement(pg_conn* conn, const std::string& sql,
                      const std::vector<const char*>& values) {
  EndOpenCopy(conn);
  if (PQsendQueryParams(conn, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) == 0) {
    return PgResult();
  }
  return AwaitLastResult(conn);
}

PgResult RunScript(pg_conn* conn, const std::string& sql) {
  EndOpenCopy(conn);
  if (PQsendQuery(conn, sql.c_str()) == 0) return PgResult();
  PgResult result = AwaitLastResult(conn);
  while (PQresultStatus(result.raw()) == PGRES_COPY_OUT && DiscardRows(conn)) {
    result = AwaitLastResult(conn);
  }
  return result;
}

}  // namespace lite2pg
