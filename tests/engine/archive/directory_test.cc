#include "engine/archive/directory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/base/error.h"

namespace lite2pg {
namespace {

// No descriptors are left while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// What is short here says nothing about what somebody may have done to the archive.
TEST(ArchiveDirectory, WithoutDescriptorsNothingIsSaidAgainstTheArchive) {
  std::string path = std::filesystem::temp_directory_path() / "lite2pg-directory-XXXXXX";
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  std::ofstream(path + "/manifest.json") << "{}";
  std::filesystem::permissions(path + "/manifest.json", std::filesystem::perms::owner_read |
                                                            std::filesystem::perms::owner_write);
  const auto directory = ArchiveDirectory::OpenForReading(path);
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_TRUE((*directory)->ReadAll("manifest.json", 100).ok());
  {
    const NoDescriptors none;
    EXPECT_EQ(InfoOf((*directory)->ReadAll("manifest.json", 100).status()).exit_code,
              ExitCode::kOutOfResource);
    EXPECT_EQ(InfoOf((*directory)->List().status()).exit_code, ExitCode::kOutOfResource);
    EXPECT_EQ(InfoOf(ArchiveDirectory::OpenForReading(path).status()).exit_code,
              ExitCode::kOutOfResource);
  }
  EXPECT_EQ((*directory)->List().value().size(), 1u);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace lite2pg
