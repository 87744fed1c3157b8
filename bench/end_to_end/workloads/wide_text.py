"""Documents: six texts of 40 to 600 characters."""

from workloads import hashed, piece, rows

NAME = "wide_text"
TITLE = "wide text, 6 columns of 40 to 600 characters"
ROWS = 80_000


def build(db, scale):
    db.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT NOT NULL, lead TEXT,"
               " body TEXT, author TEXT, source TEXT)")
    rows(db, f"""INSERT INTO articles SELECT i + 1, {piece('text', 40, 1)},
        {piece('text', f'100 + {hashed(2)} % 100', 3)},
        {piece('text', f'300 + {hashed(4)} % 300', 5)}, {piece('text', 40, 6)},
        {piece('text', 80, 7)} FROM n""", max(1, int(ROWS * scale)))
