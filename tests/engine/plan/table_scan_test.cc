// The scan: what it spares candidates from looking at is what they would have taken.
#include "engine/plan/table_scan.h"

#include <string>
#include <vector>

#include "engine/base/limits.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

class NoRows final : public RowSource {
 public:
  absl::Status Open(const TableReading&, const KeyRange&) override { return absl::OkStatus(); }
  absl::StatusOr<std::span<const SourceValue>> Next() override {
    return std::span<const SourceValue>();
  }
  SourceKey CurrentKey() const override { return {}; }
  std::string DescribeRow() const override { return "a row"; }
  void Close() override {}
  ReaderUse used() const override { return {}; }
  absl::StatusOr<std::optional<SourceKey>> FindMiddle(const TableReading&,
                                                      const KeyRange&) override {
    return std::optional<SourceKey>();
  }
};

ColumnScan Scan(const std::vector<Candidate>& candidates, const std::vector<SourceValue>& values) {
  const std::vector<CandidateList> columns{candidates};
  TableScanner scanner(columns);
  for (const SourceValue& value : values) scanner.Add(std::span(&value, 1), NoRows());
  return scanner.result().columns[0];
}

// Every candidate of a list alone, which is what nobody else can spare, against all together.
TEST(TableScanner, FindsTheSameWhateverOtherCandidatesHaveTaken) {
  const std::vector<std::string> texts{
      "",        "plain",     "\xff",     std::string("a\0b", 3), "{\"a\": 1}", "{\"a\":1,\"a\":2}",
      "\"\\u0000\"", "[1,", "2024-05-06", "2024-05-06 07:08:09", "2024-05-06 07:08:09+02:00",
      "07:08:09", "1.50", "12345678901234567890", "true", std::string(300, 'x'),
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"};
  for (const char* declared :
       {"", "JSON", "TEXT", "VARCHAR(10)", "DATETIME", "DATE", "TIME", "UUID", "BOOLEAN",
        "DECIMAL(10,2)", "INTEGER", "REAL", "BLOB", "timestamptz"}) {
    SourceColumn column;
    column.name = "c";
    column.declared_type = declared;
    const std::vector<Candidate> all = CandidatesFor(column);
    for (const std::string& first : texts) {
      for (const std::string& second : texts) {
        const std::vector<SourceValue> values{SourceValue::Text(first),
                                              SourceValue::Text(second)};
        const ColumnScan together = Scan(all, values);
        for (size_t k = 0; k < all.size(); ++k) {
          const ColumnScan alone = Scan({all[k]}, values);
          EXPECT_EQ((together.alive >> k & 1) != 0, alone.refused[0].count == 0)
              << declared << ": candidate " << all[k].type.sql_name << ", texts " << first
              << " and " << second;
        }
      }
    }
  }
}

// A value of a length that nobody allocates: only the beginning may be looked at.
SourceValue Pretend(SourceValue value, size_t size_bytes) {
  value.size_bytes = size_bytes;
  return value;
}

TEST(TableScanner, NamesValuesThatPostgresqlCannotHold) {
  SourceColumn column;
  column.declared_type = "BLOB";
  const std::string head(256, 'x');
  const ColumnScan scan =
      Scan(CandidatesFor(column), {SourceValue::Blob("small"),
                                   Pretend(SourceValue::Blob(head), kFieldBytesMax),
                                   Pretend(SourceValue::Blob(head), kFieldBytesMax + 1),
                                   Pretend(SourceValue::Text(head), size_t{2} << 30)});
  EXPECT_EQ(scan.too_large.count, 2u);
  EXPECT_EQ(scan.too_large.row_key, "a row");
  EXPECT_NE(scan.too_large.value.find("BLOB 1073740801 bytes"), std::string::npos)
      << scan.too_large.value;
  EXPECT_EQ(scan.value_bytes_max, size_t{2} << 30);
  EXPECT_NE(scan.alive, 0u) << "the other values decide the type";
}

TEST(TableScanner, NamesRowsThatPostgresqlCannotHold) {
  SourceColumn column;
  column.declared_type = "BLOB";
  const std::vector<CandidateList> columns{CandidateList{CandidatesFor(column)},
                                           CandidateList{CandidatesFor(column)}};
  TableScanner scanner(columns);
  const std::string head(256, 'x');
  const size_t together = RowBytesOnWireMax(2) - 2 - 2 * 4;
  const auto add = [&](size_t a, size_t b) {
    const std::vector<SourceValue> row{Pretend(SourceValue::Blob(head), a),
                                       Pretend(SourceValue::Blob(head), b)};
    scanner.Add(row, NoRows());
  };
  add(together / 2, together - together / 2);
  EXPECT_EQ(scanner.result().rows_too_large.count, 0u);
  add(together / 2, together - together / 2 + 1);
  EXPECT_EQ(scanner.result().rows_too_large.count, 1u);
  EXPECT_EQ(scanner.result().rows_too_large.value,
            std::to_string(RowBytesOnWireMax(2) + 1) + " bytes");
  // What no column can hold is told of its column, and may become NULL there.
  add(100, kFieldBytesMax + 1);
  EXPECT_EQ(scanner.result().rows_too_large.count, 1u);
  TableScan merged;
  merged.Merge(scanner.result());
  merged.Merge(scanner.result());
  EXPECT_EQ(merged.rows_too_large.count, 2u);
  EXPECT_EQ(merged.columns[1].too_large.count, 2u);
}

}  // namespace
}  // namespace lite2pg
