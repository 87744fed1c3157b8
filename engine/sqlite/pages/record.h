// Records: a header of serial types, then the values (section "Record Format" of the file format).
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_RECORD_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_RECORD_H_

#include <cstdint>
#include <vector>

#include "coercion/source_value.h"

namespace lite2pg {

// One field as it is stored.
struct RecordField {
  int slot = -1;      // where its value goes; -1: it is not wanted
  bool real = false;  // REAL affinity: whole numbers are stored as integers, and are reals
};

// The fields up to the last one that is wanted, in stored order.
using RecordLayout = std::vector<RecordField>;

struct RecordEnd {
  enum class Kind : uint8_t {
    kWhole,      // every field of the layout was there
    kShort,      // the record ends before field `field`: columns were added later
    kViolation,  // it is not a record that SQLite writes
  };
  Kind kind = Kind::kWhole;
  size_t field = 0;
};

// Decodes a record of `total` bytes, of which the first `available` are at `record`, into `values`
// (one per slot). Texts and blobs become views of `record`, texts in the encoding of the database.
// REQUIRES: available >= RecordBytesNeeded(...), or less than that only if it is all of `total`.
RecordEnd DecodeRecord(const RecordLayout& layout, const uint8_t* record, size_t available,
                       size_t total, SourceValue* values);

// How much of a record must be at hand to decode `layout`, given its first `available` bytes: at
// most `total`, and 0 if it is not a record that SQLite writes.
size_t RecordBytesNeeded(const RecordLayout& layout, const uint8_t* record, size_t available,
                         size_t total);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_RECORD_H_
