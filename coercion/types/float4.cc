#include "coercion/types/float4.h"

#include <cmath>

#include "coercion/decimal.h"
#include "coercion/types/float8.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

// Writes the float if it is `faithful` or the user allowed rounding.
Outcome PutFloat4Field(float value, bool faithful, const EncodeParams& params, FieldBuffer* out) {
  if (!faithful && !params.rules.round_to_float4) return Outcome::kLossy;
  out->PutInt32(4);
  out->PutFloat(value);
  return Outcome::kOk;
}

}  // namespace

Outcome EncodeFloat4FromReal(const SourceValue& value, const EncodeParams& params,
                             FieldBuffer* out) {
  const float narrow = static_cast<float>(value.real);
  if (!std::isfinite(value.real)) return PutFloat4Field(narrow, true, params, out);
  // The server's dtof refuses underflow to zero as well.
  if (std::isinf(narrow) || (narrow == 0 && value.real != 0)) return Outcome::kOutOfRange;
  NumberText wide_text, narrow_text;
  return PutFloat4Field(narrow,
                        SameNumber(ShortestDecimal(value.real, wide_text),
                                   ShortestDecimal(narrow, narrow_text)),
                        params, out);
}

Outcome EncodeFloat4FromInteger(const SourceValue& value, const EncodeParams& params,
                                FieldBuffer* out) {
  const float narrow = static_cast<float>(value.integer);
  NumberText integer_text, narrow_text;
  Decimal integer;
  (void)ParseDecimal(IntegerText(value.integer, integer_text), &integer);  // digits always parse
  return PutFloat4Field(narrow, SameNumber(integer, ShortestDecimal(narrow, narrow_text)), params,
                        out);
}

Outcome EncodeFloat4FromText(const SourceValue& value, const EncodeParams& params,
                             FieldBuffer* out) {
  float narrow;
  const Outcome outcome = Float4FromText(value.bytes(), &narrow);
  if (outcome != Outcome::kOk && outcome != Outcome::kLossy) return outcome;
  return PutFloat4Field(narrow, outcome == Outcome::kOk, params, out);
}

bool DecodeFloat4(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 4) return false;
  NumberText buffer;
  const absl::string_view shown = Float4Text(LoadFloat(field.data()), buffer);
  text->append(shown.data(), shown.size());
  return true;
}

}  // namespace lite2pg
