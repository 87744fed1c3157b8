#include "tools/cli/validation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/text.h"
#include "engine/report/report_file.h"
#include "tools/cli/option_table.h"

namespace lite2pg {
namespace {

void Add(Invocation* invocation, std::string text) {
  invocation->problems.push_back({ErrorCode::kUsage, std::move(text)});
}

// A file that the run will read at its end must not turn out to be missing then.
void CheckReadable(absl::string_view option, const std::string& path, Invocation* invocation) {
  if (path.empty()) return;
  struct stat info{};
  if (stat(path.c_str(), &info) != 0 || access(path.c_str(), R_OK) != 0) {
    Add(invocation, absl::StrCat(option, ": cannot read ", EscapeName(path), ": ",
                                 std::strerror(errno)));
  } else if (S_ISDIR(info.st_mode)) {
    Add(invocation, absl::StrCat(option, ": ", EscapeName(path), " is a directory"));
  }
}

void CheckWritable(absl::string_view option, const std::string& path, Invocation* invocation) {
  if (path.empty()) return;
  const absl::Status status = CheckWritablePath(path);
  if (!status.ok()) Add(invocation, absl::StrCat(option, ": ", InfoOf(status).what));
}

// Two outputs in one file, or an output in place of the source, would lose one of them.
void CheckDistinct(Invocation* invocation) {
  const Settings& s = invocation->settings;
  std::vector<std::string> outputs = s.output.report_files;
  for (const std::string* path : {&s.policy.rejects_file, &s.write_certificate, &s.coercion_log}) {
    if (!path->empty()) outputs.push_back(*path);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (outputs[i] == outputs[j]) {
        Add(invocation, absl::StrCat(EscapeName(outputs[i]), " would be written twice"));
      }
    }
    for (const std::string& argument : invocation->arguments) {
      if (outputs[i] == argument) {
        Add(invocation, absl::StrCat(EscapeName(argument), " would be overwritten"));
      }
    }
  }
}

// -vv asks for the log of coercions without saying where: "dir/shop.db" gives
// "shop.coercions.ndjson" here.
void NameCoercionLog(Invocation* invocation) {
  Settings& s = invocation->settings;
  const bool wanted = invocation->command == CommandId::kCopy && !s.dry_run &&
                      s.output.times_verbose > 1 && !invocation->arguments.empty();
  if (!wanted || !s.coercion_log.empty()) return;
  std::string name = invocation->arguments[0];
  name = name.substr(0, name.find('?'));
  name.erase(0, name.find_last_of("/:") + 1);
  if (const size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0) name.resize(dot);
  s.coercion_log = absl::StrCat(name, ".coercions.ndjson");
}

void CheckManyFiles(Invocation* invocation) {
  const Settings& s = invocation->settings;
  if (s.common.source_column.empty()) {
    if (!s.common.more_sources.empty()) Add(invocation, "--source needs --source-column");
    return;
  }
  const auto refuse = [invocation](absl::string_view option) {
    Add(invocation, absl::StrCat("--source-column and ", option,
                                 ", which is about one file, exclude each other"));
  };
  if (!s.join.empty()) refuse("--join");
  if (s.deep) refuse("--deep");
  if (!s.only_rejects.empty()) refuse("--only-rejects");
  if (s.require_idle) refuse("--require-idle");
  if (invocation->command != CommandId::kVerify && !invocation->target.given) {
    Add(invocation, "--source-column needs a TARGET: no single file is there to stand beside");
  }
  if (invocation->command == CommandId::kVerify &&
      (invocation->a.kind != Side::Kind::kSqlite || invocation->b.kind != Side::Kind::kTarget)) {
    Add(invocation, "with --source-column, verify compares SQLite files with a target");
  }
}

// What only the process that leads a run does.
void CheckJoin(Invocation* invocation) {
  const Settings& s = invocation->settings;
  const auto refuse = [invocation](absl::string_view option) {
    Add(invocation, absl::StrCat("--join and ", option, " exclude each other"));
  };
  if (s.resume) refuse("--resume");
  if (s.restart) refuse("--restart");
  if (s.dry_run) refuse("--dry-run");
  if (!s.only_rejects.empty()) refuse("--only-rejects");
  if (invocation->target.embedded()) {
    Add(invocation, "--join needs a server that both processes reach, not an embedded cluster");
  }
}

}  // namespace

// Schemas that are the server's, or hold our own tables.
void CheckSchemaName(Invocation* invocation) {
  const std::string& name = invocation->settings.common.target_schema;
  switch (invocation->command) {
    case CommandId::kCopy:
    case CommandId::kPlan:
    case CommandId::kImport:
    case CommandId::kSync:
      break;
    default:
      return;
  }
  if (absl::StartsWith(name, "pg_") || name == "information_schema") {
    Add(invocation, absl::StrCat("--target-schema: ", EscapeName(name),
                                 " is a name that PostgreSQL keeps for itself"));
  } else if (name == "lite2pg") {
    Add(invocation, "--target-schema: the schema lite2pg holds the record of runs");
  }
}

void Validate(Invocation* invocation) {
  NameCoercionLog(invocation);
  const Settings& s = invocation->settings;
  if (s.resume && s.restart) Add(invocation, "--resume and --restart exclude each other");
  if (s.undo_sql && s.empty_sql) {
    Add(invocation, "--undo-sql and --empty-sql exclude each other");
  }
  if ((s.resume || s.restart) && s.dry_run) {
    Add(invocation, "--dry-run changes nothing, so there is nothing to --resume or --restart");
  }
  if (!s.join.empty()) CheckJoin(invocation);
  CheckManyFiles(invocation);
  CheckSchemaName(invocation);
  if (s.output.quiet && s.output.verbose) {
    Add(invocation, "--quiet and --verbose exclude each other");
  }
  if (invocation->command == CommandId::kVerify && s.common.verify == VerifyMode::kOff) {
    Add(invocation, "verify compares contents or counts: --verify off leaves nothing to do");
  }
  if (invocation->command == CommandId::kCopy && !s.write_certificate.empty() &&
      s.common.verify != VerifyMode::kFull) {
    Add(invocation, "--write-certificate needs --verify full: a certificate says that everything "
                    "was found equal");
  }
  if (!s.certificate.empty() && invocation->b.kind != Side::Kind::kNone) {
    Add(invocation, "--certificate stands for the second side, but two sides are given");
  }
  if (!s.policy.rejects_file.empty() && s.policy.on_bad_value == OnBadValue::kStop &&
      s.policy.orphans != Orphans::kReject) {
    Add(invocation, "--rejects needs --on-bad-value reject or --orphans reject: no row is set "
                    "aside otherwise");
  }
  CheckReadable("--before-sql", s.hooks.before_file, invocation);
  CheckReadable("--after-sql", s.hooks.after_file, invocation);
  CheckReadable("--certificate", s.certificate, invocation);
  CheckReadable("--only-rejects", s.only_rejects, invocation);
  for (const std::string& path : s.output.report_files) CheckWritable("--report", path, invocation);
  CheckWritable("--rejects", s.policy.rejects_file, invocation);
  CheckWritable("--coercion-log", s.coercion_log, invocation);
  CheckWritable("--write-certificate", s.write_certificate, invocation);
  CheckDistinct(invocation);
}

}  // namespace lite2pg
