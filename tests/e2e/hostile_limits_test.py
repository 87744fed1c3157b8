"""Small files that make much of themselves, and values that do not fit into the memory allowed:
each ends soon, within --memory, with a result or with an error that says what to do."""

import os
import sqlite3
import subprocess
import time
import unittest

from harness import BIN, EndToEndTest, is_sanitized

SECONDS_MAX = 30
# With sanitizers: shadow memory, red zones and what was freed last.
MEMORY_MAX = (1024 if is_sanitized() else 256) << 20
ROOM_MAX = (2048 if is_sanitized() else 700) << 20  # with --memory 700MiB


class HostileLimits(EndToEndTest):
    def bounded(self, path, *exit_codes, options=()):
        began = time.monotonic()
        run = self.copy(path, *options, timeout=SECONDS_MAX * 2)
        self.assertLess(time.monotonic() - began, SECONDS_MAX, str(run))
        self.assertIn(run.exit_code, exit_codes, str(run))
        self.assertLess(run.report["resources"]["peak_rss_bytes"], MEMORY_MAX, str(run))
        return run

    def edit_schema(self, path, *statements):
        db = sqlite3.connect(path)
        db.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()

    def test_a_virtual_column_of_a_gigabyte(self):
        path = self.make_source("""
            CREATE TABLE bomb (id INTEGER PRIMARY KEY, b AS (zeroblob(1000000000)) VIRTUAL);
            INSERT INTO bomb VALUES (1);
            """)
        self.assertLess(path.stat().st_size, 100_000)
        self.bounded(path, 0, 5, 9, 12)

    def test_a_virtual_column_of_text_that_doubles(self):
        path = self.make_source("""
            CREATE TABLE bomb (id INTEGER PRIMARY KEY, a TEXT, b AS (replace(replace(replace(
              hex(zeroblob(500000)), '0', '0000000000'), '0', '0000000000'), '0', '0000000000')));
            INSERT INTO bomb(a) VALUES ('x'), ('y');
            """)
        self.bounded(path, 0, 5, 9, 12)

    def test_a_check_that_makes_a_gigabyte(self):
        path = self.make_source("""
            CREATE TABLE c (a INTEGER CHECK (a < 5 OR length(zeroblob(999999999)) > a));
            INSERT INTO c VALUES (1), (2);
            """)
        self.edit_schema(path, "UPDATE sqlite_schema SET sql = replace(sql, 'a < 5 OR ', '')")
        self.bounded(path, 0, 5, 9, 12)

    def test_an_endless_view_is_not_evaluated(self):
        path = self.make_source("""
            CREATE TABLE t (a INTEGER);
            INSERT INTO t VALUES (1);
            CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
              SELECT i FROM n;
            """)
        self.bounded(path, 0)

    def test_two_thousand_columns(self):
        columns = ", ".join(f"c{i}" for i in range(2000))
        path = self.make_source(f"CREATE TABLE wide ({columns}); INSERT INTO wide(c0) VALUES (1);")
        run = self.bounded(path, 12)
        self.assertTrue(any("1600" in f["message"] or "1,600" in f["message"]
                            for f in run.findings()), str(run))

    def test_expressions_as_deep_as_sqlite_takes_them(self):
        deep = "1" + " + 1" * 900
        nested = "(" * 30 + "a" + ")" * 30
        path = self.make_source(f"""
            CREATE TABLE t (a INTEGER DEFAULT ({deep}), CHECK ({nested} > {deep} OR 1));
            CREATE INDEX i ON t({nested} + {deep});
            INSERT INTO t VALUES (5);
            """)
        self.bounded(path, 0)

    @unittest.skipUnless(os.environ.get("LITE2PG_SLOW"), "SQLite takes 20 s to look at it")
    def test_more_entries_than_a_schema_may_have(self):
        path = self.make_source("CREATE TABLE t (a)")
        self.edit_schema(path, """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 210000)
            INSERT INTO sqlite_schema SELECT 'view', 'v' || i, 'v' || i, 0, 'CREATE VIEW v' || i
              || ' AS SELECT 1' FROM n""")
        run = self.bounded(path, 5)
        self.assertRegex(run.report["errors"][0]["what"], "entries|takes too long")
        self.assertTrue(run.report["errors"][0]["hint"])

    def test_a_row_that_does_not_fit_into_the_memory_is_named_with_what_it_needs(self):
        path = self.make_source("""
            CREATE TABLE fits (id INTEGER PRIMARY KEY, d BLOB);
            INSERT INTO fits VALUES (1, zeroblob(1000));
            CREATE TABLE huge (id INTEGER PRIMARY KEY, d BLOB);
            INSERT INTO huge VALUES (1, x'00'), (2, zeroblob(300000000));
            """)
        for reader in ("auto", "library"):
            with self.subTest(reader):
                run = self.bounded(path, 9, options=("--reader", reader, "--memory", "256MiB"))
                error = run.report["errors"][0]
                self.assertEqual(error["code"], "L2P1012")
                self.assertEqual(error["table"], "huge")
                self.assertIn("--memory", error["hint"])
        self.assertEqual(self.tables_in_target(), [])
        run = self.copy(path, "--memory", "700MiB", "--target-schema", "named")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertLess(run.report["resources"]["peak_rss_bytes"], ROOM_MAX)
        self.assertEqual(run.findings("L2P1012"), [])
        # A healthy file needs no options; what it takes is said.
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertLess(run.report["resources"]["peak_rss_bytes"], ROOM_MAX)
        self.assertEqual([(f["severity"], f["object"]) for f in run.findings("L2P1012")],
                         [("warning", "huge")])
        self.assertEqual(self.sql("SELECT octet_length(d) FROM huge ORDER BY id"),
                         [(1,), (300000000,)])

    def test_columns_that_fit_one_by_one_and_not_together(self):
        path = self.make_source("""
            CREATE TABLE wide (id INTEGER PRIMARY KEY, a BLOB, b BLOB, c BLOB);
            INSERT INTO wide VALUES (1, zeroblob(40000000), zeroblob(40000000), zeroblob(40000000));
            """)
        for reader in ("auto", "library"):
            with self.subTest(reader):
                run = self.bounded(path, 9, 12,
                                   options=("--reader", reader, "--memory", "256MiB"))
                self.assertIn("--memory", str(run.report["errors"] + run.findings()))

    def test_sixty_four_streams_stay_within_the_memory(self):
        path = self.make_source("""
            CREATE TABLE wide (id INTEGER PRIMARY KEY, a TEXT, b BLOB);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
            INSERT INTO wide SELECT i, hex(zeroblob(150000)), zeroblob(300000) FROM n;
            """)
        for streams in (1, 2, 7, 64):
            with self.subTest(streams=streams):
                run = self.bounded(path, 0, options=("--streams", streams, "--target-schema",
                                                     f"s{streams}"))
                self.assertEqual(run.report["outcome"], "verified")

    @unittest.skipIf(is_sanitized(), "sanitizers take an address space of terabytes")
    def test_memory_that_the_system_refuses_is_an_error_of_its_own(self):
        """The address space is limited, so that one allocation or another fails."""
        path = self.make_source("""
            CREATE TABLE b (id INTEGER PRIMARY KEY, d BLOB);
            INSERT INTO b VALUES (1, zeroblob(80000000)), (2, x'01');
            """)
        for megabytes in (150, 200, 250, 300, 400, 500):
            with self.subTest(megabytes=megabytes):
                process = subprocess.run(
                    ["prlimit", f"--as={megabytes << 20}", BIN, "copy", path, self.target, "--format",
                     "json", "--target-schema", f"m{megabytes}"], stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, timeout=60, check=False)
                output = process.stdout.decode("utf-8", "replace")
                self.assertIn(process.returncode, (0, 7, 9), output[-3000:])
                if process.returncode == 0:
                    self.assertEqual(self.sql(f"SELECT count(*) FROM m{megabytes}.b"), [(2,)])


if __name__ == "__main__":
    unittest.main()
