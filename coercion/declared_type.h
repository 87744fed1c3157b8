// What a declared type of SQLite most likely means. SQLite accepts any words there and enforces
// none (except in STRICT tables), so this is where a search for the type starts, never its end.
#ifndef LITE2PG_COERCION_DECLARED_TYPE_H_
#define LITE2PG_COERCION_DECLARED_TYPE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace lite2pg {

enum class DeclaredFamily : uint8_t {
  kNone,        // no declared type, or ANY
  kInteger,
  kBoolean,
  kReal,
  kNumeric,
  kText,
  kVarchar,     // with a length
  kBlob,
  kDate,
  kTime,
  kTimestamp,
  kTimestamptz,
  kJson,
  kUuid,
  kUnknown,     // words that no table row knows and SQLite gives NUMERIC affinity
};

struct DeclaredType {
  DeclaredFamily family = DeclaredFamily::kNone;
  int length = -1;       // varchar(n); -1 when absent
  int precision = -1;    // numeric(p,s)
  int scale = -1;
};

// Case, spacing and trailing words are forgiven ("smallint unsigned", "TEXT nocase"). Falls back
// on SQLite's affinity rules (https://www.sqlite.org/datatype3.html, section 3.1).
DeclaredType ParseDeclaredType(absl::string_view declared);

// Names whose meaning SQLite's affinity rules do not tell, for documentation.
struct DeclaredTypeRow {
  absl::string_view words;  // upper case, one space between words
  DeclaredFamily family;
};
absl::Span<const DeclaredTypeRow> DeclaredTypeRows();

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_DECLARED_TYPE_H_
