// Reading and writing PostgreSQL's big-endian wire integers, shared by all codecs.
#ifndef LITE2PG_COERCION_WIRE_H_
#define LITE2PG_COERCION_WIRE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "coercion/field_buffer.h"
#include "coercion/outcome.h"

namespace lite2pg {

// The longest field that we send. PostgreSQL's MaxAllocSize is 1 GiB - 1
// (src/include/utils/memutils.h), and the message around the field must stay below it as well.
inline constexpr size_t kWireFieldBytesMax = (size_t{1} << 30) - 1024;

// REQUIRES for every Load*: `p` points to that many readable bytes.
inline int16_t LoadInt16(const char* p) {
  uint16_t v;
  std::memcpy(&v, p, sizeof(v));
  return static_cast<int16_t>(__builtin_bswap16(v));
}
inline int32_t LoadInt32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof(v));
  return static_cast<int32_t>(__builtin_bswap32(v));
}
inline int64_t LoadInt64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof(v));
  return static_cast<int64_t>(__builtin_bswap64(v));
}
inline float LoadFloat(const char* p) { return std::bit_cast<float>(LoadInt32(p)); }
inline double LoadDouble(const char* p) { return std::bit_cast<double>(LoadInt64(p)); }

// Appends a whole field of bytes. REQUIRES: room for 4 + bytes.size().
inline Outcome PutBytesField(absl::string_view bytes, FieldBuffer* out) {
  if (bytes.size() > kWireFieldBytesMax) [[unlikely]] return Outcome::kTooLarge;
  out->PutInt32(static_cast<int32_t>(bytes.size()));
  out->PutBytes(bytes);
  return Outcome::kOk;
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_WIRE_H_
