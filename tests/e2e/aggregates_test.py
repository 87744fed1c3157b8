"""verify --aggregates shows the numbers that both databases give when they are asked themselves."""

import contextlib
import sqlite3
import unittest
from decimal import Decimal

from harness import EndToEndTest, lite2pg

SCRIPT = """
CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, r REAL, price DECIMAL(12,2), ok BOOLEAN,
                made TIMESTAMP, day DATE, name TEXT, b BLOB, "nothing" TEXT);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)
INSERT INTO t SELECT i, (i % 77) - 40, (i % 1000) / 8.0, round(i % 5000 / 100.0, 2), i % 2,
  CASE WHEN i % 3 THEN datetime(1700000000 + i, 'unixepoch') END, date(1700000000 + i * 864, 'unixepoch'),
  printf('name %05d', i % 600), CASE WHEN i % 10 THEN zeroblob(i % 4 + 1) END, NULL FROM c;
CREATE TABLE "odd ""name" ("the x" INTEGER);
INSERT INTO "odd ""name" VALUES (9223372036854775807), (9223372036854775807), (NULL), (-5);
CREATE TABLE empty (a INTEGER, b TEXT);
"""


class Aggregates(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT)
        run = self.copy(self.path)
        self.assertEqual(run.exit_code, 0, str(run))

    def verify(self, *options):
        return lite2pg("verify", self.path, self.target, "--aggregates", *options)

    def columns(self, run, table):
        return {c["source_name"]: c["aggregates"] for c in run.table(table)["columns"]}

    def test_they_are_what_both_databases_say(self):
        run = self.verify("--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        with contextlib.closing(sqlite3.connect(self.path)) as source:
            for table in ("t", 'odd "name', "empty"):
                quoted = '"' + table.replace('"', '""') + '"'
                for name, found in self.columns(run, table).items():
                    with self.subTest(table=table, column=name):
                        column = f'"{name}"'
                        self.assertTrue(found["equal"], found)
                        self.assertEqual(found["source"], found["target"])
                        query = (f"SELECT count({column}), count(*) - count({column}),"
                                 f" count(DISTINCT {column}) FROM {quoted}")
                        of_source = source.execute(query).fetchone()
                        of_target = self.sql(query)[0]
                        self.assertEqual(tuple(of_target), of_source)
                        side = found["target"]
                        self.assertEqual((side["values"], side["nulls"]), of_source[:2])
                        self.assertLessEqual(abs(side["distinct_estimate"] - of_source[2]),
                                             0.05 * of_source[2] + 1)
                        self.assert_extremes(side, quoted, column)

    def assert_extremes(self, side, table, column):
        # bytea and boolean have no min() in PostgreSQL, and text has it by the collation.
        [(kind,)] = self.sql(f"SELECT pg_typeof((SELECT {column} FROM {table} LIMIT 1))::text")
        if kind in ("bytea",):
            return
        as_compared = {"boolean": f"{column}::int",
                       "text": f'{column} COLLATE "C"'}.get(kind, column)
        low, high = self.sql(f"SELECT min({as_compared})::text, max({as_compared})::text"
                             f" FROM {table}")[0]
        if kind == "boolean":
            low, high = ("t" if low == "1" else "f"), ("t" if high == "1" else "f")
            self.assertEqual((side["min"][:1], side["max"][:1]), (low, high))
        else:
            shown = [None if v is None else v.strip("'") for v in (side["min"], side["max"])]
            self.assertEqual(shown, [low, high])
        if kind in ("bigint", "integer", "numeric", "double precision"):
            total = self.sql(f"SELECT sum({column}::numeric)::text FROM {table}")[0][0]
            if total is None:
                self.assertIsNone(side["sum"])
            else:
                self.assertAlmostEqual(Decimal(side["sum"]), Decimal(total), places=6)

    def test_what_differs_is_marked(self):
        self.sql("UPDATE t SET n = n + 1 WHERE id = 7; DELETE FROM t WHERE id = 5000;"
                 "UPDATE t SET name = '' WHERE id = 9")
        run = self.verify("--format", "json")
        self.assertEqual(run.exit_code, 4, str(run))
        columns = self.columns(run, "t")
        self.assertFalse(columns["n"]["equal"])
        self.assertEqual(columns["n"]["target"]["values"], 4999)
        self.assertFalse(columns["name"]["equal"])
        text = self.verify()
        self.assertIn("Aggregates of t", text.out)
        self.assertIn("DIFFER", text.out)
        self.assertIn("5,000 | 4,999", text.out)

    def test_two_sides_are_needed(self):
        run = lite2pg("verify", self.target, "--aggregates", "--format", "json")
        self.assert_fails(run, 2)

    def test_files_and_targets_of_a_kind(self):
        run = lite2pg("verify", self.path, self.path, "--aggregates", "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.columns(run, "t")["n"]["source"]["values"], 5000)
        run = lite2pg("verify", self.target, self.target, "--aggregates", "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.columns(run, "t")["n"]["target"]["max"], "36")


if __name__ == "__main__":
    unittest.main()
