#include "engine/pipeline/chunk_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

SourceKey Key(int64_t rowid) { return {OwnedValue(SourceValue::Integer(rowid))}; }

KeyRange Range(std::optional<int64_t> after, std::optional<int64_t> up_to) {
  KeyRange range;
  if (after.has_value()) range.after = Key(*after);
  if (up_to.has_value()) range.up_to = Key(*up_to);
  return range;
}

std::string ShowAll(const TableReading& reading, const std::vector<KeyRange>& ranges) {
  std::string out;
  for (const KeyRange& range : ranges) absl::StrAppend(&out, DescribeRange(reading, range), " ");
  return out;
}

class RemainingRanges : public ::testing::Test {
 protected:
  RemainingRanges() {
    WriteDatabase(dir_.File("a.db"),
                  "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                  "CREATE TABLE w (a TEXT COLLATE NOCASE, b, PRIMARY KEY (a, b DESC))"
                  " WITHOUT ROWID;");
    connection_.emplace(OpenOrDie(dir_.File("a.db")));
    catalog_ = CatalogOrDie(*connection_);
    rowid_ = MakeTableReading(TableNamed(catalog_, "t"), {0, 1});
    pair_ = MakeTableReading(TableNamed(catalog_, "w"), {0, 1});
  }

  absl::StatusOr<std::vector<KeyRange>> Rest(const TableReading& reading,
                                             std::vector<KeyRange> done) {
    return lite2pg::RemainingRanges(*connection_, reading, std::move(done));
  }

  TempDir dir_;
  std::optional<SqliteConnection> connection_;
  SourceCatalog catalog_;
  TableReading rowid_, pair_;
};

TEST_F(RemainingRanges, AreWhatNoRangeHas) {
  const auto rest = Rest(rowid_, {Range(20, 30), Range(std::nullopt, 10), Range(30, 30),
                                  Range(50, 70)});
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(ShowAll(rowid_, *rest), ShowAll(rowid_, {Range(10, 20), Range(30, 50),
                                               Range(70, std::nullopt)}));
}

TEST_F(RemainingRanges, OfNothingAreEverythingAndOfEverythingNothing) {
  EXPECT_EQ(Rest(rowid_, {})->size(), 1u);
  EXPECT_EQ(Rest(rowid_, {Range(std::nullopt, std::nullopt)})->size(), 0u);
  EXPECT_EQ(Rest(rowid_, {Range(5, std::nullopt), Range(std::nullopt, 5)})->size(), 0u);
  EXPECT_EQ(Rest(rowid_, {Range(std::nullopt, 9), Range(9, 9), Range(9, std::nullopt)})->size(),
            0u);
}

TEST_F(RemainingRanges, FollowTheOrderOfTheKeyAndNotOfItsBytes) {
  const auto key = [](absl::string_view a, int64_t b) {
    return SourceKey{OwnedValue(SourceValue::Text(a)), OwnedValue(SourceValue::Integer(b))};
  };
  // 'B' comes after 'a' for NOCASE, and 9 before 3 for DESC.
  const auto rest = Rest(pair_, {KeyRange{key("B", 9), key("b", 3)},
                                 KeyRange{std::nullopt, key("a", 1)}});
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(ShowAll(pair_, *rest), ShowAll(pair_, {KeyRange{key("a", 1), key("B", 9)},
                                             KeyRange{key("b", 3), std::nullopt}}));
}

TEST_F(RemainingRanges, RefuseOverlaps) {
  for (const auto& done : {std::vector<KeyRange>{Range(std::nullopt, 10), Range(9, 20)},
                           {Range(5, std::nullopt), Range(6, 7)},
                           {Range(std::nullopt, std::nullopt), Range(std::nullopt, std::nullopt)},
                           {Range(10, 20), Range(10, 15)}}) {
    const auto rest = Rest(rowid_, done);
    ASSERT_FALSE(rest.ok());
    EXPECT_EQ(InfoOf(rest.status()).exit_code, ExitCode::kCannotResume);
  }
  // A key with another number of columns is none of this table.
  EXPECT_FALSE(Rest(pair_, {Range(1, 2), Range(3, 4)}).ok());
}

TEST_F(RemainingRanges, CompleteAnySetOfRanges) {
  constexpr unsigned kSeed = 20240607;
  std::mt19937 random(kSeed);
  for (int trial = 0; trial < 200; ++trial) {
    // Cuts 0..100 into ranges, drops some, and shuffles the rest.
    std::vector<std::optional<int64_t>> cuts = {std::nullopt};
    for (int64_t at = 1; at < 100; at += 1 + static_cast<int64_t>(random() % 20)) {
      cuts.push_back(at);
    }
    std::vector<std::pair<std::optional<int64_t>, std::optional<int64_t>>> kept;
    std::vector<bool> covered(101, false);
    for (size_t i = 0; i < cuts.size(); ++i) {
      const std::optional<int64_t> end = i + 1 < cuts.size() ? cuts[i + 1] : std::nullopt;
      if (random() % 2 == 0) continue;
      kept.emplace_back(cuts[i], end);
      for (int64_t k = 0; k <= 100; ++k) {
        if ((!cuts[i].has_value() || k > *cuts[i]) && (!end.has_value() || k <= *end)) {
          covered[static_cast<size_t>(k)] = true;
        }
      }
    }
    std::shuffle(kept.begin(), kept.end(), random);
    std::vector<KeyRange> done;
    for (const auto& [after, up_to] : kept) done.push_back(Range(after, up_to));
    const auto rest = Rest(rowid_, done);
    ASSERT_TRUE(rest.ok()) << rest.status();
    for (const KeyRange& range : *rest) {
      for (int64_t k = 0; k <= 100; ++k) {
        const bool above = !range.after.has_value() || k > (*range.after)[0].view().integer;
        const bool below = !range.up_to.has_value() || k <= (*range.up_to)[0].view().integer;
        if (!above || !below) continue;
        EXPECT_FALSE(covered[static_cast<size_t>(k)]) << "twice: " << k << " in trial " << trial;
        covered[static_cast<size_t>(k)] = true;
      }
    }
    EXPECT_EQ(std::count(covered.begin(), covered.end(), false), 0) << "trial " << trial;
  }
}

TEST_F(RemainingRanges, SurviveTheLedger) {
  const std::string bytes("\0\xff\xfe'\"\\", 6);
  const SourceKey key = {OwnedValue(SourceValue::Text(bytes)), OwnedValue(SourceValue::Real(-0.0)),
                         OwnedValue(SourceValue::Blob("")), OwnedValue(SourceValue::Null()),
                         OwnedValue(SourceValue::Integer(INT64_MIN))};
  TableReading none = rowid_;
  none.key_kind = KeyKind::kNone;  // its text for people needs no key
  const auto read = DecodeKeyRange(EncodeKeyRange(none, KeyRange{key, std::nullopt}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->up_to.has_value());
  ASSERT_EQ(read->after->size(), key.size());
  EXPECT_EQ((*read->after)[0].view().bytes(), bytes);
  EXPECT_TRUE(std::signbit((*read->after)[1].view().real));
  EXPECT_EQ((*read->after)[2].view().storage_class, StorageClass::kBlob);
  EXPECT_EQ((*read->after)[3].view().storage_class, StorageClass::kNull);
  EXPECT_EQ((*read->after)[4].view().integer, INT64_MIN);
}

TEST(DecodeKeyRange, RefusesWhatIsNotItsOwn) {
  for (const char* text :
       {"", "{", "[]", "(rowid 5, end)", R"({"after":null})", R"({"after":[],"up_to":null})",
        R"({"after":["i:x"],"up_to":null})", R"({"after":["t:0"],"up_to":null})",
        R"({"after":["r:00"],"up_to":null})", R"({"after":[5],"up_to":null})",
        R"({"after":["n:1"],"up_to":null})", R"({"after":["z:"],"up_to":null})"}) {
    const auto range = DecodeKeyRange(text);
    ASSERT_FALSE(range.ok()) << text;
    EXPECT_EQ(InfoOf(range.status()).exit_code, ExitCode::kCannotResume) << text;
  }
}

}  // namespace
}  // namespace lite2pg
