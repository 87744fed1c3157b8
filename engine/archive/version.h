// The versions of the libraries that check and compress archives.
#ifndef LITE2PG_ENGINE_ARCHIVE_VERSION_H_
#define LITE2PG_ENGINE_ARCHIVE_VERSION_H_

#include <string>

namespace lite2pg {

std::string OpensslVersion();
std::string ZstdVersion();

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_VERSION_H_
