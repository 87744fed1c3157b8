"""--publish batched: more tables than the server has locks for, made visible in several steps; a run
that is stopped between them goes on, and nothing else is done with it."""

import unittest

from harness import EndToEndTest, execute, lite2pg

TABLES = 1100   # three batches


class Publish(EndToEndTest):
    def setUp(self):
        super().setUp()

        def build(db):
            for i in range(TABLES):
                db.execute(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, v TEXT)")
                db.execute(f"INSERT INTO t{i} VALUES (1, 'row of {i}')")
            db.execute("CREATE VIEW seen AS SELECT v FROM t7")
            db.execute("CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES t9(id))")
            db.execute("INSERT INTO child VALUES (1, 1)")
        self.path = self.make_source(build=build)

    def moved(self):
        return self.sql("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                        " WHERE nspname = 'public' AND relkind = 'r'")[0][0]

    def assert_done(self, run):
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified")
        self.assertEqual(self.moved(), TABLES + 1)
        self.assertEqual(self.sql("SELECT v FROM seen"), [("row of 7",)])
        self.assertEqual(self.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE"
                                  " 'lite2pg\\_staging%'"), [])
        self.assertEqual(self.sql("SELECT state FROM lite2pg.run"), [("done",)])
        self.assert_equal_copy(self.path, run)

    def test_stopped_between_its_steps_it_goes_on(self):
        if "failpoints" not in lite2pg("--version").out:
            self.skipTest("this build has no failpoints")
        options = ("--publish", "batched")
        run = self.copy(self.path, *options,
                        env={"LITE2PG_FAILPOINT": "publish.batch.commit:2:kill"})
        self.assertEqual(run.exit_code, -9, str(run))
        part = self.moved()
        self.assertTrue(0 < part < TABLES, part)
        # It can only be gone on with: what is there already is not ours alone any more.
        for words in (["copy", self.path, self.target],
                      ["copy", self.path, self.target, "--restart"],
                      ["sync", self.path, self.target], ["clean", self.target],
                      ["clean", self.target, "--force"]):
            run = lite2pg(*words)
            self.assertEqual(run.exit_code, 11, str(run))
            self.assertIn("--resume", run.out + run.err)
            self.assertEqual(self.moved(), part)
        # Stopped once more, at the very end.
        run = self.copy(self.path, *options, "--resume",
                        env={"LITE2PG_FAILPOINT": "publish.batched.done:1:kill"})
        self.assertEqual(run.exit_code, -9, str(run))
        self.assert_done(self.copy(self.path, *options, "--resume"))

    def test_default_privileges_are_given(self):
        role = "reader_" + self.sql("SELECT current_database()")[0][0]
        execute(self.admin, f"CREATE ROLE {role}")
        self.sql(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role};"
                 f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role}")
        self.assert_done(self.copy(self.path, "--publish", "batched"))
        self.assertEqual(self.sql(
            f"SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            f" AND relkind = 'r' AND NOT has_table_privilege('{role}', oid, 'SELECT')"), [(0,)])
        self.assertEqual(self.sql(
            f"SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND CASE"
            f" WHEN relkind = 'S' THEN NOT has_sequence_privilege('{role}', oid, 'USAGE')"
            " ELSE false END"), [(0,)])


if __name__ == "__main__":
    unittest.main()
