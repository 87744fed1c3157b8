"""Reading SQLite's pages directly: the same as through its library, on real files and under a live
writer."""

import os
import shutil
import sqlite3
import threading
import unittest

from corpus_test import CORPUS, corpus_files
from harness import EndToEndTest, lite2pg

ROWS = int(os.environ.get("LITE2PG_PAGE_ROWS", "60000"))

FEATURES = """
    CREATE TABLE plain (a, b TEXT, c REAL);
    CREATE TABLE keyed (id INTEGER PRIMARY KEY, v NUMERIC);
    CREATE TABLE without (k TEXT COLLATE NOCASE, n INT, v, PRIMARY KEY (n DESC, k)) WITHOUT ROWID;
    CREATE TABLE stored (a INT, b INT GENERATED ALWAYS AS (a * 2) STORED);
    CREATE TABLE virtual (a INT, b INT GENERATED ALWAYS AS (a * 2) VIRTUAL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO plain SELECT i, 'text ' || i, i FROM n;
    INSERT INTO keyed SELECT a * 1000, a / 7 FROM plain;
    INSERT INTO without SELECT b, a % 30, hex(zeroblob(a % 3000)) FROM plain;
    INSERT INTO stored (a) SELECT a FROM plain;
    INSERT INTO virtual (a) SELECT a FROM plain;
    ALTER TABLE plain ADD COLUMN d TEXT DEFAULT 'later';
    ALTER TABLE keyed ADD COLUMN e REAL DEFAULT 4;
"""


class PageReader(EndToEndTest):
    def test_both_readers_agree_on_the_corpus(self):
        for original in corpus_files():
            name = str(original.relative_to(CORPUS))
            with self.subTest(name):
                path = self.dir / name.replace("/", "_")
                shutil.copyfile(original, path)
                library = lite2pg("plan", path, "--reader", "library", cwd=self.dir)
                both = lite2pg("plan", path, "--reader", "both", cwd=self.dir)
                self.assertNotEqual(both.exit_code, 1, str(both))
                self.assertEqual(both.exit_code, library.exit_code, str(both))

    def test_every_reader_copies_the_same(self):
        path = self.make_source(FEATURES)
        digests = {}
        for reader in ("library", "auto", "both"):
            self.target = self.make_target()
            run = self.copy_and_judge(path, "--reader", reader)
            digests[reader] = {t["source_name"]: t["digest_source"] for t in run.report["tables"]}
            used = {t["source_name"]: t["reader"] for t in run.report["tables"]}
            pages = "library" if reader == "library" else "pages"
            for table in ("plain", "keyed", "without", "stored"):
                self.assertEqual(used[table], pages, (reader, table))
        self.assertEqual(digests["auto"], digests["library"])
        self.assertEqual(digests["both"], digests["library"])

    def test_a_condition_is_left_to_the_library_and_said_so(self):
        path = self.make_source(FEATURES)
        run = self.copy(path, "--where", "plain=a > 10")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.table("plain")["reader"], "library")
        self.assertEqual(run.table("plain")["reader_reason"], "a condition selects the rows")
        self.assertEqual(run.table("keyed")["reader"], "pages")
        self.assertEqual(sorted(f["object"] for f in run.findings("L2P1015")),
                         ["plain", "virtual"])
        refused = self.copy(path, "--where", "plain=a > 10", "--reader", "pages",
                            target=self.make_target())
        self.assert_fails(refused, 2, "L2P9001")

    def test_a_writer_that_goes_on_in_wal_mode(self):
        path = self.make_source(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);")
        writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.addCleanup(writer.close)
        writer.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO t SELECT i, 0, hex(zeroblob(i % 60)) FROM n", (ROWS,))
        stop = threading.Event()

        def write():
            # Each state has one value of a in all rows, so a mixture of states would show.
            for state in range(1, 1_000_000):
                if stop.is_set():
                    return
                writer.execute("UPDATE t SET a = ?", (state,))

        thread = threading.Thread(target=write)
        thread.start()
        try:
            run = self.copy(path, "--reader", "both")
        finally:
            stop.set()
            thread.join()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT a) FROM t"), [(ROWS, 1)])

    def test_a_damaged_page_is_named(self):
        path = self.make_source(FEATURES)
        data = bytearray(path.read_bytes())
        at = data.find(b"text 100") // 4096 * 4096
        data[at + 8:at + 10] = b"\xff\xff"  # the offset of the page's first cell
        path.write_bytes(data)
        for reader in ("auto", "library", "both"):
            run = self.copy(path, "--reader", reader, target=self.make_target())
            self.assertEqual(run.exit_code, 5, str(run))
            self.assertIn("plain", run.err)
            if reader == "auto":
                self.assertIn(f"page {at // 4096 + 1}", " ".join(run.err.split()))
        self.assertEqual(self.tables_in_target(), [])


if __name__ == "__main__":
    unittest.main()
