// The order of keys in a WITHOUT ROWID table's b-tree.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_KEY_ORDER_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_KEY_ORDER_H_

#include <string>
#include <vector>

#include "coercion/source_value.h"
#include "engine/sqlite/pages/table_layout.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// Negative if `a` comes before `b` under `collation`, ascending: NULL, numbers, texts, blobs, as
// sqlite3MemCompare in SQLite's src/vdbeaux.c. Texts are compared as they are stored.
int CompareStored(const SourceValue& a, const SourceValue& b, KeyCollation collation);

// A key as it is stored: texts in the database's encoding. Owns its bytes; its memory is kept.
class StoredKey {
 public:
  explicit StoredKey(size_t parts = 0) : values_(parts), bytes_(parts) {}

  // Copies `from[i]`, already as stored, to part i.
  void Set(size_t part, const SourceValue& from);
  // The same from what a RowSource shows: texts are turned into the database's encoding.
  static StoredKey FromSource(const SourceKey& key, bool utf16, bool big_endian);

  size_t size() const { return values_.size(); }
  SourceValue value(size_t part) const;

 private:
  std::vector<SourceValue> values_;
  std::vector<std::string> bytes_;
};

// Where the key in `values` (by the parts' slots) comes in the b-tree's order: negative before
// `key`. `slots` false: part i is values[i].
int CompareWithKey(const std::vector<KeyPart>& parts, const SourceValue* values, bool by_slot,
                   const StoredKey& key);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_KEY_ORDER_H_
