#include "coercion/sqlite_jsonb.h"

#include <charconv>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "coercion/json.h"
#include "coercion/utf8.h"

namespace lite2pg {
namespace {

// The low four bits of an element's first byte; the high four are its size, or the number of
// bytes that hold the size.
enum Type : uint8_t {
  kNull = 0,
  kTrue = 1,
  kFalse = 2,
  kInt = 3,
  kInt5 = 4,       // hexadecimal
  kFloat = 5,
  kFloat5 = 6,     // ".5", "5."
  kText = 7,       // nothing in it needs an escape
  kTextJ = 8,      // with JSON's escapes
  kText5 = 9,      // with JSON5's
  kTextRaw = 10,   // plain text
  kArray = 11,
  kObject = 12,
};

struct Element {
  uint8_t type = 0;
  absl::string_view payload;
};

// Takes one element off the front of `bytes`.
bool TakeElement(absl::string_view* bytes, Element* element) {
  if (bytes->empty()) return false;
  const auto first = static_cast<uint8_t>(bytes->front());
  bytes->remove_prefix(1);
  element->type = first & 15;
  uint64_t size = first >> 4;
  if (size > 11) {
    const size_t size_bytes = size_t{1} << (size - 12);
    if (bytes->size() < size_bytes) return false;
    size = 0;
    for (size_t i = 0; i < size_bytes; ++i) size = size << 8 | static_cast<uint8_t>((*bytes)[i]);
    bytes->remove_prefix(size_bytes);
  }
  if (size > bytes->size()) return false;
  element->payload = bytes->substr(0, static_cast<size_t>(size));
  bytes->remove_prefix(static_cast<size_t>(size));
  return true;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

class Decoder {
 public:
  explicit Decoder(FieldBuffer* out) : out_(out) {}

  Outcome Decode(absl::string_view blob) {
    const Outcome root = PutNext(&blob);
    if (root != Outcome::kOk) return root;
    if (!blob.empty()) return Outcome::kMalformed;
    while (!open_.empty()) {
      Container& top = open_.back();
      if (top.rest.empty()) {
        // An object ends behind a value.
        if (top.is_object && top.elements % 2 != 0) return Outcome::kMalformed;
        Put(top.is_object ? "}" : "]");
        open_.pop_back();
        continue;
      }
      const bool is_value = top.is_object && top.elements % 2 == 1;
      if (top.elements > 0) Put(is_value ? ":" : ",");
      const bool is_key = top.is_object && !is_value;
      ++top.elements;
      // The container may move when another one is opened inside it: `top` ends here.
      absl::string_view rest = top.rest;
      const size_t index = open_.size() - 1;
      if (is_key && !StartsWithText(rest)) return Outcome::kMalformed;
      const Outcome outcome = PutNext(&rest);
      if (outcome != Outcome::kOk) return outcome;
      open_[index].rest = rest;
    }
    return Outcome::kOk;
  }

 private:
  struct Container {
    absl::string_view rest;
    bool is_object = false;
    uint64_t elements = 0;   // keys count as well
  };

  static bool StartsWithText(absl::string_view bytes) {
    const int type = bytes.front() & 15;
    return type >= kText && type <= kTextRaw;
  }

  void Put(absl::string_view bytes) {
    out_->Reserve(bytes.size());
    out_->PutBytes(bytes);
  }

  // Writes a scalar, or opens a container.
  Outcome PutNext(absl::string_view* bytes) {
    Element element;
    if (!TakeElement(bytes, &element)) return Outcome::kMalformed;
    switch (element.type) {
      case kNull:
        return PutWord("null", element);
      case kTrue:
        return PutWord("true", element);
      case kFalse:
        return PutWord("false", element);
      case kInt:
        return PutInt(element.payload);
      case kInt5:
        return PutInt5(element.payload);
      case kFloat:
        return PutFloat(element.payload);
      case kFloat5:
        return PutFloat5(element.payload);
      case kText:
      case kTextJ:
        return PutQuoted(element);
      case kText5:
        return PutText5(element.payload);
      case kTextRaw:
        return PutRaw(element.payload);
      case kArray:
      case kObject:
        if (open_.size() >= static_cast<size_t>(kJsonDepthMax)) return Outcome::kMalformed;
        open_.push_back({element.payload, element.type == kObject, 0});
        Put(element.type == kObject ? "{" : "[");
        return Outcome::kOk;
      default:
        return Outcome::kMalformed;   // 13 to 15 are reserved
    }
  }

  Outcome PutWord(absl::string_view word, const Element& element) {
    if (!element.payload.empty()) return Outcome::kMalformed;
    Put(word);
    return Outcome::kOk;
  }

  Outcome PutNumber(absl::string_view number) {
    // One scalar that begins like a number is one.
    if (number.empty() || (number.front() != '-' && !IsDigit(number.front())) ||
        !IsDigit(number.back())) {
      return Outcome::kMalformed;
    }
    if (!IsJson(number)) return Outcome::kMalformed;
    Put(number);
    return Outcome::kOk;
  }

  static bool HasFraction(absl::string_view number) {
    return number.find_first_of(".eE") != absl::string_view::npos;
  }

  Outcome PutInt(absl::string_view number) {
    return HasFraction(number) ? Outcome::kMalformed : PutNumber(number);
  }

  Outcome PutFloat(absl::string_view number) {
    return HasFraction(number) ? PutNumber(number) : Outcome::kMalformed;
  }

  // [-+] 0x digits.
  Outcome PutInt5(absl::string_view number) {
    const bool negative = !number.empty() && number.front() == '-';
    if (negative || (!number.empty() && number.front() == '+')) number.remove_prefix(1);
    if (number.size() < 3 || number[0] != '0' || (number[1] | 0x20) != 'x') {
      return Outcome::kMalformed;
    }
    number.remove_prefix(2);
    uint64_t value = 0;
    for (const char c : number) {
      const int digit = HexValue(c);
      if (digit < 0 || value >> 60 != 0) return Outcome::kMalformed;
      value = value << 4 | static_cast<uint64_t>(digit);
    }
    char text[24];
    const char* const end = std::to_chars(text, text + sizeof(text), value).ptr;
    if (negative) Put("-");
    Put(absl::string_view(text, static_cast<size_t>(end - text)));
    return Outcome::kOk;
  }

  // JSON5 allows nothing on one side of the point. A plus is dropped before SQLite stores it.
  Outcome PutFloat5(absl::string_view number) {
    scratch_.clear();
    if (!number.empty() && number.front() == '-') {
      scratch_.push_back('-');
      number.remove_prefix(1);
    }
    if (!number.empty() && number.front() == '.') scratch_.push_back('0');
    for (size_t i = 0; i < number.size(); ++i) {
      scratch_.push_back(number[i]);
      const bool digit_follows = i + 1 < number.size() && IsDigit(number[i + 1]);
      if (number[i] == '.' && !digit_follows) scratch_.push_back('0');
    }
    return PutFloat(scratch_);
  }

  // Text that needs no change, once it is certain that no quote in it ends the string early.
  Outcome PutQuoted(const Element& element) {
    const size_t at = out_->size();
    out_->Reserve(element.payload.size() + 2);
    out_->PutByte('"');
    out_->PutBytes(element.payload);
    out_->PutByte('"');
    if (element.type == kText && element.payload.find('\\') != absl::string_view::npos) {
      return Outcome::kMalformed;
    }
    return CheckJson(out_->view_from(at));
  }

  Outcome PutRaw(absl::string_view text) {
    const Outcome outcome = CheckText(text);
    if (outcome == Outcome::kOk) AppendJsonString(text, out_);
    return outcome;
  }

  // JSON5's own escapes are resolved; JSON's are kept as they are. Bytes that JSON wants escaped
  // may stand alone in a JSON5 string in single quotes.
  Outcome PutText5(absl::string_view text) {
    const Outcome outcome = CheckText(text);
    if (outcome != Outcome::kOk) return outcome;
    scratch_.assign(1, '"');
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\\') {
        const size_t taken = TakeEscape(text.substr(i + 1));
        if (taken == 0) return Outcome::kMalformed;
        i += taken;
      } else if (c == '"') {
        scratch_.append("\\\"");
      } else if (static_cast<uint8_t>(c) < 0x20) {
        AppendControl(c);
      } else {
        scratch_.push_back(c);
      }
    }
    scratch_.push_back('"');
    // The digits behind \u are judged here.
    if (!IsJson(scratch_)) return Outcome::kMalformed;
    Put(scratch_);
    return Outcome::kOk;
  }

  void AppendControl(char c) {
    static constexpr absl::string_view kHex = "0123456789abcdef";
    static constexpr absl::string_view kLetters = "btn?fr";   // from 8 on; \v has none
    if (c >= '\b' && c <= '\r' && c != '\v') {
      scratch_.push_back('\\');
      scratch_.push_back(kLetters[static_cast<size_t>(c - '\b')]);
      return;
    }
    scratch_.append("\\u00");
    scratch_.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
    scratch_.push_back(kHex[c & 15]);
  }

  // Appends what a backslash before `rest` stands for. Returns how much of `rest` that took, 0
  // when it is no escape.
  size_t TakeEscape(absl::string_view rest) {
    if (rest.empty()) return 0;
    switch (rest[0]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't':
      case 'u':
        scratch_.push_back('\\');
        scratch_.push_back(rest[0]);
        return 1;
      case '\'':
        scratch_.push_back('\'');
        return 1;
      case 'v':
        AppendControl('\v');
        return 1;
      case '0':
        AppendControl('\0');
        return 1;
      case 'x':
        if (rest.size() < 3 || HexValue(rest[1]) < 0 || HexValue(rest[2]) < 0) return 0;
        scratch_.append("\\u00");
        scratch_.append(rest.data() + 1, 2);
        return 3;
      // A line that goes on: the backslash and the line's end say nothing.
      case '\r':
        return rest.substr(0, 2) == "\r\n" ? 2 : 1;
      case '\n':
        return 1;
      default:
        return rest.substr(0, 3) == "\xe2\x80\xa8" || rest.substr(0, 3) == "\xe2\x80\xa9" ? 3 : 0;
    }
  }

  FieldBuffer* const out_;
  absl::InlinedVector<Container, 16> open_;
  std::string scratch_;
};

}  // namespace

Outcome AppendSqliteJsonb(absl::string_view blob, FieldBuffer* out) {
  const size_t start = out->size();
  const Outcome outcome = Decoder(out).Decode(blob);
  if (outcome != Outcome::kOk) out->Truncate(start);
  return outcome;
}

}  // namespace lite2pg
