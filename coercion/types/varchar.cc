#include "coercion/types/varchar.h"

namespace lite2pg {

void BindVarchar(const PgType& type, ColumnCodec* codec) {
  codec->params.length_max = LengthOfTypmod(type.typmod);
  if (codec->params.length_max >= 0) {
    codec->encode[static_cast<size_t>(StorageClass::kInteger)] = EncodeIntegerAsText<EncodeVarchar>;
    codec->encode[static_cast<size_t>(StorageClass::kReal)] = EncodeRealAsText<EncodeVarchar>;
    codec->encode[static_cast<size_t>(StorageClass::kText)] = EncodeVarchar;
  }
  BindUtf8Blob(codec);
}

}  // namespace lite2pg
