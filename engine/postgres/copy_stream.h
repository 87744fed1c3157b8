// COPY in both directions over one connection.
#ifndef LITE2PG_ENGINE_POSTGRES_COPY_STREAM_H_
#define LITE2PG_ENGINE_POSTGRES_COPY_STREAM_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Header and trailer of binary COPY (PostgreSQL documentation, "COPY, Binary Format").
inline constexpr absl::string_view kCopyBinaryHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
inline constexpr absl::string_view kCopyBinaryTrailer("\377\377", 2);

// COPY table (columns) FROM STDIN. Aborts (CopyFail, drained to the end) unless Finish() returned
// OK; never commits. One thread; `connection` must outlive it and does nothing else meanwhile.
class CopyIn {
 public:
  explicit CopyIn(PgConnection& connection) : connection_(connection) {}
  ~CopyIn() { Abort("abandoned"); }
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;

  // `target` is quoted and qualified; `columns` are quoted here. Sends the binary header.
  absl::Status Begin(absl::string_view target, const std::vector<std::string>& columns,
                     bool binary = true, bool freeze = false);
  // Blocks until libpq took the bytes; sends in pieces so that libpq's own buffer stays small.
  // Notices an error of the server early where it can (not under TLS, where it shows only in
  // Finish); after any error the COPY is over and its transaction has failed.
  absl::Status Write(absl::string_view bytes);
  // Sends trailer and CopyDone, waits, and returns the number of rows the server counted. It must
  // be compared with the number of rows sent before COMMIT: a server takes a stream that was cut
  // between two rows for a complete one.
  absl::StatusOr<uint64_t> Finish();
  // Makes the server fail the COPY and waits until it has. The connection is usable afterwards
  // (after a ROLLBACK inside a transaction). Does nothing when no COPY is open.
  void Abort(absl::string_view reason);

 private:
  absl::Status Send(absl::string_view slice);
  absl::Status FailWith(absl::string_view reason);
  std::string Doing() const;

  PgConnection& connection_;
  std::string target_;
  bool open_ = false;
  bool binary_ = true;
};

// COPY (query) TO STDOUT (FORMAT binary): one callback per tuple (int16 count and fields). The
// view lives during the call. A callback's error ends the COPY (cancelled and drained) and is
// returned. Returns the number of tuples. A stream without its trailer is an error.
absl::StatusOr<uint64_t> CopyOut(PgConnection& connection, absl::string_view query,
                                 const std::function<absl::Status(absl::string_view)>& on_tuple);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_COPY_STREAM_H_
