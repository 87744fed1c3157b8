#include "coercion/json.h"

#include <algorithm>
#include <cstring>
#include <forward_list>

#include "absl/container/inlined_vector.h"
#include "coercion/decimal.h"
#include "coercion/json_walk.h"
#include "coercion/utf8.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

// numeric's limits: src/backend/utils/adt/numeric.c, NUMERIC_WEIGHT_MAX and NUMERIC_DSCALE_MAX.
constexpr int64_t kNumericPointMax = 131'072;
constexpr int64_t kNumericScaleMax = 16'383;
// jsonb's limits: 28 bits for the size of an array or object (src/include/utils/jsonb.h,
// JENTRY_OFFLENMASK), and while parsing an array of nodes that doubles within 1 GiB (jsonb_util.c).
// The latter allows 8.3 million pairs.
constexpr uint64_t kJsonbBytesMax = 0x0fffffff;
constexpr uint64_t kJsonbValuesMax = 8'000'000;
// What a value takes in jsonb beside its digits or characters, at most: its entry, alignment, and
// the headers of a container or of a numeric.
constexpr uint64_t kJsonbValueBytes = 24;

bool HasExponent(absl::string_view number) {
  for (const char c : number) {
    if (c == 'e' || c == 'E') return true;
  }
  return false;
}

bool IsNumeric(const Decimal& number) {
  return number.scale <= kNumericScaleMax && number.point <= kNumericPointMax;
}

// Length of the number as numeric prints it: no exponent, all places of its scale.
uint64_t PlainLength(const Decimal& number) {
  const uint64_t sign = number.negative && !number.is_zero() ? 1 : 0;
  const auto integer = static_cast<uint64_t>(std::max<int64_t>(number.point, 1));
  return sign + integer + (number.scale > 0 ? 1 + static_cast<uint64_t>(number.scale) : 0);
}

// PostgreSQL's order of keys: shorter ones first, then by bytes. Any total order would do; with
// this one, text that comes from the server is sorted already.
bool KeyLess(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::memcmp(a.data(), b.data(), a.size()) < 0;
}

bool HasDuplicates(absl::string_view* begin, absl::string_view* end) {
  // Comparing each with each is faster than sorting for the usual few keys.
  constexpr ptrdiff_t kFew = 12;
  if (end - begin > kFew) {
    std::sort(begin, end, KeyLess);
    return std::adjacent_find(begin, end) != end;
  }
  for (const absl::string_view* a = begin; a != end; ++a) {
    for (const absl::string_view* b = begin; b != a; ++b) {
      if (*a == *b) return true;
    }
  }
  return false;
}

// Adds up what a document takes. The sums are upper bounds: of what jsonb stores, and of the text
// that it sends back.
class JsonbLimits : public JsonHandler {
 protected:
  // Not `limited`: what came from the server was small enough for it.
  explicit JsonbLimits(bool limited) : limited_(limited) {}

  Outcome Count(uint64_t stored_bytes, uint64_t shown_bytes) {
    ++values_;
    stored_bytes_ += stored_bytes + kJsonbValueBytes;
    shown_bytes_ += shown_bytes;
    const bool fits = values_ <= kJsonbValuesMax && stored_bytes_ <= kJsonbBytesMax &&
                      shown_bytes_ < kWireFieldBytesMax;
    return fits || !limited_ ? Outcome::kOk : Outcome::kTooLarge;
  }
  Outcome CountBracket() { return Count(0, 4); }
  Outcome CountString(const JsonString& string) {
    return Count(string.raw.size(), string.raw.size() + 4);
  }
  Outcome CountPlainNumber(absl::string_view raw) { return Count(raw.size(), raw.size() + 2); }
  Outcome CountNumber(const Decimal& number) {
    return Count(number.digit_count(), PlainLength(number) + 2);
  }
  Outcome CountLiteral() { return Count(0, 7); }

 private:
  const bool limited_;
  uint64_t values_ = 0;
  uint64_t stored_bytes_ = 0;
  uint64_t shown_bytes_ = 0;
};

class JsonbChecker : public JsonbLimits {
 public:
  JsonbChecker() : JsonbLimits(true) {}

  Outcome OnBegin(bool is_object, const char*) {
    if (is_object) objects_.push_back(keys_.size());
    return CountBracket();
  }

  Outcome OnEnd(bool is_object, const char*) {
    if (!is_object) return Outcome::kOk;
    const size_t first = objects_.back();
    objects_.pop_back();
    const bool duplicates = HasDuplicates(keys_.data() + first, keys_.data() + keys_.size());
    keys_.resize(first);
    return duplicates ? Outcome::kLossy : Outcome::kOk;
  }

  Outcome OnKey(const JsonString& key) {
    absl::string_view name = key.raw;
    if (key.escaped) {
      unescaped_.emplace_front();
      const Outcome outcome = UnescapeJsonString(key.raw, &unescaped_.front());
      if (outcome != Outcome::kOk) return outcome;
      name = unescaped_.front();
    }
    keys_.push_back(name);
    return CountString(key);
  }

  Outcome OnString(const JsonString& string) {
    if (string.escaped) {
      scratch_.clear();
      const Outcome outcome = UnescapeJsonString(string.raw, &scratch_);
      if (outcome != Outcome::kOk) return outcome;
    }
    return CountString(string);
  }

  Outcome OnNumber(absl::string_view raw) {
    if (raw.size() <= kNumericScaleMax && !HasExponent(raw)) [[likely]] {
      return CountPlainNumber(raw);
    }
    Decimal number;
    // The grammar was checked: what fails here is an exponent beyond all measure.
    if (!ParseDecimal(raw, &number) || !IsNumeric(number)) return Outcome::kOutOfRange;
    return CountNumber(number);
  }

  Outcome OnLiteral(absl::string_view) { return CountLiteral(); }

 private:
  absl::InlinedVector<absl::string_view, 32> keys_;   // of all open objects, outermost first
  absl::InlinedVector<size_t, 16> objects_;           // where each of them begins in keys_
  std::forward_list<std::string> unescaped_;          // what some of keys_ view
  std::string scratch_;
};

// Writes every value followed by a comma, which the end of what it is in takes back.
// Refuses what JsonbChecker refuses, by the same outcomes.
class JsonbCanonicalizer : public JsonbLimits {
 public:
  JsonbCanonicalizer(bool limited, FieldBuffer* out) : JsonbLimits(limited), out_(out) {}

  Outcome OnBegin(bool is_object, const char*) {
    if (is_object) objects_.push_back(members_.size());
    out_->Reserve(1);
    out_->PutByte(is_object ? '{' : '[');
    return CountBracket();
  }

  Outcome OnEnd(bool is_object, const char*) {
    if (is_object) {
      const size_t first = objects_.back();
      objects_.pop_back();
      if (!SortMembers(first)) return Outcome::kLossy;
      members_.resize(first);
    }
    if (out_->view().back() == ',') out_->Truncate(out_->size() - 1);
    Put(is_object ? "}," : "],");
    return Outcome::kOk;
  }

  Outcome OnKey(const JsonString& key) {
    const size_t begin = out_->size();
    const Outcome outcome = PutString(key);
    if (outcome != Outcome::kOk) return outcome;
    members_.push_back({begin, out_->size() - begin});
    Put(":");
    return CountString(key);
  }

  Outcome OnString(const JsonString& string) {
    const Outcome outcome = PutString(string);
    if (outcome != Outcome::kOk) return outcome;
    Put(",");
    return CountString(string);
  }

  Outcome OnNumber(absl::string_view raw) {
    const bool is_negative_zero =
        raw.front() == '-' && raw.find_first_of("123456789") == absl::string_view::npos;
    if (raw.size() <= kPlainNumberBytes && !is_negative_zero && !HasExponent(raw)) [[likely]] {
      out_->Reserve(raw.size() + 1);
      out_->PutBytes(raw);
      out_->PutByte(',');
      return CountPlainNumber(raw);
    }
    Decimal number;
    // The grammar was checked: what fails here is an exponent beyond all measure.
    if (!ParseDecimal(raw, &number) || !IsNumeric(number)) return Outcome::kOutOfRange;
    PutNumber(number);
    Put(",");
    return CountNumber(number);
  }

  Outcome OnLiteral(absl::string_view word) {
    Put(word);
    Put(",");
    return CountLiteral();
  }

 private:
  // Longer numbers are written as digits and exponent: 1e100000 is nine bytes here, while the text
  // that comes back is a hundred thousand.
  static constexpr size_t kPlainNumberBytes = 64;

  struct Member {
    size_t begin;       // of the key, quote included; the member ends where the next one begins
    size_t key_bytes;
  };

  void Put(absl::string_view bytes) {
    out_->Reserve(bytes.size());
    out_->PutBytes(bytes);
  }

  Outcome PutString(const JsonString& string) {
    if (!string.escaped) [[likely]] {
      out_->Reserve(string.raw.size() + 2);
      out_->PutByte('"');
      out_->PutBytes(string.raw);
      out_->PutByte('"');
      return Outcome::kOk;
    }
    scratch_.clear();
    const Outcome outcome = UnescapeJsonString(string.raw, &scratch_);
    if (outcome == Outcome::kOk) AppendJsonString(scratch_, out_);
    return outcome;
  }

  void PutNumber(const Decimal& number) {
    if (number.negative && !number.is_zero()) Put("-");
    if (PlainLength(number) <= kPlainNumberBytes) {
      PutPlainNumber(number);
      return;
    }
    Put(number.head);
    Put(number.tail);
    NumberText buffer;
    Put("e");
    Put(IntegerText(number.point, buffer));
    Put("s");
    Put(IntegerText(number.scale, buffer));
  }

  void PutPlainNumber(const Decimal& number) {
    out_->Reserve(kPlainNumberBytes);
    const auto count = static_cast<int64_t>(number.digit_count());
    const auto put_place = [&](int64_t i) {
      const bool written = i >= 0 && i < count;
      out_->PutByte(static_cast<uint8_t>(written ? number.digit(static_cast<size_t>(i)) : '0'));
    };
    if (number.point <= 0) out_->PutByte('0');
    for (int64_t i = 0; i < number.point; ++i) put_place(i);
    if (number.scale > 0) out_->PutByte('.');
    for (int64_t i = 0; i < number.scale; ++i) put_place(number.point + i);
  }

  absl::string_view KeyOf(const Member& member) const {
    return out_->view().substr(member.begin, member.key_bytes);
  }

  // Puts the members from `first` on in order. False if two have the same key.
  bool SortMembers(size_t first) {
    bool sorted = true;
    for (size_t i = first + 1; i < members_.size() && sorted; ++i) {
      sorted = KeyLess(KeyOf(members_[i - 1]), KeyOf(members_[i]));
    }
    if (sorted) return true;

    struct Moved {
      absl::string_view key;
      absl::string_view bytes;
    };
    // They are written in order behind those that are there, then moved over them.
    const size_t begin = members_[first].begin, end_of_members = out_->size();
    out_->Reserve(end_of_members - begin);
    const absl::string_view unsorted = out_->view_from(begin);
    absl::InlinedVector<Moved, 32> moved;
    for (size_t i = first; i < members_.size(); ++i) {
      const size_t at = members_[i].begin - begin;
      const size_t end = i + 1 < members_.size() ? members_[i + 1].begin - begin : unsorted.size();
      moved.push_back({unsorted.substr(at, members_[i].key_bytes), unsorted.substr(at, end - at)});
    }
    std::sort(moved.begin(), moved.end(),
              [](const Moved& a, const Moved& b) { return KeyLess(a.key, b.key); });
    for (size_t i = 0; i < moved.size(); ++i) {
      if (i > 0 && moved[i - 1].key == moved[i].key) return false;
      out_->PutBytes(moved[i].bytes);
    }
    out_->MoveDown(end_of_members, begin);
    return true;
  }

  FieldBuffer* const out_;
  absl::InlinedVector<Member, 32> members_;   // of all open objects, outermost first
  absl::InlinedVector<size_t, 16> objects_;   // where each of them begins in members_
  std::string scratch_;
};

int HexValue(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

// Four hexadecimal digits. REQUIRES: they are there.
uint32_t CodeUnit(const char* p) {
  return static_cast<uint32_t>(HexValue(p[0]) << 12 | HexValue(p[1]) << 8 | HexValue(p[2]) << 4 |
                               HexValue(p[3]));
}

// A \u escape at the front of `rest`, with its second half where it is a pair.
Outcome TakeCodePoint(absl::string_view* rest, uint32_t* code_point) {
  *code_point = CodeUnit(rest->data() + 2);
  rest->remove_prefix(6);
  if (*code_point == 0) return Outcome::kContainsNul;
  if (*code_point < 0xd800 || *code_point > 0xdfff) return Outcome::kOk;
  const bool high = *code_point < 0xdc00;
  if (!high || rest->size() < 6 || rest->substr(0, 2) != "\\u") return Outcome::kMalformed;
  const uint32_t low = CodeUnit(rest->data() + 2);
  if (low < 0xdc00 || low > 0xdfff) return Outcome::kMalformed;
  *code_point = 0x10000 + ((*code_point & 0x3ff) << 10 | (low & 0x3ff));
  rest->remove_prefix(6);
  return Outcome::kOk;
}

Outcome WalkCanonically(absl::string_view text, bool limited, FieldBuffer* out) {
  JsonbCanonicalizer canonicalizer(limited, out);
  const Outcome outcome = WalkJson(text, &canonicalizer);
  if (outcome == Outcome::kOk) out->Truncate(out->size() - 1);  // the comma
  return outcome;
}

}  // namespace

Outcome CheckJson(absl::string_view text) {
  const Outcome outcome = CheckText(text);
  if (outcome != Outcome::kOk) return outcome;
  JsonHandler handler;
  return WalkJson(text, &handler);
}

Outcome CheckJsonb(absl::string_view text) {
  const Outcome outcome = CheckText(text);
  if (outcome != Outcome::kOk) return outcome;
  JsonbChecker checker;
  return WalkJson(text, &checker);
}

Outcome CanonicalizeJsonb(absl::string_view text, FieldBuffer* out) {
  const Outcome checked = CheckText(text);
  if (checked != Outcome::kOk) return checked;
  return WalkCanonically(text, /*limited=*/true, out);
}

bool AppendCanonicalJsonb(absl::string_view text, FieldBuffer* out) {
  return WalkCanonically(text, /*limited=*/false, out) == Outcome::kOk;
}

void AppendJsonString(absl::string_view text, FieldBuffer* out) {
  static constexpr absl::string_view kShort = "\b\f\n\r\t\"\\";
  static constexpr absl::string_view kLetters = "bfnrt\"\\";
  static constexpr absl::string_view kHex = "0123456789abcdef";
  out->Reserve(text.size() + 2);
  out->PutByte('"');
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') {
      out->PutByte(c);
      continue;
    }
    // The longest escape, and all that is left and its closing quote, should none follow.
    out->Reserve(6 + (text.size() - i));
    const size_t at = kShort.find(text[i]);
    if (at != absl::string_view::npos) {
      out->PutByte('\\');
      out->PutByte(static_cast<uint8_t>(kLetters[at]));
    } else {
      out->PutBytes("\\u00");
      out->PutByte(static_cast<uint8_t>(kHex[c >> 4]));
      out->PutByte(static_cast<uint8_t>(kHex[c & 15]));
    }
  }
  out->PutByte('"');
}

Outcome UnescapeJsonString(absl::string_view raw, std::string* text) {
  for (;;) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    text->append(raw.data(), plain);
    raw.remove_prefix(plain);
    if (raw.empty()) return Outcome::kOk;
    if (raw[1] == 'u') {
      uint32_t code_point = 0;
      const Outcome outcome = TakeCodePoint(&raw, &code_point);
      if (outcome != Outcome::kOk) return outcome;
      AppendUtf8(code_point, text);
      continue;
    }
    static constexpr absl::string_view kLetters = "bfnrt";
    const size_t at = kLetters.find(raw[1]);
    text->push_back(at == absl::string_view::npos ? raw[1] : "\b\f\n\r\t"[at]);
    raw.remove_prefix(2);
  }
}

}  // namespace lite2pg
