// PostgreSQL's rules for tokens, as far as they matter to whoever would smuggle one in: an
// independent model of src/backend/parser/scan.l, with standard_conforming_strings on.
#ifndef LITE2PG_TESTS_FUZZ_SQL_LEXER_H_
#define LITE2PG_TESTS_FUZZ_SQL_LEXER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// One quoted token at the front of *sql, taken away; its meaning goes to *value. False if the front
// is not a whole one, or could be read otherwise.
inline bool TakeQuoted(absl::string_view* sql, std::string* value) {
  value->clear();
  if (sql->empty()) return false;
  const bool escapes = sql->size() > 1 && (*sql)[0] == 'E' && (*sql)[1] == '\'';
  if (escapes) sql->remove_prefix(1);
  const char quote = (*sql)[0];
  if (quote != '"' && quote != '\'') return false;
  for (size_t i = 1; i < sql->size(); ++i) {
    const char c = (*sql)[i];
    if (c == '\0') return false;
    if (c == '\\' && quote == '\'') {
      // Only a pair of backslashes in E'' means one thing whatever the settings.
      if (!escapes || i + 1 >= sql->size() || (*sql)[i + 1] != '\\') return false;
      ++i;
    } else if (c == quote) {
      if (i + 1 >= sql->size() || (*sql)[i + 1] != quote) {
        sql->remove_prefix(i + 1);
        return quote == '\'' || !value->empty();  // "" is no identifier
      }
      ++i;
    }
    value->push_back(c);
  }
  return false;
}

// Whether `sql` is one expression's text: nothing in it ends a statement, a parenthesis that it did
// not open, or the line, and nothing is a comment, a dollar quote or a parameter.
inline bool StaysWithinItself(absl::string_view sql) {
  int depth = 0;
  while (!sql.empty()) {
    const char c = sql[0];
    if (c == '"' || c == '\'' || (c == 'E' && sql.size() > 1 && sql[1] == '\'')) {
      std::string value;
      if (!TakeQuoted(&sql, &value)) return false;
      continue;
    }
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    const char next = sql.size() > 1 ? sql[1] : ' ';
    if (depth < 0 || c == ';' || c == '$' || c == '\\' || c == '\0') return false;
    if ((c == '-' && next == '-') || (c == '/' && next == '*')) return false;
    if (static_cast<unsigned char>(c) >= 0x80 || (c < 0x20 && c != '\n')) return false;
    sql.remove_prefix(1);
  }
  return depth == 0;
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_FUZZ_SQL_LEXER_H_
