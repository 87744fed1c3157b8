// SELECT, VALUES, compounds, joins and common table expressions.
#include <algorithm>
#include <utility>

#include "engine/sqlite/sql/parser_state.h"

namespace lite2pg {
namespace {

using K = SqlKeyword;
using T = SqlTokenKind;

}  // namespace

bool SqlParser::AtSelect() const {
  if (At(K::kSelect) || At(K::kValues)) return true;
  // WITH may also be a column's name.
  return At(K::kWith) && (Ahead(1).kind == T::kWord || Ahead(1).kind == T::kQuotedIdentifier);
}

SelectPtr SqlParser::ParseSelect() {
  const Level level(this);
  SelectPtr select = ParseSelectBody();
  // One more than all expressions inside, so that nested SELECTs add up to the bound as well.
  ++tallest_;
  if (!ok()) return nullptr;
  return select;
}

SelectPtr SqlParser::ParseSelectBody() {
  auto select = std::make_unique<Select>();
  if (At(K::kWith)) ParseWith(select.get());
  CompoundKind compound = CompoundKind::kFirst;
  do {
    SelectCore& core = select->cores.emplace_back();
    core.compound = compound;
    ParseCore(&core);
  } while (ok() && ParseCompound(&compound));
  ParseOrderBy(&select->order_by);
  if (Take(K::kLimit)) {
    select->limit = ParseExpr();
    if (Take(K::kOffset)) {
      select->offset = ParseExpr();
    } else if (Take(T::kComma)) {
      // LIMIT offset, count.
      select->offset = std::move(select->limit);
      select->limit = ParseExpr();
    }
  }
  return select;
}

void SqlParser::ParseWith(Select* select) {
  Advance();
  select->recursive = Take(K::kRecursive);
  do {
    CommonTable& common = select->with.emplace_back();
    common.name = ParseName("a name after WITH");
    if (At(T::kLeftParen)) ParseColumnNames(&common.columns);
    Expect(K::kAs);
    if (!Take(K::kMaterialized)) Take(K::kNot, K::kMaterialized);
    Expect(T::kLeftParen, "(");
    common.select = ParseSelect();
    Expect(T::kRightParen, ")");
  } while (Take(T::kComma));
}

bool SqlParser::ParseCompound(CompoundKind* kind) {
  if (Take(K::kUnion)) {
    *kind = Take(K::kAll) ? CompoundKind::kUnionAll : CompoundKind::kUnion;
  } else if (Take(K::kIntersect)) {
    *kind = CompoundKind::kIntersect;
  } else if (Take(K::kExcept)) {
    *kind = CompoundKind::kExcept;
  } else {
    return false;
  }
  return true;
}

void SqlParser::ParseCore(SelectCore* core) {
  if (At(K::kValues)) return ParseValues(core);
  Expect(K::kSelect);
  core->distinct = Take(K::kDistinct);
  if (!core->distinct) Take(K::kAll);
  do {
    ParseResultColumn(core);
  } while (Take(T::kComma));
  if (Take(K::kFrom)) ParseFrom(&core->from);
  if (Take(K::kWhere)) core->where = ParseExpr();
  if (Take(K::kGroup)) {
    Expect(K::kBy);
    ParseExprList(&core->group_by);
  }
  if (Take(K::kHaving)) core->having = ParseExpr();
  if (At(K::kWindow) && Ahead(2).keyword == K::kAs) ParseWindows(core);
}

void SqlParser::ParseValues(SelectCore* core) {
  Advance();
  do {
    Expect(T::kLeftParen, "(");
    ParseExprList(&core->values.emplace_back());
    Expect(T::kRightParen, ")");
  } while (Take(T::kComma));
}

void SqlParser::ParseResultColumn(SelectCore* core) {
  ResultColumn& column = core->columns.emplace_back();
  if (Take(T::kStar)) {
    column.kind = ResultColumn::Kind::kStar;
    return;
  }
  if (AtName() && Ahead(1).kind == T::kDot && Ahead(2).kind == T::kStar) {
    column.kind = ResultColumn::Kind::kTableStar;
    column.table = CurrentText();
    Advance();
    Advance();
    Advance();
    return;
  }
  const size_t first = at_;
  column.expr = ParseExpr();
  column.sql = TextSince(first);
  if (Take(K::kAs)) {
    column.alias = ParseName("a column alias");
    column.has_alias = true;
  } else if (AtBareAlias() && !(At(K::kWindow) && Ahead(2).keyword == K::kAs)) {
    column.alias = CurrentText();
    column.has_alias = true;
    Advance();
  }
}

// Window definitions are kept by name only: nothing translates window functions.
void SqlParser::ParseWindows(SelectCore* core) {
  Advance();
  do {
    core->windows.push_back(ParseName("a window name"));
    Expect(K::kAs);
    FunctionCall unused;
    if (!At(T::kLeftParen)) Fail("expected (");
    ParseOver(&unused);
  } while (Take(T::kComma));
}

void SqlParser::ParseFrom(std::vector<FromItem>* items) {
  items->push_back(ParseFromItem());
  // SQLite allows ON after a comma and after the first table, too.
  ParseJoinCondition(&items->back());
  FromItem next;
  while (ok() && ParseJoinOperator(&next)) {
    FromItem item = ParseFromItem();
    item.join = next.join;
    item.natural = next.natural;
    ParseJoinCondition(&item);
    items->push_back(std::move(item));
    next = FromItem();
  }
}

FromItem SqlParser::ParseFromItem() {
  const Level level(this);
  FromItem item;
  if (Take(T::kLeftParen)) {
    if (AtSelect()) {
      item.kind = FromItem::Kind::kSelect;
      item.select = ParseSelect();
    } else {
      item.kind = FromItem::Kind::kJoins;
      ParseFrom(&item.joins);
      // A parenthesised join nests like an expression does.
      ++tallest_;
    }
    Expect(T::kRightParen, ")");
  } else {
    ParseQualifiedName(&item.schema, &item.name);
    if (Take(T::kLeftParen)) {
      item.kind = FromItem::Kind::kFunction;
      if (!At(T::kRightParen)) ParseExprList(&item.arguments);
      Expect(T::kRightParen, ")");
    }
  }
  if (Take(K::kAs)) {
    item.alias = ParseName("a table alias");
  } else if (AtBareAlias() && !(At(K::kWindow) && Ahead(2).keyword == K::kAs)) {
    item.alias = CurrentText();
    Advance();
  }
  // INDEXED BY only advises the query planner.
  if (Take(K::kIndexed)) {
    Expect(K::kBy);
    ParseName("an index name");
  } else {
    Take(K::kNot, K::kIndexed);
  }
  return item;
}

bool SqlParser::ParseJoinOperator(FromItem* next) {
  if (Take(T::kComma)) return true;
  const size_t first = at_;
  bool outer = false, inner = false, cross = false, left = false, right = false;
  for (int words = 0; words < 3; ++words) {
    if (Take(K::kNatural)) next->natural = true;
    else if (Take(K::kLeft)) left = true;
    else if (Take(K::kRight)) right = true;
    else if (Take(K::kFull)) left = right = true;
    else if (Take(K::kOuter)) outer = true;
    else if (Take(K::kInner)) inner = true;
    else if (Take(K::kCross)) cross = true;
    else break;
  }
  if (!Take(K::kJoin)) {
    if (at_ != first) Fail("expected JOIN");
    return false;
  }
  if ((left || right) ? (inner || cross) : outer) {
    Fail("an unknown kind of join");
    return false;
  }
  next->join = left && right ? JoinKind::kFull
               : left        ? JoinKind::kLeft
               : right       ? JoinKind::kRight
               : cross       ? JoinKind::kCross
                             : JoinKind::kInner;
  return true;
}

void SqlParser::ParseJoinCondition(FromItem* item) {
  if (Take(K::kOn)) item->on = ParseExpr();
  if (Take(K::kUsing)) ParseColumnNames(&item->using_columns);
}

void SqlParser::ParseOrderBy(std::vector<OrderingTerm>* terms) {
  if (!At(K::kOrder)) return;
  Advance();
  Expect(K::kBy);
  ParseOrderingTerms(terms);
}

void SqlParser::ParseOrderingTerms(std::vector<OrderingTerm>* terms) {
  do {
    OrderingTerm& term = terms->emplace_back();
    const size_t first = at_;
    term.expr = ParseExpr();
    term.sql = TextSince(first);
    if (!Take(K::kAsc)) term.descending = Take(K::kDesc);
    if (!Take(K::kNulls)) continue;
    const bool nulls_first = Take(K::kFirst);
    if (!nulls_first) Expect(K::kLast);
    term.nulls = nulls_first ? NullsOrder::kFirst : NullsOrder::kLast;
  } while (Take(T::kComma));
}

}  // namespace lite2pg
