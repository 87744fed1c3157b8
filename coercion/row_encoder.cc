#include "coercion/row_encoder.h"

#include <algorithm>

#include "coercion/wire.h"

namespace lite2pg {
namespace {

// Appends the canonical form of the first field of `fields` (length word and bytes), and moves on
// to the next.
inline bool CanonicalizeField(const ColumnCodec& codec, absl::string_view* fields,
                              FieldBuffer* out) {
  if (fields->size() < 4) return false;
  const int32_t length = LoadInt32(fields->data());
  if (length < -1) return false;
  const size_t body_bytes = length < 0 ? 0 : static_cast<size_t>(length);
  if (fields->size() - 4 < body_bytes) return false;
  out->Reserve(4 + body_bytes);
  if (length < 0 || codec.canonical == nullptr) {
    out->PutBytes(fields->substr(0, 4 + body_bytes));
  } else {
    const size_t at = BeginField(out);
    if (!codec.canonical(fields->substr(4, body_bytes), codec.params, out)) return false;
    EndField(out, at);
  }
  fields->remove_prefix(4 + body_bytes);
  return true;
}

// The same for every field of `fields`.
bool Canonicalize(absl::string_view fields, std::span<const ColumnCodec> codecs,
                  FieldBuffer* out) {
  for (const ColumnCodec& codec : codecs) {
    if (!CanonicalizeField(codec, &fields, out)) return false;
  }
  return fields.empty();
}

// Whether `fields` are exactly `count` fields.
bool IsFields(absl::string_view fields, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (fields.size() < 4) return false;
    const int32_t length = LoadInt32(fields.data());
    if (length < -1) return false;
    const size_t bytes = 4 + (length < 0 ? 0 : static_cast<size_t>(length));
    if (fields.size() < bytes) return false;
    fields.remove_prefix(bytes);
  }
  return fields.empty();
}

// What would end a field, a line or the data, or begin an escape.
void PutEscaped(absl::string_view text, FieldBuffer* out) {
  const auto is_special = [](char c) { return c == '\\' || c == '\n' || c == '\r' || c == '\t'; };
  const auto escapes = std::count_if(text.begin(), text.end(), is_special);
  out->Reserve(text.size() + static_cast<size_t>(escapes));
  for (const char c : text) {
    switch (c) {
      case '\\':
        out->PutBytes("\\\\");
        break;
      case '\n':
        out->PutBytes("\\n");
        break;
      case '\r':
        out->PutBytes("\\r");
        break;
      case '\t':
        out->PutBytes("\\t");
        break;
      default:
        out->PutByte(static_cast<uint8_t>(c));
    }
  }
}

inline Outcome EncodeField(const ColumnCodec& codec, const SourceValue& value, FieldBuffer* out) {
  // Per field, not once per row: an encoder that reserves more for itself would otherwise eat the
  // room of those behind it.
  out->Reserve(codec.fixed_bytes + value.size_bytes * codec.expand);
  return codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, out);
}

bool AnyCanonical(std::span<const ColumnCodec> codecs) {
  for (const ColumnCodec& codec : codecs) {
    if (codec.canonical != nullptr) return true;
  }
  return false;
}

}  // namespace

void ColumnCounts::Add(const ColumnCounts& other) {
  for (size_t i = 0; i < classes.size(); ++i) classes[i] += other.classes[i];
  for (size_t i = 0; i < rules.size(); ++i) rules[i] += other.rules[i];
}

RowEncoder::RowEncoder(std::span<const ColumnCodec> codecs, CopyFormat format)
    : RowEncoder(codecs, format, RowBytesOnWireMax(codecs.size())) {}

RowEncoder::RowEncoder(std::span<const ColumnCodec> codecs, CopyFormat format,
                       size_t row_bytes_max)
    : codecs_(codecs),
      format_(format),
      row_bytes_max_(row_bytes_max),
      counts_(codecs.size()),
      any_canonical_(AnyCanonical(codecs)) {
  constexpr auto kText = static_cast<size_t>(StorageClass::kText);
  for (size_t i = 0; i < codecs.size(); ++i) {
    const ColumnCodec& codec = codecs[i];
    if (codec.without_rules != nullptr) ruled_.push_back(i);
    // Rules and columns of revert put functions of their own in place of the type's.
    const bool is_plain = codec.type != nullptr && codec.canonical == codec.type->canonical &&
                          codec.encode[kText] == codec.type->encode[kText];
    text_canonical_.push_back(is_plain ? codec.type->encode_text_canonical : nullptr);
  }
}

void RowEncoder::Reset() {
  digest_ = {};
  counts_.assign(codecs_.size(), {});
}

RowOutcome RowEncoder::Encode(std::span<const SourceValue> values, FieldBuffer* out) {
  const bool is_text = format_ == CopyFormat::kText;
  FieldBuffer* const to = is_text ? &tuple_ : out;
  tuple_.Clear();
  const size_t start = to->size();
  const RowOutcome outcome =
      any_canonical_ ? EncodeCanonically(values, to) : EncodeTuple(values, to);
  if (outcome.outcome != Outcome::kOk) [[unlikely]] return outcome;
  if (to->size() - start > row_bytes_max_) [[unlikely]] {
    to->Truncate(start);
    return TooLarge(values);
  }
  if (is_text) {
    const size_t line_start = out->size();
    if (!AppendTextRow(tuple_.view(), codecs_, out)) return {Outcome::kMalformed, 0};
    if (out->size() - line_start > row_bytes_max_) {
      out->Truncate(line_start);
      return TooLarge(values);
    }
  }
  digest_.AddRow(any_canonical_ ? canonical_.view() : to->view_from(start + 2));
  Count(values);
  return {};
}

RowOutcome RowEncoder::TooLarge(std::span<const SourceValue> values) {
  const auto size = [](const SourceValue& value) {  // others may have one left from another row
    const bool has_bytes = value.storage_class == StorageClass::kText ||
                           value.storage_class == StorageClass::kBlob;
    return has_bytes ? value.size_bytes : 0;
  };
  const auto longest = std::max_element(
      values.begin(), values.end(),
      [&](const SourceValue& a, const SourceValue& b) { return size(a) < size(b); });
  return {Outcome::kTooLarge, static_cast<int>(longest - values.begin())};
}

RowOutcome RowEncoder::EncodeTuple(std::span<const SourceValue> values, FieldBuffer* out) {
  const size_t start = out->size();
  out->Reserve(2);
  out->PutInt16(static_cast<int16_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const Outcome outcome = EncodeField(codecs_[i], values[i], out);
    if (outcome != Outcome::kOk) [[unlikely]] {
      out->Truncate(start);
      return {outcome, static_cast<int>(i)};
    }
  }
  return {};
}

// As above, with the row's canonical form made field by field, while each is at hand.
RowOutcome RowEncoder::EncodeCanonically(std::span<const SourceValue> values, FieldBuffer* out) {
  const size_t start = out->size();
  out->Reserve(2);
  out->PutInt16(static_cast<int16_t>(values.size()));
  canonical_.Clear();
  for (size_t i = 0; i < values.size(); ++i) {
    const ColumnCodec& codec = codecs_[i];
    const SourceValue& value = values[i];
    Outcome outcome = Outcome::kOk;
    if (text_canonical_[i] != nullptr && value.storage_class == StorageClass::kText) {
      out->Reserve(codec.fixed_bytes + value.size_bytes * codec.expand);
      canonical_.Reserve(4 + value.size_bytes);
      const size_t at = BeginField(&canonical_);
      outcome = text_canonical_[i](value, codec.params, out, &canonical_);
      EndField(&canonical_, at);
    } else {
      const size_t field_at = out->size();
      outcome = EncodeField(codec, value, out);
      absl::string_view field = out->view_from(field_at);
      if (outcome == Outcome::kOk && !CanonicalizeField(codec, &field, &canonical_)) {
        outcome = Outcome::kMalformed;
      }
    }
    if (outcome != Outcome::kOk) [[unlikely]] {
      out->Truncate(start);
      return {outcome, static_cast<int>(i)};
    }
  }
  return {};
}

void RowEncoder::Count(std::span<const SourceValue> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    ++counts_[i].classes[static_cast<size_t>(values[i].storage_class)];
  }
  for (const size_t i : ruled_) {
    ++counts_[i].rules[static_cast<size_t>(UseOfRules(codecs_[i], values[i], &canonical_))];
  }
}

bool AppendTextRow(absl::string_view tuple, std::span<const ColumnCodec> codecs,
                   FieldBuffer* out) {
  if (tuple.size() < 2 || !IsFields(tuple.substr(2), codecs.size())) return false;
  absl::string_view fields = tuple.substr(2);
  const size_t start = out->size();
  std::string text;
  for (size_t i = 0; i < codecs.size(); ++i) {
    const int32_t length = LoadInt32(fields.data());
    const size_t bytes = length < 0 ? 0 : static_cast<size_t>(length);
    const absl::string_view field = fields.substr(4, bytes);
    fields.remove_prefix(4 + bytes);
    out->Reserve(3);
    if (i > 0) out->PutByte('\t');
    if (length < 0) {
      out->PutBytes("\\N");
      continue;
    }
    text.clear();
    if (!codecs[i].decode(field, codecs[i].params, &text)) {
      out->Truncate(start);
      return false;
    }
    PutEscaped(text, out);
  }
  out->Reserve(1);
  out->PutByte('\n');
  return true;
}

bool CanonicalFields(absl::string_view tuple, std::span<const ColumnCodec> codecs,
                     FieldBuffer* scratch, absl::string_view* canonical) {
  if (tuple.size() < 2) return false;
  if (static_cast<uint16_t>(LoadInt16(tuple.data())) != codecs.size()) return false;
  const absl::string_view fields = tuple.substr(2);
  if (!AnyCanonical(codecs)) {
    *canonical = fields;
    return IsFields(fields, codecs.size());
  }
  scratch->Clear();
  if (!Canonicalize(fields, codecs, scratch)) return false;
  *canonical = scratch->view();
  return true;
}

bool AddTupleToDigest(absl::string_view tuple, std::span<const ColumnCodec> codecs,
                      FieldBuffer* scratch, Digest* digest) {
  absl::string_view canonical;
  if (!CanonicalFields(tuple, codecs, scratch, &canonical)) return false;
  digest->AddRow(canonical);
  return true;
}

}  // namespace lite2pg
