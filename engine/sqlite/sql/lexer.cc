#include "engine/sqlite/sql/lexer.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/sql/keywords.h"

namespace lite2pg {
namespace {

// SQLite's character classes: every byte of a non-ASCII character may stand in an identifier.
bool IsIdentifierStart(unsigned char c) { return absl::ascii_isalpha(c) || c == '_' || c >= 0x80; }
bool IsIdentifierPart(unsigned char c) {
  return IsIdentifierStart(c) || absl::ascii_isdigit(c) || c == '$';
}
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

class Lexer {
 public:
  explicit Lexer(absl::string_view sql) : sql_(sql) {}

  absl::StatusOr<std::vector<SqlToken>> Run() {
    std::vector<SqlToken> tokens;
    tokens.reserve(sql_.size() / 4 + 1);
    while (SkipBlanks(), at_ < sql_.size()) {
      SqlToken token;
      token.begin = at_;
      RETURN_IF_ERROR(LexOne(&token));
      token.size = at_ - token.begin;
      tokens.push_back(token);
    }
    SqlToken end;
    end.begin = sql_.size();
    tokens.push_back(end);
    return tokens;
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }

  void SkipBlanks() {
    while (at_ < sql_.size()) {
      if (IsSpace(Peek())) {
        ++at_;
      } else if (Peek() == '-' && Peek(1) == '-') {
        while (at_ < sql_.size() && sql_[at_] != '\n') ++at_;
      } else if (Peek() == '/' && Peek(1) == '*' && at_ + 2 < sql_.size()) {
        // An unterminated comment reaches to the end of the statement, as in SQLite.
        const size_t close = sql_.find("*/", at_ + 2);
        at_ = close == absl::string_view::npos ? sql_.size() : close + 2;
      } else {
        return;
      }
    }
  }

  absl::Status LexOne(SqlToken* token) {
    const char c = Peek();
    if (c == '\'' || c == '"' || c == '`' || c == '[') return LexQuoted(token);
    if ((c == 'x' || c == 'X') && Peek(1) == '\'') return LexBlob(token);
    if (IsIdentifierStart(c)) {
      while (at_ < sql_.size() && IsIdentifierPart(Peek())) ++at_;
      token->kind = SqlTokenKind::kWord;
      token->keyword = FindKeyword(sql_.substr(token->begin, at_ - token->begin));
      return absl::OkStatus();
    }
    if (absl::ascii_isdigit(c) || (c == '.' && absl::ascii_isdigit(Peek(1)))) {
      return LexNumber(token);
    }
    if (c == '?' || c == ':' || c == '@' || c == '$' || c == '#') {
      ++at_;
      while (at_ < sql_.size() && IsIdentifierPart(Peek())) ++at_;
      token->kind = SqlTokenKind::kVariable;
      return absl::OkStatus();
    }
    return LexOperator(token);
  }

  absl::Status LexQuoted(SqlToken* token) {
    const char open = Peek();
    token->kind = open == '\'' ? SqlTokenKind::kString : SqlTokenKind::kQuotedIdentifier;
    token->quote = open;
    const char close = open == '[' ? ']' : open;
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '\0') return SqlErrorAt(sql_, at_, "a NUL byte");
      if (sql_[at_] != close) continue;
      // Brackets have no way to write their own closing character.
      if (open == '[' || Peek(1) != close) {
        ++at_;
        return absl::OkStatus();
      }
      ++at_;
    }
    return SqlErrorAt(sql_, token->begin, "a quote that is never closed");
  }

  absl::Status LexBlob(SqlToken* token) {
    token->kind = SqlTokenKind::kBlob;
    at_ += 2;
    const size_t digits = at_;
    while (absl::ascii_isxdigit(Peek())) ++at_;
    if (Peek() != '\'' || (at_ - digits) % 2 != 0) {
      return SqlErrorAt(sql_, token->begin, "a blob literal needs pairs of hexadecimal digits");
    }
    ++at_;
    return absl::OkStatus();
  }

  void SkipDigits() {
    while (absl::ascii_isdigit(Peek())) ++at_;
  }

  absl::Status LexNumber(SqlToken* token) {
    token->kind = SqlTokenKind::kInteger;
    if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X') && absl::ascii_isxdigit(Peek(2))) {
      at_ += 2;
      while (absl::ascii_isxdigit(Peek())) ++at_;
    } else {
      SkipDigits();
      if (Peek() == '.') {
        token->kind = SqlTokenKind::kReal;
        ++at_;
        SkipDigits();
      }
      const bool sign = Peek(1) == '+' || Peek(1) == '-';
      if ((Peek() == 'e' || Peek() == 'E') && absl::ascii_isdigit(Peek(sign ? 2 : 1))) {
        token->kind = SqlTokenKind::kReal;
        at_ += sign ? 2 : 1;
        SkipDigits();
      }
    }
    if (IsIdentifierPart(Peek())) {
      return SqlErrorAt(sql_, token->begin, "a number with letters in it");
    }
    return absl::OkStatus();
  }

  absl::Status LexOperator(SqlToken* token) {
    struct Operator {
      absl::string_view text;
      SqlTokenKind kind;
    };
    using T = SqlTokenKind;
    // Longer ones first, so that the first that fits is the right one.
    static constexpr Operator kOperators[] = {
        {"->>", T::kArrowText},  {"->", T::kArrow},       {"||", T::kConcat},
        {"<<", T::kShiftLeft},   {">>", T::kShiftRight},  {"<=", T::kLessEqual},
        {">=", T::kGreaterEqual}, {"<>", T::kNotEqual},   {"!=", T::kNotEqual},
        {"==", T::kEqual},       {"(", T::kLeftParen},    {")", T::kRightParen},
        {",", T::kComma},        {".", T::kDot},          {";", T::kSemicolon},
        {"+", T::kPlus},         {"-", T::kMinus},        {"*", T::kStar},
        {"/", T::kSlash},        {"%", T::kPercent},      {"&", T::kAmpersand},
        {"|", T::kPipe},         {"~", T::kTilde},        {"=", T::kEqual},
        {"<", T::kLess},         {">", T::kGreater},
    };
    for (const Operator& candidate : kOperators) {
      if (sql_.substr(at_, candidate.text.size()) != candidate.text) continue;
      token->kind = candidate.kind;
      at_ += candidate.text.size();
      return absl::OkStatus();
    }
    return SqlErrorAt(sql_, at_, Peek() == '\0' ? "a NUL byte" : "an unexpected character");
  }

  const absl::string_view sql_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<SqlToken>> LexSql(absl::string_view sql) {
  if (sql.size() > kSqlBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a statement of ", sql.size(), " bytes; at most ", kSqlBytesMax, " are read"));
  }
  return Lexer(sql).Run();
}

std::string TokenText(absl::string_view sql, const SqlToken& token) {
  absl::string_view text = sql.substr(token.begin, token.size);
  if (token.kind == SqlTokenKind::kBlob) return std::string(text.substr(2, text.size() - 3));
  const bool quoted =
      token.kind == SqlTokenKind::kString || token.kind == SqlTokenKind::kQuotedIdentifier;
  if (!quoted) return std::string(text);
  text = text.substr(1, text.size() - 2);
  if (token.quote == '[') return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    out.push_back(text[i]);
    // The lexer saw to it that a quote inside is doubled.
    if (text[i] == token.quote) ++i;
  }
  return out;
}

absl::Status SqlErrorAt(absl::string_view sql, size_t at, absl::string_view what) {
  const absl::string_view rest = at < sql.size() ? sql.substr(at) : absl::string_view();
  const std::string near = rest.empty() ? "the end" : EscapeForMessage(rest.substr(0, 24), 24);
  return absl::InvalidArgumentError(absl::StrCat("at byte ", at, ", near ", near, ": ", what));
}

}  // namespace lite2pg
