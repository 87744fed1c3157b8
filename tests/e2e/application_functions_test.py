"""Databases that use collations and functions which only their application has: Anki's `unicase`,
Android's `LOCALIZED`, Apple's and many others'. Rows can be read without them."""

import sqlite3
import unittest

from harness import EndToEndTest, lite2pg

SCHEMA = """
    CREATE TABLE tag (name TEXT NOT NULL COLLATE unicase, usn INTEGER COLLATE unicase, note,
                      PRIMARY KEY (name DESC, usn)) WITHOUT ROWID;
    CREATE TABLE deck (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE unicase UNIQUE,
                       CHECK (is_name(name)));
    CREATE TABLE card (id INTEGER PRIMARY KEY, tag TEXT REFERENCES tag (name), front TEXT);
    CREATE INDEX card_front ON card (front COLLATE unicase);
    CREATE INDEX card_named ON card (is_name(front));
    CREATE UNIQUE INDEX card_some ON card (id) WHERE is_name(front);
    CREATE VIEW sorted AS SELECT * FROM card ORDER BY front COLLATE unicase;
"""
ROWS = 2000


def backwards(left, right):
    """No order that anybody would guess."""
    return (left < right) - (left > right)


def fill(db):
    db.create_collation("unicase", backwards)
    db.create_function("is_name", 1, lambda text: 1, deterministic=True)
    db.executescript(SCHEMA)
    for i in range(ROWS):
        name = chr(97 + i % 26) * (1 + i % 5) + str(i)
        db.execute("INSERT INTO tag VALUES (?, ?, ?)", (name, i, b"\0" * (i % 7)))
        db.execute("INSERT INTO deck (name) VALUES (?)", (name,))
        db.execute("INSERT INTO card (tag, front) VALUES (?, ?)", (name, name.upper()))


class ApplicationFunctionsTest(EndToEndTest):

    def setUp(self):
        super().setUp()
        self.source = self.make_source(build=fill)

    def test_every_row_arrives(self):
        for reader in ("auto", "library"):
            with self.subTest(reader=reader):
                self.target = self.make_target()
                run = self.copy_and_judge(self.source, "--reader", reader)
                self.assertEqual({t["source_name"]: t["rows_copied"] for t in run.report["tables"]},
                                 {"tag": ROWS, "deck": ROWS, "card": ROWS})
                lost = {o["name"] for o in run.report["objects"] if o["state"] == "not_carried"}
                self.assertIn("card_named", lost)

    def test_other_commands_read_it_too(self):
        self.copy_and_judge(self.source)
        self.assert_verified(self.source)
        synced = lite2pg("sync", self.source, self.target, "--format", "json")
        self.assertEqual(synced.exit_code, 0, str(synced))
        archive = self.dir / "archive"
        exported = lite2pg("export", self.source, archive, "--format", "json")
        self.assertEqual(exported.exit_code, 0, str(exported))
        imported = lite2pg("import", archive, self.target, "--target-schema", "other",
                           "--format", "json")
        self.assertEqual(imported.exit_code, 0, str(imported))

    def test_deep_plan_names_keys_that_cannot_be_checked(self):
        plan = lite2pg("plan", self.source, self.target, "--deep", "--format", "json")
        self.assertEqual(plan.exit_code, 0, str(plan))
        self.assertTrue([f for f in plan.findings("L2P4006") if "cannot check" in f["message"]],
                        str(plan))

    def test_a_condition_on_such_a_column_is_refused(self):
        run = self.copy(self.source, "--where", "tag=name < 'm'")
        self.assert_fails(run, 5, "L2P1009")
        self.assertIn("unicase", run.report["errors"][0]["what"])
        self.assertEqual(self.tables_in_target(), [])

    def test_damage_in_it_is_found(self):
        def page_with(marker):
            data = self.source.read_bytes()
            return data.index(marker) // 4096
        page = page_with(b"CCCC")  # of table card
        with open(self.source, "r+b") as file:
            file.seek(page * 4096)
            file.write(b"\0" * 4096)
        self.assertEqual(self.copy(self.source).exit_code, 5)

    def test_revert_keeps_the_rows(self):
        self.copy_and_judge(self.source)
        back = self.dir / "back.db"
        run = lite2pg("revert", self.target, back, "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertTrue(run.findings("L2P4005"), str(run))
        reverted, source = sqlite3.connect(back), sqlite3.connect(self.source)
        source.create_collation("unicase", backwards)
        for table in ("tag", "deck", "card"):
            with self.subTest(table=table):
                rows = f"SELECT * FROM {table}"
                self.assertEqual(sorted(reverted.execute(rows), key=repr),
                                 sorted(source.execute(rows), key=repr))


if __name__ == "__main__":
    unittest.main()
