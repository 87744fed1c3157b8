"""The report's page in a browser: laid out at every width, readable in either colour scheme, and
complete without a network."""

import os
import sys
import unittest

from harness import ROOT, EndToEndTest, lite2pg

sys.path.insert(0, str(ROOT / "tests/support"))

import browser  # noqa: E402  (found by the line above)

SCRIPT = """
CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born DATE, v);
CREATE TABLE a_table_with_a_name_that_is_much_longer_than_the_others_are (
  id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer(id), n INTEGER);
CREATE INDEX by_customer ON a_table_with_a_name_that_is_much_longer_than_the_others_are(customer_id);
CREATE TRIGGER sign AFTER INSERT ON customer BEGIN UPDATE customer SET v = 1; END;
CREATE VIEW names AS SELECT name FROM customer;
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)
  INSERT INTO customer SELECT n, 'name ' || n, '2024-02-29', n FROM i;
DELETE FROM customer WHERE id = 7;
INSERT INTO a_table_with_a_name_that_is_much_longer_than_the_others_are
  SELECT id, id, id FROM customer;
INSERT INTO a_table_with_a_name_that_is_much_longer_than_the_others_are VALUES (7, 7, 'seven');
"""


@unittest.skipUnless(browser.find(), "there is no Chromium here")
class Browser(EndToEndTest):
    def look(self, page, **options):
        seen = browser.look(page, **options)
        self.assertEqual(seen["loaded"], [], "the page loads something")
        self.assertEqual(seen["outside"], [], "drawn outside of its picture")
        self.assertEqual(seen["faint"], [], "hard to read")
        self.assertLessEqual(seen["scroll_width"], seen["width"], "wider than the window")
        return seen

    def run_with_page(self, *arguments):
        page = self.dir / "report.html"
        run = lite2pg(*arguments, "--report", page, "--format", "json")
        self.assertTrue(page.exists(), str(run))
        return run, page

    def test_a_copy(self):
        path = self.make_source(SCRIPT)
        run, page = self.run_with_page("copy", path, self.target)
        self.assertEqual(run.exit_code, 0, str(run))
        seen = self.look(page)
        self.assertIn("verified: 2 tables, 39,999 rows", seen["headings"][0])
        self.assertEqual(seen["plots"], ["stages and workers along the time",
                                         "rows and bytes per second along the time",
                                         "time of the workers by table"])
        rows = {row[0]: row for row in seen["rows"] if row}
        self.assertIn("\u2713 equal", rows["customer"])
        self.assertIn("20,000", rows[next(r for r in rows if r.startswith("a_table"))])
        # Types, with an example where the form changed.
        [v] = [row for row in seen["rows"] if row[:2] == ["n", "INTEGER"]]
        self.assertNotEqual(v[2], "bigint")
        notes = " ".join(seen["notes"])
        self.assertIn("CREATE TRIGGER sign AFTER INSERT ON customer", notes)
        self.assertIn("What to do", notes)
        # Narrow, and dark.
        light = seen["background"]
        self.look(page, width=360)
        dark = self.look(page, dark=True)
        self.assertNotEqual(dark["background"], light)
        self.assertEqual(dark["headings"], seen["headings"])

    def test_a_plan_a_difference_and_a_failure(self):
        path = self.make_source(SCRIPT)
        run, page = self.run_with_page("plan", path, self.target)
        self.assertEqual(run.exit_code, 0, str(run))
        seen = self.look(page)
        self.assertIn("nothing would stop a copy", seen["headings"][0])
        # A page to decide from: what needs a look, first; what it will take.
        self.assertIn("Tables, what needs a look first", seen["headings"])
        self.assertIn("What a copy takes", seen["headings"])
        look_at = [row[6] for row in seen["rows"] if len(row) == 7 and row[0].isdigit()]
        self.assertEqual(["warning" in text for text in look_at], [True, False])

        self.copy(path)
        self.sql("UPDATE customer SET name = 'somebody else' WHERE id = 100")
        run, page = self.run_with_page("verify", path, self.target)
        self.assertEqual(run.exit_code, 4, str(run))
        seen = self.look(page, dark=True)
        self.assertIn("Differences", seen["headings"])
        [row] = [row for row in seen["rows"] if "somebody else" in " ".join(row)]
        self.assertIn("100", row[0])
        self.assertEqual(row[1], "name")

        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
        run, page = self.run_with_page("copy", path, self.target)
        self.assertEqual(run.exit_code, 5, str(run))
        seen = self.look(page)
        self.assertIn("What failed", seen["headings"])
        self.assertIn("what to do", " ".join(seen["notes"]))


if __name__ == "__main__":
    unittest.main()
