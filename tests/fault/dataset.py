"""The data that faults are tried on: many tables of every kind, small enough that a copy takes
about a second, and wide enough that every phase of it takes part of that."""

import json
import random
import sqlite3

TEXTS = ("", "plain", "it's", 'a "quote"', "back\\slash", "tab\tand\nline", "caf\u00e9",
         "cafe\u0301", "\U0001f680", "\\N", "NULL", " padded ", "$$", "--", "%s",
         "\u202eabc", "0", "1e3")
REALS = (0.0, -0.0, 1.5, -2.25, 1e300, 5e-324, 0.1, 1 / 3, 2.0 ** 53, float("inf"))
INTEGERS = (0, 1, -1, 2 ** 31 - 1, -2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, -2 ** 63)

TABLES = """
CREATE TABLE typed{n} (id INTEGER PRIMARY KEY, t TEXT, r REAL, b BLOB, i INTEGER NOT NULL,
  f BOOLEAN, d DATE, at DATETIME, price DECIMAL(10,2), j JSON, anything);
CREATE INDEX typed{n}_t ON typed{n}(t);
CREATE TABLE worid{n} (k TEXT PRIMARY KEY, n INTEGER, v TEXT) WITHOUT ROWID;
CREATE TABLE pair{n} (a TEXT, b INTEGER, v REAL, PRIMARY KEY (a, b));
CREATE TABLE keyless{n} (x TEXT, y INTEGER, z BLOB);
CREATE TABLE child{n} (id INTEGER PRIMARY KEY AUTOINCREMENT,
  parent INTEGER REFERENCES typed{n}(id) ON DELETE CASCADE, u TEXT UNIQUE,
  w TEXT GENERATED ALWAYS AS (u || '!') STORED);
"""
OTHERS = """
CREATE TABLE empty (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE "Mixed Case" ([the "id"] INTEGER PRIMARY KEY,
  "select" TEXT CHECK (length("select") < 9));
CREATE TABLE strict_one (id INT PRIMARY KEY, v TEXT NOT NULL DEFAULT 'x') STRICT;
CREATE TABLE large (id INTEGER PRIMARY KEY, data BLOB);
CREATE VIEW seen AS SELECT id, t FROM typed0 WHERE i > 0;
CREATE INDEX pair0_part ON pair0(v) WHERE v > 0;
"""


def typed_row(rng, key):
    anything = rng.choice((None, 7, 2.5, "text", b"\x00\xff"))
    return (key, rng.choice(TEXTS) + str(key % 97), rng.choice(REALS), rng.randbytes(key % 40),
            rng.choice(INTEGERS), rng.choice((0, 1, None)),
            f"{1990 + key % 60}-02-{1 + key % 28:02}",
            f"2024-01-{1 + key % 28:02} {key % 24:02}:00:00.{key % 1000:03}",
            rng.choice((None, 12.5, 3, 0.25)),
            json.dumps({"key": key, "text": rng.choice(TEXTS)}), anything)


def fill(db, seed, rows, groups):
    rng = random.Random(seed)
    for n in range(groups):
        db.executescript(TABLES.format(n=n))
        count = rows if n == 0 else max(3, rows // (n + 2))
        keys = rng.sample(range(-count * 3, count * 30), count)
        db.executemany(f"INSERT INTO typed{n} VALUES ({','.join('?' * 11)})",
                       (typed_row(rng, key) for key in keys))
        db.executemany(f"INSERT INTO worid{n} VALUES (?, ?, ?)",
                       ((f"k{key:x}", key, rng.choice(TEXTS)) for key in keys))
        db.executemany(f"INSERT INTO pair{n} VALUES (?, ?, ?)",
                       ((f"a{key % 9}", key, rng.choice(REALS)) for key in keys))
        # Every row occurs several times.
        db.executemany(f"INSERT INTO keyless{n} VALUES (?, ?, ?)",
                       (("x" * (key % 60), key % 3, b"z" * (key % 2)) for key in keys))
        db.executemany(f"INSERT INTO child{n} (parent, u) VALUES (?, ?)",
                       ((rng.choice((None, key)), f"u{key}") for key in keys))
    db.executescript(OTHERS)
    db.executemany('INSERT INTO "Mixed Case" VALUES (?, ?)', ((i, f"s{i}") for i in range(50)))
    db.executemany("INSERT INTO strict_one VALUES (?, ?)", ((i, f"v{i}") for i in range(50)))
    db.executemany("INSERT INTO large VALUES (?, ?)",
                   ((i, rng.randbytes(30_000 + i)) for i in range(rows // 30)))


def make(path, seed, rows=900, groups=5, journal="delete", page_size=4096):
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA page_size = {page_size}")
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.execute("PRAGMA synchronous = off")
    fill(db, seed, rows, groups)
    db.commit()
    db.close()
    return path


# Bounds that give this data some dozens of batches and transactions (LITE2PG_TEST_LIMITS).
SMALL = "batch_bytes=16384,chunk_rows=200,transaction_bytes=60000"
