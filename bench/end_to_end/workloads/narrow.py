"""Readings of sensors: four numeric columns, so that the cost of a row dominates."""

from workloads import hashed, rows

NAME = "narrow"
TITLE = "narrow readings, 4 numeric columns"
ROWS = 1_200_000


def build(db, scale):
    db.execute("CREATE TABLE readings (id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL,"
               " taken_at INTEGER NOT NULL, value REAL)")
    rows(db, f"""INSERT INTO readings SELECT i + 1, {hashed(1)} % 2000, 1600000000 + i * 5,
        {hashed(2)} / 4096.0 FROM n""", max(1, int(ROWS * scale)))
