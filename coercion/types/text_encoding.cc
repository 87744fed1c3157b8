#include "coercion/types/text_encoding.h"

#include "absl/strings/str_cat.h"

namespace lite2pg {

std::string LengthTypmodText(int32_t typmod) {
  return absl::StrCat("(", LengthOfTypmod(typmod), ")");
}

}  // namespace lite2pg
