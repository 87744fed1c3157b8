"""What either database says about itself, read for the comparer by queries of its own."""

import contextlib
import re
import sqlite3
from dataclasses import dataclass, field

import psycopg2

from value_rules import NoReading, TargetType, Text, quote


# ---- SQLite ------------------------------------------------------------------------------------

@dataclass
class SourceColumn:
    name: str
    declared: str
    not_null: bool
    default: str        # the expression, or None
    key_order: int      # 1 for the first column of the primary key; 0: not in it
    generated: bool


@dataclass
class SourceForeignKey:
    columns: list
    parent: str
    parent_columns: list  # [None]: the parent's primary key
    on_update: str
    on_delete: str


@dataclass
class SourceIndex:
    name: str
    origin: str          # c: CREATE INDEX, u: UNIQUE, pk
    unique: bool
    partial: bool
    columns: list        # None for an expression


@dataclass
class SourceTable:
    name: str
    kind: str            # table, virtual, shadow
    without_rowid: bool
    strict: bool
    sql: str
    columns: list = field(default_factory=list)
    indexes: list = field(default_factory=list)
    foreign_keys: list = field(default_factory=list)

    def key(self):
        return [c.name for c in sorted(self.columns, key=lambda c: c.key_order) if c.key_order]

    def rowid_alias(self):
        """The INTEGER PRIMARY KEY column, or None: only that spelling names the rowid. (DESC makes
        it a key like others, an old oddity; then the key has an index of its own.)"""
        key = self.key()
        if len(key) != 1 or self.without_rowid or any(i.origin == "pk" for i in self.indexes):
            return None
        column = next(c for c in self.columns if c.name == key[0])
        return column.name if column.declared.upper() == "INTEGER" else None


class Source:
    """An SQLite file, read-only. Names are str with undecodable bytes as surrogates."""

    def __init__(self, path):
        uri = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        self.db = sqlite3.connect(uri + "?mode=ro", uri=True)
        self.db.execute("PRAGMA query_only = ON")
        self.tables = []
        self.views, self.triggers = [], []
        for schema, name, kind, _, without_rowid, strict in self._rows("PRAGMA table_list"):
            if schema != "main" or name.startswith("sqlite_"):
                continue
            if kind == "view":
                self.views.append(name)
                continue
            (sql,) = self._rows("SELECT sql FROM sqlite_schema WHERE type='table' AND name=?",
                                (name,))[0]
            table = SourceTable(name, kind, bool(without_rowid), bool(strict), sql or "")
            if kind == "table":
                self._describe(table)
            elif kind == "virtual":
                with contextlib.suppress(sqlite3.Error):  # an unknown module or tokenizer
                    self._describe(table)
            self.tables.append(table)
        self._stand_in_for_collations()
        self.tables.sort(key=lambda t: t.name)
        self.triggers = self._rows("SELECT name, tbl_name FROM sqlite_schema WHERE type='trigger'")

    def _rows(self, sql, parameters=()):
        return self.db.execute(sql, parameters).fetchall()

    def _stand_in_for_collations(self):
        """SQLite walks no WITHOUT ROWID table whose key's collation it lacks, although a walk asks
        for no comparison."""
        for name in {name for table in self.tables if table.without_rowid
                     for name, in self._rows("SELECT x.coll FROM pragma_index_list(?) l,"
                                             " pragma_index_xinfo(l.name) x WHERE l.origin = 'pk'",
                                             (table.name,))}:
            if name.upper() not in ("BINARY", "NOCASE", "RTRIM"):
                self.db.create_collation(name, lambda a, b: (a > b) - (a < b))

    def _describe(self, table):
        name = quote(table.name)
        for _, column, declared, not_null, default, key, hidden in self._rows(
                f"PRAGMA table_xinfo({name})"):
            if hidden == 1:
                continue  # of a virtual table: what is no value of its own
            table.columns.append(SourceColumn(column, declared or "", bool(not_null), default, key,
                                              hidden in (2, 3)))
        for _, index, unique, origin, partial in self._rows(f"PRAGMA index_list({name})"):
            columns = [column for _, _, column, _, _, in_key in self._rows(
                f"PRAGMA index_xinfo({quote(index)})") if in_key]
            table.indexes.append(SourceIndex(index, origin, bool(unique), bool(partial), columns))
        keys = {}
        for number, order, parent, column, to, on_update, on_delete, _ in self._rows(
                f"PRAGMA foreign_key_list({name})"):
            key = keys.setdefault(number, SourceForeignKey([], parent, [], on_update, on_delete))
            key.columns.append(column)
            key.parent_columns.append(to)
        table.foreign_keys = list(keys.values())

    def rows(self, table, columns):
        """Rows as tuples of None, int, float, Text and bytes, by a plain scan of the table."""
        cursor = self.db.cursor()
        names = ", ".join(quote(c) for c in columns)
        self.db.text_factory = Text
        try:
            yield from cursor.execute(f"SELECT {names} FROM {quote(table)} NOT INDEXED")
        finally:
            self.db.text_factory = str

    def sequence_mark(self, table):
        """The highest number AUTOINCREMENT has given out, or None."""
        if not self._rows("SELECT 1 FROM sqlite_schema WHERE name='sqlite_sequence'"):
            return None
        found = self._rows("SELECT seq FROM sqlite_sequence WHERE name=?", (table,))
        return found[0][0] if found else None

    def highest(self, table, column):
        return self._rows(f"SELECT max({quote(column)}) FROM {quote(table)}")[0][0]

    def has_check(self, table):
        """Whether the statement has a CHECK outside of comments, strings and quoted names."""
        bare = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[[^]]*\]|`[^`]*`",
                      " ", table.sql, flags=re.S)
        return re.search(r"\bCHECK\s*\(", bare, re.I) is not None


# ---- PostgreSQL --------------------------------------------------------------------------------

@dataclass
class TargetColumn:
    name: str
    type: TargetType
    sql_type: str
    not_null: bool
    default: str        # as the server prints it, or None
    identity: bool
    generated: bool
    number: int


@dataclass
class TargetConstraint:
    name: str
    kind: str           # p, u, f, c, x
    columns: list
    validated: bool
    parent: str
    parent_columns: list
    on_update: str
    on_delete: str


@dataclass
class TargetIndex:
    name: str
    unique: bool
    partial: bool
    columns: list       # None for an expression


@dataclass
class TargetTable:
    name: str
    oid: int
    columns: list
    constraints: list
    indexes: list

    def column(self, name):
        return next((c for c in self.columns if c.name == name), None)


ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


class Target:
    """One schema of a PostgreSQL database, seen in one read-only snapshot."""

    def __init__(self, conninfo, schema="public"):
        self.db = psycopg2.connect(conninfo, application_name="comparer")
        self.schema = schema
        self.db.set_client_encoding("UTF8")
        self.db.set_session("REPEATABLE READ", readonly=True)
        for setting in ("search_path = pg_catalog", "TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'",
                        "extra_float_digits = 1", "bytea_output = 'hex'",
                        "standard_conforming_strings = on", "IntervalStyle = 'postgres'"):
            self.query("SET " + setting)
        self.db.commit()  # or a failed question would take the settings back
        self.tables = {name: self._describe(name, oid) for name, oid in self.query(
            "SELECT relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = %s AND relkind IN ('r', 'p')", (schema,))}
        self.views = {name for name, in self.query(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = %s AND relkind IN ('v', 'm')", (schema,))}
        self._server_text = {}

    def close(self):
        self.db.close()

    def query(self, sql, parameters=None):
        with self.db.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def _describe(self, name, oid):
        columns = [
            TargetColumn(column, TargetType(base, category), sql_type, not_null,
                         None if generated else default, bool(identity), bool(generated), number)
            for column, base, category, sql_type, not_null, default, identity, generated, number
            in self.query("""
                WITH RECURSIVE based AS (  -- domains, down to the type below
                  SELECT a.attnum, a.atttypid AS type FROM pg_attribute a
                  WHERE attrelid = %(oid)s AND attnum > 0 AND NOT attisdropped
                  UNION ALL SELECT attnum, typbasetype FROM based JOIN pg_type t ON t.oid = type
                  WHERE typtype = 'd')
                SELECT attname, typname, typcategory, format_type(atttypid, atttypmod), attnotnull,
                       pg_get_expr(adbin, adrelid), NULLIF(attidentity, ''),
                       NULLIF(attgenerated, ''), a.attnum
                FROM pg_attribute a JOIN based b USING (attnum) JOIN pg_type t ON t.oid = b.type
                LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = a.attnum
                WHERE attrelid = %(oid)s AND typtype <> 'd' ORDER BY a.attnum""", {"oid": oid})]
        names = {c.number: c.name for c in columns}
        constraints = [
            TargetConstraint(n, kind, [names[k] for k in keys or []], validated, parent,
                             parent_columns, ACTIONS.get(update), ACTIONS.get(delete))
            for n, kind, keys, validated, parent, parent_columns, update, delete in self.query("""
                SELECT conname, contype, conkey, convalidated,
                       (SELECT relname FROM pg_class WHERE oid = confrelid),
                       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k(n, o)
                             JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY o),
                       confupdtype, confdeltype
                FROM pg_constraint WHERE conrelid = %s""", (oid,))]
        indexes = [
            TargetIndex(n, unique, partial, [names.get(k) for k in keys])
            for n, unique, partial, keys in self.query("""
                SELECT relname, indisunique, indpred IS NOT NULL,
                       ARRAY(SELECT k FROM unnest(indkey::int[]) WITH ORDINALITY u(k, o)
                             WHERE o <= indnkeyatts ORDER BY o)
                FROM pg_index JOIN pg_class c ON c.oid = indexrelid
                WHERE indrelid = %s AND indisvalid""", (oid,))]
        return TargetTable(name, oid, columns, constraints, indexes)

    def rows(self, table, columns):
        """Rows in comparable forms."""
        what = ", ".join(c.type.expression(c.name) for c in columns)
        with self.db.cursor("rows") as cursor:
            cursor.itersize = 5000
            cursor.execute(f"SELECT {what} FROM {quote(self.schema)}.{quote(table.name)}")
            for row in cursor:
                yield tuple(c.type.form(value) for c, value in zip(columns, row))

    def ask(self, sql_type):
        """A function from a text to how the server shows it as a value of the type."""
        def text_of(text):
            key = (sql_type, text)
            if key not in self._server_text:
                self.query("SAVEPOINT question")
                try:
                    # `sql_type` comes from format_type(), which quotes.
                    self._server_text[key] = self.query(
                        f"SELECT (%s::pg_catalog.text::{sql_type})::pg_catalog.text",
                        (text,))[0][0]
                except psycopg2.DataError as error:
                    self.query("ROLLBACK TO question")
                    raise NoReading(str(error).strip()) from error
            return self._server_text[key]
        return text_of

    def next_value(self, table, column):
        """What the sequence behind the column gives next, or None when there is none."""
        found = self.query("""
            SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_depend d
            JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %s AND d.refobjsubid = %s
              AND d.deptype IN ('a', 'i')""", (table.oid, column.number))
        if not found:
            return None
        last, called = self.query(f"SELECT last_value, is_called FROM {found[0][0]}")[0]
        return last + 1 if called else last
