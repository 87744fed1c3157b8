"""export, import, and archives read by others: what comes out is what went in."""

import os
import pathlib
import random
import signal
import stat
import subprocess
import time
import unittest

from archive_support import BIG, SCRIPT, ArchiveTest
from harness import BIN, SEED, compare, is_sanitized

CORPUS = pathlib.Path(os.environ.get("LITE2PG_CORPUS", "/nonexistent"))
# Files of the corpus above this take longer than they teach here.
CORPUS_BYTES_MAX = int(os.environ.get("LITE2PG_ARCHIVE_CORPUS_BYTES_MAX", "3000000"))
TRIALS = int(os.environ.get("LITE2PG_TRIALS", "3"))


class RoundTrip(ArchiveTest):
    def judge(self, path, run):
        result = compare.Comparison(str(path), self.target, run.report)
        self.assertEqual(result.problems, [], str(run)[:4000])

    def test_import_gives_what_copy_gives(self):
        path = self.make_source(SCRIPT + BIG)
        self.exported(path)
        run = self.imported()
        self.judge(path, run)
        direct = self.make_target()
        copied = self.copy(path, target=direct)
        self.assertEqual(copied.exit_code, 0, str(copied))
        self.assertEqual(self.definitions(), self.definitions(direct))
        digests = {t["source_name"]: t["digest_target"] for t in copied.report["tables"]}
        self.assertEqual({t["source_name"]: t["digest_target"] for t in run.report["tables"]},
                         digests)

    def test_real_databases_arrive_as_by_copy(self):
        files = sorted(p for p in CORPUS.rglob("*") if p.is_file()
                       and p.stat().st_size <= CORPUS_BYTES_MAX
                       and p.read_bytes()[:15] == b"SQLite format 3")
        if not files:
            self.skipTest("there is no corpus")
        for path in files:
            with self.subTest(file=path.name):
                self.target, direct = self.make_target(), self.make_target()
                self.archive = self.dir / ("archive-" + path.name)
                copied = self.copy(path, target=direct)
                run = self.export(path)
                self.assertEqual(run.exit_code, copied.exit_code, f"{run}\n{copied}")
                if copied.exit_code != 0:
                    continue
                run = self.imported()
                self.judge(path, run)
                self.assertEqual(self.definitions(), self.definitions(direct))

    def test_utf16_database(self):
        path = self.make_source("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a TEXT, b);"
                                "INSERT INTO t VALUES ('caf' || char(233), char(128512)),"
                                " ('', NULL);")
        self.exported(path)
        self.judge(path, self.imported())

    def test_empty_database(self):
        path = self.make_source("CREATE TABLE t (a INTEGER PRIMARY KEY); DROP TABLE t;")
        self.exported(path)
        run = self.imported()
        self.assertEqual(run.report["tables"], [])

    def test_many_chunks_and_streams(self):
        path = self.make_source("CREATE TABLE wide (id INTEGER PRIMARY KEY, x BLOB);"
                                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                " WHERE i < 3000) INSERT INTO wide SELECT i, zeroblob(50000) FROM n;")
        self.exported(path, "--streams", "3")
        (table,) = self.manifest()["tables"]
        self.assertGreater(len(table["chunks"]), 2)
        self.assertEqual(sum(c["rows"] for c in table["chunks"]), 3000)
        self.judge(path, self.imported("--streams", "3"))


class Export(ArchiveTest):
    def test_files_are_private(self):
        os.umask(0o022)
        self.exported(self.make_source(SCRIPT))
        self.assertEqual(stat.S_IMODE(self.archive.stat().st_mode), 0o700)
        for path in self.archive.rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), wanted, path)

    def test_names_are_generated(self):
        self.exported(self.make_source(SCRIPT))
        for path in self.files():
            self.assertRegex(str(path.relative_to(self.archive)),
                             r"^(manifest\.json|(pre|post)-data\.sql|t\d{6}/c\d{6}\.copy)$")

    def test_schema_files_hold_no_comment(self):
        self.exported(self.make_source(
            'CREATE TABLE "x\n\\! touch /tmp/lite2pg-pwned\n--" (a);'
            'INSERT INTO "x\n\\! touch /tmp/lite2pg-pwned\n--" VALUES (1);'))
        for name in ("pre-data.sql", "post-data.sql"):
            text = (self.archive / name).read_text()
            self.assertNotRegex(text, r"(?m)^\s*--(?!\")", name)
        self.load_with_psql(self.target)
        self.assertFalse(os.path.exists("/tmp/lite2pg-pwned"))

    def test_part_of_a_database(self):
        path = self.make_source(SCRIPT)
        self.exported(path, "--include", "w*", "--include", "k*", "--exclude", "keyless",
                      "--where", "wr=l <= 10", "--identifiers", "lower")
        manifest = self.manifest()
        tables = {t["source_name"]: t for t in manifest["tables"]}
        self.assertEqual(set(tables), {"wr", "kinds"})
        self.assertEqual(tables["wr"]["rows"], 10)
        self.assertEqual(tables["wr"]["where"], "l <= 10")
        self.assertIn({"name": "where", "value": "wr=l <= 10"}, manifest["options"])
        run = self.imported()
        self.assertEqual(self.sql("SELECT count(*), max(l) FROM wr"), [(10, 10)])
        self.assertTrue(run.findings("L2P4015"), str(run))

    def test_a_foreign_directory_is_refused(self):
        path = self.make_source(SCRIPT)
        self.archive.mkdir(mode=0o700)
        (self.archive / "notes.txt").write_text("mine")
        for option in ((), ("--restart",), ("--resume",)):
            run = self.export(path, *option)
            self.assert_fails(run, 2, "L2P7004")
            self.assertEqual([p.name for p in self.files()], ["notes.txt"])

    def test_a_finished_archive_is_not_overwritten(self):
        path = self.make_source(SCRIPT)
        self.exported(path)
        before = {p: p.read_bytes() for p in self.files()}
        self.assert_fails(self.export(path), 2, "L2P7004")
        self.assertEqual({p: p.read_bytes() for p in self.files()}, before)
        self.exported(path, "--restart")
        self.imported()

    def test_what_only_a_server_or_a_ledger_can_do_is_refused(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO t VALUES (1, 5), (2, 'five'), (3, NULL)")
        config = self.dir / "config.toml"
        for column, exit_code in (('type = "bigint"\non-bad-value = "reject"', 14),
                                  ('fill = "7"', 2), ('type = "point"', 2)):
            with self.subTest(column):
                config.write_text(f"[table.t.column.n]\n{column}\n")
                run = self.export(path, "--config", config)
                self.assert_fails(run, exit_code)
                self.assertFalse(self.archive.exists(), str(run))
        config.write_text('[table.t.column.n]\ntype = "bigint"\non-bad-value = "null"\n')
        self.exported(path, "--config", config)
        self.verified(self.archive, path)
        self.imported()
        self.assertEqual(self.sql("SELECT id, n FROM t ORDER BY id"),
                         [(1, 5), (2, None), (3, None)])

    def test_nothing_to_resume(self):
        self.assert_fails(self.export(self.make_source(SCRIPT), "--resume"), 11, "L2P6003")


class OfALiveSource(ArchiveTest):
    """Every transaction of the writer moves a number from one table to the other."""

    WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("PRAGMA synchronous = OFF")
i = 0
while True:
    i += 1
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE a SET v = v - 1 WHERE id = ?", (i % 20000 + 1,))
    db.execute("UPDATE b SET v = v + 1 WHERE id = ?", (i * 7 % 20000 + 1,))
    db.execute("INSERT INTO log VALUES (?)", (i,))
    db.execute("COMMIT")
    if i == 1:
        print("begun", flush=True)
"""

    def test_it_is_one_state_of_it(self):
        for mode in ("wal", "delete"):
            with self.subTest(mode):
                path = self.make_source(f"""PRAGMA journal_mode = {mode};
                    CREATE TABLE a (id INTEGER PRIMARY KEY, v INTEGER);
                    CREATE TABLE b (id INTEGER PRIMARY KEY, v INTEGER);
                    CREATE TABLE log (i INTEGER);
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                    INSERT INTO a SELECT i, 1000000 FROM n;
                    INSERT INTO b SELECT id, 0 FROM a""", f"{mode}.db")
                self.archive, self.target = self.dir / f"archive-{mode}", self.make_target()
                writer = subprocess.Popen(["python3", "-c", self.WRITER, str(path)],
                                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                try:
                    writer.stdout.readline()
                    self.exported(path, "--streams", "3")
                    # What was exported is no longer what is there.
                    later = self.verify(self.archive, path)
                finally:
                    writer.kill()
                    writer.wait()
                    writer.stdout.close()
                self.assertEqual(later.exit_code, 4, str(later))
                self.verified(self.archive)
                self.imported()
                ((moved, received, done, last),) = self.sql(
                    "SELECT (SELECT 20000 * 1000000::bigint - sum(v) FROM a),"
                    " (SELECT sum(v) FROM b), (SELECT count(*) FROM log),"
                    " (SELECT max(i) FROM log)")
                self.assertEqual((moved, received, last), (done, done, done))
                self.assertGreater(done, 0)


class Memory(ArchiveTest):
    def test_large_values_stay_within_the_ceiling(self):
        rows = int(os.environ.get("LITE2PG_LARGE_VALUES", "12"))
        path = self.make_source(
            "CREATE TABLE large (id INTEGER PRIMARY KEY, x BLOB, y TEXT);",
            build=lambda db: db.executemany(
                "INSERT INTO large VALUES (?, zeroblob(16000000), ?)",
                ((i, "text " * 200000) for i in range(rows))))
        limit = (1024 if is_sanitized() else 192) << 20
        for number, options in enumerate([(), ("--compress",)]):
            with self.subTest(options):
                self.archive, self.target = self.dir / f"archive{number}", self.make_target()
                memory = ("--memory", "192MiB")
                for run in (self.exported(path, *options, *memory),
                            self.verified(self.archive, *memory),
                            self.verified(self.archive, path, *memory),
                            self.imported(*memory),
                            self.verified(self.archive, self.target, *memory)):
                    self.assertLess(run.report["resources"]["peak_rss_bytes"], limit,
                                    run.report["command"])


class Interrupted(ArchiveTest):
    """The moments are drawn from a seed, which is printed."""

    SCRIPT = SCRIPT + BIG.replace("60000", "150000").replace("i % 50", "i % 500")

    def setUp(self):
        super().setUp()
        print(f"seed {SEED}, {TRIALS} trials")
        self.rng = random.Random(f"{SEED} {self.id()}")
        self.path = self.make_source(self.SCRIPT)
        began = time.monotonic()
        self.exported(self.path)
        self.longest = time.monotonic() - began

    def kill_one(self, archive):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        process = subprocess.Popen([BIN, "export", str(self.path), str(archive)], env=env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.rng.uniform(self.longest * 0.3, self.longest))
        process.send_signal(signal.SIGKILL)
        process.wait()

    def test_resume_after_a_kill(self):
        whole = {t["source_name"]: t["digest"] for t in self.manifest()["tables"]}
        for number in range(TRIALS):
            self.archive = self.dir / f"killed{number}"
            self.kill_one(self.archive)
            if not self.archive.exists() or not self.files():
                continue
            if not (self.archive / "manifest.json").exists():
                self.assert_fails(self.import_(), 13, "L2P7001")
                self.assert_nothing_loaded()
                self.assert_fails(self.export(self.path), 11, "L2P6002")
            self.exported(self.path, "--resume")
            self.assertEqual({t["source_name"]: t["digest"] for t in self.manifest()["tables"]},
                             whole)
            self.assertFalse([p for p in self.files() if p.suffix in (".part", ".journal")])
        self.imported()
        self.assertEqual(self.sql("SELECT count(*) FROM big"), [(150000,)])

    def test_only_a_damaged_file_is_exported_again(self):
        chunk = self.manifest()["tables"][0]["chunks"][0]["file"]
        data = bytearray((self.archive / chunk).read_bytes())
        data[len(data) // 2] ^= 1
        (self.archive / chunk).write_bytes(data)
        self.assert_fails(self.import_(), 13, "L2P7001")
        others = {p: p.stat().st_mtime_ns for p in self.files() if p.suffix == ".copy"
                  and str(p.relative_to(self.archive)) != chunk}
        self.exported(self.path, "--resume")
        self.assertEqual({p: p.stat().st_mtime_ns for p in others}, others)
        self.imported()

    def test_resume_refuses_another_state_of_the_source(self):
        import sqlite3
        with sqlite3.connect(self.path) as db:
            db.execute("INSERT INTO keyless VALUES (7, 'late')")
        self.assert_fails(self.export(self.path, "--resume"), 11, "L2P1007")


class IntoExistingTables(ArchiveTest):
    """The application's tables have types of their own: values are decoded and encoded again."""

    SOURCE = """
    CREATE TABLE item (id INTEGER PRIMARY KEY, qty INTEGER, price REAL, name TEXT, made TIMESTAMP,
      ok BOOLEAN, tags JSON, raw BLOB);
    INSERT INTO item VALUES (1, 5, 2.5, 'one', '2024-01-02 03:04:05', 1, '["a"]', x'01'),
      (2, NULL, 1e10, 'two', '2024-01-02 03:04:05.678', 0, '{}', NULL),
      (3, -7, -0.5, '', NULL, NULL, NULL, x'');
    """
    TARGET = """CREATE TABLE item (id integer GENERATED BY DEFAULT AS IDENTITY
      PRIMARY KEY, qty smallint, price numeric(14,3),
      name varchar(30), made timestamptz, ok boolean, tags text, raw bytea)"""

    def test_other_types_than_the_archives(self):
        path = self.make_source(self.SOURCE)
        self.exported(path)
        self.sql(self.TARGET)
        run = self.imported("--schema-mode", "existing")
        self.assertEqual(self.sql("SELECT id, qty, price::text, name, made::text, ok, tags, raw"
                                  " FROM item ORDER BY id")[1][:4], (2, None, "10000000000.000",
                                                                     "two"))
        compared = compare.Comparison(str(path), self.target, run.report)
        self.assertEqual(compared.problems, [])

    def test_value_that_does_not_fit_stops_before_anything_is_written(self):
        self.exported(self.make_source(self.SOURCE.replace("5, 2.5", "50000, 2.5")))
        self.sql(self.TARGET)
        self.assert_fails(self.import_("--schema-mode", "existing"), 14, "L2P2001")
        self.assertEqual(self.sql("SELECT count(*) FROM item"), [(0,)])

    def test_value_that_does_not_fit_can_be_set_aside(self):
        self.exported(self.make_source(self.SOURCE.replace("5, 2.5", "50000, 2.5")))
        self.sql(self.TARGET)
        run = self.import_("--schema-mode", "existing", "--on-bad-value", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(run.table("item")["rows_rejected"], 1)
        self.assertEqual(self.sql("SELECT id FROM item ORDER BY id"), [(2,), (3,)])

    def test_rows_that_are_there_already(self):
        path = self.make_source(self.SOURCE)
        self.exported(path)
        self.sql(self.TARGET)
        self.sql("INSERT INTO item VALUES (2, 1, 1, 'other'), (9, 9, 9, 'nine')")
        self.assert_fails(self.import_(), 8, "L2P3006")
        self.imported("--existing-rows", "upsert")
        self.assertEqual(self.sql("SELECT id, name FROM item ORDER BY id"),
                         [(1, "one"), (2, "two"), (3, ""), (9, "nine")])

    def test_tables_that_are_missing_are_created(self):
        path = self.make_source(self.SOURCE + "CREATE TABLE more (a TEXT); INSERT INTO more"
                                " VALUES ('x');")
        self.exported(path)
        self.sql(self.TARGET)
        self.assert_fails(self.import_("--schema-mode", "create"), 8, "L2P3007")
        self.assert_fails(self.import_("--schema-mode", "existing"), 12, "L2P3017")
        run = self.imported("--schema-mode", "mixed")
        compared = compare.Comparison(str(path), self.target, run.report)
        self.assertEqual(compared.problems, [])

    def test_configuration_of_the_import_goes_before_the_archive(self):
        path = self.make_source(self.SOURCE)
        self.exported(path)
        config = self.dir / "import.toml"
        config.write_text('[table.item]\nrename = "Thing"\n[table.item.column.qty]\n'
                          'type = "numeric"\nrename = "how many"\n')
        self.imported("--config", config, "--target-schema", "app")
        self.assertEqual(self.sql('SELECT "how many"::text FROM app."Thing" ORDER BY id'),
                         [("5",), (None,), ("-7",)])


class ReadByOthers(ArchiveTest):
    def test_psql_alone_loads_an_archive(self):
        path = self.make_source(SCRIPT + BIG)
        self.exported(path)
        self.load_with_psql(self.target)
        result = compare.Comparison(str(path), self.target, None)
        self.assertEqual(result.problems, [])
        imported = self.make_target()
        self.imported(target=imported)
        ours, theirs = self.definitions(imported), self.definitions()
        self.assertEqual(ours, theirs)


if __name__ == "__main__":
    unittest.main()
