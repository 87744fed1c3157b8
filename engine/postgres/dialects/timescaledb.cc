// TimescaleDB: PostgreSQL with an extension that cuts a table into chunks of time
// (https://docs.timescale.com, "create_hypertable").
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {
namespace {

bool IsNumber(const std::string& text) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

// Its own indexes would be made besides those of the source.
std::string Spread(const TableSpread& spread, const std::string& table,
                   const std::string& extension_schema) {
  if (spread.kind != TableSpread::Kind::kHypertable) return "";
  std::string interval;
  if (IsNumber(spread.chunk_interval)) {
    interval =
        absl::StrCat(", chunk_time_interval => ", spread.chunk_interval, "::pg_catalog.int8");
  } else if (!spread.chunk_interval.empty()) {
    interval = absl::StrCat(", chunk_time_interval => ", QuoteLiteral(spread.chunk_interval),
                            "::pg_catalog.interval");
  }
  return absl::StrCat("SELECT ", QuoteIdentifier(extension_schema), ".create_hypertable(",
                      QuoteLiteral(table), "::pg_catalog.regclass, ", QuoteLiteral(spread.column),
                      "::pg_catalog.name", interval, ", create_default_indexes => false)");
}

}  // namespace

const Dialect kTimescaleDialect = {
    .name = "timescaledb",
    .title = "TimescaleDB",
    .extension = "timescaledb",
    // Each chunk has positions of its own.
    .tuple_positions = false,
    .spread = Spread,
};

}  // namespace lite2pg
