"""sync: after it both sides are equal, and nothing else has happened to the target."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

from harness import EndToEndTest, is_sanitized, lite2pg

# How long the writer of the race test goes on before and after the copy.
RACE_SECONDS = float(os.environ.get("LITE2PG_SYNC_RACE_SECONDS", "1"))

WRITER = """
import random, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
random.seed(7)
end = time.time() + float(sys.argv[2])
n = 0
while time.time() < end:
    db.execute("BEGIN IMMEDIATE")
    for _ in range(20):
        k = random.randrange(1, 4000)
        kind = random.randrange(4)
        if kind == 0:
            db.execute("INSERT INTO item (name, n) VALUES (?, ?)", (f"new {k}", k))
        elif kind == 1:
            db.execute("UPDATE item SET n = n + 1, name = name || '.' WHERE id = ?", (k,))
        elif kind == 2:
            db.execute("DELETE FROM line WHERE item_id = ?", (k,))
            db.execute("DELETE FROM item WHERE id = ?", (k,))
        else:
            db.execute("INSERT INTO note VALUES (?, NULL)", (k % 10,))
            db.execute("DELETE FROM note WHERE rowid = (SELECT min(rowid) FROM note)")
    db.execute("COMMIT")
    n += 1
print(n)
"""


class Sync(EndToEndTest):
    def sync(self, path, *options):
        return lite2pg("sync", path, self.target, "--format", "json", *options)

    def change(self, path, script):
        db = sqlite3.connect(path)
        try:
            db.executescript("PRAGMA foreign_keys = ON;" + script)
            db.commit()
        finally:
            db.close()

    def assert_syncs(self, path, *options):
        run = self.sync(path, *options)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        # What became of the declarations is the copy's to say.
        self.assert_equal_copy(path, run, check_schema=False)
        return run

    SHOP = """
        CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, n INTEGER,
            price DECIMAL(10,2), at TIMESTAMP);
        CREATE TABLE line (a TEXT, b INTEGER, item_id INTEGER NOT NULL
            REFERENCES item (id) ON DELETE CASCADE, PRIMARY KEY (a, b)) WITHOUT ROWID;
        CREATE TABLE note (x INTEGER, y TEXT);
        CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES tree (id)
            ON DELETE CASCADE, doc JSON);
        """

    def shop(self, name="source.db", journal="DELETE"):
        def build(db):
            db.execute(f"PRAGMA journal_mode = {journal}")
            db.executescript(self.SHOP)
            db.executemany("INSERT INTO item VALUES (?, ?, ?, ?, '2024-01-31 12:34:56')",
                           ((i, f"item {i}", i * 2, i * 0.5) for i in range(1, 3001)))
            db.executemany("INSERT INTO line VALUES (?, ?, ?)",
                           ((f"l{i % 7}", i, i) for i in range(1, 3001)))
            db.executemany("INSERT INTO note VALUES (?, ?)", ((i % 5, None if i % 3 else "n")
                                                              for i in range(200)))
            db.executemany("INSERT INTO tree VALUES (?, ?, '{\"a\": 1}')",
                           ((i, i // 2 or None) for i in range(1, 64)))
        return self.make_source(build=build, name=name)

    def test_equal_sides_stay_untouched(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        before = self.sql("SELECT ctid, xmin, id FROM item ORDER BY id")
        run = self.assert_syncs(path)
        self.assertEqual(self.sql("SELECT ctid, xmin, id FROM item ORDER BY id"), before)
        self.assertEqual(run.table("item")["rows_copied"], 0)

    def test_brings_over_what_differs_and_nothing_else(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        before = dict(self.sql("SELECT id, xmin::text FROM item"))
        self.change(path, """
            UPDATE item SET name = 'it''s', price = NULL, at = '2025-01-01 00:00:00.5' WHERE id = 5;
            DELETE FROM item WHERE id BETWEEN 100 AND 110;
            INSERT INTO item (name) VALUES ('last');
            INSERT INTO line VALUES ('new', 1, 1);
            UPDATE line SET item_id = 7 WHERE b = 8;
            DELETE FROM note WHERE rowid % 3 = 0;
            INSERT INTO note VALUES (1, NULL), (1, NULL), (NULL, NULL);
            DELETE FROM tree WHERE id = 5;
            INSERT INTO tree VALUES (101, 1, '[1, 2]'), (100, 101, NULL);
            """)
        run = self.assert_syncs(path)
        after = dict(self.sql("SELECT id, xmin::text FROM item"))
        self.assertEqual({k for k in after if before.get(k) != after[k]}, {5, 3001})
        self.assertEqual(run.table("item")["rows_copied"], 2)
        # A second one finds nothing, since the record was renewed.
        again = self.assert_syncs(path)
        self.assertEqual(sum(t["rows_copied"] for t in again.report["tables"]), 0)
        # The sequence goes on after the source's.
        self.assertEqual(self.sql("INSERT INTO item (name) VALUES ('pg') RETURNING id"), [(3002,)])
        # What others have written since is not overwritten ...
        self.change(path, "UPDATE item SET n = 0 WHERE id = 1")
        self.assert_fails(self.sync(path), 4, "L2P6006")
        self.assertEqual(self.sql("SELECT count(*) FROM item WHERE id = 3002"), [(1,)])
        # ... unless that is asked for.
        self.assert_syncs(path, "--force-source")
        self.assertEqual(self.sql("SELECT count(*) FROM item WHERE id = 3002"), [(0,)])

    def test_rows_that_others_have_changed_stay_and_all_others_come(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        # The application on PostgreSQL changes, deletes and adds rows ...
        self.sql("UPDATE item SET name = 'of the target' WHERE id = 20;"
                 "DELETE FROM note WHERE x = 4 AND y IS NOT NULL;"
                 "DELETE FROM tree WHERE id = 63;"
                 "INSERT INTO item (id, name) VALUES (5000, 'only here')")
        # ... and the one on SQLite others, and some of the same.
        self.change(path, """
            UPDATE item SET n = -1 WHERE id % 500 = 7;
            UPDATE item SET name = 'of the source' WHERE id = 20;
            INSERT INTO tree VALUES (200, 1, '{}');
            INSERT INTO line VALUES ('new', 1, 1);
            """)
        notes = self.sql("SELECT x, y, count(*) FROM note GROUP BY 1, 2 ORDER BY 1, 2")
        for attempt in range(2):   # the second one finds the same: nothing was forgotten
            with self.subTest(attempt=attempt):
                run = self.sync(path)
                self.assert_fails(run, 4, "L2P6006")
                self.assertEqual(run.report["outcome"], "differs")
                self.assertEqual(self.sql("SELECT name FROM item WHERE id IN (20, 5000) ORDER BY id"),
                                 [("of the target",), ("only here",)])
                self.assertEqual(self.sql("SELECT count(*) FROM tree WHERE id IN (63, 200)"), [(1,)])
                self.assertEqual(self.sql("SELECT count(*) FROM line"), [(3001,)])
                self.assertEqual(
                    self.sql("SELECT x, y, count(*) FROM note GROUP BY 1, 2 ORDER BY 1, 2"), notes)
                items = run.table("item")
                self.assertFalse(items["equal"])
                held = {d["key"] for d in items["differences"]}
                self.assertLessEqual({"id=20", "id=5000"}, held)
                # About twelve rows share a part of such a table, and stay with the one changed.
                came = {f"id={i}" for i, in self.sql("SELECT id FROM item WHERE n = -1")}
                self.assertEqual(came | (held - {"id=20", "id=5000"}),
                                 {f"id={i}" for i in range(7, 3000, 500)})
                self.assertFalse(came & held)
                self.assertGreaterEqual(len(came), 4)
                self.assertTrue(run.table("line")["equal"])
                self.assertEqual({f["object"] for f in run.findings("L2P6006")},
                                 {"item", "note", "tree"})
        # verify says of the same rows that they differ, and --force-source ends it.
        run = lite2pg("verify", path, self.target, "--format", "json")
        self.assertEqual(run.exit_code, 4, str(run))
        self.assert_syncs(path, "--force-source")
        self.assert_syncs(path)

    def test_rows_that_stay_may_be_in_the_way_of_others(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.sql("DELETE FROM line WHERE item_id = 30; DELETE FROM item WHERE id = 30")
        self.change(path, "INSERT INTO line VALUES ('child', 1, 30)")
        run = self.sync(path)
        self.assertEqual(run.exit_code, 8, str(run))
        self.assertIn("--force-source", run.report["errors"][0]["hint"])
        self.assertEqual(self.sql("SELECT count(*) FROM line"), [(2999,)])
        self.assert_syncs(path, "--force-source")

    def test_a_private_copy_knows_the_same_parts(self):
        """Copied and synced through copies of the file; what others have changed is found as it is
        without, into ordinary and into partitioned tables."""
        for partitioned in (False, True):
            with self.subTest(partitioned=partitioned):
                self.target = self.make_target()
                if partitioned:
                    self.sql("CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL, n bigint,"
                             " price numeric(10,2), at timestamp) PARTITION BY RANGE (id);"
                             "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (0) TO (1500);"
                             "CREATE TABLE item_2 PARTITION OF item DEFAULT;"
                             "CREATE TABLE line (a text, b bigint, item_id bigint NOT NULL REFERENCES"
                             " item (id) ON DELETE CASCADE, PRIMARY KEY (a, b));"
                             "CREATE TABLE note (x bigint, y text);"
                             "CREATE TABLE tree (id bigint PRIMARY KEY, parent bigint REFERENCES"
                             " tree (id) ON DELETE CASCADE, doc json)")
                path = self.shop(name=f"{partitioned}.db")
                run = self.copy(path, "--private-copy")
                self.assertEqual(run.exit_code, 0, str(run))
                self.sql("UPDATE item SET name = 'of the target' WHERE id = 20")
                self.change(path, "UPDATE item SET n = -1 WHERE id % 500 = 7;"
                                  "DELETE FROM item WHERE id = 2900; INSERT INTO note VALUES (1, 'n')")
                run = self.sync(path, "--private-copy")
                self.assert_fails(run, 4, "L2P6006")
                self.assertEqual([f["object"] for f in run.findings("L2P6006")], ["item"], str(run))
                held = {d["key"] for d in run.table("item")["differences"]}
                self.assertIn("id=20", held)
                self.assertTrue(run.table("note")["equal"])
                self.assertEqual(self.sql("SELECT name FROM item WHERE id = 20"),
                                 [("of the target",)])
                run = self.sync(path, "--private-copy", "--force-source")
                self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
                self.assert_equal_copy(path, run, check_schema=False)
                # The record of one way is good for the other.
                self.assert_syncs(path)

    def test_a_sync_that_was_stopped_goes_on_by_being_asked_again(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "UPDATE item SET n = n + 1; DELETE FROM note WHERE x = 1")
        before = self.sql("SELECT count(*), sum(n) FROM item")
        for point in ("sync.begun", "sync.put_beside", "sync.applied", "sync.verified",
                      "sync.commit"):
            with self.subTest(point):
                run = self.sync_with(path, f"{point}:1:kill")
                self.assertEqual(run.exit_code, -9, str(run))
                self.assertEqual(self.sql("SELECT count(*), sum(n) FROM item"), before)
        run = self.sync_with(path, "sync.committed:1:kill")
        self.assertEqual(run.exit_code, -9, str(run))
        self.assertNotEqual(self.sql("SELECT count(*), sum(n) FROM item"), before)
        run = self.assert_syncs(path)
        self.assertEqual(sum(t["rows_copied"] for t in run.report["tables"]), 0)

    def sync_with(self, path, failpoint):
        run = lite2pg("--version")
        if "failpoints" not in run.out:
            self.skipTest("this build has no failpoints")
        return lite2pg("sync", path, self.target, "--format", "json",
                       env={"LITE2PG_FAILPOINT": failpoint})

    def test_what_a_sync_has_left_is_its_record(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "UPDATE item SET n = 1 WHERE id = 1; DELETE FROM note WHERE x = 1")
        self.assert_syncs(path)
        self.assert_verified()
        self.assert_verified(path)

    def test_values_of_unique_columns_may_move_from_a_row_that_goes(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE);
            INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL);""")
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "DELETE FROM t WHERE id = 1; UPDATE t SET u = 'a' WHERE id = 3;"
                          "INSERT INTO t VALUES (4, 'c');")
        self.assert_syncs(path)

    def test_refuses_a_deletion_that_would_take_rows_that_stay(self):
        path = self.make_source("""
            CREATE TABLE p (id INTEGER PRIMARY KEY, x);
            CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER);
            INSERT INTO p VALUES (1, 'a'), (2, 'b');
            INSERT INTO c VALUES (10, 1), (11, 2);""")
        self.assertEqual(self.copy(path).exit_code, 0)
        for action, code in (("CASCADE", "L2P6007"), ("SET NULL", "L2P6007"), ("NO ACTION", None)):
            with self.subTest(action):
                self.sql("ALTER TABLE c DROP CONSTRAINT IF EXISTS f")
                self.sql(f"ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (p) REFERENCES p (id)"
                         f" ON DELETE {action}")
                # The application itself declares no foreign key: its row 10 is an orphan now.
                self.change(path, "DELETE FROM p WHERE id = 1;")
                self.assert_fails(self.sync(path), 8, code)
                self.assertEqual(self.sql("SELECT id, p FROM c ORDER BY 1"), [(10, 1), (11, 2)])
                self.assertEqual(self.sql("SELECT count(*) FROM p"), [(2,)])
        # With the child gone, or pointing elsewhere, there is nothing to refuse.
        self.change(path, "UPDATE c SET p = 2 WHERE id = 10;")
        self.assert_syncs(path)

    def test_tables_of_other_schemas_are_protected_too(self):
        path = self.make_source("CREATE TABLE p (id INTEGER PRIMARY KEY, x);"
                                "INSERT INTO p VALUES (1, 'a'), (2, 'b');")
        self.assertEqual(self.copy(path).exit_code, 0)
        self.sql("CREATE SCHEMA app; CREATE TABLE app.c (p bigint REFERENCES public.p"
                 " ON DELETE CASCADE); INSERT INTO app.c VALUES (1)")
        self.change(path, "DELETE FROM p WHERE id = 1;")
        self.assert_fails(self.sync(path), 8, "L2P6007")
        self.assertEqual(self.sql("SELECT p FROM app.c"), [(1,)])

    def test_bad_values_stop_or_are_set_aside(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO t VALUES (1, 10), (2, 20);")
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "INSERT INTO t VALUES (3, 'x'), (4, 40);")
        self.assert_fails(self.sync(path), 14, "L2P2001")
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(2,)])
        rejects = self.dir / "rejects.ndjson"
        run = self.sync(path, "--on-bad-value", "reject", "--rejects", rejects)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT id FROM t ORDER BY 1"), [(1,), (2,), (4,)])
        self.assertEqual(self.sql("SELECT table_name, column_name FROM lite2pg.reject"),
                         [("t", "n")])
        self.assertEqual(len(rejects.read_text().splitlines()), 1)
        # A row of the target whose new value has no form cannot be kept, and is not deleted.
        self.change(path, "UPDATE t SET n = 'y' WHERE id = 1;")
        self.assert_fails(self.sync(path, "--on-bad-value", "reject"), 14, "L2P2001")
        self.assertEqual(self.sql("SELECT n FROM t WHERE id = 1"), [(10,)])

    def test_fills_as_the_copy_did(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO t VALUES (1, NULL), (2, 20);")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, n bigint NOT NULL)")
        self.assertEqual(self.copy(path, "--fill", "t.n=7").exit_code, 0)
        self.change(path, "INSERT INTO t VALUES (3, NULL); UPDATE t SET n = NULL WHERE id = 2;")
        self.assert_fails(self.sync(path, "--fill", "t.n=8"), 2)
        for options in ((), ("--fill", "t.n=7")):
            run = self.sync(path, *options)
            self.assertEqual(run.exit_code, 0, str(run))
            self.assertEqual(self.sql("SELECT id, n FROM t ORDER BY 1"), [(1, 7), (2, 7), (3, 7)])

    def test_a_target_that_nobody_recorded(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.sql("DROP SCHEMA lite2pg CASCADE")
        # Rows that are only missing can be added without a record ...
        self.change(path, "INSERT INTO item (name) VALUES ('added');")
        self.assert_syncs(path)
        self.sql("DROP SCHEMA lite2pg CASCADE")
        # ... others would be overwritten.
        self.change(path, "UPDATE item SET n = 0 WHERE id = 1;")
        self.assert_fails(self.sync(path), 4, "L2P6006")
        self.assert_syncs(path, "--force-source")

    def test_a_table_that_is_not_there_is_named(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "CREATE TABLE later (x); INSERT INTO item (name) VALUES ('n');")
        run = self.sync(path)
        self.assert_fails(run, 8, "L2P3017")
        self.assertIn("later", run.report["errors"][0]["what"])
        self.assertEqual(self.sql("SELECT count(*) FROM item"), [(3000,)])

    def test_triggers_that_change_rows_undo_everything(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.sql("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$BEGIN NEW.n := 42; RETURN NEW; END$$;"
                 "CREATE TRIGGER spoil BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION spoil()")
        self.change(path, "UPDATE item SET name = 'x' WHERE id = 1;")
        self.assert_fails(self.sync(path), 4, "L2P5001")
        self.assertEqual(self.sql("SELECT name FROM item WHERE id = 1"), [("item 1",)])

    def test_whatever_triggers_do_to_other_rows_is_noticed(self):
        """What was written, what is gone and how many rows there are tell as much as all rows."""
        spoilt = {
            "another row is deleted": "DELETE FROM item WHERE id = 100",
            "another row is changed": "UPDATE item SET n = n + 1 WHERE id = 100 AND n < 1000",
            "a row is added": "INSERT INTO item (id, name) VALUES (100000, 'x')",
            "a row goes and one comes": "DELETE FROM item WHERE id = 100;"
                                        "INSERT INTO item (id, name) VALUES (100000, 'x')",
            "a row of another table is deleted": "DELETE FROM line WHERE item_id = 50",
            "a row is changed within a block of its own":
                "BEGIN UPDATE item SET n = -1 WHERE id = 100; EXCEPTION WHEN others THEN NULL; END",
        }
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "UPDATE item SET name = 'x' WHERE id = 1; DELETE FROM item WHERE id = 7;"
                          "INSERT INTO item (name) VALUES ('new')")
        for what, statement in spoilt.items():
            with self.subTest(what):
                self.sql(
                    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                    f" IF pg_trigger_depth() = 1 THEN {statement}; END IF; RETURN NULL; END$$;"
                    "CREATE TRIGGER spoil AFTER UPDATE ON item EXECUTE FUNCTION spoil()")
                self.assert_fails(self.sync(path), 4, "L2P5001")
                self.assertEqual(self.sql("SELECT name FROM item WHERE id = 1"), [("item 1",)])
                self.sql("DROP FUNCTION spoil CASCADE")
        # One that writes elsewhere is nobody's harm.
        self.sql("CREATE TABLE log (at timestamptz);"
                 "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$BEGIN INSERT INTO log VALUES (now()); RETURN NULL; END$$;"
                 "CREATE TRIGGER note AFTER UPDATE ON item EXECUTE FUNCTION note()")
        self.assertEqual(self.sync(path).exit_code, 0)
        self.sql("DROP FUNCTION note CASCADE; DROP TABLE log")
        self.assert_verified(path)

    def test_rows_that_do_not_go_are_noticed(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO t SELECT i, 'v' FROM n;""")
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "DELETE FROM t WHERE id = 7")
        for what, instead in {"a row stays": "NULL;",
                              "another one goes": "DELETE FROM t WHERE id = 100;"}.items():
            with self.subTest(what):
                self.sql("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                         f" IF OLD.id <> 7 THEN RETURN OLD; END IF; {instead} RETURN NULL; END$$;"
                         "CREATE TRIGGER keep BEFORE DELETE ON t FOR EACH ROW"
                         " EXECUTE FUNCTION keep()")
                self.assert_fails(self.sync(path), 4, "L2P5001")
                self.sql("DROP FUNCTION keep CASCADE")
        self.assert_syncs(path)

    def test_what_foreign_keys_change_is_noticed(self):
        for child, error in (("main", "L2P5001"), ("other", "L2P6007")):
            with self.subTest(child):
                self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
                         "DROP SCHEMA IF EXISTS lite2pg, other CASCADE")
                path = self.make_source("""
                    CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, n INTEGER);
                    CREATE TABLE c (id INTEGER PRIMARY KEY,
                                    pcode TEXT REFERENCES p(code) ON UPDATE CASCADE);
                    INSERT INTO p VALUES (1, 'a', 1), (2, 'x', 1);
                    INSERT INTO c VALUES (1, 'a'), (2, NULL);""", name=f"{child}.db")
                self.assertEqual(self.copy(path).exit_code, 0)
                if child == "other":
                    self.sql("DELETE FROM c; CREATE SCHEMA other; CREATE TABLE other.o (pcode text"
                             " REFERENCES public.p (code) ON UPDATE CASCADE);"
                             "INSERT INTO other.o VALUES ('a')")
                    self.change(path, "DELETE FROM c")
                db = sqlite3.connect(path)   # without foreign keys
                db.execute("UPDATE p SET code = 'b' WHERE id = 1")
                db.commit()
                db.close()
                run = self.sync(path, "--force-source")
                self.assert_fails(run, 4 if child == "main" else 8, error)
                self.assertEqual(self.sql("SELECT code FROM p WHERE id = 1"), [("a",)])
        # A change that the source's own foreign key has carried on comes over.
        self.sql("DROP SCHEMA other CASCADE; TRUNCATE c; INSERT INTO c VALUES (1, 'a'), (2, NULL)")
        self.change(path, "UPDATE p SET code = 'a' WHERE id = 1; INSERT INTO c VALUES (1, 'a'),"
                          " (2, NULL); UPDATE p SET code = 'b' WHERE id = 1")
        self.assert_syncs(path, "--force-source")
        self.assertEqual(self.sql("SELECT pcode FROM c WHERE id = 1"), [("b",)])

    def test_rows_refer_to_new_ones_of_their_own_table(self):
        path = self.make_source("CREATE TABLE tree (id INTEGER PRIMARY KEY, u TEXT UNIQUE,"
                                " p INTEGER REFERENCES tree (id));"
                                "INSERT INTO tree VALUES (1, 'a', NULL), (2, 'b', 1);")
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "UPDATE tree SET u = 'c' WHERE id = 2;"
                          "INSERT INTO tree VALUES (3, 'b', 2), (4, 'd', 3);"
                          "UPDATE tree SET p = 4 WHERE id = 2")
        self.assert_syncs(path)

    # So that what differs is read by intervals of the key: negative keys, gaps, a key column of four
    # bytes, and with a unique index alone, where rows of the target have NULL for a key.
    def test_more_rows_than_fit_into_the_memory_differ(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
            WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999)
            INSERT INTO t SELECT (i - 20000) * 7, 'value ' || i FROM n;""")
        for key in ("bigint PRIMARY KEY", "integer PRIMARY KEY", "integer UNIQUE"):
            with self.subTest(key):
                self.sql(f"DROP TABLE IF EXISTS t; CREATE TABLE t (id {key}, v text)")
                self.assertEqual(self.copy(path).exit_code, 0)
                self.change(path, "UPDATE t SET v = v || '!' WHERE id % 3 != 0;"
                                  "DELETE FROM t WHERE id % 11 = 0;"
                                  "INSERT OR IGNORE INTO t SELECT id + 1, 'new' FROM t WHERE id % 5 = 0")
                if key.endswith("UNIQUE"):
                    self.sql("INSERT INTO t VALUES (NULL, 'no key'), (NULL, 'no key either')")
                run = self.assert_syncs(path, "--memory", "32MiB", "--force-source")
                if not is_sanitized():
                    self.assertLess(run.report["resources"]["peak_rss_bytes"], 48 << 20)

    def test_forms_of_a_column_whose_type_has_changed_are_looked_at_again(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT);
            INSERT INTO t VALUES (1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
                                 (2, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');""")
        self.assertEqual(self.copy(path).exit_code, 0)
        self.assertTrue(self.forms("public")["u"]["exact"])
        self.sql("ALTER TABLE t ALTER u TYPE uuid USING u::uuid")
        self.change(path, "INSERT INTO t VALUES (3, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13')")
        self.assertEqual(self.sync(path, "--force-source").exit_code, 0)
        self.assertFalse(self.forms("public")["u"]["exact"])

    def test_forms_of_what_came_are_known_as_a_copy_knows_them(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP, on_day DATE, flag BOOLEAN, x REAL,
                            doc TEXT);
            INSERT INTO t VALUES (1, '2024-01-31 12:34:56', '2024-01-31', 1, 0.5, 'a'),
                                 (2, '2024-02-01 00:00:00', '2024-02-01', 0, 1.5, 'b');""")
        self.assertEqual(self.copy(path).exit_code, 0)
        for change in ("UPDATE t SET at = '2024-03-01 01:02:03' WHERE id = 1",
                       # Other spellings of the same values.
                       "UPDATE t SET at = replace(at, ' ', 'T')",
                       "UPDATE t SET flag = 't' WHERE flag",
                       "UPDATE t SET at = replace(at, 'T', ' '), flag = flag = 't'",
                       "UPDATE t SET at = '2024-03-02T01:02:03' WHERE id = 1",
                       "UPDATE t SET at = '2024-02-02T00:00:00' WHERE id = 2",
                       "INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL, NULL)",
                       "UPDATE t SET flag = NULL WHERE id = 1",
                       "DELETE FROM t WHERE id = 3"):
            with self.subTest(change):
                self.change(path, change)
                self.assert_syncs(path)
                self.assertEqual(self.forms("public"), self.forms_of_a_copy(path))

    def forms(self, schema):
        (plan,) = self.sql("SELECT plan_json FROM lite2pg.run WHERE target_schema = "
                           f"'{schema}' ORDER BY started_at DESC LIMIT 1")[0]
        return {column["source_name"]: column["representation"]
                for column in json.loads(plan)["tables"][0]["columns"]}

    def forms_of_a_copy(self, path):
        self.assertEqual(self.copy(path, "--target-schema", "fresh", "--restart").exit_code, 0)
        forms = self.forms("fresh")
        self.sql("DROP SCHEMA fresh CASCADE")
        return forms

    def test_a_writer_at_full_speed(self):
        for journal in ("WAL", "DELETE"):
            with self.subTest(journal):
                self.target = self.make_target()
                path = self.shop(f"{journal}.db", journal)
                with subprocess.Popen([sys.executable, "-c", WRITER, str(path),
                                       str(RACE_SECONDS * 2 + 1)],
                                      stdout=subprocess.PIPE) as writer:
                    time.sleep(RACE_SECONDS / 2)
                    run = self.copy(path)
                    # Under a rollback journal the writer may be locked out, or lock us out.
                    self.assertIn(run.exit_code, (0, 6), str(run))
                    copied = run.exit_code == 0
                    out, _ = writer.communicate(timeout=60)
                self.assertGreater(int(out), 5)
                if not copied:
                    self.assertEqual(self.copy(path).exit_code, 0)
                self.assert_syncs(path)

    def test_readers_go_on_and_writers_wait(self):
        path = self.shop()
        self.assertEqual(self.copy(path).exit_code, 0)
        self.change(path, "UPDATE item SET n = 1 WHERE id = 1;")
        stop = threading.Event()
        failures = []

        def read():
            while not stop.is_set():
                try:
                    rows = self.sql("SELECT count(*), sum((n = 1 AND id = 1)::int) FROM item")[0]
                    if rows[0] != 3000:
                        failures.append(rows)
                except Exception as error:  # noqa: BLE001  (any failure is one)
                    failures.append(error)
        reader = threading.Thread(target=read)
        reader.start()
        try:
            self.assert_syncs(path)
        finally:
            stop.set()
            reader.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
