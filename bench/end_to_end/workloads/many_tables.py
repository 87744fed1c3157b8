"""Many tables of ten rows each: 10,000 of them at scale 1."""

NAME = "many_tables"
TITLE = "many small tables of 10 rows"
TABLES = 10_000
ROWS_PER_TABLE = 10


def build(db, scale):
    for table in range(max(1, int(TABLES * scale))):
        name = f"t{table:05}"
        db.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount REAL)")
        db.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)",
                       [(i + 1, f"row {i} of {name}", i * 0.25) for i in range(ROWS_PER_TABLE)])
