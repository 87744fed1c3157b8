#include "coercion/types/text_encoding.h"

#include "absl/strings/str_cat.h"

namespace lite2pg {

std::string EscapeUnstorableText(absl::string_view text) {
  constexpr size_t kUtf8BytesMax = 4;
  std::string out;
  while (!text.empty()) {
    size_t bytes = 1;
    while (bytes <= kUtf8BytesMax && CheckText(text.substr(0, bytes)) != Outcome::kOk) ++bytes;
    if (bytes <= kUtf8BytesMax) {
      absl::StrAppend(&out, text.substr(0, bytes));
    } else {
      bytes = 1;
      absl::StrAppend(&out, "\\x", absl::Hex(static_cast<uint8_t>(text[0]), absl::kZeroPad2));
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::string LengthTypmodText(int32_t typmod) {
  return absl::StrCat("(", LengthOfTypmod(typmod), ")");
}

}  // namespace lite2pg
