// SQLite's expression grammar by operator precedence.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/sqlite/sql/parser.h"
#include "engine/sqlite/sql/parser_state.h"

namespace lite2pg {
namespace {

using K = SqlKeyword;
using T = SqlTokenKind;

int HeightOfTerms(const std::vector<OrderingTerm>& terms) {
  int height = 0;
  for (const OrderingTerm& term : terms) {
    if (term.expr != nullptr) height = std::max(height, term.expr->height);
  }
  return height;
}

int HeightOfCall(const FunctionCall& call) {
  int height = std::max(HeightOfTerms(call.order_by), HeightOfTerms(call.window_order));
  if (call.filter != nullptr) height = std::max(height, call.filter->height);
  for (const ExprPtr& expr : call.partition_by) {
    if (expr != nullptr) height = std::max(height, expr->height);
  }
  return height;
}

struct InfixOperator {
  SqlTokenKind token;
  SqlOperator op;
  int level;
};

}  // namespace

ExprPtr SqlParser::NewExpr(ExprKind kind) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  return expr;
}

ExprPtr SqlParser::Finish(ExprPtr expr, size_t first_byte) {
  if (!ok()) return nullptr;
  const SqlToken& last = tokens_[at_ - 1];
  expr->begin = first_byte;
  expr->size = last.begin + last.size - first_byte;
  // A node that holds a SELECT has its height set from the SELECT before it comes here.
  for (const ExprPtr& arg : expr->args) {
    if (arg != nullptr) expr->height = std::max(expr->height, arg->height + 1);
  }
  if (expr->call != nullptr) expr->height = std::max(expr->height, HeightOfCall(*expr->call) + 1);
  tallest_ = std::max(tallest_, expr->height);
  if (expr->height > kSqlDepthMax) {
    Fail("an expression nested too deeply");
    return nullptr;
  }
  return expr;
}

ExprPtr SqlParser::ParseExpr() { return ParseOperators(kLowest); }

ExprPtr SqlParser::ParseOperators(Strength weakest) {
  const Level level(this);
  ExprPtr left = ParsePrefix();
  while (ok()) {
    ExprPtr wider = ParseSuffix(&left, weakest);
    if (wider == nullptr) break;
    left = std::move(wider);
  }
  if (!ok()) return nullptr;
  return left;
}

// Prefix operators take their operand at their own strength, whatever stands before them, as the
// grammar's generated tables do: `a + NOT b = c` is a + (NOT (b = c)).
ExprPtr SqlParser::ParsePrefix() {
  const size_t first = Current().begin;
  SqlOperator op = SqlOperator::kNone;
  Strength strength = kUnaryLevel;
  if (At(K::kNot)) {
    op = SqlOperator::kNot;
    strength = kNotLevel;
  } else if (At(T::kMinus)) {
    op = SqlOperator::kNegate;
  } else if (At(T::kPlus)) {
    op = SqlOperator::kPlus;
  } else if (At(T::kTilde)) {
    op = SqlOperator::kBitNot;
  } else {
    return ParsePrimary();
  }
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kUnary);
  expr->op = op;
  expr->args.push_back(ParseOperators(strength));
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseSuffix(ExprPtr* left, Strength weakest) {
  static constexpr InfixOperator kInfix[] = {
      {T::kEqual, SqlOperator::kEqual, kEqualLevel},
      {T::kNotEqual, SqlOperator::kNotEqual, kEqualLevel},
      {T::kLess, SqlOperator::kLess, kLessLevel},
      {T::kLessEqual, SqlOperator::kLessEqual, kLessLevel},
      {T::kGreater, SqlOperator::kGreater, kLessLevel},
      {T::kGreaterEqual, SqlOperator::kGreaterEqual, kLessLevel},
      {T::kAmpersand, SqlOperator::kBitAnd, kBitLevel},
      {T::kPipe, SqlOperator::kBitOr, kBitLevel},
      {T::kShiftLeft, SqlOperator::kShiftLeft, kBitLevel},
      {T::kShiftRight, SqlOperator::kShiftRight, kBitLevel},
      {T::kPlus, SqlOperator::kAdd, kAddLevel},
      {T::kMinus, SqlOperator::kSubtract, kAddLevel},
      {T::kStar, SqlOperator::kMultiply, kMultiplyLevel},
      {T::kSlash, SqlOperator::kDivide, kMultiplyLevel},
      {T::kPercent, SqlOperator::kModulo, kMultiplyLevel},
      {T::kConcat, SqlOperator::kConcat, kConcatLevel},
      {T::kArrow, SqlOperator::kArrow, kConcatLevel},
      {T::kArrowText, SqlOperator::kArrowText, kConcatLevel},
  };
  for (const InfixOperator& infix : kInfix) {
    if (!At(infix.token)) continue;
    if (infix.level < weakest) return nullptr;
    return ParseBinary(left, infix.op, static_cast<Strength>(infix.level));
  }
  if (weakest <= kOrLevel && At(K::kOr)) return ParseBinary(left, SqlOperator::kOr, kOrLevel);
  if (weakest <= kAndLevel && At(K::kAnd)) return ParseBinary(left, SqlOperator::kAnd, kAndLevel);
  if (weakest <= kCollateLevel && At(K::kCollate)) {
    Advance();
    ExprPtr expr = NewExpr(ExprKind::kCollate);
    const size_t first = (*left)->begin;
    expr->args.push_back(std::move(*left));
    expr->text = ParseName("a collation");
    return Finish(std::move(expr), first);
  }
  return weakest <= kEqualLevel ? ParseWordSuffix(left) : nullptr;
}

ExprPtr SqlParser::ParseWordSuffix(ExprPtr* left) {
  if (At(K::kIs)) return ParseIs(left);
  const bool negated = At(K::kNot);
  // A plain NULL here belongs to whoever called us; NOT NULL is NOTNULL.
  if (At(K::kIsnull) || At(K::kNotnull) || (negated && Ahead(1).keyword == K::kNull)) {
    ExprPtr expr = NewExpr(ExprKind::kIsNull);
    expr->negated = !At(K::kIsnull);
    if (negated) Advance();
    Advance();
    const size_t first = (*left)->begin;
    expr->args.push_back(std::move(*left));
    return Finish(std::move(expr), first);
  }
  switch (negated ? Ahead(1).keyword : Current().keyword) {
    case K::kLike:
    case K::kGlob:
    case K::kRegexp:
    case K::kMatch:
      return ParsePattern(left, negated);
    case K::kBetween:
      return ParseBetween(left, negated);
    case K::kIn:
      return ParseIn(left, negated);
    default:
      return nullptr;
  }
}

ExprPtr SqlParser::ParseBinary(ExprPtr* left, SqlOperator op, Strength level) {
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kBinary);
  expr->op = op;
  const size_t first = (*left)->begin;
  expr->args.push_back(std::move(*left));
  // All of SQLite's binary operators group to the left.
  expr->args.push_back(ParseOperators(static_cast<Strength>(level + 1)));
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseIs(ExprPtr* left) {
  Advance();
  const bool is_not = Take(K::kNot);
  const bool distinct = At(K::kDistinct) && Ahead(1).keyword == K::kFrom;
  if (distinct) Take(K::kDistinct, K::kFrom);
  // IS DISTINCT FROM is IS NOT, and IS NOT DISTINCT FROM is IS.
  const bool negated = is_not != distinct;
  const size_t first = (*left)->begin;
  ExprPtr right = ParseOperators(kLessLevel);
  if (!ok()) return nullptr;
  ExprPtr expr = NewExpr(ExprKind::kBinary);
  expr->args.push_back(std::move(*left));
  if (right->kind == ExprKind::kNull) {
    expr->kind = ExprKind::kIsNull;
    expr->negated = negated;
  } else {
    expr->op = negated ? SqlOperator::kIsNot : SqlOperator::kIs;
    expr->args.push_back(std::move(right));
  }
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParsePattern(ExprPtr* left, bool negated) {
  if (negated) Advance();
  ExprPtr expr = NewExpr(ExprKind::kPattern);
  expr->negated = negated;
  switch (Current().keyword) {
    case K::kLike: expr->op = SqlOperator::kLike; break;
    case K::kGlob: expr->op = SqlOperator::kGlob; break;
    case K::kRegexp: expr->op = SqlOperator::kRegexp; break;
    default: expr->op = SqlOperator::kMatch; break;
  }
  Advance();
  const size_t first = (*left)->begin;
  expr->args.push_back(std::move(*left));
  expr->args.push_back(ParseOperators(kLessLevel));
  if (Take(K::kEscape)) expr->args.push_back(ParseOperators(kLessLevel));
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseBetween(ExprPtr* left, bool negated) {
  if (negated) Advance();
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kBetween);
  expr->negated = negated;
  const size_t first = (*left)->begin;
  expr->args.push_back(std::move(*left));
  expr->args.push_back(ParseOperators(kNotLevel));
  Expect(K::kAnd);
  expr->args.push_back(ParseOperators(kLessLevel));
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseIn(ExprPtr* left, bool negated) {
  if (negated) Advance();
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kIn);
  expr->negated = negated;
  const size_t first = (*left)->begin;
  expr->args.push_back(std::move(*left));
  if (Take(T::kLeftParen)) {
    if (AtSelect()) {
      expr->in_kind = InKind::kSelect;
      const int outer = std::exchange(tallest_, 0);
      expr->select = ParseSelect();
      expr->height = tallest_ + 1;
      tallest_ = std::max(outer, tallest_);
    } else if (!At(T::kRightParen)) {
      ParseExprList(&expr->args);
    }
    Expect(T::kRightParen, ")");
  } else {
    expr->in_kind = InKind::kTable;
    ParseQualifiedName(&expr->schema, &expr->text);
    if (At(T::kLeftParen)) Fail("a table-valued function after IN is not read");
  }
  return Finish(std::move(expr), first);
}

void SqlParser::ParseExprList(std::vector<ExprPtr>* out) {
  do {
    out->push_back(ParseExpr());
  } while (Take(T::kComma));
}

ExprPtr SqlParser::ParsePrimary() {
  switch (Current().kind) {
    case T::kInteger:
    case T::kReal:
    case T::kBlob:
      return ParseLiteral();
    case T::kString:
      // 'a'.b is a name in quotes that SQLite forgives; a lone string is a string.
      return Ahead(1).kind == T::kDot ? ParseNameOrCall() : ParseLiteral();
    case T::kLeftParen:
      return ParseParenthesized();
    case T::kVariable:
      Fail("a bind parameter");
      return nullptr;
    case T::kQuotedIdentifier:
      return ParseNameOrCall();
    case T::kWord:
      break;
    default:
      Fail("expected an expression");
      return nullptr;
  }
  switch (Current().keyword) {
    case K::kNull:
    case K::kCurrentDate:
    case K::kCurrentTime:
    case K::kCurrentTimestamp:
      return ParseLiteral();
    case K::kCase:
      return ParseCase();
    case K::kExists:
      return ParseExists();
    case K::kCast:
      if (Ahead(1).kind == T::kLeftParen) return ParseCast();
      break;
    case K::kRaise:
      if (Ahead(1).kind == T::kLeftParen) Fail("RAISE outside a trigger");
      break;
    default:
      break;
  }
  return ParseNameOrCall();
}

ExprPtr SqlParser::ParseLiteral() {
  const size_t first = Current().begin;
  ExprPtr expr = NewExpr(ExprKind::kNull);
  expr->text = CurrentText();
  switch (Current().kind) {
    case T::kInteger: expr->kind = ExprKind::kInteger; break;
    case T::kReal: expr->kind = ExprKind::kReal; break;
    case T::kString: expr->kind = ExprKind::kString; break;
    case T::kBlob: expr->kind = ExprKind::kBlob; break;
    default:
      if (!At(K::kNull)) expr->kind = ExprKind::kCurrentTime;
      expr->text = absl::AsciiStrToUpper(expr->text);
      break;
  }
  Advance();
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseParenthesized() {
  const size_t first = Current().begin;
  Advance();
  ExprPtr expr;
  if (AtSelect()) {
    expr = NewExpr(ExprKind::kSubquery);
    const int outer = std::exchange(tallest_, 0);
    expr->select = ParseSelect();
    expr->height = tallest_ + 1;
    tallest_ = std::max(outer, tallest_);
    Expect(T::kRightParen, ")");
    return Finish(std::move(expr), first);
  }
  std::vector<ExprPtr> items;
  ParseExprList(&items);
  Expect(T::kRightParen, ")");
  if (!ok()) return nullptr;
  if (items.size() > 1) {
    expr = NewExpr(ExprKind::kRow);
    expr->args = std::move(items);
    return Finish(std::move(expr), first);
  }
  // Parentheses are no node of their own, but belong to the text of what they hold.
  expr = std::move(items[0]);
  expr->begin = first;
  expr->size = tokens_[at_ - 1].begin + tokens_[at_ - 1].size - first;
  return expr;
}

ExprPtr SqlParser::ParseExists() {
  const size_t first = Current().begin;
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kExists);
  Expect(T::kLeftParen, "( after EXISTS");
  const int outer = std::exchange(tallest_, 0);
  expr->select = ParseSelect();
  expr->height = tallest_ + 1;
  tallest_ = std::max(outer, tallest_);
  Expect(T::kRightParen, ")");
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseCase() {
  const size_t first = Current().begin;
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kCase);
  if (!At(K::kWhen)) {
    expr->has_base = true;
    expr->args.push_back(ParseExpr());
  }
  if (!At(K::kWhen)) Fail("expected WHEN");
  while (Take(K::kWhen)) {
    expr->args.push_back(ParseExpr());
    Expect(K::kThen);
    expr->args.push_back(ParseExpr());
  }
  if (Take(K::kElse)) {
    expr->has_else = true;
    expr->args.push_back(ParseExpr());
  }
  Expect(K::kEnd);
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseCast() {
  const size_t first = Current().begin;
  Advance();
  Advance();
  ExprPtr expr = NewExpr(ExprKind::kCast);
  expr->args.push_back(ParseExpr());
  Expect(K::kAs);
  expr->text = ParseTypeName();
  Expect(T::kRightParen, ")");
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseNameOrCall() {
  const size_t first = Current().begin;
  if (!AtName()) {
    Fail("expected an expression");
    return nullptr;
  }
  const bool plain_word = At(T::kWord) || At(T::kQuotedIdentifier);
  if (plain_word && Ahead(1).kind == T::kLeftParen &&
      RoleOf(Current().keyword) != KeywordRole::kReserved) {
    return ParseCall();
  }
  ExprPtr expr = NewExpr(ExprKind::kColumn);
  expr->quote = At(T::kString) ? '\'' : Current().quote;
  expr->text = ParseName("a name");
  if (Take(T::kDot)) {
    expr->table = std::move(expr->text);
    expr->quote = Current().quote;
    expr->text = ParseName("a column name");
    if (Take(T::kDot)) {
      expr->schema = std::move(expr->table);
      expr->table = std::move(expr->text);
      expr->quote = Current().quote;
      expr->text = ParseName("a column name");
    }
  }
  return Finish(std::move(expr), first);
}

ExprPtr SqlParser::ParseCall() {
  const size_t first = Current().begin;
  ExprPtr expr = NewExpr(ExprKind::kFunction);
  expr->call = std::make_unique<FunctionCall>();
  expr->text = CurrentText();
  Advance();
  Advance();
  if (Take(T::kStar)) {
    expr->star = true;
  } else if (!At(T::kRightParen)) {
    expr->call->distinct = Take(K::kDistinct);
    if (!expr->call->distinct) Take(K::kAll);
    ParseExprList(&expr->args);
    ParseOrderBy(&expr->call->order_by);
  }
  Expect(T::kRightParen, ")");
  if (At(K::kFilter) && Ahead(1).kind == T::kLeftParen) {
    Advance();
    Advance();
    Expect(K::kWhere);
    expr->call->filter = ParseExpr();
    Expect(T::kRightParen, ")");
  }
  if (At(K::kOver) && (Ahead(1).kind == T::kLeftParen || Ahead(1).kind == T::kWord ||
                       Ahead(1).kind == T::kQuotedIdentifier)) {
    Advance();
    ParseOver(expr->call.get());
  }
  return Finish(std::move(expr), first);
}

void SqlParser::ParseOver(FunctionCall* call) {
  call->windowed = true;
  if (!Take(T::kLeftParen)) {
    call->window_name = ParseName("a window name");
    return;
  }
  const bool frame_word = At(K::kRange) || At(K::kRows) || At(K::kGroups);
  if (AtName() && !At(K::kPartition) && !frame_word) call->window_name = ParseName("a window");
  if (Take(K::kPartition, K::kBy)) ParseExprList(&call->partition_by);
  ParseOrderBy(&call->window_order);
  // The frame is kept as text only: nothing translates it.
  const size_t frame = at_;
  while (ok() && !At(T::kRightParen) && !At(T::kEnd)) {
    if (At(T::kLeftParen)) {
      ParseParenthesized();
    } else {
      Advance();
    }
  }
  call->frame = TextSince(frame);
  Expect(T::kRightParen, ")");
}

// typetoken of parse.y: words, then at most two signed numbers in parentheses. SQLite keeps the
// bytes as written; we set them apart by one space so that comments and line breaks drop out.
std::string SqlParser::ParseTypeName() {
  std::string type;
  while (AtBareAlias()) {
    if (At(K::kGenerated) && Ahead(1).keyword == K::kAlways) break;
    absl::StrAppend(&type, type.empty() ? "" : " ", CurrentText());
    Advance();
  }
  if (type.empty() || !Take(T::kLeftParen)) return type;
  type += '(';
  for (int number = 0; number < 2; ++number) {
    if (At(T::kPlus) || At(T::kMinus)) {
      absl::StrAppend(&type, CurrentText());
      Advance();
    }
    // VARCHAR(MAX) and the like are refused by SQLite too; only numbers stand here.
    if (!At(T::kInteger) && !At(T::kReal)) Fail("expected a number in the type");
    absl::StrAppend(&type, CurrentText());
    Advance();
    if (number == 1 || !Take(T::kComma)) break;
    type += ',';
  }
  Expect(T::kRightParen, ") after the type");
  type += ')';
  return type;
}

}  // namespace lite2pg
