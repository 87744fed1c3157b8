"""PostgreSQL's limit of one gigabyte for a value and a row, and SQLite's of a billion bytes: what the
server can hold is carried, what it cannot is named by table, row, column and size before anything is
written. The long ones move gigabytes (LITE2PG_GIGABYTE=1; some minutes, 8 GiB of memory)."""

import ctypes
import os
import re
import sqlite3
import struct
import unittest

from harness import EndToEndTest

SQLITE_BYTES_MAX = 1_000_000_000      # SQLITE_MAX_LENGTH of a usual build
FIELD_BYTES_MAX = (1 << 30) - 1024    # docs/operations.md, "Memory"
LONG = unittest.skipUnless(os.environ.get("LITE2PG_GIGABYTE"), "moves gigabytes")


def row_bytes_max(columns):
    return FIELD_BYTES_MAX - 8 * columns


def memory_for(row_bytes):
    return (64 << 20) + 2 * row_bytes


def varint(number):
    """As SQLite writes numbers below 2^56."""
    out = [number & 0x7F]
    while number > 0x7F:
        number >>= 7
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def add_long_value(path, size, text=False):
    """Puts a row (7, 'x', size zero bytes) into table t of an empty database with pages of 64 KiB:
    no SQLite writes values beyond its limit. The file is sparse."""
    page = 65536
    kind = 2 * size + (13 if text else 12)
    header = bytes([0]) + varint(15) + varint(kind)   # the rowid's NULL, one letter, the value
    header = varint(len(header) + 1) + header
    payload_bytes = len(header) + 1 + size
    least = (page - 12) * 32 // 255 - 23
    most = page - 35
    local = least + (payload_bytes - least) % (page - 4)
    local = local if local <= most else least
    overflow = (payload_bytes - local + page - 5) // (page - 4)
    with open(path, "r+b") as file:
        root = struct.unpack(">I", file.read(32)[28:32])[0]   # the last page is the table's
        cell = varint(payload_bytes) + varint(7) + header + b"x"
        cell += bytes(local - len(header) - 1) + struct.pack(">I", root + 1)
        start = page - len(cell)
        file.seek((root - 1) * page)
        file.write(struct.pack(">BHHHB", 13, 0, 1, start, 0) + struct.pack(">H", start))
        file.seek((root - 1) * page + start)
        file.write(cell)
        for number in range(overflow):
            file.seek((root + number) * page)
            file.write(struct.pack(">I", root + number + 2 if number + 1 < overflow else 0))
        file.truncate((root + overflow) * page)
        file.seek(28)
        file.write(struct.pack(">I", root + overflow))


def insert_utf16(path, sql, text):
    """Python's own module would bind UTF-8, which is longer than SQLite takes."""
    sqlite = ctypes.CDLL("libsqlite3.so.0")
    db, statement = ctypes.c_void_p(), ctypes.c_void_p()
    codes = [sqlite.sqlite3_open(str(path).encode(), ctypes.byref(db)),
             sqlite.sqlite3_prepare_v2(db, sql.encode(), -1, ctypes.byref(statement), None),
             sqlite.sqlite3_bind_text16(statement, 1, text, len(text), None),
             sqlite.sqlite3_step(statement), sqlite.sqlite3_finalize(statement),
             sqlite.sqlite3_close(db)]
    assert codes == [0, 0, 0, 101, 0, 0], codes


class BeyondSqlitesLimit(EndToEndTest):
    def make(self, size):
        path = self.make_source("PRAGMA page_size = 65536; PRAGMA auto_vacuum = NONE;"
                                "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB);")
        add_long_value(path, size)
        return path

    def test_files_made_here_are_sound(self):
        db = sqlite3.connect(self.make(200_000))
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("SELECT id, a, length(b) FROM t").fetchall(),
                         [(7, "x", 200_000)])
        self.copy_and_judge(self.dir / "source.db")

    def test_a_value_that_no_usual_sqlite_reads_is_named(self):
        for size in (SQLITE_BYTES_MAX + 1, 1_500_000_000, 2**31 - 1 - 100):
            for reader in ("auto", "library"):
                with self.subTest(size=size, reader=reader):
                    path = self.make(size)
                    run = self.copy(path, "--reader", reader)
                    self.assertIn(run.exit_code, (9, 12), str(run))
                    error = run.report["errors"][0]
                    self.assertEqual((error["code"], error["table"], error["column"]),
                                     ("L2P1012", "t", "b"), str(run))
                    self.assertIn("rowid 7", error["row"])
                    self.assertIn(str(size), error["value"])
                    self.assertEqual(self.tables_in_target(), [])
                    self.assertLess(run.report["resources"]["peak_rss_bytes"], 256 << 20)
                    path.unlink()
        path = self.make(SQLITE_BYTES_MAX + 1)
        self.copy_and_judge(self.make_source("CREATE TABLE other (a); INSERT INTO other VALUES (1)",
                                             "other.db"))
        run = self.copy(path, "--exclude", "t")
        self.assertEqual(run.exit_code, 0, str(run))


class PostgresqlsLimit(EndToEndTest):
    def too_large(self, path, *options, table, key, column=None, size=None, exit_code=12):
        run = self.copy(path, *options, timeout=900)
        self.assertEqual(run.exit_code, exit_code, str(run))
        said = [f for f in run.findings("L2P2002") if f["severity"] == "blocking"]
        said = said or [{"object": f"{e['table']}.{e['column']}",
                         "message": f"{e['what']} {e['row']} {e['value']}", "hint": e["hint"]}
                        for e in run.report["errors"]]
        self.assertEqual(said[0]["object"], f"{table}.{column}" if column else table, str(run))
        self.assertIn(key, said[0]["message"])
        if size is not None:
            self.assertIn(str(size), said[0]["message"])
        self.assertTrue(said[0]["hint"])
        return run

    @LONG
    def test_the_longest_value_that_sqlite_writes(self):
        size = SQLITE_BYTES_MAX - 100

        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, s TEXT)")
            db.execute("INSERT INTO t VALUES (1, zeroblob(?), NULL)", (size,))
            db.execute("INSERT INTO t VALUES (2, NULL, printf('%.*c', ?, 'x'))", (size - 1,))
        path = self.make_source(build=build)
        for options in ((), ("--memory", "2200MiB")):
            with self.subTest(options):
                self.target = self.make_target()
                run = self.copy(path, *options, timeout=900)
                self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
                self.assertEqual(self.sql("SELECT id, octet_length(b), octet_length(s),"
                                          " md5(substr(s, 1, 1000000)) FROM t ORDER BY id"),
                                 [(1, size, None, None),
                                  (2, None, size - 1, self.sql("SELECT md5(repeat('x', 1000000))")
                                   [0][0])])
                self.assertLess(run.report["resources"]["peak_rss_bytes"],
                                memory_for(size) + (256 << 20))

    @LONG
    def test_a_row_at_the_limit_and_one_byte_beyond(self):
        together = row_bytes_max(3) - 2 - 3 * 4 - 8
        first = together // 2

        def make(more):
            return self.make_source(
                f"CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB AS (zeroblob({first})),"
                f" b BLOB AS (zeroblob({together - first + more})));"
                "INSERT INTO t (id) VALUES (5);", f"{more}.db")
        run = self.copy(make(0), "--memory", "3GiB", timeout=900)
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual(self.sql("SELECT octet_length(a) + octet_length(b)::bigint FROM t"),
                         [(together,)])
        self.target = self.make_target()
        beyond = make(1)
        for options in ((), ("--on-bad-value", "reject")):
            self.too_large(beyond, "--memory", "3GiB", *options, table="t", key="id=5",
                           size=row_bytes_max(3) + 1)
        self.assertEqual(self.tables_in_target(), [])

    @LONG
    def test_text_that_grows_beyond_the_limit_as_utf8(self):
        letters = 400_000_000

        def build(db):
            db.execute("PRAGMA encoding = 'UTF-16le'")
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)")
            db.execute("INSERT INTO t VALUES (1, 'small')")
        path = self.make_source(build=build)
        insert_utf16(path, "INSERT INTO t VALUES (9, ?)", b"\x22\x6f" * letters)
        for options in ((), ("--on-bad-value", "reject"), ("--memory", "4GiB")):
            self.too_large(path, *options, table="t", column="s", key="id=9", size=3 * letters)
        config = self.dir / "null.toml"
        config.write_text('[table.t.column.s]\ntype = "text"\non-bad-value = "null"\n')
        run = self.copy(path, "--config", config, timeout=900)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT id, s FROM t ORDER BY id"), [(1, "small"), (9, None)])
        run = self.copy(path, "--where", "t=id <> 9", "--target-schema", "part", timeout=900)
        self.assertEqual(run.exit_code, 0, str(run))

    @LONG
    def test_bytes_that_grow_beyond_the_limit_as_text(self):
        """A type that only the server reads: the table's rows are lines, and bytes two digits each."""
        size = 600_000_000
        self.sql("CREATE TABLE t (id int PRIMARY KEY, p point, b bytea)")
        path = self.make_source(build=lambda db: (
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT, b BLOB)"),
            db.execute("INSERT INTO t VALUES (3, '(1,2)', zeroblob(?))", (size,))))
        run = self.copy(path, timeout=900)
        self.assertEqual(run.exit_code, 14, str(run))
        error = run.report["errors"][0]
        self.assertEqual((error["table"], error["column"]), ("t", "b"))
        self.assertIn("id=3", error["row"])
        self.assertIn(str(size), error["value"])
        self.assertRegex(error["what"], re.compile("PostgreSQL can hold|too large|beyond"))
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])


if __name__ == "__main__":
    unittest.main()
