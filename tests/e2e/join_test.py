"""Several processes load one run: each row once, whoever of them dies."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from failpoint_test import ALL, every_failpoint
from harness import BIN, SEED, EndToEndTest, execute, lite2pg

ROWS = 200000
SCRIPT = f"""
CREATE TABLE big (id INTEGER PRIMARY KEY, a TEXT, b REAL, c INTEGER);
CREATE TABLE keyless (x TEXT, rowid INTEGER, _rowid_ INTEGER, oid INTEGER);
CREATE TABLE other (k TEXT PRIMARY KEY, big_id INTEGER REFERENCES big(id)) WITHOUT ROWID;
CREATE TABLE small (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO big SELECT i * 3 - 90000, printf('%0100d', i), i / 3.0, i % 7 FROM n;
INSERT INTO keyless SELECT 'x' || (id % 5), id % 3, 1, 2 FROM big WHERE id < 0;
INSERT INTO other SELECT printf('%032x', id), id FROM big WHERE id % 4 = 0;
INSERT INTO small VALUES (1, 'a'), (2, 'b');
"""

# Rows of the big table take their time, so that there is some to join in: about 9 s for one stream.
SLOW = """
CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN IF NEW.id % 3000 = 0 THEN PERFORM pg_sleep(0.045); END IF; RETURN NEW; END$$;
CREATE FUNCTION public.slow_down() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
    IF made.object_identity LIKE '%.big' THEN
      EXECUTE 'CREATE TRIGGER slow BEFORE INSERT ON ' || made.object_identity
        || ' FOR EACH ROW EXECUTE FUNCTION public.slow()';
    END IF;
  END LOOP;
END$$;
CREATE EVENT TRIGGER slow_down ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
  EXECUTE FUNCTION public.slow_down();
"""
MEMBER_CHUNKS = 1 << 40


class JoinedRun(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT)
        execute(self.admin, SLOW)

    def start(self, *options, path=None, failpoint=None):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        if failpoint:
            env["LITE2PG_FAILPOINT"] = failpoint
        process = subprocess.Popen(
            [BIN, "copy", str(path or self.path), self.target, "--format", "json", "--streams", "1",
             *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.addCleanup(process.kill)
        return process

    def join(self, *options, **kwargs):
        return self.start("--join", "latest", *options, **kwargs)

    def wait_for(self, question, *processes, seconds=40):
        """Until the query gives something true; the processes must live so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                found = self.sql(question)
            except Exception:  # noqa: BLE001  (the ledger is not there yet)
                found = []
            if found and found[0][0]:
                return found[0][0]
            for process in processes:
                self.assertIsNone(process.poll(), "it ended before: " + question)
            time.sleep(0.02)
        self.fail("never true: " + question)

    def wait_for_share(self, *processes, member="member > 0"):
        return self.wait_for("SELECT max(member) FROM lite2pg.share WHERE state = 'taken' AND "
                             + member, *processes)

    def end(self, process, exit_code=0):
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, exit_code,
                         out.decode()[-3000:] + err.decode()[-3000:])
        return json.loads(out)

    def assert_complete(self, report):
        self.assertEqual(report["outcome"], "verified")
        self.sql("DROP TRIGGER slow ON big")
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT id) FROM big"), [(ROWS, ROWS)])
        # No part of the source is in two chunks, and none in no chunk.
        self.assertEqual(self.sql("SELECT sum(rows)::bigint FROM lite2pg.chunk"
                                  " WHERE table_name = 'big'"), [(ROWS,)])

        class Outcome:  # what assert_equal_copy looks at
            pass
        run = Outcome()
        run.report = report
        self.assert_equal_copy(self.path, run)
        self.assert_verified(self.path)

    def rows_of_members(self):
        return self.sql(f"SELECT count(DISTINCT chunk / {MEMBER_CHUNKS}), coalesce(sum(rows), 0)::int"
                        f" FROM lite2pg.chunk WHERE chunk >= {MEMBER_CHUNKS}")[0]

    def wait_end(self, process):
        process.communicate(timeout=120)
        return process.returncode


class Join(JoinedRun):
    def test_three_processes_load_one_run(self):
        members = [self.join(), self.join()]
        leader = self.start()
        report = self.end(leader)
        for member in members:
            theirs = self.end(member)
            self.assertEqual(theirs["run_id"], report["run_id"])
            self.assertEqual(theirs["outcome"], "verified")
            self.assertTrue([f for f in theirs["findings"] if f["code"] == "L2P6011"])
        self.assert_complete(report)
        processes, rows = self.rows_of_members()
        # On a machine that has other things to do, one may come when all is given away.
        self.assertGreaterEqual(processes, 1)
        self.assertGreater(rows, 0)
        self.assertLess(rows, ROWS)
        self.assertTrue([f for f in report["findings"] if f["code"] == "L2P6011"])
        # Counts of what others have read are in the leader's report.
        big = next(t for t in report["tables"] if t["source_name"] == "big")
        self.assertEqual(big["columns"][1]["storage_classes"]["text"], ROWS)
        self.assertEqual(big["rows_copied"], ROWS)

    def test_others_do_what_a_killed_process_had_taken(self):
        victim, survivor = self.join(), self.join()
        leader = self.start()
        member = self.wait_for_share(leader, victim, survivor)
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        report = self.end(leader)
        self.end(survivor)
        self.assert_complete(report)
        self.assertIsNotNone(member)

    def test_a_process_is_killed_at_every_place_of_sharing(self):
        places = [name for name in every_failpoint() if name.startswith("share.")]
        self.assertGreaterEqual(len(places), 5)
        killed = 0
        for place in places if ALL else random.Random(SEED).sample(places, 2):
            with self.subTest(place):
                self.target = self.make_target()
                execute(self.admin, SLOW)
                member, leader = self.join(failpoint=f"{place}:1:kill"), self.start()
                report = self.end(leader)
                killed += self.wait_end(member) == -signal.SIGKILL
                self.assert_complete(report)
        # One may come when all is given away.
        self.assertGreater(killed, 0)

    def test_a_process_that_is_interrupted_gives_back_what_it_had(self):
        member, leader = self.join(), self.start()
        self.wait_for_share(leader, member)
        member.send_signal(signal.SIGINT)
        self.assertEqual(self.end(member, 10)["outcome"], "interrupted")
        self.assert_complete(self.end(leader))

    def test_a_run_whose_leader_was_killed_is_resumed_with_those_that_had_joined(self):
        member, leader = self.join(), self.start()
        self.wait_for_share(leader, member)
        leader.send_signal(signal.SIGKILL)
        leader.communicate()
        again = self.start("--resume")
        report = self.end(again)
        self.assertEqual(self.end(member)["outcome"], "verified")
        self.assert_complete(report)

    def test_a_process_that_stands_still_is_fenced_off(self):
        member, leader = self.join(), self.start()
        number = self.wait_for_share(leader, member)
        # As if it had not been seen for long: half a minute would make the test long.
        member.send_signal(signal.SIGSTOP)
        self.sql("UPDATE lite2pg.member SET seen_at = seen_at - interval '1 minute'"
                 f" WHERE member = {number}")
        report = self.end(leader)
        member.send_signal(signal.SIGCONT)
        self.assertIn(self.wait_end(member), (0, 10, 11))
        self.assert_complete(report)

    def test_rows_that_others_set_aside_are_counted(self):
        db = sqlite3.connect(self.path)
        db.executescript("UPDATE big SET a = CAST(x'ff' AS TEXT) WHERE id % 60000 = 0")
        bad = db.execute("SELECT count(*) FROM big WHERE id % 60000 = 0").fetchone()[0]
        db.close()
        config = self.dir / "config.toml"
        config.write_text('[table.big.column.a]\ntype = "text"\n')
        options = ["--on-bad-value", "reject", "--config", str(config)]
        member, leader = self.join(*options), self.start(*options)
        report = self.end(leader, 3)
        self.end(member, 3)
        big = next(t for t in report["tables"] if t["source_name"] == "big")
        self.assertEqual((big["rows_copied"], big["rows_rejected"]), (ROWS - bad, bad))
        self.assertEqual(self.sql("SELECT count(*)::int FROM lite2pg.reject WHERE table_name = 'big'"),
                         [(bad,)])


class JoinRefused(JoinedRun):
    """Nothing but the same work on the same bytes is taken."""

    def start_slowly(self):
        leader = self.start()
        self.wait_for("SELECT count(*) FROM lite2pg.run WHERE stage = 'data'", leader)
        return leader

    def refused(self, *options, path=None):
        run = lite2pg("copy", path or self.path, self.target, "--format", "json", "--streams", "1",
                      *options)
        self.assert_fails(run, 11, "L2P6012")
        return run

    def test_another_file_options_or_run(self):
        leader = self.start_slowly()
        run_id = self.sql("SELECT run_id FROM lite2pg.run")[0][0]
        # The fingerprint has a sample of pages only: this one differs in a page between.
        other = self.dir / "other.db"
        shutil.copy(self.path, other)
        with open(other, "r+b") as file:
            content = file.read()
            at = content.index(b"%0100d" % 100001)
            file.seek(at + 50)
            file.write(b"7")
        refusal = self.refused("--join", run_id, path=other)
        self.assertIn("other content", str(refusal))
        changed = self.dir / "changed.db"
        shutil.copy(self.path, changed)
        db = sqlite3.connect(changed)
        db.execute("INSERT INTO small VALUES (3, 'c')")
        db.commit()
        db.close()
        self.assertIn("another file", str(self.refused("--join", run_id, path=changed)))
        self.assertIn("--exclude", str(self.refused("--join", run_id, "--exclude", "small")))
        self.assertIn("no such run", str(self.refused("--join", "0123456789")))
        report = self.end(leader)
        self.assert_complete(report)
        # Whoever comes too late learns how it went.
        late = lite2pg("copy", self.path, self.target, "--format", "json", "--join", run_id[:8])
        self.assertEqual((late.exit_code, late.report["outcome"]), (0, "verified"), str(late))

    def test_what_only_one_process_can_do(self):
        for options in (["--resume"], ["--restart"], ["--dry-run"]):
            run = lite2pg("copy", self.path, self.target, "--join", "latest", *options)
            self.assertEqual(run.exit_code, 2, str(run))
        run = lite2pg("copy", self.path, f"pgdata:{self.dir}/c", "--join", "latest")
        self.assertEqual(run.exit_code, 2, str(run))


if __name__ == "__main__":
    unittest.main()
