"""A WITHOUT ROWID table whose key is a text and a number."""

from workloads import hashed, piece, rows

NAME = "text_keys"
TITLE = "WITHOUT ROWID, text and integer key"
ROWS = 500_000


def build(db, scale):
    db.execute("CREATE TABLE settings (owner TEXT NOT NULL, position INTEGER NOT NULL,"
               " value TEXT, weight REAL, PRIMARY KEY (owner, position)) WITHOUT ROWID")
    rows(db, f"""INSERT INTO settings SELECT printf('%08x-%04d', {hashed(1, 'i / 20')}, i / 20),
        i, {piece('text', f'20 + {hashed(2)} % 40', 3)}, {hashed(4)} / 65536.0 FROM n""",
         max(1, int(ROWS * scale)))
