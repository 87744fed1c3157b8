// The stages of every command, in order. Log lines, progress, JSON and docs use these names.
#ifndef LITE2PG_ENGINE_BASE_STAGE_H_
#define LITE2PG_ENGINE_BASE_STAGE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace lite2pg {

enum class Stage : uint8_t {
  kInspect,
  kPlan,
  kPreData,
  kData,
  kPostData,
  kSequences,
  kVerify,
  kPublish,
  kReport,
};
inline constexpr size_t kStageCount = 9;

inline constexpr absl::string_view kStageNames[kStageCount] = {
    "inspect", "plan", "pre-data", "data", "post-data", "sequences", "verify", "publish", "report"};

constexpr absl::string_view StageName(Stage stage) {
  return kStageNames[static_cast<size_t>(stage)];
}

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_STAGE_H_
