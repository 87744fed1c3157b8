"""Events as applications have them: ids, a date, words, a number, a flag, JSON, a hash, a note."""

from workloads import hashed, piece, rows

NAME = "mixed"
TITLE = "mixed events, 9 columns"
ROWS = 400_000


def build(db, scale):
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL,"
               " created_at DATETIME NOT NULL, kind VARCHAR(20) NOT NULL, amount REAL,"
               " active BOOLEAN NOT NULL, payload JSON, digest BLOB, note TEXT)")
    db.execute("CREATE INDEX events_account ON events (account_id)")
    rows(db, f"""INSERT INTO events SELECT i + 1, {hashed(1)} % 50000,
        strftime('%Y-%m-%d %H:%M:%S', 1600000000 + i * 37, 'unixepoch')
          || printf('.%03d', {hashed(2)} % 1000),
        CASE {hashed(3)} % 5 WHEN 0 THEN 'page.view' WHEN 1 THEN 'click' WHEN 2 THEN 'purchase'
          WHEN 3 THEN 'sign-in' ELSE 'search.results' END,
        {hashed(4)} / 1000.0, {hashed(5)} & 1,
        '{{"ip": "10.' || ({hashed(6)} & 255) || '.' || ({hashed(7)} & 255) || '.7", "session": '
          || {hashed(8)} || ', "tags": ["web", "' || trim({piece('text', 8, 9)}) || '"]}}',
        {piece('bytes', 32, 10)},
        CASE WHEN {hashed(11)} % 3 > 0 THEN {piece('text', f'8 + {hashed(12)} % 60', 13)} END
        FROM n""", max(1, int(ROWS * scale)))
