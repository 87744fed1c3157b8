"""SQLite -> PostgreSQL -> SQLite: Python's sqlite3 judges the new file against the first one."""

import shutil
import signal
import sqlite3
import stat
import subprocess
import time
import unittest

from corpus_test import CORPUS, corpus_files
from harness import BIN, ROOT, EndToEndTest, lite2pg


def connect(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    # Bytes, so that text that is not UTF-8 can be compared as well.
    db.text_factory = bytes
    return db


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def text(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def declarations(db):
    """(type, name) -> sql of everything that a person declared, but virtual tables."""
    rows = [tuple(text(v) for v in row) for row in db.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL")]
    virtual = {name for kind, name, _, sql in rows
               if kind == "table" and sql.upper().startswith("CREATE VIRTUAL")}
    def ours(name):
        return name not in virtual and not name.startswith("sqlite_") and not any(
            name.startswith(v + "_") for v in virtual)
    return {(kind, name): sql for kind, name, table, sql in rows if ours(name) and ours(table)}


def columns(db, table):
    return [text(row[1]) for row in db.execute(f"PRAGMA table_xinfo({quote(table)})")
            if row[6] in (0, 2, 3)]


def stored(db, table, names):
    """Every row as classes and values; the class comes from SQLite itself."""
    wanted = ", ".join(f"typeof({quote(n)}), {quote(n)}" for n in names)
    rows = db.execute(f"SELECT {wanted} FROM {quote(table)}").fetchall()
    return sorted(([repr(v) for v in row] for row in rows))


class Revert(EndToEndTest):
    def revert(self, *options, target=None, name="back.db"):
        back = self.dir / name
        back.unlink(missing_ok=True)
        run = lite2pg("revert", target or self.target, back, "--format", "json", *options)
        return run, back

    def assert_reverts(self, path, copy_report):
        run, back = self.revert()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertEqual(stat.S_IMODE(back.stat().st_mode), 0o600)
        first, second = connect(path), connect(back)
        try:
            # The content of virtual tables comes back as ordinary ones.
            virtual = {("table", text(name)) for name, in first.execute(
                "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'")}
            found = {k: v for k, v in declarations(second).items() if k not in virtual}
            self.assertEqual(found, declarations(first))
            for pragma in ("encoding", "page_size", "user_version", "application_id",
                           "auto_vacuum"):
                self.assertEqual(second.execute(f"PRAGMA {pragma}").fetchone(),
                                 first.execute(f"PRAGMA {pragma}").fetchone(), pragma)
            for table in copy_report["tables"]:
                if table["state"] == "copied" and ("table", table["source_name"]) not in virtual:
                    self.assert_same_table(first, second, table)
        finally:
            first.close()
            second.close()
        return run, back

    def assert_same_table(self, first, second, table):
        name = table["source_name"]
        names = columns(first, name)
        self.assertEqual(columns(second, name), names)
        promised = {c["source_name"]: c["round_trips"] for c in table["columns"]}
        for column in table["columns"]:
            self.assertEqual(bool(column["round_trip_loss"]), not column["round_trips"])
        # Columns that the copy promised come back as they were, taken together ...
        kept = [n for n in names if promised[n]]
        if kept:
            self.assertEqual(stored(second, name, kept), stored(first, name, kept), name)
        # ... and whole rows where that is all of them, so that no value changed its row.
        self.assertEqual(second.execute(f"SELECT count(*) FROM {quote(name)}").fetchone(),
                         first.execute(f"SELECT count(*) FROM {quote(name)}").fetchone())

    def existing(self, source, target):
        """A copy into tables of the application's, and the reverted file."""
        path = self.make_source(source)
        self.sql(target)
        copied = self.copy(path, "--on-bad-value", "reject")
        self.assertIn(copied.exit_code, (0, 3), str(copied))
        run, back = self.revert()
        self.assertEqual(run.exit_code, 0, str(run))
        return run, connect(back)

    def test_partitions_come_once(self):
        run, back = self.existing(
            "CREATE TABLE ev (id INTEGER, at INTEGER);"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
            " INSERT INTO ev SELECT i, i % 2 FROM n;",
            "CREATE TABLE ev (id bigint, at bigint) PARTITION BY RANGE (at);"
            "CREATE TABLE ev_0 PARTITION OF ev FOR VALUES FROM (0) TO (1);"
            "CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (1) TO (9) PARTITION BY LIST (at);"
            "CREATE TABLE ev_1_1 PARTITION OF ev_1 FOR VALUES IN (1);")
        self.assertEqual([t["source_name"] for t in run.report["tables"]], ["ev"])
        self.assertEqual(back.execute("SELECT count(*) FROM ev").fetchone(), (50,))

    def test_columns_that_both_sides_compute(self):
        run, back = self.existing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT AS (a || 'x') STORED, c TEXT);"
            "INSERT INTO t (id, a, c) VALUES (1, 'p', 'px'), (2, 'q', 'qx');",
            "CREATE TABLE t (id bigint PRIMARY KEY, a text,"
            " b text GENERATED ALWAYS AS (a || 'x') STORED,"
            " c text GENERATED ALWAYS AS (a || 'x') STORED)")
        self.assertEqual(back.execute("SELECT a, b, c FROM t ORDER BY id").fetchall(),
                         [(b"p", b"px", b"px"), (b"q", b"qx", b"qx")])
        self.assertEqual(run.findings("L2P3018"), [])

    def test_what_char_is_filled_up_with_is_not_written(self):
        run, back = self.existing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, c CHAR(5)); INSERT INTO t VALUES (1, 'ab'),"
            " (2, ''), (3, 'abcde'), (4, NULL);",
            "CREATE TABLE t (id bigint PRIMARY KEY, c char(5))")
        self.assertEqual(back.execute("SELECT c FROM t ORDER BY id").fetchall(),
                         [(b"ab",), (b"",), (b"abcde",), (None,)])

    def test_values_that_were_set_aside_say_nothing_of_the_others(self):
        run, back = self.existing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, f TEXT, u TEXT); INSERT INTO t VALUES"
            " (1, 't', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (2, 'N/A', 'x'),"
            " (3, 'f', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');",
            "CREATE TABLE t (id bigint PRIMARY KEY, f boolean, u uuid)")
        self.assertEqual(back.execute("SELECT f, u FROM t ORDER BY id").fetchall(),
                         [(b"t", b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
                          (b"f", b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12")])
        [finding] = run.findings("L2P4015")
        self.assertIn("1 row(s) that the copy set aside", finding["message"])

    def test_what_was_left_out_of_the_copy_is_named(self):
        path = self.make_source("CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER);"
                                "INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1);")
        self.assertEqual(self.copy(path, "--where", "a=x > 1", "--exclude", "b").exit_code, 0)
        run, _ = self.revert()
        self.assertEqual([f["object"] for f in run.findings("L2P4015")], ["a"])
        self.assertEqual([f["object"] for f in run.findings("L2P4014")], ["b"])

    def test_an_imported_archive_comes_back_by_defaults(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'a');")
        archive = self.dir / "archive"
        self.assertEqual(lite2pg("export", path, archive).exit_code, 0)
        self.assertEqual(lite2pg("import", archive, self.target).exit_code, 0)
        run, back = self.revert()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(connect(back).execute("SELECT id, v FROM t").fetchall(), [(1, b"a")])
        # What a sync of the file itself has recorded is used.
        self.assertEqual(lite2pg("sync", path, self.target).exit_code, 0)
        run, back = self.revert()
        self.assertEqual(declarations(connect(back)), declarations(connect(path)))

    def test_every_database_of_the_corpus(self):
        for original in corpus_files():
            with self.subTest(str(original.relative_to(CORPUS))):
                self.target = self.make_target()
                path = self.dir / "corpus.db"
                shutil.copyfile(original, path)
                run = self.copy(path)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assert_reverts(path, run.report)

    def test_the_sample(self):
        path = self.dir / "sample.db"
        subprocess.run(["/usr/bin/python3", str(ROOT / "tools/make_sample"), str(path)], check=True)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        lost = [c["source_name"] for t in run.report["tables"] for c in t["columns"]
                if not c["round_trips"]]
        self.assertLess(len(lost), 5, lost)
        self.assert_reverts(path, run.report)

    FORMS = """
        PRAGMA user_version = 42; PRAGMA application_id = -7;
        CREATE TABLE forms (
            id INTEGER PRIMARY KEY AUTOINCREMENT, flag BOOLEAN, word BOOLEAN, at TIMESTAMP,
            seen TIMESTAMP, day DATE, hour TIME, ref UUID, price DECIMAL(10,2), any_number NUMERIC,
            anything, doc JSON, note TEXT DEFAULT 'it''s', raw BLOB, size REAL);
        INSERT INTO forms VALUES
            (1, 0, 'False', '2024-01-31T12:34:56.120', '2024-01-31 12:34:56+02:00', '2024-01-31',
             '12:34', '0123456789ABCDEF0123456789ABCDEF', 19.99, 5, 'abc',
             '{"a":1,"b":[]}', '', x'', 1e300),
            (2, 1, 'True', '2024-01-31T12:34:56.000', '2024-07-31 12:34:56+02:00', '0001-01-01',
             '00:00', 'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF', 20, 1.5, 5, '[1,2.50]', 'x', x'00ff',
             -0.5),
            (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
        INSERT INTO forms (id, anything) VALUES (90, 2.5);
        DELETE FROM forms WHERE id = 90;
        CREATE TABLE pair (a TEXT COLLATE NOCASE, b INTEGER, c, PRIMARY KEY (a, b DESC))
            WITHOUT ROWID;
        INSERT INTO pair VALUES ('x', 1, 1.0), ('x', 2, 7), ('y', 1, 'text');
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES forms ON DELETE CASCADE,
            twice INTEGER GENERATED ALWAYS AS (parent * 2) STORED, u INT UNIQUE CHECK (u > 0));
        INSERT INTO child (parent, u) VALUES (1, 5), (2, 6);
        CREATE INDEX child_parent ON child (parent) WHERE u > 1;
        CREATE VIEW v AS SELECT count(*) AS n FROM forms;
        CREATE TABLE log (n);
        CREATE TRIGGER t AFTER INSERT ON forms BEGIN INSERT INTO log VALUES (new.id); END;
        CREATE TRIGGER iv INSTEAD OF INSERT ON v BEGIN SELECT 1; END;
        CREATE TABLE "odd ""name" ("a b" INTEGER, "select" TEXT);
        INSERT INTO "odd ""name" VALUES (1, 'o''x');
        """

    def test_forms_keys_and_declarations(self):
        path = self.make_source(self.FORMS)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        lost = {c["source_name"]: c["round_trip_loss"] for t in run.report["tables"]
                for c in t["columns"] if not c["round_trips"]}
        # INTEGER 7 and REAL 1.0 beside a text are in a text column; all others come back.
        self.assertEqual(lost, {}, str(run))
        _, back = self.assert_reverts(path, run.report)
        # The application goes on, and so does AUTOINCREMENT.
        db = sqlite3.connect(back)
        try:
            db.execute("INSERT INTO forms (note) VALUES ('next')")
            self.assertEqual(db.execute("SELECT max(id) FROM forms").fetchone(), (91,))
            self.assertEqual(db.execute("SELECT n FROM log").fetchall(), [(91,)])
            self.assertEqual(db.execute("SELECT n FROM v").fetchone(), (4,))
        finally:
            db.close()

    def test_reals_beyond_integers(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC, r REAL, x, j JSON);
            INSERT INTO t VALUES (1, 9223372036854775808.0, 1e16, 1e16, 1e300),
                (2, 18446744073709551616.0, -0.0, 'text', '[1]'), (3, 1e300, 9e999, 5, 7),
                (4, 5e-324, -9e999, 9e999, 0.5), (5, 9223372036854775807, 1.0, 1.0, NULL);""")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual([c["source_name"] for c in run.table("t")["columns"]
                          if not c["round_trips"]], [], str(run))
        self.assert_reverts(path, run.report)

    def test_negative_zero_in_a_column_of_numbers(self):
        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC, m)")
            db.executemany("INSERT INTO t VALUES (?, ?, ?)",
                           [(1, 1.5, 2.5), (2, -0.0, -0.0), (3, 7, 7)])
        path = self.make_source(build=build)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_reverts(path, run.report)

    def test_in_every_encoding(self):
        for encoding in ("UTF-16le", "UTF-16be"):
            with self.subTest(encoding):
                self.target = self.make_target()
                path = self.make_source(f"PRAGMA encoding='{encoding}';" + self.FORMS,
                                        f"{encoding}.db")
                run = self.copy(path)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assert_reverts(path, run.report)

    def test_rows_that_their_own_table_would_refuse(self):
        def build(db):
            db.executescript("""
                CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT, c INT);
                CREATE TABLE k (a TEXT UNIQUE, b INTEGER, PRIMARY KEY (b, a));
                INSERT INTO t VALUES (1, 'not a number', NULL, -5), (2, 7, 'x', 5);
                INSERT INTO k VALUES (NULL, 1), ('a', NULL), ('b', 2);
                PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql =
                    'CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT NOT NULL,
                     c INT CHECK (c > 0))'
                    WHERE name = 't';
                PRAGMA writable_schema = RESET;""")
        path = self.make_source(build=build)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        reverted, _ = self.assert_reverts(path, run.report)
        self.assertTrue(reverted.findings("L2P4006"), str(reverted))

    def test_rows_written_in_postgresql_since(self):
        path = self.make_source(self.FORMS)
        self.assertEqual(self.copy(path).exit_code, 0)
        self.sql("UPDATE forms SET flag = true, price = 3.5, at = '2025-02-03 04:05:06.123456'"
                 " WHERE id = 1")
        self.sql("INSERT INTO forms (flag, word, at, seen, day, hour, ref, any_number, note, raw)"
                 " VALUES (false, true, '2025-02-03 04:05:06.7', '2025-02-03 04:05:06Z',"
                 " '2025-02-03', '01:02', 'abcdefab-cdef-abcd-efab-cdefabcdefab', 2.0, 'new',"
                 " '\\x01')")
        self.sql("DELETE FROM pair WHERE b = 2")
        self.sql("ALTER TABLE pair ADD COLUMN extra timestamptz DEFAULT '2025-01-01Z'")
        self.sql("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                 " tags text[], at timestamptz NOT NULL, p point, n numeric(6,2) DEFAULT 1.5,"
                 " form_id bigint REFERENCES forms (id))")
        self.sql("INSERT INTO later (tags, at, p, form_id) VALUES ('{a,b}', '2025-01-01Z',"
                 " '(1,2)', 1)")
        run, back = self.revert()
        self.assertEqual(run.exit_code, 0, str(run))
        db = sqlite3.connect(back)
        try:
            self.assertEqual(
                db.execute("SELECT flag, price, at FROM forms WHERE id = 1").fetchone(),
                (1, 3.5, "2025-02-03T04:05:06.123456"))
            self.assertEqual(
                db.execute("SELECT flag, word, at, seen, day, hour, ref, any_number,"
                           " typeof(any_number), note, raw FROM forms WHERE id > 3").fetchone(),
                (0, "True", "2025-02-03T04:05:06.700", "2025-02-03 06:05:06+02:00", "2025-02-03",
                 "01:02", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB", 2, "integer", "new", b"\x01"))
            self.assertEqual(db.execute("SELECT a, b, extra FROM pair ORDER BY 1, 2").fetchall(),
                             [("x", 1, "2025-01-01 00:00:00+00:00"),
                              ("y", 1, "2025-01-01 00:00:00+00:00")])
            self.assertEqual(db.execute("SELECT * FROM later").fetchall(),
                             [(1, "{a,b}", "2025-01-01 00:00:00+00:00", "(1,2)", 1.5, 1)])
            self.assertEqual(db.execute("PRAGMA foreign_key_list(later)").fetchone()[2], "forms")
        finally:
            db.close()
        # Microseconds where the column had three digits.
        self.assertEqual([f["object"] for f in run.findings("L2P2010")], ["forms.at"], str(run))

    def test_tables_of_the_application(self):
        path = self.make_source("""
            CREATE TABLE Users (Id INTEGER PRIMARY KEY AUTOINCREMENT, Active INTEGER,
                Created DATETIME, Guid TEXT, Amount TEXT, Tags TEXT, Kind TEXT, Mac TEXT);
            INSERT INTO Users VALUES
                (1, 1, '2024-01-31 12:34:56.1234560', '01234567-89AB-CDEF-0123-456789ABCDEF',
                 '1.50', '["a","b"]', 'red', '08:00:2b:01:02:03'),
                (2, 0, '2024-01-31 12:34:56.0000000', '01234567-89AB-CDEF-0123-456789ABCDE0',
                 '2.00', NULL, 'blue', '08:00:2B:01:02:04');""")
        self.sql("""
            CREATE TYPE kind AS ENUM ('red', 'blue');
            CREATE TABLE "Users" ("Id" integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
                "Active" boolean NOT NULL, "Created" timestamptz, "Guid" uuid,
                "Amount" numeric(10,2), "Tags" text[], "Kind" kind, "Mac" macaddr,
                app_only text DEFAULT 'x')""")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        lost = [c["source_name"] for c in run.table("Users")["columns"] if not c["round_trips"]]
        self.assertEqual(lost, ["Tags", "Mac"], str(run))
        reverted, back = self.revert()
        self.assertEqual(reverted.exit_code, 0, str(reverted))
        self.assertEqual([f["object"] for f in reverted.findings("L2P3018")], ["Users.app_only"])
        db = sqlite3.connect(back)
        try:
            self.assertEqual(db.execute("SELECT * FROM Users").fetchall(), [
                (1, 1, "2024-01-31 12:34:56.1234560", "01234567-89AB-CDEF-0123-456789ABCDEF",
                 "1.50", "{a,b}", "red", "08:00:2b:01:02:03", "x"),
                (2, 0, "2024-01-31 12:34:56.0000000", "01234567-89AB-CDEF-0123-456789ABCDE0",
                 "2.00", None, "blue", "08:00:2b:01:02:04", "x")])
        finally:
            db.close()

    def test_an_embedded_cluster(self):
        path = self.make_source("CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT);"
                                "INSERT INTO t VALUES (1, 'a');")
        self.dir.chmod(0o755)
        target = f"pgdata:{self.dir}/out.pgdata"
        missing, _ = self.revert(target=target)
        self.assert_fails(missing, 7)
        self.assertEqual(self.copy(path, target=target).exit_code, 0)
        run, back = self.revert(target=target)
        self.assertEqual(run.exit_code, 0, str(run))
        db = sqlite3.connect(back)
        try:
            self.assertEqual(db.execute("SELECT * FROM t").fetchall(), [(1, "a")])
        finally:
            db.close()

    def test_without_a_ledger(self):
        path = self.make_source(self.FORMS)
        self.assertEqual(self.copy(path).exit_code, 0)
        self.sql("DROP SCHEMA lite2pg CASCADE")
        run, back = self.revert()
        self.assertEqual(run.exit_code, 0, str(run))
        db = sqlite3.connect(back)
        try:
            self.assertEqual(
                db.execute("SELECT flag, word, at, day, hour, ref, price, typeof(price), note, raw"
                           " FROM forms WHERE id = 1").fetchone(),
                (0, 0, "2024-01-31 12:34:56.12", "2024-01-31", "12:34:00",
                 "01234567-89ab-cdef-0123-456789abcdef", 19.99, "real", "", b""))
            self.assertEqual(db.execute("SELECT a, b FROM pair ORDER BY 1, 2").fetchall(),
                             [("x", 1), ("x", 2), ("y", 1)])
            db.execute("INSERT INTO forms (note) VALUES ('next')")
            self.assertEqual(db.execute("SELECT max(id) FROM forms").fetchone(), (91,))
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        finally:
            db.close()

    def test_refuses_a_file_that_is_there(self):
        path = self.make_source("CREATE TABLE t (x)")
        self.assertEqual(self.copy(path).exit_code, 0)
        before = path.read_bytes()
        run = lite2pg("revert", self.target, path, "--format", "json")
        self.assert_fails(run, 2)
        self.assertEqual(path.read_bytes(), before)
        link = self.dir / "dangling.db"
        link.symlink_to(self.dir / "nowhere.db")
        self.assert_fails(lite2pg("revert", self.target, link, "--format", "json"), 2)
        self.assertFalse((self.dir / "nowhere.db").exists())

    def test_a_ledger_that_was_tampered_with_runs_nothing(self):
        path = self.make_source("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('a');")
        self.assertEqual(self.copy(path).exit_code, 0)
        victim = self.dir / "victim.db"
        for statement in (f"ATTACH '{victim}' AS v", "PRAGMA user_version = 5", "SELECT 1",
                          "CREATE VIRTUAL TABLE t USING fts5(x)", "CREATE TEMP TABLE t (x)",
                          f"CREATE TABLE t (x); ATTACH '{victim}' AS v"):
            with self.subTest(statement):
                self.sql("UPDATE lite2pg.run SET plan_json = replace(plan_json,"
                         " 'CREATE TABLE t (x TEXT)', %s)", (statement,))
                run, back = self.revert()
                if run.exit_code == 0:   # what stands behind the first statement is not run
                    self.assertTrue(statement.startswith("CREATE TABLE t (x);"), str(run))
                else:
                    self.assertFalse(back.exists(), str(run))
                self.assertFalse(victim.exists())
                self.sql("UPDATE lite2pg.run SET plan_json = replace(plan_json, %s,"
                         " 'CREATE TABLE t (x TEXT)')", (statement,))
        run, _ = self.revert()
        self.assertEqual(run.exit_code, 0, str(run))

    def test_an_interrupt_leaves_no_file(self):
        self.assertEqual(self.copy(self.make_source("CREATE TABLE t (x)")).exit_code, 0)
        self.sql("CREATE TABLE big AS SELECT i, md5(i::text) AS m"
                 " FROM generate_series(1, 400000) i")
        back = self.dir / "back.db"
        with subprocess.Popen([BIN, "revert", self.target, str(back)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            deadline = time.time() + 30
            # Some of the rows are in the file, which has not its name yet.
            while time.time() < deadline and not any(
                    p.stat().st_size > 1_000_000 for p in self.dir.glob("back.db.*")):
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        self.assertEqual(process.returncode, 10)
        self.assertEqual(list(self.dir.glob("back.db*")), [])


if __name__ == "__main__":
    unittest.main()
