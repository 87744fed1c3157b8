#include "engine/sqlite/virtual_content.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// ---- The statement ----------------------------------------------------------------------------

void SkipBlanks(absl::string_view* sql) {
  while (true) {
    *sql = absl::StripLeadingAsciiWhitespace(*sql);
    if (absl::StartsWith(*sql, "--")) {
      const size_t end = sql->find('\n');
      sql->remove_prefix(end == absl::string_view::npos ? sql->size() : end);
    } else if (absl::StartsWith(*sql, "/*")) {
      const size_t end = sql->find("*/", 2);
      sql->remove_prefix(end == absl::string_view::npos ? sql->size() : end + 2);
    } else {
      return;
    }
  }
}

bool IsQuote(char c) { return c == '"' || c == '`' || c == '\'' || c == '['; }

// Bytes of the quoted text at the front of `sql`, quotes included.
size_t QuotedSize(absl::string_view sql) {
  const char close = sql.front() == '[' ? ']' : sql.front();
  size_t at = 1;
  for (; at < sql.size(); ++at) {
    if (sql[at] != close) continue;
    if (close == ']' || at + 1 == sql.size() || sql[at + 1] != close) return at + 1;
    ++at;
  }
  return at;
}

// Splits off the next word or quoted name of `sql`, past blanks and comments; "" at anything else.
std::string NextWord(absl::string_view* sql) {
  SkipBlanks(sql);
  if (sql->empty()) return "";
  std::string word;
  if (IsQuote(sql->front())) {
    const size_t size = QuotedSize(*sql);
    const char close = sql->front() == '[' ? ']' : sql->front();
    for (size_t at = 1; at < size; ++at) {
      if ((*sql)[at] == close && ++at >= size) break;
      word.push_back((*sql)[at]);
    }
    sql->remove_prefix(size);
    return word;
  }
  size_t size = 0;
  const auto is_word = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '$' || c >= 0x80;
  };
  while (size < sql->size() && is_word(static_cast<unsigned char>((*sql)[size]))) ++size;
  word = std::string(sql->substr(0, size));
  sql->remove_prefix(size);
  return word;
}

// What stands between commas, up to the parenthesis that closes the list.
std::vector<std::string> SplitArguments(absl::string_view list) {
  std::vector<std::string> arguments;
  size_t begin = 0, at = 0;
  int depth = 0;
  const auto end_argument = [&] {
    arguments.emplace_back(absl::StripAsciiWhitespace(list.substr(begin, at - begin)));
    begin = at + 1;
  };
  while (at < list.size()) {
    const char c = list[at];
    if (IsQuote(c)) {
      at += QuotedSize(list.substr(at));
      continue;
    }
    if (c == ')' && depth == 0) break;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) end_argument();
    ++at;
  }
  at = std::min(at, list.size());
  end_argument();
  if (arguments.size() == 1 && arguments[0].empty()) arguments.clear();
  return arguments;
}

// ---- Full-text tables -------------------------------------------------------------------------

// The value of an option of FTS: key = value, the value quoted or not.
std::optional<std::string> OptionValue(absl::string_view argument, absl::string_view key) {
  if (!absl::EqualsIgnoreCase(NextWord(&argument), key)) return std::nullopt;
  SkipBlanks(&argument);
  if (!absl::ConsumePrefix(&argument, "=")) return std::nullopt;
  SkipBlanks(&argument);
  if (!argument.empty() && IsQuote(argument.front())) return NextWord(&argument);
  return std::string(absl::StripTrailingAsciiWhitespace(argument));
}

std::optional<std::string> FindOption(const VirtualTableSql& sql, absl::string_view key) {
  for (const std::string& argument : sql.arguments) {
    std::optional<std::string> value = OptionValue(argument, key);
    if (value.has_value()) return value;
  }
  return std::nullopt;
}

// Columns of an fts5 table: arguments that are no options.
std::vector<std::string> Fts5Columns(const VirtualTableSql& sql) {
  std::vector<std::string> names;
  for (const std::string& argument : sql.arguments) {
    absl::string_view rest = argument;
    std::string name = NextWord(&rest);
    SkipBlanks(&rest);
    if (!absl::StartsWith(rest, "=")) names.push_back(std::move(name));
  }
  return names;
}

// The columns' own names, by those of the shadow table: c0, c1, ... of fts5, which does not say
// them there, and c0title, c1body of the older ones, which do.
std::optional<std::string> ContentColumn(const VirtualTableSql& sql, bool fts5, int number,
                                         const std::vector<std::string>& fts5_columns,
                                         absl::string_view stored) {
  const std::string prefix = absl::StrCat("c", number);
  if (fts5) {
    const auto index = static_cast<size_t>(number);
    if (stored != prefix || index >= fts5_columns.size()) return std::nullopt;
    return fts5_columns[index];
  }
  if (absl::StartsWith(stored, prefix)) return std::string(stored.substr(prefix.size()));
  if (stored == "langid") return FindOption(sql, "languageid").value_or("langid");
  return std::nullopt;
}

SourceColumn KeyColumnFor(const SourceColumn& stored, const std::vector<SourceColumn>& others) {
  SourceColumn key;
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    key.name = name;
    const bool taken = std::any_of(others.begin(), others.end(), [&](const SourceColumn& other) {
      return absl::EqualsIgnoreCase(other.name, key.name);
    });
    if (!taken) break;
  }
  key.stored_name = stored.name;
  key.declared_type = "INTEGER";
  key.affinity = Affinity::kInteger;
  key.primary_key_position = 1;
  return key;
}

const SourceTable* FindShadow(const SourceCatalog& catalog, absl::string_view owner,
                              absl::string_view suffix) {
  const std::string name = absl::StrCat(owner, "_", suffix);
  for (const SourceTable& table : catalog.tables) {
    if (absl::EqualsIgnoreCase(table.name, name) && table.kind == SourceTableKind::kShadow &&
        table.unreadable.empty() && table.rowid_alias == 0) {
      return &table;
    }
  }
  return nullptr;
}

void ReadFullText(const SourceCatalog& catalog, const VirtualTableSql& sql, bool fts5,
                  SourceTable* table) {
  const std::optional<std::string> content = FindOption(sql, "content");
  if (content.has_value() && content->empty()) {
    table->no_content = "it is contentless: the file holds an index of its text, not the text";
    return;
  }
  if (content.has_value()) {
    table->no_content = absl::StrCat("it only indexes the text of ", EscapeName(*content),
                                     ", which is a table of its own");
    return;
  }
  if (FindOption(sql, "compress").has_value()) {
    table->no_content = "its text is compressed by a function of its application";
    return;
  }
  const SourceTable* shadow = FindShadow(catalog, table->name, "content");
  if (shadow == nullptr) {
    table->no_content = "the table that keeps its text is missing or cannot be read";
    return;
  }
  std::vector<std::string> fts5_columns;
  if (fts5) fts5_columns = Fts5Columns(sql);
  std::vector<SourceColumn> columns;
  for (size_t i = 1; i < shadow->columns.size(); ++i) {
    const std::string& stored = shadow->columns[i].name;
    std::optional<std::string> name =
        ContentColumn(sql, fts5, static_cast<int>(i) - 1, fts5_columns, stored);
    if (!name.has_value()) {
      // Locales of fts5 and the like: of no use without the index.
      if (!fts5 || columns.size() != fts5_columns.size()) {
        table->no_content = "the table that keeps its text has unknown columns";
        return;
      }
      break;
    }
    SourceColumn column;
    column.name = *std::move(name);
    column.stored_name = stored;
    columns.push_back(std::move(column));
  }
  columns.insert(columns.begin(), KeyColumnFor(shadow->columns[0], columns));
  table->columns = std::move(columns);
  table->primary_key = {0};
  table->rowid_alias = 0;
  table->content_table = shadow->name;
  table->unreadable.clear();
}

// ---- R*Trees ----------------------------------------------------------------------------------

void ReadTree(SourceTable* table) {
  if (!table->unreadable.empty() || table->columns.empty()) {
    table->no_content = "its module is needed to read it";
    return;
  }
  // geopoly has no column for its key.
  if (table->owner != "geopoly") {
    table->columns[0].declared_type = "INTEGER";
    table->columns[0].affinity = Affinity::kInteger;
    table->columns[0].primary_key_position = 1;
    table->primary_key = {0};
  }
  table->content_table = table->name;
}

}  // namespace

VirtualTableSql ParseVirtualTable(absl::string_view sql) {
  VirtualTableSql out;
  for (const absl::string_view keyword : {"CREATE", "VIRTUAL", "TABLE"}) {
    if (!absl::EqualsIgnoreCase(NextWord(&sql), keyword)) return out;
  }
  // SQLite stores the statement without IF NOT EXISTS and schema.
  (void)NextWord(&sql);
  if (!absl::EqualsIgnoreCase(NextWord(&sql), "USING")) return out;
  out.module = NextWord(&sql);
  SkipBlanks(&sql);
  if (absl::ConsumePrefix(&sql, "(")) out.arguments = SplitArguments(sql);
  return out;
}

void FindVirtualContents(SourceCatalog* catalog) {
  for (SourceTable& table : catalog->tables) {
    if (table.kind != SourceTableKind::kVirtual) continue;
    const std::string module = absl::AsciiStrToLower(table.owner);
    if (module == "fts5" || module == "fts4" || module == "fts3") {
      ReadFullText(*catalog, ParseVirtualTable(table.sql), module == "fts5", &table);
    } else if (module == "rtree" || module == "rtree_i32" || module == "geopoly") {
      ReadTree(&table);
    } else {
      table.no_content = "it has no rows of its own that PostgreSQL could hold";
    }
  }
}

}  // namespace lite2pg
