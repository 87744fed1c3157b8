#include <libpq-fe.h>

#include "absl/strings/numbers.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

void PgResult::Clear::operator()(pg_result* result) const { PQclear(result); }

int PgResult::rows() const { return PQntuples(result_.get()); }

int PgResult::columns() const { return PQnfields(result_.get()); }

bool PgResult::IsNull(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}

absl::string_view PgResult::Text(int row, int column) const {
  const char* value = PQgetvalue(result_.get(), row, column);
  if (value == nullptr) return absl::string_view();
  return absl::string_view(value, static_cast<size_t>(PQgetlength(result_.get(), row, column)));
}

int64_t PgResult::Int(int row, int column) const {
  int64_t value = 0;
  return absl::SimpleAtoi(Text(row, column), &value) ? value : 0;
}

bool PgResult::Bool(int row, int column) const { return Text(row, column) == "t"; }

uint64_t PgResult::affected_rows() const {
  uint64_t rows = 0;
  return absl::SimpleAtoi(PQcmdTuples(result_.get()), &rows) ? rows : 0;
}

}  // namespace lite2pg
