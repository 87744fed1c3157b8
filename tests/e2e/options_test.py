"""Options of a copy, each with the difference that it makes, and what holds at scale."""

import json
import os
import unittest
from urllib.parse import quote

from harness import EndToEndTest, execute, is_sanitized, lite2pg, with_options

SHOP = """
    CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id));
    CREATE TABLE secret_one (a TEXT);
    INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c');
    INSERT INTO child VALUES (1, 1), (2, 3);
    INSERT INTO secret_one VALUES ('x');
    """


class Options(EndToEndTest):
    def names(self, schema="public"):
        return [name for name, in self.sql(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1", (schema,))]

    def test_excluded_tables_stay_away_and_keys_to_them_are_named(self):
        path = self.make_source(SHOP)
        run = self.copy(path, "--exclude", "SECRET*", "--exclude", "par?nt")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.names(), ["child"])
        self.assertEqual(run.table("secret_one")["state"], "excluded")
        lost = [o for o in run.report["objects"] if o["kind"] == "foreign_key"]
        self.assertEqual([o["state"] for o in lost], ["not_carried"], str(run))

    def test_only_included_tables_come(self):
        run = self.copy(self.make_source(SHOP), "--include", "parent", "--include", "child")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.names(), ["child", "parent"])

    def test_a_condition_copies_a_part_and_says_so(self):
        run = self.copy(self.make_source(SHOP), "--where", "parent=id <> 2")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT id FROM parent ORDER BY 1"), [(1,), (3,)])
        self.assertEqual(run.table("parent")["rows_source"], 2)
        self.assertTrue(run.findings("L2P4015"), str(run))

    def test_the_configuration_renames_and_retypes(self):
        config = self.dir / "c.toml"
        config.write_text("""
[table."parent"]
rename = "elders"
[table."parent".column."name"]
rename = "full_name"
[table."child".column."parent_id"]
type = "integer"
[table."parent".column."id"]
type = "integer"
""")
        run = self.copy(self.make_source(SHOP), "--config", config)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.names(), ["child", "elders", "secret_one"])
        self.assertEqual(self.sql("SELECT full_name FROM elders ORDER BY id"),
                         [("a",), ("b",), ("c",)])
        self.assertEqual(self.sql("SELECT pg_typeof(id)::text FROM elders LIMIT 1"),
                         [("integer",)])

    def test_a_configured_type_that_does_not_hold_every_value_stops_before_the_copy(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO t VALUES (1, '5'), (7, 'five');")
        config = self.dir / "c.toml"
        config.write_text('[table."t".column."v"]\ntype = "bigint"\n')
        run = self.copy(path, "--config", config)
        self.assert_fails(run, 14, "L2P2001")
        self.assertIn("id=7", run.out)
        self.assertIn("five", run.out)
        self.assertEqual(self.names(), [])

    def test_sql_of_the_users_runs_before_and_after(self):
        before, after = self.dir / "before.sql", self.dir / "after.sql"
        before.write_text("CREATE TABLE public.was_first (a int); CREATE TABLE public.b (a int);")
        after.write_text("CREATE INDEX by_name ON public.parent (name);")
        run = self.copy(self.make_source(SHOP), "--before-sql", before, "--after-sql", after)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertIn("was_first", self.names())
        self.assertEqual(self.sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_name'"),
                         [(1,)])

    def test_failing_sql_before_stops_and_after_keeps_the_data(self):
        bad = self.dir / "bad.sql"
        bad.write_text("SELECT no_such_function();")
        path = self.make_source(SHOP)
        run = self.copy(path, "--before-sql", bad)
        self.assert_fails(run, 8)
        self.assertEqual(self.names(), [])
        run = self.copy(path, "--after-sql", bad)
        self.assertEqual(run.exit_code, 8, str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM parent"), [(3,)])

    def test_a_script_may_copy_to_the_client_but_not_from_it(self):
        path, script = self.make_source(SHOP), self.dir / "copy.sql"
        text = "CREATE TABLE public.own (a int); COPY public.own {}; CREATE TABLE public.other ()"
        script.write_text(text.format("FROM STDIN"))
        run = self.copy(path, "--before-sql", script)
        self.assert_fails(run, 8)
        self.assertIn("COPY FROM STDIN", " ".join(str(run).split()))
        self.assertEqual(self.names(), [])
        script.write_text(text.format("TO STDOUT"))
        self.assertEqual(self.copy(path, "--before-sql", script).exit_code, 0)
        self.assertIn("other", self.names())

    def test_strict_stops_at_a_warning_before_data_is_written(self):
        path = self.make_source("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES ('x');")
        self.assert_fails(self.copy(path, "--strict"), 12)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.copy(path).exit_code, 0)

    def test_strict_looks_for_what_otherwise_shows_after_the_load(self):
        path = self.make_source("CREATE TABLE p (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);"
                                "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1), (2, 99);")
        run = self.copy(path, "--strict")
        self.assert_fails(run, 12, "L2P4006")
        self.assertNotIn("pre-data", [stage["name"] for stage in run.report["stages"]])
        planned = lite2pg("plan", path, self.target, "--strict")
        self.assertEqual(planned.exit_code, 12, str(planned))
        self.assertIn("--strict", " ".join(planned.out.split()))
        self.assertNotIn("nothing would stop", " ".join(planned.out.split()))

    def test_a_value_that_becomes_null_is_filled(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);"
                                "INSERT INTO t VALUES (1, NULL), (2, ''), (3, 'z');")
        run = self.copy(path, "--empty-as-null", "t.x", "--fill", "t.x=hello")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT x FROM t ORDER BY id"), [("hello",), ("hello",), ("z",)])

    def test_what_cannot_be_meant_is_refused(self):
        path = self.make_source(SHOP)
        for options in (["--target-schema", "pg_mine"], ["--target-schema", "lite2pg"],
                        ["--verify", "counts", "--write-certificate", self.dir / "c.json"],
                        ["--where", "parent=id < 3", "--where", "PARENT=id > 1"],
                        ["--fill", "parent.name=a", "--fill", "parent.name=b"],
                        ["--include", "parent", "--include", "nothing*"]):
            with self.subTest(options):
                self.assert_fails(self.copy(path, *options), 2)
        self.assertEqual(self.names(), [])

    def test_undo_sql_of_nothing_is_no_statement(self):
        run = lite2pg("status", self.target, "--undo-sql")
        self.assertNotEqual(run.exit_code, 0)
        self.assertEqual(run.out, "")
        self.assertNotEqual(run.err, "")

    def test_the_undo_sql_takes_everything_back(self):
        run = self.copy(self.make_source(SHOP + "CREATE VIEW w AS SELECT id FROM parent;"))
        self.assertEqual(run.exit_code, 0, str(run))
        for statement in run.report["undo_sql"]:
            self.sql(statement)
        self.assertEqual(self.names(), [])

    def test_two_sources_go_into_one_schema_one_after_the_other(self):
        first = self.make_source("CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (1);", "1.db")
        second = self.make_source("CREATE TABLE two (a INTEGER); INSERT INTO two VALUES (2);", "2.db")
        self.copy_and_judge(first)
        self.copy_and_judge(second)
        self.assertEqual(self.names(), ["one", "two"])

    def test_names_of_tables_ordered_first_are_loaded_first(self):
        path = self.make_source(SHOP)
        run = self.copy(path, "--order", "secret_one,child", "--streams", "1")
        self.assertEqual(run.exit_code, 0, str(run))
        first = self.sql("SELECT table_name FROM lite2pg.chunk ORDER BY chunk LIMIT 2")
        self.assertEqual(first, [("secret_one",), ("child",)])


class Rights(EndToEndTest):
    def test_a_role_that_owns_one_schema_is_enough(self):
        role = "limited_" + os.urandom(4).hex()
        execute(self.admin, f"CREATE ROLE {role} LOGIN")
        self.addCleanup(execute, self.admin, f"DROP OWNED BY {role}; DROP ROLE {role}")
        execute(self.admin, f"CREATE SCHEMA mine AUTHORIZATION {role}")
        path = self.make_source(SHOP + "CREATE VIEW w AS SELECT id FROM parent;")
        target = with_options(self.target, user=role)
        run = self.copy(path, "--target-schema", "mine", target=target)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified")
        left = self.sql("SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                        " WHERE nspname = 'mine' AND relkind IN ('r', 'v', 'S') ORDER BY 1")
        for name in ("parent", "child", "secret_one", "w", "parent_id_seq"):
            self.assertIn((name,), left)
        # Nothing keeps the name that it had while it was staged.
        tag = run.report["run_id"][:8]
        self.assertFalse([name for name, in left if tag in name], left)
        self.assertNotIn(tag, json.dumps(run.report["objects"]))

    def test_the_right_to_the_schema_is_asked_for_before_the_load(self):
        role = "limited_" + os.urandom(4).hex()
        execute(self.admin, f"CREATE ROLE {role} LOGIN")
        self.addCleanup(execute, self.admin, f"DROP OWNED BY {role}; DROP ROLE {role}")
        [(database,)] = self.sql("SELECT current_database()")
        execute(self.admin, f'GRANT CREATE ON DATABASE "{database}" TO {role}')
        path = self.make_source(SHOP)
        target = with_options(self.target, user=role)
        run = self.copy(path, target=target)
        self.assert_fails(run, 8, "L2P3003")
        self.assertNotIn("data", [stage["name"] for stage in run.report["stages"]])
        self.sql(run.report["errors"][0]["hint"])
        self.assertEqual(self.copy(path, target=target).exit_code, 0)

    def test_default_privileges_of_the_schema_reach_tables_that_were_staged_elsewhere(self):
        role = "reader_" + os.urandom(4).hex()
        execute(self.admin, f"CREATE ROLE {role}")
        self.addCleanup(execute, self.admin, f"DROP OWNED BY {role}; DROP ROLE {role}")
        self.sql(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}")
        run = self.copy(self.make_source(SHOP))
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql(f"SELECT has_table_privilege('{role}', 'parent', 'SELECT')"),
                         [(True,)])

    def test_a_uri_with_escapes_reaches_the_server(self):
        host, dbname, user, port = (execute(self.target, "SELECT 1") and [
            dict(part.split("=", 1) for part in self.target.split(" "))[key]
            for key in ("host", "dbname", "user", "port")])
        uri = f"postgresql://{user}@{quote(host, safe='')}:{port}/{dbname}"
        run = self.copy(self.make_source(SHOP), target=uri)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.names_in_public(), 3)

    def test_names_that_the_source_does_not_have_are_refused(self):
        path = self.make_source(SHOP)
        config = self.dir / "names.toml"
        config.write_text('[table."shpo".column."x"]\ntype = "text"\n')
        run = self.copy(path, "--config", config, "--where", "nothing=1", "--order", "nowhere")
        self.assert_fails(run, 2, "L2P9002")
        for name in ("shpo", "nothing", "nowhere"):
            self.assertIn(name, run.report["errors"][0]["what"])
        self.assertEqual(self.names_in_public(), 0)

    def names_in_public(self):
        return self.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")[0][0]


class Scale(EndToEndTest):
    def test_two_million_rows_by_two_streams_within_the_memory(self):
        path = self.make_source("""
            CREATE TABLE big (id INTEGER PRIMARY KEY, a TEXT, b REAL);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000)
            INSERT INTO big SELECT i, 'value ' || i, i / 7.0 FROM n;
            """)
        run = self.copy(path, "--streams", "2")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified")
        self.assertEqual(run.table("big")["rows_target"], 2000000)
        self.assertGreaterEqual(run.table("big")["streams"], 2)
        self.assertLess(run.report["resources"]["peak_rss_bytes"], 256 << 20)
        self.assertEqual(self.sql("SELECT count(*), sum(id), count(DISTINCT a) FROM big"),
                         [(2000000, 2000001000000, 2000000)])

    def test_a_value_of_a_hundred_megabytes_within_the_memory(self):
        def build(db):
            db.execute("CREATE TABLE b (id INTEGER PRIMARY KEY, d BLOB)")
            db.execute("INSERT INTO b VALUES (1, randomblob(100000000)), (2, x'00ff')")
        path = self.make_source(build=build)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        if not is_sanitized():
            self.assertLess(run.report["resources"]["peak_rss_bytes"], 256 << 20)
        self.assertEqual(self.sql("SELECT octet_length(d) FROM b ORDER BY id"),
                         [(100000000,), (2,)])


if __name__ == "__main__":
    unittest.main()
