"""Tables that already have rows, under every policy of --existing-rows; and --fill."""

import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import lite2pg

TARGET = """
CREATE TABLE kind (code varchar(10) PRIMARY KEY, name text NOT NULL, rank int);
CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind varchar(10) REFERENCES kind(code) ON UPDATE CASCADE, price numeric(10,2), note text,
  added text DEFAULT 'by the application');
CREATE INDEX item_kind ON item(kind);
INSERT INTO kind VALUES ('a', 'Alpha', 1), ('b', 'Beta', 2);
"""
SOURCE = """
CREATE TABLE kind (code TEXT PRIMARY KEY, name TEXT, rank INTEGER);
CREATE TABLE item (id INTEGER PRIMARY KEY, kind TEXT REFERENCES kind(code), price NUMERIC, note TEXT);
INSERT INTO kind VALUES ('a', 'Alpha', 1), ('b', 'Beta', 2), ('c', 'Gamma', NULL);
INSERT INTO item VALUES (1, 'a', 1.5, 'x'), (2, 'c', 2, NULL), (3, NULL, NULL, '');
"""


def expected(kinds, items=True):
    return ("CREATE TABLE kind (code TEXT, name TEXT, rank INTEGER);"
            "CREATE TABLE item (id INTEGER, kind TEXT, price NUMERIC, note TEXT);"
            f"INSERT INTO kind VALUES {kinds};"
            + ("INSERT INTO item VALUES (1, 'a', 1.5, 'x'), (2, 'c', 2, NULL), (3, NULL, NULL, '');"
               if items else ""))


class Policies(ExistingTest):
    """Once with little data, and once with so much that the empty tables are loaded directly."""

    ballast = False

    def make(self, source=SOURCE, target=TARGET):
        path = self.make_source(source, build=add_ballast if self.ballast else None)
        self.sql(target + (BALLAST_SQL if self.ballast else ""))
        return path

    def counts(self, run, table):
        entry = run.table(table)
        self.assertIs(entry["equal"], True, str(run))
        self.assertEqual(entry["rows_copied"] + entry["rows_skipped"] + entry["rows_rejected"],
                         entry["rows_source"])
        return (entry["rows_copied"], entry["rows_skipped"], entry["rows_preexisting"],
                entry["rows_target"])

    def assert_merged(self, script):
        self.assert_target_is(script, 2)
        self.assertEqual(self.sql("SELECT DISTINCT added FROM item"), [("by the application",)])
        self.assertEqual(self.sql("INSERT INTO item (kind) VALUES ('b') RETURNING id"), [(4,)])

    def test_refuse_is_the_default(self):
        path = self.make()
        self.load_refused(path, (8,), error="L2P3006")

    def test_skip_equal_passes_equal_rows(self):
        path = self.make()
        run = self.load(path, "--existing-rows", "skip-equal")
        self.assertEqual(self.counts(run, "kind"), (1, 2, 2, 3))
        self.assertEqual(self.counts(run, "item"), (3, 0, 0, 3))
        self.assert_merged(expected("('a','Alpha',1),('b','Beta',2),('c','Gamma',NULL)"))

    def test_skip_equal_keeps_rows_that_only_the_target_has(self):
        path = self.make(target=TARGET + "INSERT INTO kind VALUES ('z', 'Omega', 26);")
        run = self.load(path, "--existing-rows", "skip-equal")
        self.assertEqual(self.counts(run, "kind"), (1, 2, 3, 4))
        self.assert_merged(
            expected("('a','Alpha',1),('b','Beta',2),('c','Gamma',NULL),('z','Omega',26)"))

    def test_skip_equal_refuses_other_values_and_says_which(self):
        path = self.make(target=TARGET + "UPDATE kind SET name = 'Bravo', rank = NULL"
                         " WHERE code = 'b';")
        run = self.load_refused(path, (8,), "--existing-rows", "skip-equal", error="L2P3006")
        for word in ("(b)", "name", "rank"):
            self.assertIn(word, run.report["errors"][0]["what"])
        self.assertEqual(run.report["errors"][0]["table"], "kind")
        differences = run.table("kind")["differences"]
        self.assertEqual([(d["key"], d["column"], d["source"], d["target"]) for d in differences],
                         [("(b)", "name", "Beta", "Bravo"), ("(b)", "rank", "2", "NULL")])

    def test_skip_keeps_the_targets_row(self):
        path = self.make(target=TARGET + "UPDATE kind SET name = 'Bravo' WHERE code = 'b';"
                         "INSERT INTO kind VALUES ('z', 'Omega', 26);")
        run = self.load(path, "--existing-rows", "skip")
        self.assertEqual(self.counts(run, "kind"), (1, 2, 3, 4))
        self.assert_merged(
            expected("('a','Alpha',1),('b','Bravo',2),('c','Gamma',NULL),('z','Omega',26)"))

    def test_upsert_takes_the_sources_row(self):
        path = self.make(target=TARGET + "UPDATE kind SET name = 'Bravo', rank = 7 WHERE"
                         " code = 'b'; INSERT INTO kind VALUES ('z', 'Omega', 26);"
                         "INSERT INTO item (kind, price, note) VALUES ('b', 9, 'old');")
        run = self.load(path, "--existing-rows", "upsert")
        self.assertEqual(self.counts(run, "kind"), (3, 0, 3, 4))
        self.assertEqual(self.counts(run, "item"), (3, 0, 1, 3))
        self.assert_merged(
            expected("('a','Alpha',1),('b','Beta',2),('c','Gamma',NULL),('z','Omega',26)"))

    def test_upsert_leaves_equal_rows_alone(self):
        path = self.make()
        before = self.sql("SELECT xmin::text FROM kind WHERE code = 'a'")
        self.load(path, "--existing-rows", "upsert")
        self.assertEqual(self.sql("SELECT xmin::text FROM kind WHERE code = 'a'"), before)

    def test_replace_empties_first(self):
        path = self.make(target=TARGET + "INSERT INTO kind VALUES ('z', 'Omega', 26);"
                         "INSERT INTO item (kind, price, note) VALUES ('z', 9, 'old'), ('a', 1, 'x');")
        run = self.load(path, "--existing-rows", "replace")
        self.assertEqual(self.counts(run, "kind"), (3, 0, 3, 3))
        self.assertEqual(self.counts(run, "item"), (3, 0, 2, 3))
        self.assert_merged(expected("('a','Alpha',1),('b','Beta',2),('c','Gamma',NULL)"))

    def test_what_replaced_rows_is_on_record_and_what_skipped_them_is_not(self):
        path = self.make(target=TARGET + "INSERT INTO kind VALUES ('z', 'Omega', 26);")
        self.load(path, "--existing-rows", "replace")
        run = lite2pg("verify", self.target, "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertIs(run.table("kind")["equal"], True)
        self.sql("UPDATE kind SET code = 'q' WHERE code = 'c'")
        self.assertEqual(lite2pg("verify", self.target).exit_code, 4)

    def test_replace_is_refused_where_another_table_refers_to_the_rows(self):
        path = self.make(target=TARGET + "CREATE TABLE other (kind varchar REFERENCES kind);"
                         "INSERT INTO other VALUES ('a');")
        run = self.load_refused(path, (8, 12), "--existing-rows", "replace")
        self.assertIn("other", str(run.findings("L2P3006")))

    def test_a_table_without_a_key_cannot_be_merged(self):
        path = self.make(target=TARGET.replace("varchar(10) PRIMARY KEY", "varchar(10) UNIQUE")
                         .replace("REFERENCES kind(code) ON UPDATE CASCADE", "")
                         .replace("varchar(10) UNIQUE", "varchar(10)"))
        for policy in ("skip-equal", "skip", "upsert"):
            self.load_refused(path, (8, 12), "--existing-rows", policy)
        self.load(path, "--existing-rows", "replace")
        self.assert_merged(expected("('a','Alpha',1),('b','Beta',2),('c','Gamma',NULL)"))

    def test_twice_is_once(self):
        path = self.make(target=TARGET.split("INSERT")[0])
        self.load(path)
        again = self.load(path, "--existing-rows", "skip-equal")
        self.assertEqual(self.counts(again, "item"), (0, 3, 3, 3))
        self.assertEqual(self.counts(again, "kind"), (0, 3, 3, 3))
        self.assert_merged(expected("('a','Alpha',1),('b','Beta',2),('c','Gamma',NULL)"))

    def test_a_key_of_several_columns_with_its_own_equality(self):
        self.admin_sql("CREATE EXTENSION citext SCHEMA public")
        path = self.make(
            "CREATE TABLE t (a INTEGER, b TEXT, v REAL, PRIMARY KEY (a, b));"
            "INSERT INTO t VALUES (1, 'x', 1.5), (1, 'y', 2.5), (2, 'X', 3.5);",
            "CREATE TABLE t (v float8, b citext COLLATE \"C\", a int, UNIQUE (a, b));"
            "INSERT INTO t VALUES (0.5, 'X', 1), (0.25, 'q', 9);")
        run = self.load(path, "--existing-rows", "skip")
        self.assertEqual(self.counts(run, "t"), (2, 1, 2, 4))
        self.assertEqual(self.sql("SELECT a, b, v FROM t ORDER BY a, b"),
                         [(1, "X", 0.5), (1, "y", 2.5), (2, "X", 3.5), (9, "q", 0.25)])

    def admin_sql(self, statement):
        keep, self.target = self.target, self.admin
        try:
            return self.sql(statement)
        finally:
            self.target = keep

    def test_orphans_among_merged_rows(self):
        path = self.make(SOURCE + "INSERT INTO item VALUES (9, 'nowhere', 1, NULL);")
        self.load_refused(path, (8,), "--existing-rows", "skip", "--orphans", "stop")
        run = self.copy(path, "--existing-rows", "skip")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertIn("nowhere", str(run.findings("L2P4006")), str(run))
        self.assertEqual(self.sql("SELECT convalidated FROM pg_constraint"
                                  " WHERE conname = 'item_kind_fkey'"), [(False,)])

    def test_a_failure_while_merging_leaves_everything(self):
        # A unique index that is not the key, and a row that the target has under another key.
        path = self.make(target=TARGET + "CREATE UNIQUE INDEX kind_name ON kind(name);"
                         "INSERT INTO kind VALUES ('q', 'Gamma', NULL);"
                         "INSERT INTO item (kind, price, note) VALUES ('b', 9, 'old');")
        for policy in ("skip", "upsert"):
            run = self.load_refused(path, (8,), "--existing-rows", policy)
            self.assertIn("kind_name", str(run.report["errors"]))
            self.assertTrue(run.report["errors"][0]["effect"], str(run))


class PoliciesWithMuchData(Policies):
    ballast = True


class Fill(ExistingTest):
    SOURCE = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
        INSERT INTO t VALUES (1, 5, 'x'), (2, NULL, 'y'), (3, NULL, NULL);
        CREATE TABLE u (id INTEGER PRIMARY KEY);
        INSERT INTO u VALUES (1);
    """

    def test_fills_what_is_null_and_what_the_source_lacks(self):
        path = self.make_source(self.SOURCE)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, a smallint NOT NULL, b varchar(5), tenant int"
                 " NOT NULL, at timestamptz NOT NULL); CREATE TABLE u (id int PRIMARY KEY);")
        run = self.load(path, "--fill", "t.a=-1", "--fill", "t.tenant=7",
                        "--fill", "t.at=sql:pg_catalog.now()")
        self.assertEqual(run.table("t")["rows_filled"], 3)
        self.assertEqual(run.table("u")["rows_filled"], 0)
        self.assertEqual(self.sql("SELECT id, a, b, tenant, at > now() - interval '1 hour' FROM t"
                                  " ORDER BY id"),
                         [(1, 5, "x", 7, True), (2, -1, "y", 7, True), (3, -1, None, 7, True)])

    def test_counts_only_rows_that_got_a_value(self):
        path = self.make_source(self.SOURCE)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, a int, b text);"
                 "CREATE TABLE u (id int PRIMARY KEY);")
        run = self.load(path, "--fill", "t.a=0", "--fill", "t.b=none")
        self.assertEqual(run.table("t")["rows_filled"], 2)
        self.assert_target_is("CREATE TABLE t (id INTEGER, a INTEGER, b TEXT);"
                              "INSERT INTO t VALUES (1, 5, 'x'), (2, 0, 'y'), (3, 0, 'none');"
                              "CREATE TABLE u (id INTEGER); INSERT INTO u VALUES (1);", 2)

    def test_without_it_every_mismatch_is_told_at_once(self):
        path = self.make_source(self.SOURCE)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, a smallint NOT NULL, tenant int NOT NULL);"
                 "CREATE TABLE u (name text NOT NULL)")
        run = self.load_refused(path, (12,), error="L2P3018")
        objects = {f["object"] for f in run.findings() if f["severity"] == "blocking"}
        self.assertLessEqual({"t.b", "t.tenant", "u.id", "u.name"}, objects)
        self.assertEqual(self.plan(path).exit_code, 12)

    def test_into_tables_that_the_copy_creates(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, b TEXT);"
                                "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
                                " replace(sql, ' NOT NULL', '') WHERE name = 't';")
        path = self.make_source(self.SOURCE, name="plain.db")
        run = self.copy(path, "--fill", "t.a=sql:40+2")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual(run.table("t")["rows_filled"], 2)
        self.assertEqual(self.sql("SELECT a FROM t ORDER BY id"), [(5,), (42,), (42,)])

    def test_a_value_that_is_none_of_the_type_is_found_in_the_plan(self):
        path = self.make_source(self.SOURCE)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, a int, b text);"
                 "CREATE TABLE u (id int PRIMARY KEY);")
        run = self.load_refused(path, (2, 12), "--fill", "t.a=many")
        self.assertIn("t.a", str(run.findings()))
        self.load_refused(path, (2, 12), "--fill", "t.nothing=1")

    def test_fills_rows_that_are_merged(self):
        path = self.make_source(self.SOURCE)
        self.sql("CREATE TABLE t (id int PRIMARY KEY, a int, b text, tenant int NOT NULL);"
                 "CREATE TABLE u (id int PRIMARY KEY);"
                 "INSERT INTO t VALUES (2, 99, 'y', 1), (8, NULL, NULL, 1)")
        self.load(path, "--existing-rows", "upsert", "--fill", "t.a=0", "--fill", "t.tenant=3")
        self.assertEqual(self.sql("SELECT id, a, b FROM t ORDER BY id"),
                         [(1, 5, "x"), (2, 0, "y"), (3, 0, None), (8, None, None)])


if __name__ == "__main__":
    unittest.main()
