// Takes a binary COPY stream apart into tuples, however it is cut into messages. No libpq.
#ifndef LITE2PG_ENGINE_POSTGRES_COPY_FRAMES_H_
#define LITE2PG_ENGINE_POSTGRES_COPY_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

inline uint32_t ReadBigEndian32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof(v));
  return __builtin_bswap32(v);
}

inline uint16_t ReadBigEndian16(const char* p) {
  uint16_t v;
  std::memcpy(&v, p, sizeof(v));
  return __builtin_bswap16(v);
}

// PostgreSQL sends one tuple per CopyData message, the header in front of the first and the trailer
// alone; that is the fast path, without a copy. Other servers and proxies may cut differently.
// One thread.
class CopyFrames {
 public:
  // Calls on_tuple for each tuple that `message` completes (int16 count and fields; the view lives
  // during the call). Errors: the callback's, or a stream that is not binary COPY.
  absl::Status Add(absl::string_view message,
                   const std::function<absl::Status(absl::string_view)>& on_tuple);
  // Fails unless the trailer was seen.
  absl::Status Finish() const;
  uint64_t tuples() const { return tuples_; }

 private:
  // Removes from the front of `bytes` what is complete.
  absl::Status Take(absl::string_view* bytes,
                    const std::function<absl::Status(absl::string_view)>& on_tuple);
  // Eats the header from the front of `bytes`; *complete is false while more is needed.
  absl::Status TakeHeader(absl::string_view* bytes, bool* complete);

  std::string pending_;  // an incomplete header or tuple
  bool header_done_ = false;
  bool trailer_seen_ = false;
  uint64_t tuples_ = 0;
};

// The length of the tuple at the front of `bytes`; 0 when it is not complete, SIZE_MAX when it
// cannot be one.
size_t TupleLength(absl::string_view bytes);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_COPY_FRAMES_H_
