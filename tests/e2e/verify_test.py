"""verify sees what was changed after a copy, and says where."""

import sqlite3
import unittest

from harness import EndToEndTest, lite2pg

SCRIPT = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, r REAL, at TIMESTAMP, b BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO t SELECT i, 'v' || i, i / 8.0, '2024-01-01 00:00:00', zeroblob(i % 9) FROM n;
CREATE TABLE twins (v TEXT);
INSERT INTO twins VALUES ('a'), ('a'), ('b');
CREATE TABLE pair (a TEXT, b INTEGER, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
INSERT INTO pair VALUES ('x', 1, 1), ('x', 2, 2);
"""

# Statement, the table that it changes, and what must be named.
CHANGES = [
    ("UPDATE t SET v = 'v17 ' WHERE id = 17", "t", "17"),
    ("UPDATE t SET v = NULL WHERE id = 4999", "t", "4999"),
    ("UPDATE t SET r = r + 1e-12 WHERE id = 2", "t", "2"),
    ("UPDATE t SET at = at + interval '1 us' WHERE id = 3", "t", "3"),
    ("UPDATE t SET b = b || '\\x00' WHERE id = 9", "t", "9"),
    ("DELETE FROM t WHERE id = 2500", "t", "2500"),
    ("INSERT INTO t (id, v) VALUES (777777, 'new')", "t", "777777"),
    ("UPDATE t SET id = 888888 WHERE id = 100", "t", "100"),
    ("INSERT INTO twins VALUES ('a')", "twins", None),
    ("DELETE FROM twins WHERE ctid = (SELECT min(ctid) FROM twins)", "twins", None),
    ("UPDATE twins SET v = 'c' WHERE v = 'b'", "twins", None),
    ("UPDATE pair SET v = '3' WHERE b = 2", "pair", "2"),
]


class Verify(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT)
        self.copy_and_judge(self.path)

    def verify(self, *arguments):
        return lite2pg("verify", self.path, self.target, "--format", "json", *arguments)

    def test_equal_sides_are_equal(self):
        run = self.verify()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertTrue(all(t["equal"] for t in run.report["tables"]), str(run))

    def test_every_change_in_the_target_is_found(self):
        name = self.sql("SELECT current_database()")[0][0]
        original = self.target
        for statement, table, key in CHANGES:
            with self.subTest(statement):
                self.target = self.make_target_from(name)
                self.sql(statement)
                run = self.verify()
                self.assertEqual(run.exit_code, 4, str(run))
                self.assertEqual(run.report["outcome"], "differs", str(run))
                unequal = [t["source_name"] for t in run.report["tables"] if not t["equal"]]
                self.assertEqual(unequal, [table], str(run))
                differences = run.table(table)["differences"]
                self.assertTrue(differences, str(run))
                if key is not None:
                    self.assertTrue(any(key in d["key"] for d in differences), str(run))
                self.target = original

    def test_a_change_in_the_source_is_found(self):
        db = sqlite3.connect(self.path)
        db.execute("UPDATE t SET v = 'changed' WHERE id = 55")
        db.commit()
        db.close()
        run = self.verify()
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertIn("55", run.table("t")["differences"][0]["key"], str(run))

    def test_changes_nothing(self):
        before = self.tables_in_target()
        counts = self.sql("SELECT count(*) FROM pg_class")
        self.assertEqual(self.verify().exit_code, 0)
        self.assertEqual(self.tables_in_target(), before)
        self.assertEqual(self.sql("SELECT count(*) FROM pg_class"), counts)


if __name__ == "__main__":
    unittest.main()
