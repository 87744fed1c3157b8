"""Commands in an order in which they do not belong: each says what is the case, and which command is
the right one now. The states are those that a target can be in; the commands are all there are."""

import signal
import subprocess
import unittest

from harness import BIN, EndToEndTest, lite2pg

SOURCE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id));
INSERT INTO parent VALUES (1, 'a'), (2, 'b');
INSERT INTO child VALUES (1, 1), (2, 2);
"""


class WrongOrder(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SOURCE)
        self.archive = self.dir / "archive"
        self.new_file = self.dir / "new.db"

    # ---- States ----

    def empty(self):
        pass

    def copied(self):
        self.assertEqual(self.copy(self.path).exit_code, 0)

    def cleaned(self):
        self.copied()
        self.assertEqual(lite2pg("clean", self.target).exit_code, 0)

    def others(self):
        """Tables of somebody else's, with rows."""
        self.sql("CREATE TABLE parent (id bigint PRIMARY KEY, name text);"
                 "CREATE TABLE child (id bigint PRIMARY KEY, p bigint);"
                 "INSERT INTO parent VALUES (1, 'theirs'); INSERT INTO child VALUES (1, 9)")

    def unfinished(self):
        version = subprocess.run([BIN, "--version"], capture_output=True, check=True).stdout
        if b"failpoints" not in version:
            self.skipTest("this build has no failpoints")
        run = self.copy(self.path, env={"LITE2PG_FAILPOINT": "data.loaded:1:kill"})
        self.assertEqual(run.exit_code, -signal.SIGKILL)

    def unfinished_in_place(self):
        """The application's own tables hold a part of the rows."""
        self.sql("CREATE TABLE parent (id bigint PRIMARY KEY, name text);"
                 "CREATE TABLE child (id bigint PRIMARY KEY, p bigint)")
        self.unfinished()

    # ---- Commands ----

    def commands(self):
        path, target = self.path, self.target
        return {
            "copy": ["copy", path, target],
            "copy --resume": ["copy", path, target, "--resume"],
            "copy --restart": ["copy", path, target, "--restart"],
            "plan": ["plan", path, target],
            "verify": ["verify", path, target],
            "verify TARGET": ["verify", target],
            "sync": ["sync", path, target],
            "revert": ["revert", target, self.new_file],
            "status": ["status", target],
            "status --undo-sql": ["status", target, "--undo-sql"],
            "status --empty-sql": ["status", target, "--empty-sql"],
            "clean": ["clean", target],
            "export --resume": ["export", path, self.archive, "--resume"],
            "import": ["import", self.archive, target],
        }

    # What every command does in every state: its exit code, and what its words must name when it is
    # refused. 0 without words is a success.
    EXPECTED = {
        "empty": {
            "copy --resume": (11, "without --resume"),
            "copy --restart": (0, ""),
            "verify": (4, "copy it"),
            "verify TARGET": (11, "lite2pg verify SOURCE TARGET"),
            "sync": (8, "lite2pg copy"),
            "revert": (8, "lite2pg copy"),
            "status": (0, ""),
            "status --undo-sql": (11, ""),
            "status --empty-sql": (11, ""),
            "clean": (0, ""),
            "export --resume": (None, ""),
            "import": (None, ""),
        },
        "copied": {
            "copy": (8, "lite2pg sync"),
            "copy --resume": (0, ""),
            "plan": (12, "lite2pg sync"),
            "verify": (0, ""),
            "verify TARGET": (0, ""),
            "sync": (0, ""),
            "revert": (0, ""),
            "status": (0, ""),
            "status --undo-sql": (0, ""),
            "status --empty-sql": (0, ""),
            "clean": (0, ""),
        },
        "cleaned": {
            "copy": (8, "lite2pg sync"),
            "copy --resume": (11, "without --resume"),
            "verify": (0, ""),
            "verify TARGET": (11, "lite2pg verify SOURCE TARGET"),
            "sync": (0, ""),
            "revert": (0, ""),
            "clean": (0, ""),
        },
        "others": {
            "copy": (8, "--existing-rows"),
            "verify": (4, ""),
            "verify TARGET": (11, "lite2pg verify SOURCE TARGET"),
            "sync": (4, "--force-source"),
            "status": (0, ""),
        },
        "unfinished": {
            "copy": (11, "--resume"),
            "verify": (4, "--resume"),
            "verify TARGET": (11, "--resume"),
            "sync": (11, "--resume"),
            "revert": (11, "--resume"),
            "status": (0, "--resume"),
            "status --undo-sql": (11, "--resume"),
            "clean": (11, "--force"),
            "copy --resume": (0, ""),
        },
        "unfinished_in_place": {
            "copy": (11, "--resume"),
            "verify": (4, "--resume"),
            "verify TARGET": (11, "--resume"),
            "sync": (11, "--resume"),
            "revert": (11, "--resume"),
            "clean": (11, "--force"),
            "copy --restart": (0, ""),
        },
    }

    def test_every_command_in_every_state(self):
        for state, expected in self.EXPECTED.items():
            for name, (exit_code, words) in expected.items():
                with self.subTest(state=state, command=name):
                    self.target = self.make_target()
                    if self.new_file.exists():
                        self.new_file.unlink()
                    getattr(self, state)()
                    before = self.content()
                    run = lite2pg(*self.commands()[name])
                    said = " ".join((run.out + run.err).split())
                    if exit_code is None:
                        self.assertNotIn(run.exit_code, (0, 1), str(run))
                    else:
                        self.assertEqual(run.exit_code, exit_code, str(run))
                    self.assertIn(words, said)
                    if run.exit_code != 0:
                        self.assertIn("hint", said + "hint" * (run.exit_code == 4))
                        self.assertEqual(self.content(), before, "a refused command changed rows")

    def content(self):
        rows = []
        for schema, table in self.sql(
                "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                " WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND relname IN ('parent', 'child')"
                " AND nspname <> 'information_schema' ORDER BY 1, 2"):
            rows.append((schema, table, self.sql(f'SELECT * FROM "{schema}"."{table}" ORDER BY 1')))
        return rows

    def test_a_file_that_is_there_is_not_replaced(self):
        self.copied()
        self.new_file.write_text("precious")
        run = lite2pg("revert", self.target, self.new_file)
        self.assertEqual(run.exit_code, 2, str(run))
        self.assertEqual(self.new_file.read_text(), "precious")

    def test_several_files_into_one_database(self):
        """Clashes of names are found by the plan, before anything is done."""
        self.copied()
        other = self.make_source("CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent"
                                 " VALUES (9); CREATE TABLE more (x); INSERT INTO more VALUES (1)",
                                 "other.db")
        for command in ("plan", "copy"):
            run = lite2pg(command, other, self.target, "--format", "json", "--schema-mode", "create")
            self.assertIn(run.exit_code, (8, 12), str(run))
            self.assertIn("parent", str(run.errors()) + run.out)
        self.assertNotIn("public.more", self.tables_in_target())
        # Left out, or under another name, or in another schema, it works.
        run = self.copy(other, "--exclude", "parent")
        self.assertEqual(run.exit_code, 0, str(run))
        # Both files are known to verify from here on.
        self.assertEqual(lite2pg("verify", self.path, self.target).exit_code, 0)
        self.assertEqual(lite2pg("verify", other, self.target, "--exclude", "parent").exit_code, 0)


if __name__ == "__main__":
    unittest.main()
