"""Targets that are not PostgreSQL itself. None of them is to be had here, so a PostgreSQL plays
their part: it says that it is one, and records what it is asked to do. That shows which statements
are sent, not that the real server takes them."""

import unittest

import psycopg2

from harness import EndToEndTest, lite2pg

SCRIPT = """
CREATE TABLE orders (tenant INTEGER, id INTEGER, at TIMESTAMP, note TEXT,
                     PRIMARY KEY (tenant, id));
CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE items (id INTEGER PRIMARY KEY, country TEXT REFERENCES countries(code)
                    DEFERRABLE INITIALLY DEFERRED);
INSERT INTO orders VALUES (1, 1, '2024-01-02 03:04:05', 'a'), (2, 1, '2024-01-03 03:04:05', 'b');
INSERT INTO countries VALUES ('de', 'Germany');
INSERT INTO items VALUES (1, 'de');
"""

RECORDER = """
CREATE TABLE public.asked (n serial, what text);
CREATE FUNCTION pg_catalog.create_distributed_table(t text, c text) RETURNS void LANGUAGE sql AS
  $$INSERT INTO public.asked (what) VALUES ('distribute ' || t || ' by ' || c)$$;
CREATE FUNCTION pg_catalog.create_reference_table(t text) RETURNS void LANGUAGE sql AS
  $$INSERT INTO public.asked (what) VALUES ('reference ' || t)$$;
CREATE SCHEMA "Times";
CREATE FUNCTION "Times".create_hypertable(relation regclass, column_name name,
    chunk_time_interval anyelement DEFAULT NULL::interval, create_default_indexes boolean DEFAULT true)
  RETURNS void LANGUAGE sql AS
  $$INSERT INTO public.asked (what) VALUES ('hypertable ' || column_name || ' '
    || chunk_time_interval || ' ' || pg_typeof(chunk_time_interval) || ' '
    || create_default_indexes)$$;
"""


class Dialects(EndToEndTest):
    superuser = True  # who changes the system catalog, to look like another server

    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT)

    def play(self, extension="", version="", schema="pg_catalog"):
        connection = psycopg2.connect(self.target)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET allow_system_table_mods = on")
            cursor.execute(RECORDER)
            if extension:
                cursor.execute(
                    "INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace,"
                    " extrelocatable, extversion) SELECT 99999, %s, 10, oid, false, '1'"
                    " FROM pg_namespace WHERE nspname = %s", (extension, schema))
            if version:
                cursor.execute("CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text"
                               f" LANGUAGE sql STABLE AS $$SELECT '{version}'$$")
        connection.close()

    def asked(self):
        return [what for what, in self.sql("SELECT what FROM public.asked ORDER BY n")]

    def config(self, text):
        path = self.dir / "config.toml"
        path.write_text(text)
        return ["--config", path, "--schema-mode", "mixed"]

    def test_an_unproven_server_is_refused_unless_asked_for(self):
        self.play("citus")
        for command in ("copy", "plan"):
            run = lite2pg(command, self.path, self.target, "--format", "json")
            self.assert_fails(run, 8, "L2P3019")
            self.assertIn("--experimental", str(run.report["errors"][0]))
        self.assertEqual([t for t in self.tables_in_target() if "lite2pg" in t], [])

    def test_citus_spreads_tables_as_the_configuration_says(self):
        self.play("citus")
        run = self.copy(self.path, "--experimental", *self.config(
            '[table.orders]\ndistribute = "tenant"\n[table.countries]\nreference = true\n'))
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["target"]["dialect"], "citus")
        self.assertTrue(run.findings("L2P3019"), str(run))
        staging = "lite2pg_staging_" + run.report["run_id"][:8]
        self.assertCountEqual(self.asked(), [
            f'distribute "{staging}"."orders" by tenant', f'reference "{staging}"."countries"'])

    def test_citus_keys_without_the_column_are_told(self):
        self.play("citus")
        run = lite2pg("plan", self.path, self.target, "--format", "json", "--experimental",
                      *self.config('[table.items]\ndistribute = "country"\n'))
        told = [f["message"] for f in run.findings("L2P3019") if f["object"] == "items"]
        self.assertTrue(any("primary key" in text for text in told), str(run))
        run = lite2pg("plan", self.path, self.target, "--format", "json", "--experimental",
                      *self.config('[table.items]\ndistribute = "nothing"\n'))
        self.assert_fails(run, 12, "L2P3019")

    def test_timescaledb_makes_hypertables(self):
        self.play("timescaledb", schema="Times")
        run = self.copy(self.path, "--experimental", *self.config(
            '[table.orders]\nhypertable = "at"\nchunk-interval = "7 days"\n'))
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.asked(), ["hypertable at 7 days interval false"])

    def test_what_a_server_cannot_spread_is_refused(self):
        self.play("timescaledb", schema="Times")
        run = self.copy(self.path, "--experimental",
                        *self.config('[table.orders]\ndistribute = "tenant"\n'))
        self.assert_fails(run, 12, "L2P3019")
        # Nor can PostgreSQL itself.
        self.target = self.make_target()
        run = self.copy(self.path, *self.config('[table.orders]\nreference = true\n'))
        self.assert_fails(run, 12, "L2P3019")

    def test_cockroachdb_cannot_be_read_back(self):
        self.play(version="CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)")
        run = self.copy(self.path, "--schema-mode", "mixed", "--experimental")
        self.assert_fails(run, 12, "L2P3019")
        run = self.copy(self.path, "--schema-mode", "mixed", "--experimental", "--verify", "counts")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "copied"), str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM orders"), [(2,)])
        # What it has no form for is left out of the statements.
        self.assertEqual(self.sql("SELECT condeferrable FROM pg_constraint WHERE contype = 'f'"
                                  " AND conrelid = 'items'::regclass"), [(False,)])

    def test_yugabytedb_is_read_by_one_connection(self):
        self.play(version="PostgreSQL 15.2-YB-2.25.1.0-b0 on x86_64-pc-linux-gnu")
        run = self.copy(self.path, "--schema-mode", "mixed", "--experimental")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual(run.report["target"]["dialect"], "yugabytedb")

    def test_one_way_to_spread_a_table(self):
        run = self.copy(self.path, *self.config(
            '[table.orders]\ndistribute = "tenant"\nhypertable = "at"\n'))
        self.assertEqual(run.exit_code, 2, str(run))
        self.assertIn("one way only", str(run))


if __name__ == "__main__":
    unittest.main()
