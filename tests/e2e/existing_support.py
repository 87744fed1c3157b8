"""What the tests of loading into an application's own tables share: a role that owns them and
nothing else, what pg_dump says of them, and enough rows for the fast way."""

import sys
import uuid

from harness import ROOT, SERVER, EndToEndTest, compare, execute, lite2pg, with_options

sys.path.insert(0, str(ROOT / "tests/support"))

import definitions  # noqa: E402  (found by the line above)

# More than this is loaded straight into empty tables, with indexes and foreign keys set aside;
# less goes through tables of our own (engine/plan/set_aside.cc).
DIRECT_BYTES = 16 << 20


def add_ballast(db):
    """Rows that make the whole load too large for the cautious way."""
    db.execute("CREATE TABLE ballast (id INTEGER PRIMARY KEY, data BLOB)")
    db.executemany("INSERT INTO ballast VALUES (?, zeroblob(1048576))",
                   [(i,) for i in range(1, 2 + DIRECT_BYTES // (1 << 20))])


BALLAST_SQL = "CREATE TABLE ballast (id bigint PRIMARY KEY, data bytea);"


class ExistingTest(EndToEndTest):
    """The application's role owns its tables. It is no superuser."""

    database_create = True   # may the role create schemas in its database?

    def setUp(self):
        self.role = "app_" + uuid.uuid4().hex[:12]
        execute(SERVER, f"CREATE ROLE {self.role} LOGIN NOSUPERUSER")
        # Cleanups run in reverse: the database goes first, and with it what the role owns.
        self.addCleanup(execute, SERVER, f"DROP ROLE {self.role}")
        super().setUp()
        self.set_up_role()

    def set_up_role(self):
        """Gives the role its rights in the database that self.target is, and makes it that of
        self.target."""
        execute(self.admin, f"GRANT ALL ON SCHEMA public TO {self.role}")
        if self.database_create:
            name = execute(self.admin, "SELECT current_database()")[0][0]
            execute(self.admin, f"GRANT CREATE ON DATABASE {name} TO {self.role}")
        self.target = with_options(self.admin, user=self.role)

    def pg_dump(self, schema="public"):
        """The definitions of all that is there, by somebody else's program."""
        return definitions.of_schema(execute, self.admin, schema)

    def data(self):
        """All rows of all tables, as the server prints them, and where sequences stand."""
        found = {}
        for name, kind in execute(self.admin,
                                  "SELECT quote_ident(relname), relkind::text FROM pg_class WHERE relnamespace ="
                                  " 'public'::regnamespace AND relkind IN ('r', 'S')"):
            if name.startswith("lite2pg_"):
                continue
            what = "last_value, is_called" if kind == "S" else "t::text"
            found[name] = sorted(map(str, execute(self.admin, f"SELECT {what} FROM {name} t")))
        return found

    def load(self, path, *options, **kwargs):
        """A copy that must succeed and leave every definition as it was."""
        before = self.pg_dump()
        run = self.copy(path, *options, **kwargs)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertEqual(self.pg_dump(), before, "definitions changed")
        self.assert_nothing_left()
        return run

    def load_and_judge(self, path, *options, **kwargs):
        run = self.load(path, *options)
        self.assert_equal_copy(path, run, check_schema=False, **kwargs)
        return run

    def load_refused(self, path, exit_codes, *options, error=None):
        """A copy that must fail and leave definitions, rows and sequences as they were."""
        before = self.pg_dump(), self.data()
        run = self.copy(path, *options)
        self.assertIn(run.exit_code, exit_codes, str(run))
        self.assertIsNotNone(run.report, str(run))
        self.assertNotIn(run.report["outcome"], ("verified", "copied"), str(run))
        if error is not None:
            self.assertIn(error, [c for c, _ in run.errors()] + [f["code"] for f in run.findings()],
                          str(run))
        self.assertEqual((self.pg_dump(), self.data()), before, str(run))
        self.assert_nothing_left()
        return run

    def assert_nothing_left(self):
        names = [n for n in self.tables_in_target() if "staging" in n or "merge_" in n]
        self.assertEqual(names, [])

    def assert_target_is(self, script, tables, schema="public"):
        """The target holds exactly what an SQLite database made by `script` holds."""
        expected = self.make_source(script, name=f"expected{uuid.uuid4().hex[:6]}.db")
        result = compare.Comparison(str(expected), self.target, None, schema, check_schema=False)
        self.assertEqual(result.problems, [])
        self.assertEqual(result.tables, tables)

    def plan(self, path, *options):
        return lite2pg("plan", path, self.target, "--format", "json", *options)
