"""Columns that the application's table computes and the source holds too: nothing can be loaded into
them, so what the target computes is compared with what the source has."""

import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import lite2pg

TARGET = """
CREATE TABLE person (id bigint PRIMARY KEY, first text, last text, price numeric(10,2), amount int,
  full_name text GENERATED ALWAYS AS (first || ' ' || last) STORED,
  total numeric(12,2) GENERATED ALWAYS AS (price * amount) STORED);
"""
SOURCE = """
CREATE TABLE person (id INTEGER PRIMARY KEY, first TEXT, last TEXT, price NUMERIC, amount INTEGER,
  full_name TEXT, total NUMERIC);
INSERT INTO person VALUES (1, 'Ada', 'Lovelace', 1.5, 2, 'Ada Lovelace', 3),
                          (2, 'Alan', 'Turing', 0.25, 3, 'Alan Turing', '0.75'),
                          (3, NULL, 'Hopper', NULL, NULL, NULL, NULL);
"""
# The same columns, computed by SQLite as well.
COMPUTED = """
CREATE TABLE person (id INTEGER PRIMARY KEY, first TEXT, last TEXT, price NUMERIC, amount INTEGER,
  full_name TEXT AS (first || ' ' || last) STORED, total NUMERIC AS (price * amount));
INSERT INTO person VALUES (1, 'Ada', 'Lovelace', 1.5, 2), (2, 'Alan', 'Turing', 0.25, 3),
                          (3, NULL, 'Hopper', NULL, NULL);
"""


class BothWays:
    """Loaded either way: merged in one transaction, or straight into the tables."""

    def setUp(self):
        super().setUp()
        self.sql(TARGET + (BALLAST_SQL if self.DIRECT else ""))

    def make(self, script, name="source.db"):
        return self.make_source(script, name=name, build=add_ballast if self.DIRECT else None)

    def differs(self, path, *options):
        """What a copy, which succeeds, tells of values that the target computes otherwise."""
        run = self.load(path, *options)
        self.assertIs(run.table("person")["equal"], True)
        told, = run.findings("L2P5001")
        self.assertEqual(told["severity"], "warning")
        return told

    def assert_sides_equal(self, path, *options):
        run = lite2pg("verify", path, self.target, "--format", "json", *options)
        self.assertEqual(run.exit_code, 0, str(run))
        return run

    def test_equal_values(self):
        for number, script in enumerate((SOURCE, COMPUTED)):
            with self.subTest(number):
                path = self.make(script, f"{number}.db")
                run = self.load(path)
                told = {f["object"]: f for f in run.findings("L2P4015")}
                self.assertIn("computes", told["person.full_name"]["message"])
                self.assertIn("person.total", told)
                self.assertEqual(self.sql("SELECT full_name, total::text FROM person ORDER BY id"),
                                 [("Ada Lovelace", "3.00"), ("Alan Turing", "0.75"), (None, None)])
                self.assert_sides_equal(path)
                self.sql("TRUNCATE person" + (", ballast" if self.DIRECT else "")
                         + "; DROP SCHEMA lite2pg CASCADE")

    def test_another_value(self):
        path = self.make(SOURCE + "UPDATE person SET full_name = 'Turing, Alan' WHERE id = 2;")
        told = self.differs(path)
        self.assertEqual(told["object"], "person.full_name")
        self.assertIn("holds, in 1 row(s): 'Turing, Alan' in the source, 'Alan Turing' in the target"
                      " at id=2", told["message"])
        self.assert_sides_equal(path)

    def test_what_both_compute_is_no_data(self):
        path = self.make(COMPUTED.replace("first || ' ' || last", "last || ', ' || first"))
        told = self.differs(path)
        self.assertEqual(told["object"], "person.full_name")
        self.assertIn("computes, in 2 row(s): ", told["message"])
        self.assertIn("nothing of the source's own data", told["hint"])
        self.assert_sides_equal(path)

    def test_rows_without_a_key(self):
        self.sql("ALTER TABLE person DROP CONSTRAINT person_pkey")
        path = self.make(SOURCE.replace(" PRIMARY KEY", "") +
                         "INSERT INTO person SELECT * FROM person;"
                         "INSERT INTO person VALUES (3, NULL, 'Hopper', NULL, NULL, 'x', NULL);")
        self.assertIn("in 1 row(s): 'x' in the source", self.differs(path)["message"])

    def test_beside_rows_that_are_set_aside(self):
        bad = "INSERT INTO person VALUES (4, 'x', 'y', 'dear', 1, 'x y', 1);"
        run = self.copy(self.make(SOURCE + bad), "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM person"), [(3,)])
        self.sql("TRUNCATE person" + (", ballast" if self.DIRECT else "")
                 + "; DROP SCHEMA lite2pg CASCADE")
        run = self.copy(self.make(SOURCE + bad + "UPDATE person SET total = 9 WHERE id = 1;",
                                  "other.db"), "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertIn("in 1 row(s): 9 in the source", str(run.findings("L2P5001")))


class Computed(BothWays, ExistingTest):
    DIRECT = False

    def test_null_against_a_value_and_the_other_way_round(self):
        for number, (change, told) in enumerate((
                ("full_name = NULL WHERE id = 1", "NULL in the source, 'Ada Lovelace' in the"),
                ("total = 5 WHERE id = 3", "5 in the source, NULL in the"))):
            with self.subTest(change):
                path = self.make(f"{SOURCE} UPDATE person SET {change};", f"{number}.db")
                self.assertIn(told, self.differs(path)["message"])
                self.sql("TRUNCATE person; DROP SCHEMA lite2pg CASCADE")

    def test_a_value_without_a_form_in_the_targets_type(self):
        told = self.differs(self.make(SOURCE + "UPDATE person SET total = 'a lot' WHERE id = 1;"))
        self.assertIn("'a lot' (text: not in the form", told["message"])

    def test_left_out_by_the_configuration(self):
        path = self.make(SOURCE + "UPDATE person SET full_name = 'other';")
        config = self.dir / "lite2pg.toml"
        config.write_text("[table.person.column.full_name]\nexclude = true\n")
        self.load(path, "--config", config)
        self.assert_sides_equal(path, "--config", config)

    def test_counts_alone_say_nothing_of_values(self):
        path = self.make(SOURCE + "UPDATE person SET full_name = 'other';")
        run = self.copy(path, "--verify", "counts")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "copied"), str(run))
        self.assertEqual(run.findings("L2P5001"), [])

    def test_a_condition_on_the_rows(self):
        path = self.make(SOURCE + "UPDATE person SET total = 9 WHERE id = 1;")
        self.load(path, "--where", "person=id > 1")

    def test_keys_in_other_letters_and_another_name(self):
        config = self.dir / "lite2pg.toml"
        config.write_text('[table.person.column.label]\nrename = "full_name"\n')
        script = SOURCE.replace("full_name", "label").replace("id INTEGER", "ID INTEGER")
        self.load(self.make(script), "--config", config)
        self.sql("TRUNCATE person" + (", ballast" if self.DIRECT else "")
                 + "; DROP SCHEMA lite2pg CASCADE")
        told = self.differs(self.make(script + "UPDATE person SET label = 'z' WHERE id = 3;",
                                      "other.db"), "--config", config)
        self.assertEqual(told["object"], "person.label")


class ComputedDirect(BothWays, ExistingTest):
    DIRECT = True


class ComputedAndMore(ExistingTest):
    def setUp(self):
        super().setUp()
        self.sql(TARGET)

    def test_rows_that_were_there(self):
        self.sql("INSERT INTO person VALUES (1, 'Augusta', 'King', 1, 1), (9, 'n', 'n', 1, 1)")
        path = self.make_source(SOURCE)
        run = self.load(path, "--existing-rows", "skip")
        self.assertIn("not compared", str(run.findings("L2P5004")))
        self.load(path, "--existing-rows", "upsert")
        other = self.make_source(SOURCE + "UPDATE person SET total = 9 WHERE id = 2;", "other.db")
        run = self.load(other, "--existing-rows", "upsert")
        self.assertIn("0.75", str(run.findings("L2P5001")))

    def test_a_type_that_only_the_server_reads(self):
        self.sql("ALTER TABLE person ADD at point GENERATED ALWAYS AS"
                 " (point(amount, amount)) STORED")
        path = self.make_source(SOURCE + "ALTER TABLE person ADD COLUMN at TEXT;")
        run = self.load(path)
        finding, = run.findings("L2P5004")
        self.assertEqual((finding["object"], finding["severity"]), ("person.at", "warning"))

    def test_sync_brings_over_what_is_loaded(self):
        path = self.make_source(SOURCE)
        self.load(path)
        other = self.make_source(SOURCE.replace("'Alan', 'Turing'", "'A.', 'Turing'")
                                 .replace("'Alan Turing'", "'A. Turing'"), "other.db")
        run = lite2pg("sync", other, self.target, "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT full_name FROM person WHERE id = 2"), [("A. Turing",)])
        verify = lite2pg("verify", other, self.target, "--format", "json")
        self.assertEqual(verify.exit_code, 0, str(verify))

    def test_json_and_arrays(self):
        self.sql("CREATE TABLE doc (id int PRIMARY KEY, body jsonb,"
                 " tags jsonb GENERATED ALWAYS AS (body -> 'tags') STORED,"
                 " size int GENERATED ALWAYS AS (jsonb_array_length(body -> 'tags')) STORED)")
        script = """CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT,
              tags TEXT AS (json_extract(body, '$.tags')), size INT AS (json_array_length(tags)));
            INSERT INTO doc VALUES (1, '{"tags": ["a",  "b"]}'), (2, '{"tags": []}'), (3, NULL);"""
        self.load(self.make_source(SOURCE + script))


if __name__ == "__main__":
    unittest.main()
