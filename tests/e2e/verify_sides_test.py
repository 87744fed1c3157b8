"""verify with every pair of sides, against records and certificates, and after runs that set rows
aside, kept rows, or filled values in; and of targets that another tool has filled."""

import json
import shutil
import sqlite3
import unittest

from existing_support import ExistingTest
from harness import EndToEndTest, execute, lite2pg

SCRIPT = """
CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, r REAL, n NUMERIC, b BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO t SELECT i, 'v' || i, i / 8.0, i, zeroblob(i % 3) FROM n;
CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id), u TEXT UNIQUE);
INSERT INTO child VALUES (1, 1, 'a'), (2, 2, 'b');
CREATE INDEX child_t ON child (t_id);
CREATE TABLE twins (v); INSERT INTO twins VALUES ('a'), ('a'), (1), (NULL);
"""


def kinds(run, table):
    return [d["kind"] for d in run.table(table)["differences"]]


class VerifySides(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT)

    def verify(self, *arguments):
        return lite2pg("verify", *arguments, "--format", "json")

    def changed_copy(self, statement, name="changed.db"):
        path = self.dir / name
        shutil.copy(self.path, path)
        db = sqlite3.connect(path)
        db.executescript(statement)
        db.close()
        return path

    def test_two_files(self):
        same = self.changed_copy("VACUUM", "same.db")
        run = self.verify(self.path, same)
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        # The storage class is a part of the value.
        for statement, table, kind in [
                ("UPDATE t SET v = CAST(v AS BLOB) WHERE id = 5", "t", ["changed"]),
                ("UPDATE t SET n = 5.5 WHERE id = 5", "t", ["changed"]),
                ("DELETE FROM t WHERE id = 7", "t", ["missing"]),
                ("INSERT INTO twins VALUES ('a')", "twins", ["doubled"]),
                ("UPDATE twins SET v = '1' WHERE v = 1", "twins", ["missing", "extra"]),
                ("ALTER TABLE child ADD COLUMN more", "child", ["column_extra"]),
                ("DROP TABLE child", "child", ["table_missing"]),
                ("CREATE TABLE more (x)", "more", ["table_extra"])]:
            with self.subTest(statement):
                run = self.verify(self.path, self.changed_copy(statement))
                self.assertEqual(run.exit_code, 4, str(run))
                unequal = [t["source_name"] for t in run.report["tables"] if t["equal"] is False]
                self.assertEqual(unequal, [table], str(run))
                self.assertEqual(sorted(kinds(run, table)), sorted(kind), str(run))

    def test_two_files_of_different_encodings(self):
        path = self.dir / "utf16.db"
        db = sqlite3.connect(path)
        db.execute("PRAGMA encoding = 'UTF-16be'")
        db.executescript(SCRIPT)
        db.close()
        self.assertEqual(self.verify(self.path, path).exit_code, 0)

    def test_two_targets(self):
        self.copy_and_judge(self.path)
        name = self.sql("SELECT current_database()")[0][0]
        other = self.make_target_from(name)
        run = self.verify(self.target, other)
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        # Another type is a finding, and its values are compared all the same.
        execute(other, "ALTER TABLE t ALTER v TYPE varchar(30), ALTER id TYPE integer")
        run = self.verify(self.target, other)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(len(run.findings("L2P5007")), 2, str(run))
        execute(other, "UPDATE t SET r = r + 1 WHERE id = 1234; DELETE FROM twins WHERE v IS NULL")
        run = self.verify(self.target, other)
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertEqual(run.table("t")["differences"][0]["key"], "id=1234")
        self.assertEqual(kinds(run, "twins"), ["missing"])

    def test_either_order(self):
        self.copy_and_judge(self.path)
        self.assertEqual(self.verify(self.target, self.path).exit_code, 0)
        self.sql("DELETE FROM t WHERE id = 9")
        self.assertEqual(kinds(self.verify(self.target, self.path), "t"), ["missing"])

    def test_a_target_against_its_own_record(self):
        run = self.verify(self.target)
        self.assertEqual(run.exit_code, 11, str(run))
        self.copy_and_judge(self.path)
        self.assert_verified()
        self.sql("UPDATE t SET v = 'x' WHERE id = 77")
        run = self.verify(self.target)
        self.assertEqual((run.exit_code, kinds(run, "t")), (4, ["digest", "part"]), str(run))
        self.sql("DELETE FROM child; ALTER TABLE twins ALTER v TYPE varchar(9); DROP TABLE t CASCADE")
        run = self.verify(self.target)
        self.assertEqual(kinds(run, "child")[0], "count")
        self.assertEqual(kinds(run, "twins"), ["type"])
        self.assertEqual(kinds(run, "t"), ["table_missing"])

    def parts(self, run, table="t"):
        return [d for d in run.table(table)["differences"] if d["kind"] == "part"]

    def test_a_record_narrows_to_the_rows_of_a_part(self):
        self.copy_and_judge(self.path)
        whole = self.table_of("SELECT id FROM t")
        for statement, key in [("UPDATE t SET v = 'x' WHERE id = 77", "id=77"),
                               ("UPDATE t SET b = NULL WHERE id = 1200", "id=1200"),
                               ("INSERT INTO t (id) VALUES (5000)", "id=5000")]:
            with self.subTest(statement):
                self.sql(statement)
                run = self.verify(self.target)
                self.assertEqual(run.exit_code, 4, str(run))
                [part] = self.parts(run)
                self.assertIn(key, part["key"].replace("among ", "").split("; "), str(run))
                # 2,000 rows are in 128 parts.
                self.assertLess(len(part["key"].split("; ")), 40)
                self.assertIn("of 128 by id", part["source"])
                self.restore(statement, whole)
        # A row that is gone: those that it was among, and how many they were.
        self.sql("DELETE FROM t WHERE id = 9")
        [part] = self.parts(self.verify(self.target))
        before, after = (int(part[side].split()[0]) for side in ("source", "target"))
        self.assertEqual(after, before - 1)

    def table_of(self, query):
        return set(self.sql(query))

    def restore(self, statement, whole):
        self.sql("DELETE FROM t WHERE id = 5000;"
                 "UPDATE t SET v = 'v' || id, b = decode(repeat('00', (id % 3)::int), 'hex')")
        self.assertEqual(self.table_of("SELECT id FROM t"), whole)
        self.assertEqual(self.verify(self.target).exit_code, 0, statement)

    def test_a_part_that_held_nothing_names_its_rows(self):
        """Few rows, sixteen parts: what is where nothing was is not among others."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
                                "INSERT INTO t VALUES (1, 'a');", name="few.db")
        self.copy_and_judge(path)
        self.sql("INSERT INTO t SELECT i, 'x' FROM generate_series(2, 12) i")
        differences = self.verify(self.target).table("t")["differences"]
        extra = {d["key"] for d in differences if d["kind"] == "extra"}
        among = {k for d in differences if d["kind"] == "part"
                 for k in d["key"].replace("among ", "").split("; ")}
        self.assertEqual(extra | (among - {"id=1"}), {f"id={i}" for i in range(2, 13)})
        self.assertTrue(extra)

    def test_a_certificate_narrows_in_the_file_too(self):
        certificate = self.dir / "certificate.json"
        self.copy_and_judge(self.path, "--write-certificate", certificate)
        changed = self.changed_copy("UPDATE t SET v = 'other' WHERE id = 1234")
        run = self.verify(changed, "--certificate", certificate)
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertIn("id=1234", self.parts(run)[0]["key"])

    def test_more_tables_than_one_snapshot_may_lock(self):
        """In groups, each of one state: every difference of every table is found all the same."""
        path = self.make_source(
            "".join(f"CREATE TABLE g{i} (id INTEGER PRIMARY KEY, v);"
                    f"INSERT INTO g{i} VALUES (1, 'a'), (2, 'b');" for i in range(11)),
            name="many.db")
        self.copy_and_judge(path)
        limits = {"LITE2PG_TEST_LIMITS": "tables_per_snapshot=3"}
        commands = [("verify", path, self.target), ("verify", self.target),
                    ("verify", path, self.target, "--verify", "counts"),
                    ("verify", path, self.target, "--aggregates"),
                    ("verify", self.target, self.target)]
        for words in commands:
            run = lite2pg(*words, "--format", "json", env=limits)
            self.assertEqual(run.exit_code, 0, str(run))
            self.assertEqual(len(run.report["tables"]), 11)
        self.sql("".join(f"DELETE FROM g{i} WHERE id = 2;" for i in (0, 3, 5, 10)))
        for words in commands[:4]:
            run = lite2pg(*words, "--format", "json", env=limits)
            unequal = {t["source_name"] for t in run.report["tables"] if t["equal"] is False}
            self.assertEqual((run.exit_code, unequal), (4, {"g0", "g3", "g5", "g10"}), str(run))

    def test_patterns_of_the_configuration(self):
        path = self.changed_copy("UPDATE t SET v = '' WHERE id = 5")
        config = self.dir / "c.toml"
        config.write_text('[table."t*".column."?"]\nempty-as-null = true\n'
                          '[table."chi*"]\nwhere = "id > 1"\n')
        run = self.copy(path, "--config", config)
        self.assertEqual(run.exit_code, 0, str(run))
        # Without the run's record, everything has to come from the configuration.
        self.sql("DROP SCHEMA lite2pg CASCADE")
        run = self.verify(path, self.target, "--config", config)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.table("child")["rows_source"], 1)
        run = self.verify(path, self.target)
        self.assertEqual((run.exit_code, kinds(run, "t"), kinds(run, "child")),
                         (4, ["changed"], ["missing"]), str(run))
        # Of two files, too; and a name that is nobody's is as wrong as it is for copy.
        run = self.verify(path, self.changed_copy("DELETE FROM child WHERE id = 1", "b.db"),
                          "--config", config, "--exclude", "t")
        self.assertEqual(run.exit_code, 0, str(run))
        config.write_text('[table."nothing"]\nwhere = "id > 1"\n')
        self.assertEqual(self.verify(path, self.target, "--config", config).exit_code, 2)

    def test_certificates(self):
        certificate = self.dir / "certificate.json"
        self.copy_and_judge(self.path, "--write-certificate", certificate)
        document = json.loads(certificate.read_text())
        self.assertEqual({t["source_name"]: t["rows_copied"] for t in document["plan"]["tables"]},
                         {"t": 2000, "child": 2, "twins": 4})
        # The ledger is not needed, nor the other side.
        self.sql("DROP SCHEMA lite2pg CASCADE")
        for side in (self.target, self.path):
            run = self.verify(side, "--certificate", certificate)
            self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        changed = self.changed_copy("UPDATE t SET v = '' WHERE id = 4")
        self.assertEqual(self.verify(changed, "--certificate", certificate).exit_code, 4)
        second = self.dir / "second.json"
        self.assertEqual(self.verify(self.path, self.target, "--write-certificate",
                                     second).exit_code, 0)
        self.assertEqual(self.verify(self.target, "--certificate", second).exit_code, 0)
        self.sql("DELETE FROM twins WHERE v IS NULL")
        self.assertEqual(kinds(self.verify(self.target, "--certificate", second), "twins")[0],
                         "count")
        third = self.dir / "third.json"
        self.assertEqual(self.verify(self.path, self.target, "--write-certificate",
                                     third).exit_code, 4)
        self.assertFalse(third.exists(), "a certificate of what differs")

    def test_a_certificate_that_was_changed_is_refused(self):
        certificate = self.dir / "certificate.json"
        self.copy_and_judge(self.path, "--write-certificate", certificate)
        text = certificate.read_text()
        for old, new in [('"rows_copied": 2000', '"rows_copied": 1999'), ("v", "w"), ("}", ""),
                         ('"checksum"', '"checksun"'), (text, "{}"), (text, "")]:
            certificate.write_text(text.replace(old, new))
            run = self.verify(self.target, "--certificate", certificate)
            self.assertEqual(run.exit_code, 13, f"{old!r}: {run}")
        # Another layout of the same content is the same certificate.
        certificate.write_text(json.dumps(json.loads(text)))
        self.assertEqual(self.verify(self.target, "--certificate", certificate).exit_code, 0)

    def test_counts_alone_are_not_called_verified(self):
        self.copy_and_judge(self.path)
        self.sql("UPDATE t SET v = 'other'")
        run = self.verify(self.path, self.target, "--verify", "counts")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "copied"), str(run))
        self.assertTrue(run.findings("L2P5004"), str(run))
        self.sql("DELETE FROM t WHERE id = 1999")
        run = self.verify(self.path, self.target, "--verify", "counts")
        self.assertEqual((run.exit_code, kinds(run, "t")), (4, ["count"]), str(run))

    def test_a_sample_is_the_same_on_both_sides(self):
        self.copy_and_judge(self.path)
        run = self.verify(self.path, self.target, "--sample", "10%")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertTrue(100 < run.table("t")["rows_source"] < 320, str(run))
        self.assertTrue(run.findings("L2P5004"), str(run))
        self.sql("UPDATE t SET v = v || '!'")
        run = self.verify(self.path, self.target, "--sample", "10%")
        self.assertEqual(run.table("t")["rows_changed"], run.table("t")["rows_source"], str(run))

    def test_a_condition_of_the_copy_is_known(self):
        self.copy(self.path, "--where", "t=id <= 100", "--exclude", "twins")
        run = self.assert_verified(self.path)
        self.assertEqual(run.table("t")["where"], "id <= 100")
        self.assertEqual(run.table("twins")["state"], "excluded")
        self.assert_verified()
        # A narrower condition of one's own says nothing of the other rows of the target.
        run = self.verify(self.path, self.target, "--where", "t=id < 10", "--include", "t")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.table("t")["rows_source"], 9)

    def test_what_is_amiss_beside_the_rows_is_said(self):
        self.copy_and_judge(self.path)
        self.sql("SELECT setval(pg_get_serial_sequence('t', 'id'), 7);"
                 "DROP INDEX child_t;"
                 "ALTER TABLE child DROP CONSTRAINT child_t_id_fkey")
        run = self.verify(self.path, self.target)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual([f["object"] for f in run.findings("L2P5005")], ["t.id"], str(run))
        missing = " ".join(f["message"] for f in run.findings("L2P5006"))
        self.assertIn("no index on (t_id)", missing)
        self.assertIn("no foreign key from (t_id)", missing)
        self.sql("ALTER TABLE child ADD FOREIGN KEY (t_id) REFERENCES t NOT VALID;"
                 "ALTER TABLE child DROP CONSTRAINT IF EXISTS child_u_key CASCADE;"
                 "ALTER TABLE child DROP CONSTRAINT child_pkey")
        missing = " ".join(f["message"]
                           for f in self.verify(self.path, self.target).findings("L2P5006"))
        self.assertIn("NOT VALID", missing)
        self.assertIn("no primary key or unique index on (id)", missing)

    def test_a_target_that_another_tool_has_filled(self):
        path = self.make_source("""
            CREATE TABLE Orders (Id INTEGER PRIMARY KEY, price REAL, made TIMESTAMP, note TEXT,
                                 zoned TEXT);
            INSERT INTO Orders VALUES (1, 0.1, 1700000000, 'short', '2024-01-01 00:00:00'),
              (2, 123456.789, 1710000000, 'much too long', '2024-06-01 12:00:00'),
              (3, 2.5, 1720000000, NULL, '2024-07-01 00:00:00');
            CREATE TABLE gone (x);""", "other.db")
        self.sql("""CREATE TABLE orders (id integer, price real, made timestamp,
                                         note varchar(8), zoned timestamptz);
            INSERT INTO orders VALUES
              (1, 0.1, '2023-11-14 22:13:20', 'short', '2024-01-01 00:00:00+00'),
              (2, 123456.789, '2024-03-09 16:00:00', 'much too', '2024-06-01 14:00:00+00'),
              (3, 2.5, '2024-07-03 09:46:40', '', '2024-07-01 00:00:00+00')""")
        run = self.verify(path, self.target)
        self.assertEqual(run.exit_code, 4, str(run))
        found = {(d["key"], d["column"]) for d in run.table("Orders")["differences"]}
        # 0.1 and 2.5 are the same number in float4, 123456.789 is not; the text was cut, the NULL
        # lost, the zone shifted; the seconds since 1970 were read rightly.
        self.assertEqual(found, {("Id=2", "price"), ("Id=2", "note"), ("Id=2", "zoned"),
                                 ("Id=3", "note")}, str(run))
        self.assertEqual(kinds(run, "gone"), ["table_missing"])
        self.assertTrue(run.findings("L2P5007"), str(run))


class VerifyAfterRuns(ExistingTest):
    def verify(self, path, *options):
        return lite2pg("verify", path, self.target, "--format", "json", *options)

    def test_rows_set_aside_are_accounted_for(self):
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, v varchar(3), n bigint CHECK (n < 100))")
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER);
            INSERT INTO t VALUES (1, 'ok', 1), (2, 'too long', 2), (3, 'ok', 300), (4, NULL, 4);""")
        run = self.copy(path, "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        run = self.verify(path)
        self.assertEqual((run.exit_code, run.report["outcome"]), (3, "rejected"), str(run))
        self.assertEqual(run.table("t")["rows_rejected"], 2, str(run))
        self.assertTrue(run.table("t")["equal"])
        # A row that is lost is not one that was set aside.
        self.sql("DELETE FROM t WHERE id = 4")
        run = self.verify(path)
        self.assertEqual((run.exit_code, kinds(run, "t")), (4, ["missing"]), str(run))
        self.assertEqual(run.table("t")["rows_rejected"], 2, str(run))
        run = lite2pg("verify", self.target, "--format", "json")
        self.assertEqual((run.exit_code, kinds(run, "t")), (4, ["count"]), str(run))

    def test_rows_that_were_there_before(self):
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text);"
                 "INSERT INTO t VALUES (1, 'kept'), (50, 'older')")
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'new'), (2, 'two')")
        run = self.copy(path, "--existing-rows", "skip")
        self.assertEqual(run.exit_code, 0, str(run))
        run = self.verify(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual((run.table("t")["rows_skipped"], run.table("t")["rows_preexisting"]),
                         (1, 1), str(run))
        self.sql("UPDATE t SET v = 'changed' WHERE id = 2")
        self.assertEqual(self.verify(path).exit_code, 4)

    def test_values_that_were_filled_in(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT);
            INSERT INTO t VALUES (1, NULL, 'a'), (2, 'x', NULL);""")
        run = self.copy(path, "--fill", "t.v=it's", "--fill", "t.w=sql:'w' || 1")
        self.assertEqual(run.exit_code, 0, str(run))
        run = self.verify(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual([f["object"] for f in run.findings("L2P5004")], ["t.w"], str(run))
        self.sql("UPDATE t SET v = 'other' WHERE id = 1")
        self.assertEqual(self.verify(path).table("t")["differences"][0]["key"], "id=1")


if __name__ == "__main__":
    unittest.main()
