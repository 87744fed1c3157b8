// JSON as PostgreSQL's json and jsonb take it (src/common/jsonapi.c, src/backend/utils/adt/json.c,
// jsonb.c), and the one form in which two jsonb values compare.
#ifndef LITE2PG_COERCION_JSON_H_
#define LITE2PG_COERCION_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "coercion/field_buffer.h"
#include "coercion/outcome.h"

namespace lite2pg {

// Deeper documents are kMalformed. The server recurses and stops at max_stack_depth; with the
// default of 2 MB it still takes depth 10,000 (measured with PostgreSQL 15).
inline constexpr int kJsonDepthMax = 6000;

// Whether the json type accepts `text`: kOk, kInvalidUtf8, kContainsNul, kMalformed. As there, any
// value may stand at the top, keys may repeat, and what follows \u is only four hex digits.
Outcome CheckJson(absl::string_view text);

// Whether the jsonb type accepts `text` and keeps all of it. Beyond CheckJson: kContainsNul for
// \u0000, kMalformed for half a surrogate pair, kLossy for a key twice in one object, kOutOfRange
// for numbers beyond numeric, kTooLarge for documents beyond jsonb's limits. What jsonb does not
// keep and nobody may rely on is not a loss: spaces, the order of keys, the spelling of strings
// and numbers, the sign of zero.
Outcome CheckJsonb(absl::string_view text);

inline bool IsJson(absl::string_view text) { return CheckJson(text) == Outcome::kOk; }
inline bool IsJsonbSafe(absl::string_view text) { return CheckJsonb(text) == Outcome::kOk; }

// Appends a text that two documents share exactly when jsonb holds the same value for both: no
// spaces, keys sorted, strings with as few escapes as jsonb's output, numbers as numeric prints
// them (1e2 as 100, while 1.10 differs from 1.1), long ones as digits and exponent.
// False for text that CheckJsonb refuses; then some bytes may have been appended.
bool AppendCanonicalJsonb(absl::string_view text, FieldBuffer* out);

// Both at once, in one walk: CheckJsonb(text), and when that is kOk, what AppendCanonicalJsonb
// appends. After another outcome some bytes may have been appended.
Outcome CanonicalizeJsonb(absl::string_view text, FieldBuffer* out);

// Appends `text` as a JSON string, quotes included, escaped as PostgreSQL's escape_json does.
// REQUIRES: `text` is valid UTF-8.
void AppendJsonString(absl::string_view text, FieldBuffer* out);

// Appends what stands between the quotes of a JSON string, unescaped. kContainsNul for \u0000,
// kMalformed for half a surrogate pair.  REQUIRES: CheckJson accepts the string.
Outcome UnescapeJsonString(absl::string_view raw, std::string* text);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_JSON_H_
