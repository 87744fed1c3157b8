"""Random and hostile values of every storage class into every type.

Each value is loaded, and then it is what it was, or it is refused and its row stands in
lite2pg.reject with its key. The judge is not our code: for text the server's own input function is
asked, for numbers Python's exact arithmetic, for blobs their bytes; what a REAL reads as text is
asked of SQLite. LITE2PG_VALUES sets the number of values per class and type (1,000), LITE2PG_SEED
which ones.
"""

import decimal
import json
import math
import os
import random
import re
import sqlite3
import struct
import unittest

from harness import SEED, EndToEndTest, execute

VALUES = int(os.environ.get("LITE2PG_VALUES", "1000"))
SETTINGS = ("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';"
            " SET bytea_output = 'hex'; SET extra_float_digits = 1; SET lc_monetary = 'C'; ")
TYPES = ["boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric",
         "numeric(12,3)", "text", "varchar(10)", "char(10)", "bytea", "date", "time", "timetz",
         "timestamp", "timestamp(3)", "timestamptz", "interval", "uuid", "json", "jsonb", "inet",
         "cidr", "macaddr", "bit(8)", "varbit(20)", "money", "integer[]", "text[]"]
CLASSES = ["integer", "real", "text", "blob"]
decimal.getcontext().prec = 2_000

# A value of the server's as text, or what it says against it.
ORACLE_SQL = """
CREATE FUNCTION read_as(b bytea, kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE format('SELECT %L::%s::text', convert_from(b, 'UTF8'), kind) INTO result;
  RETURN '=' || result;
EXCEPTION WHEN others THEN RETURN '!' || SQLERRM;
END $$;
"""


def integers(rng):
    edge = rng.choice((0, 1, 2, 10, 100, 2**7, 2**15, 2**16, 2**24, 2**31, 2**32, 2**53, 2**62,
                       2**63, 10**9, 10**12, 10**15, 10**18, 1_700_000_000, 2_460_000))
    value = edge + rng.choice((0, 0, 1, -1, 2, -2, rng.randrange(-1000, 1000)))
    value = -value if rng.random() < 0.4 else value
    return max(-2**63, min(2**63 - 1, value))


def reals(rng):
    kind = rng.randrange(9)
    if kind == 0:
        value = struct.unpack("<d", rng.randbytes(8))[0]
        return 0.5 if math.isnan(value) else value
    if kind == 1:
        return rng.choice((0.0, -0.0, math.inf, -math.inf, 5e-324, 2.2250738585072014e-308,
                           1.7976931348623157e308, 1e22, 1e23, 0.1, 1 / 3, 2.0**53, 2.0**63))
    if kind == 2:
        return float(rng.randrange(-10**6, 10**6))
    if kind == 3:
        return rng.randrange(-10**9, 10**9) / 1000
    if kind == 4:
        return struct.unpack("<f", struct.pack("<f", rng.uniform(-1e6, 1e6)))[0]
    if kind == 5:
        return 2.0 ** rng.randrange(-1074, 1023)
    if kind == 6:
        return float(integers(rng))
    if kind == 7:
        return rng.uniform(0, 3e9)
    return math.ldexp(rng.random(), rng.randrange(-1060, 1020))


TEXT_SEEDS = [
    "", " ", "0", "-0", "1", "yes", "no", "t", "F", "on", "OFF", "true", "False", "NULL", "null",
    "nan", "NaN", "-inf", "Infinity", "1e400", "1e-400", "1e5", "0x1F", "1_000", "1,000", "+7",
    "00012", "12.50", ".5", "5.", "-.5e-3", "9223372036854775807", "9223372036854775808",
    "123456789.123456789", "1.000", "12345678901234567890.12345678901234567890", "1 ", " 1", "1\n",
    "2024-02-29", "2023-02-29", "2024-02-29 12:34:56", "2024-02-29T12:34:56.789Z", "24:00:00",
    "2024-02-29 12:34:56.123456789", "2024-02-29 12:34:56+05:30", "2024-02-29 24:00:00", "12:34",
    "23:59:60", "0000-00-00", "0000-01-01", "10000-01-01", "294277-01-01", "4714-11-24 BC",
    "1/2/2003", "02/01/2003", "Jan 5 2003", "today", "now", "epoch", "infinity", "-infinity",
    "12:34:56-08", "12:34:56 PM", "1 day", "1 mon 2 days 03:04:05", "P1Y2M3DT4H", "-1 day +2:03",
    "6f9619ff-8b86-d011-b42d-00c04fc964ff", "{6F9619FF8B86D011B42D00C04FC964FF}", "6f9619ff",
    '{"a": 1, "a": 2}', '{"a": 1.10, "b": [null, true, "\\u0041"]}', '"\\u0000"', "[1, 2, 3]", "{",
    '"\\ud800"', "[1e400]", "01", "{1,2,NULL}", '{"a","b,c"}', "{{1,2},{3,4}}", "[1,null]", "[]",
    '["a", "b\\"c"]', "[0:1]={1,2}", "192.168.0.1/24", "10.0.0.0/8", "::1", "fe80::1%eth0", "1.2.3",
    "08:00:2b:01:02:03", "08002b010203", "0800.2b01.0203", "10101010", "1010", "B'1'", "x1f",
    "$1,234.50", "(5)", "-$3.00", "12.345", "\\x6162", "\\\\x", "deadbeef", "a\\b", "'", '"', "\t",
    "\u00e9", "e\u0301", "\U0001f600", "\ufeffx", "\u202e", "x" * 10, "x" * 11, "\u00e9" * 10, "y" * 300,
    "abc       ", "abc        ", "abcdefghij   ",
]
RAW_TEXTS = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x00b", b"\x00", b"\xe2\x82",
             b"1\x00", b"ok\xff"]


def texts(rng):
    kind = rng.randrange(10)
    if kind == 0:
        return rng.choice(RAW_TEXTS)
    if kind == 1:
        return repr(reals(rng)).encode()
    if kind == 2:
        return str(integers(rng)).encode()
    if kind == 3:
        return rng.randbytes(rng.randrange(12)).decode("latin-1").replace("\0", "").encode()
    if kind == 4:
        second = rng.choice(("", f":{rng.randrange(61):02}", f":{rng.randrange(60):02}."
                             + "".join(rng.choices("0123456789", k=rng.randrange(1, 10)))))
        return (f"{rng.randrange(1, 12000):04}-{rng.randrange(1, 13):02}-{rng.randrange(1, 31):02}"
                f"{rng.choice(' T')}{rng.randrange(24):02}:{rng.randrange(60):02}{second}"
                f"{rng.choice(('', 'Z', '+01', '-03:30', '+05:45'))}").encode()
    text = rng.choice(TEXT_SEEDS)
    if kind < 7 and text:  # changed in one place
        at = rng.randrange(len(text) + 1)
        text = rng.choice((text[:at] + rng.choice(" 0159-+.:eE\"'\\{}[],/\u00e9") + text[at:],
                           text[:at] + text[at + 1:], text + text, text.upper()))
    return text.encode()


def blobs(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice((b"", b"\0", b"\xff", b"1", b"true", b"{}", b"2024-01-01", b"abc"))
    if kind == 1:
        return rng.randbytes(16)
    if kind == 2:
        return texts(rng)
    if kind == 3:
        return struct.pack(">d", reals(rng))
    return rng.randbytes(rng.randrange(400))


MAKERS = {"integer": integers, "real": reals, "text": texts, "blob": blobs}


def float4(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf


def is_number(shown, exact, kind):
    """Whether what the server shows is `exact`, a Decimal or an infinity."""
    if kind == "money":
        shown = shown.replace("$", "").replace(",", "")
    try:
        found = decimal.Decimal(shown)
    except decimal.InvalidOperation:
        return False
    if found == exact:
        return True
    # The shortest digits stand for the floating-point number that is nearest to them.
    if kind == "double precision":
        return decimal.Decimal(float(shown)) == exact
    if kind == "real":
        return decimal.Decimal(float4(float(shown))) == exact
    return False


class Judge:
    """Whether what the server shows of a loaded value is that value."""

    def __init__(self, sqlite):
        self.sqlite = sqlite

    def integer(self, value, shown, kind, by_server):
        if kind == "bytea":  # the bytes of its text
            return self.integer(value, bytes.fromhex(shown[2:]).decode(), "text", by_server)
        if kind == "boolean":
            return value in (0, 1) and shown == ("true" if value else "false")
        if kind in ("text", "varchar(10)", "char(10)", "json", "jsonb"):
            return shown.rstrip(" ") == str(value)
        return is_number(shown, decimal.Decimal(value), kind)

    def real(self, value, shown, kind, by_server):
        if kind == "bytea":
            return self.real(value, bytes.fromhex(shown[2:]).decode(), "text", by_server)
        if kind == "double precision":
            return struct.pack("<d", float(shown)) == struct.pack("<d", value)
        if kind == "real":
            # The same double, or the same shortest digits.
            return struct.pack("<d", float(shown)) == struct.pack("<d", value) or struct.pack(
                "<d", float4(float(shown))) == struct.pack("<d", value)
        if kind in ("text", "varchar(10)", "char(10)"):
            shown = shown.rstrip(" ")
            by_sqlite = self.sqlite.execute("SELECT CAST(? AS TEXT)", (value,)).fetchone()[0]
            return shown == by_sqlite or struct.pack("<d", float(shown)) == struct.pack("<d", value)
        if kind in ("json", "jsonb"):
            return float(json.loads(shown)) == value
        if kind == "boolean":
            return value in (0.0, 1.0) and shown == ("true" if value else "false")
        exact = decimal.Decimal(value)
        if kind.startswith("numeric") and math.isfinite(value):
            return is_number(shown, exact, kind) or decimal.Decimal(shown) == decimal.Decimal(
                repr(value))
        if kind == "money" and math.isfinite(value):
            return is_number(shown, exact, kind) or is_number(
                shown, decimal.Decimal(repr(value)), kind)
        return is_number(shown, exact, kind)

    def text(self, value, shown, kind, by_server):
        if kind == "bytea":
            return shown == "\\x" + value.hex()
        if kind in ("text", "varchar(10)"):
            return shown.encode() == value
        if kind == "json":
            return shown.encode() == value
        if by_server.startswith("="):
            return shown == by_server[1:]
        return self.in_another_spelling(value.decode(), shown, kind)

    def in_another_spelling(self, value, shown, kind):
        """What PostgreSQL does not read, and docs/coercion.md says that we do."""
        if kind in ("integer[]", "text[]"):  # a JSON array
            try:
                elements = json.loads(value, parse_float=str, parse_int=str)
            except ValueError:
                return False
            return isinstance(elements, list) and self.same_elements(elements, shown, kind)
        if kind in ("smallint", "integer", "bigint"):
            try:
                return decimal.Decimal(value.strip()) == decimal.Decimal(shown)
            except decimal.InvalidOperation:
                return False
        if kind == "interval":  # .NET's d.hh:mm:ss
            return re.fullmatch(r"-?(\d+\.)?\d\d?:\d\d:\d\d(\.\d+)?", value.strip()) is not None
        return False

    def same_elements(self, elements, shown, kind):
        """Of a JSON array, and of an array as the server shows it. Integers by their number, as
        those outside an array: 1e0 is 1."""
        flat = re.findall(r'"(?:[^"\\]|\\.)*"|[^{},]+', shown)
        found = [None if e == "NULL" else re.sub(r"\\(.)", r"\1", e[1:-1]) if e[0] == '"' else e
                 for e in flat]

        def leaves(value):
            if isinstance(value, list):
                return [leaf for item in value for leaf in leaves(item)]
            return [value if value is None or isinstance(value, str) else json.dumps(value)]
        expected = leaves(elements)
        if kind == "integer[]" and found != expected:
            try:
                found, expected = ([e if e is None else decimal.Decimal(e) for e in side]
                                   for side in (found, expected))
            except decimal.InvalidOperation:
                return False
        return found == expected

    def blob(self, value, shown, kind, by_server):
        if kind == "bytea":
            return shown == "\\x" + value.hex()
        if kind == "uuid":
            return len(value) == 16 and shown.replace("-", "") == value.hex()
        # SQLite's JSONB, which SQLite of this version cannot read for us: the goldens of
        # tests/coercion/sqlite_jsonb_test.cc, made by a newer one, judge it.
        return kind in ("json", "jsonb")


class HostileValues(EndToEndTest):
    def build(self, db):
        self.sent = {}
        for number, kind in enumerate(TYPES):
            for storage in CLASSES:
                rng = random.Random(f"{SEED} {kind} {storage}")
                values = [MAKERS[storage](rng) for _ in range(VALUES)]
                table = f"{storage}_{number}"
                self.sent[table] = (kind, storage, values)
                db.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, v)")
                cast = "CAST(? AS TEXT)" if storage == "text" else "?"
                db.executemany(f"INSERT INTO {table}(v) VALUES ({cast})", ((v,) for v in values))

    def load(self, path):
        """Everything that the plan lets through; the rest is refused as a whole, by name."""
        excluded = []
        for _ in range(3):
            run = self.copy(path, "--schema-mode", "existing", "--on-bad-value", "reject",
                            "--max-rejects", "100%", *excluded,
                            timeout=300 + VALUES // 20)
            if run.exit_code != 12:
                break
            blocked = {f["object"].split(".")[0] for f in run.findings()
                       if f["severity"] == "blocking"}
            self.assertTrue(blocked, str(run))
            for table in sorted(blocked):
                excluded += ["--exclude", table]
        self.assertIn(run.exit_code, (0, 3), str(run))
        return run, set(excluded) - {"--exclude"}

    def read_rejects(self):
        """{table: {id}} of the rows that were set aside."""
        found = {}
        for table, key in self.sql("SELECT table_name, row_key FROM lite2pg.reject"):
            found.setdefault(table, set()).add(int(re.search(r"(-?\d+)\D*$", key)[1]))
        return found

    def test_every_value_is_loaded_as_it_is_or_set_aside_by_its_key(self):
        path = self.make_source(build=self.build)
        self.sql(ORACLE_SQL + "".join(
            f"CREATE TABLE {table} (id bigint PRIMARY KEY, v {kind});"
            for table, (kind, _, _) in self.sent.items()))
        run, excluded = self.load(path)
        rejects = self.read_rejects()
        judge = Judge(sqlite3.connect(":memory:"))
        problems, loaded_count = [], 0
        for table, (kind, storage, values) in self.sent.items():
            if table in excluded:
                continue
            shown = dict(execute(self.target, f"{SETTINGS} SELECT id, v::text FROM {table}"))
            by_server = {}
            if storage == "text":
                rows = [(i, values[i - 1]) for i in shown]
                by_server = self.ask_server(rows, kind)
            refused = rejects.get(table, set())
            loaded_count += len(shown)
            for i, value in enumerate(values, 1):
                if (i in shown) == (i in refused):
                    problems.append(f"{kind} {storage} {value!r}: loaded {i in shown},"
                                    f" refused {i in refused}")
                elif i in shown and not getattr(judge, storage)(
                        value, shown[i], kind, by_server.get(i, "")):
                    problems.append(f"{kind} {storage} {value!r}: loaded as {shown[i]!r}, the"
                                    f" server reads {by_server.get(i, '')!r}")
        self.assertEqual(problems, [], f"{len(problems)} of {loaded_count} loaded, seed {SEED}")
        self.assertGreater(loaded_count, 5 * VALUES)

    def ask_server(self, rows, kind):
        answers = {}
        for at in range(0, len(rows), 5_000):
            part = [(i, v) for i, v in rows[at:at + 5_000] if b"\0" not in v]
            found = execute(
                self.target,
                SETTINGS + "SELECT i, read_as(decode(h, 'hex'), %s)"
                " FROM unnest(%s::bigint[], %s::text[]) AS x(i, h)",
                (kind, [i for i, _ in part], [v.hex() for _, v in part]))
            answers.update(found)
        return answers


if __name__ == "__main__":
    unittest.main()
