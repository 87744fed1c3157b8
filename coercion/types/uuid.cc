#include "coercion/types/uuid.h"

#include "coercion/hex.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

constexpr size_t kUuidBytes = 16;

bool HyphenBefore(size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

// System.Guid keeps its first three groups in little-endian order (dotnet/efcore#15078).
constexpr size_t kMixedEndianOrder[kUuidBytes] = {3, 2, 1, 0, 5,  4,  7,  6,
                                                  8, 9, 10, 11, 12, 13, 14, 15};

}  // namespace

Outcome EncodeUuidFromText(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  absl::string_view text = value.bytes();
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, text.size() - 2);
  }
  const bool hyphens = text.size() == 36;
  if (!hyphens && text.size() != 32) return Outcome::kMalformed;
  char bytes[kUuidBytes];
  const char* p = text.data();
  for (size_t i = 0; i < kUuidBytes; ++i, p += 2) {
    if (hyphens && HyphenBefore(i) && *p++ != '-') return Outcome::kMalformed;
    const int byte = HexByte(p[0], p[1]);
    if (byte < 0) return Outcome::kMalformed;
    bytes[i] = static_cast<char>(byte);
  }
  return PutBytesField(absl::string_view(bytes, kUuidBytes), out);
}

Outcome EncodeUuidFromBlob(const SourceValue& value, const EncodeParams& params,
                           FieldBuffer* out) {
  const BlobReading reading = params.rules.blob;
  const bool known = reading == BlobReading::kUuid || reading == BlobReading::kUuidMixedEndian;
  if (value.size_bytes != kUuidBytes) return known ? Outcome::kMalformed : Outcome::kWrongClass;
  if (!known) {
    return reading == BlobReading::kPlain ? Outcome::kAmbiguous : Outcome::kWrongClass;
  }
  if (reading == BlobReading::kUuid) return PutBytesField(value.bytes(), out);
  char bytes[kUuidBytes];
  for (size_t i = 0; i < kUuidBytes; ++i) bytes[i] = value.data[kMixedEndianOrder[i]];
  return PutBytesField(absl::string_view(bytes, kUuidBytes), out);
}

bool DecodeUuid(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != kUuidBytes) return false;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (HyphenBefore(i)) text->push_back('-');
    AppendHexByte(static_cast<uint8_t>(field[i]), text);
  }
  return true;
}

}  // namespace lite2pg
