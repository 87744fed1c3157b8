// What users write: connection strings with a password somewhere, and configuration files. The
// password must be in nothing that is shown; a configuration is applied or its mistakes are named.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/postgres/conninfo.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cli/config_file.h"
#include "tools/cli/secrets.h"

namespace lite2pg {
namespace {

void CheckShown(const absl::Status& status, absl::string_view canary, absl::string_view conninfo) {
  if (status.ok()) return;
  const ErrorInfo info = InfoOf(status);
  for (const std::string* text : {&info.what, &info.hint, &info.server}) {
    Require(!absl::StrContains(*text, canary), "a password is shown", conninfo);
  }
}

// `input` is anything around a password that libpq would take for one.
void CheckConninfoWith(absl::string_view before, absl::string_view after) {
  const std::string canary = "cAnArY-7e1";
  const std::string uri = absl::StrCat("postgresql://", before, ":", canary, "@", after);
  const std::string pairs = absl::StrCat(before, " password=", canary, " ", after);
  const std::string quoted = absl::StrCat(before, " password = '", canary, "' ", after);
  for (const std::string& conninfo : {uri, pairs, quoted}) {
    // With NUL or '@' or the like before it libpq may not see a password there at all.
    CheckShown(CheckConninfo(conninfo), canary, conninfo);
    const Redactor redactor(SecretsOfArguments({conninfo}));
    const auto settings = EffectiveSettings(conninfo);
    const auto password = settings.find("password");
    if (password == settings.end() || password->second != canary) continue;
    Require(!absl::StrContains(redactor.Clean(conninfo), canary), "a password stays", conninfo);
  }
}

void CheckAny(absl::string_view conninfo) {
  for (const auto& [offset, length] : FindSecrets(conninfo)) {
    Require(offset <= conninfo.size() && length <= conninfo.size() - offset, "outside", conninfo);
  }
  const Redactor redactor(SecretsOfArguments({std::string(conninfo)}));
  redactor.Clean(conninfo);
  CheckConninfo(conninfo).IgnoreError();
}

void CheckConfig(CommandId command, absl::string_view text) {
  Settings settings;
  std::vector<Problem> problems;
  ApplyConfigText(text, "fuzz.toml", command, &settings, &problems);
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lite2pg;
  FuzzInput input(data, size);
  const uint8_t kind = input.Byte();
  if (kind == 'c') {
    const auto command = static_cast<CommandId>(input.Byte() % kCommandCount);
    CheckConfig(command, input.Rest());
    return 0;
  }
  const std::string text(input.Rest());
  const absl::string_view view = absl::string_view(text).substr(0, text.find('\0'));
  CheckAny(view);
  const size_t cut = view.find('|');
  if (cut != absl::string_view::npos) CheckConninfoWith(view.substr(0, cut), view.substr(cut + 1));
  return 0;
}
