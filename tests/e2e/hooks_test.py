"""What is asked of the source before a copy, and the user's commands around it."""

import sqlite3
import time
import unittest

from harness import EndToEndTest, as_superuser, execute

SHOP = """
CREATE TABLE schema_migrations (version TEXT PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20240101'), ('20240301');
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO item VALUES (1, 'a'), (2, 'b');
PRAGMA user_version = 7;
"""


class SourceChecks(EndToEndTest):
    def test_the_version_that_is_expected_passes_and_others_stop(self):
        path = self.make_source(SHOP)
        good = ["--expect", "schema_migrations.version=20240301", "--expect", "user_version=7",
                "--expect", "item.id=2"]
        self.assertEqual(self.copy(path, *good, "--dry-run").exit_code, 0)
        run = self.copy(path, *good, "--expect", "schema_migrations.version=20240101",
                        "--expect", "user_version=8", "--expect", "nowhere.x=1")
        self.assert_fails(run, 12, "L2P1014")
        what = run.report["errors"][0]["what"]
        for part in ("20240301", "20240101", "user_version is '7'", "nowhere"):
            self.assertIn(part, what)
        self.assertEqual(self.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
                         [(0,)])

    def test_a_process_that_has_the_file_open_is_named(self):
        path = self.make_source(SHOP)
        reader = sqlite3.connect(path)
        self.addCleanup(reader.close)
        reader.execute("SELECT count(*) FROM item").fetchall()
        run = self.copy(path, "--require-idle")
        self.assert_fails(run, 6, "L2P1013")
        self.assertIn("python", run.report["errors"][0]["what"])
        reader.close()
        self.assertEqual(self.copy(path, "--require-idle").exit_code, 0)


class Commands(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.log = self.dir / "log"
        self.path = self.make_source(SHOP)

    def say(self, stage, more=""):
        return f"{stage}={more}echo {stage} $LITE2PG_STAGE $LITE2PG_TABLE >> {self.log}"

    def test_run_in_order_with_the_facts_of_the_run(self):
        every = [word for stage in ("publish", "verify", "table", "pre-data", "failure")
                 for word in ("--exec", self.say(stage))]
        env = self.dir / "env"
        run = self.copy(self.path, *every, "--exec", f"publish=env > {env}",
                        env={"PGPASSWORD": "sEcReT-canary"})
        self.assertEqual(run.exit_code, 0, str(run))
        lines = self.log.read_text().splitlines()
        self.assertEqual(lines[0], "pre-data pre-data")
        self.assertEqual(sorted(lines[1:3]), ["table table item", "table table schema_migrations"])
        self.assertEqual(lines[3:], ["verify verify", "publish publish"])
        told = env.read_text()
        self.assertIn(f"LITE2PG_RUN_ID={run.report['run_id']}\n", told)
        self.assertIn(f"LITE2PG_SOURCE={self.path}\n", told)
        self.assertNotIn("canary", told)

    def test_rows_can_be_looked_at_where_they_are_until_publish(self):
        look = ["--exec", f"table=psql -qXAt -d '{self.target}' -c"
                          f" \"SELECT '$LITE2PG_TABLE', count(*) FROM $LITE2PG_RELATION\""
                          f" >> {self.log}",
                "--exec", f"verify=psql -qXAt -d '{self.target}' -c"
                          f" \"SELECT name FROM $LITE2PG_STAGING_SCHEMA.item ORDER BY id\""
                          f" >> {self.log}"]
        run = self.copy(self.path, *look)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(sorted(self.log.read_text().split()),
                         ["a", "b", "item|2", "schema_migrations|2"])

    def hold_big(self):
        """Rows of `big`, which the copy creates, come in only when somebody has opened the gate.
        Those of `item` are too many to share a transaction with others."""
        db = sqlite3.connect(self.path)
        db.executescript("CREATE TABLE big (id INTEGER PRIMARY KEY); INSERT INTO big VALUES (1);"
                         "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n"
                         " WHERE i < 1200) INSERT INTO item SELECT i, hex(zeroblob(4000)) FROM n")
        db.close()
        # Event triggers take a superuser.
        execute(as_superuser(self.target), """
            CREATE TABLE gate (opened_by text);
            GRANT ALL ON gate TO public;
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
              FOR i IN 1..600 LOOP
                IF EXISTS (SELECT FROM public.gate) THEN RETURN NEW; END IF;
                PERFORM pg_sleep(0.1);
              END LOOP;
              RAISE 'nobody has opened the gate';
            END$$;
            CREATE FUNCTION hold_it() RETURNS event_trigger LANGUAGE plpgsql AS $$
            DECLARE made record;
            BEGIN
              FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
                IF made.object_identity LIKE '%.big' THEN
                  EXECUTE 'CREATE TRIGGER hold BEFORE INSERT ON ' || made.object_identity
                    || ' FOR EACH ROW EXECUTE FUNCTION public.hold()';
                END IF;
              END LOOP;
            END$$;
            CREATE EVENT TRIGGER hold_it ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
              EXECUTE FUNCTION public.hold_it()""")

    def test_a_table_is_told_of_as_soon_as_it_is_loaded(self):
        self.hold_big()
        run = self.copy(self.path, "--order", "item", "--exec", self.say("table"), "--exec",
                        "table=test $LITE2PG_TABLE != item || psql -qXAt"
                        f" -d '{self.target}' -c \"INSERT INTO gate VALUES ('item')\"")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT * FROM gate"), [("item",)])
        told = self.log.read_text().split()[2::3]
        self.assertEqual((told[0], sorted(told)), ("item", ["big", "item", "schema_migrations"]))

    def test_one_that_fails_after_a_table_does_not_wait_for_the_others(self):
        self.hold_big()
        begun = time.monotonic()
        run = self.copy(self.path, "--order", "item",
                        "--exec", 'table=test "$LITE2PG_TABLE" != item')
        self.assert_fails(run, 8, "L2P6010")
        self.assertLess(time.monotonic() - begun, 55, "it waited for the other table")

    def test_whoever_goes_on_tells_of_all_tables_again(self):
        run = self.copy(self.path, "--exec", "verify=false", "--exec", self.say("table"))
        self.assert_fails(run, 8, "L2P6010")
        again = self.copy(self.path, "--resume", "--exec", self.say("table"))
        self.assertEqual(again.exit_code, 0, str(again))
        told = self.log.read_text().split()[2::3]
        self.assertEqual([sorted(told[:2]), sorted(told[2:])], [["item", "schema_migrations"]] * 2)

    def test_one_that_leaves_something_running_is_not_waited_for(self):
        begun = time.monotonic()
        run = self.copy(self.path, "--exec", "publish=sleep 30 & echo started")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertLess(time.monotonic() - begun, 20)

    def test_one_that_fails_stops_the_run_before_anything_is_seen(self):
        for stage in ("pre-data", "table", "verify"):
            run = self.copy(self.path, "--exec", f"{stage}=echo because; exit 3",
                            "--exec", f"failure=echo $LITE2PG_ERROR >> {self.log}", "--restart")
            self.assert_fails(run, 8, "L2P6010")
            self.assertIn("because", run.report["errors"][0]["what"])
            self.assertIn("L2P6010", self.log.read_text())
            self.assertEqual(self.sql("SELECT to_regclass('public.item')"), [(None,)])

    def test_one_that_may_fail_does_not(self):
        run = self.copy(self.path, "--exec", "verify=-exit 3")
        self.assertEqual(run.exit_code, 0, str(run))

    def test_after_publish_the_data_stays(self):
        run = self.copy(self.path, "--exec", "publish=false")
        self.assert_fails(run, 8, "L2P6010")
        self.assertIn("the data is there", run.report["errors"][0]["effect"])
        self.assertEqual(self.sql("SELECT count(*) FROM item"), [(2,)])

    def test_one_that_hangs_is_ended(self):
        run = self.copy(self.path, "--exec", "pre-data=sleep 100", "--exec-timeout", "1")
        self.assert_fails(run, 8, "L2P6010")
        self.assertIn("longer than 1 s", run.report["errors"][0]["what"])

    def test_a_stage_that_does_not_exist_is_refused(self):
        run = self.copy(self.path, "--exec", "pre=true")
        self.assertEqual(run.exit_code, 2)
        self.assertIn("pre-data", run.err)


if __name__ == "__main__":
    unittest.main()
