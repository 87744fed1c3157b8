// What the fuzz targets share: taking an input apart, and saying what went wrong.
#ifndef LITE2PG_TESTS_FUZZ_FUZZ_H_
#define LITE2PG_TESTS_FUZZ_FUZZ_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// Choices and bytes from the front of an input; zeros when it is used up.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  // 0 .. below - 1; `below` is at most 65536.
  size_t Choice(size_t below) {
    const size_t high = below > 256 ? Byte() : 0;
    return (high * 256 + Byte()) % below;
  }
  uint64_t Number() {
    uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | Byte();
    return number;
  }
  // As many bytes as the next one says.
  absl::string_view Bytes() { return Take(Byte()); }
  absl::string_view Take(size_t bytes) {
    const absl::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  absl::string_view Rest() { return Take(rest_.size()); }
  bool empty() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
};

// What libFuzzer takes for a crash.
[[noreturn]] inline void FuzzFailure(absl::string_view what, absl::string_view about) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(std::min<size_t>(about.size(), 2'000)), about.data());
  std::abort();
}

inline void Require(bool holds, absl::string_view what, absl::string_view about = "") {
  if (!holds) FuzzFailure(what, about);
}

}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif  // LITE2PG_TESTS_FUZZ_FUZZ_H_
