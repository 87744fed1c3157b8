#include "engine/postgres/copy_stream.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/await_result.h"
#include "engine/postgres/copy_frames.h"
#include "engine/postgres/error.h"
#include "engine/postgres/socket_watch.h"

namespace lite2pg {
namespace {

// Small enough that one slice mostly fits the socket's buffer, so that libpq rarely holds more.
constexpr size_t kSliceBytes = size_t{64} << 10;
// How often a COPY that waits for room looks whether the server is still there.
constexpr int kWatchIntervalMs = 5'000;
// What is looked at of the server's unread answer.
constexpr size_t kPeekBytes = 4096;

enum class Peek : uint8_t { kNothing, kError, kClosed };

// Whether the unread bytes are whole messages up to an ErrorResponse: 'E', its length, and 'S'
// with the severity (PostgreSQL documentation, "Message Formats"). Where libpq has read a part of
// a notice, we look at the middle of one; then the two upper bytes of the length cannot be zero,
// because text fields are not empty. To stop a healthy COPY would be worse than to notice late.
bool HoldsErrorResponse(absl::string_view bytes) {
  while (bytes.size() >= 7) {
    const char type = bytes[0];
    const size_t length = ReadBigEndian32(bytes.data() + 1);
    if (length < 8 || length > 0xFFFF) return false;
    if (type == 'E') return bytes[5] == 'S' && bytes[6] >= 'A';
    if (type != 'N' && type != 'S' && type != 'A') return false;
    if (bytes.size() < length + 1) return false;
    bytes.remove_prefix(length + 1);
  }
  return false;
}

// libpq reads no answers while a COPY IN is open, so we look at the socket ourselves, without
// taking anything from it. Encrypted bytes say nothing, hence only plain connections are looked at.
Peek PeekAtServer(PGconn* conn) {
  if (PQsslInUse(conn) != 0 || PQgssEncInUse(conn) != 0) return Peek::kNothing;
  char bytes[kPeekBytes];
  const ssize_t size = recv(PQsocket(conn), bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
  if (size == 0) return Peek::kClosed;
  if (size < 0) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Peek::kNothing
                                                                     : Peek::kClosed;
  }
  return HoldsErrorResponse(absl::string_view(bytes, static_cast<size_t>(size))) ? Peek::kError
                                                                                 : Peek::kNothing;
}

// Waits until the socket takes more or the server says something. The latter must be read, since
// a server that cannot write (a trigger may raise a warning per row) does not read either.
bool WaitForRoom(PGconn* conn) {
  pollfd socket = {PQsocket(conn), POLLIN | POLLOUT, 0};
  while (true) {
    const int ready = poll(&socket, 1, kWatchIntervalMs);
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && PeerIsSilent(conn)) {
      CutConnection(conn);
      return false;
    }
  }
  if ((socket.revents & POLLOUT) != 0 || PeekAtServer(conn) != Peek::kNothing) return true;
  return PQconsumeInput(conn) != 0;
}

// Sends what libpq holds, as PQflush leaves the waiting to the caller in non-blocking mode.
bool FlushFully(PGconn* conn) {
  while (true) {
    const int flushed = PQflush(conn);
    if (flushed == 0) return true;
    if (flushed < 0 || !WaitForRoom(conn)) return false;
  }
}

// PQputCopyEnd, retried while libpq's buffer is full.
bool EndCopy(PGconn* conn, const char* error) {
  while (true) {
    const int ended = PQputCopyEnd(conn, error);
    if (ended > 0) return FlushFully(conn);
    if (ended < 0 || !FlushFully(conn)) return false;
  }
}

void LeaveCopyMode(PGconn* conn) {
  PQsetnonblocking(conn, 0);
  SetUserTimeout(conn, kUserTimeoutMs);
}

}  // namespace

std::string CopyIn::Doing() const { return absl::StrCat("COPY into ", target_); }

absl::Status CopyIn::Begin(absl::string_view target, const std::vector<std::string>& columns,
                           bool binary, bool freeze) {
  if (open_) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a COPY is open on this connection");
  }
  target_ = std::string(target);
  binary_ = binary;
  const std::string list =
      absl::StrJoin(columns, ", ", [](std::string* out, const std::string& column) {
        absl::StrAppend(out, QuoteIdentifier(column));
      });
  // An empty list would mean all columns, and `t ()` is a syntax error: a table without columns
  // is copied by the first form.
  const std::string sql = absl::StrCat(
      "COPY ", target, columns.empty() ? "" : absl::StrCat(" (", list, ")"), " FROM STDIN (FORMAT ",
      binary ? "binary" : "text", freeze ? ", FREEZE" : "", ")");
  const PgResult result = RunStatement(connection_.raw(), sql);
  if (result.raw() == nullptr || PQresultStatus(result.raw()) != PGRES_COPY_IN) {
    return ServerError(result.raw(), connection_.raw(), Doing());
  }
  // From here to the end of the COPY we wait ourselves, and can look for errors meanwhile.
  PQsetnonblocking(connection_.raw(), 1);
  SetUserTimeout(connection_.raw(), kCopyUserTimeoutMs);
  open_ = true;
  return binary ? Write(kCopyBinaryHeader) : absl::OkStatus();
}

absl::Status CopyIn::Write(absl::string_view bytes) {
  if (!open_) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "no COPY is open on this connection");
  }
  while (!bytes.empty()) {
    const absl::string_view slice = bytes.substr(0, kSliceBytes);
    RETURN_IF_ERROR(Send(slice));
    bytes.remove_prefix(slice.size());
  }
  return absl::OkStatus();
}

absl::Status CopyIn::Send(absl::string_view slice) {
  PGconn* conn = connection_.raw();
  if (PeekAtServer(conn) != Peek::kNothing) return FailWith("the server reported an error");
  if (PQputCopyData(conn, slice.data(), static_cast<int>(slice.size())) != 1) {
    return FailWith("libpq could not take the data");
  }
  while (true) {
    const int flushed = PQflush(conn);
    if (flushed == 0) break;
    if (flushed < 0 || !WaitForRoom(conn) || PeekAtServer(conn) != Peek::kNothing) {
      return FailWith("the server reported an error");
    }
  }
  // After a write error libpq drops what it is given and says OK until the answer is read.
  return connection_.alive() ? absl::OkStatus() : FailWith("connection lost");
}

absl::Status CopyIn::FailWith(absl::string_view reason) {
  PGconn* conn = connection_.raw();
  open_ = false;
  EndCopy(conn, std::string(reason).c_str());
  const PgResult result = AwaitLastResult(conn);
  LeaveCopyMode(conn);
  return ServerError(result.raw(), conn, Doing());
}

absl::StatusOr<uint64_t> CopyIn::Finish() {
  if (binary_) RETURN_IF_ERROR(Write(kCopyBinaryTrailer));
  if (!open_) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "no COPY is open on this connection");
  }
  PGconn* conn = connection_.raw();
  open_ = false;
  EndCopy(conn, nullptr);  // its failure shows in the results
  const PgResult result = AwaitLastResult(conn);
  LeaveCopyMode(conn);
  if (result.raw() == nullptr || PQresultStatus(result.raw()) != PGRES_COMMAND_OK) {
    return ServerError(result.raw(), conn, Doing());
  }
  return result.affected_rows();
}

void CopyIn::Abort(absl::string_view reason) {
  if (!open_) return;
  FailWith(reason).IgnoreError();  // the error is the one that was asked for
}

absl::StatusOr<uint64_t> CopyOut(PgConnection& connection, absl::string_view query,
                                 const std::function<absl::Status(absl::string_view)>& on_tuple) {
  PGconn* conn = connection.raw();
  const std::string doing = absl::StrCat("COPY of ", EscapeForMessage(query, 120));
  const std::string sql = absl::StrCat("COPY (", query, ") TO STDOUT (FORMAT binary)");
  const PgResult begun = RunStatement(conn, sql);
  if (begun.raw() == nullptr || PQresultStatus(begun.raw()) != PGRES_COPY_OUT) {
    return ServerError(begun.raw(), conn, doing);
  }
  struct FreeMemory {
    void operator()(char* memory) const { PQfreemem(memory); }
  };
  CopyFrames frames;
  absl::Status status;
  while (true) {
    char* memory = nullptr;
    const int size = PQgetCopyData(conn, &memory, 0);
    const std::unique_ptr<char, FreeMemory> owner(memory);
    if (size == -2 && connection.alive()) {
      CutConnection(conn);  // libpq has no way out of a COPY that it cannot read
      return NoMemoryError(doing);
    }
    if (size < 0) break;
    if (!status.ok()) continue;  // discards what was under way when it was cancelled
    status = frames.Add(absl::string_view(memory, static_cast<size_t>(size)), on_tuple);
    if (!status.ok()) connection.Cancel();
  }
  const PgResult result = AwaitLastResult(conn);
  RETURN_IF_ERROR(status);
  if (result.raw() == nullptr || PQresultStatus(result.raw()) != PGRES_COMMAND_OK) {
    return ServerError(result.raw(), conn, doing);
  }
  RETURN_IF_ERROR(frames.Finish());
  if (frames.tuples() != result.affected_rows()) {
    return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                     absl::StrCat("the server counted ", result.affected_rows(), " rows in ", doing,
                                  " but sent ", frames.tuples()));
  }
  return frames.tuples();
}

}  // namespace lite2pg
