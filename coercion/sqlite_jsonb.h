// SQLite's binary JSON (https://sqlite.org/jsonb.html, SQLite 3.45 and later), read without SQLite.
#ifndef LITE2PG_COERCION_SQLITE_JSONB_H_
#define LITE2PG_COERCION_SQLITE_JSONB_H_

#include "absl/strings/string_view.h"
#include "coercion/field_buffer.h"
#include "coercion/outcome.h"

namespace lite2pg {

// Appends the document in `blob` as JSON text without spaces, as SQLite's json() does: JSON5's
// spellings of numbers and strings become JSON's, all others stay as they are. Keys may repeat.
//
// kMalformed for anything but one well-formed element that fills the blob, for nesting beyond
// kJsonDepthMax, and for hexadecimal integers beyond 64 bits, which json() replaces by 9.0e999.
// kInvalidUtf8, kContainsNul: of a string. What was appended on failure is taken back. Any bytes
// are safe; neither recursion nor memory grows beyond the blob's own size.
Outcome AppendSqliteJsonb(absl::string_view blob, FieldBuffer* out);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_SQLITE_JSONB_H_
