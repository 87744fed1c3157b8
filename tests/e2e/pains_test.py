"""What users of tools that go from SQLite to PostgreSQL have suffered from, one test per class of
failure, named after it. The numbers are of public reports (repository#number); they tell where the
failure was seen, not where its test data comes from. All classes by number: pains_classes_test.py."""

import re
import sqlite3
import time
import unittest

from existing_support import ExistingTest
from harness import EndToEndTest, execute, lite2pg, with_options

class TypesAndValues(EndToEndTest):
    def type_of(self, table, column):
        return self.sql("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE"
                        " attrelid = %s::regclass AND attname = %s", (table, column))[0][0]

    def test_unix_milliseconds_in_a_datetime_column(self):
        """pgloader#1314 #1381: read as a year, or out of range."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME);"
                                "INSERT INTO t VALUES (1, 1627303906122), (2, 1700000000000);")
        run = self.copy_and_judge(path)  # nothing proves the convention: numbers stay numbers
        self.assertEqual(self.type_of("t", "at"), "bigint")
        hint = run.findings("L2P2004")
        self.assertEqual([f["object"] for f in hint], ["t.at"], str(run))
        self.assertIn("unix-millis", hint[0]["hint"])
        self.target = self.make_target()
        config = self.dir / "c.toml"
        config.write_text('[table."t".column."at"]\ntype = "timestamptz"\n'
                          'integer = "unix-millis"\n')
        self.copy_and_judge(path, "--config", config)
        self.assertEqual(self.sql("SELECT at = '2021-07-26 12:51:46.122+00' FROM t WHERE id = 1"),
                         [(True,)])

    def test_text_dates_and_numbers_in_one_column(self):
        """pgloader#1618: Prisma writes milliseconds, CURRENT_TIMESTAMP writes text."""
        path = self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME DEFAULT CURRENT_TIMESTAMP);"
            "INSERT INTO t VALUES (1, 1700000000123), (2, '2023-11-14 22:13:20');")
        run = self.copy_and_judge(path)
        self.assertEqual(self.type_of("t", "at"), "text")
        self.assertTrue(run.findings("L2P2003"), str(run))
        self.target = self.make_target()
        config = self.dir / "c.toml"
        config.write_text('[table."t".column."at"]\ntype = "timestamptz"\n'
                          'integer = "unix-millis"\n')
        self.copy_and_judge(path, "--config", config)
        self.assertEqual(self.sql("SELECT at AT TIME ZONE 'UTC' = '2023-11-14 22:13:20'"
                                  " FROM t WHERE id = 2"), [(True,)])

    def test_an_integer_is_as_wide_as_sqlites(self):
        """pgloader#756 #227: values beyond 2**31 in a column declared INTEGER."""
        path = self.make_source("CREATE TABLE t (v INTEGER);"
                                "INSERT INTO t VALUES (2147483648), (-9223372036854775808);")
        self.copy_and_judge(path)
        self.assertEqual(self.type_of("t", "v"), "bigint")

    def test_the_application_keeps_its_int4(self):
        """vaultwarden#7133: a bigint where the program reads int4 breaks every login."""
        path = self.make_source("CREATE TABLE users (id INTEGER PRIMARY KEY, atype INTEGER);"
                                "INSERT INTO users VALUES (1, 0), (2, 2147483647);")
        self.sql("CREATE TABLE users (id int4 PRIMARY KEY, atype int4 NOT NULL)")
        self.copy_and_judge(path, check_schema=False)
        self.assertEqual(self.type_of("users", "atype"), "integer")

    def test_integers_beyond_the_applications_int4_are_named(self):
        path = self.make_source("CREATE TABLE users (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO users VALUES (1, 0), (7, 2147483648);")
        self.sql("CREATE TABLE users (id int4 PRIMARY KEY, n int4)")
        run = self.copy(path)
        self.assert_fails(run, 14, "L2P2001")
        self.assertIn("id=7", run.out)
        self.assertEqual(self.sql("SELECT count(*) FROM users"), [(0,)])

    def test_booleans_as_numbers_and_words(self):
        """synapse#8431, grafana-sqlite-to-postgres#4 #5 #21, gitea#12470."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, b);"
                                "INSERT INTO t VALUES (1, 0), (2, 1), (3, 't'), (4, 'FALSE'),"
                                " (5, NULL), (6, 'on'), (7, 0.0);")
        self.sql("CREATE TABLE t (id int PRIMARY KEY, b boolean)")
        self.copy_and_judge(path, check_schema=False)
        self.assertEqual([b for b, in self.sql("SELECT b FROM t ORDER BY id")],
                         [False, True, True, False, None, True, False])

    def test_a_null_boolean_is_not_false_and_a_blank_json_is_not_null(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, b BOOLEAN, j JSON);"
                                "INSERT INTO t VALUES (1, NULL, '{}'), (2, 1, NULL);")
        self.copy_and_judge(path)
        self.assertEqual(self.sql("SELECT b IS NULL, j IS NULL FROM t ORDER BY id"),
                         [(True, False), (False, True)])
        blank = self.make_source("CREATE TABLE u (id INTEGER PRIMARY KEY, j JSON);"
                                 "INSERT INTO u VALUES (1, ''), (2, '{}');", name="blank.db")
        self.copy_and_judge(blank)  # '' is no JSON: the column becomes text, and keeps it
        self.assertEqual(self.sql("SELECT j FROM u WHERE id = 1"), [("",)])

    def test_defaults_of_booleans_over_numerics(self):
        """netbird#4342: numeric DEFAULT false is what GORM writes for a bool."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, a numeric DEFAULT false,"
                                " b BOOLEAN DEFAULT true, c BOOLEAN DEFAULT 0, d numeric DEFAULT"
                                " 'true', e BOOLEAN DEFAULT 'f');"
                                "INSERT INTO t (id, a) VALUES (1, 1), (2, 0);")
        self.copy_and_judge(path)
        self.sql("INSERT INTO t (id) VALUES (3)")
        self.assertEqual(self.sql("SELECT a::int, b::int, c::int FROM t WHERE id = 3"), [(0, 1, 0)])

    def test_text_in_a_blob_column(self):
        """pgloader#415 #1472 #60: taken for base64."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB);"
                                "INSERT INTO t VALUES (1, 'YWJj'), (2, 'not base64!'), (3, '');")
        self.copy_and_judge(path)

    def test_blobs_that_are_no_text(self):
        """grafana-sqlite-to-postgres#19 #28 #34 #39, nextcloud#3536."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, c TEXT);"
                                "INSERT INTO t VALUES (1, x'5c783030', x'ff00'), (2, x'', '\\x41');")
        self.copy_and_judge(path)

    def test_jsonb_of_sqlite(self):
        """pgloader#1607: Token "#" is invalid."""
        if sqlite3.sqlite_version_info >= (3, 45):
            blob = "jsonb('{\"a\":[1,true]}')"
        else:
            blob = "x'6c17613b133101'"  # {"a":[1,true]}: object of 6, text "a", array of 3
        path = self.make_source(f"CREATE TABLE t (id INTEGER PRIMARY KEY, j JSONB);"
                                f"INSERT INTO t VALUES (1, {blob});")
        self.sql("CREATE TABLE t (id int PRIMARY KEY, j jsonb)")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT j = '{\"a\":[1,true]}' FROM t"), [(True,)])

    def test_empty_text_in_numbers_and_dates(self):
        """nextcloud/server#171, synapse#15225, grafana-sqlite-to-postgres#53."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, d DATE);"
                                "INSERT INTO t VALUES (1, '', '2024-01-01'), (2, 5, '');")
        self.copy_and_judge(path)  # nothing is lost: both become text
        self.assertEqual(self.type_of("t", "n"), "text")
        self.target = self.make_target()
        self.sql("CREATE TABLE t (id int PRIMARY KEY, n bigint, d date)")
        run = self.copy(path)
        self.assert_fails(run, 14, "L2P2001")
        run = self.copy(path, "--empty-as-null", "t.n", "--empty-as-null", "t.d")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT n, d::text FROM t ORDER BY id"),
                         [(None, "2024-01-01"), (5, None)])

    def test_infinity_and_odd_floats(self):
        """pgloader#1341 #249 #73 #739 #747: Lisp's own spelling of floats."""
        path = self.make_source("CREATE TABLE t (v REAL); INSERT INTO t VALUES (9e999), (-9e999),"
                                " (2.32), (5e-324), (-0.0), (1e308), (0.1), (NULL);")
        self.copy_and_judge(path)
        self.assertEqual(self.type_of("t", "v"), "double precision")

    def test_text_longer_than_declared(self):
        """tubesync#960, taps#15: SQLite never checks VARCHAR(n)."""
        path = self.make_source("CREATE TABLE t (v VARCHAR(5)); INSERT INTO t VALUES ('longer '),"
                                " ('\u00e9\u00e9\u00e9\u00e9\u00e9');")
        run = self.copy_and_judge(path)
        self.assertEqual(self.type_of("t", "v"), "text")
        self.assertTrue(run.findings("L2P2003"), str(run))

    def test_nul_in_text(self):
        """synapse#2187, pgloader#411 #1283: one NUL stopped the run; others dropped the row."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'a' || char(0) || 'b'), (2, 'c');")
        run = self.copy_and_judge(path)
        self.assertEqual(self.type_of("t", "v"), "bytea")
        self.assertIn("id=1", run.findings("L2P2003")[0]["message"])

    def test_invalid_utf8_is_named_by_its_row(self):
        """pgloader#1250 #99 #1021: the table stops and no row is named."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'a'), (2, CAST(x'41ff' AS TEXT));")
        run = self.copy_and_judge(path)
        self.assertIn("id=2", run.findings("L2P2003")[0]["message"])
        self.target = self.make_target()
        self.sql("CREATE TABLE t (id int PRIMARY KEY, v text)")
        run = self.copy(path)
        self.assert_fails(run, 14, "L2P2001")
        self.assertIn("id=2", run.out)

    def test_type_names_with_spaces_and_brackets(self):
        """pgloader#921 #1231 #1515 #548."""
        names = ["double precision", "byte[]", "NUMERIC(10,2)", "NUMERIC(10, 2)", "[int]",
                 "\"quoted type\"", "character varying (10)", "long integer", "NUMERIC(-1)",
                 "VARCHAR(MAX)", "enum('a','b')", "INTEGER(11) UNSIGNED", "DECIMAL(10.2)"]

        def build(db):
            for i, name in enumerate(names):
                try:
                    db.execute(f"CREATE TABLE t{i} (v {name})")
                except sqlite3.OperationalError:
                    continue  # not a type that SQLite accepts
                db.execute(f"INSERT INTO t{i} VALUES (1.5), ('x'), (NULL)")
        self.copy_and_judge(self.make_source(build=build))

    def test_doubles_do_not_become_floats_of_four_bytes(self):
        path = self.make_source("CREATE TABLE t (v REAL, w FLOAT); "
                                "INSERT INTO t VALUES (0.123456789012, 0.123456789012);")
        self.copy_and_judge(path)
        self.assertEqual(self.sql("SELECT v::text, w::text FROM t"),
                         [("0.123456789012", "0.123456789012")])

    def test_json_is_not_sent_through_doubles(self):
        path = self.make_source(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON);"
            "INSERT INTO t VALUES (1, '{\"a\": 1.10, \"b\": 12345678901234567890, \"c\": 1e400}');")
        self.copy_and_judge(path)
        self.assertEqual(self.sql("SELECT j->>'a', j->>'b', length(j->>'c') FROM t"),
                         [("1.10", "12345678901234567890", 401)])

    def test_text_without_a_zone_is_not_in_the_sessions_zone(self):
        """The server's time zone is Asia/Kolkata: 12:00 stays 12:00 UTC."""
        path = self.make_source("CREATE TABLE t (at TEXT); "
                                "INSERT INTO t VALUES ('2024-01-31 12:00:00');")
        self.sql("CREATE TABLE t (at timestamptz)")
        self.copy_and_judge(path, check_schema=False)
        self.assertEqual(self.sql("SELECT at = '2024-01-31 12:00:00+00' FROM t"), [(True,)])


class SchemaAndIdentifiers(EndToEndTest):
    def test_defaults_that_are_expressions(self):
        """pgloader#1523 #1631 #1348 #607 #1665, goatcounter#638: one of them ended the run."""
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY,
              a DATETIME DEFAULT (datetime('now')), b DATE DEFAULT CURRENT_DATE,
              c TIMESTAMP DEFAULT CURRENT_TIMESTAMP, d TIME DEFAULT CURRENT_TIME,
              e TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%S', 'now')), f TEXT DEFAULT 'null',
              g INTEGER DEFAULT (random()), h BLOB DEFAULT x'0aff', i TEXT DEFAULT current_timestamp,
              j INTEGER DEFAULT (strftime('%s', 'now')), k TEXT DEFAULT (hex(randomblob(4))),
              l TEXT DEFAULT "dq", m INTEGER DEFAULT -1, n REAL DEFAULT +.5, o DEFAULT (1 + 1),
              p TEXT DEFAULT '', q TEXT DEFAULT NULL, r DATETIME DEFAULT (datetime('now',
              'localtime')), s INTEGER DEFAULT (unixepoch()), u BOOLEAN DEFAULT TRUE);
            INSERT INTO t (id) VALUES (1);
            """)
        run = self.copy_and_judge(path)
        self.sql("INSERT INTO t DEFAULT VALUES")
        row = dict(zip("abcdefghijklmnopqsu", self.sql(
            "SELECT a::text, b::text, c::text, d::text, e, f, g, h, i, j, k, l, m, n, o, p, q, s, u"
            " FROM t WHERE id = 2")[0]))
        now = time.strftime("%Y-%m-%d", time.gmtime())
        told = {o["name"]: o["state"] for o in run.report["objects"] if o["kind"] == "default"}
        for column in "abcei":
            if told.get(column) != "not_carried":
                self.assertTrue(str(row[column]).startswith(now), (column, row))
        self.assertEqual((row["f"], row["l"], row["m"], row["p"], row["q"]),
                         ("null", "dq", -1, "", None))
        self.assertEqual(bytes(row["h"]), b"\x0a\xff")
        self.assertEqual((float(row["n"]), int(row["o"]), row["u"]), (0.5, 2, True))
        # What the session's clock shows is nobody's wish on a server.
        carried = [c for c in "abcdefghijklmnopsu" if told.get(c) in ("created", "translated")]
        self.assertGreaterEqual(len(carried), 15, told)

    def test_names_keep_their_case_with_their_keys_and_sequences(self):
        """pgloader#1105 #1187 #1486 #1531 #1577."""
        path = self.make_source("""
            CREATE TABLE "Parent" ("Id" INTEGER PRIMARY KEY AUTOINCREMENT, "Name" TEXT);
            CREATE TABLE "Child" ("Id" INTEGER PRIMARY KEY, "ParentId" INTEGER
              REFERENCES "Parent"("Id"), "references" INTEGER REFERENCES "Parent"("Id"));
            CREATE INDEX "IX_Child" ON "Child"("ParentId");
            INSERT INTO "Parent" VALUES (5, 'x'); INSERT INTO "Child" VALUES (1, 5, 5);
            """)
        self.copy_and_judge(path)
        self.assertEqual(self.sql('INSERT INTO "Parent" ("Name") VALUES (\'y\') RETURNING "Id"'),
                         [(6,)])

    def test_only_data_into_tables_that_are_there(self):
        """pgloader#1684 #1773: relation "alembic_version" already exists."""
        path = self.make_source("""
            CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('old');
            CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
            INSERT INTO item VALUES (1, 'a');
            """)
        self.sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
                 "INSERT INTO alembic_version VALUES ('new');"
                 "CREATE TABLE item (name text, id serial PRIMARY KEY);")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.table("alembic_version")["state"], "bookkeeping")
        self.assertEqual(self.sql("SELECT * FROM alembic_version"), [("new",)])
        self.assertEqual(self.sql("SELECT id, name FROM item"), [(1, "a")])

    def test_seed_rows_of_a_fresh_application(self):
        """Radarr#7178 #8652, label-studio#1658, tubesync#960."""
        path = self.make_source("CREATE TABLE metadata (id INTEGER PRIMARY KEY, name TEXT);"
                                "INSERT INTO metadata VALUES (1, 'seed'), (2, 'mine');")
        self.sql("CREATE TABLE metadata (id serial PRIMARY KEY, name text);"
                 "INSERT INTO metadata (name) VALUES ('seed');")
        refused = self.copy(path)
        self.assertIn(refused.exit_code, (8, 12), str(refused))
        run = self.copy(path, "--existing-rows", "skip-equal")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT * FROM metadata ORDER BY 1"), [(1, "seed"), (2, "mine")])
        self.assertEqual(self.sql("INSERT INTO metadata (name) VALUES ('n') RETURNING id"), [(3,)])

    def test_keys_generated_columns_and_arrays_are_there(self):
        """pgloader#563 #1547 #1687 #1552."""
        path = self.make_source("""
            CREATE TABLE t (a TEXT, b INTEGER, total INTEGER AS (b * 2) STORED,
              PRIMARY KEY (b, a));
            INSERT INTO t (a, b) VALUES ('x', 1), ('y', 1);
            CREATE TABLE of_t (a TEXT, b INTEGER, FOREIGN KEY (b, a) REFERENCES t(b, a));
            INSERT INTO of_t VALUES ('x', 1);
            """)
        self.copy_and_judge(path)
        self.assertEqual(self.sql("SELECT attgenerated::text FROM pg_attribute WHERE attrelid ="
                                  " 't'::regclass AND attname = 'total'"), [("s",)])
        tags = self.make_source("CREATE TABLE tagged (id INTEGER PRIMARY KEY, tags TEXT);"
                                "INSERT INTO tagged VALUES (1, '[\"a\",\"b\"]'), (2, '[]');",
                                name="tags.db")
        self.sql("CREATE TABLE tagged (id int PRIMARY KEY, tags text[])")
        run = self.copy(tags, "--include", "tagged")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT tags FROM tagged ORDER BY id"), [(["a", "b"],), ([],)])

    def test_columns_in_another_order(self):
        """grafana-sqlite-to-postgres#53: values in wrong columns."""
        path = self.make_source("CREATE TABLE t (a TEXT, b TEXT, id INTEGER PRIMARY KEY);"
                                "INSERT INTO t VALUES ('a', 'b', 1);")
        self.sql("CREATE TABLE t (id int PRIMARY KEY, b text, a text)")
        self.copy_and_judge(path, check_schema=False)


class Constraints(ExistingTest):
    """Run by a role that owns its tables and is no superuser."""

    def test_circles_of_foreign_keys_that_are_live(self):
        """pgloader#745 #208, vaultwarden#656."""
        script = """
            CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id));
            CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id));
            INSERT INTO a VALUES (1, 2), (2, NULL); INSERT INTO b VALUES (2, 1);
            """
        path = self.make_source(script)
        self.sql("CREATE TABLE a (id int PRIMARY KEY, b int);"
                 "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a(id));"
                 "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b(id);")
        self.load_and_judge(path)

    def test_no_system_trigger_is_touched(self):
        """pgloader#688, pg_sample#43, pgsync#94: permission denied, then a hang."""
        path = self.make_source("CREATE TABLE p (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER);"
                                "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1);")
        self.sql("CREATE TABLE p (id int PRIMARY KEY);"
                 "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p(id));")
        began = time.monotonic()
        self.load_and_judge(path)
        self.assertLess(time.monotonic() - began, 60)

    def test_a_primary_key_that_others_refer_to(self):
        """pgloader#504: cannot drop constraint because other objects depend on it."""
        path = self.make_source("CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (4);")
        self.sql("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE elsewhere"
                 " (p int REFERENCES p(id)); CREATE VIEW v AS SELECT * FROM p;")
        self.load_and_judge(path)


class ConstraintsCreated(EndToEndTest):
    def test_orphans_are_named_before_the_load(self):
        """open-webui-postgres-migration#18, autobrr/qui#1530, pocket-id#863."""
        path = self.make_source("""
            CREATE TABLE p (id INTEGER PRIMARY KEY);
            CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id));
            INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1), (7, 99);
            """)
        plan = lite2pg("plan", path, self.target, "--format", "json", "--orphans", "stop")
        if plan.exit_code == 2:
            plan = lite2pg("plan", path, self.target, "--format", "json", "--deep")
        said = " ".join(f["message"] for f in plan.findings())
        self.assertIn("99", said, str(plan))
        run = self.copy_and_judge(path)
        self.assertIn("99", " ".join(f["message"] for f in run.findings("L2P4006")), str(run))

    def test_foreign_keys_to_implicit_columns(self):
        """pgloader#602 #1256: FOREIGN KEY() REFERENCES t()."""
        self.copy_and_judge(self.make_source("""
            CREATE TABLE p (id INTEGER PRIMARY KEY, "references" TEXT UNIQUE);
            CREATE TABLE q (x TEXT, y TEXT, PRIMARY KEY (y, x));
            CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p, "references" TEXT,
              x TEXT, y TEXT, FOREIGN KEY ("references") REFERENCES p("references"),
              FOREIGN KEY (y, x) REFERENCES q);
            INSERT INTO p VALUES (1, 'r'); INSERT INTO q VALUES ('x', 'y');
            INSERT INTO c VALUES (1, 1, 'r', 'x', 'y');
            """))
        self.assertEqual(self.sql("SELECT count(*) FROM pg_constraint WHERE contype = 'f'"), [(3,)])


class Sequences(EndToEndTest):
    def test_every_integer_primary_key_counts_on(self):
        """pgloader#802 #882 #1517 #1180 #556 #1598, home-assistant/core#103655, n8n#29762."""
        path = self.make_source("""
            CREATE TABLE plain (id INTEGER PRIMARY KEY, v);
            INSERT INTO plain VALUES (41, 1);
            CREATE TABLE none (id INTEGER PRIMARY KEY, v);
            CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
            INSERT INTO auto VALUES (9, 1); DELETE FROM auto;
            CREATE TABLE "Mixed Case" ("Id" INTEGER PRIMARY KEY, v);
            INSERT INTO "Mixed Case" VALUES (3, 1);
            """)
        self.copy_and_judge(path)
        for table, expected in (("plain", 42), ("none", 1), ("auto", 10), ('"Mixed Case"', 4)):
            column = '"Id"' if "Mixed" in table else "id"
            self.assertEqual(self.sql(f"INSERT INTO {table} (v) VALUES (1) RETURNING {column}"),
                             [(expected,)], table)

    def test_an_empty_table_starts_at_its_start(self):
        """gitea#740 #5728: setval(seq, 1) on an empty table makes the next key 2."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);")
        self.sql("CREATE TABLE t (id serial PRIMARY KEY, v text)")
        self.copy_and_judge(path, check_schema=False)
        self.assertEqual(self.sql("INSERT INTO t (v) VALUES ('x') RETURNING id"), [(1,)])

    def test_generated_always_takes_the_sources_keys(self):
        """element-hq/synapse#18053: cannot insert a non-DEFAULT value."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (5, 'x');")
        self.sql("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)")
        self.copy_and_judge(path, check_schema=False)
        self.assertEqual(self.sql("INSERT INTO t (v) VALUES ('y') RETURNING id"), [(6,)])


class HonestyAndUse(EndToEndTest):
    def test_no_error_is_followed_by_a_hang_or_by_success(self):
        """pgloader#1622 #420 #550 #337 #681, synapse#15219."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'x'), (2, 'bad'), (3, 'y');")
        self.sql("CREATE TABLE t (id int PRIMARY KEY, v text CHECK (v <> 'bad'))")
        began = time.monotonic()
        run = self.copy(path)
        self.assertLess(time.monotonic() - began, 60)
        self.assertIn(run.exit_code, (8, 14), str(run))
        self.assertNotIn(run.report["outcome"], ("verified", "copied"))
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])

    def test_equal_counts_are_not_enough(self):
        """simplex-chat#5504, planetscale/cli#1278: only count(*) was compared."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, 'x'), (2, 'y');")
        self.sql("""CREATE TABLE t (id int PRIMARY KEY, v text);
            CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN NEW.v := NEW.v || ' '; RETURN NEW; END $$;
            CREATE TRIGGER change BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION change();""")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 4, str(run))

    def test_samples_of_every_column_are_shown(self):
        """Users could compare count(*) at most: what is stored for a value was not to be seen."""
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON, at DATETIME, r REAL, b BLOB);
            INSERT INTO t VALUES (1, '{"a":1.10}', '2024-01-01 00:00:00', 0.1, x'00ff'),
                                 (2, NULL, NULL, 5, 'text');
            """)
        run = self.copy(path)
        samples = run.report["samples"]
        self.assertEqual({(s["column"], s["storage_class"]) for s in samples},
                         {("id", "integer"), ("j", "text"), ("at", "text"), ("r", "real"),
                          ("b", "blob"), ("b", "text")})
        self.assertEqual({s["equal"] for s in samples}, {True}, samples)
        self.target = self.make_target()
        text = lite2pg("copy", path, self.target, "-v").out
        self.assertIn("Samples", text)
        self.assertRegex(text, r"equal +t\.j: TEXT 10 bytes")

    def test_a_column_added_yesterday_is_copied(self):
        """Tools with lists of tables and columns of their own pass new ones by, and say success."""
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);"
                                "ALTER TABLE t ADD COLUMN added TEXT DEFAULT 'd';"
                                "CREATE TABLE new_table (x); INSERT INTO new_table VALUES (1);")
        self.copy_and_judge(path)
        self.assertEqual(self.sql("SELECT added FROM t"), [("d",)])
        self.target = self.make_target()
        self.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE new_table (x int);")
        run = self.copy(path)
        self.assert_fails(run, 12, "L2P3018")
        self.assertIn("added", run.out)

    def test_passwords_by_scram(self):
        """pgloader#1183 #1207 #1332 #1593: KABOOM! 10 fell through ECASE expression."""
        role = f"scram_{id(self)}"
        execute(self.admin, f"SET password_encryption = 'scram-sha-256';"
                            f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'p@ss:w-o_r/d%';"
                            f"GRANT wants_password TO {role};")
        self.addCleanup(execute, self.admin, f"DROP ROLE {role}")
        path = self.make_source("CREATE TABLE t (v); INSERT INTO t VALUES (1);")
        target = with_options(self.target, user=role, password="p@ss:w-o_r/d%")
        run = self.copy(path, target=target)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertNotIn("p@ss", run.out + run.err)
        execute(self.admin,
                f"REASSIGN OWNED BY {role} TO lite2pg_test; DROP OWNED BY {role};")

    def test_messages_of_wrong_options_name_the_right_ones(self):
        """pgloader#1187 #1149: cryptic errors of a language of its own."""
        run = lite2pg("copy", "x.db", "--existing-row", "skip")
        self.assertEqual(run.exit_code, 2, str(run))
        self.assertIn("existing-rows", run.err)

    def test_times_add_up(self):
        """pgloader#1507: the summary's times were wrong."""
        run = self.copy(self.make_source("CREATE TABLE t (v); INSERT INTO t VALUES (1);"))
        stages = {s["name"]: s["seconds"] for s in run.report["stages"]}
        wall = run.report["resources"]["wall_seconds"]
        self.assertLessEqual(sum(stages.values()), wall + 0.05, str(run))
        self.assertGreater(sum(stages.values()), 0.5 * wall, str(run))

    def test_a_failed_run_leaves_no_half_table(self):
        path = self.make_source("""
            CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);
            CREATE TABLE z (id INTEGER PRIMARY KEY, v TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
            INSERT INTO a SELECT i, 'x' FROM n;
            INSERT INTO z VALUES (1, 'bad');
            """)
        self.sql("CREATE TABLE a (id int PRIMARY KEY, v text);"
                 "CREATE TABLE z (id int PRIMARY KEY, v text CHECK (v <> 'bad'));")
        run = self.copy(path)
        self.assertNotEqual(run.exit_code, 0)
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM z)"),
                         [(0, 0)])
        self.sql("ALTER TABLE z DROP CONSTRAINT z_v_check")
        again = self.copy(path, "--restart") if re.search("restart", run.out) else self.copy(path)
        self.assertEqual(again.exit_code, 0, str(again))
        self.assert_equal_copy(path, again, check_schema=False)


if __name__ == "__main__":
    unittest.main()
