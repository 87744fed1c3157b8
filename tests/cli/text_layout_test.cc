#include "tools/cli/text_layout.h"

#include "gmock/gmock.h"
#include "tests/support/cli_support.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kWide = "\xe6\x97\xa5\xe6\x9c\xac";  // two characters, four columns

TEST(ResolveStyle, IsPlainAndEightyWideOffTheTerminal) {
  const Style style = ResolveStyle(false, 200, false, EnvironmentOf({{"TERM", "xterm"}}));
  EXPECT_EQ(style.width, 80);
  EXPECT_FALSE(style.color);
  EXPECT_FALSE(style.terminal);
}

TEST(ResolveStyle, HonoursNoColorAndDumbTerminals) {
  const std::string term = "xterm";
  EXPECT_TRUE(ResolveStyle(true, 80, false, EnvironmentOf({{"TERM", term}})).color);
  EXPECT_FALSE(ResolveStyle(true, 80, true, EnvironmentOf({{"TERM", term}})).color);
  EXPECT_FALSE(
      ResolveStyle(true, 80, false, EnvironmentOf({{"TERM", term}, {"NO_COLOR", "1"}})).color);
  EXPECT_TRUE(
      ResolveStyle(true, 80, false, EnvironmentOf({{"TERM", term}, {"NO_COLOR", ""}})).color);
  EXPECT_FALSE(ResolveStyle(true, 80, false, EnvironmentOf({{"TERM", "dumb"}})).terminal);
  EXPECT_FALSE(ResolveStyle(true, 80, false, EnvironmentOf({})).terminal);
}

TEST(ResolveStyle, ReadsTheLocaleInItsOrder) {
  const auto utf8 = [](std::map<std::string, std::string> variables) {
    return ResolveStyle(false, 0, false, EnvironmentOf(std::move(variables))).utf8;
  };
  EXPECT_TRUE(utf8({{"LANG", "de_DE.UTF-8"}}));
  EXPECT_TRUE(utf8({{"LC_CTYPE", "C.utf8"}, {"LANG", "C"}}));
  EXPECT_FALSE(utf8({{"LC_ALL", "C"}, {"LANG", "de_DE.UTF-8"}}));
  EXPECT_TRUE(utf8({{"LC_ALL", ""}, {"LANG", "de_DE.UTF-8"}}));
  EXPECT_FALSE(utf8({}));
}

TEST(ResolveStyle, KeepsTinyTerminalsUsable) {
  EXPECT_EQ(ResolveStyle(true, 3, false, EnvironmentOf({})).width, 20);
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth(kWide), 4u);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1u);                 // combining accent
  EXPECT_EQ(DisplayWidth("\xf0\x9f\x98\x80"), 2u);          // emoji
  EXPECT_EQ(DisplayWidth("\xe2\x96\x88\xe2\x80\xa6"), 2u);  // block, ellipsis
}

TEST(Shown, IsAsciiWithoutAUtf8Locale) {
  EXPECT_EQ(Shown("\xc3\xa9", PlainStyle()), "\\u{e9}");
  Style style = PlainStyle();
  style.utf8 = true;
  EXPECT_EQ(Shown("\xc3\xa9", style), "\xc3\xa9");
}

TEST(Cut, NeverSplitsACharacter) {
  Style style = PlainStyle();
  EXPECT_EQ(Cut("abcdef", 6, style), "abcdef");
  EXPECT_EQ(Cut("abcdef", 5, style), "abc..");
  style.utf8 = true;
  EXPECT_EQ(Cut("abcdef", 5, style), "abcd\xe2\x80\xa6");
  EXPECT_EQ(Cut(kWide + kWide, 4, style), kWide.substr(0, 3) + "\xe2\x80\xa6");
}

TEST(Wrap, BreaksAtBlanksAndInsideLongWords) {
  EXPECT_EQ(Wrap("one two three", 8), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(Wrap("abcdefghijkl x", 8), (std::vector<std::string>{"abcdefgh", "ijkl x"}));
  EXPECT_EQ(Wrap("", 8), std::vector<std::string>{""});
}

TEST(Wrap, LosesNothing) {
  const std::string text = "a bb  ccc dddddddddddddddddddddd " + kWide + kWide + kWide + kWide;
  for (size_t width = 8; width < 50; ++width) {
    std::string joined;
    for (const std::string& line : Wrap(text, width)) {
      EXPECT_LE(DisplayWidth(line), width);
      joined += line;
    }
    std::string expected = text;
    const auto drop_blanks = [](std::string* s) {
      s->erase(std::remove(s->begin(), s->end(), ' '), s->end());
    };
    drop_blanks(&joined);
    drop_blanks(&expected);
    EXPECT_EQ(joined, expected) << width;
  }
}

TEST(Hanging, IndentsTheLinesThatFollow) {
  EXPECT_EQ(Hanging("hint: ", "aaaaaaa bbbbbbb ccccccc", PlainStyle(20)),
            "hint: aaaaaaa\n      bbbbbbb\n      ccccccc\n");
}

TextTable Sample() {
  TextTable table({{"table", false, true, 0},
                   {"rows", true, false, 0},
                   {"time", true, false, 1},
                   {"empty", true, false, 0}});
  table.AddRow({{"orders"}, {"1,000"}, {"3.2 s"}, {""}});
  table.AddRow({{"a_rather_long_name_of_a_table"}, {"7"}, {""}, {""}});
  return table;
}

TEST(TextTable, AlignsAndLeavesOutEmptyColumns) {
  EXPECT_EQ(Sample().Render(PlainStyle()),
            "  table                           rows   time\n"
            "  orders                         1,000  3.2 s\n"
            "  a_rather_long_name_of_a_table      7\n");
}

TEST(TextTable, FitsEveryWidth) {
  for (int width = 20; width < 100; ++width) {
    EXPECT_LE(WidestLine(Sample().Render(PlainStyle(width))), static_cast<size_t>(width));
  }
}

TEST(TextTable, CutsNamesBeforeItDropsColumns) {
  const std::string text = Sample().Render(PlainStyle(36));
  EXPECT_THAT(text, HasSubstr("3.2 s"));
  EXPECT_THAT(text, HasSubstr(".."));
  EXPECT_THAT(Sample().Render(PlainStyle(24)), Not(HasSubstr("3.2 s")));
}

TEST(Paint, AddsCodesOnlyWithColours) {
  Style style = PlainStyle();
  EXPECT_EQ(Paint(Color::kRed, "x", style), "x");
  style.color = true;
  EXPECT_EQ(Paint(Color::kRed, "x", style), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace lite2pg
