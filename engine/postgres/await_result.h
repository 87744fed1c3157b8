// Statements whose answer is awaited by us rather than in libpq, whose own waiting can be endless.
//
// When an allocation fails, libpq 15 takes a CopyOutResponse for one that has not fully arrived
// (getCopyStart in fe-protocol3.c) and the end of a pipeline for nothing at all (pqParseInput3),
// and waits for a server that has said all it had to say. So we wait in slices: after each, libpq
// looks again at what it has, and where it has run out of memory the connection is given up.
#ifndef LITE2PG_ENGINE_POSTGRES_AWAIT_RESULT_H_
#define LITE2PG_ENGINE_POSTGRES_AWAIT_RESULT_H_

#include <string>
#include <vector>

#include "engine/postgres/connection.h"

namespace lite2pg {

// PQgetResult: the next result, null at the end of the statement. Waits as long as it takes.
PgResult AwaitResult(pg_conn* conn);

// Every result up to the end of the statement: keeps the last, the first error, or the one that
// says that a COPY is open, and ends there. Null when there was none.
PgResult AwaitLastResult(pg_conn* conn);

// PQexecParams with parameters and results in text form: AwaitLastResult of it, null when it could
// not be sent. A COPY that an earlier statement has left open is ended first.
PgResult RunStatement(pg_conn* conn, const std::string& sql,
                      const std::vector<const char*>& values = {});

// PQexec: the same by the simple protocol, several statements in one string. Rows that they give
// are dropped, whether by SELECT or by COPY TO STDOUT.
PgResult RunScript(pg_conn* conn, const std::string& sql);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_AWAIT_RESULT_H_
