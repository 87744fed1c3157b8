// Errors of the server that are about rows, and which of a table's columns they blame.
#ifndef LITE2PG_ENGINE_POSTGRES_ROW_REFUSAL_H_
#define LITE2PG_ENGINE_POSTGRES_ROW_REFUSAL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/error.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Whether the server refused what some row holds (a constraint, a domain, a trigger's exception, a
// row that is too big), so that the same statement without that row may succeed. Judged by the
// SQLSTATE alone. `text_copy`: it ended a COPY in text form that had begun, so that what looks like
// a mistake in a statement is what an input function has to say of a value ("relation does not
// exist" of a regclass, "syntax error" of an ltree).
bool IsRowRefusal(const ErrorInfo& info, bool text_copy = false);

// Whether the transaction failed because of another one (deadlock, serialization) and the same
// again may succeed.
bool IsConflict(const ErrorInfo& info);

// Columns of `table` (quoted, qualified) that the constraint, domain or unique index of that name
// is about, by their position in the table. Empty when there is none of that name.
absl::StatusOr<std::vector<std::string>> ConstraintColumns(PgConnection& connection,
                                                           const std::string& table,
                                                           const std::string& constraint);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_ROW_REFUSAL_H_
