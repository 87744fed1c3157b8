// The one place that lists the types: a row per type, and the binding of a column to its row.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "coercion/type_codec.h"
#include "coercion/types/array.h"
#include "coercion/types/bit.h"
#include "coercion/types/bool.h"
#include "coercion/types/bpchar.h"
#include "coercion/types/bytea.h"
#include "coercion/types/char.h"
#include "coercion/types/cidr.h"
#include "coercion/types/citext.h"
#include "coercion/types/date.h"
#include "coercion/types/enum.h"
#include "coercion/types/float4.h"
#include "coercion/types/float8.h"
#include "coercion/types/hstore.h"
#include "coercion/types/inet.h"
#include "coercion/types/int2.h"
#include "coercion/types/int4.h"
#include "coercion/types/int8.h"
#include "coercion/types/interval.h"
#include "coercion/types/json.h"
#include "coercion/types/jsonb.h"
#include "coercion/types/macaddr.h"
#include "coercion/types/macaddr8.h"
#include "coercion/types/money.h"
#include "coercion/types/name.h"
#include "coercion/types/numeric.h"
#include "coercion/types/oid.h"
#include "coercion/types/server_text.h"
#include "coercion/types/text.h"
#include "coercion/types/time.h"
#include "coercion/types/timestamp.h"
#include "coercion/types/timestamptz.h"
#include "coercion/types/timetz.h"
#include "coercion/types/uuid.h"
#include "coercion/types/varbit.h"
#include "coercion/types/varchar.h"
#include "coercion/types/xml.h"

namespace lite2pg {
namespace {

// One row per line; README.md says what else a new type needs.
constexpr const TypeCodec* kRows[] = {
    &kBoolCodec,
    &kInt2Codec,
    &kInt4Codec,
    &kInt8Codec,
    &kOidCodec,
    &kFloat4Codec,
    &kFloat8Codec,
    &kNumericCodec,
    &kMoneyCodec,
    &kTextCodec,
    &kVarcharCodec,
    &kBpcharCodec,
    &kCharCodec,
    &kNameCodec,
    &kByteaCodec,
    &kUuidCodec,
    &kBitCodec,
    &kVarbitCodec,
    &kInetCodec,
    &kCidrCodec,
    &kMacaddrCodec,
    &kMacaddr8Codec,
    &kDateCodec,
    &kTimeCodec,
    &kTimetzCodec,
    &kTimestampCodec,
    &kTimestamptzCodec,
    &kIntervalCodec,
    &kJsonCodec,
    &kJsonbCodec,
    &kXmlCodec,
    &kHstoreCodec,
    &kCitextCodec,
};

// Codecs for kinds of types rather than for one type. They are not rows: an enum or an array has
// no OID of its own that we could know in advance.
constexpr const TypeCodec* kEnumKindCodec = &kEnumCodec;
constexpr const TypeCodec* kArrayKindCodec = &kArrayCodec;

// Domains may be nested in arrays and arrays in domains; a catalog that nests deeper is hostile.
constexpr int kNestingMax = 8;

// PostgreSQL: FirstNormalObjectId, src/include/access/transam.h. Types below it are built in.
constexpr Oid kFirstNormalOid = 16384;

Outcome EncodeNull(const SourceValue&, const EncodeParams& params, FieldBuffer* out) {
  if (params.rules.not_null) return Outcome::kNullInNotNull;
  out->PutInt32(-1);
  return Outcome::kOk;
}

Outcome EncodeWrongClass(const SourceValue&, const EncodeParams&, FieldBuffer*) {
  return Outcome::kWrongClass;
}

Outcome EncodeTextEmptyAsNull(const SourceValue& value, const EncodeParams& params,
                              FieldBuffer* out) {
  if (value.size_bytes == 0) return EncodeNull(value, params, out);
  return params.text_encode(value, params, out);
}

Outcome EncodeTextEscaped(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  const Outcome outcome = params.escaped_encode(value, params, out);
  if (outcome != Outcome::kInvalidUtf8 && outcome != Outcome::kContainsNul) return outcome;
  const std::string escaped = EscapeUnstorableText(value.bytes());
  out->Reserve(kTextFixedBytes + 2 * escaped.size());
  return params.escaped_encode(SourceValue::Text(escaped), params, out);
}

Outcome EncodeOrSubstitute(const SourceValue& value, const EncodeParams& params,
                           FieldBuffer* out) {
  const EncodeFn encode = params.good_encode[static_cast<size_t>(value.storage_class)];
  const size_t start = out->size();
  if (encode(value, params, out) == Outcome::kOk) return Outcome::kOk;
  out->Truncate(start);
  out->Reserve(params.substitute.size());
  out->PutBytes(params.substitute);
  return Outcome::kOk;
}

absl::Status NoCodec(const PgType& type) {
  return absl::UnimplementedError(
      absl::StrCat("no binary codec for type ",
                   type.sql_name.empty() ? type.type_name : type.sql_name));
}

// The row for a type that is neither a domain nor unreadable; nullptr when there is none.
const TypeCodec* CodecOfKind(const PgType& type) {
  switch (type.kind) {
    case TypeKind::kEnum:
      return kEnumKindCodec;
    case TypeKind::kArray:
      return kArrayKindCodec;
    case TypeKind::kBase: {
      if (type.oid < kFirstNormalOid) return FindCodec(type.oid);
      // By name only where the name belongs to an extension: a user's type that happens to be
      // called "int4" is not ours to interpret.
      const TypeCodec* row = FindCodecByName(type.type_name);
      return row != nullptr && row->oid == 0 ? row : nullptr;
    }
    case TypeKind::kDomain:
    case TypeKind::kOther:
      break;
  }
  return nullptr;
}

absl::StatusOr<ColumnCodec> BindNested(const PgType& type, const ReadingRules& rules, int depth);

// An array's element has the array column's typmod and its own rules: a NULL or empty element is
// not a NULL column.
absl::Status BindElement(const PgType& type, const ReadingRules& rules, int depth,
                         EncodeParams* params) {
  if (type.element == nullptr) return NoCodec(type);
  PgType element = *type.element;
  if (element.kind != TypeKind::kDomain && element.typmod == -1) element.typmod = type.typmod;
  ReadingRules element_rules = rules;
  element_rules.not_null = false;
  element_rules.empty_text_as_null = false;
  element_rules.bad_value = BadValueRule::kRefuse;
  absl::StatusOr<ColumnCodec> bound = BindNested(element, element_rules, depth + 1);
  if (!bound.ok()) return bound.status();
  params->element = std::make_shared<const ColumnCodec>(*std::move(bound));
  params->element_oid = element.oid;
  return absl::OkStatus();
}

// Fills the entries that no type supplies, so that the hot path never meets a nullptr.
void CompleteEncoders(ColumnCodec* codec) {
  for (size_t i = 0; i < kStorageClassCount; ++i) {
    if (codec->encode[i] == nullptr) codec->encode[i] = EncodeWrongClass;
  }
  codec->encode[static_cast<size_t>(StorageClass::kNull)] = EncodeNull;
  if (codec->params.rules.escape_text) {
    EncodeFn& text = codec->encode[static_cast<size_t>(StorageClass::kText)];
    codec->params.escaped_encode = std::exchange(text, EncodeTextEscaped);
  }
  if (codec->params.rules.empty_text_as_null) {
    EncodeFn& text = codec->encode[static_cast<size_t>(StorageClass::kText)];
    codec->params.text_encode = std::exchange(text, EncodeTextEmptyAsNull);
  }
}

absl::StatusOr<ColumnCodec> BindNested(const PgType& type, const ReadingRules& rules, int depth) {
  if (depth > kNestingMax) return NoCodec(type);
  if (type.kind == TypeKind::kDomain) {
    if (type.base == nullptr || !type.has_binary_receive) return NoCodec(type);
    PgType base = *type.base;
    if (base.typmod == -1) base.typmod = type.typmod;
    return BindNested(base, rules, depth + 1);
  }
  const TypeCodec* row = type.has_binary_receive ? CodecOfKind(type) : nullptr;
  if (row == nullptr) return NoCodec(type);

  ColumnCodec codec;
  codec.type = row;
  std::copy(std::begin(row->encode), std::end(row->encode), std::begin(codec.encode));
  codec.decode = row->decode;
  codec.canonical = row->canonical;
  codec.fixed_bytes = row->fixed_bytes;
  codec.expand = row->expand;
  codec.params.typmod = type.typmod;
  codec.params.rules = rules;
  if (!absl::LoadTimeZone(rules.source_time_zone, &codec.params.time_zone)) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown time zone \"", rules.source_time_zone, "\""));
  }
  if (type.kind == TypeKind::kEnum) {
    codec.params.labels.insert(type.enum_labels.begin(), type.enum_labels.end());
  }
  if (type.kind == TypeKind::kArray) {
    const absl::Status status = BindElement(type, rules, depth, &codec.params);
    if (!status.ok()) return status;
  }
  if (row->bind != nullptr) row->bind(type, &codec);
  CompleteEncoders(&codec);
  return codec;
}

// Which of the user's rules may change a value.
bool HasRules(const ReadingRules& rules) {
  return rules.offset == OffsetReading::kUtc || rules.empty_text_as_null ||
         rules.round_to_microseconds || rules.round_to_typmod ||
         rules.round_to_float4 || rules.escape_text || rules.bad_value != BadValueRule::kRefuse;
}

ReadingRules WithoutChanges(ReadingRules rules) {
  rules.empty_text_as_null = rules.escape_text = false;
  rules.round_to_microseconds = rules.round_to_typmod = rules.round_to_float4 = false;
  if (rules.offset == OffsetReading::kUtc) rules.offset = OffsetReading::kRefuse;
  return rules;
}

Outcome TryEncode(const ColumnCodec& codec, const SourceValue& value, FieldBuffer* scratch) {
  scratch->Clear();
  scratch->Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
  return codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, scratch);
}

// The field that stands for bad values.
absl::Status BindSubstitute(ColumnCodec* codec) {
  const ReadingRules& rules = codec->params.rules;
  const bool is_null = rules.bad_value == BadValueRule::kNull;
  FieldBuffer field;
  const SourceValue value =
      is_null ? SourceValue::Null() : SourceValue::Text(rules.bad_value_default);
  const Outcome outcome = TryEncode(*codec, value, &field);
  if (outcome != Outcome::kOk) {
    return absl::InvalidArgumentError(
        is_null ? "bad values cannot become NULL in a column that is NOT NULL"
                : absl::StrCat("the default for bad values is itself ", OutcomePhrase(outcome)));
  }
  codec->params.substitute = std::string(field.view());
  std::copy(std::begin(codec->encode), std::end(codec->encode),
            std::begin(codec->params.good_encode));
  std::fill(std::begin(codec->encode), std::end(codec->encode), EncodeOrSubstitute);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ColumnCodec> BindColumn(const PgType& type, const ReadingRules& rules) {
  if (!HasRules(rules)) return BindNested(type, rules, 0);
  absl::StatusOr<ColumnCodec> changed = BindNested(type, rules, 0);
  if (!changed.ok()) return changed;
  absl::StatusOr<ColumnCodec> plain = BindNested(type, WithoutChanges(rules), 0);
  if (!plain.ok()) return plain;
  ColumnCodec codec = *changed;
  if (rules.bad_value != BadValueRule::kRefuse) {
    const absl::Status bound = BindSubstitute(&codec);
    if (!bound.ok()) return bound;
  }
  codec.without_rules =
      std::make_shared<const WithoutRules>(WithoutRules{*std::move(plain), *std::move(changed)});
  return codec;
}

absl::StatusOr<ColumnCodec> BindServerText(const ReadingRules& rules) {
  if (rules.bad_value != BadValueRule::kRefuse) {
    return absl::InvalidArgumentError(
        "only the server can tell which values are bad here; they can stop the run or be set "
        "aside, not be replaced");
  }
  PgType type;
  type.oid = kOidText;
  absl::StatusOr<ColumnCodec> codec = BindColumn(type, rules);
  if (!codec.ok()) return codec;
  codec->type = &kServerTextCodec;
  codec->server_text = true;
  return codec;
}

RuleUse UseOfRules(const ColumnCodec& codec, const SourceValue& value, FieldBuffer* scratch) {
  const ReadingRules& rules = codec.params.rules;
  const WithoutRules& other = *codec.without_rules;
  const bool empty = value.storage_class == StorageClass::kText && value.size_bytes == 0;
  if (rules.empty_text_as_null && empty && !rules.not_null) return RuleUse::kEmptyAsNull;
  const Outcome plain = TryEncode(other.plain, value, scratch);
  if (plain == Outcome::kOk && !(rules.empty_text_as_null && empty)) return RuleUse::kNone;
  if (TryEncode(other.changed, value, scratch) == Outcome::kOk) {
    if (rules.offset == OffsetReading::kUtc && value.storage_class == StorageClass::kText &&
        ClassifyDateTime(value.bytes()).shape == DateTimeShape::kDateTimeOffset) {
      return RuleUse::kOffsetLost;
    }
    const bool escaped = plain == Outcome::kInvalidUtf8 || plain == Outcome::kContainsNul;
    return escaped ? RuleUse::kEscaped : RuleUse::kRounded;
  }
  switch (rules.bad_value) {
    case BadValueRule::kNull:
      return RuleUse::kBadAsNull;
    case BadValueRule::kDefault:
      return RuleUse::kBadAsDefault;
    case BadValueRule::kRefuse:
      break;
  }
  return RuleUse::kNone;
}

const TypeCodec* FindCodec(Oid oid) {
  if (oid == 0) return nullptr;
  for (const TypeCodec* row : kRows) {
    if (row->oid == oid) return row;
  }
  return nullptr;
}

const TypeCodec* FindCodecByName(absl::string_view type_name) {
  for (const TypeCodec* row : kRows) {
    if (row->name == type_name) return row;
  }
  return nullptr;
}

const std::vector<const TypeCodec*>& AllCodecs() {
  static const auto* const kAll =
      new std::vector<const TypeCodec*>(std::begin(kRows), std::end(kRows));
  return *kAll;
}

PgType BuiltinType(Oid oid, int32_t typmod) {
  const TypeCodec* row = FindCodec(oid);
  if (row == nullptr) std::abort();  // a defect of the caller, never of data
  PgType type;
  type.oid = oid;
  type.typmod = typmod;
  type.type_name = std::string(row->name);
  type.sql_name = std::string(row->sql_name);
  if (typmod != -1 && row->typmod_text != nullptr) {
    const size_t first_word = std::min(type.sql_name.find(' '), type.sql_name.size());
    type.sql_name.insert(first_word, row->typmod_text(typmod));
  }
  return type;
}

}  // namespace lite2pg
