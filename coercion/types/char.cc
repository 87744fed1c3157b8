#include "coercion/types/char.h"

namespace lite2pg {
namespace {

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// The byte of "\303", or -1. Below 128 the server writes the character itself, so that "\101" is
// four characters that would not come back.
int HighByte(absl::string_view text) {
  if (text.size() != 4 || text[0] != '\\' || !IsOctal(text[1]) || !IsOctal(text[2]) ||
      !IsOctal(text[3])) {
    return -1;
  }
  const int byte = (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
  return byte >= 0x80 && byte <= 0xff ? byte : -1;
}

}  // namespace

Outcome EncodeChar(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  const Outcome outcome = CheckText(text);
  if (outcome != Outcome::kOk) return outcome;
  int byte = HighByte(text);
  if (byte < 0) {
    if (text.size() > 1) return Outcome::kTooLong;
    byte = text.empty() ? 0 : text[0];
  }
  out->PutInt32(1);
  out->PutByte(static_cast<uint8_t>(byte));
  return Outcome::kOk;
}

bool DecodeChar(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 1) return false;
  const auto byte = static_cast<uint8_t>(field[0]);
  if (byte == 0) return true;
  if (byte < 0x80) {
    text->push_back(field[0]);
    return true;
  }
  const char octal[] = {'\\', static_cast<char>('0' + (byte >> 6)),
                        static_cast<char>('0' + (byte >> 3 & 7)),
                        static_cast<char>('0' + (byte & 7))};
  text->append(octal, sizeof(octal));
  return true;
}

}  // namespace lite2pg
