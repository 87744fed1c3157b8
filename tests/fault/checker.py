"""The invariants that hold after every trial, proved by reading both sides independently of lite2pg
(tests/support/compare.py):

I1  after success, target = source - rows set aside, exactly, as multisets of rows
I2  no exit 0 while anything differs
I3  before a resume: what is visible are rows of the source, each at most as often as there, and as
    many as the ledger has in its chunks
I4  the source's files are byte for byte, and to the nanosecond, as they were
I5  nothing is left behind: no session, lock, prepared transaction, staged table, temporary file
I6  everything ends within its deadline (lab.Program.wait)
"""

import contextlib
import time

import compare
from lab import Violation, execute, snapshot_of_files

LEDGER = "lite2pg"
# How long sessions of a process that is gone may take to notice.
ORPHANS_SECONDS = 20


class Judge:
    """Of one source and one target database."""

    def __init__(self, path, conninfo, schema="public", existing=False, merged=False):
        self.path, self.conninfo, self.schema = str(path), conninfo, schema
        self.existing = existing  # the tables are the application's, and rows go straight into them
        self.merged = merged      # or are staged and merged, where it has rows already
        self.rows_before = self._count_rows(schema) if existing else {}
        self.files = snapshot_of_files(path)

    def sql(self, statement, parameters=None):
        return execute(self.conninfo, statement, parameters)

    @staticmethod
    def fail(invariant, problems):
        problems = problems if isinstance(problems, list) else [problems]
        raise Violation(f"{invariant}: " + "\n    ".join(map(str, problems[:12])))

    # ---- After success ----

    def success(self, run, ignore_tables=(), check_schema=True):
        """I1, I2, I4, I5 of a run that says it is done (exit 0, or 3 with rows set aside)."""
        if run.report is None:
            self.fail("I2", f"exit {run.exit_code} without a report\n{run}")
        wanted = {0: "verified", 3: "rejected"}.get(run.exit_code)
        if run.report["outcome"] != wanted or run.report["exit_code"] != run.exit_code:
            self.fail("I2", f"exit {run.exit_code}, outcome {run.report['outcome']}")
        kind = compare.PartialComparison if run.exit_code == 3 else compare.Comparison
        result = kind(self.path, self.conninfo, run.report, self.schema, check_schema,
                      ignore_tables)
        if result.problems:
            self.fail("I1", result.problems)
        if run.exit_code == 3:
            self._rejects_fill_the_gap(run, result)
        if self.relation_exists(f"{LEDGER}.run"):
            self._ledger_says_done(run)
        self.source_is_as_it_was()
        self.nothing_left()

    def _rejects_fill_the_gap(self, run, result):
        rejected = dict(self.sql(f"SELECT table_name, count(DISTINCT row_key) FROM {LEDGER}.reject"
                                 " WHERE run_id = %s GROUP BY 1", (run.report["run_id"],)))
        for table, (in_source, in_target) in result.counted.items():
            if in_source != in_target + rejected.get(table, 0):
                self.fail("I1", f"{table}: {in_source} rows in the source, {in_target} in the "
                                f"target, {rejected.get(table, 0)} set aside")

    def _ledger_says_done(self, run):
        state = self.sql(f"SELECT state FROM {LEDGER}.run WHERE run_id = %s",
                         (run.report["run_id"],))
        if state != [("done",)]:
            self.fail("I1", f"the ledger has {state} for a run that is done")
        chunks = dict(self.sql(f"SELECT table_name, sum(rows) FROM {LEDGER}.chunk"
                               " WHERE run_id = %s GROUP BY 1", (run.report["run_id"],)))
        for table in run.report["tables"]:
            # Rows that were merged went through the ledger too, whatever became of them.
            loaded = table["rows_copied"] + table["rows_skipped"]
            if table["state"] == "copied" and int(chunks.get(table["source_name"], 0)) != loaded:
                self.fail("I1", f"{table['source_name']}: {loaded} rows loaded, the ledger has "
                                f"{chunks.get(table['source_name'], 0)}")

    # ---- After a fault, before a resume ----

    def interrupted(self, published_is_equal=True):
        """I3, I4, and of I5 what holds at once."""
        self.source_is_as_it_was()
        self.no_sessions()
        if not self.relation_exists(f"{LEDGER}.run"):
            if not self.existing:
                self._nothing_visible()
            return None
        runs = self.sql(f"SELECT run_id, state, stage, staging_schema FROM {LEDGER}.run"
                        " WHERE command IN ('copy', 'import') ORDER BY started_at DESC LIMIT 1")
        if not runs:
            return None
        run_id, state, stage, staging = runs[0]
        if stage == "published" or state == "done":
            if published_is_equal and not self.existing:
                result = compare.Comparison(self.path, self.conninfo, None, self.schema)
                if result.problems:
                    self.fail("I1 (published)", result.problems)
            return stage
        if state == "failed":
            return state
        loaded = dict(self.sql(f"SELECT table_name, sum(rows) FROM {LEDGER}.chunk"
                               " WHERE run_id = %s GROUP BY 1", (run_id,)))
        if not self.existing:
            self._nothing_visible()
        self._rows_are_the_ledgers(self.schema if self.existing or not staging else staging, loaded,
                                   staging)
        return stage

    def _rows_are_the_ledgers(self, where, loaded, staging):
        if not self.sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", (where,)):
            if loaded:
                self.fail("I3", f"chunks in the ledger, but no schema {where}: {loaded}")
            return
        result = compare.PartialComparison(self.path, self.conninfo, None, where,
                                           check_schema=False)
        if result.problems:
            self.fail("I3", result.problems)
        staged = 0
        for table, (_, in_target) in result.counted.items():
            before, chunks = self.rows_before.get(table, 0), int(loaded.pop(table, 0))
            if self.merged and in_target == before:
                staged += chunks
            elif in_target != before + chunks:
                self.fail("I3", f"{table}: {in_target} rows visible, {before} were there and the "
                                f"ledger has {chunks}")
        if any(loaded.values()):
            self.fail("I3", f"chunks in the ledger without a table: {loaded}")
        if self.merged:
            # Such tables have names that say nothing; the sum has to do.
            there = sum(self._count_rows(staging).values())
            if there != staged:
                self.fail("I3", f"{there} rows staged, the ledger has {staged}")

    def counts(self):
        """Rows of every table that others can see."""
        return self._count_rows(self.schema)

    def _count_rows(self, schema):
        return {name: self.sql(f'SELECT count(*) FROM "{schema}"."{name}"')[0][0]
                for name, in self.sql(
                    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                    "(SELECT oid FROM pg_namespace WHERE nspname = %s)", (schema,))}

    def _nothing_visible(self):
        """Before publish the target's own schema has nothing of ours."""
        seen = self.sql("SELECT relname FROM pg_class WHERE relnamespace = "
                        "(SELECT oid FROM pg_namespace WHERE nspname = %s)", (self.schema,))
        if seen:
            self.fail("I3", f"visible before publish: {sorted(name for name, in seen)[:8]}")

    # ---- Parts ----

    def relation_exists(self, name):
        return self.sql("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name,))[0][0]

    def source_is_as_it_was(self):
        now = snapshot_of_files(self.path)
        if now != self.files:
            self.fail("I4", f"the source's files changed: {self.files} -> {now}")

    def no_sessions(self):
        """I5: sessions of ours end with their process."""
        until = time.monotonic() + ORPHANS_SECONDS
        while True:
            left = self.sql("SELECT pid, application_name, state, wait_event, left(query, 80)"
                            " FROM pg_stat_activity WHERE application_name LIKE 'lite2pg%'"
                            " AND datname = current_database()")
            if not left:
                break
            if time.monotonic() > until:
                self.fail("I5", f"sessions left after {ORPHANS_SECONDS} s: {left}")
            time.sleep(0.05)
        locks = self.sql("SELECT locktype, mode, pid FROM pg_locks WHERE locktype = 'advisory' AND"
                         " database = (SELECT oid FROM pg_database"
                         " WHERE datname = current_database())")
        if locks:
            self.fail("I5", f"locks left: {locks}")

    def nothing_left(self):
        self.no_sessions()
        left = self.sql("SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n"
                        " ON n.oid = relnamespace WHERE nspname LIKE 'lite2pg%%staging%%'"
                        " OR relname LIKE 'lite2pg%%stag%%' OR relname LIKE '%%merge\\_%%'")
        left += self.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lite2pg_%%'")
        left += self.sql("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
        if self.relation_exists(f"{LEDGER}.set_aside"):
            left += self.sql(f"SELECT kind, object FROM {LEDGER}.set_aside WHERE NOT restored"
                             " AND kind <> 'run'")
        invalid = self.sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
        if left or invalid:
            self.fail("I5", f"left behind: {left} {invalid}")


def no_files_left(directory, allowed):
    """I5: a directory that the program worked in has only what was asked for."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        found = {str(p.relative_to(directory)) for p in directory.rglob("*")}
    extra = found - set(allowed)
    if extra:
        raise Violation(f"I5: files left behind: {sorted(extra)[:10]}")
