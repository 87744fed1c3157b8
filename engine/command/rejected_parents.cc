#include "engine/command/rejected_parents.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/wire.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

// Keys that one statement looks for; each costs a pass over the child unless it has an index.
constexpr size_t kKeysPerStatement = 500;

constexpr size_t kShownValueBytes = 60;
// No text of PostgreSQL's has it.
constexpr absl::string_view kTextEnd("\0", 1);

int FindColumn(const TablePlan& table, const std::string& target_name) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].target_name == target_name) return static_cast<int>(i);
  }
  return -1;
}

// A field's text, or nothing for NULL and for bytes that are no value.
std::optional<std::string> Decode(const ColumnCodec& codec, absl::string_view field) {
  const int32_t length = LoadInt32(field.data());
  std::string text;
  if (length < 0 || !codec.decode(field.substr(4), codec.params, &text)) return std::nullopt;
  return text;
}

std::optional<std::string> FieldOf(absl::string_view tuple, size_t index,
                                   const ColumnCodec& codec) {
  tuple.remove_prefix(2);
  for (size_t i = 0;; ++i) {
    const int32_t length = LoadInt32(tuple.data());
    const size_t bytes = 4 + (length < 0 ? 0 : static_cast<size_t>(length));
    if (i == index) return Decode(codec, tuple.substr(0, bytes));
    tuple.remove_prefix(bytes);
  }
}

std::optional<std::string> TextOf(const SourceValue& value, const ColumnCodec& codec) {
  FieldBuffer field(codec.fixed_bytes + codec.expand * value.size_bytes);
  const auto c = static_cast<size_t>(value.storage_class);
  if (codec.encode[c](value, codec.params, &field) != Outcome::kOk) return std::nullopt;
  return Decode(codec, field.view());
}

}  // namespace

void RejectedParents::Add(const RejectRecord& reject) {
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    if (plan_.tables[i].source->name != reject.table) continue;
    if (reject.cells.size() == plan_.tables[i].columns.size()) {
      gone_[i].push_back({reject.cells, ""});
    }
    return;
  }
}

void RejectedParents::Add(size_t table, absl::string_view tuple) {
  gone_[table].push_back({{}, std::string(tuple)});
}

// False when nothing can refer to the row by this key.
bool RejectedParents::KeyOf(const ForeignKeyLink& link, const Gone& gone, Key* key) const {
  const TablePlan& parent = plan_.tables[static_cast<size_t>(link.parent)];
  const TablePlan& child = plan_.tables[static_cast<size_t>(link.child)];
  std::vector<std::string> literals, texts;
  for (size_t i = 0; i < link.child_columns.size(); ++i) {
    const int from = FindColumn(parent, link.parent_columns[i]);
    const int to = FindColumn(child, link.child_columns[i]);
    if (from < 0 || to < 0) return false;
    const auto column = static_cast<size_t>(from);
    std::optional<std::string> text;
    if (gone.tuple.empty()) {
      // What the parent's column refuses, the child's may hold.
      const SourceValue value = gone.cells[column].View();
      text = TextOf(value, child.codecs[static_cast<size_t>(to)]);
      if (!text.has_value()) text = TextOf(value, parent.codecs[column]);
    } else {
      text = FieldOf(gone.tuple, column, parent.codecs[column]);
    }
    if (!text.has_value()) return false;
    literals.push_back(absl::StrCat(QuoteLiteral(*text), "::",
                                    child.columns[static_cast<size_t>(to)].type.sql_name));
    texts.push_back(*text);
  }
  key->values_sql = absl::StrCat("(", absl::StrJoin(literals, ", "), ")");
  key->texts = absl::StrJoin(texts, kTextEnd);
  return true;
}

absl::StatusOr<uint64_t> RejectedParents::DeleteFor(PgConnection& connection,
                                                    size_t link_index,
                                                    const std::vector<Key>& keys,
                                                    const Options& options, LateRejects* late) {
  const ForeignKeyLink& link = plan_.links[link_index];
  const TablePlan& child = plan_.tables[static_cast<size_t>(link.child)];
  std::vector<std::string> names, equal, values, conditions;
  for (size_t i = 0; i < link.child_columns.size(); ++i) {
    names.push_back(absl::StrCat("k", i));
    const std::string column = absl::StrCat("c.", QuoteIdentifier(link.child_columns[i]));
    equal.push_back(absl::StrCat("p.", QuoteIdentifier(link.parent_columns[i]), " ",
                                 link.equals[i], " ", column));
    conditions.push_back(absl::StrCat("g.k", i, " ", link.equals[i], " ", column));
  }
  for (const Key& key : keys) values.push_back(key.values_sql);
  std::string where =
      absl::StrCat("EXISTS (SELECT FROM (VALUES ", absl::StrJoin(values, ", "), ") AS g (",
                   absl::StrJoin(names, ", "), ") WHERE ", absl::StrJoin(conditions, " AND "), ")");
  for (const std::string& parent : link.parent_tables) {
    if (options.found_before) break;
    absl::StrAppend(&where, " AND NOT EXISTS (SELECT FROM ", parent, " p WHERE ",
                    absl::StrJoin(equal, " AND "), ")");
  }
  LateRejects::Why why;
  why.code = ErrorCodeName(ErrorCode::kConstraintViolated);
  for (const ColumnPlan& column : child.columns) {
    if (column.target_name == link.child_columns[0]) why.column = column.source_name;
  }
  const TablePlan& parent = plan_.tables[static_cast<size_t>(link.parent)];
  const std::string head = absl::StrCat(
      "by the foreign key ", EscapeName(link.name), " it refers to a row of ",
      EscapeName(parent.source->name), " that is set aside (",
      absl::StrJoin(link.parent_columns, ", "), " = ");
  return CopyOut(
      connection,
      absl::StrCat("DELETE FROM ", child.LoadTarget(), " c WHERE ", where, " RETURNING ",
                   child.ReadColumns("c")),
      [&](absl::string_view tuple) {
        std::vector<std::string> shown, texts;
        for (const std::string& name : link.child_columns) {
          const auto column = static_cast<size_t>(FindColumn(child, name));
          texts.push_back(FieldOf(tuple, column, child.codecs[column]).value_or("NULL"));
          shown.push_back(EscapeForMessage(texts.back(), kShownValueBytes));
        }
        found_[link_index].insert(absl::StrJoin(texts, kTextEnd));
        LateRejects::Why row_why = why;
        row_why.reason = absl::StrCat(head, absl::StrJoin(shown, ", "), ")");
        Add(static_cast<size_t>(link.child), tuple);
        return late->Add(static_cast<size_t>(link.child), tuple, row_why, options.counted);
      });
}

absl::StatusOr<uint64_t> RejectedParents::DeleteByLink(PgConnection& connection, size_t link_index,
                                                       const Options& options, LateRejects* late,
                                                       const CancelToken& cancel) {
  const ForeignKeyLink& link = plan_.links[link_index];
  uint64_t rows = 0;
  if (link.parent < 0 || (options.child >= 0 && link.child != options.child)) return rows;
  // A copy, as rows of the same table may be added meanwhile.
  std::vector<Key> keys;
  for (const Gone& gone : gone_[static_cast<size_t>(link.parent)]) {
    Key key;
    if (!KeyOf(link, gone, &key)) continue;
    if (options.found_before && !found_[link_index].contains(key.texts)) continue;
    keys.push_back(std::move(key));
  }
  for (size_t at = 0; at < keys.size(); at += kKeysPerStatement) {
    RETURN_IF_ERROR(cancel.Check());
    const std::vector<Key> some(
        keys.begin() + static_cast<ptrdiff_t>(at),
        keys.begin() + static_cast<ptrdiff_t>(std::min(keys.size(), at + kKeysPerStatement)));
    RETURN_IF_ERROR(connection.Execute("SAVEPOINT lite2pg_children"));
    const absl::StatusOr<uint64_t> deleted = DeleteFor(connection, link_index, some, options, late);
    if (!deleted.ok()) {
      const std::string state = InfoOf(deleted.status()).sqlstate.substr(0, 2);
      // Types that cannot be compared, or a text that is no value: no row refers by it.
      if (!connection.alive() || (state != "42" && state != "22")) return deleted.status();
      RETURN_IF_ERROR(connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_children"));
      continue;
    }
    RETURN_IF_ERROR(connection.Execute("RELEASE SAVEPOINT lite2pg_children"));
    rows += *deleted;
  }
  return rows;
}

absl::Status RejectedParents::DeleteChildren(PgConnection& connection, const Options& options,
                                             LateRejects* late, std::map<int, uint64_t>* rows,
                                             const CancelToken& cancel) {
  // What each key has been looked at with; a round is needed only for parents that are new.
  std::vector<size_t> seen(plan_.links.size(), SIZE_MAX);
  bool more = true;
  // Ends because every round but the last takes at least one row away.
  while (more) {
    more = false;
    for (size_t i = 0; i < plan_.links.size(); ++i) {
      if (plan_.links[i].parent < 0) continue;
      const size_t gone = gone_[static_cast<size_t>(plan_.links[i].parent)].size();
      if (gone == 0 || seen[i] == gone) continue;
      seen[i] = gone;
      ASSIGN_OR_RETURN(const uint64_t deleted,
                       DeleteByLink(connection, i, options, late, cancel));
      if (deleted == 0) continue;
      (*rows)[plan_.links[i].child] += deleted;
      more = true;
    }
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
