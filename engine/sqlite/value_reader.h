// Reads the fields of a row where SQLite keeps them.
#ifndef LITE2PG_ENGINE_SQLITE_VALUE_READER_H_
#define LITE2PG_ENGINE_SQLITE_VALUE_READER_H_

#include <span>
#include <vector>

#include "coercion/source_value.h"

struct sqlite3_stmt;

namespace lite2pg {

// Fills a preallocated array with views of one row after the other. One thread at a time. Views
// live until the statement's next step or the reader's next Read.
class ValueReader {
 public:
  // `utf16`: the database's encoding; its text is converted into a buffer of the reader.
  ValueReader(int columns, bool utf16)
      : values_(static_cast<size_t>(columns)), utf16_(utf16) {}

  // The fields of the row that `stmt` stands on. False if SQLite ran out of memory on the way.
  // REQUIRES: sqlite3_step returned SQLITE_ROW, and the statement has that many columns.
  bool Read(sqlite3_stmt* stmt);

  std::span<const SourceValue> values() const { return values_; }

 private:
  bool ReadUtf16(sqlite3_stmt* stmt);

  std::vector<SourceValue> values_;
  std::vector<char> text_;       // UTF-16 databases only: the row's text as UTF-8
  bool utf16_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_VALUE_READER_H_
