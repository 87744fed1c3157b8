"""--private-copy: sources that cannot be read for long, or not without writing beside them."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

from harness import BIN, EndToEndTest, lite2pg, snapshot_of_files

ROWS = 60_000
SCRIPT = f"""
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE keyless (x TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO t SELECT i * 3, printf('%0200d', i) FROM n;
INSERT INTO keyless SELECT 'x' || (id % 7) FROM t;
DELETE FROM keyless WHERE rowid % 5 = 0;
"""


class PrivateCopy(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.scratch = self.dir / "scratch"
        self.scratch.mkdir()
        self.env = {"TMPDIR": str(self.scratch)}

    def private(self, path, *options, command="copy"):
        run = lite2pg(command, path, self.target, "--format", "json", "--private-copy", *options,
                      env=self.env)
        self.assertEqual(list(self.scratch.iterdir()), [])
        return run

    def open(self, path):
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def test_rows_and_rowids_are_those_of_the_source(self):
        for journal in ("DELETE", "WAL"):
            with self.subTest(journal):
                self.target = self.make_target()
                path = self.make_source(f"PRAGMA journal_mode = {journal};" + SCRIPT,
                                        name=f"{journal}.db")
                # An empty -wal may appear beside it, as for any reader.
                before = snapshot_of_files(path)[""]
                run = self.private(path)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(snapshot_of_files(path)[""], before)
                self.assertEqual(run.report["source"]["path"], str(path))
                self.assertIn("private copy", run.report["source"]["snapshot"])
                self.assert_equal_copy(path, run)
                # The same state has the same fingerprint, whichever way it is read.
                plan = lite2pg("plan", path, self.make_target(), "--format", "json")
                self.assertEqual(plan.report["source"]["fingerprint"],
                                 run.report["source"]["fingerprint"])
                for command in ("verify", "sync"):
                    again = self.private(path, command=command)
                    self.assertEqual(again.exit_code, 0, str(again))

    def test_a_writer_is_kept_waiting_only_while_the_file_is_copied(self):
        path = self.make_source(SCRIPT)
        application = self.open(path)
        application.execute("SELECT count(*) FROM sqlite_schema")
        # Without it the application is named, and how to help it.
        plan = lite2pg("plan", path, self.target, "--format", "json")
        self.assertEqual(len(plan.findings("L2P1020")), 1, str(plan))
        self.assertIn("--private-copy", plan.findings("L2P1020")[0]["hint"])
        refused, commits = [], []
        stop = threading.Event()

        def write():
            own = sqlite3.connect(path, timeout=0, isolation_level=None)
            while not stop.is_set():
                try:
                    own.execute("UPDATE t SET v = 'later' WHERE id = 3")
                    commits.append(time.monotonic())
                except sqlite3.OperationalError:
                    refused.append(time.monotonic())
                time.sleep(0.002)
            own.close()

        thread = threading.Thread(target=write)
        began = time.monotonic()
        thread.start()
        try:
            run = self.private(path)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.findings("L2P1020"), [])
        self.assertTrue(commits)
        blocked = max(refused, default=began) - min(refused, default=began)
        self.assertLess(blocked, 0.7 * (time.monotonic() - began))
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(ROWS,)])

    def test_a_hot_journal_is_rolled_back_in_the_copy(self):
        path = self.make_source(SCRIPT)
        writer = self.open(path)
        writer.execute("PRAGMA cache_size = 5")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE t SET v = 'not committed'")
        hot = self.dir / "hot.db"
        for suffix in ("", "-journal"):
            shutil.copy(f"{path}{suffix}", f"{hot}{suffix}")
        writer.execute("ROLLBACK")
        self.assert_fails(self.copy(hot), 5, "L2P1008")
        before = snapshot_of_files(hot)
        run = self.private(hot)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(snapshot_of_files(hot), before)
        self.assertEqual(self.sql("SELECT count(*) FROM t WHERE v = 'not committed'"), [(0,)])
        self.assert_equal_copy(path, run)

    def test_what_a_killed_run_has_left_is_removed(self):
        path = self.make_source(SCRIPT)
        other = self.scratch / "lite2pg-source-of-somebody"   # has no lock file
        other.mkdir()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        with subprocess.Popen([BIN, "copy", str(path), self.target, "--private-copy"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**clean, **self.env}) as process:
            for _ in range(2000):
                if list(self.scratch.glob("lite2pg-source-??????/source.db")):
                    break
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        self.assertEqual(len(list(self.scratch.iterdir())), 2)
        run = lite2pg("plan", path, self.target, "--format", "json", "--private-copy",
                      env=self.env)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(list(self.scratch.iterdir()), [other])

    def test_a_run_goes_on_from_a_copy_of_the_same_state(self):
        path = self.make_source(SCRIPT)
        if b"failpoints" not in subprocess.run([BIN, "--version"], capture_output=True,
                                               check=True).stdout:
            self.skipTest("this build has no failpoints")
        run = self.copy(path, env={"LITE2PG_FAILPOINT": "data.loaded:1:kill"})
        self.assertEqual(run.exit_code, -9, str(run))
        run = self.private(path, "--resume")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(path, run)

    def test_no_room_for_it_is_said(self):
        path = self.make_source(SCRIPT)
        run = lite2pg("copy", path, self.target, "--format", "json", "--private-copy",
                      env={"TMPDIR": str(self.dir / "not there")})
        self.assert_fails(run, 9, "L2P3009")
        self.assertIn("TMPDIR", run.report["errors"][0]["hint"])


class WalGrowth(EndToEndTest):
    def grow(self, path, stop):
        writer = sqlite3.connect(path, timeout=30, isolation_level=None)
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        number = 0
        while not stop.is_set():
            number += 1
            writer.execute("UPDATE t SET v = ? || substr(v, 9) WHERE id % 20 = 0",
                           (f"{number:08}",))
        writer.close()

    def copy_beside_a_writer(self, *options):
        path = self.make_source("PRAGMA journal_mode = WAL;" + SCRIPT)
        with contextlib.closing(sqlite3.connect(path)) as holder:
            holder.execute("SELECT 1 FROM t").fetchone()   # keeps the WAL
            stop = threading.Event()
            thread = threading.Thread(target=self.grow, args=(path, stop))
            thread.start()
            try:
                # The writer needs a moment to outgrow what is allowed.
                return self.copy(path, "--exec", "pre-data=sleep 2", *options)
            finally:
                stop.set()
                thread.join()

    def test_it_is_told(self):
        run = self.copy_beside_a_writer()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(len(run.findings("L2P1021")), 1, str(run))
        self.assertIn("MiB", run.findings("L2P1021")[0]["message"])

    def test_it_is_bounded_on_request(self):
        run = self.copy_beside_a_writer("--max-wal-growth", "1MiB")
        self.assert_fails(run, 9, "L2P1021")


if __name__ == "__main__":
    unittest.main()
