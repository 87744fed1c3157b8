"""The commands of docs/recipes, run as they stand there over schemas of the applications' shapes."""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import unittest
from decimal import Decimal

from harness import BIN, ROOT, EndToEndTest, execute, lite2pg
from recipe_schemas import SCHEMAS

RECIPES = ROOT / "docs/recipes"


def commands(recipe):
    """The lite2pg commands of a recipe's shell blocks, without the program's name."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", (RECIPES / recipe).read_text(), re.S):
        found += [shlex.split(line)[1:] for line in block.splitlines()
                  if line.startswith("lite2pg ")]
    return found


class Recipes(EndToEndTest):
    def filled_in(self, words, path):
        values = {"FILE": str(path), "TARGET": self.target,
                  **{file.name: str(file) for file in RECIPES.glob("*.toml")}}
        return [values.get(word, word) for word in words]


    def test_every_recipe_is_listed_and_has_the_same_parts(self):
        names = sorted(p.name for p in RECIPES.glob("*.md") if p.name != "README.md")
        index = (RECIPES / "README.md").read_text()
        self.assertEqual(sorted(set(re.findall(r"\]\(([a-z0-9-]+\.md)\)", index))), names)
        for name in names:
            with self.subTest(recipe=name):
                parts = re.findall(r"^## (.*)$", (RECIPES / name).read_text(), re.M)
                self.assertEqual(len(parts), 6, parts)
                kinds = [c[0] for c in commands(name)]
                self.assertEqual(kinds[:3], ["plan", "copy", "verify"])

    def test_commands_of_every_recipe_move_its_application(self):
        for name, (source, target) in SCHEMAS.items():
            with self.subTest(recipe=name):
                self.target = self.make_target()
                execute(self.target, target)
                path = self.make_source(source, name=f"{name}.db")
                steps = [self.filled_in(c, path) for c in commands(f"{name}.md")]
                plan = lite2pg(*steps[0], "--format", "json")
                self.assertIn(plan.exit_code, (0, 12), str(plan))
                self.assertTrue(all("hint" in f for f in plan.findings()))
                run = lite2pg(*steps[1], "--format", "json")
                self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
                states = {t["state"] for t in run.report["tables"]}
                self.assertLessEqual(states, {"copied", "bookkeeping", "not_a_table"})
                self.assert_numbers_continue()
                check = lite2pg(*steps[2], "--format", "json")
                self.assertEqual(check.exit_code, 0, str(check))
                if "--config" in steps[1]:
                    path = self.rounded_copy(path)
                self.assert_equal_copy(path, run, check_schema=False)

    def test_the_cut_over_script(self):
        """Rehearsed, carried out, and taken back when a step fails."""
        source, target = SCHEMAS["gitea"]
        execute(self.target, target)
        path = self.make_source(source)

        def cutover(*words):
            return subprocess.run(
                [str(ROOT / "tools/examples/cutover"), str(path), self.target, *words],
                env={**os.environ, "LITE2PG": BIN, "FILL": "repository.is_private=true"},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

        rehearsed = cutover("rehearse")
        self.assertEqual(rehearsed.returncode, 0, rehearsed.stdout)
        self.assertNotIn("stop the application", rehearsed.stdout)
        self.assertEqual(self.sql("SELECT count(*) FROM repository"), [(0,)])
        with contextlib.closing(sqlite3.connect(path)) as holder:
            holder.execute("SELECT * FROM version").fetchall()  # the application, still running
            failed = cutover()
        self.assertEqual(failed.returncode, 6, failed.stdout)
        self.assertIn(f"point the application at {path}", failed.stdout)
        done = cutover()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"point the application at {self.target}", done.stdout)
        self.assertEqual(self.sql("SELECT count(*) FROM repository WHERE is_private"), [(2,)])
        self.assertTrue(pathlib.Path(f"{path}.certificate.json").exists())
        # The application has worked on PostgreSQL meanwhile.
        self.sql("UPDATE repository SET name = 'renamed'"
                 " WHERE id = (SELECT min(id) FROM repository)")
        back = cutover("back")
        self.assertEqual(back.returncode, 0, back.stdout)
        self.assertIn(f"point the application at {path}", back.stdout)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM repository"
                                                " WHERE name = 'renamed'").fetchall(), [(1,)])
        self.assertTrue(pathlib.Path(f"{path}.before").exists())

    def rounded_copy(self, path):
        """The source with digits below the microsecond rounded by other means than ours."""
        def rounded(value):
            if not isinstance(value, str):
                return value
            return re.sub(r"(?<=:\d\d)\.\d{7,9}",
                          lambda m: format(Decimal(m[0]).quantize(Decimal("1e-6")), "f")[1:], value)

        copy = path.with_suffix(".rounded.db")
        shutil.copy(path, copy)
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.create_function("rounded", 1, rounded)
            for (table,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                    ).fetchall():
                columns = [c[1] for c in connection.execute(f'PRAGMA table_info("{table}")')]
                connection.execute(f'UPDATE "{table}" SET ' + ", ".join(
                    f'"{c}" = rounded("{c}")' for c in columns))
            connection.commit()
        return copy

    def assert_numbers_continue(self):
        """Every number that a default gives is above those that are there."""
        for table, column, sequence in self.sql(
                "SELECT a.attrelid::regclass::text, quote_ident(a.attname),"
                " pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)"
                " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
                " AND pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL"):
            highest = self.sql(f"SELECT coalesce(max({column}), 0) FROM {table}")[0][0]
            self.assertGreater(self.sql(f"SELECT nextval('{sequence}')")[0][0], highest, table)


if __name__ == "__main__":
    unittest.main()
