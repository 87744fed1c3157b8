"""Every command that the documents show is run as it stands there, and the options that sentences
name exist. See tests/support/documents.py for what a page has to say."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOT, EndToEndTest, lite2pg

sys.path.insert(0, str(ROOT / "tests/support"))

import documents  # noqa: E402  (found by the line above)

# docs/cli is generated from the option table, and tests/cli/docs_test.cc holds it to that.
PAGES = [ROOT / "README.md"] + sorted(p for p in (ROOT / "docs").rglob("*.md")
                                      if "cli" not in p.relative_to(ROOT / "docs").parts[:1])
# Their blocks have placeholders; recipes_test.py runs them over the applications' schemas.
RECIPES = ROOT / "docs/recipes"
# So have those of the runbook, which make up one story; runbook_test.py tells it.
RUNBOOK = ROOT / "docs/operations.md"

# A server of the reader's own becomes a database of the test's.
SERVER_IN_PAGES = re.compile(r"postgresql://(?:\w+@)?[\w.]+/(\w+)")

# The sandbox's file: a little of what a shop has, and one row that points nowhere.
SHOP = """
CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born DATE,
  email TEXT UNIQUE, settings JSON);
CREATE TABLE "order" (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer(id),
  placed_at DATETIME NOT NULL, total DECIMAL(10,2));
CREATE INDEX order_customer ON "order"(customer_id);
CREATE VIEW spent AS SELECT customer_id, sum(total) AS total FROM "order" GROUP BY customer_id;
INSERT INTO customer (name, born, email, settings) VALUES
  ('Ada', '1815-12-10', 'ada@example.org', '{"theme": "dark"}'),
  ('Grace', '1906-12-09', 'grace@example.org', NULL);
INSERT INTO "order" VALUES (1, 1, '2024-02-29 12:00:00', 19.99), (2, 2, '2024-03-01 09:30:00', 5);
"""

# lite2pg as a reader has it in the PATH. serve stays in the foreground until somebody stops it, so
# it is stopped as soon as it has said how to connect.
SHIM = """#!/bin/bash
if [ "$1" = serve ]; then
  coproc server { exec "$LITE2PG_UNDER_TEST" "$@"; }
  pid=$server_PID
  read -r -t 60 connection <&"${server[0]}" || exit 99
  echo "$connection"
  kill -INT "$pid"; wait "$pid"
  exit
fi
exec "$LITE2PG_UNDER_TEST" "$@"
"""


class Documents(EndToEndTest):
    def sandbox(self):
        """A directory with the files that pages speak of, open to the user that servers run as."""
        directory = pathlib.Path(tempfile.mkdtemp(prefix="lite2pg-docs-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)
        self.dir = directory
        self.make_source(SHOP, name="shop.db")
        (directory / "tenants").mkdir()
        for name in ("acme", "zeta"):
            self.make_source(SHOP, name=f"tenants/{name}.db")
        (directory / "bin").mkdir()
        (directory / "bin/lite2pg").write_text(SHIM)
        (directory / "bin/lite2pg").chmod(0o755)
        # What is run from a clone's own directory.
        for name in ("tools", "docs"):
            (directory / name).symlink_to(ROOT / name)
        return directory

    def filled_in(self, text, databases):
        def own(match):
            name = match[1]
            if name not in databases:
                databases[name] = self.make_target()
            return "'" + databases[name] + "'"
        text = SERVER_IN_PAGES.sub(own, text)
        # The program is built; tools/run would look whether it has to be built anew.
        return re.sub(r"(?m)^tools/run (?=\w)", "lite2pg ", text)

    def run_shell(self, directory, script):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        environment = {**clean, "LITE2PG_UNDER_TEST": BIN, "LITE2PG": BIN, "LC_ALL": "C.UTF-8",
                       "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
                       "TMPDIR": str(directory), "HOME": str(directory)}
        return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=directory,
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=240, check=False, text=True,
                              errors="replace")

    def is_built(self):
        """tools/run builds what is not; under ctest everything is."""
        return (pathlib.Path(BIN) == ROOT / "build/release/lite2pg"
                and bool(os.environ.get("LITE2PG_REQUIRE_SERVER")))

    def run_block(self, directory, block, databases):
        if re.search(r"(?m)^(\$ )?tools/run$", block.text) and not self.is_built():
            self.skipTest("tools/run is run under ctest only, where everything is built")
        steps = documents.steps(block)
        for index, (command, printed) in enumerate(steps):
            script = self.filled_in(command, databases)
            result = self.run_shell(directory, script)
            expected = block.exit_code if index == len(steps) - 1 else 0
            self.assertEqual(result.returncode, expected, f"{script}\n{result.stdout[-4000:]}")
            if printed is None:
                continue
            said = {documents.normal(line) for line in result.stdout.splitlines()}
            for line in printed:
                if line.strip() in ("", "..."):
                    continue
                self.assertIn(documents.normal(line), said,
                              f"{script}\nno longer prints: {line}\nbut:\n{result.stdout}")

    def test_every_block_runs(self):
        ran = 0
        for page in PAGES:
            if RECIPES in page.parents or page == RUNBOOK:
                continue
            blocks = [b for b in documents.blocks(page.read_text()) if documents.runs(b)]
            if not blocks:
                continue
            directory, databases = self.sandbox(), {}
            for block in blocks:
                if block.not_run:
                    continue
                with self.subTest(page=str(page.relative_to(ROOT)), line=block.line):
                    self.run_block(directory, block, databases)
                    ran += 1
        self.assertGreater(ran, 3)

    def test_nothing_that_looks_like_a_command_is_left_out(self):
        for page in PAGES:
            if page == RUNBOOK:
                continue
            for block in documents.blocks(page.read_text()):
                with self.subTest(page=str(page.relative_to(ROOT)), line=block.line):
                    self.assertEqual(documents.stray_commands(block), [],
                                     "mark the block as sh or console")

    def test_recipes_have_only_what_their_own_test_runs(self):
        for page in sorted(RECIPES.glob("*.md")):
            for block in documents.blocks(page.read_text()):
                if not documents.runs(block):
                    continue
                with self.subTest(page=page.name, line=block.line):
                    for line in block.text.splitlines():
                        self.assertRegex(line, r"^lite2pg [a-z]+ ")

    def test_options_in_sentences_exist(self):
        helps = {}
        for page in PAGES:
            for command in documents.inline_commands(page.read_text()):
                words = command.split()
                name = words[1] if len(words) > 1 else "--help"
                if name.startswith("-") or not name.islower():
                    continue
                with self.subTest(page=str(page.relative_to(ROOT)), command=command):
                    if name not in helps:
                        helps[name] = lite2pg(name, "--help")
                    self.assertEqual(helps[name].exit_code, 0, command)
                    known = set(re.findall(r"--[a-z][a-z-]+", helps[name].out))
                    for option in re.findall(r"--[a-z][a-z-]+", command):
                        self.assertIn(option, known)


if __name__ == "__main__":
    unittest.main()
