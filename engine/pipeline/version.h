// Which oneTBB the program runs with.
#ifndef LITE2PG_ENGINE_PIPELINE_VERSION_H_
#define LITE2PG_ENGINE_PIPELINE_VERSION_H_

#include <string>

namespace lite2pg {

std::string TbbVersion();  // "2021.8.0"; any thread

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_VERSION_H_
