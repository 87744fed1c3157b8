#include "engine/postgres/dialects/dialect.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace lite2pg {
namespace {

// Servers of another make stand before extensions, which they may carry as well.
constexpr const Dialect* kDialects[] = {&kCockroachDialect, &kYugabyteDialect, &kCitusDialect,
                                        &kTimescaleDialect, &kPostgresDialect};

}  // namespace

absl::Span<const Dialect* const> AllDialects() { return kDialects; }

const Dialect& DialectNamed(absl::string_view name) {
  for (const Dialect* dialect : kDialects) {
    if (dialect->name == name) return *dialect;
  }
  return kPostgresDialect;
}

const Dialect& DetectDialect(absl::string_view version, absl::Span<const std::string> extensions) {
  for (const Dialect* dialect : kDialects) {
    if (!dialect->marker.empty() && absl::StrContains(version, dialect->marker)) return *dialect;
    const auto is_it = [dialect](const std::string& name) { return dialect->extension == name; };
    if (!dialect->extension.empty() &&
        std::any_of(extensions.begin(), extensions.end(), is_it)) {
      return *dialect;
    }
  }
  return kPostgresDialect;
}

}  // namespace lite2pg
