// What a user asks for: one plain struct per command, with every default beside its field.
//
// Filled and checked once by tools/cli from the flags and the configuration file; nothing below
// reads a flag, a file of options or an environment variable. Plain values: copy them freely.
#ifndef LITE2PG_ENGINE_COMMAND_REQUEST_H_
#define LITE2PG_ENGINE_COMMAND_REQUEST_H_

#include <string>
#include <vector>

#include "engine/plan/options.h"

namespace lite2pg {

// Where PostgreSQL is: a conninfo for libpq, or the directory of an embedded cluster.
struct TargetSpec {
  std::string conninfo;    // URI or key=value; "" lets libpq's own environment decide
  std::string pgdata_dir;  // not empty: an embedded cluster lives, or is created, there
  bool given = false;      // false: none was named; pgdata_dir then holds the default beside the
                           // source

  bool embedded() const { return !pgdata_dir.empty(); }
};

// A command of the user's: before pre-data; after the data stage, once for each table; after
// verify; after publish; or after a failure.
struct ExecHook {
  std::string stage;      // pre-data, table, verify, publish, failure
  std::string command;    // for /bin/sh
  bool may_fail = false;  // its failure is a warning
};

// What the source must say of itself before anything is done.
struct Expectation {
  std::string table, column;  // table "": SQLite's user_version or application_id
  std::string value;
};

// SQL files and commands of the user's.
struct SqlHooks {
  std::string before_file;  // before pre-data; a failure stops the run
  std::string after_file;   // after publish; a failure keeps the data, exit 8
  std::vector<ExecHook> commands;
  int exec_timeout_seconds = 600;  // for each command
};

// copy, and plan (dry_run).
struct CopyRequest {
  CommonOptions common;
  std::string source;  // path or file: URI
  TargetSpec target;
  SchemaMode schema_mode = SchemaMode::kAuto;
  ExistingRows existing_rows = ExistingRows::kRefuse;
  LoadPolicy policy;
  SqlHooks hooks;
  std::vector<std::string> order;  // source tables to load first
  ResumeMode resume = ResumeMode::kFresh;
  std::string join;                // load a part of this run, which another process leads; "": no
  std::vector<Expectation> expect;
  bool require_idle = false;       // no other process may have the source open
  bool dry_run = false;            // plan only: nothing is written anywhere, no cluster is created
  PublishMode publish = PublishMode::kAtOnce;
  bool probe = false;              // plan: measure the target by a burst into a temporary table
  bool deep = false;               // also look for orphans and duplicates before anything is loaded
  std::string write_certificate;   // file to write; "": none
  std::string only_rejects;        // file of mended rows to load instead of the source's
  std::string command_line;        // what the user typed, for next steps; without secrets
  std::string coercion_log;        // file of every value that becomes another; "": none
};
using PlanRequest = CopyRequest;   // with dry_run set

// One of the things that verify compares.
struct Side {
  enum class Kind : uint8_t { kNone, kSqlite, kArchive, kTarget };
  Kind kind = Kind::kNone;
  std::string path;   // kSqlite, kArchive
  TargetSpec target;  // kTarget
};

struct VerifyRequest {
  CommonOptions common;
  Side a, b;                      // b is kNone: a against its own record
  std::string certificate;        // compare with this file
  std::string write_certificate;
  uint64_t max_differences = 100;  // rows described per table; all are counted
  double sample_percent = 100;     // of the keys, chosen by their hash
  bool aggregates = false;         // per column of both sides; one more read of each
};

struct StatusRequest {
  CommonOptions common;
  TargetSpec target;
  bool undo_sql = false;   // only the statements that take the last finished run back
  bool empty_sql = false;  // only those that empty the tables it copied
};

struct CleanRequest {
  CommonOptions common;
  TargetSpec target;
  bool force = false;  // take unfinished runs back, and drop rows set aside
};

struct ServeRequest {
  CommonOptions common;
  std::string dir;  // of an embedded cluster
};

struct ExportRequest {
  CommonOptions common;
  std::string source, dir;
  ResumeMode resume = ResumeMode::kFresh;
  bool compress = false;  // data files, by zstd
};

struct ImportRequest {
  CommonOptions common;
  std::string dir;
  TargetSpec target;
  SchemaMode schema_mode = SchemaMode::kAuto;
  ExistingRows existing_rows = ExistingRows::kRefuse;
  LoadPolicy policy;
  SqlHooks hooks;
  std::vector<std::string> order;
  ResumeMode resume = ResumeMode::kFresh;
  std::string command_line;  // as in CopyRequest
};

struct SyncRequest {
  CommonOptions common;
  std::string source;
  TargetSpec target;
  LoadPolicy policy;
  bool force_source = false;  // also over what others have changed on the target since
};

struct RevertRequest {
  CommonOptions common;
  TargetSpec target;
  std::string sqlite_file;  // must not exist
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REQUEST_H_
