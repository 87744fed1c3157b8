"""Databases made here, each for a way in which real ones are unlike the textbook's: copied,
verified, and judged."""

import os
import random
import unittest

import psycopg2

from harness import SEED, EndToEndTest, execute
from random_database import BLOBS, INTEGERS, REALS, TEXTS, RandomDatabase, write_names

DECLARED_TYPES = [
    "", "INTEGER", "INT", "TINYINT", "SMALLINT", "BIGINT", "UNSIGNED BIG INT", "INT8", "INTERGER",
    "TEXT", "CHARACTER(20)", "VARCHAR(255)", "NCHAR(55)", "CLOB", "text nocase", "STRING", "BLOB",
    "BINARY(16)", "REAL", "DOUBLE PRECISION", "FLOAT", "NUMERIC", "DECIMAL(10,5)", "BOOLEAN",
    "DATE", "DATETIME", "TIMESTAMP", "TIME", "JSON", "JSONB", "UUID", "GUID", "POINT",
    "INTEGER_OR_TEXT", "text(2048)", "datetime2", "double precision", "byte[]", "MONEY", "ANY"]


class Generated(EndToEndTest):
    verify_copies = True

    def test_every_storage_class_in_every_declared_type(self):
        def build(db):
            # One table for each class in each type, for a mixed column hides what a pure one shows.
            for i, declared in enumerate(DECLARED_TYPES):
                for kind, values in (("i", INTEGERS), ("r", REALS), ("t", TEXTS), ("b", BLOBS),
                                     ("mixed", INTEGERS + REALS + TEXTS + BLOBS + [None])):
                    db.execute(f'CREATE TABLE "{kind}{i}" (id INTEGER PRIMARY KEY, v {declared})')
                    db.executemany(f'INSERT INTO "{kind}{i}" (v) VALUES (?)',
                                   [(v,) for v in values])
        self.copy_and_judge(self.make_source(build=build))

    def test_random_values_in_random_columns(self):
        rng = random.Random(SEED)
        print(f"seed {SEED}")

        def value(plain):
            if rng.random() < 0.15:
                return None
            pools = [INTEGERS, REALS, TEXTS, BLOBS]
            return rng.choice(pools[plain] if rng.random() < 0.9 else rng.choice(pools))

        def build(db):
            for number in range(30):
                width = rng.randrange(1, 12)
                columns = [f'"c{i}" {rng.choice(DECLARED_TYPES)}' for i in range(width)]
                kinds = [rng.randrange(4) for _ in range(width)]
                db.execute(f"CREATE TABLE t{number} ({', '.join(columns)})")
                marks = ", ".join("?" * width)
                rows = [[value(kind) for kind in kinds] for _ in range(rng.randrange(0, 400))]
                db.executemany(f"INSERT INTO t{number} VALUES ({marks})", rows + rows[:20])
        self.copy_and_judge(self.make_source(build=build))

    def test_random_schemas_in_both_modes(self):
        """Seeds from LITE2PG_SEED on, LITE2PG_SEEDS of them; `tools/fuzz databases` tries more."""
        for seed in range(SEED, SEED + int(os.environ.get("LITE2PG_SEEDS", "4"))):
            with self.subTest(seed=seed):
                self.target = self.make_target()
                path = self.make_source(name=f"{seed}.db", build=RandomDatabase(seed).build)
                run = self.copy_and_judge(path)
                # The same rows once more, into tables that are there: those just made, emptied.
                self.target = self.make_target_from(self.database_of(self.target))
                names = [n for n, in self.sql("SELECT oid::regclass::text FROM pg_class WHERE"
                                              " relkind = 'r' AND relnamespace ="
                                              " 'public'::regnamespace")]
                self.sql("DROP SCHEMA lite2pg CASCADE; TRUNCATE " + ", ".join(names)
                         + " RESTART IDENTITY CASCADE")
                config = self.dir / f"{seed}.toml"
                write_names(run.report, config)
                run = self.copy(path, "--schema-mode", "existing", "--orphans", "not-valid",
                                "--config", config)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assert_equal_copy(path, run, check_schema=False)

    @staticmethod
    def database_of(conninfo):
        return execute(conninfo, "SELECT current_database()")[0][0]

    def test_keys_of_every_kind(self):
        self.copy_and_judge(self.make_source("""
            CREATE TABLE no_key (a, b);
            INSERT INTO no_key VALUES (1, 2), (1, 2), (1, 2), (NULL, NULL), (NULL, NULL);
            CREATE TABLE composite (y TEXT, x INTEGER, z, PRIMARY KEY (x, y));
            INSERT INTO composite VALUES ('a', 1, 1), ('b', 1, 2), ('a', 2, 3);
            CREATE TABLE without (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
            INSERT INTO without VALUES ('', 1), ('a', 2), ('A', 3), ('\u00e9', 4);
            CREATE TABLE without2 (b INTEGER, a TEXT, v, PRIMARY KEY (a DESC, b)) WITHOUT ROWID;
            INSERT INTO without2 VALUES (1, 'x', 1), (2, 'x', 2), (1, 'y', 3);
            CREATE TABLE nocase (k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO nocase VALUES ('a'), ('B'), ('c');
            CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, v);
            INSERT INTO descending VALUES (3, 1), (1, 2);
            CREATE TABLE int_key (id INT PRIMARY KEY, v);
            INSERT INTO int_key VALUES (1, 1), (2, 2);
            CREATE TABLE real_key (id REAL PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO real_key VALUES (0.1), (-5), (1e300);
            CREATE TABLE blob_key (id BLOB PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO blob_key VALUES (x''), (x'00'), (x'ff00');
            CREATE TABLE mixed_key (id PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO mixed_key VALUES (1), (1.5), ('1'), (x'31');
            CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
            INSERT INTO auto VALUES (10, 'x'); DELETE FROM auto;
            CREATE TABLE auto_ahead (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
            INSERT INTO auto_ahead VALUES (10, 'x'), (20, 'y');
            DELETE FROM auto_ahead WHERE id > 10;
            CREATE TABLE empty (id INTEGER PRIMARY KEY, v TEXT);
            CREATE TABLE only_nulls (a TEXT, b INTEGER, c);
            INSERT INTO only_nulls VALUES (NULL, NULL, NULL);
            """))

    def test_rowids_far_apart(self):
        self.copy_and_judge(self.make_source("""
            CREATE TABLE far (id INTEGER PRIMARY KEY, v);
            INSERT INTO far VALUES (-9223372036854775808, 'least'), (-1, 'a'), (0, 'b'), (1, 'c'),
                                   (9223372036854775807, 'most');
            CREATE TABLE negative (id INTEGER PRIMARY KEY, v);
            INSERT INTO negative VALUES (-5, 'x'), (-4, 'y');
            CREATE TABLE hidden (v);
            INSERT INTO hidden (rowid, v) VALUES (-9223372036854775808, 1),
                                                 (9223372036854775807, 2), (0, 3);
            CREATE TABLE shadowed (rowid TEXT, oid TEXT, _rowid_ TEXT);
            INSERT INTO shadowed VALUES ('r', 'o', '_'), ('r', 'o', '_');
            """))

    def test_constraints_that_the_data_violates(self):
        def build(db):
            db.execute("CREATE TABLE k (id TEXT PRIMARY KEY, v)")  # NULLs in a declared key
            db.executemany("INSERT INTO k VALUES (?, ?)", [("a", 1), (None, 2), (None, 3)])
            db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT)")
            db.execute("INSERT INTO parent VALUES (1, 'a'), (2, 'a')")
            db.execute("CREATE TABLE orphan (id INTEGER PRIMARY KEY,"
                       " p INTEGER REFERENCES parent(id), c TEXT REFERENCES parent(code),"
                       " n INTEGER REFERENCES nobody(id))")
            db.execute("INSERT INTO orphan VALUES (1, 1, 'a', 5), (2, 99, 'z', 6),"
                       " (3, NULL, 'a', 7)")
            db.execute("CREATE TABLE n (v TEXT)")
            db.execute("INSERT INTO n VALUES (NULL), ('x')")
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE n (v TEXT NOT NULL)'"
                       " WHERE name = 'n'")
            db.execute("PRAGMA writable_schema = RESET")
            db.execute("PRAGMA ignore_check_constraints = ON")
            db.execute("CREATE TABLE c (v INTEGER CHECK (v > 0))")
            db.execute("INSERT INTO c VALUES (-1), (1)")
        run = self.copy_and_judge(self.make_source(build=build))
        self.assertTrue(run.findings("L2P4006"), str(run))
        for table in ("k", "orphan", "n", "c"):
            said = [f for f in run.findings() if f["object"].split(".")[0] == table]
            self.assertTrue(said, f"nothing is said about {table}\n{run}")

    def test_cycles_and_self_references(self):
        self.copy_and_judge(self.make_source("""
            CREATE TABLE node (id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id));
            INSERT INTO node VALUES (1, 3), (2, 1), (3, 2), (4, NULL), (5, 5);
            CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id));
            CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a
                            DEFERRABLE INITIALLY DEFERRED);
            INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1);
            CREATE TABLE pair (x INTEGER, y INTEGER, PRIMARY KEY (x, y));
            CREATE TABLE of_pair (x INTEGER, y INTEGER,
              FOREIGN KEY (x, y) REFERENCES pair ON UPDATE CASCADE ON DELETE SET NULL);
            INSERT INTO pair VALUES (1, 2);
            INSERT INTO of_pair VALUES (1, 2), (NULL, 2), (NULL, NULL);
            """))

    def test_strict_and_generated(self):
        self.copy_and_judge(self.make_source("""
            CREATE TABLE s (i INTEGER, r REAL, t TEXT, b BLOB, a ANY) STRICT;
            INSERT INTO s VALUES (1, 2, '3', x'04', 5), (NULL, NULL, NULL, NULL, '5'),
                                 (1, 0.1, '', x'', 1.5);
            CREATE TABLE g (id INTEGER PRIMARY KEY, a INTEGER, b TEXT,
              double AS (a * 2), stored INTEGER AS (a + 1) STORED, up TEXT AS (upper(b)) STORED,
              odd TEXT AS (strftime('%Y', b)) VIRTUAL);
            INSERT INTO g (a, b) VALUES (1, 'x'), (NULL, '2024-01-01'), (3, NULL);
            """))

    def test_indexes_defaults_views_and_triggers(self):
        self.copy_and_judge(self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'it''s', b INTEGER DEFAULT (-5),
              c DATETIME DEFAULT CURRENT_TIMESTAMP, d TEXT DEFAULT (datetime('now')),
              e REAL DEFAULT 1e3, f BLOB DEFAULT x'00ff', g BOOLEAN DEFAULT 0,
              h TEXT DEFAULT (lower(hex(randomblob(16)))), i DEFAULT NULL, j TEXT DEFAULT "dq",
              k NUMERIC DEFAULT false, UNIQUE (a, b), CHECK (b < 100 OR b IS NULL),
              CHECK (length(a) > 1));
            CREATE INDEX plain ON t(a);
            CREATE INDEX two ON t(a, b DESC);
            CREATE UNIQUE INDEX one_active ON t(a) WHERE g = 1;
            CREATE INDEX expression ON t(lower(a));
            CREATE INDEX nocase ON t(a COLLATE NOCASE);
            CREATE INDEX glob ON t(b) WHERE a GLOB 'x*';
            INSERT INTO t (a, b) VALUES ('xx', 1), ('yy', 2);
            CREATE VIEW simple AS SELECT id, a FROM t;
            CREATE VIEW only_sqlite AS
              SELECT group_concat(a, ',') AS all_a, julianday(c) AS j FROM t;
            CREATE VIEW broken AS SELECT * FROM gone;
            CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = 1 WHERE id = new.id; END;
            """))

    def refuses(self, statement):
        with self.assertRaises(psycopg2.errors.UniqueViolation):
            self.sql(statement)

    def test_collations_of_keys_and_indexes(self):
        run = self.copy_and_judge(self.make_source("""
            CREATE TABLE a (k TEXT COLLATE NOCASE PRIMARY KEY, r TEXT COLLATE RTRIM UNIQUE, b TEXT);
            CREATE UNIQUE INDEX own ON a (b COLLATE NOCASE);
            CREATE INDEX plain ON a (k);
            CREATE INDEX trimmed ON a (b COLLATE RTRIM);
            INSERT INTO a VALUES ('One', 'x  ', 'Bee'), ('two', 'y', NULL);
            CREATE TABLE bytes (n TEXT COLLATE NOCASE);
            CREATE UNIQUE INDEX by_bytes ON bytes (n COLLATE BINARY);
            INSERT INTO bytes VALUES ('a'), ('A');
            """))
        self.refuses("INSERT INTO a VALUES ('ONE', 'z', 'z')")
        self.refuses("INSERT INTO a VALUES ('z', 'x', 'z')")
        self.refuses("INSERT INTO a VALUES ('z', 'z', 'bEE')")
        self.sql("INSERT INTO a VALUES ('z', 'z', 'z')")
        # An index of a stricter collation than its column's is not made laxer.
        self.refuses("INSERT INTO bytes VALUES ('a')")
        definitions = dict(self.sql("SELECT indexname, indexdef FROM pg_indexes"
                                    " WHERE schemaname = 'public'"))
        self.assertIn("lower", definitions["plain"])
        self.assertIn("rtrim", definitions["trimmed"])
        self.assertTrue(run.findings("L2P4012"), str(run))

    def test_conflict_rules_are_named(self):
        run = self.copy_and_judge(self.make_source("""
            CREATE TABLE r (id INTEGER PRIMARY KEY, a TEXT UNIQUE ON CONFLICT REPLACE,
              b TEXT NOT NULL ON CONFLICT IGNORE, c TEXT DEFAULT 'ON CONFLICT FAIL');
            CREATE TABLE s (a UNIQUE ON CONFLICT ABORT, b TEXT /* ON CONFLICT REPLACE */);
            INSERT INTO r VALUES (1, 'a', 'b', 'c');
            """))
        said = {f["object"]: f["message"] for f in run.findings("L2P4005")}
        self.assertEqual(list(said), ["r"], str(run))
        self.assertIn("ON CONFLICT REPLACE, IGNORE", said["r"])

    def test_generated_columns_that_refer_to_others(self):
        run = self.copy_and_judge(self.make_source("""
            CREATE TABLE g (a INTEGER, last AS (next + 1), next AS (a + 1) STORED,
              alone AS (a * 2) VIRTUAL);
            INSERT INTO g (a) VALUES (1), (NULL), (7);
            """))
        made = dict(self.sql("SELECT attname, attgenerated::text FROM pg_attribute WHERE"
                             " attrelid = 'g'::regclass AND attnum > 0"))
        self.assertEqual(made, {"a": "", "last": "", "next": "s", "alone": "s"})
        self.assertEqual(self.sql("SELECT last, next, alone FROM g WHERE a = 7"), [(9, 8, 14)])
        self.assertTrue([f for f in run.findings() if f["object"] == "g.last"], str(run))

    def test_virtual_tables(self):
        def build(db):
            db.executescript("""
                CREATE VIRTUAL TABLE words USING fts5(title, "body text" UNINDEXED, tokenize='porter');
                INSERT INTO words(rowid, title, "body text") VALUES (7, 'hello world', 'more'),
                  (9, '', NULL), (-3, 'a''b\n', 12);
                CREATE VIRTUAL TABLE old USING fts4(subject, body, tokenize=unicode61);
                INSERT INTO old(docid, subject, body) VALUES (4, 's', 'b');
                CREATE VIRTUAL TABLE tok USING fts4(x); INSERT INTO tok VALUES ('kept');
                CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, +note TEXT);
                INSERT INTO boxes VALUES (1, 0, 1.1, 'n'), (2, -5, 5, NULL);
                CREATE VIRTUAL TABLE grid USING rtree_i32(id, x0, x1);
                INSERT INTO grid VALUES (1, 0, 7);
                CREATE VIRTUAL TABLE less USING fts5(a, content='');
                INSERT INTO less(rowid, a) VALUES (1, 'gone');
                CREATE TABLE plain (id INTEGER PRIMARY KEY, a TEXT);
                INSERT INTO plain VALUES (1, 'text');
                CREATE VIRTUAL TABLE extern USING fts5(a, content='plain', content_rowid='id');
                CREATE VIRTUAL TABLE terms USING fts5vocab(words, 'row');
                """)
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE tok USING"
                       " fts4(x, tokenize=mozporter)' WHERE name = 'tok'")
            db.execute("PRAGMA writable_schema = RESET")
        run = self.copy_and_judge(self.make_source(build=build))
        states = {t["source_name"]: t["state"] for t in run.report["tables"]}
        for table in ("words", "old", "tok", "boxes", "grid", "plain"):
            self.assertEqual(states[table], "copied", table)
        # What has no content of its own is named with the reason, and so is every shadow table.
        for table in ("less", "extern", "terms", "words_data", "words_content", "boxes_node"):
            self.assertEqual(states[table], "not_a_table", table)
        said = {f["object"]: f["message"] for f in run.findings("L2P4008")}
        self.assertIn("contentless", said["less"])
        self.assertIn("plain", said["extern"])
        self.assertEqual(self.sql('SELECT rowid, title, "body text" FROM words ORDER BY 1'),
                         [(-3, "a'b\n", "12"), (7, "hello world", "more"), (9, "", None)])
        self.assertEqual(self.sql("SELECT x FROM tok"), [("kept",)])
        self.assertEqual(self.sql("SELECT id, x0, note FROM boxes ORDER BY 1"),
                         [(1, 0.0, "n"), (2, -5.0, None)])
        self.assertEqual(self.sql("INSERT INTO words (title) VALUES ('n') RETURNING rowid"), [(10,)])

    def test_full_text_tables_can_be_searched_on_request(self):
        run = self.copy_and_judge(self.make_source("""
            CREATE VIRTUAL TABLE words USING fts5(title, search);
            INSERT INTO words VALUES ('hello world', NULL), ('other', 'the world''s end');
            CREATE VIRTUAL TABLE none USING fts4(x);
            """), "--fts", "tsvector")
        self.assertEqual(self.sql("SELECT title FROM words WHERE search_2 @@"
                                  " to_tsquery('simple', 'world') ORDER BY 1"),
                         [("hello world",), ("other",)], str(run))
        made = {o["name"]: o["state"] for o in run.report["objects"] if "_search_idx" in o["name"]}
        self.assertEqual(made, {"words_search_idx": "translated", "none_search_idx": "translated"})

    def test_virtual_tables_on_request_only(self):
        run = self.copy(self.make_source("CREATE VIRTUAL TABLE words USING fts5(body);"
                                         "CREATE TABLE t (a);"), "--exclude", "words")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.table("words")["state"], "excluded")

    def test_virtual_tables_do_not_stop_a_load_into_the_applications_tables(self):
        self.sql("CREATE TABLE plain (id int PRIMARY KEY)")
        run = self.copy(self.make_source(
            "CREATE TABLE plain (id INTEGER PRIMARY KEY); INSERT INTO plain VALUES (1);"
            "CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('x');"))
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.table("words")["state"], "not_a_table")
        self.sql("TRUNCATE plain; CREATE TABLE words (body text)")
        run = self.copy(self.dir / "source.db")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT body FROM words"), [("x",)])

    def test_names_that_are_traps(self):
        names = ['quo"te', "apos'trophe", "new\nline", "tab\tchar", "semi;colon", "per%scent%d",
                 "dash--dash", "com,ma", "dot.ted", "brack[et]", "back\\slash", "\U0001f600 emoji",
                 "\u00dcml\u00e4ut", "select", "user", "order", "pg_class", "public",
                 "Mixed", "x" * 70 + "a", "x" * 70 + "b", "\u6f22" * 40, " leading", "$1", "{}",
                 "MIXEDCASE", "'; drop schema public cascade; --"]

        def build(db):
            for i, name in enumerate(names):
                q = '"' + name.replace('"', '""') + '"'
                other = '"' + names[i - 1].replace('"', '""') + '"'
                db.execute(f"CREATE TABLE {q} (id INTEGER PRIMARY KEY, {q} TEXT, {other} INTEGER,"
                           f" UNIQUE ({q}))")
                db.execute(f"INSERT INTO {q} VALUES (1, ?, 5)", (name,))
                plain = name.replace('"', "")[:20]
                db.execute(f'CREATE INDEX "index {i} {plain}" ON {q}({other})')
        self.copy_and_judge(self.make_source(build=build))

    def test_names_that_are_empty(self):
        self.copy_and_judge(self.make_source("""
            CREATE TABLE "" ("" TEXT, " " TEXT);
            INSERT INTO "" VALUES ('a', 'b');
            """))

    def test_names_in_lower_case_on_request(self):
        run = self.copy_and_judge(self.make_source("""
            CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, Title TEXT NOT NULL);
            CREATE INDEX IX_Title ON Album(Title);
            CREATE INDEX IX_Expression ON Album(Title || 'x') WHERE AlbumId > 5;
            CREATE VIEW Titles AS SELECT Title FROM Album;
            INSERT INTO Album VALUES (1, 'x');
            """), "--identifiers", "lower", check_schema=False)
        self.assertEqual(run.table("Album")["target_name"], "album")
        self.assertEqual(self.sql("SELECT albumid, title FROM album"), [(1, "x")])
        self.assertEqual(self.sql("SELECT title FROM titles"), [("x",)])
        names = [n for n, in self.sql("SELECT relname FROM pg_class WHERE relnamespace ="
                                      " 'public'::regnamespace ORDER BY 1")]
        self.assertEqual(names, [n.lower() for n in names])

    def test_views_that_get_another_name_are_named(self):
        long = "v" * 70
        run = self.copy_and_judge(self.make_source(f"""
            CREATE TABLE t (a);
            INSERT INTO t VALUES (5);
            CREATE VIEW {long}1 AS SELECT a FROM t;
            CREATE VIEW {long}2 AS SELECT a AS b FROM {long}1;
            """))
        self.assertEqual([f["object"] for f in run.findings("L2P4003")], [long + "1", long + "2"])
        views = [o["name"] for o in run.report["objects"] if o["kind"] == "view"]
        self.assertEqual(len(set(views)), 2)
        for view in views:
            self.assertEqual(self.sql(f'SELECT * FROM "{view}"'), [(5,)])

    def test_utf16(self):
        for encoding in ("UTF-16le", "UTF-16be"):
            with self.subTest(encoding):
                self.target = self.make_target()
                path = self.make_source(f"""
                    PRAGMA encoding = '{encoding}';
                    CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
                    INSERT INTO t VALUES ('\U0001f600', '\uffee'), ('\u00e9', ''), ('a', NULL);
                    CREATE TABLE "\u00fc" ("\U0001f600" TEXT);
                    INSERT INTO "\u00fc" VALUES ('x');
                    """, name=encoding + ".db")
                self.copy_and_judge(path)

    def test_page_sizes(self):
        for size in (512, 1024, 65536):
            with self.subTest(size):
                self.target = self.make_target()
                path = self.make_source(f"PRAGMA page_size = {size};" """
                    CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB);
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                    INSERT INTO t SELECT i, printf('%.*c', i % 700, 'x'), zeroblob(i % 90) FROM n;
                    """, name=f"{size}.db")
                self.copy_and_judge(path)

    def test_a_wal_that_holds_everything(self):
        path = self.dir / "wal.db"
        import sqlite3  # this connection stays open, so that its WAL stays
        db = sqlite3.connect(path)
        self.addCleanup(db.close)
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                         "CREATE TABLE t (id INTEGER PRIMARY KEY, v);")
        db.executemany("INSERT INTO t (v) VALUES (?)", [(i,) for i in range(5000)])
        db.commit()
        self.assertLessEqual(path.stat().st_size, 4096)
        run = self.copy_and_judge(path)
        self.assertEqual(run.table("t")["rows_copied"], 5000)

    def test_three_hundred_tables(self):
        def build(db):
            for i in range(300):
                parent = f" REFERENCES t{i - 1}(id)" if i else ""
                db.execute(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, p INTEGER{parent})")
                db.execute(f"CREATE INDEX i{i} ON t{i}(p)")
                db.execute(f"INSERT INTO t{i} VALUES (1, 1), (2, NULL)")
        self.copy_and_judge(self.make_source(build=build))

    def test_wide_rows_and_large_values(self):
        def build(db):
            columns = ", ".join(f"c{i} INTEGER" for i in range(1000))
            db.execute(f"CREATE TABLE wide ({columns})")
            marks = ", ".join("?" * 1000)
            db.executemany(f"INSERT INTO wide VALUES ({marks})",
                           [[i % 100 for i in range(1000)], [None] * 1000])
            db.execute("CREATE TABLE large (id INTEGER PRIMARY KEY, b BLOB, t TEXT)")
            rng = random.Random(SEED)
            for i in range(8):
                db.execute("INSERT INTO large VALUES (?, ?, ?)",
                           (i, rng.randbytes(3_000_000 + i), "\u00e9" * (1_500_000 + i)))
        self.copy_and_judge(self.make_source(build=build))

    def test_columns_named_as_system_columns(self):
        run = self.copy_and_judge(self.make_source(
            "CREATE TABLE t (ctid TEXT, xmin TEXT, xmax, cmin, cmax, tableoid INTEGER);"
            "INSERT INTO t VALUES ('a', 'b', 1, 2, 3, 4);"))
        self.assertEqual(len(run.findings("L2P4004")), 6, str(run))

    def test_more_rows_than_a_batch_and_many_streams(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b REAL);
            CREATE TABLE u (k TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
            CREATE TABLE v (x TEXT, y TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
            INSERT INTO t SELECT i * 3, 'text ' || i, i / 7.0 FROM n;
            INSERT INTO u SELECT printf('%x-%d', id * 2654435761 % 4294967296, id), id FROM t;
            INSERT INTO v SELECT id % 10, id % 3 FROM t;
            """)
        for streams in ("1", "4"):
            with self.subTest(streams=streams):
                self.target = self.make_target()
                self.copy_and_judge(path, "--streams", streams)


if __name__ == "__main__":
    unittest.main()
