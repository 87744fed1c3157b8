"""adbc_copy.py SQLITE_FILE POSTGRES_URI TABLE...: appends tables to ones that are there."""

import sys

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pyarrow


def fitted(batches, wanted):
    """Casts SQLite's types to the ones of the target's table."""
    schema = pyarrow.schema([pyarrow.field(field.name, wanted.field(field.name).type)
                             for field in batches.schema])

    def cast():
        for batch in batches:
            yield pyarrow.Table.from_batches([batch]).cast(schema).combine_chunks().to_batches()[0]

    return pyarrow.RecordBatchReader.from_batches(schema, cast())


def main():
    path, uri, *tables = sys.argv[1:]
    with adbc_driver_sqlite.dbapi.connect(f"file:{path}?mode=ro") as source, \
            adbc_driver_postgresql.dbapi.connect(uri) as target:
        for table in tables:
            wanted = target.adbc_get_table_schema(table, db_schema_filter="public")
            with source.cursor() as reading, target.cursor() as writing:
                reading.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
                reading.execute('SELECT * FROM "' + table.replace('"', '""') + '"')
                batches = fitted(reading.fetch_record_batch(), wanted)
                writing.adbc_ingest(table, batches, mode="append", db_schema_name="public")
        target.commit()


main()
