"""Columns of types that only the server can read: loaded by text COPY, checked against what the
server's own input function makes of the source's text."""

import random
import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import SEED, EndToEndTest, execute
from target_types_test import SETTINGS, SETUP, TYPES

# Type, and values that its input function takes; several are printed in another form than given.
VALUES = {
    "point": ["(1,2)", " ( 1.5 , -2e3 ) ", "0,0"],
    "box": ["(0,0),(1,1)", "1,1,0,0"],
    "lseg": ["[(0,0),(1,1)]"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1))"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "circle": ["<(0,0),2>", "0,0,3"],
    "line": ["{1,2,3}"],
    "int4range": ["[1,3]", "empty", "(,5)"],
    "numrange": ["[1.50,2)", "(1,)"],
    "tstzrange": ["[2024-01-01 00:00:00+02,2024-02-01 00:00:00+00)"],
    "int4multirange": ["{[1,3],[5,9)}", "{}"],
    "tsvector": ["a fat cat", "'x\\\\y':3A b:1"],
    "tsquery": ["fat & (rat | cat)"],
    "pg_lsn": ["16/B374D848", "0/0"],
    "txid_snapshot": ["10:20:10,14,15"],
    "jsonpath": ["$.a[*] ? (@.x > 1)"],
    "tid": ["(0,1)"],
    "xid8": ["42"],
    "int2vector": ["1 2 3"],
    "regclass": ["pg_class", "1259", "pg_catalog.pg_proc"],
    "regtype": ["int4", "timestamp with time zone"],
    "composite": ['(1,"a, ""b""",2024-01-02)', "(,,)", r'(2,"back\\slash",)'],
    "composite[]": ['{"(1,x,)",NULL}', "{}"],
    "point[]": ['{"(1,2)","(3,4)"}', "{}"],
    "corner": ["(3,4)"],
    "corner[]": ['{"(3,4)"}'],
    "short_range": ["[1,3)"],
    "base_type": ["17", " 18 "],
}

TYPES_SQL = r"""
CREATE TYPE composite AS (a int, b text, c date);
CREATE DOMAIN corner AS point CHECK (VALUE[0] > 0);
CREATE TYPE short_range AS RANGE (subtype = int2);
"""

# A base type without binary functions, made of the functions of int4. It takes a superuser.
BASE_TYPE_SQL = """
CREATE TYPE base_type;
CREATE FUNCTION base_in(cstring) RETURNS base_type LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION base_out(base_type) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE base_type (INPUT = base_in, OUTPUT = base_out, LIKE = int4);
"""

# What would end a field, a line or the data, or begin an escape, in every place.
HOSTILE = ["", "\\", "\\\\", "\\N", "\\.", ".", "\n", "\r", "\r\n", "\t", "\\n", "\\t", "\\x41",
           "\\101", "a\\", "\\\n", "\n\\.\n", "\u2028", "\x7f", "\x01\b\f\v", "N\\", "\\N\\N",
           "\\.\n1\t2", "\U0001f600\\", "{}", '"', "',", "NULL", " ", "\ufeff"]


def column(type_name):
    return "c_" + type_name.replace("[]", "_array")


class TextCopy(ExistingTest):
    ballast = False

    def make_types(self):
        execute(self.admin, TYPES_SQL + BASE_TYPE_SQL)

    def make(self, rows_of=VALUES, extra_columns="", extra_values=()):
        """A table with a column for every type, on both sides; NULL where a type has run out."""
        self.make_types()
        types = list(rows_of)
        count = max(map(len, rows_of.values()))

        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY"
                       + "".join(f', "{column(t)}" TEXT' for t in types) + ")")
            for i in range(count):
                row = [rows_of[t][i] if i < len(rows_of[t]) else None for t in types]
                db.execute(f"INSERT INTO t VALUES ({', '.join('?' * (len(types) + 1))})", [i] + row)
            if self.ballast:
                add_ballast(db)
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY"
                 + "".join(f', "{column(t)}" {t}' for t in types) + ");"
                 + (BALLAST_SQL if self.ballast else ""))
        return path

    def assert_values(self, rows_of=VALUES):
        """Every value is what the server's input function makes of the text itself."""
        for name, texts in rows_of.items():
            for i, text in enumerate(texts):
                quoted = text.replace("\\", "\\\\").replace("'", "\\'")
                got = self.sql(f'SELECT "{column(name)}"::text = (E\'{quoted}\'::{name})::text'
                               f" FROM t WHERE id = {i}")
                self.assertEqual(got, [(True,)], f"{name} {text!r}")
            nulls = self.sql(f'SELECT count(*) FROM t WHERE num_nulls("{column(name)}") = 1')
            self.assertEqual(nulls, self.sql(f"SELECT count(*) - {len(texts)} FROM t"), name)

    def test_types_that_only_the_server_reads_are_loaded_and_verified(self):
        path = self.make()
        run = self.load(path)
        self.assertIs(run.table("t")["equal"], True)
        self.assert_values()
        self.assertEqual([f["object"] for f in run.findings("L2P2008")], ["t.c_point"], str(run))

    def test_hostile_text_beside_such_a_column_arrives_as_it_is(self):
        random.seed(SEED)
        texts = HOSTILE + ["".join(random.choice(HOSTILE) for _ in range(4)) for _ in range(300)]

        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB, r REAL, p TEXT,"
                       " a TEXT, j TEXT, d TEXT)")
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, '(1,2)', ?, ?, '2024-02-29')",
                           [(i, t, t.encode() + b"\x00\xff\\", random.random() * 1e300,
                             None if i % 3 else '{1,NULL,3}', '{"k": "\\\\n"}')
                            for i, t in enumerate(texts)])
            if self.ballast:
                add_ballast(db)
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, v text, b bytea, r float8, p point, a int[],"
                 " j jsonb, d date);" + (BALLAST_SQL if self.ballast else ""))
        run = self.load(path)
        self.assertIs(run.table("t")["equal"], True)
        got = self.sql("SELECT v, b FROM t ORDER BY id")
        self.assertEqual([v for v, _ in got], texts)
        self.assertEqual([bytes(b) for _, b in got],
                         [t.encode() + b"\x00\xff\\" for t in texts])
        self.assertEqual(self.sql("SELECT count(*) FROM t WHERE d = DATE '2024-02-29' AND"
                                  " (a = '{1,NULL,3}') IS NOT FALSE AND j->>'k' = E'\\\\n'"),
                         [(len(texts),)])

    def make_bad(self):
        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT, n TEXT)")
            db.executemany("INSERT INTO t VALUES (?, ?, 'n')",
                           [(i, "(7" if i in (5, 77) else f"({i},0)") for i in range(200)])
            if self.ballast:
                add_ballast(db)
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, p point, n text);"
                 + (BALLAST_SQL if self.ballast else ""))
        return path

    def test_a_bad_value_stops_the_run_and_is_named(self):
        run = self.load_refused(self.make_bad(), (14,), error="L2P2001")
        finding = run.findings("L2P2001")[0]
        self.assertEqual(finding["object"], "t.p")
        self.assertIn("2 value(s)", finding["message"])
        self.assertIn("id=5", finding["message"])
        self.assertIn("TEXT 2 bytes '(7'", finding["message"])
        self.assertIn('invalid input syntax for type point: "(7"', finding["message"])

    def test_bad_values_are_set_aside_with_the_servers_message(self):
        path = self.make_bad()
        before = self.pg_dump()
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.pg_dump(), before)
        entry = run.table("t")
        self.assertEqual((entry["rows_copied"], entry["rows_rejected"], entry["equal"]),
                         (198, 2, True), str(run))
        found = self.sql("SELECT row_key, column_name, code, sqlstate, reason FROM lite2pg.reject"
                         " ORDER BY id")
        self.assertEqual([f[:4] for f in found],
                         [(f"id={i} (rowid {i})", "p", "L2P2001", "22P02") for i in (5, 77)])
        for row in found:
            self.assertIn("invalid input syntax for type point", row[4])
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT id) FROM t"), [(198, 198)])

    def test_values_that_input_functions_call_mistakes_in_a_statement(self):
        """Names of nothing, and texts in a language of their own: SQLSTATE 42xxx, of one value."""
        execute(self.admin, "CREATE EXTENSION ltree; CREATE EXTENSION seg;"
                            "CREATE EXTENSION intarray;")
        bad = {"regclass": "no_such_table", "regtype": "no_such_type", "ltree": "@@", "lquery": "a..b",
               "ltxtquery": "a &", "seg": "@", "query_int": "1 &"}
        good = {"regclass": "pg_class", "regtype": "int4", "ltree": "a.b", "lquery": "a.*",
                "ltxtquery": "a & b", "seg": "1 .. 2", "query_int": "1 & 2"}

        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY"
                       + "".join(f", {t}" for t in bad) + ")")
            marks = ", ".join("?" * (len(bad) + 1))
            for i in range(len(bad) + 20):
                row = [i] + [bad[t] if i == k else good[t] for k, t in enumerate(bad)]
                db.execute(f"INSERT INTO t VALUES ({marks})", row)
            if self.ballast:
                add_ballast(db)
        path = self.make_source(build=build)
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY"
                 + "".join(f", {t} {t}" for t in bad) + ");" + (BALLAST_SQL if self.ballast else ""))
        run = self.copy(path)
        self.assert_fails(run, 14, "L2P2001")
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT min(id), count(*) FROM t"), [(len(bad), 20)])
        found = self.sql("SELECT column_name, sqlstate FROM lite2pg.reject ORDER BY row_key")
        self.assertEqual([c for c, _ in found], list(bad))
        self.assertEqual({s[:2] for _, s in found}, {"42"}, found)

    def test_types_of_extensions(self):
        values = {"cube": ["(1, 2, 3)", "(1,2),(3,4)", "0.5"], "seg": ["1.5 .. 2.5", "1..", "~3"],
                  "isbn": ["978-0-393-04002-9", "0-393-04002-X"], "ean13": ["978-0-393-04002-9"],
                  "issn": ["1436-4522"], "ismn": ["979-0-2600-0043-8"], "upc": ["220356483481"],
                  "ltree": ["a.b.c", ""], "lquery": ["a.*.b|c"], "ltxtquery": ["a & !b"],
                  "query_int": ["1&2|!3"], "citext": ["Abc", ""], "hstore": ['"a"=>"1", "b"=>NULL'],
                  "cube[]": ['{"(1),(2)"}'], "ltree[]": ["{a.b,c}"]}
        for extension in ("cube", "seg", "isn", "ltree", "intarray", "citext", "hstore"):
            execute(self.admin, f"CREATE EXTENSION {extension}")
        path = self.make(values)
        self.load(path)
        self.assert_values(values)

    def test_a_value_that_a_domain_refuses_is_set_aside(self):
        self.make_types()
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT);"
                                "INSERT INTO t VALUES (1, '(1,1)'), (2, '(-1,1)'), (3, NULL);",
                                build=add_ballast if self.ballast else None)
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, p corner);"
                 + (BALLAST_SQL if self.ballast else ""))
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT id FROM t ORDER BY id"), [(1,), (3,)])
        self.assertEqual(self.sql("SELECT row_key, column_name, sqlstate FROM lite2pg.reject"),
                         [("id=2 (rowid 2)", "p", "23514")])

    def test_a_trigger_that_changes_such_a_value_is_found(self):
        path = self.make({"point": ["(1,2)", "(3,4)"]})
        self.sql("CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$BEGIN NEW.c_point = '(9,9)'; RETURN NEW; END$$;"
                 "CREATE TRIGGER move BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION move()")
        self.load_refused(path, (4,), error="L2P5001")

    def test_rows_of_such_a_table_that_constraints_refuse_are_set_aside(self):
        path = self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT, n INTEGER);"
            "INSERT INTO t VALUES (1, '( 1 , 1 )', 1), (2, ' (2,2)', -1), (3, '(3,3)', 3),"
            " (4, '(4,4)', 3);",
            build=add_ballast if self.ballast else None)
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, p point, n int UNIQUE CHECK (n > 0));"
                 + (BALLAST_SQL if self.ballast else ""))
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT id, p::text FROM t ORDER BY id"),
                         [(1, "(1,1)"), (3, "(3,3)")])
        self.assertEqual(self.sql("SELECT row_key, column_name FROM lite2pg.reject ORDER BY id"),
                         [("id=2 (rowid 2)", "n"), ("id=4 (rowid 4)", "n")])


class TextCopyDirect(TextCopy):
    """The same with so much data that the tables are loaded directly."""

    ballast = True


class TextCopyPolicies(ExistingTest):
    def test_tables_that_have_rows(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT);"
                                "INSERT INTO t VALUES (1, '1,1'), (2, '(2, 2)'), (3, '(3,3)');")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, p point);"
                 "INSERT INTO t VALUES (1, '(1,1)'), (2, '(0,0)')")
        self.load_refused(path, (8,), "--existing-rows", "skip-equal", error="L2P3006")
        run = self.load(path, "--existing-rows", "upsert")
        self.assertIs(run.table("t")["equal"], True)
        self.assertEqual(self.sql("SELECT id, p::text FROM t ORDER BY id"),
                         [(1, "(1,1)"), (2, "(2,2)"), (3, "(3,3)")])

    def test_fill(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT);"
                                "INSERT INTO t VALUES (1, '1,1'), (2, NULL);")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, p point NOT NULL, q point NOT NULL)")
        run = self.load(path, "--fill", "t.p=(5,5)", "--fill", "t.q=(6,6)")
        self.assertEqual(run.table("t")["rows_filled"], 2)
        self.assertEqual(self.sql("SELECT id, p::text, q::text FROM t ORDER BY id"),
                         [(1, "(1,1)", "(6,6)"), (2, "(5,5)", "(6,6)")])


class TextCopyOfEveryType(EndToEndTest):
    def test_the_edges_of_every_type_beside_such_a_column(self):
        """Printed by our own decoders for the server's input functions, and still equal."""
        execute(self.target, SETUP)
        rows = max(len(values) for _, values, _ in TYPES)
        columns = [list(values) + [None] * (rows - len(values)) for _, values, _ in TYPES]
        path = self.make_source(build=lambda db: (
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, p, "
                       + ", ".join(f"c{i}" for i in range(len(TYPES))) + ")"),
            db.executemany(f"INSERT INTO t VALUES (?, '1,2'{', ?' * len(TYPES)})",
                           [[k] + [c[k] for c in columns] for k in range(rows)])))
        self.sql("CREATE TABLE t (id int PRIMARY KEY, p point, "
                 + ", ".join(f"c{i} {name}" for i, (name, _, _) in enumerate(TYPES)) + ")")
        run = self.copy(path)
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual([f["object"] for f in run.findings("L2P2008")], ["t.p"])
        for i, (name, values, _) in enumerate(TYPES):
            shown = f"c{i}::text" if not name.startswith("char") else f"rpad(c{i}::text, 3)"
            found = [v for v, in self.sql(f"{SETTINGS}SELECT {shown} FROM t ORDER BY id")]
            self.assertEqual(found, list(values.values()) + [None] * (rows - len(values)), name)


class TextCopyCreated(EndToEndTest):
    def config(self, text):
        path = self.dir / "lite2pg.toml"
        path.write_text(text)
        return path

    def test_a_configured_type_that_only_the_server_knows(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT, r TEXT, c TEXT);"
                                "INSERT INTO t VALUES (1, ' 1, 2', '[1,3]', '(1,x)'),"
                                " (2, NULL, 'empty', NULL), (3, '(0,0)', NULL, '(,)');")
        self.sql("CREATE TYPE pair AS (a int, b text)")
        config = self.config('[table.t.column.p]\ntype = "point"\n[table.t.column.r]\n'
                             'type = "int4range"\n[table.t.column.c]\ntype = "public.pair"\n')
        run = self.copy(path, "--config", config)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified")
        self.assertIs(run.table("t")["equal"], True)
        self.assertEqual(self.sql("SELECT id, p::text, r::text, c::text FROM public.t ORDER BY id"),
                         [(1, "(1,2)", "[1,4)", "(1,x)"), (2, None, "empty", None),
                          (3, "(0,0)", None, '(,)')])
        self.assertEqual(self.sql("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE"
                                  " attrelid = 'public.t'::regclass AND attnum > 1 ORDER BY attnum"),
                         [("point",), ("int4range",), ("pair",)])

    def test_a_type_that_does_not_exist_is_named(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT);")
        run = self.copy(path, "--config", self.config('[table.t.column.p]\ntype = "pointy"\n'))
        self.assert_fails(run, 2, "L2P9002")


if __name__ == "__main__":
    unittest.main()
