"""What other programs rely on: commands, options, exit codes, the JSON report and its events.

Names here are never to change. A test that fails because something was added is wrong; one that
fails because something is gone is right.
"""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import BIN, EndToEndTest, lite2pg, with_options

SHOP = """
CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT NOT NULL, r REAL, b BLOB, x INTEGER,
                d DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE c (id INTEGER PRIMARY KEY AUTOINCREMENT, a_id INTEGER REFERENCES a(id),
                x INT CHECK (x > 0), g AS (x * 2) STORED, UNIQUE (a_id, x));
CREATE INDEX ia ON a(n);
CREATE VIEW v AS SELECT id FROM a;
CREATE TRIGGER tr AFTER INSERT ON a BEGIN SELECT 1; END;
INSERT INTO a VALUES (1, 'x', 1.5, x'00', 'words', '2024-01-01 00:00:00'),
                     (2, 'y', NULL, NULL, 5, '2024-01-02 00:00:00');
INSERT INTO c (a_id, x) VALUES (1, 5), (2, 6);
"""
COMMANDS = ["copy", "plan", "verify", "sync", "export", "import", "revert", "status", "clean",
            "serve"]
READS = "copy plan verify sync export"
OPTIONS = [
    (["--schema-mode", "mixed"], "copy plan import"),
    (["--target-schema", "z"], "all"),
    (["--identifiers", "lower"], "copy plan export"),
    (["--include", "a*", "--include", "b"], READS),
    (["--exclude", "a*", "--exclude", "b"], READS),
    (["--existing-rows", "skip-equal"], "copy import"),
    (["--on-bad-value", "reject", "--rejects", "x.ndjson"], "copy import sync"),
    (["--on-bad-value", "reject", "--rejects", "x.sqlite"], "copy import sync"),
    (["--max-rejects", "5"], "copy import sync"),
    (["--max-rejects", "5%"], "copy import sync"),
    (["--orphans", "not-valid"], "copy import"),
    (["--strict"], "copy plan import"),
    (["--fill", "a.n=x", "--fill", "a.r=sql:1"], "copy sync"),
    (["--where", "a=id > 1", "--where", "c=1"], "copy plan verify export"),
    (["--order", "c,a"], "copy import"),
    (["--empty-as-null", "a.n"], "copy sync"),
    (["--source-time-zone", "Europe/Berlin"], "copy verify sync"),
    (["--config", "empty.toml"], "all"),
    (["--before-sql", "empty.toml"], "copy import"),
    (["--after-sql", "empty.toml"], "copy import"),
    (["--streams", "2"], "copy verify sync import export"),
    (["--streams", "auto"], "copy verify sync import export"),
    (["--memory", "300MiB"], "all"),
    (["--reader", "both"], READS),
    (["--check", "off"], READS),
    (["--write-certificate", "x.cert"], "copy verify"),
    (["--only-rejects", "empty.toml"], "copy"),
    (["--verify", "counts"], "copy import"),
    (["--verify", "off"], "copy import"),
    (["--resume"], "copy import"),
    (["--restart"], "copy import"),
    (["--dry-run"], "copy"),
    (["--report", "x.json", "--report", "x.html"], "all"),
    (["--format", "json"], "all"),
    (["--progress", "json"], "all"),
    (["--progress", "never"], "all"),
    (["--progress", "always"], "all"),
    (["-q"], "all"),
    (["-v"], "all"),
    (["--no-color"], "all"),
]
STAGES = "inspect plan pre-data data post-data sequences verify publish report".split()
OUTCOMES = ["verified", "copied", "differs", "rejected", "failed", "in_doubt", "interrupted",
            "planned", "done", "served"]
FIELDS = {
    "report": "schema_version lite2pg_version command run_id outcome exit_code source target tables"
              " sequences objects findings stages resources",
    "source": "path bytes page_size encoding fingerprint",
    "target": "server_version dialect database schema",
    "tables": "source_name target_name state reader rows_source rows_copied rows_skipped"
              " rows_rejected rows_filled rows_preexisting rows_target digest_source digest_target"
              " digest_version equal bytes seconds streams columns differences",
    "columns": "source_name target_name declared_type target_type storage_classes coercions"
               " round_trips",
    "coercions": "from to count example",
    "differences": "key column source target kind",
    "sequences": "name table column last_value next_value",
    "objects": "kind name table state sql reason",
    "findings": "severity code object message hint",
    "stages": "name seconds",
    "resources": "wall_seconds client_cpu_seconds peak_rss_bytes streams_max",
}
OBJECT_KINDS = {"index", "unique", "primary_key", "foreign_key", "check", "default", "generated",
                "view", "trigger"}


class Options(EndToEndTest):
    def test_every_option_is_there_where_it_is_promised(self):
        (self.dir / "empty.toml").write_text("")
        nowhere = f"host={self.dir} dbname=x connect_timeout=1"
        arguments = {"copy": ["no.db", nowhere], "plan": ["no.db", nowhere],
                     "verify": ["no.db", nowhere], "sync": ["no.db", nowhere],
                     "export": ["no.db", "out"], "import": ["no.archive", nowhere],
                     "revert": [nowhere, "r.db"], "status": [nowhere], "clean": [nowhere],
                     "serve": ["no.pgdata"]}
        for words, where in OPTIONS:
            for command in COMMANDS if where == "all" else where.split():
                with self.subTest(option=words[0], command=command):
                    run = lite2pg(command, *words, *arguments[command], cwd=self.dir)
                    self.assertNotIn("L2P900", run.err, str(run))  # no mistake of the caller
                    self.assertNotEqual(run.exit_code, 0, str(run))

    def test_help_version_and_mistakes(self):
        for command in COMMANDS:
            shown = lite2pg(command, "--help")
            self.assertEqual((shown.exit_code, shown.err), (0, ""), str(shown))
            self.assertIn(f"lite2pg {command}", shown.out)
            wrong = lite2pg(command, "--no-such-option")
            self.assertEqual((wrong.exit_code, wrong.out), (2, ""), str(wrong))
            self.assertIn("--no-such-option", wrong.err)
        self.assertEqual(lite2pg().exit_code, 2)
        self.assertIn("copy", lite2pg("copi", "x").err)

    def test_the_version_names_everything_that_is_linked(self):
        linked = subprocess.run(["ldd", BIN], check=True, stdout=subprocess.PIPE, text=True).stdout
        names = {"libpq.": "libpq", "libsqlite3.": "SQLite", "libtbb.": "oneTBB",
                 "libcrypto.": "OpenSSL", "libzstd.": "zstd", "libxxhash.": "xxHash",
                 "libsimdjson.": "simdjson", "libabsl": "Abseil"}
        # The program's own needs, not those of its libraries.
        own = subprocess.run(["readelf", "-d", BIN], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
        system = ("libstdc++.", "libm.", "libgcc_s.", "libc.", "ld-linux", "libpthread.",
                  "libasan.", "libubsan.")
        version = lite2pg("--version").out
        for library in re.findall(r"NEEDED.*\[(.*)\]", own):
            if library.startswith(system):
                continue
            self.assertIn(library, linked)
            name = next((n for prefix, n in names.items() if library.startswith(prefix)), library)
            self.assertRegex(version, rf"(?m)^{re.escape(name)} \d")

    def test_without_a_target_a_server_that_could_be_meant_is_no_guess(self):
        path = self.make_source(SHOP)
        for variable in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"):
            for command, source in (("copy", path), ("plan", path), ("import", self.dir)):
                run = lite2pg(command, source, env={variable: "1"})
                self.assertEqual(run.exit_code, 2, str(run))
                self.assertIn(variable, run.err)
        run = lite2pg("plan", path, "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual([p.name for p in self.dir.iterdir()], [path.name])


class Reports(EndToEndTest):
    def assert_fields(self, value, kind="report"):
        missing = set(FIELDS[kind].split()) - set(value)
        self.assertFalse(missing, kind)
        for name, inner in value.items():
            if name in FIELDS and isinstance(inner, list):
                for element in inner:
                    self.assert_fields(element, name)
            elif name in FIELDS and isinstance(inner, dict):
                self.assert_fields(inner, name)

    def report(self, *words, exit_code=0):
        run = lite2pg(*words, "--format", "json")
        self.assertEqual(run.exit_code, exit_code, str(run))
        self.assertIsNotNone(run.report, str(run))  # all of standard output is one object
        self.assert_fields(run.report)
        self.assertEqual(run.report["exit_code"], exit_code)
        self.assertEqual(run.report["command"], words[0])
        self.assertIn(run.report["outcome"], OUTCOMES)
        self.assertLessEqual({s["name"] for s in run.report["stages"]}, set(STAGES))
        return run.report

    def test_a_copy(self):
        report = self.report("copy", self.make_source(SHOP), self.target)
        self.assertEqual((report["schema_version"], report["outcome"]), (1, "verified"))
        self.assertEqual([s["name"] for s in report["stages"]], STAGES)
        copied = [t for t in report["tables"] if t["state"] == "copied"]
        self.assertEqual(len(copied), 2)
        for table in copied:
            self.assertRegex(table["digest_source"], "^[0-9a-f]{32}$")
            self.assertEqual((table["digest_target"], table["equal"]),
                             (table["digest_source"], True))
            self.assertIn(table["reader"], ("library", "pages"))
            self.assertEqual(table["rows_copied"] + table["rows_skipped"] + table["rows_rejected"],
                             table["rows_source"])
            for column in table["columns"]:
                self.assertEqual(set(column["storage_classes"]),
                                 {"null", "integer", "real", "text", "blob"})
        self.assertEqual({t["state"] for t in report["tables"]}, {"copied", "bookkeeping"})
        self.assertEqual({o["kind"] for o in report["objects"]}, OBJECT_KINDS)
        self.assertLessEqual({o["state"] for o in report["objects"]},
                             {"created", "kept", "translated", "not_carried"})
        self.assertTrue(any(c["coercions"] for t in copied for c in t["columns"]))
        self.assertEqual(len(report["sequences"]), 2)
        for finding in report["findings"]:
            self.assertRegex(finding["code"], r"^L2P\d{4}$")
            self.assertIn(finding["severity"], ("info", "warning", "blocking"))

    def test_every_command_has_one(self):
        path, archive, back = self.make_source(SHOP), self.dir / "archive", self.dir / "back.db"
        t = self.target
        outcomes = [self.report(*words)["outcome"] for words in (
            ["plan", path, t], ["copy", path, t], ["verify", path, t], ["verify", t],
            ["status", t], ["sync", path, t], ["export", path, archive], ["verify", archive],
            ["verify", archive, t], ["verify", t, archive], ["verify", path, archive],
            ["verify", path, path], ["verify", archive, archive], ["verify", t, t],
            ["import", archive, self.make_target()], ["revert", t, back], ["verify", back, path],
            ["clean", t])]
        self.assertEqual(outcomes, ["planned"] + ["verified"] * 3 + ["done"] + ["verified"] * 12
                         + ["done"])

    def test_what_differs(self):
        path = self.make_source(SHOP)
        self.report("copy", path, self.target)
        self.sql("UPDATE a SET n = 'z' WHERE id = 2")
        report = self.report("verify", path, self.target, exit_code=4)
        self.assertEqual(report["outcome"], "differs")
        difference, = next(t for t in report["tables"] if t["source_name"] == "a")["differences"]
        self.assertEqual((difference["column"], difference["kind"]), ("n", "changed"))

    def test_less_proof_is_never_called_verified(self):
        for verify in ("counts", "off"):
            run = self.copy(self.make_source(SHOP, f"{verify}.db"), "--verify", verify,
                            target=self.make_target())
            self.assertEqual((run.exit_code, run.report["outcome"]), (0, "copied"), str(run))

    def test_files_are_what_standard_output_says_and_for_their_owner_alone(self):
        file, page = self.dir / "r.json", self.dir / "r.html"
        report = self.report("plan", self.make_source(SHOP), self.target, "--report", file,
                             "--report", page)
        self.assertEqual(json.loads(file.read_text())["tables"], report["tables"])
        for path in (file, page):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.tables_in_target(), [])

    def test_what_goes_where(self):
        path = self.make_source(SHOP)

        def copy(*options):
            run = lite2pg("copy", path, self.make_target(), *options)
            self.assertEqual(run.exit_code, 0, str(run))
            return run

        plain = copy()
        self.assertIn("verified", plain.out)
        self.assertEqual(re.findall(r"(?m)^([a-z-]+): ", plain.err), STAGES[:-1])
        quiet = copy("-q")
        self.assertEqual((quiet.err, len(quiet.out.splitlines())), ("", 1))
        self.assertEqual(copy("--progress", "never").err, "")
        events = [json.loads(line) for line in copy("--progress", "json").err.splitlines()]
        self.assertLessEqual({"stage_begin", "stage_end", "table_begin", "table_end",
                              "object_done"}, {e["event"] for e in events})
        self.assertEqual([e["stage"] for e in events if e["event"] == "stage_begin"], STAGES)
        unreachable = with_options(self.target, port="1", password="sEcReT")
        for options in ([], ["-v"], ["--format", "json"], ["--progress", "json"]):
            run = lite2pg("copy", path, unreachable, *options, env={"PGPASSWORD": "sEcReT-2"})
            self.assertEqual(run.exit_code, 7, str(run))
            self.assertNotIn("sEcReT", run.out + run.err)


class Signals(EndToEndTest):
    def build(self, db):
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", ((i, "v" * 200) for i in range(60000)))

    def start(self, path):
        """A copy that has come to its data, which take their time."""
        self.sql("DROP TABLE IF EXISTS t; CREATE TABLE t (id bigint PRIMARY KEY, v text);"
                 "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                 " IF NEW.id % 1000 = 0 THEN PERFORM pg_sleep(0.2); END IF; RETURN NEW; END$$;"
                 "CREATE TRIGGER slow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION slow()")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        words = [BIN, "copy", path, self.target, "--format", "json", "--restart"]
        process = subprocess.Popen(words, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY %'"
                        " AND datname = current_database() AND state = 'active'")[0][0]:
                return process
            time.sleep(0.02)
        self.fail("no data were loaded")

    def test_one_interrupts_and_a_second_ends(self):
        path = self.make_source(build=self.build)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start(path)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 10, (number, out, err))
            self.assertEqual(json.loads(out)["outcome"], "interrupted")
        process = self.start(path)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)


if __name__ == "__main__":
    unittest.main()
