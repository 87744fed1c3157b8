// How values of one column become fields of binary COPY, and back: bound once per column.
//
// Wire forms: docs/coercion.md; PostgreSQL's *_send and *_recv functions in
// src/backend/utils/adt/ are the reference.
#ifndef LITE2PG_COERCION_TYPE_CODEC_H_
#define LITE2PG_COERCION_TYPE_CODEC_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coercion/field_buffer.h"
#include "coercion/outcome.h"
#include "coercion/pg_type.h"
#include "coercion/source_value.h"

namespace lite2pg {

// ---- Readings: what a number, text or blob in the source stands for. -------------------------

// A number in a date or time column. kNone: numbers have no reading there (the default: magnitude
// is a hint, never a proof). Epochs and units as in docs/coercion.md, "Conventions".
enum class NumberReading : uint8_t {
  kNone,
  kUnixSeconds,
  kUnixMillis,
  kUnixMicros,
  kUnixNanos,
  kJulianDay,      // days since -4713-11-24 12:00 UTC, SQLite's julianday()
  kDotNetTicks,    // 100 ns since 0001-01-01
  kAppleSeconds,   // seconds since 2001-01-01
  kChromeMicros,   // microseconds since 1601-01-01
};
inline constexpr int kNumberReadingCount = 9;

// Text in a bytea column: its UTF-8 bytes (the default), or decoded, only by configuration.
enum class TextReading : uint8_t { kPlain, kHex, kBase64 };

// A blob: plain bytes; 16 bytes of a UUID in either byte order; SQLite's JSONB; or UTF-8 text.
enum class BlobReading : uint8_t { kPlain, kUuid, kUuidMixedEndian, kSqliteJsonb, kUtf8Text };

// Text with a UTC offset in a timestamp column, which has no zone: refused; read on UTC's clock
// where every value of the column has an offset and that is zero, so that nothing is lost; or read
// on UTC's clock whatever the offset, which loses it.
enum class OffsetReading : uint8_t { kRefuse, kZero, kUtc };

// A value that has no faithful form: refused (its row stops the run or is set aside), or NULL, or a
// value of the user's instead.
enum class BadValueRule : uint8_t { kRefuse, kNull, kDefault };

// Everything that may differ between two columns of the same type. Defaults are the readings
// that need no proof. Each lossy rule must be named by the user for the column.
struct ReadingRules {
  NumberReading integer = NumberReading::kNone;
  NumberReading real = NumberReading::kNone;
  TextReading text = TextReading::kPlain;
  BlobReading blob = BlobReading::kPlain;
  OffsetReading offset = OffsetReading::kRefuse;  // kUtc: lossy
  bool empty_text_as_null = false;
  bool not_null = false;             // NULL gives Outcome::kNullInNotNull
  bool round_to_microseconds = false;  // lossy: fractions below 1 us
  bool round_to_typmod = false;        // lossy: numeric scale, timestamp(p)
  bool round_to_float4 = false;        // lossy: doubles that float4 cannot show
  bool escape_text = false;            // lossy: \xNN for what PostgreSQL's text cannot hold
  BadValueRule bad_value = BadValueRule::kRefuse;
  std::string bad_value_default;       // with kDefault: as TEXT of the source would say it
  std::string source_time_zone = "UTC";  // for text without an offset going into timestamptz

  friend bool operator==(const ReadingRules&, const ReadingRules&) = default;
};

// ---- The codec: one row of the type table. ----------------------------------------------------

// Appends one whole field, length word and bytes, to `out`, or leaves out->size() as it was and
// says why not. REQUIRES: value.storage_class is the one this entry is registered for, and
// out->Reserve(codec.fixed_bytes + codec.expand * value.size_bytes) was called; an encoder that
// can need more than that calls Reserve itself.
using EncodeFn = Outcome (*)(const SourceValue& value, const struct EncodeParams& params,
                             FieldBuffer* out);

// What encoders of one column share; made by BindColumn, read-only afterwards.
struct EncodeParams {
  int32_t typmod = -1;
  int precision = -1;        // numeric(p,s): digits; -1 none
  int scale = -1;            // numeric(p,s), or digits of seconds for timestamp(p); -1 none
  int64_t length_max = -1;   // characters (varchar, char) or bits; -1 none
  ReadingRules rules;
  absl::TimeZone time_zone = absl::UTCTimeZone();
  std::set<std::string, std::less<>> labels;          // enum
  std::shared_ptr<const struct ColumnCodec> element;  // array
  Oid element_oid = 0;                           // array
  EncodeFn text_encode = nullptr;  // with rules.empty_text_as_null: the encoder of other text
  EncodeFn escaped_encode = nullptr;  // with rules.escape_text: the encoder of what was escaped
  // With rules.bad_value: the encoders of values that are good, and the field instead of others.
  EncodeFn good_encode[kStorageClassCount] = {};
  std::string substitute;
  // Small state a codec may keep between values, for instance a last-value cache. None today.
};

// Appends PostgreSQL's text output of a field's bytes (without the length word), under
// DateStyle ISO, IntervalStyle postgres, TimeZone UTC, extra_float_digits 1, bytea_output hex.
// False if the bytes are not a value of the type.
using DecodeFn = bool (*)(absl::string_view field, const EncodeParams& params, std::string* text);

// Appends a form that is equal exactly when PostgreSQL would return the same value, for types
// whose stored form is not the sent one (jsonb: keys sorted, numbers normalised; char(n): without
// padding). Applied to what was sent and to what came back alike. No length word. nullptr in the
// table means: the wire bytes themselves. False if the bytes are not a value of the type.
using CanonicalFn = bool (*)(absl::string_view field, const EncodeParams& params,
                             FieldBuffer* out);

// Both at once, for types where checking a value and bringing it into its canonical form is the
// same work: what `encode` appends to `out`, and what the form of that field appends to `canonical`
// (Reserves for itself). After another outcome `canonical` may have grown.
using EncodeCanonicalFn = Outcome (*)(const SourceValue& value, const struct EncodeParams& params,
                                      FieldBuffer* out, FieldBuffer* canonical);

// Called once per column after the generic part of the binding; may set params (precision, scale,
// length_max from typmod) and replace entries of `encode` by ones specialised to rules.
using BindFn = void (*)(const PgType& type, struct ColumnCodec* codec);

// A typmod other than -1 as DDL writes it, parentheses included: "(10,2)". It goes behind the first
// word of sql_name: "timestamp(3) with time zone".
using TypmodFn = std::string (*)(int32_t typmod);

struct TypeCodec {
  Oid oid = 0;                    // 0: found by name (extension types)
  Oid array_oid = 0;
  absl::string_view name;         // pg_type.typname
  absl::string_view sql_name;     // as DDL writes it
  // By storage class; nullptr: that class has no reading in this type (Outcome::kWrongClass).
  // The entry for kNull is always nullptr: the binding supplies it.
  EncodeFn encode[kStorageClassCount] = {};
  DecodeFn decode = nullptr;
  CanonicalFn canonical = nullptr;
  EncodeCanonicalFn encode_text_canonical = nullptr;  // optional: encode and canonical of TEXT
  BindFn bind = nullptr;
  uint32_t fixed_bytes = 16;      // reserve per field: the length word and all fixed parts
  uint32_t expand = 1;            // reserve per byte of text or blob
  TypmodFn typmod_text = nullptr;  // nullptr: the type takes no typmod
};

// A codec bound to a column. Copyable, immutable after BindColumn; any thread.
struct ColumnCodec {
  const TypeCodec* type = nullptr;
  EncodeFn encode[kStorageClassCount] = {};  // never nullptr after BindColumn
  DecodeFn decode = nullptr;
  CanonicalFn canonical = nullptr;
  uint32_t fixed_bytes = 16;
  uint32_t expand = 1;
  EncodeParams params;
  // The server's own input function reads the values: fields are text, rows travel as text COPY.
  bool server_text = false;
  // For columns with rules that the user named; tells which values they change. See UseOfRules.
  std::shared_ptr<const struct WithoutRules> without_rules;
};

// The same column without the user's rules, and with all of them but rules.bad_value.
struct WithoutRules {
  ColumnCodec plain, changed;
};

// What the user's rules make of a value.
enum class RuleUse : uint8_t {
  kNone, kEmptyAsNull, kRounded, kEscaped, kBadAsNull, kBadAsDefault, kOffsetLost
};
inline constexpr size_t kRuleUseCount = 7;
inline constexpr absl::string_view kRuleUseNames[kRuleUseCount] = {
    "", "empty-as-null", "round", "escape", "bad value as null", "bad value as default",
    "offset as utc"};

// Which rule changes `value`, which the codec encodes. REQUIRES: codec.without_rules. Encodes up to
// twice; `scratch` is overwritten.
RuleUse UseOfRules(const ColumnCodec& codec, const SourceValue& value, FieldBuffer* scratch);

// Looks the type up (domains by their base, arrays by their element, enums as labels) and binds
// it. Errors: kUnimplemented when there is no codec for the type or the server has no binary
// receive for it (that column needs text COPY); kInvalidArgument for an unknown time zone, or a
// rules.bad_value_default that is no value of the type.
absl::StatusOr<ColumnCodec> BindColumn(const PgType& type, const ReadingRules& rules);

// For types that BindColumn does not know: values as text for the server's own input function, and
// as its output function gives them back. Errors: kInvalidArgument for rules that would have to
// know what a bad value is.
absl::StatusOr<ColumnCodec> BindServerText(const ReadingRules& rules);

// The rows of the type table; defined in type_table.cc, the one place that lists types.
const TypeCodec* FindCodec(Oid oid);
const TypeCodec* FindCodecByName(absl::string_view type_name);
// All rows, for tests and generated documentation.
const std::vector<const TypeCodec*>& AllCodecs();

// ---- Small helpers that encoders share. --------------------------------------------------------

// Opens a field whose length is not known yet; returns the offset that EndField patches.
inline size_t BeginField(FieldBuffer* out) {
  const size_t at = out->size();
  out->PutInt32(0);
  return at;
}
inline void EndField(FieldBuffer* out, size_t at) {
  out->PatchInt32(at, static_cast<int32_t>(out->size() - at - 4));
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPE_CODEC_H_
