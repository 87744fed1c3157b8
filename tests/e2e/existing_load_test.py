"""Large loads straight into an application's tables: what is set aside comes back as it was, and
after a failure nothing of the run is left, whatever ended it."""

import os
import signal
import subprocess
import time
import unittest

import psycopg2

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import BIN, execute

SOURCE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT, code TEXT, at TEXT, span INTEGER);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER, note TEXT);
CREATE TABLE gate (id INTEGER PRIMARY KEY);
INSERT INTO parent VALUES (1, 'a', 'x', '2024-01-01', 1), (2, 'b', 'y', NULL, 2);
INSERT INTO child VALUES (1, 1, 'n'), (2, 2, NULL), (3, NULL, 'm');
INSERT INTO gate VALUES (1);
"""
TARGET = """
CREATE TABLE parent (id bigint PRIMARY KEY, name text, code varchar(8) UNIQUE, at date, span int);
CREATE TABLE child (id bigserial PRIMARY KEY, parent_id bigint REFERENCES parent(id), note text);
CREATE TABLE gate (id int PRIMARY KEY);
CREATE INDEX parent_name ON parent(lower(name));
CREATE UNIQUE INDEX child_note ON child(note) WHERE note <> '';
CREATE INDEX child_parent ON child(parent_id);
""" + BALLAST_SQL

# Every attribute that an index, constraint or trigger can have and that an owner can set.
ODD_OBJECTS = """
ALTER INDEX parent_name ALTER COLUMN 1 SET STATISTICS 500;
CREATE INDEX parent_at ON parent USING brin (at) WITH (pages_per_range = 8);
CREATE INDEX parent_hash ON parent USING hash (name);
CREATE INDEX parent_c ON parent (name COLLATE "C" text_pattern_ops DESC NULLS LAST, id)
  INCLUDE (span) WITH (fillfactor = 55, deduplicate_items = off) WHERE span > 0 OR name ~ 'x;''y';
CREATE UNIQUE INDEX parent_ident ON parent (id, span);
ALTER TABLE parent ALTER COLUMN span SET NOT NULL;
ALTER TABLE parent REPLICA IDENTITY USING INDEX parent_ident;
ALTER TABLE parent CLUSTER ON parent_name;
ALTER TABLE parent ADD CONSTRAINT parent_later UNIQUE (name, code) INCLUDE (at)
  DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE parent ADD CONSTRAINT parent_spans EXCLUDE (span WITH =);
ALTER TABLE child ADD CONSTRAINT child_self FOREIGN KEY (id) REFERENCES child(id)
  ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE child ADD CONSTRAINT child_later FOREIGN KEY (parent_id) REFERENCES parent(id) NOT VALID;
CREATE TABLE "Other ""table" (x bigint REFERENCES parent(id) ON DELETE CASCADE, y varchar(8)
  REFERENCES parent(code));
CREATE VIEW grouped AS SELECT id, name FROM parent GROUP BY id;
CREATE STATISTICS parent_stats ON name, code FROM parent;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER off BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE parent DISABLE TRIGGER off;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION nothing();
COMMENT ON INDEX parent_c IS 'it''s "here" \\ and $$ there';
COMMENT ON CONSTRAINT parent_later ON parent IS 'deferred';
COMMENT ON INDEX parent_later IS 'its index';
COMMENT ON CONSTRAINT child_self ON child IS 'self';
COMMENT ON TRIGGER off ON parent IS 'off';
"""

# A trigger that waits for the test: nothing is committed in this table while lock 42 is held.
GATE = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT ON gate FOR EACH ROW EXECUTE FUNCTION wait();
"""


class Direct(ExistingTest):
    def source(self, extra="", name="source.db"):
        return self.make_source(SOURCE + extra, name=name, build=add_ballast)

    def assert_set_aside(self, run, *names):
        told = " ".join(f["message"] for f in run.findings("L2P4016"))
        for name in names:
            self.assertIn(name, told, str(run))

    def test_definitions_come_back_as_they_were(self):
        self.sql(TARGET + ODD_OBJECTS)
        run = self.load_and_judge(self.source())
        self.assert_set_aside(run, "parent_name", "parent_c", "parent_later", "parent_ident",
                              "child_self", "child_later", "child_parent_id_fkey", "child_note")
        told = run.findings("L2P4016")[0]["message"]
        # What is needed by tables that are not loaded, or cannot be made again, stays.
        for name in ("parent_code_key", "parent_spans", "parent_pkey", "Other"):
            self.assertNotIn(name, told)
        kept = {o["name"]: o["reason"] for o in run.report["objects"] if o["state"] == "kept"}
        self.assertEqual(kept["parent_pkey"], "")
        self.assertIn("made again", kept["parent_name"])

    def test_a_large_table_that_has_rows(self):
        self.sql(TARGET + "CREATE UNIQUE INDEX size ON ballast (id, length(data));"
                          "INSERT INTO ballast VALUES (1, 'old'), (1000, 'new');")
        path = self.source()
        run = self.load(path, "--existing-rows", "skip")
        entry = run.table("ballast")
        self.assertEqual((entry["rows_skipped"], entry["rows_preexisting"], entry["rows_target"]),
                         (1, 2, entry["rows_source"] + 1))
        self.assertEqual(self.sql("SELECT data::text FROM ballast WHERE id = 1"), [("old",)])
        # What an index that comes back refuses is told, and nothing has happened.
        self.sql("DELETE FROM ballast; CREATE UNIQUE INDEX one ON ballast ((data IS NULL));"
                 "INSERT INTO ballast VALUES (1, NULL);")
        run = self.load_refused(path, (8,), "--existing-rows", "skip")
        self.assertIn("one", run.report["errors"][0]["what"])

    def test_names_that_need_quotes(self):
        name = "we\"ird ' x;--%s$1"
        quoted = '"' + name.replace('"', '""') + '"'
        for much in (False, True):
            with self.subTest(much=much):
                self.target = self.make_target()
                self.set_up_role()
                for statement in (
                        f'CREATE SCHEMA {quoted}',
                        f'CREATE TABLE {quoted}.{quoted} ({quoted} bigserial PRIMARY KEY,'
                        ' "Sel ect" text, up bigint, CONSTRAINT "un\'i %s" UNIQUE ("Sel ect"))',
                        f'ALTER TABLE {quoted}.{quoted} ADD CONSTRAINT "fk %s $1" FOREIGN KEY (up)'
                        f' REFERENCES {quoted}.{quoted}',
                        f'CREATE INDEX "i%s$$" ON {quoted}.{quoted}(lower("Sel ect"))',
                        f'CREATE TABLE {quoted}.ballast (id bigint PRIMARY KEY, data bytea)'):
                    self.sql(statement)
                path = self.make_source(
                    f'CREATE TABLE {quoted} ({quoted} INTEGER PRIMARY KEY, "Sel ect" TEXT, up INTEGER);'
                    f"INSERT INTO {quoted} VALUES (1, 'a', 2), (2, 'b', NULL);"
                    + ("" if much else "CREATE TABLE ballast (id INTEGER PRIMARY KEY, data BLOB)"),
                    name=f"{much}.db", build=add_ballast if much else None)
                before = self.pg_dump("we*")
                run = self.copy(path, "--target-schema", name)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(self.pg_dump("we*"), before)
                self.assert_equal_copy(path, run, check_schema=False, schema=name)

    def test_an_invalid_index_stays_as_it_is(self):
        self.sql(TARGET)
        self.sql("INSERT INTO child VALUES (-1, NULL, 'q'), (-2, NULL, 'r')")
        with self.assertRaises(psycopg2.Error):
            self.sql("CREATE UNIQUE INDEX CONCURRENTLY child_broken ON child((1))")
        self.sql("DELETE FROM child")
        self.load_and_judge(self.source())
        self.assertEqual(self.sql("SELECT indisvalid FROM pg_index"
                                  " WHERE indexrelid = 'child_broken'::regclass"), [(False,)])

    def test_orphans_leave_the_key_not_valid_and_are_told(self):
        self.sql(TARGET)
        run = self.copy(self.source("INSERT INTO child VALUES (4, 99, 'lost');"))
        self.assertEqual(run.exit_code, 0, str(run))
        finding = run.findings("L2P4006")
        self.assertEqual(len(finding), 1, str(run))
        self.assertIn("(99)", finding[0]["message"])
        self.assertEqual(self.sql("SELECT conname, convalidated FROM pg_constraint"
                                  " WHERE contype = 'f'"), [("child_parent_id_fkey", False)])
        self.assertEqual(self.sql("SELECT count(*) FROM child"), [(4,)])

    def test_orphans_stop_on_request(self):
        self.sql(TARGET + ODD_OBJECTS)
        path = self.source("INSERT INTO child VALUES (4, 99, 'lost');")
        run = self.load_refused(path, (8, 12), "--orphans", "stop", error="L2P4006")
        self.assertIn("99", str(run.report["errors"] + run.findings("L2P4006")))

    def test_duplicates_found_by_an_index_that_comes_back(self):
        self.sql(TARGET + ODD_OBJECTS)
        path = self.source("INSERT INTO child VALUES (4, 1, 'n');")
        run = self.load_refused(path, (8,))
        self.assertIn("child_note", run.report["errors"][0]["what"])
        self.assertIn("as they were", run.report["errors"][0]["effect"])

    def test_a_check_that_refuses_a_row(self):
        self.sql(TARGET + ODD_OBJECTS + "ALTER TABLE child ADD CHECK (note <> 'bad');")
        run = self.load_refused(self.source("INSERT INTO child VALUES (4, 1, 'bad');"), (8, 14))
        self.assertIn("child", str(run.report["errors"]))

    def test_a_value_without_a_form(self):
        self.sql(TARGET + ODD_OBJECTS)
        run = self.load_refused(self.source("UPDATE parent SET code = 'much too long';"), (14,))
        self.assertIn("much too long", str(run.report["findings"]))

    def test_a_trigger_that_changes_values(self):
        self.sql(TARGET + ODD_OBJECTS + """
            CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN NEW.note := upper(NEW.note); RETURN NEW; END $$;
            CREATE TRIGGER shout BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION shout();""")
        run = self.load_refused(self.source(), (4,))
        self.assertEqual(run.report["errors"][0]["table"], "child")
        self.assertTrue([f for f in run.findings() if "shout" in f["message"]], str(run))

    def test_triggers_run_with_the_roles_own_search_path(self):
        self.sql("CREATE SCHEMA app; CREATE TABLE app.log (what text);")
        execute(self.admin, f"ALTER ROLE {self.role} SET search_path = app, public")
        self.sql(TARGET + """
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN INSERT INTO log VALUES ('child ' || NEW.id); RETURN NEW; END $$;
            CREATE TRIGGER note AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION note();""")
        self.load_and_judge(self.source())
        self.assertEqual(self.sql("SELECT what FROM app.log ORDER BY 1"),
                         [("child 1",), ("child 2",), ("child 3",)])


class Broken(ExistingTest):
    """Runs that are ended from outside, in the middle of the data stage."""

    TARGET = TARGET
    SOURCE_BUILD = staticmethod(add_ballast)
    GO_ON = ()   # rows that went straight into the application's tables are all taken out again

    def setUp(self):
        super().setUp()
        self.sql(self.TARGET + ODD_OBJECTS + GATE)
        self.path = self.make_source(SOURCE, build=self.SOURCE_BUILD)
        self.before = self.pg_dump(), self.data()

    def start_and_wait(self):
        """A run that has committed other tables and waits at the gate."""
        self.gate = psycopg2.connect(self.admin)
        self.addCleanup(self.gate.close)
        self.gate.autocommit = True
        self.gate.cursor().execute("SELECT pg_advisory_lock(42)")
        run = subprocess.Popen([BIN, "copy", self.path, self.target, "--streams", "3"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if run.poll() is not None:
                self.fail(run.stdout.read().decode())
            if self.waiting_and_written():
                return run
            time.sleep(0.05)
        self.fail("the run never came to the gate")

    def waiting_and_written(self):
        waiting = execute(self.admin, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                                      " AND NOT granted AND objid = 42")[0][0]
        return waiting and self.sql("SELECT count(*) FROM ballast")[0][0] > 0

    def finish(self, run):
        out, _ = run.communicate(timeout=120)
        return run.returncode, out.decode()

    def end_backends(self):
        """A backend that waits for the gate does not notice that its client is gone."""
        self.open_gate()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and execute(
                self.admin, "SELECT FROM pg_locks WHERE locktype = 'advisory'"):
            time.sleep(0.05)

    def open_gate(self):
        self.gate.cursor().execute("SELECT pg_advisory_unlock(42)")

    def assert_as_before(self, out=""):
        self.assertEqual((self.pg_dump(), self.data()), self.before, out)
        if not self.GO_ON:
            self.assert_nothing_left()

    def go_on(self):
        done = self.copy(self.path, *self.GO_ON)
        self.assertEqual(done.exit_code, 0, str(done))
        self.assertEqual(self.pg_dump(), self.before[0])
        self.assert_equal_copy(self.path, done, check_schema=False)
        self.assert_nothing_left()

    def test_interrupted(self):
        run = self.start_and_wait()
        run.send_signal(signal.SIGINT)
        code, out = self.finish(run)
        self.assertEqual(code, 10, out)
        self.assert_as_before(out)
        self.open_gate()
        self.go_on()

    def test_killed_and_restarted(self):
        run = self.start_and_wait()
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        self.end_backends()
        again = self.copy(self.path)
        self.assertEqual(again.exit_code, 11, str(again))
        self.assertIn("--restart", again.err)
        done = self.copy(self.path, "--restart")
        self.assertEqual(done.exit_code, 0, str(done))
        self.assertEqual(self.pg_dump(), self.before[0])
        self.assert_equal_copy(self.path, done, check_schema=False)

    def test_killed_and_then_emptied_by_somebody(self):
        run = self.start_and_wait()
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        self.end_backends()
        # A merge has loaded nothing into the application's tables.
        if self.sql("SELECT to_regclass('ballast')") != [(None,)]:
            self.sql("TRUNCATE ballast")
        done = self.copy(self.path, "--restart")
        self.assertEqual(done.exit_code, 0, str(done))
        self.assertEqual(self.pg_dump(), self.before[0])
        self.assert_equal_copy(self.path, done, check_schema=False)

    def test_killed_and_restarted_with_something_that_stops_the_next_run(self):
        run = self.start_and_wait()
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        self.end_backends()
        bad = self.make_source(SOURCE + "UPDATE parent SET code = 'much too long';", name="bad.db")
        again = self.copy(bad, "--restart")
        self.assertEqual(again.exit_code, 14, str(again))
        self.assertEqual((self.pg_dump(), self.data()), self.before, str(again))

    def test_connections_ended_by_the_server(self):
        run = self.start_and_wait()
        execute(self.admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename ="
                            f" '{self.role}' AND pid <> pg_backend_pid()")
        self.open_gate()
        code, out = self.finish(run)
        if code == 0:   # the run has found new connections and gone on
            self.assertEqual(self.pg_dump(), self.before[0], out)
            self.assertEqual(self.sql("SELECT count(*) FROM parent"), [(2,)])
            return
        self.assertIn(code, (8, 10), out)
        self.assert_as_before(out)
        if code == 10:
            self.go_on()

    def test_only_the_runs_own_rows_are_taken_back(self):
        run = self.start_and_wait()
        self.sql("INSERT INTO ballast VALUES (1000, 'of somebody else')")
        run.send_signal(signal.SIGINT)
        code, out = self.finish(run)
        self.assertEqual(code, 10, out)
        self.assertEqual(self.sql("SELECT id FROM ballast"), [(1000,)])
        self.assertEqual(self.sql("SELECT id FROM parent"), [])
        self.assertEqual(self.pg_dump(), self.before[0])


class BrokenMerge(Broken):
    """The same while rows are merged, in the one transaction that changes everything."""

    TARGET = TARGET.replace(BALLAST_SQL, "")
    SOURCE_BUILD = None
    GO_ON = ("--resume",)   # what is loaded beside the application's tables is kept

    def waiting_and_written(self):
        return execute(self.admin, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                                   " AND NOT granted AND objid = 42")[0][0]

    def test_only_the_runs_own_rows_are_taken_back(self):
        """Nobody else can write meanwhile."""
        run = self.start_and_wait()
        with self.assertRaises(psycopg2.errors.LockNotAvailable):
            self.sql("SET lock_timeout = '100ms'; INSERT INTO gate VALUES (1000)")
        run.send_signal(signal.SIGINT)
        code, out = self.finish(run)
        self.assertEqual(code, 10, out)
        self.assert_as_before(out)
        self.open_gate()
        self.go_on()


if __name__ == "__main__":
    unittest.main()
