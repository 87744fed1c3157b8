// Small things that several tests of the command line need.
#ifndef LITE2PG_TESTS_SUPPORT_CLI_SUPPORT_H_
#define LITE2PG_TESTS_SUPPORT_CLI_SUPPORT_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tools/cli/command_line.h"
#include "tools/cli/text_layout.h"

namespace lite2pg {

// An environment that holds just these variables. The map lives inside the function.
inline Environment EnvironmentOf(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

inline Invocation Parse(const std::vector<std::string>& words,
                        std::map<std::string, std::string> variables = {}) {
  return ParseCommandLine(words, EnvironmentOf(std::move(variables)));
}

// All problems, a line each.
inline std::string ProblemsOf(const Invocation& invocation) {
  std::string out;
  for (const Problem& problem : invocation.problems) out += problem.text + "\n";
  return out;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A directory of its own for each test, gone with it.
class TempDirTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/cli.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }
  std::string directory_;
};

inline Style PlainStyle(int width = 80) {
  Style style;
  style.width = width;
  return style;
}

// The widest line, in columns, with escape codes taken out.
inline size_t WidestLine(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && !((text[i] >= 'A' && text[i] <= 'Z') ||
                                  (text[i] >= 'a' && text[i] <= 'z'))) {
        ++i;
      }
      continue;
    }
    plain.push_back(text[i]);
  }
  size_t widest = 0;
  std::stringstream lines(plain);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, DisplayWidth(line));
  return widest;
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_SUPPORT_CLI_SUPPORT_H_
