"""SQLite databases made of one seed: every way in which programs write values, and what SQLite lets
be in tables, keys, names and declarations besides. Used by tests/e2e/generated_test.py and, without
end, by tests/fuzz/databases.py."""

import json
import random
import sqlite3
import time
import uuid


class RawText(bytes):
    """Bytes that are stored as TEXT whatever they are."""


# Of every storage class, what tends to go wrong.
INTEGERS = [0, 1, -1, 2, 127, 32768, 2**31, -2**31 - 1, 2**53 + 1, 2**63 - 1, -2**63, 1700000000,
            1700000000123]
REALS = [0.5, -0.5, 0.1, 1e300, 5e-324, 123456789.123456789, float("inf"), -float("inf"), 19.99,
         2440587.5, 1e22]
TEXTS = ["", " ", "abc", "ABC", "1", "1.50", "007", "1e400", "true", "t", "null", "NULL", "\\N",
         "\\x00ff", "2024-02-29", "2024-02-29 23:59:59.123", "2023-02-29", "0000-00-00", "24:00",
         "2024-02-29T12:00:00+05:30", "12:30:00", "{}", '{"a":1,"a":2}', "[1.10]", '"\\u0000"',
         "6F9619FF-8B86-D011-B42D-00C04FC964FF", "\u00e9\u00df\u6f22\U0001f600", "a'b\"c\\d\te\nf",
         "Infinity", "NaN", "-0", "+5", "0x10", "e\u0301", "\ufeffbom", "x" * 70_000]
BLOBS = [b"", b"\0", b"\xff\xfe", b"abc", bytes(range(256)), b"0123456789abcdef", b"\x8b" * 3]
# UTF-8 that is none, a surrogate, a NUL, overlong forms.
RAW_TEXTS = [RawText(b) for b in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"a\0b", b"\xc0\x80", b"\0",
                                  b"\xf4\x90\x80\x80", b"ok")]


def _stamp(rng, spread=2_000_000_000):
    return time.gmtime(rng.randrange(-spread, spread))


def _text_time(form, fraction=""):
    def make(rng):
        digits = "".join(rng.choice("0123456789") for _ in range(6))
        return time.strftime(form, _stamp(rng)) + fraction.replace("ffffff", digits)
    return make


def _one_of(*values):
    return lambda rng: rng.choice(values)


def _below(least, most):
    return lambda rng: rng.randrange(least, most)


def _span(rng):
    return f"{rng.randrange(99)}.{rng.randrange(24):02}:{rng.randrange(60):02}:00.1234500"


# Ways in which one column's values are written: a declaration, and a function of the random numbers
# that makes a value. What programs write (tests/e2e/conventions_test.py), and what tests dream up.
WRITERS = [
    ("DATETIME", _text_time("%Y-%m-%d %H:%M:%S")),
    ("TIMESTAMP", _text_time("%Y-%m-%d %H:%M:%S", ".ffffff")),
    ("DATETIME", _text_time("%Y-%m-%dT%H:%M:%S", ".ffffffZ")),
    ("DATETIME", _text_time("%Y-%m-%d %H:%M:%S", "+05:30")),
    ("DATETIME", _text_time("%Y-%m-%d %H:%M:%S", ".ffffff +0000 UTC")),
    ("datetime2", _text_time("%Y-%m-%d %H:%M:%S", ".ffffff0")),
    ("TIMESTAMP", _text_time("%Y-%m-%d %H:%M:%S", ".ffffff789+00:00")),
    ("DATETIME", _text_time("%Y-%m-%d %H:%M", "Z")),
    ("DATETIME", _text_time("%Y-%m-%d %H:%M:%S", " +0530 IST m=+0.ffffff")),
    ("TIMESTAMP WITH TIME ZONE", _text_time("%Y-%m-%dT%H:%M:%S", "-0330")),
    ("DATE", _text_time("%Y-%m-%d")), ("TIME", _text_time("%H:%M:%S")),
    ("TIME", _text_time("%H:%M", ":59.ffffff")),
    ("DATE", _one_of("0001-01-01", "9999-12-31", "10000-01-01", "0044-03-15 BC", "-0044-03-15",
                     "0000-01-01", "1582-10-10", "2000-02-29", "1900-02-29")),
    ("DATETIME", _one_of("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "infinity",
                         "0000-01-01 00:00:00", "2016-12-31 23:59:60", "2024-01-01 24:00:00")),
    ("DATETIME", _below(10**12, 2 * 10**12)), ("TIMESTAMP", _below(10**9, 2 * 10**9)),
    ("DATETIME", _below(10**15, 2 * 10**15)), ("BIGINT", _below(10**18, 2 * 10**18)),
    ("BIGINT", _below(6 * 10**17, 7 * 10**17)), ("DATE", _below(0, 30000)),
    ("DATETIME", lambda rng: 2440587.5 + rng.random() * 1e5),
    ("DATETIME", lambda rng: rng.choice([1700000000123, "2024-01-31 12:34:56", None])),
    ("TEXT", _span), ("INTERVAL", _span),
    ("REAL", lambda rng: rng.choice([rng.random() * 1e9, rng.random(), -0.0, 1e-300, 5e-324])),
    ("REAL", _one_of(float("inf"), -float("inf"), 0.0, -0.0, 1.7976931348623157e308, 1, "x")),
    ("FLOAT", lambda rng: rng.choice([rng.gauss(0, 1), rng.randrange(-2**63, 2**63)])),
    ("INTEGER", lambda rng: rng.randrange(-2**63, 2**63) >> rng.randrange(64)),
    ("UNSIGNED BIG INT", _one_of(2**63 - 1, -2**63, "9223372036854775808", 0)),
    ("TINYINT(1)", _one_of(0, 1)), ("SMALLINT", _below(-40000, 40000)),
    ("BOOLEAN", _one_of(0, 1)), ("BOOL", _one_of("t", "f")), ("BOOLEAN", _one_of(0, 1, "t", "F")),
    ("BOOLEAN", _one_of("true", "False", "yes", "no")), ("BOOLEAN", _one_of(0, 1, 2)),
    ("NUMERIC(10,2)", lambda rng: rng.randrange(-10**9, 10**9) / 100),
    ("DECIMAL", _one_of("1.50", 7, "-0.001", 1e20)),
    ("DECIMAL(20,4)", lambda rng: f"{rng.randrange(-10**18, 10**18)}.{rng.randrange(10**4):04}"),
    ("TEXT", lambda rng: f"{rng.getrandbits(130)}.{rng.getrandbits(130)}"),
    ("MONEY", lambda rng: rng.randrange(10**6) / 100), ("MONEY", _one_of("$1.50", "1,000.00")),
    ("UUID", lambda rng: str(uuid.UUID(int=rng.getrandbits(128)))),
    ("UUID", lambda rng: rng.choice(["{%s}", "%s"])
     % str(uuid.UUID(int=rng.getrandbits(128))).upper()),
    ("GUID", lambda rng: rng.randbytes(16)),
    ("UUID", lambda rng: rng.randbytes(rng.choice([15, 16]))),
    ("CHAR(32)", lambda rng: f"{rng.getrandbits(128):032x}"),
    ("JSON", lambda rng: json.dumps({rng.choice("abc"): [rng.random(), None, "\u00e9\n"]})),
    ("JSONB", _one_of('{"a":1}', "[1, 2.50, 1e2]", "null", '"x"', "3")),
    ("JSON", _one_of('{"a":1}', "{a:1}", "'x'", "[1,]", '{"a":1,"a":2}')),
    ("VARCHAR(20)", lambda rng: "".join(rng.choice("a\u00e9\U0001f600 '\\\"\t") for _ in
                                        range(rng.randrange(20)))),
    ("VARCHAR(3)", _one_of("abc", "abc ", "\u00e9\u00e9\u00e9", "abcd")),
    ("CHARACTER(5)", _one_of("a", "a    ", "", "abcde")),
    ("TEXT", _one_of(*TEXTS)), ("BLOB", lambda rng: rng.randbytes(rng.randrange(40))),
    ("BLOB", _one_of("text", 5, 1.5, b"\0")), ("CLOB", _one_of(*RAW_TEXTS)),
    ("TEXT", _one_of("plain", *RAW_TEXTS)), ("STRING", _one_of(1, 2.5, "x", "007", "1e5")),
    ("TEXT", lambda rng: chr(rng.choice([0, 1, 0x7f, 0xd7ff, 0x10ffff])) * rng.randrange(3)),
    ("", _one_of(*INTEGERS, *REALS, *TEXTS, *BLOBS)), ("POINT", _one_of("(1,2)", "x", 5)),
    ("INTEGER", _one_of(*INTEGERS, "", "x")), ("ANY", _one_of(1, "1", 1.0, b"1")),
    ("INTEGER_OR_TEXT", _one_of(1, "a")), ("byte[]", _one_of(b"", b"x")),
    ("double precision", lambda rng: rng.random()), ("text nocase", _one_of("a", "A")),
]
STRICT_WRITERS = [
    ("INTEGER", _below(-2**63, 2**63)), ("INT", _one_of(0, 1, -1)),
    ("REAL", lambda rng: rng.random()),
    ("REAL", _one_of(1, -0.0, float("inf"))), ("TEXT", _one_of(*TEXTS)), ("BLOB", _one_of(*BLOBS)),
    ("ANY", _one_of(*INTEGERS, *REALS, *TEXTS, *BLOBS)), ("ANY", _one_of("1", 1, 1.0, b"1")),
    ("TEXT", _text_time("%Y-%m-%d %H:%M:%S")), ("TEXT", _one_of(*RAW_TEXTS)),
]
NAMES = ["a", "Mixed Case", 'quo"te', "select", "new\nline", "\U0001f600", "x" * 64, "per%cent",
         "$1", "\u00dcml", "order", "id2", "A.b", "it's", "tab\t", "--", "back\\slash", "[b]",
         "user", "x" * 70, "x" * 63, "\u6f22" * 30, "lite2pg", "pg_class", "information_schema",
         "ctid", "xmin", "public", "lite2pg_ledger", "pg_toast", " ", "oid", "tableoid",
         "references", "values"]
DEFAULTS = ["", "", "", " DEFAULT NULL", " DEFAULT 1", " DEFAULT 'it''s'", " DEFAULT (-5)",
            " DEFAULT CURRENT_TIMESTAMP", " DEFAULT (datetime('now'))", " DEFAULT x'00ff'",
            " DEFAULT 1.5e3", " DEFAULT true", " DEFAULT (random())", " DEFAULT 'null'",
            " DEFAULT (lower(hex(randomblob(4))))", " DEFAULT (strftime('%s','now'))"]
# Of columns {0} and {1}.
GENERATED = ["coalesce({0}, 0)", "typeof({0})", "length({0})", "{0} IS NULL", "{0} || 'x'",
             "{0} + 1", "CAST({0} AS TEXT)", "upper({0})", "substr({0}, 1, 2)",
             "CASE WHEN {0} THEN {1} ELSE 0 END", "abs(length({0}))", "ifnull({0}, {1})",
             "{0} = {1}", "round(length({0}) / 3.0, 1)"]
CHECKS = ["{0} IS NULL OR length({0}) < 1000000", "typeof({0}) <> 'never'", "{0} <> {1} OR 1",
          "{0} IS NOT 'impossible'", "length({0}) >= 0 OR {0} IS NULL"]


def write_names(report, path):
    """A configuration that leads a second copy into the tables that the first has made."""
    def key(name):
        return json.dumps(name, ensure_ascii=False)

    with open(path, "w", encoding="utf-8") as file:
        for table in report["tables"]:
            if table["state"] != "copied":
                continue
            of_table = f"[table.{key(table['source_name'])}"
            file.write(f"{of_table}]\nrename = {key(table['target_name'])}\n")
            for column in table["columns"]:
                file.write(f"{of_table}.column.{key(column['source_name'])}]\n"
                           f"rename = {key(column['target_name'])}\n")
                if column["target_type"] == "uuid":   # as we read what is declared so
                    file.write('blob = "uuid"\n')


def quote(name):
    return '"' + name.replace('"', '""') + '"'


class RandomDatabase:
    """Tables with columns in every convention, keys of every kind, references and odd names, all
    from one seed."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.tables = []   # (quoted name, columns of its key)
        self.utf16 = False

    def chance(self, part):
        return self.rng.random() < part

    def name(self, used):
        """A name that is not among those yet; sometimes one that is equal in its first 63 bytes."""
        while True:
            name = self.rng.choice(NAMES) + self.rng.choice(["", "", str(self.rng.randrange(99))])
            if name.lower() not in used:
                used.add(name.lower())
                return quote(name)

    def build(self, db):
        self.utf16 = self.chance(0.2)
        if self.utf16:
            db.execute(f"PRAGMA encoding = '{self.rng.choice(['UTF-16le', 'UTF-16be'])}'")
        db.execute(f"PRAGMA page_size = {self.rng.choice([512, 1024, 4096, 4096, 65536])}")
        db.execute(f"PRAGMA auto_vacuum = {self.rng.choice(['NONE', 'NONE', 'FULL'])}")
        db.execute("PRAGMA legacy_alter_table = ON")
        used = {"t_sequence"}
        for _ in range(self.rng.randrange(2, 8)):
            self.add_table(db, self.name(used))
        for _ in range(self.rng.randrange(3)):
            table, key = self.rng.choice(self.tables)
            self.attempt(db, f"CREATE VIEW {self.name(used)} AS SELECT * FROM {table}"
                         + self.rng.choice(["", f" WHERE {key[0]} IS NOT NULL", " LIMIT 3"]))

    @staticmethod
    def attempt(db, sql):
        """What the data or SQLite itself does not allow is left out."""
        try:
            db.execute(sql)
        except (sqlite3.IntegrityError, sqlite3.OperationalError):
            pass

    def value(self, make):
        while True:
            value = None if self.chance(0.1) else make(self.rng)
            if not (self.utf16 and isinstance(value, RawText)):
                return value

    @staticmethod
    def insert(db, table, row):
        marks = ["CAST(? AS TEXT)" if isinstance(v, RawText) else "?" for v in row.values()]
        values = [bytes(v) if isinstance(v, RawText) else v for v in row.values()]
        try:
            db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)})"
                       f" VALUES ({', '.join(marks)})", values)
        except sqlite3.IntegrityError:
            pass  # another type than a STRICT table's column has

    def add_table(self, db, table):
        rng = self.rng
        strict = self.chance(0.2)
        writers = [rng.choice(STRICT_WRITERS if strict else WRITERS)
                   for _ in range(rng.randrange(1, 9))]
        used = {"id", "up", "up2"}
        names = [self.name(used) for _ in writers]
        columns = [f"{name} {declared}" + (rng.choice(DEFAULTS) if not strict else "")
                   + rng.choice([""] * 5 + [" COLLATE NOCASE", " COLLATE RTRIM"])
                   for name, (declared, _) in zip(names, writers)]
        kind, key = self.add_key(columns, names, strict)
        self.add_references(columns, strict)
        constraints = [c for c in columns if c.startswith(("PRIMARY", "FOREIGN", "CHECK"))]
        columns = [c for c in columns if c not in constraints]
        if self.chance(0.3):
            constraints.append(f"CHECK ({self.expression(CHECKS, names)})")
        generated = []
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            name = self.name(used)
            of = self.expression(GENERATED, names + generated)
            declared = rng.choice(["INT", "ANY", "TEXT"] if strict else ["", "TEXT", "INT"])
            columns.append(f"{name} {declared} AS ({of}) {rng.choice(['VIRTUAL', 'STORED'])}")
            generated.append(name)
        options = [o for o in ("WITHOUT ROWID" if kind.startswith("without") else "",
                               "STRICT" if strict else "") if o]
        db.execute(f"CREATE TABLE {table} ({', '.join(columns + constraints)})"
                   f" {', '.join(options)}")
        self.tables.append((table, key))
        self.add_rows(db, table, kind, dict(zip(names, writers)))
        if not strict and self.chance(0.3):
            added, (declared, make) = self.name(used), rng.choice(WRITERS)
            default = rng.choice([d for d in DEFAULTS if "(" not in d and "CURRENT" not in d])
            db.execute(f"ALTER TABLE {table} ADD COLUMN {added} {declared}{default}")
            names.append(added)
            self.add_rows(db, table, kind, dict(zip(names, writers + [(declared, make)])), 1000)
        if self.chance(0.2):
            db.execute(f"DELETE FROM {table} WHERE random() % 3 = 0")
        self.add_indexes(db, table, names + generated)

    def expression(self, forms, names):
        return self.rng.choice(forms).format(self.rng.choice(names), self.rng.choice(names))

    def add_key(self, columns, names, strict):
        """(kind, the key's columns); the column `id` and the constraint join `columns`."""
        rng = self.rng
        any_type = "ANY" if strict else ""
        kind = rng.choice(["rowid", "auto", "alias desc", "int", "text", "composite", "none",
                           "none", "without text", "without any", "without composite",
                           "without real"])
        where = {"rowid": "id INTEGER PRIMARY KEY", "auto": "id INTEGER PRIMARY KEY AUTOINCREMENT",
                 "alias desc": "id INTEGER PRIMARY KEY DESC", "int": "id INT PRIMARY KEY",
                 "without any": f"id {any_type} PRIMARY KEY", "without real": "id REAL PRIMARY KEY",
                 "without text": "id TEXT PRIMARY KEY " + rng.choice(["", "COLLATE NOCASE"]),
                 "text": "id TEXT NOT NULL", "composite": "id TEXT NOT NULL",
                 "without composite": "id TEXT NOT NULL"}.get(kind)
        if where is None:
            return kind, names[:1]
        columns.insert(rng.randrange(len(columns) + 1), where)
        if kind == "text":
            columns.append("PRIMARY KEY (id)")
        if "composite" in kind:
            order = rng.choice(["", " DESC"])
            columns.append(f"PRIMARY KEY ({names[0]}{order}, id {rng.choice(['', 'DESC'])})")
            return kind, [names[0], "id"]
        return kind, ["id"]

    def add_references(self, columns, strict):
        for column in ("up", "up2"):
            if not self.tables or not self.chance(0.35):
                continue
            parent, key = self.rng.choice(self.tables)
            if len(key) > 1:
                continue
            declared = "ANY" if strict else self.rng.choice(["INTEGER", "TEXT", ""])
            columns.insert(0, f"{column} {declared}")
            columns.append(f"FOREIGN KEY ({column}) REFERENCES {parent}"
                           + self.rng.choice(["", f" ({key[0]})"])
                           + self.rng.choice(["", " ON DELETE CASCADE", " ON UPDATE SET NULL"])
                           + self.rng.choice(["", " DEFERRABLE INITIALLY DEFERRED"]))

    def add_rows(self, db, table, kind, writers, first=0):
        rng = self.rng
        has = {row[1] for row in db.execute(f"PRAGMA table_xinfo({table})")}
        for number in range(first, first + rng.choice([0, 1, 7, 60, 200])):
            row = {name: self.value(make) for name, (_, make) in writers.items()}
            if kind == "rowid" and self.chance(0.05):
                row["id"] = rng.choice([-2**63, 2**63 - 1, -number, 10**12 + number])
            elif kind in ("int", "alias desc"):
                row["id"] = number if self.chance(0.9) else rng.choice([None, f"k{number}"])
            elif kind == "without any":
                row["id"] = rng.choice([number, number + 0.5, f"k{number}", b"%d" % number])
            elif kind == "without real":
                row["id"] = rng.choice([number / 7, -number, 1e300 / (number + 1)])
            elif kind in ("text", "without text", "composite", "without composite"):
                row["id"] = rng.choice(["k", "K", "\u00e9", ""]) + str(number)
            for column in sorted(has & {"up", "up2"}):
                row[column] = rng.choice([None, 1, 2, number, f"k{number}"])
            self.insert(db, table, row)

    def add_indexes(self, db, table, names):
        rng = self.rng
        for number in range(rng.choice([0, 1, 1, 3])):
            index = quote(f"i{len(self.tables)} {number} {rng.choice(NAMES)}"[:60])
            first = rng.choice(names)
            on = rng.choice([first, f"{first} DESC", f"{first} COLLATE NOCASE", f"lower({first})",
                             f"{first}, {rng.choice(names)}", f"length({first})",
                             f"{first} COLLATE RTRIM"])
            where = rng.choice(["", "", f" WHERE {rng.choice(names)} IS NOT NULL",
                                f" WHERE {rng.choice(names)} > 5"])
            unique = rng.choice(["", "", "UNIQUE "])
            self.attempt(db, f"CREATE {unique}INDEX {index} ON {table} ({on}){where}")
