#include "engine/postgres/dialects/dialect.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lite2pg {
namespace {

std::string_view NameOf(const Dialect& dialect) {
  return std::string_view(dialect.name.data(), dialect.name.size());
}

TEST(Dialects, AreDetectedByTheServersOwnWords) {
  const auto detect = [](absl::string_view version, const std::vector<std::string>& extensions) {
    return std::string(NameOf(DetectDialect(version, extensions)));
  };
  EXPECT_EQ(detect("PostgreSQL 15.5 on x86_64-pc-linux-gnu", {"plpgsql"}), "postgresql");
  EXPECT_EQ(detect("PostgreSQL 16.1", {"plpgsql", "citus_columnar", "citus"}), "citus");
  EXPECT_EQ(detect("PostgreSQL 16.1", {"timescaledb"}), "timescaledb");
  EXPECT_EQ(detect("CockroachDB CCL v24.1.0", {}), "cockroachdb");
  EXPECT_EQ(detect("PostgreSQL 15.2-YB-2.25.1.0-b0 on x86_64", {"plpgsql"}), "yugabytedb");
  EXPECT_EQ(detect("PostgreSQL 15.5", {"citus_columnar"}), "postgresql");
}

TEST(Dialects, OnlyWhatTheTestsRunAgainstIsProven) {
  for (const Dialect* dialect : AllDialects()) {
    EXPECT_EQ(dialect->proven, dialect == &kPostgresDialect) << NameOf(*dialect);
    EXPECT_EQ(&DialectNamed(dialect->name), dialect);
    EXPECT_FALSE(dialect->title.empty());
  }
  EXPECT_EQ(&DialectNamed(""), &kPostgresDialect);
}

TEST(Dialects, CitusSpreadsByItsOwnFunctions) {
  const auto spread = [](const TableSpread& how) {
    return kCitusDialect.spread(how, R"("S"."it's")", "");
  };
  EXPECT_EQ(spread({TableSpread::Kind::kDistributed, "a'b", ""}),
            R"(SELECT pg_catalog.create_distributed_table('"S"."it''s"', 'a''b'))");
  EXPECT_EQ(spread({TableSpread::Kind::kReference, "", ""}),
            R"(SELECT pg_catalog.create_reference_table('"S"."it''s"'))");
  EXPECT_EQ(spread({TableSpread::Kind::kHypertable, "at", ""}), "");
}

TEST(Dialects, TimescaleMakesHypertables) {
  const auto spread = [](const TableSpread& how) {
    return kTimescaleDialect.spread(how, R"("s"."t")", "my ext");
  };
  EXPECT_EQ(spread({TableSpread::Kind::kHypertable, "at", "7 days"}),
            R"(SELECT "my ext".create_hypertable('"s"."t"'::pg_catalog.regclass, )"
            R"('at'::pg_catalog.name, chunk_time_interval => '7 days'::pg_catalog.interval, )"
            "create_default_indexes => false)");
  EXPECT_EQ(spread({TableSpread::Kind::kHypertable, "at", "86400"}),
            R"(SELECT "my ext".create_hypertable('"s"."t"'::pg_catalog.regclass, )"
            R"('at'::pg_catalog.name, chunk_time_interval => 86400::pg_catalog.int8, )"
            "create_default_indexes => false)");
  EXPECT_EQ(spread({TableSpread::Kind::kHypertable, "at", ""}),
            R"(SELECT "my ext".create_hypertable('"s"."t"'::pg_catalog.regclass, )"
            "'at'::pg_catalog.name, create_default_indexes => false)");
  EXPECT_EQ(spread({TableSpread::Kind::kDistributed, "a", ""}), "");
}

}  // namespace
}  // namespace lite2pg
