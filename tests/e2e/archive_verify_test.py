"""verify of archives: alone, against an SQLite file, a target, another archive, a certificate; in
either order, down to the cell."""

import json
import os
import shutil
import sqlite3
import unittest

from archive_support import BIG, SCRIPT, ArchiveTest
from archive_test import CORPUS, CORPUS_BYTES_MAX
from harness import snapshot_of_files

import archive_reader  # noqa: E402  (harness says where it is)

# Values that are written in one way in SQLite and in another in the archive.
READ = """
CREATE TABLE read (id INTEGER PRIMARY KEY, at TIMESTAMP, day DATE, ok BOOLEAN, price NUMERIC(10,2),
  who UUID, doc JSON, note TEXT, raw BLOB, f REAL);
INSERT INTO read VALUES
  (1, 1700000000, '2024-02-29', 1, 12.5, '01234567-89ab-cdef-0123-456789abcdef', '{"b":1,"a":2}',
   'one', x'00', 0.1),
  (2, 1700000001, '0044-03-15', 0, 3, NULL, NULL, '', x'', -0.0),
  (3, NULL, NULL, NULL, NULL, 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', '[1.50]', NULL, NULL, 9e999);
"""
CONFIG = """
[table.read.column.at]
type = "timestamptz"
integer = "unix-seconds"
[table.read.column.doc]
type = "jsonb"
[table.read.column.note]
empty-as-null = true
"""


def kinds(run, table):
    return sorted(d["kind"] for d in run.table(table)["differences"])


class VerifyArchive(ArchiveTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT + READ)

    def changed_copy(self, statement, name="changed.db", of=None):
        path = self.dir / name
        shutil.copy(of or self.path, path)
        db = sqlite3.connect(path)
        db.executescript(statement)
        db.close()
        return path

    # ---- Alone --------------------------------------------------------------------------------

    def test_alone(self):
        self.exported(self.path)
        run = self.verified(self.archive)
        manifest = {t["source_name"]: t for t in self.manifest()["tables"]}
        self.assertEqual({t["source_name"] for t in run.report["tables"]}, set(manifest))
        for table in run.report["tables"]:
            archived = manifest[table["source_name"]]
            self.assertEqual((table["rows_source"], table["rows_target"], table["digest_target"]),
                             (archived["rows"], archived["rows"], archived["digest"]))
        self.assertIn(self.manifest()["manifest_sha256"], run.report["source"]["fingerprint"])

    def test_sizes_alone_are_not_called_verified(self):
        self.exported(self.path)
        run = self.verify(self.archive, "--verify", "counts")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "copied"), str(run))
        self.assertTrue(run.findings("L2P5004"), str(run))
        chunk = self.archive / self.manifest()["tables"][0]["chunks"][0]["file"]
        data = bytearray(chunk.read_bytes())
        data[30] ^= 1
        chunk.write_bytes(data)
        self.assertEqual(self.verify(self.archive, "--verify", "counts").exit_code, 0)
        self.assert_fails(self.verify(self.archive), 13, "L2P7001")
        chunk.write_bytes(data[:-1])
        self.assert_fails(self.verify(self.archive, "--verify", "counts"), 13, "L2P7001")

    def test_what_is_no_archive(self):
        self.archive.mkdir(mode=0o700)
        self.assert_fails(self.verify(self.archive), 13, "L2P7001")
        self.assert_fails(self.verify(self.archive, self.path), 13, "L2P7001")

    def test_a_damaged_archive_is_compared_with_nothing(self):
        self.exported(self.path)
        self.imported()
        chunk = self.archive / self.manifest()["tables"][0]["chunks"][0]["file"]
        data = bytearray(chunk.read_bytes())
        data[-10] ^= 1
        chunk.write_bytes(data)
        for other in (self.path, self.target, self.archive):
            self.assert_fails(self.verify(self.archive, other), 13, "L2P7001")
            self.assert_fails(self.verify(other, self.archive), 13, "L2P7001")

    # ---- Against an SQLite file ----------------------------------------------------------------

    def test_against_the_file_that_it_is_of(self):
        config = self.dir / "config.toml"
        config.write_text(CONFIG)
        for number, options in enumerate([(), ("--compress",), ("--config", config),
                                          ("--identifiers", "lower")]):
            with self.subTest(options):
                self.archive = self.dir / f"archive{number}"
                self.exported(self.path, *options)
                before = snapshot_of_files(self.path)
                for sides in ((self.archive, self.path), (self.path, self.archive)):
                    run = self.verified(*sides)
                    self.assertEqual(run.report["source"]["path"], str(self.path))
                    self.assertEqual({t["source_name"] for t in run.report["tables"]},
                                     {t["source_name"] for t in self.manifest()["tables"]})
                self.assertEqual(snapshot_of_files(self.path), before)

    def test_every_change_of_the_file_is_found_and_named(self):
        self.exported(self.path)
        for statement, table, key, column, found in [
                ("UPDATE read SET at = at + 1 WHERE id = 2", "read", "id=2", "at", "changed"),
                ("UPDATE read SET day = '2024-03-01' WHERE id = 1", "read", "id=1", "day", "changed"),
                ("UPDATE read SET ok = 0 WHERE id = 1", "read", "id=1", "ok", "changed"),
                ("UPDATE read SET price = NULL WHERE id = 2", "read", "id=2", "price", "changed"),
                ("UPDATE read SET who = '01234567-89ab-cdef-0123-456789abcdee' WHERE id = 1",
                 "read", "id=1", "who", "changed"),
                ("UPDATE read SET note = NULL WHERE id = 2", "read", "id=2", "note", "changed"),
                ("UPDATE read SET raw = NULL WHERE id = 2", "read", "id=2", "raw", "changed"),
                ("UPDATE read SET f = 0.1000000000000001 WHERE id = 1", "read", "id=1", "f",
                 "changed"),
                ("UPDATE read SET day = 'no day' WHERE id = 1", "read", "id=1", "day", "changed"),
                ("DELETE FROM read WHERE id = 3", "read", "id=3", None, "extra"),
                ("INSERT INTO read (id) VALUES (4)", "read", "id=4", None, "missing"),
                ("UPDATE read SET id = 5 WHERE id = 3", "read", "id=5", None, "missing"),
                ("UPDATE wr SET w = 'x' WHERE l = 77", "wr", None, "w", "changed"),
                ("DELETE FROM keyless WHERE rowid = 1", "keyless", None, None, "doubled"),
                ("INSERT INTO keyless VALUES (1, 'x')", "keyless", None, None, "missing"),
                ("INSERT INTO empty VALUES (1, 'b')", "empty", "a=1", None, "missing"),
        ]:
            with self.subTest(statement):
                run = self.verify(self.archive, self.changed_copy(statement))
                self.assertEqual((run.exit_code, run.report["outcome"]), (4, "differs"), str(run))
                unequal = [t["source_name"] for t in run.report["tables"] if t["equal"] is False]
                self.assertEqual(unequal, [table], str(run))
                differences = [d for d in run.table(table)["differences"] if d["kind"] == found]
                self.assertTrue(differences, str(run))
                if key is not None:
                    self.assertIn(key, [d["key"] for d in differences], str(run))
                if column is not None:
                    self.assertEqual([d["column"] for d in differences], [column], str(run))

    def test_tables_and_columns_of_one_side(self):
        self.exported(self.path)
        for statement, table, kind in [
                ("ALTER TABLE keyless ADD COLUMN more", "keyless", ["column_missing"]),
                ("ALTER TABLE keyless DROP COLUMN b", "keyless", ["column_extra"]),
                ("DROP TABLE keyless", "keyless", ["table_extra"]),
                ("CREATE TABLE more (x)", "more", ["table_missing"])]:
            with self.subTest(statement):
                run = self.verify(self.changed_copy(statement), self.archive)
                self.assertEqual(run.exit_code, 4, str(run))
                self.assertEqual([t["source_name"] for t in run.report["tables"]
                                  if t["equal"] is False], [table], str(run))
                self.assertEqual(kinds(run, table)[:1], kind, str(run))

    def test_part_of_a_database(self):
        self.exported(self.path, "--exclude", "k*", "--where", "wr=l <= 10")
        run = self.verified(self.archive, self.path)
        self.assertEqual(run.table("wr")["rows_source"], 10)
        self.assertEqual(run.table("kinds")["state"], "excluded")
        self.assertTrue(run.findings("L2P4015"), str(run))
        # A part of the part; what is beyond is no difference.
        run = self.verified(self.archive, self.path, "--where", "wr=l > 5", "--include", "wr")
        self.assertEqual(run.table("wr")["rows_source"], 5)
        changed = self.changed_copy("UPDATE wr SET w = 'x' WHERE l IN (3, 9, 12)")
        run = self.verify(self.archive, changed)
        self.assertEqual(len(run.table("wr")["differences"]), 2, str(run))
        run = self.verify(self.archive, changed, "--where", "wr=l > 5")
        self.assertEqual(len(run.table("wr")["differences"]), 1, str(run))

    def test_options_of_comparing(self):
        big = self.make_source(BIG, "big.db")
        self.exported(big)
        changed = self.changed_copy("UPDATE big SET b = b + 1 WHERE id % 100 = 0", of=big)
        run = self.verify(self.archive, changed, "--max-differences", "3")
        self.assertEqual((run.exit_code, len(run.table("big")["differences"])), (4, 3), str(run))
        all_changed = run.table("big")["rows_changed"]
        self.assertEqual(all_changed, 600)
        run = self.verify(self.archive, changed, "--sample", "20%")
        self.assertLess(0, run.table("big")["rows_changed"])
        self.assertLess(run.table("big")["rows_changed"], 300)
        run = self.verify(self.archive, changed, "--verify", "counts")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "copied"), str(run))
        run = self.verify(self.archive, self.changed_copy("DELETE FROM big WHERE id = -99993", of=big),
                          "--verify", "counts", "--streams", "4", "--memory", "100MiB")
        self.assertEqual((run.exit_code, kinds(run, "big")), (4, ["count"]), str(run))

    def test_real_databases(self):
        files = sorted(p for p in CORPUS.rglob("*") if p.is_file()
                       and p.stat().st_size <= CORPUS_BYTES_MAX
                       and p.read_bytes()[:15] == b"SQLite format 3")
        if not files:
            self.skipTest("there is no corpus")
        for number, path in enumerate(files):
            with self.subTest(file=path.name):
                self.archive = self.dir / ("archive-" + path.name)
                run = self.export(path, *(("--compress",) if number % 2 else ()))
                if run.exit_code == 0:
                    self.verified(self.archive, path)
                    self.verified(self.archive)

    # ---- Against a target ----------------------------------------------------------------------

    def test_against_targets_filled_from_it_or_from_its_source(self):
        config = self.dir / "config.toml"
        config.write_text(CONFIG)
        for number, options in enumerate([(), ("--config", config), ("--identifiers", "lower")]):
            with self.subTest(options):
                self.archive = self.dir / f"archive{number}"
                self.exported(self.path, *options)
                self.target, copied = self.make_target(), self.make_target()
                self.imported()
                run = self.copy(self.path, *options, target=copied)
                self.assertEqual(run.exit_code, 0, str(run))
                for sides in ((self.archive, self.target), (self.target, self.archive),
                              (self.archive, copied)):
                    run = self.verified(*sides)
                    self.assertIn(self.manifest()["manifest_sha256"],
                                  run.report["source"]["fingerprint"])

    def test_every_change_of_a_target_is_found_and_named(self):
        self.exported(self.path)
        self.imported()
        self.sql("ALTER TABLE child DROP CONSTRAINT child_parent_id_fkey")
        for statement, table, key, column, found in [
                ("UPDATE read SET at = at + 1 WHERE id = 2", "read", "id=2", "at", "changed"),
                ("UPDATE kinds SET ts = ts + interval '1 microsecond' WHERE id = 1", "kinds",
                 "id=1", "ts", "changed"),
                ("UPDATE read SET price = 12.51 WHERE id = 1", "read", "id=1", "price", "changed"),
                ("UPDATE read SET note = NULL WHERE id = 2", "read", "id=2", "note", "changed"),
                ("UPDATE read SET who = NULL WHERE id = 1", "read", "id=1", "who", "changed"),
                ("DELETE FROM wr WHERE l = 77", "wr", None, None, "missing"),
                ("INSERT INTO wr VALUES ('new', 1, '')", "wr", None, None, "extra"),
                ("INSERT INTO keyless SELECT * FROM keyless WHERE a IS NULL", "keyless", None, None,
                 "doubled")]:
            with self.subTest(statement):
                connection = self.make_target_from(self.sql("SELECT current_database()")[0][0])
                self_target, self.target = self.target, connection
                try:
                    self.sql(statement)
                    run = self.verify(self.archive, connection)
                finally:
                    self.target = self_target
                self.assertEqual((run.exit_code, run.report["outcome"]), (4, "differs"), str(run))
                unequal = [t["source_name"] for t in run.report["tables"] if t["equal"] is False]
                self.assertEqual(unequal, [table], str(run))
                (difference,) = [d for d in run.table(table)["differences"]]
                self.assertEqual(difference["kind"], found, str(run))
                if key is not None:
                    self.assertEqual((difference["key"], difference["column"]), (key, column))

    def test_a_target_of_other_types(self):
        """The application's table has the types; the archive has SQLite's numbers."""
        path = self.make_source("CREATE TABLE item (id INTEGER PRIMARY KEY, made INTEGER, n INTEGER,"
                                " v TEXT); INSERT INTO item VALUES (1, 1700000000, 5, ''),"
                                " (2, NULL, 6, 'x')", "numbers.db")
        self.exported(path)
        self.sql("CREATE TABLE item (id integer PRIMARY KEY, made timestamptz, n numeric(9,2),"
                 " v varchar(5))")
        config = self.dir / "config.toml"
        config.write_text('[table.item.column.made]\ninteger = "unix-seconds"\n'
                          "[table.item.column.v]\nempty-as-null = true\n")
        run = self.copy(path, "--config", config)
        self.assertEqual(run.exit_code, 0, str(run))
        # The rules are known from the run's record.
        self.verified(self.archive, self.target)
        self.sql("UPDATE item SET made = made + interval '1 hour'")
        run = self.verify(self.archive, self.target)
        self.assertEqual([(d["key"], d["column"]) for d in run.table("item")["differences"]],
                         [("id=1", "made")], str(run))
        # Without a record the numbers prove it.
        self.sql("UPDATE item SET made = made - interval '1 hour', v = NULLIF(v, '')")
        self.sql("DROP SCHEMA lite2pg CASCADE")
        self.verified(self.archive, self.target, "--config", config)

    def test_rows_set_aside_and_rows_that_were_there(self):
        path = self.make_source("CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO item VALUES (1, 5), (2, 100000), (3, 7)", "items.db")
        self.exported(path)
        self.sql("CREATE TABLE item (id integer PRIMARY KEY, n smallint)")
        self.sql("INSERT INTO item VALUES (9, 9)")
        run = self.import_("--on-bad-value", "reject", "--existing-rows", "skip-equal")
        self.assertEqual(run.exit_code, 3, str(run))
        run = self.verify(self.archive, self.target)
        self.assertEqual((run.exit_code, run.report["outcome"]), (3, "rejected"), str(run))
        self.assertEqual((run.table("item")["rows_rejected"], run.table("item")["rows_preexisting"]),
                         (1, 1), str(run))
        self.sql("UPDATE item SET n = 8 WHERE id = 3")
        self.assertEqual(self.verify(self.archive, self.target).exit_code, 4)

    def test_part_of_a_database_against_a_target(self):
        self.exported(self.path, "--include", "wr", "--where", "wr=l <= 10")
        self.imported()
        self.verified(self.archive, self.target)
        # It came from this archive alone, so what is beyond was added by somebody.
        self.sql("INSERT INTO wr VALUES ('new', 1, '')")
        self.assertEqual(kinds(self.verify(self.archive, self.target), "wr"), ["extra"])
        whole = self.make_target()
        self.assertEqual(self.copy(self.path, target=whole).exit_code, 0)
        run = self.verified(self.archive, whole)
        self.assertEqual(run.table("wr")["rows_preexisting"], 490, str(run))
        self.assert_fails(self.verify(self.archive, whole, "--where", "wr=l < 3"), 2)

    # ---- Two archives, and certificates ---------------------------------------------------------

    def test_two_archives(self):
        self.exported(self.path)
        other = self.dir / "other"
        self.exported(self.path, "--compress", to=other)
        self.verified(self.archive, other)
        changed = self.changed_copy("UPDATE wr SET w = 'x' WHERE l = 77; DROP TABLE keyless;"
                                    "DELETE FROM read WHERE id = 1")
        self.exported(changed, "--restart", to=other)
        run = self.verify(self.archive, other)
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertEqual([kinds(run, t) for t in ("wr", "read", "keyless")],
                         [["changed"], ["missing"], ["table_missing"]], str(run))

    def test_certificates(self):
        config = self.dir / "config.toml"
        config.write_text(CONFIG)
        self.exported(self.path, "--config", config)
        self.imported()
        changed = self.changed_copy("UPDATE read SET note = 'x' WHERE id = 1")
        other = self.dir / "other"
        self.exported(changed, "--config", config, to=other)
        made = {}
        for name, sides in {"alone": [self.archive], "file": [self.archive, self.path],
                            "target": [self.archive, self.target]}.items():
            made[name] = self.dir / f"{name}.json"
            self.verified(*sides, "--write-certificate", made[name])
        made["copy"] = self.dir / "copy.json"
        copied = self.make_target()
        run = self.copy(self.path, "--config", config, "--write-certificate", made["copy"],
                        target=copied)
        self.assertEqual(run.exit_code, 0, str(run))
        for name, certificate in made.items():
            document = json.loads(certificate.read_text())
            self.assertEqual({t["source_name"] for t in document["plan"]["tables"]},
                             {t["source_name"] for t in self.manifest()["tables"]}, name)
            for side in (self.archive, self.path, self.target, copied):
                with self.subTest(certificate=name, side=side):
                    run = self.verified(side, "--certificate", certificate)
                    self.assertFalse(run.findings("L2P5004"), str(run))
                    self.assertTrue(all(t["equal"] for t in run.report["tables"]), str(run))
            for side in (other, changed):
                run = self.verify(side, "--certificate", certificate)
                # A copy's has the digests of partitions, too.
                found = ["digest", "part"] if name == "copy" else ["digest"]
                self.assertEqual((run.exit_code, kinds(run, "read")), (4, found), str(run))

    def test_a_certificate_is_of_what_was_compared(self):
        self.exported(self.path)
        certificate = self.dir / "certificate.json"
        self.verified(self.archive, self.path, "--include", "wr", "--write-certificate", certificate)
        document = json.loads(certificate.read_text())
        self.assertEqual([t["source_name"] for t in document["plan"]["tables"]], ["wr"])
        for sides in ((self.path, self.path), (self.target, self.target)):
            none = self.dir / "none.json"
            run = self.verify(*sides, "--write-certificate", none)
            self.assertEqual(run.exit_code, 2, str(run))
            self.assertFalse(none.exists())


class ReadByOthers(ArchiveTest):
    """Is docs/archive-format.md enough for somebody else's reader?"""

    def test_every_kind_of_value(self):
        path = self.make_source(SCRIPT + READ + BIG)
        for options in ((), ("--compress",)):
            with self.subTest(options):
                self.exported(path, "--restart", *options)
                self.assertEqual(archive_reader.problems_of(self.archive, path), [])

    def test_it_finds_what_is_wrong(self):
        path = self.make_source(SCRIPT)
        self.exported(path)
        for statement in ("UPDATE kinds SET ts = '2024-01-02 03:04:05.679' WHERE id = 1",
                          "DELETE FROM keyless WHERE a IS NULL",
                          "UPDATE wr SET w = 'x' WHERE l = 5"):
            other = self.dir / "other.db"
            shutil.copy(path, other)
            with sqlite3.connect(other) as db:
                db.execute(statement)
            db.close()
            self.assertTrue(archive_reader.problems_of(self.archive, other), statement)
        chunk = self.archive / self.manifest()["tables"][0]["chunks"][0]["file"]
        data = bytearray(chunk.read_bytes())
        data[40] ^= 1
        chunk.write_bytes(data)
        self.assertTrue(archive_reader.problems_of(self.archive))

    def test_real_databases(self):
        files = sorted(p for p in CORPUS.rglob("*") if p.is_file()
                       and p.stat().st_size <= min(CORPUS_BYTES_MAX, 1_000_000)
                       and p.read_bytes()[:15] == b"SQLite format 3")
        if not files:
            self.skipTest("there is no corpus")
        for path in files:
            with self.subTest(file=path.name):
                self.archive = self.dir / ("archive-" + path.name)
                run = self.export(path)
                if run.exit_code != 0:
                    continue
                problems = archive_reader.problems_of(
                    self.archive, path, ignore_tables=[
                        t["source_name"] for t in run.report["tables"] if t["state"] != "copied"])
                self.assertEqual(problems, [])


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
