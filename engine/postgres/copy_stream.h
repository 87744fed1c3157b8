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
inline constexpr absl::string_view kCopyBinaryHeader(
    "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
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
  // Looks for an error of the server meanwhile.
  absl::Status Write(absl::string_view bytes);
  // Sends trailer and CopyDone, waits, and returns the number of rows the server counted.
  absl::StatusOr<uint64_t> Finish();
  void Abort(absl::string_view reason);

 private:
  PgConnection& connection_;
  bool open_ = false;
  bool binary_ = true;
};

// COPY (query) TO STDOUT (FORMAT binary): one callback per tuple (int16 count and fields). The
// view lives during the call. A callback's error ends the COPY (cancelled and drained) and is
// returned. Returns the number of tuples.
absl::StatusOr<uint64_t> CopyOut(PgConnection& connection, absl::string_view query,
                                 const std::function<absl::Status(absl::string_view)>& on_tuple);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_COPY_STREAM_H_
