// What the flags and the configuration file said, before it becomes the Request of one command.
#ifndef LITE2PG_TOOLS_CLI_SETTINGS_H_
#define LITE2PG_TOOLS_CLI_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/command/request.h"

namespace lite2pg {

// In the order of help and documentation.
enum class CommandId : uint8_t {
  kCopy,
  kPlan,
  kVerify,
  kSync,
  kExport,
  kImport,
  kRevert,
  kStatus,
  kClean,
  kServe,
};
inline constexpr int kCommandCount = 10;

enum class ProgressMode : uint8_t { kAuto, kAlways, kNever, kJson };
enum class OutputFormat : uint8_t { kText, kJson };

struct OutputOptions {
  OutputFormat format = OutputFormat::kText;
  ProgressMode progress = ProgressMode::kAuto;
  bool quiet = false;
  bool verbose = false;
  int times_verbose = 0;  // how often it was said
  bool no_color = false;
  std::vector<std::string> report_files;
  std::string write_config;  // plan: file to write; "": none
};

struct Settings {
  CommonOptions common;
  SchemaMode schema_mode = SchemaMode::kAuto;
  ExistingRows existing_rows = ExistingRows::kRefuse;
  LoadPolicy policy;
  SqlHooks hooks;
  std::vector<std::string> order;
  std::vector<Expectation> expect;
  bool require_idle = false;
  bool resume = false, restart = false, dry_run = false, deep = false, force_source = false;
  PublishMode publish = PublishMode::kAtOnce;
  bool aggregates = false, compress = false, probe = false;
  bool undo_sql = false, empty_sql = false, force = false;
  uint64_t max_differences = 100;
  double sample_percent = 100;
  std::string join;
  std::string write_certificate, certificate, only_rejects, coercion_log;
  std::string config_file;
  OutputOptions output;
  bool help = false, version = false;
};

// The environment as a function, so that tests can bring their own. nullptr: not set.
using Environment = std::function<const char*(const char* name)>;

// One thing that is wrong with what the user asked for.
struct Problem {
  ErrorCode code = ErrorCode::kUsage;  // kUsage, or kConfig when it stands in the file
  std::string text;                    // one sentence without a full stop
};

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_SETTINGS_H_
