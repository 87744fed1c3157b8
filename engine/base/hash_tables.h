// Hash tables that stay as they are when there is no memory to grow: those of the standard
// library, with Abseil's hash functions. Abseil's own of 2022 take their new size before they have
// the memory for it, so that whoever catches the exception then meets a broken table.
#ifndef LITE2PG_ENGINE_BASE_HASH_TABLES_H_
#define LITE2PG_ENGINE_BASE_HASH_TABLES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

template <typename Key, typename Value>
using HashMap = std::unordered_map<Key, Value, absl::Hash<Key>>;
template <typename Key>
using HashSet = std::unordered_set<Key, absl::Hash<Key>>;

// Found by views as well.
struct StringHash {
  using is_transparent = void;
  size_t operator()(absl::string_view text) const { return absl::Hash<absl::string_view>()(text); }
};
template <typename Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;
using StringSet = std::unordered_set<std::string, StringHash, std::equal_to<>>;

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_HASH_TABLES_H_
