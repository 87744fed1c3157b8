"""Damaged databases, copied by each reader: never a crash, a hang or a success.

tests/fuzz/images.py does the work and says what is judged. Here it gets a sample;
LITE2PG_IMAGES sets how many databases are damaged, and LITE2PG_SQLITE_SOURCE names a directory with
the SQLite project's fuzzdata*.db, from which 500 images are taken (tools/fuzz images runs all).
"""

import os
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOT, SEED, EndToEndTest

IMAGES = os.environ.get("LITE2PG_IMAGES", "60")


class HostileImages(EndToEndTest):
    def run_images(self, *options):
        kept = tempfile.mkdtemp(prefix="lite2pg-violations-")
        process = subprocess.run(
            [sys.executable, str(ROOT / "tests/fuzz/images.py"), "--program", BIN, "--seed",
             str(SEED), "--keep", kept, *options],
            env={**os.environ, "LITE2PG_TEST_CONNINFO": self.target}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        output = process.stdout.decode("utf-8", "replace")
        self.assertEqual(process.returncode, 0, f"{output}\nkept in {kept}")
        os.rmdir(kept)
        return output

    def test_damaged_databases_are_never_copied_with_success(self):
        output = self.run_images("--mutate", IMAGES, "--commands", "both,copy,export")
        self.assertIn("damaged, 0 violations", output)
        self.assertIn("copy    damaged  exit 5", output)
        self.assertIn("copy    sound    exit 0", output)

    @unittest.skipUnless(os.environ.get("LITE2PG_SQLITE_SOURCE"), "no images of SQLite's")
    def test_the_sqlite_projects_images(self):
        self.run_images("--sqlite-source", os.environ["LITE2PG_SQLITE_SOURCE"], "--sample", "500",
                        "--commands", "both,copy")


if __name__ == "__main__":
    unittest.main()
