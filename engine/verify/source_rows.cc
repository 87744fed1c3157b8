#include "engine/verify/source_rows.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "coercion/outcome.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

// What stands before a value that the target's type cannot hold: -2 is no length of a field.
constexpr int32_t kNoFaithfulForm = -2;
constexpr size_t kRefusedHeaderBytes = 9;
constexpr size_t kNumberBytes = 8;

size_t RefusedBytes(const SourceValue& value) {
  return kRefusedHeaderBytes + kNumberBytes + value.size_bytes;
}

// REQUIRES: room for RefusedBytes(value).
void PutRefused(const SourceValue& value, FieldBuffer* out) {
  out->PutInt32(kNoFaithfulForm);
  out->PutByte(static_cast<uint8_t>(value.storage_class));
  switch (value.storage_class) {
    case StorageClass::kNull:
      out->PutInt32(0);
      break;
    case StorageClass::kInteger:
      out->PutInt32(kNumberBytes);
      out->PutInt64(value.integer);
      break;
    case StorageClass::kReal:
      out->PutInt32(kNumberBytes);
      out->PutDouble(value.real);
      break;
    case StorageClass::kText:
    case StorageClass::kBlob:
      out->PutInt32(static_cast<int32_t>(value.size_bytes));
      out->PutBytes(value.bytes());
      break;
  }
}

}  // namespace

std::string ShowSourceValue(const SourceValue& value, size_t bytes_max) {
  const absl::string_view bytes = value.bytes().substr(0, bytes_max);
  switch (value.storage_class) {
    case StorageClass::kNull:
      return "NULL";
    case StorageClass::kInteger:
      return absl::StrCat(value.integer);
    case StorageClass::kReal: {
      char text[64];
      const std::to_chars_result end = std::to_chars(text, text + sizeof(text), value.real);
      std::string shown(text, end.ptr);
      // 1.0 and 1 are two values of SQLite.
      if (shown.find_first_not_of("-0123456789") == std::string::npos) shown += ".0";
      return shown;
    }
    case StorageClass::kText:
      return absl::StrCat("'", absl::StrReplaceAll(bytes, {{"'", "''"}}), "'");
    case StorageClass::kBlob:
      return absl::StrCat("x'", absl::BytesToHexString(bytes), "'");
  }
  return "";
}

SourceRowMaker::SourceRowMaker(std::span<const ColumnCodec> codecs,
                               std::span<const std::string> fills)
    : codecs_(codecs), fills_(fills), columns_(codecs.size()), refused_(codecs.size()) {
  for (const ColumnCodec& codec : codecs) any_canonical_ |= codec.canonical != nullptr;
}

SourceRowMaker::SourceRowMaker(size_t columns) : columns_(columns), refused_(columns) {}

// Class and value; the reader has made one encoding of all text already.
void SourceRowMaker::PutNative(const SourceValue& value) {
  fields_.Reserve(4 + 1 + kNumberBytes + value.size_bytes);
  if (value.storage_class == StorageClass::kNull) return fields_.PutInt32(-1);
  const bool number = value.storage_class == StorageClass::kInteger ||
                      value.storage_class == StorageClass::kReal;
  fields_.PutInt32(static_cast<int32_t>(1 + (number ? kNumberBytes : value.size_bytes)));
  fields_.PutByte(static_cast<uint8_t>(value.storage_class));
  if (value.storage_class == StorageClass::kInteger) return fields_.PutInt64(value.integer);
  if (value.storage_class == StorageClass::kReal) return fields_.PutDouble(value.real);
  fields_.PutBytes(value.bytes());
}

ComparedRow SourceRowMaker::Make(std::span<const SourceValue> values) {
  values_ = values;
  fields_.Clear();
  ComparedRow row;
  row.presenter = this;
  if (codecs_.empty()) {
    for (const SourceValue& value : values) PutNative(value);
    row.fields = fields_.view();
    return row;
  }
  bool all_fit = true;
  tuple_.Clear();
  tuple_.Reserve(2);
  tuple_.PutInt16(static_cast<int16_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const SourceValue& value = values[i];
    const ColumnCodec& codec = codecs_[i];
    const size_t at = tuple_.size();
    refused_[i] = static_cast<uint8_t>(Outcome::kOk);
    tuple_.Reserve(codec.fixed_bytes + value.size_bytes * codec.expand);
    const auto storage_class = static_cast<size_t>(value.storage_class);
    const Outcome outcome = codec.encode[storage_class](value, codec.params, &tuple_);
    if (outcome != Outcome::kOk) [[unlikely]] {
      refused_[i] = static_cast<uint8_t>(outcome);
      all_fit = false;
      tuple_.Reserve(RefusedBytes(value));
      PutRefused(value, &tuple_);
    } else if (i < fills_.size() && !fills_[i].empty() && tuple_.size() == at + 4 &&
               LoadInt32(tuple_.data() + at) == -1) {
      tuple_.Truncate(at);
      tuple_.Reserve(fills_[i].size());
      tuple_.PutBytes(fills_[i]);
    }
  }
  row.tuple = all_fit ? tuple_.view() : absl::string_view();
  row.fields = tuple_.view_from(2);
  if (!any_canonical_) return row;
  absl::string_view rest = tuple_.view_from(2), field;
  for (size_t i = 0; i < columns_ && NextField(&rest, &field); ++i) {
    const ColumnCodec& codec = codecs_[i];
    fields_.Reserve(4 + field.size());
    if (codec.canonical == nullptr || LoadInt32(field.data()) < 0) {
      fields_.PutBytes(field);
      continue;
    }
    const size_t at = BeginField(&fields_);
    if (codec.canonical(field.substr(4), codec.params, &fields_)) {
      EndField(&fields_, at);
    } else {
      fields_.Truncate(at);
      fields_.Reserve(field.size());
      fields_.PutBytes(field);
    }
  }
  row.fields = fields_.view();
  return row;
}

std::string SourceRowMaker::Show(size_t column, size_t bytes_max) const {
  if (column >= values_.size()) return "";
  std::string shown = ShowSourceValue(values_[column], bytes_max);
  const auto outcome = static_cast<Outcome>(refused_[column]);
  if (outcome == Outcome::kOk) return shown;
  const absl::string_view name = StorageClassName(values_[column].storage_class);
  return absl::StrCat(shown, " (", name, ": ", OutcomePhrase(outcome), ")");
}

}  // namespace lite2pg
