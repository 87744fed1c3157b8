// Values of types that only the server can read: what its own input and output functions make of a
// text.
#ifndef LITE2PG_ENGINE_POSTGRES_SERVER_TEXT_H_
#define LITE2PG_ENGINE_POSTGRES_SERVER_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/pg_type.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// SQL for the text of `operand`, an expression of that type, by the type's output function; NULL
// for NULL. A cast to text would not do: some types have one that says something else. Names of
// objects of the database (regclass and the like) are told by their OID, as how they print depends
// on the search_path.
std::string ServerTextSql(const PgType& type, absl::string_view operand);

// What became of one text.
struct ServerValue {
  std::string text;     // by the output function
  absl::Status status;  // not OK: the input function's refusal
};

// Gives every text to the input function of `type` and takes what comes out. One reading per text,
// in their order; a refusal of one is no error of the call. About as many round trips as there are
// batches of texts, and 2 log2(batch) more for each refusal. Within a transaction, too.
absl::StatusOr<std::vector<ServerValue>> ReadByServer(PgConnection& connection,
                                                        const PgType& type,
                                                        const std::vector<std::string>& texts);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_SERVER_TEXT_H_
