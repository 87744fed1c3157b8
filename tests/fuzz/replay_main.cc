// For compilers without libFuzzer: runs a target over the files of the seed corpus, then over
// changed copies of them. TARGET [-runs=N] [-seed=N] FILE_OR_DIRECTORY...
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "tests/fuzz/fuzz.h"

namespace {

std::string Mutate(const std::vector<std::string>& seeds, std::mt19937_64* random) {
  const auto below = [random](size_t n) { return static_cast<size_t>((*random)() % n); };
  std::string bytes = seeds[below(seeds.size())];
  for (size_t count = 1 + below(6); count > 0; --count) {
    const size_t at = below(bytes.size() + 1);
    switch (below(6)) {
      case 0: bytes.insert(at, 1, static_cast<char>((*random)())); break;
      case 1: bytes.erase(at, 1 + below(8)); break;
      case 2: {
        const std::string& other = seeds[below(seeds.size())];
        const size_t from = below(other.size() + 1);
        bytes.insert(at, other.substr(from, below(40)));
        break;
      }
      case 3: bytes.insert(at, bytes.substr(below(bytes.size() + 1), below(20))); break;
      case 4:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      default:
        if (at < bytes.size()) bytes[at] = "\0\x7f\x80\xff\"'\\;"[below(8)];
    }
  }
  return bytes;
}

void Run(const std::string& bytes) {
  // Memory of just its size, so that reading past its end is seen.
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  uint64_t runs = 0, seed = 1;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "-runs=")) {
      if (!absl::SimpleAtoi(argument, &runs)) return 2;
    } else if (absl::ConsumePrefix(&argument, "-seed=")) {
      if (!absl::SimpleAtoi(argument, &seed)) return 2;
    } else if (!std::filesystem::is_directory(argv[i])) {
      std::ifstream in(argv[i], std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    } else {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
        std::ifstream in(entry.path(), std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
      }
    }
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds\n");
    return 2;
  }
  std::sort(seeds.begin(), seeds.end());
  for (const std::string& bytes : seeds) Run(bytes);
  std::mt19937_64 random(seed);
  for (uint64_t i = 0; i < runs; ++i) {
    const std::string bytes = Mutate(seeds, &random);
    // What ends the process leaves its input behind.
    if (const char* const last = std::getenv("LITE2PG_FUZZ_LAST"); last != nullptr) {
      std::ofstream(last, std::ios::binary | std::ios::trunc) << bytes;
    }
    Run(bytes);
  }
  std::printf("%zu seeds, %llu changed copies\n", seeds.size(),
              static_cast<unsigned long long>(runs));
  return 0;
}
