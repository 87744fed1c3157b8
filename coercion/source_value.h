// One value as SQLite stores it: a storage class and a view of the bytes.
#ifndef LITE2PG_COERCION_SOURCE_VALUE_H_
#define LITE2PG_COERCION_SOURCE_VALUE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace lite2pg {

// SQLite's five storage classes (https://www.sqlite.org/datatype3.html). The values index the
// per-class tables of ColumnEncoder and ColumnCounters.
enum class StorageClass : uint8_t { kNull = 0, kInteger = 1, kReal = 2, kText = 3, kBlob = 4 };
inline constexpr size_t kStorageClassCount = 5;

inline constexpr absl::string_view kStorageClassNames[kStorageClassCount] = {
    "null", "integer", "real", "text", "blob"};

constexpr absl::string_view StorageClassName(StorageClass c) {
  return kStorageClassNames[static_cast<size_t>(c)];
}

// A view: `data` belongs to whoever produced the value (a RowSource keeps it valid until its next
// row). Text is the bytes of the value in UTF-8; they may be malformed or hold NUL, because SQLite
// checks neither. Text of a UTF-16 database arrives converted, a lone surrogate as the three bytes
// UTF-8 would give it (WTF-8), so that nothing is lost and the UTF-8 check still refuses it.
struct SourceValue {
  StorageClass storage_class = StorageClass::kNull;
  int64_t integer = 0;
  double real = 0;
  const char* data = nullptr;
  size_t size_bytes = 0;

  absl::string_view bytes() const { return absl::string_view(data, size_bytes); }

  static SourceValue Null() { return {}; }
  static SourceValue Integer(int64_t v) {
    SourceValue s;
    s.storage_class = StorageClass::kInteger;
    s.integer = v;
    return s;
  }
  static SourceValue Real(double v) {
    SourceValue s;
    s.storage_class = StorageClass::kReal;
    s.real = v;
    return s;
  }
  static SourceValue Text(absl::string_view v) {
    SourceValue s;
    s.storage_class = StorageClass::kText;
    s.data = v.data();
    s.size_bytes = v.size();
    return s;
  }
  static SourceValue Blob(absl::string_view v) {
    SourceValue s = Text(v);
    s.storage_class = StorageClass::kBlob;
    return s;
  }
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_SOURCE_VALUE_H_
