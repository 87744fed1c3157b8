#include "engine/postgres/identifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "coercion/outcome.h"
#include "coercion/utf8.h"
#include "engine/base/limits.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

bool IsPossible(const std::string& name) {
  return !name.empty() && name.size() <= kIdentifierBytesMax && CheckText(name) == Outcome::kOk;
}

TEST(TargetIdentifier, KeepsWhatPostgresCanHave) {
  for (const std::string& name :
       {std::string("a"), std::string("Mixed Case"), std::string("q\"uo`te"), std::string("a\nb"),
        std::string("select"), std::string("%s--"), std::string(63, 'x'),
        std::string("\xF0\x9F\x98\x80")}) {
    EXPECT_EQ(TargetIdentifier(name), name);
  }
}

TEST(TargetIdentifier, EmptyNameGetsOne) { EXPECT_EQ(TargetIdentifier(""), "unnamed"); }

TEST(TargetIdentifier, EscapesBytesThatAreNoText) {
  EXPECT_EQ(TargetIdentifier(absl::string_view("a\0b", 3)), "a_x00_b");
  EXPECT_EQ(TargetIdentifier("a\xFFz"), "a_xff_z");
  EXPECT_EQ(TargetIdentifier("\xED\xA0\x80"), "_xed__xa0__x80_");  // a surrogate
  EXPECT_EQ(TargetIdentifier("caf\xC3\xA9\xC3"), "caf\xC3\xA9_xc3_");
}

TEST(TargetIdentifier, LongNamesDifferInTheirHash) {
  const std::string first = TargetIdentifier(std::string(69, 'n') + "a");
  const std::string second = TargetIdentifier(std::string(69, 'n') + "b");
  EXPECT_EQ(first.size(), 63u);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, TargetIdentifier(std::string(69, 'n') + "a"));
}

TEST(TargetIdentifier, CutsBetweenCharacters) {
  for (int pad = 0; pad < 4; ++pad) {
    std::string name(pad, 'x');
    while (name.size() < 100) name += "\xF0\x9F\x98\x80";
    EXPECT_TRUE(IsPossible(TargetIdentifier(name))) << EscapeForMessage(TargetIdentifier(name));
  }
}

// The result is part of what a resumed run finds on the target, so it must never change.
TEST(TargetIdentifier, HashIsFixed) {
  EXPECT_EQ(TargetIdentifier(std::string(64, 'a')), std::string(54, 'a') + "_" + "2dddcef0");
}

TEST(NameTable, NamesAreDistinctWithoutRegardToCase) {
  NameTable names;
  EXPECT_EQ(names.Add("Users"), "Users");
  EXPECT_EQ(names.Add("users"), "users_2");
  EXPECT_EQ(names.Add("USERS"), "USERS_3");
  EXPECT_EQ(names.Add("users_2"), "users_2_2");
  ASSERT_EQ(names.changes().size(), 3u);
  EXPECT_EQ(names.changes()[0].source, "users");
  EXPECT_EQ(names.changes()[0].why, NameChange::Why::kCollision);
}

TEST(NameTable, ReservedNamesAreNotGivenAgain) {
  NameTable names;
  names.Reserve("T");
  EXPECT_TRUE(names.IsTaken("t"));
  EXPECT_EQ(names.Add("t"), "t_2");
}

TEST(NameTable, SaysWhatWasChanged) {
  NameTable names;
  names.Add("kept");
  names.Add("");
  names.Add("bad\xFF");
  names.Add(std::string(64, 'l'));
  ASSERT_EQ(names.changes().size(), 3u);
  EXPECT_EQ(names.changes()[0].why, NameChange::Why::kEmpty);
  EXPECT_EQ(names.changes()[1].why, NameChange::Why::kEscaped);
  EXPECT_EQ(names.changes()[2].why, NameChange::Why::kShortened);
  for (const NameChange& change : names.changes()) {
    EXPECT_FALSE(NameChangePhrase(change.why).empty());
  }
}

TEST(NameTable, NumbersFitIntoTheLimit) {
  NameTable names;
  std::set<std::string> given;
  for (int i = 0; i < 1200; ++i) {
    const std::string name = names.Add(std::string(63, 'x'));
    EXPECT_TRUE(IsPossible(name));
    EXPECT_TRUE(given.insert(name).second);
  }
}

TEST(NameTable, RandomNamesArePossibleAndDistinct) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  NameTable names;
  std::set<std::string> folded;
  for (int i = 0; i < 20'000; ++i) {
    std::string name(random() % 80, '\0');
    // Few different bytes, so that collisions and half characters are frequent.
    for (char& c : name) c = "aAbB\0\xC3\xA9\xF0\x9F\x98\x80\xED\xFF_x2"[random() % 17];
    const std::string given = names.Add(name);
    ASSERT_TRUE(IsPossible(given)) << EscapeForMessage(given, 300);
    ASSERT_TRUE(folded.insert(FoldIdentifier(given)).second) << EscapeForMessage(given, 300);
  }
}

}  // namespace
}  // namespace lite2pg
