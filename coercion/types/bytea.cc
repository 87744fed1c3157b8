#include "coercion/types/bytea.h"

#include <array>

#include "coercion/hex.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kBase64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeSextets() {
  std::array<int8_t, 256> sextets{};
  for (int8_t& sextet : sextets) sextet = -1;
  for (size_t i = 0; i < kBase64Alphabet.size(); ++i) {
    sextets[static_cast<uint8_t>(kBase64Alphabet[i])] = static_cast<int8_t>(i);
  }
  return sextets;
}
constexpr std::array<int8_t, 256> kSextets = MakeSextets();

// Appends the bytes of one group of four characters, of which the last `padding` are '='.
bool PutBase64Group(const char* p, size_t padding, FieldBuffer* out) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int sextet = i + padding < 4 ? kSextets[static_cast<uint8_t>(p[i])] : 0;
    if (sextet < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(sextet);
  }
  // Bits behind the last byte would be dropped: only zeros may be there.
  if ((bits & ((1u << (8 * padding)) - 1)) != 0) return false;
  for (size_t i = 0; i + padding < 3; ++i) {
    out->PutByte(static_cast<uint8_t>(bits >> (16 - 8 * i)));
  }
  return true;
}

}  // namespace

Outcome EncodeByteaFromHex(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  absl::string_view digits = value.bytes();
  if (digits.size() >= 2 && digits[0] == '\\' && digits[1] == 'x') digits.remove_prefix(2);
  if (digits.size() % 2 != 0) return Outcome::kMalformed;
  if (digits.size() / 2 > kWireFieldBytesMax) return Outcome::kTooLarge;
  const size_t at = BeginField(out);
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int byte = HexByte(digits[i], digits[i + 1]);
    if (byte < 0) {
      out->Truncate(at);
      return Outcome::kMalformed;
    }
    out->PutByte(static_cast<uint8_t>(byte));
  }
  EndField(out, at);
  return Outcome::kOk;
}

Outcome EncodeByteaFromBase64(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  if (text.size() % 4 != 0) return Outcome::kMalformed;
  if (text.size() / 4 * 3 > kWireFieldBytesMax) return Outcome::kTooLarge;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const size_t at = BeginField(out);
  for (size_t i = 0; i < text.size(); i += 4) {
    if (!PutBase64Group(text.data() + i, i + 4 == text.size() ? padding : 0, out)) {
      out->Truncate(at);
      return Outcome::kMalformed;
    }
  }
  EndField(out, at);
  return Outcome::kOk;
}

bool DecodeBytea(absl::string_view field, const EncodeParams&, std::string* text) {
  text->reserve(text->size() + 2 + 2 * field.size());
  text->append("\\x");
  for (const char c : field) AppendHexByte(static_cast<uint8_t>(c), text);
  return true;
}

void BindBytea(const PgType&, ColumnCodec* codec) {
  EncodeFn& text = codec->encode[static_cast<size_t>(StorageClass::kText)];
  switch (codec->params.rules.text) {
    case TextReading::kPlain:
      break;
    case TextReading::kHex:
      text = EncodeByteaFromHex;
      break;
    case TextReading::kBase64:
      text = EncodeByteaFromBase64;
      break;
  }
}

}  // namespace lite2pg
