#include "engine/sqlite/value_reader.h"

#include <sqlite3.h>

#include <cstddef>

#include "engine/sqlite/utf16.h"

namespace lite2pg {
namespace {

// SQLite's type codes are 1 to 5; its NULL is 5.
constexpr StorageClass kClasses[6] = {StorageClass::kNull, StorageClass::kInteger,
                                      StorageClass::kReal, StorageClass::kText,
                                      StorageClass::kBlob, StorageClass::kNull};
static_assert(SQLITE_INTEGER == 1 && SQLITE_FLOAT == 2 && SQLITE_TEXT == 3 && SQLITE_BLOB == 4 &&
              SQLITE_NULL == 5);

// sqlite3_value_* on the unprotected value skips the checks that every sqlite3_column_* repeats.
// It is allowed because the connection belongs to one thread
// (https://www.sqlite.org/c3ref/value.html).
inline bool ReadPlain(sqlite3_value* from, SourceValue* to) {
  const int type = sqlite3_value_type(from);
  to->storage_class = kClasses[type];
  switch (type) {
    case SQLITE_INTEGER:
      to->integer = sqlite3_value_int64(from);
      return true;
    case SQLITE_FLOAT:
      to->real = sqlite3_value_double(from);
      return true;
    case SQLITE_TEXT:
      // The bytes are those of the file: in a UTF-8 database nothing is converted or checked.
      to->data = reinterpret_cast<const char*>(sqlite3_value_text(from));
      to->size_bytes = static_cast<size_t>(sqlite3_value_bytes(from));
      return to->data != nullptr;
    case SQLITE_BLOB:
      // A null pointer stands for an empty blob and for lack of memory alike.
      to->data = static_cast<const char*>(sqlite3_value_blob(from));
      to->size_bytes = static_cast<size_t>(sqlite3_value_bytes(from));
      return to->data != nullptr || to->size_bytes == 0;
    default:
      return true;
  }
}

}  // namespace

bool ValueReader::Read(sqlite3_stmt* stmt) {
  if (utf16_) return ReadUtf16(stmt);
  SourceValue* to = values_.data();
  const int count = static_cast<int>(values_.size());
  for (int i = 0; i < count; ++i, ++to) {
    if (!ReadPlain(sqlite3_column_value(stmt, i), to)) [[unlikely]] return false;
  }
  return true;
}

// Text goes into text_, which may move while it grows; so the views are set when it is complete.
bool ValueReader::ReadUtf16(sqlite3_stmt* stmt) {
  size_t used = 0;
  for (size_t i = 0; i < values_.size(); ++i) {
    sqlite3_value* const from = sqlite3_column_value(stmt, static_cast<int>(i));
    SourceValue* const to = &values_[i];
    if (sqlite3_value_type(from) != SQLITE_TEXT) {
      if (!ReadPlain(from, to)) return false;
      continue;
    }
    const auto* const utf16 = static_cast<const char*>(sqlite3_value_text16(from));
    if (utf16 == nullptr) return false;
    const auto size = static_cast<size_t>(sqlite3_value_bytes16(from));
    const size_t needed = used + Wtf8BytesMax(size);
    if (text_.size() < needed) text_.resize(needed + needed / 2);
    to->storage_class = StorageClass::kText;
    to->size_bytes = Utf16ToWtf8(utf16, size, text_.data() + used);
    used += to->size_bytes;
  }
  const char* at = text_.data();
  for (SourceValue& value : values_) {
    if (value.storage_class != StorageClass::kText) continue;
    value.data = at;
    at += value.size_bytes;
  }
  return true;
}

}  // namespace lite2pg
