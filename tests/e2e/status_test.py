"""status, the SQL that takes a run back, and clean."""

import signal
import sqlite3
import subprocess
import unittest

from existing_support import BALLAST_SQL, add_ballast
from harness import BIN, EndToEndTest, lite2pg

SOURCE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE "odd ""name" (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id));
CREATE VIEW names AS SELECT name FROM parent;
INSERT INTO parent VALUES (1, 'a'), (2, 'b');
INSERT INTO "odd ""name" VALUES (1, 1), (2, 2), (3, NULL);
"""
STOP = {"LITE2PG_FAILPOINT": "data.loaded:1:kill"}


class Status(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SOURCE)

    def status(self, *options):
        return lite2pg("status", self.target, "--format", "json", *options)

    def clean(self, *options):
        return lite2pg("clean", self.target, "--format", "json", *options)

    def sql_of(self, option):
        run = lite2pg("status", self.target, option)
        self.assertEqual(run.exit_code, 0, str(run))
        return run

    def stop_in_the_middle(self, path, *options):
        version = subprocess.run([BIN, "--version"], capture_output=True, check=True).stdout
        if b"failpoints" not in version:
            self.skipTest("this build has no failpoints")
        run = self.copy(path, *options, env=STOP)
        self.assertEqual(run.exit_code, -signal.SIGKILL, str(run))
        return run

    def test_a_target_without_a_ledger_has_no_runs_and_nothing_to_clean(self):
        for run in (self.status(), self.clean()):
            self.assertEqual(run.exit_code, 0, str(run))
            self.assertEqual(run.report["runs"], [])
        text = lite2pg("status", self.target)
        self.assertIn("No run is recorded", text.out)
        self.assertEqual(self.tables_in_target(), [])

    def test_a_finished_run_is_shown_with_what_it_did(self):
        self.copy_and_judge(self.path)
        run = self.status()
        self.assertEqual(run.exit_code, 0, str(run))
        shown, = run.report["runs"]
        self.assertEqual((shown["state"], shown["outcome"], shown["tables"], shown["rows"],
                          shown["tables_total"], shown["rows_total"], shown["resumable"]),
                         ("done", "verified", 2, 5, 2, 5, False))
        text = lite2pg("status", self.target)
        self.assertIn(shown["run_id"][:8], text.out)
        self.assertIn("done", text.out)

    def test_an_unfinished_run_is_shown_with_the_command_that_goes_on(self):
        self.stop_in_the_middle(self.path, "--streams", "2")
        shown, = self.status().report["runs"]
        self.assertTrue(shown["resumable"])
        self.assertEqual(shown["rows"], 5)
        self.assertTrue(shown["next_step"].endswith(" --resume"), shown)
        self.assertTrue(shown["next_step"].startswith(f"lite2pg copy {self.path}"), shown)
        again = self.copy(self.path)
        self.assertEqual(again.exit_code, 11, str(again))
        self.assertIn("--resume", again.err)
        self.assertIn("--restart", again.err)

    def test_a_password_is_not_kept_in_the_command(self):
        canary = "canary4711"
        target = self.target + f" password={canary}"
        run = self.copy(self.path, target=target)
        self.assertEqual(run.exit_code, 0, str(run))
        stored = self.sql("SELECT options_json || plan_json || report_json FROM lite2pg.run")
        self.assertNotIn(canary, stored[0][0])

    def test_undo_drops_exactly_what_was_created(self):
        self.sql("CREATE TABLE mine (id int)")
        self.copy_and_judge(self.path)
        undo = self.sql_of("--undo-sql")
        self.sql(undo.out)
        self.assertEqual([t for t in self.tables_in_target() if t.startswith("public.")],
                         ["public.mine"])
        # What is taken back can be copied again.
        self.copy_and_judge(self.path)

    def test_undo_does_not_drop_what_others_have_built_upon_a_table(self):
        self.copy_and_judge(self.path)
        self.sql("CREATE VIEW theirs AS SELECT id FROM parent")
        undo = self.sql_of("--undo-sql")
        with self.assertRaises(Exception):
            self.sql(undo.out)
        self.assertEqual(self.sql("SELECT count(*) FROM theirs"), [(2,)])

    def test_empty_keeps_the_tables(self):
        self.copy_and_judge(self.path)
        self.sql(self.sql_of("--empty-sql").out)
        self.assertEqual(self.sql('SELECT (SELECT count(*) FROM parent),'
                                  ' (SELECT count(*) FROM "odd ""name")'), [(0, 0)])

    def test_undo_deletes_exactly_the_rows_of_a_direct_load(self):
        def build(db):
            db.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY);"
                             "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER);"
                             "INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1, 1), (2, 2)")
            add_ballast(db)

        path = self.make_source(name="direct.db", build=build)
        self.sql("CREATE TABLE a (id bigint PRIMARY KEY)")
        self.sql("CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a (id))")
        self.sql(BALLAST_SQL)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.sql("INSERT INTO a VALUES (100)")
        undo = self.sql_of("--undo-sql")
        self.assertLess(undo.out.index('"public"."b"'), undo.out.index('"public"."a"'))
        self.sql(undo.out)
        self.assertEqual(self.sql("SELECT id FROM a"), [(100,)])
        self.assertEqual(self.sql("SELECT count(*) FROM b"), [(0,)])

    def test_undo_says_why_it_cannot_take_back_a_merge(self):
        self.sql("CREATE TABLE parent (id bigint PRIMARY KEY, name text)")
        self.sql("INSERT INTO parent VALUES (9, 'mine')")
        run = self.copy(self.path, "--include", "parent", "--existing-rows", "upsert")
        self.assertEqual(run.exit_code, 0, str(run))
        undo = self.sql_of("--undo-sql")
        self.assertEqual(undo.out.strip(), "")
        self.assertIn("merged", undo.err)

    def test_clean_removes_the_record_and_leaves_the_tables(self):
        self.copy_and_judge(self.path)
        run = self.clean()
        self.assertEqual(run.exit_code, 0, str(run))
        left = self.tables_in_target()
        self.assertEqual([t for t in left if not t.startswith("public.")], [])
        self.assertEqual(self.sql("SELECT count(*) FROM parent"), [(2,)])
        self.assertEqual(self.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'lite2pg'"),
                         [(0,)])

    def test_clean_refuses_an_unfinished_run_and_takes_it_back_when_forced(self):
        self.stop_in_the_middle(self.path)
        before = self.tables_in_target()
        refused = self.clean()
        self.assert_fails(refused, 11, "L2P6002")
        self.assertEqual(self.tables_in_target(), before)
        forced = self.clean("--force")
        self.assertEqual(forced.exit_code, 0, str(forced))
        self.assertEqual(self.tables_in_target(), [])
        self.copy_and_judge(self.path)

    def test_clean_brings_definitions_back_that_are_set_aside_when_forced(self):
        def build(db):
            db.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);"
                             "INSERT INTO a VALUES (1, 'x'), (2, 'y')")
            add_ballast(db)

        path = self.make_source(name="direct.db", build=build)
        self.sql("CREATE TABLE a (id bigint PRIMARY KEY, v text)")
        self.sql("CREATE INDEX a_v ON a (v)")
        self.sql(BALLAST_SQL)
        self.stop_in_the_middle(path)
        self.assertEqual(self.sql("SELECT to_regclass('a_v')"), [(None,)])
        self.assertGreater(self.status().report["runs"][0]["definitions_set_aside"], 0)
        self.assert_fails(self.clean(), 11)
        forced = self.clean("--force")
        self.assertEqual(forced.exit_code, 0, str(forced))
        self.assertEqual(self.sql("SELECT to_regclass('a_v')::text, (SELECT count(*) FROM a),"
                                  " (SELECT count(*) FROM ballast)"), [("a_v", 0, 0)])

    def test_clean_keeps_rows_set_aside_that_are_nowhere_else(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO t VALUES (1, 1), (2, 'no number')", name="bad.db")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int)")
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assert_fails(self.clean(), 11)
        self.assertEqual(self.sql("SELECT count(*) FROM lite2pg.reject"), [(1,)])
        self.assertEqual(self.clean("--force").exit_code, 0)
        # Written to a file, they are in two places and may go.
        self.sql("TRUNCATE t")
        run = self.copy(path, "--on-bad-value", "reject", "--rejects", self.dir / "r.ndjson")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.clean().exit_code, 0)

    def test_a_finished_run_that_is_resumed_is_shown_once_more(self):
        first = self.copy_and_judge(self.path)
        again = self.copy(self.path, "--resume")
        self.assertEqual(again.exit_code, 0, str(again))
        self.assertEqual(again.report["run_id"], first.report["run_id"])
        self.assert_equal_copy(self.path, again)
        self.sql('DROP TABLE "odd ""name"')
        gone = self.copy(self.path, "--resume")
        self.assert_fails(gone, 11, "L2P6003")

    def test_resume_with_other_options_names_the_option(self):
        self.stop_in_the_middle(self.path)
        run = self.copy(self.path, "--resume", "--identifiers", "lower")
        self.assert_fails(run, 11, "L2P6002")
        self.assertIn("--identifiers", run.report["errors"][0]["what"])
        # What only decides the speed may differ.
        run = self.copy(self.path, "--resume", "--streams", "1")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(self.path, run)

    def test_resume_of_a_changed_source_points_to_sync(self):
        self.stop_in_the_middle(self.path)
        self.make_source("INSERT INTO parent VALUES (3, 'c')")
        run = self.copy(self.path, "--resume")
        self.assert_fails(run, 11, "L2P1007")
        self.assertIn("sync", run.report["errors"][0]["hint"])

    def test_resume_notices_rows_that_changed_under_an_equal_fingerprint(self):
        self.stop_in_the_middle(self.path)
        self.sql("UPDATE lite2pg.chunk SET digest = reverse(digest) WHERE table_name = 'parent'")
        run = self.copy(self.path, "--resume")
        self.assert_fails(run, 11, "L2P1007")

    def write_ahead_source(self):
        """A file of 400 pages in WAL mode, and the connection of its application."""
        path = self.make_source(
            "PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
            "INSERT INTO t SELECT i, printf('%0400d', i) FROM n", name="wal.db")
        application = sqlite3.connect(path, isolation_level=None)
        self.addCleanup(application.close)
        application.execute("PRAGMA wal_autocheckpoint = 0")
        application.execute("UPDATE t SET v = 'x' || substr(v, 2) WHERE id % 100 = 1")
        return path, application

    def test_a_checkpoint_in_between_does_not_keep_a_run_from_going_on(self):
        path, application = self.write_ahead_source()
        self.stop_in_the_middle(path)
        application.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        run = self.copy(path, "--resume")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(path, run)
        # A file that was closed has no WAL any more.
        self.target = self.make_target()
        application.execute("UPDATE t SET v = 'y' || substr(v, 2) WHERE id % 100 = 1")
        self.stop_in_the_middle(path)
        application.close()
        run = self.copy(path, "--resume")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(path, run)

    def test_rows_that_changed_in_the_wal_are_noticed_wherever_they_are(self):
        for row in (1, 77, 1999, 2345, 4000):
            with self.subTest(row=row):
                path, application = self.write_ahead_source()
                self.target = self.make_target()
                self.stop_in_the_middle(path)
                application.execute(f"UPDATE t SET v = 'z' || substr(v, 2) WHERE id = {row}")
                application.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self.assert_fails(self.copy(path, "--resume"), 11, "L2P1007")
                application.close()
                path.unlink()

    def test_resume_notices_that_what_was_staged_is_gone(self):
        self.stop_in_the_middle(self.path)
        schema = self.sql("SELECT staging_schema FROM lite2pg.run")[0][0]
        self.sql(f'DROP TABLE "{schema}".parent CASCADE')
        self.assert_fails(self.copy(self.path, "--resume"), 11, "L2P6002")
        run = self.copy(self.path, "--restart")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(self.path, run)


if __name__ == "__main__":
    unittest.main()
