"""--memory holds when the system enforces it: the program runs in a control group with just that
much, in which the kernel kills what takes more. The server runs outside.
"""

import contextlib
import os
import pathlib
import subprocess
import unittest
import uuid

from harness import BIN, EndToEndTest, Run, is_sanitized

MEBIBYTE = 1 << 20


class ControlGroup:
    """One with a limit of memory, of whichever version the system has; OSError where it may not be
    made."""

    def __init__(self, limit_bytes):
        root = pathlib.Path("/sys/fs/cgroup")
        name = "lite2pg-test-" + uuid.uuid4().hex[:12]
        if (root / "memory").is_dir():
            self.path, limit = root / "memory" / name, "memory.limit_in_bytes"
            self.events = "memory.oom_control"
        elif "memory" in (root / "cgroup.subtree_control").read_text(encoding="ascii").split():
            self.path, limit, self.events = root / name, "memory.max", "memory.events"
        else:
            raise OSError("no control group of memory may be made here")
        self.path.mkdir()
        try:
            (self.path / limit).write_text(str(limit_bytes), encoding="ascii")
        except OSError:
            self.path.rmdir()
            raise

    def enter(self):
        (self.path / "cgroup.procs").write_text("0", encoding="ascii")

    def kills(self):
        """How often the kernel has ended something in it."""
        events = dict(line.split() for line in
                      (self.path / self.events).read_text(encoding="ascii").splitlines())
        return int(events.get("oom_kill", 0))

    def remove(self):
        with contextlib.suppress(OSError):
            self.path.rmdir()


@unittest.skipIf(is_sanitized(), "sanitizers take memory of their own")
class MemoryCeiling(EndToEndTest):
    def copy_within(self, megabytes, path, *options):
        try:
            group = ControlGroup(megabytes * MEBIBYTE)
        except OSError as error:
            self.skipTest(f"no control group: {error}")
        self.addCleanup(group.remove)
        arguments = ["copy", path, self.target, "--format", "json", "--memory", f"{megabytes}MiB",
                     *options]
        process = subprocess.run([BIN, *map(str, arguments)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300,
                                 preexec_fn=group.enter, check=False)
        run = Run(arguments, process)
        self.assertEqual(group.kills(), 0, str(run))
        return run

    def test_the_group_does_end_what_takes_more(self):
        """Or the other tests would show nothing."""
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, d BLOB);
            INSERT INTO t VALUES (1, zeroblob(150000000));
            """)
        try:
            group = ControlGroup(128 * MEBIBYTE)
        except OSError as error:
            self.skipTest(f"no control group: {error}")
        self.addCleanup(group.remove)
        process = subprocess.run([BIN, "copy", path, self.target], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, preexec_fn=group.enter, check=False)
        self.assertLess(process.returncode, 0, process.stdout.decode("utf-8", "replace"))
        self.assertGreater(group.kills(), 0)

    def test_wide_rows_over_one_to_sixty_four_streams(self):
        path = self.make_source("""
            CREATE TABLE wide (id INTEGER PRIMARY KEY, a TEXT, b BLOB);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
            INSERT INTO wide SELECT i, hex(randomblob(150000)), randomblob(300000) FROM n;
            CREATE TABLE narrow (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
            INSERT INTO narrow SELECT i, i * 7, 'row ' || i FROM n;
            CREATE INDEX narrow_b ON narrow(b);
            """)
        for streams in (1, 2, 5, 16, 64):
            with self.subTest(streams=streams):
                self.target = self.make_target()
                run = self.copy_within(256, path, "--streams", streams)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(run.report["outcome"], "verified")
                self.assertLess(run.report["resources"]["peak_rss_bytes"], 256 * MEBIBYTE)

    def test_values_of_hundreds_of_megabytes(self):
        size = 900_000_000 if os.environ.get("LITE2PG_SLOW") else 250_000_000
        path = self.make_source(f"""
            CREATE TABLE huge (id INTEGER PRIMARY KEY, d BLOB);
            INSERT INTO huge VALUES (1, zeroblob({size})), (2, x'01'), (3, zeroblob({size}));
            """)
        run = self.copy_within(64 + 2 * size // MEBIBYTE + 32, path, "--streams", "4")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT octet_length(d) FROM huge ORDER BY id"),
                         [(size,), (1,), (size,)])

    def test_little_memory_is_enough_for_rows_that_fit(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
            INSERT INTO t SELECT i, 'value ' || i FROM n;
            """)
        run = self.copy_within(96, path, "--streams", "64")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified")


if __name__ == "__main__":
    unittest.main()
