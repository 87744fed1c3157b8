"""Rows that cannot go where they should: set aside with their own values and counted, or named and
the run stopped; never lost, never changed."""

import json
import math
import os
import random
import sqlite3
import stat
import struct
import unittest

from existing_support import BALLAST_SQL, add_ballast
from harness import SEED, EndToEndTest

CLASSES = {"n": "null", "i": "integer", "r": "real", "t": "text", "b": "blob"}


def decode_cell(letter, cell):
    """A cell of lite2pg.reject as (storage class, value); reals by their bits."""
    if letter == "n":
        return ("null", None)
    cell = bytes(cell)
    if letter == "i":
        return ("integer", struct.unpack(">q", cell)[0])
    return (CLASSES[letter], cell)


def stored_value(kind, value):
    if kind == "real":
        return (kind, struct.pack(">d", value))
    return (kind, value)


def stored_rows(path, table):
    """Every row of a table of an SQLite file as a tuple of (storage class, value)."""
    db = sqlite3.connect(path)
    try:
        db.text_factory = bytes
        columns = [row[1].decode() for row in db.execute(f'PRAGMA table_xinfo("{table}")')]
        names = [f'"{c}"' for c in columns]
        select = ", ".join(f"typeof({n}), {n}" for n in names)
        return columns, [tuple(stored_value(row[i].decode(), row[i + 1])
                               for i in range(0, len(row), 2))
                         for row in db.execute(f'SELECT {select} FROM "{table}"')]
    finally:
        db.close()


class RejectTest(EndToEndTest):
    def rejects(self, table=None):
        """Rows of lite2pg.reject, with their cells decoded by this file's own code."""
        found = []
        for row in self.sql("SELECT table_name, row_key, columns, classes, cells, code, sqlstate,"
                            " column_name, reason, chunk FROM lite2pg.reject ORDER BY id"):
            name, key, columns, classes, cells, code, sqlstate, column, reason, chunk = row
            if table in (None, name):
                found.append({"table": name, "key": key, "columns": columns, "code": code,
                              "sqlstate": sqlstate, "column": column, "reason": reason,
                              "chunk": chunk,
                              "row": tuple(map(decode_cell, classes, cells))})
        return found

    def assert_accounted(self, path, run, table, key="id"):
        """Every row of the source is in the target or set aside, exactly once, and those set aside
        have the source's own values, storage class by storage class. Returns keys set aside."""
        columns, rows = stored_rows(path, table)
        at = columns.index(key)
        by_key = {row[at][1]: row for row in rows}
        self.assertEqual(len(by_key), len(rows), "the test needs a key")
        rejected = []
        for reject in self.rejects(table):
            self.assertEqual(reject["columns"], columns)
            value = reject["row"][at][1]
            self.assertEqual(reject["row"], by_key[value])
            rejected.append(value)
        target = [k for k, in self.sql(f'SELECT "{key}" FROM "{table}"')]
        target = [k.encode() if isinstance(k, str) else k for k in target]
        self.assertEqual(sorted(target + rejected), sorted(by_key), str(run)[:3000])
        entry = run.table(table)
        self.assertEqual(entry["rows_source"], len(rows))
        self.assertEqual(entry["rows_rejected"], len(rejected))
        self.assertEqual(entry["rows_copied"] + entry["rows_skipped"], len(rows) - len(rejected))
        return sorted(rejected)

    def copy_rejecting(self, path, *options):
        run = self.copy(path, "--on-bad-value", "reject", *options)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(run.report["outcome"], "rejected", str(run))
        self.assertEqual(run.report["exit_code"], 3, str(run))
        return run

    def copy_refused(self, path, exit_code, *options):
        run = self.copy(path, *options)
        self.assertEqual(run.exit_code, exit_code, str(run))
        self.assertNotIn(run.report["outcome"], ("verified", "copied", "rejected"), str(run))
        return run.report["errors"][0]

    def only_rows(self, script, rows=2000):
        """A source whose table t has that many rows, changed by a script."""
        return self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, v TEXT);"
            f"WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {rows})"
            " INSERT INTO t SELECT i, i * 10, 'row ' || i FROM s;" + script)


class BothWays(RejectTest):
    """Existing tables: through a table of our own (small loads), and straight (large ones)."""

    def both_ways(self, ddl, path_of):
        for direct in (False, True):
            with self.subTest(direct=direct):
                self.target = self.make_target()
                self.sql(ddl + (BALLAST_SQL if direct else ""))
                path = path_of()
                if direct:
                    db = sqlite3.connect(path)
                    add_ballast(db)
                    db.commit()
                    db.close()
                yield path
                os.unlink(path)

    def assert_all_kept(self):
        self.assertEqual(self.sql("SELECT count(*) FROM t WHERE n <> id * 10")[0][0], 0)

    def test_a_value_without_a_form_in_its_column_is_set_aside(self):
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v varchar(20) NOT NULL);",
                lambda: self.only_rows("UPDATE t SET n = 'lots' WHERE id = 5;"
                                       "UPDATE t SET n = 3000000000 WHERE id = 6;"
                                       "UPDATE t SET v = NULL WHERE id = 7;"
                                       "UPDATE t SET v = CAST(x'61ff62' AS TEXT) WHERE id = 8;"
                                       "UPDATE t SET v = 'a' || char(0) || 'b' WHERE id = 9;"
                                       "UPDATE t SET v = x'00ff' WHERE id = 10;"
                                       "UPDATE t SET n = 1.5 WHERE id = 2000;"
                                       "UPDATE t SET v = 'longer than twenty letters' WHERE id=1;")):
            run = self.copy_rejecting(path)
            self.assertEqual(self.assert_accounted(path, run, "t"), [1, 5, 6, 7, 8, 9, 10, 2000])
            self.assert_all_kept()
            self.assertEqual({r["column"] for r in self.rejects()}, {"n", "v"})
            self.assertTrue(all(r["code"] == "L2P2001" and r["sqlstate"] == "" and r["reason"]
                                for r in self.rejects()))

    def test_rows_that_a_check_refuses_are_found_and_all_others_loaded(self):
        bad = sorted(random.Random(SEED).sample(range(1, 2001), 12))
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v text CHECK (v <> 'no'));",
                lambda: self.only_rows(f"UPDATE t SET v='no' WHERE id IN ({str(bad)[1:-1]});")):
            run = self.copy_rejecting(path)
            self.assertEqual(self.assert_accounted(path, run, "t"), bad)
            self.assert_all_kept()
            self.assertEqual({(r["code"], r["sqlstate"], r["column"]) for r in self.rejects()},
                             {("L2P3008", "23514", "v")})

    def test_first_last_and_neighbouring_rows_are_found(self):
        bad = [1, 2, 3, 1000, 1999, 2000]
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v text CHECK (v <> 'no'));",
                lambda: self.only_rows(f"UPDATE t SET v='no' WHERE id IN ({str(bad)[1:-1]});")):
            run = self.copy_rejecting(path)
            self.assertEqual(self.assert_accounted(path, run, "t"), bad)

    def test_all_rows_may_be_refused(self):
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v text CHECK (v <> v));",
                lambda: self.only_rows("", rows=40)):
            run = self.copy_rejecting(path)
            self.assertEqual(self.assert_accounted(path, run, "t"), list(range(1, 41)))

    def test_domains_uniques_exclusions_and_triggers(self):
        ddl = """
            CREATE DOMAIN even AS int CHECK (VALUE % 20 <> 0);
            CREATE TABLE t (id bigint PRIMARY KEY, n even, v text UNIQUE,
                            EXCLUDE (id WITH =));
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF NEW.v = 'raise' THEN RAISE EXCEPTION 'not this one'; END IF;
              RETURN NEW; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse();
        """
        for path in self.both_ways(ddl, lambda: self.only_rows(
                "UPDATE t SET n = id * 10 + 1;"
                "UPDATE t SET n = 40 WHERE id = 100; UPDATE t SET v = 'raise' WHERE id = 200;"
                "UPDATE t SET v = 'twice' WHERE id IN (300, 1500);")):
            run = self.copy_rejecting(path)
            found = self.assert_accounted(path, run, "t")
            self.assertEqual(found[:2], [100, 200])
            # Of two that are equal, one is there and the other set aside.
            self.assertEqual(len(found), 3)
            self.assertIn(found[2], (300, 1500))
            self.assertEqual(self.sql("SELECT count(*) FROM t WHERE v = 'twice'"), [(1,)])
            self.assertEqual(sorted(r["sqlstate"] for r in self.rejects()),
                             ["23505", "23514", "P0001"])

    def test_a_row_too_big_for_a_page(self):
        columns = ", ".join(f"c{i} TEXT" for i in range(600))
        ddl = f"CREATE TABLE t (id bigint PRIMARY KEY, {columns});"

        def build(db):
            db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns})")
            for i in range(1, 60):
                width = 30 if i == 33 else 3
                db.execute(f"INSERT INTO t VALUES (?{', ?' * 600})", [i] + ["x" * width] * 600)

        for path in self.both_ways(ddl, lambda: self.make_source(build=build)):
            run = self.copy_rejecting(path)
            self.assertEqual(self.assert_accounted(path, run, "t"), [33])
            self.assertEqual([(r["code"], r["sqlstate"]) for r in self.rejects()],
                             [("L2P2002", "54000")])

    def test_stop_names_table_row_column_and_value(self):
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v text CHECK (v <> 'no'));",
                lambda: self.only_rows("UPDATE t SET v = 'no' WHERE id IN (777, 1800);")):
            error = self.copy_refused(path, 8)
            self.assertEqual((error["table"], error["column"], error["sqlstate"]),
                             ("t", "v", "23514"))
            self.assertIn("777", error["row"])
            self.assertIn("'no'", error["value"])
            self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])
            self.assertEqual(self.sql("SELECT count(*) FROM lite2pg.reject"), [(0,)])

    def test_stop_at_a_bad_value_is_exit_code_14_before_anything_is_written(self):
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v text);",
                lambda: self.only_rows("UPDATE t SET n = 'lots' WHERE id = 5;")):
            error = self.copy_refused(path, 14)
            self.assertEqual(error["table"], "t.n")
            self.assertIn("lots", error["what"])
            self.assertIn("id=5", error["what"])
            self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])

    def test_too_many_rejects_stop_with_14_and_leave_nothing(self):
        for path in self.both_ways(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, v text CHECK (v <> 'no'));",
                lambda: self.only_rows("UPDATE t SET v = 'no' WHERE id <= 21;")):
            for limit in ("20", "1%"):
                self.copy_refused(path, 14, "--on-bad-value", "reject", "--max-rejects", limit)
                self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])
            for limit in ("21", "1.05%"):
                self.sql("TRUNCATE t")
                if self.sql("SELECT to_regclass('ballast')") != [(None,)]:
                    self.sql("TRUNCATE ballast")
                run = self.copy_rejecting(path, "--max-rejects", limit)
                self.assertEqual(run.table("t")["rows_rejected"], 21)

    def test_too_many_bad_values_stop_in_the_plan(self):
        path = self.only_rows("UPDATE t SET n = 'lots' WHERE id <= 5;")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int, v text)")
        error = self.copy_refused(path, 14, "--on-bad-value", "reject", "--max-rejects", "4")
        self.assertIn("--max-rejects", error["hint"])
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])
        self.copy_rejecting(path, "--max-rejects", "5")


class Bisection(RejectTest):
    def attempts(self, bad, rows=40000):
        """COPY attempts that a load with these bad rows takes. Sequences remember what is rolled
        back."""
        self.target = self.make_target()
        self.sql("""
            CREATE SEQUENCE attempts;
            CREATE TABLE t (id bigint PRIMARY KEY, n int, v text CHECK (v <> 'no'));
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              PERFORM nextval('public.attempts'); RETURN NULL; END $$;
            CREATE TRIGGER note BEFORE INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
        """ + BALLAST_SQL)
        path = self.only_rows(f"UPDATE t SET v = 'no' WHERE id IN ({str(bad)[1:-1]});", rows)
        db = sqlite3.connect(path)
        add_ballast(db)
        db.commit()
        db.close()
        run = self.copy_rejecting(path, "--streams", "1")
        self.assertEqual(self.assert_accounted(path, run, "t"), bad)
        os.unlink(path)
        return self.sql("SELECT last_value FROM attempts")[0][0]

    def test_attempts_grow_with_the_logarithm_of_the_rows(self):
        rows = 40000
        for count in (1, 8, 32):
            bad = sorted(random.Random(SEED + count).sample(range(1, rows + 1), count))
            allowed = 2 * count * (math.log2(rows) + 2) + 4
            self.assertLessEqual(self.attempts(bad, rows), allowed, f"{count} bad rows")


class Keys(RejectTest):
    def check(self, create, ddl, key, insert, bad):
        self.sql(ddl + BALLAST_SQL)

        def build(db):
            db.execute(create)
            insert(db)
            add_ballast(db)

        path = self.make_source(build=build)
        run = self.copy_rejecting(path)
        self.assertEqual(self.assert_accounted(path, run, "t", key), bad)

    def test_text_key_without_rowid(self):
        self.check("CREATE TABLE t (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
                   "CREATE TABLE t (k text PRIMARY KEY, v text CHECK (v <> 'no'));", "k",
                   lambda db: db.executemany(
                       "INSERT INTO t VALUES (?, ?)",
                       [(f"key {i:05}", "no" if i in (17, 2500) else "yes") for i in range(3000)]),
                   [b"key 00017", b"key 02500"])

    def test_composite_key_without_rowid(self):
        self.check("CREATE TABLE t (a TEXT, b INTEGER, id INTEGER, v, PRIMARY KEY (a DESC, b))"
                   " WITHOUT ROWID",
                   "CREATE TABLE t (a text, b bigint, id bigint, v text CHECK (v <> 'no'),"
                   " PRIMARY KEY (a, b));", "id",
                   lambda db: db.executemany(
                       "INSERT INTO t VALUES (?, ?, ?, ?)",
                       [(f"a{i % 7}", i, i, "no" if i % 1000 == 5 else "yes")
                        for i in range(3000)]),
                   [5, 1005, 2005])

    def test_no_key_at_all(self):
        # Columns of these names hide the rowid, so that rows can only be counted.
        self.check("CREATE TABLE t (rowid INTEGER, _rowid_ INTEGER, oid TEXT)",
                   "CREATE TABLE t (rowid bigint, _rowid_ bigint, oid text CHECK (oid <> 'no'));",
                   "rowid",
                   lambda db: db.executemany(
                       "INSERT INTO t VALUES (?, ?, ?)",
                       [(i, i, "no" if i in (3, 1777, 2999) else "yes") for i in range(3000)]),
                   [3, 1777, 2999])

    def test_utf16(self):
        self.sql("CREATE TABLE t (k text PRIMARY KEY, v text CHECK (v <> 'no'));" + BALLAST_SQL)

        def build(db):
            db.execute("PRAGMA encoding='UTF-16le'")
            db.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
            db.executemany("INSERT INTO t VALUES (?, ?)",
                           [(f"\xfc {i:05}", "no" if i in (17, 2500) else "yes")
                            for i in range(3000)])
            add_ballast(db)

        path = self.make_source(build=build)
        run = self.copy_rejecting(path)
        self.assertEqual(self.assert_accounted(path, run, "t", "k"),
                         ["\xfc 00017".encode(), "\xfc 02500".encode()])


class Created(RejectTest):
    """Tables that we create refuse nothing unless the configuration names their types."""

    def test_a_configured_type_refuses_rows_column_by_column(self):
        path = self.only_rows("UPDATE t SET n = 'lots' WHERE id = 5; UPDATE t SET v = x'00'"
                              " WHERE id = 6")
        config = self.dir / "c.toml"
        config.write_text('[table."t".column."n"]\ntype = "integer"\non-bad-value = "reject"\n',
                          encoding="ascii")
        run = self.copy(path, "--config", config)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.assert_accounted(path, run, "t"), [5])
        self.target = self.make_target()
        config.write_text('[table."t".column."n"]\ntype = "integer"\non-bad-value = "stop"\n',
                          encoding="ascii")
        self.copy_refused(path, 14, "--on-bad-value", "reject", "--config", config)

    def test_without_bad_rows_reject_is_a_plain_success(self):
        path = self.only_rows("")
        self.copy_and_judge(path, "--on-bad-value", "reject", "--orphans", "reject")

    def test_strict_stops_before_a_row_is_set_aside(self):
        path = self.only_rows("UPDATE t SET n = 'lots' WHERE id = 5;")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int, v text)")
        self.copy_refused(path, 12, "--on-bad-value", "reject", "--strict")
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])


class Export(RejectTest):
    VALUES = """
        UPDATE t SET n = 'lots' WHERE id = 1;
        INSERT INTO t VALUES (3000, 'x', CAST(x'fffe00' AS TEXT));
        INSERT INTO t VALUES (3001, 'x', x'00ff10');
        INSERT INTO t VALUES (3002, 'x', 9e999), (3003, 'x', -0.0), (3004, 'x', 0.1),
                             (3005, 'x', 9223372036854775807), (3006, 'x', NULL), (3007, 'x', ''),
                             (3008, 'x', x''), (3009, 'x', 'quote " back \\ tab ' || char(9, 0));
    """

    def source(self):
        # No affinity on v, so that every storage class can be there.
        return self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, v);"
            "INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b');" + self.VALUES)

    def copy_with_file(self, name, path=None, *options):
        file = self.dir / name
        self.sql("CREATE TABLE IF NOT EXISTS t (id bigint PRIMARY KEY, n int, v text)")
        path = path or self.source()
        run = self.copy_rejecting(path, "--rejects", file, *options)
        mode = stat.S_IMODE(file.stat().st_mode)
        self.assertEqual(mode, 0o600, oct(mode))
        self.assertEqual([p.name for p in self.dir.iterdir() if p.name.startswith(name + ".")], [])
        return path, run, file

    def test_ndjson_holds_every_value_with_its_class(self):
        path, run, file = self.copy_with_file("r.ndjson")
        rejected = self.assert_accounted(path, run, "t")
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len(lines), len(rejected))
        columns, rows = stored_rows(path, "t")
        by_id = {row[0][1]: row for row in rows}
        for line in lines:
            self.assertEqual((line["table"], line["code"], line["column"]), ("t", "L2P2001", "n"))
            self.assertEqual([v["column"] for v in line["values"]], columns)
            decoded = []
            for value in line["values"]:
                kind = value["class"]
                if "hex" in value:
                    decoded.append((kind, bytes.fromhex(value["hex"])))
                elif kind == "text":
                    decoded.append((kind, value["value"].encode()))
                else:
                    number = value["value"]
                    decoded.append(stored_value(kind, float(number) if kind == "real" else number))
            self.assertEqual(tuple(decoded), by_id[decoded[0][1]])

    def test_sqlite_holds_the_original_table_and_the_untouched_rows(self):
        path, run, file = self.copy_with_file("r.sqlite")
        rejected = self.assert_accounted(path, run, "t")
        _, rows = stored_rows(path, "t")
        expected = sorted((r for r in rows if r[0][1] in rejected), key=lambda r: r[0][1])
        _, exported = stored_rows(file, "t")
        self.assertEqual(sorted(exported, key=lambda r: r[0][1]), expected)
        db = sqlite3.connect(file)
        own = sqlite3.connect(path)
        query = "SELECT sql FROM sqlite_schema WHERE name = 't'"
        self.assertEqual(db.execute(query).fetchall(), own.execute(query).fetchall())
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        reasons = db.execute("SELECT table_name, row_rowid, row_key, column_name, code, declared"
                             " FROM lite2pg_reject ORDER BY row_rowid").fetchall()
        self.assertEqual(reasons, [("t", i, f"id={i} (rowid {i})", "n", "L2P2001", 1)
                                   for i in rejected])
        db.close()
        own.close()

    def test_a_table_that_breaks_its_own_declaration_is_kept_bare(self):
        def build(db):
            db.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, n, v TEXT);"
                             "INSERT INTO t VALUES (1, 'x', NULL), (2, 'x', 'same'),"
                             " (3, 'x', 'same');")
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_schema SET sql ="
                       " 'CREATE TABLE t (id INTEGER PRIMARY KEY, n, v INTEGER NOT NULL)'")

        path, run, file = self.copy_with_file("r.sqlite", self.make_source(build=build))
        self.assertEqual(self.assert_accounted(path, run, "t"), [1, 2, 3])
        self.assertEqual(stored_rows(file, "t")[1], stored_rows(path, "t")[1])

    def test_tables_of_every_shape_come_back(self):
        path = self.make_source("""
            CREATE TABLE a (k TEXT, i INTEGER, v, PRIMARY KEY (k, i)) WITHOUT ROWID;
            INSERT INTO a VALUES ('x', 1, 'bad'), ('y', 2, 'fine');
            CREATE TABLE b (v, g AS (v || '!'), s AS (length(v)) STORED);
            INSERT INTO b(v) VALUES ('bad'), ('fine');
            CREATE TABLE "c "" d" ("e f" INTEGER PRIMARY KEY AUTOINCREMENT, v CHECK (v <> ''));
            INSERT INTO "c "" d"(v) VALUES ('bad'), ('fine');
            CREATE TABLE lite2pg_reject (v); INSERT INTO lite2pg_reject VALUES ('bad');
        """)
        for name in ("a", "b", '"c "" d"', "lite2pg_reject"):
            more = {"a": "k text, i bigint,", "b": "g text, s bigint,",
                    '"c "" d"': '"e f" bigint,'}.get(name, "")
            self.sql(f"CREATE TABLE {name} ({more} v text CHECK (v <> 'bad'))")
        file = self.dir / "r.sqlite"
        self.copy_rejecting(path, "--rejects", file)
        for name, count in (("a", 1), ("b", 1), ('c " d', 1), ("lite2pg_reject", 1)):
            columns, rows = stored_rows(file, name.replace('"', '""'))
            own_columns, own = stored_rows(path, name.replace('"', '""'))
            self.assertEqual(columns, own_columns)
            self.assertEqual(len(rows), count)
            self.assertIn(rows[0], own)
        self.assertEqual(len(stored_rows(file, "lite2pg_reject_1")[1]), 4)

    def test_a_run_that_fails_leaves_no_file(self):
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n int, v text)")
        for name in ("r.sqlite", "r.ndjson"):
            self.copy_refused(self.source(), 14, "--on-bad-value", "reject", "--max-rejects", "3",
                              "--rejects", self.dir / name)
            os.unlink(self.dir / "source.db")
            self.assertEqual(list(self.dir.iterdir()), [])


class Orphans(RejectTest):
    SCRIPT = """
        CREATE TABLE parent (id INTEGER PRIMARY KEY, boss REFERENCES parent(id));
        CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id), x);
        CREATE TABLE grandchild (id INTEGER PRIMARY KEY, c INTEGER REFERENCES child(id));
        CREATE TABLE pair (id INTEGER PRIMARY KEY, a, b, UNIQUE (a, b));
        CREATE TABLE pairchild (id INTEGER PRIMARY KEY, a, b, FOREIGN KEY (a, b)
                                REFERENCES pair(a, b));
        INSERT INTO parent VALUES (1, NULL), (2, 1), (3, 99), (4, 3), (5, 5);
        INSERT INTO child VALUES (1, 1, 'fine'), (2, 77, 'nowhere'), (3, NULL, 'none'),
                                 (4, 4, 'to a row that goes'), (5, 5, 'to a row that is its own');
        INSERT INTO grandchild VALUES (1, 1), (2, 2), (3, 4), (4, NULL), (5, 5);
        INSERT INTO pair VALUES (1, 1, 2), (2, 3, NULL);
        INSERT INTO pairchild VALUES (1, 1, 2), (2, 1, 3), (3, 1, NULL), (4, NULL, 3);
    """
    GONE = {"parent": [3, 4], "child": [2, 4], "grandchild": [2, 3], "pair": [], "pairchild": [2]}

    def check(self, path):
        run = self.copy(path, "--orphans", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        for table, gone in self.GONE.items():
            self.assertEqual(self.assert_accounted(path, run, table), gone, table)
        self.assertEqual({r["code"] for r in self.rejects()}, {"L2P4006"})
        keys = self.sql("SELECT conname FROM pg_constraint WHERE contype = 'f' AND convalidated")
        self.assertEqual(len(keys), 4, str(run))
        return run

    def test_reject_takes_rows_that_point_nowhere_and_rows_that_point_to_these(self):
        self.check(self.make_source(self.SCRIPT))

    def test_reject_into_existing_tables(self):
        self.sql("""
            CREATE TABLE parent (id bigint PRIMARY KEY, boss bigint REFERENCES parent);
            CREATE TABLE child (id bigint PRIMARY KEY, p bigint REFERENCES parent, x text);
            CREATE TABLE grandchild (id bigint PRIMARY KEY, c bigint REFERENCES child);
            CREATE TABLE pair (id bigint PRIMARY KEY, a bigint, b bigint, UNIQUE (a, b));
            CREATE TABLE pairchild (id bigint PRIMARY KEY, a bigint, b bigint,
                                    FOREIGN KEY (a, b) REFERENCES pair(a, b));
        """)
        self.check(self.make_source(self.SCRIPT))

    def test_a_parent_that_is_set_aside_takes_its_children_along(self):
        self.sql("CREATE TABLE p (id bigint PRIMARY KEY, n int);"
                 "CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p)")
        path = self.make_source("CREATE TABLE p (id INTEGER PRIMARY KEY, n);"
                                "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p);"
                                "INSERT INTO p VALUES (1, 1), (2, 'lots');"
                                "INSERT INTO c VALUES (1, 1), (2, 2);")
        run = self.copy_rejecting(path, "--orphans", "reject")
        self.assertEqual(self.assert_accounted(path, run, "p"), [2])
        self.assertEqual(self.assert_accounted(path, run, "c"), [2])

    def test_parents_that_the_target_has_already_count(self):
        self.sql("CREATE TABLE p (id bigint PRIMARY KEY);"
                 "CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p);"
                 "INSERT INTO p VALUES (50)")
        path = self.make_source("CREATE TABLE c (id INTEGER PRIMARY KEY, p);"
                                "INSERT INTO c VALUES (1, 50), (2, 51);")
        run = self.copy(path, "--orphans", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.assert_accounted(path, run, "c"), [2])

    def test_equal_rows_that_point_nowhere_are_all_set_aside(self):
        path = self.make_source("CREATE TABLE p (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE c (p REFERENCES p, v);"
                                "INSERT INTO c VALUES (1, 'same'), (1, 'same'), (1, 'same');")
        run = self.copy(path, "--orphans", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(sorted(r["key"] for r in self.rejects()),
                         ["rowid 1", "rowid 2", "rowid 3"])
        self.assertEqual(self.sql("SELECT * FROM c"), [])

    def test_stop_is_a_finding_of_the_plan_with_examples(self):
        run = self.copy(self.make_source(self.SCRIPT), "--orphans", "stop")
        self.assertEqual(run.exit_code, 12, str(run))
        blocking = [f for f in run.findings() if f["severity"] == "blocking"]
        self.assertEqual({f["object"] for f in blocking}, {"parent", "child", "pairchild"})
        self.assertTrue(any("rowid 2" in f["message"] for f in blocking), str(run))
        self.assertEqual([t for t in self.tables_in_target() if not t.startswith("lite2pg.")], [])

    def test_what_only_postgresql_calls_an_orphan_stops_too(self):
        # SQLite compares without regard to case here, PostgreSQL does not.
        path = self.make_source("CREATE TABLE p (id TEXT COLLATE NOCASE PRIMARY KEY);"
                                "CREATE TABLE c (p TEXT REFERENCES p);"
                                "INSERT INTO p VALUES ('A'); INSERT INTO c VALUES ('a');")
        error = self.copy_refused(path, 8, "--orphans", "stop")
        self.assertEqual(error["table"], "c")
        run = self.copy(path, "--orphans", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM c"), [(0,)])

    def test_too_many_orphans_stop_and_leave_nothing(self):
        self.copy_refused(self.make_source(self.SCRIPT), 14, "--orphans", "reject",
                          "--max-rejects", "6")
        self.assertEqual([t for t in self.tables_in_target() if not t.startswith("lite2pg.")], [])

    def test_not_valid_keeps_all_rows(self):
        run = self.copy(self.make_source(self.SCRIPT))
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM child"), [(5,)])


if __name__ == "__main__":
    unittest.main()
