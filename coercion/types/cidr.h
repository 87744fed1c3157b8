// cidr: a network address; nothing may be set behind its mask.
#ifndef LITE2PG_COERCION_TYPES_CIDR_H_
#define LITE2PG_COERCION_TYPES_CIDR_H_

#include "absl/strings/str_cat.h"
#include "coercion/types/network_encoding.h"

namespace lite2pg {

// Bits behind the mask are kMalformed, as the server refuses them. A whole address without /bits is
// a network of one host.
inline Outcome EncodeCidr(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  NetworkAddress address;
  if (!ParseNetwork(value.bytes(), &address)) return Outcome::kMalformed;
  if (!HostBitsZero(address)) return Outcome::kMalformed;
  PutNetworkField(address, true, out);
  return Outcome::kOk;
}

// Always with /bits.
inline bool DecodeCidr(absl::string_view field, const EncodeParams&, std::string* text) {
  NetworkAddress address;
  if (!ReadNetwork(field, true, &address)) return false;
  AppendAddress(address, text);
  absl::StrAppend(text, "/", address.bits);
  return true;
}

inline constexpr TypeCodec kCidrCodec{
    .oid = kOidCidr,
    .array_oid = 651,
    .name = "cidr",
    .sql_name = "cidr",
    .encode = {nullptr, nullptr, nullptr, EncodeCidr, nullptr},
    .decode = DecodeCidr,
    .fixed_bytes = kNetworkFixedBytes,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_CIDR_H_
