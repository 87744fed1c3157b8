"""What must fail: with the exit code that the contract promises, an error that says what to do,
and nothing changed on either side."""

import os
import random
import shutil
import sqlite3
import unittest

from harness import SEED, SERVER, EndToEndTest, execute, lite2pg, snapshot_of_files, with_options

ROWS = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO t SELECT i, 'some text that fills the pages ' || i FROM n;
"""


class BadInput(EndToEndTest):
    def refused(self, run, *exit_codes):
        self.assertIn(run.exit_code, exit_codes, str(run))
        self.assertIsNotNone(run.report, str(run))
        self.assertEqual(run.report["exit_code"], run.exit_code, str(run))
        self.assertNotIn(run.report["outcome"], ("verified", "copied"), str(run))
        errors = run.report["errors"] or run.report["findings"]
        self.assertTrue(errors, f"nobody says why\n{run}")
        self.assertTrue(any(e["hint"] for e in errors), f"nobody says what to do\n{run}")
        return run

    def refused_source(self, path, *exit_codes):
        before = snapshot_of_files(path)
        run = self.refused(self.copy(path), *exit_codes)
        self.assertEqual(snapshot_of_files(path), before, "the source was changed")
        self.assertEqual(self.tables_of_users(), [], "the target was changed")
        return run

    def tables_of_users(self):
        """Without the ledger, which remembers a run that failed after it began."""
        return [t for t in self.tables_in_target() if not t.startswith("lite2pg.")]

    # ---- The source ----------------------------------------------------------------------------

    def test_no_such_file(self):
        run = self.refused_source(self.dir / "absent.db", 5)
        self.assertFalse((self.dir / "absent.db").exists())
        self.assertIn("absent.db", run.report["errors"][0]["what"], str(run))

    def test_a_directory(self):
        self.refused(self.copy(self.dir), 5)

    def test_text_instead_of_a_database(self):
        path = self.dir / "notes.db"
        path.write_text("Dear diary,\n" * 1000, encoding="ascii")
        self.refused_source(path, 5)

    def test_what_looks_encrypted(self):
        path = self.dir / "secret.db"
        path.write_bytes(random.Random(SEED).randbytes(65536))
        self.refused_source(path, 5)

    def test_truncated(self):
        path = self.make_source(ROWS)
        os.truncate(path, path.stat().st_size // 2)
        self.refused_source(path, 5)

    def test_truncated_within_a_page(self):
        path = self.make_source(ROWS)
        os.truncate(path, path.stat().st_size - 1000)
        self.refused_source(path, 5)

    def test_a_page_of_garbage(self):
        rng = random.Random(SEED)
        original = self.make_source(ROWS)
        pages = original.stat().st_size // 4096
        for page in rng.sample(range(1, pages), 8):
            with self.subTest(page=page):
                path = self.dir / f"garbage{page}.db"
                shutil.copyfile(original, path)
                with open(path, "r+b") as file:
                    file.seek(page * 4096)
                    file.write(rng.randbytes(4096))
                self.refused_source(path, 5)

    def test_an_index_that_lacks_a_row(self):
        def build(db):
            db.executescript("CREATE TABLE w (k INTEGER, v INTEGER); CREATE INDEX i ON w(k);"
                             "CREATE TABLE spare (k INTEGER, v INTEGER);")
            db.executemany("INSERT INTO w VALUES (?, ?)", [(i, i) for i in range(100)])
            db.commit()
            # The index is pointed at the root of an empty one of another table.
            db.execute("CREATE INDEX j ON spare(k)")
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
                       " WHERE name = 'j') WHERE name = 'i'")
        self.refused_source(self.make_source(build=build), 5)

    def test_locked_by_a_writer(self):
        path = self.make_source(ROWS)
        writer = sqlite3.connect(path, isolation_level=None)
        self.addCleanup(writer.close)
        writer.execute("BEGIN EXCLUSIVE")
        run = self.copy(path)
        self.refused(run, 6)
        self.assertEqual(self.tables_in_target(), [])
        writer.execute("ROLLBACK")
        self.copy_and_judge(path)

    def test_a_hot_journal(self):
        live = self.make_source(ROWS, name="live.db")
        db = sqlite3.connect(live, isolation_level=None)
        self.addCleanup(db.close)
        db.execute("PRAGMA cache_size = 5")  # so that changed pages are written before the commit
        db.execute("BEGIN")
        db.execute("UPDATE t SET v = 'half of a transaction'")
        left = self.dir / "left.db"
        shutil.copyfile(live, left)
        shutil.copyfile(f"{live}-journal", f"{left}-journal")
        db.execute("ROLLBACK")
        self.refused_source(left, 5)

    # ---- The target ----------------------------------------------------------------------------

    def test_nobody_listens(self):
        path = self.make_source(ROWS)
        for target in (f"host={self.dir} dbname=x user=x", "host=127.0.0.1 port=1 dbname=x user=x",
                       with_options(SERVER, dbname="no_such_database")):
            with self.subTest(target):
                self.refused(self.copy(path, target=target), 7)

    def test_wrong_password(self):
        role = "l2p_" + os.urandom(4).hex()
        execute(SERVER, f"SET password_encryption = 'scram-sha-256';"
                        f"CREATE ROLE {role} LOGIN PASSWORD 'right' IN ROLE wants_password")
        self.addCleanup(execute, SERVER, f"DROP ROLE {role}")
        path = self.make_source(ROWS)
        canary = "wr0ng-canary-71b3"
        for target in (with_options(self.target, user=role, password=canary),
                       with_options(self.target, user=role)):
            env = {"PGPASSWORD": canary} if "password" not in target else None
            run = self.copy(path, "-v", target=target, env=env)
            self.refused(run, 7)
            self.assertNotIn(canary, run.out + run.err)
        self.assertEqual(self.tables_in_target(), [])

    def test_a_role_that_may_not_create(self):
        role = "l2p_" + os.urandom(4).hex()
        execute(SERVER, f"CREATE ROLE {role} LOGIN")
        self.addCleanup(execute, SERVER, f"DROP ROLE {role}")
        path = self.make_source(ROWS)
        run = self.copy(path, target=with_options(self.target, user=role))
        self.refused(run, 8, 12)
        self.assertEqual(self.tables_in_target(), [])

    def test_a_server_that_is_read_only(self):
        name = self.sql("SELECT current_database()")[0][0]
        execute(self.admin, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        run = self.copy(self.make_source(ROWS))
        if run.exit_code != 0:  # a session may set it off again; then the copy has to be whole
            self.refused(run, 8, 12)
            self.assertEqual(self.tables_in_target(), [])

    def test_a_database_that_is_not_utf8(self):
        self.target = self.make_target(encoding="LATIN1")
        self.refused_source(self.make_source(ROWS), 8, 12)

    def test_a_table_that_holds_rows(self):
        path = self.make_source(ROWS)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, v text)")
        self.sql("INSERT INTO t VALUES (1, 'mine')")
        self.refused(self.copy(path), 8, 12)
        self.assertEqual(self.sql("SELECT * FROM t"), [(1, "mine")])
        self.assertEqual(self.tables_of_users(), ["public.t"])

    def test_a_table_that_is_there_although_it_shall_be_created(self):
        path = self.make_source(ROWS)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, v text)")
        self.refused(self.copy(path, "--schema-mode", "create"), 8, 12)
        self.assertEqual(self.sql("SELECT * FROM t"), [])

    def test_tables_that_have_no_partner_are_listed_at_once(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE missing_one (a); CREATE TABLE missing_two (a);")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY)")
        run = self.refused(self.copy(path, "--schema-mode", "existing"), 8, 12)
        self.assertIn("missing_one", run.out)
        self.assertIn("missing_two", run.out)

    def test_a_value_that_does_not_fit_an_existing_column(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO t VALUES (1, 5), (2, 'lots-of-it'), (3, 7);")
        self.sql("CREATE TABLE t (id int PRIMARY KEY, n int)")
        run = self.refused(self.copy(path), 14, 12)
        self.assertEqual(self.sql("SELECT * FROM t"), [])
        # The error names the row, the column and the value.
        for word in ("lots-of-it", "n", "2"):
            self.assertIn(word, run.out)

    def test_more_columns_than_postgresql_has(self):
        columns = ", ".join(f"c{i}" for i in range(1601))
        path = self.make_source(f"CREATE TABLE wide ({columns}); CREATE TABLE fine (a);")
        self.refused_source(path, 12)

    def test_a_cluster_where_other_things_are(self):
        (self.dir / "full").mkdir()
        (self.dir / "full/letter").write_text("x", encoding="ascii")
        self.refused(self.copy(self.make_source(ROWS), target=f"pgdata:{self.dir}/full"), 2)
        self.assertEqual(os.listdir(self.dir / "full"), ["letter"])

    # ---- The command line ----------------------------------------------------------------------

    def test_usage(self):
        path = self.make_source(ROWS)
        for arguments in ([], ["no-such-command"], ["copy"],
                          ["copy", path, self.target, "--no-such"],
                          ["copy", path, self.target, "--streams", "many"],
                          ["copy", path, self.target, "--verify", "perhaps"]):
            with self.subTest(arguments):
                run = lite2pg(*arguments)
                self.assertEqual(run.exit_code, 2, str(run))
                self.assertTrue(run.err, "nobody says why")
        self.assertEqual(self.tables_in_target(), [])

    def test_no_target_while_the_environment_names_one(self):
        run = lite2pg("copy", self.make_source(ROWS), env={"PGHOST": "localhost"})
        self.assertEqual(run.exit_code, 2, str(run))
        self.assertEqual([p.name for p in self.dir.iterdir()], ["source.db"])


if __name__ == "__main__":
    unittest.main()
