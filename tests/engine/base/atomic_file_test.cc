#include "engine/base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "engine/base/error.h"

namespace lite2pg {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/atomic.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    path_ = name + "/file";
  }
  void TearDown() override { fs::remove_all(dir_); }

  size_t Files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(dir_), fs::directory_iterator()));
  }
  std::string Content() const {
    std::ifstream file(path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  fs::path dir_;
  std::string path_;
};

TEST_F(AtomicFileTest, IsThereOnlyAfterCommitAndForItsOwnerAlone) {
  {
    AtomicFile file = AtomicFile::Create(path_).value();
    ASSERT_TRUE(file.Write("abc").ok());
    EXPECT_FALSE(fs::exists(path_));
    ASSERT_TRUE(file.CommitNew().ok());
  }
  EXPECT_EQ(Content(), "abc");
  EXPECT_EQ(Files(), 1u);
  struct stat info{};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(AtomicFileTest, LeavesNothingWhenItIsNotCommitted) {
  { ASSERT_TRUE(AtomicFile::Create(path_).value().Write("abc").ok()); }
  EXPECT_EQ(Files(), 0u);
}

TEST_F(AtomicFileTest, CommitNewNeverReplacesWhatCameMeanwhile) {
  {
    AtomicFile file = AtomicFile::Create(path_).value();
    ASSERT_TRUE(file.Write("ours").ok());
    std::ofstream(path_) << "theirs";
    const absl::Status status = file.CommitNew();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kUsage);
  }
  EXPECT_EQ(Content(), "theirs");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(AtomicFileTest, RemovesWhatAKilledProcessHasLeftAndNothingElse) {
  const std::string left = path_ + ".lite2pg-abc123";
  for (const char* name :
       {".lite2pg-abc123", ".lite2pg-abc123-journal", ".lite2pg-abc1234", ".bak"}) {
    std::ofstream(path_ + name) << "x";
  }
  AtomicFile first = AtomicFile::Create(path_).value();
  EXPECT_FALSE(fs::exists(left));
  EXPECT_FALSE(fs::exists(left + "-journal"));
  EXPECT_EQ(Files(), 3u);   // the two others, and ours
  // Of one that is still at work everything stays.
  AtomicFile second = AtomicFile::Create(path_).value();
  EXPECT_EQ(Files(), 4u);
  ASSERT_TRUE(first.Write("first").ok());
  ASSERT_TRUE(first.Commit().ok());
  EXPECT_EQ(Content(), "first");
}

TEST_F(AtomicFileTest, CommitReplaces) {
  std::ofstream(path_) << "old";
  AtomicFile file = AtomicFile::Create(path_).value();
  ASSERT_TRUE(file.Write("new").ok());
  ASSERT_TRUE(file.Commit().ok());
  EXPECT_EQ(Content(), "new");
}

}  // namespace
}  // namespace lite2pg
