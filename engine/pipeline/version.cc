#include "engine/pipeline/version.h"

#include <oneapi/tbb/version.h>

namespace lite2pg {

std::string TbbVersion() { return TBB_runtime_version(); }

}  // namespace lite2pg
