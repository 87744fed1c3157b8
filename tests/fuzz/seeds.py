#!/usr/bin/python3
"""Writes the seed corpus of every fuzz target: seeds.py DIRECTORY

What a target once failed on is here too, so that it is tried again by every run.
"""

import json
import pathlib
import random
import sys

import images

SQL = [
    "1", "-1.5e3", "x'00ff'", "'it''s'", '"a"', "[a b]", "`a`", "NULL", "TRUE", "CURRENT_TIMESTAMP",
    "a + b * -c % 3 << 2", "a || b || 'c'", "a IS NOT NULL AND b NOT LIKE 'x%' ESCAPE '\\'",
    "a BETWEEN 1 AND 5 OR a IN (1, 2, NULL)", "CASE a WHEN 1 THEN 'x' ELSE lower(b) END",
    "CAST(a AS TEXT) COLLATE NOCASE = 'x'", "(a, b) > (1, 'x')", "typeof(a) = 'integer'",
    "b GLOB '[a-c]*'", "json_valid(b)", "coalesce(a, c, 0x1F) <> 0", "f IN (0, 1)", "not not a",
    "lower(hex(randomblob(16)))", "strftime('%Y-%m-%d', 'now')", "datetime('now', 'localtime')",
    "EXISTS (SELECT 1 FROM t WHERE t.a = a)", "count(*) FILTER (WHERE a > 1) OVER (PARTITION BY b)",
    "a -> '$.x' ->> 2", "~a", "((((((((a))))))))", "b = '; DROP TABLE t; --'", "b = '\\'';--'",
    "length(b) <= 10 AND substr(b, 1, 1) = upper(substr(b, 1, 1))", "abs(a) < 9223372036854775807",
    "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT DEFAULT 'x' NOT NULL, c REAL "
    "CHECK (c > 0), d BLOB, UNIQUE (a, b), FOREIGN KEY (a) REFERENCES u(id) ON DELETE CASCADE)",
    'CREATE TABLE "a""b" ([c d] VARCHAR(10, 2) COLLATE NOCASE, `e` AS (a || 1) STORED) STRICT',
    "CREATE TABLE w(a TEXT, b INT, PRIMARY KEY(b DESC, a)) WITHOUT ROWID",
    "CREATE TABLE d(a DEFAULT (1 + 2), b DEFAULT -1, c DEFAULT \"quoted\", d DEFAULT CURRENT_DATE)",
    "CREATE UNIQUE INDEX i ON t(a DESC, lower(b) COLLATE RTRIM) WHERE a > 5 AND b IS NOT NULL",
    "CREATE VIEW v(x, y) AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5)"
    " SELECT a, sum(c) FROM t LEFT JOIN n ON n.i = t.a GROUP BY a HAVING count(*) > 1 ORDER BY 2",
    "CREATE VIEW v AS SELECT t.*, b AS \"x\"\"y\" FROM t WHERE a IN (SELECT a FROM t)",
    "VARCHAR(255)", "NUMERIC(10,2)", "TIMESTAMP WITH TIME ZONE", "smallint unsigned", "ANY",
    "-- comment\n1 /* c */", "'unterminated", '"', "(", ")", "1;2", "$1", ":a", "?1",
]
NAMES = ["", "a", '"', "'", "\\", "x\"; DROP SCHEMA public; --", "new\nline", "\u202egnp", "\x1b[2J",
         "n" * 63, "m" * 64, "\u00e9" * 40, "\U0001f600", "$$", "select", "a\x00b", "\x85", "{}",
         '{"a","b"}', "{NULL}", '{"a\\"b"}']
CONNINFO = [
    "|localhost:5432/shop?sslmode=require", "bob|db.example.com/shop", "host=a|dbname=b",
    "host=a port=5432 user='b\\'c'|dbname=d", "user=%62ob|h1,h2:5433/db", "a|[::1]:5432/x",
    "postgresql://bob:secret@host/db", "postgres://host/db?user=a&password=secret&x=%70",
    "password=secret host=a", "host=a password='se\\'cret'", "host=a password = secret",
    "postgresql://a:b@c:d@e/f", "service=x", "passfile=/x sslpassword=secret", "host=", "=", "'",
]
TOML = [
    'streams = 4\ninclude = ["shop_*"]\n', 'memory = "1GiB"\nreader = "pages"\n',
    '[table."orders"]\nrename = "order"\n[table."orders".column."placed_at"]\n'
    'type = "timestamptz"\ninteger = "unix-millis"\n',
    'fill = ["t.c=1", "t.d=sql:now()"]\n', "streams = 0", "a = ", "[", "x = 'y'", 'streams = "many"',
    '[table."t".column."c"]\non-bad-value = "null"\nempty-as-null = true\n',
]
COPY = bytes([0xFF, 0xFF])


def field(content):
    return len(content).to_bytes(4, "big") + content


def tuple_of(*fields):
    return len(fields).to_bytes(2, "big") + b"".join(
        b"\xff\xff\xff\xff" if f is None else field(f) for f in fields)


def record_seeds():
    sums = {"sha256": "a" * 64, "xxh3": "b" * 32, "bytes": 50}
    manifest = {"format": "lite2pg archive", "version": 1, "tables": [], "schema_files": [
        {"name": "pre-data.sql", **sums}]}
    plan = {"version": 1, "digest_version": 1, "source_time_zone": "UTC", "existing_rows": "refuse",
            "include": [], "exclude": [], "tables": [{
                "source_name": "t", "target_schema": "public", "target_name": "t", "where": "",
                "created": True, "rows_source": 1, "columns": [{
                    "source_name": "a", "target_name": "a", "type_name": "int8", "type_sql": "bigint",
                    "typmod": -1, "rules": {}}]}]}
    report = {"schema_version": 1, "command": "copy", "run_id": "x", "outcome": "verified",
              "exit_code": 0, "tables": [{"source_name": "t", "target_name": "t", "state": "copied",
                                          "rows_source": 5, "digest_source": "0" * 32}]}
    ranges = [{"after": [{"integer": "5"}], "up_to": [{"integer": "900"}], "text": "x"},
              {"after": None, "up_to": None}, {"after": [{"text": "a"}, {"blob": "00ff"}]}]
    yield b"m" + json.dumps(manifest, indent=1).encode()
    yield b"p" + json.dumps(plan).encode()
    yield b"p{}"
    yield b"r" + json.dumps(report).encode()
    for key_range in ranges:
        yield b"k" + json.dumps(key_range).encode()
    header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    yield b"d\x02" + header + tuple_of(b"abc", None) + tuple_of(b"", b"x" * 40) + COPY
    yield b"d\x01" + header + COPY
    yield b"j" + b"identity\n{}\n"


def codec_seeds(rng):
    """Rows of the type table by number, in both directions."""
    texts = [b"1", b"-1.5e10", b"true", b"2024-02-29 12:34:56.789+01", b"24:00:00", b"1 day 02:03:04",
             b"{1,2,NULL}", b'["a", null]', b'{"a": [1.10, "\\u0041"]}', b"192.168.0.1/24", b"",
             b"6f9619ff-8b86-d011-b42d-00c04fc964ff", b"08:00:2b:01:02:03", b"1010", b"$1,234.50",
             b"4714-11-24 BC", b"infinity", b"NaN", b"\xff", b"<a>b</a>", b'"a"=>"1"']
    for row in range(48):
        for shape in (0, 1, 6):
            yield bytes([0, row, shape, 0, 2]) + rng.choice(texts)
            yield bytes([0, row, shape, rng.randrange(32)]) + rng.randbytes(4) + bytes([2]) + rng.choice(
                texts)
        yield bytes([0, row, 0, 0, 0]) + rng.choice((b"\0" * 8, b"\xff" * 8, rng.randbytes(8)))
        yield bytes([0, row, 0, 0, 1]) + rng.choice((b"\x3f\xf0" + bytes(6), rng.randbytes(8)))
        yield bytes([0, row, 0, 0, 3]) + rng.randbytes(16)
        yield bytes([1, row, 0]) + rng.randbytes(rng.choice((1, 2, 4, 8, 12, 16)))
        yield bytes([1, row, 6]) + b"\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\1\0\0\0\1" + field(b"\0\0\0\5")


def stream_seeds(rng):
    header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    for _ in range(12):
        rows = b"".join(tuple_of(rng.randbytes(rng.choice((2, 4, 8))), None, b"text")
                        for _ in range(rng.randrange(4)))
        yield (bytes([2, rng.randrange(40), rng.randrange(40), rng.randrange(40), 3])
               + rng.randbytes(3) + bytes([1]) + rows + COPY)
        yield bytes([0, 1, 0, 0]) + header + rows + COPY


def all_seeds():
    rng = random.Random(1)
    sound = images.originals(small=True)
    return {
        "sql_fuzz": [s.encode() for s in SQL],
        "quoting_fuzz": [n.encode() for n in NAMES] + malformed_names(),
        "settings_fuzz": [b"i" + c.encode() for c in CONNINFO] + [b"c\0" + t.encode() for t in TOML],
        "records_fuzz": list(record_seeds()),
        "codec_fuzz": list(codec_seeds(rng)),
        "copy_stream_fuzz": list(stream_seeds(rng)),
        "pages_fuzz": sound + [images.damage(rng, rng.choice(sound)) for _ in range(20)],
    }


def malformed_names():
    return [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for target, seeds in all_seeds().items():
        directory = pathlib.Path(sys.argv[1]) / target
        directory.mkdir(parents=True, exist_ok=True)
        found = pathlib.Path(__file__).parent / "found" / target
        kept = sorted(found.iterdir()) if found.is_dir() else []
        for number, content in enumerate(seeds + [path.read_bytes() for path in kept]):
            (directory / f"seed{number:03}").write_bytes(content)


if __name__ == "__main__":
    main()
