#include "tools/cli/manual.h"

#include <cstdlib>

#include "gmock/gmock.h"
#include "tests/support/cli_support.h"
#include "tools/cli/option_table.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

// What a shell prints when it runs `script` with the completion in $1.
std::string RunShell(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << out;
  return out;
}

std::string WriteTemp(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ManualPage, NamesEveryCommandAndOption) {
  const std::string page = ManualPage();
  for (const CommandRow& row : AllCommands())
    EXPECT_THAT(page, HasSubstr(".SS " + std::string(row.name)));
  for (const OptionRow& row : AllOptions()) {
    std::string name = row.name;
    for (size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2)
      name.insert(at, "\\");
    EXPECT_THAT(page, HasSubstr("\\fB\\-\\-" + name + "\\fR"));
  }
}

TEST(ManualPage, HasNoRequestsButItsOwn) {
  const std::string page = ManualPage();
  size_t at = 0;
  while ((at = page.find("\n.", at)) != std::string::npos) {
    const std::string request = page.substr(at + 1, page.find_first_of(" \n", at + 1) - at - 1);
    EXPECT_THAT((std::vector<std::string>{".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br"}),
                ::testing::Contains(request));
    ++at;
  }
}

TEST(BashCompletion, CompletesCommandsOptionsAndWords) {
  const std::string script = WriteTemp("lite2pg.bash", BashCompletion());
  const auto complete = [&](const std::string& words, int index) {
    return RunShell("bash -c 'source " + script + "; COMP_WORDS=(" + words +
                    "); COMP_CWORD=" + std::to_string(index) + "; _lite2pg; echo ${COMPREPLY[@]}'");
  };
  EXPECT_EQ(complete("lite2pg pl", 1), "plan\n");
  EXPECT_THAT(complete("lite2pg copy --existing-r", 2), HasSubstr("--existing-rows"));
  EXPECT_EQ(complete("lite2pg copy --schema-mode mi", 3), "mixed\n");
  EXPECT_EQ(complete("lite2pg serve --schema-m", 2), "\n") << "an option of another command";
}

TEST(Completions, NameEveryOptionForEveryShell) {
  for (const OptionRow& row : AllOptions()) {
    const std::string name = row.name;
    EXPECT_THAT(BashCompletion(), HasSubstr("--" + name));
    EXPECT_THAT(ZshCompletion(), HasSubstr("--" + name));
    EXPECT_THAT(FishCompletion(), HasSubstr(" -l " + name + " "));
  }
}

}  // namespace
}  // namespace lite2pg
