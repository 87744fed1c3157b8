#include "engine/command/archive_rows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "coercion/wire.h"
#include "engine/archive/chunk_file.h"
#include "engine/archive/format.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// The value of one field; false if it is not one of its type. `text` keeps what needs keeping.
bool DecodeField(absl::string_view field, const ColumnCodec& codec, std::string* text,
                 SourceValue* out) {
  switch (codec.type->oid) {
    case kOidBool:
      if (field.size() != 1) return false;
      *out = SourceValue::Integer(field[0] != 0 ? 1 : 0);
      return true;
    case kOidInt2:
      if (field.size() != 2) return false;
      *out = SourceValue::Integer(LoadInt16(field.data()));
      return true;
    case kOidInt4:
      if (field.size() != 4) return false;
      *out = SourceValue::Integer(LoadInt32(field.data()));
      return true;
    case kOidInt8:
      if (field.size() != 8) return false;
      *out = SourceValue::Integer(LoadInt64(field.data()));
      return true;
    case kOidFloat8: {
      if (field.size() != 8) return false;
      const double real = LoadDouble(field.data());
      if (std::isnan(real)) break;  // SQLite has none; its text has
      *out = SourceValue::Real(real);
      return true;
    }
    case kOidBytea:
      *out = SourceValue::Blob(field);
      return true;
    case kOidText:
    case kOidVarchar:
    case kOidBpchar:
    case kOidJson:
      *out = SourceValue::Text(field);
      return true;
    case kOidJsonb:
      // Its wire form is a version and the text.
      if (field.empty() || field[0] != 1) return false;
      *out = SourceValue::Text(field.substr(1));
      return true;
    default:
      break;
  }
  text->clear();
  if (codec.decode == nullptr || !codec.decode(field, codec.params, text)) return false;
  *out = SourceValue::Text(*text);
  return true;
}

class ArchiveRows final : public ExternalRows {
 public:
  ArchiveRows(const OpenArchive& archive, const ArchiveTable& table,
              const std::vector<ColumnCodec>& codecs, const MemberStates& states)
      : archive_(archive), table_(table), codecs_(codecs), states_(states) {
    int last = 0;
    for (const ArchiveColumn& column : table.columns) last = std::max(last, column.source_column);
    row_.resize(static_cast<size_t>(last) + 1);
  }

  absl::StatusOr<std::span<const SourceValue>> Row(int64_t number) override {
    RETURN_IF_ERROR(Seek(number));
    absl::string_view fields;
    ASSIGN_OR_RETURN(const bool more, reader_->Next(&fields));
    if (!more || !DecodeFields(fields, codecs_, &texts_, &values_)) {
      return AlteredError(chunk().file, "it changed after it was checked");
    }
    ++next_;
    // The last row of a file is given only when the whole of it turned out to be what was checked.
    if (next_ == chunk_end_) RETURN_IF_ERROR(CheckState());
    for (size_t i = 0; i < values_.size(); ++i) {
      row_[static_cast<size_t>(table_.columns[i].source_column)] = values_[i];
    }
    return std::span<const SourceValue>(row_);
  }

 private:
  const ArchiveChunk& chunk() const { return table_.chunks[chunk_]; }

  // Makes `number` the row that the reader gives next.
  absl::Status Seek(int64_t number) {
    if (!reader_.has_value() || number < next_ || number >= chunk_end_) {
      RETURN_IF_ERROR(OpenChunkOf(number));
    }
    for (absl::string_view skipped; next_ < number; ++next_) {
      ASSIGN_OR_RETURN(const bool more, reader_->Next(&skipped));
      if (!more) return AlteredError(chunk().file, "it changed after it was checked");
    }
    return absl::OkStatus();
  }

  absl::Status OpenChunkOf(int64_t number) {
    int64_t first = 1;
    chunk_ = 0;
    while (number >= first + static_cast<int64_t>(chunk().rows)) {
      first += static_cast<int64_t>(chunk().rows);
      ++chunk_;
    }
    reader_.reset();
    ASSIGN_OR_RETURN(ChunkFileReader reader,
                     ChunkFileReader::Open(*archive_.directory, chunk(), codecs_.size(),
                                           /*hash=*/nullptr, /*raw_hash=*/nullptr));
    reader_.emplace(std::move(reader));
    next_ = first;
    chunk_end_ = first + static_cast<int64_t>(chunk().rows);
    return CheckState();
  }

  absl::Status CheckState() {
    ASSIGN_OR_RETURN(const MemberState now,
                     archive_.directory->StateOf(reader_->file(), chunk().file));
    const auto checked = states_.find(chunk().file);
    if (checked != states_.end() && checked->second == now) return absl::OkStatus();
    return AlteredError(chunk().file, "it changed after it was checked");
  }

  const OpenArchive& archive_;
  const ArchiveTable& table_;
  const std::vector<ColumnCodec>& codecs_;
  const MemberStates& states_;
  std::optional<ChunkFileReader> reader_;
  size_t chunk_ = 0;
  int64_t next_ = 0, chunk_end_ = 0;  // rows that the reader gives: [next_, chunk_end_)
  std::vector<std::string> texts_;
  std::vector<SourceValue> values_;  // in the order of the file
  std::vector<SourceValue> row_;     // where the source has them
};

}  // namespace

bool HasSourceForm(Oid oid) {
  switch (oid) {
    case kOidInt2:
    case kOidInt4:
    case kOidInt8:
    case kOidFloat8:
    case kOidBytea:
    case kOidText:
    case kOidVarchar:
    case kOidBpchar:
    case kOidJson:
      return true;
    default:
      return false;
  }
}

bool DecodeFields(absl::string_view fields, const std::vector<ColumnCodec>& codecs,
                  std::vector<std::string>* texts, std::vector<SourceValue>* values) {
  texts->resize(codecs.size());
  values->resize(codecs.size());
  for (size_t i = 0; i < codecs.size(); ++i) {
    if (fields.size() < 4) return false;
    const int32_t length = LoadInt32(fields.data());
    fields.remove_prefix(4);
    if (length < 0) {
      (*values)[i] = SourceValue::Null();
      continue;
    }
    const auto size = static_cast<size_t>(length);
    if (fields.size() < size) return false;
    if (!DecodeField(fields.substr(0, size), codecs[i], &(*texts)[i], &(*values)[i])) return false;
    fields.remove_prefix(size);
  }
  return fields.empty();
}

std::unique_ptr<ExternalRows> NewArchiveRows(const OpenArchive& archive, const ArchiveTable& table,
                                             const std::vector<ColumnCodec>& codecs,
                                             const MemberStates& states) {
  return std::make_unique<ArchiveRows>(archive, table, codecs, states);
}

}  // namespace lite2pg
