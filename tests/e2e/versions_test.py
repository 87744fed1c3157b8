"""Other versions of PostgreSQL than Debian's: whole test programs run against servers of them.

PostgreSQL 18 by default; LITE2PG_TEST_VERSIONS="14 16 17 18" names others, and
LITE2PG_TEST_VERSIONS_MODULES other test programs. Skipped where the binaries cannot be had.
"""

import os
import subprocess
import sys
import tempfile
import unittest

from harness import ROOT, execute, server

sys.path.insert(0, str(ROOT / "tests/support"))

import other_postgres  # noqa: E402  (found by the line above)

VERSIONS = [int(v) for v in os.environ.get("LITE2PG_TEST_VERSIONS", "18").split()]
MODULES = os.environ.get("LITE2PG_TEST_VERSIONS_MODULES", "generated_test recipes_test").split()
TIMEOUT_SECONDS = 800


class OtherVersions(unittest.TestCase):
    def run_against(self, major):
        try:
            binaries = other_postgres.binaries(major)
        except other_postgres.Unreachable as reason:
            self.skipTest(str(reason))
        directory = tempfile.mkdtemp(prefix=f"lite2pg-v{major}-")
        environment = {**os.environ, "LITE2PG_TEST_PG_BIN": binaries}
        script = str(ROOT / "tests/support/server.py")
        subprocess.run([sys.executable, script, "start", directory], env=environment, check=True,
                       timeout=120)
        try:
            conninfo = server.conninfo(directory)
            (version,), = execute(conninfo, "SHOW server_version_num")
            self.assertEqual(int(version) // 10000, major)
            result = subprocess.run(
                [sys.executable, "-m", "unittest", *MODULES], check=False, timeout=TIMEOUT_SECONDS,
                env={**environment, "LITE2PG_TEST_CONNINFO": conninfo}, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, cwd=os.path.dirname(os.path.abspath(__file__)))
            self.assertEqual(result.returncode, 0, result.stdout.decode("utf-8", "replace")[-6000:])
        finally:
            subprocess.run([sys.executable, script, "stop", directory], env=environment,
                           check=True, timeout=120)

    def test_every_version(self):
        for major in VERSIONS:
            with self.subTest(version=major):
                self.run_against(major)


if __name__ == "__main__":
    unittest.main()
