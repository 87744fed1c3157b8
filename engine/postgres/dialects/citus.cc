// Citus: PostgreSQL with an extension that spreads tables over several servers
// (https://docs.citusdata.com, "Creating and Modifying Distributed Objects").
//
// The coordinator is a PostgreSQL of its own; what differs is where the rows of a distributed table
// are. Its functions are in pg_catalog.
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/postgres/dialects/dialect.h"

namespace lite2pg {
namespace {

std::string Spread(const TableSpread& spread, const std::string& table, const std::string&) {
  switch (spread.kind) {
    case TableSpread::Kind::kDistributed:
      return absl::StrCat("SELECT pg_catalog.create_distributed_table(", QuoteLiteral(table), ", ",
                          QuoteLiteral(spread.column), ")");
    case TableSpread::Kind::kReference:
      return absl::StrCat("SELECT pg_catalog.create_reference_table(", QuoteLiteral(table), ")");
    default:
      return "";
  }
}

}  // namespace

const Dialect kCitusDialect = {
    .name = "citus",
    .title = "Citus",
    .extension = "citus",
    // Rows are on other servers, each with positions of its own.
    .tuple_positions = false,
    .spread = Spread,
};

}  // namespace lite2pg
