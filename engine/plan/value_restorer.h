// Prints a PostgreSQL value back in the form that it had in SQLite.
#ifndef LITE2PG_ENGINE_PLAN_VALUE_RESTORER_H_
#define LITE2PG_ENGINE_PLAN_VALUE_RESTORER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/source_value.h"
#include "coercion/type_codec.h"
#include "engine/plan/representation.h"

namespace lite2pg {

enum class Restored : uint8_t {
  kExact,
  kOtherForm,   // the form cannot show this value: it is written in full, in the nearest form
  kMalformed,   // the bytes are not a value of the type
};

// Whether text is what an integer or a REAL becomes in text: "5", "-0.5", "1.0e+100", "Inf".
bool IsNumberText(absl::string_view text);

// Whether SQLite would store both alike.
bool SameStoredValue(const SourceValue& a, const SourceValue& b);

// Appends `compact` JSON with a space after each comma and colon outside of strings, as json.dumps
// of Python and jsonb's output write it.
void SpaceOutJson(absl::string_view compact, std::string* out);

// The codec must outlive it; immutable, any thread.
class ValueRestorer {
 public:
  ValueRestorer(const ColumnCodec& codec, const Representation& representation);

  // `field`: the bytes of a binary field that is not NULL. `text` is where text and blobs are
  // built; *out views it or the field.
  Restored Restore(absl::string_view field, std::string* text, SourceValue* out) const;

 private:
  Restored RestoreBlob(absl::string_view field, std::string* text, SourceValue* out) const;
  Restored RestoreText(absl::string_view field, std::string* text, SourceValue* out) const;
  Restored RestoreTemporal(absl::string_view field, std::string* text, SourceValue* out) const;
  Restored RestoreTemporalText(int64_t micros, std::string* text, SourceValue* out) const;
  Restored RestoreDouble(double value, SourceValue* out) const;
  Restored RestoreNumber(absl::string_view printed, SourceValue* out) const;
  bool TemporalMicros(absl::string_view field, int64_t* micros) const;
  bool AppendFraction(int64_t micros, std::string* text) const;

  const ColumnCodec& codec_;
  Representation form_;
  Oid oid_;
  int32_t offset_seconds_ = 0;   // of the zone that is written
  bool zone_is_local_ = false;   // timestamptz written on the clock of a zone
  absl::TimeZone time_zone_ = absl::UTCTimeZone();
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_VALUE_RESTORER_H_
