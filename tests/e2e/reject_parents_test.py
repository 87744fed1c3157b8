"""A row that is set aside takes the rows that refer to it along: through chains, circles and keys of
several columns; the foreign keys hold afterwards."""

import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import EndToEndTest


class RejectedParents(ExistingTest):
    """Once with little data, merged in one transaction, and once loaded directly."""

    ballast = False

    def make(self, source, target):
        path = self.make_source(source, build=add_ballast if self.ballast else None)
        self.sql(target + (BALLAST_SQL if self.ballast else ""))
        return path

    def rejected(self, path, *options):
        """A copy that sets rows aside and leaves every definition as it was, foreign keys valid."""
        before = self.pg_dump()
        run = self.copy(path, "--on-bad-value", "reject", *options)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(run.report["outcome"], "rejected", str(run))
        self.assertEqual(self.pg_dump(), before)
        self.assertEqual(self.sql("SELECT conname FROM pg_constraint WHERE NOT convalidated"), [])
        for table in run.report["tables"]:
            self.assertIs(table["equal"], True, str(run))
            self.assertEqual(table["rows_copied"] + table["rows_skipped"] + table["rows_rejected"],
                             table["rows_source"], str(run))
        self.assert_nothing_left()
        return run

    def rejects(self):
        return self.sql("SELECT table_name, split_part(row_key, ' ', 1), code, column_name, reason"
                        " FROM lite2pg.reject ORDER BY 1, 2")

    CHAIN = """
        CREATE TABLE account (id INTEGER PRIMARY KEY, opened TEXT);
        CREATE TABLE entry (id INTEGER PRIMARY KEY, account INTEGER REFERENCES account(id), n INT);
        CREATE TABLE note (id INTEGER PRIMARY KEY, entry INTEGER REFERENCES entry(id), t TEXT);
        INSERT INTO account VALUES (1, '2024-01-01'), (2, 'soon'), (3, '2024-01-03');
        INSERT INTO entry VALUES (10, 1, 1), (20, 2, 2), (21, 2, 3), (30, 3, 4), (40, NULL, 5);
        INSERT INTO note VALUES (100, 10, 'a'), (200, 20, 'b'), (210, 21, 'c'), (300, NULL, 'd');
        """
    CHAIN_TARGET = """
        CREATE TABLE account (id bigint PRIMARY KEY, opened date);
        CREATE TABLE entry (id bigint PRIMARY KEY, account bigint REFERENCES account(id), n int);
        CREATE TABLE note (id bigint PRIMARY KEY, entry bigint REFERENCES entry(id), t text);
        """

    def test_rows_that_refer_to_a_bad_row_are_set_aside_with_it(self):
        run = self.rejected(self.make(self.CHAIN, self.CHAIN_TARGET))
        found = self.rejects()
        self.assertEqual([f[:4] for f in found],
                         [("account", "id=2", "L2P2001", "opened"),
                          ("entry", "id=20", "L2P4006", "account"),
                          ("entry", "id=21", "L2P4006", "account"),
                          ("note", "id=200", "L2P4006", "entry"),
                          ("note", "id=210", "L2P4006", "entry")])
        self.assertIn("account that is set aside (id = 2)", found[1][4])
        self.assertIn("entry that is set aside (id = 20)", found[3][4])
        self.assertEqual(run.table("entry")["rows_rejected"], 2)
        self.assertEqual(run.table("note")["rows_rejected"], 2)
        self.assertEqual(self.sql("SELECT id FROM entry ORDER BY id"), [(10,), (30,), (40,)])
        self.assertEqual(self.sql("SELECT id FROM note ORDER BY id"), [(100,), (300,)])

    def test_a_row_that_the_table_refuses_takes_others_along(self):
        target = self.CHAIN_TARGET.replace("opened date", "opened text CHECK (opened <> 'soon')")
        self.rejected(self.make(self.CHAIN, target))
        self.assertEqual([f[:4] for f in self.rejects()],
                         [("account", "id=2", "L2P3008", "opened"),
                          ("entry", "id=20", "L2P4006", "account"),
                          ("entry", "id=21", "L2P4006", "account"),
                          ("note", "id=200", "L2P4006", "entry"),
                          ("note", "id=210", "L2P4006", "entry")])

    def test_circles(self):
        for check in ("bad date", "a check"):
            with self.subTest(check):
                self.sql("DROP TABLE IF EXISTS a, b, ballast CASCADE;"
                         "DROP SCHEMA IF EXISTS lite2pg CASCADE")
                column = "date" if check == "bad date" else "text CHECK (d <> 'soon')"
                path = self.make(
                    "DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS b; DROP TABLE IF EXISTS ballast;"
                    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id),"
                    " self INTEGER REFERENCES a(id));"
                    "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id), d TEXT);"
                    "INSERT INTO a VALUES (1, 1, NULL), (2, 2, 1), (3, 3, 2), (4, 4, 4), (5, NULL, 3);"
                    "INSERT INTO b VALUES (1, 1, '2024-01-01'), (2, 2, 'soon'), (3, 3, '2024-01-01'),"
                    " (4, 4, '2024-01-01'), (5, 5, '2024-01-01');",
                    "CREATE TABLE a (id bigint PRIMARY KEY, b bigint, self bigint REFERENCES a(id));"
                    f"CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a(id), d {column});"
                    "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b(id);")
                # b 2 is bad; a 2 refers to it, a 3 to a 2, a 5 to a 3, b 3 and b 5 to these.
                self.rejected(path)
                self.assertEqual([f[:2] for f in self.rejects()],
                                 [("a", "id=2"), ("a", "id=3"), ("a", "id=5"), ("b", "id=2"),
                                  ("b", "id=3"), ("b", "id=5")])
                self.assertEqual(self.sql("SELECT id FROM a ORDER BY id"), [(1,), (4,)])
                self.assertEqual(self.sql("SELECT id FROM b ORDER BY id"), [(1,), (4,)])

    def test_keys_of_several_columns_and_types(self):
        self.rejected(self.make(
            "CREATE TABLE p (k1 TEXT, k2 INTEGER, v, PRIMARY KEY (k1, k2)) WITHOUT ROWID;"
            "CREATE TABLE c (id INTEGER PRIMARY KEY, r1 TEXT, r2 INTEGER,"
            " FOREIGN KEY (r1, r2) REFERENCES p(k1, k2));"
            "INSERT INTO p VALUES ('it''s', 1, 1), ('it''s', 2, 'bad'), ('b\\', 1, 'bad'),"
            " ('b\\', 2, 2);"
            "INSERT INTO c VALUES (1, 'it''s', 1), (2, 'it''s', 2), (3, 'b\\', 1), (4, 'b\\', 2),"
            " (5, NULL, 1), (6, 'it''s', NULL);",
            "CREATE TABLE p (k1 varchar(9), k2 int, v int, PRIMARY KEY (k1, k2));"
            "CREATE TABLE c (id bigint PRIMARY KEY, r1 varchar(9), r2 int,"
            " FOREIGN KEY (r1, r2) REFERENCES p(k1, k2));"))
        self.assertEqual(self.sql("SELECT id FROM c ORDER BY id"), [(1,), (4,), (5,), (6,)])

    def test_a_parent_whose_key_itself_is_bad(self):
        self.rejected(self.make(
            "CREATE TABLE p (id INTEGER PRIMARY KEY);"
            "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));"
            "INSERT INTO p VALUES (1), (3000000000);"
            "INSERT INTO c VALUES (1, 1), (2, 3000000000), (3, NULL);",
            "CREATE TABLE p (id int PRIMARY KEY);"
            "CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p(id));"))
        self.assertEqual(self.sql("SELECT id FROM c ORDER BY id"), [(1,), (3,)])

    def test_a_parent_that_another_row_stands_for_keeps_its_children(self):
        """Two rows of one key: the second is refused, but the key is there."""
        self.rejected(self.make(
            "CREATE TABLE p (id INTEGER, v TEXT);"
            "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER);"
            "INSERT INTO p VALUES (1, 'a'), (1, 'b'), (2, 'c');"
            "INSERT INTO c VALUES (1, 1), (2, 2);",
            "CREATE TABLE p (id int PRIMARY KEY, v text);"
            "CREATE TABLE c (id bigint PRIMARY KEY, p int REFERENCES p(id));"))
        self.assertEqual(self.sql("SELECT id FROM c ORDER BY id"), [(1,), (2,)])
        self.assertEqual([f[0] for f in self.rejects()], ["p"])

    def test_rows_that_point_nowhere_in_the_source_are_another_matter(self):
        """--orphans not-valid keeps them; only children of rows set aside go."""
        path = self.make(self.CHAIN + "INSERT INTO entry VALUES (50, 99, 6);", self.CHAIN_TARGET)
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT id FROM entry ORDER BY id"), [(10,), (30,), (40,), (50,)])
        self.assertEqual(self.sql("SELECT conname FROM pg_constraint WHERE NOT convalidated"),
                         [("entry_account_fkey",)])

    def test_orphans_reject_takes_both(self):
        path = self.make(self.CHAIN + "INSERT INTO entry VALUES (50, 99, 6);"
                         "INSERT INTO note VALUES (500, 50, 'e');", self.CHAIN_TARGET)
        self.rejected(path, "--orphans", "reject")
        self.assertEqual(self.sql("SELECT id FROM entry ORDER BY id"), [(10,), (30,), (40,)])
        reasons = {key: reason for table, key, _, _, reason in self.rejects() if table == "entry"}
        self.assertIn("account that is set aside (id = 2)", reasons["id=20"])
        self.assertIn("points to no row", reasons["id=50"])

    def test_the_limit_counts_them_too(self):
        path = self.make(self.CHAIN, self.CHAIN_TARGET)
        self.load_refused(path, (14,), "--on-bad-value", "reject", "--max-rejects", "4",
                          error="L2P2007")

    def test_triggers_do_not_see_rows_that_are_taken_out_again(self):
        path = self.make(
            self.CHAIN, self.CHAIN_TARGET + "CREATE TABLE audit (what text);"
            "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO"
            " public.audit VALUES (TG_OP); RETURN NULL; END$$;"
            "CREATE TRIGGER audit AFTER INSERT OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION"
            " audit();")
        self.rejected(path)
        self.assertEqual(self.sql("SELECT what, count(*) FROM audit GROUP BY what"),
                         [("INSERT", 3)])


class RejectedParentsDirect(RejectedParents):
    ballast = True


class RejectedParentsIntoRows(ExistingTest):
    def test_parents_that_the_target_has_already_keep_their_children(self):
        path = self.make_source(RejectedParents.CHAIN)
        self.sql(RejectedParents.CHAIN_TARGET + "INSERT INTO account VALUES (2, '2020-01-01')")
        run = self.copy(path, "--on-bad-value", "reject", "--existing-rows", "skip")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT table_name FROM lite2pg.reject"), [("account",)])
        self.assertEqual(self.sql("SELECT count(*) FROM entry"), [(5,)])


class RejectedParentsCreated(EndToEndTest):
    def test_created_tables(self):
        path = self.make_source(RejectedParents.CHAIN)
        config = self.dir / "c.toml"
        config.write_text('[table.account.column.opened]\ntype = "date"\n')
        for orphans in ("not-valid", "reject", "stop"):
            with self.subTest(orphans):
                run = self.copy(path, "--on-bad-value", "reject", "--orphans", orphans,
                                "--config", config, "--target-schema", "s_" + orphans[:3])
                self.assertEqual(run.exit_code, 3, str(run))
                self.assertEqual(self.sql(f"SELECT id FROM s_{orphans[:3]}.note ORDER BY id"),
                                 [(100,), (300,)])
        self.assertEqual(self.sql("SELECT count(*) FILTER (WHERE NOT convalidated), count(*) FROM"
                                  " pg_constraint WHERE contype = 'f' AND connamespace::regnamespace"
                                  "::text LIKE 's\\_%'"), [(0, 6)])


if __name__ == "__main__":
    unittest.main()
