#include "coercion/types/hstore.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "coercion/json_walk.h"
#include "coercion/utf8.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

// hstore_recv: as many pairs as fit 1 GiB in memory at 40 bytes each.
constexpr size_t kPairsMax = (size_t{1} << 30) / 40 - 1;

struct Pair {
  std::string key;
  std::string value;
  bool is_null = false;
};

// comparePairs: shorter keys first, then by bytes.
bool KeyLess(const Pair& a, const Pair& b) {
  if (a.key.size() != b.key.size()) return a.key.size() < b.key.size();
  return a.key < b.key;
}

class PairReader : public JsonHandler {
 public:
  explicit PairReader(std::vector<Pair>* pairs) : pairs_(pairs) {}

  Outcome OnBegin(bool is_object, const char*) {
    if (in_object_) return Outcome::kLossy;
    in_object_ = true;
    return is_object ? Outcome::kOk : Outcome::kMalformed;
  }
  Outcome OnKey(const JsonString& key) {
    pairs_->emplace_back();
    return UnescapeJsonString(key.raw, &pairs_->back().key);
  }
  Outcome OnString(const JsonString& string) {
    if (!in_object_) return Outcome::kMalformed;
    return UnescapeJsonString(string.raw, &pairs_->back().value);
  }
  Outcome OnNumber(absl::string_view) {
    return in_object_ ? Outcome::kLossy : Outcome::kMalformed;
  }
  Outcome OnLiteral(absl::string_view word) {
    if (!in_object_) return Outcome::kMalformed;
    if (word != "null") return Outcome::kLossy;
    pairs_->back().is_null = true;
    return Outcome::kOk;
  }

 private:
  std::vector<Pair>* const pairs_;
  bool in_object_ = false;
};

// A string in quotes in which a backslash stands before every quote and backslash.
bool TakeQuoted(absl::string_view* text, std::string* string) {
  if (text->empty() || text->front() != '"') return false;
  for (size_t i = 1; i < text->size(); ++i) {
    char c = (*text)[i];
    if (c == '"') {
      text->remove_prefix(i + 1);
      return true;
    }
    if (c == '\\') {
      if (++i == text->size()) return false;
      c = (*text)[i];
    }
    string->push_back(c);
  }
  return false;
}

bool TakePrefix(absl::string_view* text, absl::string_view prefix) {
  if (!absl::StartsWith(*text, prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// hstore_out's form, exactly.
bool ReadHstoreText(absl::string_view text, std::vector<Pair>* pairs) {
  while (!text.empty()) {
    if (!pairs->empty() && !TakePrefix(&text, ", ")) return false;
    Pair pair;
    if (!TakeQuoted(&text, &pair.key) || !TakePrefix(&text, "=>")) return false;
    pair.is_null = TakePrefix(&text, "NULL");
    if (!pair.is_null && !TakeQuoted(&text, &pair.value)) return false;
    pairs->push_back(std::move(pair));
  }
  return true;
}

void PutText(absl::string_view text, FieldBuffer* out) {
  out->PutInt32(static_cast<int32_t>(text.size()));
  out->PutBytes(text);
}

Outcome PutPairs(std::vector<Pair>* pairs, FieldBuffer* out) {
  std::sort(pairs->begin(), pairs->end(), KeyLess);
  uint64_t bytes = 4;
  for (size_t i = 0; i < pairs->size(); ++i) {
    if (i > 0 && (*pairs)[i].key == (*pairs)[i - 1].key) return Outcome::kLossy;
    bytes += 8 + (*pairs)[i].key.size() + (*pairs)[i].value.size();
  }
  if (bytes > kWireFieldBytesMax || pairs->size() > kPairsMax) return Outcome::kTooLarge;
  out->Reserve(4 + bytes);
  const size_t at = BeginField(out);
  out->PutInt32(static_cast<int32_t>(pairs->size()));
  for (const Pair& pair : *pairs) {
    PutText(pair.key, out);
    if (pair.is_null) {
      out->PutInt32(-1);
    } else {
      PutText(pair.value, out);
    }
  }
  EndField(out, at);
  return Outcome::kOk;
}

bool TakeText(absl::string_view* field, bool may_be_null, bool* is_null, absl::string_view* text) {
  if (field->size() < 4) return false;
  const int32_t length = LoadInt32(field->data());
  field->remove_prefix(4);
  *is_null = length == -1;
  if (*is_null) return may_be_null;
  if (length < 0 || static_cast<size_t>(length) > field->size()) return false;
  *text = field->substr(0, static_cast<size_t>(length));
  field->remove_prefix(static_cast<size_t>(length));
  return CheckText(*text) == Outcome::kOk;
}

void AppendQuoted(absl::string_view raw, std::string* text) {
  text->push_back('"');
  for (const char c : raw) {
    if (c == '"' || c == '\\') text->push_back('\\');
    text->push_back(c);
  }
  text->push_back('"');
}

}  // namespace

Outcome EncodeHstore(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  Outcome outcome = CheckText(text);
  if (outcome != Outcome::kOk) return outcome;
  std::vector<Pair> pairs;
  if (text.empty() || text.front() == '"') {
    if (!ReadHstoreText(text, &pairs)) return Outcome::kMalformed;
  } else {
    PairReader reader(&pairs);
    outcome = WalkJson(text, &reader);
    if (outcome != Outcome::kOk) return outcome;
  }
  return PutPairs(&pairs, out);
}

Outcome EncodeHstoreFromSqliteJsonb(const SourceValue& value, const EncodeParams& params,
                                    FieldBuffer* out) {
  FieldBuffer json;
  const Outcome outcome = AppendSqliteJsonb(value.bytes(), &json);
  if (outcome != Outcome::kOk) return outcome;
  // A lone string would be read as hstore's own output.
  if (json.view().front() != '{') return Outcome::kMalformed;
  return EncodeHstore(SourceValue::Text(json.view()), params, out);
}

bool DecodeHstore(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() < 4) return false;
  const int32_t count = LoadInt32(field.data());
  field.remove_prefix(4);
  // Every pair takes at least eight bytes: a lying count ends the loop early.
  for (int32_t i = 0; i < count; ++i) {
    absl::string_view key;
    absl::string_view value;
    bool is_null = false;
    if (!TakeText(&field, false, &is_null, &key)) return false;
    if (!TakeText(&field, true, &is_null, &value)) return false;
    if (i > 0) text->append(", ");
    AppendQuoted(key, text);
    text->append("=>");
    if (is_null) {
      text->append("NULL");
    } else {
      AppendQuoted(value, text);
    }
  }
  return count >= 0 && field.empty();
}

void BindHstore(const PgType&, ColumnCodec* codec) {
  EncodeFn& blob = codec->encode[static_cast<size_t>(StorageClass::kBlob)];
  if (codec->params.rules.blob == BlobReading::kSqliteJsonb) blob = EncodeHstoreFromSqliteJsonb;
  if (codec->params.rules.blob == BlobReading::kUtf8Text) blob = EncodeHstore;
}

}  // namespace lite2pg
