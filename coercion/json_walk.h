// Walks a JSON text by PostgreSQL's grammar and tells a handler what it meets.
#ifndef LITE2PG_COERCION_JSON_WALK_H_
#define LITE2PG_COERCION_JSON_WALK_H_

#include <bit>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "coercion/json.h"
#include "coercion/utf8.h"

namespace lite2pg {

// A string of the text: what stands between the quotes, and whether there is a backslash in it.
struct JsonString {
  absl::string_view raw;
  bool escaped = false;
};

// A handler that does nothing, to inherit from. Every On* may end the walk by not returning kOk.
// All views point into the walked text.
struct JsonHandler {
  Outcome OnBegin(bool /*is_object*/, const char* /*at*/) { return Outcome::kOk; }
  // `end` is behind the closing bracket.
  Outcome OnEnd(bool /*is_object*/, const char* /*end*/) { return Outcome::kOk; }
  Outcome OnKey(const JsonString&) { return Outcome::kOk; }
  Outcome OnString(const JsonString&) { return Outcome::kOk; }
  Outcome OnNumber(absl::string_view /*raw*/) { return Outcome::kOk; }
  Outcome OnLiteral(absl::string_view /*raw*/) { return Outcome::kOk; }  // true, false, null
};

// One walk over one text. Not recursive: the depth of hostile input costs bits, not stack.
// REQUIRES: the text is valid UTF-8 without NUL (CheckText).
template <typename Handler>
class JsonWalker {
 public:
  JsonWalker(absl::string_view text, Handler* handler)
      : p_(text.data()), end_(text.data() + text.size()), handler_(handler) {}

  // kOk, kMalformed, or what the handler returned.
  Outcome Walk() {
    while (expect_ != Expect::kEnd) {
      SkipSpace();
      if (p_ == end_) return Outcome::kMalformed;
      const Outcome outcome = Step();
      if (outcome != Outcome::kOk) return outcome;
    }
    SkipSpace();
    return p_ == end_ ? Outcome::kOk : Outcome::kMalformed;
  }

 private:
  enum class Expect : uint8_t { kValue, kFirstValue, kKey, kFirstKey, kSeparator, kEnd };

  // REQUIRES: p_ != end_.
  Outcome Step() {
    switch (expect_) {
      case Expect::kFirstKey:
        if (*p_ == '}') return Close();
        [[fallthrough]];
      case Expect::kKey:
        return Key();
      case Expect::kFirstValue:
        if (*p_ == ']') return Close();
        [[fallthrough]];
      case Expect::kValue:
        return Value();
      case Expect::kSeparator:
        if (*p_ == (InObject() ? '}' : ']')) return Close();
        if (*p_ != ',') return Outcome::kMalformed;
        ++p_;
        expect_ = InObject() ? Expect::kKey : Expect::kValue;
        return Outcome::kOk;
      case Expect::kEnd:
        break;
    }
    return Outcome::kMalformed;
  }

  Outcome Key() {
    JsonString key;
    if (!TakeString(&key)) return Outcome::kMalformed;
    SkipSpace();
    if (p_ == end_ || *p_ != ':') return Outcome::kMalformed;
    ++p_;
    const Outcome outcome = handler_->OnKey(key);
    if (outcome != Outcome::kOk) return outcome;
    SkipSpace();
    return p_ == end_ ? Outcome::kMalformed : Value();
  }

  Outcome Value() {
    switch (*p_) {
      case '{':
      case '[':
        return Open();
      case '"': {
        JsonString string;
        if (!TakeString(&string)) return Outcome::kMalformed;
        ValueDone();
        return handler_->OnString(string);
      }
      case 't':
        return Literal("true");
      case 'f':
        return Literal("false");
      case 'n':
        return Literal("null");
      default: {
        const char* const start = p_;
        if (!TakeNumber()) return Outcome::kMalformed;
        ValueDone();
        return handler_->OnNumber(absl::string_view(start, static_cast<size_t>(p_ - start)));
      }
    }
  }

  Outcome Open() {
    if (depth_ == kJsonDepthMax) return Outcome::kMalformed;
    const bool is_object = *p_ == '{';
    const uint64_t bit = uint64_t{1} << (depth_ % 64);
    uint64_t& word = is_object_[depth_ / 64];
    if (depth_ % 64 == 0) word = 0;
    word = is_object ? word | bit : word & ~bit;
    ++depth_;
    expect_ = is_object ? Expect::kFirstKey : Expect::kFirstValue;
    return handler_->OnBegin(is_object, p_++);
  }

  Outcome Close() {
    const bool is_object = InObject();
    ++p_;
    --depth_;
    ValueDone();
    return handler_->OnEnd(is_object, p_);
  }

  Outcome Literal(absl::string_view word) {
    if (absl::string_view(p_, static_cast<size_t>(end_ - p_)).substr(0, word.size()) != word) {
      return Outcome::kMalformed;
    }
    p_ += word.size();
    ValueDone();
    return handler_->OnLiteral(word);
  }

  void ValueDone() { expect_ = depth_ == 0 ? Expect::kEnd : Expect::kSeparator; }

  // REQUIRES: depth_ > 0.
  bool InObject() const { return is_object_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1; }

  void SkipSpace() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\t' || *p_ == '\r')) ++p_;
  }

  // Moves to the first byte that is a quote, a backslash or a control character.
  void SkipPlain() {
    constexpr uint64_t kOnes = 0x0101010101010101u;
    constexpr uint64_t kTops = 0x8080808080808080u;
    for (; end_ - p_ >= 8; p_ += 8) {
      const uint64_t word = LoadWord(p_);
      // The classic test for a zero byte; false alarms only behind a real one.
      const uint64_t quote = word ^ (kOnes * '"');
      const uint64_t slash = word ^ (kOnes * '\\');
      const uint64_t found = ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash) |
                             ((word - kOnes * 0x20) & ~word);
      if ((found & kTops) == 0) continue;
      p_ += std::countr_zero(found & kTops) / 8;  // little-endian: field_buffer.h
      return;
    }
    while (p_ != end_ && *p_ != '"' && *p_ != '\\' && static_cast<uint8_t>(*p_) >= 0x20) ++p_;
  }

  bool TakeString(JsonString* string) {
    if (*p_ != '"') return false;
    const char* const start = ++p_;
    for (;;) {
      SkipPlain();
      if (p_ == end_) return false;
      if (*p_ == '"') break;
      if (*p_ != '\\' || !SkipEscape()) return false;
      string->escaped = true;
    }
    string->raw = absl::string_view(start, static_cast<size_t>(p_ - start));
    ++p_;
    return true;
  }

  static bool IsHex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }

  bool SkipEscape() {
    if (end_ - p_ < 2) return false;
    const char c = p_[1];
    if (c == 'u') {
      if (end_ - p_ < 6) return false;
      for (int i = 2; i < 6; ++i) {
        if (!IsHex(p_[i])) return false;
      }
      p_ += 6;
      return true;
    }
    p_ += 2;
    return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
           c == 't';
  }

  bool TakeDigits() {
    const char* const start = p_;
    while (p_ != end_ && *p_ >= '0' && *p_ <= '9') ++p_;
    return p_ != start;
  }

  // Whatever may not follow a number is caught as a missing separator.
  bool TakeNumber() {
    if (*p_ == '-') ++p_;
    if (p_ != end_ && *p_ == '0') {
      ++p_;
    } else if (!TakeDigits()) {
      return false;
    }
    if (p_ != end_ && *p_ == '.') {
      ++p_;
      if (!TakeDigits()) return false;
    }
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!TakeDigits()) return false;
    }
    return true;
  }

  const char* p_;
  const char* const end_;
  Handler* const handler_;
  Expect expect_ = Expect::kValue;
  int depth_ = 0;
  // One bit per open bracket; a bit is written before it is read.
  uint64_t is_object_[(kJsonDepthMax + 63) / 64];
};

template <typename Handler>
Outcome WalkJson(absl::string_view text, Handler* handler) {
  return JsonWalker<Handler>(text, handler).Walk();
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_JSON_WALK_H_
