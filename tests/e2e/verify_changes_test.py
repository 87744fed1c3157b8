"""verify finds every single change, of many kinds, on either side, and names the row.

LITE2PG_VERIFY_CHANGES says how many changes are tried (default 100), LITE2PG_CLEAN_RUNS how many
copies of other files must have none (default 3), LITE2PG_SEED which ones.
"""

import os
import random
import shutil
import sqlite3
import unittest
import unicodedata

import psycopg2

from harness import SEED, EndToEndTest, lite2pg

CLEAN_RUNS = int(os.environ.get("LITE2PG_CLEAN_RUNS", "3"))
CHANGES = int(os.environ.get("LITE2PG_VERIFY_CHANGES", "100"))
ROWS = 400
HOSTILE = 'ho"st;--\u00fc'

SCRIPT = """
CREATE TABLE k_int (id INTEGER PRIMARY KEY, v TEXT, r REAL, at TIMESTAMP, b BLOB);
CREATE TABLE k_pair (a TEXT, b INTEGER, v TEXT, r REAL, at TIMESTAMP, PRIMARY KEY (a, b))
  WITHOUT ROWID;
CREATE TABLE k_text (code TEXT PRIMARY KEY NOT NULL, v TEXT, r REAL, at TIMESTAMP);
CREATE TABLE nokey (v TEXT, r REAL, at TIMESTAMP);
CREATE TABLE "ho""st;--\u00fc" ("we ird" INTEGER PRIMARY KEY, v TEXT, r REAL, "at" TIMESTAMP);
"""
KEYS = {"k_int": ["id"], "k_pair": ["a", "b"], "k_text": ["code"], "nokey": [],
        HOSTILE: ["we ird"]}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def fill(db, seed=7):
    rng = random.Random(seed)
    words = ["v", "", None, "caf\u00e9", "na\u00efve text ", "x" * 300, "\u65e5\u672c"]
    for i in range(ROWS):
        word = words[i % len(words)]
        text = word + str(i) if word else word
        real = rng.choice([0.0, i / 8, -i * 1e-7, 1e300])
        moment = f"2024-{i % 12 + 1:02}-{i % 28 + 1:02} {i % 24:02}:00:{i % 60:02}.{i:06}"
        db.execute("INSERT INTO k_int VALUES (?, ?, ?, ?, ?)",
                   (i * 7 - 500, text, real, moment, bytes([i % 256] * (i % 5 + 1))))
        db.execute("INSERT INTO k_pair VALUES (?, ?, ?, ?, ?)",
                   (f"a{i % 20}", i, text, real, moment))
        db.execute("INSERT INTO k_text VALUES (?, ?, ?, ?)", (f"c'{i}", text, real, moment))
        db.execute(f"INSERT INTO {quoted(HOSTILE)} VALUES (?, ?, ?, ?)", (i, text, real, moment))
        # Every row several times.
        db.execute("INSERT INTO nokey VALUES (?, ?, ?)",
                   (f"t{i % 50}", i % 50 / 4, "2024-01-01 00:00:00"))


def shown_key(table, key):
    parts = []
    for name, value in zip(KEYS[table], key):
        text = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
        parts.append(f"{name}={text}")
    return ", ".join(parts)


class Change:
    """One change: SQL for the target (or the source), and what must be found."""

    def __init__(self, table, statement, kind, rows=1, key=None):
        self.table, self.statement, self.kind, self.rows, self.key = (
            table, statement, kind, rows, key)


class VerifyChanges(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT, build=fill)
        self.copy_and_judge(self.path)
        self.db = psycopg2.connect(self.target)
        self.addCleanup(self.db.close)
        self.db.autocommit = True
        self.db.set_client_encoding("UTF8")
        self.execute("CREATE SCHEMA spare")
        for table in KEYS:
            self.execute(f"CREATE TABLE spare.{quoted(table)} AS TABLE public.{quoted(table)}")

    def execute(self, statement, parameters=None):
        with self.db.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def restore(self, table):
        name = quoted(table)
        self.execute(f"TRUNCATE public.{name};"
                     f"INSERT INTO public.{name} SELECT * FROM spare.{name}")

    def verify(self, source=None):
        return lite2pg("verify", source or self.path, self.target, "--format", "json",
                       "--progress", "never")

    # ---- Kinds of changes: (condition that a row must meet, SET clause of the target) ----

    CELLS = {
        "changed cell": ("v IS NOT NULL", "v = v || 'x'"),
        "real by one bit": ("r <> 0", "r = float8 '1.0000000000000002' * r"),
        "'' becomes NULL": ("v = ''", "v = NULL"),
        "NULL becomes ''": ("v IS NULL", "v = ''"),
        "0.0 becomes -0.0": ("r = 0", "r = float8 '-0'"),
        "trailing space": ("v <> ''", "v = v || ' '"),
        "one microsecond": ("true", "at = at + interval '1 us'"),
        "NFC becomes NFD": ("v LIKE '%%\u00e9%%'", "v = normalize(v, NFD)"),
        "time zone shift": ("true", "at = at - interval '2 hours'"),
        "case": ("v ~ '[a-z]'", "v = upper(v)"),
    }

    def random_row(self, rng, table, condition="true", count=1):
        columns = ", ".join(map(quoted, KEYS[table]))
        rows = self.execute(f"SELECT {columns} FROM {quoted(table)} WHERE {condition}"
                            f" ORDER BY {columns}")
        return rng.sample(rows, count) if len(rows) >= count else None

    @staticmethod
    def where(table):
        return " AND ".join(f"{quoted(name)} = %s" for name in KEYS[table])

    def change_keyed(self, rng, table):
        """Makes one random change of a table with a key."""
        name, where = quoted(table), self.where(table)
        kinds = [*self.CELLS, "swap", "delete", "insert", "key"] + (
            ["bit flip"] if table == "k_int" else [])
        kind = rng.choice(kinds)
        if kind == "swap":
            a, b = self.random_row(rng, table, "v <> ''", 2)
            self.execute(f"UPDATE {name} SET v = CASE WHEN {where} THEN"
                         f" (SELECT v FROM {name} WHERE {where}) ELSE"
                         f" (SELECT v FROM {name} WHERE {where}) END WHERE ({where}) OR ({where})",
                         a + b + a + a + b)
            return Change(table, kind, {"changed"}, 2, [a, b])
        if kind == "insert":
            new = {"k_int": (999999,), "k_pair": ("new", 1), "k_text": ("new",)}.get(table, (-5,))
            columns = ", ".join(map(quoted, KEYS[table]))
            self.execute(f"INSERT INTO {name} ({columns}) VALUES"
                         f" ({', '.join(['%s'] * len(new))})", new)
            return Change(table, kind, {"extra"}, 1, [new])
        condition, assignment = self.CELLS.get(kind, ("true", None))
        row = self.random_row(rng, table, condition)[0]
        if kind == "delete":
            self.execute(f"DELETE FROM {name} WHERE {where}", row)
            return Change(table, kind, {"missing"}, 1, [row])
        if kind == "key":
            last = KEYS[table][-1]
            value = "z" if table == "k_text" else 777777
            self.execute(f"UPDATE {name} SET {quoted(last)} = %s WHERE {where}", (value, *row))
            return Change(table, kind, {"missing", "extra"}, 2, [row, row[:-1] + (value,)])
        if kind == "bit flip":
            assignment = "b = set_bit(b, length(b) * 8 - 1, 1 - get_bit(b, length(b) * 8 - 1))"
        self.assertEqual(self.execute(f"UPDATE {name} SET {assignment} WHERE {where}", row), 1)
        return Change(table, kind, {"changed"}, 1, [row])

    def change_keyless(self, rng):
        row = "ctid = (SELECT ctid FROM nokey ORDER BY v, ctid OFFSET %s LIMIT 1)"
        at = (rng.randrange(ROWS),)
        kind = rng.choice(["double", "delete", "cell", "move"])
        if kind == "double":
            self.execute(f"INSERT INTO nokey SELECT * FROM nokey WHERE {row}", at)
            return Change("nokey", kind, {"doubled"}, 1)
        if kind == "delete":
            self.execute(f"DELETE FROM nokey WHERE {row}", at)
            return Change("nokey", kind, {"missing"}, 1)
        if kind == "cell":
            self.execute(f"UPDATE nokey SET v = v || ' ' WHERE {row}", at)
            return Change("nokey", kind, {"missing", "extra"}, 2)
        # One of the equal rows becomes another that is there too: only the numbers tell.
        self.execute(f"UPDATE nokey n SET (v, r) = (SELECT v, r FROM nokey WHERE v <> n.v"
                     f" LIMIT 1) WHERE {row}", at)
        return Change("nokey", kind, {"missing", "doubled"}, 2)

    def assert_found(self, run, change, kinds=None):
        self.assertEqual(run.exit_code, 4, f"{change.statement}: {run}")
        unequal = [t["source_name"] for t in run.report["tables"] if t["equal"] is False]
        self.assertEqual(unequal, [change.table], f"{change.statement}: {run}")
        table = run.table(change.table)
        counted = sum(table["rows_" + k] for k in ("changed", "missing", "extra", "doubled"))
        self.assertEqual(counted, change.rows, f"{change.statement}: {run}")
        differences = table["differences"]
        self.assertEqual({d["kind"] for d in differences}, kinds or change.kind,
                         f"{change.statement}: {differences}")
        if change.key is not None:
            wanted = {shown_key(change.table, key) for key in change.key}
            self.assertEqual({d["key"] for d in differences}, wanted, change.statement)
        for difference in differences:
            if difference["kind"] == "changed":
                self.assertNotEqual(difference["source"], difference["target"], str(difference))

    def test_every_change_of_the_target_is_found_and_named(self):
        rng = random.Random(SEED)
        for number in range(CHANGES):
            table = rng.choice(list(KEYS))
            with self.subTest(number=number, seed=SEED, table=table):
                change = (self.change_keyed(rng, table) if KEYS[table]
                          else self.change_keyless(rng))
                self.assert_found(self.verify(), change)
                self.restore(change.table)
        self.assertEqual(self.verify().exit_code, 0, "something was not restored")

    def test_nothing_is_found_where_nothing_was_changed(self):
        for number in range(CLEAN_RUNS):
            seed = f"{SEED} clean {number}"
            with self.subTest(seed=seed):
                rng = random.Random(seed)

                def build(db):
                    db.execute(f"PRAGMA encoding = '{rng.choice(['UTF-8', 'UTF-16le'])}'")
                    db.execute(f"PRAGMA page_size = {rng.choice([512, 4096, 65536])}")
                    db.execute(f"PRAGMA journal_mode = {rng.choice(['DELETE', 'WAL'])}")
                    db.executescript(SCRIPT)
                    fill(db, seed)
                    for table in KEYS:
                        db.execute(f"DELETE FROM {quoted(table)} WHERE v LIKE ?",
                                   (f"%{rng.randrange(10)}",))

                path = self.make_source(build=build, name=f"clean{number}.db")
                target = self.make_target()
                run = self.copy(path, target=target)
                self.assertEqual(run.exit_code, 0, str(run))
                for sides in ([path, target], [target, path], [target]):
                    run = lite2pg("verify", *sides, "--format", "json")
                    self.assertEqual(run.exit_code, 0, str(run))
                    self.assertFalse([t for t in run.report["tables"] if t["differences"]])

    # ---- The same on the source's side ----

    SOURCE_CHANGES = [
        ("UPDATE k_int SET v = v || ' ' WHERE id = -465", "k_int", "changed", [(-465,)]),
        ("UPDATE k_int SET v = 5 WHERE id = -500", "k_int", "changed", [(-500,)]),
        ("UPDATE k_int SET v = '' WHERE id = -486", "k_int", "changed", [(-486,)]),
        ("UPDATE k_int SET b = CAST(b AS TEXT) || 'x' WHERE id = -493", "k_int", "changed",
         [(-493,)]),
        # A value that has no form in the target's type at all.
        ("UPDATE k_int SET at = 'yesterday' WHERE id = -465", "k_int", "changed", [(-465,)]),
        ("UPDATE k_int SET r = 'much' WHERE id = -465", "k_int", "changed", [(-465,)]),
        ("UPDATE k_int SET v = x'ff00' WHERE id = -465", "k_int", "changed", [(-465,)]),
        ("DELETE FROM k_pair WHERE b = 33", "k_pair", "extra", [("a13", 33)]),
        ("INSERT INTO k_text (code) VALUES ('')", "k_text", "missing", [("",)]),
        ("UPDATE k_text SET at = '2024-01-01T00:00:00+02:00' WHERE code = 'c''5'", "k_text",
         "changed", [("c'5",)]),
        ("INSERT INTO nokey SELECT * FROM nokey LIMIT 1", "nokey", "missing", None),
        ("DELETE FROM nokey WHERE rowid = 3", "nokey", "doubled", None),
    ]

    def test_every_change_of_the_source_is_found_and_named(self):
        for statement, table, kind, key in self.SOURCE_CHANGES:
            with self.subTest(statement):
                changed = self.dir / "changed.db"
                shutil.copy(self.path, changed)
                db = sqlite3.connect(changed)
                db.execute(statement)
                self.assertEqual(db.total_changes, 1)
                db.commit()
                db.close()
                self.assert_found(self.verify(changed), Change(table, statement, {kind}, 1, key))

    def test_all_rows_changed_are_counted_but_few_described(self):
        self.execute("UPDATE k_int SET v = coalesce(v, '') || '!'")
        run = lite2pg("verify", self.path, self.target, "--format", "json", "--max-differences",
                      "7", "--memory", "64MiB")
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertEqual(run.table("k_int")["rows_changed"], ROWS)
        self.assertEqual(len(run.table("k_int")["differences"]), 7)

    def test_values_that_look_alike_are_told_apart(self):
        nfd = unicodedata.normalize("NFD", "caf\u00e93")
        self.execute("UPDATE k_int SET v = %s WHERE id = %s", (nfd, 3 * 7 - 500))
        difference = self.verify().table("k_int")["differences"][0]
        self.assertIn("c3a9", difference["source"])
        self.assertIn("65cc81", difference["target"])


if __name__ == "__main__":
    unittest.main()
