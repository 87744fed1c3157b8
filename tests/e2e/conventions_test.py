"""What libraries and frameworks write into SQLite, end to end: one test per writer. Every file is
copied twice, into tables that we create, where a type is taken only if every value reads that way,
and into tables of the types that the same application has in PostgreSQL."""

import sqlite3
import unittest

from harness import EndToEndTest, lite2pg

# The server's time zone is Asia/Kolkata and its dates are day first: what is expected here is asked
# for in UTC and ISO.
SETTINGS = ("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';"
            " SET bytea_output = 'hex'; SET extra_float_digits = 1; ")


class Conventions(EndToEndTest):
    def check(self, table_sql, rows, created, target=None, expected=None, rules=None,
              created_rules=None):
        """`created`: types by column after a copy that creates; `target`: columns of the
        application's table; `expected`: its rows as texts; `rules`: lines of configuration by
        column, for the second copy only, `created_rules` for the first."""
        self.target = self.make_target()

        def build(db):
            db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {table_sql})")
            marks = ", ".join("?" * len(rows[0]))
            db.executemany(f"INSERT INTO t VALUES (NULL, {marks})", rows)
        path = self.make_source(build=build)
        run = self.copy_and_judge(path, *self.config(created_rules))
        types = dict(self.sql("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                              " WHERE attrelid = 't'::regclass AND attnum > 1"))
        self.assertEqual(types, created)
        if target is None:
            return run
        self.target = self.make_target()
        self.sql(f"CREATE TABLE t (id bigint PRIMARY KEY, {target})")
        second = self.copy(path, *self.config(rules))
        self.assertEqual(second.exit_code, 0, str(second))
        self.assertEqual(second.report["outcome"], "verified")
        columns = ", ".join(f"{name}::text" for name in created)
        self.assertEqual(self.sql(f"{SETTINGS}SELECT {columns} FROM t ORDER BY id"), expected)
        return run

    def config(self, rules):
        if not rules:
            return ()
        file = self.dir / f"{len(list(self.dir.iterdir()))}.toml"
        file.write_text("".join(f'[table."t".column."{column}"]\n{lines}\n'
                                for column, lines in rules.items()))
        return "--config", file

    def refused(self, table_sql, rows, target, rules=None):
        """What the second copy says when it cannot go on; nothing is written."""
        def build(db):
            db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {table_sql})")
            db.executemany("INSERT INTO t VALUES (NULL, ?)", [(v,) for v in rows])
        path = self.make_source(build=build, name="refused.db")
        self.target = self.make_target()
        self.sql(f"CREATE TABLE t (id bigint PRIMARY KEY, {target})")
        run = self.copy(path, *self.config(rules))
        self.assert_fails(run, 14, "L2P2001")
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])
        return run

    def test_functions_of_sqlite(self):
        self.check(
            "at DATETIME, day DATE, clock TIME, j REAL, iso TEXT",
            [("2024-01-31 12:34:56", "2024-01-31", "12:34:56", 2460341.024268391,
              "2024-01-31T12:34:56Z"),
             ("2024-01-31 12:34:56.789", "0001-01-01", "00:00", 2440587.5,
              "2024-01-31 12:34:56+05:30"),
             (None, None, None, None, None)],
            {"at": "timestamp without time zone", "day": "date", "clock": "time without time zone",
             "j": "double precision", "iso": "text"},
            "at timestamptz, day date, clock time, j timestamptz, iso timestamptz",
            [("2024-01-31 12:34:56+00", "2024-01-31", "12:34:56", "2024-01-31 12:34:56.789+00",
              "2024-01-31 12:34:56+00"),
             ("2024-01-31 12:34:56.789+00", "0001-01-01", "00:00:00", "1970-01-01 00:00:00+00",
              "2024-01-31 07:04:56+00"),
             (None,) * 5],
            rules={"j": 'real = "julian-day"'})

    def test_django(self):
        self.check(
            '"at" datetime NOT NULL, "flag" bool NOT NULL, "uid" char(32) NOT NULL,'
            ' "wait" bigint, "price" decimal, "doc" text CHECK (JSON_VALID("doc"))',
            [("2024-01-31 12:34:56.123456", 1, "5f2b0d8e7c3a4e1b9d6f0a1b2c3d4e5f", 93784000005,
              19.99, '{"a": 1.10}'),
             ("2024-01-31 12:34:56", 0, "00000000000000000000000000000000", -1, 5, "[]")],
            {"at": "timestamp without time zone", "flag": "boolean", "uid": "character varying(32)",
             "wait": "bigint", "price": "numeric", "doc": "text"},
            "at timestamptz NOT NULL, flag boolean NOT NULL, uid uuid NOT NULL, wait interval,"
            " price numeric(10,2), doc jsonb",
            [("2024-01-31 12:34:56.123456+00", "true", "5f2b0d8e-7c3a-4e1b-9d6f-0a1b2c3d4e5f",
              "26:03:04.000005", "19.99", '{"a": 1.10}'),
             ("2024-01-31 12:34:56+00", "false", "00000000-0000-0000-0000-000000000000",
              "-00:00:00.000001", "5.00", "[]")],
            rules={"wait": 'integer = "unix-micros"'})

    def test_rails(self):
        self.check(
            '"at" datetime(6), "old" boolean, "new" boolean, "mixed" boolean',
            [("2024-01-31 12:34:56.123456", "t", 1, "t"), ("2024-01-31 12:34:56", "f", 0, 0)],
            {"at": "timestamp without time zone", "old": "boolean", "new": "boolean",
             "mixed": "boolean"},
            "at timestamp(6), old boolean, new boolean, mixed boolean",
            [("2024-01-31 12:34:56.123456", "true", "true", "true"),
             ("2024-01-31 12:34:56", "false", "false", "false")])

    def test_sqlalchemy(self):
        self.check(
            "at DATETIME, day DATE, clock TIME, amount NUMERIC(10, 2), uid CHAR(32),"
            " role VARCHAR(6), doc JSON",
            [("2024-01-31 12:34:56.000000", "2024-01-31", "12:34:56.000001", 10.5,
              "5f2b0d8e7c3a4e1b9d6f0a1b2c3d4e5f", "ADMIN", '{"k": [1, 2.50]}'),
             ("1970-01-01 00:00:00.123456", "9999-12-31", "23:59:59.999999", 7, None, "EDITOR",
              "null")],
            {"at": "timestamp without time zone", "day": "date", "clock": "time without time zone",
             "amount": "numeric(10,2)", "uid": "character varying(32)",
             "role": "character varying(6)", "doc": "jsonb"},
            "at timestamp, day date, clock time, amount numeric(10,2), uid uuid,"
            " role varchar(6), doc json",
            [("2024-01-31 12:34:56", "2024-01-31", "12:34:56.000001", "10.50",
              "5f2b0d8e-7c3a-4e1b-9d6f-0a1b2c3d4e5f", "ADMIN", '{"k": [1, 2.50]}'),
             ("1970-01-01 00:00:00.123456", "9999-12-31", "23:59:59.999999", "7.00", None,
              "EDITOR", "null")])

    def test_home_assistant(self):
        rows = [(1706704496.5, bytes(range(16))), (1706704496.123456, None)]
        self.check("at_ts FLOAT, context_id_bin BLOB", rows,
                   {"at_ts": "double precision", "context_id_bin": "bytea"},
                   "at_ts double precision, context_id_bin bytea",
                   [("1706704496.5", "\\x000102030405060708090a0b0c0d0e0f"),
                    ("1706704496.123456", None)])
        # Into timestamps, Python's resolution has to be given up by name.
        run = self.refused("at_ts FLOAT", [1706704496.1234567], "at_ts timestamptz",
                           {"at_ts": 'real = "unix-seconds"'})
        self.assertIn("1706704496.1234567", run.out)

    def test_prisma(self):
        rows = [(1706704496789, '{"a":1}'), ("2024-01-31 12:34:56", "[]")]
        run = self.check(
            '"at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "doc" JSONB', rows,
            {"at": "text", "doc": "jsonb"},
            "at timestamp(3) NOT NULL, doc jsonb",
            [("2024-01-31 12:34:56.789", '{"a": 1}'), ("2024-01-31 12:34:56", "[]")],
            rules={"at": 'integer = "unix-millis"'})
        # The mixture is named, with both classes.
        (finding,) = run.findings("L2P2003")
        self.assertIn("1 integer", finding["message"])
        self.assertIn("1 text", finding["message"])

    def test_mixed_columns_with_a_rule_for_each_class(self):
        self.check("at DATETIME", [(1706704496789,), (1706704496.5,), ("2024-01-31 12:34:56",)],
                   {"at": "timestamp with time zone"},
                   "at timestamptz",
                   [("2024-01-31 12:34:56.789+00",), ("2024-01-31 12:34:56.5+00",),
                    ("2024-01-31 12:34:56+00",)],
                   rules={"at": 'integer = "unix-millis"\nreal = "unix-seconds"'},
                   created_rules={"at": 'type = "timestamptz"\ninteger = "unix-millis"\n'
                                        'real = "unix-seconds"'})

    def test_strapi_and_javascript(self):
        self.check("created_at DATETIME, iso TEXT, f REAL",
                   [(1706704496789, "2024-01-31T12:34:56.789Z", 1706704496789.25)],
                   {"created_at": "bigint", "iso": "text", "f": "double precision"},
                   "created_at timestamptz, iso timestamptz, f timestamptz",
                   [("2024-01-31 12:34:56.789+00", "2024-01-31 12:34:56.789+00",
                     "2024-01-31 12:34:56.78925+00")],
                   rules={"created_at": 'integer = "unix-millis"', "f": 'real = "unix-millis"'})

    def test_typeorm_and_sequelize(self):
        self.check("created DATETIME DEFAULT (datetime('now')), updated DATETIME, flag TINYINT(1)",
                   [("2024-01-31 12:34:56", "2024-01-31 12:34:56.789 +00:00", 1),
                    ("2024-01-31 12:34:56.789", "2024-01-31 12:34:56.000 +00:00", 0)],
                   {"created": "timestamp without time zone", "updated": "timestamp with time zone",
                    "flag": "bigint"},
                   "created timestamp, updated timestamptz, flag boolean",
                   [("2024-01-31 12:34:56", "2024-01-31 12:34:56.789+00", "true"),
                    ("2024-01-31 12:34:56.789", "2024-01-31 12:34:56+00", "false")])

    def test_go_mattn_and_gorm(self):
        rows = [("2023-08-28 07:39:20.06275+00:00", 1), ("2023-08-28 07:39:20+02:00", 0)]
        self.check("at datetime, flag numeric", rows,
                   {"at": "timestamp with time zone", "flag": "numeric"},
                   "at timestamptz, flag boolean",
                   [("2023-08-28 07:39:20.06275+00", "true"), ("2023-08-28 05:39:20+00", "false")])

    def zones(self, *values):
        """An application's timestamp column without a zone, and what is stored of `values`."""
        def build(db):
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at datetime)")
            db.executemany("INSERT INTO t VALUES (NULL, ?)", [(v,) for v in values])
        path = self.make_source(build=build, name=f"{len(list(self.dir.iterdir()))}.db")
        self.target = self.make_target()
        self.sql("CREATE TABLE t (id bigint PRIMARY KEY, at timestamp)")
        return path

    def stored(self):
        return [v for v, in self.sql(SETTINGS + "SELECT at::text FROM t ORDER BY id")]

    def test_offsets_of_zero_into_a_column_without_a_zone(self):
        """Grafana's: Go writes +00:00, and the application's column is a timestamp. Where every value
        has it, nothing is lost: the clock is UTC's, and the text can be had back."""
        path = self.zones("2023-08-28 07:39:20.06275+00:00", None, "2023-08-28 07:39:20.5+00:00")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.stored(), ["2023-08-28 07:39:20.06275", None,
                                         "2023-08-28 07:39:20.5"])
        [finding] = run.findings("L2P2004")
        self.assertEqual((finding["object"], finding["severity"]), ("t.at", "info"))
        self.assert_verified(path)
        [column] = [c for c in run.table("t")["columns"] if c["source_name"] == "at"]
        self.assertTrue(column["round_trips"], column)
        back = self.dir / "back.db"
        self.assertEqual(lite2pg("revert", self.target, back).exit_code, 0)
        self.assertEqual([v for v, in sqlite3.connect(back).execute("SELECT at FROM t ORDER BY id")],
                         ["2023-08-28 07:39:20.06275+00:00", None, "2023-08-28 07:39:20.5+00:00"])

    def test_offsets_that_a_column_without_a_zone_would_lose(self):
        for values in (("2023-08-28 07:39:20Z", "2023-08-28 07:39:20"),
                       ("2023-08-28 07:39:20Z", "2023-08-28 09:39:20+02:00"),
                       ("2023-08-28 09:39:20+02:00",)):
            path = self.zones(*values)
            run = self.copy(path)
            self.assert_fails(run, 14, "L2P2001")
            self.assertIn('offset = "utc"', run.findings("L2P2001")[0]["hint"].replace('\\', ''))
            self.assertEqual(self.stored(), [])
            run = self.copy(path, *self.config({"at": 'offset = "utc"'}))
            self.assertEqual(run.exit_code, 0, str(run))
            self.assertEqual(set(self.stored()), {"2023-08-28 07:39:20"})
            with_offset = sum(v[19:] != "" for v in values)
            [rule] = run.findings("L2P2009")
            self.assertIn(f"{with_offset} value(s)", rule["message"])
            [column] = [c for c in run.table("t")["columns"] if c["source_name"] == "at"]
            self.assertFalse(column["round_trips"], column)
            self.assert_verified(path)

    def test_a_rule_for_a_declared_type(self):
        """Of whatever table and column; what is said of a column goes first."""
        path = self.make_source("""
            CREATE TABLE a (id INTEGER PRIMARY KEY, made DATETIME, "when" DATETIME, n INTEGER);
            CREATE TABLE b (at DateTime);
            INSERT INTO a VALUES (1, 1700000000, 1700000000, 1700000000);
            INSERT INTO b VALUES (1700000000);
            """)
        config = self.dir / "types.toml"
        config.write_text('[type."DATETIME"]\ntype = "timestamptz"\ninteger = "unix-seconds"\n'
                          '[table."a".column."when"]\ntype = "bigint"\n')
        run = self.copy_and_judge(path, "--config", config)
        types = {(t["source_name"], c["source_name"]): c["target_type"]
                 for t in run.report["tables"] for c in t["columns"]}
        stamp = "timestamp with time zone"
        self.assertEqual(types, {("a", "id"): "bigint", ("a", "made"): stamp, ("b", "at"): stamp,
                                 ("a", "when"): "bigint", ("a", "n"): "bigint"})
        self.assertEqual(self.sql("SELECT at = '2023-11-14 22:13:20+00' FROM b"), [(True,)])
        for wrong, said in (('[type."DATETIM"]\ntype = "text"\n', 'did you mean "DATETIME"'),
                            ('[type."DATETIME"]\nrename = "x"\n', "rename")):
            config.write_text(wrong)
            self.target = self.make_target()
            run = self.copy(path, "--config", config)
            self.assertEqual(run.exit_code, 2, str(run))
            self.assertIn(said.split()[-1].strip('"'), run.out + run.err)

    def test_nine_digits_of_a_second_are_named_and_rounded_by_rule_only(self):
        value = "2023-08-28 07:39:20.062750226+00:00"
        run = self.check("at datetime", [("2023-08-28 07:39:20.5+00:00",), (value,)], {"at": "text"})
        (finding,) = run.findings("L2P2003")
        self.assertIn(value, finding["message"])
        self.assertIn("id=2", finding["message"])
        run = self.refused("at datetime", [value], "at timestamptz")
        self.assertIn(value, run.out)
        self.assertIn("with a loss", run.out)
        rounded = self.copy(self.dir / "refused.db", *self.config({"at": 'round = "microseconds"'}))
        self.assertEqual(rounded.exit_code, 0, str(rounded))
        self.assertEqual(self.sql(SETTINGS + "SELECT at::text FROM t"),
                         [("2023-08-28 07:39:20.06275+00",)])

    def test_go_modernc(self):
        self.check("at datetime",
                   [("2024-01-31 12:34:56.789 +0000 UTC",),
                    ("2024-01-31 12:34:56 -0700 MST m=+0.000012345",),
                    ("0001-01-01 00:00:00 +0000 UTC",)],
                   {"at": "timestamp with time zone"}, "at timestamptz",
                   [("2024-01-31 12:34:56.789+00",), ("2024-01-31 19:34:56+00",),
                    ("0001-01-01 00:00:00+00",)])

    def test_rust(self):
        blob = bytes.fromhex("00112233445566778899aabbccddeeff")
        self.check("at DATETIME, naive TIMESTAMP, uid BLOB, uid2 UUID",
                   [("2024-01-31T12:34:56.123456+00:00", "2024-01-31 12:34:56.123456", blob, blob)],
                   {"at": "timestamp with time zone", "naive": "timestamp without time zone",
                    "uid": "bytea", "uid2": "uuid"},
                   "at timestamptz, naive timestamp, uid uuid, uid2 uuid",
                   [("2024-01-31 12:34:56.123456+00", "2024-01-31 12:34:56.123456",
                     "00112233-4455-6677-8899-aabbccddeeff",
                     "00112233-4455-6677-8899-aabbccddeeff")],
                   rules={"uid": 'blob = "uuid"', "uid2": 'blob = "uuid"'})

    def test_dotnet_microsoft(self):
        self.check('"At" TEXT, "Offset" TEXT, "Span" TEXT, "Price" TEXT, "Uid" TEXT',
                   [("2024-01-31 12:34:56.123456", "2024-01-31 12:34:56.5+02:00",
                     "1.02:03:04.0050000", "12.50", "5F2B0D8E-7C3A-4E1B-9D6F-0A1B2C3D4E5F"),
                    ("2024-01-31 12:34:56", "2024-01-31 12:34:56+00:00", "00:00:01", "-0.1", None)],
                   {c: "text" for c in ("At", "Offset", "Span", "Price", "Uid")})
        self.target = self.make_target()
        self.sql('CREATE TABLE t (id int PRIMARY KEY, "At" timestamp, "Offset" timestamptz,'
                 ' "Span" interval, "Price" numeric(18,2), "Uid" uuid)')
        run = self.copy(self.dir / "source.db")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(
            self.sql(SETTINGS + 'SELECT "At"::text, "Offset"::text, "Span"::text, "Price"::text,'
                                ' "Uid"::text FROM t ORDER BY id'),
            [("2024-01-31 12:34:56.123456", "2024-01-31 10:34:56.5+00", "1 day 02:03:04.005",
              "12.50", "5f2b0d8e-7c3a-4e1b-9d6f-0a1b2c3d4e5f"),
             ("2024-01-31 12:34:56", "2024-01-31 12:34:56+00", "00:00:01", "-0.10", None)])

    def test_seven_digits_of_dotnet_are_lossy(self):
        run = self.refused("at TEXT", ["2024-01-31 12:34:56.1234567"], "at timestamp")
        self.assertIn("id=1", run.out)

    def test_dotnet_guids_in_both_byte_orders(self):
        mixed = bytes.fromhex("33221100554477668899aabbccddeeff")
        run = self.refused("uid BLOB", [mixed], "uid uuid")
        self.assertIn("uuid-mixed-endian", run.out)
        self.check("uid BLOB", [(mixed,)], {"uid": "uuid"}, "uid uuid",
                   [("00112233-4455-6677-8899-aabbccddeeff",)],
                   rules={"uid": 'blob = "uuid-mixed-endian"'},
                   created_rules={"uid": 'type = "uuid"\nblob = "uuid-mixed-endian"'})

    def test_system_data_sqlite(self):
        self.check("at DATETIME, ticks INTEGER, j REAL",
                   [("2024-01-31T12:34:56.789Z", 638423012960000000, 2460341.024268391)],
                   {"at": "timestamp with time zone", "ticks": "bigint", "j": "double precision"},
                   "at timestamptz, ticks timestamp, j timestamp",
                   [("2024-01-31 12:34:56.789+00", "2024-01-31 12:34:56",
                     "2024-01-31 12:34:56.789")],
                   rules={"ticks": 'integer = "dotnet-ticks"', "j": 'real = "julian-day"'})

    def test_jdbc(self):
        self.check("at TIMESTAMP, day DATE", [(1706704496789, 1706659200000), (0, 0)],
                   {"at": "bigint", "day": "bigint"}, "at timestamptz, day date",
                   [("2024-01-31 12:34:56.789+00", "2024-01-31"),
                    ("1970-01-01 00:00:00+00", "1970-01-01")],
                   rules={"at": 'integer = "unix-millis"', "day": 'integer = "unix-millis"'})

    def test_nextcloud(self):
        self.check("mtime BIGINT, size BIGINT", [(1706704496, ""), (0, 5), (-1, "")],
                   {"mtime": "bigint", "size": "text"}, "mtime timestamptz, size bigint",
                   [("2024-01-31 12:34:56+00", None), ("1970-01-01 00:00:00+00", "5"),
                    ("1969-12-31 23:59:59+00", None)],
                   rules={"mtime": 'integer = "unix-seconds"', "size": "empty-as-null = true"})

    def test_apple_and_chrome(self):
        self.check("apple REAL, chrome INTEGER", [(728397296.5, 13351178096789012), (0.0, 0)],
                   {"apple": "double precision", "chrome": "bigint"},
                   "apple timestamptz, chrome timestamptz",
                   [("2024-01-31 12:34:56.5+00", "2024-01-31 12:34:56.789012+00"),
                    ("2001-01-01 00:00:00+00", "1601-01-01 00:00:00+00")],
                   rules={"apple": 'real = "apple-seconds"', "chrome": 'integer = "chrome-micros"'})

    def test_numbers_that_are_lengths_of_time(self):
        """Each unit by its name; the same numbers would be days or instants in a date column."""
        for unit, number, expected in (
                ("unix-seconds", 93784, "26:03:04"), ("unix-seconds", -1, "-00:00:01"),
                ("unix-seconds", 1706704496, "474084:34:56"), ("unix-seconds", 0, "00:00:00"),
                ("unix-millis", 93784005, "26:03:04.005"), ("unix-millis", -1, "-00:00:00.001"),
                ("unix-micros", 93784000005, "26:03:04.000005"),
                ("unix-nanos", 93784000005000, "26:03:04.000005"),
                ("dotnet-ticks", 937840000050, "26:03:04.000005"),
                ("dotnet-ticks", -10, "-00:00:00.000001")):
            with self.subTest(unit=unit, number=number):
                (self.dir / "source.db").unlink(missing_ok=True)
                self.check("v INTEGER", [(number,), (None,)], {"v": "bigint"}, "v interval",
                           [(expected,), (None,)], rules={"v": f'integer = "{unit}"'})
        (self.dir / "source.db").unlink()
        self.check("v REAL", [(1.5,), (-0.25,)], {"v": "double precision"}, "v interval",
                   [("00:00:01.5",), ("-00:00:00.25",)], rules={"v": 'real = "unix-seconds"'})
        (self.dir / "source.db").unlink()
        self.check("v", [(90,), ("01:00:00",), (0.5,)], {"v": "text"}, "v interval(3)",
                   [("00:01:30",), ("01:00:00",), ("00:00:00.5",)],
                   rules={"v": 'integer = "unix-seconds"\nreal = "unix-seconds"'})

    def test_numbers_are_no_lengths_of_time_unless_that_is_said(self):
        for number in (1706704496, 1706704496789, 90, 2460341):
            with self.subTest(number=number):
                (self.dir / "refused.db").unlink(missing_ok=True)
                run = self.refused("v INTEGER", [number], "v interval")
                self.assertIn("unix-seconds", run.out)
        for rules in ('integer = "julian-day"', 'integer = "apple-seconds"',
                      'integer = "chrome-micros"'):   # instants, and nothing else
            with self.subTest(rules):
                (self.dir / "refused.db").unlink(missing_ok=True)
                self.refused("v INTEGER", [90], "v interval", {"v": rules})
        (self.dir / "refused.db").unlink()
        self.refused("v INTEGER", [1500], "v interval", {"v": 'integer = "unix-nanos"'})

    def test_an_interpretation_only_if_every_value_supports_it(self):
        for column, values, expected in (
                ("DATETIME", ["2024-01-31 12:34:56", "2024-01-31 12:34:56+00:00"], "text"),
                ("DATETIME", ["2024-01-31 12:34:56", "2024-01-31"], "text"),
                ("DATETIME", ["2024-01-31", "2024-02-01"], "date"),
                ("DATETIME", ["2024-01-31 12:34:56", ""], "text"),
                ("DATETIME", ["2024-01-31 12:34:56", "0000-00-00 00:00:00"], "text"),
                ("DATETIME", ["2023-02-29 00:00:00"], "text"),
                ("DATETIME", [1700000000, 1700000000.5], "double precision"),
                ("DATETIME", [1700000000, "x"], "text"),
                ("DATE", ["2024-01-31", 1700000000], "text"),
                ("BOOLEAN", [0, 1, "t"], "boolean"), ("BOOLEAN", [0, 1, 2], "bigint"),
                ("BOOLEAN", [0, "maybe"], "text"), ("UUID", ["x"], "text"),
                ("JSON", ["{"], "text"), ("INTEGER", [1, "1"], "bigint"),
                ("TIMESTAMP WITH TIME ZONE", ["2024-01-31 12:34:56Z"],
                 "timestamp with time zone")):
            with self.subTest(f"{column} {values}"):
                self.target = self.make_target()
                (self.dir / "source.db").unlink(missing_ok=True)
                self.check(f"v {column}", [(v,) for v in values], {"v": expected})


if __name__ == "__main__":
    unittest.main()
