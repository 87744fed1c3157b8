#include "coercion/types/network_encoding.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "coercion/hex.h"

namespace lite2pg {
namespace {

// PostgreSQL: PGSQL_AF_INET and PGSQL_AF_INET6, src/include/utils/inet.h.
constexpr uint8_t kFamilyV4 = 2;
constexpr uint8_t kFamilyV6 = 3;
constexpr int kWords = 8;

// One to three digits without a leading zero, up to `max`.
bool TakeNumber(absl::string_view* text, int max, int* out) {
  size_t n = 0;
  int value = 0;
  while (n < text->size() && n < 3 && (*text)[n] >= '0' && (*text)[n] <= '9') {
    value = value * 10 + ((*text)[n++] - '0');
  }
  if (n == 0 || (n > 1 && text->front() == '0') || value > max) return false;
  text->remove_prefix(n);
  *out = value;
  return true;
}

bool TakeChar(absl::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// All of `text` as four octets.
bool ParseV4(absl::string_view text, uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    int octet;
    if (i > 0 && !TakeChar(&text, '.')) return false;
    if (!TakeNumber(&text, 255, &octet)) return false;
    bytes[i] = static_cast<uint8_t>(octet);
  }
  return text.empty();
}

// One to four hexadecimal digits.
bool TakeWord(absl::string_view* text, uint8_t* bytes) {
  int value = 0;
  size_t n = 0;
  while (n < text->size() && n < 4 && HexDigit((*text)[n]) >= 0) {
    value = value << 4 | HexDigit((*text)[n++]);
  }
  if (n == 0) return false;
  text->remove_prefix(n);
  bytes[0] = static_cast<uint8_t>(value >> 8);
  bytes[1] = static_cast<uint8_t>(value);
  return true;
}

// The words of one side of "::", or of the whole address: separated by single colons, the last two
// of them perhaps as an IPv4 address. Returns how many, or -1.
int ParseWords(absl::string_view text, bool may_end_in_v4, uint8_t* bytes) {
  if (text.empty()) return 0;
  for (int words = 0; words < kWords;) {
    const bool last = text.find(':') == absl::string_view::npos;
    if (last && may_end_in_v4 && text.find('.') != absl::string_view::npos) {
      return words <= kWords - 2 && ParseV4(text, bytes + 2 * words) ? words + 2 : -1;
    }
    if (!TakeWord(&text, bytes + 2 * words)) return -1;
    ++words;
    if (text.empty()) return words;
    if (!TakeChar(&text, ':') || text.empty()) return -1;
  }
  return -1;
}

bool ParseV6(absl::string_view text, uint8_t* bytes) {
  const size_t gap = text.find("::");
  if (gap == absl::string_view::npos) return ParseWords(text, true, bytes) == kWords;
  uint8_t front[16] = {};
  uint8_t back[16] = {};
  const int before = ParseWords(text.substr(0, gap), false, front);
  const int after = ParseWords(text.substr(gap + 2), true, back);
  // "::" stands for at least one word.
  if (before < 0 || after < 0 || before + after >= kWords) return false;
  std::memcpy(bytes, front, 2 * static_cast<size_t>(before));
  std::memcpy(bytes + 16 - 2 * after, back, 2 * static_cast<size_t>(after));
  return true;
}

int Word(const NetworkAddress& a, int i) { return a.bytes[2 * i] << 8 | a.bytes[2 * i + 1]; }

void AppendV4(const uint8_t* bytes, std::string* text) {
  absl::StrAppend(text, bytes[0], ".", bytes[1], ".", bytes[2], ".", bytes[3]);
}

struct Run {
  int first = -1;
  int length = 0;
};

// The longest run of at least two zero words, the first of equals.
Run LongestZeroRun(const NetworkAddress& a) {
  Run best, run;
  for (int i = 0; i < kWords; ++i) {
    if (Word(a, i) != 0) {
      run = {};
      continue;
    }
    if (run.length == 0) run.first = i;
    if (++run.length > best.length) best = run;
  }
  return best.length < 2 ? Run{} : best;
}

// src/backend/utils/adt/inet_net_ntop.c, inet_net_ntop_ipv6: the rightmost words appear as IPv4
// behind ::ffff: and behind a run of zeros up to them.
void AppendV6(const NetworkAddress& a, std::string* text) {
  const Run run = LongestZeroRun(a);
  const bool v4_tail = run.first == 0 && (run.length == 6 || (run.length == 7 && Word(a, 7) != 1) ||
                                          (run.length == 5 && Word(a, 5) == 0xffff));
  for (int i = 0; i < kWords; ++i) {
    if (run.first >= 0 && i >= run.first && i < run.first + run.length) {
      if (i == run.first) text->push_back(':');
      continue;
    }
    if (i != 0) text->push_back(':');
    if (i == 6 && v4_tail) {
      AppendV4(a.bytes + 12, text);
      return;
    }
    absl::StrAppend(text, absl::Hex(Word(a, i)));
  }
  if (run.first >= 0 && run.first + run.length == kWords) text->push_back(':');
}

}  // namespace

bool ParseNetwork(absl::string_view text, NetworkAddress* out) {
  NetworkAddress address;
  const size_t slash = text.find('/');
  const absl::string_view host = text.substr(0, slash);
  address.v6 = host.find(':') != absl::string_view::npos;
  if (!(address.v6 ? ParseV6(host, address.bytes) : ParseV4(host, address.bytes))) return false;
  address.bits = address.bits_max();
  if (slash != absl::string_view::npos) {
    absl::string_view bits = text.substr(slash + 1);
    if (!TakeNumber(&bits, address.bits_max(), &address.bits) || !bits.empty()) return false;
  }
  *out = address;
  return true;
}

bool HostBitsZero(const NetworkAddress& address) {
  for (int bit = address.bits; bit < address.bits_max(); ++bit) {
    if ((address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

void PutNetworkField(const NetworkAddress& address, bool is_cidr, FieldBuffer* out) {
  const size_t at = BeginField(out);
  out->PutByte(address.v6 ? kFamilyV6 : kFamilyV4);
  out->PutByte(static_cast<uint8_t>(address.bits));
  out->PutByte(is_cidr ? 1 : 0);
  out->PutByte(static_cast<uint8_t>(address.address_bytes()));
  for (int i = 0; i < address.address_bytes(); ++i) out->PutByte(address.bytes[i]);
  EndField(out, at);
}

bool ReadNetwork(absl::string_view field, bool is_cidr, NetworkAddress* out) {
  if (field.size() < 4) return false;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(field[i]); };
  if (byte(0) != kFamilyV4 && byte(0) != kFamilyV6) return false;
  NetworkAddress address;
  address.v6 = byte(0) == kFamilyV6;
  address.bits = byte(1);
  const size_t bytes = static_cast<size_t>(address.address_bytes());
  if (address.bits > address.bits_max() || byte(3) != bytes) return false;
  if (field.size() != 4 + bytes) return false;
  std::memcpy(address.bytes, field.data() + 4, bytes);
  if (is_cidr && !HostBitsZero(address)) return false;
  *out = address;
  return true;
}

void AppendAddress(const NetworkAddress& address, std::string* text) {
  if (address.v6) {
    AppendV6(address, text);
  } else {
    AppendV4(address.bytes, text);
  }
}

}  // namespace lite2pg
