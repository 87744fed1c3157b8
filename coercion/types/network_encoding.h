// What inet and cidr share (src/backend/utils/adt/network.c): byte family (2 IPv4, 3 IPv6), byte
// bits of the mask, byte is_cidr, byte number of address bytes, then those.
#ifndef LITE2PG_COERCION_TYPES_NETWORK_ENCODING_H_
#define LITE2PG_COERCION_TYPES_NETWORK_ENCODING_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"

namespace lite2pg {

inline constexpr uint32_t kNetworkFixedBytes = 4 + 4 + 16;

struct NetworkAddress {
  bool v6 = false;
  int bits = 0;
  uint8_t bytes[16] = {};

  int address_bytes() const { return v6 ? 16 : 4; }
  int bits_max() const { return v6 ? 128 : 32; }
};

// Four decimal octets without leading zeros, or IPv6 in any form of RFC 4291 section 2.2, and
// optionally /bits. Not the shortened IPv4 forms that the server completes by guessing ("10.1").
bool ParseNetwork(absl::string_view text, NetworkAddress* out);

// Whether all bits behind the mask are zero, as cidr requires.
bool HostBitsZero(const NetworkAddress& address);

void PutNetworkField(const NetworkAddress& address, bool is_cidr, FieldBuffer* out);

// False for what network_recv refuses.
bool ReadNetwork(absl::string_view field, bool is_cidr, NetworkAddress* out);

// The address as the server prints it; /bits is added by the types.
void AppendAddress(const NetworkAddress& address, std::string* text);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_NETWORK_ENCODING_H_
