// docs/cli is generated from the tables. To write it anew after a change:
//   LITE2PG_UPDATE_DOCS=1 cli_test --gtest_filter='CliDocs.*'
#include <cstdlib>

#include "gmock/gmock.h"
#include "tests/support/cli_support.h"
#include "tools/cli/help.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

const char kFolder[] = LITE2PG_SOURCE_DIR "/docs/cli/";

TEST(CliDocs, AreWhatTheTablesSay) {
  const auto pages = CliDocumentation();
  if (std::getenv("LITE2PG_UPDATE_DOCS") != nullptr) {
    std::filesystem::create_directories(kFolder);
    for (const auto& [name, text] : pages) std::ofstream(kFolder + name) << text;
  }
  for (const auto& [name, text] : pages) {
    EXPECT_EQ(ReadFile(kFolder + name), text)
        << "docs/cli/" << name << " is not up to date; write it anew with LITE2PG_UPDATE_DOCS=1";
  }
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    EXPECT_EQ(pages.count(entry.path().filename().string()), 1u) << entry.path();
  }
}

TEST(Help, NamesEveryCommandAndOption) {
  const std::string general = GeneralHelp(PlainStyle());
  for (const CommandRow& command : AllCommands()) {
    EXPECT_THAT(general, HasSubstr(command.name));
    const std::string text = CommandHelp(command, PlainStyle());
    for (const OptionRow& row : AllOptions()) {
      const std::string name = std::string("--") + row.name;
      const bool named = text.find(name + " ") != std::string::npos ||
                         text.find(name + "\n") != std::string::npos;
      EXPECT_TRUE(named || !row.applies_to(command.id)) << command.name << " " << name;
    }
  }
}

TEST(Help, FitsEveryWidth) {
  for (const int width : {40, 80, 200}) {
    EXPECT_LE(WidestLine(GeneralHelp(PlainStyle(width))), static_cast<size_t>(width));
    for (const CommandRow& command : AllCommands()) {
      EXPECT_LE(WidestLine(CommandHelp(command, PlainStyle(width))), static_cast<size_t>(width));
    }
  }
}

}  // namespace
}  // namespace lite2pg
