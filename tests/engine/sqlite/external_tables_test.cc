#include "engine/sqlite/external_tables.h"

#include "engine/base/error.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/row_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

// Row n has n, a text of n, and nothing where a third column would be.
class CountingRows final : public ExternalRows {
 public:
  CountingRows(int64_t bad_row, int* fetched) : bad_row_(bad_row), fetched_(*fetched) {}
  absl::StatusOr<std::span<const SourceValue>> Row(int64_t number) override {
    ++fetched_;
    if (number == bad_row_) {
      return MakeError(ErrorCode::kArchiveAltered, ExitCode::kUnsafe, "this row is bad");
    }
    text_ = "row " + std::to_string(number);
    row_ = {SourceValue::Integer(number), SourceValue::Text(text_)};
    return std::span<const SourceValue>(row_);
  }

 private:
  const int64_t bad_row_;
  int& fetched_;
  std::string text_;
  std::vector<SourceValue> row_;
};

class ExternalTablesTest : public ::testing::Test {
 protected:
  SqliteConnection Open(int64_t rows, int64_t bad_row = 0) {
    ExternalTable table;
    table.name = "it's \"a\" table";
    table.columns = 3;
    table.rows = rows;
    table.open = [this, bad_row] { return std::make_unique<CountingRows>(bad_row, &fetched_); };
    reading_table_.name = table.name;
    reading_table_.rowid_name = "rowid";
    for (int i = 0; i < 3; ++i) {
      SourceColumn column;
      column.name = ExternalColumnName(i);
      reading_table_.columns.push_back(column);
    }
    reading_ = MakeTableReading(reading_table_, {0, 1, 2});
    return OpenExternalTables({table}, "/somewhere").value();
  }

  std::vector<int64_t> Read(SqliteConnection& connection, std::optional<int64_t> after,
                            std::optional<int64_t> up_to) {
    KeyRange range;
    if (after.has_value()) range.after = SourceKey{OwnedValue(SourceValue::Integer(*after))};
    if (up_to.has_value()) range.up_to = SourceKey{OwnedValue(SourceValue::Integer(*up_to))};
    const std::unique_ptr<RowSource> source = NewLibraryRowSource(connection);
    EXPECT_TRUE(source->Open(reading_, range).ok());
    std::vector<int64_t> numbers;
    while (true) {
      const auto row = source->Next();
      EXPECT_TRUE(row.ok()) << row.status();
      if (!row.ok() || row->empty()) return numbers;
      EXPECT_EQ((*row)[1].bytes(), "row " + std::to_string((*row)[0].integer));
      EXPECT_EQ((*row)[2].storage_class, StorageClass::kNull);
      EXPECT_EQ(source->CurrentKey()[0].view().integer, (*row)[0].integer);
      numbers.push_back((*row)[0].integer);
    }
  }

  int fetched_ = 0;
  SourceTable reading_table_;
  TableReading reading_;
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(ExternalTablesTest, ReadsRangesOfRowNumbers) {
  SqliteConnection connection = Open(5);
  EXPECT_THAT(Read(connection, std::nullopt, std::nullopt), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(Read(connection, 2, 4), ElementsAre(3, 4));
  EXPECT_THAT(Read(connection, -7, 1), ElementsAre(1));
  EXPECT_THAT(Read(connection, 4, INT64_MAX), ElementsAre(5));
  EXPECT_THAT(Read(connection, 5, std::nullopt), IsEmpty());
  EXPECT_THAT(Read(connection, INT64_MAX, std::nullopt), IsEmpty());
  EXPECT_THAT(Read(connection, std::nullopt, 0), IsEmpty());
}

TEST_F(ExternalTablesTest, FetchesOnlyTheRowsOfTheRange) {
  SqliteConnection connection = Open(1'000'000);
  Read(connection, 500'000, 500'010);
  EXPECT_EQ(fetched_, 10);
}

TEST_F(ExternalTablesTest, FindsTheMiddleWithoutFetching) {
  SqliteConnection connection = Open(1'000'000);
  const auto middle = FindMiddle(connection, reading_, KeyRange());
  ASSERT_TRUE(middle.ok()) << middle.status();
  ASSERT_TRUE(middle->has_value());
  EXPECT_NEAR(static_cast<double>((**middle)[0].view().integer), 500'000, 1);
  EXPECT_EQ(fetched_, 0);
}

TEST_F(ExternalTablesTest, GivesTheRowsOwnError) {
  SqliteConnection connection = Open(5, /*bad_row=*/3);
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(connection);
  ASSERT_TRUE(source->Open(reading_, KeyRange()).ok());
  ASSERT_TRUE(source->Next().ok());
  ASSERT_TRUE(source->Next().ok());
  const auto row = source->Next();
  ASSERT_FALSE(row.ok());
  EXPECT_EQ(InfoOf(row.status()).exit_code, ExitCode::kUnsafe);
  EXPECT_EQ(InfoOf(row.status()).what, "this row is bad");
}

TEST_F(ExternalTablesTest, EmptyTable) {
  SqliteConnection connection = Open(0);
  EXPECT_THAT(Read(connection, std::nullopt, std::nullopt), IsEmpty());
}

TEST_F(ExternalTablesTest, MayNotBeWrittenTo) {
  SqliteConnection connection = Open(5);
  EXPECT_FALSE(connection.Execute("CREATE TABLE t (a)").ok());
  EXPECT_FALSE(connection.Execute("ATTACH ':memory:' AS x").ok());
}

}  // namespace
}  // namespace lite2pg
