// The growing buffer that holds binary COPY rows on their way to libpq.
#ifndef LITE2PG_COERCION_FIELD_BUFFER_H_
#define LITE2PG_COERCION_FIELD_BUFFER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "absl/strings/string_view.h"

namespace lite2pg {

static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");

// Append-only bytes with PostgreSQL's big-endian integers. Reserve() once, then the Put* calls
// store without a check. Move-only; one thread at a time; memory is kept by Clear().
//
// REQUIRES for every Put*: an earlier Reserve(n) that covers all bytes put since.
class FieldBuffer {
 public:
  FieldBuffer() = default;
  explicit FieldBuffer(size_t capacity_bytes) { Reserve(capacity_bytes); }

  const char* data() const { return data_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  absl::string_view view() const { return absl::string_view(data_.get(), size_); }
  absl::string_view view_from(size_t offset) const {
    return absl::string_view(data_.get() + offset, size_ - offset);
  }

  void Clear() { size_ = 0; }
  // Forgets everything after `size_bytes`. REQUIRES: size_bytes <= size().
  void Truncate(size_t size_bytes) { size_ = size_bytes; }
  // Moves everything from `from` on down to `to`, over what was there.
  // REQUIRES: to <= from <= size().
  void MoveDown(size_t from, size_t to) {
    std::memmove(data_.get() + to, data_.get() + from, size_ - from);
    size_ -= from - to;
  }
  // Gives the memory back, for a buffer that one huge row has blown up.
  void Release() {
    data_.reset();
    size_ = capacity_ = 0;
  }

  // Makes room for `more_bytes` beyond size(); may move the bytes.
  void Reserve(size_t more_bytes) {
    if (capacity_ - size_ < more_bytes) Grow(more_bytes);
  }

  void PutByte(uint8_t v) { data_[size_++] = static_cast<char>(v); }
  void PutInt16(int16_t v) { PutRaw(__builtin_bswap16(static_cast<uint16_t>(v))); }
  void PutInt32(int32_t v) { PutRaw(__builtin_bswap32(static_cast<uint32_t>(v))); }
  void PutInt64(int64_t v) { PutRaw(__builtin_bswap64(static_cast<uint64_t>(v))); }
  void PutFloat(float v) { PutInt32(std::bit_cast<int32_t>(v)); }
  void PutDouble(double v) { PutInt64(std::bit_cast<int64_t>(v)); }
  void PutBytes(absl::string_view v) {
    if (!v.empty()) std::memcpy(data_.get() + size_, v.data(), v.size());
    size_ += v.size();
  }
  // Overwrites four bytes at `offset`, for a length known only afterwards.
  void PatchInt32(size_t offset, int32_t v) {
    const uint32_t be = __builtin_bswap32(static_cast<uint32_t>(v));
    std::memcpy(data_.get() + offset, &be, sizeof(be));
  }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };

  template <typename T>
  void PutRaw(T v) {
    std::memcpy(data_.get() + size_, &v, sizeof(v));
    size_ += sizeof(v);
  }

  void Grow(size_t more_bytes) {
    size_t wanted = capacity_ + capacity_ / 2;
    if (wanted < size_ + more_bytes) wanted = size_ + more_bytes;
    char* moved = static_cast<char*>(std::realloc(data_.get(), wanted));
    if (moved == nullptr) throw std::bad_alloc();
    (void)data_.release();
    data_.reset(moved);
    capacity_ = wanted;
  }

  std::unique_ptr<char[], Free> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_FIELD_BUFFER_H_
