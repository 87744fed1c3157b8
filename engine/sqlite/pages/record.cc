#include "engine/sqlite/pages/record.h"

#include <bit>
#include <cmath>

#include "engine/sqlite/pages/format.h"

namespace lite2pg {
namespace {

// Serial types below this are numbers, NULL, or reserved; above come blobs and texts by turns.
constexpr uint64_t kFirstBytesType = 12;
constexpr uint8_t kSizes[kFirstBytesType] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

constexpr uint64_t SizeOf(uint64_t serial_type) {
  return serial_type < kFirstBytesType ? kSizes[serial_type] : (serial_type - kFirstBytesType) / 2;
}

int64_t LoadInteger(const uint8_t* at, uint64_t serial_type) {
  switch (serial_type) {
    case 1: return static_cast<int8_t>(at[0]);
    case 2: return static_cast<int16_t>(LoadBig16(at));
    case 3: return static_cast<int8_t>(at[0]) * 65'536 + static_cast<int64_t>(LoadBig16(at + 1));
    case 4: return static_cast<int32_t>(LoadBig32(at));
    case 5:
      return static_cast<int64_t>(static_cast<int16_t>(LoadBig16(at))) * 4'294'967'296 +
             static_cast<int64_t>(LoadBig32(at + 2));
    case 6: return static_cast<int64_t>(LoadBig64(at));
    default: return static_cast<int64_t>(serial_type) - 8;  // 8 and 9: the numbers 0 and 1
  }
}

// The value of a serial type but 10 and 11.
inline void LoadValue(const uint8_t* at, uint64_t serial_type, uint64_t size, bool real,
                      SourceValue* to) {
  if (serial_type >= kFirstBytesType) {
    to->storage_class = serial_type & 1 ? StorageClass::kText : StorageClass::kBlob;
    to->data = reinterpret_cast<const char*>(at);
    to->size_bytes = size;
    return;
  }
  if (serial_type == 0) {
    to->storage_class = StorageClass::kNull;
    return;
  }
  if (serial_type == 7) {
    to->real = std::bit_cast<double>(LoadBig64(at));
    // SQLite has no NaN; what looks like one is NULL.
    to->storage_class = std::isnan(to->real) ? StorageClass::kNull : StorageClass::kReal;
    return;
  }
  to->integer = LoadInteger(at, serial_type);
  to->storage_class = StorageClass::kInteger;
  if (real) {
    to->real = static_cast<double>(to->integer);
    to->storage_class = StorageClass::kReal;
  }
}

}  // namespace

RecordEnd DecodeRecord(const RecordLayout& layout, const uint8_t* record, size_t available,
                       size_t total, SourceValue* values) {
  constexpr RecordEnd kBroken{RecordEnd::Kind::kViolation};
  uint64_t header_bytes = 0;
  const uint8_t* at = ReadVarint(record, record + available, &header_bytes);
  if (at == nullptr || header_bytes > available) return kBroken;
  const uint8_t* const header_end = record + header_bytes;
  if (at > header_end) return kBroken;
  uint64_t offset = header_bytes;
  const RecordField* const fields = layout.data();
  const size_t count = layout.size();
  for (size_t i = 0; i < count; ++i) {
    if (at == header_end) [[unlikely]] {
      if (offset != total) return kBroken;
      return {RecordEnd::Kind::kShort, i};
    }
    uint64_t serial_type = 0;
    at = ReadVarint(at, header_end, &serial_type);
    if (at == nullptr) [[unlikely]] return kBroken;
    const uint64_t size = SizeOf(serial_type);
    if (size > total - offset) [[unlikely]] return kBroken;
    if (fields[i].slot >= 0) [[likely]] {
      if (offset + size > available || serial_type == 10 || serial_type == 11) [[unlikely]] {
        return kBroken;
      }
      LoadValue(record + offset, serial_type, size, fields[i].real, &values[fields[i].slot]);
    }
    offset += size;
  }
  // With the header at its end the values must be, too: SQLite asks for the same.
  if (at == header_end && offset != total) return kBroken;
  return {};
}

size_t RecordBytesNeeded(const RecordLayout& layout, const uint8_t* record, size_t available,
                         size_t total) {
  uint64_t header_bytes = 0;
  const uint8_t* at = ReadVarint(record, record + available, &header_bytes);
  if (at == nullptr || header_bytes > total) return 0;
  if (header_bytes > available) return total;
  const uint8_t* const header_end = record + header_bytes;
  uint64_t offset = header_bytes, needed = header_bytes;
  for (const RecordField& field : layout) {
    if (at >= header_end) break;
    uint64_t serial_type = 0;
    at = ReadVarint(at, header_end, &serial_type);
    if (at == nullptr) return 0;
    const uint64_t size = SizeOf(serial_type);
    if (size > total - offset) return 0;
    offset += size;
    if (field.slot >= 0 && size > 0) needed = offset;
  }
  return static_cast<size_t>(needed);
}

}  // namespace lite2pg
