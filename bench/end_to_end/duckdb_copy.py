"""duckdb_copy.py SQLITE_FILE CONNINFO TABLE...: copies tables into ones that are there."""

import glob
import importlib
import os
import sys

import duckdb


def load(connection, name):
    package = importlib.import_module("duckdb_extension_" + name)
    found = glob.glob(f"{os.path.dirname(package.__file__)}/extensions/*/{name}.duckdb_extension")
    connection.execute(f"LOAD '{found[0]}'")


def main():
    source, target, *tables = sys.argv[1:]
    connection = duckdb.connect()
    load(connection, "sqlite_scanner")
    load(connection, "postgres_scanner")
    connection.execute(f"ATTACH '{source}' AS lite (TYPE sqlite, READ_ONLY)")
    connection.execute(f"ATTACH '{target}' AS pg (TYPE postgres)")
    connection.execute("SET pg_use_binary_copy = true")
    for table in tables:
        name = '"' + table.replace('"', '""') + '"'
        connection.execute(f"INSERT INTO pg.public.{name} SELECT * FROM lite.{name}")


main()
