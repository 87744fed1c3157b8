#include "engine/postgres/embedded_cluster.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/postgres/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct FinishConnection {
  void operator()(PGconn* conn) const { PQfinish(conn); }
};
using Connection = std::unique_ptr<PGconn, FinishConnection>;

Connection Connect(const std::string& conninfo) {
  return Connection(PQconnectdb(conninfo.c_str()));
}

// The first field of the first row, or the error.
std::string Ask(const std::string& conninfo, const std::string& sql) {
  const Connection conn = Connect(conninfo);
  if (PQstatus(conn.get()) != CONNECTION_OK) return PQerrorMessage(conn.get());
  PGresult* result = PQexec(conn.get(), sql.c_str());
  const std::string answer = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0
                                 ? PQgetvalue(result, 0, 0)
                                 : PQresultErrorMessage(result);
  PQclear(result);
  return answer;
}

pid_t ServerPid(const std::string& data_dir) {
  std::ifstream file(absl::StrCat(data_dir, "/postmaster.pid"));
  pid_t pid = 0;
  file >> pid;
  return pid;
}

class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { unsetenv(name_); }

 private:
  const char* name_;
};

// True once the process is gone; a zombie is not this process's to collect.
bool EndsWithin(pid_t pid, std::chrono::seconds limit) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < give_up) {
    if (kill(pid, 0) != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

class EmbeddedClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/lite2pg-cluster-test-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    base_ = name;
    ASSERT_EQ(chmod(name.c_str(), 0755), 0);
  }
  void TearDown() override {
    std::error_code error;
    fs::remove_all(base_, error);
  }

  EmbeddedCluster::Options OptionsFor(const std::string& dir) const {
    EmbeddedCluster::Options options;
    options.dir = dir;
    options.relocation_base = (base_ / "relocated").string();
    return options;
  }
  std::string Dir(const std::string& name) const { return (base_ / name).string(); }

  fs::path base_;
};

TEST_F(EmbeddedClusterTest, MakesAClusterThatKeepsDataAndConnectionString) {
  const auto options = OptionsFor(Dir("shop.pgdata"));
  std::string first_conninfo;
  {
    const auto cluster = EmbeddedCluster::Start(options);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    EXPECT_TRUE(cluster->created());
    EXPECT_FALSE(cluster->was_running());
    EXPECT_FALSE(cluster->relocated());
    first_conninfo = cluster->conninfo();
    EXPECT_EQ(Ask(first_conninfo, "CREATE TABLE t AS SELECT 42 AS n"), "");
  }
  EXPECT_THAT(Ask(first_conninfo, "SELECT 1"), HasSubstr("No such file or directory"));

  auto again = EmbeddedCluster::Start(options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->created());
  EXPECT_EQ(again->conninfo(), first_conninfo);
  EXPECT_EQ(Ask(again->conninfo(), "SELECT n FROM t"), "42");
  EXPECT_TRUE(again->Stop().ok());
  EXPECT_TRUE(again->Stop().ok());
  EXPECT_EQ(ServerPid(again->data_dir()), 0);
}

TEST_F(EmbeddedClusterTest, LosesNothingForSpeedAndListensToNobody) {
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const std::string& conninfo = cluster->conninfo();
  EXPECT_EQ(Ask(conninfo, "SHOW fsync"), "on");
  EXPECT_EQ(Ask(conninfo, "SHOW full_page_writes"), "on");
  EXPECT_EQ(Ask(conninfo, "SHOW synchronous_commit"), "on");
  EXPECT_EQ(Ask(conninfo, "SHOW data_checksums"), "on");
  EXPECT_EQ(Ask(conninfo, "SHOW wal_level"), "replica");
  EXPECT_EQ(Ask(conninfo, "SHOW listen_addresses"), "");
  EXPECT_EQ(Ask(conninfo, "SHOW checkpoint_timeout"), "30min");
  EXPECT_EQ(Ask(conninfo, "SHOW server_encoding"), "UTF8");
  EXPECT_EQ(Ask(conninfo, "SELECT current_database()"), "lite2pg");
  // SQLite's order, and upper case beyond ASCII.
  EXPECT_EQ(Ask(conninfo, "SELECT 'Z' < 'a'"), "t");
  EXPECT_EQ(Ask(conninfo, "SELECT upper(U&'\\00E9') = U&'\\00C9'"), "t");
}

TEST_F(EmbeddedClusterTest, KeepsOthersOutOfTheSocketAndTheData) {
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const std::string socket_dir = Ask(cluster->conninfo(), "SHOW unix_socket_directories");
  EXPECT_LT(socket_dir.size(), 100u - 20u);
  for (const std::string& path : {socket_dir, cluster->data_dir()}) {
    struct stat info;
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0u) << path;
    EXPECT_NE(info.st_uid, 0u) << path;
  }
}

TEST_F(EmbeddedClusterTest, IsNotMisledByTheEnvironment) {
  const ScopedVariable variables[] = {{"PGHOSTADDR", "192.0.2.1"},
                                      {"PGPORT", "1"},
                                      {"PGDATABASE", "nowhere"},
                                      {"PGUSER", "nobody"}};
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(Ask(cluster->conninfo(), "SELECT current_user || '/' || current_database()"),
            "lite2pg/lite2pg");
}

TEST_F(EmbeddedClusterTest, UsesARunningServerAndLeavesItRunning) {
  const auto options = OptionsFor(Dir("c"));
  auto first = EmbeddedCluster::Start(options);
  ASSERT_TRUE(first.ok()) << first.status();
  {
    auto second = EmbeddedCluster::Start(options);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_TRUE(second->was_running());
    EXPECT_EQ(second->conninfo(), first->conninfo());
    EXPECT_TRUE(second->Stop().ok());
  }
  EXPECT_EQ(Ask(first->conninfo(), "SELECT 7"), "7");
}

TEST_F(EmbeddedClusterTest, TwoThatStartAtOnceShareOneServer) {
  const auto options = OptionsFor(Dir("c"));
  ASSERT_TRUE(EmbeddedCluster::Start(options).ok());
  auto other = absl::StatusOr<EmbeddedCluster>(absl::UnknownError(""));
  std::thread thread([&] {
    other = EmbeddedCluster::Start(options);
    // The thread that starts a server must stay until it is stopped.
    if (other.ok() && !other->was_running()) {
      EXPECT_EQ(Ask(other->conninfo(), "SELECT pg_sleep(1)"), "");
    }
  });
  auto mine = EmbeddedCluster::Start(options);
  EXPECT_TRUE(mine.ok()) << mine.status();
  if (mine.ok()) {
    EXPECT_EQ(Ask(mine->conninfo(), "SELECT 1"), "1");
  }
  thread.join();
  EXPECT_TRUE(other.ok()) << other.status();
}

TEST_F(EmbeddedClusterTest, RecoversAfterACrashOfTheServer) {
  const auto options = OptionsFor(Dir("c"));
  {
    auto cluster = EmbeddedCluster::Start(options);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    EXPECT_EQ(Ask(cluster->conninfo(), "CREATE TABLE t AS SELECT 42 AS n"), "");
    ASSERT_EQ(kill(ServerPid(cluster->data_dir()), SIGKILL), 0);
    const CancelToken never;
    const absl::Status ended = cluster->RunUntil(never);
    EXPECT_EQ(InfoOf(ended).exit_code, ExitCode::kTargetUnreachable) << ended;
  }
  const auto again = EmbeddedCluster::Start(options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Ask(again->conninfo(), "SELECT n FROM t"), "42");
}

TEST_F(EmbeddedClusterTest, EndsTheSessionsOfOthersWhenItStops) {
  auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const Connection idle = Connect(cluster->conninfo());
  ASSERT_EQ(PQstatus(idle.get()), CONNECTION_OK);
  EXPECT_TRUE(cluster->Stop().ok());
  EXPECT_EQ(ServerPid(cluster->data_dir()), 0);
}

TEST_F(EmbeddedClusterTest, ServerIsOutOfTheTerminalsReach) {
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const pid_t server = ServerPid(cluster->data_dir());
  EXPECT_NE(getsid(server), getsid(0));
  EXPECT_NE(getpgid(server), getpgid(0));
}

TEST_F(EmbeddedClusterTest, ServerEndsWithAKilledRun) {
  const auto options = OptionsFor(Dir("c"));
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t run = fork();
  if (run == 0) {
    const auto cluster = EmbeddedCluster::Start(options);
    const pid_t server = cluster.ok() ? ServerPid(cluster->data_dir()) : 0;
    const ssize_t written = write(ready[1], &server, sizeof(server));
    for (;;) pause();
    _exit(written == sizeof(server) ? 0 : 1);
  }
  pid_t server = 0;
  ASSERT_EQ(read(ready[0], &server, sizeof(server)), static_cast<ssize_t>(sizeof(server)));
  close(ready[0]);
  close(ready[1]);
  kill(run, SIGKILL);
  waitpid(run, nullptr, 0);
  ASSERT_GT(server, 1);
  // At once, while the old server may still be shutting down.
  const auto again = EmbeddedCluster::Start(options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(EndsWithin(server, std::chrono::seconds(20)));
  EXPECT_EQ(Ask(again->conninfo(), "SELECT 1"), "1");
}

TEST_F(EmbeddedClusterTest, RefusesADirectoryWithOtherThings) {
  fs::create_directory(Dir("mine"));
  std::ofstream(Dir("mine") + "/letter.txt") << "dear ...";
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("mine")));
  ASSERT_FALSE(cluster.ok());
  EXPECT_EQ(InfoOf(cluster.status()).exit_code, ExitCode::kUsage);
  EXPECT_EQ(std::distance(fs::directory_iterator(Dir("mine")), {}), 1);
}

TEST_F(EmbeddedClusterTest, RefusesAClusterThatItDidNotMake) {
  fs::create_directory(Dir("theirs"));
  std::ofstream(Dir("theirs") + "/PG_VERSION") << "15\n";
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("theirs")));
  ASSERT_FALSE(cluster.ok());
  EXPECT_EQ(InfoOf(cluster.status()).exit_code, ExitCode::kUsage);
  EXPECT_THAT(InfoOf(cluster.status()).what, HasSubstr("did not make"));
}

TEST_F(EmbeddedClusterTest, RefusesAFile) {
  std::ofstream(Dir("file")) << "x";
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("file")));
  ASSERT_FALSE(cluster.ok());
  EXPECT_EQ(InfoOf(cluster.status()).exit_code, ExitCode::kUsage);
}

TEST_F(EmbeddedClusterTest, MakesNothingWhereItMayNotCreate) {
  auto options = OptionsFor(Dir("absent"));
  options.create = false;
  const auto cluster = EmbeddedCluster::Start(options);
  ASSERT_FALSE(cluster.ok());
  EXPECT_EQ(InfoOf(cluster.status()).exit_code, ExitCode::kUsage);
  EXPECT_FALSE(*EmbeddedCluster::Exists(options));
  EXPECT_FALSE(fs::exists(options.dir));
}

TEST_F(EmbeddedClusterTest, TakesAnEmptyDirectoryAndHostileNames) {
  const std::string dir = Dir("it's \"a\" dir $(x) %s\xF0\x9F\x98\x80");
  fs::create_directory(dir);
  const auto cluster = EmbeddedCluster::Start(OptionsFor(dir));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(Ask(cluster->conninfo(), "SELECT 1"), "1");
  EXPECT_EQ(cluster->data_dir(), dir);
}

TEST_F(EmbeddedClusterTest, MakesParentsAndAcceptsATrailingSlash) {
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("a/b/c") + "/"));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(cluster->data_dir(), Dir("a/b/c"));
}

TEST_F(EmbeddedClusterTest, NamesThePackageWhenNothingIsInstalled) {
  auto options = OptionsFor(Dir("c"));
  options.installation_roots = {Dir("no-such-root")};
  const auto cluster = EmbeddedCluster::Start(options);
  ASSERT_FALSE(cluster.ok());
  const ErrorInfo info = InfoOf(cluster.status());
  EXPECT_EQ(info.code, ErrorCode::kNoPostgresInstalled);
  EXPECT_EQ(info.exit_code, ExitCode::kTargetUnreachable);
  EXPECT_THAT(info.hint, HasSubstr("apt-get install postgresql"));
  EXPECT_FALSE(fs::exists(options.dir));
}

TEST_F(EmbeddedClusterTest, NamesTheVersionThatAClusterNeeds) {
  {
    ASSERT_TRUE(EmbeddedCluster::Start(OptionsFor(Dir("c"))).ok());
  }
  std::ofstream(Dir("c") + "/PG_VERSION") << "9\n";
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_FALSE(cluster.ok());
  EXPECT_THAT(InfoOf(cluster.status()).what, HasSubstr("made by PostgreSQL 9"));
}

TEST_F(EmbeddedClusterTest, ShowsTheServersLastWordsWhenItDoesNotStart) {
  {
    ASSERT_TRUE(EmbeddedCluster::Start(OptionsFor(Dir("c"))).ok());
  }
  std::ofstream(Dir("c") + "/lite2pg.conf", std::ios::app) << "no_such_setting = 1\n";
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_FALSE(cluster.ok());
  const ErrorInfo info = InfoOf(cluster.status());
  EXPECT_EQ(info.exit_code, ExitCode::kTargetUnreachable);
  EXPECT_THAT(info.server, HasSubstr("no_such_setting"));
}

TEST_F(EmbeddedClusterTest, StopsWhereverItIsWhenCancelled) {
  // Before anything, in the middle of initdb, and about when the server starts.
  for (const int after_ms : {0, 300, 1300}) {
    CancelToken cancel;
    auto options = OptionsFor(Dir(absl::StrCat("c", after_ms)));
    options.cancel = &cancel;
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
      cancel.Cancel();
    });
    const auto cluster = EmbeddedCluster::Start(options);
    canceller.join();
    if (!cluster.ok()) {
      EXPECT_EQ(InfoOf(cluster.status()).exit_code, ExitCode::kInterrupted) << cluster.status();
      EXPECT_EQ(ServerPid(options.dir), 0);
      // What is left does not stand in the way of the next try.
      options.cancel = nullptr;
      const auto again = EmbeddedCluster::Start(options);
      EXPECT_TRUE(again.ok()) << after_ms << ": " << again.status();
    } else {
      EXPECT_GT(after_ms, 1000) << "a fast machine was not cancelled in time";
    }
  }
}

TEST_F(EmbeddedClusterTest, RunsUntilCancelled) {
  auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  CancelToken cancel;
  std::thread canceller([&] {
    EXPECT_EQ(Ask(cluster->conninfo(), "SELECT 1"), "1");
    cancel.Cancel();
  });
  EXPECT_TRUE(cluster->RunUntil(cancel).ok());
  canceller.join();
}

// What only root meets.
class RootsClusterTest : public EmbeddedClusterTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root drops to another user";
    EmbeddedClusterTest::SetUp();
  }
};

TEST_F(RootsClusterTest, MovesWhereTheServersUserCannotEnter) {
  fs::create_directory(Dir("home"));
  ASSERT_EQ(chmod(Dir("home").c_str(), 0700), 0);
  const auto options = OptionsFor(Dir("home/shop.pgdata"));
  std::string moved_to;
  {
    const auto cluster = EmbeddedCluster::Start(options);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    EXPECT_TRUE(cluster->relocated());
    moved_to = cluster->data_dir();
    EXPECT_TRUE(absl::StartsWith(moved_to, options.relocation_base)) << moved_to;
    EXPECT_TRUE(fs::is_empty(Dir("home")));
    EXPECT_EQ(Ask(cluster->conninfo(), "CREATE TABLE t AS SELECT 42 AS n"), "");
  }
  // Both names find it again.
  for (const std::string& dir : {options.dir, moved_to}) {
    const auto cluster = EmbeddedCluster::Start(OptionsFor(dir));
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    EXPECT_FALSE(cluster->created());
    EXPECT_EQ(Ask(cluster->conninfo(), "SELECT n FROM t"), "42");
  }
}

TEST_F(RootsClusterTest, MakesDirectoriesThatTheServersUserCanEnterWhateverTheUmask) {
  const mode_t before = umask(077);
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("a/b/c")));
  umask(before);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_FALSE(cluster->relocated());
}

TEST_F(RootsClusterTest, RunsAsTheOwnerOfTheDirectory) {
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const uid_t uid = nobody->pw_uid;
  const gid_t gid = nobody->pw_gid;
  fs::create_directory(Dir("c"));
  ASSERT_EQ(chown(Dir("c").c_str(), uid, gid), 0);
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(cluster->os_user(), "nobody");
  struct stat info;
  ASSERT_EQ(stat((Dir("c") + "/PG_VERSION").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, uid);
}

TEST_F(RootsClusterTest, WorksFromADirectoryThatTheServersUserCannotEnter) {
  fs::create_directory(Dir("home"));
  ASSERT_EQ(chmod(Dir("home").c_str(), 0700), 0);
  const fs::path before = fs::current_path();
  fs::current_path(Dir("home"));
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  fs::current_path(before);
  EXPECT_TRUE(cluster.ok()) << cluster.status();
}

TEST_F(RootsClusterTest, DoesNotWriteThroughAPlantedLink) {
  std::string dir;
  {
    const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    dir = cluster->data_dir();
  }
  std::ofstream(Dir("victim")) << "precious";
  fs::remove(dir + "/server.log");
  fs::create_symlink(Dir("victim"), dir + "/server.log");
  const auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
  EXPECT_FALSE(cluster.ok());
  EXPECT_EQ(fs::file_size(Dir("victim")), 8u);
}

// An ordinary user's whole way, tried by root in a child that gave up being root.
TEST_F(RootsClusterTest, WorksForAnOrdinaryUserToo) {
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ASSERT_EQ(chown(base_.c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0) _exit(2);
    auto cluster = EmbeddedCluster::Start(OptionsFor(Dir("c")));
    if (!cluster.ok()) {
      fputs(cluster.status().ToString().c_str(), stderr);
      _exit(3);
    }
    const bool works = Ask(cluster->conninfo(), "SELECT 1") == "1";
    _exit(works && cluster->Stop().ok() ? 0 : 4);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ChildProcess, SaysWhyAProgramCannotBeStarted) {
  const auto result = RunChild({"/no/such/program"}, CurrentOsUser(), nullptr);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("No such file or directory"));
}

TEST(ChildProcess, HandsOverArgumentsUntouchedAndNoSecrets) {
  const ScopedVariable password("PGPASSWORD", "canary");
  const auto result = RunChild({"/usr/bin/env", "printf", "%s|", "a b", "$(x)", "'"},
                               CurrentOsUser(), nullptr);
  const auto environment = RunChild({"/usr/bin/env"}, CurrentOsUser(), nullptr);
  ASSERT_TRUE(result.ok() && environment.ok());
  EXPECT_EQ(result->output, "a b|$(x)|'|");
  EXPECT_FALSE(absl::StrContains(environment->output, "canary"));
}

TEST(ChildProcess, EndsWhenCancelled) {
  CancelToken cancel;
  cancel.Cancel();
  const auto result = RunChild({"/bin/sleep", "60"}, CurrentOsUser(), &cancel);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(InfoOf(result.status()).exit_code, ExitCode::kInterrupted);
}

TEST(ChildProcess, TellsTheExitCodeAndTheSignal) {
  EXPECT_EQ(RunChild({"/bin/sh", "-c", "exit 3"}, CurrentOsUser(), nullptr)->exit_code, 3);
  EXPECT_EQ(RunChild({"/bin/sh", "-c", "kill -9 $$"}, CurrentOsUser(), nullptr)->exit_code, 137);
}

TEST(ChildProcess, WaitsForNothingThatWasLeftInTheBackground) {
  const auto begun = std::chrono::steady_clock::now();
  const auto result = RunChild({"/bin/sh", "-c", "sleep 20 & echo started; exit 3"},
                               CurrentOsUser(), nullptr);
  ASSERT_TRUE(result.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "started\n");
}

TEST(ChildProcess, KeepsOurFilesFromTheChild) {
  const int fd = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  const auto result = RunChild({"/bin/ls", "/proc/self/fd"}, CurrentOsUser(), nullptr);
  close(fd);
  ASSERT_TRUE(result.ok());
  // 3 is ls's own look at the directory.
  EXPECT_EQ(result->output, "0\n1\n2\n3\n");
}

}  // namespace
}  // namespace lite2pg
