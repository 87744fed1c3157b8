"""Tables that belong to somebody else, or that are not like the others: what the role may not drop
stays, and order takes its place."""

import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import execute

SOURCE = """
CREATE TABLE a_child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES z_parent(id));
CREATE TABLE m_both (id INTEGER PRIMARY KEY, child_id INTEGER REFERENCES a_child(id), up INTEGER);
CREATE TABLE z_parent (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO z_parent VALUES (1, 'x'), (2, 'y');
INSERT INTO a_child VALUES (1, 2), (2, NULL);
INSERT INTO m_both VALUES (1, 1, 3), (2, 2, 1), (3, NULL, NULL);
"""
TARGET = """
CREATE TABLE z_parent (id bigint PRIMARY KEY, name text);
CREATE TABLE a_child (id bigint PRIMARY KEY, parent_id bigint REFERENCES z_parent(id));
CREATE TABLE m_both (id bigint PRIMARY KEY, child_id bigint REFERENCES a_child(id),
  up bigint REFERENCES m_both(id));
CREATE INDEX m_up ON m_both(up);
"""


class OtherOwner(ExistingTest):
    """The role may read and insert, nothing more."""

    def make(self, target=TARGET, grant="SELECT, INSERT"):
        execute(self.admin, target)
        execute(self.admin, f"GRANT {grant} ON ALL TABLES IN SCHEMA public TO {self.role}")

    def test_parents_come_first(self):
        self.make()
        self.load_and_judge(self.make_source(SOURCE))

    def test_parents_come_first_with_much_data(self):
        self.make(TARGET + BALLAST_SQL)
        run = self.load_and_judge(self.make_source(SOURCE, build=add_ballast))
        self.assertEqual(run.findings("L2P4016"), [])

    def test_a_circle_stops_the_plan(self):
        self.make(TARGET + "ALTER TABLE z_parent ADD fav bigint REFERENCES m_both(id);")
        path = self.make_source(SOURCE)
        self.assertEqual(self.plan(path).exit_code, 12)
        run = self.load_refused(path, (8, 12), error="L2P3008")
        self.assertIn("circle", str(run.findings("L2P3008")))

    def test_a_circle_that_can_wait_for_the_end(self):
        self.make(TARGET + "ALTER TABLE z_parent ADD fav bigint REFERENCES m_both(id) DEFERRABLE;")
        path = self.make_source(SOURCE.replace(
            "z_parent (id INTEGER PRIMARY KEY, name TEXT)",
            "z_parent (id INTEGER PRIMARY KEY, name TEXT, fav INTEGER)").replace(
            "(1, 'x'), (2, 'y')", "(1, 'x', 3), (2, 'y', NULL)"))
        self.load_and_judge(path)

    def test_orphans_cannot_be_kept(self):
        self.make()
        run = self.load_refused(
            self.make_source(SOURCE + "INSERT INTO a_child VALUES (3, 99);"), (8,))
        self.assertIn("a_child_parent_id_fkey", str(run.report["errors"]))

    def test_rows_that_are_there(self):
        self.make(TARGET + "INSERT INTO z_parent VALUES (1, 'old');")
        run = self.load(self.make_source(SOURCE), "--existing-rows", "skip")
        self.assertEqual(run.table("z_parent")["rows_skipped"], 1)
        self.assertEqual(self.sql("SELECT * FROM z_parent ORDER BY id"), [(1, "old"), (2, "y")])
        # Changing rows needs a right that the role has not.
        self.load_refused(self.make_source(SOURCE, name="again.db"), (8,),
                          "--existing-rows", "upsert")

    def test_rights_that_are_missing_are_told_at_once(self):
        self.make(grant="SELECT")
        execute(self.admin, f"REVOKE SELECT ON z_parent FROM {self.role}")
        run = self.load_refused(self.make_source(SOURCE), (8,), error="L2P3003")
        self.assertEqual({f["object"] for f in run.findings("L2P3003")},
                         {"a_child", "m_both", "z_parent"})

    def test_one_table_of_somebody_else_among_ours(self):
        self.sql(TARGET + BALLAST_SQL)
        execute(self.admin, "ALTER TABLE a_child OWNER TO CURRENT_USER")
        execute(self.admin, f"GRANT SELECT, INSERT, REFERENCES ON a_child TO"
                            f" {self.role}")
        run = self.load_and_judge(self.make_source(SOURCE, build=add_ballast))
        told = run.findings("L2P4016")[0]["message"]
        self.assertIn("m_up", told)
        self.assertNotIn("a_child_parent", told)

    def test_sequences_that_the_role_may_not_set(self):
        self.make("CREATE TABLE z_parent (id bigserial PRIMARY KEY, name text);"
                  + TARGET.split(";", 1)[1])
        path = self.make_source(SOURCE)
        run = self.load_refused(path, (8,), error="L2P3003")
        self.assertIn("z_parent_id_seq", str(run.findings("L2P3003")))
        execute(self.admin, f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {self.role}")
        self.load_and_judge(path)

    def test_row_level_security(self):
        self.sql(TARGET + "ALTER TABLE z_parent ENABLE ROW LEVEL SECURITY;"
                          "CREATE POLICY p ON z_parent USING (id > 1);")
        path = self.make_source(SOURCE)
        self.sql("ALTER TABLE z_parent FORCE ROW LEVEL SECURITY")
        self.load_refused(path, (8,), error="L2P3003")
        self.sql("ALTER TABLE z_parent NO FORCE ROW LEVEL SECURITY")
        self.load_and_judge(path)

    def test_nothing_may_be_created_anywhere(self):
        execute(self.admin, TARGET)
        execute(self.admin, f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {self.role};"
                            f"REVOKE CREATE ON SCHEMA public FROM {self.role}, public")
        database = execute(self.admin, "SELECT current_database()")[0][0]
        execute(self.admin, f"REVOKE CREATE ON DATABASE {database} FROM {self.role}")
        # One transaction does it all (one_transaction_test.py).
        self.load_and_judge(self.make_source(SOURCE))


class OtherKinds(ExistingTest):
    def test_a_partitioned_table(self):
        for much in (False, True):
            with self.subTest(much=much):
                self.target = self.make_target()
                self.set_up_role()
                self.sql("""
                    CREATE TABLE kind (id int PRIMARY KEY);
                    CREATE TABLE t (id bigint NOT NULL, day date NOT NULL,
                      kind int REFERENCES kind(id), PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
                    CREATE INDEX t_kind ON t(kind);
                    CREATE TABLE t_2023 PARTITION OF t FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
                    CREATE TABLE t_rest PARTITION OF t DEFAULT;
                    """ + (BALLAST_SQL if much else ""))
                path = self.make_source("""
                    CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT, kind INTEGER);
                    CREATE TABLE kind (id INTEGER PRIMARY KEY);
                    INSERT INTO kind VALUES (1), (2);
                    INSERT INTO t VALUES (1, '2023-06-01', 1), (2, '2025-01-01', 2),
                      (3, '2023-01-01', NULL);
                    """, name=f"{much}.db", build=add_ballast if much else None)
                self.load_and_judge(path)
                self.assertEqual(self.sql("SELECT count(*) FROM t_2023"), [(2,)])

    def test_rules_are_passed_by_or_refused(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
        self.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE log (id int);"
                 "CREATE RULE twice AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (NEW.id);")
        self.load_and_judge(path)
        self.assertEqual(self.sql("SELECT * FROM log"), [])
        self.sql("CREATE OR REPLACE RULE twice AS ON INSERT TO t DO INSTEAD NOTHING;")
        self.load_refused(path, (8, 12), "--existing-rows", "skip", error="L2P3008")

    def test_a_view_of_that_name(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
        self.sql("CREATE VIEW t AS SELECT 1 AS id")
        self.load_refused(path, (8, 12))

    def test_mixed_mode_creates_what_is_missing(self):
        self.sql(TARGET.split("CREATE TABLE m_both")[0] + "INSERT INTO z_parent VALUES (7, 'old');")
        path = self.make_source(SOURCE + "CREATE VIEW v AS SELECT * FROM z_parent;")
        self.load_refused(path, (12,), error="L2P3017")
        run = self.copy(path, "--schema-mode", "mixed", "--existing-rows", "upsert")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual(self.sql("SELECT * FROM z_parent ORDER BY id"),
                         [(1, "x"), (2, "y"), (7, "old")])
        # A foreign key of the new table to one that was merged.
        self.assertEqual(self.sql("SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint"
                                  " WHERE conrelid = 'm_both'::regclass AND contype = 'f'"),
                         [("FOREIGN KEY (child_id) REFERENCES a_child(id)", True)])
        self.assert_nothing_left()

    def test_mixed_mode_takes_everything_back(self):
        self.sql(TARGET.split("CREATE TABLE m_both")[0])
        path = self.make_source(SOURCE + "UPDATE z_parent SET name = 'shout';")
        self.sql("CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;"
                 "CREATE TRIGGER shout BEFORE INSERT ON z_parent FOR EACH ROW"
                 " EXECUTE FUNCTION shout();")
        run = self.load_refused(path, (4,), "--schema-mode", "mixed")
        self.assertEqual(run.report["errors"][0]["table"], "z_parent")


class Columns(ExistingTest):
    """Types from the target, and every mismatch at once."""

    def test_types_of_the_target(self):
        execute(self.admin, "CREATE EXTENSION citext; CREATE EXTENSION hstore")
        self.sql("""
            CREATE DOMAIN positive AS int CHECK (VALUE > 0);
            CREATE TYPE mood AS ENUM ('sad', 'ok', 'very "happy"');
            CREATE TABLE t (
              bits bit(3), vbits varbit(5), c char(4), ci citext, d positive NOT NULL,
              ds positive[], e mood, es mood[], f4 float4, h hstore, i2 int2, inet inet,
              iv interval, j json, mac macaddr, money money, n numeric, ns numeric(6,2)[],
              o oid, t time, ttz timetz, tsp timestamp(3), u uuid, x xml, "select" text,
              id int GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
              twice int GENERATED ALWAYS AS (id * 2) STORED)""")
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, "SELECT" TEXT, bits, vbits, c, ci, d, ds, e, es,
              f4, h, i2, inet, iv, j, mac, money, n, ns, o, t, ttz, tsp, u, x, twice INTEGER);
            INSERT INTO t VALUES (100, 's', '101', '01', 'ab', 'CiText', 5, '[1, 2]', 'sad',
              '["ok", null, "very \\"happy\\""]', 0.5, '"a"=>"1", "b"=>NULL', -7, '10.1.0.0/16',
              '1 day 02:03:04', '{"b": 1, "a": 2}', '08:00:2b:01:02:03', 12.34, 1e20,
              '["1.50", 2]', 4294967295, '23:59:59.5', '10:00:00+02', '2024-01-01 00:00:00.123',
              '{00112233-4455-6677-8899-AABBCCDDEEFF}', '<a b="c">d</a>', 200);
            INSERT INTO t (id, d) VALUES (105, 1);""")
        run = self.copy(path)
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        row = self.sql("SELECT bits, vbits, c, ci, d, ds::text, e, es::text, f4, h::text, i2,"
                       " inet::text, extract(epoch FROM iv)::int, j::text, mac::text, money::numeric, n::text,"
                       " ns::text, o::text, t::text, ttz::text, tsp::text, u::text, x::text,"
                       ' "select", id, twice FROM t WHERE id = 100')[0]
        self.assertEqual(list(map(str, row)), [
            "101", "01", "ab  ", "CiText", "5", "{1,2}", "sad", '{ok,NULL,"very \\"happy\\""}',
            "0.5", '"a"=>"1", "b"=>NULL', "-7", "10.1.0.0/16", "93784",
            '{"b": 1, "a": 2}', "08:00:2b:01:02:03", "12.34", "100000000000000000000",
            "{1.50,2.00}", "4294967295", "23:59:59.5", "10:00:00+02", "2024-01-01 00:00:00.123",
            "00112233-4455-6677-8899-aabbccddeeff", '<a b="c">d</a>', "s", "100", "200"])
        self.assertEqual(self.sql("INSERT INTO t (d) VALUES (1) RETURNING id"), [(110,)])

    def test_numbers_in_a_date_column_need_a_convention(self):
        self.sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz)")
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, at);"
                                "INSERT INTO t VALUES (1, 1700000000), (2, 5);")
        run = self.load_refused(path, (12, 14), error="L2P2001")
        finding = next(f for f in run.findings("L2P2001") if f["object"] == "t.at")
        self.assertIn("unix-seconds", finding["hint"])
        config = self.dir / "config.toml"
        config.write_text('[table."t".column."at"]\ninteger = "unix-seconds"\n')
        run = self.load(path, "--config", config)
        self.assertEqual(self.sql("SELECT extract(epoch FROM at)::int FROM t ORDER BY id"),
                         [(1700000000,), (5,)])


if __name__ == "__main__":
    unittest.main()
