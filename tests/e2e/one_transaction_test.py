"""A role that may create nothing at all: one transaction does everything, or nothing."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

from existing_rights_test import SOURCE, TARGET
from existing_support import ExistingTest
from harness import BIN, SEED, compare, execute, lite2pg, server, with_options
from retry_test import Proxy

CODE = "L2P6013"
WIDE = """
CREATE TABLE wide (id bigint PRIMARY KEY, n numeric(12,3), j jsonb, at timestamptz, u uuid,
  b bytea, e mood, s text, child bigint REFERENCES a_child(id) DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX wide_s ON wide (s);
"""
WIDE_SOURCE = """
CREATE TABLE wide (id INTEGER PRIMARY KEY, n, j, at, u, b BLOB, e, s TEXT, child INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
INSERT INTO wide SELECT i, i / 8.0, '{"a": ' || i || '}', '2024-01-31 12:34:56.' || (100 + i % 900),
  '00112233-4455-6677-8899-aabbccddeeff', zeroblob(i % 9), iif(i % 2, 'sad', 'ok'),
  iif(i % 7, 'text ' || i, NULL), i % 2 + 1 FROM n;
"""


class OneTransaction(ExistingTest):
    database_create = False

    def setUp(self):
        super().setUp()
        self.tables(TARGET)

    def tables(self, script, grant="SELECT, INSERT"):
        execute(self.admin, "DROP TYPE IF EXISTS mood CASCADE;"
                            "CREATE TYPE mood AS ENUM ('sad', 'ok')")
        execute(self.admin, script)
        name = execute(self.admin, "SELECT current_database()")[0][0]
        execute(self.admin, f"GRANT {grant} ON ALL TABLES IN SCHEMA public TO {self.role};"
                            f"REVOKE CREATE ON SCHEMA public FROM {self.role}, public;"
                            f"REVOKE TEMPORARY ON DATABASE {name} FROM public")

    def grant_sequences(self):
        execute(self.admin, f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {self.role}")

    def run_alone(self, path, *options, **kwargs):
        """A copy by one session that leaves nothing but its rows."""
        run = self.load(path, *options, **kwargs)
        self.assertEqual(len(run.findings(CODE)), 1, str(run))
        self.assertEqual([t for t in self.tables_in_target() if "lite2pg" in t], [])
        return run

    def test_everything_arrives(self):
        self.tables(WIDE)
        path = self.make_source(SOURCE + WIDE_SOURCE)
        before = self.data()
        plan = self.plan(path)
        self.assertEqual((plan.exit_code, self.data()), (0, before), str(plan))
        [finding] = plan.findings(CODE)
        for word in ("one transaction", "--resume", "one stream", "status", "sync"):
            self.assertIn(word, finding["message"])
        self.assertIn("GRANT CREATE", finding["hint"])
        certificate = self.dir / "certificate.json"
        run = self.run_alone(path, "--streams", "4", "--write-certificate", certificate)
        self.assert_equal_copy(path, run, check_schema=False)
        self.assertEqual({t["streams"] for t in run.report["tables"] if t["rows_copied"]}, {1})
        verify = lite2pg("verify", path, self.target, "--format", "json")
        self.assertEqual(verify.exit_code, 0, str(verify))
        # What took the ledger's place knows every part.
        certified = lite2pg("verify", self.target, "--certificate", certificate)
        self.assertEqual(certified.exit_code, 0, str(certified))
        execute(self.admin, "UPDATE wide SET s = 'other' WHERE id = 77")
        certified = lite2pg("verify", self.target, "--certificate", certificate, "--format", "json")
        self.assertEqual(certified.exit_code, 4)
        self.assertIn("id=77", str(certified.table("wide")["differences"]))

    def test_commands_that_need_a_ledger_say_so(self):
        path = self.make_source(SOURCE)
        self.assertEqual(self.copy(path, "--resume").exit_code, 11)
        self.run_alone(path)
        self.assertEqual(lite2pg("verify", self.target).exit_code, 11)
        db = sqlite3.connect(path)
        db.execute("UPDATE z_parent SET name = 'new'")
        db.commit()
        db.close()
        run = lite2pg("sync", path, self.target, "--format", "json")
        self.assertEqual((run.exit_code, run.errors()[0][0]), (8, "L2P3003"), str(run))
        self.assertIn("GRANT CREATE", run.report["errors"][0]["hint"])
        for command in ("status", "clean"):
            run = lite2pg(command, self.target)
            self.assertIn(run.exit_code, (0, 11), str(run))
        # Once more is refused as for anybody: there are rows.
        self.load_refused(path, (8, 12), error="L2P3006")

    def test_options_that_need_a_table_are_refused_by_name(self):
        path = self.make_source(SOURCE)
        for option in (["--on-bad-value", "reject"], ["--orphans", "reject"],
                       ["--fill", "z_parent.name=x"]):
            with self.subTest(option):
                run = self.load_refused(path, (8, 12), *option, error="L2P3003")
                self.assertIn(option[0], str(run.findings("L2P3003")))
        execute(self.admin, "INSERT INTO z_parent VALUES (9, 'old')")
        run = self.load_refused(path, (8, 12), "--existing-rows", "skip", error="L2P3003")
        self.assertIn("--existing-rows", str(run.findings("L2P3003")))

    def test_what_the_server_refuses_leaves_nothing(self):
        self.tables("ALTER TABLE z_parent ADD CHECK (name <> 'y')")
        run = self.load_refused(self.make_source(SOURCE), (8,), error="L2P3008")
        error = run.report["errors"][0]
        self.assertEqual((error["table"], "id=2" in error["row"]), ("z_parent", True), str(run))
        orphan = self.make_source(SOURCE.replace("(2, 'y')", "(2, 'w')")
                                  + "INSERT INTO a_child VALUES (3, 99);", name="orphan.db")
        run = self.load_refused(orphan, (8,))
        self.assertIn("a_child_parent_id_fkey", str(run.report["errors"]))

    def test_a_key_that_waits_for_the_end_speaks_before_it(self):
        self.tables(WIDE)
        path = self.make_source(SOURCE + WIDE_SOURCE + "UPDATE wide SET child = 5 WHERE id = 3;")
        run = self.load_refused(path, (8,))
        self.assertIn("wide_child_fkey", str(run.report["errors"]))

    def test_a_circle_is_planned(self):
        self.tables("ALTER TABLE z_parent ADD fav bigint REFERENCES m_both(id)")
        run = self.load_refused(self.make_source(SOURCE), (8, 12), error="L2P3008")
        self.assertIn("circle", str(run.findings("L2P3008")))
        execute(self.admin, "ALTER TABLE z_parent ALTER CONSTRAINT z_parent_fav_fkey DEFERRABLE")
        path = self.make_source(SOURCE.replace(
            "z_parent (id INTEGER PRIMARY KEY, name TEXT)",
            "z_parent (id INTEGER PRIMARY KEY, name TEXT, fav INTEGER)").replace(
            "(1, 'x'), (2, 'y')", "(1, 'x', 3), (2, 'y', NULL)"), name="circle.db")
        self.assert_equal_copy(path, self.run_alone(path), check_schema=False)

    def test_a_trigger_that_changes_rows_undoes_everything(self):
        execute(self.admin, "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
                            " $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;"
                            "CREATE TRIGGER shout BEFORE INSERT ON z_parent FOR EACH ROW"
                            " EXECUTE FUNCTION shout();")
        run = self.load_refused(self.make_source(SOURCE), (4,))
        self.assertEqual(run.report["errors"][0]["table"], "z_parent")

    def test_sequences_are_set_and_put_back(self):
        script = ("CREATE TABLE z_parent (id bigserial PRIMARY KEY, name text);"
                  + TARGET.split(";", 1)[1])
        execute(self.admin, "DROP TABLE m_both, a_child, z_parent")
        self.tables(script)
        self.grant_sequences()
        path = self.make_source(SOURCE)
        # The verification fails after sequences are set.
        execute(self.admin, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                            " $$ BEGIN NEW.name := 'z'; RETURN NEW; END $$;"
                            "CREATE TRIGGER f BEFORE INSERT ON z_parent FOR EACH ROW"
                            " EXECUTE FUNCTION f();")
        self.load_refused(path, (4,))
        execute(self.admin, "DROP TRIGGER f ON z_parent")
        self.run_alone(path)
        new = execute(self.admin, "INSERT INTO z_parent (name) VALUES ('n') RETURNING id")
        self.assertEqual(new, [(3,)])

    def test_what_undoes_it_is_printed(self):
        run = self.run_alone(self.make_source(SOURCE))
        for statement in run.report["undo_sql"]:
            execute(self.admin, statement)
        self.assertEqual({t: r for t, r in self.data().items() if r}, {})

    def test_killed_at_any_place_nothing_is_there(self):
        if "failpoints" not in lite2pg("--version").out:
            self.skipTest("this build has no failpoints")
        path = self.make_source(SOURCE)
        empty = self.data()
        for place in ("together.begun:1", "together.table.done:2", "verify.read_back:1",
                      "together.commit:1"):
            for action in ("kill", "error"):
                with self.subTest(place=place, action=action):
                    run = self.copy(path, env={"LITE2PG_FAILPOINT": f"{place}:{action}"})
                    self.assertEqual(run.exit_code, -9 if action == "kill" else 1, str(run))
                    self.wait_for_sessions()
                    self.assertEqual(self.data(), empty)
        run = self.copy(path, env={"LITE2PG_FAILPOINT": "together.reply_lost:1:kill"})
        self.assertEqual(run.exit_code, -9)
        self.load_refused(path, (8, 12), error="L2P3006")   # it is there, as verify says
        self.assertEqual(lite2pg("verify", path, self.target).exit_code, 0)

    def wait_for_sessions(self):
        for _ in range(100):
            if not execute(self.admin, "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE"
                                       " 'lite2pg%' AND datname = current_database()"):
                return
            time.sleep(0.1)
        self.fail("sessions of a killed program stay")

    def test_killed_at_random(self):
        self.tables(WIDE)
        path = self.make_source(SOURCE + WIDE_SOURCE)
        empty = self.data()
        rng = random.Random(SEED)
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        for _ in range(6):
            process = subprocess.Popen([BIN, "copy", path, self.target], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=env)
            time.sleep(rng.uniform(0.05, 0.5))
            process.kill()
            process.wait()
            self.wait_for_sessions()
            if self.data() == empty:
                continue
            problems = compare.Comparison(str(path), self.target, None, check_schema=False).problems
            self.assertEqual(problems, [])
            execute(self.admin, "TRUNCATE wide, m_both, a_child, z_parent")
        self.assert_equal_copy(path, self.run_alone(path), check_schema=False)

    def test_a_lost_answer_to_its_commit_is_settled(self):
        path = self.make_source(SOURCE)
        directory = tempfile.mkdtemp(prefix="lite2pg-ot-")
        self.addCleanup(shutil.rmtree, directory)
        host = [p.split("=")[1] for p in self.target.split() if p.startswith("host=")][0]
        rng = random.Random(SEED)
        before = after = 0
        for _ in range(8):
            proxy = Proxy(directory, f"{host}/.s.PGSQL.5432", rng, cuts=1)
            report = self.dir / "report.json"
            try:
                run = lite2pg("copy", path, with_options(self.target, host=directory), "--report",
                              report)
            finally:
                proxy.close()
                pathlib.Path(proxy.path).unlink()
            self.assertEqual(run.exit_code, 0, f"seed {SEED}\n{run}")
            outcome = json.loads(report.read_text())
            problems = compare.Comparison(str(path), self.target, outcome,
                                          check_schema=False).problems
            self.assertEqual(problems, [], str(run))
            before, after = before + proxy.before, after + proxy.after
            execute(self.admin, "TRUNCATE m_both, a_child, z_parent")
        self.assertGreater(before, 0)
        self.assertGreater(after, 0)

    def test_rows_that_come_while_the_plan_is_made(self):
        path = self.make_source(SOURCE)
        psql = f"{server.find_program('psql', 0)} -q -d '{self.admin}'"
        run = self.copy(path, "--exec", f"pre-data={psql} -c \"INSERT INTO z_parent VALUES (9)\"")
        self.assertEqual((run.exit_code, run.errors()[0][0]), (8, "L2P3006"), str(run))
        self.assertEqual(execute(self.admin, "SELECT count(*) FROM z_parent"), [(1,)])


if __name__ == "__main__":
    unittest.main()
