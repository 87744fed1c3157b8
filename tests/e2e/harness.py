"""What the end-to-end tests share: databases of their own on both sides, and running the program.

The program is $LITE2PG_BIN, the server $LITE2PG_TEST_CONNINFO; ctest sets both. Run by hand without
a server, a throwaway one is started.
"""

import atexit
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import uuid

import psycopg2
import psycopg2.extensions

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import compare  # noqa: E402  (found by the line above)
import server  # noqa: E402

BIN = os.environ.get("LITE2PG_BIN", str(ROOT / "build/release/lite2pg"))
SEED = int(os.environ.get("LITE2PG_SEED", "1"))
TIMEOUT_SECONDS = 300
# The role that tests and program work as, with what docs/reliability.md says it needs and no more;
# ctest sets it. Without, both are the server's superuser.
ROLE = os.environ.get("LITE2PG_TEST_ROLE")


def _server_conninfo():
    given = os.environ.get("LITE2PG_TEST_CONNINFO")
    if given:
        return given
    directory = tempfile.mkdtemp(prefix="lite2pg-e2e-")
    server.start(directory)
    atexit.register(server.stop, directory)
    return server.conninfo(directory)


SERVER = _server_conninfo()


def is_sanitized():
    """Whether the program was built with AddressSanitizer, which has an allocator of its own and
    takes more memory."""
    with open(BIN, "rb") as file:
        return b"__asan_init" in file.read()


def with_options(conninfo, **options):
    return psycopg2.extensions.make_dsn(conninfo, **options)


def execute(conninfo, sql, parameters=None):
    """Rows of a statement, or [] when it has none; committed."""
    connection = psycopg2.connect(conninfo)
    try:
        connection.autocommit = True
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = public; SET standard_conforming_strings = on")
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def as_superuser(conninfo):
    """For what only a superuser may prepare: roles, base types, other roles' objects."""
    return with_options(conninfo, user=psycopg2.extensions.parse_dsn(SERVER)["user"])


def as_role(conninfo):
    """The database for ROLE, if one is asked for, which gets its rights there."""
    if not ROLE:
        return conninfo
    name = psycopg2.extensions.parse_dsn(conninfo)["dbname"]
    # Tests run side by side: one of them makes it.
    execute(conninfo, f"DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; {server.HOSTILE_SQL.format(user=ROLE)}"
                      " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
    execute(conninfo, f"GRANT CONNECT, CREATE ON DATABASE {name} TO {ROLE}")
    execute(conninfo, f"ALTER SCHEMA public OWNER TO {ROLE}")
    return with_options(conninfo, user=ROLE)


class Run:
    """A finished run of the program."""

    def __init__(self, arguments, process):
        self.arguments = arguments
        self.exit_code = process.returncode
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")
        self.report = None
        with contextlib.suppress(ValueError):
            self.report = json.loads(process.stdout)

    def __str__(self):
        out = self.out if len(self.out) < 6000 else self.out[:3000] + "\n...\n" + self.out[-3000:]
        return (f"lite2pg {' '.join(map(str, self.arguments))}\nexit {self.exit_code}\n"
                f"stdout: {out}\nstderr: {self.err[-3000:]}")

    def errors(self):
        return [(e["code"], e["exit_code"]) for e in (self.report or {}).get("errors", [])]

    def findings(self, code=None):
        return [f for f in (self.report or {}).get("findings", []) if code in (None, f["code"])]

    def table(self, name):
        return next(t for t in self.report["tables"] if t["source_name"] == name)


def lite2pg(*arguments, env=None, timeout=TIMEOUT_SECONDS, cwd=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    process = subprocess.run([BIN, *map(str, arguments)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                             env={**clean, **(env or {})}, timeout=timeout, cwd=cwd, check=False)
    run = Run(arguments, process)
    if run.exit_code == 2 and "not part of this version yet" in run.out + run.err:
        # Counted and named by the test runner, and tested from the day it is there.
        raise unittest.SkipTest("the program says that it cannot do this yet: "
                                + " ".join(map(str, arguments)))
    return run


def snapshot_of_files(path):
    """Content and time of the database and of what belongs to it. The -shm file is SQLite's index
    of the -wal, rebuilt at will, and not data."""
    found = {}
    for suffix in ("", "-wal", "-journal"):
        file = pathlib.Path(str(path) + suffix)
        if file.exists():
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            found[suffix] = (content, file.stat().st_mtime_ns, file.stat().st_ino)
    return found


class EndToEndTest(unittest.TestCase):
    """Each test has a directory and a target database of its own."""

    maxDiff = None
    # Whether the program's own verify must agree with every copy; set where copies are most varied.
    verify_copies = bool(os.environ.get("LITE2PG_VERIFY_ALL"))
    superuser = False  # instead of ROLE; a test that needs one says why

    def setUp(self):
        self.assertTrue(os.access(BIN, os.X_OK), f"there is no program {BIN}")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lite2pg-e2e-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.target = self.make_target()

    @property
    def admin(self):
        """The target for a superuser."""
        return as_superuser(self.target)

    def make_target_from(self, template):
        """A copy of a database that nobody is connected to."""
        name = "e2e_" + uuid.uuid4().hex[:12]
        execute(SERVER, f"CREATE DATABASE {name} TEMPLATE {template}")
        self.addCleanup(execute, SERVER, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return self.for_role(with_options(SERVER, dbname=name))

    def make_target(self, encoding="UTF8", server_conninfo=SERVER):
        name = "e2e_" + uuid.uuid4().hex[:12]
        locale = "C" if encoding != "UTF8" else "C.UTF-8"
        execute(server_conninfo, f"CREATE DATABASE {name} TEMPLATE template0"
                                 f" ENCODING '{encoding}' LOCALE '{locale}'")
        self.addCleanup(execute, server_conninfo, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return self.for_role(with_options(server_conninfo, dbname=name))

    def for_role(self, conninfo):
        return conninfo if self.superuser else as_role(conninfo)

    def make_source(self, script="", name="source.db", build=None):
        """An SQLite file made by a script, or by a function that gets the connection."""
        path = self.dir / name
        db = sqlite3.connect(path)
        try:
            db.executescript(script)
            if build is not None:
                build(db)
            db.commit()
        finally:
            db.close()
        return path

    def sql(self, statement, parameters=None):
        return execute(self.target, statement, parameters)

    def tables_in_target(self):
        return [name for name, in self.sql(
            "SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'S')"
            " AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1")]

    def copy(self, path, *options, target=None, **kwargs):
        return lite2pg("copy", path, target or self.target, "--format", "json", *options, **kwargs)

    def assert_equal_copy(self, path, run, **kwargs):
        """The independent judge finds nothing."""
        result = compare.Comparison(str(path), self.target, run.report, **kwargs)
        if result.problems:
            self.fail(f"{len(result.problems)} problems:\n" + "\n".join(result.problems[:30])
                      + f"\n{run}"[:4000])
        return result

    def copy_and_judge(self, path, *options, **kwargs):
        """A copy that must succeed, be verified, be equal, and leave the source alone."""
        before = snapshot_of_files(path)
        run = self.copy(path, *options)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertIsNotNone(run.report, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertEqual(run.report["exit_code"], 0, str(run))
        self.assertEqual(snapshot_of_files(path), before, "the source was changed")
        self.assert_equal_copy(path, run, **kwargs)
        if self.verify_copies:
            self.assert_verified(path)
            self.assert_verified()
        return run

    def assert_verified(self, *source):
        """verify finds no difference, against the source or the target's own record."""
        run = lite2pg("verify", *source, self.target, "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertFalse([t for t in run.report["tables"] if t["equal"] is False], str(run))
        return run

    def assert_fails(self, run, exit_code, error=None):
        self.assertEqual(run.exit_code, exit_code, str(run))
        self.assertIsNotNone(run.report, str(run))
        self.assertEqual(run.report["exit_code"], exit_code, str(run))
        self.assertNotIn(run.report["outcome"], ("verified", "copied"), str(run))
        if error is not None:
            self.assertIn(error, [code for code, _ in run.errors()]
                          + [f["code"] for f in run.findings()], str(run))
