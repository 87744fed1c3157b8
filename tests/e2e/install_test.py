"""What `cmake --install` puts in place works: the program, its manual page, its completions, and
the library in another program."""

import os
import pathlib
import subprocess
import unittest

from harness import BIN, ROOT, EndToEndTest


class Install(EndToEndTest):
    def run_quietly(self, *command, **options):
        process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=300, check=False, **options)
        self.assertEqual(process.returncode, 0, process.stdout.decode("utf-8", "replace"))
        return process.stdout.decode()

    def setUp(self):
        super().setUp()
        self.prefix = self.dir / "prefix"
        build = pathlib.Path(BIN).parent
        for component in ("program", "library"):
            self.run_quietly("cmake", "--install", build, "--prefix", self.prefix,
                             "--component", component)

    def test_everything_works_where_it_is_put(self):
        self.assertIn("lite2pg", self.run_quietly(self.prefix / "bin/lite2pg", "--version"))
        for path in ("share/man/man1/lite2pg.1", "share/bash-completion/completions/lite2pg",
                     "share/zsh/vendor-completions/_lite2pg",
                     "share/fish/vendor_completions.d/lite2pg.fish",
                     "share/doc/lite2pg/README.md", "share/doc/lite2pg/copyright",
                     "share/doc/lite2pg/recipes/README.md"):
            self.assertTrue((self.prefix / path).is_file(), path)
            self.assertGreater((self.prefix / path).stat().st_size, 100, path)

        # The library, found by CMake, in the example of the documents.
        build = self.dir / "example"
        self.run_quietly("cmake", "-S", ROOT / "docs/examples/library", "-B", build,
                         f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_CXX_FLAGS=-O0")
        self.run_quietly("cmake", "--build", build)
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'a'), (2, NULL);")
        out = self.run_quietly(build / "copy_database", path, self.target,
                               env={**os.environ, "LC_ALL": "C"})
        self.assertIn("t 2 equal", out)
        self.assertEqual(self.sql("SELECT id, v FROM t ORDER BY id"), [(1, "a"), (2, None)])


if __name__ == "__main__":
    unittest.main()
