"""Kills a copy at every failpoint, resumes it, and lets the independent judge look: nothing lost,
nothing doubled, the source untouched. LITE2PG_FAILPOINTS=all tries every place with every kind of
copy, and later hits of each too."""

import os
import re
import subprocess
import unittest

from existing_support import BALLAST_SQL, add_ballast
from harness import (BIN, ROOT, EndToEndTest, execute, lite2pg, snapshot_of_files,
                     with_options)

SOURCE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, note TEXT DEFAULT 'none');
CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree(id), v REAL CHECK (v >= 0));
CREATE TABLE pair (a TEXT, b INTEGER, c BLOB, PRIMARY KEY (a, b DESC)) WITHOUT ROWID;
CREATE TABLE keyless (rowid TEXT, oid TEXT, _rowid_ INTEGER);
CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, p INTEGER REFERENCES parent(id),
                    t TEXT COLLATE NOCASE, twice INTEGER AS (p * 2) STORED);
CREATE TABLE blank (x TEXT);
CREATE INDEX child_t ON child(t);
CREATE VIEW names AS SELECT name FROM parent;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO parent(id, name) SELECT i * 3 - 100, 'name ' || i FROM n;
INSERT INTO tree SELECT id + 100, CASE WHEN id > 0 THEN 103 END, abs(id) / 7.0 FROM parent
  WHERE id > 0 OR id = -97 ORDER BY id;
UPDATE tree SET up = (SELECT min(id) FROM tree) WHERE up IS NOT NULL;
INSERT INTO pair SELECT 'k' || (id % 7), id, zeroblob(abs(id % 50)) FROM parent;
INSERT INTO keyless SELECT 'x' || (id % 5), NULL, id % 3 FROM parent;
INSERT INTO child(p, t) SELECT id, 'T' || id FROM parent;
"""
# Places that a copy into tables of its own does not reach are reached by the other kinds.
EXISTING = """
CREATE TABLE direct (id bigint PRIMARY KEY, v text);
CREATE INDEX direct_v ON direct (v);
CREATE TABLE merged (id bigint PRIMARY KEY, direct_id bigint REFERENCES direct (id), v text);
CREATE INDEX merged_v ON merged (v);
CREATE TABLE filled (id bigint PRIMARY KEY, v text NOT NULL);
INSERT INTO merged (id, v) VALUES (-1, 'was here');
"""
EXISTING_SOURCE = """
CREATE TABLE direct (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE merged (id INTEGER PRIMARY KEY, direct_id INTEGER, v TEXT);
CREATE TABLE filled (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE made (id INTEGER PRIMARY KEY, direct_id INTEGER REFERENCES direct(id), v TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO direct SELECT i, 'v' || i FROM n;
INSERT INTO merged SELECT id, id, v FROM direct;
INSERT INTO filled SELECT id, CASE WHEN id % 3 THEN v END FROM direct;
INSERT INTO made SELECT id, id, v FROM direct;
"""
ORPHANS = """
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id), n INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
INSERT INTO parent SELECT i FROM n;
INSERT INTO child SELECT id, CASE WHEN id = 7 THEN 1000 ELSE id END,
  CASE WHEN id = 5 THEN 'five' ELSE id END FROM parent;
"""
# A first run is killed here, so that its resume reaches the places of resuming.
FIRST_STOP = "data.loaded:1:kill"
ALL = os.environ.get("LITE2PG_FAILPOINTS") == "all"
HITS = ("1", "2", "5", "20") if ALL else ("1",)

# What each kind of copy reaches besides what all do; without "all" only these are tried of it.
OF_MERGES = ("pre_data.merge_table.before", "pre_data.merge_table.done",
             "pre_data.set_aside.recorded", "pre_data.set_aside.commit",
             "resume.reload.before", "resume.reload.commit", "resume.reload.done",
             "data.fill.before", "data.fill.commit", "data.fill.done", "post_data.merge.begun",
             "post_data.merge.merged", "post_data.merge.restored", "publish.claims_given_up",
             "publish.recorded", "publish.reply_lost")
OF_DIRECT_LOADS = ("pre_data.set_aside.object", "pre_data.set_aside.done", "data.committed",
                   "data.loaded", "resume.taken_back", "resume.forgotten",
                   "post_data.restore.before", "post_data.restore.commit", "post_data.restore.done",
                   "publish.recorded", "publish.reply_lost")
OF_REJECTS = ("data.rejects.before", "data.rejects.done", "data.commit.reply_lost",
              "post_data.orphans.before", "post_data.orphans.commit", "post_data.orphans.done",
              "publish.recorded")
REACHED_BY_ALL = {"pre_data.done", "data.loaded", "data.committed", "data.commit.reply_lost",
                  "sequences.done", "verify.done", "publish.claims_given_up", "publish.recorded",
                  "publish.reply_lost", "resume.taken_back", "resume.forgotten"}
OF_ERRORS = ("data.copy.begun", "data.flush.done", "data.commit.before", "data.commit.reply_lost",
             "post_data.object.made", "verify.read_back", "publish.moved", "publish.reply_lost")


def every_failpoint():
    text = (ROOT / "engine/base/failpoint.cc").read_text()
    names = re.search(r"kFailpoints\[\] = \{(.*?)\};", text, re.S).group(1)
    return re.findall(r'"([a-z_.]+)"', names)


def failpoints():
    """Of a copy that one process makes; the others are in archive_resume_test and join_test."""
    return [name for name in every_failpoint() if not name.startswith(("export.", "share."))]


class Failpoints(EndToEndTest):
    def run_with(self, failpoint, path, *options):
        return self.copy(path, *options, env={"LITE2PG_FAILPOINT": failpoint} if failpoint else {})

    def finish(self, path, options, exit_code=0):
        """Resumes, or begins where nothing had begun; the server may still end old sessions."""
        for _ in range(3):
            run = self.copy(path, "--resume", *options)
            if run.exit_code == 11 and ("L2P6003", 11) in run.errors():
                run = self.copy(path, *options)
            if run.exit_code == exit_code:
                return run
        self.fail(str(run))
        return run

    def kill_everywhere(self, names, path, options, judge, prepare=lambda: None, exit_code=0):
        before = snapshot_of_files(path)
        self.reached = set()
        for name in failpoints() if ALL else names:
            for hit in HITS:
                with self.subTest(failpoint=name, hit=hit):
                    self.trial(name, hit, path, options, judge, prepare, exit_code)
                self.assertEqual(snapshot_of_files(path), before)
        self.assertEqual([name for name in names if name not in self.reached], [])

    def trial(self, name, hit, path, options, judge, prepare, exit_code):
        self.sql("DROP SCHEMA IF EXISTS lite2pg CASCADE")
        for schema, in self.sql("SELECT nspname FROM pg_namespace"
                                " WHERE nspname LIKE 'lite2pg\\_staging%'"):
            self.sql(f'DROP SCHEMA "{schema}" CASCADE')
        self.sql("DROP SCHEMA public CASCADE")
        self.sql("CREATE SCHEMA public")
        prepare()
        if name.startswith("resume."):
            run = self.run_with(FIRST_STOP, path, *options)
            self.assertEqual(run.exit_code, -9, str(run))
            run = self.run_with(f"{name}:{hit}:kill", path, "--resume", *options)
        else:
            run = self.run_with(f"{name}:{hit}:kill", path, *options)
        if run.exit_code == exit_code:
            judge(run)
            return  # not reached, or not so often
        self.reached.add(name)
        self.assertEqual(run.exit_code, -9, str(run))
        run = self.finish(path, options, exit_code)
        judge(run)
        left = [t for t in self.tables_in_target() if "staging" in t or "merge_" in t]
        self.assertEqual(left, [])
        self.assertEqual(self.sql("SELECT state FROM lite2pg.run ORDER BY started_at DESC LIMIT 1"),
                         [("done",)])
        self.assertEqual(self.sql("SELECT count(*) FROM lite2pg.set_aside WHERE NOT restored"),
                         [(0,)])

    def setUp(self):
        super().setUp()
        version = subprocess.run([BIN, "--version"], capture_output=True, check=True).stdout
        if b"failpoints" not in version:
            self.skipTest("this build has no failpoints")

    def test_killed_anywhere_while_it_creates(self):
        path = self.make_source(SOURCE)
        script = self.dir / "script.sql"
        script.write_text("SELECT 1;")
        options = ["--before-sql", str(script), "--after-sql", str(script)]

        def judge(run):
            self.assertEqual(run.report["outcome"], "verified", str(run))
            self.assert_equal_copy(path, run)

        others = set(OF_MERGES + OF_DIRECT_LOADS + OF_REJECTS) - REACHED_BY_ALL
        names = [name for name in failpoints() if name not in others]
        self.assertGreaterEqual(len(names), 40)
        self.kill_everywhere(names, path, options, judge)

    def test_killed_anywhere_while_it_loads_into_existing_tables(self):
        path = self.make_source(EXISTING_SOURCE)
        options = ["--schema-mode", "mixed", "--existing-rows", "upsert", "--fill", "filled.v=none"]

        def judge(run):
            self.assertEqual(run.report["outcome"], "verified", str(run))
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT id), min(v), max(v)"
                                      " FROM direct"), [(200, 200, "v1", "v99")])
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT id) FROM merged"),
                             [(201, 201)])
            self.assertEqual(self.sql("SELECT count(*), count(*) FILTER (WHERE v = 'none')"
                                      " FROM filled"), [(200, 66)])
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT direct_id) FROM made"),
                             [(200, 200)])
            self.assertEqual(self.sql("SELECT indexrelid::regclass::text FROM pg_index i"
                                      " JOIN pg_class c ON c.oid = indrelid"
                                      " WHERE relnamespace = 'public'::regnamespace AND indisvalid"
                                      " AND relname IN ('direct', 'merged') ORDER BY 1"),
                             [("direct_pkey",), ("direct_v",), ("merged_pkey",), ("merged_v",)])
            self.assertEqual(self.sql("SELECT convalidated, conrelid::regclass::text"
                                      " FROM pg_constraint WHERE contype = 'f' ORDER BY 2"),
                             [(True, "made"), (True, "merged")])

        self.kill_everywhere(OF_MERGES, path, options, judge, lambda: self.sql(EXISTING))

    def test_killed_anywhere_while_it_loads_straight_into_existing_tables(self):
        def build(db):
            db.executescript(EXISTING_SOURCE)
            add_ballast(db)

        path = self.make_source(build=build)

        def judge(run):
            self.assertEqual(run.report["outcome"], "verified", str(run))
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT id) FROM direct"),
                             [(200, 200)])
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT direct_id) FROM merged"),
                             [(200, 200)])
            self.assertEqual(self.sql("SELECT count(*), sum(length(data)) FROM ballast"),
                             [(17, 17 << 20)])
            self.assertEqual(self.sql("SELECT conname FROM pg_constraint WHERE contype = 'f'"
                                      " AND convalidated"), [("merged_direct_id_fkey",)])
            self.assertEqual(self.sql("SELECT count(*) FROM pg_index i JOIN pg_class c"
                                      " ON c.oid = i.indexrelid WHERE indisvalid AND relname IN"
                                      " ('direct_pkey', 'direct_v', 'merged_pkey', 'merged_v',"
                                      " 'filled_pkey')"), [(5,)])

        self.kill_everywhere(
            OF_DIRECT_LOADS, path,
            ["--schema-mode", "existing", "--exclude", "made", "--exclude", "filled"], judge,
            lambda: (self.sql(EXISTING), self.sql("DELETE FROM merged"), self.sql(BALLAST_SQL)))

    def test_killed_anywhere_while_it_sets_rows_aside(self):
        path = self.make_source(ORPHANS)
        options = ["--orphans", "reject", "--on-bad-value", "reject", "--schema-mode", "mixed"]

        def judge(run):
            self.assertEqual(run.report["outcome"], "rejected", str(run))
            self.assertEqual(self.sql("SELECT count(*), sum(id) FROM child"), [(97, 5050 - 5 - 7 - 9)])
            self.assertEqual(self.sql("SELECT count(*), count(DISTINCT row_key)"
                                      " FROM lite2pg.reject"), [(3, 3)])
            table = run.table("child")
            self.assertEqual((table["rows_source"], table["rows_copied"], table["rows_rejected"]),
                             (100, 97, 3))

        self.kill_everywhere(
            OF_REJECTS, path, options, judge,
            lambda: self.sql("CREATE TABLE child (id bigint PRIMARY KEY, p bigint,"
                             " n int CHECK (n <> 9))"
                             ";CREATE TABLE parent (id bigint PRIMARY KEY);"
                             "ALTER TABLE child ADD FOREIGN KEY (p) REFERENCES parent (id)"),
            exit_code=3)

    def test_killed_where_no_schema_may_be_created_for_what_is_staged(self):
        role = "limited_" + os.urandom(4).hex()
        execute(self.admin, f"CREATE ROLE {role} LOGIN")
        self.addCleanup(execute, self.admin, f"DROP OWNED BY {role}; DROP ROLE {role}")
        execute(self.admin, f"CREATE SCHEMA mine AUTHORIZATION {role}")
        path = self.make_source(SOURCE)
        self.target = with_options(self.target, user=role)
        options = ["--target-schema", "mine"]
        for name in ("pre_data.ddl.done", "data.loaded", "post_data.built", "publish.recorded",
                     "publish.reply_lost"):
            with self.subTest(failpoint=name):
                run = self.run_with(f"{name}:1:kill", path, *options)
                self.assertEqual(run.exit_code, -9, str(run))
                run = self.finish(path, options)
                self.assertEqual(run.report["outcome"], "verified", str(run))
                self.assert_equal_copy(path, run, schema="mine", check_schema=False)
                tag = run.report["run_id"][:8]
                left = self.sql("SELECT relname FROM pg_class"
                                " WHERE relnamespace = 'mine'::regnamespace")
                self.assertEqual([n for n, in left if tag in n], [])
                run = lite2pg("status", self.target, "--target-schema", "mine", "--undo-sql")
                self.sql(run.out)
                run = lite2pg("clean", self.target, "--target-schema", "mine")
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(self.sql("SELECT relname FROM pg_class"
                                          " WHERE relnamespace = 'mine'::regnamespace"), [])

    def test_killed_beside_its_embedded_cluster(self):
        path = self.make_source(SOURCE)
        for name in ("data.loaded", "publish.reply_lost"):
            with self.subTest(failpoint=name):
                directory = self.dir / name.replace(".", "_")
                target = f"pgdata:{directory}"
                run = self.copy(path, target=target, env={"LITE2PG_FAILPOINT": f"{name}:1:kill"})
                self.assertEqual(run.exit_code, -9, str(run))
                shown = lite2pg("status", target, "--format", "json")
                self.assertEqual(shown.exit_code, 0, str(shown))
                self.assertTrue(shown.report["runs"][0]["resumable"], str(shown))
                run = self.copy(path, "--resume", target=target)
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(run.report["outcome"], "verified", str(run))

    def test_a_certificate_is_whole_though_the_run_was_killed_after_publish(self):
        path = self.make_source(SOURCE)
        file = self.dir / "certificate.json"
        for name in ("publish.committed", "publish.run_done"):
            with self.subTest(failpoint=name):
                self.target = self.make_target()
                file.unlink(missing_ok=True)
                options = ["--write-certificate", str(file)]
                run = self.run_with(f"{name}:1:kill", path, *options)
                self.assertEqual(run.exit_code, -9, str(run))
                self.finish(path, options)
                run = lite2pg("verify", path, "--certificate", file, "--format", "json")
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(sorted(t["source_name"] for t in run.report["tables"]),
                                 ["blank", "child", "keyless", "pair", "parent", "tree"])

    def test_children_are_told_though_their_parents_rows_are_taken_back_with_them(self):
        path = self.make_source("""
            CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id));
            CREATE TABLE softer (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id));
            INSERT INTO parent VALUES (1), (2), (3);
            INSERT INTO child VALUES (1, 1), (2, 2), (3, NULL);
            INSERT INTO softer SELECT * FROM child;""")
        tables = """
            CREATE TABLE parent (id bigint PRIMARY KEY, up bigint);
            CREATE TABLE child (id bigint PRIMARY KEY, p bigint REFERENCES parent
              ON DELETE CASCADE);
            CREATE TABLE softer (id bigint PRIMARY KEY, p bigint REFERENCES parent
              ON DELETE SET NULL);"""
        others = "INSERT INTO child VALUES (-1, NULL); INSERT INTO parent VALUES (-1, NULL)"
        circle = "ALTER TABLE parent ADD FOREIGN KEY (up) REFERENCES child ON DELETE CASCADE"
        for case, before in (("a tree", ""), ("a circle", circle)):
            for meanwhile in ("SELECT 1", others):
                for ends in ("error", "kill"):
                    with self.subTest(case, meanwhile=meanwhile, ends=ends):
                        self.target = self.make_target()
                        self.sql(tables + before)
                        run = self.copy(path, "--schema-mode", "existing", env={
                            "LITE2PG_TEST_LIMITS": "merge_bytes=1",
                            "LITE2PG_FAILPOINT": f"publish.begin:1:{ends}"})
                        self.check_taken_back(run, path, ends, meanwhile)

    def check_taken_back(self, run, path, ends, meanwhile):
        counts = ("SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM child),"
                  " (SELECT count(*) FROM softer), (SELECT count(*) FROM softer WHERE p IS NULL)")
        limits = {"LITE2PG_TEST_LIMITS": "merge_bytes=1"}
        options = ["--schema-mode", "existing"]
        if ends == "error":
            self.assertEqual(run.exit_code, 1, str(run))
            self.assertEqual(len(run.report["errors"]), 1, str(run))
            self.assertEqual(self.sql(counts), [(0, 0, 0, 0)])
            self.assertEqual(self.sql("SELECT count(*) FROM lite2pg.chunk"), [(0,)])
        else:
            self.assertEqual(run.exit_code, -9, str(run))
            self.sql(meanwhile)
            run = self.copy(path, "--resume", *options, env=limits)
            more = 1 if "INSERT" in meanwhile else 0
            # Rows that came meanwhile make it a load beside rows of others, which is another plan.
            if more:
                self.assertIn(run.exit_code, (8, 11), str(run))
                self.assertEqual(self.sql(counts), [(1, 1, 0, 0)])
            else:
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(self.sql(counts), [(3, 3, 3, 1)])

    def test_an_import_that_was_killed_is_seen_and_goes_on(self):
        path = self.make_source(SOURCE)
        archive = self.dir / "archive"
        run = lite2pg("export", path, archive, "--format", "json")
        self.assertEqual(run.exit_code, 0, str(run))
        command = ["import", archive, self.target, "--format", "json"]
        run = lite2pg(*command, env={"LITE2PG_FAILPOINT": "data.loaded:1:kill"})
        self.assertEqual(run.exit_code, -9, str(run))
        shown = lite2pg("status", self.target, "--format", "json").report["runs"][0]
        self.assertTrue(shown["resumable"], shown)
        self.assertIn("lite2pg import", shown["next_step"])
        # Neither a new one nor a copy passes it over, and a copy does not go on with it.
        self.assert_fails(lite2pg(*command), 11, "L2P6002")
        self.assert_fails(self.copy(path), 11, "L2P6002")
        self.assert_fails(self.copy(path, "--resume"), 11, "L2P1007")
        run = lite2pg(*command, "--resume")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assert_equal_copy(path, run)
        self.assertEqual([t for t in self.tables_in_target() if "staging" in t], [])

    def test_an_error_anywhere_can_be_resumed_and_says_so(self):
        path = self.make_source(SOURCE)
        before = snapshot_of_files(path)
        for name in failpoints() if ALL else OF_ERRORS:
            with self.subTest(failpoint=name):
                self.target = self.make_target()
                run = self.run_with(f"{name}:1:error", path)
                if run.exit_code == 0 and name not in OF_ERRORS:
                    continue
                self.assertEqual(run.exit_code, 1, str(run))
                if name in OF_ERRORS and name != "publish.reply_lost":
                    self.assertEqual(self.sql("SELECT state FROM lite2pg.run"), [("interrupted",)])
                    self.assertIn("--resume", run.report["next_steps"][0])
                run = self.finish(path, [])
                self.assert_equal_copy(path, run)
                self.assertEqual(snapshot_of_files(path), before)


if __name__ == "__main__":
    unittest.main()
