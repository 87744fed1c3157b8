#include "coercion/types/bit_encoding.h"

#include "absl/strings/str_cat.h"
#include "coercion/wire.h"

namespace lite2pg {

Outcome PutBitField(absl::string_view text, FieldBuffer* out) {
  if (text.size() > kWireFieldBytesMax) return Outcome::kTooLarge;
  const size_t at = BeginField(out);
  out->PutInt32(static_cast<int32_t>(text.size()));
  uint8_t byte = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '0' && text[i] != '1') {
      out->Truncate(at);
      return Outcome::kMalformed;
    }
    byte = static_cast<uint8_t>(byte | (text[i] - '0') << (7 - i % 8));
    if (i % 8 == 7 || i + 1 == text.size()) {
      out->PutByte(byte);
      byte = 0;
    }
  }
  EndField(out, at);
  return Outcome::kOk;
}

bool DecodeBits(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() < 4) return false;
  const int32_t bits = LoadInt32(field.data());
  if (bits < 0 || field.size() - 4 != (static_cast<size_t>(bits) + 7) / 8) return false;
  for (int32_t i = 0; i < bits; ++i) {
    const auto byte = static_cast<uint8_t>(field[4 + static_cast<size_t>(i) / 8]);
    text->push_back((byte >> (7 - i % 8) & 1) != 0 ? '1' : '0');
  }
  return true;
}

void BindBits(const PgType& type, ColumnCodec* codec) {
  if (type.typmod > 0) codec->params.length_max = type.typmod;
}

std::string BitTypmodText(int32_t typmod) { return absl::StrCat("(", typmod, ")"); }

}  // namespace lite2pg
