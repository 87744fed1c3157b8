#include "coercion/types/array.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coercion/decimal.h"
#include "coercion/json_walk.h"
#include "coercion/types/hstore.h"
#include "coercion/types/json.h"
#include "coercion/types/jsonb.h"
#include "coercion/utf8.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

// src/include/utils/array.h: MAXDIM, MaxArraySize.
constexpr int kDimensionsMax = 6;
constexpr int64_t kElementsMax = ((int64_t{1} << 30) - 1) / 8;

// Writes one array while it is read, and finds its lengths on the way.
class ArrayWriter {
 public:
  // REQUIRES: 1 <= dimensions <= kDimensionsMax, and room for kArrayCodec.fixed_bytes.
  ArrayWriter(int dimensions, const EncodeParams& params, FieldBuffer* out)
      : dimensions_(dimensions), element_(*params.element), out_(out), at_(BeginField(out)) {
    out_->PutInt32(dimensions);
    out_->PutInt32(0);
    out_->PutInt32(static_cast<int32_t>(params.element_oid));
    for (int i = 0; i < dimensions; ++i) {
      out_->PutInt32(0);
      out_->PutInt32(1);
    }
  }

  int depth() const { return depth_; }

  Outcome Open() {
    if (depth_ == dimensions_) return Outcome::kMalformed;
    if (depth_ > 0) ++counts_[depth_ - 1];
    counts_[depth_++] = 0;
    return Outcome::kOk;
  }

  Outcome Close() {
    --depth_;
    if (lengths_[depth_] < 0) lengths_[depth_] = counts_[depth_];
    return lengths_[depth_] == counts_[depth_] ? Outcome::kOk : Outcome::kMalformed;
  }

  // Elements stand only in the innermost dimension.
  Outcome Add(const SourceValue& value) {
    if (depth_ != dimensions_) return Outcome::kMalformed;
    if (++elements_ > kElementsMax || out_->size() - at_ > kWireFieldBytesMax) {
      return Outcome::kTooLarge;
    }
    ++counts_[depth_ - 1];
    if (value.storage_class == StorageClass::kNull) has_nulls_ = true;
    return Encode(value);
  }

  // A number of JSON. The text keeps all of it (numeric's trailing zeros); a type that reads no
  // text of that kind, such as a timestamp by convention, gets the double, if that is the number.
  Outcome AddNumber(absl::string_view raw) {
    int64_t integer = 0;
    if (raw != "-0" && absl::SimpleAtoi(raw, &integer)) return Add(SourceValue::Integer(integer));
    const Outcome outcome = Add(SourceValue::Text(raw));
    if (outcome != Outcome::kMalformed && outcome != Outcome::kWrongClass) return outcome;
    double real = 0;
    Decimal written;
    if (depth_ != dimensions_ || !ParseDecimal(raw, &written)) return outcome;
    const auto parsed = std::from_chars(raw.data(), raw.data() + raw.size(), real);
    NumberText buffer;
    if (parsed.ec != std::errc() || !SameNumber(written, ShortestDecimal(real, buffer))) {
      return outcome;
    }
    return Encode(SourceValue::Real(real));
  }

  // `lower_bounds` may be nullptr: all 1.
  Outcome Finish(const int32_t* lower_bounds) {
    if (elements_ == 0) {
      // There is only one empty array.
      if (dimensions_ > 1 || lower_bounds != nullptr) return Outcome::kLossy;
      out_->Truncate(at_ + 4 + 12);
      out_->PatchInt32(at_ + 4, 0);
    }
    if (out_->size() - at_ - 4 > kWireFieldBytesMax) return Outcome::kTooLarge;
    if (has_nulls_) out_->PatchInt32(at_ + 8, 1);
    for (int i = 0; i < dimensions_ && elements_ > 0; ++i) {
      const size_t place = at_ + 16 + 8 * static_cast<size_t>(i);
      out_->PatchInt32(place, static_cast<int32_t>(lengths_[i]));
      if (lower_bounds != nullptr) out_->PatchInt32(place + 4, lower_bounds[i]);
    }
    EndField(out_, at_);
    return Outcome::kOk;
  }

  // REQUIRES: Finish() was called.
  int64_t length(int dimension) const { return lengths_[dimension]; }
  void Abandon() { out_->Truncate(at_); }

 private:
  Outcome Encode(const SourceValue& value) {
    out_->Reserve(element_.fixed_bytes + element_.expand * value.size_bytes);
    return element_.encode[static_cast<size_t>(value.storage_class)](value, element_.params, out_);
  }

  const int dimensions_;
  const ColumnCodec& element_;
  FieldBuffer* const out_;
  const size_t at_;
  int depth_ = 0;
  bool has_nulls_ = false;
  int64_t elements_ = 0;
  int64_t counts_[kDimensionsMax] = {};
  int64_t lengths_[kDimensionsMax] = {-1, -1, -1, -1, -1, -1};
};

// Types whose values are written in JSON themselves.
bool TakesJson(const TypeCodec* type) {
  return type == &kJsonCodec || type == &kJsonbCodec || type == &kHstoreCodec;
}

class JsonArrayReader : public JsonHandler {
 public:
  JsonArrayReader(bool elements_are_json, ArrayWriter* writer)
      : elements_are_json_(elements_are_json), writer_(writer) {}

  Outcome OnBegin(bool is_object, const char* at) {
    if (!InElement()) return is_object ? Outcome::kMalformed : writer_->Open();
    if (nested_++ == 0) element_start_ = at;
    return Outcome::kOk;
  }

  Outcome OnEnd(bool, const char* end) {
    if (nested_ == 0) return writer_->Close();
    return --nested_ == 0 ? AddJson(element_start_, end) : Outcome::kOk;
  }

  Outcome OnString(const JsonString& string) {
    if (nested_ > 0) return Outcome::kOk;
    if (elements_are_json_) {
      return AddJson(string.raw.data() - 1, string.raw.data() + string.raw.size() + 1);
    }
    if (!string.escaped) return writer_->Add(SourceValue::Text(string.raw));
    scratch_.clear();
    const Outcome outcome = UnescapeJsonString(string.raw, &scratch_);
    return outcome == Outcome::kOk ? writer_->Add(SourceValue::Text(scratch_)) : outcome;
  }

  Outcome OnNumber(absl::string_view raw) {
    if (nested_ > 0) return Outcome::kOk;
    if (elements_are_json_) return AddJson(raw.data(), raw.data() + raw.size());
    return writer_->AddNumber(raw);
  }

  Outcome OnLiteral(absl::string_view word) {
    if (nested_ > 0) return Outcome::kOk;
    return writer_->Add(word == "null" ? SourceValue::Null() : SourceValue::Text(word));
  }

 private:
  // Whether a bracket that comes now belongs to an element.
  bool InElement() const { return nested_ > 0 || (elements_are_json_ && writer_->depth() == 1); }

  Outcome AddJson(const char* begin, const char* end) {
    return writer_->Add(
        SourceValue::Text(absl::string_view(begin, static_cast<size_t>(end - begin))));
  }

  const bool elements_are_json_;
  ArrayWriter* const writer_;
  int nested_ = 0;                       // open brackets of the element that is being read
  const char* element_start_ = nullptr;
  std::string scratch_;
};

// How many brackets stand at the front: the number of dimensions, if it is an array.
int LeadingBrackets(absl::string_view text, char bracket) {
  int count = 0;
  for (const char c : text) {
    if (c == bracket) {
      ++count;
    } else if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
      break;
    }
  }
  return count;
}

Outcome EncodeJsonArray(absl::string_view text, const EncodeParams& params, FieldBuffer* out) {
  const bool elements_are_json = TakesJson(params.element->type);
  const int brackets = LeadingBrackets(text, '[');
  const int dimensions = elements_are_json ? std::min(brackets, 1) : brackets;
  if (dimensions < 1 || dimensions > kDimensionsMax) return Outcome::kMalformed;
  ArrayWriter writer(dimensions, params, out);
  JsonArrayReader reader(elements_are_json, &writer);
  Outcome outcome = WalkJson(text, &reader);
  if (outcome == Outcome::kOk) outcome = writer.Finish(nullptr);
  if (outcome != Outcome::kOk) writer.Abandon();
  return outcome;
}

// ---- PostgreSQL's own text. --------------------------------------------------------------------

// array_isspace.
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// "[1:3][0:1]=" in front of the braces. Returns false where something is wrong with it.
bool TakeBounds(absl::string_view* text, int32_t* lower, int32_t* upper, int* count) {
  *count = 0;
  while (!text->empty() && text->front() == '[') {
    const size_t colon = text->find(':');
    const size_t end = text->find(']');
    if (colon == absl::string_view::npos || end == absl::string_view::npos || colon > end ||
        *count == kDimensionsMax ||
        !absl::SimpleAtoi(text->substr(1, colon - 1), &lower[*count]) ||
        !absl::SimpleAtoi(text->substr(colon + 1, end - colon - 1), &upper[*count])) {
      return false;
    }
    ++*count;
    text->remove_prefix(end + 1);
  }
  if (*count == 0) return true;
  if (text->empty() || text->front() != '=') return false;
  text->remove_prefix(1);
  return true;
}

// One element up to the comma or brace behind it, as array_out writes it.
Outcome TakeElement(absl::string_view* text, std::string* scratch, ArrayWriter* writer) {
  scratch->clear();
  if (text->front() == '"') {
    size_t i = 1;
    for (; i < text->size() && (*text)[i] != '"'; ++i) {
      if ((*text)[i] == '\\') ++i;
      if (i == text->size()) return Outcome::kMalformed;
      scratch->push_back((*text)[i]);
    }
    if (i >= text->size()) return Outcome::kMalformed;
    text->remove_prefix(i + 1);
    return writer->Add(SourceValue::Text(*scratch));
  }
  size_t i = 0;
  for (; i < text->size() && (*text)[i] != ',' && (*text)[i] != '}'; ++i) {
    const char c = (*text)[i];
    if (c == '{' || c == '"' || c == '\\' || IsSpace(c)) return Outcome::kMalformed;
  }
  if (i == 0) return Outcome::kMalformed;
  const absl::string_view word = text->substr(0, i);
  text->remove_prefix(i);
  const bool is_null = absl::EqualsIgnoreCase(word, "NULL");
  return writer->Add(is_null ? SourceValue::Null() : SourceValue::Text(word));
}

// Braces, elements and commas up to the end of the text.
Outcome ReadBraces(absl::string_view text, ArrayWriter* writer) {
  // What may come: after a brace also the one that closes it, after a value nothing but an end.
  enum class Expect { kValue, kFirstValue, kSeparator };
  Expect expect = Expect::kValue;
  std::string scratch;
  do {
    if (text.empty()) return Outcome::kMalformed;
    Outcome outcome = Outcome::kOk;
    const char c = text.front();
    const bool is_mark = c == '{' || c == '}' || c == ',';
    if (is_mark) text.remove_prefix(1);
    if (c == '}' && expect != Expect::kValue) {
      outcome = writer->Close();
      expect = Expect::kSeparator;
    } else if (c == ',' && expect == Expect::kSeparator) {
      expect = Expect::kValue;
    } else if (c == '{' && expect != Expect::kSeparator) {
      outcome = writer->Open();
      expect = Expect::kFirstValue;
    } else if (!is_mark && expect != Expect::kSeparator) {
      outcome = TakeElement(&text, &scratch, writer);
      expect = Expect::kSeparator;
    } else {
      return Outcome::kMalformed;
    }
    if (outcome != Outcome::kOk) return outcome;
  } while (writer->depth() > 0);
  return text.empty() ? Outcome::kOk : Outcome::kMalformed;
}

Outcome EncodePgArray(absl::string_view text, const EncodeParams& params, FieldBuffer* out) {
  int32_t lower[kDimensionsMax];
  int32_t upper[kDimensionsMax];
  int bounds = 0;
  if (!TakeBounds(&text, lower, upper, &bounds)) return Outcome::kMalformed;
  const int dimensions = LeadingBrackets(text, '{');
  if (dimensions < 1 || dimensions > kDimensionsMax || (bounds > 0 && bounds != dimensions)) {
    return Outcome::kMalformed;
  }
  ArrayWriter writer(dimensions, params, out);
  Outcome outcome = ReadBraces(text, &writer);
  if (outcome == Outcome::kOk) outcome = writer.Finish(bounds > 0 ? lower : nullptr);
  for (int i = 0; i < bounds && outcome == Outcome::kOk; ++i) {
    if (int64_t{upper[i]} - lower[i] + 1 != writer.length(i)) outcome = Outcome::kMalformed;
  }
  if (outcome != Outcome::kOk) writer.Abandon();
  return outcome;
}

// JSON never has a colon behind the first number of an array.
bool HasBounds(absl::string_view text) {
  if (text.empty() || text.front() != '[') return false;
  const size_t behind = text.find_first_not_of("-0123456789", 1);
  return behind != absl::string_view::npos && behind > 1 && text[behind] == ':';
}

// ---- Fields. -----------------------------------------------------------------------------------

struct ArrayView {
  int dimensions = 0;
  int32_t lengths[kDimensionsMax];
  int32_t lower[kDimensionsMax];
  int64_t count = 0;
  absl::string_view elements;
};

bool ParseArray(absl::string_view field, const EncodeParams& params, ArrayView* array) {
  if (field.size() < 12) return false;
  const int32_t dimensions = LoadInt32(field.data());
  if (dimensions < 0 || dimensions > kDimensionsMax) return false;
  if (static_cast<Oid>(LoadInt32(field.data() + 8)) != params.element_oid) return false;
  field.remove_prefix(12);
  if (field.size() < 8 * static_cast<size_t>(dimensions)) return false;
  array->dimensions = dimensions;
  array->count = dimensions == 0 ? 0 : 1;
  for (int i = 0; i < dimensions; ++i) {
    array->lengths[i] = LoadInt32(field.data());
    array->lower[i] = LoadInt32(field.data() + 4);
    field.remove_prefix(8);
    if (array->lengths[i] < 1) return false;
    array->count *= array->lengths[i];
    // Every element has a length word, so that a lying length is found here.
    if (array->count > static_cast<int64_t>(field.size() / 4)) return false;
  }
  array->elements = field;
  return true;
}

// Takes the next element. False if it reaches beyond the field.
bool TakeField(absl::string_view* elements, bool* is_null, absl::string_view* field) {
  if (elements->size() < 4) return false;
  const int32_t length = LoadInt32(elements->data());
  elements->remove_prefix(4);
  *is_null = length == -1;
  if (*is_null) return true;
  if (length < 0 || static_cast<size_t>(length) > elements->size()) return false;
  *field = elements->substr(0, static_cast<size_t>(length));
  elements->remove_prefix(static_cast<size_t>(length));
  return true;
}

// array_out quotes what it could not read back.
void AppendElement(absl::string_view shown, std::string* text) {
  bool quoted = shown.empty() || absl::EqualsIgnoreCase(shown, "NULL");
  for (const char c : shown) {
    quoted |= c == '"' || c == '\\' || c == '{' || c == '}' || c == ',' || IsSpace(c);
  }
  if (!quoted) {
    text->append(shown.data(), shown.size());
    return;
  }
  text->push_back('"');
  for (const char c : shown) {
    if (c == '"' || c == '\\') text->push_back('\\');
    text->push_back(c);
  }
  text->push_back('"');
}

// "[0:1][5:6]=", unless all arrays begin at 1.
void AppendBounds(const ArrayView& array, std::string* text) {
  bool needed = false;
  for (int i = 0; i < array.dimensions; ++i) needed |= array.lower[i] != 1;
  if (!needed) return;
  for (int i = 0; i < array.dimensions; ++i) {
    const int64_t upper = int64_t{array.lower[i]} + array.lengths[i] - 1;
    absl::StrAppend(text, "[", array.lower[i], ":", upper, "]");
  }
  text->push_back('=');
}

}  // namespace

Outcome EncodeArray(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  const Outcome outcome = CheckText(text);
  if (outcome != Outcome::kOk) return outcome;
  const bool is_pg = (!text.empty() && text.front() == '{') || HasBounds(text);
  return is_pg ? EncodePgArray(text, params, out) : EncodeJsonArray(text, params, out);
}

Outcome EncodeArrayFromSqliteJsonb(const SourceValue& value, const EncodeParams& params,
                                   FieldBuffer* out) {
  FieldBuffer json;
  const Outcome outcome = AppendSqliteJsonb(value.bytes(), &json);
  return outcome == Outcome::kOk ? EncodeJsonArray(json.view(), params, out) : outcome;
}

bool DecodeArray(absl::string_view field, const EncodeParams& params, std::string* text) {
  ArrayView array;
  if (!ParseArray(field, params, &array)) return false;
  if (array.dimensions == 0) text->append("{}");
  AppendBounds(array, text);
  // How many elements lie between two braces of each dimension.
  std::array<int64_t, kDimensionsMax> strides;
  strides.fill(1);
  int64_t stride = 1;
  for (int i = array.dimensions - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = stride *= array.lengths[i];
  }
  std::string shown;
  for (int64_t n = 0; n < array.count; ++n) {
    bool is_null = false;
    absl::string_view element;
    if (!TakeField(&array.elements, &is_null, &element)) return false;
    if (n > 0) text->push_back(',');
    for (int i = 0; i < array.dimensions; ++i) {
      if (n % strides[static_cast<size_t>(i)] == 0) text->push_back('{');
    }
    if (is_null) {
      text->append("NULL");
    } else {
      shown.clear();
      if (!params.element->decode(element, params.element->params, &shown)) return false;
      AppendElement(shown, text);
    }
    for (int i = 0; i < array.dimensions; ++i) {
      if ((n + 1) % strides[i] == 0) text->push_back('}');
    }
  }
  return array.elements.empty();
}

bool CanonicalArray(absl::string_view field, const EncodeParams& params, FieldBuffer* out) {
  ArrayView array;
  if (!ParseArray(field, params, &array)) return false;
  out->Reserve(kArrayCodec.fixed_bytes + array.elements.size());
  out->PutInt32(array.dimensions);
  for (int i = 0; i < array.dimensions; ++i) {
    out->PutInt32(array.lengths[i]);
    out->PutInt32(array.lower[i]);
  }
  const CanonicalFn canonical = params.element->canonical;
  if (canonical == nullptr) out->PutBytes(array.elements);
  for (int64_t n = 0; n < array.count; ++n) {
    bool is_null = false;
    absl::string_view element;
    if (!TakeField(&array.elements, &is_null, &element)) return false;
    if (canonical == nullptr) continue;
    out->Reserve(4);
    const size_t at = BeginField(out);
    if (is_null) {
      out->PatchInt32(at, -1);
    } else {
      if (!canonical(element, params.element->params, out)) return false;
      EndField(out, at);
    }
  }
  return array.elements.empty();
}

void BindArray(const PgType&, ColumnCodec* codec) {
  EncodeFn& blob = codec->encode[static_cast<size_t>(StorageClass::kBlob)];
  if (codec->params.rules.blob == BlobReading::kSqliteJsonb) blob = EncodeArrayFromSqliteJsonb;
  if (codec->params.rules.blob == BlobReading::kUtf8Text) blob = EncodeArray;
}

}  // namespace lite2pg
