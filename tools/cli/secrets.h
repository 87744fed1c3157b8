// Passwords that a user puts on the command line: taken out of sight, and kept out of every output.
#ifndef LITE2PG_TOOLS_CLI_SECRETS_H_
#define LITE2PG_TOOLS_CLI_SECRETS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/report/event.h"
#include "engine/report/report.h"

namespace lite2pg {

// Offset and length of every password in a URI or key=value conninfo; empty for other text. When a
// string is malformed, rather too much is taken for a secret than too little.
std::vector<std::pair<size_t, size_t>> FindSecrets(absl::string_view argument);

// Removes known secrets from text before it is shown. Immutable after construction; any thread.
class Redactor {
 public:
  Redactor() = default;
  explicit Redactor(std::vector<std::string> secrets);

  std::string Clean(absl::string_view text) const;
  void Clean(ErrorInfo* error) const;
  void Clean(Report* report) const;
  void Clean(Event* event) const;
  bool empty() const { return secrets_.empty(); }

 private:
  std::vector<std::string> secrets_;  // longest first
};

// The secrets of all arguments, as written and percent-decoded.
std::vector<std::string> SecretsOfArguments(const std::vector<std::string>& arguments);

// Overwrites the passwords inside argv itself, which every user of the machine can read. Call it
// before anything else, after the arguments were copied. True if there was one.
bool WipeArguments(int argc, char** argv);

// From now on the process leaves no core file: one would hold passwords and rows.
void LeaveNoCore();

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_SECRETS_H_
