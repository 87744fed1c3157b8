// The version of the library that computes archives' checksums.
#ifndef LITE2PG_ENGINE_ARCHIVE_VERSION_H_
#define LITE2PG_ENGINE_ARCHIVE_VERSION_H_

#include <string>

namespace lite2pg {

std::string OpensslVersion();

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_VERSION_H_
