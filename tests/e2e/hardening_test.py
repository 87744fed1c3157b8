"""The program is built as CMakeLists.txt says: who finds a hole in it finds little to hold on to."""

import shutil
import subprocess
import unittest

from harness import BIN, is_sanitized


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, BIN], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


@unittest.skipUnless(shutil.which("readelf"), "no readelf")
@unittest.skipIf(is_sanitized(), "a build with sanitizers is not for use")
class Hardening(unittest.TestCase):
    def test_it_lies_at_a_random_address(self):
        self.assertIn("DYN (Position-Independent Executable file)", readelf("-h"))

    def test_tables_of_addresses_cannot_be_written_once_it_runs(self):
        self.assertIn("GNU_RELRO", readelf("-l"))
        self.assertIn("NOW", [word for line in readelf("-d").splitlines() if "FLAGS" in line
                              for word in line.split()])

    def test_no_memory_is_written_and_executed(self):
        flags = [line.split()[-2] for line in readelf("-l").splitlines() if "GNU_STACK" in line]
        self.assertEqual(flags, ["RW"])
        segments = [line.split() for line in readelf("-l").splitlines() if " LOAD " in line]
        self.assertTrue(segments)
        for words in segments:
            self.assertNotEqual("".join(words[6:-1]), "RWE", words)

    def test_stacks_and_buffers_are_checked(self):
        symbols = readelf("--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        self.assertRegex(symbols, r"__\w+_chk@")
        self.assertIn("__glibcxx_assert_fail", symbols)


if __name__ == "__main__":
    unittest.main()
