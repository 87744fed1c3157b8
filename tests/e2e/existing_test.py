"""Into tables that an application made: the target's types decide, what does not fit stops the copy
or is set aside, and what was there stays."""

import json
import unittest

from harness import EndToEndTest

APPLICATION = """
CREATE TABLE account (
  "Id" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  active boolean NOT NULL DEFAULT true,
  seen timestamptz, made timestamp, born date, at time,
  ref uuid, doc jsonb, raw json, data bytea,
  price numeric(12,2), ratio real, level smallint,
  name varchar(20) NOT NULL, code char(4),
  extra text DEFAULT 'from the application'
);
CREATE TABLE entry (
  id serial PRIMARY KEY,
  account_id integer NOT NULL REFERENCES account("Id") ON DELETE CASCADE,
  body text
);
CREATE INDEX entry_account ON entry(account_id);
CREATE INDEX entry_body ON entry(lower(body));
"""

SOURCE = """
CREATE TABLE account ("Id" INTEGER PRIMARY KEY, active BOOLEAN, seen TEXT, made TEXT, born TEXT,
  at TEXT, ref TEXT, doc TEXT, raw TEXT, data BLOB, price DECIMAL(12,2), ratio REAL,
  level INTEGER, name TEXT, code TEXT);
CREATE TABLE entry (id INTEGER PRIMARY KEY, account_id INTEGER, body TEXT);
INSERT INTO account VALUES
  (1, 1, '2024-02-29 12:00:00', '2024-02-29T12:00:00.123456', '2024-02-29', '23:59:59',
   '6F9619FF-8B86-D011-B42D-00C04FC964FF', '{"a": 1.10, "b": [true, null]}', '{ "a":1 , "a":2 }',
   x'00ff', 19.99, 0.1, -32768, 'twenty characters.20', 'ab'),
  (2, 'f', '2024-02-29T12:00:00+05:30', NULL, '0001-01-01', '00:00', NULL, '[]', '1e400', x'',
   -0.5, 1e30, 32767, '', ''),
  (40, 0, NULL, '2024-02-29', NULL, NULL, '6f9619ff8b86d011b42d00c04fc964ff', NULL, NULL, NULL,
   NULL, NULL, NULL, '\u00e9\U0001f600', NULL);
INSERT INTO entry VALUES (10, 1, 'x'), (11, 40, NULL), (12, 1, 'x');
"""


class Existing(EndToEndTest):
    def constraints(self):
        return self.sql("SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid),"
                        " convalidated FROM pg_constraint WHERE connamespace ="
                        " 'public'::regnamespace ORDER BY 1, 2")

    def indexes(self):
        return self.sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
                        " ORDER BY 1")

    def test_the_targets_types_decide(self):
        path = self.make_source(SOURCE)
        self.sql(APPLICATION)
        before = self.constraints(), self.indexes()
        self.copy_and_judge(path, check_schema=False)
        # The catalog is what it was, whatever was set aside for the load.
        self.assertEqual((self.constraints(), self.indexes()), before)
        self.assertEqual(self.sql("SELECT DISTINCT extra FROM account"),
                         [("from the application",)])
        # Text without a zone is UTC.
        self.assertEqual(
            self.sql("SELECT \"Id\", seen AT TIME ZONE 'UTC' = '2024-02-29 12:00:00',"
                     " seen AT TIME ZONE 'UTC' = '2024-02-29 06:30:00' FROM account ORDER BY 1"),
            [(1, True, False), (2, False, True), (40, None, None)])
        # Both sequences go on behind the highest key.
        self.assertEqual(self.sql("INSERT INTO account (name) VALUES ('next') RETURNING \"Id\""),
                         [(41,)])
        self.assertEqual(self.sql("INSERT INTO entry (account_id) VALUES (1) RETURNING id"),
                         [(13,)])

    def test_foreign_keys_of_the_application_and_many_streams(self):
        for trial in range(6):
            with self.subTest(trial=trial):
                self.target = self.make_target()
                path = self.make_source(SOURCE, name=f"{trial}.db")
                self.sql(APPLICATION)
                self.copy_and_judge(path, check_schema=False)

    def test_a_bad_value_stops_everything(self):
        for column, value in (("active", "2"), ("level", "32768"), ("level", "1.5"),
                              ("name", "'twenty-one characters'"), ("name", "NULL"),
                              ("doc", "'{'"), ("doc", "'\"\\u0000\"'"), ("ref", "'no uuid'"),
                              ("born", "'2023-02-29'"), ("born", "'2024-01-01 10:00:00'"),
                              ("price", "19.999"), ("price", "1e11"), ("ratio", "0.123456789012"),
                              ("made", "'yesterday'"), ("made", "1700000000.5"),
                              ("name", "'nul' || char(0)"), ("name", "CAST(x'ff' AS TEXT)"),
                              ("code", "'12345'")):
            with self.subTest(f"{column} = {value}"):
                self.target = self.make_target()
                self.sql(APPLICATION)
                path = self.make_source(SOURCE, name=f"bad{column}{abs(hash(value))}.db", build=(
                    lambda db, c=column, v=value: db.execute(
                        f'UPDATE account SET {c} = {v} WHERE "Id" = 40')))
                run = self.copy(path)
                self.assertIn(run.exit_code, (12, 14), str(run))
                self.assertEqual(self.sql("SELECT count(*) FROM account"), [(0,)], str(run))
                self.assertEqual(self.sql("SELECT count(*) FROM entry"), [(0,)], str(run))
                self.assertIn(column, run.out)
                self.assertIn("40", run.out)

    def test_a_bad_value_is_set_aside_on_request(self):
        path = self.make_source(SOURCE, build=lambda db: db.execute(
            "INSERT INTO account (\"Id\", active, name) VALUES (50, 7, 'odd'), (51, 1, 'fine')"))
        self.sql(APPLICATION)
        rejects = self.dir / "rejects.ndjson"
        run = self.copy(path, "--on-bad-value", "reject", "--rejects", rejects)
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(run.report["outcome"], "rejected", str(run))
        entry = run.table("account")
        self.assertEqual((entry["rows_source"], entry["rows_copied"], entry["rows_rejected"]),
                         (5, 4, 1), str(run))
        self.assertEqual(self.sql('SELECT "Id" FROM account ORDER BY 1'),
                         [(1,), (2,), (40,), (51,)])
        lines = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("odd", json.dumps(lines))

    def test_too_many_rejects_stop(self):
        path = self.make_source(SOURCE, build=lambda db: db.execute(
            "UPDATE account SET active = 9"))
        self.sql(APPLICATION)
        run = self.copy(path, "--on-bad-value", "reject", "--max-rejects", "2")
        self.assertNotIn(run.exit_code, (0, 1, 3), str(run))
        self.assertNotEqual(run.report["outcome"], "verified")

    def test_triggers_of_the_application_do_not_change_what_is_said(self):
        path = self.make_source(SOURCE)
        self.sql(APPLICATION + """
            CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN NEW.body := upper(NEW.body); RETURN NEW; END $$;
            CREATE TRIGGER shout BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION shout();
            """)
        run = self.copy(path)
        # Either the trigger is kept from firing, or the verification sees what it did.
        if run.exit_code == 0:
            self.assert_equal_copy(path, run, check_schema=False)
        else:
            self.assertIn(run.exit_code, (4, 8, 12), str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM pg_trigger WHERE tgname = 'shout'"
                                  " AND tgenabled = 'O'"), [(1,)])

    def test_a_trigger_that_swallows_rows_is_found_out(self):
        path = self.make_source(SOURCE)
        self.sql(APPLICATION + """
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN IF NEW.id = 11 THEN RETURN NULL; END IF; RETURN NEW; END $$;
            CREATE TRIGGER swallow BEFORE INSERT ON entry FOR EACH ROW
              EXECUTE FUNCTION swallow();
            """)
        run = self.copy(path)
        if run.exit_code == 0:
            self.assert_equal_copy(path, run, check_schema=False)
        else:
            self.assertNotEqual(run.exit_code, 1, str(run))

    def test_a_check_of_the_server_stops_the_copy(self):
        path = self.make_source(SOURCE)
        self.sql(APPLICATION + "ALTER TABLE account ADD CHECK (level > 0 OR level IS NULL);")
        run = self.copy(path)
        self.assertIn(run.exit_code, (8, 12, 14), str(run))
        self.assertNotIn(run.report["outcome"], ("verified", "copied"))

    def test_columns_in_another_order_and_case(self):
        path = self.make_source("CREATE TABLE T (A INTEGER PRIMARY KEY, B TEXT, C REAL);"
                                "INSERT INTO T VALUES (1, 'b', 0.5);")
        self.sql("CREATE TABLE t (c float8, a bigint PRIMARY KEY, b text)")
        self.copy_and_judge(path, check_schema=False)
        self.assertEqual(self.sql("SELECT a, b, c FROM t"), [(1, "b", 0.5)])

    def test_tables_that_share_a_sequence(self):
        path = self.make_source("CREATE TABLE a (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE b (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE c (id INTEGER PRIMARY KEY);"
                                "INSERT INTO a VALUES (900); INSERT INTO b VALUES (6);")
        self.sql("CREATE SEQUENCE s; " + "".join(
            f"CREATE TABLE {name} (id int DEFAULT nextval('s') PRIMARY KEY);" for name in "abc"))
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual([s["next_value"] for s in run.report["sequences"]], [901] * 3)
        self.assertEqual(self.sql("SELECT nextval('s')"), [(901,)])

    def test_a_second_copy_is_refused_and_skip_equal_passes(self):
        path = self.make_source(SOURCE)
        self.sql(APPLICATION)
        self.copy_and_judge(path, check_schema=False)
        again = self.copy(path)
        self.assertIn(again.exit_code, (8, 12), str(again))
        skipped = self.copy(path, "--existing-rows", "skip-equal")
        self.assertEqual(skipped.exit_code, 0, str(skipped))
        self.assertEqual(skipped.table("account")["rows_skipped"], 3, str(skipped))
        self.assert_equal_copy(path, skipped, check_schema=False)


if __name__ == "__main__":
    unittest.main()
