#include "engine/report/report_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/report/resources.h"
#include "gtest/gtest.h"
#include "tests/support/sample_report.h"

namespace lite2pg {
namespace {

class ReportFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/report.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  size_t FileCount() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      (void)entry;
      ++count;
    }
    return count;
  }

  std::string directory_;
};

TEST_F(ReportFile, IsReadableByItsOwnerAloneWhateverTheUmask) {
  const mode_t before = umask(0);
  const absl::Status status = WriteReportFile(Path("r.json"), SampleReport());
  umask(before);
  ASSERT_TRUE(status.ok()) << status;
  struct stat info{};
  ASSERT_EQ(stat(Path("r.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  EXPECT_EQ(Read(Path("r.json")), ReportToJson(SampleReport()));
}

TEST_F(ReportFile, ReplacesAnOlderOneAndLeavesNoTemporaryBehind) {
  std::ofstream(Path("r.html")) << "old";
  ASSERT_TRUE(WriteReportFile(Path("r.html"), SampleReport()).ok());
  EXPECT_EQ(Read(Path("r.html")), ReportToHtml(SampleReport()));
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(ReportFile, RefusesEndingsThatNameNoForm) {
  const absl::Status status = WriteReportFile(Path("r.txt"), SampleReport());
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kUsage);
  EXPECT_EQ(FileCount(), 0u);
}

TEST_F(ReportFile, NeverTakesThePlaceOfALinkOrDirectory) {
  std::ofstream(Path("precious")) << "kept";
  ASSERT_EQ(symlink(Path("precious").c_str(), Path("link.json").c_str()), 0);
  ASSERT_EQ(mkdir(Path("dir.json").c_str(), 0700), 0);
  EXPECT_FALSE(WriteReportFile(Path("link.json"), SampleReport()).ok());
  EXPECT_FALSE(WriteReportFile(Path("dir.json"), SampleReport()).ok());
  EXPECT_EQ(Read(Path("precious")), "kept");
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link.json")));
}

TEST_F(ReportFile, NeverTakesThePlaceOfADevice) {
  EXPECT_FALSE(CheckWritablePath("/dev/null").ok());
  struct stat info{};
  ASSERT_EQ(stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST_F(ReportFile, NamesTheDirectoryThatIsMissing) {
  const absl::Status status = CheckWritablePath(Path("no/such/r.json"));
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kUsage);
  EXPECT_NE(InfoOf(status).what.find("no/such"), std::string::npos);
}

TEST(Resources, CountCpuAndMemory) {
  const ResourceMeter meter;
  std::string block(32 << 20, 'x');
  volatile uint64_t sum = 0;
  const double cpu_before = ProcessCpuSeconds();
  while (ProcessCpuSeconds() - cpu_before < 0.02) {
    for (const char c : block) sum = sum + static_cast<uint64_t>(c);
  }
  const Report::Resources used = meter.Read();
  EXPECT_GE(used.client_cpu_seconds, 0.02);
  EXPECT_GT(used.wall_seconds, 0);
  EXPECT_GT(used.peak_rss_bytes, 32 << 20);
}

TEST(StageTimer, AppendsItsStageOnce) {
  Report report;
  {
    StageTimer timer(Stage::kData, &report);
    timer.End();
  }
  ASSERT_EQ(report.stages.size(), 1u);
  EXPECT_EQ(report.stages[0].stage, Stage::kData);
}

}  // namespace
}  // namespace lite2pg
