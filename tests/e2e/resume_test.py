"""Whatever ends a run, the next one completes it: no row lost, none doubled. The moments are drawn
from a seed, which is printed."""

import os
import random
import signal
import subprocess
import time
import unittest

from harness import BIN, SEED, EndToEndTest, lite2pg, with_options

SCRIPT = """
CREATE TABLE big (id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB);
CREATE TABLE keyless (x TEXT, y INTEGER);
CREATE TABLE other (k TEXT PRIMARY KEY, big_id INTEGER REFERENCES big(id)) WITHOUT ROWID;
CREATE INDEX big_a ON big(a);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
INSERT INTO big SELECT i * 7 - 400000, 'text of row ' || i, i / 3.0, zeroblob(i % 50) FROM n;
INSERT INTO keyless SELECT 'x' || (id % 5), id % 3 FROM big;
INSERT INTO other SELECT printf('%08x', rowid), id FROM big;
"""
TRIALS = int(os.environ.get("LITE2PG_TRIALS", "2"))


class Resume(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}, {TRIALS} trials each; LITE2PG_SEED and LITE2PG_TRIALS choose others")

    def setUp(self):
        super().setUp()
        self.rng = random.Random(f"{SEED} {self.id()}")
        self.path = self.make_source(SCRIPT)
        # Long enough to fall behind the end now and then.
        began = time.monotonic()
        self.copy(self.path)
        self.longest = time.monotonic() - began

    def start(self, *options):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return subprocess.Popen(
            [BIN, "copy", str(self.path), self.target, "--format", "json", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)

    def finish(self):
        """Resumes, or starts again where nothing had begun, until the copy is done."""
        for _ in range(5):
            run = self.copy(self.path, "--resume")
            if run.exit_code == 11 and "L2P6003" in [c for c, _ in run.errors()]:
                run = self.copy(self.path)  # there was nothing to resume
            if run.exit_code == 0:
                break
            # Another try is for what may pass: the server still ends the killed run's sessions.
            self.assertIn(run.exit_code, (7, 10, 11), str(run))
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assert_equal_copy(self.path, run)

    def is_done(self, process):
        process.communicate()
        return process.returncode == 0

    def trial(self, disturb, *options):
        for number in range(TRIALS):
            with self.subTest(trial=number):
                self.target = self.make_target()
                process = self.start(*options)
                time.sleep(self.rng.uniform(0, self.longest))
                disturb(process)
                if self.is_done(process):
                    continue  # the disturbance came too late
                self.assertNotEqual(process.returncode, 1)
                visible = [t for t in self.tables_in_target() if t.startswith("public.")]
                if visible:
                    # Published is all or nothing.
                    self.assertIn("public.big", visible)
                    self.assertEqual(self.sql("SELECT count(*) FROM big"), [(120000,)])
                self.finish()

    def test_killed(self):
        self.trial(lambda process: process.kill())

    def test_killed_with_small_memory_and_one_stream(self):
        self.trial(lambda process: process.kill(), "--streams", "1", "--memory", "64MiB")

    def test_killed_with_another_number_of_streams_afterwards(self):
        """What streams that were added on the way have begun, any number of others completes."""
        for first, then in (("auto", "1"), ("1", "auto"), ("auto", "7")):
            with self.subTest(first=first, then=then):
                self.target = self.make_target()
                process = self.start("--streams", first)
                time.sleep(self.rng.uniform(0.4, 0.9) * self.longest)
                process.kill()
                if self.is_done(process):
                    continue
                for _ in range(5):
                    run = self.copy(self.path, "--resume", "--streams", then)
                    if run.exit_code == 11 and "L2P6003" in [c for c, _ in run.errors()]:
                        run = self.copy(self.path)
                    if run.exit_code == 0:
                        break
                self.assertEqual(run.exit_code, 0, str(run))
                self.assert_equal_copy(self.path, run)

    def test_interrupted(self):
        def interrupt(process):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            # A signal that comes while the program is still being loaded is nobody's to handle; it
            # must then have begun nothing.
            if process.returncode == -signal.SIGINT:
                self.assertEqual(self.tables_in_target(), [])
            else:
                self.assertIn(process.returncode, (0, 10))
        self.trial(interrupt)

    def test_sessions_ended_by_the_server(self):
        def terminate(_):
            self.sql("SELECT pg_catalog.pg_terminate_backend(pid)"
                     " FROM pg_catalog.pg_stat_activity WHERE datname = current_database()"
                     " AND pid <> pg_backend_pid()")
        self.trial(terminate)

    def test_resume_refuses_another_source(self):
        process = self.start_and_kill_in_the_middle()
        self.assertIsNotNone(process)
        self.make_source("UPDATE big SET a = 'changed' WHERE id = 7 - 400000")
        run = self.copy(self.path, "--resume")
        self.assertEqual(run.exit_code, 11, str(run))
        # Starting over is possible.
        run = self.copy(self.path, "--restart")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(self.path, run)

    def start_and_kill_in_the_middle(self):
        """A run that was killed after it was recorded and before it was done. The server has noticed
        that nobody is there any more: until then the run counts as being worked on."""
        for _ in range(50):
            self.target = self.make_target()
            process = self.start()
            for _ in range(2000):
                if "lite2pg.run" in self.tables_in_target() and self.sql("TABLE lite2pg.run"):
                    break
                time.sleep(0.002)
            process.kill()
            if not self.is_done(process):
                self.await_no_sessions()
                return process
        return None

    def await_no_sessions(self):
        for _ in range(1000):
            if not self.sql("SELECT FROM pg_catalog.pg_stat_activity WHERE pid <> pg_backend_pid()"
                            " AND datname = current_database()"):
                return
            time.sleep(0.02)
        self.fail("sessions of a killed process have not ended after 20 s")

    def test_an_unfinished_run_is_not_passed_over(self):
        self.assertIsNotNone(self.start_and_kill_in_the_middle())
        run = self.copy(self.path)
        # Going on by itself would be as good as asking; doubling or hiding it would not.
        if run.exit_code == 0:
            self.assert_equal_copy(self.path, run)
        else:
            self.assertEqual(run.exit_code, 11, str(run))
            self.finish()

    def test_two_at_once_do_not_mix(self):
        self.target = self.make_target()
        first, second = self.start(), self.start()
        codes = []
        for process in (first, second):
            process.communicate()
            codes.append(process.returncode)
        self.assertIn(0, codes)
        self.assertTrue(set(codes) <= {0, 8, 11, 12}, codes)
        self.assertEqual(self.sql("SELECT count(*) FROM keyless"), [(120000,)])

    def test_status_tells_of_an_unfinished_run(self):
        self.assertIsNotNone(self.start_and_kill_in_the_middle())
        run = lite2pg("status", with_options(self.target), "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertTrue(run.report["runs"], str(run))
        self.assertTrue(run.report["runs"][0]["resumable"], str(run))


if __name__ == "__main__":
    unittest.main()
