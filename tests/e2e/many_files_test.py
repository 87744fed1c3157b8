"""Several files of one schema become one set of tables; a column says which file a row is from."""

import os
import signal
import sqlite3
import subprocess
import time
import unittest

from harness import BIN, EndToEndTest, lite2pg, snapshot_of_files

SCHEMA = """
CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, bio BLOB);
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer(id)
                      ON DELETE SET NULL, total REAL, at DATETIME, parent INTEGER
                      REFERENCES invoice(id));
CREATE TABLE tag (name TEXT, value, PRIMARY KEY (name)) WITHOUT ROWID;
CREATE TABLE log (line TEXT);
CREATE UNIQUE INDEX one_open ON invoice(customer_id) WHERE total IS NULL;
CREATE INDEX by_total ON invoice(total);
CREATE VIEW totals AS SELECT customer_id, sum(total) FROM invoice GROUP BY 1;
"""
NAMES = ["acme", "böhm & söhne", "it's", "zeta"]


class MergedFiles(EndToEndTest):
    rows = 300

    def setUp(self):
        super().setUp()
        (self.dir / "tenants").mkdir()
        self.paths = {name: self.make_tenant(name, i) for i, name in enumerate(NAMES)}
        self.pattern = str(self.dir / "tenants" / "*.db")

    def make_tenant(self, name, number):
        def fill(db):
            rows = 0 if name == "zeta" else self.rows * (number + 1)
            db.executemany("INSERT INTO customer VALUES (?, ?, ?)",
                           [(i, f"c{i}@{name}", bytes([i % 256] * (i % 9)))
                            for i in range(1, rows + 1)])
            db.executemany("INSERT INTO invoice VALUES (?, ?, ?, ?, ?)",
                           [(i, i, None if i % 7 == 0 else i / 4, "2024-01-02 03:04:05",
                             i - 1 if i > 1 else None) for i in range(1, rows + 1)])
            db.executemany("INSERT INTO tag VALUES (?, ?)",
                           [(f"t{i}", i if i % 2 else f"v{i}") for i in range(rows)])
            db.executemany("INSERT INTO log VALUES (?)", [(f"same line {i % 3}",)
                                                          for i in range(rows)])
        return self.make_source(SCHEMA, f"tenants/{name}.db", build=fill)

    def merge(self, *options, pattern=None):
        return self.copy(pattern or self.pattern, "--source-column", "tenant", *options)

    def assert_equal_files(self, paths=None):
        for name, path in (paths or self.paths).items():
            db = sqlite3.connect(path)
            for table, columns in (("customer", "id, email, bio"),
                                   ("invoice", "id, customer_id, total, parent"),
                                   ("log", "line")):
                ours = db.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()
                theirs = self.sql(f"SELECT {columns} FROM {table} WHERE tenant = %s", (name,))
                key = repr
                self.assertEqual(
                    sorted(ours, key=key),
                    sorted([tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
                            for row in theirs], key=key), (name, table))
            count = db.execute("SELECT count(*) FROM tag").fetchone()[0]
            self.assertEqual(self.sql("SELECT count(*) FROM tag WHERE tenant = %s", (name,)),
                             [(count,)])
            db.close()


class ManyFiles(MergedFiles):
    def test_all_rows_arrive_with_their_file(self):
        before = {name: snapshot_of_files(path) for name, path in self.paths.items()}
        run = self.merge()
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assert_equal_files()
        self.assertEqual({n: snapshot_of_files(p) for n, p in self.paths.items()}, before)
        files = run.report["source"]["files"]
        self.assertEqual([f["value"] for f in files], sorted(NAMES, key=lambda n: n.encode()))
        self.assertEqual(sum(f["rows"] for f in files),
                         sum(t["rows_source"] for t in run.report["tables"]))
        self.assertTrue(run.findings("L2P4018"), str(run))

    def test_keys_have_the_column_first(self):
        run = self.merge()
        self.assertEqual(run.exit_code, 0, str(run))
        keys = dict(self.sql("SELECT conrelid::regclass || ' ' || contype::text,"
                             " pg_get_constraintdef(oid) FROM pg_constraint"
                             " WHERE connamespace = 'public'::regnamespace"
                             " AND contype IN ('p', 'u')"))
        self.assertEqual(keys, {"customer p": "PRIMARY KEY (tenant, id)",
                                "customer u": "UNIQUE (tenant, email)",
                                "invoice p": "PRIMARY KEY (tenant, id)",
                                "tag p": "PRIMARY KEY (tenant, name)"})
        foreign = sorted(d for d, in self.sql(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
            " AND connamespace = 'public'::regnamespace"))
        self.assertEqual(foreign, [
            "FOREIGN KEY (tenant, customer_id) REFERENCES customer(tenant, id)",
            "FOREIGN KEY (tenant, parent) REFERENCES invoice(tenant, id)"])
        index = self.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'one_open'")[0][0]
        self.assertIn("UNIQUE", index)
        self.assertIn("(tenant NULLS FIRST, customer_id NULLS FIRST)", index)
        # Numbers are used in every file: nothing counts on.
        self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relkind = 'S'"
                                  " AND relnamespace = 'public'::regnamespace"), [(0,)])
        self.assertTrue([f for f in run.findings() if f["object"] == "totals"], str(run))
        self.assertTrue([f for f in run.findings("L2P4007") if "SET NULL" in f["message"]])

    def test_schemas_that_differ_stop_with_all_differences(self):
        db = sqlite3.connect(self.paths["it's"])
        db.executescript("ALTER TABLE log ADD COLUMN level INT; DROP INDEX by_total;")
        db.close()
        db = sqlite3.connect(self.paths["zeta"])
        db.executescript("DROP TABLE log; CREATE TABLE other (x)")
        db.close()
        for run in (self.merge(), lite2pg("plan", self.pattern, self.target, "--format", "json",
                                          "--source-column", "tenant")):
            self.assert_fails(run, 12, "L2P4017")
            what = run.report["errors"][0]["message"] if "message" in run.report["errors"][0] \
                else str(run.report["errors"])
            for part in ("it's.db", "level", "by_total", "zeta.db", "log is missing", "other"):
                self.assertIn(part, what)
        self.assertEqual(self.tables_in_target(), [])

    def test_verify_looks_at_all_or_at_some(self):
        self.assertEqual(self.merge().exit_code, 0)
        whole = lite2pg("verify", self.pattern, self.target, "--source-column", "tenant",
                        "--format", "json")
        self.assertEqual(whole.exit_code, 0, str(whole))
        self.assertFalse(whole.findings("L2P5004"), str(whole))
        self.sql("UPDATE customer SET email = 'x' WHERE tenant = 'acme' AND id = 5")
        self.sql("DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE tenant = 'acme')")
        one = lite2pg("verify", self.paths["it's"], self.target, "--source-column", "tenant",
                      "--format", "json")
        self.assertEqual(one.exit_code, 0, str(one))
        self.assertTrue(one.findings("L2P5004"), str(one))
        for source in (self.pattern, self.paths["acme"]):
            run = lite2pg("verify", source, self.target, "--source-column", "tenant",
                          "--format", "json")
            self.assertEqual(run.exit_code, 4, str(run))
            differences = {t["source_name"]: len(t["differences"]) for t in run.report["tables"]}
            self.assertEqual((differences["customer"], differences["log"]), (1, 1), str(run))

    def test_one_file_alone_is_not_taken_for_all(self):
        self.assertEqual(self.merge().exit_code, 0)
        before = self.sql("SELECT tenant, count(*) FROM log GROUP BY 1 ORDER BY 1")
        for command in (["verify"], ["sync"], ["sync", "--force-source"]):
            run = lite2pg(*command, self.paths["acme"], self.target, "--format", "json")
            self.assert_fails(run, 2, "L2P9001")
            self.assertIn("--source-column tenant", run.report["errors"][0]["hint"])
        self.assertEqual(self.sql("SELECT tenant, count(*) FROM log GROUP BY 1 ORDER BY 1"), before)
        # All of them in one file, as revert writes it, are no part.
        whole = self.dir / "whole.db"
        self.assertEqual(lite2pg("revert", self.target, whole).exit_code, 0)
        for command in ("verify", "sync", "verify"):
            run = lite2pg(command, whole, self.target)
            self.assertEqual(run.exit_code, 0, str(run))
        self.assert_fails(lite2pg("sync", self.paths["acme"], self.target, "--format", "json"), 2)

    def test_a_pattern_without_the_column_names_the_option(self):
        run = self.copy(self.pattern)
        self.assert_fails(run, 5, "L2P1001")
        self.assertIn("--source-column", run.report["errors"][0]["hint"])

    def test_a_name_that_is_no_text_is_refused(self):
        os.rename(self.paths["zeta"], os.fsencode(self.dir / "tenants") + b"/z\xff.db")
        run = self.merge()
        self.assert_fails(run, 2, "L2P9001")
        self.assertIn("z\\xff.db", run.report["errors"][0]["what"])

    def test_names(self):
        run = self.merge("--source-names", "name")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT DISTINCT tenant FROM log ORDER BY 1 LIMIT 1"),
                         [("acme.db",)])
        self.target = self.make_target()
        (self.dir / "more").mkdir()
        os.rename(self.paths["zeta"], self.dir / "more" / "acme.db")
        also = ["--source", self.dir / "more" / "*.db"]
        self.assert_fails(self.merge(*also), 2, "L2P4004")
        run = self.merge(*also, "--source-names", "path")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(len(run.report["source"]["files"]), 4)

    def test_nothing_to_copy_and_options_for_one_file(self):
        self.assert_fails(self.merge(pattern=str(self.dir / "none*.db")), 5, "L2P1001")
        run = self.copy(self.pattern, "--source-column", "id")
        self.assert_fails(run, 2, "L2P4004")
        for options in (["--deep"], ["--join", "latest"]):
            self.assertEqual(self.merge(*options).exit_code, 2)
        self.assertEqual(lite2pg("copy", self.pattern, "--source-column", "t").exit_code, 2)

    def test_a_damaged_file_stops_and_is_named(self):
        size = os.path.getsize(self.paths["acme"])
        with open(self.paths["acme"], "r+b") as file:
            file.truncate(size // 2)
        run = self.merge()
        self.assertEqual(run.exit_code, 5, str(run))
        self.assertIn("acme.db", str(run.report["errors"]))
        self.assertEqual(self.tables_in_target(), [])

    def test_conditions_and_bad_values(self):
        db = sqlite3.connect(self.paths["acme"])
        db.execute("UPDATE customer SET email = CAST(x'ff' AS TEXT) WHERE id = 3")
        db.commit()
        db.close()
        config = self.dir / "config.toml"
        config.write_text('[table.customer.column.email]\ntype = "text"\n')
        self.assert_fails(self.merge("--config", config), 14, "L2P2001")
        run = self.merge("--config", config, "--on-bad-value", "reject", "--where", "log=line = 'same line 1'",
                         "--where", "invoice=tenant <> 'acme'")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM customer WHERE tenant = 'acme'"),
                         [(self.rows - 1,)])
        self.assertEqual(self.sql("SELECT count(*) FROM invoice WHERE tenant = 'acme'"), [(0,)])
        self.assertEqual(self.sql("SELECT DISTINCT line FROM log"), [("same line 1",)])

    def test_into_tables_that_an_application_has_made(self):
        self.sql("CREATE TABLE log (tenant text NOT NULL, line text)")
        run = self.merge("--include", "log", "--schema-mode", "existing")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual(self.sql("SELECT count(DISTINCT tenant) FROM log"), [(3,)])


class ManyFilesInterrupted(MergedFiles):
    rows = 20000

    def test_an_interrupted_run_goes_on(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        process = subprocess.Popen([BIN, "copy", self.pattern, self.target, "--source-column",
                                    "tenant", "--format", "json"], env=env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.sql("SELECT count(*) FROM lite2pg.chunk")[0][0] > 0:
                    break
            except Exception:  # noqa: BLE001  (it is not there yet)
                pass
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        run = self.merge("--resume")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assert_equal_files()

    def test_a_file_that_is_written_to_meanwhile_stops_the_run(self):
        # Between the scan and the load: --before-sql runs there.
        script = self.dir / "wait.sql"
        script.write_text("SELECT pg_sleep(3);\n")
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        process = subprocess.Popen([BIN, "copy", self.pattern, self.target, "--source-column",
                                    "tenant", "--format", "json", "--before-sql", str(script)],
                                   env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%'"
                        " AND pid <> pg_backend_pid() AND datname = current_database()")[0][0]:
                break
            time.sleep(0.01)
        db = sqlite3.connect(self.paths["acme"])
        db.execute("UPDATE customer SET email = 'changed' WHERE id = 1")
        db.commit()
        db.close()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5, out.decode()[-2000:] + err.decode()[-2000:])
        self.assertIn("L2P1007", out.decode())


if __name__ == "__main__":
    unittest.main()
