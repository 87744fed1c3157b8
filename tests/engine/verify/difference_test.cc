#include "engine/verify/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coercion/field_buffer.h"
#include "coercion/wire.h"
#include "engine/verify/shown_rows.h"

namespace lite2pg {
namespace {

using Row = std::vector<std::string>;   // "NULL" is NULL

// An int8 as a field has it.
std::string IntegerKey(int64_t key) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(key >> shift));
  return bytes;
}

std::optional<int64_t> KeyOf(const Row& row) {
  if (row[0] == "NULL") return std::nullopt;
  return LoadInt64(row[0].data());
}

// A side that is in memory, cut into parts in the order of its rows.
class MemorySide final : public ComparedSide, public RowPresenter {
 public:
  MemorySide(std::vector<std::vector<Row>> tables, size_t parts, int workers)
      : tables_(std::move(tables)), parts_(parts), workers_(workers) {}

  int workers() const override { return workers_; }
  absl::StatusOr<size_t> Parts(size_t) override { return parts_; }
  absl::Status Scan(int, size_t table, size_t part, const RowCallback& on_row) override {
    ++scanned;
    for (size_t i = part; i < tables_[table].size(); i += parts_) {
      const absl::Status status = Give(tables_[table][i], on_row);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status ScanKeys(int, size_t table, std::span<const int64_t> keys,
                        const RowCallback& on_row) override {
    if (lookups_find_nothing) return absl::OkStatus();
    for (const Row& row : tables_[table]) {
      const std::optional<int64_t> key = KeyOf(row);
      if (!key.has_value() || !std::binary_search(keys.begin(), keys.end(), *key)) continue;
      ++looked_up;
      const absl::Status status = Give(row, on_row);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status ScanInterval(int, size_t table, const KeyInterval& interval,
                            const RowCallback& on_row) override {
    for (const Row& row : tables_[table]) {
      if (!IsIn(interval, KeyOf(row))) continue;
      ++read_by_interval;
      const absl::Status status = Give(row, on_row);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<int64_t>> MiddleKey(size_t table,
                                                   const KeyInterval& interval) override {
    std::vector<int64_t> keys;
    for (const Row& row : tables_[table]) {
      const std::optional<int64_t> key = KeyOf(row);
      if (key.has_value() && IsIn(interval, key)) keys.push_back(*key);
    }
    if (!cuts_keys || keys.size() < 100) return std::nullopt;
    std::sort(keys.begin(), keys.end());
    return keys[keys.size() / 2];
  }
  absl::StatusOr<uint64_t> Count(int, size_t table) override { return tables_[table].size(); }
  absl::Status ScanSetAside(size_t, const RowCallback& on_row) override {
    for (const Row& row : set_aside) {
      const absl::Status status = Give(row, on_row);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  void Interrupt() override {}
  std::string Show(size_t, size_t) const override { return "?"; }

  std::vector<Row> set_aside;
  bool lookups_find_nothing = false;
  bool cuts_keys = false;
  std::atomic<int> looked_up{0}, read_by_interval{0};   // rows
  std::atomic<int> scanned{0};                          // parts of tables

 private:
  struct Presenter final : RowPresenter {
    const Row* row = nullptr;
    std::string Show(size_t column, size_t) const override { return (*row)[column]; }
  };

  static bool IsIn(const KeyInterval& interval, std::optional<int64_t> key) {
    if (!key.has_value()) return !interval.after.has_value();
    return (!interval.after.has_value() || *key > *interval.after) &&
           (!interval.up_to.has_value() || *key <= *interval.up_to);
  }

  static absl::Status Give(const Row& row, const RowCallback& on_row) {
    FieldBuffer fields;
    for (const std::string& value : row) {
      fields.Reserve(4 + value.size());
      if (value == "NULL") {
        fields.PutInt32(-1);
        continue;
      }
      fields.PutInt32(static_cast<int32_t>(value.size()));
      fields.PutBytes(value);
    }
    Presenter presenter;
    presenter.row = &row;
    ComparedRow compared;
    compared.fields = fields.view();
    compared.presenter = &presenter;
    return on_row(compared);
  }

  std::vector<std::vector<Row>> tables_;
  size_t parts_;
  int workers_;
};

ComparedTable Keyed(uint64_t rows_estimate = 0) { return {"t", {"k", "v"}, {0}, rows_estimate}; }
// By IntegerKey()s.
ComparedTable FoundByKey() {
  ComparedTable table = Keyed(100'000);
  table.key_is_unique = table.key_finds_rows = true;
  return table;
}
ComparedTable Keyless() { return {"t", {"k", "v"}, {}, 0}; }

TableDifferences Compare(const ComparedTable& table, std::vector<Row> a, std::vector<Row> b,
                         CompareOptions options = {}, std::vector<Row> set_aside = {},
                         const DifferenceCallback& on_row = nullptr) {
  MemorySide side_a({std::move(a)}, 3, 2), side_b({std::move(b)}, 1, 1);
  side_a.set_aside = std::move(set_aside);
  EventSink events;
  CancelToken cancel;
  const auto found =
      FindDifferences({table}, side_a, side_b, options, on_row, events, cancel);
  EXPECT_TRUE(found.ok()) << found.status();
  return (*found)[0];
}

TEST(FindDifferences, EqualRowsInAnyOrderAreEqual) {
  const TableDifferences found = Compare(Keyed(), {{"1", "a"}, {"2", "b"}, {"3", "NULL"}},
                                         {{"3", "NULL"}, {"1", "a"}, {"2", "b"}});
  EXPECT_FALSE(found.differs());
  EXPECT_EQ(found.a, found.b);
  EXPECT_EQ(found.a.rows, 3u);
  EXPECT_TRUE(found.shown.empty());
}

TEST(FindDifferences, EmptySidesAreEqual) {
  EXPECT_FALSE(Compare(Keyed(), {}, {}).differs());
  EXPECT_EQ(Compare(Keyed(), {}, {{"1", "a"}}).extra, 1u);
  EXPECT_EQ(Compare(Keyless(), {{"1", "a"}}, {}).missing, 1u);
}

TEST(FindDifferences, NamesTheColumnOfAChangedRow) {
  const TableDifferences found =
      Compare(Keyed(), {{"1", "a"}, {"2", "b"}}, {{"1", "a"}, {"2", "c"}});
  EXPECT_EQ(found.changed, 1u);
  ASSERT_EQ(found.shown.size(), 1u);
  EXPECT_EQ(found.shown[0].key, "k=2");
  EXPECT_EQ(found.shown[0].column, "v");
  EXPECT_EQ(found.shown[0].source, "b");
  EXPECT_EQ(found.shown[0].target, "c");
  EXPECT_EQ(found.shown[0].kind, "changed");
}

TEST(FindDifferences, FieldsKeepTheirBorders) {
  EXPECT_EQ(Compare(Keyless(), {{"a", "bc"}}, {{"ab", "c"}}).missing, 1u);
  EXPECT_EQ(Compare(Keyed(), {{"a", "NULL"}}, {{"a", ""}}).changed, 1u);
}

TEST(FindDifferences, SwappedValuesAreTwoChangedRows) {
  EXPECT_EQ(Compare(Keyed(), {{"1", "a"}, {"2", "b"}}, {{"1", "b"}, {"2", "a"}}).changed, 2u);
}

TEST(FindDifferences, EqualRowsWithoutAKeyAreCounted) {
  const Row a = {"x", "y"}, b = {"z", "z"};
  const TableDifferences found = Compare(Keyless(), {a, a, a, b}, {a, a, b, b});
  EXPECT_EQ(found.missing, 1u);
  EXPECT_EQ(found.doubled, 1u);
  EXPECT_EQ(found.extra, 0u);
  EXPECT_EQ(Compare(Keyless(), {a, b}, {a, a, b, b}).doubled, 2u);
}

TEST(FindDifferences, KeysThatStandTwiceArePairedAsFarAsTheyGo) {
  const TableDifferences found =
      Compare(Keyed(), {{"1", "a"}, {"1", "b"}}, {{"1", "b"}, {"1", "c"}, {"1", "d"}});
  EXPECT_EQ(found.changed, 1u);
  EXPECT_EQ(found.doubled, 1u);
  EXPECT_EQ(found.missing + found.extra, 0u);
}

TEST(FindDifferences, RowsSetAsideAreTakenOffWhereTheyAreMissing) {
  const Row bad = {"2", "bad"};
  TableDifferences found = Compare(Keyed(), {{"1", "a"}, bad}, {{"1", "a"}}, {}, {bad});
  EXPECT_FALSE(found.differs());
  EXPECT_EQ(found.set_aside.rows, 1u);
  // It came after all: nothing is missing, and nothing too much.
  found = Compare(Keyed(), {{"1", "a"}, bad}, {{"1", "a"}, bad}, {}, {bad});
  EXPECT_FALSE(found.differs());
  EXPECT_EQ(found.set_aside.rows, 0u);
  // It is gone from the source since.
  found = Compare(Keyed(), {{"1", "a"}}, {{"1", "a"}}, {}, {bad, bad});
  EXPECT_FALSE(found.differs());
  // Another row of the same key is missing all the same.
  found = Compare(Keyed(), {{"1", "a"}, {"2", "good"}}, {{"1", "a"}}, {}, {bad});
  EXPECT_EQ(found.missing, 1u);
}

// Random sides against a count by std::map, with budgets that force slices and many rounds.
TEST(FindDifferences, CountsWhatAMapCounts) {
  std::mt19937 random(20240607);
  for (int round = 0; round < 60; ++round) {
    const bool keyed = round % 2 == 0;
    std::vector<Row> a, b;
    const int keys = 1 + static_cast<int>(random() % (round % 4 < 2 ? 4000 : 25'000));
    for (int i = 0; i < keys; ++i) {
      const Row row = {std::to_string(i), std::to_string(random() % 3)};
      const uint32_t chance = random() % 20;
      if (chance != 0) a.push_back(row);
      if (chance == 1) continue;
      b.push_back(chance == 2 ? Row{row[0], "other"} : row);
      if (chance == 3) b.push_back(row);
    }
    std::shuffle(b.begin(), b.end(), random);
    std::map<Row, int> net;
    for (const Row& row : a) ++net[row];
    for (const Row& row : b) --net[row];
    uint64_t surplus_a = 0, surplus_b = 0;
    for (const auto& [row, n] : net) {
      (n > 0 ? surplus_a : surplus_b) += static_cast<uint64_t>(std::abs(n));
    }
    CompareOptions options;
    options.memory_bytes = 0;   // the least there is
    options.shown_rows_max = 5;
    options.differences_expected = random() % 2 == 0;
    uint64_t of_a = 0, of_b = 0;
    const auto count = [&](size_t, DifferenceKind, bool from_a, const ComparedRow&) {
      ++(from_a ? of_a : of_b);
      return absl::OkStatus();
    };
    const TableDifferences found =
        Compare(keyed ? Keyed(1'000'000) : Keyless(), a, b, options, {}, count);
    EXPECT_EQ(found.changed + found.missing, surplus_a) << round;
    EXPECT_EQ(found.changed + found.extra + found.doubled, surplus_b) << round;
    EXPECT_EQ(of_a, surplus_a) << round;
    EXPECT_EQ(of_b, surplus_b) << round;
    EXPECT_LE(found.shown.size(), 5u) << round;
    EXPECT_TRUE(keyed || found.changed == 0) << round;
  }
}

// Rows of A and B with the same keys, of which every `step`th differs.
void ChangeEvery(int64_t step, int64_t rows, std::vector<Row>* a, std::vector<Row>* b) {
  for (int64_t i = 0; i < rows; ++i) {
    const std::string key = IntegerKey(i - rows / 2);
    a->push_back({key, "a"});
    b->push_back({key, i % step == 0 ? "b" : "a"});
  }
}

TEST(FindDifferences, ExpectedDifferencesAreFoundInOneScan) {
  std::vector<Row> a, b;
  ChangeEvery(1000, 60'000, &a, &b);
  b.pop_back();
  b.push_back({IntegerKey(1'000'000), "b"});
  for (const bool expected : {false, true}) {
    for (const bool lookups_find_nothing : {false, true}) {
      MemorySide side_a({a}, 3, 2), side_b({b}, 2, 2);
      side_a.lookups_find_nothing = side_b.lookups_find_nothing = lookups_find_nothing;
      EventSink events;
      CancelToken cancel;
      CompareOptions options;
      options.differences_expected = expected;
      std::map<DifferenceKind, int> told;
      const auto found = FindDifferences(
          {FoundByKey()}, side_a, side_b, options,
          [&](size_t, DifferenceKind kind, bool, const ComparedRow&) {
            ++told[kind];
            return absl::OkStatus();
          },
          events, cancel);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ((*found)[0].changed, 60u);
      EXPECT_EQ((*found)[0].missing, 1u);
      EXPECT_EQ((*found)[0].extra, 1u);
      const std::map<DifferenceKind, int> all = {{DifferenceKind::kChanged, 120},
                                                 {DifferenceKind::kMissing, 1},
                                                 {DifferenceKind::kExtra, 1}};
      EXPECT_EQ(told, all);
      const int scans = (expected ? 1 : 2) + (lookups_find_nothing ? 1 : 0);
      EXPECT_EQ(side_a.scanned, 3 * scans);
      EXPECT_EQ(side_b.scanned, 2 * scans);
      EXPECT_EQ(side_a.looked_up, lookups_find_nothing ? 0 : 61);
      EXPECT_EQ(side_b.looked_up, lookups_find_nothing ? 0 : 61);
    }
  }
}

TEST(FindDifferences, ManyDifferencesAreReadAndNotLookedUp) {
  std::vector<Row> a, b;
  ChangeEvery(5, 50'000, &a, &b);
  MemorySide side_a({a}, 1, 1), side_b({b}, 1, 1);
  EventSink events;
  CancelToken cancel;
  CompareOptions options;
  options.memory_bytes = 0;   // a thousand at a time: cut into ranges
  std::set<int64_t> told[2];
  const auto found = FindDifferences(
      {FoundByKey()}, side_a, side_b, options,
      [&](size_t, DifferenceKind kind, bool from_a, const ComparedRow& row) {
        EXPECT_EQ(kind, DifferenceKind::kChanged);
        EXPECT_TRUE(told[from_a].insert(IntegerField(row.fields, 0)).second);
        return absl::OkStatus();
      },
      events, cancel);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)[0].changed, 10'000u);
  EXPECT_EQ(told[0].size(), 10'000u);
  EXPECT_EQ(told[1].size(), 10'000u);
  EXPECT_GT(side_a.scanned, 3) << "they do not fit";
}

// Every row is read three times in all, but for those of the interval that has more differences
// than the others.
TEST(FindDifferences, MoreDifferencesThanFitAreFoundByIntervalsOfTheKeys) {
  constexpr int kRows = 30'000, kExtra = 8'000;
  std::vector<Row> a, b;
  for (int i = -kRows / 2; i < kRows / 2; ++i) {
    a.push_back({IntegerKey(3 * i), "v"});
    if ((i + kRows) % 10 == 1) continue;   // missing
    b.push_back({IntegerKey(3 * i), i % 2 == 0 ? "w" : "v"});
  }
  b.push_back({"NULL", "of a unique index that is no primary key"});
  for (int i = 0; i < kExtra; ++i) b.push_back({IntegerKey(10 * kRows + i), "v"});
  for (const int workers : {1, 3}) {
    MemorySide side_a({a}, 1, workers), side_b({b}, 1, workers);
    side_a.cuts_keys = true;
    EventSink events;
    CancelToken cancel;
    CompareOptions options;
    options.memory_bytes = 0;
    std::map<DifferenceKind, std::set<std::string>> told[2];
    const auto found = FindDifferences(
        {FoundByKey()}, side_a, side_b, options,
        [&](size_t, DifferenceKind kind, bool from_a, const ComparedRow& row) {
          EXPECT_TRUE(told[from_a][kind].insert(std::string(row.fields)).second);
          return absl::OkStatus();
        },
        events, cancel);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ((*found)[0].changed, kRows / 2u);
    EXPECT_EQ((*found)[0].missing, kRows / 10u);
    EXPECT_EQ((*found)[0].extra, kExtra + 1u);
    EXPECT_EQ(told[0][DifferenceKind::kChanged].size(), kRows / 2u);
    EXPECT_EQ(told[1][DifferenceKind::kChanged].size(), kRows / 2u);
    EXPECT_EQ(told[1][DifferenceKind::kMissing].size(), kRows / 10u);
    EXPECT_EQ(told[0][DifferenceKind::kExtra].size(), kExtra + 1u);
    EXPECT_EQ(side_a.scanned, 1);
    EXPECT_EQ(side_b.scanned, 1);
    EXPECT_GE(side_a.read_by_interval, 2 * kRows);
    EXPECT_LT(side_a.read_by_interval, 2 * kRows + kRows / 4);
  }
}

// The whole row is the key: the ranges of its hash are ranges of the key's.
TEST(FindDifferences, ManyDifferencesOfRowsWithoutAKeyTakeFewScans) {
  std::vector<Row> a, b;
  for (int i = 0; i < 100'000; ++i) {
    a.push_back({std::to_string(i), "v"});
    b.push_back({std::to_string(i), i % 40 == 0 ? "other" : "v"});
  }
  MemorySide side_a({a}, 1, 1), side_b({b}, 1, 1);
  EventSink events;
  CancelToken cancel;
  CompareOptions options;
  options.memory_bytes = 0;
  options.shown_rows_max = 0;
  ComparedTable table = Keyless();
  table.rows_estimate = 100'000;
  const auto found = FindDifferences({table}, side_a, side_b, options, nullptr, events, cancel);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)[0].missing, 2'500u);
  EXPECT_EQ((*found)[0].extra, 2'500u);
  // 5,000 rows, less than a thousand at a time; A once more each time, to tell extra from doubled.
  // With an entry for each of the 200,000 rows it would be more than 20, and what sketches took.
  EXPECT_LT(side_a.scanned, 20);
}

TEST(FindDifferences, DoubledIsToldFromExtraWhereverTheOtherRowIs) {
  std::vector<Row> a, b;
  for (int i = 0; i < 30'000; ++i) a.push_back({std::to_string(i), "v"});
  b = a;
  b.push_back({"17", "another of a key that is equal otherwise"});
  b.push_back({"new", "v"});
  for (const bool expected : {false, true}) {
    CompareOptions options;
    options.differences_expected = expected;
    const TableDifferences found = Compare(Keyed(30'000), a, b, options);
    EXPECT_EQ(found.doubled, 1u);
    EXPECT_EQ(found.extra, 1u);
    EXPECT_EQ(found.changed + found.missing, 0u);
  }
}

TEST(FindDifferences, APartitionBeyondTheMemoryIsTakenInSlices) {
  std::vector<Row> a, b;
  // An estimate that is far too low makes few partitions, each of more rows than fit.
  for (int i = 0; i < 200'000; ++i) {
    a.push_back({std::to_string(i), "a"});
    b.push_back({std::to_string(i), i == 12345 ? "b" : "a"});
  }
  CompareOptions options;
  options.memory_bytes = 0;
  const TableDifferences found = Compare(Keyed(), std::move(a), std::move(b), options);
  EXPECT_EQ(found.changed, 1u);
  ASSERT_EQ(found.shown.size(), 1u);
  EXPECT_EQ(found.shown[0].key, "k=12345");
}

TEST(FindDifferences, ASampleTakesTheSameRowsOfBothSides) {
  std::vector<Row> a, b;
  for (int i = 0; i < 20'000; ++i) a.push_back({std::to_string(i), "v"});
  b.assign(a.rbegin(), a.rend());
  CompareOptions options;
  options.sample_percent = 10;
  const TableDifferences found = Compare(Keyed(), a, b, options);
  EXPECT_FALSE(found.differs());
  EXPECT_NEAR(static_cast<double>(found.a.rows), 2000, 200);
}

TEST(FindDifferences, AnErrorOfASideEndsIt) {
  MemorySide a({{{"1", "a"}}}, 1, 1), b({{{"2", "a"}}}, 1, 1);
  EventSink events;
  CancelToken cancel;
  const std::vector<ComparedTable> tables = {Keyed()};
  const auto fails = [](size_t, DifferenceKind, bool, const ComparedRow&) {
    return absl::InternalError("no more");
  };
  EXPECT_FALSE(FindDifferences(tables, a, b, {}, fails, events, cancel).ok());
  cancel.Cancel();
  EXPECT_FALSE(FindDifferences(tables, a, b, {}, nullptr, events, cancel).ok());
}

TEST(ShortenPair, ShowsWhereLongValuesBeginToDiffer) {
  std::string a, b;
  ShortenPair(std::string(500, 'x') + "a" + std::string(500, 'y'),
              std::string(500, 'x') + "b" + std::string(500, 'y'), &a, &b);
  EXPECT_NE(a, b);
  EXPECT_THAT(a, testing::HasSubstr("xay"));
  EXPECT_LT(a.size(), 100u);
  ShortenPair("'v'", "'v '", &a, &b);
  EXPECT_EQ(a, "'v' (byte 2: 27)") << "a space cannot be seen, so both say where they differ";
  EXPECT_THAT(b, testing::HasSubstr("'v '"));
  ShortenPair("same", "same", &a, &b);
  EXPECT_THAT(a, testing::HasSubstr("differs after"));
}

}  // namespace
}  // namespace lite2pg
