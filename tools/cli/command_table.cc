// The rows of the commands.
#include "tools/cli/option_table.h"

namespace lite2pg {
namespace {

constexpr CommandRow kCommands[kCommandCount] = {
    {.id = CommandId::kCopy,
     .name = "copy",
     .arguments = "SOURCE [TARGET]",
     .arguments_min = 1,
     .arguments_max = 2,
     .summary = "create what is missing, copy, index, constrain, reset sequences, verify, publish",
     .description =
         "Copies an SQLite database into PostgreSQL and proves that both are equal.\n\n"
         "SOURCE is an SQLite file (a path or a file: URI), opened read-only. TARGET is a libpq "
         "URI or conninfo string, or pgdata:DIR for an embedded cluster that lite2pg creates with "
         "the machine's own PostgreSQL. Without TARGET it is pgdata: beside the source (shop.db "
         "becomes shop.pgdata), unless PGHOST or the like name a server, which is refused as "
         "ambiguous; postgresql:// as TARGET means what these variables say."},
    {.id = CommandId::kPlan,
     .name = "plan",
     .arguments = "SOURCE [TARGET]",
     .arguments_min = 1,
     .arguments_max = 2,
     .summary = "everything copy would do, with evidence; changes nothing",
     .description =
         "Shows the type of every column and why it was chosen, the order of loading, and the "
         "findings, first those that would stop a copy. Writes nothing on either side and never "
         "creates a cluster. The same as copy --dry-run."},
    {.id = CommandId::kVerify,
     .name = "verify",
     .arguments = "A [B]",
     .arguments_min = 1,
     .arguments_max = 2,
     .summary = "compare contents, down to the rows and columns that differ",
     .description =
         "Each of A and B is an SQLite file, an archive (a directory), or a target. With one of "
         "them, it is checked against its own record: an archive's manifest, a target's last run, "
         "or --certificate FILE."},
    {.id = CommandId::kSync,
     .name = "sync",
     .arguments = "SOURCE TARGET",
     .arguments_min = 2,
     .arguments_max = 2,
     .summary = "re-copy only the key ranges that differ, until both sides are equal",
     .description = "Compares both sides and replaces in the target what differs."},
    {.id = CommandId::kExport,
     .name = "export",
     .arguments = "SOURCE DIR",
     .arguments_min = 2,
     .arguments_max = 2,
     .summary = "checksummed archive: binary COPY files, schema and manifest",
     .description = "Writes an archive that import loads on another machine."},
    {.id = CommandId::kImport,
     .name = "import",
     .arguments = "DIR [TARGET]",
     .arguments_min = 1,
     .arguments_max = 2,
     .summary = "load such an archive, checking every checksum before and after",
     .description = "Nothing in the archive is trusted; its SQL files are never executed."},
    {.id = CommandId::kRevert,
     .name = "revert",
     .arguments = "TARGET SQLITE_FILE",
     .arguments_min = 2,
     .arguments_max = 2,
     .summary = "PostgreSQL back to a new SQLite file, in the original representation",
     .description = "SQLITE_FILE must not exist yet."},
    {.id = CommandId::kStatus,
     .name = "status",
     .arguments = "TARGET",
     .arguments_min = 1,
     .arguments_max = 1,
     .summary = "runs recorded on this target: state, progress, what can be resumed",
     .description =
         "Reads lite2pg's own record on the target; changes nothing. Shows every run with its "
         "state, its stage and what is committed of it, the definitions that it has set aside, "
         "and the command that goes on with it."},
    {.id = CommandId::kClean,
     .name = "clean",
     .arguments = "TARGET",
     .arguments_min = 1,
     .arguments_max = 1,
     .summary = "remove lite2pg's own bookkeeping from the target",
     .description =
         "Copied tables stay. What runs that did not finish have staged goes, and rows set aside "
         "go with the bookkeeping; so this is refused (exit 11) while a run can be resumed, "
         "definitions of the application's tables are set aside, or rows set aside were not "
         "written to a file. --force takes all of that back first."},
    {.id = CommandId::kServe,
     .name = "serve",
     .arguments = "DIR",
     .arguments_min = 1,
     .arguments_max = 1,
     .summary = "run the embedded cluster in DIR in the foreground",
     .description =
         "Prints the cluster's connection string and runs it until interrupted (Ctrl-C)."},
};

}  // namespace

absl::Span<const CommandRow> AllCommands() { return kCommands; }

const CommandRow* FindCommand(absl::string_view name) {
  for (const CommandRow& row : kCommands) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

const CommandRow& CommandOf(CommandId id) { return kCommands[static_cast<size_t>(id)]; }

}  // namespace lite2pg
