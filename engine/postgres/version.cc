#include "engine/postgres/version.h"

#include <libpq-fe.h>

#include "absl/strings/str_cat.h"

namespace lite2pg {

// Since PostgreSQL 10: major * 10000 + minor.
std::string LibpqVersion() {
  const int version = PQlibVersion();
  return absl::StrCat(version / 10000, ".", version % 10000);
}

}  // namespace lite2pg
