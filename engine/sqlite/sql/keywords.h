// Looks keywords up; private to engine/sqlite/sql.
#ifndef LITE2PG_ENGINE_SQLITE_SQL_KEYWORDS_H_
#define LITE2PG_ENGINE_SQLITE_SQL_KEYWORDS_H_

#include "absl/strings/string_view.h"
#include "engine/sqlite/sql/lexer.h"

namespace lite2pg {

// The keyword that `word` spells in any case, or kNone. Any thread.
SqlKeyword FindKeyword(absl::string_view word);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SQL_KEYWORDS_H_
