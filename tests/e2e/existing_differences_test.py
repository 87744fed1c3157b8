"""What differs between a source and an application's tables is told at once and before the copy;
what the user says about it is done and counted."""

import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast
from harness import execute, lite2pg


class Differences(ExistingTest):
    def config(self, text):
        path = self.dir / "lite2pg.toml"
        path.write_text(text)
        return path

    def test_everything_that_does_not_match_is_listed_at_once(self):
        path = self.make_source(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, gone TEXT, n, d);"
            "CREATE TABLE b (id INTEGER PRIMARY KEY);"
            "CREATE TABLE c (id INTEGER PRIMARY KEY);"
            "CREATE TABLE nowhere (id INTEGER PRIMARY KEY);"
            "CREATE TABLE rows (id INTEGER PRIMARY KEY);"
            "INSERT INTO a VALUES (1, 'x', 'many', 'soon'), (2, NULL, NULL, NULL);"
            "INSERT INTO b VALUES (1);")
        self.sql("CREATE TABLE a (id bigint PRIMARY KEY, n int NOT NULL, d date, extra text NOT NULL);"
                 "CREATE TABLE b (id bigint PRIMARY KEY, x text, y int NOT NULL DEFAULT 1);"
                 "CREATE TABLE rows (id bigint PRIMARY KEY); INSERT INTO rows VALUES (1);")
        execute(self.admin, "CREATE TABLE c (id bigint PRIMARY KEY)")
        planned = self.plan(path)
        self.assertEqual(planned.exit_code, 12, str(planned))
        blocking = {(f["object"], f["code"]) for f in planned.findings()
                    if f["severity"] == "blocking"}
        self.assertLessEqual({("a.gone", "L2P3018"), ("a.extra", "L2P3018"), ("a.n", "L2P2001"),
                              ("a.d", "L2P2001"), ("nowhere", "L2P3017"), ("rows", "L2P3006"),
                              ("c", "L2P3003")}, blocking, str(planned))
        self.assertEqual({o.split(".")[0] for o, _ in blocking}, {"a", "c", "nowhere", "rows"})
        # copy tells as much of it as can be told without looking at the values.
        before = self.pg_dump(), self.data()
        run = self.copy(path)
        self.assertIn(run.exit_code, (8, 12), str(run))
        told = {(f["object"], f["code"]) for f in run.findings() if f["severity"] == "blocking"}
        self.assertLessEqual(blocking - {("a.n", "L2P2001"), ("a.d", "L2P2001")}, told)
        self.assertEqual((self.pg_dump(), self.data()), before)

    def test_columns_are_excluded_renamed_and_filled(self):
        path = self.make_source(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, gone TEXT, old TEXT, n INTEGER);"
            "INSERT INTO a VALUES (1, 'x', 'o1', NULL), (2, 'y', NULL, 5);")
        self.sql("CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, new text,"
                 " n int NOT NULL, extra text NOT NULL, twice int GENERATED ALWAYS AS (n * 2) STORED,"
                 " made text DEFAULT 'default')")
        config = self.config('[table.a.column.gone]\nexclude = true\n'
                             '[table.a.column.old]\nrename = "new"\n')
        run = self.load(path, "--config", config, "--fill", "a.n=7", "--fill", "a.extra=e")
        self.assertEqual(self.sql("SELECT * FROM a ORDER BY id"),
                         [(1, "o1", 7, "e", 14, "default"), (2, None, 5, "e", 10, "default")])
        self.assertEqual(run.table("a")["rows_filled"], 2)
        self.assertEqual([f["object"] for f in run.findings("L2P4015")], ["a.gone"])
        self.assertEqual(self.sql("INSERT INTO a (n, extra) VALUES (1, '') RETURNING id"), [(3,)])

    def test_a_column_of_a_created_table_cannot_be_excluded(self):
        path = self.make_source("CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);")
        run = self.copy(path, "--config", self.config("[table.a.column.v]\nexclude = true\n"))
        self.assert_fails(run, 2, "L2P9002")

    def test_fills_are_counted_by_rows(self):
        path = self.make_source("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER);"
                                "INSERT INTO a VALUES (1, NULL), (2, 5), (3, NULL);")
        self.sql("CREATE TABLE a (id bigint PRIMARY KEY, n int NOT NULL)")
        run = self.load(path, "--fill", "a.n=sql:40 + 2")
        self.assertEqual(run.table("a")["rows_filled"], 2)
        self.assertEqual(self.sql("SELECT n FROM a ORDER BY id"), [(42,), (5,), (42,)])

    def test_migration_bookkeeping_is_left_alone_and_seed_rows_follow_the_policy(self):
        path = self.make_source(
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('1');"
            "CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT);"
            "INSERT INTO role VALUES (1, 'admin'), (2, 'user');")
        self.sql("CREATE TABLE alembic_version (version_num text PRIMARY KEY);"
                 "INSERT INTO alembic_version VALUES ('9');"
                 "CREATE TABLE role (id bigint PRIMARY KEY, name text);"
                 "INSERT INTO role VALUES (1, 'Admin')")
        for policy, names in (("skip", ["Admin", "user"]), ("upsert", ["admin", "user"]),
                              ("replace", ["admin", "user"])):
            self.sql("TRUNCATE role; INSERT INTO role VALUES (1, 'Admin')")
            run = self.load(path, "--existing-rows", policy)
            self.assertEqual([n for n, in self.sql("SELECT name FROM role ORDER BY id")], names)
            self.assertEqual(run.table("alembic_version")["state"], "bookkeeping")
            self.assertEqual(self.sql("SELECT * FROM alembic_version"), [("9",)])
        self.sql("TRUNCATE role; INSERT INTO role VALUES (1, 'Admin')")
        for policy in ("refuse", "skip-equal"):
            self.load_refused(path, (8,), "--existing-rows", policy, error="L2P3006")


class Statistics(ExistingTest):
    """Every table that was loaded has statistics of its own when the copy is over."""

    def analyzed(self, schema):
        return {name for name, in execute(
            self.admin, "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = %s", [schema])}

    def test_tables_are_analyzed_whichever_way_they_were_loaded(self):
        script = ("CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);"
                  "INSERT INTO a VALUES (1, 'x'), (2, 'y');"
                  "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1), (2);")
        small = self.make_source(script)
        large = self.make_source(script, name="large.db", build=add_ballast)
        run = lite2pg("copy", small, self.target, "--target-schema", "made", "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.analyzed("made"), {"a", "b"})
        self.sql("CREATE TABLE a (id bigint PRIMARY KEY, v text); CREATE TABLE b (id bigint)")
        self.load(small)
        self.assertEqual(self.analyzed("public"), {"a", "b"})
        self.sql("DROP TABLE a, b; CREATE TABLE a (id bigint PRIMARY KEY, v text);"
                 "CREATE TABLE b (id bigint);" + BALLAST_SQL)
        self.load(large)
        self.assertEqual(self.analyzed("public"), {"a", "b", "ballast"})
        self.assertEqual(self.sql("SELECT count(*) FROM pg_stat_user_tables WHERE schemaname IN"
                                  " ('public', 'made') AND last_analyze IS NULL"), [(0,)])


if __name__ == "__main__":
    unittest.main()
