#!/usr/bin/python3
"""insert_values.py SQLITE_FILE CONNINFO: inserts every table, 1,000 rows per statement."""

import sqlite3
import sys

import psycopg2
import psycopg2.extensions
import psycopg2.extras

ROWS_PER_STATEMENT = 1000


def main():
    source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    target = psycopg2.connect(sys.argv[2])
    cursor = target.cursor()
    cursor.execute("SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum),"
                   " array_agg(a.atttypid = 'bool'::regtype ORDER BY a.attnum)"
                   " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                   " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
                   " AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.relname")
    for table, columns, booleans in cursor.fetchall():
        quoted = [psycopg2.extensions.quote_ident(name, cursor) for name in [table, *columns]]
        names = ", ".join(quoted[1:])
        insert = f"INSERT INTO {quoted[0]} ({names}) OVERRIDING SYSTEM VALUE VALUES %s"
        flags = [i for i, boolean in enumerate(booleans) if boolean]

        def rows(select=f"SELECT {names} FROM {quoted[0]}", flags=flags):
            for row in source.execute(select):
                if flags:
                    row = list(row)
                    for i in flags:
                        row[i] = None if row[i] is None else bool(row[i])
                yield row

        psycopg2.extras.execute_values(cursor, insert, rows(), page_size=ROWS_PER_STATEMENT)
    target.commit()


main()
