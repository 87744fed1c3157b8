// Every codec with any value and any bytes. A value that is encoded must decode, to a text that is
// encoded to an equal value; bytes from a server or an archive must be refused or decode, alike by
// all functions that look at them. Nothing may be written beyond the room that was promised.
#include <cstring>
#include <string>
#include <vector>

#include "coercion/row_encoder.h"
#include "coercion/type_codec.h"
#include "engine/postgres/copy_frames.h"
#include "tests/fuzz/fuzz.h"

namespace lite2pg {
namespace {

ReadingRules TakeRules(FuzzInput* input) {
  ReadingRules rules;
  const uint8_t flags = input->Byte();
  if (flags == 0) return rules;
  rules.integer = static_cast<NumberReading>(input->Choice(kNumberReadingCount));
  rules.real = static_cast<NumberReading>(input->Choice(kNumberReadingCount));
  rules.text = static_cast<TextReading>(input->Choice(3));
  rules.blob = static_cast<BlobReading>(input->Choice(5));
  rules.empty_text_as_null = flags & 1;
  rules.not_null = flags & 2;
  rules.round_to_microseconds = rules.round_to_typmod = rules.round_to_float4 = flags & 4;
  rules.escape_text = flags & 8;
  if (flags & 16) rules.bad_value = BadValueRule::kNull;
  return rules;
}

PgType TakeType(FuzzInput* input) {
  const TypeCodec& row = *AllCodecs()[input->Choice(AllCodecs().size())];
  const uint8_t shape = input->Byte();
  const int32_t typmod = shape & 1 ? static_cast<int32_t>(input->Choice(65'536)) << (shape >> 4)
                                   : -1;
  PgType type;
  if (row.oid != 0) {
    type = BuiltinType(row.oid, row.typmod_text == nullptr ? -1 : typmod);
  } else {
    type.oid = 100'000;
    type.type_name = std::string(row.name.data(), row.name.size());
    type.sql_name = type.type_name;
  }
  if ((shape & 6) != 6) return type;
  PgType array;
  array.kind = TypeKind::kArray;
  array.oid = row.array_oid == 0 ? 100'001 : row.array_oid;
  array.type_name = "_" + type.type_name;
  array.sql_name = type.sql_name + "[]";
  array.element = std::make_shared<PgType>(type);
  return array;
}

SourceValue TakeValue(FuzzInput* input) {
  switch (input->Choice(4)) {
    case 0: return SourceValue::Integer(static_cast<int64_t>(input->Number()));
    case 1: {
      const uint64_t bits = input->Number();
      double real = 0;
      std::memcpy(&real, &bits, sizeof(real));
      if (real != real) real = 0;  // SQLite has no NaN
      return SourceValue::Real(real);
    }
    case 2: return SourceValue::Text(input->Rest());
    default: return SourceValue::Blob(input->Rest());
  }
}

struct Field {
  Outcome outcome = Outcome::kOk;
  bool null = false;
  std::string bytes;
};

Field Encode(const ColumnCodec& codec, const SourceValue& value) {
  FieldBuffer out;
  out.Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
  Field field;
  field.outcome =
      codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, &out);
  Require(out.size() <= out.capacity(), "wrote beyond its room", codec.type->name);
  if (field.outcome != Outcome::kOk) {
    Require(out.size() == 0, "a refused value left bytes", codec.type->name);
    return field;
  }
  Require(out.size() >= 4, "no length word", codec.type->name);
  const auto length = static_cast<int32_t>(ReadBigEndian32(out.data()));
  field.null = length == -1;
  field.bytes.assign(out.data() + 4, out.size() - 4);
  Require(field.bytes.size() == (field.null ? 0u : static_cast<uint32_t>(length)),
          "length word and bytes differ", codec.type->name);
  return field;
}

// False if the bytes are not a value.
bool Canonical(const ColumnCodec& codec, absl::string_view bytes, std::string* canonical) {
  if (codec.canonical == nullptr) {
    canonical->assign(bytes.data(), bytes.size());
    return true;
  }
  FieldBuffer out;
  if (!codec.canonical(bytes, codec.params, &out)) return false;
  canonical->assign(out.data(), out.size());
  return true;
}

std::string Tuple(absl::string_view field) {
  std::string tuple("\0\1", 2);
  for (int shift = 24; shift >= 0; shift -= 8) {
    tuple.push_back(static_cast<char>(field.size() >> shift));
  }
  return tuple.append(field.data(), field.size());
}

// Whether `bytes` are a value; then its text must mean the same.
bool CheckField(const ColumnCodec& codec, const PgType& type, absl::string_view bytes,
                bool encoded_by_us) {
  std::string text, canonical;
  const bool decoded = codec.decode(bytes, codec.params, &text);
  const bool comparable = Canonical(codec, bytes, &canonical);
  const std::vector<ColumnCodec> columns = {codec};
  FieldBuffer scratch, line;
  Digest digest;
  const std::string tuple = Tuple(bytes);
  const bool counted = AddTupleToDigest(tuple, columns, &scratch, &digest);
  Require(counted == comparable, "digest and canonical form disagree", codec.type->name);
  AppendTextRow(tuple, columns, &line);
  if (!encoded_by_us) return decoded;
  Require(decoded, "does not decode", codec.type->name);
  Require(comparable, "has no canonical form", codec.type->name);
  const absl::StatusOr<ColumnCodec> plain = BindColumn(type, ReadingRules{});
  Require(plain.ok(), "cannot be bound without rules", codec.type->name);
  // Text is bytes there, whatever it looks like; as an element of an array, too.
  const PgType* scalar = &type;
  while (scalar->base != nullptr || scalar->element != nullptr) {
    scalar = scalar->base != nullptr ? scalar->base.get() : scalar->element.get();
  }
  if (scalar->oid == kOidBytea) return true;
  const Field again = Encode(*plain, SourceValue::Text(text));
  // Some types have no reading of text.
  if (again.outcome == Outcome::kWrongClass) return true;
  Require(again.outcome == Outcome::kOk, "its own text is refused", text);
  std::string canonical_again;
  Require(Canonical(*plain, again.bytes, &canonical_again) && canonical_again == canonical,
          "its own text means something else", text);
  return true;
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lite2pg;
  FuzzInput input(data, size);
  const bool from_bytes = input.Byte() & 1;
  const PgType type = TakeType(&input);
  const absl::StatusOr<ColumnCodec> codec =
      BindColumn(type, from_bytes ? ReadingRules{} : TakeRules(&input));
  if (!codec.ok()) return 0;
  if (from_bytes) {
    CheckField(*codec, type, input.Rest(), false);
    return 0;
  }
  const SourceValue value = TakeValue(&input);
  const Field field = Encode(*codec, value);
  if (field.outcome == Outcome::kOk && !field.null) CheckField(*codec, type, field.bytes, true);
  return 0;
}
