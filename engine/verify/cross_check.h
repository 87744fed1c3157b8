// The server's own word on sampled values.
//
// Digests prove that PostgreSQL holds what our encoders made. That they made the right thing of a
// source value is proved by goldens, and here, on the very data: for samples of every column and
// storage class, an expression of the server's own is given the value as text, and must come to the
// same stored bytes.
#ifndef LITE2PG_ENGINE_VERIFY_CROSS_CHECK_H_
#define LITE2PG_ENGINE_VERIFY_CROSS_CHECK_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coercion/source_value.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/report/report.h"
#include "engine/verify/witnesses.h"

namespace lite2pg {

// How the server reads a source value without us: an SQL expression in which $1, a text, stands for
// the value.
struct ServerReading {
  std::string expression;
  std::string text;
};
// nullopt where the server has no reading of its own: SQLite's JSONB, a JSON array for an array
// column, fractions that a rule rounds.
std::optional<ServerReading> ServerReadingOf(const SourceValue& value, const ColumnPlan& column);

// Asks about `values` of the plan's tables and columns, as SQLite's library read them, with one
// query for each column where nothing fails. Appends to `samples` what was looked at, at most
// kSamplesShownMax. Error kCrossCheck with exit code 4 for the first value that the server reads as
// another one.
//
// `connection` must not be in a transaction: a text that only we read (Go's time) would end it.
absl::Status CrossCheckSamples(PgConnection& connection, const Plan& plan,
                               const std::vector<TableSamples>& values,
                               std::vector<ValueSample>* samples);

inline constexpr size_t kSamplesShownMax = 2000;

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_CROSS_CHECK_H_
