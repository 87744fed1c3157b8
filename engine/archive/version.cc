#include "engine/archive/version.h"

#include <openssl/crypto.h>

namespace lite2pg {

std::string OpensslVersion() { return OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace lite2pg
