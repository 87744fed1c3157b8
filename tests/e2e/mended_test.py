"""copy --only-rejects: rows that were set aside, mended, go to the others; none goes twice."""

import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest

import psycopg2
from existing_support import ExistingTest
from harness import BIN, EndToEndTest, execute

SOURCE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, born);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id), n);
CREATE TABLE code (k TEXT, v, PRIMARY KEY (k)) WITHOUT ROWID;
INSERT INTO parent VALUES (1, '2024-01-01'), (2, 'soon'), (3, 'later');
INSERT INTO child VALUES (10, 1, 1), (20, 2, 2), (30, 3, 3), (40, 1, 'many'), (50, NULL, 5);
INSERT INTO code VALUES ('a', 1), ('b', 'x'), ('c', 'y');
"""
TARGET = """
CREATE TABLE parent (id bigint PRIMARY KEY, born date);
CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent(id), n int);
CREATE TABLE code (k text PRIMARY KEY, v int);
"""


class Mended(ExistingTest):
    def set_aside(self, name, target=TARGET):
        self.path = self.make_source(SOURCE)
        self.sql(target)
        file = self.dir / name
        run = self.copy(self.path, "--on-bad-value", "reject", "--rejects", file)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.left(), 7)
        return file

    def left(self):
        return self.sql("SELECT count(*) FROM lite2pg.reject")[0][0]

    def mend_sqlite(self, file, *statements):
        db = sqlite3.connect(file)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()

    def mend_ndjson(self, file, mend):
        """`mend` gets (table, key, values by column) and returns whether the row stays."""
        lines = []
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            values = {v["column"]: v for v in row["values"]}
            if mend(row["table"], row["row_key"], values):
                lines.append(json.dumps(row))
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def load_mended(self, file, *options, exit_code=0):
        before = self.pg_dump()
        run = self.copy(self.path, "--only-rejects", file, *options)
        self.assertEqual(run.exit_code, exit_code, str(run))
        self.assertEqual(self.pg_dump(), before)
        self.assert_nothing_left()
        return run

    def contents(self):
        return (self.sql("SELECT id, born::text FROM parent ORDER BY id"),
                self.sql("SELECT id, parent, n FROM child ORDER BY id"),
                self.sql("SELECT k, v FROM code ORDER BY k"))

    ALL = ([(1, "2024-01-01"), (2, "2024-02-02"), (3, "2024-03-03")],
           [(10, 1, 1), (20, 2, 2), (30, 3, 3), (40, 1, 4), (50, None, 5)],
           [("a", 1), ("b", 2), ("c", 3)])

    def test_all_rows_of_an_sqlite_file(self):
        file = self.set_aside("r.sqlite")
        self.mend_sqlite(file, "UPDATE parent SET born = '2024-0' || id || '-0' || id",
                         "UPDATE child SET n = 4 WHERE id = 40",
                         "UPDATE code SET v = CASE k WHEN 'b' THEN 2 ELSE 3 END")
        run = self.load_mended(file)
        self.assertEqual(run.report["outcome"], "verified")
        self.assertEqual(self.contents(), self.ALL)
        self.assertEqual(self.left(), 0)
        self.assertEqual(len(run.findings("L2P6008")), 3)
        for finding in run.findings("L2P6008"):
            self.assertEqual(finding["severity"], "info", finding)
        for name in ("parent", "child", "code"):
            self.assertIs(run.table(name)["equal"], True)
        # Once more: nothing happens, and the run says why.
        run = self.copy(self.path, "--only-rejects", file)
        self.assert_fails(run, 11, "L2P6003")
        self.assertEqual(self.contents(), self.ALL)

    def test_some_rows_of_an_ndjson_file(self):
        file = self.set_aside("r.ndjson")

        def mend(table, key, values):
            if table == "parent" and "id=2" in key:
                values["born"]["value"] = "2024-02-02"
                return True
            return table == "child" and "id=20" in key
        self.mend_ndjson(file, mend)
        run = self.load_mended(file)
        self.assertEqual(self.left(), 5)
        self.assertEqual(self.sql("SELECT id FROM parent ORDER BY id"), [(1,), (2,)])
        self.assertEqual(self.sql("SELECT id FROM child ORDER BY id"), [(10,), (20,), (50,)])
        message = next(f for f in run.findings("L2P6008") if f["object"] == "child")["message"]
        self.assertIn("the source has 5 rows, the target 3, and 2 are still set aside", message)
        self.assertEqual(self.sql("SELECT DISTINCT table_name, split_part(row_key, ' ', 1) FROM"
                                  " lite2pg.reject WHERE table_name <> 'code' ORDER BY 1, 2"),
                         [("child", "id=30"), ("child", "id=40"), ("parent", "id=3")])

    def test_a_key_can_be_mended_in_ndjson(self):
        self.path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, b);"
                                     "INSERT INTO t VALUES (1, x'00ff'), (3000000000, x'01');")
        self.sql("CREATE TABLE t (id int PRIMARY KEY, b bytea)")
        file = self.dir / "r.ndjson"
        self.copy(self.path, "--on-bad-value", "reject", "--rejects", file)

        def mend(_, __, values):
            values["id"]["value"] = 2
            return True
        self.mend_ndjson(file, mend)
        self.load_mended(file)
        self.assertEqual([(i, bytes(b)) for i, b in self.sql("SELECT * FROM t ORDER BY id")],
                         [(1, b"\x00\xff"), (2, b"\x01")])
        self.assertEqual(self.left(), 0)

    def test_a_load_of_mended_rows_that_was_killed_is_resumed(self):
        file = self.set_aside("r.sqlite")
        self.mend_sqlite(file, "UPDATE parent SET born = '2024-0' || id || '-0' || id",
                         "UPDATE child SET n = 4 WHERE id = 40",
                         "UPDATE code SET v = CASE k WHEN 'b' THEN 2 ELSE 3 END")
        # Somebody reads `code`, so that the run cannot write to it, and waits.
        reader = psycopg2.connect(self.admin)
        self.addCleanup(reader.close)
        reader.cursor().execute("LOCK TABLE code IN SHARE MODE")
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        process = subprocess.Popen(
            [BIN, "copy", str(self.path), self.target, "--only-rejects", str(file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        waiting = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                   " AND wait_event_type = 'Lock'")
        for _ in range(200):
            if execute(self.admin, waiting) != [(0,)]:
                break
            time.sleep(0.1)
        self.assertIsNone(process.poll(), "it did not wait for the lock")
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        reader.rollback()
        refused = self.copy(self.path, "--only-rejects", file)
        self.assertEqual(refused.exit_code, 11, str(refused))
        run = self.load_mended(file, "--resume")
        self.assertEqual(run.report["outcome"], "verified")
        self.assertEqual(self.contents(), self.ALL)
        self.assertEqual(self.left(), 0)
        # Neither once more: the run is done, and what it was about is no longer set aside.
        again = self.copy(self.path, "--only-rejects", file, "--resume")
        self.assertIn(again.exit_code, (2, 11), str(again))
        self.assertEqual(self.contents(), self.ALL)

    def test_what_is_still_bad_changes_nothing(self):
        file = self.set_aside("r.sqlite")
        before = self.contents()
        run = self.copy(self.path, "--only-rejects", file)
        self.assert_fails(run, 14, "L2P2001")
        self.assertEqual((self.contents(), self.left()), (before, 7))
        self.assert_nothing_left()

    def test_what_is_still_bad_can_be_set_aside_again(self):
        file = self.set_aside("r.sqlite")
        self.mend_sqlite(file, "UPDATE parent SET born = '2024-02-02' WHERE id = 2",
                         "UPDATE code SET v = 2 WHERE k = 'b'")
        self.load_mended(file, "--on-bad-value", "reject", exit_code=3)
        self.assertEqual(self.sql("SELECT id FROM parent ORDER BY id"), [(1,), (2,)])
        self.assertEqual(self.sql("SELECT id FROM child ORDER BY id"), [(10,), (20,), (50,)])
        self.assertEqual(self.sql("SELECT k FROM code ORDER BY k"), [("a",), ("b",)])
        self.assertEqual(self.left(), 4)

    def test_a_row_that_the_table_refuses_changes_nothing(self):
        file = self.set_aside("r.sqlite")
        self.mend_sqlite(file, "DELETE FROM parent", "DELETE FROM code",
                         "DELETE FROM child WHERE id <> 40",
                         "UPDATE child SET n = 4, parent = 99 WHERE id = 40")
        before = self.contents()
        run = self.copy(self.path, "--only-rejects", file, "--orphans", "stop")
        self.assert_fails(run, 8)
        self.assertEqual((self.contents(), self.left()), (before, 7))

    def test_rows_that_were_never_set_aside_are_refused(self):
        file = self.set_aside("r.sqlite")
        self.mend_sqlite(file, "INSERT INTO parent VALUES (9, '2024-01-01')")
        run = self.copy(self.path, "--only-rejects", file)
        self.assert_fails(run, 2, "L2P9002")
        self.assertIn("none of those that were set aside", str(run))
        other = self.make_source(SOURCE, name="other.db")
        self.assert_fails(self.copy(self.path, "--only-rejects", other), 2, "L2P9002")
        lines = self.dir / "x.ndjson"
        lines.write_text('{"id": 1}\nnot json\n')
        self.assert_fails(self.copy(self.path, "--only-rejects", lines), 2, "L2P9002")
        self.assertEqual(self.left(), 7)

    def test_a_row_that_is_there_meanwhile_is_not_doubled(self):
        file = self.set_aside("r.sqlite")
        self.mend_sqlite(file, "UPDATE parent SET born = '2024-01-01'",
                         "UPDATE child SET n = 4 WHERE id = 40", "UPDATE code SET v = 1")
        self.sql("INSERT INTO parent VALUES (2, '1999-01-01')")
        before = self.contents()
        self.assert_fails(self.copy(self.path, "--only-rejects", file), 8)
        self.assertEqual((self.contents(), self.left()), (before, 7))

    def test_tables_without_keys(self):
        self.path = self.make_source("CREATE TABLE t (v);"
                                     "INSERT INTO t VALUES (1), (1), ('a'), ('a'), ('b');")
        self.sql("CREATE TABLE t (v int)")
        file = self.dir / "r.sqlite"
        self.copy(self.path, "--on-bad-value", "reject", "--rejects", file)
        self.mend_sqlite(file, "DELETE FROM t WHERE v = 'b'", "UPDATE t SET v = 1")
        run = self.load_mended(file)
        self.assertIs(run.table("t")["equal"], True)
        self.assertEqual(self.sql("SELECT v, count(*) FROM t GROUP BY v"), [(1, 4)])
        self.assertEqual(self.left(), 1)


class MendedInCreatedTables(EndToEndTest):
    def test_rows_of_created_tables_with_renames(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, d TEXT);"
                                "CREATE TABLE u (id INTEGER PRIMARY KEY);"
                                "INSERT INTO t VALUES (1, '2024-01-01'), (2, 'bad');")
        config = self.dir / "c.toml"
        config.write_text('on-bad-value = "reject"\n[table.t]\nrename = "tt"\n'
                          '[table.t.column.d]\ntype = "date"\nrename = "dd"\n'
                          '[table.u]\nrename = "uu"\n')
        file = self.dir / "r.sqlite"
        run = self.copy(path, "--config", config, "--rejects", file)
        self.assertEqual(run.exit_code, 3, str(run))
        db = sqlite3.connect(file)
        db.execute("UPDATE t SET d = '2024-02-02'")
        db.commit()
        db.close()
        run = self.copy(path, "--config", config, "--only-rejects", file)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT id, dd::text FROM public.tt ORDER BY id"),
                         [(1, "2024-01-01"), (2, "2024-02-02")])
        self.assertEqual(self.sql("SELECT count(*) FROM lite2pg.reject"), [(0,)])


if __name__ == "__main__":
    unittest.main()
