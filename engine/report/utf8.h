// Untrusted bytes made presentable: valid UTF-8 for JSON and HTML, one safe line for a terminal.
#ifndef LITE2PG_ENGINE_REPORT_UTF8_H_
#define LITE2PG_ENGINE_REPORT_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// The code point at the start of `bytes` and its length in bytes; a length of 0 says that the
// bytes there are not UTF-8. REQUIRES: !bytes.empty().
size_t DecodeCodePoint(absl::string_view bytes, uint32_t* code_point);

// `bytes` with everything that is not UTF-8 written as \xNN. Valid text comes back unchanged.
std::string ValidUtf8(absl::string_view bytes);

// A sentence for a terminal or a page: as ValidUtf8, and characters that could move the cursor,
// end the line or reorder what is read are written as \n, \t, \xNN or \u{N}. Backslashes stay as
// they are, because sentences often quote values that were escaped before.
std::string SafeSentence(absl::string_view bytes);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_UTF8_H_
