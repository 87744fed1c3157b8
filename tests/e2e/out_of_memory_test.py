"""Allocations that fail: a copy ends with a clean error, or it has copied everything.

tests/support/failing_malloc.c makes the k-th allocation fail, once or from then on. All k of a small
copy are some 20,000; a seeded sample is tried, LITE2PG_ALLOCATIONS says how many, or "all".
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import BIN, ROOT, SEED, EndToEndTest, execute, is_sanitized

SAMPLE = os.environ.get("LITE2PG_ALLOCATIONS", "24")
# Libraries allocate before main() as well, where nobody can catch an exception.
BEFORE_MAIN = 100
COMPILER = shutil.which("cc") or shutil.which("gcc")
TABLES = """
    CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT, r REAL, b BLOB, d DATE CHECK (t <> 'q'));
    CREATE INDEX ai ON a(t);
    CREATE TABLE b (x INTEGER REFERENCES a(id), y TEXT UNIQUE);
    CREATE VIEW v AS SELECT t FROM a;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
    INSERT INTO a SELECT i, 'text ' || i, i / 7.0, zeroblob(i), '2024-01-0' || (1 + i % 9) FROM n;
    INSERT INTO b SELECT id, t FROM a;
    """


@unittest.skipUnless(COMPILER, "no C compiler")
@unittest.skipIf(is_sanitized(), "sanitizers have an allocator of their own")
class OutOfMemory(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="lite2pg-malloc-")
        cls.library = cls.work + "/failing_malloc.so"
        subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", "-o", cls.library,
                        str(ROOT / "tests/support/failing_malloc.c"), "-ldl"], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work, ignore_errors=True)

    def run_with(self, path, schema, first, last):
        """Exit code and output of a copy in which these allocations fail."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        env.update(LD_PRELOAD=self.library, FAIL_MALLOC_AT=str(first), FAIL_MALLOC_LAST=str(last),
                   FAIL_MALLOC_COUNT=self.work + "/count")
        process = subprocess.run(
            [BIN, "copy", path, self.target, "--target-schema", schema, "--restart"], env=env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return process.returncode, process.stdout.decode("utf-8", "replace")

    def test_every_allocation_may_fail(self):
        path = self.make_source(TABLES)
        code, output = self.run_with(path, "s", 0, 0)
        self.assertEqual(code, 0, output)
        total = int(pathlib.Path(self.work, "count").read_text(encoding="ascii"))
        self.assertGreater(total, 5_000)
        rng = random.Random(SEED)
        tried = (range(BEFORE_MAIN, total) if SAMPLE == "all" else
                 [rng.randrange(BEFORE_MAIN, total) for _ in range(int(SAMPLE))])
        in_dlopen = 0
        for number, first in enumerate(tried):
            last = first if number % 2 else 1 << 60
            with self.subTest(first=first, last=last):
                self.sql("DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS lite2pg CASCADE;"
                         " CREATE SCHEMA s")
                code, output = self.run_with(path, "s", first, last)
                if last > first and code == -signal.SIGSEGV:
                    # oneTBB calls dlopen() when it is used first, which in glibc 2.36 does not stand
                    # that there is no memory at all.
                    in_dlopen += 1
                    continue
                # 7: libpq had no memory for a connection, which is how it says so.
                self.assertIn(code, (0, 7, 9), f"defect\n{output}")
                if code == 0:
                    found = execute(self.target, "SELECT (SELECT count(*) FROM s.a),"
                                                 " (SELECT count(*) FROM s.b)")
                    self.assertEqual(found, [(200, 200)], output)
        self.assertLessEqual(in_dlopen, 1 + len(tried) // 1000)


if __name__ == "__main__":
    unittest.main()
