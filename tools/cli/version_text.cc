// Versions of what the program is made of: libraries loaded at run time as they say of themselves,
// headers as they were compiled in.
#include <CLI/Version.hpp>
#include <simdjson.h>
#include <toml++/impl/version.h>
#include <xxhash.h>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "engine/archive/version.h"
#include "engine/base/failpoint.h"
#include "engine/pipeline/version.h"
#include "engine/postgres/version.h"
#include "engine/sqlite/version.h"
#include "nlohmann/json.hpp"
#include "tools/cli/app.h"

namespace lite2pg {
namespace {

#ifdef ABSL_LTS_RELEASE_VERSION
constexpr int kAbseil = ABSL_LTS_RELEASE_VERSION;
#else
constexpr int kAbseil = 0;  // not a release
#endif

std::string Dotted(int major, int minor, int patch) {
  return absl::StrCat(major, ".", minor, ".", patch);
}

std::string XxhashVersion() {
  const unsigned number = XXH_versionNumber();
  return absl::StrCat(number / 10000, ".", number / 100 % 100, ".", number % 100);
}

}  // namespace

std::string VersionText() {
  return absl::StrCat(
      "lite2pg ", LITE2PG_VERSION, "\nlibpq ", LibpqVersion(), "\nSQLite ", SqliteVersion(),
      "\noneTBB ", TbbVersion(), "\nOpenSSL ", OpensslVersion(), "\nzstd ", ZstdVersion(),
      "\nxxHash ", XxhashVersion(),
      "\nAbseil ", kAbseil, "\nsimdjson ",
      Dotted(simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR,
             simdjson::SIMDJSON_VERSION_REVISION),
      "\nnlohmann/json ",
      Dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH),
      "\nCLI11 ", CLI11_VERSION, "\ntoml++ ",
      Dotted(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH), "\n",
      HasFailpoints() ? "failpoints are built in: a build for tests\n" : "");
}

}  // namespace lite2pg
