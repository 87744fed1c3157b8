"""plan --write-config: a file that changes nothing as it is, nor with every line taken as said."""

import re
import unittest

from harness import EndToEndTest, lite2pg

SOURCE = """
CREATE TABLE "or""der's [x]" ("id" INTEGER PRIMARY KEY, "a\tb" TEXT, "c.d" NUMERIC, placed DATETIME,
  "per#cent" VARCHAR(5));
INSERT INTO "or""der's [x]" VALUES (1, 'x', 1.5, '2024-01-01 10:00:00', 'abc'),
  (2, NULL, 2, '2024-01-01 11:00:00', 'much too long');
CREATE TABLE plain (x, y INT);
INSERT INTO plain VALUES (1.5, 'text');
CREATE TABLE left_out (a);
CREATE TRIGGER notes AFTER INSERT ON plain BEGIN DELETE FROM left_out; END;
"""


class WriteConfig(EndToEndTest):
    def types(self, run):
        return [(t["source_name"], c["target_name"], c["target_type"])
                for t in run.report["tables"] for c in t["columns"]]

    def test_the_file_means_what_the_plan_decided(self):
        path = self.make_source(SOURCE)
        config = self.dir / "decisions.toml"
        plan = self.copy(path, "--dry-run")  # the same as plan, without the option
        run = self.lite2pg_plan(path, config)
        self.assertEqual(run.exit_code, 0, str(run))
        text = config.read_text()
        self.assertIn("L2P2003", text, "a finding stands with its column")
        self.assertIn("left_out: excluded", text)
        self.assertIn('# orphans = "not-valid"', text)
        self.assertIn("trigger notes on plain", text)
        self.assertEqual(self.types(self.copy(path, "--config", config, "--dry-run")),
                         self.types(plan))

        # Every line that is shown works when its '#' is gone.
        config.write_text(re.sub(r"(?m)^# (?=[a-z-]+ = )", "", text))
        self.assertIn('\ntype = "', config.read_text())
        again = self.copy(path, "--config", config)
        self.assertEqual(again.exit_code, 0, str(again))
        self.assertEqual(self.types(again),
                         [t for t in self.types(plan) if t[0] != "left_out"] +
                         [t for t in self.types(plan) if t[0] == "left_out"])
        self.assert_equal_copy(path, again, check_schema=False)

    def lite2pg_plan(self, path, config):
        return lite2pg("plan", path, self.target, "--write-config", config, "--exclude", "left_out",
                       "--format", "json")

    def test_a_plan_that_blocks_writes_it_too(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT);"
                                "INSERT INTO t VALUES (1, '2024-01-01 10:00:00.123456789')")
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, at timestamp)")
        config = self.dir / "decisions.toml"
        run = lite2pg("plan", path, self.target, "--write-config", config, "--format", "json")
        self.assertEqual(run.exit_code, 12, str(run))
        self.assertIn("L2P2001", config.read_text())


if __name__ == "__main__":
    unittest.main()
