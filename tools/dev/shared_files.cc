// Writes the manual page and the completions below a directory, for the package.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tools/cli/manual.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: shared_files DIR\n";
    return 2;
  }
  for (const auto& [name, text] : lite2pg::SharedFiles()) {
    const std::filesystem::path path = std::filesystem::path(argv[1]) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
      std::cerr << "cannot write " << path << "\n";
      return 1;
    }
  }
  return 0;
}
