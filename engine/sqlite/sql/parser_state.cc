#include "engine/sqlite/sql/parser_state.h"

#include "absl/strings/str_cat.h"
#include "engine/sqlite/sql/parser.h"

namespace lite2pg {

Expr::Expr() = default;
Expr::~Expr() = default;

SqlParser::Level::Level(SqlParser* parser) : parser_(parser) {
  if (++parser_->depth_ > kSqlDepthMax) parser_->Fail("nested too deeply");
}

void SqlParser::Advance() {
  if (at_ + 1 < tokens_.size()) ++at_;
}

bool SqlParser::Take(SqlTokenKind kind) {
  if (!At(kind)) return false;
  Advance();
  return true;
}

bool SqlParser::Take(SqlKeyword keyword) {
  if (!At(keyword)) return false;
  Advance();
  return true;
}

bool SqlParser::Take(SqlKeyword first, SqlKeyword second) {
  if (!At(first) || Ahead(1).keyword != second) return false;
  Advance();
  Advance();
  return true;
}

void SqlParser::Expect(SqlTokenKind kind, absl::string_view what) {
  if (!Take(kind)) Fail(absl::StrCat("expected ", what));
}

void SqlParser::Expect(SqlKeyword keyword) {
  if (!Take(keyword)) Fail(absl::StrCat("expected ", KeywordName(keyword)));
}

void SqlParser::Fail(absl::string_view what) {
  if (status_.ok()) status_ = SqlErrorAt(sql_, Current().begin, what);
  // Nothing matches kEnd, so every loop of the parser ends here.
  at_ = tokens_.size() - 1;
}

void SqlParser::ExpectEnd() {
  while (Take(SqlTokenKind::kSemicolon)) {
  }
  if (!At(SqlTokenKind::kEnd)) Fail("unexpected text after the statement");
}

bool SqlParser::AtName() const {
  switch (Current().kind) {
    case SqlTokenKind::kQuotedIdentifier:
    case SqlTokenKind::kString:
      return true;
    case SqlTokenKind::kWord:
      return RoleOf(Current().keyword) != KeywordRole::kReserved;
    default:
      return false;
  }
}

bool SqlParser::AtBareAlias() const {
  return AtName() && RoleOf(Current().keyword) != KeywordRole::kJoin;
}

std::string SqlParser::ParseName(absl::string_view what) {
  if (!AtName()) {
    Fail(absl::StrCat("expected ", what));
    return "";
  }
  std::string name = CurrentText();
  Advance();
  return name;
}

void SqlParser::ParseQualifiedName(std::string* schema, std::string* name) {
  *name = ParseName("a name");
  if (!Take(SqlTokenKind::kDot)) return;
  *schema = std::move(*name);
  *name = ParseName("a name after the point");
}

std::string SqlParser::TextSince(size_t first) const {
  if (!ok() || first >= at_) return "";
  const SqlToken& last = tokens_[at_ - 1];
  const size_t begin = tokens_[first].begin;
  return std::string(sql_.substr(begin, last.begin + last.size - begin));
}

}  // namespace lite2pg
