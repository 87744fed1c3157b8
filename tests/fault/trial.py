"""One trial: a copy of one kind, a fault, what must hold at once, the resume, what must hold
then."""

import pathlib
import shutil
import tempfile
import time

import dataset
from checker import Judge
from lab import Program, Violation, rng_of

RESUMES_MAX = 8
# What a run may end with for a fault that is not its own (docs/errors.md).
PASSING = {6, 7, 9, 10}


class Skip(Exception):
    """The trial cannot be made here; the message says why."""


# ---- Kinds of copies -----------------------------------------------------------------------------

BAD_ROWS = """
INSERT INTO keyless0 VALUES ('bad', 'not a number', NULL), ('bad', 'not a number', NULL);
INSERT INTO typed1 (id, i) VALUES (-900001, 5), (-900002, 'five'), (-900003, 6);
UPDATE pair0 SET v = 'much' WHERE b % 7 = 0;
"""
STRICTER = """
ALTER TABLE keyless0 ALTER COLUMN y TYPE bigint USING y::bigint;
ALTER TABLE typed1 ALTER COLUMN i TYPE bigint USING i::bigint;
ALTER TABLE pair0 ALTER COLUMN v TYPE float8 USING v::float8;
"""


class Kind:
    """What is copied into what. `template` is made once from a finished copy."""

    def __init__(self, name, options=(), prepare=None, exit_code=0, bad=False, merged=False,
                 limits=""):
        self.name, self.options, self.prepare = name, list(options), prepare
        self.exit_code, self.bad, self.merged = exit_code, bad, merged
        self.limits = limits

    def source(self, lab):
        def make():
            path = lab.directory / f"{'bad' if self.bad else 'good'}.db"
            dataset.make(path, lab.seed, rows=900 * lab.scale)
            if self.bad:
                import sqlite3
                db = sqlite3.connect(path)
                db.executescript(BAD_ROWS)
                db.close()
            return path
        return lab.once("bad source" if self.bad else "source", make)

    def template(self, lab):
        if self.prepare is None:
            return "template0"

        def make():
            name = lab.database()
            good = KINDS["create"].source(lab)
            run = Program(["copy", good, lab.server.plain_conninfo(name), "--format",
                           "json"]).wait()
            if run.exit_code != 0:
                raise Violation(f"I1: a copy without a fault failed\n{run}")
            lab.server.execute("DROP SCHEMA lite2pg CASCADE", database=name)
            tables = [t for t, in lab.server.execute(
                "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace", database=name)]
            lab.server.execute(self.prepare(tables), database=name)
            return name
        return lab.once(f"template {self.name}", make)


def truncated(tables):
    return "TRUNCATE " + ", ".join(tables) + " CASCADE"


def half_empty(_):
    return ("DELETE FROM child0 WHERE id % 2 = 0; DELETE FROM typed0 WHERE id % 3 = 0 AND NOT"
            " EXISTS (SELECT FROM child0 WHERE parent = typed0.id); DELETE FROM worid1; DELETE FROM"
            " pair0 WHERE b % 2 = 0; TRUNCATE keyless0, keyless1, keyless2, keyless3, keyless4")


KINDS = {kind.name: kind for kind in (
    Kind("create"),
    Kind("direct", ["--schema-mode", "existing"], truncated, limits=",merge_bytes=1"),
    Kind("staged", ["--schema-mode", "existing"], truncated, merged=True),
    Kind("merge", ["--schema-mode", "existing", "--existing-rows", "skip-equal"], half_empty,
         merged=True),
    Kind("reject", ["--schema-mode", "existing", "--on-bad-value", "reject"],
         lambda tables: truncated(tables) + ";" + STRICTER, exit_code=3, bad=True,
         limits=",merge_bytes=1"),
)}


class Trial:
    """Owns a database and a directory; `rng` decides everything that is up to chance."""

    def __init__(self, lab, row, seed):
        self.lab, self.row, self.seed = lab, row, seed
        self.rng = rng_of(row, seed)
        self.notes = []
        self.judge = None
        self.databases = []
        self.programs = []
        self.cleanups = []
        self.roles = []  # dropped after the databases
        self.limits = dataset.SMALL
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"{row}-", dir=lab.directory))
        self.tcp = False
        self.conninfo_options = {}

    def close(self):
        for program in self.programs:
            program.kill()
            program.process.wait()
        for cleanup in reversed(self.cleanups):
            cleanup()
        for name in self.databases:
            self.lab.drop(name)
        for role in self.roles:
            self.lab.server.execute(f"DROP ROLE {role}")
        shutil.rmtree(self.dir, ignore_errors=True)

    def note(self, text):
        self.notes.append(text)

    # ---- The two sides ----

    def choose_kind(self, *names):
        self.use(KINDS[self.rng.choice(names or tuple(KINDS))])

    def use(self, kind, path=None):
        self.kind = kind
        self.note(kind.name)
        self.path = path or kind.source(self.lab)
        self.new_target()

    def new_target(self):
        self.database = self.lab.database(self.kind.template(self.lab))
        self.databases.append(self.database)
        self.target = self.lab.server.plain_conninfo(self.database)
        self.judge = Judge(self.path, self.superuser(),
                           existing=self.kind.prepare is not None, merged=self.kind.merged)

    def superuser(self):
        """For the judge, who sees everything."""
        return self.lab.server.conninfo(self.database)

    def own_source(self, **options):
        """A source that the trial may spoil."""
        path = self.dir / "source.db"
        dataset.make(path, self.seed, **{"rows": 900 * self.lab.scale, **options})
        return path

    def sql(self, statement, parameters=None):
        return self.lab.server.execute(statement, parameters, database=self.database)

    # ---- Runs ----

    def start(self, *options, command="copy", target=None, failpoint=None, log=None, **kwargs):
        limits = self.limits + self.kind.limits
        environment = {"LITE2PG_TEST_LIMITS": limits if self.lab.has_failpoints else None,
                       "LITE2PG_FAILPOINT": failpoint, "LITE2PG_FAILPOINT_LOG": log,
                       "TMPDIR": str(self.dir)}
        target = target or self.target
        program = Program([command, self.path, target, "--format", "json", "--progress", "never",
                           *self.kind.options, *options], environment, cwd=self.dir, **kwargs)
        self.programs.append(program)
        return program

    def usual_seconds(self, *options):
        """How long a run of this kind takes without a fault; for drawing moments."""
        def measure():
            began = time.monotonic()
            run = self.start(*options).wait()
            self.judge.success(run) if run.exit_code == self.kind.exit_code else \
                Judge.fail("I1", f"without any fault\n{run}")
            self.new_target()
            return max(0.2, min(run.seconds, time.monotonic() - began))
        return self.lab.once(f"seconds {self.kind.name} {options}", measure)

    def wait_a_random_while(self, program, longest):
        until = program.began + self.rng.uniform(0.02, longest)
        while program.runs() and time.monotonic() < until:
            time.sleep(0.002)

    def check_exit(self, run, allowed):
        if run.exit_code not in allowed:
            Judge.fail("exit code", f"{run.exit_code} is none of {sorted(allowed)}\n{run}")
        self.note(f"exit {run.exit_code}")

    def finish(self, *options, allowed=PASSING, fault=None, check_schema=True):
        """Resumes until the copy is done, then proves that it is right. `fault`, called with every
        resume's number and program, may disturb it again."""
        for number in range(RESUMES_MAX):
            program = self.start("--resume", *options)
            disturbed = fault is not None and fault(number, program)
            run = program.wait()
            if run.exit_code == 11 and "L2P6003" in run.codes():
                run = self.start(*options).wait()  # nothing had begun
            if run.exit_code == self.kind.exit_code:
                self.judge.success(run, check_schema=check_schema)
                return run
            self.note(f"resume: exit {run.exit_code}")
            if not disturbed and run.exit_code not in allowed | {11}:
                Judge.fail("I1", f"the resume failed\n{run}")
            self.judge.interrupted()
            if not disturbed:
                time.sleep(0.2 * number)
        return Judge.fail("I1", f"not done after {RESUMES_MAX} resumes\n{run}")

    def expect_done_or_resume(self, run, allowed, options=(), **kwargs):
        """The end of most trials."""
        if run.exit_code == self.kind.exit_code:
            self.note("unharmed")
            self.judge.success(run)
            return
        self.check_exit(run, allowed)
        self.judge.interrupted()
        self.finish(*options, **kwargs)

