"""Names and expressions that want to be more than that.

A database is made twice, once with payloads for names, literals and values, once with harmless
words in the same places. PostgreSQL logs every statement of both copies. After all quoted names and
literals are taken out, the logs must be the same: whatever a payload does, it does within its
quotes.
"""

import collections
import contextlib
import csv
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from harness import EndToEndTest, execute, lite2pg, server

csv.field_size_limit(1 << 28)

INJECTIONS = [
    '"; CREATE TABLE public.pwned(); --', "'; CREATE TABLE public.pwned(); --",
    "\\'; CREATE TABLE public.pwned(); --", '\\"; CREATE TABLE public.pwned(); --',
    "); CREATE TABLE public.pwned(); --", "$$; CREATE TABLE public.pwned(); $$",
    "$x$; CREATE TABLE public.pwned(); $x$", "*/; CREATE TABLE public.pwned(); /*",
    "\n; CREATE TABLE public.pwned(); \n", "\n\\! touch {canary}\n", "\\! touch {canary}",
    "\r\n\\copy (select 1) to program 'touch {canary}'\n", "a\nCREATE TABLE public.pwned();\n--",
    "' || pg_sleep(100) || '", "\" FROM pg_class; COPY pg_class TO PROGRAM 'touch {canary}'; --",
    "x' ; COPY (SELECT 1) TO PROGRAM 'touch {canary}' ; --", "1; ROLLBACK; CREATE ROLE pwned; --",
    "E'\\''", "U&\"\\0061\"", "U&'\\0061' UESCAPE '!'", "B'1'", "$1", "$2; SELECT 1", ":'canary'",
    ":canary", "%s%n%x", "{}{0}", "`touch {canary}`", "$(touch {canary})", "-- ", "/*", "*/", "--",
    ";", ";;", "\\", "\\\\", "\\.", "\\N", "'", "''", "'''", '"', '""', '"""', "\"'\"'", "`", "``",
    "[x]", "]", "[", "(", ")", "())", ",", ".", "..", "a.b", '"a"."b"', "::text", "a::regclass",
    "a'b\"c\\d", "a\\'; CREATE TABLE public.pwned(); --", "$_$", "$body$", "E'", 'U&"', "x'41'",
    "X'", "1e5", "0x1F", "NaN", "Infinity", "-1", "+1", "1 OR 1=1", "' OR ''='", "\" OR \"\"=\"",
    "/* */ ; CREATE TABLE public.pwned()", "{canary}", "|| touch {canary}", "\\gexec", "\\copy",
    "\\i /etc/passwd", "\\o {canary}", "\\set x 1", "\\restrict", "\\connect postgres",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;", "\"><b>", "=1+1", "@x",
]
CONTROLS = ["\n", "\t", "\r", "\b", "\x1b[2J\x1b[31m", "\x1b]0;owned\x07", "\x7f", "\x01", "\x1f",
            "\x85", "\x9b31m", "a\nb", "a\rb", " ", "  ", " x", "x "]
DIRECTIONS = ["\u202e" + "gnp.exe", "\u2066x\u2069", "\u200f", "\u200e", "a\u202dz", "\u2028",
              "\u2029", "\ufeff", "\u200b", "\u061c", "e\u0301", "\u00e9", "\uff07", "\uff02",
              "\u02bc", "\U000e0041", "\U0001f600", "\ud7ff", "\uffff"]
RESERVED = ["select", "table", "user", "order", "group", "all", "and", "array", "as", "case", "check",
            "column", "constraint", "create", "default", "do", "end", "false", "from", "grant", "in",
            "into", "limit", "null", "on", "or", "primary", "references", "then", "to", "true",
            "union", "unique", "using", "when", "where", "with", "current_user", "session_user",
            "tableoid", "ctid", "xmin", "oid", "public", "pg_catalog", "pg_class", "lite2pg",
            "information_schema", "EXCLUDED", "PRIMARY KEY", "NOT NULL", "DROP TABLE t", "t; --"]
LENGTHS = ["n" * 63, "m" * 64, "l" * 70, "l" * 69 + "k", "\u00e9" * 31 + "x", "\u00e9" * 32,
           "\u6f22" * 21, "\u6f22" * 22, "\U0001f600" * 16, '"' * 63, '"' * 64, "'" * 70,
           "\\" * 64, "x" * 1_000, "q" * 62 + '"; CREATE TABLE public.pwned(); --']
# As SQLite takes them, but not Python: put in place by editing the schema.
MALFORMED = [b"\xff", b"\xc3\x28", b"a\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xa7"]


def payloads(canary):
    found = ["", *INJECTIONS, *CONTROLS, *DIRECTIONS, *RESERVED, *LENGTHS]
    return [p.replace("{canary}", canary) for p in found]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def build(words, directory, name, malformed):
    """A table per word, with the word in every place that has a name or a literal."""
    path = pathlib.Path(directory) / name
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = OFF")
    parent = None
    for number, word in enumerate(words):
        # SQLite looks at letters of ASCII without their case; the number keeps names apart.
        table, column, text = f"{word}{number}" if word else word, word, literal(word)
        other = quoted(column + "_")
        references = f" REFERENCES {quoted(parent)}(id)" if parent is not None else ""
        q = quoted(table)
        db.execute(
            f"CREATE TABLE {q} (id INTEGER PRIMARY KEY, {quoted(column)} TEXT DEFAULT {text},"
            f" {other} TEXT CONSTRAINT {quoted('c' + word)} CHECK ({other} <> {text} OR 1 = 1),"
            f" up INTEGER{references},"
            f" CONSTRAINT {quoted('u' + word)} UNIQUE ({quoted(column)}, id))")
        db.execute(f"CREATE INDEX {quoted(f'i{number}{word}')} ON {q}({quoted(column)})"
                   f" WHERE {quoted(column)} <> {text}")
        db.execute(f"CREATE INDEX {quoted(f'e{number}{word}')} ON {q}({quoted(column)} || {text})")
        db.execute(f"CREATE VIEW {quoted(f'v{number}{word}')} AS SELECT {quoted(column)} AS"
                   f" {quoted(f'w{word}')}, {text} AS t FROM {q} WHERE {quoted(column)} <> {text}")
        db.execute(f"CREATE TRIGGER {quoted(f'g{number}{word}')} AFTER INSERT ON {q} BEGIN"
                   f" UPDATE {q} SET {other} = {text} WHERE 0; END")
        db.execute(f"INSERT INTO {q} VALUES (1, ?, ?, NULL)", (word, word + "x"))
        parent = table
    for number, raw in enumerate(malformed):
        db.execute(f"CREATE TABLE zz{number}zz (zz{number}zz TEXT)")
        db.execute(f"INSERT INTO zz{number}zz VALUES ('v')")
    db.commit()
    db.execute("PRAGMA writable_schema = ON")
    for number, raw in enumerate(malformed):
        place = f"zz{number}zz"
        for field in ("name", "tbl_name", "sql"):
            # replace() of a text and a blob's text: bytes stay as they are.
            value = raw if field != "sql" else b'"' + raw.replace(b'"', b'""') + b'"'
            db.execute(f"UPDATE sqlite_schema SET {field} = replace({field}, ?,"
                       f" CAST(? AS TEXT)) WHERE instr(sql, ?)",
                       (place, value, place)) if field == "sql" else db.execute(
                f"UPDATE sqlite_schema SET {field} = CAST(? AS TEXT) WHERE {field} = ?",
                (value, place))
    db.commit()
    db.close()
    return path


# PostgreSQL's tokens that hide what is in them.
HIDDEN = re.compile(r'"(?:[^"]|"")*"' r"|\b[eE]'(?:[^'\\]|''|\\.)*'" r"|'(?:[^']|'')*'", re.DOTALL)
# What a copy has of its own.
OWN = re.compile(r"lite2pg_\w+|\b[0-9a-f]{8,32}\b|\b\d+\b")


def shape(statement):
    """The statement without what stands in quotes."""
    return OWN.sub("#", HIDDEN.sub(lambda m: "Q" if m[0][0] == '"' else "L", statement))


class LoggingServer:
    """A server of its own, which writes down every statement."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="lite2pg-log-")
        server.start(self.directory)
        data = self.directory + "/data"
        with open(data + "/postgresql.conf", "a", encoding="ascii") as config:
            config.write("logging_collector = on\nlog_destination = 'csvlog'\n"
                         "log_statement = 'all'\nlog_min_messages = warning\n"
                         f"log_directory = '{self.directory}/logs'\nlog_rotation_size = 0\n"
                         "log_min_error_statement = error\n")
        server.run([server.find_bin() + "/pg_ctl", "-D", data, "-w", "-l",
                    self.directory + "/log", "restart"], stdout=subprocess.DEVNULL)

    def conninfo(self, database):
        return server.conninfo(self.directory, database)

    def statements(self, database):
        """Every statement that was run in a database, with what kind of protocol."""
        found = []
        for path in sorted(pathlib.Path(self.directory, "logs").glob("*.csv")):
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                for row in csv.reader(file):
                    match = re.match(r"(statement|execute [^:]*): (.*)", row[13], re.DOTALL)
                    if row[2] == database and match:
                        found.append(match[2])
        return found

    def stop(self):
        server.stop(self.directory)


class HostileSchemaTest(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="lite2pg-names-")
        cls.canary = cls.work + "/canary"
        cls.words = payloads(cls.canary)
        cls.harmless = [f"word{i:03}" for i in range(len(cls.words))]
        cls.server = LoggingServer()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.work, ignore_errors=True)

    def fresh(self, name):
        execute(self.server.conninfo("postgres"),
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
        return self.server.conninfo(name)

    def copy_logged(self, path, database):
        conninfo = self.fresh(database)
        run = lite2pg("copy", path, conninfo, "--format", "json", "--streams", "1")
        self.assertEqual(run.exit_code, 0, str(run))
        return conninfo, run, self.server.statements(database)

    def test_no_name_or_literal_is_more_than_that(self):
        self.assertGreaterEqual(len(self.words) + len(MALFORMED), 200)
        hostile = build(self.words, self.work, "hostile.db", MALFORMED)
        harmless = build(self.harmless, self.work, "harmless.db", [b"p", b"q", b"r", b"s", b"x", b"z"])
        target, run, statements = self.copy_logged(hostile, "hostile")
        _, _, expected = self.copy_logged(harmless, "harmless")
        self.assertGreater(len(statements), 5 * len(self.words))
        shapes = collections.Counter(map(shape, statements))
        expected_shapes = collections.Counter(map(shape, expected))
        self.maxDiff = None
        self.assertEqual(sorted(set(shapes) - set(expected_shapes)), [], "statements of its own")
        changes = re.compile(r"\s*(CREATE|ALTER|DROP|COMMENT|COPY|INSERT|UPDATE|DELETE|TRUNCATE)")
        for text in set(shapes) | set(expected_shapes):
            if changes.match(text):
                self.assertEqual(shapes[text], expected_shapes[text], text)
        self.assertFalse(os.path.exists(self.canary))
        found = execute(target, "SELECT relname FROM pg_class WHERE relname LIKE 'pwned%'"
                                " UNION ALL SELECT rolname FROM pg_roles WHERE rolname = 'pwned'")
        self.assertEqual(found, [])
        self.check_names(hostile, target, run)

    def check_names(self, path, target, run):
        """Every name is in the target as it is, or the report says what became of it."""
        there = {row[0] for row in execute(
            target, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")}
        db = sqlite3.connect(path)
        db.text_factory = lambda b: b.decode("utf-8", "replace")
        names = {n for n, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        db.close()
        renamed = {t["target_name"] for t in run.report["tables"]
                   if t["target_name"] != t["source_name"]}
        for table in run.report["tables"]:
            self.assertEqual(table["equal"], True, table["source_name"])
            self.assertIn(table["target_name"], there)
        self.assertEqual(len(run.report["tables"]), len(names))
        plain = {n for n in names if n and "\ufffd" not in n and len(n.encode()) <= 63}
        self.assertEqual(sorted(plain - there), [], "names that could have been kept")
        self.assertGreater(len(renamed), len(MALFORMED))

    def test_a_terminal_shows_them_and_does_not_obey(self):
        path = build(self.words, self.work, "shown.db", MALFORMED)
        conninfo = self.fresh("shown")
        html = self.dir / "report.html"
        for arguments in (("plan", path, conninfo), ("copy", path, conninfo, "--report", html),
                          ("verify", path, conninfo, "-v"), ("status", conninfo),
                          ("plan", path, conninfo)):
            run = lite2pg(*arguments, "--progress", "always")
            text = run.out + run.err
            bad = re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e"
                             "\u2066-\u2069\ufeff\ufffd]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text))
            self.assertEqual(bad, [], f"{arguments[0]}: {run}"[:3000])
            for payload in ("\x1b[2J", "\x1b]0", "\x1b[31m\n"):
                self.assertNotIn(payload, text)
        page = html.read_text(encoding="utf-8")
        self.assertNotIn("<script>alert", page)
        self.assertNotIn("<img src=x", page)

    def test_they_come_back_as_they_were(self):
        path = build(self.words, self.work, "there.db", MALFORMED)
        conninfo = self.fresh("back")
        back = self.dir / "back.db"
        for arguments in (("copy", path, conninfo), ("verify", path, conninfo), ("verify", conninfo),
                          ("sync", path, conninfo), ("revert", conninfo, back)):
            run = lite2pg(*arguments)
            self.assertEqual(run.exit_code, 0, f"{arguments[0]}: {run}")
        self.assertEqual(self.contents(back), self.contents(path))

    def contents(self, path):
        """{table: (columns, rows)}, names and texts as bytes."""
        db = sqlite3.connect(path)
        db.text_factory = bytes
        found = {}
        for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                " AND name NOT LIKE 'sqlite%'").fetchall():
            columns = [row[1] for row in db.execute(
                "SELECT * FROM pragma_table_info(CAST(? AS TEXT))", (name,))]
            rows = None
            with contextlib.suppress(UnicodeDecodeError):  # Python takes no such statement
                rows = db.execute(f"SELECT * FROM {quoted(name.decode())}").fetchall()
            found[name] = (columns, rows)
        db.close()
        return found

    def test_the_sql_of_an_archive_is_what_it_says(self):
        path = build(self.words, self.work, "exported.db", MALFORMED)
        archive = self.dir / "archive"
        run = lite2pg("export", path, archive)
        self.assertEqual(run.exit_code, 0, str(run))
        conninfo = self.fresh("exported")
        os.chmod(self.dir, 0o755)
        for name in ("pre-data.sql", "post-data.sql"):
            sql = (archive / name).read_bytes()
            process = subprocess.run(
                [server.find_program("psql", 0), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", conninfo],
                input=sql, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(process.returncode, 0, process.stdout.decode("utf-8", "replace")[:3000])
        self.assertFalse(os.path.exists(self.canary))
        found = execute(conninfo, "SELECT relname FROM pg_class WHERE relname LIKE 'pwned%'")
        self.assertEqual(found, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
