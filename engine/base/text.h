// Text helpers, and the one bridge between absl::string_view and std::string_view, which are
// different types in Debian's Abseil.
#ifndef LITE2PG_ENGINE_BASE_TEXT_H_
#define LITE2PG_ENGINE_BASE_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace lite2pg {

inline absl::string_view ToAbsl(std::string_view s) {
  return absl::string_view(s.data(), s.size());
}
inline std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

// Untrusted bytes for a terminal or a log: control characters (C0, C1), bidi controls, quotes'
// backslashes and malformed UTF-8 become \xNN or \u{N}; cut after `bytes_max` with the full length.
std::string EscapeForMessage(absl::string_view bytes, size_t bytes_max = 64);

// "main.t" style path parts joined and escaped, for messages.
std::string EscapeName(absl::string_view name);

// A PostgreSQL identifier in double quotes. REQUIRES: `name` holds no NUL.
std::string QuoteIdentifier(absl::string_view name);
// schema.name, both quoted.
std::string QuoteQualified(absl::string_view schema, absl::string_view name);
// A PostgreSQL string literal that means the same whatever standard_conforming_strings says:
// 'it''s', or E'a\\b' when there is a backslash. REQUIRES: no NUL.
std::string QuoteLiteral(absl::string_view text);
// An SQLite identifier in double quotes.
std::string QuoteSqliteIdentifier(absl::string_view name);

// Before item `done` of `total` is appended to a long text, in which the items begin at `begin`:
// room for all that follow and `after_bytes` behind them, if there is none for this one. A string
// that doubles takes three times what it holds while it does.
void ReserveForRest(size_t begin, size_t done, size_t total, size_t after_bytes,
                    std::string* text);

// 1234567 -> "1,234,567"; 1536 -> "1.5 KiB"; 83.2 -> "1m 23s", 0.42 -> "0.42 s".
std::string FormatCount(uint64_t n);
std::string FormatBytes(uint64_t bytes);
std::string FormatSeconds(double seconds);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_TEXT_H_
