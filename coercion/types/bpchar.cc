#include "coercion/types/bpchar.h"

namespace lite2pg {
namespace {

absl::string_view WithoutPadding(absl::string_view text) {
  const size_t last = text.find_last_not_of(' ');
  return text.substr(0, last == absl::string_view::npos ? 0 : last + 1);
}

}  // namespace

Outcome EncodeBpchar(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  const Outcome outcome = CheckText(value.bytes());
  if (outcome != Outcome::kOk) return outcome;
  const absl::string_view text = WithoutPadding(value.bytes());
  if (text.size() != value.size_bytes && !params.rules.round_to_typmod) return Outcome::kLossy;
  const size_t length_max = static_cast<size_t>(params.length_max);
  if (text.size() > length_max && CountCodePoints(text) > length_max) return Outcome::kTooLong;
  return PutBytesField(text, out);
}

bool CanonicalizeBpchar(absl::string_view field, const EncodeParams&, FieldBuffer* out) {
  const absl::string_view text = WithoutPadding(field);
  out->Reserve(text.size());
  out->PutBytes(text);
  return true;
}

void BindBpchar(const PgType& type, ColumnCodec* codec) {
  codec->params.length_max = LengthOfTypmod(type.typmod);
  if (codec->params.length_max >= 0) {
    codec->canonical = CanonicalizeBpchar;
    codec->encode[static_cast<size_t>(StorageClass::kInteger)] = EncodeIntegerAsText<EncodeBpchar>;
    codec->encode[static_cast<size_t>(StorageClass::kReal)] = EncodeRealAsText<EncodeBpchar>;
    codec->encode[static_cast<size_t>(StorageClass::kText)] = EncodeBpchar;
  }
  BindUtf8Blob(codec);
}

}  // namespace lite2pg
