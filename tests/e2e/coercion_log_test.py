"""--coercion-log: exactly the cells that are another value in the target, before and after."""

import json
import random
import stat
import unittest

from existing_support import ExistingTest
from harness import SEED

KINDS = {type(None): "null", int: "integer", float: "real", str: "text", bytes: "blob"}
HOME = {"t": ("text",), "b": ("blob",), "i": ("integer",), "f": ("real",), "n": (), "p": ()}


class CoercionLog(ExistingTest):
    def test_the_log_has_exactly_the_coerced_cells(self):
        random.seed(SEED)
        values = {"t": ["x", "", 5, 1.5, None], "b": [b"\x00", "text", None],
                  "i": [5, "6", None, "seven"], "f": [1.5, 2, "2.5", None],
                  "n": [1, 1.5, "3.25", None], "p": ["1,2", None]}
        rows = [[random.choice(values[c]) for c in values] for _ in range(500)]

        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, t, b, i, f, n, p)")
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
                           [[k] + row for k, row in enumerate(rows)])
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, t text, b bytea, i int, f float8,"
                 " n numeric, p point)")
        log = self.dir / "log.ndjson"
        run = self.copy(path, "--on-bad-value", "reject", "--empty-as-null", "t.t",
                        "--coercion-log", log)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
        found = {}
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            key = (entry["row_key"], entry["column"])
            self.assertNotIn(key, found)
            found[key] = entry
        expected = {(f"id={k} (rowid {k})", c)
                    for k, row in enumerate(rows) if row[2] != "seven"
                    for c, v in zip(values, row)
                    if v == "" or v is not None and KINDS[type(v)] not in HOME[c]}
        self.assertEqual(set(found), expected)
        types = {"t": "text", "b": "bytea", "i": "int4", "f": "float8", "n": "numeric",
                 "p": "point"}
        stored = {k: row for k, *row in self.sql(
            "SELECT id, t, b::text, i::text, f::text, n::text, p::text FROM t")}
        self.assertEqual(set(stored), {k for k, row in enumerate(rows) if row[2] != "seven"})
        for (row_key, column), entry in found.items():
            k = int(row_key.split("=")[1].split()[0])
            value = rows[k][list(values).index(column)]
            self.assertEqual(entry["table"], "t")
            self.assertEqual(entry["before"], {"class": KINDS[type(value)], "value": value})
            after = stored[k][list(values).index(column)]
            if column != "b":   # the role's bytea_output is another
                self.assertEqual(entry["after"], after, entry)
            self.assertEqual(entry.get("rule"), "empty-as-null" if value == "" else None)
            self.assertIn(types[column][:3], entry["to"].replace("integer", "int4")
                          .replace("double precision", "float8"))
        counted = sum(c["count"] for col in run.table("t")["columns"] for c in col["coercions"])
        self.assertGreaterEqual(counted, len(found))

    def test_very_verbose(self):
        """-vv writes it where nothing names a file: beside nothing, in the current directory."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
                                "INSERT INTO t VALUES (1, '5'), (2, 6);", name="shop.db")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, v bigint)")
        here = self.dir / "here"
        here.mkdir()
        run = self.copy(path, "-v", "-v", cwd=here)
        self.assertEqual(run.exit_code, 0, str(run))
        log = here / "shop.coercions.ndjson"
        [entry] = map(json.loads, log.read_text(encoding="utf-8").splitlines())
        self.assertEqual((entry["before"], entry["after"]), ({"class": "text", "value": "5"}, "5"))
        self.assertIn(str(log.name), " ".join(run.report["next_steps"]))
        self.sql("DELETE FROM t")
        self.copy(path, "-v", cwd=self.dir)
        self.copy(path, "-vv", "--dry-run", cwd=self.dir)
        self.assertFalse(list(self.dir.glob("*.ndjson")))

    def test_no_option_no_file(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
        self.copy(path)
        self.assertEqual([p.name for p in self.dir.iterdir()], ["source.db"])

    def test_a_log_that_cannot_be_written_is_refused_first(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY);")
        run = self.copy(path, "--coercion-log", self.dir / "missing" / "log.ndjson")
        self.assertEqual(run.exit_code, 2, str(run))
        self.assertEqual(self.tables_in_target(), [])


if __name__ == "__main__":
    unittest.main()
