// Which libpq the program runs with.
#ifndef LITE2PG_ENGINE_POSTGRES_VERSION_H_
#define LITE2PG_ENGINE_POSTGRES_VERSION_H_

#include <string>

namespace lite2pg {

std::string LibpqVersion();  // "15.20"; any thread

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_VERSION_H_
