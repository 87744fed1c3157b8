"""What the user allows for single columns: '' as NULL, bad values as NULL or as another value,
rounding, escapes. Each use is counted, and the digests are those of what was to be stored."""

import math
import random
import sqlite3
import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import SEED, EndToEndTest


class PolicyTest(EndToEndTest):
    def config(self, text):
        path = self.dir / "lite2pg.toml"
        path.write_text(text)
        return path

    def rules(self, run, table, column):
        """{rule: (count, example)} of a column in the report."""
        entry = next(c for c in run.table(table)["columns"] if c["source_name"] == column)
        return {c["rule"]: (c["count"], c["example"]) for c in entry["coercions"] if "rule" in c}

    def copied(self, path, *options, exit_code=0, table="t"):
        run = self.copy(path, *options)
        self.assertEqual(run.exit_code, exit_code, str(run))
        self.assertIs(run.table(table)["equal"], True, str(run))
        return run


class ColumnPolicies(PolicyTest):
    def test_empty_text_becomes_null(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL, n INTEGER,"
                                " d DATE);"
                                "INSERT INTO t VALUES (1, '', 1, '2024-01-01'), (2, ' ', '', ''),"
                                " (3, 'x', 3, NULL), (4, '', NULL, '');")
        run = self.copied(path, "--empty-as-null", "t.v", "--empty-as-null", "t.n",
                          "--empty-as-null", "t.d")
        self.assertEqual(self.sql("SELECT id, v, n, d::text FROM public.t ORDER BY id"),
                         [(1, None, 1, "2024-01-01"), (2, " ", None, None), (3, "x", 3, None),
                          (4, None, None, None)])
        self.assertEqual(self.rules(run, "t", "v"),
                         {"empty-as-null": (2, "TEXT 0 bytes '' at id=1 (rowid 1)")})
        self.assertEqual(self.rules(run, "t", "n")["empty-as-null"][0], 1)
        self.assertEqual(self.rules(run, "t", "d")["empty-as-null"][0], 2)
        types = self.sql("SELECT format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
                         " WHERE attrelid = 'public.t'::regclass AND attnum > 1 ORDER BY attnum")
        self.assertEqual(types, [("text", False), ("bigint", False), ("date", False)])

    def test_bad_values_become_null_or_a_default(self):
        path = self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n, d, b, j);"
            "INSERT INTO t VALUES (1, 5, '2024-01-01', 1, '{}'), (2, 'lots', 'soon', 'maybe', '{'),"
            " (3, 3000000000, NULL, x'00', NULL), (4, NULL, '2024-02-30', 0, '[1');")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int, d date, b bool NOT NULL, j jsonb)")
        config = self.config('[table.t.column.n]\non-bad-value = "null"\n'
                             '[table.t.column.d]\nbad-value-default = "1970-01-01"\n'
                             '[table.t.column.b]\nbad-value-default = "false"\n'
                             '[table.t.column.j]\nbad-value-default = "{\\"bad\\": true}"\n')
        run = self.copied(path, "--config", config)
        self.assertEqual(self.sql("SELECT id, n, d::text, b, j::text FROM t ORDER BY id"),
                         [(1, 5, "2024-01-01", True, "{}"),
                          (2, None, "1970-01-01", False, '{"bad": true}'),
                          (3, None, None, False, None),
                          (4, None, "1970-01-01", False, '{"bad": true}')])
        self.assertEqual(self.rules(run, "t", "n"),
                         {"bad value as null": (2, "TEXT 4 bytes 'lots' at id=2 (rowid 2)")})
        self.assertEqual(self.rules(run, "t", "d"),
                         {"bad value as default": (2, "TEXT 4 bytes 'soon' at id=2 (rowid 2)")})
        self.assertEqual(self.rules(run, "t", "b")["bad value as default"][0], 2)
        self.assertEqual({f["object"] for f in run.findings("L2P2009")},
                         {"t.n", "t.d", "t.b", "t.j"})

    def test_a_default_also_stands_for_null_where_null_is_bad(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO t VALUES (1, NULL), (2, 7);")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL)")
        self.copied(path, "--config",
                    self.config('[table.t.column.n]\nbad-value-default = "-1"\n'))
        self.assertEqual(self.sql("SELECT n FROM t ORDER BY id"), [(-1,), (7,)])

    def test_policies_that_cannot_be_are_refused_before_anything_is_written(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, p TEXT);"
                                "INSERT INTO t VALUES (1, 1, '(1,1)');")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, p point)")
        for text, said in (('[table.t.column.n]\non-bad-value = "null"\n', "NOT NULL"),
                           ('[table.t.column.n]\nbad-value-default = "many"\n', "itself"),
                           ('[table.t.column.p]\non-bad-value = "null"\n', "only the server")):
            run = self.copy(path, "--config", self.config(text))
            self.assert_fails(run, 12, "L2P9002")
            self.assertIn(said, run.findings("L2P9002")[0]["message"])
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])

    def test_policies_of_single_columns_go_before_that_of_all(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);"
                                "INSERT INTO t VALUES (1, 'x', 1), (2, 2, 'y'), (3, 3, 3);")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, a int, b int)")
        config = self.config('on-bad-value = "reject"\n[table.t.column.b]\non-bad-value = "null"\n')
        run = self.copied(path, "--config", config, exit_code=3)
        self.assertEqual(self.sql("SELECT * FROM t ORDER BY id"), [(2, 2, None), (3, 3, 3)])
        self.assertEqual(self.rules(run, "t", "b")["bad value as null"][0], 1)
        config = self.config('on-bad-value = "reject"\n[table.t.column.b]\non-bad-value = "stop"\n')
        self.sql("TRUNCATE t")
        self.assert_fails(self.copy(path, "--config", config), 14, "L2P2001")

    def test_rounding_is_named_by_column_and_counted(self):
        path = self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, price REAL, small REAL, at TEXT, tick TEXT);"
            "INSERT INTO t VALUES (1, 1.005, 0.1, '2024-01-01 00:00:00.1234567',"
            " '2024-01-01 10:00:00.6'), (2, 2.5, 0.5, '2024-01-01 00:00:00.5', '2024-01-01 10:00:00'),"
            " (3, NULL, NULL, NULL, NULL);")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, price numeric(10,2), small real,"
                 " at timestamp, tick timestamp(0))")
        self.assert_fails(self.copy(path), 14, "L2P2001")
        config = self.config('[table.t.column.price]\nround = "typmod"\n[table.t.column.small]\n'
                             'round = "float4"\n[table.t.column.at]\nround = "microseconds"\n'
                             '[table.t.column.tick]\nround = ["typmod"]\n')
        run = self.copied(path, "--config", config)
        self.assertEqual(self.sql("SELECT price::text, small::text, at::text, tick::text FROM t"
                                  " ORDER BY id")[1:],
                         [("2.50", "0.5", "2024-01-01 00:00:00.5", "2024-01-01 10:00:00"),
                          (None, None, None, None)])
        for column in ("price", "at", "tick"):
            self.assertEqual({r: n for r, (n, _) in self.rules(run, "t", column).items()},
                             {"round": 1}, column)

    def test_unknown_keys_are_errors_with_the_nearest_match(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);")
        for text, said in (("[table.t.column.v]\nempty-as-nul = true\n", "empty-as-null"),
                           ("[table.t.column.v]\nbad-value-defualt = \"x\"\n", "bad-value-default"),
                           ("[table.t]\nwere = \"1\"\n", "where"),
                           ("on-bad-valu = \"stop\"\n", "on-bad-value"),
                           ("[table.t.column.v]\non-bad-value = \"nul\"\n", "null")):
            run = self.copy(path, "--config", self.config(text))
            self.assertEqual(run.exit_code, 2, str(run))
            self.assertIn(said, run.err + run.out)


class UnstorableText(PolicyTest):
    """Text that PostgreSQL cannot hold: NUL, and what is not UTF-8."""

    TEXTS = [b"plain", b"a\x00b", b"\xff\xfe", b"\xc3", b"", b"\\x00", b"ok \xf0\x9f\x98\x80",
             b"\xed\xa0\x80", b"\x00"]

    def make(self):
        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
            db.executemany("INSERT INTO t VALUES (?, CAST(? AS TEXT))",
                           [(i, text) for i, text in enumerate(self.TEXTS)])
        return self.make_source(build=build)

    def escaped(self):
        def one(data):
            text = data.decode("utf-8", "surrogateescape").replace("\0", "\\x00")
            return "".join(f"\\x{ord(c) - 0xdc00:02x}" if 0xdc80 <= ord(c) <= 0xdcff else c
                           for c in text)
        return [one(t) for t in self.TEXTS]

    def test_a_created_column_holds_the_bytes(self):
        run = self.copied(self.make())
        got = self.sql("SELECT v FROM public.t ORDER BY id")
        self.assertEqual([bytes(v) for v, in got], self.TEXTS)
        self.assertEqual([f["object"] for f in run.findings("L2P2003")], ["t.v"])

    def test_an_existing_text_column_refuses_it(self):
        path = self.make()
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text)")
        run = self.copy(path)
        self.assert_fails(run, 14, "L2P2001")
        run = self.copied(path, "--on-bad-value", "reject", exit_code=3)
        bad = [i for i, t in enumerate(self.TEXTS) if self.escaped()[i] != t.decode("utf-8", "replace")]
        self.assertEqual(run.table("t")["rows_rejected"], len(bad))
        self.assertEqual(self.sql("SELECT row_key FROM lite2pg.reject ORDER BY id"),
                         [(f"id={i} (rowid {i})",) for i in bad])

    def test_the_configured_escape_makes_it_storable(self):
        path = self.make()
        config = self.config('[table.t.column.v]\nescape-text = true\n')
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text)")
        run = self.copied(path, "--config", config)
        self.assertEqual([v for v, in self.sql("SELECT v FROM t ORDER BY id")], self.escaped())
        self.assertEqual(self.rules(run, "t", "v"),
                         {"escape": (5, "TEXT 3 bytes 'a\\u{0}b' at id=1 (rowid 1)")})

    def test_the_configured_escape_in_a_created_column(self):
        config = self.config('[table.t.column.v]\ntype = "text"\nescape-text = true\n')
        self.copied(self.make(), "--config", config)
        self.assertEqual([v for v, in self.sql("SELECT v FROM public.t ORDER BY id")],
                         self.escaped())

    def test_lone_surrogates_of_utf16_files(self):
        for encoding in ("UTF-16le", "UTF-16be"):
            with self.subTest(encoding):
                path = self.dir / f"{encoding}.db"
                db = sqlite3.connect(path)
                db.execute(f"PRAGMA encoding = '{encoding}'")
                db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
                db.executemany("INSERT INTO t VALUES (?, ?)",
                               enumerate(("ok", "a\ue123b", "n\0m", "\ue124")))
                db.commit()
                db.close()
                # SQLite's interface mends them, so they are put into the file itself.
                data = path.read_bytes()
                for stand_in, surrogate in (("\ue123", "\ud800"), ("\ue124", "\udc00")):
                    self.assertEqual(data.count(stand_in.encode(encoding)), 1)
                    data = data.replace(stand_in.encode(encoding),
                                        surrogate.encode(encoding, "surrogatepass"))
                path.write_bytes(data)
                self.sql("DROP TABLE IF EXISTS t; CREATE TABLE t (id bigint PRIMARY KEY, v text)")
                run = self.copied(path, "--on-bad-value", "reject", exit_code=3)
                self.assertEqual(run.table("t")["rows_rejected"], 3)
                self.assertEqual(self.sql("SELECT v FROM t"), [("ok",)])
                self.sql("TRUNCATE t; TRUNCATE lite2pg.reject")
                config = self.config('[table.t.column.v]\nescape-text = true\n')
                run = self.copied(path, "--config", config)
                self.assertEqual([v for v, in self.sql("SELECT v FROM t ORDER BY id")],
                                 ["ok", r"a\xed\xa0\x80b", r"n\x00m", r"\xed\xb0\x80"])
                self.sql("DROP TABLE t")


class Counts(PolicyTest):
    """The report's counts against counts made here, row by row."""

    def test_counts_of_coercions_are_true(self):
        random.seed(SEED)
        values = [None, 0, 1, 7, -3, 2 ** 40, 1.5, 0.25, 1e300, "", "12", "x", "1.50", b"\x01", b"",
                  "2024-01-01", "yes"]
        columns = ["a", "b", "c", "d"]
        rows = [[random.choice(values) for _ in columns] for _ in range(3000)]
        rows = [r for r in rows if not isinstance(r[0], bytes)]

        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d)")
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)",
                           [[i] + r for i, r in enumerate(rows)])
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, a text, b bytea, c int, d real)")
        config = self.config('on-bad-value = "reject"\nmax-rejects = 5000\n'
                             '[table.t.column.a]\nempty-as-null = true\n'
                             '[table.t.column.c]\non-bad-value = "null"\n'
                             '[table.t.column.d]\nround = "float4"\n')
        run = self.copied(path, "--config", config, exit_code=3)

        def bad_d(v):
            if isinstance(v, float):
                return math.isinf(v) or v > 3.5e38
            return isinstance(v, bytes) or isinstance(v, str) and v not in ("12", "1.50")
        rejected = {k for k, in self.sql("SELECT (regexp_match(row_key, 'id=(\\d+)'))[1]::int"
                                         " FROM lite2pg.reject")}
        kept = [r for i, r in enumerate(rows) if i not in rejected]
        self.assertEqual(run.table("t")["rows_copied"], len(kept))
        self.assertEqual(run.table("t")["rows_rejected"], len(rejected))
        for i, r in enumerate(rows):
            if i not in rejected:
                self.assertFalse(bad_d(r[3]), (i, r))
        kinds = {type(None): "null", int: "integer", float: "real", str: "text", bytes: "blob"}
        for at, (name, home) in enumerate(zip(columns, ("text", "blob", "integer", "none"))):
            entry = next(c for c in run.table("t")["columns"] if c["source_name"] == name)
            counted = dict.fromkeys(kinds.values(), 0)
            for r in kept:
                counted[kinds[type(r[at])]] += 1
            self.assertEqual(entry["storage_classes"], counted, name)
            told = {c["from"]: c["count"] for c in entry["coercions"] if "rule" not in c}
            self.assertEqual(told, {k: n for k, n in counted.items()
                                    if n and k not in ("null", home)}, name)
        self.assertEqual(self.rules(run, "t", "a")["empty-as-null"][0],
                         sum(r[0] == "" for r in kept))
        stored = dict(self.sql("SELECT id, c FROM t"))
        nulled = sum(1 for i, r in enumerate(rows)
                     if i in stored and r[2] is not None and stored[i] is None)
        self.assertEqual(self.rules(run, "t", "c")["bad value as null"][0], nulled)
        # All other numbers are what their shortest form as a float4 says; this one is printed as
        # 1.0995116e+12.
        self.assertEqual(self.rules(run, "t", "d")["round"][0],
                         sum(r[3] == 2 ** 40 for r in kept))


class PoliciesDirect(ExistingTest):
    def test_counts_with_much_data(self):
        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n)")
            db.executemany("INSERT INTO t VALUES (?, ?, ?)",
                           [(i, "" if i % 3 == 0 else "v", "bad" if i % 7 == 0 else i)
                            for i in range(20000)])
            add_ballast(db)
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, v text, n int);" + BALLAST_SQL)
        config = self.dir / "c.toml"
        config.write_text('[table.t.column.v]\nempty-as-null = true\n'
                          '[table.t.column.n]\non-bad-value = "null"\n')
        run = self.load(path, "--config", config)
        rules = {c["source_name"]: [(r["rule"], r["count"]) for r in c["coercions"] if "rule" in r]
                 for c in run.table("t")["columns"]}
        self.assertEqual(rules, {"id": [], "v": [("empty-as-null", 6667)],
                                 "n": [("bad value as null", 2858)]})


if __name__ == "__main__":
    unittest.main()
