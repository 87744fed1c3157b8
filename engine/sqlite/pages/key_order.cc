#include "engine/sqlite/pages/key_order.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "engine/sqlite/utf16.h"

namespace lite2pg {
namespace {

template <typename T>
int Order(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Exact, as sqlite3IntFloatCompare: not every integer is a double.
int CompareIntegerReal(int64_t integer, double real) {
  if (real < -9223372036854775808.0) return 1;
  if (real >= 9223372036854775808.0) return -1;
  const auto whole = static_cast<int64_t>(real);  // towards zero
  if (integer != whole) return Order(integer, whole);
  return Order(static_cast<double>(integer), real);
}

int CompareNumbers(const SourceValue& a, const SourceValue& b) {
  const bool a_real = a.storage_class == StorageClass::kReal;
  const bool b_real = b.storage_class == StorageClass::kReal;
  if (a_real && b_real) return Order(a.real, b.real);
  if (a_real) return -CompareIntegerReal(b.integer, a.real);
  if (b_real) return CompareIntegerReal(a.integer, b.real);
  return Order(a.integer, b.integer);
}

int CompareBytes(absl::string_view a, absl::string_view b) {
  const size_t shared = std::min(a.size(), b.size());
  const int order = shared == 0 ? 0 : std::memcmp(a.data(), b.data(), shared);
  return order != 0 ? order : Order(a.size(), b.size());
}

// As sqlite3StrNICmp, which looks no further than a NUL that both share.
int CompareNocase(absl::string_view a, absl::string_view b) {
  const size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; ++i) {
    const auto x = static_cast<unsigned char>(absl::ascii_tolower(static_cast<uint8_t>(a[i])));
    const auto y = static_cast<unsigned char>(absl::ascii_tolower(static_cast<uint8_t>(b[i])));
    if (x != y) return Order(x, y);
    if (x == 0) break;
  }
  return Order(a.size(), b.size());
}

absl::string_view WithoutTrailingSpaces(absl::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// NULL, numbers, texts, blobs.
int RankOf(StorageClass storage_class) {
  switch (storage_class) {
    case StorageClass::kNull: return 0;
    case StorageClass::kInteger:
    case StorageClass::kReal: return 1;
    case StorageClass::kText: return 2;
    case StorageClass::kBlob: return 3;
  }
  return 0;
}

bool HasBytes(const SourceValue& value) {
  return value.storage_class == StorageClass::kText || value.storage_class == StorageClass::kBlob;
}

}  // namespace

int CompareStored(const SourceValue& a, const SourceValue& b, KeyCollation collation) {
  const int rank = RankOf(a.storage_class);
  if (rank != RankOf(b.storage_class)) return Order(rank, RankOf(b.storage_class));
  if (rank == 0) return 0;
  if (rank == 1) return CompareNumbers(a, b);
  if (rank == 2 && collation == KeyCollation::kNocase) return CompareNocase(a.bytes(), b.bytes());
  if (rank == 2 && collation == KeyCollation::kRtrim) {
    return CompareBytes(WithoutTrailingSpaces(a.bytes()), WithoutTrailingSpaces(b.bytes()));
  }
  return CompareBytes(a.bytes(), b.bytes());
}

void StoredKey::Set(size_t part, const SourceValue& from) {
  values_[part] = from;
  if (HasBytes(from)) bytes_[part].assign(from.data, from.size_bytes);
}

SourceValue StoredKey::value(size_t part) const {
  SourceValue value = values_[part];
  if (HasBytes(value)) {
    value.data = bytes_[part].data();
    value.size_bytes = bytes_[part].size();
  }
  return value;
}

StoredKey StoredKey::FromSource(const SourceKey& key, bool utf16, bool big_endian) {
  StoredKey stored(key.size());
  for (size_t i = 0; i < key.size(); ++i) {
    const SourceValue value = key[i].view();
    stored.values_[i] = value;
    if (!HasBytes(value)) continue;
    stored.bytes_[i] = std::string(value.bytes());
    if (!utf16 || value.storage_class != StorageClass::kText) continue;
    const std::u16string units = Wtf8ToUtf16(value.bytes());
    std::string& bytes = stored.bytes_[i];
    bytes.assign(reinterpret_cast<const char*>(units.data()), units.size() * sizeof(char16_t));
    for (size_t at = 0; big_endian && at + 1 < bytes.size(); at += 2) {
      std::swap(bytes[at], bytes[at + 1]);
    }
  }
  return stored;
}

int CompareWithKey(const std::vector<KeyPart>& parts, const SourceValue* values, bool by_slot,
                   const StoredKey& key) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const SourceValue& value = values[by_slot ? static_cast<size_t>(parts[i].slot) : i];
    const int order = CompareStored(value, key.value(i), parts[i].collation);
    if (order != 0) return parts[i].descending ? -order : order;
  }
  return 0;
}

}  // namespace lite2pg
