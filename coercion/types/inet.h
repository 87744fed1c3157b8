// inet: a host address with an optional mask.
#ifndef LITE2PG_COERCION_TYPES_INET_H_
#define LITE2PG_COERCION_TYPES_INET_H_

#include "absl/strings/str_cat.h"
#include "coercion/types/network_encoding.h"

namespace lite2pg {

inline Outcome EncodeInet(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  NetworkAddress address;
  if (!ParseNetwork(value.bytes(), &address)) return Outcome::kMalformed;
  PutNetworkField(address, false, out);
  return Outcome::kOk;
}

// Without /bits for a whole host.
inline bool DecodeInet(absl::string_view field, const EncodeParams&, std::string* text) {
  NetworkAddress address;
  if (!ReadNetwork(field, false, &address)) return false;
  AppendAddress(address, text);
  if (address.bits != address.bits_max()) absl::StrAppend(text, "/", address.bits);
  return true;
}

inline constexpr TypeCodec kInetCodec{
    .oid = kOidInet,
    .array_oid = 1041,
    .name = "inet",
    .sql_name = "inet",
    .encode = {nullptr, nullptr, nullptr, EncodeInet, nullptr},
    .decode = DecodeInet,
    .fixed_bytes = kNetworkFixedBytes,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_INET_H_
