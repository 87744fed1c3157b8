// The rows of the options, in the order of help. A new option is a row here and a test.
#include "tools/cli/option_table.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/memory_share.h"
#include "tools/cli/option_apply.h"
#include "tools/cli/option_choices.h"
#include "tools/cli/option_values.h"

namespace lite2pg {
namespace {

constexpr CommandSet kCopyOnly = Only(CommandId::kCopy);
constexpr CommandSet kCopyPlan = kCopyOnly | Only(CommandId::kPlan);
constexpr CommandSet kCopyImport = kCopyOnly | Only(CommandId::kImport);
constexpr CommandSet kCopyImportExport = kCopyImport | Only(CommandId::kExport);
constexpr CommandSet kCopySync = kCopyOnly | Only(CommandId::kSync);
constexpr CommandSet kCopyImportSync = kCopyImport | kCopySync;
constexpr CommandSet kCopyPlanImport = kCopyPlan | kCopyImport;
constexpr CommandSet kCopyPlanVerifyExport =
    kCopyPlan | Only(CommandId::kVerify) | Only(CommandId::kExport);
constexpr CommandSet kReadsSqlite = kCopyPlanVerifyExport | kCopySync;

constexpr OptionRow kOptions[] = {
    {.name = "schema-mode",
     .value = "auto|create|existing|mixed",
     .commands = kCopyPlanImport,
     .default_text = "auto",
     .help = "create: refuse if a table is there; existing: load only into tables that are there, "
             "matched by name; mixed: create those without a partner; auto: existing if any table "
             "matches, else create",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kSchemaModes, &s->schema_mode); }},
    {.name = "target-schema",
     .value = "NAME",
     .default_text = "public",
     .help = "schema in the target",
     .apply = [](absl::string_view v,
                 Settings* s) { return NotEmpty(v, &s->common.target_schema); }},
    {.name = "identifiers",
     .value = "preserve|lower",
     .commands = kCopyPlan | Only(CommandId::kExport),
     .default_text = "preserve",
     .help = "names of created objects",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kIdentifierChoices, &s->common.identifiers); }},
    {.name = "include",
     .value = "GLOB",
     .commands = kReadsSqlite,
     .help = "only tables whose name matches",
     .repeatable = true,
     .apply = [](absl::string_view v, Settings* s) { return ApplyGlob(v, &s->common.include); },
     .clear = [](Settings* s) { s->common.include.clear(); }},
    {.name = "exclude",
     .value = "GLOB",
     .commands = kReadsSqlite,
     .help = "not tables whose name matches",
     .repeatable = true,
     .apply = [](absl::string_view v, Settings* s) { return ApplyGlob(v, &s->common.exclude); },
     .clear = [](Settings* s) { s->common.exclude.clear(); }},
    {.name = "existing-rows",
     .value = "refuse|skip-equal|skip|upsert|replace",
     .commands = kCopyImport,
     .default_text = "refuse",
     .help = "when a target table already has rows. refuse: stop; skip-equal: pass rows whose key "
             "and values are equal, refuse others; skip: keep the target's row for an equal key; "
             "upsert: update by key; replace: empty the table first, only where nothing else "
             "refers to it",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kExistingRowsChoices, &s->existing_rows); }},
    {.name = "on-bad-value",
     .value = "stop|reject",
     .commands = kCopyImportSync,
     .default_text = "stop",
     .help = "a value that has no faithful form in its target column: stop and leave nothing "
             "behind, or set the row aside in lite2pg.reject",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kBadValueChoices, &s->policy.on_bad_value); }},
    {.name = "rejects",
     .value = "FILE",
     .commands = kCopyImportSync,
     .help = "also write the rows set aside to FILE: .ndjson, or .sqlite with the original tables "
             "and untouched values",
     .apply = ApplyRejects},
    {.name = "max-rejects",
     .value = "N|P%",
     .commands = kCopyImportSync,
     .default_text = "1000",
     .help = "stop when more rows are set aside",
     .apply = [](absl::string_view v, Settings* s) { return ParseMaxRejects(v, &s->policy); }},
    {.name = "orphans",
     .value = "not-valid|stop|reject",
     .commands = kCopyImport,
     .default_text = "not-valid",
     .help = "rows whose foreign key points nowhere. not-valid: keep them and create the key NOT "
             "VALID with a finding; stop; reject: set them aside",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kOrphanChoices, &s->policy.orphans); }},
    {.name = "strict",
     .commands = kCopyPlanImport,
     .help = "any warning (a constraint that the data violates, an object not carried, a widened "
             "type) stops before data is written",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->policy.strict); }},
    {.name = "deep",
     .commands = kCopyPlan,
     .help = "also look, before anything is loaded, for rows whose foreign key points nowhere and "
             "for keys that are equal in the target only; reads the tables once more",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->deep); }},
    {.name = "probe",
     .commands = Only(CommandId::kPlan),
     .help = "measure how fast the target takes rows, by a burst into a temporary table that is "
             "gone with the session, and say how long the copy will take; otherwise nothing is "
             "written and the time is only a guess",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->probe); }},
    {.name = "fts",
     .value = "content|tsvector",
     .commands = kCopyPlan,
     .default_text = "content",
     .help = "of full-text tables. content: an ordinary table with their text; tsvector: also a "
             "generated column with a GIN index to search it by; --exclude leaves them out",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kFullTextChoices, &s->common.full_text); }},
    {.name = "fill",
     .value = "TABLE.COLUMN=VALUE",
     .commands = kCopySync,
     .help = "put VALUE (a literal, or sql:EXPRESSION evaluated by the target) where the source "
             "is NULL or has no such column; counted in the report",
     .repeatable = true,
     .keyed = true,
     .apply = ApplyFill},
    {.name = "where",
     .value = "TABLE=CONDITION",
     .commands = kCopyPlanVerifyExport,
     .help = "copy part of a table; the report and later verifies say so",
     .repeatable = true,
     .keyed = true,
     .apply = ApplyWhere},
    {.name = "order",
     .value = "TABLE,TABLE,...",
     .commands = kCopyImport,
     .help = "these tables first, all others after",
     .apply = ApplyOrder,
     .clear = [](Settings* s) { s->order.clear(); }},
    {.name = "empty-as-null",
     .value = "TABLE.COLUMN",
     .commands = kCopySync,
     .help = "'' becomes NULL there; counted in the report",
     .repeatable = true,
     .apply = ApplyEmptyAsNull},
    {.name = "source-time-zone",
     .value = "ZONE",
     .commands = kCopySync | Only(CommandId::kVerify),
     .default_text = "UTC",
     .help = "zone of times without one that go into timestamptz",
     .apply = ApplyTimeZone},
    {.name = "config",
     .value = "FILE.toml",
     .help = "read options, renames, types and casts from FILE; a flag overrides it",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->config_file); }},
    {.name = "before-sql",
     .value = "FILE",
     .commands = kCopyImport,
     .help = "run on the target before tables are created; a failure stops the run",
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->hooks.before_file); }},
    {.name = "after-sql",
     .value = "FILE",
     .commands = kCopyImport,
     .help = "run on the target after publish; a failure keeps the data and gives exit code 8",
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->hooks.after_file); }},
    {.name = "exec",
     .value = "STAGE=COMMAND",
     .commands = kCopyOnly,
     .help =
         "run COMMAND (by /bin/sh) before pre-data, as soon as each table is loaded, after "
         "verify, after publish, or on failure: STAGE is pre-data, table, verify, publish or "
         "failure. Facts of the run are in its environment (LITE2PG_RUN_ID, LITE2PG_TABLE, ...; "
         "docs/operations.md has them). One that fails ends the run, before publish with nothing "
         "to be seen; STAGE=-COMMAND may fail",
     .repeatable = true,
     .apply = ApplyExec,
     .clear = [](Settings* s) { s->hooks.commands.clear(); }},
    {.name = "exec-timeout",
     .value = "SECONDS",
     .commands = kCopyOnly,
     .default_text = "600",
     .help = "how long each command of --exec may run",
     .apply = ApplyExecTimeout},
    {.name = "publish",
     .value = "at-once|batched",
     .commands = kCopyPlan,
     .default_text = "at-once",
     .help = "how tables that were created become visible: all in one transaction, or in several, "
             "for more tables than the server has locks for; between them only a part is there",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kPublishChoices, &s->publish); }},
    {.name = "private-copy",
     .commands = kReadsSqlite,
     .help = "first copy the source into a file of our own in TMPDIR (/var/tmp), through SQLite's "
             "backup interface, and read that: the application is kept from writing, or its WAL "
             "from being begun anew, only so long. Also for hot journals and directories that may "
             "not be written",
     .apply = ApplyPrivateCopy},
    {.name = "max-wal-growth",
     .value = "SIZE",
     .commands = kReadsSqlite,
     .help = "stop, with exit code 9, when the source's WAL has grown by more than this since "
             "reading began",
     .apply = ApplyMaxWalGrowth},
    {.name = "require-idle",
     .commands = kCopyPlan,
     .help = "stop when another process has the source open",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->require_idle); }},
    {.name = "expect",
     .value = "TABLE.COLUMN=VALUE",
     .commands = kCopyPlan,
     .help = "stop unless the column's greatest value is VALUE, for example a schema version; "
             "user_version=N asks SQLite's own number",
     .repeatable = true,
     .apply = ApplyExpect,
     .clear = [](Settings* s) { s->expect.clear(); }},
    {.name = "write-config",
     .value = "FILE.toml",
     .commands = Only(CommandId::kPlan),
     .help = "write a commented configuration file with every decision of the plan, ready to edit",
     .in_file = false,
     .apply = [](absl::string_view v,
                 Settings* s) { return NotEmpty(v, &s->output.write_config); }},
    {.name = "streams",
     .value = "N|auto",
     .commands = (kReadsSqlite & ~Only(CommandId::kPlan)) | Only(CommandId::kImport),
     .default_text = "auto",
     .help = "concurrent COPY streams",
     .apply = ApplyStreams},
    {.name = "memory",
     .value = "SIZE",
     .help = "ceiling for the resident memory of this program (not named: 256MiB, which one huge "
             "row may exceed)",
     .apply = ApplyMemory},
    {.name = "reader",
     .value = "auto|library|pages|both",
     .commands = kReadsSqlite,
     .default_text = "auto",
     .help = "how SQLite is read: through its library, directly from its pages, or both compared",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kReaderChoices, &s->common.reader); }},
    {.name = "check",
     .value = "full|off",
     .commands = kReadsSqlite,
     .default_text = "full",
     .help = "SQLite's quick_check beside the other stages, before publish",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kCheckChoices, &s->common.check); }},
    {.name = "write-certificate",
     .value = "FILE",
     .commands = kCopyOnly | Only(CommandId::kVerify),
     .help = "write a certificate of what was compared",
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->write_certificate); }},
    {.name = "certificate",
     .value = "FILE",
     .commands = Only(CommandId::kVerify),
     .help = "compare with this certificate",
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->certificate); }},
    {.name = "only-rejects",
     .value = "FILE",
     .commands = kCopyOnly,
     .help = "load rows set aside earlier, after they were mended",
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->only_rejects); }},
    {.name = "coercion-log",
     .value = "FILE",
     .commands = kCopyOnly,
     .help = "also write every value that is another in the target, before and after, to FILE, one "
             "line of JSON each; reads the source once more",
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->coercion_log); }},
    {.name = "verify",
     .value = "full|counts|off",
     .commands = kCopyImport | Only(CommandId::kVerify),
     .default_text = "full",
     .help = "compare contents, only counts, or nothing (after the copy; verify itself knows full "
             "and counts)",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kVerifyChoices, &s->common.verify); }},
    {.name = "max-differences",
     .value = "N",
     .commands = Only(CommandId::kVerify),
     .default_text = "100",
     .help = "rows that differ to describe per table; all are counted",
     .apply = ApplyMaxDifferences},
    {.name = "aggregates",
     .commands = Only(CommandId::kVerify),
     .help = "also show, for every column of both sides, numbers of values and NULLs, least and "
             "greatest value, sum, and an estimate of different values; reads both once more",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->aggregates); }},
    {.name = "sample",
     .value = "P%",
     .commands = Only(CommandId::kVerify),
     .default_text = "100%",
     .help = "compare only this part of the rows, chosen by a hash of their keys: the same ones "
             "every time",
     .apply = ApplySample},
    {.name = "resume",
     .commands = kCopyImportExport,
     .help = "continue the interrupted run, every row exactly once",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->resume); }},
    {.name = "restart",
     .commands = kCopyImportExport,
     .help = "drop the interrupted run and start over",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->restart); }},
    {.name = "compress",
     .commands = Only(CommandId::kExport),
     .help = "compress the archive's data files (zstd); psql loads them through zstd -dc",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->compress); }},
    {.name = "experimental",
     .commands = kCopyPlanImport | Only(CommandId::kSync),
     .help = "also into a server that is not PostgreSQL itself (Citus, TimescaleDB, CockroachDB, "
             "YugabyteDB), which no test has run against",
     .apply = [](absl::string_view v,
                 Settings* s) { return ChooseFlag(v, &s->common.experimental); }},
    {.name = "source-column",
     .value = "NAME",
     .commands = kCopyPlan | Only(CommandId::kVerify),
     .help = "SOURCE is a pattern of file names ('tenants/*.db', in quotes): all its files, which "
             "must have one schema, become one set of tables with this column more, which says "
             "which file a row is from",
     .apply = [](absl::string_view v,
                 Settings* s) { return NotEmpty(v, &s->common.source_column); }},
    {.name = "source-names",
     .value = "stem|name|path",
     .commands = kCopyPlan | Only(CommandId::kVerify),
     .default_text = "stem",
     .help = "what --source-column says of tenants/shop.db: shop, shop.db, or the path",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kFileNamesChoices, &s->common.source_names); }},
    {.name = "source",
     .value = "FILE",
     .commands = kCopyPlan | Only(CommandId::kVerify),
     .help = "with --source-column, one more file or pattern",
     .repeatable = true,
     .apply =
         [](absl::string_view v, Settings* s) {
           s->common.more_sources.emplace_back(v.data(), v.size());
           return absl::OkStatus();
         },
     .clear = [](Settings* s) { s->common.more_sources.clear(); }},
    {.name = "join",
     .value = "RUN",
     .commands = kCopyOnly,
     .help = "load a part of a run that another process leads, from the same file and with the "
             "same options, and end like it. RUN is its id or the beginning of it, as status shows "
             "it; latest is the newest run of this file, waited for if need be",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return NotEmpty(v, &s->join); }},
    {.name = "undo-sql",
     .commands = Only(CommandId::kStatus),
     .help = "print only the SQL that takes the last finished run back: drops what it created, and "
             "deletes exactly its rows from tables that were there",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->undo_sql); }},
    {.name = "empty-sql",
     .commands = Only(CommandId::kStatus),
     .help = "print only the SQL that empties the tables which the last finished run copied, and "
             "leaves them there",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->empty_sql); }},
    {.name = "force",
     .commands = Only(CommandId::kClean),
     .help = "take back what unfinished runs have left, put definitions back that they set aside, "
             "and drop rows set aside that were not written to a file",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->force); }},
    {.name = "force-source",
     .commands = Only(CommandId::kSync),
     .help = "make the target equal to the source also where others have changed it since the last "
             "run; what they wrote there is lost",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->force_source); }},
    {.name = "dry-run",
     .commands = kCopyOnly,
     .help = "the same as the command plan",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->dry_run); }},
    {.name = "report",
     .value = "FILE",
     .help = "write the report to FILE: .json for programs, .html as one page for people",
     .repeatable = true,
     .apply = ApplyReport,
     .clear = [](Settings* s) { s->output.report_files.clear(); }},
    {.name = "format",
     .value = "text|json",
     .default_text = "text",
     .help = "what goes to standard output",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kFormatChoices, &s->output.format); }},
    {.name = "progress",
     .value = "auto|always|never|json",
     .default_text = "auto",
     .help = "what goes to standard error meanwhile. auto: a live display on a terminal, plain "
             "lines elsewhere; json: one event per line",
     .apply = [](absl::string_view v,
                 Settings* s) { return Choose(v, kProgressChoices, &s->output.progress); }},
    {.name = "quiet",
     .letter = 'q',
     .help = "print only the outcome and errors",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->output.quiet); }},
    {.name = "verbose",
     .letter = 'v',
     .help = "print more: every table, object and log line. -vv: copy also writes its coercion "
             "log, into the current directory (SOURCE.coercions.ndjson) where --coercion-log "
             "names no other file",
     .apply =
         [](absl::string_view v, Settings* s) {
           RETURN_IF_ERROR(ChooseFlag(v, &s->output.verbose));
           s->output.times_verbose = s->output.verbose ? s->output.times_verbose + 1 : 0;
           return absl::OkStatus();
         }},
    {.name = "no-color",
     .help = "no colours; NO_COLOR in the environment does the same",
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->output.no_color); }},
    {.name = "version",
     .help = "print the versions of lite2pg and of the libraries that it runs with",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->version); }},
    {.name = "help",
     .letter = 'h',
     .help = "print this help",
     .in_file = false,
     .apply = [](absl::string_view v, Settings* s) { return ChooseFlag(v, &s->help); }},
};

}  // namespace

absl::Span<const OptionRow> AllOptions() { return kOptions; }

const OptionRow* FindOption(absl::string_view name) {
  for (const OptionRow& row : kOptions) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

const OptionRow* FindOptionByLetter(char letter) {
  for (const OptionRow& row : kOptions) {
    if (row.letter != 0 && row.letter == letter) return &row;
  }
  return nullptr;
}

absl::Status CheckSupported(const OptionRow& row, absl::string_view value) {
  const bool is_default = row.default_text[0] != '\0' && value == row.default_text;
  if (is_default || (row.is_flag() && value == "false")) return absl::OkStatus();
  if (row.supported == Supported::kNo) {
    return absl::UnimplementedError("is not part of this version yet");
  }
  if (row.only[0] == '\0') return absl::OkStatus();
  for (const absl::string_view works : absl::StrSplit(row.only, '|')) {
    if (value == works) return absl::OkStatus();
  }
  return absl::UnimplementedError(
      absl::StrCat("\"", EscapeForMessage(value), "\" is not part of this version yet"));
}

TableConfig* TableFor(absl::string_view table, Settings* settings) {
  for (TableConfig& config : settings->common.tables) {
    if (absl::EqualsIgnoreCase(config.name, table)) return &config;
  }
  settings->common.tables.emplace_back();
  settings->common.tables.back().name = std::string(table);
  return &settings->common.tables.back();
}

ColumnConfig* ColumnFor(absl::string_view column, TableConfig* table) {
  for (ColumnConfig& config : table->columns) {
    if (absl::EqualsIgnoreCase(config.name, column)) return &config;
  }
  table->columns.emplace_back();
  table->columns.back().name = std::string(column);
  return &table->columns.back();
}

}  // namespace lite2pg
