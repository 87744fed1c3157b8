"""plan, which is copy --dry-run, changes nothing on either side and tells what copy would do."""

import tempfile
import unittest

from harness import (EndToEndTest, execute, lite2pg, server, snapshot_of_files,
                     with_options)

SCRIPT = """
CREATE TABLE a (id INTEGER PRIMARY KEY, d DATE, x);
CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a(id));
CREATE INDEX b_a ON b(a_id);
INSERT INTO a VALUES (1, '2024-01-01', 1), (2, '2024-01-02', 'two');
INSERT INTO b VALUES (1, 1), (2, 99);
"""


class Plan(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        # A server where nobody else takes transaction numbers.
        cls.server_dir = tempfile.mkdtemp(prefix="lite2pg-plan-")
        server.start(cls.server_dir)
        cls.addClassCleanup(server.stop, cls.server_dir)
        conninfo = server.conninfo(cls.server_dir)
        execute(conninfo, "ALTER SYSTEM SET autovacuum = off")
        execute(conninfo, "SELECT pg_catalog.pg_reload_conf()")

    def make_target(self, **kwargs):
        return super().make_target(server_conninfo=server.conninfo(self.server_dir), **kwargs)

    def state(self):
        """What any write would move: the next transaction number, and the catalogs."""
        return self.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text,"
                        " (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_namespace),"
                        " (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_depend)")

    def plan(self, path, *options, **kwargs):
        return lite2pg("plan", path, self.target, "--format", "json", *options, **kwargs)

    def test_changes_nothing(self):
        path = self.make_source(SCRIPT)
        before_source, before_target = snapshot_of_files(path), self.state()
        run = self.plan(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "planned")
        self.assertEqual(snapshot_of_files(path), before_source)
        self.assertEqual(self.state(), before_target)
        self.assertEqual(self.tables_in_target(), [])
        self.assertFalse(list(self.dir.glob("*-journal")) + list(self.dir.glob("*-wal")))

    def test_tells_how_many_rows_are_there(self):
        path = self.make_source("CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (9);"
                                "CREATE TABLE b (id INTEGER PRIMARY KEY);"
                                "CREATE TABLE c (id INTEGER PRIMARY KEY);")
        self.sql("CREATE TABLE a (id bigint PRIMARY KEY); INSERT INTO a VALUES (1), (2);"
                 "CREATE TABLE b (id bigint PRIMARY KEY);")
        run = self.plan(path, "--schema-mode", "mixed")
        self.assert_fails(run, 12, "L2P3006")
        self.assertEqual({t["source_name"]: (t["rows_source"], t["rows_target"])
                          for t in run.report["tables"]},
                         {"a": (1, 2), "b": (0, 0), "c": (0, 0)})
        text = lite2pg("plan", path, self.target, "--schema-mode", "mixed").out
        self.assertIn("2 there already", text)

    def test_says_what_the_copy_will_need(self):
        path = self.make_source("""
            CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER); CREATE INDEX t_v ON t(v);
            WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000)
            INSERT INTO t SELECT i, printf('%050d', i), i FROM c""")
        before = self.state()
        plan = self.plan(path).report["estimate"]
        self.assertEqual(self.state(), before)
        self.assertFalse(plan["measured"])
        self.assertIn("guess", plan["basis"])
        self.assertGreater(plan["connections_free"], plan["connections_wanted"])
        probed = self.plan(path, "--probe").report["estimate"]
        self.assertTrue(probed["measured"])
        self.assertIn("temporary table", probed["basis"])
        self.assertEqual(self.tables_in_target(), [])
        self.assertEqual(probed["rows"], 50000)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        [(bytes_used,)] = self.sql("SELECT pg_total_relation_size('t')")
        self.assertLess(abs(bytes_used - plan["target_bytes"]), 0.25 * bytes_used,
                        f"{bytes_used} bytes, and {plan['target_bytes']} were expected")
        took = run.report["resources"]["wall_seconds"]
        self.assertLess(probed["seconds"], 20 * took + 1)
        self.assertGreater(probed["seconds"], took / 20 - 0.2)
        text = lite2pg("plan", path, self.make_target())
        self.assertIn("Estimate", text.out)
        self.assertIn("connections", text.out)

    def test_a_burst_that_the_server_refuses_is_only_a_note(self):
        path = self.make_source(SCRIPT)
        name = self.sql("SELECT current_database()")[0][0]
        execute(self.admin, f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC;"
                            f"CREATE ROLE prober_{name} LOGIN;"
                            f"GRANT CREATE ON SCHEMA public TO prober_{name};"
                            f"GRANT CREATE ON DATABASE {name} TO prober_{name}")
        self.target = with_options(self.target, user=f"prober_{name}")
        run = self.plan(path, "--probe")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertFalse(run.report["estimate"]["measured"])
        self.assertIn("--probe", str(run.findings("L2P5004")))

    def test_more_tables_than_can_be_published_at_once(self):
        # Each takes two locks, its own and its sequence's; the server has 64 for each connection.
        [(room,)] = self.sql("SELECT current_setting('max_connections')::int"
                             " * current_setting('max_locks_per_transaction')::int")

        def build(db):
            for i in range(room // 2 + 1):
                db.execute(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY)")
        path = self.make_source(build=build)
        run = self.plan(path)
        self.assertEqual(run.exit_code, 12, str(run)[:3000])
        [finding] = run.findings("L2P3009")
        self.assertIn(str(room), finding["message"])
        self.assertIn("--target-schema", finding["hint"])
        # A schema that does not exist yet is renamed as a whole.
        self.assertEqual(self.plan(path, "--target-schema", "fresh").exit_code, 0)

    def test_is_what_a_dry_run_prints(self):
        path = self.make_source(SCRIPT)
        plan = self.plan(path)
        dry = self.copy(path, "--dry-run")
        self.assertEqual(dry.exit_code, 0, str(dry))
        self.assertEqual(self.tables_in_target(), [])
        self.assertEqual([t["columns"] for t in plan.report["tables"]],
                         [t["columns"] for t in dry.report["tables"]])

    def test_foretells_the_types_of_the_copy(self):
        path = self.make_source(SCRIPT)
        planned = self.plan(path)
        copied = self.copy_and_judge(path)

        def types(run):
            return {(t["source_name"], c["source_name"]): c["target_type"]
                    for t in run.report["tables"] for c in t["columns"]}
        self.assertEqual(types(planned), types(copied))
        self.assertEqual(types(planned)["a", "d"], "date")

    def test_never_makes_a_cluster(self):
        path = self.make_source(SCRIPT)
        run = lite2pg("plan", path, f"pgdata:{self.dir}/new.pgdata", "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertFalse((self.dir / "new.pgdata").exists())

    def test_says_what_would_stop_the_copy(self):
        path = self.make_source(SCRIPT)
        self.sql("CREATE TABLE a (id int PRIMARY KEY, d date, x int)")
        self.sql("CREATE TABLE b (id int PRIMARY KEY, a_id int)")
        self.sql("INSERT INTO a VALUES (5, NULL, NULL)")
        run = self.plan(path)
        self.assertEqual(run.exit_code, 12, str(run))
        self.assertTrue([f for f in run.findings() if f["severity"] == "blocking"], str(run))
        # And the copy stops there, before it writes.
        copy = self.copy(path)
        self.assertIn(copy.exit_code, (12, 8, 14), str(copy))
        self.assertEqual(self.sql("SELECT id FROM a"), [(5,)])
        self.assertEqual(self.sql("SELECT id FROM b"), [])


    def test_deep_finds_orphans_and_keys_that_are_equal_in_the_target_only(self):
        path = self.make_source(SCRIPT + """
            CREATE TABLE mixed (id PRIMARY KEY, v) WITHOUT ROWID;
            INSERT INTO mixed VALUES (1, 'a'), ('1', 'b'), ('x', 'c');
            CREATE TABLE ids (id UUID PRIMARY KEY, n INTEGER);
            INSERT INTO ids VALUES ('6f9619ff-8b86-d011-b42d-00c04fc964ff', 1),
              ('6F9619FF8B86D011B42D00C04FC964FF', 2), (NULL, 3), (NULL, 4);
            CREATE TABLE prices (p DECIMAL(10,2) UNIQUE, t TEXT COLLATE NOCASE UNIQUE);
            INSERT INTO prices VALUES (1.5, 'a'), (2, 'b');
            """)
        before = self.state()
        run = self.plan(path, "--deep")
        self.assertEqual(run.exit_code, 0, str(run))
        said = {}
        for finding in run.findings("L2P4006"):
            said[finding["object"]] = said.get(finding["object"], "") + finding["message"]
        self.assertIn("a_id=99", said["b"])
        self.assertIn("id=1", said["mixed"])
        self.assertIn("rowid 1 and ", said["ids"].replace(")", ""), said)
        self.assertNotIn("prices", said)
        self.assertEqual(self.state(), before)
        # What was foretold is what the copy meets.
        copied = self.copy_and_judge(path)
        self.assertLessEqual({"b", "mixed", "ids"},
                             {f["object"].split(".")[0] for f in copied.findings("L2P4006")})
        # Without it the tables are read once only.
        self.assertNotIn("99", " ".join(f["message"] for f in self.plan(path).findings("L2P4006")))


if __name__ == "__main__":
    unittest.main()
