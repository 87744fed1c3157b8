#include "engine/archive/version.h"

#include <openssl/crypto.h>
#include <zstd.h>

namespace lite2pg {

std::string OpensslVersion() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

std::string ZstdVersion() { return ZSTD_versionString(); }

}  // namespace lite2pg
