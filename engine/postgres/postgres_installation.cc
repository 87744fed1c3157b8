#include "engine/postgres/postgres_installation.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "engine/base/error.h"

namespace lite2pg {
namespace {

namespace fs = std::filesystem;

// Debian and Ubuntu; PGDG's packages for RPM systems; Homebrew; the default of a build by hand.
constexpr const char* kUsualRoots[] = {"/usr/lib/postgresql", "/usr", "/opt/homebrew/opt",
                                       "/usr/local/opt", "/usr/local/pgsql"};

bool HoldsServer(const fs::path& bin_dir) {
  return access((bin_dir / "postgres").c_str(), X_OK) == 0 &&
         access((bin_dir / "initdb").c_str(), X_OK) == 0;
}

// 15 of "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)" or "postgres (PostgreSQL) 17beta1".
std::optional<int> VersionOf(const fs::path& bin_dir, const OsUser& user,
                             const CancelToken* cancel) {
  const absl::StatusOr<ChildResult> result =
      RunChild({(bin_dir / "postgres").string(), "--version"}, user, cancel);
  if (!result.ok() || result->exit_code != 0) return std::nullopt;
  const size_t digits = result->output.find_first_of("0123456789");
  if (digits == std::string::npos) return std::nullopt;
  const size_t end = result->output.find_first_not_of("0123456789", digits);
  int version = 0;
  if (!absl::SimpleAtoi(result->output.substr(digits, end - digits), &version)) return std::nullopt;
  return version;
}

// ROOT/bin, ROOT/15/bin, ROOT/pgsql-15/bin and ROOT/postgresql@15/bin.
std::vector<fs::path> BinDirsBelow(const fs::path& root) {
  std::vector<fs::path> found;
  if (HoldsServer(root / "bin")) found.push_back(root / "bin");
  std::error_code error;
  fs::directory_iterator entry(root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool versioned = !name.empty() && name.back() >= '0' && name.back() <= '9';
    if (versioned && HoldsServer(entry->path() / "bin")) found.push_back(entry->path() / "bin");
  }
  return found;
}

std::vector<fs::path> BinDirsOfEnvironment(const OsUser& user, const CancelToken* cancel) {
  std::vector<fs::path> found;
  const char* path = getenv("PATH");
  if (path == nullptr) return found;
  for (const absl::string_view part : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    const fs::path dir = std::string(part);
    if (!dir.is_absolute()) continue;
    const fs::path pg_config = dir / "pg_config";
    if (access(pg_config.c_str(), X_OK) == 0) {
      const absl::StatusOr<ChildResult> result =
          RunChild({pg_config.string(), "--bindir"}, user, cancel);
      if (result.ok() && result->exit_code == 0) {
        found.push_back(std::string(absl::StripSuffix(result->output, "\n")));
      }
    }
    found.push_back(dir);
  }
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const fs::path& dir) { return !HoldsServer(dir); }),
              found.end());
  return found;
}

}  // namespace

std::vector<PostgresInstallation> FindPostgresInstallations(
    const OsUser& user, const std::vector<std::string>& roots, const CancelToken* cancel) {
  std::vector<fs::path> dirs;
  if (roots.empty()) {
    for (const char* root : kUsualRoots) {
      for (fs::path& dir : BinDirsBelow(root)) dirs.push_back(std::move(dir));
    }
    if (dirs.empty()) dirs = BinDirsOfEnvironment(user, cancel);
  } else {
    for (const std::string& root : roots) {
      for (fs::path& dir : BinDirsBelow(root)) dirs.push_back(std::move(dir));
    }
  }
  std::vector<PostgresInstallation> installations;
  for (const fs::path& dir : dirs) {
    const std::optional<int> version = VersionOf(dir, user, cancel);
    if (version.has_value()) installations.push_back({dir.string(), *version});
  }
  std::stable_sort(installations.begin(), installations.end(),
                   [](const PostgresInstallation& a, const PostgresInstallation& b) {
                     return a.major_version > b.major_version;
                   });
  return installations;
}

absl::StatusOr<PostgresInstallation> ChooseInstallation(
    const std::vector<PostgresInstallation>& installations, int major_version) {
  for (const PostgresInstallation& installation : installations) {
    if (major_version == 0 || installation.major_version == major_version) return installation;
  }
  if (major_version == 0) {
    return MakeError(ErrorCode::kNoPostgresInstalled, ExitCode::kTargetUnreachable,
                     "no PostgreSQL server is installed on this machine",
                     "install it (Debian: apt-get install postgresql), or name the connection "
                     "string of a running server as the target");
  }
  return MakeError(
      ErrorCode::kNoPostgresInstalled, ExitCode::kTargetUnreachable,
      absl::StrCat("the cluster was made by PostgreSQL ", major_version,
                   ", which is not installed on this machine"),
      absl::StrCat("install it (Debian: apt-get install postgresql-", major_version,
                   "), or name another directory for a new cluster"));
}

}  // namespace lite2pg
